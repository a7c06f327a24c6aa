"""Conversion on day one: from a client's id to a service's, on the stand-in of 4NET.TV."""
import contextlib
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from lib.cases import case
from lib.dayone import by_service, command, cut_off, file, noted, results, settled, whats
from lib.place import PROVIDER, ROOT, Place, blocked, check, event, same

sys.path.insert(0, str(ROOT / "tests/providers"))
OPERATOR = {"FOURNET_LOGIN": "ispadmin", "FOURNET_PASSWORD": "it-operator-secret"}


class Fournet:
    """4NET.TV's Back Office, full of subscribers that bear their clients' ids."""

    def __init__(self):
        import client
        from profiles import fournet
        self.program = client.Program("fournet.py", OPERATOR)
        self.provider = {"pack": str(ROOT / "schemas/providers/fournet"), "base_url": self.program.url + "/api",
                         "credentials": {"operator": {"username": OPERATOR["FOURNET_LOGIN"], "password": OPERATOR["FOURNET_PASSWORD"]}},
                         "settings": fournet.SETTINGS}

    def stop(self):
        self.program.stop()

    def subscribers(self):
        return self.program.control("GET", "state")["subscribers"]

    def changes(self):
        return [e["effect"] for e in self.program.lines("effect")]

    def full(self, p, custom_id, packages, **data):
        """One that was made by an earlier system: its custom id is the client's."""
        done = subprocess.run([str(w) for w in (
            p.bench.bin / "tvbridge", "pack", "play", self.provider["pack"], "service.created", "--json", "--base-url", self.provider["base_url"],
            "--credentials", f"@{p.dir / 'operator.json'}", "--settings", json.dumps(self.provider["settings"]), "--subject", custom_id,
            "--data", json.dumps({"login": f"u{custom_id}", "packages": [{"id": i} for i in packages],
                                  "subscriber": {"name": f"Old {custom_id}", "external_id": custom_id}, **data}))],
            capture_output=True, text=True, timeout=60)
        check(done.returncode == 0 and json.loads(done.stdout).get("outcome") == "applied", "the platform is filled", done.stdout[-600:] + done.stderr)


@contextlib.contextmanager
def fournet_place(bench, name, **provider):
    back_office = Fournet()
    try:
        with Place(bench, name, portal=False, provider={**back_office.provider, **provider}) as p:
            p.office = back_office
            file(p, "operator.json", json.dumps(back_office.provider["credentials"]))
            yield p
    finally:
        back_office.stop()


CLIENTS = """service,client,name,service_name
70001,c1,Jana Nová,Televize
70002,c2,,
70003,c9,Nikdo,Televize
70004,c4,Karel Malý,Televize
70005,c5,Eva Malá,Televize
"""


