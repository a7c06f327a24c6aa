"""Processes that die, are ended and take over from each other while events flow."""
import signal
import subprocess

from lib.cases import case
from lib.place import PATIENT, Place, check, created, event, same, until

SERVICES, EVENTS_EACH = 200, 10
ACCOUNTS = [str(10000 + i) for i in range(SERVICES)]
LIMITS = {"limits": {"in_flight": 48}, "retry": {"base_ms": 50, "cap_ms": 400, "attempts": 100}}


def load(accounts=None, each=EVENTS_EACH):
    """Each service's events write their number into its comment, so that the journal shows order and doubles."""
    return [event(f"{s}-{i}", s, "service.updated", {"comment": str(i)}) for i in range(each) for s in accounts or ACCOUNTS]


def written(p):
    """By account: the numbers in the order in which they took effect."""
    forms = {r["n"]: r["form"] for r in p.portal.lines("request")}
    numbers = {}
    for e in p.portal.effects(kinds=("update",)):
        numbers.setdefault(e["account"], []).append(int(forms[e["request"]]["comment"]))
    return numbers


def slow_down(p, ms=20):
    p.portal.control("POST", "faults", {"match": {"method": "PUT"}, "times": 0, "action": "delay", "delay_ms": ms})


def finals_seen(p):
    return len({o["data"]["event"]["id"] for o in list(p.follower.outcomes) if o["data"]["final"]})


def await_count(p, n):
    until(lambda: finals_seen(p) >= n, f"{n} final outcomes", lambda: (finals_seen(p), p.brief()))


def check_order(p, accounts=None, each=EVENTS_EACH, doubles=0):
    """Nothing lost, nothing overtaken, and what was not written was superseded, though never the newest; a number may stand
    twice in a row at most @doubles times in all."""
    numbers, extra = written(p), 0
    passed = {o["data"]["event"]["id"] for o in list(p.follower.outcomes) if o["data"]["kind"] == "superseded"}
    for s in accounts or ACCOUNTS:
        seen = numbers.get(s, [])
        once = [n for i, n in enumerate(seen) if i == 0 or n != seen[i - 1]]
        same(f"order of {s}", once, [i for i in range(each) if i == each - 1 or f"{s}-{i}" not in passed])
        extra += len(seen) - len(once)
    check(extra <= doubles, f"at most {doubles} effects were made twice", extra)


def claims(p):
    """How many events stand in each state in Redis."""
    words = ["redis-cli", "-p", str(p.bench.redis), "--raw"]
    states = {}
    for key in subprocess.run([*words, "--scan", "--pattern", f"{p.prefix}*:e:*"], capture_output=True, timeout=60).stdout.split():
        state = subprocess.run([*words, "HGET", key, "st"], capture_output=True, timeout=60).stdout.decode().strip()
        states[state] = states.get(state, 0) + 1
    return states


AHEAD = {"limits": {"in_flight": 4}, "retry": {"base_ms": 50, "cap_ms": 400, "attempts": 100}}


@case("crashes.claimed_ahead_of_a_drain")
def claimed_ahead_of_a_drain(bench):
    """Events that were claimed and waited for a slot are given back by a worker that ends: none is in doubt."""
    accounts = ACCOUNTS[:20]
    with Place(bench, "ahead", accounts=accounts, provider=AHEAD, numbers=PATIENT) as p:
        slow_down(p, 1500)
        worker = p.worker()
        p.publish(*load(accounts, each=1))
        until(lambda: claims(p).get("S", 0) > 4, "more are claimed than there are slots", lambda: claims(p))
        same("exit status", worker.term(), 0)
        states = claims(p)
        check(states.get("H", 0) > 0 and set(states) <= {"H", "D"}, "what was not called is given back", states)
        p.portal.control("DELETE", "faults")
        p.worker()
        p.await_finals([e["id"] for e in load(accounts, each=1)])
        check_order(p, accounts, each=1)


@case("crashes.claimed_ahead_of_a_pause")
def claimed_ahead_of_a_pause(bench):
    """While the platform wants to be left alone nothing stays claimed as sent: a worker killed then leaves no doubt."""
    accounts = ACCOUNTS[:20]
    with Place(bench, "pause", accounts=accounts, provider=AHEAD, numbers=PATIENT) as p:
        p.portal.fault("retry_after", after=30, status=429, times=0, delay_ms=500)  # while others are claimed
        worker = p.worker()
        p.publish(*load(accounts, each=1))
        until(lambda: claims(p).get("H", 0) > 4, "they are given back", lambda: claims(p))
        until(lambda: not claims(p).get("S", 0), "none is left as sent", lambda: claims(p))
        worker.kill()


