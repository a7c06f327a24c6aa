"""`service.snapshot`: what differs is found by the worker, said in a preview, and carried out by events of its own, in a safe order."""
from lib.cases import case
from lib.place import PATIENT, SHORT, Place, blocked, check, created, event, same, unblocked, until
from lib.gateway import PASSWORD_KEY
from lib.holds import in_s
from lib.regressions import rough_place


def snapshot(number, service, sequence=None, mode="apply", status="active", **wanted):
    return event(number, service, "service.snapshot", {"mode": mode, "status": status, **wanted}, sequence=sequence)


def packages(*ids, **dates):
    return [{"id": i, **dates} for i in ids]


def whats(outcome):
    return [c["what"] for c in outcome["data"]["given"]["changes"]]


def parts(outcome):
    return [c["id"] for c in outcome["data"]["given"]["changes"]]


def drifted(p):
    """70001 as billing made it, and what somebody at the platform's panel made of it since."""
    p.worker()
    p.publish(created("c", "70001", sequence=1), event("p1", "70001", "package.added", {"packages": packages("P1", "P2")}, sequence=2))
    p.outcome("p1", "applied")
    p.portal.api("PUT", "accounts/70001", {"tariff_plan": "7", "status": "0"})
    p.portal.api("PUT", "account_subscription/70001", {"subscribed[]": "P3"})
    return len(p.portal.effects("70001"))


def since(p, before):
    return [(e["effect"], e.get("package") or e.get("status")) for e in p.portal.effects("70001")[before:]]


WANTED = {"plan": "3", "packages": packages("P1", "P5")}
DIFFERS = ["switch on", "plan 7 -> 3", "add P5", "remove P2"]


@case("snapshot.preview")
def preview(bench):
    """It says what would be done, in order, and does nothing: no call that changes, no event, no axis."""
    with Place(bench, "snapview") as p:
        before = drifted(p)
        calls = len(p.portal.requests())
        p.publish(snapshot("s", "70001", 3, "preview", **WANTED))
        o = p.outcome("s", "preview")
        same("what", whats(o), DIFFERS)
        same("compared with", o["data"]["given"]["compared"], "platform")
        same("left", o["data"]["given"]["left"], ["package P3 is unknown to billing: remove_unknown removes it"])
        same("why", o["data"]["reason"], "something_left")
        check(not any("id" in c or "data" in c for c in o["data"]["given"]["changes"]), "no event is named", o["data"]["given"])
        same("calls", [r["method"] for r in p.portal.requests()[calls:]], ["GET"])
        same("effects", since(p, before), [])
        check("all" not in p.record("70001")["axes"], "it sets no axis", p.record("70001")["axes"])
        same("events", len(p.read("events")), 3)


@case("snapshot.apply")
def apply(bench):
    """What differs becomes events of its own, carried out in their order; again, nothing differs; delivered again, nothing is done."""
    with Place(bench, "snapapply") as p:
        before = drifted(p)
        s = snapshot("s", "70001", 3, remove_unknown=True, **WANTED)
        p.publish(s)
        o = p.outcome("s", "applied")
        same("what", whats(o)[:3] + sorted(whats(o)[3:]), DIFFERS + ["remove P3"])
        ids = parts(o)
        p.await_finals(ids)
        same("each is applied", [p.outcome(i)["data"]["kind"] for i in ids], ["applied"] * 5)
        effects = since(p, before)
        same("on, plan, adds", effects[:1] + effects[-3:-2], [("status", 1), ("subscribe", "P5")])
        same("then removes", sorted(effects[-2:]), [("unsubscribe", "P2"), ("unsubscribe", "P3")])
        names = [e for e, _ in effects]
        check(names.index("update") < names.index("subscribe"), "the plan before its packages", names)
        record = p.record("70001")
        check(record["axes"]["all"]["id"] == "s" and record["axes"]["plan"]["order"] > record["axes"]["all"]["order"],
              "its changes stand above it", record["axes"])
        p.publish(s)  # the same once more
        p.publish(snapshot("t", "70001", 4, **WANTED))
        o = p.outcome("t", "unchanged")
        same("what", whats(o), [])
        same("it was all there", since(p, before), effects)
        same("events of billing and of the snapshot", len(p.read("events")), 2 + 1 + 5 + 2)
        p.one_final(["s", "t", *ids])
        same("dead letters", p.dead_letters(), [])
        p.await_committed()


