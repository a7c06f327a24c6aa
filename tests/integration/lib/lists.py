"""Lists that billing gives to tvbridge, and takes from it."""
import json
import subprocess

from lib.cases import case
from lib.dayone import changes, command, file, output
from lib.place import PROVIDER, Place, check, created, event, same, until


def results(rows):
    return [r["result"] for r in rows]


@case("lists.devices")
def devices(bench):
    """Set-top boxes from a file reach the platform once, however often the file is sent; a fault keeps all of them back."""
    with Place(bench, "boxes", accounts=["70001", "70002"]) as p:
        p.worker()
        p.publish(*[created(f"c{s}", s, sequence=5) for s in ("70001", "70002")])
        p.await_finals(["c70001", "c70002"])
        boxes = "Contrato;MAC;CASN;Obs\r\n70001;001a.794d.2b11;C-1;x\r\n70002;00-1A-79-4D-2B-12;;\r\n"
        names = ("--map", "service=Contrato", "--pass-over", "Obs")
        wrong = file(p, "wrong.csv", boxes + "70002;00:1A:79:4D:2B:11;;\r\n70003;;;\r\n")
        rows, err = command(p, "import", "devices", PROVIDER, "--file", wrong, *names, status=1)
        check(rows == [] and "wrong.csv:4: mac: found" in err and "wrong.csv:5: mac, serial" in err and "nothing was sent" in err, "faults", err)
        good = file(p, "boxes.csv", boxes)
        rows, _ = command(p, "import", "devices", PROVIDER, "--file", good, *names, "--dry-run")
        same("shown", [(r["line"], r["service"], r["mac"], r["result"]) for r in rows],
             [(2, "70001", "00:1A:79:4D:2B:11", ""), (3, "70002", "00:1A:79:4D:2B:12", "")])
        lines = output(p, "import", "devices", PROVIDER, "--file", good, *names, "--events").splitlines()
        sent = [v for _, v in p.read("events") if "device.added" in v]
        same("sent by all this", sent, [])
        rows, _ = command(p, "import", "devices", PROVIDER, "--file", good, *names)
        same("results", results(rows), ["applied", "applied"])
        sent = [json.loads(v) for _, v in p.read("events") if "device.added" in v]
        same("ids as --events says", sorted(e["id"] for e in sent), sorted(json.loads(line)["id"] for line in lines))
        same("at the platform", {n: a["stb_mac"] for n, a in p.portal.accounts().items()},
             {"70001": "00:1A:79:4D:2B:11", "70002": "00:1A:79:4D:2B:12"})
        before = len(changes(p))
        rows, _ = command(p, "import", "devices", PROVIDER, "--file", good, *names)
        same("again", results(rows), ["applied", "applied"])
        same("changing calls", len(changes(p)), before)
        # Billing's own order goes on, and one that the platform refuses is told.
        p.publish(event("after", "70001", "contract.blocked", {"reason": "delinquency"}, sequence=6))
        p.outcome("after", "applied")
        rows, err = command(p, "import", "devices", PROVIDER, "--file", file(p, "more.csv", "service,mac\n70001,001A794D2B13\nx y,001A794D2B14\n"),
                            "--skip-invalid", status=1)
        check(len(rows) == 1 and rows[0]["result"].startswith("rejected, ") and "more.csv:3: service" in err, "refused", (rows, err))


@case("lists.devices_usage")
def devices_usage(bench):
    """What is wrong with the command line is said, and no event is there."""
    with Place(bench, "boxesusage", portal=False, follow=False) as p:
        good = file(p, "boxes.csv", "service,mac\n70001,001A794D2B11\n")
        for words, status, says in ((("--file", good, "--map", "colour=x"), 1, "wanted service, mac, serial"), (("--file", good, "--map", "mac"), 1, "NAME=COLUMN"),
                                    ((), 2, "--file FILE is needed"), (("--file", good, "--events"), 2, "one of --json, --csv and --events"),
                                    (("--file", p.dir / "nowhere"), 1, "No such file")):
            rows, err = command(p, "import", "devices", PROVIDER, *words, status=status)
            check(rows == [] and says in err, says, err)
        _, err = command(p, "import", "devices", "nobody", "--file", good, status=1)
        check('no provider "nobody"' in err, "the provider", err)
        rows, err = command(p, "import", "devices", PROVIDER, "--file", "-", "--wait", "1s", stdin="service,mac\n70001,001A794D2B11\n", status=3)
        check(results(rows) == ["sent"] and "no outcome yet" in err, "without a worker", (rows, err))
        same("it is there", len(p.read("events")), 1)


