"""Accounts that were there before tvbridge: adopted without a call, and not cut off before that. What tvbridge makes of a record
stands just above it, and is stale once billing has moved on."""
from lib.cases import case
from lib.place import Place, blocked, check, event, same, unblocked

NONE = "none:000000-000000000000000000-000000+1"
SEEN = {"status": "active", "login": "70001", "plan": "3", "packages": {"P1": {}}, "ids": {"account_number": "70001"}}


def adopted(number, service, fence="", basis=NONE, **seen):
    return event(number, service, "service.adopted", {"fence": fence, "record": {**SEEN, **seen}}, basis=basis)


def above(record, n=1):
    """The basis of the n-th event that is made of this record."""
    orders = [axis["order"] for axis in record["axes"].values()]
    return f"{record['order_by']}:{max(orders)}+{n}"


@case("adopted.before_it_is_cut")
def before_it_is_cut(bench):
    """With `cuts: known` an account that nobody made or adopted here is not cut off; adopted without any call, it is."""
    ours, foreign, made = "70001", "70002", "70003"
    with Place(bench, "adopted", accounts=[ours, foreign], provider={"cuts": "known"}) as p:
        worker = p.worker()
        for n, kind in enumerate(("contract.blocked", "contract.suspended", "contract.cancelled", "service.deleted", "contract.late_notice")):
            p.publish(event(f"cut{n}", foreign, kind, {} if "late" in kind else {"reason": "delinquency"}))
            same(kind, p.outcome(f"cut{n}", "rejected")["data"]["reason"], "not_adopted")
        p.publish(event("p", foreign, "package.removed", {"packages": [{"id": "P1"}]}))
        same("a package", p.outcome("p", "rejected")["data"]["reason"], "not_adopted")
        same("calls", p.portal.requests(), [])
        p.publish(unblocked("give", foreign))
        p.outcome("give", "applied")
        p.publish(blocked("still", foreign))
        p.outcome("still", "rejected")  # that it was switched on says nothing of whose it is
        before = len(p.portal.requests())
        p.publish(adopted("a1", ours))
        outcome = p.outcome("a1", "applied")["data"]
        same("calls", len(p.portal.requests()), before)
        record = p.record(ours)
        same("the outcome's record", outcome["record"], record)
        same("what was seen", {k: record[k] for k in SEEN}, SEEN)
        same("by whom", (record["adopted"], record["axes"], "order_by" in record), ("a1", {}, False))
        p.publish(adopted("a1", ours), blocked("b1", ours, sequence=5))
        p.outcome("b1", "applied")
        same("effects", p.portal.names(ours), ["status"])
        same("billing says how it is ordered", p.record(ours)["order_by"], "sequence")
        p.publish(event("c", made, "service.created", {"login": made, "plan": "3"}), blocked("d", made))
        p.outcome("d", "applied")
        same("status after SIGTERM", worker.term(), 0)
        p.one_final(["a1", "b1", "c", "d", "give", "still"])


@case("adopted.only_what_was_seen_of_this_record")
def only_of_this_record(bench):
    """Something was applied between the look at the platform and the adoption: it is refused, and the record stays."""
    with Place(bench, "adoptlate", accounts=["70001"]) as p:
        p.worker()
        p.publish(blocked("b", "70001", sequence=1))
        p.outcome("b", "applied")
        record = p.record("70001")
        p.publish(adopted("a1", "70001"), adopted("a2", "70001", fence="7"))
        for a in ("a1", "a2"):
            same("why", p.outcome(a, "rejected")["data"]["reason"], "other_fence")
        same("the record", p.record("70001"), record)
        p.publish(adopted("a3", "70001", fence=record["fence"], basis=above(record), status="suspended"))
        p.outcome("a3", "applied")
        after = p.record("70001")
        same("its books", (after["axes"], after["order_by"], after["block"]), (record["axes"], "sequence", "blocked"))
        same("what was seen", (after["status"], after["packages"]), ("suspended", {"P1": {}}))
        check(int(after["fence"]) > int(record["fence"]), "it is newer", after)
        p.publish(unblocked("u", "70001", sequence=2))
        p.outcome("u", "applied")


@case("adopted.basis")
def basis(bench):
    """Events that were computed from a record stand just above it, in their order: below billing's next one, and stale behind it."""
    with Place(bench, "basis", accounts=["70001", "70002"]) as p:
        p.worker()
        p.publish(blocked("b1", "70001", sequence=10))
        p.outcome("b1", "applied")
        record = p.record("70001")
        p.publish(unblocked("s1", "70001", basis=above(record)), event("s3", "70001", "plan.changed", {"plan": "7"}, basis=above(record, 3)))
        for n in ("s1", "s3"):
            p.outcome(n, "applied")
        p.publish(blocked("s2", "70001", basis=above(record, 2)))
        p.outcome("s2", "applied")
        moved = p.record("70001")
        same("order", (moved["order_by"], moved["axes"]["plan"]["order"]), ("sequence", "000000-000000000000000010-000003"))
        p.publish(unblocked("b2", "70001", sequence=11), blocked("s4", "70001", basis=above(moved)),
                  event("s5", "70001", "plan.changed", {"plan": "3"}, basis=above(moved, 2)))
        p.outcome("b2", "applied")
        p.outcome("s4", "stale")
        p.outcome("s5", "applied")  # nobody has moved the plan
        # One whose record says no order yet, and whose billing counts.
        p.publish(event("s6", "70002", "plan.changed", {"plan": "7"}, basis=NONE))
        p.outcome("s6", "applied")
        check("order_by" not in p.record("70002"), "it is still open", p.record("70002"))
        p.publish(blocked("b3", "70002", sequence=1), event("b4", "70002", "plan.changed", {"plan": "3"}, sequence=2))
        p.outcome("b3", "applied")
        p.outcome("b4", "applied")
        p.publish(blocked("s7", "70002", basis=NONE))
        p.outcome("s7", "stale")
        same("effects", p.portal.names("70002"), ["update", "status", "update"])
        p.await_committed()