@case("snapshot.newer_wins")
def newer_wins(bench):
    """What billing says behind a snapshot passes its changes on the same axis, though these come later; the others are carried out."""
    with Place(bench, "snapnewer") as p:
        before = drifted(p)
        p.publish(snapshot("s", "70001", 3, **WANTED), event("n", "70001", "plan.changed", {"plan": "1"}, sequence=4),
                  blocked("b", "70001", sequence=5))
        o = p.outcome("s", "applied")
        for number in ("n", "b"):
            p.outcome(number, "applied")
        kinds = {c["what"]: p.outcome(c["id"])["data"]["kind"] for c in o["data"]["given"]["changes"]}
        same("plan", kinds["plan 7 -> 3"], "stale")
        same("block", kinds["switch on"], "stale")
        check(kinds["add P5"] in ("applied", "unchanged", "rejected"), "others are tried", kinds)
        account = p.portal.accounts()["70001"]
        same("the account", (account["tariff_plan"], str(account["status"])), ("1", "0"))
        check(since(p, before)[-1][0] != "status" or since(p, before)[-1] == ("status", 0), "it stays off", since(p, before))
        p.publish(snapshot("old", "70001", 2, **WANTED))
        p.outcome("old", "stale")
        p.publish(event("late", "70001", "plan.changed", {"plan": "7"}, sequence=2))
        p.outcome("late", "stale")


@case("snapshot.creates_and_deletes")
def creates_and_deletes(bench):
    """A service that does not exist is made with all it is to have, then cut; terminated, it goes; and comes back."""
    with Place(bench, "snapnew") as p:
        p.worker()
        p.publish(snapshot("s", "70001", 1, block="total", plan="3", password="s3cret-1", packages=packages("P1")))
        o = p.outcome("s", "applied")
        same("what", whats(o), ["create, plan 3", "block"])
        same("compared with", o["data"]["given"]["compared"], "record")
        check("s3cret" not in str(o), "no password is told", o)
        p.await_finals(parts(o))
        same("effects", p.portal.names("70001"), ["create", "subscribe", "status"])
        same("record", [p.record("70001")[k] for k in ("status", "block", "plan")], ["suspended", "blocked", "3"])
        p.publish(snapshot("same", "70001", 2, block="total", plan="3", packages=packages("P1")))
        p.outcome("same", "unchanged")
        p.publish(snapshot("gone", "70001", 3, status="terminated"))
        o = p.outcome("gone", "applied")
        same("what", whats(o), ["delete"])
        same("deleted", p.outcome(parts(o)[0])["data"]["kind"], "applied")
        p.publish(snapshot("twice", "70001", 4, status="terminated"))
        p.outcome("twice", "unchanged")
        p.publish(event("d", "70001", "service.deleted", sequence=6), snapshot("below", "70001", 5, plan="3"))
        check(p.outcome("below")["data"]["kind"] in ("stale", "superseded"), "not above the deletion", p.finals("below"))
        p.publish(snapshot("back", "70001", 7, plan="7"))
        same("what", whats(p.outcome("back", "applied")), ["create, plan 7"])
        until(lambda: p.portal.names("70001").count("create") == 2, "it is there again", p.brief)


@case("snapshot.one_after_another")
def one_after_another(bench):
    """Of snapshots that come at once the last one says what is to be, though what the first one made was not carried out yet; by sequence,
    and by offset."""
    with Place(bench, "snaprow") as p:
        p.worker()
        services = [str(60000 + i) for i in range(8)]
        rows = [snapshot(f"s{s}-{n}", s, n if int(s) % 2 else None, plan=plan, packages=packages(pack)) for s in services
                for n, (plan, pack) in enumerate((("3", "P1"), ("7", "P2"), ("3", "P5")), 1)]
        p.publish(*rows)
        p.await_finals([e["id"] for e in rows])
        p.await_committed()
        for s in services:
            account = p.portal.accounts()[s]
            same(f"the account {s}", (account["tariff_plan"], account["subscribed"]), ("3", ["P5"]))
            same(f"the record {s}", (p.record(s)["plan"], list(p.record(s)["packages"])), ("3", ["P5"]))
        same("dead letters", p.dead_letters(), [])


