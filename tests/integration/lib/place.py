"""One installation for one case: topics under a prefix of its own on the shared Kafka, settings, platform, workers.

Everything that is waited for is a condition with a generous end; nothing measures time.
"""
import base64
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

import servers
from lib import kafka

ROOT = servers.ROOT
PROVIDER = "stalker"
LOGIN, PASSWORD = "tvbridge", "it-portal-secret"
WAIT_S = float(os.environ.get("TVB_WAIT_S", "120"))
PARTITIONS = 4

# The smallest set that the checks at start allow with calls of a second: a quarantine of 7 s.
SHORT = {"ownership_ms": 3000, "connect_ms": 900, "request_ms": 1000, "provider_max_ms": 1000, "lease_ms": 8000,
         "quarantine_ms": 7000, "session_timeout_ms": 6000, "drain_ms": 5000, "commit_ms": 200, "redis_timeout_ms": 2000,
         "outcome_timeout_ms": 6000}
# For load on a slow machine, where a call of a second could be a healthy one.
PATIENT = {**SHORT, "request_ms": 6000, "connect_ms": 3000, "lease_ms": 13000, "quarantine_ms": 12000, "drain_ms": 12000,
           "outcome_timeout_ms": 10000}


class CaseFailed(Exception):
    """Its text says what was not as it must be."""


def check(good, what, seen=""):
    if not good:
        raise CaseFailed(what + (f"; seen: {seen!r}"[:1500] if seen != "" else ""))


def same(what, seen, wanted):
    check(seen == wanted, f"{what}: wanted {wanted!r}", seen)


def until(condition, what, seen=lambda: "", timeout_s=None):
    """The first true answer of @condition."""
    end = time.monotonic() + (timeout_s or WAIT_S)
    while True:
        answer = condition()
        if answer:
            return answer
        check(time.monotonic() < end, f"never came: {what}", seen())
        time.sleep(0.05)


def event(number, service, type_, data=None, sequence=None, **more):
    e = {"specversion": "1.0", "id": number if isinstance(number, str) else f"e{number}", "source": "/it/billing",
         "type": f"tvbridge.{type_}", "subject": service, "provider": PROVIDER, "time": "2026-11-22T10:00:00Z"}
    if sequence is not None:
        e["sequence"] = str(sequence)
    return {**e, "data": data if data is not None else {}, **more}


def blocked(number, service, **more):
    return event(number, service, "contract.blocked", {"reason": "delinquency", "scope": "total"}, **more)


def unblocked(number, service, **more):
    return event(number, service, "contract.unblocked", {"reason": "delinquency"}, **more)


def created(number, service, **more):
    return event(number, service, "service.created", {"login": service, "password": f"pw-{service}", "plan": "3"}, **more)


class Bench:
    """What all cases share: Kafka, one Redis, the programs."""

    def __init__(self, stack):
        self.stack = stack
        self.brokers = os.environ.get("TVB_BROKERS") or stack.kafka(os.environ.get("TVB_KAFKA_VERSION", "4.1"))[1]
        _, self.redis = stack.redis()
        given = os.environ.get("TVB_BIN")
        self.bin = pathlib.Path(given) if given else servers.build(["tvbridge", "tvbridge-worker"],
                                                                   stack.dir / "build.log")
        self.bin = self.bin.resolve()


