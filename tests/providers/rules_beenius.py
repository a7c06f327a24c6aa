"""The rules of ISP-Integrator's seed that concern its platforms; rules.py runs them."""

import json
import os
import subprocess

from suite.life import Life, accounts, born, platform
from suite.place import ROOT, TVBRIDGE, Wrong, same

FOLDER = os.path.join(ROOT, "schemas", "providers")
PACKS = {"Multi TV Beenius": "beenius", "ION": "ion", "MCR": "mcr", "Deezer": "deezer", "Maxi TV": "maxitv"}


def rule_002_1_platforms_of_isp_integrator():
    """Each platform of the seed that is called has a pack that loads. CDN TV and NEO TV call us."""
    for name, pack in PACKS.items():
        done = subprocess.run([TVBRIDGE, "pack", "check", "--json", os.path.join(FOLDER, pack)], capture_output=True, text=True, check=False)
        answer = json.loads(done.stdout)
        same("%s: pack check" % name, (answer["good"], answer["faults"]), (True, []))
        with platform(pack) as place:
            born(place)
            same("%s: accounts made" % name, len(accounts(place)), 1)


def rule_002_2_platform_contracted():
    """What the vendor gives must be there before anything is sent: the credentials, and Deezer's partner."""
    for pack in PACKS.values():
        done = subprocess.run([TVBRIDGE, "pack", "play", os.path.join(FOLDER, pack), "probe", "--base-url", "http://127.0.0.1:9"],
                              capture_output=True, text=True, check=False)
        if done.returncode == 0 or "credential" not in done.stderr:
            raise Wrong("%s without credentials: %s%s" % (pack, done.stdout[:300], done.stderr[:300]))
    with platform("deezer") as place:
        play = Life(place).send("service.created", place.profile.CREATE, settings={}).ends("rejected", reason="missing_input")
        same("what is missing", play["detail"], "settings.partner_id")
        same("requests", play["calls"], [])


def rule_002_2_login_of_the_plan():
    """The account's login at the platform is the one that the client has in billing."""
    for pack in ("beenius", "ion", "mcr", "maxitv"):
        with platform(pack) as place:
            life = Life(place)
            life.send("service.created", {"plan": place.profile.CREATE["plan"], "login": "radius-login"}).ends("applied")
            same("%s: login there" % pack, accounts(place)[0]["login"], "radius-login")
            same("%s: login kept" % pack, life.record["login"], "radius-login")


def rule_002_2_mcr_uses_view_detail():
    """MCR is asked by the API `view.detail`."""
    with platform("mcr") as place:
        play = born(place).send("read", {}).ends("applied")
        same("requests", [c["url"][len(place.base):] for c in play["calls"]], ["/api?method=view.detail&customer=70001"])


def rule_002_3_default_package():
    """An account without a default package is refused before anything is sent."""
    for pack in PACKS.values():
        with platform(pack) as place:
            play = Life(place).send("service.created", {"login": "ann"}).ends("rejected", reason="missing_input")
            same("%s: what is missing, requests" % pack, (play["detail"], play["calls"]), ("data.plan", []))


def rule_002_3_extras_with_optional_price():
    """The first way: extras beside the default package, with a price or without; cancelled, they are off."""
    for pack, extras in (("beenius", 2), ("ion", 2), ("mcr", 2)):
        with platform(pack) as place:
            life = born(place)
            plan, before = life.account()["plan"], life.account()["packages"]
            ids = [p["id"] for p in Life(place).send("catalog", {})["outputs"]["packages"] if p["id"] not in before][:extras]
            life.send("package.added", {"packages": [{"id": ids[0], "price": "9.90"}, {"id": ids[1]}]}).ends("applied")
            same("%s: packages" % pack, life.account()["packages"], sorted(before + ids))
            life.send("package.removed", {"packages": [{"id": ids[0]}]}).ends("applied")
            same("%s: packages" % pack, life.account()["packages"], sorted(before + ids[1:]))
            same("%s: default package" % pack, life.account()["plan"], plan)
    with platform("mcr") as place:
        play = born(place).send("package.added", {"packages": [{"id": "P2", "price": "9.90"}]})
        same("price as it was sent", json.loads(play["calls"][-1]["body"]), {"price": "9.90"})


