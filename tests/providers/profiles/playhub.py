"""PlayHub: what the suite needs to know of it, in our words."""

STANDIN = "playhub.py"
ENVIRONMENT = {"PLAYHUB_KEY": "operator-key-of-tests", "PLAYHUB_SECRET": "operator-secret-of-tests"}
CREDENTIALS = {"playhub": {"api_key": "operator-key-of-tests", "api_secret": "operator-secret-of-tests"}}
PRODUCTS = {"TNT": {"name": "TNT Sports"}, "DIS": {"name": "Disney+"}, "HBO": {"name": "HBO Max"}, "Q01": {"name": "1 to choose"},
            "K26": {"name": "Kaspersky"}, "EMP": {"name": "Sold out"}, "UFC": {"name": "Not ours"}, "OLD": {"name": "No more"}}
SETTINGS = {"products": PRODUCTS, "late_notice": "block"}

LOGIN = "bia.70001@example.com"
PERSON = {"name": "Bia Lima", "document": "123.456.789-09", "email": LOGIN, "phone": "+55 81 90000-0001"}
CREATE = {"subscriber": PERSON, "packages": [{"id": "TNT"}, {"id": "DIS"}]}
EXPECT = {"exists": True, "status": "active", "packages": ["DIS", "TNT"]}
PACKAGE = "HBO"
UNKNOWN_PACKAGE = "ZZZ"
DELETED = {"exists": True, "packages": []}  # no call deletes a customer
FORGOTTEN = "login_in_use"                  # nothing at PlayHub says whose service a customer is


def forget(place):
    """Somebody deletes all customers by hand."""
    place.control("POST", "forget")


def tokens_expire(place):
    place.control("POST", "expire")


def hours_pass(place):
    """The platform's tokens live for half an hour."""
    place.control("POST", "clock", "advance_s=7200")


def another_customer(place):
    data = {"login": LOGIN, "subscriber": {**PERSON, "document": "98765432100"}}
    place.play("service.created", data, {}, service="778").ends("applied")


def same_person(place):
    place.play("service.created", CREATE, {}, service="779").ends("applied")


def packages(*ids):
    return {"packages": [{"id": i} for i in ids]}


STORY = [
    ("service.created", CREATE),
    ("service.updated", {"subscriber": {"email": "bia@example.com"}}),
    ("subscriber.updated", {"subscriber": {"name": "Bia Lima Souza", "phone": "081 90000-0002"}}),
    ("credentials.changed", {"password": "n3w & longer"}),
    ("package.added", packages("HBO", "K26")),
    hours_pass,
    ("package.removed", packages("DIS")),
    ("plan.changed", {"plan": "Q01"}),
    ("contract.blocked", {"reason": "delinquency"}),
    ("package.added", packages("DIS")),
    ("package.removed", packages("TNT")),
    ("plan.changed", {"plan": "TNT"}),
    ("contract.suspended", {}),
    ("contract.unblocked", {}),          # still suspended
    ("contract.reactivated", {}),
    ("contract.late_notice", {}),
    ("contract.suspended", {}),
    ("contract.reactivated", {}),        # still blocked
    ("contract.awaiting_signature", {}),
    ("contract.cancelled", {}),
    ("contract.activated", {}),
    ("service.deleted", {}),
    ("service.created", CREATE),
]

MAC = "00:1A:79:2C:D1:C1"
REFUSES = {
    "list": "no_list",
    "accounts.requested": "no_list",
    "device.added": ("no_devices", {"device": {"mac": MAC}}),
    "device.removed": ("no_devices", {"device": {"mac": MAC}}),
    "device.replaced": ("no_devices", {"old": {"mac": MAC}, "new": {"mac": "00:1A:79:2C:D1:C2"}}),
    "device_limit.changed": ("no_device_limit", {"device_limit": 3}),
    "pairing_code.requested": ("no_pairing_codes", {}),
    "message.requested": ("no_messages", {"message": {"text": "Olá"}}),
    "service.converted": ("no_external_id", {"old_external_id": "12", "new_external_id": "70001"}),
}


def code(number, path, status=400, times=1):
    """A refusal of the platform, as it comes for requests to @path."""
    return {"match": {"method": "POST", "path": path}, "action": "status", "status": status, "times": times,
            "headers": {"Content-Type": "application/json"}, "body": '{"Code":%d,"Message":"refused"}' % number}


