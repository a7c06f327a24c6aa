"""MCR on the generic pack: methods in the query, view.detail among them, and 200 for all."""

from profiles.generic import (CREATE, EXPECT, MAC, OTHER_MAC, PACKAGE, PLAN, STORY, THIRD_MAC, UNKNOWN_PACKAGE, answers,  # noqa: F401
                              gone, other_account)
from profiles.generic import REFUSES as GENERIC_REFUSES

STANDIN = "mcr.py"
ENVIRONMENT = {"MCR_LOGIN": "isp", "MCR_PASSWORD": "test-only-key"}
CREDENTIALS = {"basic": {"username": "isp", "password": "test-only-key"}}
SETTINGS = {"check_packages": True, "late_notice": "block"}
REFUSES = {**GENERIC_REFUSES, "device_limit.changed": ("no_device_limit", {"device_limit": 4})}
STORY = [step for step in STORY if step[0] != "device_limit.changed"]
ERRORS = [
    ("unknown plan", "service.created", {"plan": "gold"}, None, "rejected", "unknown_plan"),
    ("login in use", "service.created", CREATE, other_account(login="ann"), "rejected", "login_in_use"),
    ("unknown package", "package.removed", {"packages": [{"id": "P99"}]}, None, "rejected", "unknown_package"),
    ("device in use", "device.added", {"device": {"mac": OTHER_MAC}}, other_account(devices=[{"mac": OTHER_MAC}]), "rejected",
     "device_in_use"),
    ("not paired", "device.removed", {"device": {"mac": THIRD_MAC}}, None, "unchanged", "not_paired"),
    ("the account is gone", "contract.blocked", {"reason": "delinquency"}, gone, "rejected", "unknown_account"),
    ("a refusal that is not known", "contract.blocked", {"reason": "delinquency"}, answers(200, '{"success":false,"error":"frozen"}'),
     "rejected", "refused_by_platform"),
    ("an answer that does not say", "contract.blocked", {"reason": "delinquency"}, answers(200, '{"warning":"x"}'), "in doubt",
     "attempts_exhausted"),
]
# An empty 200 says neither yes nor no here.
