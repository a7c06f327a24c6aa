#!/usr/bin/env python3
"""A stand-in for 4NET.TV's Back Office API: `python3 fournet.py --port 0`.

The platform's rules are in fournet_model.py; README.md has the manual.
"""

import fournet_model
import standin

if __name__ == "__main__":
    standin.main(fournet_model.Platform, "Stand-in for 4NET.TV's Back Office API. " + fournet_model.CREDENTIALS)
