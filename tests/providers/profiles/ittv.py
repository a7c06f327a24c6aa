"""ITTV: what the suite needs to know of it, in our words. Here the platform can be read, and has words for all states."""

STANDIN = "ittv.py"
ENVIRONMENT = {"ITTV_KEY": "reseller-key-of-tests", "ITTV_STATUSES": "ACTIVE,INACTIVE,BLOCKED,SUSPENDED,PARTIAL"}
CREDENTIALS = {"reseller": {"token": "reseller-key-of-tests"}}

BASIC, PLUS, SPORTS = "65f0c1a2b3c4d5e6f7a80001", "65f0c1a2b3c4d5e6f7a80002", "65f0c1a2b3c4d5e6f7a80003"
SETTINGS = {"reads": True, "late_notice": "block", "statuses": {"blocked": "BLOCKED", "suspended": "SUSPENDED", "partial": "PARTIAL"},
            "products": [{"id": BASIC, "name": "ITTV Basic"}, {"id": PLUS, "name": "ITTV Plus"}, {"id": SPORTS}]}

CREATE = {"plan": BASIC, "subscriber": {"name": "João da Silva", "email": "joao.70001@example.com", "document": "123.456.789-09",
                                        "phone": "+55 81 90000-0001",
                                        "address": {"street": "Rua da Aurora", "number": "10", "city": "Recife", "state": "PE",
                                                    "postal_code": "50050-000"}}}
EXPECT = {"exists": True, "status": "active", "plan": BASIC, "packages": [], "devices": []}
PACKAGE, PLAN, REPLACES = PLUS, SPORTS, True
DELETED = {"exists": True, "status": "terminated"}  # no call that deletes is known
FORGOTTEN = "one_contract_only"                     # nothing at ITTV says whose service a customer is

ANOTHER = {"name": "Maria Souza", "email": "maria.778@example.com", "document": "987.654.321-00"}


def other_customer(**fields):
    """Another service's customer is there first."""
    def prepare(place):
        data = {"plan": BASIC, "subscriber": {**ANOTHER, **fields}}
        place.play("service.created", data, {}, service="778").ends("applied")
    return prepare


def gone(place):
    """All customers are gone, by hand."""
    place.control("POST", "forget")


STORY = [
    ("service.created", CREATE),
    ("service.updated", {"subscriber": {"email": "joao.silva.70001@example.com"}}),
    ("subscriber.updated", {"subscriber": {"email": "joao.70001@example.com", "phone": "9"}}),
    ("package.added", {"packages": [{"id": PLUS}]}),
    ("plan.changed", {"plan": SPORTS}),
    ("credentials.changed", {"login": "joao70001", "password": "n3w & longer"}),
    ("contract.late_notice", {}),
    ("contract.activated", {}),
    ("contract.blocked", {"reason": "delinquency", "scope": "partial"}),
    ("contract.blocked", {"reason": "delinquency"}),
    ("contract.suspended", {}),
    ("contract.unblocked", {"reason": "delinquency"}),
    ("contract.reactivated", {}),
    ("contract.suspended", {}),
    ("contract.awaiting_signature", {}, "applied"),
    ("contract.reactivated", {}),
    ("contract.cancelled", {}),
    ("contract.activated", {}),
    ("service.deleted", {}),
    ("service.created", {**CREATE, "plan": PLUS}),
]

REFUSES = {
    "package.removed": ("product_only_replaced", {"packages": [{"id": BASIC}]}),
    "device.added": ("no_devices", {"device": {"mac": "00:1A:79:2C:D1:C1"}}),
    "device.removed": ("no_devices", {"device": {"mac": "00:1A:79:2C:D1:C1"}}),
    "device.replaced": ("no_devices", {"old": {"mac": "00:1A:79:2C:D1:C1"}, "new": {"mac": "00:1A:79:2C:D1:C2"}}),
    "device_limit.changed": ("no_device_limit", {"device_limit": 3}),
    "pairing_code.requested": ("no_pairing_codes", {}),
    "message.requested": ("no_messages", {"message": {"text": "Olá"}}),
    "service.converted": ("no_external_id", {"old_external_id": "12", "new_external_id": "70001"}),
}

ERRORS = [
    ("the document has a customer", "service.created", CREATE, other_customer(document="12345678909"), "rejected",
     "one_contract_only"),
    ("the e-mail address is taken", "service.created", CREATE, other_customer(email="joao.70001@example.com"), "rejected",
     "login_in_use"),
    ("unknown product", "service.created", {**CREATE, "plan": "none"}, None, "rejected", "unknown_plan"),
    ("two products", "service.created", {**CREATE, "packages": [{"id": PLUS}]}, None, "rejected", "one_product_only"),
    ("something is missing", "service.created", CREATE,
     {"match": {"method": "POST"}, "action": "status", "status": 400, "body": '{"message":"state is required"}'}, "rejected",
     "refused_by_platform"),
    ("refused in a 200", "service.created", CREATE,
     {"match": {"method": "POST"}, "action": "status", "status": 200, "body": '{"message":"CPF já cadastrado"}'}, "rejected",
     "one_contract_only"),
    ("unknown product", "plan.changed", {"plan": "none"}, None, "rejected", "unknown_plan"),
    ("two packages", "package.added", {"packages": [{"id": PLUS}, {"id": SPORTS}]}, None, "rejected", "one_product_only"),
    ("one that it does not have", "package.removed", {"packages": [{"id": PLUS}]}, None, "unchanged", "not_subscribed"),
    ("the login is taken", "credentials.changed", {"login": "maria.778@example.com"}, other_customer(), "rejected",
     "login_in_use"),
    ("the e-mail address is taken", "subscriber.updated", {"subscriber": {"email": "maria.778@example.com"}}, other_customer(),
     "rejected", "login_in_use"),
    ("not kept", "subscriber.updated", {"subscriber": {"name": "João"}}, None, "unchanged", "not_kept_by_platform"),
    ("the customer is gone", "contract.blocked", {"reason": "delinquency"}, gone, "rejected", "unknown_account"),
    ("the customer is gone", "plan.changed", {"plan": PLUS}, gone, "rejected", "unknown_account"),
    ("the customer is gone", "service.deleted", {}, gone, "unchanged", "already_deleted"),
    ("the customer is gone", "contract.cancelled", {}, gone, "unchanged", "already_deleted"),
    ("500 for ever", "contract.blocked", {"reason": "delinquency"}, {"action": "status", "status": 500, "times": 0},
     "in doubt", "attempts_exhausted"),
    ("500 for ever", "service.created", CREATE, {"match": {"method": "POST"}, "action": "status", "status": 500, "times": 0},
     "in doubt", "attempts_exhausted"),
]
