"""Day one: a platform full of accounts, and a billing that begins to use tvbridge."""
import json
import shutil
import subprocess
import sys

from lib.cases import case
from lib.place import PROVIDER, ROOT, Place, Portal, blocked, check, event, same, until


def command(p, *words, status=0, settings=True, stdin=None):
    """The JSON lines that a command gave, and what it said on stderr."""
    done = subprocess.run([p.bench.bin / "tvbridge", *map(str, words), *(["-S", p.settings] if settings else []), "--json"],
                          capture_output=True, text=True, timeout=300, input=stdin)
    same(f"exit status of {words}: {done.stderr[-500:]} {done.stdout[-1500:]}", done.returncode, status)
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def file(p, name, text):
    path = p.dir / name
    path.write_text(text if isinstance(text, str) else "".join(json.dumps(row) + "\n" for row in text))
    return path


def changes(p):
    """Requests that may have changed something at the platform."""
    return [r for r in p.portal.requests() if r["method"] != "GET"]


def by_service(rows):
    return {r["service"]: r for r in rows if "service" in r}


@case("dayone.probe")
def probe(bench):
    """A live platform is asked, not changed, and what differs from the pack is said in words, without a value of an account."""
    with Place(bench, "probe", accounts=["70001", "70002"], topics=False, follow=False) as p:
        good = ROOT / "schemas/providers/stalker"

        def probed(folder=good, status=0, *words):
            rows, err = command(p, "pack", "probe", folder, "--provider", PROVIDER, *words, status=status)
            check("70001" not in json.dumps(rows) + err, "nothing of an account is shown", rows)
            return {r["workflow"]: r for r in rows}

        def differs(folder, workflow, says, status=1):
            told = probed(folder, status)[workflow]["differs"]
            check(any(says in t for t in told), f"{workflow}: {says!r}", told)

        def changed(name, old, new, document="workflows.arazzo.yaml"):
            folder = p.dir / name
            shutil.copytree(good, folder)
            text = (folder / document).read_text()
            check(old in text, f"{name}: the row fits the pack")
            (folder / document).write_text(text.replace(old, new))
            return folder

        told = probed()
        same("asked", sorted(told), ["catalog", "list", "probe", "read"])
        same("accounts", told["list"]["accounts"], 2)
        same("differences", [t for r in told.values() for t in r["differs"]], [])
        differs(changed("nologin", "          login: $item.login\n", ""), "list", "2 of 2 accounts have no login")
        differs(changed("words", "value: active }, { value: suspended }", "value: on }, { value: off }"), "list", "none of our words: on")
        differs(changed("noid", "          id: $item.external_id\n          name", "          id: $item.nothing\n          name"), "catalog",
                "3 of 3 plans have no external id")
        safe = changed("safe", "      operationId: listAccounts\n", "      operationId: listAccounts\n      x-repeat: safe\n", "openapi.yaml")
        before = len(p.portal.requests())
        differs(safe, "list", "its step accounts is `safe`, and this only reads")
        check(not [r for r in p.portal.requests()[before:] if r["path"] == "accounts"], "it was not run", p.portal.requests()[before:])
        for action, says, more in (("status", "status 418, which openapi.yaml does not declare", {"status": 418}),
                                   ("not_json", "that no criterion of the pack knows", {}),
                                   ("noise", "", {})):
            p.portal.fault(action, method="GET", path="accounts$", **more)
            if says:
                differs(good, "list", says)
            else:
                probed()
        p.portal.fault("unauthorized", method="GET", times=0)
        differs(good, "probe", "refuses our credentials")
        same("changing requests", changes(p), [])
        p.portal.stop()
        differs(good, "probe", "did not answer", status=3)
        command(p, "pack", "probe", good, "--provider", "nobody", status=1)
        command(p, "pack", "probe", status=2)


MAP = """service;login;account_number;name
101;ann;;Ann Test
102;;2;
103;bob;3;
104;;9;
105;carol;77;
106;nobody;;
107;eve;;Somebody Else
"""


def portal_of_day_one(p):
    """Accounts that were made before tvbridge: ann 1, two 2, bob 3, twins 9, carol 5, eve 6, and one of nobody."""
    def put(login, number, **more):
        request = {"login": login, "account_number": number, "tariff_plan": "3", "status": "1", "full_name": f"{login.title()} Test", **more}
        p.portal.api("POST", "accounts", request)
    put("ann", "1", stb_mac="00:1A:79:4D:2B:11")
    put("two", "2", status="0")
    put("bob", "3")
    put("twin1", "9")
    put("twin2", "9")
    put("carol", "5")
    put("eve", "6")
    put("nobodys", "8")
    p.portal.api("PUT", "account_subscription/1", {"subscribed[]": "P1"})


