#!/usr/bin/env python3
"""`tvbridge serve` from outside: real Kafka, real Redis, a real worker, HTTP clients in five languages.

TVB_BIN: the folder with the programs (default: build/release/bin). TVB_BROKERS: a Kafka; without it one is started. The check that
kills a broker starts its own. serve.py NAME...: only the groups whose names contain one of these.
"""
import http.client
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "deploy/demo.d")]
sys.dont_write_bytecode = True

import servers  # noqa: E402
import cli  # noqa: E402
from cli import check, murmur2_partition  # noqa: E402
from lib.gateway import BATCH, BIN, PARTITIONS, PASSWORD_KEY, STRUCTURED, TVBRIDGE, Billing, Gateway, Kafka, event, until  # noqa: E402

EXAMPLES = servers.ROOT / "deploy/examples"


def run(*args, **more):
    return subprocess.run([TVBRIDGE, *map(str, args)], text=True, capture_output=True, timeout=120, **more)


# ---- the commands ----------------------------------------------------------------------------------------------------------

def check_commands(at):
    r = run("serve", "--help")
    check("serve --help says what it takes and how", r.returncode == 0 and "/v1/events" in r.stdout and "Examples:" in r.stdout, r)
    r = run("serve", env={k: v for k, v in os.environ.items() if k != "TVBRIDGE_SETTINGS"})
    check("serve without settings is wrong usage", r.returncode == 2 and "--settings" in r.stderr, r)
    plain = at.folder / "plain.yaml"
    servers.write_settings(plain, {"kafka": {"brokers": "x:1"}, "providers": {"stalker": {}}})
    r = run("serve", "--settings", plain)
    check("settings without a serve section are refused, saying what to do", r.returncode == 1 and "serve key" in r.stderr, r)
    for wrong in (["--name", "a b", "--provider", "p"], ["--name", "a"], ["--provider", "p"], ["--name", "a", "--provider", "p", "--may", "all"]):
        r = run("serve", "key", *wrong)
        check(f"serve key {wrong} is wrong usage", r.returncode == 2 and r.stdout == "", r)
    r = run("serve", "key", "--name", "x", "--provider", "stalker")
    key = [w for w in r.stdout.split() if w.startswith("tvb_")]
    check("serve key shows the key once, and its digest for the settings", r.returncode == 0 and len(key) == 1 and
          subprocess.run(["sha256sum"], input=key[0], text=True, capture_output=True).stdout.split()[0] in r.stdout, r)
    r = run("serve", "--settings", at.settings, "--port", "1")
    check("an unknown option is wrong usage", r.returncode == 2, r)


def check_taken_port(at):
    with socket.create_server(("127.0.0.1", 0)) as s:
        other = json.loads(at.settings.read_text())
        other["serve"]["port"] = s.getsockname()[1]
        path = at.folder / "taken.yaml"
        servers.write_settings(path, other)
        r = run("serve", "--settings", path)
    check("a taken port is told in words", r.returncode == 1 and "Address already in use" in r.stderr, r)


# ---- who may ---------------------------------------------------------------------------------------------------------------

def check_keys(at):
    json_type = {"Content-Type": STRUCTURED}
    for why, headers in (("without a key", {}), ("with nobody's key", {"Authorization": "Bearer tvb_nobody"}),
                         ("with another scheme", {"Authorization": "Basic dXNlcjpwYXNz"}),
                         ("with what the settings say of a key",
                          {"Authorization": "Bearer " + json.loads(at.settings.read_text())["serve"]["keys"][0]["sha256"]})):
        r = at.ask("POST", "/v1/events", event("k1"), headers={**json_type, **headers})
        check(f"{why}: 401", r.status == 401 and r.headers["WWW-Authenticate"].startswith("Bearer") and
              r.headers["Content-Type"] == "application/problem+json" and r.json()["status"] == 401, r)
    r = at.publish(event("k2"), key="platform")
    check("a key that may not publish: 403", r.status == 403 and "may not publish" in r.json()["detail"], r)
    r = at.publish(event("k3", provider="neotv"), key="second")
    check("an event of a provider that the key is not for: 403, with its place", r.status == 403 and r.pointers() == ["/provider"], r)
    r = at.publish([event("k4"), event("k5", provider="neotv")], key="second")
    check("one such in a batch refuses all", r.status == 403 and r.pointers() == ["/1/provider"], r)
    r = at.entitled(key="billing", provider="neotv", login="a", password="b")
    check("a key that may not ask: 403", r.status == 403 and "may not ask" in r.json()["detail"], r)
    r = at.entitled(key="platform", provider="cdntv", login="a", password="b")
    check("a question for a provider that the key is not for: 403", r.status == 403, r)
    check("nothing of all that reached Kafka", at.read("events.stalker") == [] and at.read("events.neotv") == [])


