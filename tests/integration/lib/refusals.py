"""What billing writes wrongly is answered clearly, reaches no platform, and stops nothing else."""
import json

from lib.cases import case
from lib.kafka import murmur2_partition
from lib.place import PARTITIONS, PROVIDER, Place, blocked, check, created, event, same, unblocked, until


@case("refusals.same_id_twice")
def same_id_twice(bench):
    """The same id again is answered from memory; with other content it is a conflict."""
    with Place(bench, "twice", accounts=["1", "2"]) as p:
        p.worker()
        p.publish(blocked("a", "1"))
        first = p.outcome("a", "applied")
        p.publish(blocked("a", "1"), blocked("last", "1"))
        p.outcome("last", "applied")
        same("outcomes of the id that came twice", [o["id"] for o in p.finals("a")], [first["id"]] * 2)
        same("effects", p.portal.names("1"), ["status", "status"])  # of "a" and of "last"
        p.publish(unblocked("a", "1"))
        letter = p.dead_letter("conflict")
        check(letter["dead_letter"].get("detail"), "the dead letter says why", letter)
        conflict = until(lambda: [o for o in p.finals("a") if o["data"]["kind"] == "conflict"], "the conflict's outcome", p.brief)
        check(len(conflict) == 1 and conflict[0]["id"] != first["id"], "outcome conflict under an id of its own", p.of("a"))
        same("a conflict makes no call", len(p.portal.requests("1")), 2)
        p.publish(blocked("a", "2"))  # the key of an event is service, source and id
        p.outcome("a", "applied", service="2")


@case("refusals.stale")
def stale(bench):
    with Place(bench, "stale", accounts=["1"]) as p:
        p.worker()
        p.publish(blocked("new", "1", sequence=10), unblocked("old", "1", sequence=9),
                  event("other", "1", "plan.changed", {"plan": "7"}, sequence=8))
        p.outcome("new", "applied")
        p.outcome("old", "stale")
        p.outcome("other", "applied")  # another axis
        same("states of the account", [e["status"] for e in p.portal.effects("1", ("status",))], [0])
        p.publish(blocked("new-id-same-number", "1", sequence=10))
        p.outcome("new-id-same-number", "stale")
        p.publish(unblocked("newest", "1", sequence=100000000000000000))
        p.outcome("newest", "applied")


@case("refusals.mixed_order")
def mixed_order(bench):
    with Place(bench, "mixed", accounts=["1", "2"]) as p:
        p.worker()
        p.publish(blocked("with", "1", sequence=5), unblocked("without", "1"), blocked("a", "2"),
                  unblocked("b", "2", sequence=7), unblocked("goes-on", "1", sequence=6))
        p.outcome("with", "applied")
        p.outcome("without", "rejected")
        p.outcome("b", "rejected")
        p.outcome("goes-on", "applied")
        p.dead_letter("mixed_order", 2)
        same("effects", p.portal.names("1") + p.portal.names("2"), ["status"] * 3)


@case("refusals.expired")
def expired(bench):
    with Place(bench, "expired", accounts=["1"]) as p:
        p.worker()
        p.publish(blocked("late", "1", expirytime="2020-01-01T00:00:00Z"))
        p.outcome("late", "expired")
        p.publish(unblocked("good", "1", expirytime="2099-01-01T00:00:00Z"))
        p.outcome("good", "applied")
        same("states", [e["status"] for e in p.portal.effects("1")], [1])


@case("refusals.implausible")
def implausible(bench):
    from lib.place import SHORT
    with Place(bench, "jump", accounts=["1"], numbers={**SHORT, "sequence_jump": 1000}) as p:
        p.worker()
        p.publish(blocked("first", "1", sequence=5000000))
        p.outcome("first", "applied")
        p.publish(unblocked("near", "1", sequence=5001000), blocked("far", "1", sequence=5002001),
                  blocked("on", "1", sequence=5001001))
        p.outcome("near", "applied")  # nothing that is too far ahead passes it
        p.outcome("far", "dead")
        same("reason", p.outcome("far")["data"]["reason"], "implausible")
        p.dead_letter("implausible")
        until(lambda: p.of("on"), "what sets the same thing waits behind it", p.brief)
        same("what came of it", [o["data"]["kind"] for o in p.of("on")], ["waiting"])
        p.tvbridge("dead", "drop", "--service", "1", "--reason", "mistyped")
        p.outcome("on", "applied")
        same("states", [e["status"] for e in p.portal.effects("1")], [0, 1, 0])


@case("refusals.misplaced")
def misplaced(bench):
    with Place(bench, "misplaced", accounts=["1"]) as p:
        p.worker()
        right = murmur2_partition("1", PARTITIONS)
        p.raw("1", blocked("partition", "1"), partition=(right + 1) % PARTITIONS)
        p.raw("2", blocked("key", "1"))
        p.raw("1", {**blocked("provider", "1"), "provider": "ole"})
        p.publish(blocked("good", "1"))
        p.outcome("good", "applied")
        p.dead_letter("misplaced", 3)
        letters = {json.loads(row["value"])["id"] if isinstance(row.get("value"), str) else row["event"]["id"]
                   for row in p.dead_letters("misplaced")}
        same("the dead letters hold the events", letters, {"partition", "key", "provider"})
        same("effects", p.portal.names("1"), ["status"])
        p.await_committed()


def deep(levels):
    value = "x"
    for _ in range(levels):
        value = {"a": value}
    return value


