"""Stalker / Ministra: what the suite needs to know of it, in our words."""

import json

STANDIN = "stalker.py"
ENVIRONMENT = {"STALKER_LOGIN": "billing", "STALKER_PASSWORD": "test-only-secret"}
CREDENTIALS = {"portal": {"username": "billing", "password": "test-only-secret"}}

MAC, OTHER_MAC, THIRD_MAC = "00:1A:79:2C:D1:C1", "00:1A:79:1E:73:E1", "00:1A:79:00:00:03"
CREATE = {"plan": "3", "password": "s3cret & more", "packages": [{"id": "P1"}], "devices": [{"mac": "001a.792c.d1c1"}],
          "subscriber": {"name": "Тест Один", "phone": "+380 50 000"}}
EXPECT = {"exists": True, "status": "active", "plan": "3", "packages": ["P1"], "devices": [MAC]}
PACKAGE = "P2"
PLAN = "7"


def other_account(**fields):
    """Another account is there first."""
    def prepare(place):
        data = {"plan": "3", **fields}
        place.play("service.created", data, {}, service="778").ends("applied")
    return prepare


def api_off(place):
    place.control("POST", "api", "enabled=0")


def another_number(place):
    """Somebody gives the account another number in the portal's panel: what is said to the old one reaches no box."""
    place.play("subscriber.updated", {"subscriber": {"account_number": "900"}}, {}).ends("applied")


def says(error, **match):
    """The portal's own words for a failure, to the next request like @match."""
    return {"match": match, "action": "status", "status": 200, "headers": {"Content-Type": "application/json"},
            "body": json.dumps({"status": "ERROR", "results": None, "error": error})}


def gone(place):
    place.play("service.deleted", {}, {}).ends("applied")


STORY = [
    ("service.created", CREATE),
    ("service.updated", {"comment": "2nd floor", "balance": "-1.50"}),
    ("subscriber.updated", {"subscriber": {"name": "New Name", "phone": "9"}}),
    ("package.added", {"packages": [{"id": "P2"}, {"id": "P3"}]}),
    ("package.removed", {"packages": [{"id": "P1"}]}),
    ("plan.changed", {"plan": "7"}),
    ("credentials.changed", {"password": "n3w+1"}),
    ("contract.late_notice", {}),
    ("contract.activated", {}),
    ("contract.blocked", {"reason": "delinquency"}),
    ("contract.suspended", {}),
    ("contract.unblocked", {"reason": "delinquency"}),
    ("contract.reactivated", {}),
    ("device.replaced", {"old": {"mac": MAC}, "new": {"mac": OTHER_MAC}}),
    ("device.removed", {"device": {"mac": OTHER_MAC}}),
    ("device.added", {"device": {"mac": THIRD_MAC}}),
    ("message.requested", {"message": {"text": "Доброго дня & all", "ttl_s": 60}}),
    ("contract.awaiting_signature", {}),
    ("contract.cancelled", {}),
    ("service.deleted", {}),
]

WARN = {"late_notice": "message", "late_notice_text": "Please pay"}

ERRORS = [
    ("unknown tariff", "service.created", {"plan": "99"}, None, "rejected", "unknown_plan"),
    ("login in use", "service.created", {"login": "778", "plan": "3"}, other_account(login="778"), "rejected", "login_in_use"),
    ("account number in use", "service.created", {"plan": "3", "subscriber": {"account_number": "778"}}, other_account(),
     "rejected", "account_number_in_use"),
    ("box in use", "service.created", CREATE, other_account(devices=[{"mac": MAC}]), "rejected", "device_in_use"),
    ("twelve characters are a MAC address", "service.created", {"plan": "3", "subscriber": {"account_number": "123456789012"}},
     None, "rejected", "account_number_too_long"),
    ("no option of the plan", "service.created", {"plan": "3", "packages": [{"id": "4"}]}, None, "dead", "package_not_available"),
    ("unknown tariff", "plan.changed", {"plan": "99"}, None, "rejected", "unknown_plan"),
    ("no option of the plan", "package.added", {"packages": [{"id": "4"}]}, None, "rejected", "package_not_available"),
    ("partly", "package.added", {"packages": [{"id": "P5"}, {"id": "4"}]}, None, "dead", "package_not_available"),
    ("login in use", "credentials.changed", {"login": "778"}, other_account(), "rejected", "login_in_use"),
    ("number in use", "subscriber.updated", {"subscriber": {"account_number": "778"}}, other_account(), "rejected",
     "account_number_in_use"),
    ("another box is there", "device.added", {"device": {"mac": OTHER_MAC}}, None, "rejected", "has_another_device"),
    ("not that box", "device.replaced", {"old": {"mac": THIRD_MAC}, "new": {"mac": OTHER_MAC}}, None, "rejected",
     "unknown_device"),
    ("the account is gone", "contract.blocked", {"reason": "delinquency"},
     gone, "rejected", "unknown_account"),
    ("the account is gone", "package.added", {"packages": [{"id": "P2"}]},
     gone, "rejected", "unknown_account"),
    ("Empty stb list: the account is gone", "message.requested", {"message": {"text": "Hi"}}, gone, "rejected", "unknown_account"),
    ("Empty stb list: the number is another's", "contract.late_notice", {}, another_number, "rejected", "unknown_account", WARN),
    ("Empty stb list: no box is there to forget", "device.removed", {"device": {"mac": MAC}}, another_number, "applied", ""),
    ("STB not found: no box is there to cut off", "contract.blocked", {"reason": "delinquency"}, another_number, "applied", "",
     {"cut_off": True}),
    ("Not valid mac address", "service.created", CREATE, says("Not valid mac address", method="POST"), "rejected", "invalid_mac"),
    *[(error, "contract.blocked", {"reason": "delinquency"}, says(error, method="PUT"), "rejected", "nothing_to_change")
      for error in ("Insert data is empty", "HTTP PUT data is empty", "Update data is empty")],
    *[(error, "service.created", CREATE, says(error, method="POST"), "rejected", "nothing_to_change")
      for error in ("Login required", "HTTP POST data is empty")],
    *[(error, "contract.blocked", {"reason": "delinquency"}, says(error, method="PUT"), "dead", "api_mismatch")
      for error in ("Not supported method", "Identifier required", 'Resource "users" does not support action "update"')],
    ("partial block", "contract.blocked", {"reason": "delinquency", "scope": "partial"}, None, "rejected", "invalid_input"),
    ("API off", "contract.blocked", {"reason": "delinquency"}, api_off, "dead", "api_off"),
    ("API off for a moment", "contract.blocked", {"reason": "delinquency"}, {"action": "api_off", "times": 3}, "applied", ""),
    ("stray output of PHP", "contract.blocked", {"reason": "delinquency"}, {"action": "noise"}, "applied", ""),
    ("another class file", "contract.blocked", {"reason": "delinquency"},
     {"action": "status", "status": 200, "times": 0, "headers": {"Content-Type": "application/json"},
      "body": '{"status":"ERROR","results":null,"error":"Class file for \\"RESTCommandUsers\\" not found"}'},
     "dead", "api_mismatch"),
    ("500 for ever", "contract.blocked", {"reason": "delinquency"}, {"action": "status", "status": 500, "times": 0},
     "in doubt", "attempts_exhausted"),
]
