"""What is held until the platform says that an account is active, or until its time."""
import datetime
import json

from lib.cases import case
from lib.place import ROOT, SHORT, Place, blocked, check, event, same, until
from lib.regressions import rough_place

SOON = {**SHORT, "held_poll_ms": 300}


def suspended(number, service):
    return event(number, service, "contract.suspended", {"reason": "customer_request"})


def notices(p, number):
    return [o["data"] for o in p.follower.outcomes if o["data"]["event"]["id"] == number and not o["data"]["final"]]


@case("hold.first_access")
def first_access(bench):
    """Held, asked for again and again, over the death of its worker too, and applied once when its user was there."""
    with rough_place(bench, "held", numbers=SOON) as p:
        p.portal.seen.add("1")
        worker = p.worker()
        p.publish(suspended("now", "1"), suspended("later", "2"), blocked("other", "2"))
        p.outcome("now", "applied")
        until(lambda: [n for n in notices(p, "later") if n["kind"] == "held"], "billing is told that it is held", p.brief)
        p.outcome("other", "applied")
        until(lambda: p.portal.tries("/open/seen/2") >= 4, "it is asked for again and again", p.brief)
        same("what was said of it", [(n["kind"], n["reason"]) for n in notices(p, "later")], [("held", "first_access")])
        same("turned", p.portal.count("/open/turn/2"), 1)  # by the other event, which it does not hold back
        worker.kill()
        worker = p.worker()
        asked = p.portal.tries("/open/seen/2")
        until(lambda: p.portal.tries("/open/seen/2") >= asked + 2, "the next owner asks, too", p.brief)
        same("final outcomes meanwhile", p.finals("later"), [])
        p.portal.seen.add("2")
        p.outcome("later", "applied")
        same("turned", p.portal.count("/open/turn/2"), 2)
        asked = p.portal.tries("/open/seen/2")
        same("dead letters", p.dead_letters(), [])
        p.one_final(["now", "later", "other"])
        same("asked after it was applied", p.portal.tries("/open/seen/2"), asked)
        worker.check_running()


@case("hold.superseded")
def superseded(bench):
    """What is taken back before its user was there is never sent."""
    with rough_place(bench, "heldback", numbers=SOON) as p:
        worker = p.worker()
        p.publish(suspended("off", "7"))
        until(lambda: [n for n in notices(p, "off") if n["kind"] == "held"], "it is held", p.brief)
        p.publish(event("on", "7", "contract.reactivated", {"reason": "customer_request"}))
        p.outcome("on", "applied")
        check(p.outcome("off")["data"]["kind"] in ("superseded", "stale"), "it is over without a call", p.finals("off"))
        p.portal.seen.add("7")
        same("turned", p.portal.count("/open/turn/7"), 1)
        worker.check_running()


def in_s(seconds):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)).isoformat()


def package(number, service, name, **dates):
    return event(number, service, "package.added", {"packages": [{"id": name, **dates}]})


@case("hold.dates")
def dates(bench):
    """A package comes and goes by itself where the platform takes no dates, over the death of its worker; others do not wait for it."""
    with rough_place(bench, "dated", numbers=SHORT) as p:
        worker = p.worker()
        p.publish(package("a", "3", "A", valid_from=in_s(24), valid_to=in_s(34)), blocked("b", "3"))
        until(lambda: [n for n in notices(p, "a") if n["kind"] == "waiting"], "billing is told that it waits", p.brief)
        p.outcome("b", "applied")
        same("turned", p.portal.count("/open/turn/3-A-on"), 0)
        worker.kill()
        worker = p.worker()
        on = p.outcome("a", "applied")
        same("packages meanwhile", on["data"]["record"]["packages"], {"A": {}})
        off = until(lambda: [o for o in p.follower.outcomes if o["data"]["final"] and o["data"]["event"]["type"] == "tvbridge.package.removed"],
                    "it is taken away", p.brief)[0]
        same("what became of its end", off["data"]["kind"], "applied")
        same("packages after it", off["data"]["record"].get("packages", {}), {})
        same("turned", [p.portal.count(f"/open/turn/3-A-{way}") for way in ("on", "off")], [1, 1])
        same("dead letters", p.dead_letters(), [])
        worker.check_running()


