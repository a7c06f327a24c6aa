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
        "superseding": 3, "part_sent": 20, "parts_sent": 6}


def crash_at(point, what, loss):
    """One worker of two is killed at its N-th pass of the point, with events of one class; the other takes over."""
    def play(p):
        before, after = LOSSES[loss]
        floods = point == "set_aside" or point.startswith("entry_")
        p.open(redis="pair" if loss != "intact" else "shared", numbers={"lane_limit": 4} if floods else None)
        p.makes_events = what == "snapshot"
        first = p.worker(point=f"{point}:{p.rng.randint(1, RARE.get(point, 40))}")
        p.worker()
        if floods:
            p.await_quarantine()
        p.send(p.events(12, 20, classes=(what,)) if floods else p.events(40, 6, classes=(what,)), over_s=0 if floods else 2)
        before(p)
        first.await_killed()
        after(p)
        p.mark()
        p.notes["kills"] = 1
    return play


def crash_on_wire(what, loss):
    """The platform has done it and holds the answer: the worker is killed then."""
    def play(p):
        before, after = LOSSES[loss]
        p.open(redis="pair" if loss != "intact" else "shared", numbers={"request_ms": 4000, "lease_ms": 11000, "quarantine_ms": 10000})
        p.makes_events = what == "snapshot"
        workers = [p.worker(), p.worker()]
        p.platform.rules({"action": "hold", "p": 0.3})
        p.send(p.events(40, 6, classes=(what,)), over_s=1)
        before(p)
        p.await_calls(p.rng.randint(5, 40))
        workers[p.rng.randrange(2)].kill()
        after(p)
        p.mark()
        p.platform.rules()
        p.notes["kills"] = 1
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
        p.notes["stops"] = 1
    return play


def stop_at_random(p):
    """SIGSTOP at a random moment, longer than the session timeout, whatever the worker was doing."""
    p.open()
    workers = [p.worker(), p.worker()]
    for i in range(p.run.a_round or 1):
        p.send(p.events(100, 8, prefix=f"t{i}n"), over_s=4)
        first = _at_work(p, workers)
        p.pause(1, 3)
        first.signal(signal.SIGSTOP)
        p.pause(8, 12)
        first.signal(signal.SIGCONT)
        p.mark()
        p.notes["stops"] = i + 1


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
        _term_in_time(p, workers.pop(0))
    p.must_call_once()
    p.mark()


def storm(p):
    """Members that do nothing join the group and leave it all the time: a rebalance every second or so."""
    p.open()
    p.worker()
    p.worker()
    p.send(p.events(100, 10), over_s=10)
    for i in range(p.run.a_round or 6):
        if i % 6 == 5:
            p.send(p.events(100, 10, prefix=f"t{i}n"), over_s=10)
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
    p.notes["rebalances"] = max(w.log().count("event=partitions_assigned") for w in p.workers) - 1
    if p.notes["rebalances"] < 3:
        p.problems.append("the members that come and go are not felt")


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
    """kill -9 at 20 events a second: delayed are no more services than calls in flight; nothing unsent waits for a person."""
    p.open(delay_ms=(300, 900), limits={"in_flight": 200})
    victim = p.worker()
    p.worker()
    p.await_quarantine()
    p.send(p.events(600, 1), over_s=30, slices=600)
    p.pause(5, 8)
    in_flight = _kill_and_count(p, victim)
    killed = time.monotonic()
    p.mark()
    p.no_unsent_for_a_person()
    p.settle()
    resumed = killed + NUMBERS["session_timeout_ms"] / 1000 + 2
    late = {key[0] for key, end in p.follower.seen.items() if key in p.sent and end > max(resumed, p.sent[key]) + TWO_CALLS_S}
    p.notes.update(kills=1, in_flight=in_flight, delayed=len(late))
    if len(late) > in_flight:
        p.problems.append(f"{len(late)} services ended later than {resumed - killed:g} s and their calls after the kill; "
                          f"{in_flight} calls were in flight")


TWO_CALLS_S = 2.5  # an event of two steps, 0.9 s each, and its outcome


def _kill_and_count(p, victim):
    """Kills it; how many of its calls were in flight. What is asked for before it stands still and after it is enough:
    no call is as short as the time between."""
    ports = set(p.platform.counts()["in_work"])
    victim.signal(signal.SIGSTOP)
    ports |= set(p.platform.counts()["in_work"])
    found = len(ports & victim.ports())
    victim.kill()
    return found


def drain(p):
    """SIGTERM under load: it ends within 15 s, and nothing at all is called again, by it or by the one that goes on."""
    p.open(delay_ms=(100, 700))
    workers = [p.worker(), p.worker()]
    p.send(p.events(200, 8), over_s=10)
    for worker in workers:
        _at_work(p, [worker])
        p.pause(0.5, 2)
        p.worker(ready=False)
        _term_in_time(p, worker)
    p.must_call_once()
    p.mark()


def drain_without_redis(p):
    """The same while Redis is away: it ends within 15 s all the same."""
    p.open(redis="wired", delay_ms=(100, 700))
    worker = p.worker()
    p.send(p.events(100, 6), over_s=5)
    _at_work(p, [worker])
    p.pause(0.5, 1)
    p.wire.set("cut")
    _term_in_time(p, worker)
    p.wire.set()
    p.worker()
    p.mark()


def drain_with_hanging_calls(p):
    """The same while some calls are never answered."""
    p.open()
    worker = p.worker()
    p.platform.rules({"action": "hang", "p": 0.2})
    p.send(p.events(100, 6), over_s=5)
    _at_work(p, [worker])
    p.pause(0.5, 1)
    _term_in_time(p, worker)
    p.platform.rules()
    p.worker()
    p.mark()


DRAIN_MOST_S = 15


def _term_in_time(p, worker):
    began = time.monotonic()
    status = worker.term()
    took = time.monotonic() - began
    p.notes["drain_s"] = max(p.notes.get("drain_s", 0), round(took, 1))
    if status != 0:
        p.problems.append(f"a drain ended with status {status}")
    if took > DRAIN_MOST_S:
        p.problems.append(f"a drain took {took:.1f} s")
