#!/usr/bin/env python3
"""The checker finds each violation in a hand-made history, and none in a clean one. Ends with `N passed, N failed`."""
import copy
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "deploy/demo.d"), str(HERE.parents[1] / "tests/integration")]

from harness import checker, points, table  # noqa: E402

TYPES = {"set": ("contract.blocked", {"reason": "delinquency"}), "order": ("package.added", {"packages": [{"id": "P1"}]}),
         "plan": ("plan.changed", {"plan": "gold"}), "message": ("message.requested", {"message": {"text": "x"}}),
         "device": ("device.added", {"device": {"serial": "S1"}})}


def event(number, what="set", service="7", sequence=None, **more):
    kind, data = TYPES[what]
    e = {"id": f"e{number}", "source": "/t", "subject": service, "provider": "p", "type": f"tvbridge.{kind}",
         "sequence": str(number if sequence is None else sequence), "data": data, **more}
    return {k: v for k, v in e.items() if v is not None}


def effect(e, op=None, done=True, **more):
    kind = e["type"].removeprefix("tvbridge.")
    return {"op": op or checker.REQUESTS[kind][0], "service": e["subject"], "id": e["id"], "order": e.get("sequence"),
            "done": done, **more}


def outcome(e, offset, kind="applied", number=1, reason=None, id_=None, partition=0):
    data = {"event": {"id": e["id"], "source": e["source"], "type": e["type"]}, "kind": kind, "round": number,
            "final": kind not in ("held", "in_doubt", "waiting"), "place": {"partition": 0, "offset": offset}}
    if reason:
        data["reason"] = reason
    return partition, offset, {"id": id_ or f"{e['id']}-{kind}-{number}", "subject": e["subject"], "data": data}


def record(**axes):
    return {"axes": {axis.replace("_", ":"): {"order": f"000000-{order:018d}-000000"} for axis, order in axes.items()}}


class Clean:
    """Two safe events, a keyed, a query, a never and one of two steps, all applied once."""

    def __init__(self):
        self.events = [event(1), event(2), event(3, "order"), event(4, "plan"), event(5, "message"), event(6, "device")]
        self.h = checker.History(
            inputs=[(0, i, e) for i, e in enumerate(self.events)],
            effects=[effect(e) for e in self.events] + [effect(self.events[5], "attach")],
            outcomes=[outcome(e, i) for i, e in enumerate(self.events)],
            dead=[], waiting={}, commits={0: 6},
            records={"7": record(block=2, package_P1=3, plan=4, device_S1=6)})


CASES = []


def case(why, **found):
    """Says which kinds of violation the history that the function makes of a clean one must show, and how many."""
    def add(function):
        CASES.append((why, function, found))
        return function
    return add


@case("a clean history has no violation")
def clean(c):
    pass


def add_snapshot(c, number=7, present=True, kind="applied"):
    """A snapshot of another service, and the one event that it made, which is applied and stands just above it."""
    s = {"id": f"s{number}", "source": "/t", "subject": "8", "provider": "p", "type": "tvbridge.service.snapshot", "sequence": str(number),
         "data": {"mode": "apply", "status": "active", "plan": "gold"}}
    part = {"id": f"part/{number}", "source": "/t", "subject": "8", "provider": "p", "type": "tvbridge.plan.changed",
            "basis": f"sequence:000000-{number:018d}-000000+2", "data": {"plan": "gold"}}
    at = len(c.h.inputs)
    c.h.inputs += [(0, at, s)] + ([(0, at + 1, part)] if present else [])
    said = outcome(s, at, kind)
    said[2]["data"]["given"] = {"changes": [{"id": part["id"], "type": "plan.changed", "what": "plan"}]}
    c.h.outcomes.append(said)
    c.h.commits[0] = at + 1 + present
    c.h.records["8"] = {"axes": {"all": {"order": f"000000-{number:018d}-000000"}, "plan": {"order": f"000000-{number:018d}-000002"}},
                          "plan": "gold"}
    if present:
        c.h.outcomes.append(outcome(part, at + 1))
        c.h.effects.append(effect(part))


@case("a snapshot, and what it made")
def snapshot(c):
    add_snapshot(c)


@case("a snapshot says that it made what is not there", lost=1)
def snapshot_without_its_event(c):
    add_snapshot(c, present=False)


@case("in the end it is not as the newest snapshot says", lost=1)
def not_as_the_newest_says(c):
    add_snapshot(c)
    c.h.records["8"]["plan"] = "silver"


