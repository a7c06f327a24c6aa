"""How hard the platform is called: an outage, a storm of throttling, a limit that binds, a budget of retries."""
import re

from lib.cases import case
from lib.crashes import ACCOUNTS, await_count, check_order, load, slow_down
from lib.place import PATIENT, Place, Portal, blocked, check, event, same, unblocked, until

BREAKER = {"calls": 10, "open_ms": 200, "open_max_ms": 1000}


def metric(worker, name):
    """The sum over its series; -1: there is none."""
    values = [float(line.rsplit(" ", 1)[1]) for line in worker.get("/metrics")[1].splitlines()
              if line.startswith((name + "{", name + " "))]
    return sum(values) if values else -1


@case("pace.outage")
def outage(bench):
    """Everything is answered 500 for a while: no attempt is used up though only one is allowed, hardly anything is called,
    nobody can overlook it, and then all is applied."""
    services = [str(100 + i) for i in range(200)]
    provider = {"retry": {"base_ms": 50, "cap_ms": 400, "attempts": 1}, "breaker": BREAKER, "limits": {"in_flight": 8}}
    with Place(bench, "outage", accounts=services, provider=provider, numbers=PATIENT) as p:
        worker = p.worker()
        p.portal.fault("status", status=500, method=None, times=0)
        p.publish(*[blocked(f"b{s}", s) for s in services])
        worker.await_log("event=breaker_opened")
        worker.await_unready("platform is down")
        until(lambda: metric(worker, "tvbridge_breaker_opened_total") >= 6, "it is asked again and again")
        same("workers for which it is down", metric(worker, "tvbridge_breakers_open"), 1)
        same("outcomes meanwhile", p.follower.outcomes, [])
        tries = [r["account"] for r in p.portal.requests(method="PUT")]
        check(len(tries) <= 1.1 * len(set(tries)) + 10, "retries are within their budget", (len(tries), len(set(tries))))
        check(len(tries) <= 10 + 8 + 8, "events that were risked", len(tries))
        p.portal.control("DELETE", "faults")
        p.await_finals([f"b{s}" for s in services])
        for s in services:
            p.outcome(f"b{s}", "applied")
            same(f"effects of {s}", p.portal.names(s), ["status"])
        check(worker.says("event=breaker_closed"), "the log says that it is over")
        worker.await_ready()
        until(lambda: metric(worker, "tvbridge_breakers_open") == 0, "the metrics say so too")
        same("dead letters", p.dead_letters(), [])
        p.one_final([f"b{s}" for s in services])
        p.await_committed()


@case("pace.outage_under_load")
def outage_under_load(bench):
    """The platform goes away in mid-load and comes back: every event is applied in order, and none is dead."""
    accounts = ACCOUNTS[:100]
    provider = {"retry": {"base_ms": 50, "cap_ms": 400}, "breaker": BREAKER, "limits": {"in_flight": 16}}
    with Place(bench, "gone", accounts=accounts, provider=provider, numbers=PATIENT) as p:
        slow_down(p)
        worker = p.worker()
        port = int(p.portal.url.rsplit(":", 1)[1])
        p.publish(*load(accounts, each=6))
        await_count(p, 100)
        p.portal.stop()
        worker.await_log("event=breaker_opened")
        worker.await_unready("platform is down")
        until(lambda: metric(worker, "tvbridge_breaker_opened_total") >= 4, "it is asked again and again")
        again = p.adopt(Portal(p.dir, "portal2", accounts, port))
        p.await_finals([e["id"] for e in load(accounts, each=6)])
        p.one_final([e["id"] for e in load(accounts, each=6)])
        same("other outcomes than applied or superseded",
             [o["data"] for o in p.follower.outcomes if o["data"]["kind"] not in ("applied", "superseded")], [])
        same("dead letters", p.dead_letters(), [])
        check(again.effects(), "the second portal was used")
        worker.await_ready()


@case("pace.probes_need_no_event")
def probes_need_no_event(bench):
    """While `probe` is not answered no event is risked; it is what ends the outage."""
    services = [str(300 + i) for i in range(40)]
    provider = {"breaker": BREAKER, "limits": {"in_flight": 4}}
    with Place(bench, "probe", accounts=services, provider=provider, numbers=PATIENT) as p:
        worker = p.worker()
        p.portal.fault("status", status=503, method=None, times=0)
        p.publish(*[blocked(f"b{s}", s) for s in services])
        worker.await_log("event=breaker_opened")
        until(lambda: metric(worker, "tvbridge_breaker_opened_total") >= 2, "it was asked once")
        risked = len(p.portal.requests(method="PUT"))
        until(lambda: metric(worker, "tvbridge_breaker_opened_total") >= 6, "it is asked again and again")
        same("events risked meanwhile", len(p.portal.requests(method="PUT")), risked)
        p.portal.control("DELETE", "faults")
        p.await_finals([f"b{s}" for s in services])
        same("dead letters", p.dead_letters(), [])


