"""All faults mixed under a steady load, for as long as is asked; memory and descriptors are watched."""
import signal
import time

ACTIONS = ("rst", "fin", "hang", "garbage", "cut_header", "partial_body", "wrong_reference", "500_done", "500", "503", "html")


def play(p):
    """The oldest worker is never killed: what it holds is measured at the tenth of the time and at the end."""
    p.open(redis="wired")
    elder, others = p.worker(), [p.worker()]
    end, began, turn, first = time.monotonic() + p.run.seconds, time.monotonic(), 0, None
    while time.monotonic() < end:
        turn += 1
        p.send(p.events(40, 5, prefix=f"t{turn}n"), over_s=4)
        _disturb(p, others)
        p.pause(2, 6)
        if first is None and time.monotonic() - began > p.run.seconds / 10:
            first = elder.rss_kb(), elder.open_files()
    p.platform.rules()
    p.wire.set()
    p.mark()
    p.settle()
    time.sleep(2)
    last = elder.rss_kb(), elder.open_files()
    p.notes.update(mixed=1, turns=turn, rss_kb=[(first or last)[0], last[0]], descriptors=[(first or last)[1], last[1]])
    _must_be_flat(p, first or last, last)


def _must_be_flat(p, first, last):
    """An hour or a minute: what the oldest worker holds may vary, not grow."""
    if last[0] > first[0] * 1.25 + MEMORY_KB:
        p.problems.append(f"memory grew from {first[0]} to {last[0]} KB")
    if last[1] > first[1] + DESCRIPTORS:
        p.problems.append(f"descriptors grew from {first[1]} to {last[1]}")


MEMORY_KB, DESCRIPTORS = 8192, 30  # descriptors: connections to the platform come and go, 24 at most


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