@case("snapshot.killed")
def killed(bench):
    """kill -9 while snapshots are read and their changes carried out, three times: each change is done, none lost, none by two events."""
    services = [str(80000 + i) for i in range(40)]
    limits = {"limits": {"in_flight": 8}, "retry": {"base_ms": 50, "cap_ms": 400, "attempts": 100}}
    with Place(bench, "snapcrash", provider=limits, numbers=PATIENT) as p:
        worker = p.worker()
        p.publish(*[created(f"c{s}", s, sequence=1) for s in services])
        p.await_finals([f"c{s}" for s in services])
        p.portal.control("POST", "faults", {"match": {}, "times": 0, "action": "delay", "delay_ms": 30})
        p.publish(*[snapshot(f"s{s}", s, 2, plan="3", block="total", packages=packages("P1", "P2")) for s in services])
        for n in (5, 40, 90):
            until(lambda: sum(o["data"]["final"] for o in list(p.follower.outcomes)) >= len(services) + n, f"{n} ends", p.brief)
            worker.kill()
            worker = p.worker(ready=False)
        p.await_finals([f"s{s}" for s in services])
        ids = [i for s in services for i in parts(p.outcome(f"s{s}"))]
        same("changes", len(ids), 3 * len(services))
        p.await_finals(ids)
        p.one_final([f"s{s}" for s in services] + ids)
        for s in services:
            seen = p.portal.names(s)[1:]
            same(f"effects of {s}", [e for i, e in enumerate(seen) if i == 0 or e != seen[i - 1]], ["subscribe", "status"])
            same(f"packages of {s}", sorted(e["package"] for e in p.portal.effects(s, ("subscribe",))), ["P1", "P2"])
        p.await_committed()


@case("snapshot.later_days")
def later_days(bench):
    """A package's end that was implied before is stale behind a snapshot, which makes it anew where the package stays; what begins
    later waits for its day."""
    with rough_place(bench, "snapdates", numbers=SHORT) as p:
        p.worker()
        p.publish(event("c", "4", "service.created", {"login": "4"}, sequence=1),
                  event("on", "4", "package.added", {"packages": packages("A", valid_to=in_s(3600))}, sequence=2))
        p.outcome("on", "applied")
        until(lambda: [o for o in p.follower.outcomes if o["data"]["kind"] == "waiting"], "its end waits", p.brief)
        p.publish(snapshot("s", "4", 3, packages=packages("A", valid_to=in_s(15)) + packages("B", valid_from=in_s(12))))
        o = p.outcome("s", "applied")
        same("what", [w.split(" at ")[0] for w in whats(o)], ["add B", "remove A"])
        check(all("notbefore" in c for c in o["data"]["given"]["changes"]), "both bear their day", o["data"]["given"])
        old = until(lambda: [x for x in p.follower.outcomes if x["data"]["final"] and x["data"]["event"]["id"].startswith("ends/")],
                    "the first end is over", p.brief)[0]
        check(old["data"]["kind"] in ("superseded", "stale"), "it is not carried out", old["data"])
        same("nothing is turned before its day", [p.portal.count(f"/open/turn/4-{t}") for t in ("A-off", "B-on")], [0, 0])
        for i in parts(o):
            p.outcome(i, "applied")
        same("turned", [p.portal.count(f"/open/turn/4-{t}") for t in ("A-on", "A-off", "B-on", "B-off")], [1, 1, 1, 0])
        same("packages", p.record("4")["packages"], {"B": {}})