SUBSCRIBE = "/subscriptions$"
ERRORS = [
    ("code 2, registered by somebody else", "service.created", CREATE, another_customer, "rejected", "login_in_use"),
    ("code 2, registered by another service of the same person", "service.created", CREATE, same_person, "rejected", "login_in_use"),
    ("a customer of the same person, to be adopted", "service.created", {**CREATE, "extra": {"adopt": True}}, same_person,
     "applied", ""),
    ("a customer of somebody else is not adopted", "service.created", {**CREATE, "extra": {"adopt": True}}, another_customer,
     "rejected", "login_in_use"),
    ("code 2 after a look that saw nobody", "service.created", CREATE, code(2, "/customers$", 409), "rejected", "unknown_account"),
    ("code 3, invalid document", "service.created", {**CREATE, "subscriber": {**PERSON, "document": "123"}}, None, "rejected",
     "invalid_document"),
    ("another refusal", "service.created", CREATE, code(0, "/customers$"), "rejected", "refused_by_platform"),
    ("a code of four letters", "service.created", {**CREATE, **packages("FOUR")}, None, "rejected", "invalid_input"),
    ("a product that the settings do not name", "service.created", {**CREATE, **packages("ZZZ")}, None, "rejected", "unknown_package"),
    ("a plan that the settings do not name", "service.created", {**CREATE, "plan": "ZZZ"}, None, "rejected", "unknown_plan"),
    ("no name to sign in", "service.created", {"subscriber": {"name": "B", "document": "12345678909"}}, None, "rejected",
     "missing_input"),
    ("code 8, no vouchers, while the customer is made", "service.created", {**CREATE, **packages("EMP")}, None, "dead",
     "partly_subscribed"),
    ("code 4, not subscribed", "package.removed", packages("HBO"), None, "unchanged", "not_subscribed"),
    ("code 4, gone meanwhile", "package.removed", packages("TNT"),
     {"match": {"method": "DELETE"}, "action": "status", "status": 404, "body": '{"Code":4,"Message":"Subscription not found"}'},
     "applied", ""),
    ("code 5, invalid product", "package.added", packages("OLD"), None, "rejected", "unknown_package"),
    ("code 5, invalid product", "plan.changed", {"plan": "OLD"}, None, "rejected", "unknown_plan"),
    ("code 6, not authorised, in a 403", "package.added", packages("UFC"), None, "rejected", "package_not_authorised"),
    ("code 6, not authorised", "plan.changed", {"plan": "UFC"}, None, "rejected", "package_not_authorised"),
    ("code 7, has it", "package.added", packages("TNT"), None, "unchanged", "already_subscribed"),
    ("code 7, has it since a moment", "package.added", packages("HBO"), code(7, SUBSCRIBE, 409), "applied", ""),
    ("code 8, no vouchers", "package.added", packages("EMP"), None, "rejected", "no_vouchers"),
    ("code 8, no vouchers", "plan.changed", {"plan": "EMP"}, None, "rejected", "no_vouchers"),
    ("some of several", "package.added", packages("HBO", "EMP"), None, "dead", "partly_subscribed"),
    ("a plan that it has", "plan.changed", {"plan": "ZZZ"}, None, "rejected", "unknown_plan"),
    ("the name to sign in stays", "credentials.changed", {"login": "other@example.com"}, None, "rejected", "login_not_changeable"),
    ("no PIN", "credentials.changed", {"pin": "1234"}, None, "unchanged", "not_kept_by_platform"),
    ("nothing that is kept", "service.updated", {"comment": "2nd floor"}, None, "unchanged", "not_kept_by_platform"),
    ("an update refused", "subscriber.updated", {"subscriber": {"email": "x@example.com"}},
     {"match": {"method": "PUT"}, "action": "status", "status": 400, "body": '{"Code":0,"Message":"The request is invalid."}'},
     "rejected", "refused_by_platform"),
    ("partial block", "contract.blocked", {"reason": "delinquency", "scope": "partial"}, None, "rejected", "invalid_input"),
    ("the customer is gone", "contract.blocked", {"reason": "delinquency"}, forget, "rejected", "unknown_account"),
    ("the customer is gone", "contract.unblocked", {}, forget, "rejected", "unknown_account"),
    ("the customer is gone", "package.added", packages("HBO"), forget, "rejected", "unknown_account"),
    ("the customer is gone", "subscriber.updated", {"subscriber": {"name": "B"}}, forget, "rejected", "unknown_account"),
    ("the customer is gone", "credentials.changed", {"password": "n3w"}, forget, "rejected", "unknown_account"),
    ("the customer is gone", "service.deleted", {}, forget, "unchanged", "already_deleted"),
    ("the customer is gone", "contract.cancelled", {}, forget, "unchanged", "already_deleted"),
    ("all tokens are refused", "contract.blocked", {"reason": "delinquency"}, tokens_expire, "applied", ""),
    ("403 once", "contract.blocked", {"reason": "delinquency"},
     {"match": {"method": "DELETE"}, "action": "status", "status": 403}, "applied", ""),
    ("403 for ever", "contract.blocked", {"reason": "delinquency"},
     {"match": {"path": "/subscriptions"}, "action": "status", "status": 403, "times": 0}, "rejected", "unauthorized"),
    ("500 for ever", "contract.blocked", {"reason": "delinquency"},
     {"match": {"method": "DELETE"}, "action": "status", "status": 500, "times": 0}, "in doubt", "attempts_exhausted"),
]