class Portal:
    """The Stalker stand-in, its journal and its faults."""

    def __init__(self, folder, name="portal", accounts=(), port=0, seed=None):
        self.journal = folder / f"{name}.jsonl"
        words = [sys.executable, ROOT / "tests/providers/stalker.py", "--journal", self.journal, "--port", port]
        if accounts or seed:
            words += ["--seed-data", seed or self.seed(folder, name, accounts)]
        self.server = servers.Server(name, words, folder / f"{name}.log",
                                     {"STALKER_LOGIN": LOGIN, "STALKER_PASSWORD": PASSWORD})
        self.url = "http://" + self.server.wait_for(r"listening on (\S+:\d+)", 60)[1]
        self.base = self.url + "/stalker_portal/api"

    @staticmethod
    def seed(folder, name, accounts):
        sys.path.insert(0, str(ROOT / "tests/providers"))
        import stalker_model
        data = stalker_model.builtin_data()
        data["accounts"] = [{"login": a, "account_number": a, "tariff_plan": "3", "status": "1", "password": "seed"}
                            for a in accounts]
        path = folder / f"{name}.seed.json"
        path.write_text(json.dumps(data))
        return path

    def control(self, method, path, value=None):
        body = json.dumps(value).encode() if value is not None and not isinstance(value, bytes) else value
        request = urllib.request.Request(f"{self.url}/_control/{path}", data=body, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def api(self, method, path, form):
        """A request of the portal's own API, as somebody at its panel would cause it."""
        token = base64.b64encode(f"{LOGIN}:{PASSWORD}".encode()).decode()
        request = urllib.request.Request(f"{self.base}/{path}", data=urllib.parse.urlencode(form).encode(), method=method,
                                         headers={"Authorization": f"Basic {token}", "Content-Type": "application/x-www-form-urlencoded"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            told = json.load(answer)
        check(told["status"] == "OK", f"the portal takes {method} {path}", told)
        return told["results"]

    def fault(self, action, account=None, method="PUT", times=1, path=None, **more):
        match = {k: v for k, v in (("account", account), ("method", method), ("path", path)) if v}
        return self.control("POST", "faults", {"match": match, "times": times, "action": action, **more})

    def lines(self, kind):
        # The last line may be half written.
        lines = self.journal.read_bytes().rpartition(b"\n")[0].splitlines() if self.journal.exists() else []
        return [entry for entry in map(json.loads, lines) if entry["kind"] == kind]

    def effects(self, account=None, kinds=("create", "update", "status", "delete", "subscribe", "unsubscribe")):
        return [e for e in self.lines("effect") if e["effect"] in kinds and account in (None, e["account"])]

    def names(self, account):
        return [e["effect"] for e in self.effects(account)]

    def requests(self, account=None, method=None):
        return [r for r in self.lines("request") if account in (None, r["account"]) and method in (None, r["method"])]

    def accounts(self):
        return self.control("GET", "state")["accounts"]

    def stop(self):
        self.server.stop()


class Worker:
    """One tvbridge-worker; its log is what it printed."""

    def __init__(self, place, name, env=None):
        self.place = place
        self.server = servers.Server(name, [place.bench.bin / "tvbridge-worker", "--settings", place.settings],
                                     place.dir / f"{name}.log", env)
        self.pid = self.server.pid

    def log(self):
        return self.server.log.read_text(errors="replace")

    def says(self, pattern):
        return re.search(pattern, self.log(), re.MULTILINE)

    def await_log(self, pattern):
        return until(lambda: self.says(pattern) or self.check_running(), f"{pattern!r} in the worker's log",
                     lambda: servers.tail(self.server.log, 15))

    def check_running(self):
        check(self.server.running(), "the worker ended by itself", servers.tail(self.server.log, 15))

    def url(self):
        return self.await_log(r'url"?[=:]"?(http://[0-9.:]+)').group(1)

    def get(self, path):
        """(status, text) of the admin server."""
        try:
            with urllib.request.urlopen(self.url() + path, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except (OSError, urllib.error.URLError) as error:
            return 0, str(error)

    def await_ready(self):
        until(lambda: self.get("/readyz")[0] == 200 or self.check_running(), "/readyz 200",
              lambda: (self.get("/readyz"), servers.tail(self.server.log, 10)))
        return self

    def await_unready(self, reason):
        return until(lambda: (lambda s, t: s == 503 and re.search(reason, t))(*self.get("/readyz")),
                     f"/readyz 503 with {reason!r}", lambda: (self.get("/readyz"), servers.tail(self.server.log, 10)))

    def signal(self, number):
        os.kill(self.pid, number)

    def wait(self, timeout_s=60):
        try:
            return self.server.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise CaseFailed(f"the worker did not end; its log: {servers.tail(self.server.log, 15)}") from None

    def term(self):
        """Drains and ends it; its exit status."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def kill(self):
        self.signal(signal.SIGKILL)
        self.server.process.wait()

    def stop(self):
        self.server.stop()


class Follower:
    """`tvbridge outcomes --follow --dead --json`: everything that billing hears, as it comes."""

    def __init__(self, place):
        self.outcomes, self.dead = [], []
        self.errors = open(place.dir / "outcomes.err", "wb")
        words = [place.bench.bin / "tvbridge", "outcomes", "-S", place.settings, "--follow", "--from-beginning", "--dead",
                 "--json"]
        self.process = subprocess.Popen([str(w) for w in words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=self.errors, start_new_session=True)
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        for line in self.process.stdout:
            value = json.loads(line)
            (self.dead if "dead_letter" in value else self.outcomes).append(value)

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.thread.join()
        self.errors.close()


class Place:
    """`with Place(bench, name) as p:`; what it started is stopped at the end, the last one first."""

    def __init__(self, bench, name, accounts=(), provider=None, numbers=None, portal=True, topics=True, follow=True,
                 redis=None, brokers=None, partitions=PARTITIONS, **settings):
        self.bench, self.name = bench, name
        self.prefix = f"it-{name}-{uuid.uuid4().hex[:6]}."
        self.dir = bench.stack.dir / self.prefix.rstrip(".")
        self.parts, self.accounts, self.partitions = [], accounts, partitions
        self.options = (portal, topics, follow)
        self.provider = {"credentials": {"portal": {"username": LOGIN, "password": PASSWORD}},
                         "pack": str(ROOT / "schemas/providers/stalker"), "retry": {"base_ms": 50, "cap_ms": 400},
                         "guard": {"percent": 100}, **(provider or {})}
        self.tree = {"kafka": {"brokers": brokers or bench.brokers, "prefix": self.prefix, "partitions": partitions},
                     "redis": redis or {"port": bench.redis}, "admin": {"port": 0}, "numbers": numbers or SHORT,
                     "providers": {PROVIDER: self.provider}, **settings}
        self.settings = self.dir / "settings.yaml"
        self.workers, self.numbered = [], 0
        self.offsets = None

    def __enter__(self):
        self.dir.mkdir()
        portal, topics, follow = self.options
        try:
            if portal:
                self.portal = self.adopt(Portal(self.dir, accounts=self.accounts))
                self.provider.setdefault("base_url", self.portal.base)
            self.write_settings()
            if topics:
                self.create_topics()
            if follow:
                self.follow()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error):
        for part in reversed(self.parts):
            part.stop()
        if self.offsets is not None:
            self.offsets.close()

    def adopt(self, part):
        self.parts.append(part)
        return part

    def write_settings(self):
        servers.write_settings(self.settings, self.tree)

    def tvbridge(self, *words, stdin=b"", good=(0,)):
        done = subprocess.run([self.bench.bin / "tvbridge", *map(str, words), "-S", self.settings], input=stdin,
                              capture_output=True, timeout=300)
        text = (done.stdout + done.stderr).decode(errors="replace")
        check(done.returncode in good, f"tvbridge {words[0]} ended with {done.returncode}", text[-1000:])
        return text

    def create_topics(self):
        self.tvbridge("topics", "create")

    def follow(self):
        self.follower = self.adopt(Follower(self))

    def worker(self, ready=True, env=None):
        self.numbered += 1
        worker = self.adopt(Worker(self, f"worker{self.numbered}", env))
        self.workers.append(worker)
        return worker.await_ready() if ready else worker

    # ---- in ----

    def publish(self, *events):
        lines = "".join(json.dumps(e, ensure_ascii=False) + "\n" for e in events)
        self.tvbridge("publish", "--file", "-", "--quiet", stdin=lines.encode())

    def raw(self, service, value, headers=("content-type=application/cloudevents+json",), partition=None, tombstone=False,
            pack=False):
        """Bytes as a foreign producer could write them."""
        path = self.dir / "message"
        path.write_bytes(value if isinstance(value, bytes) else json.dumps(value).encode())
        words = ["kcat", "-b", self.bench.brokers, "-P", "-t", f"{self.prefix}events.{PROVIDER}", "-p",
                 str(kafka.murmur2_partition(service, self.partitions) if partition is None else partition)]
        for header in headers:
            words += ["-H", header]
        if pack:  # the broker's limit is for what is packed
            words += ["-z", "gzip", "-X", "message.max.bytes=8000000"]
        if value:
            words, line = words + ["-k", service, str(path)], b""
        else:  # an empty file would be no message at all
            words, line = words + ["-K", "|"] + (["-Z"] if tombstone else []), f"{service}|\n".encode()
        done = subprocess.run(words, input=line, capture_output=True, timeout=120)
        check(done.returncode == 0, "kcat could not write", done.stderr.decode()[-500:])

    # ---- out ----

    def of(self, number, service=None):
        """All outcomes of the event with that id."""
        wanted = number if isinstance(number, str) else f"e{number}"
        return [o for o in list(self.follower.outcomes) if o["data"]["event"]["id"] == wanted and
                service in (None, o["subject"])]

    def finals(self, number, service=None):
        return [o for o in self.of(number, service) if o["data"]["final"]]

    def brief(self):
        """For the text of a failure."""
        rows = [(o["data"]["event"]["id"], o["data"]["kind"], o["data"].get("reason", "")) for o in self.follower.outcomes]
        dead = [d["dead_letter"] for d in self.follower.dead]
        log = servers.tail(self.workers[-1].server.log, 6) if self.workers else ""
        return rows[-8:], dead[-4:], log

    def outcome(self, number, kind=None, service=None):
        """The first final outcome of that event, waited for."""
        first = until(lambda: self.finals(number, service), f"the outcome of {number}", self.brief)[0]
        if kind is not None:
            check(first["data"]["kind"] == kind, f"outcome of {number}: wanted {kind}", first["data"])
        return first

    def parked(self, number, service):
        """The entry of a doubt that waits for a person, after its notice."""
        told = until(lambda: [o for o in self.of(number, service) if o["data"]["kind"] == "in_doubt"], f"the notice of {number}",
                     self.brief)[0]["data"]["place"]
        same("final outcomes", self.finals(number, service), [])

        def entry():
            rows = [json.loads(line) for line in self.tvbridge("doubt", "list", "--json", "--service", service).splitlines()]
            return [r for r in rows if r["place"] == f"{told['partition']}-{told['offset']}"]
        return until(entry, f"the entry of {number}", self.brief)[0]

    def dead_letters(self, reason=None):
        return [d for d in list(self.follower.dead) if reason in (None, d["dead_letter"]["reason"])]

    def dead_letter(self, reason, n=1):
        return until(lambda: self.dead_letters(reason)[n - 1:n], f"dead letter {reason} number {n}", self.brief)[0]

    def one_final(self, numbers):
        """Every event has final outcomes of one id only (they are published at least once)."""
        ids = {}
        for o in list(self.follower.outcomes):
            if o["data"]["final"]:
                ids.setdefault(o["data"]["event"]["id"], set()).add(o["id"])
        wanted = {n if isinstance(n, str) else f"e{n}" for n in numbers}
        same("events without a final outcome", sorted(wanted - set(ids))[:10], [])
        same("events with contradictory outcomes", [k for k, v in ids.items() if len(v) > 1 and k in wanted][:10], [])

    def await_finals(self, numbers, timeout_s=None):
        wanted = {n if isinstance(n, str) else f"e{n}" for n in numbers}

        def missing():
            seen = {o["data"]["event"]["id"] for o in list(self.follower.outcomes) if o["data"]["final"]}
            return wanted - seen
        until(lambda: not missing(), f"final outcomes of {len(wanted)} events",
              lambda: (len(missing()), sorted(missing())[:5], self.brief()), timeout_s)

    def read(self, kind):
        """A topic's messages as (key, value)."""
        done = subprocess.run(["kcat", "-b", self.bench.brokers, "-C", "-t", f"{self.prefix}{kind}.{PROVIDER}", "-e", "-q",
                               "-f", "%k\t%s\n"], capture_output=True, timeout=120)
        check(done.returncode == 0, "kcat could not read", done.stderr.decode()[-500:])
        return [tuple(line.split("\t", 1)) for line in done.stdout.decode(errors="replace").splitlines()]

    def record(self, service):
        """The newest record of that service."""
        found = [json.loads(value) for key, value in self.read("records") if key == service]
        check(found, f"no record of {service}")
        return found[-1]

    def await_committed(self):
        """Waits until every partition's commit stands at its end; the commits' metadata."""
        topic = f"{self.prefix}events.{PROVIDER}"
        if self.offsets is None:
            self.offsets = kafka.Offsets(self.bench.brokers, f"{self.prefix}{PROVIDER}")

        def state():
            pairs = zip(self.offsets.committed(topic, self.partitions), self.offsets.ends(topic, self.partitions))
            return [(offset, end, text) for (offset, text), end in pairs]

        def at_end():
            return all(offset == end or (end == 0 and offset < 0) for offset, end, _ in state())
        until(at_end, "commits at the end of every partition", state)
        return [text for _, _, text in state() if text]
