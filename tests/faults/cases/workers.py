"""Worker processes that are killed, stopped, ended and that come and go."""
import signal
import subprocess
import sys
import time

from harness.place import HERE, NUMBERS, until


def kill_at_random(p):
    """Two workers under load; one after the other is killed while it works, at a random moment, and replaced."""
    kills = p.run.kills_a_round
    p.open()
    workers = [p.worker(), p.worker()]
    for i in range(kills):
        p.send(p.events(100, max(1, p.run.events_a_round // kills // 100), prefix=f"k{i}n"), over_s=2)
        victim = _at_work(p, workers)
        p.pause(0, 2)
        victim.kill()
        p.mark()
        p.notes["kills"] = p.notes.get("kills", 0) + 1
        workers[workers.index(victim)] = p.worker(ready=False)


def _at_work(p, workers):
    """One of those that have just finished something."""
    before = {w: w.log().count("event=outcome ") for w in workers}

    def busy():
        found = [w for w in workers if w.log().count("event=outcome ") > before[w]]
        return p.rng.choice(found) if found else None
    return until(busy, "a worker that works")


RARE = {"committing": 6, "committed": 6, "ceiling_raised": 2, "set_aside": 3, "entry_sending": 3, "entry_decided": 3,
        "superseding": 3}


def crash_at(point, what, loss):
    """One worker of two is killed at its N-th pass of the point, with events of one class; the other takes over."""
    def play(p):
        before, after = LOSSES[loss]
        floods = point == "set_aside" or point.startswith("entry_")
        p.open(redis="pair" if loss != "intact" else "shared", numbers={"lane_limit": 4} if floods else None)
        first = p.worker(point=f"{point}:{p.rng.randint(1, RARE.get(point, 40))}")
        p.worker()
        if floods:
            p.await_quarantine()
        p.send(p.events(12, 20, classes=(what,)) if floods else p.events(40, 6, classes=(what,)), over_s=0 if floods else 2)
        before(p)
        first.await_killed()
        after(p)
        p.mark()
    return play


def crash_on_wire(what, loss):
    """The platform has done it and holds the answer: the worker is killed then."""
    def play(p):
        before, after = LOSSES[loss]
        p.open(redis="pair" if loss != "intact" else "shared", numbers={"request_ms": 4000, "lease_ms": 11000, "quarantine_ms": 10000})
        workers = [p.worker(), p.worker()]
        p.platform.rules({"action": "hold", "p": 0.3})
        p.send(p.events(40, 6, classes=(what,)), over_s=1)
        before(p)
        p.await_calls(p.rng.randint(5, 40))
        workers[p.rng.randrange(2)].kill()
        after(p)
        p.mark()
        p.platform.rules()
    return play


def _nothing(p):
    pass


def _deafen(p):
    """From now on the replica hears nothing: what the worker writes before it dies is among what is lost."""
    p.pause(0, 0.4)
    p.replication.set("hole")


def _fail_over(p):
    p.pause(0, 1)
    p.redis.kill()
    p.replica.cli("REPLICAOF", "NO", "ONE")
    p.wire.set(target=p.replica.port, drop=True)


def _empty(p):
    p.redis.cli("FLUSHALL")


# What is done to Redis before and after the crash.
LOSSES = {"intact": (_nothing, _nothing), "suffix_lost": (_deafen, _fail_over), "emptied": (_nothing, _empty)}


def stop_at(point, what):
    """SIGSTOP at the point for longer than the session timeout, then SIGCONT: the other owner has taken over."""
    def play(p):
        if point == "sending" and what != "keyed":  # the stated limit: what is paused there may leave late
            p.allowed = {"doubled": what, "overtaken": what, "stale": what, "contradictory": what}
        p.open()
        first = p.worker(point=f"{point}:{p.rng.randint(1, 20)}:stop")
        p.worker()
        p.send(p.events(40, 6, classes=(what,)), over_s=2)
        first.await_stopped()
        p.pause(9, 20)
        first.signal(signal.SIGCONT)
        p.mark()
    return play


def stop_at_random(p):
    """SIGSTOP at a random moment, longer than the session timeout, whatever the worker was doing."""
    p.open()
    first = p.worker()
    p.worker()
    p.send(p.events(100, 8), over_s=4)
    p.pause(1, 3)
    first.signal(signal.SIGSTOP)
    p.pause(8, 12)
    first.signal(signal.SIGCONT)
    p.mark()
    p.notes["stops"] = 1


def stop_briefly(p):
    """SIGSTOP for less than the session timeout: nobody notices, nothing is done twice."""
    p.open()
    workers = [p.worker(), p.worker()]
    p.send(p.events(100, 8), over_s=4)
    for worker in workers:
        p.pause(0.5, 1)
        worker.signal(signal.SIGSTOP)
        p.pause(0.5, 2.5)
        worker.signal(signal.SIGCONT)
    p.mark()


def rolling(p):
    """Each worker is ended with SIGTERM and replaced under load, twice: a drain replays nothing."""
    p.open()
    workers = [p.worker(), p.worker()]
    p.send(p.events(100, 10), over_s=8)
    for _ in range(4):
        p.pause(0.5, 1.5)
        workers.append(p.worker(ready=False))
        status = workers.pop(0).term()
        if status != 0:
            p.problems.append(f"a drain ended with status {status}")
    p.mark()


def storm(p):
    """Members that do nothing join the group and leave it all the time: a rebalance every second or so."""
    p.open()
    p.worker()
    p.worker()
    p.send(p.events(100, 10), over_s=10)
    for _ in range(6):
        words = [sys.executable, HERE / "guest.py", p.brokers, f"{p.prefix}{p.providers[0]}", p.topic("events"), p.topic("control")]
        guest = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        p.pause(0.3, 1.6)
        if p.rng.random() < 0.3:
            guest.kill()  # without leaving: its partitions wait for the session timeout
        else:
            guest.terminate()
        guest.wait()
        p.pause(0, 0.5)
    p.mark()
    p.notes["rebalances"] = sum(w.log().count("event=partitions_assigned") for w in p.workers)


def crash_loop(p):
    """A worker that dies at each start, beside one that works."""
    p.open()
    p.worker()
    for i in range(3):
        worker = p.worker(point=f"claimed:{p.rng.randint(1, 5)}")
        p.send(p.events(60, 4, prefix=f"t{i}n"), over_s=2)
        worker.await_killed(90)
    p.mark()


def kills_slow_rate(p):
    """kill -9 at 20 events a second. Told: how many events end later than the session timeout and 2 s after it."""
    p.open()
    victim = p.worker()
    p.worker()
    events = p.events(400, 1)
    p.send(events, over_s=20, slices=400)
    p.pause(5, 8)
    victim.kill()
    p.mark()
    resumed = time.monotonic() + NUMBERS["session_timeout_ms"] / 1000 + 2
    p.settle()
    ends = [(p.sent[key], end) for key, end in p.follower.seen.items() if key in p.sent]
    p.notes["delayed"] = sum(end > max(resumed, sent + 1) for sent, end in ends)


