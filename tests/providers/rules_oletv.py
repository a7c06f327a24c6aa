"""The rules of the seed of IXC and Olé TV that the pack keeps; rules.py runs them."""

import contextlib
import json
import os
import subprocess

from profiles.oletv import CREATE, FILMS, FULL, LIGHT, MAC, OTHER_MAC, PERSON, POINT, SPORTS, first_access
from suite.life import Life, born, platform
from suite.place import ROOT, TVBRIDGE, Wrong, same

FOLDER = os.path.join(ROOT, "schemas", "providers", "oletv")
CONTRACT_EVENTS = [("contract.blocked", {"reason": "delinquency"}), ("contract.late_notice", {}), ("contract.suspended", {}),
                   ("contract.cancelled", {}), ("contract.unblocked", {}), ("contract.reactivated", {}), ("contract.activated", {}),
                   ("contract.awaiting_signature", {})]

LOST = {"match": {"path": "/contratos/inserir"}, "action": "cut_after"}


@contextlib.contextmanager
def origin_hidden():
    """Stand-ins that are started meanwhile list contracts as the public example does."""
    os.environ["OLETV_ORIGIN"] = "0"
    try:
        yield
    finally:
        del os.environ["OLETV_ORIGIN"]


def contracts(place):
    """Those that are not cancelled."""
    return [c for c in place.state()["contracts"].values() if c["status"] != "Cancelado"]


def blocks(place):
    """Those that have not ended."""
    return [b for b in place.state()["blocks"].values() if b["ativo"]]


def sent_by_try(workflow, *flags):
    """(URL, body) of the first request that the workflow would send."""
    done = subprocess.run([TVBRIDGE, "pack", "try", FOLDER, workflow, "--json", *flags], capture_output=True, text=True, check=False)
    call = json.loads(done.stdout)["calls"][0]
    return call["url"], call["body"]


def rule_003_1_address_must_be_let_in():
    """A refused address of ours is a fault of the set-up, not of the event: nothing is done, and it works once it is let in."""
    with platform("oletv") as place:
        life = Life(place)
        place.control("POST", "allow", "allowed=0")
        life.create().ends("credentials refused", reason="http_403")
        same("effects", place.effects(), [])
        place.control("POST", "allow", "allowed=1")
        life.create().ends("applied")


def rule_003_2_two_environments_three_keys():
    """Production unless the settings say homologation; the three keys are in the body of every request, and in nothing else."""
    keys = "keyapi=***&login=***&pass=***"
    same("production", sent_by_try("probe"), ("https://api.oletv.net.br/planos", keys))
    same("homologation", sent_by_try("probe", "--base-url", "https://api-teste.oletv.net.br"),
         ("https://api-teste.oletv.net.br/planos", keys))
    with platform("oletv") as place:
        life = born(place)
        for workflow, data in (("package.added", {"packages": [{"id": FILMS}]}), ("list", {}), ("service.deleted", {})):
            life.send(workflow, data).ends("applied")
        requests = place.lines("request", 0)
        same("without the three keys", [r["path"] for r in requests
                                        if [r["form"].get(k) for k in ("keyapi", "login", "pass")] != ["***"] * 3], [])
        for value in place.profile.secrets():
            if any(value in r["path"] for r in requests):
                raise Wrong("a key is in a path")


def rule_003_3_main_and_repeated_additional_packages():
    """A main package and additional ones, one of them more than once; with a box the additional point is compulsory."""
    with platform("oletv") as place:
        without = {**CREATE, "packages": [{"id": SPORTS}]}
        Life(place).send("service.created", without).ends("rejected", reason="additional_point_missing")
        same("effects", place.effects(), [])
        twice = {**CREATE, "packages": [{"id": POINT}, {"id": SPORTS, "quantity": 2}]}
        Life(place).send("service.created", twice).ends("applied")
        same("main", contracts(place)[0]["plano"], FULL)
        same("additional", contracts(place)[0]["adicionais"], [POINT, SPORTS, SPORTS])
        no_box = {"plan": LIGHT, "login": "b@example.com", "subscriber": PERSON}
        Life(place, "70002").send("service.created", no_box).ends("applied")


