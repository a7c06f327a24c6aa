"""One installation for one round: topics under a prefix of its own, Redis, platforms, workers, load, and in the end the
checker's verdict. What a round starts is stopped with it. Nothing here decides by time: waits end by a condition, and
the generous ends only keep a broken round from staying for ever."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
import urllib.request

import servers
from harness import checker, load, topics
from lib import kafka

HERE = pathlib.Path(__file__).resolve().parents[1]
PARTITIONS = 4
WAIT_S = float(os.environ.get("TVB_WAIT_S", "120"))
KINDS = ("events", "records", "waiting", "control", "dead")

# The shortest session timeout that a broker takes, and what the checks at start want with it (RELIABILITY.md section 9).
NUMBERS = {"ownership_ms": 3000, "connect_ms": 1500, "request_ms": 2000, "provider_max_ms": 1000, "lease_ms": 9000,
           "quarantine_ms": 8000, "session_timeout_ms": 6000, "drain_ms": 6000, "commit_ms": 200,
           "redis_timeout_ms": 2000, "outcome_timeout_ms": 6000}


class Broken(Exception):
    """The round could not be played as written; not a verdict on the worker."""


def until(condition, what, timeout_s=None, seen=lambda: ""):
    end = time.monotonic() + (timeout_s or WAIT_S)
    while not (answer := condition()):
        if time.monotonic() > end:
            raise Broken(f"never came: {what} {seen()}".strip())
        time.sleep(0.02)
    return answer


class Redis:
    """A redis-server with what tvbridge wants of it, which may be killed and started again with its files."""

    def __init__(self, folder, name="redis", of=None):
        self.folder, self.name, self.of, self.starts = folder / name, name, of, 0
        self.folder.mkdir(exist_ok=True)
        self.port = servers.free_port()
        self.start()

    def start(self):
        self.starts += 1
        words = ["redis-server", "--port", self.port, "--bind", "127.0.0.1", "--dir", self.folder, "--save", "",
                 "--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction",
                 "--repl-diskless-sync-delay", "0", "--repl-backlog-size", "64mb"]
        if self.of:
            words += ["--replicaof", "127.0.0.1", self.of]
        self.server = servers.Server(self.name, words, self.folder / f"log{self.starts}")
        self.server.wait_for(r"eady to accept connections|The server is now ready", 30)

    def cli(self, *words):
        done = subprocess.run(["redis-cli", "-p", str(self.port), *map(str, words)], capture_output=True, text=True,
                              timeout=60)
        return done.stdout.strip()

    def await_sync(self):
        until(lambda: "master_link_status:up" in self.cli("INFO", "replication"), "the replica has caught up")

    def kill(self):
        self.server.process.kill()
        self.server.process.wait()

    def stop(self):
        self.server.stop()


class Sentinels:
    """Three redis-sentinels that watch one master under the name `m`."""

    def __init__(self, folder, master):
        self.servers, self.ports = [], []
        for i in range(3):
            port, at = servers.free_port(), folder / f"sentinel{i}"
            at.mkdir()
            (at / "conf").write_text(f"port {port}\nbind 127.0.0.1\ndir {at}\nsentinel monitor m 127.0.0.1 {master} 2\n"
                                     "sentinel down-after-milliseconds m 1000\nsentinel failover-timeout m 3000\n")
            self.servers.append(servers.Server(f"sentinel{i}", ["redis-server", at / "conf", "--sentinel"], at / "log"))
            self.servers[-1].wait_for(r"\+monitor master", 30)
            self.ports.append(port)

    def ask(self, *words):
        done = subprocess.run(["redis-cli", "-p", str(self.ports[0]), "SENTINEL", *words], capture_output=True, text=True,
                              timeout=30)
        return done.stdout.split()

    def know_all(self):
        """Each other, and the replica: before that there is no fail-over."""
        def known():
            words = self.ask("MASTER", "m")
            return all((name, n) in zip(words, words[1:]) for name, n in (("num-slaves", "1"), ("num-other-sentinels", "2")))
        until(known, "the sentinels know each other and the replica")

    def master(self):
        return int((self.ask("GET-MASTER-ADDR-BY-NAME", "m") + ["", "0"])[1])

    def stop(self):
        for server in self.servers:
            server.stop()


class Platform:
    """The stand-in, its journal and its control."""

    def __init__(self, folder, name, seed):
        self.journal = folder / f"{name}.journal"
        self.server = servers.Server(name, [sys.executable, HERE / "standin.py", "--journal", self.journal, "--seed", seed],
                                     folder / f"{name}.log")
        self.base = "http://" + self.server.wait_for(r"^listening on (\S+)", 60)[1]
        self.at = "http://" + self.server.wait_for(r"^control on (\S+)", 60)[1]
        self.read_to, self.counted = 0, 0

    def control(self, **value):
        request = urllib.request.Request(self.at, data=json.dumps(value).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def rules(self, *rules):
        self.control(rules=list(rules))

    def counts(self):
        with urllib.request.urlopen(self.at, timeout=30) as answer:
            return json.load(answer)

    def lines(self):
        text = self.journal.read_bytes() if self.journal.exists() else b""
        return [json.loads(line) for line in text.rpartition(b"\n")[0].splitlines()]

    def size(self):
        """How many lines the journal has; cheap, to be asked often."""
        if self.journal.exists():
            with open(self.journal, "rb") as f:
                f.seek(self.read_to)
                block = f.read()
            self.read_to += len(block)
            self.counted += block.count(b"\n")
        return self.counted

    def stop(self):
        self.server.stop()


class Worker:
    def __init__(self, place, name, program, env, before):
        self.place, self.name, self.ended_by_us = place, name, False
        self.server = servers.Server(name, [*before, program, "--settings", place.settings], place.dir / f"{name}.log", env)
        self.pid = self.server.pid

    def log(self):
        return self.server.log.read_text(errors="replace")

    def await_log(self, text):
        return until(lambda: text in self.log() or not self.alive(), f"{text!r} in {self.name}'s log")

    def alive(self):
        return self.server.running()

    def signal(self, number):
        os.kill(self.pid, number)

    def kill(self):
        self.ended_by_us = True
        self.signal(signal.SIGKILL)
        self.server.process.wait()

    def await_killed(self, timeout_s=60):
        """Waits for a crash point to end it."""
        self.ended_by_us = True
        try:
            status = self.server.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise Broken(f"{self.name} never came to its crash point") from None
        if status != -signal.SIGKILL:
            raise Broken(f"{self.name} ended with status {status}: {servers.tail(self.server.log, 5)}")

    def is_stopped(self):
        return pathlib.Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"

    def await_stopped(self, timeout_s=60):
        until(self.is_stopped, f"{self.name} stopped at its point", timeout_s)

    def term(self):
        """Drains and ends it; its exit status. Before it has started, the signal would end it as it ends any program."""
        self.await_log("event=started")
        self.ended_by_us = True
        self.signal(signal.SIGTERM)
        try:
            return self.server.process.wait(60)
        except subprocess.TimeoutExpired:
            raise Broken(f"{self.name} did not end after SIGTERM") from None

    def open_files(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def ports(self):
        """Local ports of its TCP connections."""
        inodes = set()
        for fd in pathlib.Path(f"/proc/{self.pid}/fd").iterdir():
            try:
                inodes.add(os.readlink(fd).partition("socket:[")[2].rstrip("]"))
            except FileNotFoundError:  # closed meanwhile
                pass
        rows = [line.split() for line in pathlib.Path(f"/proc/{self.pid}/net/tcp").read_text().splitlines()[1:]]
        return {int(row[1].partition(":")[2], 16) for row in rows if row[9] in inodes}

    def rss_kb(self):
        text = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(text.partition("VmRSS:")[2].split()[0])

    def stop(self):
        if self.alive():
            self.signal(signal.SIGCONT)
        self.server.stop()


class Place:
    """`with Place(run, name, seed, rng) as p: p.open(); ...; p.verdict()`."""

    def __init__(self, run, name, seed, rng):
        self.run, self.name, self.seed, self.rng = run, name, seed, rng
        self.prefix = f"f-{name}-{seed}-{os.urandom(2).hex()}."
        self.dir = run.dir / self.prefix.rstrip(".")
        self.dir.mkdir()
        self.parts, self.workers, self.threads = [], [], []
        self.sent = {}          # (service, id) -> when it was sent last
        self.expected, self.notes, self.problems = set(), {}, []
        self.allowed = {}       # kind of violation -> request classes for which it is a stated limit
        self.marked = None
        self.makes_events = False  # the workers do: from snapshots
        self.judges = []        # f(verdict, lines of the journal), of a case that wants more than the checker's verdict

    def __enter__(self):
        return self

    def __exit__(self, *error):
        for part in reversed(self.parts):
            try:
                part.stop()
            except Exception as why:  # the others are to be stopped all the same
                self.problems.append(f"stopping: {why}")
        if hasattr(self, "admin"):
            try:
                self.admin.delete(self.topic_names())
            except RuntimeError:  # it is the broker's turn to be away
                pass
            self.admin.close()

    def adopt(self, part):
        self.parts.append(part)
        return part

    # ---- what there is ----

    def open(self, redis="shared", providers=("p",), numbers=None, limits=None, retry=None, brokers=None, delay_ms=(5, 40),
             **settings):
        """@redis: `shared`; `own`; `wired` (own, behind a proxy); `pair` (with a replica; both sides behind proxies);
        `sentinel` (with a replica, found through sentinels)."""
        self.brokers = brokers or self.run.brokers
        self.platforms = {name: self.adopt(Platform(self.dir, name, self.seed)) for name in providers}
        self.platform = self.platforms[providers[0]]
        for platform in self.platforms.values():
            platform.control(delay_ms=delay_ms)
        self.providers = providers
        self.tree = {
            "kafka": {"brokers": self.brokers, "prefix": self.prefix, "partitions": PARTITIONS,
                      "librdkafka": {"reconnect.backoff.max.ms": 1000}},
            "redis": self.open_redis(redis), "admin": {"port": 0}, "numbers": {**NUMBERS, **(numbers or {})},
            "providers": {name: {
                "pack": str(HERE / "pack"), "base_url": platform.base, "idempotency_secret": "sixteen characters or more",
                "limits": {"in_flight": 24, **(limits or {})}, "guard": {"percent": 100},
                "retry": {"base_ms": 50, "cap_ms": 400, "attempts": 100, **(retry or {})},
            } for name, platform in self.platforms.items()}, **settings}
        self.settings = self.dir / "settings.yaml"
        self.write_settings()
        self.tvbridge("topics", "create")
        self.admin = topics.Topics(self.brokers)
        self.publisher = self.adopt(topics.Publisher(self.brokers))
        self.follower = self.adopt(topics.Follower(self.brokers, f"{self.prefix}outcomes", time.monotonic))
        return self

    def write_settings(self):
        servers.write_settings(self.settings, self.tree)

    def open_redis(self, how):
        self.wire = self.replica = None
        if how == "shared":
            self.redis = self.run.redis
            return {"port": self.redis.port}
        self.redis = self.adopt(Redis(self.dir))
        if how == "own":
            return {"port": self.redis.port}
        if how == "sentinel":
            return self.open_sentinels()
        self.wire = self.adopt(self.run.wires.proxy(self.redis.port))
        if how == "pair":
            self.replication = self.adopt(self.run.wires.proxy(self.redis.port))
            self.replica = self.adopt(Redis(self.dir, "replica", self.replication.port))
            self.replica.await_sync()
        return {"port": self.wire.port}

    def open_sentinels(self):
        self.replica = self.adopt(Redis(self.dir, "replica", self.redis.port))
        self.replica.await_sync()
        self.sentinels = self.adopt(Sentinels(self.dir, self.redis.port))
        self.sentinels.know_all()
        return {"sentinels": [f"127.0.0.1:{port}" for port in self.sentinels.ports], "master_name": "m"}

    def topic(self, kind, provider=None):
        return f"{self.prefix}{kind}.{provider or self.providers[0]}"

    def topic_names(self):
        return [f"{self.prefix}outcomes", *(self.topic(kind, p) for kind in KINDS for p in self.providers)]

    def tvbridge(self, *words):
        done = subprocess.run([self.run.bin / "tvbridge", *words, "-S", self.settings], capture_output=True, timeout=120)
        if done.returncode != 0:
            raise Broken(f"tvbridge {' '.join(words)}: {(done.stdout + done.stderr).decode(errors='replace')[-500:]}")

    def worker(self, point=None, before=(), ready=True):
        """@point: NAME:N[:stop], where it crashes. @before: words of a program that becomes the worker."""
        env = {"TVB_CRASH_POINT": point} if point else {}
        program = self.run.crash_program() if point else self.run.bin / "tvbridge-worker"
        worker = self.adopt(Worker(self, f"worker{len(self.workers) + 1}", program, env, before))
        self.workers.append(worker)
        if ready:
            worker.await_log("partitions_assigned")
        return worker

    # ---- load ----

    def events(self, services, each, **more):
        return load.make(self.rng, services, each, provider=more.pop("provider", self.providers[0]), **more)

    def expect(self, events):
        self.expected |= {(e["subject"], e["id"]) for e in events}

    def send(self, events, over_s=0, slices=20):
        """Publishes them, evenly over that time; returns at once where it takes time."""
        self.expect(events)
        if over_s <= 0:
            self.send_now(events)
            return
        thread = threading.Thread(target=self.send_slices, args=(events, over_s, slices), daemon=True)
        self.threads.append(thread)
        thread.start()

    def send_now(self, events):
        by_provider, now = {}, time.monotonic()
        self.sent.update({(e["subject"], e["id"]): now for e in events})
        for e in events:
            by_provider.setdefault(e["provider"], []).append(e)
        for provider, part in by_provider.items():
            self.publisher.send(self.topic("events", provider), part)

    def send_slices(self, events, over_s, slices):
        size = -(-len(events) // slices)
        for i in range(0, len(events), size):
            self.send_now(events[i:i + size])
            time.sleep(over_s / slices)

    def done(self):
        """How many of the expected have a final outcome."""
        return len(self.expected & self.follower.seen.keys())

    def missing(self):
        return self.expected - self.follower.seen.keys()

    def await_done(self, n):
        until(lambda: self.done() >= n, f"{n} final outcomes", seen=lambda: f"{self.done()} came")

    def await_calls(self, n):
        until(lambda: self.platform.size() >= n, f"{n} calls", seen=lambda: f"{self.platform.size()} came")

    def pause(self, least_s, most_s):
        time.sleep(self.rng.uniform(least_s, most_s))

    def await_quarantine(self):
        """Until workers that have just got their partitions set events aside: before that nobody may."""
        time.sleep(NUMBERS["quarantine_ms"] / 1000 + 1)

    def grows(self, seconds):
        """Waits so long; how many final outcomes came meanwhile. Tells whether a disturbance is felt."""
        before = self.done()
        time.sleep(seconds)
        return self.done() - before

    def must_stall(self, seconds, what):
        """While it lasts next to nothing ends (some hundred a second would), or the case does not do what it says."""
        self.pause(1.2, 1.5)  # what was under way ends
        grew = self.grows(seconds)
        if grew > 40:
            self.problems.append(f"{what} is not felt: {grew} outcomes came meanwhile")

    def mark(self):
        """The disturbance ends now: recovery is counted from here."""
        self.marked = time.monotonic()

    # ---- end ----

    def waiting_keys(self):
        """(service, id) of what stands in the waiting topics: what waits for a person, and what has to come back."""
        person, others = set(), set()
        for provider in self.providers:
            entries = self.read_waiting(provider)
            if not entries:
                continue
            places = {(p, o, 0): e for p, o, e in self.read_inputs(provider) if e}
            kept = checker.for_a_person(entries)
            for key in entries:
                service, _, where = key.rpartition("/")
                e = places.get(checker.place_of(where))
                (person if key in kept else others).update({(service, e["id"])} if e else ())
        return person, others

    def settle(self, timeout_s=None):
        """Waits until everything has ended or waits for a person; what has not is left to the checker."""
        for thread in self.threads:
            thread.join()
        self.await_ends(timeout_s)
        if self.makes_events:  # all of them stand there: their snapshots are decided
            self.expected |= {(key, json.loads(value)["id"]) for provider in self.providers
                              for _, _, key, value in topics.read(self.brokers, self.topic("events", provider))}
            self.await_ends(timeout_s)
        self.await_tombstones()
        if self.marked is not None:
            times = [self.follower.seen[k] for k in self.expected if k in self.follower.seen]
            self.notes["recovery_s"] = round(max(0.0, max(times, default=self.marked) - self.marked), 1)

    def await_ends(self, timeout_s):
        end, look = time.monotonic() + (timeout_s or WAIT_S), time.monotonic() + 20
        while self.missing() and time.monotonic() < end:
            if time.monotonic() > look:
                look = time.monotonic() + 10
                if not self.missing() - self.waiting_keys()[0]:
                    break
            if self.workers and not any(w.alive() for w in self.workers):
                self.problems.append("no worker is left")
                break
            time.sleep(0.05)

    def await_tombstones(self, timeout_s=60):
        """An entry is taken away, at the latest some time after the quarantine, unless it waits for a person."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end and any(w.alive() for w in self.workers):
            if not self.waiting_keys()[1]:
                return
            time.sleep(1)

    def await_commits(self, timeout_s=20):
        """Until each partition's commit stands at its end; what stands behind is told to the verdict."""
        behind = []
        end = time.monotonic() + timeout_s
        for provider in self.providers:
            while behind := self.behind(provider):
                if time.monotonic() > end:
                    return behind
                time.sleep(0.1)
        return behind

    def behind(self, provider):
        commits, ends = self.offsets(provider)
        return [f"{provider}: partition {p} is committed to {commits[p]} of {ends[p]}" for p in range(PARTITIONS)
                if commits[p] != ends[p] and ends[p] > 0]

    def offsets(self, provider):
        if not hasattr(self, "clients"):
            self.clients = {}
        if provider not in self.clients:
            self.clients[provider] = self.adopt(_Closing(kafka.Offsets(self.brokers, f"{self.prefix}{provider}")))
        client = self.clients[provider].client
        topic = self.topic("events", provider)
        commits = {i: offset for i, (offset, _) in enumerate(client.committed(topic, PARTITIONS))}
        return commits, client.ends(topic, PARTITIONS)

    def read_inputs(self, provider):
        found = []
        for partition, offset, key, value in topics.read(self.brokers, self.topic("events", provider)):
            try:
                e = json.loads(value) if value else None
                readable = isinstance(e, dict) and e.get("subject") == key and (key, e.get("id")) in self.expected
            except ValueError:
                readable = False
            found.append((partition, offset, e if readable else None))
        return found

    def read_compacted(self, kind, provider):
        newest = {}
        for _, _, key, value in topics.read(self.brokers, self.topic(kind, provider)):
            newest[key] = value
        return {key: json.loads(value) for key, value in newest.items() if value}

    def read_waiting(self, provider):
        """The entries that stand: the value is the event's own bytes, the headers say what it waits for."""
        newest = {}
        for key, headers, has_value in topics.read_headers(self.brokers, self.topic("waiting", provider)):
            newest[key] = {k.removeprefix("tvbridge-"): v for k, v in headers.items()} if has_value else None
        return {key: entry for key, entry in newest.items() if entry is not None}

    def history(self, provider):
        commits, _ = self.offsets(provider)
        dead = [{"partition": int(h["tvbridge-partition"]), "offset": int(h["tvbridge-offset"]),
                 "reason": h["tvbridge-reason"], "attempts": int(h["tvbridge-attempts"])}
                for _, h, _ in topics.read_headers(self.brokers, self.topic("dead", provider))]
        outcomes = [(p, o, json.loads(v)) for p, o, k, v in topics.read(self.brokers, f"{self.prefix}outcomes")
                    if k.startswith(f"{provider}/")]
        return checker.History(inputs=self.read_inputs(provider), effects=self.platforms[provider].lines(),
                               outcomes=outcomes, dead=dead, waiting=self.read_waiting(provider),
                               records=self.read_compacted("records", provider), commits=commits)

    def end_workers(self):
        self.publisher.end()
        if any(w.alive() for w in self.workers):
            for text in self.await_commits():
                self.problems.append(text)
        for worker in self.workers:
            if worker.alive() and not worker.ended_by_us:
                status = worker.term()
                if status != 0:
                    self.problems.append(f"{worker.name} ended with status {status} after SIGTERM")
            elif not worker.ended_by_us:
                self.problems.append(f"{worker.name} ended by itself with status {worker.server.process.returncode}: "
                                     f"{servers.tail(worker.server.log, 3)}")

    def verdict(self):
        """Ends the workers and judges what they left."""
        self.settle()
        self.end_workers()
        histories = {provider: self.history(provider) for provider in self.providers}
        sent = {(e["subject"], e["id"]) for h in histories.values() for _, _, e in h.inputs if e}
        if self.expected - sent:
            self.problems.append(f"{len(self.expected - sent)} events never reached the input topic")
        verdicts = {provider: checker.judge(h) for provider, h in histories.items()}
        for judge in self.judges:
            for provider, verdict in verdicts.items():
                judge(verdict, histories[provider].effects)
        return verdicts

    def must_call_once(self):
        """To be asked for where neither a worker nor a call is broken: nothing may be called again, keyed or safe or not."""
        def judge(_, lines):
            calls = {}
            for line in lines:
                call = line["service"], line["id"], line["op"]
                calls[call] = calls.get(call, 0) + 1
            again = sorted(call for call, n in calls.items() if n > 1)
            self.notes["called_again"] = self.notes.get("called_again", 0) + len(again)
            if again:
                self.problems.append(f"{len(again)} requests were made again, the first: {' '.join(again[0])}")
        self.judges.append(judge)

    def no_unsent_for_a_person(self):
        """Nothing may wait for a person that never was sent."""
        def judge(verdict, _):
            unsent = verdict.counts.get("for a person though never sent", 0)
            if unsent:
                self.problems.append(f"{unsent} events wait for a person and never were sent")
        self.judges.append(judge)


class _Closing:
    def __init__(self, client):
        self.client = client

    def stop(self):
        self.client.close()
