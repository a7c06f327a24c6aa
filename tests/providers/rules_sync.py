"""The rules of the seeds that `tvbridge` keeps on day one and in its syncs, on a real Kafka, a real Redis and a worker; rules.py runs
them. TVB_BROKERS: a Kafka; without it one is started, once for all of them."""

import atexit
import functools
import json
import os
import sys

from suite.place import BIN, ROOT, same

sys.path[:0] = [os.path.join(ROOT, "tests", "integration"), os.path.join(ROOT, "deploy", "demo.d")]

PROVIDER = "stalker"  # the name of the provider in these installations, whatever its pack


@functools.lru_cache(maxsize=None)
def bench():
    import servers
    from lib import place
    os.environ.setdefault("TVB_BIN", BIN)
    stack = servers.Stack(False)
    stack.__enter__()
    atexit.register(stack.__exit__, None, None, None)
    return place.Bench(stack)


def day_one():
    from lib import dayone
    return dayone


def office(name, **provider):
    """4NET.TV's Back Office with a worker."""
    from lib import conversions
    return conversions.fournet_place(bench(), name, **provider)


def events(p):
    return [json.loads(v)["type"] for _, v in p.read("events")]


def autosync(p, text, **more):
    folder = p.dir / "sync"
    folder.mkdir(exist_ok=True)
    p.tree["providers"][PROVIDER]["autosync"] = {"folder": str(folder), "desired": str(day_one().file(p, "wanted.csv", text)), **more}
    p.write_settings()


def run_autosync(p, status=0):
    return day_one().command(p, "sync", PROVIDER, "--autosync", status=status)


# ---- seed 000: ISPadmin and 4NET.TV --------------------------------------------------------------------------------------


def rule_000_1_preview_first():
    """A sync is always preceded by a preview: it changes nothing, and only what it showed, saved, can be applied."""
    d = day_one()
    with office("rule1") as p:
        wanted = d.file(p, "wanted.csv", "service,client,name,login,packages\n70001,c1,Jan,jan,BASIC\n")
        rows, _ = d.command(p, "sync", PROVIDER, "--desired", wanted)
        same("shown", [r["kind"] for r in rows if "service" in r], ["create"])
        path, _, _ = d.previewed(p, "--desired", wanted)
        same("effects", p.office.changes(), [])
        same("events", events(p), [])
        p.worker()
        rows, _ = d.command(p, "sync", PROVIDER, "--apply", path)
        same("applied", d.results(rows), {"70001": "done"})
        same("subscriber", p.office.program.account("70001")["packages"], ["BASIC"])
        d.command(p, "sync", PROVIDER, "--apply", p.dir / "never-shown", status=1)


def rule_000_2_tariffs_come_from_the_platform():
    """Billing's tariffs are made from the Back Office's services, with the prices to be checked; no service is touched."""
    d = day_one()
    with office("rule2") as p:
        found = [json.loads(line) for line in d.output(p, "import", "catalog", PROVIDER, "--events").splitlines()]
        same("tariffs", [(e["data"]["id"], e["data"]["name"], e["data"]["price"]) for e in found if e["type"] == "tvbridge.found.package"],
             [("BASIC", "Základní", "199.00"), ("HBO", "HBO", "149.00"), ("SPORT", "Sport", "99.00"), ("KIDS", "Děti", "49.00"),
              ("PLUS", "Rozšířená", "299.00")])
        rows, _ = d.command(p, "sync", PROVIDER, "--desired", d.file(p, "wanted.csv", "service,packages\n70001,HBO OLD\n"), "--tariffs-only", status=1)
        states = {r["id"]: r["state"] for r in rows if r["kind"] == "package"}
        same("linked and not", (states["HBO"], states["OLD"]), ("linked", "not linked"))
        same("effects", p.office.changes(), [])


def rule_000_9_autosync_by_dates_and_what_was_added_by_hand():
    """Autosync turns packages on and off by billing's dates, and can remove what was added in the Back Office by hand, when that is said."""
    with office("rule9") as p:
        p.worker()
        autosync(p, "service,client,name,login,packages\n70001,c1,Jan,jan,BASIC HBO@2020-01-01..2099-01-01 SPORT@2020-01-01..2021-01-01\n")
        run_autosync(p)
        same("on by their dates", p.office.program.account("70001")["packages"], ["BASIC", "HBO"])
        by_hand(p, "KIDS")
        autosync(p, "service,client,name,login,packages\n70001,c1,Jan,jan,BASIC HBO@2020-01-01..2021-01-01\n")
        run_autosync(p)
        same("off by its date; what was added by hand stays", p.office.program.account("70001")["packages"], ["BASIC", "KIDS"])
        autosync(p, "service,client,name,login,packages\n70001,c1,Jan,jan,BASIC\n", remove_unknown=True)
        run_autosync(p)
        same("when it is said", p.office.program.account("70001")["packages"], ["BASIC"])