@case("pace.one_429_quiets_all_workers")
def one_429(bench):
    """Two workers; one of them is told to wait: the other waits too, then all is applied."""
    services = [str(500 + i) for i in range(300)]
    provider = {"limits": {"in_flight": 4}}
    with Place(bench, "storm", accounts=services, provider=provider, numbers=PATIENT) as p:
        slow_down(p, 40)
        workers = [p.worker(), p.worker()]
        until(lambda: all(metric(w, "tvbridge_assigned_partitions") == 2 for w in workers), "two partitions each")
        p.publish(*[blocked(f"b{s}", s) for s in services])
        await_count(p, 20)
        p.portal.control("DELETE", "faults")
        p.portal.fault("retry_after", status=429, after=4)
        slow_down(p, 40)
        throttled = until(lambda: p.portal.lines("fault") and [f for f in p.portal.lines("fault")
                                                               if f["action"] == "retry_after"], "a request is throttled")[0]
        p.await_finals([f"b{s}" for s in services])
        when = [r["t"] - throttled["t"] for r in p.portal.requests(method="PUT")]
        # What was claimed before the word came may still leave: the slots of both workers and as many ahead.
        quiet = [t for t in when if 1 < t < 3.5]
        same("calls in the quiet time", quiet, [])
        check(len([t for t in when if t >= 3.5]) > 20, "the rest came after it")
        for s in services:
            p.outcome(f"b{s}", "applied")
        same("dead letters", p.dead_letters(), [])
        check(all(len(p.portal.names(s)) == 1 for s in services), "each is done once")


def at_once(p):
    """How many changing calls the platform had to do at once, at most. Each has one effect, as it ends; one without is that of a
    worker who was killed."""
    effects = p.portal.effects()
    calls = [(e["request"], 1) for e in effects] + [(e["n"], -1) for e in effects]
    under_way = most = 0
    for _, step in sorted(calls):
        under_way += step
        most = max(most, under_way)
    return most


def worked_by(worker):
    """The services of which it has published an outcome."""
    return set(re.findall(r"event=outcome .*\bservice=(\S+)", worker.log()))


@case("pace.fewer_calls_than_partitions")
def fewer_calls_than_partitions(bench):
    """The platform bears one call at once, and two workers have four partitions: there never is a second one, and neither waits
    until the other is done."""
    services = [str(900 + i) for i in range(40)]
    with Place(bench, "one", accounts=services, provider={"limits": {"in_flight": 1}}, numbers=PATIENT) as p:
        slow_down(p, 250)
        workers = [p.worker(), p.worker()]
        until(lambda: all(metric(w, "tvbridge_assigned_partitions") == 2 for w in workers), "two partitions each")
        p.publish(*[blocked(f"b{s}", s) for s in services])
        p.await_finals([f"b{s}" for s in services])
        for s in services:
            p.outcome(f"b{s}", "applied")
            same(f"effects of {s}", p.portal.names(s), ["status"])
        same("calls at once", at_once(p), 1)
        of = [worked_by(w) for w in workers]
        check(of[0] and of[1] and not of[0] & of[1], "each service is one worker's", of)
        order = [0 if r["account"] in of[0] else 1 for r in p.portal.requests(method="PUT")]
        both = order[:min(len(order) - order[::-1].index(i) for i in (0, 1))]  # until one of them has nothing left
        check(min(both.count(0), both.count(1)) * 4 >= len(both), "each has its share while both have events", order)
        until(lambda: all(metric(w, "tvbridge_slot_leases") == 0 for w in workers), "no lease is kept for later")
        check(workers[0].says(r"event=partitions_assigned .*leased=true"), "the log says so")
        p.await_committed()


