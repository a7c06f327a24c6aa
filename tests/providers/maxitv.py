#!/usr/bin/env python3
"""A stand-in for Maxi TV: `python3 maxitv.py --port 0`.

The platform's rules are in maxitv_model.py; README.md has the manual.
"""

import maxitv_model
import standin

if __name__ == "__main__":
    standin.main(maxitv_model.Platform, "Stand-in for Maxi TV. " + maxitv_model.CREDENTIALS)
