"""Faults that were found once by reading: each case is what went wrong then."""
import base64
import contextlib
import datetime
import os
import re
import signal
import time

import servers
from lib.cases import case
from lib.place import PATIENT, PROVIDER, ROOT, Place, Portal, blocked, check, created, event, same, unblocked, until
from lib.rough_portal import RoughPortal
from lib.surroundings import Redis

KEY = "the-key-of-the-rough-platform"
FEW = {"attempts": 3, "base_ms": 50, "cap_ms": 200}
# Many tries in an outage, which breaker and budget would spare the platform: whose fault each failure is shows only so.
UNSPARING = {"retry": {**FEW, "budget_per_s": 1000}, "breaker": {"calls": 1000000}}


@contextlib.contextmanager
def rough_place(bench, name, pack="rough", retry=None, limits=None, **more):
    """@pack: `rough`, or `token` for what needs a login or has two steps."""
    portal = RoughPortal(KEY)
    provider = {"pack": str(ROOT / "tests/integration/packs" / pack), "base_url": portal.base, "retry": retry or FEW,
                **({"limits": limits} if limits else {})}
    if pack == "token":
        provider.update(credentials={"session": {"key": KEY}}, idempotency_secret="sixteen characters at least")
    try:
        with Place(bench, name, portal=False, provider=provider, **more) as p:
            p.portal = portal
            yield p
    finally:
        portal.stop()


def kinds(p, numbers):
    """How often each kind of final outcome came for these events."""
    found = [p.finals(n)[0]["data"]["kind"] for n in numbers]
    return {kind: found.count(kind) for kind in set(found)}


def retries(worker):
    return len(re.findall("event=call_failed", worker.log()))


@case("regressions.pack_retries_then_reads_the_record")
def pack_retry(bench):
    """The pack asks for a pause inside a run: the run is kept, with the record that its next steps read."""
    services = [str(i) for i in range(20)]
    with rough_place(bench, "packretry") as p:
        worker = p.worker()
        p.publish(*[created(f"new{s}", s) for s in services])
        p.await_finals([f"new{s}" for s in services])
        p.portal.told["/open/turn/"] = [(200, {"ok": False, "busy": True})] * 60
        p.publish(*[event(f"up{s}", s, "service.updated", {"comment": "x"}) for s in services])
        p.await_finals([f"up{s}" for s in services])
        same("outcomes", kinds(p, [f"up{s}" for s in services]), {"applied": 20})
        for s in services:
            number = p.outcome(f"new{s}")["data"]["record"]["ids"]["number"]
            steps = (f"mark/{s}", f"turn/{s}", f"use/{s}/{number}")
            same(f"steps of {s}", [p.portal.count(f"/open/{step}") for step in steps], [1, 1, 1])
        same("tries of the busy step", p.portal.tries("/open/turn/"), 80)
        worker.check_running()
        same("dead letters", p.dead_letters(), [])


@case("regressions.much_given_back")
def much_given_back(bench):
    """300 KB from the platform are published whole, kept in Redis, and answered again for the same id."""
    with rough_place(bench, "muchgiven") as p:
        worker = p.worker()
        p.portal.items = [{"id": str(i), "name": "x" * 280} for i in range(1000)]
        asked = event("list", f"provider:{PROVIDER}", "catalog.requested")
        p.publish(asked)
        first = p.outcome("list", "applied")
        check(first["data"]["given"] == {"plans": p.portal.items}, "it is given back whole", len(str(first)))
        p.publish(asked)
        again = until(lambda: p.finals("list")[1:] and p.finals("list"), "the second answer", p.brief)
        same("outcomes of the id that came twice", [o["id"] for o in again], [first["id"]] * 2)
        check(again[1]["data"]["given"] == first["data"]["given"], "the second time as well", len(str(again[1])))
        same("calls", p.portal.tries("/open/catalogue"), 1)
        worker.check_running()


class Away:
    """The platform is stopped, and comes back at the same address."""

    def __init__(self, p, accounts):
        self.p, self.accounts, self.port = p, accounts, int(p.portal.url.rsplit(":", 1)[1])
        p.portal.stop()

    def end(self):
        self.p.portal = self.p.adopt(Portal(self.p.dir, f"portal{len(self.p.parts)}", self.accounts, self.port))


def updates(name, services):
    return [event(f"{name}{s}", s, "service.updated", {"comment": name}) for s in services]