def check_rate(at):
    statuses, waits = [], []
    for i in range(5):
        r = at.publish(event(f"rate{i}", service="rate"), key="slow")
        statuses.append(r.status)
        waits += [int(r.headers["Retry-After"])] if r.status == 429 else []
    check("what comes faster than the key may is 429 with Retry-After", statuses[:3] == [202] * 3 and 429 in statuses[3:] and
          all(1 <= w <= 2 for w in waits), (statuses, waits))
    r = at.publish(event("other", service="rate"), key="second")
    check("another key's pace is its own", r.status == 202, r)
    until(lambda: at.publish(event("rate-late", service="rate"), key="slow").status == 202, "the slow key's next turn")
    r = at.publish([event(f"debt{i}", service="rate") for i in range(9)], key="slow")
    if r.status == 429:  # its turn was used up by the one before
        time.sleep(int(r.headers["Retry-After"]))
        r = at.publish([event(f"debt{i}", service="rate") for i in range(9)], key="slow")
    check("a batch larger than the burst is taken", r.status == 202, r)
    r = at.publish(event("debt-late", service="rate"), key="slow")
    check("and paid off afterwards", r.status == 429 and int(r.headers["Retry-After"]) >= 2, r)
    answers = [at.entitled(key="asker", provider="neotv", login="x", password="y").status for _ in range(4)]
    check("questions have a pace too", answers[:2] == [200, 200] and 429 in answers, answers)


# ---- events ----------------------------------------------------------------------------------------------------------------

def check_paths(at):
    r = at.ask("POST", "/v2/events", "{}", "billing")
    check("an unknown path: 404 with the known ones", r.status == 404 and "/v1/events" in r.json()["detail"], r)
    r = at.ask("GET", "/v1/events", key="billing")
    check("another method: 405 with Allow", r.status == 405 and r.headers["Allow"] == "POST", r)
    r = at.ask("DELETE", "/v1/entitlement", key="platform")
    check("the same for questions", r.status == 405 and r.headers["Allow"] == "POST, GET", r)
    for type_ in (None, "application/json", "text/plain", "application/cloudevents+avro", "application/x-www-form-urlencoded"):
        r = at.ask("POST", "/v1/events", json.dumps(event("t1")), "billing", {"Content-Type": type_} if type_ else {})
        check(f"content-type {type_}: 415 with those that are taken", r.status == 415 and "cloudevents-batch+json" in r.json()["detail"], r)
    r = at.ask("GET", "/healthz")
    check("/healthz", r.status == 200 and r.body == "ok\n", r)
    r = at.ask("GET", "/readyz")
    check("/readyz", r.status == 200 and r.body == "ready\n", r)


def check_structured(at):
    r = at.publish(event("s1", sequence="7", time="2026-11-22T10:00:00Z"))
    check("a structured event: 202", r.status == 202 and r.json() == {"accepted": 1}, r)
    stored = at.read("events.stalker")
    partition, key, headers, value = stored[-1]
    check("it is in Kafka as it was sent, with the service as its key", json.loads(value) == event("s1", sequence="7", time="2026-11-22T10:00:00Z")
          and key == "70001" and headers.startswith("content-type=application/cloudevents+json"), stored)
    check("and where Java's partitioner puts its key", int(partition) == murmur2_partition("70001", PARTITIONS), stored)
    before = len(stored)
    for why, body, pointer, wanted in (
            ("a wrong word", event("s2", data={"reason": "boredom"}), "/data/reason", "wanted one of"),
            ("a member too many", event("s2", data={"reason": "delinquency", "scop": "total"}), "/data/scop", "did you mean"),
            ("no subject", {k: v for k, v in event("s2").items() if k != "subject"}, "", "subject"),
            ("an unknown type", event("s2", type_="contract.painted"), "/type", "no such event type"),
            ("an unknown provider", event("s2", provider="nowhere"), "/provider", "settings"),
            ("half of it", json.dumps(event("s2"))[:-9], "", ""),
            ("nothing", "", "", "empty"),
            ("a list", "[]", "", "batches are refused")):
        r = at.publish(body, type_=STRUCTURED)
        check(f"{why}: 400 with pointer and what was wanted", r.status == 400 and len(r.json()["errors"]) == 1 and
              (pointer == "" or r.pointers() == [pointer]) and wanted in r.json()["errors"][0]["detail"], r)
    check("and nothing of these was sent", len(at.read("events.stalker")) == before)
    r = at.publish(json.dumps(event("s3", data={"reason": "x" * 1100000})), type_=STRUCTURED)
    check("more than 1 MiB: 413", r.status == 413 and r.headers["Content-Type"] == "application/problem+json", r)