@case("snapshot.says_what_it_cannot")
def cannot(bench):
    """The pack has no workflow for a change: the outcome says which; the rest is done. Without `read` the record is compared."""
    with rough_place(bench, "snapcannot", numbers=SHORT) as p:
        p.worker()
        p.publish(event("c", "5", "service.created", {"login": "5"}, sequence=1))
        p.outcome("c", "applied")
        p.publish(snapshot("s", "5", 2, plan="9", packages=packages("A"), device_limit=2))
        o = p.outcome("s", "applied")
        same("what", whats(o), ["add A"])
        same("left", o["data"]["given"]["left"], ["plan none -> 9: the pack has no workflow plan.changed",
                                                  "device limit 2: the pack has no workflow device_limit.changed"])
        same("compared with", (o["data"]["given"]["compared"], o["data"]["reason"]), ("record", "something_left"))
        p.outcome(parts(o)[0], "applied")
        p.publish(snapshot("t", "5", 3, plan="9", packages=packages("A")))
        same("what is left is no success", p.outcome("t", "unchanged")["data"]["reason"], "something_left")


@case("snapshot.password")
def password(bench):
    """Where the record tells one password from another, another is set; the same one is not set again."""
    with Place(bench, "snappass", provider={"entitlement": {"password_key": PASSWORD_KEY}}) as p:
        p.worker()
        p.publish(snapshot("s", "70001", 1, plan="3", password="s3cret-1"))
        p.await_finals(parts(p.outcome("s", "applied")))
        p.publish(snapshot("same", "70001", 2, plan="3", password="s3cret-1"))
        p.outcome("same", "unchanged")
        p.publish(snapshot("t", "70001", 3, plan="3", password="s3cret-2"))
        o = p.outcome("t", "applied")
        same("what", whats(o), ["password"])
        p.outcome(parts(o)[0], "applied")
        p.publish(snapshot("again", "70001", 4, plan="3", password="s3cret-2"))
        p.outcome("again", "unchanged")
        same("requests that set it", sum("password" in r["form"] for r in p.portal.requests(method="PUT")), 1)


@case("snapshot.waits_for_a_doubt")
def waits_for_a_doubt(bench):
    """It is compared with what is known: where something may have been done, only when a person has said whether it was."""
    with rough_place(bench, "snapdoubt", numbers=SHORT) as p:
        p.worker()
        p.publish(event("c", "9", "service.created", {"login": "9"}, sequence=1))
        p.outcome("c", "applied")
        p.portal.told["/open/turn/9-B-on"] = (503, {})
        p.publish(event("b", "9", "package.added", {"packages": packages("B")}, sequence=2))
        place = p.parked("b", "9")["place"]
        p.portal.told.clear()
        p.publish(snapshot("s", "9", 3, packages=packages("A")))
        until(lambda: [o for o in p.of("s") if o["data"]["kind"] == "waiting"], "it waits", p.brief)
        until(lambda: "done" in p.tvbridge("doubt", "resolve", "--place", place, "--applied", "--reason", "seen", "--wait", "20s", good=(0, 1)),
              "the doubt ends", p.brief)
        o = p.outcome("s", "applied")
        same("what", whats(o), ["add A", "remove B"])
        p.await_finals(parts(o))
        same("packages", p.record("9")["packages"], {"A": {}})
        p.outcome("b", "applied")


@case("snapshot.guarded")
def guarded(bench):
    """Cuts that snapshots ask for count as all others do: a mistaken list does not cut off everybody."""
    services = [str(90000 + i) for i in range(6)]
    with Place(bench, "snapguard", provider={"guard": {"percent": 1, "accounts": 2}}, partitions=1) as p:
        p.worker()
        p.publish(*[created(f"c{s}", s, sequence=1) for s in services])
        p.await_finals([f"c{s}" for s in services])
        p.publish(*[snapshot(f"s{s}", s, 2, block="total") for s in services])
        ids = [parts(p.outcome(f"s{s}", "applied"))[0] for s in services]
        held = until(lambda: [i for i in ids if any(o["data"]["kind"] == "held" for o in p.of(i))][3:] and
                     [i for i in ids if any(o["data"]["kind"] == "held" for o in p.of(i))], "four are held", p.brief)
        same("held", len(held), 4)
        p.publish(*[unblocked(f"u{s}", s, sequence=3) for s in services])
        p.await_finals(ids)
        same("cuts", sum(p.portal.names(s).count("status") > 1 for s in services), 2)
