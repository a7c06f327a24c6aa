"""What the operators' commands ask for is carried out by the worker: each is answered, seen, and done once."""
import json
import subprocess
import time

from lib.cases import case
from lib.kafka import murmur2_partition
from lib.pace import metric
from lib.place import PARTITIONS, PROVIDER, Place, blocked, check, event, same, unblocked, until

QUICK = ["--wait", "60s", "--reason", "the test wants it"]


def act(p, *words, status=0):
    """The answers of an operator's command, a row each."""
    done = subprocess.run([p.bench.bin / "tvbridge", *map(str, words), "-S", p.settings, "--json", *QUICK],
                          capture_output=True, timeout=300)
    rows = [json.loads(line) for line in done.stdout.decode().splitlines()]
    same(f"exit status of {words}: {done.stderr.decode()[-300:]} {rows}", done.returncode, status)
    return rows


def results(rows):
    return sorted({(r["result"], r.get("why", "")) for r in rows})


def control(p):
    return [json.loads(value) for _, value in p.read("control")]


def replay(p, kind):
    """The last act of that kind once more, as it stands in the topic; the answers to it, when there is one more."""
    acts = [m for m in control(p) if m["type"] == f"tvbridge.act.{kind}"]
    again, service = acts[-1], acts[-1]["subject"]

    def answers():
        return [m for m in control(p) if m["type"] == "tvbridge.act_answer" and m["data"]["act"]["id"] == again["id"]]
    before = len(answers())
    path = p.dir / "act"
    path.write_text(json.dumps(again))
    subprocess.run(["kcat", "-b", p.bench.brokers, "-P", "-t", f"{p.prefix}control.{PROVIDER}", "-p",
                    str(murmur2_partition(service, PARTITIONS)), "-k", service, str(path)], check=True, timeout=60)
    until(lambda: len(answers()) > before, f"an answer to the replayed {kind}")
    return [(a["data"]["result"], a["data"].get("why", "")) for a in answers()][before:]


@case("acts.pause")
def pause(bench):
    """Paused: nothing is called, over a restart too, and /readyz and the metrics say so; resumed: all is done, in order."""
    services = [str(100 + i) for i in range(12)]
    with Place(bench, "pause", accounts=services) as p:
        worker = p.worker()
        p.publish(*[blocked(f"b{s}", s) for s in services])
        p.await_finals([f"b{s}" for s in services])
        same("answers", results(act(p, "pause", PROVIDER)), [("done", "")])
        worker.await_unready("an operator paused the provider: no new calls in 4 partitions")
        same("the metric", metric(worker, "tvbridge_paused_partitions"), 4)
        calls = len(p.portal.requests(method="PUT"))
        p.publish(*[unblocked(f"u{s}", s) for s in services])
        same("status after SIGTERM", worker.term(), 0)
        worker = p.worker(ready=False)
        worker.await_unready("an operator paused the provider: no new calls in 4 partitions")
        worker.await_log("event=partitions_open")
        told = p.tvbridge("explain", services[0], "-p", PROVIDER)
        check("paused" in told, "explain says that it is paused", told)
        same("paused twice is done too", results(act(p, "pause", PROVIDER)), [("done", "")])
        same("calls while it is paused", len(p.portal.requests(method="PUT")), calls)
        same("answers", results(act(p, "resume", PROVIDER)), [("done", "")])
        p.await_finals([f"u{s}" for s in services])
        worker.await_ready()
        same("the metric", metric(worker, "tvbridge_paused_partitions"), 0)
        for s in services:
            same("effects", p.portal.names(s), ["status", "status"])
        p.await_committed()


