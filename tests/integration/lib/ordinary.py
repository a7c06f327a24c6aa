"""An account's ordinary life, and what is remembered of it."""
from lib.cases import case
from lib.place import Place, blocked, check, created, event, same, unblocked, until


def life(service):
    return [created(1, service), event(2, service, "package.added", {"packages": [{"id": "P1"}]}), blocked(3, service),
            unblocked(4, service), event(5, service, "service.deleted", {"reason": "customer_request"})]


@case("ordinary.life")
def ordinary_life(bench):
    """Made, package, block, unblock, deleted: each once, in order; record, commit and restart agree."""
    with Place(bench, "life") as p:
        worker = p.worker()
        for number, e in enumerate(life("70001"), 1):  # one by one: those that wait are superseded by the deletion
            p.publish(e)
            o = p.outcome(number, "applied")
            check(o["data"]["round"] == 1 and o["data"]["attempts"] >= 1 and o["subject"] == "70001", "the outcome's words", o)
        same("effects in order", p.portal.names("70001"), ["create", "subscribe", "status", "status", "delete"])
        record = p.record("70001")
        check(record["status"] == "terminated" and "existence" in record["axes"], "the final record is kept", record)
        same("outcomes carry the record after the event",
             p.outcome(3)["data"]["record"]["block"], "blocked")
        texts = p.await_committed()
        check(texts and all(t.startswith("v1;") for t in texts), "metadata of the commits", texts)
        calls = len(p.portal.requests())
        same("status after SIGTERM", worker.term(), 0)
        p.worker()
        p.publish(event(6, "70001", "contract.late_notice", {}))
        p.outcome(6)  # behind everything that could have been delivered again
        same("outcomes after the restart", [len(p.of(n)) for n in range(1, 6)], [1] * 5)
        check(len(p.portal.effects()) == 5, "no effect was made again", p.portal.effects()[5:])
        check(len(p.portal.requests()) <= calls + 2, "no call was made again", p.portal.requests()[calls:])


@case("ordinary.two_threads")
def two_threads(bench):
    """A pool of two threads shares the partitions and keeps each service's order."""
    services = [str(500 + i) for i in range(24)]
    with Place(bench, "threads", accounts=services, provider={"threads": 2}) as p:
        p.worker()
        for i in range(4):
            events = [(blocked if i % 2 == 0 else unblocked)(f"{s}-{i}", s) for s in services]
            p.publish(*events)
            p.await_finals([e["id"] for e in events])
        for s in services:
            same(f"states of {s}", [e["status"] for e in p.portal.effects(s)], [0, 1, 0, 1])
        p.await_committed()


@case("ordinary.superseded")
def superseded(bench):
    """Blocks and unblocks that came while the platform was slow: the first is under way, the newest says what the others said,
    and the account ends as it says. What has another axis is not passed over."""
    with Place(bench, "newest", accounts=["1", "2"]) as p:
        p.worker()
        p.portal.fault("delay", account="1", method="PUT", delay_ms=1500)
        p.publish(blocked("b0", "1"))
        until(lambda: p.portal.requests("1"), "the first call")
        p.publish(unblocked("u1", "1"), blocked("b2", "1"), event("n", "1", "service.updated", {"comment": "x"}),
                  unblocked("u3", "1"), blocked("b4", "1"), unblocked("u5", "1"))
        for number, kind in (("b0", "applied"), ("u5", "applied"), ("n", "applied")):
            p.outcome(number, kind)
        for number in ("u1", "b2", "u3", "b4"):
            o = p.outcome(number, "superseded")["data"]
            same(f"{number}: superseded by, calls", (o.get("by"), o["attempts"]), ("u5", 0))
        same("states", [e["status"] for e in p.portal.effects("1", ("status",))], [0, 1])
        p.one_final(["b0", "u1", "b2", "n", "u3", "b4", "u5"])
        p.await_committed()


@case("ordinary.map_of_what_is_done")
def done_map(bench):
    """One event of a partition is stuck; those behind it are done and are not done again by the next process."""
    services = [str(600 + i) for i in range(30)]
    patient = {"retry": {"base_ms": 50, "cap_ms": 400, "attempts": 1000}}
    with Place(bench, "map", accounts=services, provider=patient) as p:
        first = p.worker()
        p.portal.fault("status", account="600", status=503, times=0)
        p.publish(*[blocked(i, s) for i, s in enumerate(services)])
        p.await_finals(range(1, 30))
        until(lambda: sum(max(offset, 0) + mapped(text) for offset, text in committed(p)) == 29,
              "commits whose offsets and maps hold all that is done", lambda: committed(p))
        first.kill()
        p.portal.control("DELETE", "faults")
        p.worker()
        p.outcome(0, "applied")
        p.await_committed()
        for s in services[1:]:
            same(f"effects of {s}", p.portal.names(s), ["status"])
        same("final outcomes of those that were done", {len(p.finals(i)) for i in range(1, 30)}, {1})


def mapped(metadata):
    """How many offsets above the committed one the commit's map says are done: runs "<open>.<done>,..."."""
    runs = metadata.partition("done=")[2]
    return sum(int(run.split(".")[1]) for run in runs.split(",") if run)


def committed(p):
    from lib import kafka
    from lib.place import PARTITIONS, PROVIDER
    if p.offsets is None:
        p.offsets = kafka.Offsets(p.bench.brokers, p.prefix + PROVIDER)
    return p.offsets.committed(f"{p.prefix}events.{PROVIDER}", PARTITIONS)
