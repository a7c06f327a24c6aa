"""The rules of MK ERP's seed that concern ITTV; rules.py runs them."""

from suite.life import Life, born, platform
from suite.place import same

BASIC, PLUS = "65f0c1a2b3c4d5e6f7a80001", "65f0c1a2b3c4d5e6f7a80002"
ANA = {"name": "Ana Souza", "email": "ana@example.com", "document": "123.456.789-09"}
UNREADABLE = {"statuses": {"blocked": "BLOCKED", "suspended": "SUSPENDED"}}


def customers(place):
    return list(place.control("GET", "state")["customers"].values())


def rule_004_1_ittv_token():
    """A token is all that is needed: each request bears it, and with another one nothing is done."""
    with platform("ittv") as place:
        for workflow, data in (("probe", {}), ("service.created", {"plan": BASIC, "subscriber": ANA})):
            Life(place, "70001").send(workflow, data, credentials=place.wrong).ends("credentials refused")
        same("effects", place.effects(), [])
        play = Life(place, "70001").send("service.created", {"plan": BASIC, "subscriber": ANA}).ends("applied")
        same("requests without it", [c for c in play["calls"] if "Authorization" not in {h["name"] for h in c["headers"]}], [])


def rule_004_2_ittv_product_of_a_plan():
    """The plan's product is the customer's; it follows a change of plan, and a product that ITTV does not have is refused in words."""
    with platform("ittv") as place:
        life = Life(place, "70001")
        life.send("service.created", {"plan": "none", "subscriber": ANA}).ends("rejected", reason="unknown_plan")
        same("customers", customers(place), [])
        life.send("service.created", {"plan": BASIC, "subscriber": ANA}).ends("applied")
        same("product", customers(place)[0]["product"], BASIC)
        life.send("plan.changed", {"plan": PLUS}).ends("applied")
        same("another", customers(place)[0]["product"], PLUS)


def rule_004_3_one_contract_a_subscriber():
    """A second contract with the same document is refused in words, whether ITTV can be read or not."""
    with platform("ittv") as place:
        data = {"plan": BASIC, "subscriber": ANA}
        Life(place, "70001").send("service.created", data).ends("applied")
        for settings in (None, UNREADABLE):
            second = {**data, "subscriber": {**ANA, "email": "ana2@example.com"}}
            play = Life(place, "70002").send("service.created", second, settings=settings)
            play.ends("rejected", reason="one_contract_only")
            same("in words", "already has a customer" in play["detail"], True)
        same("customers", len(customers(place)), 1)


def rule_004_4_email_and_document_are_login_and_password():
    """E-mail and document are login and password, unless the event has its own."""
    with platform("ittv") as place:
        Life(place, "70001").send("service.created", {"plan": BASIC, "subscriber": ANA}).ends("applied")
        same("sign in", place.control("POST", "password", "login=ana@example.com&password=12345678909"), {"good": True})
        own = {"plan": BASIC, "login": "bia", "password": "s3cret", "subscriber": {"name": "Bia", "email": "b@example.com", "document": "2"}}
        Life(place, "70002").send("service.created", own).ends("applied")
        same("sign in", place.control("POST", "password", "login=bia&password=s3cret"), {"good": True})


def rule_004_5_ittv_partial_and_total_block():
    """Partial and total block, and unblock; a part only where ITTV has a word for it, else refused in words."""
    with platform("ittv") as place:
        life = born(place)
        for scope, status in (("partial", "PARTIAL"), ("total", "BLOCKED")):
            life.send("contract.blocked", {"reason": "delinquency", "scope": scope}).ends("applied")
            same("status", customers(place)[0]["status"], status)
        life.send("contract.unblocked", {}).ends("applied")
        same("status", customers(place)[0]["status"], "ACTIVE")
        play = life.send("contract.blocked", {"reason": "delinquency", "scope": "partial"}, settings=UNREADABLE)
        play.ends("rejected", reason="no_partial_block")
        same("status", customers(place)[0]["status"], "ACTIVE")


def rule_004_7_ittv_active_after_both():
    """Suspended is not active; active again when the suspension was cancelled and the block ended, in any order; cancelled is inactive."""
    with platform("ittv") as place:
        for ends in (("contract.reactivated", "contract.unblocked"), ("contract.unblocked", "contract.reactivated")):
            place.reset()
            life = born(place)
            life.send("contract.suspended", {}).ends("applied")
            same("suspended", customers(place)[0]["status"], "SUSPENDED")
            life.send("contract.blocked", {"reason": "delinquency"}).ends("applied")
            life.send(ends[0], {}).ends("applied")
            same("after " + ends[0], customers(place)[0]["status"] != "ACTIVE", True)
            life.send(ends[1], {}).ends("applied")
            same("after both", (customers(place)[0]["status"], life.record["status"]), ("ACTIVE", "active"))
        life.send("contract.cancelled", {}).ends("applied")
        same("cancelled", customers(place)[0]["status"], "INACTIVE")


def rule_004_7_ittv_unblock_after_suspension():
    """As MK does it, where the settings say so: the end of a suspension alone does not switch on, the unblock after it does."""
    with platform("ittv") as place:
        settings = {**place.profile.SETTINGS, "suspension_blocks": True}
        life = born(place)
        life.send("contract.suspended", {}, settings=settings).ends("applied")
        life.send("contract.reactivated", {}, settings=settings).ends("applied")
        same("suspension cancelled", customers(place)[0]["status"], "BLOCKED")
        life.send("contract.unblocked", {}, settings=settings).ends("applied")
        same("and unblocked", customers(place)[0]["status"], "ACTIVE")


def rule_004_3_ittv_lost_answer_is_for_a_person():
    """Where ITTV cannot be read, a creation whose answer was lost is not sent again: a second customer would be somebody's."""
    with platform("ittv") as place:
        play = Life(place).send("service.created", {"plan": BASIC, "subscriber": ANA}, settings=UNREADABLE, lose=1)
        play.ends("in doubt")
        same("requests that may make one", len(play.changing()), 1)
        same("customers", len(customers(place)), 1)
