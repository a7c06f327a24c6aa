"""The rules of the seed of ISPadmin and 4NET.TV that the pack keeps; rules.py runs them."""

from suite.life import Life, accounts, born, platform
from suite.place import same

CLIENT = {"name": "Jan Novák", "external_id": "c-1001"}


def subscriber(place, custom_id="70001"):
    return place.state()["subscribers"].get(custom_id)


def made(place):
    """Names of the effects so far."""
    return [e["effect"] for e in place.effects()]


def rule_000_3_custom_id_is_the_service():
    """A subscriber is linked by the id of the service, so one client holds several."""
    with platform("fournet") as place:
        for service in ("70001", "70002"):
            Life(place, service).send("service.created", {"subscriber": CLIENT}).ends("applied")
        same("custom ids", sorted(place.state()["subscribers"]), ["70001", "70002"])
        same("payers", list(place.state()["payers"]), ["c-1001"])
        same("payers of the two", len({s["id_payer"] for s in place.state()["subscribers"].values()}), 1)
        second = Life(place, "70002")
        second.send("contract.blocked", {"reason": "delinquency"}).ends("applied")
        same("blocked", [place.account(s)["status"] for s in ("70001", "70002")], ["active", "suspended"])


def rule_000_4_only_its_own_services():
    """A subscriber that is no service of this provider in billing is never touched, whatever happens to others."""
    with platform("fournet") as place:
        Life(place, "by-hand").send("service.created", {"subscriber": CLIENT, "packages": [{"id": "KIDS"}]}).ends("applied")
        before = subscriber(place, "by-hand")
        life = born(place)
        for workflow, data in (("package.added", {"packages": [{"id": "HBO"}]}), ("contract.blocked", {"reason": "delinquency"}),
                               ("package.removed", {"packages": [{"id": "BASIC"}]}), ("service.deleted", {})):
            life.send(workflow, data).ends("applied")
        same("the other", subscriber(place, "by-hand"), before)


def rule_000_5_add_makes_subscriber_services_and_payer():
    """Adding a service makes the subscriber with the services of its tariffs, at the client's payer, made only if needed."""
    with platform("fournet") as place:
        data = {"subscriber": CLIENT, "plan": "BASIC", "packages": [{"id": "HBO"}, {"id": "KIDS"}]}
        Life(place).send("service.created", data).ends("applied")
        same("services", sorted(subscriber(place)["services"]), ["BASIC", "HBO", "KIDS"])
        payer = place.state()["payers"]["c-1001"]
        same("payer", (payer["name"], payer["id_payer"]), ("Jan Novák", subscriber(place)["id_payer"]))
        Life(place, "70002").send("service.created", data).ends("applied")
        same("payers made", made(place).count("create_payer"), 1)
        other = {**data, "subscriber": {"name": "Eva Malá", "external_id": "c-1002"}}
        Life(place, "70003").send("service.created", other).ends("applied")
        same("payers made", made(place).count("create_payer"), 2)


def rule_000_6_tariffs_on_with_days_and_price():
    """Editing a service switches each tariff on with its days and its own price, and off."""
    with platform("fournet") as place:
        life = born(place)
        hbo = {"id": "HBO", "valid_from": "2026-12-01", "valid_to": "2099-12-31", "price": "99.00"}
        life.send("package.added", {"packages": [hbo]}).ends("applied")
        same("HBO", subscriber(place)["services"]["HBO"], {"date_from": "2026-12-01", "date_to": "2099-12-31", "price": "99.00"})
        life.send("package.added", {"packages": [{**hbo, "price": "89.00"}]}).ends("applied")
        same("HBO's price", subscriber(place)["services"]["HBO"]["price"], "89.00")
        same("the record's", life.record["packages"]["HBO"]["price"], "89.00")
        life.send("package.removed", {"packages": [{"id": "HBO"}]}).ends("applied")
        same("HBO", subscriber(place)["services"].get("HBO"), None)
        same("the record's", life.record["packages"].get("HBO"), None)


