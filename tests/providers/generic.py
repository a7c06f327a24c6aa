#!/usr/bin/env python3
"""A stand-in for a TV platform with a REST API of the usual shape: `python3 generic.py --port 0`.

The platform's rules are in generic_model.py; README.md has the manual.
"""

import generic_model
import standin

if __name__ == "__main__":
    standin.main(generic_model.Platform, "Stand-in for a TV platform with a REST API. " + generic_model.CREDENTIALS)
