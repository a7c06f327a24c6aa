#!/usr/bin/env python3
"""A stand-in for Deezer's partner API: `python3 deezer.py --port 0`.

The platform's rules are in deezer_model.py; README.md has the manual.
"""

import deezer_model
import standin

if __name__ == "__main__":
    standin.main(deezer_model.Platform, "Stand-in for Deezer. " + deezer_model.CREDENTIALS)
