"""Poison, duplicates, and what the process itself may not have."""
import json
import time

from harness import load, topics
from harness.place import until
from lib import kafka


def poison(p):
    """One in a hundred cannot be worked: each has its dead letter or its refusal, and nobody else notices."""
    p.open(retry={"attempts": 4, "max_age_ms": 60000, "retry_after_cap_ms": 30000})
    workers = [p.worker(), p.worker()]
    events = p.events(100, 10)
    half = len(events) // 2
    p.send(events[:half], over_s=3)
    for i in range(len(events) // 100):
        _poison(p, i)
        p.pause(0.1, 0.4)
    workers[0].kill()
    p.mark()
    p.worker(ready=False)
    p.send(events[half:], over_s=3)


def _poison(p, i):
    service, topic = f"poison{i}", p.topic("events")
    home = kafka.murmur2_partition(service, 4)
    good = load.event(service, 1, "contract.blocked", {"reason": "delinquency"}, p.providers[0])
    kinds = [
        (home, b"{ not JSON"), (home, b"\xff\xfe\x00"), (home, b"[]"), (home, None), ((home + 1) % 4, json.dumps(good).encode()),
        (home, json.dumps({**good, "type": "tvbridge.no.such"}).encode()),
        (home, json.dumps({**good, "data": {"reason": 7}}).encode()), (home, json.dumps({**good, "provider": "other"}).encode()),
        (home, b'{"a":' * 400 + b"1" + b"}" * 400), (home, json.dumps({**good, "sequence": "-1"}).encode()),
    ]
    partition, value = kinds[i % len(kinds)]
    topics.send_raw(p.brokers, topic, partition, service, value)


def killer(p):
    """An event kills its worker each time that it is called. It is told from those beside it, waits for a person as `crashed`,
    and all others go on."""
    p.open()
    for _ in range(2):
        p.worker()
    p.platform.rules({"action": "hold", "service": "killer"})
    p.send(p.events(1, 1, prefix="killer", classes=("safe",)))
    for life in range(12):
        p.send(p.events(40, 4, prefix=f"l{life}n"), over_s=2)
        found = until(lambda: "parked" if _culprits(p) else _holders(p), "a worker that holds the killer's call, or its entry")
        if found == "parked":
            break
        for worker in found:
            worker.kill()
        p.notes["kills"] = life + 1
        p.worker(ready=False)
        p.mark()
    p.platform.rules()

    def judge(verdict, _):
        found = _culprits(p)
        if len(found) != 1 or not found[0].startswith("killer"):
            p.problems.append(f"for a person as crashed: {found}; wanted is the killer alone")
    p.judges.append(judge)


def _culprits(p):
    return [key for key, e in p.read_waiting(p.providers[0]).items() if e.get("state") == "doubt" and e.get("detail") == "crashed"]


def _holders(p):
    """The workers whose call is held for about a second: only the killer's are."""
    ports = set(p.platform.counts()["in_work"])
    for _ in range(4):
        time.sleep(0.25)
        ports &= set(p.platform.counts()["in_work"])
    return [w for w in p.workers if ports and w.alive() and w.ports() & ports]


def flood(p):
    """A few services with long rows of events: most are set aside and come back, while workers die."""
    _flood(p)
    for _ in range(2):
        p.pause(2, 10)
        p.workers[-2].kill()
        p.worker(ready=False)
        p.mark()


def flood_refused(p):
    """The same; when entries come back the outcome topic refuses for a while, and a worker dies."""
    _flood(p)
    p.pause(7, 10)
    p.admin.alter(f"{p.prefix}outcomes", max_message_bytes=100)
    p.pause(3, 6)
    p.workers[0].kill()
    p.admin.alter(f"{p.prefix}outcomes")
    p.worker(ready=False)
    p.mark()


def flood_full(p):
    """The same; no more entries have room than a few, so that the partitions take no new events for a while."""
    _flood(p, waiting_limit=10)


DEEP = 20000


def deep(p):
    """20,000 events of one account: the others go on beside them, and the worker keeps no more of them than it has room for."""
    p.open(delay_ms=(0, 1))
    worker = p.worker()
    p.await_quarantine()
    before = worker.rss_kb()
    p.send(p.events(1, DEEP, prefix="deep"))
    p.send(p.events(50, 40, prefix="other"), over_s=20)
    until(lambda: not any(service.startswith("other") for service, _ in p.missing()), "all outcomes of the others")
    p.notes["deep_left"] = len(p.missing())
    if len(p.missing()) < DEEP / 2:
        p.problems.append(f"the others came to their end when only {len(p.missing())} of {DEEP} were left of the one account")
    p.settle(timeout_s=DEEP / 5)
    p.notes["grew_mb"] = (worker.rss_kb() - before) // 1024
    if p.notes["grew_mb"] > 64:
        p.problems.append(f"its memory grew by {p.notes['grew_mb']} MB")


def _flood(p, **numbers):
    p.open(numbers={"lane_limit": 4, **numbers})
    p.worker()
    p.worker()
    p.await_quarantine()
    p.send(p.events(12, 30))
    until(lambda: any("event=set_aside" in w.log() for w in p.workers), "an event that is set aside")
    p.send(p.events(100, 4, prefix="other"), over_s=10)


def duplicates(p):
    """Each event three times, in another order each time, and some ids again with other content."""
    p.open()
    p.worker()
    p.worker()
    events = p.events(60, 6)
    p.send(events)
    for _ in range(2):
        again = list(events)
        p.rng.shuffle(again)
        p.send(again, over_s=2)
    p.settle()
    other = [{**e, "data": {**e["data"], "extra": {"again": True}}} for e in p.rng.sample(events, 10)]
    p.send(other)
    p.workers[0].kill()
    p.mark()
    p.send([dict(e) for e in p.rng.sample(events, 50)])
    p.pause(1, 2)


def reordered(p):
    """Events with a sequence that come in another order: what comes too late is stale, never applied."""
    p.open()
    p.worker()
    p.worker()
    events = p.events(40, 8, classes=("safe", "query", "keyed"))
    for i in range(0, len(events), 40):
        part = events[i:i + 40]
        p.rng.shuffle(part)
        p.send(part)
        p.pause(0.05, 0.3)
    p.workers[0].kill()
    p.worker(ready=False)
    p.mark()


def files_limited(p):
    """No file may grow beyond 64 KB: the log is one."""
    p.open()
    worker = p.worker(before=["prlimit", "--fsize=65536", "--"])
    p.send(p.events(100, 8), over_s=4)
    p.settle()
    if worker.server.log.stat().st_size < 65536:
        p.problems.append("the limit is not felt: the log is not that long")


def log_gone(p):
    """The reader of its log ends: the log is lost, nothing else."""
    p.open()
    p.worker(before=["bash", "-c", 'exec "$0" "$@" > >(stdbuf -o0 head -c 30000)'])
    p.send(p.events(100, 8), over_s=4)


def no_descriptors(p):
    """Fewer descriptors than it would like: it goes on with what it has, and recovers once there are more."""
    p.open(delay_ms=(50, 200))
    worker = p.worker()
    few = worker.open_files() + 4
    _limit(worker, few)
    p.send(p.events(100, 6), over_s=4)
    time.sleep(6)
    _limit(worker, 1024)
    p.mark()


def _limit(worker, n):
    import resource
    resource.prlimit(worker.pid, resource.RLIMIT_NOFILE, (n, 4096))

