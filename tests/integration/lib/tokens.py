"""A platform with session tokens, idempotency keys, requests that must never be repeated, and work of two steps."""
import contextlib
import subprocess
import time

from lib.cases import case
from lib.place import ROOT, Place, blocked, check, created, event, same, until
from lib.token_portal import TokenPortal

KEY = "the-key-of-the-token-platform"


@contextlib.contextmanager
def token_place(bench, name, life_s=3600, numbers=None):
    portal = TokenPortal(KEY, life_s)
    provider = {"pack": str(ROOT / "tests/integration/packs/token"), "base_url": portal.base,
                "credentials": {"session": {"key": KEY}}, "idempotency_secret": "sixteen characters at least"}
    try:
        with Place(bench, name, portal=False, provider=provider, numbers=numbers) as p:
            p.portal = portal
            yield p
    finally:
        portal.stop()


def message(number, service):
    return event(number, service, "message.requested", {"message": {"text": "x"}})


def package(number, service):
    return event(number, service, "package.added", {"packages": [{"id": "P1"}]})


@case("tokens.kept_and_renewed")
def kept_and_renewed(bench):
    """One login serves many events; a token that is refused is renewed once, and no event pays for it."""
    with token_place(bench, "session") as p:
        worker = p.worker()
        p.publish(*[blocked(f"a{i}", str(i)) for i in range(100)])
        p.await_finals([f"a{i}" for i in range(100)])
        same("logins", p.portal.logins, 1)
        p.portal.forget_tokens()
        p.publish(blocked("b", "1"))
        p.outcome("b", "applied")
        same("logins after a refusal", p.portal.logins, 2)
        p.portal.forget_tokens()
        p.publish(*[blocked(f"c{i}", str(i)) for i in range(30)])
        p.await_finals([f"c{i}" for i in range(30)])
        check(3 <= p.portal.logins <= 4, "thirty refusals at once make one login, not thirty", p.portal.logins)
        kinds = {o["data"]["kind"] for o in p.follower.outcomes}
        same("outcomes", kinds, {"applied"})
        same("effects", len(p.portal.effects), 131)
        check("token-" not in worker.log() and KEY not in worker.log(), "no token and no key in the log")


@case("tokens.refreshed_before_they_end")
def refreshed(bench):
    """A token that lives 3 s is fetched anew in time: no request is ever refused."""
    with token_place(bench, "short", life_s=3) as p:
        worker = p.worker()
        end = time.monotonic() + 8
        n = 0
        while time.monotonic() < end:
            n += 1
            p.publish(blocked(f"a{n}", str(n)))
            p.outcome(f"a{n}", "applied")
        check(p.portal.logins >= 2, "more than one login", p.portal.logins)
        check('class="unauthorized"' not in worker.get("/metrics")[1], "nothing was refused")
        same("effects", len(p.portal.effects), n)


@case("tokens.never")
def never(bench):
    """The effect happened, the answer is lost: one effect, it waits for a person, and the service goes on."""
    with token_place(bench, "tnever") as p:
        p.worker()
        p.portal.cuts = {"/message/1"}
        p.publish(message("m", "1"), blocked("b", "1"))
        same("what waits", p.parked("m", "1")["state"], "doubt")
        p.outcome("b", "applied")
        same("effects", p.portal.effects, ["/message/1", "/block/1"])


@case("tokens.keyed")
def keyed(bench):
    """The same, with a platform that honours a key: sent again with the same key, one effect, applied."""
    with token_place(bench, "tkeyed") as p:
        p.worker()
        p.portal.cuts = {"/order/1"}
        for number, service in (("k", "1"), ("k2", "1"), ("k", "2")):
            p.publish(package(number, service))
            p.outcome(number, "applied", service=service)
        same("effects", sorted(p.portal.effects), ["/order/1", "/order/1", "/order/2"])
        times = sorted(p.portal.keys.count(k) for k in set(p.portal.keys))
        same("how often each key was sent", times, [1, 1, 2])


@case("tokens.killed_between_steps")
def killed_between_steps(bench):
    """kill -9 while the second step is under way: the next process goes on behind the first one."""
    with token_place(bench, "steps") as p:
        worker = p.worker()
        p.publish(blocked("warm", "1"))
        p.outcome("warm")
        p.portal.hold.clear()
        p.publish(created("two", "1"), blocked("behind", "1"))
        until(lambda: p.portal.count("/first/1") == 1, "the first step")
        until(lambda: in_redis(bench, p), "the first step's end in Redis")
        worker.kill()
        p.portal.hold.set()
        p.worker()
        o = p.outcome("two", "applied")["data"]
        p.outcome("behind", "applied")
        same("first step", p.portal.count("/first/1"), 1)
        number = o["record"]["ids"]["number"]
        check(p.portal.count(f"/second/1/{number}") >= 1, "the second step, with what the first one gave", p.portal.effects)
        same("dead letters", p.dead_letters(), [])


def in_redis(bench, p):
    """True once STEP has noted the outputs of the first step."""
    cli = ["redis-cli", "-p", str(bench.redis)]
    keys = subprocess.run(cli + ["--scan", "--pattern", f"{p.prefix}*:e:*"], capture_output=True, text=True).stdout.split()
    return any("first" in subprocess.run(cli + ["HGET", key, "steps"], capture_output=True, text=True).stdout for key in keys)
