#!/usr/bin/env python3
"""One job from end to end, again and again: each time another allocation of the worker's own code, or of jansson, fails.

usage: tests/alloc/job.py [--step K] [--from N] [--seconds S]
  --step K      only every K-th allocation (default 1: each)
  --from N      begins with the N-th (default 1)
  --seconds S   stops after so long, and says how far it came

The worker runs with address and undefined sanitizers against a real Redis, librdkafka's mock cluster and the Stalker
stand-in. For each n an event of a service of its own is published, and the n-th allocation from then on fails. However
the worker takes it (goes on, or ends by itself and is started again, or gets stuck and is killed), the event must end with
exactly one final outcome, which says what was done at the platform. The last n is the first one that the worker's way no
longer reaches. TVB_BUILD: where the builds are, brought up to date. TVB_ALLOC_TRACE=1: the workers' logs say
where each failure was (TVB_KEEP=1 keeps them). Ends with `N passed, N failed`.
"""
import argparse
import mmap
import os
import pathlib
import struct
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT / "tests/integration"), str(ROOT / "deploy/demo.d")]
sys.dont_write_bytecode = True

import servers  # noqa: E402
from lib import place  # noqa: E402

FIRST, LAST, COUNT, FAILED = range(4)
STUCK_S = 12      # without an outcome for so long, the worker is killed and started again
OUTCOME_S = 60    # then for so long: lease and quarantine are below it
# Done, but there was no memory to make the record: a person is told.
UNSURE = {("dead", "record_not_kept")}
REPORTS = ("Sanitizer", "runtime error:", "Assertion")


class Control:
    """The numbers of tests/alloc/alloc.h in a file."""

    def __init__(self, path):
        path.write_bytes(bytes(4096))
        self.file = open(path, "r+b")
        self.map = mmap.mmap(self.file.fileno(), 4096)

    def put(self, index, value):
        struct.pack_into("<Q", self.map, 8 * index, value)

    def get(self, index):
        return struct.unpack_from("<Q", self.map, 8 * index)[0]

    def arm(self, n):
        """The @n-th allocation from now on fails; 0: none."""
        self.put(FIRST, 2**64 - 1)
        self.put(LAST, 0)
        self.put(COUNT, 0)
        self.put(FAILED, 0)
        self.put(LAST, n)
        if n:
            self.put(FIRST, n)


class Bench:
    """As in tests/integration, but the worker is the one whose allocations fail, and Kafka is the mock cluster."""

    def __init__(self, stack):
        self.stack = stack
        self.bin = stack.dir / "bin"
        self.bin.mkdir()
        release = build("release", "tvbridge", "tvbridge-mock-broker")
        for name in ("tvbridge", "tvbridge-mock-broker"):
            (self.bin / name).symlink_to(release / name)
        (self.bin / "tvbridge-worker").symlink_to(build("asan", "tvbridge-worker-alloc") / "tvbridge-worker-alloc")
        self.brokers = ""
        _, self.redis = stack.redis()

    def start_broker(self, p):
        """The mock cluster has no topics but those that it is started with."""
        topics = ["outcomes"] + [f"{t}.{place.PROVIDER}" for t in ("events", "records", "waiting", "control", "dead")]
        words = [w for t in topics for w in ("--topic", f"{p.prefix}{t}:{place.PARTITIONS}")]
        broker = p.adopt(servers.Server("broker", [self.bin / "tvbridge-mock-broker", *words], self.stack.dir / "broker.log"))
        self.brokers = p.tree["kafka"]["brokers"] = broker.wait_for(r"listening on (\S+:\d+)", 60)[1]


def build(preset, *targets):
    folder = pathlib.Path(os.environ.get("TVB_BUILD") or ROOT / "build").resolve() / preset
    configure = [] if (folder / "build.ninja").exists() else [["cmake", "--preset", preset, "-B", folder]]
    for words in (*configure, ["cmake", "--build", folder, "--target", *targets]):
        done = subprocess.run([str(w) for w in words], cwd=ROOT, capture_output=True)
        if done.returncode:
            raise servers.Failure(f"the build failed: {(done.stdout + done.stderr).decode()[-2000:]}")
    return folder / "bin"


