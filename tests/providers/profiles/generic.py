"""A platform by settings, as the pack's own settings.yaml has it."""

STANDIN = "generic.py"
ENVIRONMENT = {"GENERIC_KEY": "test-only-key"}
CREDENTIALS = {"bearer": {"token": "test-only-key"}}
SETTINGS = {"check_packages": True, "late_notice": "block"}

MAC, OTHER_MAC, THIRD_MAC = "00:1A:79:2C:D1:C1", "00:1A:79:1E:73:E1", "00:1A:79:00:00:03"
CREATE = {"plan": "basic", "login": "ann", "password": "s3cret & more", "packages": [{"id": "P1"}],
          "devices": [{"mac": "001a.792c.d1c1", "location": "sala"}],
          "subscriber": {"name": "João Teste", "email": "ann@example.com", "phone": "+55 11 90000", "document": "000.000.000-00"}}
EXPECT = {"exists": True, "status": "active", "plan": "basic", "packages": ["P1"], "devices": [MAC]}
PACKAGE, UNKNOWN_PACKAGE = "P2", "P99"
PLAN = "family"


def other_account(**fields):
    """Another account is there first."""
    def prepare(place):
        data = {"plan": "basic", "login": "bob", **fields}
        place.play("service.created", data, {}, service="778").ends("applied")
    return prepare


def gone(place):
    place.play("service.deleted", {}, {}).ends("applied")


def answers(status, body):
    return {"action": "status", "status": status, "times": 0, "headers": {"Content-Type": "application/json"}, "body": body}


STORY = [
    ("service.created", CREATE),
    ("service.updated", {"language": "pt-BR"}, "unchanged"),
    ("service.updated", {"location": "2º andar"}),
    ("subscriber.updated", {"subscriber": {"name": "Maria Teste", "phone": "9"}}),
    ("package.added", {"packages": [{"id": "P2", "price": "4.90", "valid_to": "2026-12-31"}, {"id": "P3"}]}),
    ("package.removed", {"packages": [{"id": "P1"}]}),
    ("plan.changed", {"plan": "family"}),
    ("credentials.changed", {"login": "ann2", "password": "n3w+1"}),
    ("contract.late_notice", {}),
    ("contract.activated", {}),
    ("contract.blocked", {"reason": "delinquency"}),
    ("contract.suspended", {}),
    ("contract.unblocked", {"reason": "delinquency"}),
    ("contract.reactivated", {}),
    ("device.added", {"device": {"serial": "CASN-0001", "location": "quarto"}}),
    ("device.added", {"device": {"serial": "CASN-0001", "location": "cozinha"}}),
    ("device.replaced", {"old": {"mac": MAC}, "new": {"mac": OTHER_MAC, "model": "MAG540"}}),
    ("device.removed", {"device": {"mac": OTHER_MAC}}),
    ("device_limit.changed", {"device_limit": 5}),
    ("contract.awaiting_signature", {}),
    ("contract.cancelled", {}),
    ("service.deleted", {}),
]

REFUSES = {
    "pairing_code.requested": "no_pairing_codes",
    "message.requested": ("no_messages", {"message": {"text": "Olá"}}),
    "service.converted": ("no_conversion", {"old_external_id": "c-1", "new_external_id": "70001"}),
}

ERRORS = [
    ("no plan", "service.created", {"login": "ann"}, None, "rejected", "missing_input"),
    ("unknown plan", "service.created", {"plan": "gold"}, None, "rejected", "unknown_plan"),
    ("unknown package", "service.created", {"plan": "basic", "packages": [{"id": "P99"}]}, None, "rejected", "unknown_package"),
    ("login in use", "service.created", CREATE, other_account(login="ann"), "rejected", "login_in_use"),
    ("made meanwhile", "service.created", {"plan": "basic"},
     {"match": {"method": "POST"}, **answers(409, '{"error":{"code":"SUBSCRIBER_EXISTS"}}')}, "rejected", "login_in_use"),
    ("device in use", "service.created", CREATE, other_account(devices=[{"mac": MAC}]), "dead", "device_in_use"),
    ("too many devices", "service.created", {"plan": "basic", "device_limit": 1, "devices": [{"mac": MAC}, {"mac": OTHER_MAC}]}, None,
     "dead", "device_limit_reached"),
    ("login in use", "credentials.changed", {"login": "bob"}, other_account(), "rejected", "login_in_use"),
    ("unknown plan", "plan.changed", {"plan": "gold"}, None, "rejected", "unknown_plan"),
    ("unknown after others", "package.added", {"packages": [{"id": "P2"}, {"id": "P99"}]}, None, "dead", "unknown_package"),
    ("unknown", "package.removed", {"packages": [{"id": "P99"}]}, None, "rejected", "unknown_package"),
    ("on already", "package.added", {"packages": [{"id": "P1"}]},
     answers(409, '{"error":{"code":"ALREADY_SUBSCRIBED"}}'), "unchanged", "already_subscribed"),
    ("off already", "package.removed", {"packages": [{"id": "P1"}]},
     answers(404, '{"error":{"code":"NOT_SUBSCRIBED"}}'), "unchanged", "not_subscribed"),
    ("device in use", "device.added", {"device": {"mac": OTHER_MAC}}, other_account(devices=[{"mac": OTHER_MAC}]), "rejected",
     "device_in_use"),
    ("too many", "device.added", {"device": {"mac": OTHER_MAC}},
     {"match": {"method": "PUT"}, **answers(409, '{"error":{"code":"TOO_MANY_DEVICES"}}')}, "rejected", "device_limit_reached"),
    ("not that device", "device.replaced", {"old": {"mac": THIRD_MAC}, "new": {"mac": OTHER_MAC}}, None, "rejected", "unknown_device"),
    ("the new one is another's", "device.replaced", {"old": {"mac": MAC}, "new": {"mac": OTHER_MAC}},
     other_account(devices=[{"mac": OTHER_MAC}]), "dead", "device_in_use"),
    ("not paired", "device.removed", {"device": {"mac": THIRD_MAC}}, None, "unchanged", "not_paired"),
    ("partial block", "contract.blocked", {"reason": "delinquency", "scope": "partial"}, None, "rejected", "no_partial_block"),
    ("the account is gone", "contract.blocked", {"reason": "delinquency"}, gone, "rejected", "unknown_account"),
    ("the account is gone", "package.added", {"packages": [{"id": "P2"}]}, gone, "rejected", "unknown_account"),
    ("nothing of it is kept", "service.updated", {"comment": "x"}, None, "unchanged", "not_kept_by_platform"),
    ("data that it does not take", "contract.blocked", {"reason": "delinquency"}, answers(422, '{"error":{"code":"INVALID_DATA"}}'),
     "rejected", "invalid_data"),
    ("a code that is not known", "contract.blocked", {"reason": "delinquency"}, answers(409, '{"error":{"code":"FROZEN"}}'),
     "rejected", "refused_by_platform"),
    ("a wrong base URL", "service.deleted", {}, answers(404, '{"error":{"code":"NO_SUCH_CALL"}}'), "rejected", "http_404"),
    ("a page in place of an answer", "contract.blocked", {"reason": "delinquency"}, {**answers(200, "<html>maintenance</html>")},
     "in doubt", "attempts_exhausted"),
    ("500 for ever", "contract.blocked", {"reason": "delinquency"}, {"action": "status", "status": 500, "times": 0},
     "in doubt", "attempts_exhausted"),
]
