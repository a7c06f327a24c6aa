"""ION on the generic pack: its own ids in the paths, and nothing is deleted."""

from profiles.generic import (CREATE, EXPECT, MAC, OTHER_MAC, PACKAGE, PLAN, REFUSES, STORY, THIRD_MAC, UNKNOWN_PACKAGE,  # noqa: F401
                              answers, other_account)

STANDIN = "ion.py"
ENVIRONMENT = {"ION_KEY": "test-only-key"}
CREDENTIALS = {"key": {"value": "test-only-key"}}
SETTINGS = {"check_packages": True, "late_notice": "block"}
DELETED = {"status": "terminated"}
STORY = [step for step in STORY if step[1] != {"language": "pt-BR"}]
ERRORS = [
    ("unknown plan", "service.created", {"plan": "gold"}, None, "rejected", "unknown_plan"),
    ("login in use", "service.created", CREATE, other_account(login="ann"), "rejected", "login_in_use"),
    ("made meanwhile", "service.created", {"plan": "basic"},
     {"match": {"method": "POST"}, **answers(409, '{"errors":[{"code":1001}]}')}, "rejected", "login_in_use"),
    ("unknown after others", "package.added", {"packages": [{"id": "P2"}, {"id": "P99"}]}, None, "dead", "unknown_package"),
    ("on already", "package.added", {"packages": [{"id": "P1"}]}, None, "unchanged", "already_subscribed"),
    ("one on already", "package.added", {"packages": [{"id": "P1"}, {"id": "P2"}]}, None, "applied", ""),
    ("off already", "package.removed", {"packages": [{"id": "P2"}]}, None, "unchanged", "not_subscribed"),
    ("device in use", "device.added", {"device": {"mac": OTHER_MAC}}, other_account(devices=[{"mac": OTHER_MAC}]), "rejected",
     "device_in_use"),
    ("not that device", "device.replaced", {"old": {"mac": THIRD_MAC}, "new": {"mac": OTHER_MAC}}, None, "rejected", "unknown_device"),
    ("data that it does not take", "contract.blocked", {"reason": "delinquency"}, answers(422, '{"errors":[{"code":9001}]}'),
     "rejected", "invalid_data"),
    ("a number that is not known", "contract.blocked", {"reason": "delinquency"}, answers(409, '{"errors":[{"code":7}]}'),
     "rejected", "refused_by_platform"),
]
