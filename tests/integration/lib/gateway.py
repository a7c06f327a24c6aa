"""A gateway under test: its keys and settings, HTTP to it, its processes, and what reached Kafka."""
import http.client
import json
import os
import pathlib
import re
import signal
import subprocess
import threading
import time
import uuid

import servers

ROOT = servers.ROOT
BIN = pathlib.Path(os.environ.get("TVB_BIN", ROOT / "build/release/bin")).resolve()
TVBRIDGE = BIN / "tvbridge"
STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
WAIT_S = float(os.environ.get("TVB_WAIT_S", "120"))
PARTITIONS = 4
PASSWORD_KEY = "integration-password-key-of-32-chars"


def until(condition, what, timeout_s=WAIT_S):
    """The first true answer of @condition; AssertionError when none comes."""
    end = time.monotonic() + timeout_s
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"never came: {what}")
        time.sleep(0.05)


def event(id_, service="70001", type_="contract.blocked", data=None, **more):
    return {"specversion": "1.0", "id": id_, "source": "/it/http", "type": f"tvbridge.{type_}", "subject": service,
            "provider": "stalker", "data": {"reason": "delinquency"} if data is None else data, **more}


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def __repr__(self):
        return f"{self.status} {dict(self.headers)} {self.body[:600]!r}"

    def json(self):
        return json.loads(self.body)

    def pointers(self):
        return [e["pointer"] for e in self.json()["errors"]]


class Kafka:
    """A broker of its own, which may be killed and comes back with its data where it was."""

    def __init__(self, folder):
        self.folder, self.port = folder, 0
        self.pid = None

    def start(self):
        out = subprocess.run([ROOT / "deploy/kafka/start", "--background", "--dir", self.folder, "--port", str(self.port)],
                             stdout=subprocess.PIPE, text=True, check=True, timeout=600).stdout
        self.pid, self.port = map(int, re.search(r"pid=(\d+) port=(\d+)", out).groups())
        self.brokers = f"127.0.0.1:{self.port}"
        return self

    def kill(self):
        """KILL to the JVM: no orderly end of anything."""
        child = pathlib.Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()[0]
        os.kill(int(child), signal.SIGKILL)
        until(self._is_over, "the end of Kafka")

    def _is_over(self):
        try:
            return pathlib.Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except OSError:
            return True

    def stop(self):
        if self.pid and not self._is_over():
            os.kill(self.pid, signal.SIGTERM)
            until(self._is_over, "the end of Kafka")