def priced(number, service, *packages, sequence):
    return event(number, service, "package.added", {"packages": [dict(zip(("id", "price", "currency", "valid_to"), p)) for p in packages]},
                 sequence=sequence)


def bills(p, *words, **more):
    """(rows by service, the sums by state, stderr)"""
    rows, err = command(p, "billing", "list", PROVIDER, "--due", "2026-12-10", *words, **more)
    return {r["service"]: r for r in rows[:-1]}, {s["state"]: (s["services"], s["value"]) for s in rows[-1]["sums"]}, err


def billed_outcomes(p):
    """service -> kinds of the outcomes of its billing events, each outcome once."""
    seen = {}
    for o in {o["id"]: o for o in p.follower.outcomes}.values():
        if o["data"]["event"]["type"] == "tvbridge.billing.processed":
            seen.setdefault(o["subject"], []).append(o["data"]["kind"])
    return seen


@case("lists.billing")
def billing(bench):
    """The TV billing run: prices of packages that are on for the due day, Pendente; processed once, however often it is said."""
    services = ["70001", "70002", "70003", "70004"]
    with Place(bench, "billing", accounts=services) as p:
        p.worker()
        p.publish(*[created(f"c{s}", s, sequence=1) for s in services])
        p.publish(priced("p1", "70001", ("P1", "4.90", "BRL"), ("P2", "9.90", "BRL", "2026-12-10"), sequence=2),
                  priced("p2", "70002", ("P1", "4.90", "BRL"), ("P2", "9.90", "BRL", "2026-12-09"), ("P3",), sequence=2),
                  priced("p3", "70003", ("P1", "1", "BRL"), ("P2", "1", "EUR"), sequence=2), priced("p4", "70004", ("P3",), sequence=2))
        p.await_finals(["p1", "p2", "p3", "p4"])
        rows, sums, err = bills(p, status=1)
        same("rows", {s: (r.get("state"), r.get("value"), r.get("packages"), r.get("fault")) for s, r in rows.items()},
             {"70001": ("Pendente", "14.80", "P1 4.90, P2 9.90", None), "70002": ("Pendente", "4.90", "P1 4.90", None),
              "70003": (None, None, "P1 1, P2 1", "packages in several currencies")})
        same("sums", sums, {"Pendente": (2, "19.70")})
        check("2 packages that are on have no price" in err and "1 services cannot be billed" in err, "what is not in it", err)
        run = file(p, "run.jsonl", [r for r in rows.values()])
        _, err = command(p, "billing", "processed", PROVIDER, "--file", run, status=1)
        check("run.jsonl:3: fault: found" in err and "nothing was sent" in err, "a row with a fault", err)
        same("nothing was sent", [v for _, v in p.read("events") if "billing.processed" in v], [])
        p.publish(event("r3", "70003", "package.removed", {"packages": [{"id": "P2"}]}, sequence=3))
        p.outcome("r3", "applied")
        lines = output(p, "billing", "list", PROVIDER, "--due", "2026-12-10", "--json")
        run = file(p, "run.jsonl", lines)
        done, _ = command(p, "billing", "processed", PROVIDER, "--file", run)
        same("results", {r["service"]: r["result"] for r in done}, {"70001": "applied", "70002": "applied", "70003": "applied"})
        before = len(changes(p))
        done, _ = command(p, "billing", "processed", PROVIDER, "--file", run)
        same("said again", sorted(results(done)), ["applied"] * 3)
        same("each once", billed_outcomes(p), {s: ["applied"] for s in services[:3]})
        rows, sums, _ = bills(p)
        same("a second run", ({s: (r["state"], r["value"]) for s, r in rows.items()}, sums),
             ({"70001": ("Processado", "14.80"), "70002": ("Processado", "4.90"), "70003": ("Processado", "1.00")}, {"Processado": (3, "20.70")}))
        same("nothing is pending", bills(p, "--pending")[0], {})
        # Another billing, another value, another day.
        own = file(p, "own.csv", "service;due;value;currency\n70001;2026-12-10;14.8;BRL\n70002;2026-12-10;5.00;BRL\n70003;2027-01-10;1;BRL\n")
        done, _ = command(p, "billing", "processed", PROVIDER, "--file", own, status=1)
        same("by others", [r["result"] for r in done], ["unchanged, already_processed", "rejected, processed_otherwise", "applied"])
        same("the values", {s: r["value"] for s, r in bills(p)[0].items()}, {"70001": "14.80", "70002": "4.90", "70003": "1.00"})
        p.publish(event("late", "70001", "billing.processed", {"due": "2027-01-10", "value": "1.00"}, sequence=9),
                  event("nobodys", "79999", "billing.processed", {"due": "2027-01-10", "value": "1.00"}, sequence=1))
        p.outcome("late", "applied")
        same("of nobody", p.outcome("nobodys", "rejected")["data"]["reason"], "unknown_account")
        same("changing calls", len(changes(p)), before)
        csv = output(p, "billing", "list", PROVIDER, "--due", "2026-12-10", "--csv").split("\r\n")
        same("CSV", csv[:2], ["service,due,state,value,currency,packages,now,fault", "70001,2026-12-10,Processado,14.80,BRL,\"P1 4.90, P2 9.90\",,"])
        check("Processado: 3 services, 20.70 BRL" in output(p, "billing", "list", PROVIDER, "--due", "2026-12-10"), "the table")


