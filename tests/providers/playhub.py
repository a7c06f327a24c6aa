#!/usr/bin/env python3
"""A stand-in for the API of PlayHub: `python3 playhub.py --port 0`. The rules are in playhub_model.py, the manual in README.md."""

import playhub_model
import standin

if __name__ == "__main__":
    standin.main(playhub_model.Platform, "A stand-in for the API of PlayHub. " + playhub_model.CREDENTIALS)