def by_hand(p, package):
    """Somebody adds it in the Back Office."""
    subscriber = p.office.subscribers()["70001"]
    status, _, text = p.office.program.send("POST", "/api/" + p.office.provider["settings"]["methods"]["set_service"], json.dumps(
        {"id_subscriber": subscriber["id_subscriber"], "service_code": package}), {
            "Content-Type": "application/json", "Authorization": "Basic " + basic(p)})
    same("the Back Office takes it: " + text.decode(), status, 200)


def basic(p):
    import base64
    operator = p.office.provider["credentials"]["operator"]
    return base64.b64encode("{username}:{password}".format(**operator).encode()).decode()


def rule_000_10_autosync_off_during_migration():
    """Autosync is off by default, and refuses to run until tariffs are linked and custom ids are converted."""
    d = day_one()
    with office("rule10") as p:
        p.office.full(p, "c1", ["BASIC"])
        before = p.office.changes()
        _, err = run_autosync(p, status=1)
        same("off: " + err, "is off" in err, True)
        autosync(p, "service,client,packages\n70001,c1,BASIC OLD-HBO\n")
        _, err = run_autosync(p, status=1)
        same("tariffs: " + err, "tariffs are not linked" in err and "OLD-HBO" in err, True)
        autosync(p, "service,client,packages\n70001,c1,BASIC HBO\n")
        _, err = run_autosync(p, status=1)
        same("ids: " + err, "bear the client's id" in err, True)
        same("effects meanwhile", (p.office.changes(), events(p)), (before, []))
        p.worker()
        path = p.dir / "convert.jsonl"
        d.command(p, "convert", PROVIDER, "--map", d.file(p, "clients.csv", "service,client\n70001,c1\n"), "-o", path)
        d.command(p, "convert", PROVIDER, "--apply", path)
        run_autosync(p)
        same("then it runs", p.office.program.account("70001")["packages"], ["BASIC", "HBO"])


def rule_000_11_conversion_tool():
    """The tool finds the subscriber by the client's id, shows it, changes its custom id and names, and tells billing its tariffs."""
    from lib import conversions
    conversions.convert(bench())


def rule_000_12_autosync_repairs_what_failed():
    """What failed when the service was saved is done by autosync: it is the repair path."""
    d = day_one()
    with office("rule12", retry={"base_ms": 20, "cap_ms": 50, "attempts": 2}, park="nothing") as p:
        p.worker()
        p.publish(d.event("c", "70001", "service.created", {"login": "jan", "packages": [{"id": "BASIC"}],
                                                            "subscriber": {"name": "Jan", "external_id": "c1"}}, sequence=1))
        p.outcome("c", "applied")
        p.office.program.control("POST", "faults", [{"match": {"path": "set-service"}, "times": 0, "action": "retry_after", "status": 429, "after": 0}])
        p.publish(d.event("a", "70001", "package.added", {"packages": [{"id": "HBO"}]}, sequence=2))
        p.outcome("a", "dead")
        p.office.program.control("DELETE", "faults")
        same("it failed", p.office.program.account("70001")["packages"], ["BASIC"])
        autosync(p, "service,packages\n70001,BASIC HBO\n")
        run_autosync(p)
        same("it is done", p.office.program.account("70001")["packages"], ["BASIC", "HBO"])


# ---- seed 001: ABillS and Stalker ----------------------------------------------------------------------------------------


def rule_001_1_accounts_journal_columns():
    """What billing keeps of the accounts journal: login, account number, subscriptions, and the box's MAC, SN and type. Names, phones,
    balances and addresses stay at the portal; its own id, version and last activity are of the moment."""
    d = day_one()
    with d.Place(bench(), "rule101") as p:
        sys.path.insert(0, os.path.join(ROOT, "tests", "providers"))
        import stalker_model
        data = stalker_model.builtin_data()
        data["accounts"] = [{"login": "ann", "account_number": "77", "tariff_plan": "3", "status": "1", "password": "s3cret",
                             "full_name": "Ann Teste", "phone": "+55 11 90000", "stb_mac": "00:1A:79:4D:2B:11", "stb_sn": "092013N012345",
                             "stb_type": "MAG322", "ip": "10.9.8.7", "account_balance": "12.50", "subscribed": ["P1"]}]
        p.portal = p.adopt(d.Portal(p.dir, "journal", seed=d.file(p, "seed.json", json.dumps(data))))
        p.tree["providers"][PROVIDER]["base_url"] = p.portal.base
        p.write_settings()
        rows, err = d.command(p, "import", "accounts", PROVIDER)
        wanted = {"login": "ann", "account_number": "77", "status": "active", "plan": "3", "packages": "P1", "devices": "00:1A:79:4D:2B:11",
                  "serials": "092013N012345", "models": "MAG322"}
        same("columns", {k: rows[0].get(k) for k in wanted}, wanted)
        same("what it does not tell", [w for w in ("Ann Teste", "90000", "10.9.8.7", "12.50", "s3cret") if w in json.dumps(rows) + err], [])
        lines = d.output(p, "import", "accounts", PROVIDER, "--csv").split("\r\n")
        same("CSV", lines[0], "synced,service,account_number,external_id,login,status,plan,packages,devices,serials,models")