@case("dayone.convert")
def convert(bench):
    """Accounts that bear a client's id are found, shown, and given the service's; a preview first, each step noted, and a second run has
    nothing to do. Then billing goes on with the services' ids."""
    with fournet_place(bench, "convert", cuts="known") as p:
        office = p.office
        office.full(p, "c1", ["BASIC", "HBO"], devices=[{"mac": "001A792CD1C1"}])
        office.full(p, "c2", ["BASIC"])
        office.full(p, "c4", ["KIDS"])
        office.full(p, "70004", ["KIDS"])
        office.full(p, "70005", ["BASIC"])
        before = office.changes()
        clients, path, tariffs = file(p, "clients.csv", CLIENTS), p.dir / "convert.jsonl", p.dir / "tariffs.csv"
        rows, _ = command(p, "convert", PROVIDER, "--map", clients, "-o", path)
        told = by_service(rows)
        same("kinds", {s: r["kind"] for s, r in told.items()}, {"70001": "convert", "70002": "convert", "70003": "left", "70004": "left"})
        same("what is left, and why", [told[s]["left"] for s in ("70003", "70004")],
             [["the platform has no account with this client's id"], ["the platform has an account with the service's id too"]])
        same("what is shown", told["70001"]["read"], {"external_id": "c1", "login": "uc1", "status": "active",
                                                      "packages": {"BASIC": {}, "HBO": {}}, "devices": {"00:1A:79:2C:D1:C1": {}}})
        same("steps", [whats(told[s]) for s in ("70001", "70002")],
             [["adopt", "id c1 -> 70001, rename"], ["adopt", "id c2 -> 70002"]])
        same("counts", {k: rows[-1][k] for k in ("convert", "left", "converted_already")}, {"convert": 2, "left": 2, "converted_already": 1})
        check("Jana" not in path.read_text(), "no name is in the preview", path.read_text())
        same("nothing was done", (office.changes(), p.read("events")), (before, []))
        p.worker()
        rows, _ = command(p, "convert", PROVIDER, "--apply", path, "--tariffs", tariffs)
        same("results", results(rows), {"70001": "done", "70002": "done"})
        state = office.subscribers()
        same("ids", sorted(state), ["70001", "70002", "70004", "70005", "c4"])
        same("renamed", (state["70001"]["firstname"], state["70001"]["surname"]), ("Jana Nová", "Televize, 70001"))
        same("the name that the map does not say", state["70002"]["surname"].endswith(", 70002") and "c2" in state["70002"]["firstname"], True)
        same("what billing is to assign", tariffs.read_bytes().decode().split("\r\n"),
             ["service,client,plan,packages,login,account_number", "70001,c1,,BASIC HBO,uc1,", "70002,c2,,BASIC,uc2,", ""])
        noted = [json.loads(line) for line in path.with_name("convert.jsonl.progress").read_text().splitlines() if line]
        same("each step is noted", sorted((r["about"], r["outcome"]) for r in noted if "about" in r),
             [("70001", "applied"), ("70001", "applied"), ("70002", "applied"), ("70002", "applied")])
        record = p.record("70001")
        same("its record", (sorted(record["packages"]), record["login"], bool(record["adopted"])), (["BASIC", "HBO"], "uc1", True))
        rows, _ = command(p, "convert", PROVIDER, "--map", clients)
        same("then there is nothing to do", rows[-1]["convert"], 0)
        same("converted already", rows[-1]["converted_already"], 3)
        rows, _ = command(p, "convert", PROVIDER, "--apply", path)
        same("again", results(rows), {"70001": "done before", "70002": "done before"})
        p.publish(event("b", "70001", "package.removed", {"packages": [{"id": "HBO"}]}, sequence=1),
                  blocked("c", "70002", sequence=1))
        p.outcome("b", "applied")
        p.outcome("c", "applied")
        same("by billing", (office.program.account("70001")["packages"], office.program.account("70002")["status"]), (["BASIC"], "suspended"))


@case("dayone.convert_resumes")
def convert_resumes(bench):
    """A conversion that was killed in the middle, twice, goes on: every subscriber gets its service's id, once, also one that was cut between
    its two events."""
    services = [str(70000 + i) for i in range(130)]
    with fournet_place(bench, "convertresume") as p:
        office = p.office
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda s: office.full(p, f"c{s}", ["BASIC"]), services))
        made = len(office.changes())
        clients, path = file(p, "clients.csv", "service,client\n" + "".join(f"{s},c{s}\n" for s in services)), p.dir / "convert.jsonl"
        rows, _ = command(p, "convert", PROVIDER, "--map", clients, "-o", path)
        same("to convert", rows[-1]["convert"], 130)
        p.worker()
        cut_off(p, lambda: noted(path) >= 100, "convert", PROVIDER, "--apply", path, "--rate", "40")
        check(100 <= len({e["subject"] for e in settled(p, "/tvbridge/convert")}) < 128, "it was cut off in the middle")
        heard = len(p.follower.outcomes)  # slowly, so that the next kill finds a service between its two events
        cut_off(p, lambda: len(p.follower.outcomes) > heard and len(p.follower.outcomes) % 2, "convert", PROVIDER, "--apply", path, "--rate", "2")
        subjects = [e["subject"] for e in settled(p, "/tvbridge/convert")]
        started, cut = set(subjects), {s for s in subjects if subjects.count(s) == 1}
        check(100 <= len(started) < 130 and len(cut) <= 2, "it was cut off again", (len(started), cut))
        rows, _ = command(p, "convert", PROVIDER, "--apply", path, "--rate", "0")
        told = results(rows)
        same("what had not begun is done", {told[s] for s in services if s not in started}, {"done"})
        same("what was sent is not sent again", {told[s] for s in started - cut} <= {"done before", "already"}, True)
        same("what was cut between its events is finished", {told[s] for s in cut} <= {"done"}, True)
        same("ids at the platform", sorted(office.subscribers()), services)
        same("changes there, one a subscriber", len(office.changes()) - made, 130)
        converted = [e for e in settled(p, "/tvbridge/convert") if e["type"].endswith("service.converted")]
        same("events, each once", (len(converted), len({e["id"] for e in converted})), (130, 130))
        rows, _ = command(p, "convert", PROVIDER, "--map", clients)
        same("then there is nothing to do", (rows[-1]["convert"], rows[-1]["converted_already"]), (0, 130))