def check_binary(at):
    headers = {"Content-Type": "application/json", "ce-specversion": "1.0", "ce-id": "bin%201", "ce-source": "/it/http", "ce-subject": "70002",
               "ce-type": "tvbridge.contract.blocked", "ce-provider": "stalker", "Ce-Sequence": "5", "ce-note": "%E2%82%AC"}
    r = at.ask("POST", "/v1/events", '{"reason":"delinquency"}', "billing", headers)
    stored = json.loads(at.read("events.stalker")[-1][3])
    found = [json.loads(m[3]) for m in at.read("events.stalker") if m[1] == "70002"]
    check("a binary event: 202, and Kafka has it whole", r.status == 202 and found == [
        {"specversion": "1.0", "id": "bin 1", "source": "/it/http", "subject": "70002", "type": "tvbridge.contract.blocked",
         "provider": "stalker", "sequence": "5", "note": "€", "datacontenttype": "application/json", "data": {"reason": "delinquency"}}],
        (r, stored, found))
    r = at.ask("POST", "/v1/events", '{"reason":"boredom"}', "billing", headers)
    check("a fault in its data has its pointer", r.status == 400 and r.pointers() == ["/data/reason"], r)
    r = at.ask("POST", "/v1/events", '{"reason":', "billing", headers)
    check("data that is no JSON", r.status == 400 and r.pointers() == ["/data/reason"], r)
    r = at.ask("POST", "/v1/events", "", "billing", {k: v for k, v in headers.items() if k != "ce-id"})
    check("a header that is missing", r.status == 400 and "id" in r.json()["errors"][0]["detail"], r)
    r = at.ask("POST", "/v1/events", "", "billing", {**headers, "ce-type": "tvbridge.contract.late_notice", "ce-id": "bin2"})
    check("an event without data", r.status == 202, r)


def check_batch(at):
    before = len(at.read("events.stalker"))
    events = [event(f"batch{i}", service=f"b{i % 7}") for i in range(500)]
    r = at.publish(events)
    stored = at.read("events.stalker")[before:]
    check("a batch of 500: 202", r.status == 202 and r.json() == {"accepted": 500}, r)
    check("all of it is in Kafka", sorted(json.loads(m[3])["id"] for m in stored) == sorted(e["id"] for e in events), len(stored))
    own = [json.loads(m[3])["id"] for m in stored if m[1] == "b3"]
    check("a service's events keep their order", own == [f"batch{i}" for i in range(500) if i % 7 == 3], own)
    check("each lies where its key belongs", all(int(m[0]) == murmur2_partition(m[1], PARTITIONS) for m in stored))
    before += 500
    bad = [event("x0"), event("x1", data={"reason": "no"}), {"specversion": "1.0"}, event("x3"), 7]
    r = at.publish(bad)
    check("each fault of a batch has its place", r.status == 400 and r.pointers() == ["/1/data/reason", "/2", "/4"] and
          "3 of 5" in r.json()["detail"], r)
    for body in ("[{]", "[", json.dumps(events)[:-1], "{}", "[] x", ""):
        r = at.publish(body, type_=BATCH)
        check(f"a broken batch {body[-20:]!r}: 400", r.status == 400, r)
    check("nothing of a refused batch was sent", len(at.read("events.stalker")) == before)
    r = at.publish([])
    check("an empty batch has all of its events", r.status == 202 and r.json() == {"accepted": 0}, r)
    r = at.publish([event(f"many{i}") for i in range(1001)])
    check("more events than a batch may have: 413", r.status == 413 and "1000" in r.json()["detail"], r)
    r = at.publish([event("wide", data={"reason": "delinquency", "note": "x" * 200})] * 9000)
    check("a body larger than it may be: 413", r.status == 413, r)
    r = at.publish([event("after")])
    check("and the gateway goes on", r.status == 202, r)


