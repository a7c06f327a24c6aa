#!/usr/bin/env python3
"""A stand-in for MCR: `python3 mcr.py --port 0`.

The platform's rules are in mcr_model.py; README.md has the manual.
"""

import mcr_model
import standin

if __name__ == "__main__":
    standin.main(mcr_model.Platform, "Stand-in for MCR. " + mcr_model.CREDENTIALS)
