"""What a platform can do to calls, and long lanes beside it."""
import statistics
import time

from harness import load
from harness.place import until


def answers(action, p_share=0.1, classes=load.CLASSES, each=6, **more):
    """A tenth of the calls meet that fault."""
    def play(p):
        p.open()
        p.worker()
        p.platform.rules({"action": action, "p": p_share, **more})
        p.send(p.events(60, each, classes=classes), over_s=4)
        p.pause(5, 6)
        p.notes["met"] = sum(p.platform.counts()["used"])
        p.platform.rules()
        p.mark()
        if not p.notes["met"]:
            p.problems.append("no call met the fault")
    return play


def answers_and_kill(p):
    """All faults at once, a few in a hundred each, and kill -9 on top."""
    p.open()
    workers = [p.worker(), p.worker()]
    p.platform.rules(*({"action": a, "p": 0.02} for a in ("rst", "fin", "hang", "garbage", "cut_header", "partial_body",
                                                         "wrong_reference", "500_done", "500", "503", "html")))
    p.send(p.events(80, 8), over_s=6)
    for _ in range(2):
        p.pause(1, 3)
        workers.pop(0).kill()
        workers.append(p.worker(ready=False))
    p.pause(3, 4)
    p.platform.rules()
    p.mark()


def storm(action, **more):
    """Every call meets that fault for some seconds."""
    def play(p):
        p.open()
        p.worker()
        p.send(p.events(60, 6), over_s=6)
        p.pause(1, 2)
        p.platform.rules({"action": action, **more})
        p.pause(3, 5)
        p.platform.rules()
        p.mark()
    return play


def outage(how):
    """The platform is away. Nothing may be buried by it. Told: time to the correct state, calls made meanwhile."""
    def play(p):
        seconds = p.run.outage_s
        p.open(retry={"attempts": 8, "max_age_ms": 900000})
        p.worker()
        p.worker()
        events = p.events(120, 6)
        p.send(events, over_s=min(seconds, 10) + 4)
        p.pause(1, 3)
        before, sent = p.platform.counts()["counts"], len(p.sent)
        p.platform.control(down=how)
        time.sleep(seconds)
        during = p.platform.counts()["counts"]
        p.platform.control(down=None)
        p.mark()
        _judge_load(p, sum(during.values()) - sum(before.values()), len(p.sent) - sent)
        p.settle(WAIT_AFTER_OUTAGE_S)
        for reason, n in _dead(p).items():
            p.problems.append(f"the outage buried {n} events: {reason}")
    return play


def _judge_load(p, calls, events):
    """Each event that came during the outage may be tried once, and a tenth of them again."""
    p.notes.update(outage_s=p.run.outage_s, calls_during=calls, events_during=events)
    if "breaker" in p.run.landed and calls > 1.1 * max(events, 20):
        p.problems.append(f"{calls} calls during the outage, for {events} events that came meanwhile")


WAIT_AFTER_OUTAGE_S = 240


def _dead(p):
    found = {}
    for letter in p.history(p.providers[0]).dead:
        found[letter["reason"]] = found.get(letter["reason"], 0) + 1
    return found


def slow_beside_fast(p):
    """Two platforms in one process: the slow one costs the fast one's p99 at most half as much again."""
    p.open(providers=("fast", "slow"), delay_ms=(1, 2), limits={"in_flight": 8})
    p.worker()
    ratios = []
    for i in range(5):
        alone = _p99(p, f"a{i}")
        p.platforms["slow"].control(delay_ms=[1500, 1900])
        p.send(p.events(40, 1, provider="slow", prefix=f"w{i}", classes=("safe",)))
        ratios.append(_p99(p, f"b{i}") / alone)
        p.platforms["slow"].control(delay_ms=[1, 2])
    p.notes["p99_ratio"] = round(statistics.median(ratios), 2)
    if p.notes["p99_ratio"] > 1.5:
        p.problems.append(f"the fast platform's p99 is {p.notes['p99_ratio']} times what it is alone: {ratios}")


def _p99(p, prefix):
    """Publish to outcome, one after the other in small groups."""
    times = []
    for i in range(200):
        e = p.events(1, 1, provider="fast", prefix=f"{prefix}n{i}", classes=("safe",))
        began = time.monotonic()
        p.send(e)
        key = (e[0]["subject"], e[0]["id"])
        until(lambda key=key: key in p.follower.seen, "an outcome of the fast platform", 60)
        times.append(p.follower.seen[key] - began)
    return sorted(times)[int(len(times) * 0.99) - 1]
