"""Beenius (Multi TV): what the suite needs to know of it, in our words."""

STANDIN = "beenius.py"
ENVIRONMENT = {"BEENIUS_TOKEN": "test-only-token"}
CREDENTIALS = {"bearer": {"token": "test-only-token"}}
SETTINGS = {"late_notice": "block"}

BASIC, FULL = "6d5a91ee-0000-0000-0000-00000000b001", "6d5a91ee-0000-0000-0000-00000000b002"
MOVIES, SPORTS, KIDS = ("6d5a91ee-0000-0000-0000-00000000e00%d" % i for i in (1, 2, 3))
MAC, OTHER_MAC, THIRD_MAC = "00:1A:79:2C:D1:C1", "00:1A:79:1E:73:E1", "00:1A:79:00:00:03"
CREATE = {"plan": BASIC, "login": "ann", "password": "s3cret & more", "packages": [{"id": MOVIES, "price": "19.90"}],
          "devices": [{"serial": "CASN-0001", "mac": "001a.792c.d1c1", "location": "sala", "id": "PAT-17"}],
          "subscriber": {"name": "João Teste", "email": "ann@example.com", "phone": "+55 11 90000", "document": "000.000.000-00"}}
EXPECT = {"exists": True, "status": "active", "plan": BASIC, "packages": [MOVIES], "devices": [MAC]}
PACKAGE, PLAN = SPORTS, FULL


def other_account(**fields):
    """Another subscriber is there first."""
    def prepare(place):
        place.play("service.created", {"plan": BASIC, "login": "bob", **fields}, {}, service="778").ends("applied")
    return prepare


def gone(place):
    """Deleted at the panel."""
    found = place.play("read", {}, {})["outputs"]["subscriber_id"]
    place.play("service.deleted", {}, {"ids": {"subscriber_id": found}}).ends("applied")


def answers(status, body):
    return {"action": "status", "status": status, "times": 0, "headers": {"Content-Type": "application/json"}, "body": body}


STORY = [
    ("service.created", CREATE),
    ("service.updated", {"language": "pt-BR"}),
    ("subscriber.updated", {"subscriber": {"name": "Maria Teste", "phone": "9"}}),
    ("package.added", {"packages": [{"id": SPORTS, "price": "4.90", "valid_to": "2026-12-31"}, {"id": KIDS}]}),
    ("package.removed", {"packages": [{"id": MOVIES}]}),
    ("plan.changed", {"plan": FULL}),
    ("credentials.changed", {"login": "ann2", "password": "n3w+1"}),
    ("contract.late_notice", {}),
    ("contract.activated", {}),
    ("contract.blocked", {"reason": "delinquency"}),
    ("contract.suspended", {}),
    ("contract.unblocked", {"reason": "delinquency"}),
    ("contract.reactivated", {}),
    ("device.added", {"device": {"serial": "CASN-0002", "location": "quarto", "id": "PAT-18"}}),
    ("device.added", {"device": {"serial": "CASN-0002", "location": "cozinha", "id": "PAT-18"}}),
    ("device.replaced", {"old": {"mac": MAC}, "new": {"mac": OTHER_MAC, "model": "MAG540"}}),
    ("device.removed", {"device": {"mac": OTHER_MAC}}),
    ("contract.awaiting_signature", {}),
    ("contract.cancelled", {}),
    ("service.deleted", {}),
]

REFUSES = {
    "device_limit.changed": ("no_device_limit", {"device_limit": 4}),
    "pairing_code.requested": "no_pairing_codes",
    "message.requested": ("no_messages", {"message": {"text": "Olá"}}),
    "service.converted": ("no_conversion", {"old_external_id": "c-1", "new_external_id": "70001"}),
}

