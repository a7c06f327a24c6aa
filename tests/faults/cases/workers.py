"""Worker processes that are killed, stopped, ended and that come and go."""
import signal
import subprocess
import time

from harness import points
from harness.place import until


def kill_at_random(p):
    """Two workers under load; one after the other is killed at a random moment and replaced."""
    kills, each = p.run.kills_a_round, p.run.events_a_round // 100
    p.open()
    workers = [p.worker(), p.worker()]
    p.send(p.events(100, each), over_s=kills * 3)
    for _ in range(kills):
        p.pause(0.5, 4)
        workers.pop(p.rng.randrange(2)).kill()
        p.mark()
        p.notes["kills"] = p.notes.get("kills", 0) + 1
        workers.append(p.worker(ready=False))


def crash_at(point, kind):
    """One worker of two is killed at its N-th pass of the point, with events of one class; the other takes over."""
    def play(p):
        lose = LOSSES[kind.partition("/")[2] or "intact"]
        what = kind.partition("/")[0]
        p.open(redis="pair" if lose else "shared")
        if lose:
            p.worker()
        first = p.worker(point=f"{point}:{p.rng.randint(1, 40 if point not in ('committing', 'committed') else 6)}")
        if not lose:
            p.worker()
        p.send(p.events(40, 6, classes=(what,)), over_s=2)
        first.await_killed()
        if lose:
            lose(p)
        p.mark()
    return play


def crash_on_wire(kind):
    """The platform has done it and holds the answer: the worker is killed then."""
    def play(p):
        lose = LOSSES[kind.partition("/")[2] or "intact"]
        what = kind.partition("/")[0]
        p.open(redis="pair" if lose else "shared", numbers={"request_ms": 4000, "lease_ms": 11000, "quarantine_ms": 10000})
        workers = [p.worker(), p.worker()]
        p.platform.rules({"action": "hold", "p": 0.3})
        p.send(p.events(40, 6, classes=(what,)), over_s=1)
        p.await_calls(p.rng.randint(5, 40))
        workers[p.rng.randrange(2)].kill()
        if lose:
            lose(p)
        p.mark()
        p.platform.rules()
    return play


def _fail_over_with_loss(p):
    """The replica stopped hearing a moment ago; it becomes the master."""
    p.replication.set("hole")
    p.pause(0.3, 1.5)
    p.redis.kill()
    p.replica.cli("REPLICAOF", "NO", "ONE")
    p.wire.set(target=p.replica.port, drop=True)


def _empty(p):
    p.redis.cli("FLUSHALL")


LOSSES = {"intact": None, "suffix_lost": _fail_over_with_loss, "emptied": _empty}


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
        words = ["kcat", "-b", p.brokers, "-G", f"{p.prefix}{p.providers[0]}", "-q", "-X", "enable.auto.commit=false",
                 "-X", "session.timeout.ms=6000", p.topic("events")]
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
    p.send(p.events(60, 8), over_s=6)
    for _ in range(3):
        p.worker(point=f"claimed:{p.rng.randint(1, 5)}", ready=False).await_killed(90)
    p.mark()


def kills_slow_rate(p):
    """kill -9 at 20 events a second: how many services have to wait. Told, not judged."""
    p.open()
    victim = p.worker()
    p.worker()
    events = p.events(400, 1)
    p.send(events, over_s=20, slices=400)
    p.pause(5, 8)
    busy = victim.log().count("event=outcome ")
    before = time.monotonic()
    victim.kill()
    p.mark()
    until(lambda: p.done() >= len(events) * 0.9, "most outcomes")
    p.notes["victim_outcomes"], p.notes["most_done_s"] = busy, round(time.monotonic() - before, 1)


def reached(point):
    return points.POINTS[point]
