"""Deezer: what the suite needs to know of it, in our words."""

STANDIN = "deezer.py"
ENVIRONMENT = {"DEEZER_PARTNER": "isp-1", "DEEZER_TOKEN": "test-only-token"}
CREDENTIALS = {"bearer": {"token": "test-only-token"}}
SETTINGS = {"partner_id": "isp-1", "late_notice": "block"}

CREATE = {"plan": "PREMIUM", "subscriber": {"name": "João Teste", "email": "ann@example.com"}}
EXPECT = {"exists": True, "status": "pending", "plan": "PREMIUM", "packages": []}
PLAN = "FAMILY"
HELD = True
CREATES = ("provision",)


def first_access(control):
    """The subscriber follows the activation link."""
    control("POST", "activate", "subscriber_id=70001")


def activated(place):
    first_access(place.control)


def gone(place):
    place.play("service.deleted", {}, {}).ends("applied")


def pending_again(place):
    """Provisioned anew, and not activated."""
    gone(place)
    place.play("service.created", CREATE, {}).ends("applied")


def answers(status, body):
    return {"action": "status", "status": status, "times": 0, "headers": {"Content-Type": "application/json"}, "body": body}


STORY = [
    ("service.created", CREATE),
    ("pairing_code.requested", {}),
    ("contract.blocked", {"reason": "delinquency"}, "held"),
    ("plan.changed", {"plan": "FAMILY"}, "held"),
    ("contract.activated", {}, "held"),
    activated,
    ("contract.activated", {}),
    ("service.updated", {"comment": "x"}, "unchanged"),
    ("subscriber.updated", {"subscriber": {"name": "Maria Teste"}}, "unchanged"),
    ("plan.changed", {"plan": "FAMILY"}),
    ("contract.late_notice", {}),
    ("contract.activated", {}),
    ("contract.blocked", {"reason": "delinquency"}),
    ("contract.suspended", {}),
    ("contract.unblocked", {"reason": "delinquency"}),
    ("contract.reactivated", {}),
    ("contract.awaiting_signature", {}),
    ("contract.cancelled", {}),
    ("service.created", CREATE),
    ("service.deleted", {}),
]

_PACKAGE = {"packages": [{"id": "P1"}]}
_DEVICE = {"device": {"serial": "CASN-0001"}}
REFUSES = {
    "package.added": ("one_offer_only", _PACKAGE),
    "package.removed": ("one_offer_only", _PACKAGE),
    "credentials.changed": ("no_credentials", {"password": "n3w"}),
    "device.added": ("no_devices", _DEVICE),
    "device.removed": ("no_devices", _DEVICE),
    "device.replaced": ("no_devices", {"old": {"serial": "C1"}, "new": {"serial": "C2"}}),
    "device_limit.changed": ("no_device_limit", {"device_limit": 4}),
    "message.requested": ("no_messages", {"message": {"text": "Olá"}}),
    "service.converted": ("no_conversion", {"old_external_id": "c-1", "new_external_id": "70001"}),
}

ERRORS = [
    ("no offer", "service.created", {"login": "ann"}, None, "rejected", "missing_input"),
    ("packages beside the offer", "service.created", {"plan": "PREMIUM", "packages": [{"id": "P1"}]}, None, "rejected", "invalid_input"),
    ("unknown offer", "service.created", {"plan": "GOLD"}, None, "rejected", "unknown_plan"),
    ("made meanwhile", "service.created", {"plan": "PREMIUM"}, {"match": {"method": "POST"}, **answers(409, '{"error":"subscriber_exists"}')},
     "rejected", "subscriber_in_use"),
    ("unknown offer", "plan.changed", {"plan": "GOLD"}, None, "rejected", "unknown_plan"),
    ("not activated", "plan.changed", {"plan": "FAMILY"}, pending_again, "held", "activation"),
    ("not activated", "contract.blocked", {"reason": "delinquency"}, pending_again, "held", "activation"),
    ("not activated", "contract.unblocked", {}, pending_again, "held", "activation"),
    ("not activated", "contract.suspended", {}, pending_again, "held", "activation"),
    ("not activated", "contract.reactivated", {}, pending_again, "held", "activation"),
    ("not activated", "contract.awaiting_signature", {}, pending_again, "held", "activation"),
    ("not activated", "contract.late_notice", {}, pending_again, "held", "activation"),
    ("not activated: ended at once", "contract.cancelled", {}, pending_again, "applied", ""),
    ("a link after activation", "pairing_code.requested", {}, None, "rejected", "already_activated"),
    ("partial block", "contract.blocked", {"reason": "delinquency", "scope": "partial"}, None, "rejected", "no_partial_block"),
    ("the account is gone", "contract.blocked", {"reason": "delinquency"}, gone, "rejected", "unknown_account"),
    ("gone already", "contract.cancelled", {}, gone, "unchanged", "already_deleted"),
    ("data that it does not take", "service.deleted", {}, answers(400, '{"error":"invalid_request"}'), "rejected", "invalid_data"),
    ("a word that is not known", "service.deleted", {}, answers(409, '{"error":"frozen"}'), "rejected", "refused_by_platform"),
    ("500 for ever", "contract.blocked", {"reason": "delinquency"}, {"action": "status", "status": 500, "times": 0, "match": {"method": "PUT"}},
     "in doubt", "attempts_exhausted"),
]