def rule_003_3_a_product_is_never_changed():
    """A contract's products cannot be changed: it is cancelled and another made, which a crash between the two does not prevent."""
    with platform("oletv") as place:
        life = born(place)
        old = contracts(place)[0]
        life.send("plan.changed", {"plan": LIGHT}).ends("applied")
        new = contracts(place)
        same("contracts", [(c["plano"], c["adicionais"], c["email"]) for c in new], [(LIGHT, [POINT, SPORTS], CREATE["login"])])
        same("boxes", [e["mac"] for e in new[0]["equipamentos"]], [MAC])
        same("another one", new[0]["id"] != old["id"], True)
        same("the old one", place.state()["contracts"][old["id"]]["status"], "Cancelado")

        place.faults({"match": {"path": "/contratos/inserir"}, "times": 0, "action": "status", "status": 500})
        life.send("package.added", {"packages": [{"id": FILMS}]}).ends("in doubt")
        same("contracts between the two", contracts(place), [])
        same("remembered", life.record["replaces"], new[0]["id"])
        place.no_faults()
        life.send("package.added", {"packages": [{"id": FILMS}]}).ends("applied")
        same("after it", [(c["plano"], c["adicionais"]) for c in contracts(place)], [(LIGHT, [POINT, SPORTS, FILMS])])
        same("remembered", life.record.get("replaces"), None)


def rule_003_4_user_has_email_box_and_account_number():
    """The login is an e-mail address, the client's unless there is one of its own; box and model are told; number and online come back."""
    with platform("oletv") as place:
        Life(place).send("service.created", {**CREATE, "login": "joana"}).ends("rejected", reason="invalid_input")
        life = Life(place)
        play = life.create().ends("applied")
        contract = contracts(place)[0]
        same("login", contract["email"], "joana.tv@example.com")
        same("box", [(e["mac"], e["modelo"]) for e in contract["equipamentos"]], [(MAC, "7")])
        same("account number, not online yet", (play["outputs"]["account_number"], play["outputs"]["online"]), (contract["id"], False))
        first_access(place.control)
        same("online", life.send("read", {}).ends("applied")["outputs"]["online"], True)
        for workflow, data, online in (("contract.blocked", {"reason": "delinquency"}, False), ("contract.unblocked", {}, True)):
            out = life.send(workflow, data).ends("applied")["outputs"]
            same(workflow, (out["account_number"], out["online"]), (contract["id"], online))
        Life(place, "70002").send("service.created", {"plan": LIGHT, "subscriber": PERSON}).ends("applied")
        same("the main e-mail", contracts(place)[1]["email"], PERSON["email"])


def rule_003_4_contract_is_found_again():
    """A contract whose making was not confirmed is found by the service's id."""
    with platform("oletv") as place:
        place.faults(LOST)
        play = Life(place).create().ends("applied")
        same("contracts", [c["id"] for c in contracts(place)], [play["outputs"]["account_number"]])


def rule_003_4_contract_without_origin_is_for_a_person():
    """Where contracts are listed without the service's id, one that is in doubt is for a person, and never made twice."""
    with origin_hidden(), platform("oletv") as place:
        place.faults(LOST)
        life = Life(place)
        life.create().ends("in doubt")
        for _ in range(2):
            life.create().ends("dead", reason="origin_not_shown")
        same("contracts", len(contracts(place)), 1)

        place.reset()
        life = born(place)
        place.faults(LOST)
        life.send("plan.changed", {"plan": LIGHT}).ends("in doubt")
        life.send("plan.changed", {"plan": LIGHT}).ends("dead", reason="origin_not_shown")
        same("contracts", len(contracts(place)), 1)

        place.reset()
        Life(place, "70002").send("service.created", {"plan": LIGHT, "login": "b@example.com", "subscriber": PERSON}).ends("applied")
        place.faults({**LOST, "action": "cut_before"})
        Life(place).create().ends("applied")
        same("contracts beside one of the same person", len(contracts(place)), 2)


def rule_003_5_held_until_first_access():
    """Until the user has signed in no block and no release takes: nothing is sent, the event waits, and is done after it."""
    with platform("oletv") as place:
        for workflow, data in CONTRACT_EVENTS:
            place.reset()
            life = Life(place)
            life.create().ends("applied")
            made = place.now()
            before = life.record
            for _ in range(2):
                play = life.send(workflow, data).ends("held", reason="first_access")
                same(workflow + " sends", play.changing(), [])
            same(workflow + " does", place.effects(made), [])
            same(workflow + " writes", life.record, before)
            first_access(place.control)
            life.send(workflow, data).ends("applied", "unchanged")


def rule_003_5_seen_once_is_not_asked_again():
    """A user that was seen active is not asked about again, unless a new contract took the place of his."""
    def asked(play):
        return sum("/pontosregistrados/" in c["url"] for c in play["calls"])

    with platform("oletv") as place:
        life = born(place)
        same("first", asked(life.send("contract.blocked", {"reason": "delinquency"}).ends("applied")), 1)
        same("then", asked(life.send("contract.unblocked", {}).ends("applied")), 0)
        life.send("plan.changed", {"plan": LIGHT}).ends("applied")
        life.send("contract.blocked", {"reason": "delinquency"}).ends("held", reason="first_access")