@case("dayone.adopt")
def adopt(bench):
    """Accounts become records without a changing call: matched, doubtful and unmatched ones are told, a second run goes on, and what
    billing then sends is applied to the right account."""
    with Place(bench, "dayone", provider={"cuts": "known"}) as p:
        portal_of_day_one(p)
        p.worker()
        services = file(p, "map.csv", MAP)
        before = len(changes(p))
        rows, _ = command(p, "adopt", PROVIDER, "--map", services, "--dry-run", status=1)
        told, counts = by_service(rows), rows[-1]
        same("results", {s: r["result"] for s, r in told.items()},
             {"101": "matched", "102": "matched", "103": "matched", "104": "doubtful", "105": "doubtful", "106": "unmatched", "107": "doubtful"})
        same("why", [told[s]["why"] for s in ("104", "105", "106", "107")],
             ["several accounts have this account_number", "found by its login, and its account_number is another",
              "the platform has no such account", "the name there is another"])
        same("counts", (counts["accounts"], counts["accounts_without_service"]), (8, 5))
        same("records", p.read("records"), [])
        rows, _ = command(p, "adopt", PROVIDER, "--map", services, status=1)
        same("adopted", sorted(s for s, r in by_service(rows).items() if r["result"] == "adopted"), ["101", "102", "103"])
        same("changing calls", len(changes(p)), before)
        record = p.record("101")
        same("what was read", {k: record[k] for k in ("status", "login", "plan", "packages", "devices", "ids")},
             {"status": "active", "login": "ann", "plan": "3", "packages": {"P1": {}}, "devices": {"00:1A:79:4D:2B:11": {}},
              "ids": {"account_number": "1"}})
        same("a suspended one", p.record("102")["status"], "suspended")
        check("Test" not in json.dumps(p.read("events")), "no name is in the events", p.read("events"))
        # It goes on where it was; what was corrected is taken.
        events = len(p.read("events"))
        rows, _ = command(p, "adopt", PROVIDER, "--map", file(p, "map2.csv", MAP.replace("105;carol;77", "105;carol;5")), status=1)
        same("the second run", {r["result"]: n for r, n in zip(rows[:-1], [1] * 9)} and sorted(
            (r["service"], r["result"]) for r in rows[:-1] if r["result"] in ("known", "adopted")),
            [("101", "known"), ("102", "known"), ("103", "known"), ("105", "adopted")])
        same("new events", len(p.read("events")) - events, 1)
        # Billing begins.
        p.publish(blocked("b1", "101", sequence=1), blocked("b2", "107", sequence=1),
                  event("d", "102", "package.added", {"packages": [{"id": "P2"}]}, sequence=1))
        p.outcome("b1", "applied")
        p.outcome("d", "applied")
        same("not adopted", p.outcome("b2", "rejected")["data"]["reason"], "not_adopted")
        state = p.portal.accounts()
        same("at the platform", (state["ann"]["status"], state["two"]["subscribed"], state["eve"]["status"]), (0, ["P2"], 1))
        # What billing changed meanwhile is not adopted over.
        rows, _ = command(p, "adopt", PROVIDER, "--map", services, "--again", status=1)
        same("again", by_service(rows)["101"]["result"], "adopted")
        same("its block", (p.record("101")["block"], p.record("101")["status"], p.record("101")["order_by"]), ("blocked", "suspended", "sequence"))


def output(p, *words, status=0):
    done = subprocess.run([p.bench.bin / "tvbridge", *map(str, words), "-S", p.settings], capture_output=True, timeout=300)
    same(f"exit status of {words}: {done.stderr[-500:]}", done.returncode, status)
    return done.stdout.decode()