@case("regressions.outage_buries_nothing")
def outage(bench):
    """Nobody listens for 20 s, later all answers are 503: far more tries than the three of the settings, none dead."""
    services = [str(5000 + i) for i in range(40)]
    with Place(bench, "outage", accounts=services, provider=UNSPARING) as p:
        worker = p.worker()
        p.publish(*[blocked(f"before{s}", s) for s in services])
        until(lambda: p.portal.effects(), "the first effect", p.brief)
        away = Away(p, services)
        p.publish(*updates("in", services))
        time.sleep(20)
        check(retries(worker) > 10 * len(services), "many tries were made", retries(worker))
        away.end()
        p.await_finals([f"{when}{s}" for s in services for when in ("before", "in")])
        before = retries(worker)
        p.portal.fault("status", method=None, status=503, times=0)
        p.publish(*updates("busy", services))
        until(lambda: retries(worker) > before + 10 * len(services), "many tries that were answered with 503")
        p.portal.control("DELETE", "faults")
        numbers = [f"{when}{s}" for s in services for when in ("before", "in", "busy")]
        p.await_finals(numbers)
        same("outcomes", kinds(p, numbers), {"applied": len(numbers)})
        same("dead letters", p.dead_letters(), [])
        p.await_committed()


@case("regressions.outage_after_a_failure")
def outage_after_a_failure(bench):
    """A failed try of its own, then the platform is away for long: an event of three attempts is tried when it is back."""
    services = [str(5500 + i) for i in range(40)]
    with Place(bench, "after", accounts=services, provider=UNSPARING) as p:
        for s in services:
            p.portal.fault("status", account=s, status=500)
        worker = p.worker()
        p.publish(*[blocked(f"own{s}", s) for s in services])
        until(lambda: p.portal.effects(), "the first effect", p.brief)
        before = retries(worker)
        away = Away(p, services)
        p.publish(*updates("in", services))
        until(lambda: retries(worker) > before + 10 * len(services), "many tries", p.brief)
        away.end()
        numbers = [f"{name}{s}" for name in ("own", "in") for s in services]
        p.await_finals(numbers)
        same("outcomes", kinds(p, numbers), {"applied": len(numbers)})


@case("regressions.one_fails_while_others_are_served")
def one_fails(bench):
    """The platform is there, but not for these: they may be done, and wait for a person after their attempts; of what is behind them
    only the same thing waits."""
    services = [str(6000 + i) for i in range(30)]
    with Place(bench, "onefails", accounts=services + ["1", "2"], provider={"retry": FEW}) as p:
        p.worker()
        for s, status in (("1", 500), ("2", 503)):
            p.portal.fault("status", account=s, status=status, times=0)
        p.publish(blocked("a1", "1"), blocked("a2", "2"), unblocked("b1", "1"))
        for i in range(5):
            p.publish(*[event(f"{i}-{s}", s, "service.updated", {"comment": str(i)}) for s in services])
            p.await_finals([f"{i}-{s}" for s in services])
        p.await_finals([f"{i}-{s}" for i in range(5) for s in services])
        for number, s in (("a1", "1"), ("a2", "2")):  # what was answered with 5xx may have been done
            entry = p.parked(number, s)
            check(entry["attempts"] >= FEW["attempts"] and entry["detail"] == "attempts_exhausted", "the entry", entry)
        until(lambda: p.of("b1"), "what sets the same thing is set aside", p.brief)
        same("it waits", [o["data"]["kind"] for o in p.of("b1")], ["waiting"])
        same("outcomes of the others", kinds(p, [f"{i}-{s}" for i in range(5) for s in services]), {"applied": 150})


@case("regressions.one_fails_and_nobody_else_is_there")
def one_fails_alone(bench):
    """No other event says whether the platform answers; the probe does."""
    with Place(bench, "alone", accounts=["1"], provider={"retry": FEW}) as p:
        p.worker()
        p.portal.fault("status", account="1", status=503, times=0)
        p.publish(blocked("a", "1"))
        same("detail", p.parked("a", "1")["detail"], "attempts_exhausted")


@case("regressions.login_outage")
def login_outage(bench):
    """The login fails, at the start and later between two steps: no event pays, it says so, and goes on by itself."""
    services = [str(i) for i in range(10)]
    with rough_place(bench, "login", pack="token") as p:
        p.portal.told["/login"] = (500, {})
        worker = p.worker(ready=False)
        p.publish(*[blocked(f"a{s}", s) for s in services])
        worker.await_unready("credentials")
        until(lambda: p.portal.tries("/login") >= 2, "another login")
        same("outcomes meanwhile", p.follower.outcomes, [])
        p.portal.told.clear()
        p.await_finals([f"a{s}" for s in services])
        worker.await_ready()
        p.portal.told.update({"/second/": [(401, {"ok": False})] * 10, "/login": (503, {})})
        p.publish(*[created(f"b{s}", s) for s in services])
        worker.await_unready("credentials")
        p.portal.told.clear()
        p.await_finals([f"b{s}" for s in services])
        worker.await_ready()
        same("outcomes", kinds(p, [f"{x}{s}" for x in "ab" for s in services]), {"applied": 20})
        same("first steps", [p.portal.count(f"/first/{s}") for s in services], [1] * 10)
        same("dead letters", p.dead_letters(), [])


def shown(worker, name):
    """That gauge's value in the metrics, as text."""
    return (re.findall(rf"^{name}\b.* (\S+)$", worker.get("/metrics")[1], re.MULTILINE) or [""])[0]