@case("crashes.kill_under_load")
def kill_under_load(bench):
    """kill -9, three times, another process takes over: every event has one final outcome, order and last state hold."""
    with Place(bench, "kill", accounts=ACCOUNTS, provider=LIMITS, numbers=PATIENT) as p:
        slow_down(p)
        fresh = [f"n{i}" for i in range(40)]
        extra = [created(f"create-{s}", s) for s in fresh]
        extra += [event(f"message-{s}", s, "message.requested", {"message": {"text": s}}) for s in ACCOUNTS[:40]]
        events = load()
        for i, e in enumerate(extra):  # spread over the load, so that each kill meets some
            events.insert(i * 25, e)
        worker = p.worker()
        p.publish(*events)
        for seen in (300, 900, 1500):
            await_count(p, seen)
            worker.kill()
            worker = p.worker(ready=False)
        ids = [e["id"] for e in events]
        p.await_finals([i for i in ids if not i.startswith("message-")])
        told = {i: until(lambda i=i: p.finals(i) or [o for o in p.of(i) if o["data"]["kind"] == "in_doubt"], f"a word on {i}", p.brief)
                for i in ids if i.startswith("message-")}
        doubtful = {i for i, said in told.items() if not said[0]["data"]["final"]}
        p.one_final([i for i in ids if i not in doubtful])
        check_order(p, doubles=3 * 48)
        same("creates", [p.portal.names(s) for s in fresh], [["create"]] * len(fresh))
        texts = [r["form"]["msg"] for r in p.portal.requests(method="POST") if "stb_msg" in r["path"]]
        same("messages that left twice", [t for t in set(texts) if texts.count(t) > 1], [])
        asked = {o["data"]["event"]["id"] for o in p.follower.outcomes if o["data"]["kind"] in ("dead", "in_doubt")}
        check(asked <= doubtful, "only messages may wait for a person, and nothing is dead", sorted(asked - doubtful)[:5])
        p.await_committed()


@case("crashes.two_processes_share")
def two_processes(bench):
    """A second process joins and leaves: partitions that stay, come and go are all worked, nothing is done twice."""
    with Place(bench, "share", accounts=ACCOUNTS, provider=LIMITS, numbers=PATIENT) as p:
        events = load(each=9)
        parts = [events[i * 3 * SERVICES:(i + 1) * 3 * SERVICES] for i in range(3)]
        first = p.worker()
        p.publish(*parts[0])
        await_count(p, 100)
        second = p.worker()
        for worker in (first, second):
            worker.await_log(r"event=partitions_assigned .*count=2 ")
        p.publish(*parts[1])
        p.await_finals([e["id"] for e in parts[0] + parts[1]])
        check(first.says("event=outcome ") and second.says("event=outcome "), "both processes have worked")
        same("status of the one that leaves", second.term(), 0)
        p.publish(*parts[2])
        p.await_finals([e["id"] for e in events])
        check_order(p, each=9)
        p.one_final([e["id"] for e in events])
        p.await_committed()


@case("crashes.rolling_restart")
def rolling_restart(bench):
    """Each process is ended with SIGTERM and replaced under load: nothing lost, not one effect doubled."""
    with Place(bench, "rolling", accounts=ACCOUNTS, provider=LIMITS, numbers=PATIENT) as p:
        slow_down(p)
        workers = [p.worker(), p.worker()]
        p.publish(*load())
        for seen in (200, 800):
            await_count(p, seen)
            p.worker(ready=False)
            same("status after SIGTERM", workers.pop(0).term(), 0)
        p.await_finals([e["id"] for e in load()])
        p.one_final([e["id"] for e in load()])
        check_order(p, doubles=0)
        same("dead letters", p.dead_letters(), [])
        p.await_committed()


@case("crashes.term_finishes_what_is_in_flight")
def term_drains(bench):
    with Place(bench, "drain", accounts=["1", "2"], numbers=PATIENT) as p:
        worker = p.worker()
        p.portal.fault("delay_after", account="1", delay_ms=1500)
        p.publish(event("a", "1", "service.updated", {"comment": "0"}))
        until(lambda: p.portal.effects("1"), "the call's effect")
        same("status", worker.term(), 0)
        p.outcome("a", "applied")
        p.await_committed()
        p.worker()
        p.publish(event("b", "2", "service.updated", {"comment": "0"}))
        p.outcome("b", "applied")
        same("effects", p.portal.names("1"), ["update"])


@case("crashes.second_term_stops_at_once")
def second_term(bench):
    with Place(bench, "twoterms", accounts=["1"], numbers=PATIENT) as p:
        worker = p.worker()
        p.portal.fault("delay", account="1", delay_ms=60000)
        p.publish(event("a", "1", "service.updated", {"comment": "0"}))
        until(lambda: p.portal.requests("1"), "the call")
        worker.signal(signal.SIGTERM)
        worker.await_log("event=draining")
        worker.signal(signal.SIGTERM)
        check(worker.wait() != 0, "the status says that it did not end in order")
        check(worker.says("event=stopped_at_once"), "the log says so")
        p.worker()
        p.outcome("a", "applied")