@case("pace.slot_of_a_dead_worker")
def slot_of_a_dead_worker(bench):
    """The worker that has the only slot is killed during its call: others call when its lease has ended; those who end by
    themselves leave none behind."""
    services = [str(950 + i) for i in range(12)]
    with Place(bench, "slot", accounts=services, provider={"limits": {"in_flight": 1}}) as p:
        slow_down(p, 700)
        first = p.worker()
        p.publish(*[blocked(f"b{s}", s) for s in services])
        until(lambda: len(p.portal.requests(method="PUT")) > len(p.portal.effects()), "a call is under way")
        first.kill()
        p.portal.control("DELETE", "faults")
        slow_down(p, 100)
        second = p.worker()
        p.await_finals([f"b{s}" for s in services[:6]])
        same("exit status", second.term(), 0)
        p.worker()
        p.await_finals([f"b{s}" for s in services])
        same("calls at once", at_once(p), 1)
        same("dead letters", p.dead_letters(), [])
        p.one_final([f"b{s}" for s in services])


@case("pace.fewer_at_once")
def fewer_at_once(bench):
    """Throttled without a time: half as many at once; then one more with each round trip, up to the limit again."""
    accounts = ACCOUNTS[:100]
    provider = {"limits": {"in_flight": 16}, "retry": {"base_ms": 50, "cap_ms": 200, "attempts": 100, "budget_per_s": 100}}
    with Place(bench, "fewer", accounts=accounts, provider=provider, numbers=PATIENT) as p:
        worker = p.worker()
        p.portal.fault("retry_after", status=429, after=0, times=40)
        slow_down(p, 150)
        until(lambda: metric(worker, "tvbridge_in_flight_limit") == 16, "begins at the limit")
        p.publish(*load(accounts, each=1))
        until(lambda: metric(worker, "tvbridge_in_flight_limit") <= 8, "half as many",
              lambda: metric(worker, "tvbridge_in_flight_limit"))
        for i in range(4):
            p.publish(*[event(f"{s}-x{i}", s, "service.updated", {"comment": str(i)}) for s in accounts])
            p.await_finals([f"{s}-x{i}" for s in accounts])
        until(lambda: metric(worker, "tvbridge_in_flight_limit") == 16, "the limit again",
              lambda: metric(worker, "tvbridge_in_flight_limit"))
        p.await_finals([f"{s}-x{i}" for i in range(4) for s in accounts])
        same("dead letters", p.dead_letters(), [])


@case("pace.restores_before_cuts")
def restores_first(bench):
    """A limit of calls a second binds: who is to get the service back does not wait behind those who lose it, and still
    one of ten calls is another's."""
    cut, back = [str(600 + i) for i in range(60)], [str(700 + i) for i in range(20)]
    provider = {"limits": {"in_flight": 4, "rate_per_s": 20, "burst": 1}}
    with Place(bench, "restores", accounts=cut + back, provider=provider, numbers=PATIENT) as p:
        p.publish(*[blocked(f"b{s}", s) for s in cut], *[unblocked(f"u{s}", s) for s in back],
                  event("n", "600", "message.requested", {"message": {"text": "x"}}))
        p.worker()
        p.await_finals([f"b{s}" for s in cut] + [f"u{s}" for s in back] + ["n"])
        order = [r["account"] for r in p.portal.requests(method="PUT")]
        places = [order.index(s) for s in back]
        # What came with the first messages had nothing to give way to; and every tenth call is another's.
        check(max(places) < 40, "restores are among the first", places)
        check(any(s in cut for s in order[:max(places)]), "and the others are not stopped", order[:40])
        same("order within a service", [r["method"] for r in p.portal.requests("600")], ["PUT", "POST"])


@case("pace.budget")
def budget(bench):
    """Every first try fails: the retries are as many as the budget grants, the rest waits, and none fails."""
    services = [str(800 + i) for i in range(8)]
    provider = {"retry": {"base_ms": 20, "cap_ms": 50, "budget_percent": 0, "budget_per_s": 0.5},
                "breaker": {"calls": 1000}}
    with Place(bench, "budget", accounts=services, provider=provider, numbers=PATIENT) as p:
        worker = p.worker()
        for s in services:
            p.portal.fault("status", account=s, status=500)
        p.publish(*[blocked(f"b{s}", s) for s in services])
        p.await_finals([f"b{s}" for s in services])
        for s in services:
            same("attempts", p.outcome(f"b{s}", "applied")["data"]["attempts"], 2)
        seen, times = set(), []
        for r in p.portal.requests(method="PUT"):
            if r["account"] in seen:
                times.append(r["t"])
            seen.add(r["account"])
        same("retries", len(times), 8)
        check(times[5] - times[0] > 8, "five within ten seconds, no sixth", [t - times[0] for t in times])
        check(metric(worker, "tvbridge_retry_budget_spent_total") >= 1, "the metrics count it")
