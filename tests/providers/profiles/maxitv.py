"""Maxi TV on the generic pack: closed packages only, which a change of plan changes."""

from profiles.generic import MAC, OTHER_MAC, PLAN, THIRD_MAC, answers, gone, other_account  # noqa: F401
from profiles.generic import CREATE as GENERIC_CREATE
from profiles.generic import REFUSES as GENERIC_REFUSES
from profiles.generic import STORY as GENERIC_STORY

STANDIN = "maxitv.py"
ENVIRONMENT = {"MAXITV_KEY": "test-only-key"}
CREDENTIALS = {"authorization": {"value": "Token test-only-key"}}
CREATE = {k: v for k, v in GENERIC_CREATE.items() if k != "packages"}
EXPECT = {"exists": True, "status": "active", "plan": "basic", "packages": [], "devices": [MAC]}
REFUSES = {**GENERIC_REFUSES, "device_limit.changed": ("no_device_limit", {"device_limit": 4}),
           "package.added": ("no_packages", {"packages": [{"id": "P2"}]}), "package.removed": ("no_packages", {"packages": [{"id": "P2"}]}),
           "contract.late_notice": "no_late_notice"}
STORY = [(step[0], CREATE, *step[2:]) if step[0] == "service.created" else step for step in GENERIC_STORY if step[0] not in REFUSES]
ERRORS = [
    ("closed packages only", "service.created", {"plan": "basic", "packages": [{"id": "P1"}]}, None, "rejected", "no_packages"),
    ("unknown plan", "service.created", {"plan": "gold"}, None, "rejected", "unknown_plan"),
    ("unknown plan", "plan.changed", {"plan": "gold"}, None, "rejected", "unknown_plan"),
    ("login in use", "service.created", CREATE, other_account(login="ann"), "rejected", "login_in_use"),
    ("too many", "device.added", {"device": {"mac": OTHER_MAC}},
     {"match": {"method": "PUT"}, **answers(409, '{"codigo":"LIMITE_DE_PONTOS"}')}, "rejected", "device_limit_reached"),
    ("the account is gone", "contract.blocked", {"reason": "delinquency"}, gone, "rejected", "unknown_account"),
]