@case("lists.billing_killed")
def billing_killed(bench):
    """A billing run over KILL of the command and of the worker: each service is processed once, and a price that changed is not billed again."""
    services = [str(70001 + i) for i in range(30)]
    with Place(bench, "billingkill", accounts=services) as p:
        worker = p.worker()
        p.publish(*[event(f"p{s}", s, "package.added", {"packages": [{"id": "P1", "price": "4.90"}]}) for s in services])
        p.await_finals([f"p{s}" for s in services])
        run = file(p, "run.jsonl", output(p, "billing", "list", PROVIDER, "--due", "2026-12-10", "--json"))
        words = [p.bench.bin / "tvbridge", "billing", "processed", PROVIDER, "--file", run, "-S", p.settings]
        cut = subprocess.Popen([*words, "--rate", "20"], stdout=subprocess.DEVNULL)
        until(lambda: len(billed_outcomes(p)) >= 5, "some are processed", p.brief)
        cut.kill()
        cut.wait(30)
        worker.kill()
        first = len(p.read("events"))
        check(first < 60, "it was cut off", first)
        p.publish(event("dearer", services[0], "package.added", {"packages": [{"id": "P1", "price": "5.90"}]}))
        again = subprocess.Popen([*words, "--rate", "0", "--wait", "0"], stdout=subprocess.DEVNULL)
        same("exit status without waiting", again.wait(60), 0)
        worker = p.worker()
        until(lambda: len(billed_outcomes(p)) == 30, "all are processed", p.brief)
        worker.kill()
        p.worker()
        done, _ = command(p, "billing", "processed", PROVIDER, "--file", run)
        same("results", set(results(done)), {"applied"})
        same("each once", billed_outcomes(p), {s: ["applied"] for s in services})
        p.outcome("dearer", "unchanged")  # it is on already; its price is another
        rows, sums, _ = bills(p)
        same("sums", sums, {"Processado": (30, "147.00")})
        same("a price that changed", (rows[services[0]]["value"], rows[services[0]]["now"]), ("4.90", "5.90"))


@case("lists.billing_usage")
def billing_usage(bench):
    """What is wrong with the command line or a row is said with its place, and no event is there."""
    with Place(bench, "billingusage", portal=False, follow=False) as p:
        for words, status, says in (((), 2, "--due DAY is needed"), (("--due", "10/12/2026"), 2, "wanted a day"), (("--due", "2026-02-30"), 2, "wanted a day")):
            _, err = command(p, "billing", "list", PROVIDER, *words, status=status)
            check(says in err, says, err)
        for why, text, says in (("a number", '{"service":"1","due":"2026-12-10","value":14.8}', "rows:1: value: wanted text, as 14.80"),
                                ("an amount", "service,due,value\n1,2026-12-10,-1\n", "rows:2: value: found \"-1\""),
                                ("a day", "service,due,value\n1,10/12/2026,1\n", "rows:2: due: found \"10/12/2026\""),
                                ("a currency", "service,due,value,currency\n1,2026-12-10,1,real\n", "rows:2: currency: found \"real\""),
                                ("no value", "service,due\n1,2026-12-10\n", "rows:2: value: wanted text"),
                                ("twice", "service,due,value\n1,2026-12-10,1\n1,2026-12-10,2\n", "rows:3: service: found \"1\", which line 2 has"),
                                ("another name", "service,due,amount\n", "rows:1: \"amount\" is no name")):
            _, err = command(p, "billing", "processed", PROVIDER, "--file", file(p, "rows", text), status=1)
            check(says in err, why, err)
        same("events", p.read("events"), [])
        rows, _ = command(p, "billing", "list", PROVIDER, "--due", "2026-12-10")
        same("of nothing", rows, [{"end": True, "due": "2026-12-10", "sums": [], "faults": 0, "unpriced": 0}])
