"""All faults mixed under a steady load, for as long as is asked; memory and descriptors are watched."""
import signal
import time

ACTIONS = ("rst", "fin", "hang", "garbage", "cut_header", "partial_body", "wrong_reference", "500_done", "500", "503", "html")


def play(p):
    """The oldest worker is never killed. At the end it holds what one holds that has just begun: each turn has accounts of its own, so
    that there is more and more to know, and what a worker needs for that is no leak."""
    p.open(redis="wired")
    elder, others = p.worker(), [p.worker()]
    end, turn = time.monotonic() + p.run.seconds, 0
    while time.monotonic() < end:
        turn += 1
        p.send(p.events(40, 5, prefix=f"t{turn}n"), over_s=4)
        _disturb(p, others)
        p.pause(2, 6)
    p.platform.rules()
    p.wire.set()
    p.mark()
    p.settle()
    young = p.worker()
    p.await_quarantine()
    time.sleep(CALM_S)
    held = {w: (w.rss_kb(), w.open_files()) for w in (young, elder)}
    p.notes.update(mixed=1, turns=turn, rss_kb=[held[young][0], held[elder][0]], descriptors=[held[young][1], held[elder][1]])
    _must_be_alike(p, held[young], held[elder])


def _must_be_alike(p, young, elder):
    if elder[0] > young[0] * 1.25 + MEMORY_KB:
        p.problems.append(f"the oldest worker holds {elder[0]} KB, one that has just begun {young[0]} KB")
    if elder[1] > young[1] + DESCRIPTORS:
        p.problems.append(f"the oldest worker has {elder[1]} descriptors, one that has just begun {young[1]}")


CALM_S = 25  # what was freed is given back after some seconds, and idle connections are closed
MEMORY_KB = 8192
DESCRIPTORS = 2 * 24 + 12  # who has just begun has no connection to the platform yet; there are at most twice in_flight, idle ones too


def _disturb(p, others):
    what = p.rng.choice(("kill", "kill", "term", "stop", "redis cut", "redis slow", "redis kill", "answers", "quiet"))
    p.notes[what] = p.notes.get(what, 0) + 1
    if what in ("kill", "term"):
        worker = others.pop(0)
        worker.kill() if what == "kill" else worker.term()
        others.append(p.worker(ready=False))
    elif what == "stop":
        others[0].signal(signal.SIGSTOP)
        p.pause(0.5, 3)
        others[0].signal(signal.SIGCONT)
    elif what == "redis cut":
        p.wire.set("cut")
        p.pause(0.5, 2)
        p.wire.set()
    elif what == "redis slow":
        p.wire.set(delay_s=p.rng.uniform(0.05, 0.3))
        p.pause(1, 2)
        p.wire.set()
    elif what == "redis kill":
        p.redis.kill()
        p.redis.start()
    elif what == "answers":
        p.platform.rules(*({"action": a, "p": 0.02} for a in p.rng.sample(ACTIONS, 4)))
        p.pause(1, 3)
        p.platform.rules()