def rule_003_6_contract_actions_and_access():
    """Block, late notice and deactivation: blocked, with the reason; automatic and manual release, awaiting signature: allowed."""
    off = [("contract.blocked", {"reason": "delinquency"}, "1"), ("contract.blocked", {"reason": "customer_request"}, "2"),
           ("contract.blocked", {"reason": "administrative"}, "2"), ("contract.late_notice", {}, "1"), ("contract.suspended", {}, "2"),
           ("contract.cancelled", {}, "2")]
    on = [("contract.unblocked", {"reason": "delinquency"}), ("contract.awaiting_signature", {}), ("contract.activated", {})]
    with platform("oletv") as place:
        for workflow, data, reason in off:
            place.reset()
            life = born(place)
            same(workflow, life.send(workflow, data).ends("applied")["outputs"]["online"], False)
            same(workflow, [b["tipo"] for b in blocks(place)], [reason])
            same(workflow, place.account()["status"], "suspended")
        for workflow, data in on:
            place.reset()
            life = born(place)
            life.send("contract.blocked", {"reason": "delinquency"}).ends("applied")
            same("the block's id is kept", life.record["ids"]["block_id"], blocks(place)[0]["id"])
            same(workflow, life.send(workflow, data).ends("applied")["outputs"]["online"], True)
            same(workflow, (blocks(place), place.account()["status"]), ([], "active"))
            same("the block's id", life.record["ids"].get("block_id"), None)


def rule_003_6_block_id_is_kept_until_unblocked():
    """The block's id stays in the record while the platform refuses the unblocking or its answer is lost, and goes when it is confirmed."""
    with platform("oletv") as place:
        life = born(place)
        life.send("contract.blocked", {"reason": "delinquency"}).ends("applied")
        number = life.record["ids"]["block_id"]
        place.faults({"match": {"path": "/contratos/desbloqueio/"}, "times": 0, "action": "status", "status": 200,
                      "body": '{"retorno_status":false,"error":"Contrato com pendências!"}'})
        life.send("contract.unblocked", {}).ends("rejected", reason="refused_by_platform")
        same("kept", (life.record["ids"]["block_id"], life.record["status"]), (number, "suspended"))
        place.no_faults()
        place.faults({"match": {"path": "/contratos/desbloqueio/"}, "action": "cut_after"})
        life.send("contract.unblocked", {}).ends("applied")
        same("ended once", [e["block"] for e in place.effects() if e["effect"] == "unblock"], [number])
        same("forgotten", life.record["ids"].get("block_id"), None)


def rule_003_7_panel_changes_are_not_taken_over():
    """What is changed at the panel does not reach billing's record, and the next event makes it as billing says."""
    with platform("oletv") as place:
        life = born(place)
        life.send("contract.blocked", {"reason": "delinquency"}).ends("applied")
        before = life.record
        place.control("POST", "panel_unblock", "service=70001")
        life.send("read", {}).ends("applied")
        same("the record", life.record, before)
        life.send("contract.suspended", {}).ends("applied")
        same("blocked again", [b["tipo"] for b in blocks(place)], ["2"])


def rule_003_7_deletion_at_the_panel_breaks_the_link():
    """A user deleted at the panel cannot be changed any more: each event says so, the record says so, only a new creation heals it."""
    events = CONTRACT_EVENTS + [("plan.changed", {"plan": LIGHT}), ("package.added", {"packages": [{"id": FILMS}]}),
                                ("package.removed", {"packages": [{"id": SPORTS}]}), ("credentials.changed", {"login": "x@example.com"}),
                                ("device.replaced", {"old": {"mac": MAC}, "new": {"mac": OTHER_MAC, "model": "11"}})]
    with platform("oletv") as place:
        for how in ("panel_delete", "panel_cancel", "panel_forget_client"):
            place.reset()
            life = born(place)
            place.control("POST", how, "service=70001")
            deleted = place.now()
            for workflow, data in events:
                if workflow == "contract.cancelled":  # wants no more than what is so
                    life.send(workflow, data).ends("unchanged", reason="already_deleted")
                    continue
                life.send(workflow, data).ends("rejected", reason="deleted_at_platform")
                same("record after " + workflow, life.record["deleted_at_platform"], True)
            same(how, place.effects(deleted), [])
            life.create().ends("applied")
            same("healed", (place.account()["exists"], life.record.get("deleted_at_platform")), (True, None))
