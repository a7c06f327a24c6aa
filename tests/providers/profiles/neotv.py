"""NEO TV asks, as CDN TV does."""

from profiles.cdntv import ASKS, CREATE, ERRORS, EXPECT, PACKAGE, PLAN, STORY, UNKNOWN_PACKAGE  # noqa: F401
