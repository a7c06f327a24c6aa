"""CDN TV asks: what the suite needs to know of it, in our words."""

ASKS = True

CREATE = {"login": "ann@example.com", "password": "s3cret & more", "plan": "basic", "packages": [{"id": "P1"}],
          "subscriber": {"name": "João Teste", "email": "ann@example.com"}}
EXPECT = {"exists": True, "status": "active", "plan": "basic", "packages": ["P1"]}
PACKAGE, UNKNOWN_PACKAGE = "P2", None
PLAN = "family"

STORY = [
    ("service.created", CREATE),
    ("service.updated", {"language": "pt-BR"}, "unchanged"),
    ("subscriber.updated", {"subscriber": {"name": "Maria Teste"}}, "unchanged"),
    ("package.added", {"packages": [{"id": "P2", "valid_to": "2026-11-22"}, {"id": "P3", "valid_from": "2026-11-23"},
                                    {"id": "P4", "price": "4.90"}]}),
    ("package.removed", {"packages": [{"id": "P1"}]}),
    ("plan.changed", {"plan": "family"}),
    ("credentials.changed", {"password": "n3w+1 longer"}),
    ("credentials.changed", {"login": "ann2"}),
    ("contract.late_notice", {}),
    ("contract.activated", {}),
    ("contract.blocked", {"reason": "delinquency"}),
    ("contract.suspended", {}),
    ("contract.unblocked", {"reason": "delinquency"}),
    ("contract.reactivated", {}),
    ("contract.suspended", {}),
    ("contract.blocked", {"reason": "delinquency"}),
    ("contract.reactivated", {}),
    ("contract.awaiting_signature", {}),
    ("contract.cancelled", {}),
    ("contract.activated", {}),
    ("service.deleted", {}),
]

_BLOCK, _CANCELLED, _DELETED = {"reason": "delinquency"}, [("contract.cancelled", {})], [("service.deleted", {})]
ERRORS = [
    ("partial", "contract.blocked", {**_BLOCK, "scope": "partial"}, None, "rejected", "invalid_input"),
    *[("cancelled", workflow, data, _CANCELLED, "rejected", "invalid_input")
      for workflow, data in (("contract.unblocked", {}), ("contract.reactivated", {}), ("contract.blocked", _BLOCK),
                             ("contract.suspended", {}), ("contract.awaiting_signature", {}), ("contract.late_notice", {}))],
    *[("deleted", workflow, data, _DELETED, "rejected", "invalid_input")
      for workflow, data in (("contract.activated", {}), ("contract.unblocked", {}), ("contract.blocked", _BLOCK), ("plan.changed", {"plan": "family"}),
                             ("credentials.changed", {"password": "n3w"}), ("package.added", {"packages": [{"id": "P2"}]}))],
]
