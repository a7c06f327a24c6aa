"""What an operator sees and does: reload, metrics, logs."""
import json
import re
import shutil
import signal
import subprocess

from lib.cases import case
from lib.crashes import ACCOUNTS, LIMITS, await_count, check_order, load, slow_down
from lib.place import PATIENT, ROOT, Place, blocked, check, created, event, same, unblocked, until

LOGFMT = re.compile(r'^level=(debug|info|warn|error) event=[a-z0-9_]+ time=\S+Z( [a-z0-9_]+=([^\s"=]+|"([^"\\]|\\.)*"))*$')


@case("operation.reload")
def reload(bench):
    """SIGHUP takes changed limits and a changed pack; a broken pack or broken settings change nothing."""
    with Place(bench, "reload", accounts=["1"]) as p:
        shutil.copytree(ROOT / "schemas/providers/stalker", p.dir / "pack")
        pack = p.dir / "pack/workflows.arazzo.yaml"
        good = pack.read_text()
        p.provider.update(pack=str(p.dir / "pack"), limits={"in_flight": 5})
        p.write_settings()
        worker = p.worker()
        worker.await_log("event=partitions_assigned .*slots=5 ")

        p.provider["limits"]["in_flight"] = 9
        p.write_settings()
        pack.write_text(good.replace("reason: unknown_account", "reason: nobody_there"))
        worker.signal(signal.SIGHUP)
        worker.await_log("event=plan_reloaded .*slots=9$")
        p.publish(blocked("a", "nobody"))
        same("reason by the new pack", p.outcome("a", "rejected")["data"]["reason"], "nobody_there")

        pack.write_text(good.replace("operationId: updateUser", "operationId: noSuchCall"))
        worker.signal(signal.SIGHUP)
        worker.await_log("event=reload_refused .*noSuchCall")
        p.settings.write_text("kafka: [")
        worker.signal(signal.SIGHUP)
        worker.await_log("event=reload_refused .*settings.yaml")
        p.write_settings()
        p.publish(blocked("b", "nobody"), blocked("c", "1"))
        same("the old pack goes on", p.outcome("b", "rejected")["data"]["reason"], "nobody_there")
        p.outcome("c", "applied")
        same("reloads that were taken", len(re.findall("event=plan_reloaded", worker.log())), 1)


SERIES = ["tvbridge_deliveries_total", "tvbridge_provider_calls_total", "tvbridge_outcomes_total", "tvbridge_retries_total",
          "tvbridge_in_flight", "tvbridge_lanes", "tvbridge_window_events", "tvbridge_lag_events",
          "tvbridge_oldest_undone_age_seconds", "tvbridge_commits_total", "tvbridge_stage_lane_seconds_bucket",
          "tvbridge_stage_slot_seconds_bucket", "tvbridge_stage_claim_seconds_bucket", "tvbridge_stage_call_seconds_bucket",
          "tvbridge_stage_outcome_seconds_bucket"]


@case("operation.metrics")
def metrics(bench):
    """promtool accepts them under load; they add up in the end; the alarms' series exist."""
    with Place(bench, "metrics", accounts=ACCOUNTS, provider=LIMITS, numbers=PATIENT) as p:
        p.portal.fault("status", account=ACCOUNTS[0], status=500)
        slow_down(p)
        worker = p.worker()
        p.raw("x", b"no event")
        p.publish(*load(each=3))
        await_count(p, 100)
        for _ in range(3):
            check_promtool(worker.get("/metrics")[1])
        p.await_finals([e["id"] for e in load(each=3)])
        p.await_committed()
        text = worker.get("/metrics")[1]
        check_promtool(text)
        for name in SERIES:
            check(re.search(rf"^{name}(\{{| )", text, re.MULTILINE), f"the series {name}")
        rules = (ROOT / "deploy/prometheus/tvbridge.rules.yaml").read_text()
        for name in set(re.findall(r"\btvbridge_(?!serve_)[a-z_]+(?=[\[{ )])", rules)) - set(re.findall(r"record: (\S+)", rules)):
            check(re.search(rf"^{name}(\{{| )", text, re.MULTILINE), f"the series {name} of the alarms")
        same("outcomes counted", total(text, "tvbridge_outcomes_total"), 3.0 * len(ACCOUNTS))
        same("deliveries counted", total(text, "tvbridge_deliveries_total"), 3.0 * len(ACCOUNTS) + 1)


def fat_load(flood, each=7):
    """About 5 MiB of events, the numbers of which follow those of the floods before."""
    events = load(each=each * (flood + 1))[each * flood * len(ACCOUNTS):]
    for e in events:
        e["data"]["extra"]["note"] = "x" * 3000
    return events


