"""The rules of the seed documents that concern the platforms that ask; README of schemas/providers has the table."""

from suite.life import Life, born, platform
from suite.place import same

ASKING = ("cdntv", "neotv")


def rule_002_1_cdn_tv_and_neo_tv_are_answered():
    """CDN TV and NEO TV ask: a login may watch what billing's events say, and nobody else may."""
    for pack in ASKING:
        with platform(pack) as place:
            same(pack + " before", place.answer(), {"may_watch": False, "reason": "wrong_login_or_password"})
            born(place)
            same(pack, place.answer(), {"may_watch": True, "service": "70001", "plan": "basic", "packages": ["P1"]})
            place.signs_in["70001"] = ("ann@example.com", "another")
            same(pack + ", another password", place.answer(), {"may_watch": False, "reason": "wrong_login_or_password"})


def rule_003_6_contract_actions_and_answers():
    """What each action of the contract does to the access, where the platform asks (the guide of IXC has them for Olé TV)."""
    with platform("cdntv") as place:
        life = born(place)
        rows = (("contract.blocked", {"reason": "delinquency"}, "suspended"), ("contract.unblocked", {}, "active"),
                ("contract.late_notice", {}, "suspended"), ("contract.awaiting_signature", {}, "active"),
                ("contract.cancelled", {}, "inactive"), ("contract.activated", {}, "active"))
        for workflow, data, status in rows:
            life.send(workflow, data).ends("applied")
            same("status after " + workflow, life.account()["status"], status)


def rule_004_7_answers_after_suspension_and_block():
    """Active again once the suspension and the block have both ended, in whichever order; cancelled is off for good."""
    blocked = {"reason": "delinquency"}
    for first, second in (("contract.reactivated", "contract.unblocked"), ("contract.unblocked", "contract.reactivated")):
        with platform("neotv") as place:
            life = born(place)
            for workflow, data, status in (("contract.blocked", blocked, "suspended"), ("contract.suspended", {}, "suspended"),
                                           (first, {}, "suspended"), (second, {}, "active")):
                life.send(workflow, data).ends("applied")
                same("status after " + workflow, life.account()["status"], status)
            life.send("contract.cancelled", {}).ends("applied")
            life.send("contract.unblocked", {}).ends("rejected")
            same("status", life.account()["status"], "inactive")
            Life(place, "778").send("service.created", {"login": "bob", "password": "s3cret-2"}).ends("applied")
            same("another's", place.account("778")["status"], "active")