@case("dayone.import")
def import_(bench):
    """What billing would take over: tariffs with their external ids, accounts that no service has, channels; in each form."""
    with Place(bench, "import") as p:
        portal_of_day_one(p)
        rows, _ = command(p, "import", "catalog", PROVIDER)
        same("plans", [(r["id"], r["name"], r.get("default", False)) for r in rows if r["kind"] == "plan"],
             [("1", "START", True), ("3", "FULL Bez Amoreyo", False), ("7", "LITE", False)])
        same("a package", next(r for r in rows if r["id"] == "P1" and r["kind"] == "package"),
             {"kind": "package", "id": "P1", "name": "Option 1", "price": "1.00", "type": "tv"})
        lines = output(p, "import", "channels", PROVIDER, "--csv").split("\r\n")
        same("channels", lines[:2], ["number,id,name", "1,1,First"])
        p.worker()
        command(p, "adopt", PROVIDER, "--map", file(p, "map.csv", MAP), status=1)
        rows, _ = command(p, "import", "accounts", PROVIDER)
        same("whose", {r["login"]: r["service"] for r in rows},
             {"ann": "101", "two": "102", "bob": "103", "twin1": "", "twin2": "", "carol": "", "eve": "", "nobodys": ""})
        same("one", rows[0], {"synced": True, "service": "101", "account_number": "1", "login": "ann", "status": "active", "plan": "3",
                              "packages": "P1", "devices": "00:1A:79:4D:2B:11"})
        rows, _ = command(p, "import", "accounts", PROVIDER, "--unsynced")
        same("unsynced", [r["login"] for r in rows], ["twin1", "twin2", "carol", "eve", "nobodys"])
        events = [json.loads(line) for line in output(p, "import", "accounts", PROVIDER, "--events").splitlines()]
        again = [json.loads(line) for line in output(p, "import", "accounts", PROVIDER, "--events").splitlines()]
        same("events", [(e["type"], e["subject"], e["data"]["login"]) for e in events],
             [("tvbridge.found.account", n, l) for n, l in (("9", "twin1"), ("9", "twin2"), ("5", "carol"), ("6", "eve"), ("8", "nobodys"))])
        same("the same again", [e["id"] for e in again], [e["id"] for e in events])
        check("NUMBER" in output(p, "import", "accounts", PROVIDER), "the table")
        before = len(changes(p))
        output(p, "import", "accounts", PROVIDER, "--csv", "--json", status=2)
        same("changing calls", len(changes(p)), before)
        # What somebody made without an external id is a fault, and what a spreadsheet would calculate is text.
        sys.path.insert(0, str(ROOT / "tests/providers"))
        import stalker_model
        data = stalker_model.builtin_data()
        data["tariffs"][1]["external_id"] = ""
        data["channels"][0]["name"] = '=1+1,"x"'
        data["accounts"] = []
        seed = p.dir / "faulty.json"
        seed.write_text(json.dumps(data))
        faulty = p.adopt(Portal(p.dir, "faulty", seed=seed))
        p.tree["providers"][PROVIDER]["base_url"] = faulty.base
        p.write_settings()
        rows, err = command(p, "import", "catalog", PROVIDER, status=1)
        same("faults", [(r["name"], r["fault"]) for r in rows if "fault" in r], [("FULL Bez Amoreyo", "no external id")])
        check("1 have no external id" in err, "and it is said", err)
        same("no event of it", [json.loads(e)["data"]["id"] for e in output(p, "import", "catalog", PROVIDER, "--events", status=1).splitlines()
                                if "found.plan" in e], ["1", "7"])
        check("\"'=1+1,\"\"x\"\"\"" in output(p, "import", "channels", PROVIDER, "--csv"), "a formula is text")


@case("dayone.adopt_late")
def adopt_late(bench):
    """Something is applied between the look and the adoption: it is refused, and the next run takes what is there then."""
    with Place(bench, "adoptlater", accounts=["70001"]) as p:
        rows, err = command(p, "adopt", PROVIDER, "--map", file(p, "map", [{"service": "70001"}]), "--wait", "1s", status=3)
        same("without a worker", (by_service(rows)["70001"]["result"], "no worker has taken them yet" in err), ("matched", True))
        p.publish(blocked("b", "70001"))
        p.worker()
        until(lambda: [o for o in p.follower.outcomes if o["data"]["event"]["source"] == "/tvbridge/adopt"], "its outcome", p.brief)
        p.outcome("b", "applied")
        same("it came first", p.record("70001")["block"], "blocked")
        # The same look again: the record has moved.
        seen = [json.loads(v) for _, v in p.read("events") if "service.adopted" in v][0]
        p.publish({**seen, "id": "once-more"})
        same("late", p.outcome("once-more", "rejected")["data"]["reason"], "other_fence")
        rows, _ = command(p, "adopt", PROVIDER, "--map", file(p, "map", [{"service": "70001"}]), "--again")
        same("again", by_service(rows)["70001"]["result"], "adopted")
        same("status", p.record("70001")["status"], "suspended")


@case("dayone.adopt_usage")
def adopt_usage(bench):
    """Maps that are wrong are refused with file and line, before anything is sent; so is a platform that is not there."""
    with Place(bench, "adoptusage", accounts=["70001"], follow=False) as p:
        for why, text, says in (("a service twice", "service\n1\n1\n", "map:3: service 1 is there twice: line 2 too"),
                                ("a misspelt column", "service,logn\n1,a\n", "map:1: \"logn\""), ("no service", "login\na\n", "map:2: service is missing"),
                                ("not there", None, "no such file")):
            path = p.dir / "nowhere" if text is None else file(p, "map", text)
            _, err = command(p, "adopt", PROVIDER, "--map", path, status=1)
            check(says.lower() in err.lower(), why, err)
        same("events", p.read("events"), [])
        _, err = command(p, "adopt", PROVIDER, status=2)
        check("--map" in err, "the map is asked for", err)
        _, err = command(p, "adopt", "nobody", "--map", path, status=1)
        check('no provider "nobody"' in err, "the provider", err)
        p.portal.fault("unauthorized", method="GET", times=0)
        _, err = command(p, "adopt", PROVIDER, "--map", file(p, "map", "service\n70001\n"), status=1)
        check("refuses our credentials" in err, "bad credentials", err)
        p.portal.stop()
        _, err = command(p, "adopt", PROVIDER, "--map", file(p, "map", "service\n70001\n"), status=3)
        check("did not answer" in err, "nobody there", err)
