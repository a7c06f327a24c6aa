#!/usr/bin/env python3
"""A stand-in for Beenius (Multi TV): `python3 beenius.py --port 0`.

The platform's rules are in beenius_model.py; README.md has the manual.
"""

import beenius_model
import standin

if __name__ == "__main__":
    standin.main(beenius_model.Platform, "Stand-in for Beenius. " + beenius_model.CREDENTIALS)