def check_words(at):
    """A key whose billing speaks its own words."""
    r = at.publish(event("w1", service="w", type_="Aviso de Atraso", data={}), key="words")
    stored = [m for m in at.read("events.stalker") if m[1] == "w"]
    check("a word: 202, and an event of ours in Kafka", r.status == 202 and len(stored) == 1 and
          json.loads(stored[0][3]) == event("w1", service="w", type_="contract.late_notice", data={}), (r, stored))
    batch = [event(f"w{i}", service="w", type_=type_, data=data) for i, (type_, data) in enumerate(
        [("BLOQUEIO", {}), ("inclusão de pacote adicional", {"packages": [{"id": "HBO"}, {"id": "KIDS"}]}),
         ("contract.suspended", {}), ("ativar usuario TV", {"login": "a"})], 10)]
    r = at.publish(batch, key="words")
    own = [json.loads(m[3]) for m in at.read("events.stalker") if m[1] == "w"][1:]
    check("a batch of words, in order, with the platform's ids", r.status == 202 and [(e["type"][9:], e["data"]) for e in own] == [
        ("contract.blocked", {"reason": "delinquency"}),
        ("package.added", {"packages": [{"id": "P2", "price": "9.90", "currency": "EUR"}, {"id": "P3"}, {"id": "P4"}]}),
        ("contract.suspended", {}), ("service.created", {"login": "a", "plan": "3"})], (r, own))
    headers = {"Content-Type": "application/json", "ce-specversion": "1.0", "ce-id": "w20", "ce-source": "/it/http", "ce-subject": "wb",
               "ce-type": "tvbridge.libera%C3%A7%C3%A3o%20manual", "ce-provider": "stalker"}
    r = at.ask("POST", "/v1/events", "{}", "words", headers)
    own = [json.loads(m[3]) for m in at.read("events.stalker") if m[1] == "wb"]
    check("in binary mode too", r.status == 202 and own[0]["type"] == "tvbridge.contract.unblocked" and
          own[0]["data"] == {"reason": "administrative"}, (r, own))
    before = len(at.read("events.stalker"))
    for why, body, pointer, wanted in (
            ("an unknown word", event("w30", type_="bloqueo"), "/type", 'near it "bloqueio"'),
            ("a state", event("w30", type_="offline"), "/type", "is a state that ixc shows"),
            ("an unknown package", event("w30", type_="package.added", data={"packages": [{"id": "HBOO"}]}), "/data/packages/0/id", 'near it "HBO"'),
            ("a provider that the catalogue does not have", event("w30", type_="plan.changed", data={"plan": "BASIC"}, provider="neotv"), "/provider",
             "which has stalker")):
        r = at.publish([event("w29", type_="bloqueio", data={}), body], key="words")
        check(f"{why}: 400, and nothing of the batch is sent", r.status == 400 and r.pointers() == ["/1" + pointer] and
              wanted in r.json()["errors"][0]["detail"] and len(at.read("events.stalker")) == before, r)
    r = at.publish(event("w40", type_="bloqueio", data={}), key="billing")
    check("another key speaks our words", r.status == 400 and r.pointers() == ["/type"], r)
    for member, value, says in (("dialect", "nobody", "the key words: there is no dialect"), ("catalogue", "nowhere.yaml", "nowhere.yaml")):
        other = json.loads(at.settings.read_text())
        [k for k in other["serve"]["keys"] if k["name"] == "words"][0][member] = value
        path = at.folder / "wrong.yaml"
        servers.write_settings(path, other)
        r = run("serve", "--settings", path)
        check(f"a {member} that is not there ends the start, naming the key", r.returncode == 1 and says in r.stderr and "words" in r.stderr, r)


def check_connections(at):
    """As clients do it: kept connections, `Expect`, a peer that leaves."""
    connection = http.client.HTTPConnection("127.0.0.1", at.port, timeout=30)
    statuses = [at.ask_on(connection, "POST", "/v1/events", event(f"kept{i}"), "billing", {"Content-Type": STRUCTURED}).status for i in range(20)]
    check("twenty requests over one connection", statuses == [202] * 20, statuses)
    connection.close()
    body = at.folder / "large.json"
    body.write_text(json.dumps([event(f"large{i}", data={"reason": "delinquency", "note": "n" * 400}) for i in range(900)]))
    head = at.folder / "auth"
    head.write_text(f"Authorization: Bearer {at.keys['billing']}\nContent-Type: {BATCH}\nExpect: 100-continue\n")
    r = subprocess.run(["curl", "-s", "-H", f"@{head}", "--data-binary", f"@{body}", f"{at.url}/v1/events"], capture_output=True, text=True, timeout=60)
    check("curl with Expect: 100-continue", r.stdout == '{"accepted":900}\n', r)
    with socket.create_connection(("127.0.0.1", at.port)) as s:
        s.sendall(b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\nAuthorization: Bearer " + at.keys["billing"].encode() +
                  b"\r\nContent-Type: application/cloudevents+json\r\n\r\n{")
        time.sleep(0.2)
    r = at.publish(event("after-leaving"))
    check("a peer that leaves in the midst of its body harms nobody", r.status == 202, r)