@case("what an older snapshot made, done behind what a newer one made", stale=1, overtaken=1, contradictory=1)
def made_by_an_older_snapshot(c):
    add_snapshot(c, 7)
    effects, told = c.h.effects.pop(), c.h.outcomes.pop()
    add_snapshot(c, 8)
    c.h.effects.append(effects)
    c.h.outcomes.append(told)
    c.h.records["8"]["axes"]["plan"]["order"] = "000000-000000000000000007-000002"


@case("outcomes published twice with the same id are one")
def twice_published(c):
    c.h.outcomes += copy.deepcopy(c.h.outcomes)


@case("a safe request that took effect twice in a row is counted, no violation")
def safe_repeat(c):
    c.h.effects.insert(1, effect(c.events[0]))


@case("a keyed request sent again under its key has one effect")
def keyed_again(c):
    c.h.effects.append(effect(c.events[2], done=False, again=True))


@case("an event that stands twice in the topic is one event")
def duplicate(c):
    c.h.inputs.append((0, 6, c.events[1]))
    c.h.commits[0] = 7


@case("no outcome behind the commit", lost=1)
def lost(c):
    del c.h.outcomes[4]


@case("no outcome and not committed", unfinished=1)
def unfinished(c):
    del c.h.outcomes[4]
    c.h.commits[0] = 4


@case("applied, but the platform never saw it", lost=1)
def never_done(c):
    c.h.effects = [e for e in c.h.effects if e["id"] != "e5"]


@case("applied after the first of two steps only", lost=1)
def half_done(c):
    c.h.effects = [e for e in c.h.effects if e["op"] != "attach"]


@case("dead without a dead letter", lost=1)
def dead_without_letter(c):
    c.h.effects = [e for e in c.h.effects if e["id"] != "e5"]
    c.h.outcomes[4] = outcome(c.events[4], 4, "dead", reason="attempts_exhausted")


@case("dead with its letter is an end")
def dead_with_letter(c):
    c.h.effects = [e for e in c.h.effects if e["id"] != "e5"]
    c.h.outcomes[4] = outcome(c.events[4], 4, "dead", reason="attempts_exhausted")
    c.h.dead.append({"partition": 0, "offset": 4, "reason": "dead", "attempts": 1})


@case("bytes that are no event, without a dead letter", lost=1)
def unreadable(c):
    c.h.inputs.append((0, 6, None))
    c.h.commits[0] = 7


@case("bytes that are no event, with their dead letter")
def unreadable_with_letter(c):
    c.h.inputs.append((0, 6, None))
    c.h.dead.append({"partition": 0, "offset": 6, "reason": "invalid", "attempts": 0})


for what, position in (("keyed", 2), ("query", 3), ("never", 4)):
    @case(f"a {what} request took effect twice", doubled=1)
    def doubled(c, position=position):
        c.h.effects.insert(position + 1, effect(c.events[position]))


@case("the first of two steps took effect twice", doubled=1)
def step_doubled(c):
    c.h.effects.append(effect(c.events[5]))


@case("an older event's effect after a newer one's of the same axis", overtaken=1)
def overtaken(c):
    c.h.effects[0], c.h.effects[1] = c.h.effects[1], c.h.effects[0]


@case("a late packet of an older safe request after the newer one's", overtaken=1)
def late_packet(c):
    c.h.effects.append(effect(c.events[0], fault="late"))


@case("events of other axes and services may pass each other")
def other_axes(c):
    c.h.effects[2], c.h.effects[3] = c.h.effects[3], c.h.effects[2]
    other = event(1, service="8")
    c.h.inputs.append((0, 6, other))
    c.h.effects.append(effect(other))
    c.h.outcomes.append(outcome(other, 6))
    c.h.records["8"] = record(block=1)
    c.h.commits[0] = 7


@case("an event that came later with a lower sequence took effect", stale=2)
def stale(c):
    old = event(9, sequence=1)
    c.h.inputs.append((0, 6, old))
    c.h.effects.append(effect(old))
    c.h.outcomes.append(outcome(old, 6))
    c.h.commits[0] = 7


@case("an event that came later with a lower sequence and was answered stale")
def stale_answered(c):
    old = event(9, sequence=1)
    c.h.inputs.append((0, 6, old))
    c.h.outcomes.append(outcome(old, 6, "stale"))
    c.h.commits[0] = 7


