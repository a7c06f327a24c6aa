"""What is held until the platform says that an account is active."""
from lib.cases import case
from lib.place import SHORT, blocked, check, event, same, until
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