def check_metrics(at):
    text = at.ask("GET", "/metrics").body
    accepted = at.metric("tvbridge_serve_events_total", '{result="accepted"}')
    stored = sum(len(at.read(f"events.{p}")) for p in ("stalker", "neotv", "cdntv"))
    check("as many events are counted accepted as Kafka has", accepted == stored, (accepted, stored))
    check("requests are counted by path and status", 'tvbridge_serve_requests_total{route="events",status="400"}' in text and
          'tvbridge_serve_records_age_seconds{provider="neotv"}' in text, text[-1500:])
    if shutil.which("promtool"):
        r = subprocess.run(["promtool", "check", "metrics"], input=text, text=True, capture_output=True, timeout=30)
        check("promtool accepts the metrics", r.returncode == 0, r)
    log = (at.folder / "serve.log").read_text()
    told = [name for name, key in at.keys.items() if key in log]
    check("no key is in the log", told == [], told)


def check_examples(at):
    """What deploy/examples shows, run as it stands."""
    env = {**os.environ, "TVBRIDGE_URL": at.url, "TVBRIDGE_KEY": at.keys["billing"]}
    program = at.folder / "publish"
    r = subprocess.run(["cc", "-Wall", "-Wextra", "-Werror", EXAMPLES / "publish.c", "-o", program, "-lcurl"], capture_output=True, text=True, timeout=120)
    check("the example in C compiles", r.returncode == 0, r)
    runs = {"shell": [EXAMPLES / "publish.sh"], "python": ["python3", EXAMPLES / "publish.py"], "perl": ["perl", EXAMPLES / "publish.pl"],
            "php": ["php", EXAMPLES / "publish.php"], "c": [program, "example-c-1"]}
    for language, command in runs.items():
        service = f"example-{language}"
        words = ["stalker", service, "contract.blocked", '{"reason":"delinquency"}']
        r = subprocess.run([*command, *words], env=env, capture_output=True, text=True, timeout=120)
        found = [json.loads(m[3]) for m in at.read("events.stalker") if m[1] == service]
        check(f"the example in {language} sends an event", r.returncode == 0 and len(found) == 1 and found[0]["source"] == f"/billing/{language}" and
              found[0]["data"] == {"reason": "delinquency"}, (r, found))
        r = subprocess.run([*command, "stalker", service, "contract.blocked", '{"reason":"boredom"}'], env=env, capture_output=True, text=True, timeout=120)
        check(f"the example in {language} tells what is wrong", r.returncode != 0 and "/data/reason" in r.stdout + r.stderr, r)


# ---- ends ------------------------------------------------------------------------------------------------------------------

def ids_of(at, prefix="b"):
    return {json.loads(m[3])["id"] for m in at.read("events.stalker") if json.loads(m[3])["id"].startswith(prefix)}


def start_billings(at):
    billings = [Billing(at, n, batch=1 if n < 4 else 50) for n in range(6)]
    until(lambda: all(len(b.accepted) >= 5 * b.batch for b in billings), "accepted events of every billing")
    return billings


def check_graceful(folder, brokers):
    """TERM under load: every request is answered, every 202 is true."""
    at = Gateway(folder, brokers).start_ready()
    billings = start_billings(at)
    status = at.stop()
    until(lambda: all(b.closed for b in billings), "billings that find nobody")
    for b in billings:
        b.finish()
    check("TERM under load ends well", status == 0, (at.folder / "serve.log").read_text()[-800:])
    check("and cuts no request", [b.cut for b in billings] == [0] * 6 and all(not b.refused for b in billings),
          [(b.cut, b.refused[:2]) for b in billings])
    check("and every event that got 202 is there", {i for b in billings for i in b.accepted} <= ids_of(at))


def check_killed(folder, brokers):
    """KILL under load: what got 202 is there, in order; what did not may be sent again."""
    at = Gateway(folder, brokers).start_ready()
    for _ in range(3):
        billings = start_billings(at)
        at.kill()
        for b in billings:
            b.finish()
        accepted = {i for b in billings for i in b.accepted}
        check("after KILL of the gateway every event that got 202 is there", accepted <= ids_of(at), len(accepted - ids_of(at)))
        at.start_ready()
    at.stop()


