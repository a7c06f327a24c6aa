"""What a platform can do to a call: each fault on a service of its own, and what must come of it."""
import email.utils
import json
import time

from lib.cases import case
from lib.place import PATIENT, Place, Portal, blocked, check, created, event, same, unblocked, until

# name -> (fault, effects of the event that meets it: all at least one; 2: done before the answer was lost, and sent again)
SAFE = {
    "500": ({"action": "status", "status": 500}, 1),
    "500 though done": ({"action": "status", "status": 500, "effect": True}, 2),
    "503": ({"action": "status", "status": 503}, 1),
    "502 with HTML": ({"action": "status", "status": 502, "body": "<html>Bad Gateway</html>"}, 1),
    "408": ({"action": "status", "status": 408}, 1),
    "redirect": ({"action": "status", "status": 302, "headers": {"Location": "http://127.0.0.1:1/"}}, 1),
    "late answer": ({"action": "delay_after", "delay_ms": 4000}, 2),
    "cut before": ({"action": "cut_before"}, 1),
    "cut after": ({"action": "cut_after"}, 2),
    "garbage": ({"action": "garbage"}, 2),
    "not JSON": ({"action": "not_json"}, 2),
    "no body": ({"action": "empty_body"}, 2),
    "100 MB": ({"action": "huge"}, 2),
    "half a body": ({"action": "partial_body"}, 2),
    "half a header": ({"action": "cut_header"}, 2),
    "a byte a second": ({"action": "slow"}, 2),
    "cut three times": ({"action": "cut_after", "times": 3}, 4),
    "stray output": ({"action": "noise"}, 1),
    "unknown error text": ({"action": "status", "status": 200, "body": '{"status":"ERROR","results":null,"error":"DB gone"}'}, 1),
}


@case("faults.safe")
def safe(bench):
    """A request that sets a state: applied in the end, with one final outcome, whatever happened to the answer."""
    services = {name: str(1000 + i) for i, name in enumerate(SAFE)}
    with Place(bench, "safe", accounts=services.values()) as p:
        p.worker()
        for name, (fault, _) in SAFE.items():
            p.portal.fault(account=services[name], **fault)
        p.publish(*[blocked(f"block-{s}", s) for s in services.values()])
        p.await_finals([f"block-{s}" for s in services.values()])
        p.publish(*[unblocked(f"on-{s}", s) for s in services.values()])
        p.await_finals([f"on-{s}" for s in services.values()])
        for name, (fault, effects) in SAFE.items():
            o = p.outcome(f"block-{services[name]}")["data"]
            check(o["kind"] == "applied", f"{name}: applied", o)
            check(o["attempts"] == 1 if name == "stray output" else o["attempts"] >= 2, f"{name}: attempts", o)
            same(f"{name}: states", [e["status"] for e in p.portal.effects(services[name])], [0] * effects + [1])
        p.one_final([f"{what}-{s}" for s in services.values() for what in ("block", "on")])
        same("dead letters", p.dead_letters(), [])
        p.await_committed()


@case("faults.retry_after")
def retry_after(bench):
    """Throttled with Retry-After, in seconds and as a date: not applied, all wait, then it goes on."""
    services = [str(2000 + i) for i in range(6)]
    date = email.utils.formatdate(time.time() + 2, usegmt=True)
    faults = [{"after": 1}, {"after": 1, "status": 429}, {"after": date}, {"after": date, "status": 429},
              {"after": 1, "status": 425}]
    with Place(bench, "throttle", accounts=services) as p:
        worker = p.worker()
        for s, fault in zip(services, faults):
            p.portal.fault("retry_after", account=s, **fault)
        p.publish(*[blocked(f"b{s}", s) for s in services])
        p.await_finals([f"b{s}" for s in services])
        for s in services:
            p.outcome(f"b{s}", "applied")
            same(f"effects of {s}", p.portal.names(s), ["status"])
        check(worker.says("throttled"), "the log says throttled")
        check('class="throttled"' in worker.get("/metrics")[1], "the metrics count it")


@case("faults.refused")
def refused(bench):
    """Statuses that say no: rejected, with the reason; the service's next event goes on."""
    statuses = {"1": 400, "2": 413, "3": 409, "4": 410, "5": 422}
    with Place(bench, "refused", accounts=list(statuses)) as p:
        p.worker()
        for s, status in statuses.items():
            p.portal.fault("status", account=s, method="POST", path="stb_msg", status=status, body="{}")
        p.publish(*[event(f"m{s}", s, "message.requested", {"message": {"text": "x"}}) for s in statuses],
                  *[blocked(f"b{s}", s) for s in statuses])
        for s, status in statuses.items():
            same("reason", p.outcome(f"m{s}", "rejected")["data"]["reason"], f"http_{status}")
            p.outcome(f"b{s}", "applied")
            same(f"calls to {s}", len(p.portal.requests(s)), 2)