ERRORS = [
    ("no default package", "service.created", {"login": "ann"}, None, "rejected", "missing_input"),
    ("unknown closed package", "service.created", {"plan": MOVIES}, None, "rejected", "unknown_plan"),
    ("unknown extra", "service.created", {"plan": BASIC, "packages": [{"id": "P99"}]}, None, "rejected", "unknown_package"),
    ("login in use", "service.created", CREATE, other_account(login="ann"), "rejected", "login_in_use"),
    ("made meanwhile", "service.created", {"plan": BASIC}, {"match": {"method": "POST"}, **answers(409, '{"errorCode":"EXTERNAL_ID_EXISTS"}')},
     "rejected", "external_id_in_use"),
    ("two bear our id", "service.created", {"plan": BASIC},
     answers(200, '{"list":[{"subscriberId":"1"},{"subscriberId":"2"}],"rowCount":2}'), "rejected", "two_accounts"),
    ("a closed package among the extras", "service.created", {"plan": BASIC, "packages": [{"id": FULL}]}, None, "dead", "unknown_package"),
    ("device in use", "service.created", CREATE, other_account(devices=[{"mac": MAC}]), "dead", "device_in_use"),
    ("too many devices", "service.created", {"plan": BASIC, "devices": [{"serial": "C%d" % i} for i in range(4)]}, None, "dead",
     "device_limit_reached"),
    ("made and gone", "service.created", {"plan": BASIC},
     {"match": {"method": "POST"}, "action": "status", "status": 201, "headers": {"Content-Type": "application/json"},
      "body": '{"subscriberId":"9"}'}, "dead", "account_lost"),
    ("login in use", "credentials.changed", {"login": "bob"}, other_account(), "rejected", "login_in_use"),
    ("a PIN cannot be set", "credentials.changed", {"pin": "1234"}, None, "unchanged", "not_kept_by_platform"),
    ("unknown closed package", "plan.changed", {"plan": "gold"}, None, "rejected", "unknown_plan"),
    ("unknown after others", "package.added", {"packages": [{"id": SPORTS}, {"id": "P99"}]}, None, "dead", "unknown_package"),
    ("unknown", "package.removed", {"packages": [{"id": "P99"}]}, None, "rejected", "unknown_package"),
    ("device in use", "device.added", {"device": {"mac": OTHER_MAC}}, other_account(devices=[{"mac": OTHER_MAC}]), "rejected",
     "device_in_use"),
    ("too many", "device.added", {"device": {"mac": OTHER_MAC}}, answers(409, '{"errorCode":"DEVICE_LIMIT_REACHED"}'), "rejected",
     "device_limit_reached"),
    ("not that point", "device.replaced", {"old": {"mac": THIRD_MAC}, "new": {"mac": OTHER_MAC}}, None, "rejected", "unknown_device"),
    ("the new one is another's", "device.replaced", {"old": {"mac": MAC}, "new": {"mac": OTHER_MAC}},
     other_account(devices=[{"mac": OTHER_MAC}]), "dead", "device_in_use"),
    ("swapped already", "device.replaced", {"old": {"mac": THIRD_MAC}, "new": {"mac": MAC}}, None, "unchanged", "already_paired"),
    ("not paired", "device.removed", {"device": {"mac": THIRD_MAC}}, None, "unchanged", "not_paired"),
    ("partial block", "contract.blocked", {"reason": "delinquency", "scope": "partial"}, None, "rejected", "no_partial_block"),
    ("the account is gone", "contract.blocked", {"reason": "delinquency"}, gone, "rejected", "unknown_account"),
    ("the account is gone", "package.added", {"packages": [{"id": SPORTS}]}, gone, "rejected", "unknown_account"),
    ("nothing of it is kept", "service.updated", {"comment": "x"}, None, "unchanged", "not_kept_by_platform"),
    ("a value that it does not take", "contract.blocked", {"reason": "delinquency"}, answers(400, '{"errorCode":"INVALID_PARAMETER"}'),
     "rejected", "invalid_data"),
    ("a code that is not known", "contract.blocked", {"reason": "delinquency"}, answers(409, '{"errorCode":"FROZEN"}'), "rejected",
     "refused_by_platform"),
    ("more than a page", "list", {}, answers(200, '{"list":[],"pageNumber":1,"pageSize":10000,"rowCount":10001}'), "rejected",
     "list_incomplete"),
    ("a wrong base URL", "service.deleted", {}, answers(404, '{"errorCode":"NO_SUCH_RESOURCE"}'), "rejected", "http_404"),
    ("500 for ever", "contract.blocked", {"reason": "delinquency"}, {"action": "status", "status": 500, "times": 0},
     "in doubt", "attempts_exhausted"),
]