def check_broker(folder):
    """KILL of the broker: no 202 for what it did not acknowledge, and each 202 survives."""
    kafka = Kafka(folder / "kafka").start()
    try:
        at = Gateway(folder, kafka.brokers, ack_timeout_ms=3000).start_ready()
        billings = start_billings(at)
        kafka.kill()
        until(lambda: all(b.refused or b.cut for b in billings), "refusals by every billing")
        for b in billings:
            b.finish()
        refused = [r for b in billings for r in b.refused]
        check("without Kafka: 503 with Retry-After, and a word on what may be there", {r.status for r in refused} == {503} and
              all(int(r.headers["Retry-After"]) >= 1 and "an id is applied once" in r.json()["detail"] for r in refused if "acknowledged" in r.body),
              refused[:2])
        check("no request is cut by it", all(b.cut == 0 for b in billings), [b.cut for b in billings])
        until(lambda: not at.is_ready(), "a gateway that is not ready")
        check("/readyz says what is missing", "acknowledge" in at.ask("GET", "/readyz").body, at.ask("GET", "/readyz"))
        check("/healthz goes on", at.ask("GET", "/healthz").status == 200)
        fill_queue(at)
        kafka.start()
        until(at.is_ready, "a gateway that is ready again")
        again = until(lambda: (lambda r: r if r.status == 202 else None)(at.publish(event("again"))), "an accepted event")
        check("when it is back, events are accepted again", again.status == 202, again)
        accepted = {i for b in billings for i in b.accepted}
        check("after KILL of the broker every event that got 202 is there", accepted <= ids_of(at), len(accepted - ids_of(at)))
        at.stop()
    finally:
        kafka.stop()