@case("faults.api_off")
def api_off(bench):
    """Stalker's 404 for a switched off API is the platform's state, not the event's: it waits and is applied."""
    with Place(bench, "apioff", accounts=["1"]) as p:
        p.worker()
        p.portal.fault("api_off", account="1")
        p.publish(blocked("a", "1"))
        p.outcome("a", "applied")
        same("effects", p.portal.names("1"), ["status"])


@case("faults.401_for_one_account")
def unauthorized_account(bench):
    """The probe is good: it is about this account, and nobody else waits."""
    with Place(bench, "one401", accounts=["1", "2"]) as p:
        worker = p.worker()
        p.portal.fault("unauthorized", account="1", times=0)
        p.publish(blocked("a", "1"), blocked("b", "2"))
        same("reason", p.outcome("a", "rejected")["data"]["reason"], "unauthorized")
        p.outcome("b", "applied")
        check(not worker.says("provider_paused"), "the provider is not paused")
        worker.await_ready()


@case("faults.401_for_all")
def unauthorized_all(bench):
    """Our credentials are bad: the pool pauses and says so, nothing is lost, and it goes on by itself."""
    services = [str(3000 + i) for i in range(20)]
    with Place(bench, "all401", accounts=services) as p:
        worker = p.worker()
        p.portal.fault("unauthorized", method=None, times=0)
        p.publish(*[blocked(f"b{s}", s) for s in services])
        worker.await_log("event=provider_paused")
        worker.await_unready("credentials")
        same("no outcome while paused", p.follower.outcomes, [])
        p.portal.control("DELETE", "faults")
        worker.await_log("event=provider_resumed")
        p.await_finals([f"b{s}" for s in services])
        for s in services:
            p.outcome(f"b{s}", "applied")
            same(f"effects of {s}", p.portal.names(s), ["status"])
        worker.await_ready()
        same("dead letters", p.dead_letters(), [])


@case("faults.query_is_asked")
def query_is_asked(bench):
    """Made and the answer lost: not sent again, but asked after the quarantine; and sent when it was not done."""
    with Place(bench, "query") as p:
        p.worker()
        p.portal.fault("cut_after", account="41", method="POST")
        p.portal.fault("cut_before", account="42", method="POST")
        p.publish(created("done", "41"), blocked("later", "41"), created("lost", "42"))
        done = p.outcome("done", "applied")["data"]
        same("how it was known", done.get("resolved"), "read_back")
        lost = p.outcome("lost", "applied")["data"]
        check("resolved" not in lost, "sent again: by its answer", lost)
        p.outcome("later", "applied")
        same("effects of 41", p.portal.names("41"), ["create", "status"])
        same("effects of 42", p.portal.names("42"), ["create"])
        creates = [r for r in p.portal.requests(method="POST") if r["form"].get("login") == "41"]
        same("creating requests of 41", len(creates), 1)
        same("record", p.record("42")["status"], "active")


@case("faults.never_is_for_a_person")
def never_is_for_a_person(bench):
    """A message whose answer was lost is not sent twice: it waits for a person, and the service goes on."""
    with Place(bench, "never", accounts=["1"]) as p:
        p.worker()
        p.portal.fault("cut_after", method="POST", path="stb_msg")
        p.publish(event("m", "1", "message.requested", {"message": {"text": "hello"}}), blocked("b", "1"))
        same("what waits", p.parked("m", "1")["state"], "doubt")
        p.outcome("b", "applied")
        same("requests for the message", len([r for r in p.portal.requests("1") if "stb_msg" in r["path"]]), 1)
        same("dead letters", p.dead_letters(), [])
        p.one_final(["b"])


@case("faults.doubt_resolved")
def doubt_resolved(bench):
    """Two doubtful messages: one was done, one was not, a person says so; each ends with one outcome."""
    with Place(bench, "resolved", accounts=["1", "2"]) as p:
        p.worker()
        p.portal.fault("cut_after", account="1", method="POST", path="stb_msg")
        p.portal.fault("cut_before", account="2", method="POST", path="stb_msg")
        for s in "12":
            p.publish(event(f"m{s}", s, "message.requested", {"message": {"text": "hello"}}))
        places = [p.parked(f"m{s}", s)["place"] for s in "12"]
        for place_, word in zip(places, ("--applied", "--not-applied")):
            def said(place_=place_, word=word):
                answer = p.tvbridge("doubt", "resolve", "--place", place_, word, "--reason", "seen", "--json", good=(0, 1))
                return "in_quarantine" not in answer and answer
            until(said, "the act is carried out", p.brief)
        same("resolved", p.outcome("m1", "applied")["data"].get("resolved"), "operator")
        p.outcome("m2", "applied")
        same("requests for 1", len([r for r in p.portal.requests("1") if "stb_msg" in r["path"]]), 1)
        same("requests for 2", len([r for r in p.portal.requests("2") if "stb_msg" in r["path"]]), 2)
        until(lambda: not p.tvbridge("waiting", "list", "--json").split(), "nothing waits", p.brief)
        p.one_final(["m1", "m2"])