@case("regressions.gauges_under_frequent_turns")
def gauges(bench):
    """The loop turns more often than the housekeeping is due, by its commits alone: it is done all the same."""
    with rough_place(bench, "gauges", numbers=PATIENT) as p:
        worker = p.worker()
        p.portal.gated = "/open/turn/"
        p.publish(*[blocked(f"a{i}", str(i)) for i in range(10)])
        until(lambda: p.portal.tries("/open/turn/") == 10, "ten calls")
        # before the first call times out, which would be another reason to wake up
        until(lambda: shown(worker, "tvbridge_window_events") == "10", "ten events in the metrics",
              lambda: shown(worker, "tvbridge_window_events"), 4)
        p.portal.gate.set()
        p.await_finals([f"a{i}" for i in range(10)])


@case("regressions.limit_is_raised_under_load")
def limit_raised(bench):
    """From 2 to 200 calls at once with hundreds waiting: the connections follow, and no event pays for it."""
    numbers = [f"a{i}" for i in range(300)]
    with rough_place(bench, "raised", limits={"in_flight": 2}, numbers=PATIENT) as p:
        p.portal.pause_s = 0.2
        worker = p.worker()
        p.publish(*[blocked(n, n) for n in numbers])
        until(lambda: len(p.follower.outcomes) >= 4, "the first outcomes")
        check(p.portal.most <= 4, "two calls at once, and a probe", p.portal.most)
        p.provider["limits"]["in_flight"] = 200
        p.write_settings()
        worker.signal(signal.SIGHUP)
        worker.await_log("event=plan_reloaded .*slots=200$")
        p.await_finals(numbers)
        same("outcomes", kinds(p, numbers), {"applied": 300})
        check(p.portal.most > 20, "many calls at once", p.portal.most)
        same("calls", p.portal.tries("/open/turn/"), 300)
        same("retries", retries(worker), 0)


@case("regressions.redis_stops_between_steps")
def redis_between_steps(bench):
    """The first step is done and cannot be noted: its owner goes on behind it, and never makes it again."""
    port = servers.free_port()
    with rough_place(bench, "between", pack="token", numbers=PATIENT, redis={"port": port}) as p:
        redis = p.adopt(Redis(p.dir, port))
        redis.start()
        worker = p.worker()
        p.publish(blocked("warm", "9"))
        p.outcome("warm", "applied")
        p.portal.gated = "/first/"
        p.publish(created("two", "1"), blocked("behind", "1"))
        until(lambda: p.portal.count("/first/1") == 1, "the first step")
        redis.stop()
        p.portal.gate.set()
        worker.await_unready("Redis")
        same("second steps without Redis", p.portal.tries("/second/"), 0)
        redis.start()
        p.outcome("two", "applied")
        p.outcome("behind", "applied")
        same("first step", p.portal.tries("/first/1"), 1)
        same("dead letters", p.dead_letters(), [])
        worker.check_running()


@case("regressions.dead_letter_of_any_size")
def dead_letter_sizes(bench):
    """As many headers and bytes as the topic takes: a dead letter all the same, and the partition goes on."""
    with Place(bench, "anysize", accounts=["1"]) as p:
        p.worker()
        p.raw("1", b"{many headers", headers=[f"h{i}=v{i}" for i in range(70)])
        large = b"{" + base64.b64encode(os.urandom(1700 * 1000 * 3 // 4))
        p.raw("1", large, pack=True)
        p.publish(blocked("good", "1"))
        p.outcome("good", "applied")
        p.dead_letter("invalid", 2)
        values = [value for _, value in p.read("dead")]
        check(values == ["{many headers", large.decode()], "the bytes are kept", [len(v) for v in values])
        p.await_committed()


def soon(seconds):
    """(expirytime, the end of waiting for it)"""
    at = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) + datetime.timedelta(seconds=seconds)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ"), at.timestamp() + 1


@case("regressions.half_done_does_not_expire")
def half_done(bench):
    """Its time passes between two steps, in the same process and after a kill -9: it is finished, not expired."""
    with rough_place(bench, "halfdone", pack="token", retry={**FEW, "attempts": 200}) as p:
        worker = p.worker()
        # 429: proven not done, so nothing is in doubt; 503 may have been done
        for number, status, kill in (("1", 429, False), ("2", 503, True)):
            p.portal.told["/second/"] = (status, {})
            expires, passed = soon(8)
            p.publish(created(f"half{number}", number, expirytime=expires))
            until(lambda: p.portal.tries(f"/second/{number}/"), "the second step", p.brief)
            if kill:
                worker.kill()
            until(lambda: time.time() > passed, "the time to pass")
            p.portal.told.clear()
            worker = p.worker() if kill else worker
            p.outcome(f"half{number}", "applied")
            same("first step", p.portal.tries(f"/first/{number}"), 1)
        p.publish(blocked("late", "3", expirytime="2020-01-01T00:00:00Z"))
        p.outcome("late", "expired")
        same("dead letters", p.dead_letters(), [])