def rule_000_7_delete_deletes_the_subscriber():
    """Deleting a service deletes its subscriber, and only this one; the payer stays."""
    with platform("fournet") as place:
        Life(place, "70002").send("service.created", {"subscriber": CLIENT}).ends("applied")
        life = born(place)
        life.send("service.deleted", {}).ends("applied")
        same("subscribers", list(place.state()["subscribers"]), ["70002"])
        same("payers", list(place.state()["payers"]), ["c-1001"])


def rule_000_8_devices_login_and_codes():
    """Login and password, the number of devices, pairing by MAC address and pairing codes; what is paired is shown."""
    with platform("fournet") as place:
        life = born(place)
        life.send("credentials.changed", {"login": "novak", "password": "nove-heslo"}).ends("applied")
        same("sign in", place.control("POST", "password", "login=novak&password=nove-heslo"), {"good": True})
        life.send("device_limit.changed", {"device_limit": 2}).ends("applied")
        same("limit", subscriber(place)["max_devices"], 2)
        life.send("device.added", {"device": {"mac": "00-1a-79-1e-73-e1"}}).ends("applied")
        refused = life.send("device.added", {"device": {"mac": "00:1A:79:00:00:03"}})
        refused.ends("rejected", reason="too_many_devices")
        codes = [life.send("pairing_code.requested", {}).ends("applied")["outputs"]["pairing_code"] for _ in range(2)]
        shown = life.send("read", {}).ends("applied")["outputs"]
        same("codes", shown["pairing_codes"], codes)
        same("devices", sorted(shown["devices"]), ["00:1A:79:1E:73:E1", "00:1A:79:2C:D1:C1"])


def rule_000_11_conversion():
    """Found by the client's id and shown, its services read, the custom id changed to the service's, renamed; once."""
    with platform("fournet") as place:
        old = {"subscriber": {"name": "Novák", "external_id": "c-1001"}, "login": "jan", "packages": [{"id": "HBO", "price": "99.00"}]}
        Life(place, "1001").send("service.created", old).ends("applied")
        life, data = Life(place), {"old_external_id": "1001", "new_external_id": "70001", "subscriber": {"name": "Jan Novák"}}
        before = place.state()
        shown = life.send("read", data).ends("applied")["outputs"]
        same("shown for checking", (shown["external_id"], shown["login"], sorted(shown["packages"])), ("1001", "jan", ["HBO"]))
        same("nothing done by it", place.state(), before)
        play = life.send("service.converted", data).ends("applied")
        same("services read", play["outputs"]["packages"], {"HBO": {"price": "99.00"}})
        s = subscriber(place)
        same("names", (s["firstname"], s["surname"]), ("Jan Novák", "Televize, 70001"))
        same("subscribers", list(place.state()["subscribers"]), ["70001"])
        same("record", (life.record["login"], life.record["packages"]), ("jan", {"HBO": {"price": "99.00"}}))
        life.send("service.converted", data).ends("unchanged", reason="already_converted")
        life.send("contract.blocked", {"reason": "delinquency"}).ends("applied")
        same("the converted one is blocked", place.account()["status"], "suspended")


def rule_000_13_words():
    """Payer is the client, subscriber the IPTV service, service the tariff, the subscriber's custom id the service's id."""
    with platform("fournet") as place:
        life = born(place)
        create = place.profile.CREATE
        same("payer", list(place.state()["payers"]), [create["subscriber"]["external_id"]])
        same("custom id", subscriber(place)["custom_id"], place.profile.SERVICE)
        same("services", sorted(subscriber(place)["services"]), sorted(p["id"] for p in create["packages"]))
        same("account", [(a["external_id"], sorted(a["packages"])) for a in accounts(place)],
             [(place.profile.SERVICE, sorted(life.record["packages"]))])
        tariffs = life.send("catalog", {}).ends("applied")["outputs"]["packages"]
        same("tariff", [t for t in tariffs if t["id"] == "HBO"], [{"id": "HBO", "name": "HBO", "price": "149.00"}])
