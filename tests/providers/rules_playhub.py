"""The rules of MK ERP's seed that concern PlayHub, and what its API makes of them; rules.py runs them."""

import itertools

from profiles.playhub import CREATE, LOGIN, PERSON, PRODUCTS, packages
from suite.life import Life, born, platform
from suite.place import same

BLOCK = {"reason": "delinquency"}


def customers(place):
    return place.state()["customers"]


def subscribed(place, login=LOGIN):
    return sorted(customers(place)[login]["subscriptions"])


def effects(place, since=()):
    """(effect, product) of each."""
    return [(e["effect"], e.get("product")) for e in place.effects(since)]


def logins(place):
    """How many tokens were asked for."""
    return sum(r["path"].endswith("/authentication/tokens") for r in place.lines("request", 0))


def rule_004_1_playhub_access_data_and_codes():
    """Access data and the products' codes are all that is needed; the catalogue is the codes that PlayHub gave."""
    with platform("playhub") as place:
        Life(place).send("probe", {}, credentials=place.wrong).ends("credentials refused")
        found = Life(place).send("catalog.requested", {}).ends("applied")["outputs"]["packages"]
        same("codes", sorted((p["id"], p["name"]) for p in found), sorted((code, p["name"]) for code, p in PRODUCTS.items()))
        before = place.now()
        Life(place).send("service.created", {**CREATE, **packages("TNTX")}).ends("rejected", reason="invalid_input")
        Life(place).send("service.created", {**CREATE, **packages("ZZZ")}).ends("rejected", reason="unknown_package")
        same("effects", place.effects(before), [])


def rule_004_1_playhub_token_is_kept_and_renewed_once():
    """One token serves many requests; a refused one is renewed once, and a second refusal is told."""
    with platform("playhub") as place:
        life = born(place)
        before = logins(place)
        same("tokens for the creation", before, 1)
        place.faults({"match": {"method": "DELETE"}, "action": "status", "status": 401})
        life.send("contract.blocked", BLOCK).ends("applied")
        same("tokens for a play that meets a refusal", logins(place) - before, 2)
        place.faults({"match": {"path": "/customers/"}, "times": 0, "action": "status", "status": 401})
        play = life.send("contract.unblocked", {}).ends("credentials refused")
        same("requests when all are refused", len([c for c in play["calls"] if "workflow" not in c]), 2)
        same("still remembered", sorted(life.record["remembered"]), ["DIS", "TNT"])


def rule_004_2_playhub_products_in_a_plan():
    """A plan with its products becomes a customer with a subscription for each, and follows what changes in it."""
    with platform("playhub") as place:
        life = Life(place)
        life.send("service.created", {**CREATE, "plan": "HBO"}).ends("applied")
        same("subscriptions", subscribed(place), ["DIS", "HBO", "TNT"])
        life.send("plan.changed", {"plan": "Q01"}).ends("applied")
        same("another plan", subscribed(place), ["DIS", "Q01", "TNT"])
        life.send("package.added", packages("HBO")).ends("applied")
        life.send("package.removed", packages("TNT", "DIS")).ends("applied")
        same("other products", subscribed(place), ["HBO", "Q01"])


def rule_004_3_playhub_one_service_a_customer():
    """A customer is one service's: a second contract with the same login is refused in words, one with another login is a second customer."""
    with platform("playhub") as place:
        Life(place, "70001").create().ends("applied")
        before = place.state()
        Life(place, "70002").create().ends("rejected", reason="login_in_use")
        same("the first", place.state(), before)
        other = {**CREATE, "subscriber": {**PERSON, "email": "bia.70002@example.com"}}
        Life(place, "70002").send("service.created", other).ends("applied")
        same("customers", len(customers(place)), 2)


def rule_004_4_playhub_email_and_document():
    """E-mail and document are login and password, unless the event has its own."""
    with platform("playhub") as place:
        Life(place, "70001").create().ends("applied")
        same("sign in", place.control("POST", "password", "login=%s&password=12345678909" % LOGIN), {"good": True})
        Life(place, "70002").send("service.created", {**CREATE, "login": "bia", "password": "s3cret"}).ends("applied")
        same("sign in", place.control("POST", "password", "login=bia&password=s3cret"), {"good": True})


