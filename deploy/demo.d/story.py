"""The story: what billing says, and what must come of it.

The two subscribers are those of the public ABillS example: accounts 70001 and 778 with tariff 3 "FULL Bez Amoreyo".
"""
from dataclasses import dataclass, field

PROVIDER = "stalker"


@dataclass
class Step:
    tells: str                 # what happened, for the reader
    service: str
    type: str                  # without "tvbridge."
    data: dict
    outcome: str = "applied"   # the outcome that must come; "dead letter": none, but a dead letter
    effects: list = field(default_factory=list)  # what must change at the portal: (effect, account)
    id: str = ""
    valid: bool = True         # False: published unchecked, as a foreign producer could


STEPS = [
    Step("Тарасов Александр Адамович subscribes to tariff 3 \"FULL Bez Amoreyo\"", "70001", "service.created",
         {"login": "70001", "password": "demo-70001", "plan": "3",
          "subscriber": {"name": "Тарасов Александр Адамович", "account_number": "70001"},
          "devices": [{"mac": "00:1A:79:2C:D1:C1", "serial": "082015J005172", "model": "MAG250"}]},
         effects=[("create", "70001")]),
    Step("Иванов Иван Иванович subscribes to the same tariff", "778", "service.created",
         {"login": "778", "password": "demo-778", "plan": "3",
          "subscriber": {"name": "Иванов Иван Иванович", "account_number": "778"},
          "devices": [{"mac": "00-1a-79-1e-73-e1", "serial": "092014N001072", "model": "MAG250"}]},
         effects=[("create", "778")]),
    Step("70001 orders the package P1", "70001", "package.added", {"packages": [{"id": "P1"}]},
         effects=[("subscribe", "70001")]),
    Step("778 has not paid: blocked for debt", "778", "contract.blocked", {"reason": "delinquency", "scope": "total"},
         effects=[("status", "778")], id="bill-778-blocked"),
    Step("billing says the same once more (same id): answered from memory, the portal is not called", "778",
         "contract.blocked", {"reason": "delinquency", "scope": "total"}, id="bill-778-blocked"),
    Step("778 has paid: unblocked", "778", "contract.unblocked", {"reason": "delinquency"},
         effects=[("status", "778")]),
    Step("70001 gets a new box", "70001", "device.replaced",
         {"old": {"mac": "00:1A:79:2C:D1:C1"}, "new": {"mac": "001a79aabbcc", "model": "MAG540"}},
         effects=[("update", "70001")]),
    Step("a broken producer sends a reason that does not exist: set aside as a dead letter, work goes on", "70001",
         "contract.blocked", {"reason": "because"}, outcome="dead letter", valid=False),
    Step("778 leaves", "778", "service.deleted", {"reason": "customer_request"}, effects=[("delete", "778")]),
]