def cut_between(p, path):
    """The conversion of one service is killed when its adoption is done, and its other event not sent."""
    cut_off(p, lambda: any(o["data"]["event"]["source"] == "/tvbridge/convert" for o in list(p.follower.outcomes)), "convert", PROVIDER, "--apply", path, "--rate", "1")
    same("what it sent", [e["type"] for e in settled(p, "/tvbridge/convert")], ["tvbridge.service.adopted"])


@case("dayone.convert_resumes_between")
def convert_resumes_between(bench):
    """A conversion that was killed between one service's two events is finished by the same preview: each event once."""
    with fournet_place(bench, "convertbetween") as p:
        p.office.full(p, "c1", ["BASIC"])
        made = len(p.office.changes())
        clients, path = file(p, "clients.csv", "service,client,name\n70001,c1,Jana\n"), p.dir / "convert.jsonl"
        command(p, "convert", PROVIDER, "--map", clients, "-o", path)
        p.worker()
        cut_between(p, path)
        rows, _ = command(p, "convert", PROVIDER, "--apply", path)
        same("it is finished", results(rows), {"70001": "done"})
        sent = settled(p, "/tvbridge/convert")
        same("events, each once", ([e["type"] for e in sent], len({e["id"] for e in sent})),
             (["tvbridge.service.adopted", "tvbridge.service.converted"], 2))
        same("at the platform", (sorted(p.office.subscribers()), len(p.office.changes()) - made), (["70001"], 1))
        path.with_name("convert.jsonl.progress").unlink()  # as if it was killed before that was noted
        rows, _ = command(p, "convert", PROVIDER, "--apply", path)
        same("again", results(rows), {"70001": "already"})
        same("nothing more was done", (len(settled(p, "/tvbridge/convert")), len(p.office.changes()) - made), (2, 1))


@case("dayone.convert_cut_and_moved")
def convert_cut_and_moved(bench):
    """What billing changed after such a cut is looked at again: only its own adoption is passed over."""
    with fournet_place(bench, "convertmoved") as p:
        p.office.full(p, "c1", ["BASIC"])
        clients, path = file(p, "clients.csv", "service,client\n70001,c1\n"), p.dir / "convert.jsonl"
        command(p, "convert", PROVIDER, "--map", clients, "-o", path)
        p.worker()
        cut_between(p, path)
        p.publish(blocked("b", "70001", sequence=1))
        p.outcome("b", "applied")
        rows, _ = command(p, "convert", PROVIDER, "--apply", path, status=1)
        same("it has moved", results(rows), {"70001": "moved"})
        rows, _ = command(p, "convert", PROVIDER, "--map", clients, "-o", path)
        rows, _ = command(p, "convert", PROVIDER, "--apply", path)
        same("by a new preview", (results(rows), sorted(p.office.subscribers())), ({"70001": "done"}, ["70001"]))


@case("dayone.convert_usage")
def convert_usage(bench):
    """What has moved is left alone; a platform whose ids cannot be changed says so; names that the map cannot fill are refused."""
    with fournet_place(bench, "convertusage") as p:
        p.office.full(p, "c1", ["BASIC"])
        p.worker()
        clients, path = file(p, "clients.csv", "service,client,name\n70001,c1,Jana\n"), p.dir / "convert.jsonl"
        command(p, "convert", PROVIDER, "--map", clients, "-o", path, "--last-name", "{service} of {client}")
        file(p, "clients.csv", "service,client,name\n70001,c1,Eva\n")
        rows, _ = command(p, "convert", PROVIDER, "--apply", path, status=1)
        same("another name by now", results(rows), {"70001": "moved"})
        file(p, "clients.csv", "service,client,name\n70001,c1,Jana\n")
        rows, _ = command(p, "convert", PROVIDER, "--apply", path)
        same("as it was", results(rows), {"70001": "done"})
        state = p.office.subscribers()["70001"]
        same("by the templates", (state["firstname"], state["surname"]), ("Jana", "70001 of c1"))
        for text, words, says in (("service,name\n1,a\n", (), "client is missing"), ("service,client\n1,a\n1,b\n", (), "service 1 is there twice"),
                                  ("service,client\n1,a\n", ("--first-name", "{surname}"), "{surname}: a name is made of")):
            _, err = command(p, "convert", PROVIDER, "--map", file(p, "bad.csv", text), *words, status=1)
            check(says in err, says, err)
        for words in ((), ("--apply", path, "-o", path), ("--map", clients, "--tariffs", path)):
            command(p, "convert", PROVIDER, *words, status=2)
        p.tree["providers"][PROVIDER].update(pack=str(ROOT / "schemas/providers/stalker"), credentials={"portal": {"username": "a", "password": "b"}})
        p.write_settings()
        _, err = command(p, "convert", PROVIDER, "--map", clients, status=1)
        check("this platform's ids cannot be changed" in err, "a pack without it", err)
