#!/usr/bin/env python3
"""A stand-in for ION: `python3 ion.py --port 0`.

The platform's rules are in ion_model.py; README.md has the manual.
"""

import ion_model
import standin

if __name__ == "__main__":
    standin.main(ion_model.Platform, "Stand-in for ION. " + ion_model.CREDENTIALS)
