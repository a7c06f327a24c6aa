#!/usr/bin/env python3
"""A stand-in for the Stalker (Ministra) middleware's REST API v1: `python3 stalker.py --port 0`.

The portal's rules are in stalker_model.py; README.md has the manual.
"""

import stalker_model
import standin

if __name__ == "__main__":
    standin.main(stalker_model.Platform, "Stand-in for the Stalker REST API v1. " + stalker_model.CREDENTIALS)