@case("without sequence the offset orders", overtaken=1)
def by_offset(c):
    pair = [event(1, service="8", sequence=""), event(2, service="8", sequence="")]
    for i, e in enumerate(pair):
        del e["sequence"]
        c.h.inputs.append((0, 6 + i, e))
        c.h.outcomes.append(outcome(e, 6 + i))
    c.h.effects += [effect(pair[1]), effect(pair[0])]
    c.h.records["8"] = record(block=7)
    c.h.commits[0] = 8


@case("two different final outcomes of one round", contradictory=1)
def two_ends(c):
    c.h.outcomes.append(outcome(c.events[4], 4, "unchanged"))


@case("two rounds may end differently")
def two_rounds(c):
    c.h.outcomes.insert(4, outcome(c.events[4], 4, "dead", reason="attempts_exhausted"))
    c.h.dead.append({"partition": 0, "offset": 4, "reason": "dead", "attempts": 1})
    c.h.outcomes[5] = outcome(c.events[4], 4, number=2)


@case("answered stale, but it took effect", contradictory=1)
def stale_but_done(c):
    c.h.outcomes[0] = outcome(c.events[0], 0, "stale")


@case("answered superseded and never sent")
def superseded(c):
    c.h.outcomes[0] = outcome(c.events[0], 0, "superseded")
    del c.h.effects[0]


def passed(c, first, second):
    c.h.effects[0]["n"], c.h.effects[1]["n"] = first, second
    c.h.outcomes[0] = outcome(c.events[0], 0, "superseded")
    c.h.outcomes[0][2]["data"]["by"] = c.events[1]["id"]


@case("a doubt that a newer event passed once nothing could come of it any more")
def superseded_doubt(c):
    passed(c, 1, 2)


@case("superseded by what took effect before it", contradictory=1)
def superseded_too_early(c):
    passed(c, 2, 1)


@case("dead for used up attempts, but it took effect", contradictory=1)
def dead_but_done(c):
    c.h.outcomes[4] = outcome(c.events[4], 4, "dead", reason="attempts_exhausted")
    c.h.dead.append({"partition": 0, "offset": 4, "reason": "dead", "attempts": 8})


@case("an outcome of an event that nobody sent", contradictory=1)
def ghost_outcome(c):
    c.h.outcomes.append(outcome(event(99), 99))


@case("a request that no event asks for", contradictory=1)
def ghost_request(c):
    c.h.effects.append(effect(event(99)))


@case("an outcome in another partition than its event's", contradictory=1)
def misplaced_outcome(c):
    c.h.outcomes[0] = (1, *c.h.outcomes[0][1:])


@case("a conflict is refused and has its letter")
def conflict(c):
    other = event(1, sequence=11)
    c.h.inputs.append((0, 6, other))
    c.h.outcomes.append(outcome(other, 6, "conflict"))
    c.h.dead.append({"partition": 0, "offset": 6, "reason": "conflict", "attempts": 0})
    c.h.commits[0] = 7


@case("a conflict that reached the platform", contradictory=2)
def conflict_done(c):
    other = event(1, sequence=11)
    c.h.inputs.append((0, 6, other))
    c.h.effects.append(effect(other))
    c.h.outcomes.append(outcome(other, 6, "conflict"))
    c.h.dead.append({"partition": 0, "offset": 6, "reason": "conflict", "attempts": 0})
    c.h.commits[0] = 7


@case("the first of its key answered as a conflict", contradictory=2)
def wrong_conflict(c):
    c.h.outcomes[4] = outcome(c.events[4], 4, "conflict")
    c.h.dead.append({"partition": 0, "offset": 4, "reason": "conflict", "attempts": 0})


@case("a record behind the newest applied event", contradictory=1)
def old_record(c):
    c.h.records["7"]["axes"]["block"]["order"] = f"000000-{1:018d}-000000"


@case("a record that knows nothing of what was applied", contradictory=1)
def no_record(c):
    del c.h.records["7"]["axes"]["plan"]


@case("an entry that waits for a person is an end for now")
def waits(c):
    del c.h.outcomes[4]
    c.h.effects = [e for e in c.h.effects if e["id"] != "e5"]
    c.h.waiting["7/0-4"] = {"state": "doubt", "reason": "doubt"}


@case("a doubt is no end", contradictory=1)
def doubt_ended(c):
    c.h.effects = [e for e in c.h.effects if e["id"] != "e5"]
    c.h.outcomes[4] = outcome(c.events[4], 4, "dead", reason="in_doubt")
    c.h.dead.append({"partition": 0, "offset": 4, "reason": "in_doubt", "attempts": 1})


