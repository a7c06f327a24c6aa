"""Lists that billing gives to tvbridge, and takes from it."""
import json

from lib.cases import case
from lib.dayone import changes, command, file, output
from lib.place import PROVIDER, Place, check, created, event, same


def results(rows):
    return [r["result"] for r in rows]


@case("lists.devices")
def devices(bench):
    """Set-top boxes from a file reach the platform once, however often the file is sent; a fault keeps all of them back."""
    with Place(bench, "boxes", accounts=["70001", "70002"]) as p:
        p.worker()
        p.publish(*[created(f"c{s}", s, sequence=5) for s in ("70001", "70002")])
        p.one_final(["c70001", "c70002"])
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
