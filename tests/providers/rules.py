#!/usr/bin/env python3
"""The rules of the seed documents, each a test named after its row: rule_<seed>_<row>_<name>. Ends with `N passed, N failed`.

tests/providers/rules.py [WORD...]: only those with one of the words in their name. Here are Stalker's; rules_<pack>.py beside this
file has another pack's. schemas/providers/README.md has the table rule -> test, and a test without a row there, or a row without
its test, is a failure.
"""

import importlib
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from suite.life import Life, accounts, born, platform  # noqa: E402  (the path comes first)
from suite.place import ROOT, Wrong, same  # noqa: E402

ROWS = {"000": 13, "001": 6, "002": 6, "003": 7, "004": 7}  # how many rules each seed document has


# ---- seed 001: ABillS and Stalker ----------------------------------------------------------------------------------------


def rule_001_2_account_number_is_the_tv_id():
    """An account that billing does not know is told with the number that becomes its TV id, and is not one without."""
    with platform("stalker") as place:
        Life(place, "900").send("service.created", {"plan": "3", "login": "by-hand", "subscriber": {"account_number": "77"}})
        same("account", [(a["login"], a["account_number"]) for a in accounts(place)], [("by-hand", "77")])


def rule_001_3_delete_removes_from_the_platform():
    """Deleting removes the subscriber from Stalker, and only this one."""
    with platform("stalker") as place:
        Life(place, "778").send("service.created", {"plan": "3"}).ends("applied")
        life = born(place)
        same("accounts before", len(accounts(place)), 2)
        life.send("service.deleted", {}).ends("applied")
        same("accounts after", [a["account_number"] for a in accounts(place)], ["778"])


def rule_001_4_boxes_are_listed():
    """The list of boxes: each account's MAC address, to be registered with billing; a box that is taken away is in it no longer."""
    with platform("stalker") as place:
        life = born(place)
        Life(place, "778").send("service.created", {"plan": "3"}).ends("applied")
        same("boxes", {a["account_number"]: a["mac"] for a in accounts(place)}, {"70001": "00:1A:79:2C:D1:C1", "778": ""})
        asked = Life(place).send("accounts.requested", {}).ends("applied")["outputs"]["accounts"]
        same("told to billing", sorted(a["mac"] for a in asked), ["", "00:1A:79:2C:D1:C1"])
        same("serial and model come with it", [w for w in ("serial", "model") if w not in asked[0]], [])
        life.send("device.removed", {"device": {"mac": "00:1A:79:2C:D1:C1"}}).ends("applied")
        same("after its removal", [a["mac"] for a in accounts(place)], ["", ""])


def rule_001_4_subscriptions_are_listed():
    """The list of subscriptions: each account's optional packages, by the external ids that billing has."""
    with platform("stalker") as place:
        life = born(place)
        Life(place, "778").send("service.created", {"plan": "3"}).ends("applied")
        life.send("package.added", {"packages": [{"id": "P3"}]}).ends("applied")
        same("subscriptions", {a["account_number"]: sorted(a["packages"]) for a in accounts(place)}, {"70001": ["P1", "P3"], "778": []})
        life.send("package.removed", {"packages": [{"id": "P1"}]}).ends("applied")
        asked = Life(place).send("accounts.requested", {}).ends("applied")["outputs"]["accounts"]
        same("told to billing", {a["account_number"]: a["packages"] for a in asked}, {"70001": ["P3"], "778": []})


def rule_001_5_tariffs_are_named_by_external_id():
    """A plan is a tariff's external id: the portal's own id of it is refused, before anything is made."""
    with platform("stalker") as place:
        tariffs = Life(place).send("catalog", {}).ends("applied")["outputs"]["plans"]
        same("ids", [t["id"] for t in tariffs], ["1", "3", "7"])  # whose own ids are 5, 6, 7
        Life(place).send("service.created", {"plan": "6"}).ends("rejected", reason="unknown_plan")
        same("effects", place.effects(), [])
        Life(place).send("service.created", {"plan": "3"}).ends("applied")
        same("plan", place.account()["plan"], "3")


def rule_001_6_tariff_and_package_fields():
    """Tariffs and packages come with what billing's tariffs need."""
    with platform("stalker") as place:
        out = Life(place).send("catalog", {}).ends("applied")["outputs"]
        full = next(t for t in out["plans"] if t["id"] == "3")
        same("tariff", (full["name"], full["default"], full["days_to_expires"]), ("FULL Bez Amoreyo", False, "0"))
        same("fixed package of it", [p["optional"] for p in full["packages"] if p["id"] == "1"], [False])
        same("option of it", [p["optional"] for p in full["packages"] if p["id"] == "P1"], [True])
        package = next(p for p in out["packages"] if p["id"] == "P1")
        same("package", package, {"id": "P1", "name": "Option 1", "description": "", "type": "tv", "all_services": "0",
                                  "service_type": "periodic", "rent_duration": "0", "price": "1.00"})
        same("catalog.requested", Life(place).send("catalog.requested", {}).ends("applied")["outputs"], out)


# ---- all of them ---------------------------------------------------------------------------------------------------------


def in_table():
    with open(os.path.join(ROOT, "schemas", "providers", "README.md"), encoding="utf-8") as f:
        return sorted(re.findall(r"^\|[^|]+\|[^|]+\| `(rule_\w+)` \|$", f.read(), re.M))


def table_and_tests_agree():
    same("tests that the table names", in_table(), sorted(rules()))
    tested = {seed: sorted({int(name.split("_")[2]) for name in rules() if name.startswith("rule_%s_" % seed)}) for seed in ROWS}
    same("rows of the seeds that have a test", tested, {seed: list(range(1, last + 1)) for seed, last in ROWS.items()})


def rules():
    """Those of this file and of each rules_<pack>.py, by name."""
    others = sorted(f[:-3] for f in os.listdir(HERE) if re.fullmatch(r"rules_\w+\.py", f))
    found = {}
    for names in (globals(), *(vars(importlib.import_module(other)) for other in others)):
        found.update((name, call) for name, call in names.items() if re.match(r"rule_\d", name))
    return found


def main():
    words = sys.argv[1:]
    tests = {"table_and_tests_agree": table_and_tests_agree, **rules()}
    passed = failed = 0
    for name, call in tests.items():
        if words and not any(word in name for word in words):
            continue
        try:
            call()
        except Exception as e:  # a broken test is a failed test
            failed += 1
            print("FAILED  %s\n        %s" % (name, e if isinstance(e, Wrong) else repr(e)))
            continue
        passed += 1
        print("ok      " + name)
    print("%d passed, %d failed" % (passed, failed))
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