@case("acts.rebase")
def rebase(bench):
    """A service that began with `sequence` and goes on without: refused until an operator says how it is ordered."""
    with Place(bench, "rebase", accounts=["70001"]) as p:
        worker = p.worker()
        p.publish(blocked("a", "70001", sequence=41))
        p.outcome("a", "applied")
        p.publish(unblocked("b", "70001"))
        p.outcome("b", "rejected")
        same("answers", results(act(p, "rebase", "70001", "-p", PROVIDER, "--by", "offset")), [("done", "")])
        record = p.record("70001")
        same("the record's order", record["order_by"], "offset")
        p.publish(unblocked("c", "70001"))
        p.outcome("c", "applied")
        same("a replay has the same answer", replay(p, "rebase_order"), [("done", "")])
        same("status after SIGTERM", worker.term(), 0)
        p.worker()
        p.publish(blocked("d", "70001"))
        p.outcome("d", "applied")
        same("back again", results(act(p, "rebase", "70001", "-p", PROVIDER, "--by", "sequence", "--number", "50")),
             [("done", "")])
        p.publish(unblocked("e", "70001", sequence=50))
        p.outcome("e", "stale")
        p.publish(unblocked("f", "70001", sequence=51))
        p.outcome("f", "applied")
        same("the effects", p.portal.names("70001"), ["status"] * 4)
        r = subprocess.run([p.bench.bin / "tvbridge", "rebase", "70002", "-p", PROVIDER, "--by", "offset", "-S", p.settings, *QUICK],
                           capture_output=True, text=True, timeout=60)
        check(r.returncode == 1 and "no record" in r.stderr, "a service without a record", r.stderr)


def of_partition(number, n):
    """Services of that partition."""
    found = [str(s) for s in range(20000, 21000) if murmur2_partition(str(s), PARTITIONS) == number]
    return found[:n]


@case("acts.approve_ahead")
def approve_ahead(bench):
    """More cuts than the guard allows are held; what is approved ahead goes, and no more than that."""
    services = of_partition(1, 8)
    with Place(bench, "ahead", accounts=services, provider={"guard": {"percent": 0, "accounts": 8}}) as p:
        worker = p.worker()
        p.publish(*[blocked(f"b{s}", s) for s in services[:3]])

        def held():
            return sorted(o["data"]["event"]["id"] for o in list(p.follower.outcomes) if o["data"]["kind"] == "held")
        until(lambda: len(held()) == 1, "two of three go, the third is held", p.brief)
        rows = [json.loads(line) for line in p.tvbridge("waiting", "list", "--json").splitlines()]
        same("what waits", [(r["waits_for"], r["state"]) for r in rows], [("guard", "unsent")])
        same("calls", len(p.portal.requests(method="PUT")), 2)
        check(worker.says("event=guard_holds"), "the log says that the guard holds")
        same("the metric", metric(worker, "tvbridge_guard_held_total"), 1)
        same("answers", results(act(p, "approve", "-p", PROVIDER, "--until", "1h", "--max", 8)), [("done", "")])
        p.publish(*[blocked(f"b{s}", s) for s in services[3:]])
        until(lambda: len(held()) == 4, "two more are paid for, the other three are held", p.brief)
        same("calls", len(p.portal.requests(method="PUT")), 4)
        record = [json.loads(v) for k, v in p.read("records") if k == "partition:1"][-1]
        same("nothing is left of it", record["approvals"], [])
        worker.kill()
        p.worker()
        p.publish(blocked("late", services[0]), event("m", services[0], "message.requested", {"message": {"text": "x"}}))
        p.outcome("late", "applied")  # it was cut within the hour: it does not count again
        told = p.tvbridge("explain", services[7], "-p", PROVIDER)
        check("guard" in told, "explain says what it waits for", told)


def listed(p, *words):
    return [json.loads(line) for line in p.tvbridge(*words, "--json").splitlines()]


@case("acts.dead")
def dead(bench):
    """What died holds back what comes after it, until it is redriven or dropped; each once."""
    again, given_up = "70001", "70002"
    provider = {"retry": {"base_ms": 20, "cap_ms": 50, "attempts": 2}, "park": "always"}
    with Place(bench, "dead", accounts=[again, given_up], provider=provider) as p:
        p.worker()
        for s in (again, given_up):
            p.portal.fault("retry_after", account=s, status=429, after=0, times=100)
            p.publish(blocked(f"b{s}", s))
        for s in (again, given_up):
            p.outcome(f"b{s}", "dead")
            p.publish(unblocked(f"u{s}", s))
            until(lambda s=s: [o for o in p.of(f"u{s}") if o["data"]["kind"] == "waiting"], "the later one waits behind it", p.brief)
        p.portal.control("DELETE", "faults")
        same("what is dead", sorted(r["service"] for r in listed(p, "dead", "list") if r.get("state") == "dead"), [again, given_up])
        same("redriven", results(act(p, "dead", "redrive", "--service", again)), [("done", "")])
        until(lambda: [o["data"]["round"] for o in p.finals(f"b{again}")] == [1, 2], "an outcome of the second round", p.brief)
        same("it", p.finals(f"b{again}")[-1]["data"]["kind"], "applied")
        p.outcome(f"u{again}", "applied")
        same("its effects, in order", [r["method"] for r in p.portal.requests(again)][-1:], ["PUT"])
        same("a replay", replay(p, "redrive"), [("too_late", "no_entry")])
        same("dropped", results(act(p, "dead", "drop", "--service", given_up)), [("done", "")])
        p.outcome(f"u{given_up}", "applied")
        same("a replay", replay(p, "drop"), [("too_late", "no_entry")])
        same("finals of what was dropped", [o["data"]["kind"] for o in p.finals(f"b{given_up}")], ["dead"])
        same("its effects", p.portal.names(given_up), ["status"])
        same("nothing waits", listed(p, "waiting", "list"), [])
        p.await_committed()