@case("operation.full_window")
def full_window(bench):
    """A window of 2 MiB before 5 MiB of events: with a slow provider reading stops for good, with a quick one for a moment. A busy
    machine may make that moment too long, so it has some floods to show it."""
    numbers = {**PATIENT, "window_bytes": 2 * 1024 * 1024}
    with Place(bench, "window", accounts=ACCOUNTS, provider=LIMITS, numbers=numbers) as p:
        slow_down(p, 1500)
        events = fat_load(0)
        worker = p.worker()
        p.publish(*events)
        until(lambda: total(worker.get("/metrics")[1], "tvbridge_window_paused_total") > 0, "the window stays full")
        check(total(worker.get("/metrics")[1], "tvbridge_window_bytes") < 2.2 * 1024 * 1024, "no more than the window is taken")
        p.portal.control("DELETE", "faults")
        flood, held, paused = 0, 0, 1
        p.await_finals([e["id"] for e in events])
        while held <= paused and flood < 8:
            flood += 1
            events = fat_load(flood)
            p.publish(*events)
            p.await_finals([e["id"] for e in events])
            held, paused = (total(worker.get("/metrics")[1], f"tvbridge_window_{n}_total") for n in ("held", "paused"))
        check(held > paused, "with a quick provider it was only held", (held, paused))
        check_order(p, each=7 * (flood + 1))
        p.await_committed()
        same("exit status", worker.term(), 0)


def total(text, name):
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if re.match(rf"{name}(\{{| )", line))


def check_promtool(text):
    done = subprocess.run(["promtool", "check", "metrics"], input=text.encode(), capture_output=True, timeout=60)
    check(done.returncode == 0 and done.stdout + done.stderr == b"", "promtool accepts the metrics",
          (done.stdout + done.stderr).decode()[:800])


SECRETS = {"password": "Geheim-4711", "name": "Zebulon Quast", "phone": "+5511987650001", "pin": "904417", "text": "Pay 49 BRL",
           "mail": "zq@secret.example", "mac": "00:1A:79:5E:C8:E7"}


def secret_events():
    yield event("s1", "1", "service.created", {
        "login": "1", "password": SECRETS["password"], "plan": "3", "devices": [{"mac": SECRETS["mac"]}],
        "subscriber": {"name": SECRETS["name"], "phone": SECRETS["phone"], "email": SECRETS["mail"]}})
    yield event("s2", "1", "credentials.changed", {"password": SECRETS["password"], "pin": SECRETS["pin"]})
    yield event("s3", "1", "message.requested", {"message": {"text": SECRETS["text"]}})
    yield event("s4", "1", "subscriber.updated", {"subscriber": {"name": SECRETS["name"], "email": SECRETS["mail"]}})
    yield created("s5", "2")
    yield unblocked("s6", "1")


@case("operation.logs_logfmt")
def logs_logfmt(bench):
    logs(bench, "logfmt", lambda line: LOGFMT.match(line))


@case("operation.logs_json")
def logs_json(bench):
    def good(line):
        row = json.loads(line)
        return {"level", "event", "time"} <= set(row)
    logs(bench, "json", good)


def logs(bench, form, good):
    """Every line is whole and well formed, at the finest level; none holds a secret or a person's data."""
    with Place(bench, form, log={"format": form, "level": "debug"}) as p:
        worker = p.worker()
        p.portal.fault("status", method="PUT", status=500, body=f"SQL error near '{SECRETS['name']}'")
        p.portal.fault("status", method="PUT", status=400, body=f'{{"echo": "{SECRETS["password"]}"}}', skip=3)
        p.raw("1", json.dumps({**blocked("bad", "1"), "data": {"reason": SECRETS["name"]}}).encode())
        p.raw("1", f'{{"password": "{SECRETS["password"]}", "x": "{SECRETS["mail"]}'.encode())
        events = list(secret_events())
        p.publish(*events)
        p.await_finals([e["id"] for e in events])
        p.dead_letter("invalid", 2)
        status, metrics_text = worker.get("/metrics")
        same("status after SIGTERM", (status, worker.term()), (200, 0))
        text = worker.log()
        bad = [line for line in text.splitlines() if not good(line)]
        same("lines that are not well formed", bad[:3], [])
        check(sum("outcome" in line for line in text.splitlines()) >= len(events), "a line for each outcome")
        heads = json.dumps([d["dead_letter"] for d in p.dead_letters()])
        for what, secret in {**SECRETS, "portal": "it-portal-secret", "created": "pw-2"}.items():
            for where, seen in (("the log", text), ("metrics", metrics_text), ("headers of dead letters", heads)):
                check(secret not in seen, f"{what} is in {where}")
