"""The rules of MK ERP's seed that concern both of its platforms: what billing writes into the contract's history; rules.py runs them."""

import json
import os
import subprocess

from profiles import ittv, playhub
from suite.life import Life, born, platform
from suite.place import ROOT, TVBRIDGE, Wrong, same

HISTORY = "Histórico do contrato"
OF_NO_CONTRACT = {"catalog.requested"}  # the operator's products, which no contract has a history of
IDS = {"ittv": {"PRE": ittv.PLAN, "TNT": ittv.PACKAGE}, "playhub": {"PRE": "Q01", "TNT": playhub.PACKAGE}}
BEFORE = {"contract.unblocked": ("bloqueio total",), "contract.reactivated": ("suspender contrato",),
          "package.removed": ("adicionar produto",)}


def operations():
    """What `tvbridge publish` knows of MK's words, each by its word and by the others for it."""
    done = subprocess.run([TVBRIDGE, "publish", "--dialect", "mk", "--list", "--json"], capture_output=True, text=True, check=True)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return rows, {word: o for o in rows for word in (o["word"], *o["also"])}


def line_of(operation):
    """What is written into the history of the contract; a Wrong where nothing is."""
    lines = [w["line"] for w in operation.get("write_back", []) if w["to"] == HISTORY and "line" in w]
    same("lines in the history for " + operation["word"], len(lines), 1)
    return lines[0]


def data_of(operation, place):
    if operation["event"] == "service.created":
        return place.profile.CREATE
    data = {**operation.get("data", {}), **operation.get("default", {}), **operation.get("example", {})}
    text = json.dumps(data)
    for theirs, ours in IDS[place.profile.pack].items():
        text = text.replace('"%s"' % theirs, '"%s"' % ours)
    return json.loads(text)


def outcome_of(place, operation, words):
    """The outcome of @operation for a contract that it makes sense for, with the members that a line may name."""
    place.reset()
    life = Life(place) if operation["event"] == "service.created" else born(place)
    for word in BEFORE.get(operation["event"], ()):
        life.send(words[word]["event"], data_of(words[word], place)).ends("applied")
    play = life.send(operation["event"], data_of(operation, place))
    return {"kind": play.kind(), "reason": play.get("reason") or ""}


def rule_004_6_every_operation_has_its_line_in_the_history():
    """Each operation on a contract has a line in its history, and no two have the same."""
    rows, _ = operations()
    lines = [line_of(o) for o in rows if o["event"] not in OF_NO_CONTRACT]
    same("lines", len(set(lines)), len(lines))
    same("operations", len(lines) >= 12, True)


def rule_004_6_history_says_what_came_of_it():
    """The line of each operation is filled from the outcome that each platform gives, which is one of those that the word tells of."""
    rows, words = operations()
    with open(os.path.join(ROOT, "schemas", "outcome.schema.json"), encoding="utf-8") as f:
        kinds = json.load(f)["properties"]["data"]["properties"]["kind"]["enum"]
    for pack in IDS:
        with platform(pack) as place:
            for operation in rows:
                if operation["event"] in OF_NO_CONTRACT:
                    continue
                outcome = outcome_of(place, operation, words)
                what = "%s at %s" % (operation["word"], pack)
                told = [(o["kind"], o.get("reason", "")) for o in operation["outcomes"] if o.get("pack", pack) == pack]
                if outcome["kind"] not in kinds or tuple(outcome.values()) not in told:
                    raise Wrong("%s: %s is not among %s" % (what, outcome, told))
                line = line_of(operation)
                filled = line.format_map(outcome).strip()
                same(what, filled, line.partition(":")[0] + ": " + " ".join(filter(None, outcome.values())))