@case("faults.attempts_used_up")
def attempts_used_up(bench):
    """It fails for ever. What may have been done waits for a person, what was refused each time is dead; with `park: always` the
    same axis waits behind either, others never do. What is dropped lets it go on."""
    retry = {"base_ms": 20, "cap_ms": 50, "attempts": 4}
    with Place(bench, "dead", accounts=["1", "2", "3"], provider={"retry": retry, "park": "always"}) as p:
        p.worker()
        p.portal.fault("cut_before", account="1", times=4)
        p.portal.fault("retry_after", account="3", times=0, after=0)
        p.publish(blocked("a", "1"), blocked("c", "2"), blocked("d", "3"))
        entry = p.parked("a", "1")
        same("entry", (entry["state"], entry["attempts"], entry["detail"]), ("doubt", 4, "attempts_exhausted"))
        p.outcome("c", "applied")
        same("reason", p.outcome("d", "dead")["data"]["reason"], "attempts_exhausted")
        letter = p.dead_letter("dead")
        check(letter["dead_letter"]["attempts"] == "4" and letter["key"] == "3", "the dead letter", letter)
        p.publish(unblocked("b", "1"), unblocked("e", "3"))
        for number in "be":
            until(lambda number=number: p.of(number), f"{number} is set aside", p.brief)
            same("what came of it", [o["data"]["kind"] for o in p.of(number)], ["waiting"])
        same("effects", [p.portal.names(s) for s in "123"], [[], ["status"], []])
        dead = [json.loads(line) for line in p.tvbridge("dead", "list", "--json").splitlines()]
        same("dead", [(d["service"], d.get("state")) for d in dead], [("3", "dead")])
        p.tvbridge("dead", "drop", "--place", dead[0]["place"], "--reason", "of no use")
        same("it is tried now", p.outcome("e", "dead")["data"]["reason"], "attempts_exhausted")
        p.one_final(["c", "d", "e"])


@case("faults.doubt_then_already_so")
def doubt_then_already_so(bench):
    """Done by us, the answer lost, sent again and found done: applied and read back, never `unchanged`."""
    with Place(bench, "already", accounts=["1"]) as p:
        p.worker()
        p.portal.fault("cut_after", account="1")
        p.publish(event("a", "1", "package.added", {"packages": [{"id": "P3"}]}))
        same("how it was known", p.outcome("a", "applied")["data"].get("resolved"), "read_back")
        p.publish(event("b", "1", "package.added", {"packages": [{"id": "P3"}]}))
        p.outcome("b", "unchanged")
        same("subscribed", p.record("1")["packages"], {"P3": {}})


@case("faults.not_reached")
def not_reached(bench):
    """Nobody listens at the platform's address, then somebody does: nothing was sent, nothing is in doubt."""
    retry = {"base_ms": 100, "cap_ms": 500, "attempts": 1000}
    with Place(bench, "refusing", accounts=["1"], provider={"retry": retry}) as p:
        worker = p.worker()
        port = int(p.portal.url.rsplit(":", 1)[1])
        p.portal.stop()
        p.publish(blocked("a", "1"))
        worker.await_log("error=not_sent")
        again = p.adopt(Portal(p.dir, "portal2", ["1"], port))
        p.outcome("a", "applied")
        same("effects", again.names("1"), ["status"])


@case("faults.one_waits_fifty_go")
def lanes(bench):
    """A retry holds its lane and nothing else: fifty services finish while one fails, then that one does too."""
    services = [str(4000 + i) for i in range(50)]
    retry = {"base_ms": 100, "cap_ms": 300, "attempts": 1000}
    with Place(bench, "lanes", accounts=services + ["1"], provider={"retry": retry, "limits": {"in_flight": 4}}) as p:
        p.worker()
        p.portal.fault("status", account="1", status=503, times=0)
        p.publish(blocked("stuck", "1"), event("behind", "1", "service.updated", {"comment": "x"}), *[blocked(f"b{s}", s) for s in services])
        p.await_finals([f"b{s}" for s in services])
        same("outcomes of the one that fails", p.of("stuck") + p.of("behind"), [])
        check(len(p.portal.requests("1")) >= 1, "it was tried")
        p.portal.control("DELETE", "faults")
        p.outcome("stuck", "applied")
        p.outcome("behind", "applied")
        same("effects in order", p.portal.names("1"), ["status", "update"])


@case("faults.connection_dies_between_calls")
def stale_connection(bench):
    """A kept connection that the platform closes before its answer: the library's hidden second send never leaves."""
    with Place(bench, "resend", accounts=["1", "2"], numbers={**PATIENT}) as p:
        p.worker()
        p.publish(blocked("warm", "2"))
        p.outcome("warm", "applied")
        p.portal.fault("cut_after", account="1", method="POST", times=0)
        p.publish(event("m", "1", "message.requested", {"message": {"text": "once"}}))
        same("what nobody can look into waits for a person", p.parked("m", "1")["state"], "doubt")
        same("messages that left", len([r for r in p.portal.requests("1") if "stb_msg" in r["path"]]), 1)