def fill_queue(at):
    """More events than Kafka's client has room for (20,000), while nothing leaves it."""
    answers = []
    def send(n):
        answers.append(at.publish([event(f"q{n}-{i}", service=f"q{i}") for i in range(9000)]))
    threads = [threading.Thread(target=send, args=(n,)) for n in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    check("more events than there is room for: each request ends, 503 with Retry-After", [a.status for a in answers] == [503] * 4 and
          all(int(a.headers["Retry-After"]) >= 1 for a in answers), answers)
    check("and the gateway goes on", at.ask("GET", "/healthz").status == 200)


def check_full(folder, brokers):
    """What is under way is bounded."""
    at = Gateway(folder, brokers, body_bytes=1048576, buffered_bytes=1048576).start_ready()
    with socket.create_connection(("127.0.0.1", at.port)) as s:
        s.sendall(b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\nAuthorization: Bearer " + at.keys["billing"].encode() +
                  b"\r\nContent-Type: application/cloudevents-batch+json\r\n\r\n" + b" " * 900000)
        until(lambda: at.metric("tvbridge_serve_buffered_bytes") == 900000, "a body under way")
        r = at.publish([event(f"full{i}", data={"reason": "delinquency", "note": "n" * 400}) for i in range(400)])
        check("more bytes than may be under way: 503 with Retry-After", r.status == 503 and int(r.headers["Retry-After"]) >= 1, r)
        r = at.publish(event("small"))
        check("what still fits is taken", r.status == 202, r)
    until(lambda: at.metric("tvbridge_serve_buffered_bytes") == 0, "room again")
    r = at.publish([event(f"room{i}", data={"reason": "delinquency", "note": "n" * 400}) for i in range(400)])
    check("when the other is gone there is room", r.status == 202, r)
    at.stop()


def check_missing_topics(folder, brokers):
    """A gateway that was started too early says so, and goes on by itself."""
    at = Gateway(folder, brokers)
    settings = json.loads(at.settings.read_text())
    settings["kafka"]["prefix"] = at.prefix = at.prefix + "late."
    servers.write_settings(at.settings, settings)
    at.start()
    until(lambda: "does not exist" in at.ask("GET", "/readyz").body, "a word on the missing topic")
    r = at.publish(event("early"))
    check("without its topic an event is 503 and says what to do", r.status == 503 and "topics create" in r.json()["detail"], r)
    r = at.entitled(provider="neotv", login="a", password="b")
    check("a question before the records were read: 503", r.status == 503 and int(r.headers["Retry-After"]) >= 1, r)
    subprocess.run([TVBRIDGE, "topics", "create", "--settings", at.settings], check=True, timeout=60, stdout=subprocess.DEVNULL)
    until(at.is_ready, "a gateway that is ready")
    check("once the topics are there events are accepted", at.publish(event("late")).status == 202)
    check("and questions answered", at.entitled(provider="neotv", login="a", password="b").status == 200)
    at.stop()


# ---- entitlement -----------------------------------------------------------------------------------------------------------

def check_entitlement(folder, stack):
    """Billing to gateway to Kafka to worker to record to the platform's question; and on without Kafka."""
    kafka = Kafka(folder / "kafka").start()
    try:
        _, redis = stack.redis()
        at = Gateway(folder, kafka.brokers, redis_port=redis).start_ready()
        worker = servers.Server("worker", [BIN / "tvbridge-worker", "--settings", at.settings], folder / "worker.log")
        try:
            worker.wait_for("event=started", 60)
            ask_all(at)
            without_kafka(at, kafka)
        finally:
            worker.stop(60)
        at.stop()
        log = (folder / "worker.log").read_text() + (folder / "serve.log").read_text()
        check("no password is in a log", "s3cret" not in log and PASSWORD_KEY not in log)
    finally:
        kafka.stop()


def tell(at, number, service, type_, data, provider="neotv"):
    r = at.publish(event(f"n{number}", service, type_, data, provider=provider, sequence=str(number)))
    check(f"{type_} is accepted", r.status == 202, r)


def watches(at, login, password, want, provider="neotv", key="platform"):
    """The answer, once it is as wanted."""
    def seen():
        r = at.entitled(key, provider=provider, login=login, password=password)
        answer = r.json() if r.status == 200 else {}
        age = answer.pop("age_ms", None)
        return (answer, age) if answer == want else None
    try:
        answer, age = until(seen, f"{login}: {want}", 60)
        check(f"{login} {want} with the age of what is known", isinstance(age, int) and 0 <= age < 60000, age)
    except AssertionError:
        check(f"{login}: {want}", False, at.entitled(key, provider=provider, login=login, password=password))


WRONG = {"may_watch": False, "reason": "wrong_login_or_password"}


def ask_all(at):
    watches(at, "ann", "s3cret-1", WRONG)
    tell(at, 1, "9001", "service.created", {"login": "ann", "password": "s3cret-1", "plan": "basic", "packages": [
        {"id": "P1"}, {"id": "P2", "valid_to": "2020-01-01"}, {"id": "P3", "valid_from": "2020-01-01", "valid_to": "2120-01-01"}]})
    yes = {"may_watch": True, "service": "9001", "plan": "basic", "packages": ["P1", "P3"]}
    watches(at, "ann", "s3cret-1", yes)
    watches(at, "ann", "s3cret-2", WRONG)
    watches(at, "9001", "s3cret-1", WRONG)
    tell(at, 2, "9001", "credentials.changed", {"password": "s3cret-2"})
    watches(at, "ann", "s3cret-2", yes)
    watches(at, "ann", "s3cret-1", WRONG)
    tell(at, 3, "9001", "contract.blocked", {"reason": "delinquency"})
    watches(at, "ann", "s3cret-2", {"may_watch": False, "reason": "blocked", "service": "9001"})
    tell(at, 4, "9001", "contract.unblocked", {})
    tell(at, 5, "9001", "package.removed", {"packages": [{"id": "P1"}]})
    watches(at, "ann", "s3cret-2", {**yes, "packages": ["P3"]})
    tell(at, 6, "9001", "contract.suspended", {})
    watches(at, "ann", "s3cret-2", {"may_watch": False, "reason": "suspended", "service": "9001"})
    tell(at, 7, "9001", "contract.reactivated", {})
    watches(at, "ann", "s3cret-2", {**yes, "packages": ["P3"]})
    tell(at, 8, "9002", "service.created", {"login": "bea", "password": "s3cret-3"}, provider="cdntv")
    watches(at, "bea", "s3cret-3", {"may_watch": True, "service": "9002", "packages": []}, "cdntv", "both")
    ask_in_other_ways(at)
    tell(at, 9, "9001", "service.deleted", {})
    watches(at, "ann", "s3cret-2", WRONG)
    tell(at, 10, "9003", "service.created", {"login": "cid", "password": "s3cret-4"})
    watches(at, "cid", "s3cret-4", {"may_watch": True, "service": "9003", "packages": []})
    kept = at.read("records.neotv") + at.read("outcomes") + at.read("records.cdntv")
    check("records keep passwords to check, and not to know", "password_hmac" in str(kept) and "s3cret" not in str(kept), str(kept)[:800])


def ask_in_other_ways(at):
    r = at.ask("GET", "/v1/entitlement?provider=cdntv&login=bea", key="both")
    check("where the settings allow it, GET asks without a password", r.status == 200 and r.json()["may_watch"] is True, r)
    r = at.ask("GET", "/v1/entitlement?provider=neotv&login=ann", key="both")
    check("elsewhere it is 403", r.status == 403 and "without_password" in r.json()["detail"], r)
    r = at.entitled("both", provider="neotv", login="ann")
    check("so is a POST without a password", r.status == 403, r)
    r = at.ask("GET", "/v1/entitlement?provider=cdntv&login=bea&password=s3cret-3", key="both")
    check("a password in an address is refused", r.status == 400 and r.pointers() == ["/password"], r)
    r = at.ask("GET", "/v1/entitlement?login=ann", key="platform")
    check("a key for one provider need not name it", r.status == 403 and "without_password" in r.json()["detail"], r)
    r = at.entitled("platform", login="ann", password="s3cret-2")
    check("nor in a POST", r.status == 200 and r.json()["may_watch"], r)
    for body, pointer in (({"provider": "neotv", "password": "x"}, "/login"), ({"provider": "neotv", "login": 7, "password": "x"}, "/login"),
                          ({"login": "a", "password": "x"}, "/provider"), ({"provider": "neotv", "login": "a", "pasword": "x"}, ""),
                          ({"provider": "nowhere", "login": "a", "password": "x"}, "/provider"),
                          ({"provider": "neotv", "login": "a", "password": "x" * 300}, "/password"), ([], "")):
        r = at.ask("POST", "/v1/entitlement", body, "both", {"Content-Type": "application/json"})
        check(f"the question {str(body)[:60]} is refused with its place", r.status == 400 and r.pointers() == [pointer], r)
    r = at.ask("POST", "/v1/entitlement", "x" * 20000, "both")
    check("a question of 20 kB: 413", r.status == 413, r)
    asked = at.metric("tvbridge_serve_questions_total", '{provider="neotv",answer="entitled"}')
    check("questions are counted by what was answered", asked is not None and asked >= 3, asked)


def without_kafka(at, kafka):
    before = at.entitled(provider="neotv", login="cid", password="s3cret-4").json()
    kafka.kill()
    time.sleep(1)
    answers = [at.entitled(provider="neotv", login="cid", password=p) for p in ("s3cret-4", "wrong") * 20]
    check("without Kafka questions are answered as before", all(a.status == 200 for a in answers) and
          {a.json()["may_watch"] for a in answers[::2]} == {True} and {a.json()["may_watch"] for a in answers[1::2]} == {False}, answers[:2])
    until(lambda: at.entitled(provider="neotv", login="cid", password="s3cret-4").json()["age_ms"] > before["age_ms"] + 2000,
          "an answer that says how old it is")
    kafka.start()
    until(lambda: at.entitled(provider="neotv", login="cid", password="s3cret-4").json()["age_ms"] < 2000, "an answer that is fresh again")
    tell_again = until(lambda: (lambda r: r if r.status == 202 else None)(
        at.publish(event("n11", "9003", "contract.blocked", {"reason": "delinquency"}, provider="neotv", sequence="11"))), "an accepted event")
    check("events are accepted again", tell_again.status == 202, tell_again)
    watches(at, "cid", "s3cret-4", {"may_watch": False, "reason": "blocked", "service": "9003"})


# ---- all of it -------------------------------------------------------------------------------------------------------------

def group(name, call, *args):
    words = sys.argv[1:]
    if words and not any(w in name for w in words):
        return
    try:
        call(*args)
    except Exception as problem:  # one broken check must not hide the others
        check(f"{name} ran to its end", False, repr(problem))


def main():
    servers.stop_on_signals()
    with servers.Stack() as stack, tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = pathlib.Path(name)
        brokers = os.environ.get("TVB_BROKERS") or stack.kafka(os.environ.get("TVB_KAFKA_VERSION", "4.1"))[1]
        at = Gateway(folder / "ordinary", brokers, batch_events=1000, body_bytes=2000000).start_ready()
        for call in (check_commands, check_taken_port, check_keys, check_paths, check_structured, check_binary, check_batch, check_words, check_connections,
                     check_examples, check_rate, check_metrics):
            group(call.__name__, call, at)
        check("it ends well", at.stop() == 0, (at.folder / "serve.log").read_text()[-500:])
        for call in (check_graceful, check_killed, check_full, check_missing_topics):
            group(call.__name__, call, folder / call.__name__, brokers)
        (folder / "broker").mkdir()
        group("check_broker", check_broker, folder / "broker")
        (folder / "entitlement").mkdir()
        group("check_entitlement", check_entitlement, folder / "entitlement", stack)
    print(f"{cli.passed} passed, {cli.failed} failed")
    return 1 if cli.failed else 0


if __name__ == "__main__":
    sys.exit(main())
