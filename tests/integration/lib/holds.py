"""What is held until the platform says that an account is active, or until its time."""
import datetime

from lib.cases import case
from lib.place import SHORT, Place, blocked, check, event, same, until
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