@case("hold.dates_of_a_real_pack")
def dates_of_a_real_pack(bench):
    """What is paid until a time stays on until then at a portal that takes no dates, and a plan comes at its time."""
    with Place(bench, "stalkerdates", numbers=SHORT) as p:
        p.worker()

        def has():
            account = p.portal.accounts()["8"]
            return account["tariff_plan"], sorted(account["subscribed"])

        p.publish(event("on", "8", "service.created", {"plan": "3", "packages": [{"id": "P1", "valid_to": in_s(24)}, {"id": "P2"}, {"id": "P3"}]}))
        p.outcome("on", "applied")
        p.publish(event("off", "8", "package.removed", {"packages": [{"id": "P2", "valid_to": in_s(20)}]}),
                  event("plan", "8", "plan.changed", {"plan": "7", "valid_from": in_s(28)}))
        for number in ("off", "plan"):
            until(lambda: [n for n in notices(p, number) if n["kind"] == "waiting"], f"billing is told that {number} waits", p.brief)
        same("meanwhile", has(), ("3", ["P1", "P2", "P3"]))
        p.outcome("off", "applied")
        p.outcome("plan", "applied")
        end = until(lambda: [o for o in p.follower.outcomes if o["data"]["final"] and o["data"]["event"]["id"].startswith("ends/")], "the end is over",
                    p.brief)[0]
        same("what became of it", (end["data"]["kind"], end["data"]["event"]["type"]), ("applied", "tvbridge.package.removed"))
        same("after it", has(), ("7", ["P3"]))


def begins(p):
    """The event that a creation left a package to: its outcomes."""
    return [o for o in p.follower.outcomes if o["data"]["event"]["id"].startswith("begins/")]


def final_begin(p, kind):
    o = until(lambda: [o for o in begins(p) if o["data"]["final"]], "what begins later is over", p.brief)[0]
    same("what became of it", (o["data"]["kind"], o["data"]["event"]["type"]), (kind, "tvbridge.package.added"))
    return o


def changes(p, account, package):
    """How often it was turned on and off at the portal."""
    rows = [e["effect"] for e in p.portal.effects(account) if package in json.dumps(e)]
    return [rows.count("subscribe"), rows.count("unsubscribe")]


@case("hold.created_for_later")
def created_for_later(bench):
    """A package of a creation that is dated for later comes and goes at its times, over the death of its worker; nothing waits for it."""
    with Place(bench, "createdlater", numbers=SHORT) as p:
        worker = p.worker()
        p.publish(event("on", "11", "service.created",
                        {"plan": "3", "packages": [{"id": "P1", "price": "5.00", "currency": "EUR", "valid_from": in_s(24), "valid_to": in_s(34)}, {"id": "P2"}]},
                        sequence=1))
        made = p.outcome("on", "applied")
        same("packages of the record", made["data"]["record"]["packages"], {"P2": {}})
        same("packages there", p.portal.accounts()["11"]["subscribed"], ["P2"])
        until(lambda: [o for o in begins(p) if o["data"]["kind"] == "waiting"], "billing is told that it waits", p.brief)
        p.publish(blocked("b", "11", sequence=2))
        p.outcome("b", "applied")
        worker.kill()
        p.worker()
        o = final_begin(p, "applied")
        same("its price", o["data"]["record"]["packages"]["P1"].get("price"), "5.00")
        off = until(lambda: [o for o in p.follower.outcomes if o["data"]["final"] and o["data"]["event"]["id"].startswith("ends/")], "its end is over",
                    p.brief)[0]
        same("what became of it", (off["data"]["kind"], off["data"]["event"]["type"]), ("applied", "tvbridge.package.removed"))
        same("packages after it", (p.portal.accounts()["11"]["subscribed"], off["data"]["record"]["packages"]), (["P2"], {"P2": {}}))
        same("turned on and off", changes(p, "11", "P1"), [1, 1])
        same("events that were made", len({m["id"] for m in map(json.loads, (v for _, v in p.read("events"))) if "/" in m["id"]}), 2)
        p.one_final(["on", "b", o["data"]["event"]["id"], off["data"]["event"]["id"]])


@case("hold.created_in_doubt")
def created_in_doubt(bench):
    """A creation whose worker died in its call, and whose package's time comes before it is known what became of it: the account is made
    once, and the package, which was not in that call, is turned on once."""
    with Place(bench, "createddoubt", numbers=SHORT) as p:
        p.portal.fault("delay_after", method="POST", delay_ms=30000)
        worker = p.worker()
        p.publish(event("on", "12", "service.created", {"plan": "3", "packages": [{"id": "P1", "valid_from": in_s(4)}]}, sequence=1))
        until(lambda: p.portal.effects("12", kinds=("create",)), "the account is made", p.brief)
        worker.kill()
        p.worker()
        made = p.outcome("on", "applied")
        same("packages of its record", made["data"]["record"]["packages"], {})
        final_begin(p, "applied")
        same("made", len(p.portal.effects("12", kinds=("create",))), 1)
        same("turned on", changes(p, "12", "P1"), [1, 0])
        same("packages", (p.portal.accounts()["12"]["subscribed"], sorted(p.record("12")["packages"])), (["P1"], ["P1"]))
        p.one_final(["on", begins(p)[0]["data"]["event"]["id"]])


