#!/usr/bin/env python3
"""A stand-in for ITTV's reseller API: `python3 ittv.py --port 0`.

The platform's rules are in ittv_model.py; README.md has the manual.
"""

import ittv_model
import standin

if __name__ == "__main__":
    standin.main(ittv_model.Platform, "Stand-in for ITTV's reseller API. " + ittv_model.CREDENTIALS)
