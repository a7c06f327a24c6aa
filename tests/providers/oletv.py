#!/usr/bin/env python3
"""A stand-in for the API of Olé TV: `python3 oletv.py --port 0`. The rules are in oletv_model.py, the manual in README.md."""

import oletv_model
import standin

if __name__ == "__main__":
    standin.main(oletv_model.Platform, "A stand-in for the API of Olé TV. " + oletv_model.CREDENTIALS)