class Gateway:
    """Topics under a prefix of their own, settings, and `tvbridge serve` with them."""

    KEYS = {  # name: (providers, what it may, more members)
        "billing": (["stalker", "neotv", "cdntv"], ["publish"], {}),
        "second": (["stalker"], ["publish"], {}),
        "slow": (["stalker"], ["publish"], {"rate_per_s": 2, "burst": 3}),
        "platform": (["neotv"], ["entitlement"], {}),
        "both": (["neotv", "cdntv"], ["entitlement", "publish"], {}),
        "words": (["stalker", "neotv"], ["publish"], {"dialect": "ixc", "catalogue": "catalogue.yaml"}),
        "asker": (["neotv"], ["entitlement"], {"rate_per_s": 5, "burst": 2}),
    }

    CATALOGUE = """providers:
  stalker:
    plans: { BASIC: { id: "3" } }
    packages: { HBO: { id: P2, price: "9.90", currency: EUR }, KIDS: { ids: [P3, P4] } }
    default_plan: BASIC
"""

    def __init__(self, folder, brokers, redis_port=None, **serve):
        self.folder, self.brokers = pathlib.Path(folder), brokers
        self.folder.mkdir(exist_ok=True)
        (self.folder / "catalogue.yaml").write_text(self.CATALOGUE)
        self.prefix = f"serve-{uuid.uuid4().hex[:8]}."
        self.keys, made = {}, []
        for name, (providers, may, more) in self.KEYS.items():
            words = [w for p in providers for w in ("--provider", p)] + [w for m in may for w in ("--may", m)]
            key = json.loads(subprocess.check_output([TVBRIDGE, "serve", "key", "--name", name, "--json", *words]))
            self.keys[name] = key["key"]
            made.append({**key["settings"], **more})
        self.settings = self.folder / "settings.yaml"
        servers.write_settings(self.settings, {
            "kafka": {"brokers": brokers, "prefix": self.prefix, "partitions": PARTITIONS},
            "redis": {"port": redis_port} if redis_port else {},
            "log": {"level": "debug"}, "admin": "off",
            "providers": {"stalker": {"base_url": "http://127.0.0.1:1/", "credentials": {"portal": {"username": "u", "password": "p"}}},
                          "neotv": {"entitlement": {"password_key": PASSWORD_KEY}, "guard": {"percent": 100}},
                          "cdntv": {"entitlement": {"password_key": PASSWORD_KEY, "without_password": True}}},
            "serve": {"port": 0, "records_every_ms": 100, "keys": made, **serve}})
        subprocess.run([TVBRIDGE, "topics", "create", "--settings", self.settings], check=True, timeout=60, stdout=subprocess.DEVNULL)
        self.server = None

    def start(self):
        self.server = servers.Server("serve", [TVBRIDGE, "serve", "--settings", self.settings], self.folder / "serve.log")
        self.url = self.server.wait_for(r"serve_listening.* url=(\S+)", 60)[1]
        self.port = int(self.url.rpartition(":")[2])
        return self

    def start_ready(self):
        self.start()
        until(self.is_ready, "a gateway that is ready")
        return self

    def is_ready(self):
        return self.ask("GET", "/readyz").status == 200

    def ask(self, method, path, body=None, key=None, headers=()):
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            return self.ask_on(connection, method, path, body, key, headers)
        finally:
            connection.close()

    def ask_on(self, connection, method, path, body=None, key=None, headers=()):
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        head = dict(headers)
        if key:
            head["Authorization"] = f"Bearer {self.keys.get(key, key)}"
        connection.request(method, path, body, head)
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read().decode())

    def publish(self, body, key="billing", type_=None):
        type_ = type_ or (BATCH if isinstance(body, list) else STRUCTURED)
        return self.ask("POST", "/v1/events", body, key, {"Content-Type": type_})

    def entitled(self, key="platform", **question):
        return self.ask("POST", "/v1/entitlement", question, key, {"Content-Type": "application/json"})

    def read(self, topic):
        """All messages of a topic as (partition, key, headers, value)."""
        out = subprocess.run(["kcat", "-b", self.brokers, "-C", "-t", self.prefix + topic, "-e", "-q", "-f", "%p\t%k\t%h\t%s\n"],
                             text=True, capture_output=True, timeout=120, check=True).stdout
        return [tuple(line.split("\t")) for line in out.splitlines()]

    def metric(self, name, labels=""):
        found = re.search(rf"^{name}{re.escape(labels)} (\S+)$", self.ask("GET", "/metrics").body, re.MULTILINE)
        return float(found[1]) if found else None

    def kill(self):
        os.kill(self.server.pid, signal.SIGKILL)
        self.server.process.wait()

    def stop(self):
        return self.server.stop(60) if self.server else 0


class Billing(threading.Thread):
    """Sends event after event over one kept connection, as a billing does, and notes which were accepted and which requests were
    cut: sent on a connection, and never answered."""

    def __init__(self, gateway, number, batch=1):
        super().__init__(daemon=True)
        self.gateway, self.number, self.batch = gateway, number, batch
        self.accepted, self.refused, self.cut, self.closed = [], [], 0, False
        self.over = threading.Event()
        self.start()

    def run(self):
        connection, sent = None, 0
        while not self.over.is_set():
            ids = [f"b{self.number}-{sent + i}" for i in range(self.batch)]
            sent += self.batch
            events = [event(i, service=f"s{self.number}") for i in ids]
            try:
                if connection is None:
                    connection = http.client.HTTPConnection("127.0.0.1", self.gateway.port, timeout=60)
                    connection.connect()
            except OSError:  # nobody listens (any more): nothing was sent
                connection, self.closed = None, True
                time.sleep(0.05)
                continue
            try:
                answer = self.gateway.ask_on(connection, "POST", "/v1/events", events, "billing", {"Content-Type": BATCH})
            except (OSError, http.client.HTTPException):
                self.cut += 1
                connection = None
                continue
            if answer.status == 202:
                self.accepted += ids
            else:
                self.refused.append(answer)
            if answer.headers["Connection"] == "close":
                connection = None

    def finish(self):
        self.over.set()
        self.join(120)