def rule_001_2_unsynced_accounts_are_offered():
    """Accounts that billing does not have are marked, with the account number that becomes the TV id; added, they are no longer."""
    d = day_one()
    with d.Place(bench(), "rule102", accounts=["501", "502"]) as p:
        rows, _ = d.command(p, "import", "accounts", PROVIDER)
        same("offered", [(r["account_number"], r["synced"]) for r in rows], [("501", False), ("502", False)])
        p.worker()
        d.command(p, "adopt", PROVIDER, "--map", d.file(p, "map.csv", "service,account_number\n9001,501\n"))
        rows, _ = d.command(p, "import", "accounts", PROVIDER, "--unsynced")
        same("still offered", [r["account_number"] for r in rows], ["502"])
        same("changing calls", d.changes(p), [])


def rule_001_4_channels_are_listed():
    """The channel list for billing's import; nothing at the portal is replaced by it."""
    d = day_one()
    with d.Place(bench(), "rule104", topics=False, follow=False) as p:
        rows, _ = d.command(p, "import", "channels", PROVIDER)
        same("channels", [(r["number"], r["name"]) for r in rows], [("1", "First"), ("2", "News"), ("3", "Sport")])
        same("changing calls", d.changes(p), [])


def rule_001_5_tariffs_without_external_id_are_faults():
    """A tariff without an external id is a fault that is named, and is not offered to billing."""
    d = day_one()
    import stalker_model
    data = stalker_model.builtin_data()
    data["tariffs"][2]["external_id"] = ""
    with d.Place(bench(), "rule105", portal=False, topics=False, follow=False) as p:
        portal = p.adopt(d.Portal(p.dir, "faulty", seed=d.file(p, "seed.json", json.dumps(data))))
        p.tree["providers"][PROVIDER]["base_url"] = portal.base
        p.write_settings()
        rows, _ = d.command(p, "import", "catalog", PROVIDER, status=1)
        same("faults", [(r["name"], r["fault"]) for r in rows if "fault" in r], [("LITE", "no external id")])
        offered = d.output(p, "import", "catalog", PROVIDER, "--events", status=1)
        same("offered", "LITE" in offered, False)


def rule_001_6_fields_reach_billing():
    """What tariffs and packages consist of is in the list and in the events that billing takes them from."""
    d = day_one()
    with d.Place(bench(), "rule106", topics=False, follow=False) as p:
        rows, _ = d.command(p, "import", "catalog", PROVIDER)
        same("tariffs", {r["id"]: r["days_to_expires"] for r in rows if r["kind"] == "plan"}, {"1": "0", "3": "0", "7": "0"})
        wanted = {"name": "Option 1", "type": "tv", "service_type": "periodic", "all_services": "0", "rent_duration": "0", "price": "1.00"}
        package = next(r for r in rows if r["kind"] == "package" and r["id"] == "P1")
        same("package", {k: package.get(k) for k in wanted}, wanted)
        found = [json.loads(line)["data"] for line in d.output(p, "import", "catalog", PROVIDER, "--events").splitlines()]
        same("events say the same", found, rows)


# ---- seed 002: ISP-Integrator --------------------------------------------------------------------------------------------


def rule_002_6_tv_billing_run():
    """A due day: all clients whose plan has extras with a price, Pendente; after the standard billing run Processado, with its value."""
    d = day_one()
    with d.Place(bench(), "rule206", accounts=["501", "502", "503"]) as p:
        from lib.place import created, event
        p.worker()
        p.publish(*[created(f"c{s}", s, sequence=1) for s in ("501", "502", "503")],
                  event("extras", "501", "package.added", {"packages": [{"id": "P1", "price": "19.90"}, {"id": "P2", "price": "5.00"}]}, sequence=2),
                  event("free", "502", "package.added", {"packages": [{"id": "P1"}]}, sequence=2))
        p.await_finals(["extras", "free", "c503"])

        def run():
            rows, _ = d.command(p, "billing", "list", PROVIDER, "--due", "2026-12-10")
            return [(r["service"], r["state"], r["value"]) for r in rows[:-1]]
        same("loaded", run(), [("501", "Pendente", "24.90")])
        billed = d.file(p, "billed.csv", "service,due,value\n501,2026-12-10,24.90\n")
        d.command(p, "billing", "processed", PROVIDER, "--file", billed)
        same("after the standard run", run(), [("501", "Processado", "24.90")])
        rows, _ = d.command(p, "billing", "processed", PROVIDER, "--file", billed)
        same("said again", ([r["result"] for r in rows], run()), (["applied"], [("501", "Processado", "24.90")]))