@case("a waiting entry that says nothing", unexplained=1)
def waits_unexplained(c):
    del c.h.outcomes[4]
    c.h.waiting["7/0-4"] = {"state": "unsent"}


def waits_for(c, offset, **entry):
    """The event at that offset has neither outcome nor effect, but an entry."""
    c.h.outcomes = [o for o in c.h.outcomes if o[2]["data"]["place"]["offset"] != offset]
    c.h.effects = [e for e in c.h.effects if e["id"] != f"e{offset + 1}"]
    c.h.waiting[f"7/0-{offset}"] = entry


@case("what the lane releases has not come back", unfinished=1)
def flood_stands(c):
    waits_for(c, 4, state="unsent", reason="flood")


@case("what the clock releases has not come back", unfinished=1)
def retry_stands(c):
    waits_for(c, 3, state="sending", reason="retry", axes="plan")
    del c.h.records["7"]["axes"]["plan"]


@case("held by the guard")
def guard_stands(c):
    waits_for(c, 3, state="unsent", reason="guard", axes="plan")
    del c.h.records["7"]["axes"]["plan"]


@case("behind one that waits for a person, by place and by axis")
def behind_a_dead_one(c):
    waits_for(c, 2, state="dead", reason="dead", axes="package:P1\x1fplan")
    waits_for(c, 3, state="unsent", reason="behind", behind="0-2", axes="plan")
    waits_for(c, 5, state="unsent", reason="flood", axes="plan\x1fdevice:S1")
    for axis in ("package:P1", "plan", "device:S1"):
        del c.h.records["7"]["axes"][axis]


@case("no axis with the dead one in common; behind one that is gone", unfinished=3)
def not_behind(c):
    waits_for(c, 2, state="dead", reason="dead", axes="package:P1")
    waits_for(c, 3, state="unsent", reason="flood", axes="plan")
    waits_for(c, 4, state="unsent", reason="behind", behind="0-1")
    waits_for(c, 5, state="unsent", reason="flood", axes="device:S1")
    for axis in ("package:P1", "plan", "device:S1"):
        del c.h.records["7"]["axes"][axis]


@case("dead, but its entry was not kept for a person", unfinished=1)
def dead_and_unsent(c):
    waits_for(c, 4, state="unsent", reason="flood")
    c.h.outcomes.append(outcome(c.events[4], 4, "dead", reason="attempts_exhausted"))
    c.h.dead.append({"partition": 0, "offset": 4, "reason": "attempts_exhausted", "attempts": 8})


@case("dead, and kept for a person")
def dead_and_kept(c):
    waits_for(c, 4, state="dead", reason="dead")
    c.h.outcomes.append(outcome(c.events[4], 4, "dead", reason="attempts_exhausted"))
    c.h.dead.append({"partition": 0, "offset": 4, "reason": "attempts_exhausted", "attempts": 8})


@case("applied and still waiting", contradictory=1)
def applied_and_waits(c):
    c.h.waiting["7/0-4"] = {"state": "doubt", "reason": "doubt"}


@case("a waiting entry of no event", contradictory=1)
def ghost_entry(c):
    c.h.waiting["7/0-99"] = {"state": "unsent", "reason": "date"}


def points_in_the_code():
    """The crash points that the table plays, and those in worker/: the same."""
    code = set()
    for path in (HERE.parents[1] / "worker").rglob("*.c"):
        for call in re.findall(r'crash_point\(([^;]*)\);', path.read_text()):
            code |= set(re.findall(r'"(\w+)"', call))
    played = {name for name, (_, feature, _) in points.POINTS.items() if set((feature or "").split()) <= table.LANDED}
    return played - code, code - set(points.POINTS)


def main():
    failed = 0
    missing, unknown = points_in_the_code()
    if missing or unknown:
        failed += 1
        print(f"FAILED crash points: played but not in worker/: {missing}; in worker/ but not in harness/points.py: {unknown}")
    for why, change, found in CASES:
        c = Clean()
        change(c)
        verdict = checker.judge(c.h)
        seen = {kind: len(texts) for kind, texts in verdict.faults.items() if texts}
        if seen != found:
            failed += 1
            print(f"FAILED {why}: wanted {found}, seen {verdict.faults}")
    print(f"{len(CASES) + 1 - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