def rule_004_5_playhub_block_and_unblock():
    """A total block removes all subscriptions, the unblocking puts exactly these back; a partial one is refused, a customer has no points."""
    with platform("playhub") as place:
        life = born(place)
        life.send("contract.blocked", {**BLOCK, "scope": "partial"}).ends("rejected", reason="invalid_input")
        same("after the refusal", subscribed(place), ["DIS", "TNT"])
        life.send("contract.blocked", {**BLOCK, "scope": "total"}).ends("applied")
        same("blocked", (subscribed(place), sorted(life.record["remembered"])), ([], ["DIS", "TNT"]))
        life.send("contract.blocked", {**BLOCK, "scope": "total"}).ends("unchanged")
        life.send("contract.unblocked", BLOCK).ends("applied")
        same("unblocked", (subscribed(place), life.record.get("remembered")), (["DIS", "TNT"], None))


def rule_004_5_playhub_changes_while_blocked():
    """Products that come or go while it is blocked come or go when the block ends; until then nothing is subscribed."""
    with platform("playhub") as place:
        life = born(place)
        life.send("contract.blocked", BLOCK).ends("applied")
        blocked = place.now()
        life.send("package.added", packages("HBO", "K26")).ends("applied")
        life.send("package.removed", packages("DIS", "K26")).ends("applied")
        life.send("plan.changed", {"plan": "Q01"}).ends("applied")
        same("effects", place.effects(blocked), [])
        life.send("contract.unblocked", {}).ends("applied")
        same("unblocked", subscribed(place), ["HBO", "Q01", "TNT"])
        same("subscribed", sorted(effects(place, blocked)), [("subscribe", p) for p in ("HBO", "Q01", "TNT")])


def rule_004_5_playhub_remembered_before_the_first_goes():
    """What a block removes is in the record before: a crash after any of its requests forgets nothing."""
    with platform("playhub") as place:
        for removed in itertools.count():
            place.reset()
            life = born(place)
            place.faults({"match": {"method": "DELETE"}, "skip": removed, "times": 0, "action": "status", "status": 500})
            play = life.send("contract.blocked", BLOCK)
            same("remembered", sorted(life.record["remembered"]), ["DIS", "TNT"])
            same("gone", 2 - len(subscribed(place)), removed)
            place.no_faults()
            if play.kind() == "applied":
                break
            life.send("contract.unblocked", {}).ends("applied")
            same("put back", subscribed(place), ["DIS", "TNT"])
        same("removed by then", removed, 2)


def rule_004_5_playhub_voucher_that_is_no_more():
    """What cannot be put back is said: the others are back, all stays remembered, and a redrive goes on."""
    with platform("playhub") as place:
        life = born(place)
        life.send("contract.blocked", BLOCK).ends("applied")
        no_vouchers = {"match": {"method": "POST", "path": "/subscriptions$", "body": "TNT"}, "times": 1, "action": "status",
                       "status": 409, "body": '{"Code":8,"Message":"No vouchers available"}'}
        place.faults(no_vouchers)
        play = life.send("contract.unblocked", {}).ends("dead", reason="not_restored")
        same("in words", play["detail"], "package TNT: code 8")
        same("remembered", sorted(life.record["remembered"]), ["DIS", "TNT"])
        life.send("contract.unblocked", {}).ends("applied")
        same("after the redrive", (subscribed(place), life.record.get("remembered")), (["DIS", "TNT"], None))


def rule_004_5_playhub_rule_of_arrears():
    """MK's rule blocks without a person, by the same event; a late notice blocks only where the settings say so."""
    with platform("playhub") as place:
        life = born(place)
        life.send("contract.late_notice", {}, settings={}).ends("rejected", reason="no_late_notice")
        same("told only", subscribed(place), ["DIS", "TNT"])
        life.send("contract.late_notice", {}, settings={"late_notice": "block"}).ends("applied")
        same("blocked", subscribed(place), [])
        life.send("contract.unblocked", BLOCK).ends("applied")
        same("paid", subscribed(place), ["DIS", "TNT"])


def rule_004_7_playhub_active_after_both():
    """Suspended is off; on again when the suspension was cancelled and the block ended, in any order; cancelled is off for good."""
    with platform("playhub") as place:
        for ends in (("contract.reactivated", "contract.unblocked"), ("contract.unblocked", "contract.reactivated")):
            place.reset()
            life = born(place)
            life.send("contract.suspended", {}).ends("applied")
            same("suspended", (subscribed(place), life.record["status"]), ([], "suspended"))
            life.send("contract.blocked", BLOCK).ends("applied")
            life.send(ends[0], {}).ends("applied")
            same("after " + ends[0], (subscribed(place), life.record["status"]), ([], "suspended"))
            life.send(ends[1], {}).ends("applied")
            same("after both", (subscribed(place), life.record["status"]), (["DIS", "TNT"], "active"))
        life.send("contract.cancelled", {}).ends("applied")
        same("cancelled", (subscribed(place), life.record["status"]), ([], "terminated"))
