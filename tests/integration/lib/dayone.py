"""Day one: a platform full of accounts, and a billing that begins to use tvbridge."""
import contextlib
import json
import shutil
import signal
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
             {"kind": "package", "id": "P1", "name": "Option 1", "price": "1.00", "type": "tv", "service_type": "periodic", "all_services": "0",
              "rent_duration": "0"})
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


def cut_off(p, when, *words):
    """A command that is killed as soon as @when holds."""
    first = subprocess.Popen([str(w) for w in (p.bench.bin / "tvbridge", *words, "-S", p.settings, "--json")], stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    try:
        until(when, f"{words[0]} is in the middle", p.brief)
    finally:
        first.send_signal(signal.SIGKILL)
        first.wait()


def noted(preview):
    """How many services the progress of a preview says were sent."""
    progress = preview.with_name(preview.name + ".progress")
    return progress.read_text().count('"service"') if progress.exists() else 0


def events_of(p, source):
    return [e for e in (json.loads(v) for _, v in p.read("events") if v) if e["source"] == source]


def settled(p, source):
    """The events of @source, once each has its outcome."""
    sent = events_of(p, source)
    until(lambda: {e["id"] for e in sent} <= {o["data"]["event"]["id"] for o in p.follower.outcomes}, "their outcomes", p.brief)
    return sent


@case("dayone.adopt_resumes")
def adopt_resumes(bench):
    """An adoption that was killed in the middle goes on: what it sent is known, the others are adopted, no account twice."""
    services = [str(20000 + i) for i in range(150)]
    with Place(bench, "adoptresume", accounts=services) as p:
        p.worker()
        services_map = file(p, "map.csv", "service\n" + "\n".join(services))
        before = len(changes(p))
        cut_off(p, lambda: len(p.follower.outcomes) >= 40, "adopt", PROVIDER, "--map", services_map, "--list-only", "--rate", "25")
        sent = {e["subject"] for e in settled(p, "/tvbridge/adopt")}
        check(40 <= len(sent) < 150, "it was cut off in the middle", len(sent))
        rows, _ = command(p, "adopt", PROVIDER, "--map", services_map, "--list-only", "--rate", "0", "--all")
        same("the second run", {r["service"]: r["result"] for r in rows if "service" in r},
             {s: "known" if s in sent else "adopted" for s in services})
        subjects = [e["subject"] for e in settled(p, "/tvbridge/adopt")]
        same("events, each service once", (len(subjects), sorted(set(subjects))), (150, services))
        same("records", sorted({k for k, _ in p.read("records")}), services)
        rows, _ = command(p, "adopt", PROVIDER, "--map", services_map, "--list-only", "--all")
        same("once more", {r["result"] for r in rows if "service" in r}, {"known"})
        same("then no event is new", len(events_of(p, "/tvbridge/adopt")), 150)
        same("changing calls", len(changes(p)), before)


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


# ---- sync ----

WANTED = """service,login,plan,status,packages
101,ann,3,active,P1
102,two,3,active,P2 P3
103,bob,7,blocked,-
120,newone,3,active,P1@2020-01-01..2099-01-01 P2@2099-01-01 P3@2020-01-01..2021-01-01
121,late,3,terminated,
"""


@contextlib.contextmanager
def adopted_place(bench, name, **more):
    """Day one is over: 101 ann, 102 two and 103 bob are adopted; P1 of ann was there before."""
    with Place(bench, name, **more) as p:
        portal_of_day_one(p)
        p.first = p.worker()
        command(p, "adopt", PROVIDER, "--map", file(p, "map.csv", MAP), status=1)
        yield p


def previewed(p, *words, status=0):
    """(the preview's file, its services, its other lines)"""
    path = p.dir / "preview.jsonl"
    rows, _ = command(p, "sync", PROVIDER, *words, "-o", path, status=status)
    same("what is saved is what is shown", [json.loads(line) for line in path.read_text().splitlines()], rows)
    return path, {r["service"]: r for r in rows if "service" in r}, [r for r in rows if "service" not in r]


def whats(row):
    return [c["what"] for c in row["changes"]]


def types(row):
    return [c["type"] for c in row["changes"]]


def results(rows):
    return {r["service"]: r["result"] for r in rows if "service" in r}


@case("dayone.sync")
def sync(bench):
    """A preview says what would be created, changed, removed and is unknown; nothing is done before it is applied, and then exactly that."""
    with adopted_place(bench, "sync") as p:
        desired = file(p, "wanted.csv", WANTED)
        before, events = len(changes(p)), len(p.read("events"))
        path, told, rest = previewed(p, "--desired", desired)
        same("kinds", {s: r["kind"] for s, r in told.items()}, {"102": "change", "103": "change", "120": "create"})
        same("changes", {s: whats(r) for s, r in told.items()},
             {"102": ["switch on", "add P2 P3"], "103": ["plan 3 -> 7", "block"], "120": ["create, plan 3"]})
        same("unknown at the platform", sorted(r["account"]["login"] for r in rest if "account" in r),
             ["carol", "eve", "nobodys", "twin1", "twin2"])
        same("the end", {k: rest[-1][k] for k in ("create", "change", "remove", "left", "unknown", "services", "accounts")},
             {"create": 1, "change": 2, "remove": 0, "left": 0, "unknown": 5, "services": 5, "accounts": 8})
        check("102" in output(p, "sync", PROVIDER, "--desired", desired) and "5 unknown at the platform" in output(
            p, "sync", PROVIDER, "--desired", desired), "the table")
        same("nothing was done", (len(changes(p)), len(p.read("events"))), (before, events))
        same("the file is private", path.stat().st_mode & 0o777, 0o600)
        rows, _ = command(p, "sync", PROVIDER, "--apply", path)
        same("applied", results(rows), {"102": "done", "103": "done", "120": "done"})
        state = p.portal.accounts()
        same("at the platform", {login: (a["status"], a["tariff_plan"], a["subscribed"]) for login, a in state.items()},
             {"ann": (1, "3", ["P1"]), "two": (1, "3", ["P2", "P3"]), "bob": (0, "7", []), "newone": (1, "3", ["P1"]),
              "twin1": (1, "3", []), "twin2": (1, "3", []), "carol": (1, "3", []), "eve": (1, "3", []), "nobodys": (1, "3", [])})
        _, told, _ = previewed(p, "--desired", desired)
        same("then they are one", told, {})
        rows, _ = command(p, "sync", PROVIDER, "--apply", file(p, "again.jsonl", path.read_text()))
        same("an empty one does nothing", results(rows), {})
        # Billing goes on with its own numbers.
        p.publish(event("b", "102", "package.removed", {"packages": [{"id": "P2"}]}, sequence=1))
        p.outcome("b", "applied")
        p.await_committed()


@case("dayone.sync_by_hand")
def sync_by_hand(bench):
    """Packages that somebody added by hand stay, and are named, until it is said that they go; so do accounts that billing does not name."""
    with adopted_place(bench, "syncunknown") as p:
        p.portal.api("PUT", "account_subscription/3", {"subscribed[]": "P5"})
        desired = file(p, "wanted.csv", "service,packages\n101,-\n103,P6\n")
        _, told, _ = previewed(p, "--desired", desired)
        same("what is done", {s: whats(r) for s, r in told.items()}, {"101": [], "102": [], "103": ["add P6"]})
        same("what is left", {s: r["left"] for s, r in told.items()},
             {"101": ["package P1 is unknown to billing: --remove-unknown removes it"],
              "102": ["billing does not name it: --remove-unknown deletes it"],
              "103": ["package P5 is unknown to billing: --remove-unknown removes it"]})
        path, told, _ = previewed(p, "--desired", desired, "--remove-unknown")
        same("when it is said", {s: whats(r) for s, r in told.items()}, {"101": ["remove P1"], "102": ["delete"], "103": ["add P6", "remove P5"]})
        rows, _ = command(p, "sync", PROVIDER, "--apply", path)
        same("applied", results(rows), {"101": "done", "102": "done", "103": "done"})
        state = p.portal.accounts()
        same("at the platform", (state["ann"]["subscribed"], state["bob"]["subscribed"], "two" in state), ([], ["P6"], False))
        # What billing's own events put there is billing's: it goes without being said.
        _, told, _ = previewed(p, "--desired", file(p, "wanted2.csv", "service,packages\n101,-\n103,-\n"))
        same("billing's", {s: whats(r) for s, r in told.items()}, {"103": ["remove P6"]})


@case("dayone.sync_moved")
def sync_moved(bench):
    """What has moved since the preview is left alone, on either side; a preview is taken whole, of its provider, and not when it is old."""
    with adopted_place(bench, "syncmoved") as p:
        desired = file(p, "wanted.csv", "service,plan,packages\n101,7,P1\n102,7,P1\n103,7,P1\n")
        path, told, _ = previewed(p, "--desired", desired)
        same("changes", sorted(told), ["101", "102", "103"])
        p.portal.api("PUT", "account_subscription/1", {"subscribed[]": "P2"})   # at the platform
        p.publish(event("b", "102", "plan.changed", {"plan": "7"}, sequence=1))  # by billing's own event
        p.outcome("b", "applied")
        rows, _ = command(p, "sync", PROVIDER, "--apply", path, status=1)
        same("results", results(rows), {"101": "moved", "102": "moved", "103": "done"})
        state = p.portal.accounts()
        same("at the platform", (state["ann"]["tariff_plan"], state["two"]["subscribed"], state["bob"]["tariff_plan"]), ("3", [], "7"))
        same("events", sorted(json.loads(v)["subject"] for _, v in p.read("events") if "/tvbridge/sync" in v), ["103", "103"])
        file(p, "wanted.csv", "service,plan\n101,3\n")                             # in billing's file
        path2, told, _ = previewed(p, "--desired", file(p, "wanted3.csv", "service,plan\n101,7\n"))
        file(p, "wanted3.csv", "service,plan\n101,3\n")
        rows, _ = command(p, "sync", PROVIDER, "--apply", path2)
        same("what is not wanted any more", results(rows), {"101": "already"})
        for why, text, says, words in (
                ("cut off", path2.read_text().rsplit("\n", 2)[0] + "\n", "not whole", ()),
                ("of another", path2.read_text().replace('"provider":"stalker"', '"provider":"other"'), "is a preview of other", ()),
                ("no preview", '{"a":1}\n{"end":true}\n', "is not a preview", ()), ("no JSON", "hello\n", "no JSON", ()),
                ("old", path2.read_text(), "is older than 0 minutes", ("--max-age", "0"))):
            _, err = command(p, "sync", PROVIDER, "--apply", file(p, "bad.jsonl", text), *words, status=1)
            check(says in err, why, err)


@case("dayone.sync_resumes")
def sync_resumes(bench):
    """A sync that was cut off goes on: what it sent is sent once, and what it did not send is sent."""
    services = [str(20000 + i) for i in range(150)]
    with Place(bench, "syncresume", accounts=services) as p:
        p.worker()
        command(p, "adopt", PROVIDER, "--map", file(p, "map.csv", "service\n" + "\n".join(services)), "--list-only")
        desired = file(p, "wanted.csv", "service,plan\n" + "".join(f"{s},7\n" for s in services))
        path, told, _ = previewed(p, "--desired", desired)
        same("to change", len(told), len(services))
        cut_off(p, lambda: noted(path) >= 100, "sync", PROVIDER, "--apply", path, "--rate", "60")
        sent = [e["subject"] for e in settled(p, "/tvbridge/sync")]
        check(100 <= len(sent) < 150, "it was cut off in the middle", len(sent))
        rows, _ = command(p, "sync", PROVIDER, "--apply", path, "--rate", "0")
        told = results(rows)
        same("results", sorted({told[s] for s in services}) in (["already", "done", "done before"], ["done", "done before"]), True)
        same("at the platform", {a["tariff_plan"] for a in p.portal.accounts().values()}, {"7"})
        sent = [json.loads(v)["id"] for _, v in p.read("events") if "/tvbridge/sync" in v]
        same("events, each once", (len(sent), len(set(sent))), (150, 150))
        rows, _ = command(p, "sync", PROVIDER, "--apply", path)
        same("once more", set(results(rows).values()) <= {"done before", "already"}, True)
        _, err = command(p, "sync", PROVIDER, "--apply", file(p, "preview2.jsonl", path.read_text().replace(
            json.loads(path.read_text().splitlines()[0])["id"], "0" * 32)), "--rate", "0")


@case("dayone.sync_resumes_between")
def sync_resumes_between(bench):
    """A sync that was killed between one service's two events is finished by the same preview, each event once; but not once billing has
    moved the service."""
    services = ["20000", "20001"]
    with Place(bench, "syncbetween", accounts=services) as p:
        p.worker()
        command(p, "adopt", PROVIDER, "--map", file(p, "map.csv", "service\n" + "\n".join(services)), "--list-only")
        for n, service in enumerate(services):
            desired = file(p, "wanted.csv", "service,plan,packages\n" + "".join(f"{s},7,P2\n" for s in services[:n + 1]))
            path, told, _ = previewed(p, "--desired", desired)
            same("to change", {s: whats(r) for s, r in told.items() if r["changes"]}, {service: ["plan 3 -> 7", "add P2"]})
            mine = lambda: [o for o in list(p.follower.outcomes) if o["data"]["event"]["source"] == "/tvbridge/sync" and o["subject"] == service]
            cut_off(p, mine, "sync", PROVIDER, "--apply", path, "--rate", "1")
            sent = [e["type"] for e in settled(p, "/tvbridge/sync") if e["subject"] == service]
            same("what it sent", sent, ["tvbridge.plan.changed"])
            if service == "20001":
                p.publish(blocked("b", service, sequence=1))
                p.outcome("b", "applied")
                rows, _ = command(p, "sync", PROVIDER, "--apply", path, status=1)
                same("billing has moved it", results(rows), {service: "moved"})
                break
            rows, _ = command(p, "sync", PROVIDER, "--apply", path)
            same("it is finished", results(rows), {service: "done"})
            sent = [e for e in settled(p, "/tvbridge/sync") if e["subject"] == service]
            same("events, each once", ([e["type"] for e in sent], len({e["id"] for e in sent})),
                 (["tvbridge.plan.changed", "tvbridge.package.added"], 2))
            state = p.portal.accounts()[service]
            same("at the platform", (state["tariff_plan"], state["subscribed"]), ("7", ["P2"]))


@case("dayone.sync_from_records")
def sync_from_records(bench):
    """What somebody changed at the platform by hand is put back to what tvbridge's records say."""
    with adopted_place(bench, "syncrecords") as p:
        p.publish(blocked("b", "102", sequence=1), event("a", "103", "package.added", {"packages": [{"id": "P3"}]}, sequence=1))
        p.outcome("b", "applied")
        p.outcome("a", "applied")
        _, told, _ = previewed(p, "--from-records")
        same("they are one", told, {})
        p.portal.api("PUT", "accounts/2", {"status": "1"})
        p.portal.api("PUT", "accounts/1", {"tariff_plan": "7"})
        p.portal.api("DELETE", "account_subscription/3", {})
        p.portal.api("PUT", "account_subscription/1", {"subscribed[]": "P2"})
        path, told, _ = previewed(p, "--from-records")
        same("what is put back", {s: whats(r) for s, r in told.items()}, {"101": ["plan 7 -> 3"], "102": ["block"], "103": ["add P3"]})
        same("what is named", told["101"]["left"], ["package P2 is unknown to billing: --remove-unknown removes it"])
        rows, _ = command(p, "sync", PROVIDER, "--apply", path)
        same("applied", results(rows), {"101": "done", "102": "done", "103": "done"})
        state = p.portal.accounts()
        same("at the platform", (state["ann"]["tariff_plan"], state["two"]["status"], state["bob"]["subscribed"]), ("3", 0, ["P3"]))


@case("dayone.autosync")
def autosync(bench):
    """Off by default; it refuses to run while tariffs are not linked or ids are not converted; packages go on and off by their dates."""
    with adopted_place(bench, "autosync") as p:
        _, err = command(p, "sync", PROVIDER, "--autosync", status=1)
        check("autosync of stalker is off" in err, "off by default", err)
        folder = p.dir / "sync"
        folder.mkdir()
        desired = file(p, "wanted.csv", "service,client,plan,packages\n101,1,3,P1\n103,,99,P3\n")
        p.tree["providers"][PROVIDER]["autosync"] = {"folder": str(folder), "desired": str(desired), "max_changes": 2}
        p.write_settings()
        before = len(changes(p))
        _, err = command(p, "sync", PROVIDER, "--autosync", status=1)
        check("tariffs are not linked" in err and "plan 99" in err, "tariffs", err)
        file(p, "wanted.csv", "service,client,plan,packages\n101,1,3,P1\n103,,3,P3\n")
        _, err = command(p, "sync", PROVIDER, "--autosync", status=1)
        check("bear the client's id" in err and "101" in err, "ids", err)
        same("nothing was done", (len(changes(p)), list(folder.iterdir())), (before, []))
        file(p, "wanted.csv", "service,plan,packages\n101,3,P1 P4@2020-01-01..2099-01-01\n102,7,-\n103,7,P3\n")
        _, err = command(p, "sync", PROVIDER, "--autosync", status=1)
        check("3 services would change, and autosync.max_changes is 2" in err, "too many", err)
        same("nothing was done", len(changes(p)), before)
        file(p, "wanted.csv", "service,plan,packages\n101,3,P1 P4@2020-01-01..2099-01-01\n103,3,P3\n")
        rows, _ = command(p, "sync", PROVIDER, "--autosync")
        same("applied", results([r for r in rows if "result" in r]), {"101": "done", "103": "done"})
        same("dated packages", (p.portal.accounts()["ann"]["subscribed"], p.portal.accounts()["bob"]["subscribed"]), (["P1", "P4"], ["P3"]))
        same("kept", sorted(f.name for f in folder.iterdir()), ["stalker.preview", "stalker.preview.1", "stalker.preview.progress"])
        file(p, "wanted.csv", "service,plan,packages\n101,3,P1 P4@2020-01-01..2021-01-01\n103,3,P3\n")
        rows, _ = command(p, "sync", PROVIDER, "--autosync")
        same("off by its date", p.portal.accounts()["ann"]["subscribed"], ["P1"])
        loop = subprocess.Popen([str(w) for w in (p.bench.bin / "tvbridge", "sync", PROVIDER, "--autosync", "--loop", "-S", p.settings)],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        said = ""
        while "nothing was to be done" not in said:
            said += loop.stdout.readline().decode()
        loop.terminate()
        err = loop.stderr.read().decode()
        same(f"a loop ends when it is told to: {said} {err}", (loop.wait(60), "0 to change" in said), (0, True))
        loop.stdout.close()
        loop.stderr.close()


CATALOGUE = """providers:
  PROVIDER:
    plans: { BASIC: { id: "3" }, BIG: { id: "7", packages: [FILMS] } }
    packages: { KIDS: { id: P1 }, FILMS: { id: P2 }, SPORT: { id: P3 } }
"""


@case("dayone.sync_catalogue")
def sync_catalogue(bench):
    """Billing's list in billing's ids: the catalogue makes them the platform's, refuses what it does not know, and an apply needs no other word."""
    with adopted_place(bench, "synccatalogue") as p:
        names = file(p, "catalogue.yaml", CATALOGUE.replace("PROVIDER", PROVIDER))
        desired = file(p, "wanted.csv", "service,plan,packages\n101,BASIC,KIDS\n103,BIG,\n102,BIG,SPORT\n")
        path, told, _ = previewed(p, "--desired", desired, "--catalogue", names)
        same("in the platform's ids", {s: whats(r) for s, r in told.items()},
             {"102": ["plan 3 -> 7", "add P2 P3"], "103": ["plan 3 -> 7"]})
        same("the preview knows by what", json.loads(path.read_text().splitlines()[0])["catalogue"], str(names))
        rows, _ = command(p, "sync", PROVIDER, "--apply", path)
        same("applied", results(rows), {"102": "done", "103": "done"})
        state = p.portal.accounts()
        same("at the platform", (state["two"]["tariff_plan"], state["two"]["subscribed"]), ("7", ["P2", "P3"]))
        rows, _ = command(p, "sync", PROVIDER, "--desired", desired, "--catalogue", names, "--tariffs-only")
        same("tariffs", {r["id"]: r["state"] for r in rows if r["services"]}, {"3": "linked", "7": "linked", "P1": "linked", "P2": "linked", "P3": "linked"})
        p.tree["providers"][PROVIDER]["autosync"] = {"folder": str(p.dir), "desired": str(file(p, "auto.csv", "service,plan\n101,BIG\n"))}
        p.write_settings()
        output(p, "sync", PROVIDER, "--autosync", "--catalogue", names)
        same("autosync by it", p.portal.accounts()["ann"]["tariff_plan"], "7")
        del p.tree["providers"][PROVIDER]["autosync"]["desired"]
        p.write_settings()
        _, err = command(p, "sync", PROVIDER, "--autosync", "--catalogue", names, status=1)
        check("leave --catalogue out" in err, "records have the platform's ids", err)
        for text, says in (("service,packages\n101,P1\n", '"P1" is none of the packages of'), ("service,plan\n101,BASICS\n", 'near it "BASIC"')):
            _, err = command(p, "sync", PROVIDER, "--desired", file(p, "bad.csv", text), "--catalogue", names, status=1)
            check(says in err and "bad.csv:2" in err, says, err)


@case("dayone.sync_usage")
def sync_usage(bench):
    """The tariffs alone; what is not adopted; and what does not go together."""
    with Place(bench, "syncusage", follow=False) as p:
        portal_of_day_one(p)
        desired = file(p, "wanted.csv", "service,login,plan,packages\n101,ann,3,P1\n102,two,9,P1 PX\n")
        rows, _ = command(p, "sync", PROVIDER, "--desired", desired, "--tariffs-only", status=1)
        states = {(r["kind"], r["id"]): (r["state"], r["services"]) for r in rows}
        same("tariffs", [states[k] for k in (("plan", "3"), ("plan", "7"), ("plan", "9"), ("package", "P1"), ("package", "PX"))],
             [("linked", 1), ("unused", 0), ("not linked", 1), ("linked", 2), ("not linked", 1)])
        check("not linked" in output(p, "sync", PROVIDER, "--desired", desired, "--tariffs-only", status=1), "the table")
        _, told, _ = previewed(p, "--desired", file(p, "wanted2.csv", "service,login,plan\n101,ann,7\n102,two,7\n"))
        same("not adopted", {s: (r["kind"], r["left"]) for s, r in told.items()},
             {s: ("left", ["not adopted: `tvbridge adopt` reads it first"]) for s in ("101", "102")})
        for words, says in ((["--desired", desired, "--from-records"], "--desired FILE, or --from-records"), ([], "--desired FILE, or"),
                            (["--from-records", "--catalogue", "x"], "--catalogue goes with --desired"),
                            (["--apply", "x", "--preview"], "--apply takes"), (["--loop", "--from-records"], "--autosync"),
                            (["--autosync", "--remove-unknown"], "leave the other options out"), (["--desired", "a", "b", "c"], "too many")):
            _, err = command(p, "sync", PROVIDER, *words, status=2)
            check(says in err, f"{words}", err)
        for text, says in (("service,plan\n101,3\n101,7\n", "service 101 is there twice"), ("service,pakages\n101,P1\n", '"pakages"'),
                           ("service,status\n101,on\n", "status: want")):
            _, err = command(p, "sync", PROVIDER, "--desired", file(p, "bad.csv", text), status=1)
            check(says in err, says, err)
        _, err = command(p, "sync", PROVIDER, "--apply", p.dir / "nowhere", status=1)
        check("nowhere" in err, "no preview", err)