def invalid_rows():
    """(name, bytes, pointer that must be reported)"""
    good = json.dumps(blocked("bad", "1")).encode()
    too_deep = blocked("bad", "1")
    too_deep["data"]["extra"] = deep(15)  # the envelope and data are two more: 17
    no_reason = event("bad", "1", "contract.blocked", {})
    return [
        ("not JSON", b"{not json", ""), ("nothing", b"", ""), ("words", b"hello", ""), ("cut", good[:-4], None),
        ("not UTF-8", good.replace(b"total", b"t\xff\xfeal"), None),
        ("a name twice", good.replace(b'"scope"', b'"reason": "delinquency", "scope"'), None),
        ("17 levels", json.dumps(too_deep).encode(), None),
        ("unknown type", json.dumps({**blocked("bad", "1"), "type": "tvbridge.contract.sold"}).encode(), "/type"),
        ("fault in data", good.replace(b"delinquency", b"boredom"), "/data/reason"),
        ("member missing", json.dumps(no_reason).encode(), "/data"),
        ("sequence is a number", json.dumps({**blocked("bad", "1"), "sequence": 7}).encode(), "/sequence"),
        ("no id", json.dumps({k: v for k, v in blocked("bad", "1").items() if k != "id"}).encode(), None),
    ]


@case("refusals.invalid")
def invalid(bench):
    """Each fault is a dead letter with its pointer; the bytes are kept; no outcome, no call; the service goes on."""
    with Place(bench, "invalid", accounts=["1"]) as p:
        p.worker()
        rows = invalid_rows()
        for _, value, _ in rows:
            p.raw("1", value)
        p.publish(blocked("good", "1"))
        p.outcome("good", "applied")
        p.dead_letter("invalid", len(rows))
        letters = sorted((d["dead_letter"] for d in p.dead_letters()), key=lambda d: int(d["offset"]))
        same("number of dead letters", len(letters), len(rows))
        for (name, _, pointer), letter in zip(rows, letters):
            check(letter["reason"] == "invalid" and letter.get("detail"), f"{name}: reason and detail", letter)
            check(pointer is None or letter.get("pointer", "") == pointer, f"{name}: pointer {pointer!r}", letter)
        kept = {value for _, value in p.read("dead")}
        for name, value, _ in rows:
            check(b"\xff" in value or value.decode() in kept, f"{name}: the original bytes are kept")
        same("effects", p.portal.names("1"), ["status"])
        same("outcomes", {o["data"]["event"]["id"] for o in p.follower.outcomes}, {"good"})
        p.await_committed()


@case("refusals.over_1_mib")
def over_1_mib(bench):
    with Place(bench, "large", accounts=["1"]) as p:
        p.worker()
        text = json.dumps({**blocked("large", "1"), "data": {"reason": "delinquency", "extra": {"x": "y" * 1200000}}})
        p.raw("1", text.encode(), pack=True)
        p.publish(blocked("good", "1"))
        p.outcome("good", "applied")
        check(p.dead_letter("invalid")["dead_letter"].get("detail"), "the dead letter says why")
        p.await_committed()


@case("refusals.tombstone")
def tombstone(bench):
    with Place(bench, "tombstone", accounts=["1"]) as p:
        p.worker()
        p.raw("1", b"", tombstone=True)
        p.publish(blocked("good", "1"))
        p.outcome("good", "applied")
        p.dead_letter("invalid")
        p.await_committed()


@case("refusals.binary_mode")
def binary_mode(bench):
    """CloudEvents' binary mode: attributes in headers, data in the value; both modes are one event."""
    with Place(bench, "binary", accounts=["1"]) as p:
        p.worker()
        e = blocked("bin", "1", sequence=3)
        headers = [f"ce_{k}={v}" for k, v in e.items() if k != "data"]
        p.raw("1", json.dumps(e["data"]).encode(), headers=headers + ["content-type=application/json"])
        first = p.outcome("bin", "applied")
        p.publish(e, unblocked("on", "1", sequence=4))
        p.outcome("on", "applied")
        same("the same event in the other mode", [o["id"] for o in p.finals("bin")], [first["id"]] * 2)
        bad = [h for h in headers if not h.startswith("ce_type")]
        p.raw("1", json.dumps(e["data"]).encode(), headers=bad + ["content-type=application/json"])
        p.dead_letter("invalid")
        same("states", [x["status"] for x in p.portal.effects("1")], [0, 1])


@case("refusals.unsupported")
def unsupported(bench):
    """A valid type that the platform's pack does not serve; and what the pack itself refuses."""
    with Place(bench, "unsupported", accounts=["1"]) as p:
        p.worker()
        p.publish(event("limit", "1", "device_limit.changed", {"device_limit": 3}), created("plan", "9"),
                  event("noplan", "8", "service.created", {"login": "8", "password": "x", "plan": "nope"}),
                  blocked("unknown", "7"), blocked("good", "1"))
        p.outcome("good", "applied")
        same("reason", p.outcome("limit", "rejected")["data"]["reason"], "unsupported")
        same("reason", p.outcome("noplan", "rejected")["data"]["reason"], "unknown_plan")
        same("reason", p.outcome("unknown", "rejected")["data"]["reason"], "unknown_account")
        same("no dead letters", p.dead_letters(), [])
        check(all(o["provider"] == PROVIDER for o in p.follower.outcomes), "the outcomes name the provider")
