"""A life that uses every event type: lived plainly once, then with crashes and lost answers, and nothing may differ."""

import json

from suite import golden
from suite.life import Life, born
from suite.place import Wrong, same

# The questions, with their data; `authenticate` is not among them, since its request is credentials and nothing else.
ASKED = {"read": {}, "list": {}, "accounts": {}, "catalog": {"what": ["plans", "packages", "channels"]}, "probe": {},
         "catalog.requested": {"what": ["plans", "packages"]}, "accounts.requested": {}}


def steps_of(profile):
    """(type, data, kind) of each event; (None, call, None) for what happens on the platform in between."""
    for step in profile.STORY:
        if callable(step):
            yield None, step, None
        else:
            yield step[0], step[1], step[2] if len(step) > 2 else "applied"


def plain(effects):
    """Effects without number, time and request: what they did."""
    return [json.dumps({k: v for k, v in e.items() if k not in ("n", "t", "request", "kind")}, sort_keys=True) for e in effects]


class Told:
    """What came of each event of the plain life: what the others are compared with."""

    def __init__(self, place):
        self.plays, self.records, self.accounts, self.effects, self.texts = [], [], [], [], {}
        self.states = []
        life = Life(place)
        for workflow, data, kind in steps_of(place.profile):
            if workflow is None:
                data(place)
                self._keep(place, None, life, [])
                continue
            since = place.now()
            play = life.send(workflow, data).ends(kind)
            self._keep(place, play, life, plain(place.effects(since)))
            self.texts[workflow] = self.texts.get(workflow, "") + golden.render(place, data, play)

    def _keep(self, place, play, life, effects):
        self.plays.append(play)
        self.records.append(life.record)
        self.accounts.append(life.account())
        self.effects.append(effects)
        self.states.append(place.state())

    def most_changing(self):
        return max(len(play.changing()) for play in self.plays if play is not None)


def questions(place):
    """The text of each question of the pack, asked of one service, and of each type that it refuses."""
    profile, life, texts = place.profile, born(place), {}
    for workflow in sorted(set(ASKED) & set(profile.types)):
        asks = life if workflow == "read" else Life(place, "provider:" + profile.pack)
        texts[workflow] = golden.render(place, ASKED[workflow], asks.send(workflow, ASKED[workflow]).ends("applied"))
    for workflow, (reason, data) in profile.refused.items():
        texts[workflow] = golden.render(place, data, life.send(workflow, data).ends("rejected", reason=reason), refused=True)
    return texts


def without_repeats(place, play, since):
    """The effects of a play, where the same effects of a request that was sent again count once."""
    by_request = {}
    for e in place.effects(since):
        by_request.setdefault(e["request"], []).append(e)
    numbers = [r["n"] for r in place.lines("request", since)]
    seen, lost = [], []
    for call, number in zip(play["calls"], numbers):
        effects = plain(by_request.get(number, []))
        if lost and call["step"] == lost[0]:
            for e in lost[1]:
                if e in effects:
                    effects.remove(e)
            lost = []
        if call.get("answer") == "lost" and call["repeat"] == "safe":
            lost = [call["step"], list(effects)]
        seen += effects
    return seen


def relive(place, told, until):
    """A new platform, and the plain life up to and with event @until; its life."""
    place.reset()
    life = Life(place)
    for i, (workflow, data, _) in enumerate(steps_of(place.profile)):
        if i > until:
            break
        if workflow is None:
            data(place)
        else:
            life.send(workflow, data)
    same("record of the same life lived again", life.record, told.records[until])
    return life


def _compare(i, told, life, play, effects):
    what = "%s (event %d)" % (play["workflow"], i + 1)
    same(what + ": record", life.record, told.records[i])
    same(what + ": account", life.account(), told.accounts[i])
    same(what + ": all that the platform knows", life.place.state(), told.states[i])
    same(what + ": effects", sorted(effects), sorted(told.effects[i]))
    same(what + ": outputs", play["outputs"], told.plays[i]["outputs"])


def _in_doubt(place, told, i, play, effects):
    """Only a request that can never be repeated may end so, and nothing was done twice."""
    last = play.changing()[-1]
    if last["repeat"] != "never":
        raise Wrong("%s (event %d): in doubt, %s: step %s is %s" % (play["workflow"], i + 1, play["reason"], last["step"],
                                                                   last["repeat"]))
    twice = [e for e in effects if effects.count(e) > told.effects[i].count(e)]
    same("%s (event %d): effects that there should not be" % (play["workflow"], i + 1), twice, [])
    return relive(place, told, i)


def live_again(place, told, **fault):
    """The same life with @fault (lose, crash) in each event. Returns whether any answer was lost."""
    life, lost = Life(place), False
    for i, (workflow, data, kind) in enumerate(steps_of(place.profile)):
        if workflow is None:
            data(place)
            continue
        since = place.now()
        play = life.send(workflow, data, **fault)
        lost = lost or play.get("lost", False)
        effects = without_repeats(place, play, since)
        if play.kind() == "in doubt":
            life = _in_doubt(place, told, i, play, effects)
            continue
        play.ends(*({kind, "applied", "unchanged"} if kind in ("applied", "unchanged") else {kind}))
        _compare(i, told, life, play, effects)
    return lost