@case("acts.dead_covered")
def dead_covered(bench):
    """A newer event that covers what died is not held back, and closes it."""
    provider = {"retry": {"base_ms": 20, "cap_ms": 50, "attempts": 2}}
    with Place(bench, "covered", accounts=["70001"], provider=provider) as p:
        worker = p.worker()
        p.portal.fault("retry_after", account="70001", status=429, after=0, times=100)
        p.publish(blocked("dead", "70001"))
        p.outcome("dead", "dead")
        until(lambda: [r for r in listed(p, "dead", "list") if r.get("state") == "dead"], "it lies there", p.brief)
        p.portal.control("DELETE", "faults")
        p.publish(unblocked("back", "70001"))
        p.outcome("back", "applied")
        worker.await_log("event=dead_closed .*id=dead why=covered")
        until(lambda: listed(p, "waiting", "list") == [], "nothing waits", p.brief)
        same("finals of what was dead", [o["data"]["kind"] for o in p.finals("dead")], ["dead"])
        p.await_committed()


@case("acts.doubt")
def doubt(bench):
    """What only a person can tell waits for his word; too early it is refused."""
    services = ["70001", "70002"]
    with Place(bench, "doubt", accounts=services) as p:
        p.worker()
        for s, action in zip(services, ("cut_after", "cut_before")):
            p.portal.fault(action, account=s, method="POST")
            p.publish(event(f"m{s}", s, "message.requested", {"message": {"text": "x"}}))
        for s in services:
            until(lambda s=s: [o for o in p.of(f"m{s}") if o["data"]["kind"] == "in_doubt"], "a notice `in_doubt`", p.brief)
        rows = act(p, "doubt", "resolve", "--service", services[0], "--applied", status=1)
        same("within the quarantine", results(rows), [("refused", "in_quarantine")])
        time.sleep(p.tree["numbers"]["quarantine_ms"] / 1000 + 1)
        same("after it", results(act(p, "doubt", "resolve", "--service", services[0], "--applied")), [("done", "")])
        first = p.outcome(f"m{services[0]}", "applied")
        same("by whom", first["data"]["resolved"], "operator")
        same("the other", results(act(p, "doubt", "resolve", "--service", services[1], "--not-applied")), [("done", "")])
        p.outcome(f"m{services[1]}", "applied")
        same("requests", [len(p.portal.requests(s, "POST")) for s in services], [1, 2])
        same("a replay", replay(p, "resolve_doubt"), [("too_late", "no_entry")])
        p.await_committed()


@case("acts.approve")
def approve(bench):
    """A cut that the guard holds goes when a person approves it, and not by a release."""
    services = of_partition(2, 3)
    with Place(bench, "approve", accounts=services, provider={"guard": {"percent": 0, "accounts": 4}}) as p:
        p.worker()
        p.publish(*[blocked(f"b{s}", s) for s in services])
        until(lambda: len(listed(p, "waiting", "list", "--cause", "guard")) == 2, "two are held", p.brief)
        same("a release is not for these", act(p, "waiting", "release", "--cause", "guard", status=1), [])
        same("approved", results(act(p, "approve", "-p", PROVIDER, "--cause", "guard")), [("done", "")])
        for s in services:
            p.outcome(f"b{s}", "applied")
            same("effects", p.portal.names(s), ["status"])
        same("nothing waits", listed(p, "waiting", "list"), [])
        act(p, "pause", PROVIDER)
        same("nor does what is known of the partition", listed(p, "waiting", "list"), [])