class Jobs:
    def __init__(self, p, control, step):
        self.p, self.control, self.step = p, control, step
        self.env = {"TVB_ALLOC_CONTROL": str(p.dir / "alloc"), "TVBRIDGE_SCHEMAS": str(ROOT / "schemas"),
                    "ASAN_OPTIONS": "detect_leaks=1", "UBSAN_OPTIONS": "print_stacktrace=1"}
        self.ended, self.killed, self.failures, self.ids, self.delayed, self.unkept = [], [], [], [], [], []
        self.start()

    def start(self):
        self.control.arm(0)
        self.worker = self.p.worker(env=self.env)

    def finals(self, number):
        return self.p.finals(number)

    def wait(self, number, timeout_s, alive=True):
        """True when the final outcome came; False when it did not in time, or the worker ended."""
        end = time.monotonic() + timeout_s
        while not self.finals(number):
            if time.monotonic() > end or (alive and not self.worker.server.running()):
                return bool(self.finals(number))
            time.sleep(0.01)
        return True

    def settle(self):
        """What follows an outcome (settling, the commit) belongs to the job."""
        last, same_for = -1, 0
        for _ in range(60):
            if self.control.get(FAILED) or same_for >= 8 or not self.worker.server.running():
                return
            count = self.control.get(COUNT)
            same_for = same_for + 1 if count == last else 0
            last = count
            time.sleep(0.02)

    def again(self, n, number):
        """It ended by itself, or is stuck: a new one must finish the job."""
        if self.worker.server.running():
            self.killed.append(n)
            self.worker.kill()
        else:
            self.ended.append((n, self.worker.server.process.returncode))
        self.look_at_log(n)
        self.start()
        if not self.finals(number) and not self.wait(number, OUTCOME_S):
            self.failures.append(f"allocation {n}: no final outcome, also after a new start: {self.p.brief()}")

    def look_at_log(self, n):
        text = self.worker.log()
        if any(word in text for word in REPORTS):
            at = min(text.find(word) for word in REPORTS if word in text)
            self.failures.append(f"allocation {n}: {text[max(0, at - 200):at + 1500]}")

    def one(self, n):
        """False: the job has fewer than @n allocations."""
        service, number = f"s{n}", f"e{n}"
        self.ids.append(number)
        self.control.arm(n)
        began = time.monotonic()
        self.p.publish(place.blocked(number, service))
        came = self.wait(number, STUCK_S)
        if came:
            self.settle()
        failed = self.control.get(FAILED)
        self.control.arm(0)
        if time.monotonic() - began > 3:
            self.delayed.append(n)
        if not came or not self.worker.server.running():
            self.again(n, number)
        return failed > 0

    def check(self):
        """All of it, at the end."""
        try:
            self.p.one_final(self.ids)
            for number in self.ids:
                data = self.p.outcome(number)["data"]
                if (data["kind"], data.get("reason")) in UNSURE:
                    self.unkept.append(int(number[1:]))
                else:
                    place.check(data["kind"] == "applied", f"the outcome of {number}", data)
                    place.check(data["record"].get("block") == "blocked" and "block" in data["record"]["axes"],
                                f"the record after {number}", data["record"])
            place.same("dead letters", len(self.p.dead_letters()), len(self.unkept))
            states = {login: a["status"] for login, a in self.p.portal.accounts().items()}
            place.same("services that are not blocked at the platform",
                       [n for n in self.ids if str(states.get("s" + n[1:])) != "0"], [])
            self.p.await_committed()
        except place.CaseFailed as why:
            self.failures.append(str(why))
        status = self.worker.term()
        if status != 0:
            self.failures.append(f"the worker's exit status after SIGTERM: {status}")
        self.look_at_log(0)


def work(p, control, words):
    jobs = Jobs(p, control, words.step)
    end = time.monotonic() + (words.seconds or 10**9)
    n, beyond = words.first, 0
    # What runs beside the job (ticks, commits) allocates too: several in a row must be beyond the end.
    while time.monotonic() < end and beyond < 5:
        beyond = 0 if jobs.one(n) else beyond + 1
        n += words.step
    jobs.check()
    for text in jobs.failures:
        print("FAILED", text)
    print(f"allocations {words.first} to {n - words.step}, every {words.step}: {len(jobs.ids)} jobs; "
          f"{len(jobs.delayed)} took longer than 3 s {jobs.delayed[:20]}; the worker ended by itself "
          f"{len(jobs.ended)} times {jobs.ended[:20]}, was stuck {len(jobs.killed)} times {jobs.killed[:20]}; "
          f"{len(jobs.unkept)} were done and left to a person {jobs.unkept[:20]}"
          f"{'' if beyond else '; stopped before the end'}")
    print(f"{len(jobs.ids) - len(jobs.failures)} passed, {len(jobs.failures)} failed")
    return 0 if not jobs.failures else 1


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--step", type=int, default=1)
    parser.add_argument("--from", type=int, default=1, dest="first")
    parser.add_argument("--seconds", type=int)
    words = parser.parse_args()
    servers.stop_on_signals()
    with servers.Stack(os.environ.get("TVB_KEEP") == "1") as stack:
        bench = Bench(stack)
        accounts = [f"s{n}" for n in range(words.first, words.first + 3000)]
        p = place.Place(bench, "alloc", accounts=accounts, topics=False)
        bench.start_broker(p)
        with p:
            return work(p, Control(p.dir / "alloc"), words)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (servers.Failure, place.CaseFailed) as failure:
        print(f"job.py: {failure}\n0 passed, 1 failed")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