@case("hold.created_and_taken_back")
def created_and_taken_back(bench):
    """What billing says of the package meanwhile counts: taken away, or the account deleted, it is not turned on."""
    with Place(bench, "createdback", numbers=SHORT) as p:
        p.worker()
        for service in ("13", "14"):
            p.publish(event(f"on{service}", service, "service.created", {"plan": "3", "packages": [{"id": "P1", "valid_from": in_s(3600)}]}, sequence=1))
            p.outcome(f"on{service}", "applied")
        until(lambda: len({o["data"]["event"]["id"] for o in begins(p) if o["data"]["kind"] == "waiting"}) == 2, "both wait", p.brief)
        p.publish(event("off", "13", "package.removed", {"packages": [{"id": "P1"}]}, sequence=2), event("gone", "14", "service.deleted", {}, sequence=2))
        p.outcome("off")
        p.outcome("gone", "applied")
        over = until(lambda: (lambda found: found if len(found) == 2 else None)({o["subject"]: o["data"]["kind"] for o in begins(p) if o["data"]["final"]}),
                     "both are over", p.brief)
        same("what became of them", over, {"13": "superseded", "14": "superseded"})
        same("turned on", [changes(p, s, "P1") for s in ("13", "14")], [[0, 0], [0, 0]])


@case("hold.plan_of_one_that_asks")
def plan_of_one_that_asks(bench):
    """A platform that asks is told the new plan from its day on: the record has the old one until then."""
    with Place(bench, "askingplan", numbers=SHORT, portal=False,
               provider={"pack": str(ROOT / "schemas/providers/cdntv"), "credentials": {}, "base_url": "http://127.0.0.1:1"}) as p:
        worker = p.worker()
        p.publish(event("on", "15", "service.created", {"plan": "3"}, sequence=1),
                  event("plan", "15", "plan.changed", {"plan": "7", "valid_from": in_s(14)}, sequence=2),
                  event("b", "15", "contract.blocked", {"reason": "delinquency"}, sequence=3))
        until(lambda: [n for n in notices(p, "plan") if n["kind"] == "waiting"], "billing is told that it waits", p.brief)
        same("its plan meanwhile", p.outcome("b", "applied")["data"]["record"]["plan"], "3")
        worker.kill()
        p.worker()
        same("its plan then", p.outcome("plan", "applied")["data"]["record"]["plan"], "7")
        p.one_final(["on", "plan", "b"])


@case("hold.taken_away_early")
def taken_away_early(bench):
    """A dated package that is taken away before its day does not wait for that day, and is not taken away twice."""
    with rough_place(bench, "early", numbers=SHORT) as p:
        p.worker()
        p.publish(package("on", "6", "A", valid_to=in_s(3600)))
        p.outcome("on", "applied")
        until(lambda: [o for o in p.follower.outcomes if o["data"]["kind"] == "waiting" and o["data"]["event"]["type"] == "tvbridge.package.removed"],
              "its end waits", p.brief)
        p.publish(event("off", "6", "package.removed", {"packages": [{"id": "A"}]}))
        p.outcome("off", "applied")
        end = until(lambda: [o for o in p.follower.outcomes if o["data"]["final"] and o["data"]["event"]["id"].startswith("ends/")], "the end is over",
                    p.brief)[0]
        same("what became of it", end["data"]["kind"], "superseded")
        same("turned", [p.portal.count(f"/open/turn/6-A-{way}") for way in ("on", "off")], [1, 1])


@case("hold.prolonged")
def prolonged(bench):
    """What is prolonged in time is not taken away; `notbefore` is kept, and a newer event passes what waits for it."""
    with rough_place(bench, "prolonged", numbers=SHORT) as p:
        worker = p.worker()
        p.publish(package("first", "4", "A", valid_to=in_s(20)))
        p.outcome("first", "applied")
        p.publish(package("second", "4", "A"))
        p.outcome("second", "applied")
        off = until(lambda: [o for o in p.follower.outcomes if o["data"]["final"] and o["data"]["event"]["type"] == "tvbridge.package.removed"],
                    "the first one's end is over", p.brief)[0]
        check(off["data"]["kind"] in ("superseded", "stale"), "it is not carried out", off["data"])
        same("turned", [p.portal.count(f"/open/turn/4-A-{way}") for way in ("on", "off")], [2, 0])
        later = event("later", "5", "contract.suspended", {"reason": "customer_request"})
        p.publish({**later, "notbefore": in_s(3600)})
        until(lambda: [n for n in notices(p, "later") if n["kind"] == "waiting"], "it waits", p.brief)
        p.publish(event("on", "5", "contract.reactivated", {"reason": "customer_request"}))
        p.outcome("on", "applied")
        check(p.outcome("later")["data"]["kind"] == "superseded", "it is over without a call", p.finals("later"))
        same("asked for", p.portal.tries("/open/seen/5"), 0)
        worker.check_running()