def rule_002_3_closed_package_by_plan_change():
    """The second way: a closed package, and for more channels a change of plan. Where there is no other, extras are refused in words."""
    for pack in ("beenius", "ion", "mcr", "maxitv", "deezer"):
        with platform(pack) as place:
            life = born(place)
            life.send("plan.changed", {"plan": place.profile.PLAN}).ends("applied")
            same("%s: plan" % pack, life.account()["plan"], place.profile.PLAN)
    for pack, reason in (("maxitv", "no_packages"), ("deezer", "one_offer_only")):
        with platform(pack) as place:
            born(place).send("package.added", {"packages": [{"id": "P1"}]}).ends("rejected", reason=reason)


def rule_002_4_points_are_optional():
    """An account needs no point."""
    for pack in ("beenius", "ion", "mcr", "maxitv"):
        with platform(pack) as place:
            life = Life(place)
            life.send("service.created", {"plan": place.profile.CREATE["plan"]}).ends("applied")
            same("%s: points" % pack, life.account()["devices"], [])


def rule_002_4_points_added_edited_swapped_removed():
    """A point has a place and a CASN: added, its place edited, swapped for another box, removed."""
    members = {"beenius": ("casn", "location"), "ion": ("casn", "room"), "mcr": ("casn", "place"), "maxitv": ("serial", "local")}
    for pack, (casn, location) in members.items():
        with platform(pack) as place:
            life = Life(place)
            life.send("service.created", {"plan": place.profile.CREATE["plan"]}).ends("applied")
            for room in ("sala", "quarto"):
                play = life.send("device.added", {"device": {"serial": "CASN-1", "location": room}}).ends("applied")
                body = json.loads(play["calls"][-1]["body"])
                same("%s: point" % pack, (body[casn], body[location]), ("CASN-1", room))
                same("%s: points" % pack, life.account()["devices"], ["CASN-1"])
                same("%s: kept" % pack, life.record["devices"]["CASN-1"]["location"], room)
            life.send("device.replaced", {"old": {"serial": "CASN-1"}, "new": {"serial": "CASN-2", "location": "quarto"}}).ends("applied")
            same("%s: points" % pack, life.account()["devices"], ["CASN-2"])
            same("%s: kept" % pack, list(life.record["devices"]), ["CASN-2"])
            life.send("device.removed", {"device": {"serial": "CASN-2"}}).ends("applied")
            same("%s: points" % pack, (life.account()["devices"], life.record["devices"]), ([], {}))


def rule_002_4_boxes_from_a_file():
    """Set-top boxes come from a file too, with location, CASN and patrimony number."""
    boxes = "contrato;local;casn;patrimonio\n70001;sala;CASN-7;PAT-7\n70001;quarto;CASN-8;\n"
    done = subprocess.run([TVBRIDGE, "import", "devices", "beenius", "--file", "-", "--map", "service=contrato", "--map", "location=local",
                           "--map", "patrimony=patrimonio", "--events"], input=boxes, text=True, capture_output=True, check=True)
    with platform("beenius") as place:
        life = Life(place)
        life.send("service.created", {"plan": place.profile.CREATE["plan"]}).ends("applied")
        for line in done.stdout.splitlines():
            play = life.send("device.added", json.loads(line)["data"]).ends("applied")
            body = json.loads(play["calls"][-1]["body"])
            same("box", (body["casn"], body["location"], body.get("inventoryNumber")),
                 ("CASN-7", "sala", "PAT-7") if body["casn"] == "CASN-7" else ("CASN-8", "quarto", None))
        same("boxes", life.account()["devices"], ["CASN-7", "CASN-8"])


def rule_002_5_beenius_gives_auth_pin_and_subscriber_id():
    """Beenius gives an Auth PIN and a subscriber id: both come back to billing and are kept, over a lost answer too."""
    for lose in (0, 1):
        with platform("beenius") as place:
            life = Life(place)
            play = life.create(lose=lose).ends("applied")
            there = place.control("GET", "state")["subscribers"]
            given = {"subscriber_id": list(there)[0], "auth_pin": "4821"}
            same("given", {k: play["outputs"].get(k) for k in given}, given)
            same("kept", life.record["ids"], given)
            life.send("contract.blocked", {"reason": "delinquency"}).ends("applied")
            same("kept over a block", life.record["ids"], given)
            if "4821" in json.dumps(accounts(place)):
                raise Wrong("a list gives a PIN away")
