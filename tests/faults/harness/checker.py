"""What became of each event, judged from what outlives the worker: the input topic, the platform's journal, outcomes,
records, waiting entries, dead letters and committed offsets.

Written apart from the engine on purpose: nothing of it is read or run here, only the documents' words (RELIABILITY.md
sections 1, 2 and 11). Pure: a history in, a verdict out. test_checker.py feeds it hand-made histories.
"""
import dataclasses
import json

# What the stand-in's requests are, by RELIABILITY.md section 6.
CLASS = {"set": "safe", "order": "keyed", "plan": "query", "message": "never", "reserve": "keyed", "attach": "safe"}
# Which requests an applied event has made.
REQUESTS = {"contract.blocked": ["set"], "contract.unblocked": ["set"], "package.added": ["order"],
            "plan.changed": ["plan"], "message.requested": ["message"], "device.added": ["reserve", "attach"],
            "service.created": ["set"]}
NOT_APPLIED = {"stale", "superseded", "rejected", "expired", "conflict", "preview"}
WITH_LETTER = {"dead", "conflict"}
VIOLATIONS = ("lost", "doubled", "overtaken", "stale", "contradictory", "unfinished", "unexplained")


@dataclasses.dataclass
class History:
    inputs: list        # (partition, offset, event); event None: not readable as an event
    effects: list       # lines of the journal, in its order
    outcomes: list      # (partition, offset, value), in the topic's order for each partition
    dead: list          # {"partition", "offset" (of the event), "reason", "attempts"}
    waiting: dict       # key -> entry, tombstones taken away
    records: dict       # service -> record, the newest
    commits: dict       # partition -> committed offset


@dataclasses.dataclass
class Verdict:
    events: int = 0
    faults: dict = dataclasses.field(default_factory=lambda: {name: [] for name in VIOLATIONS})
    counts: dict = dataclasses.field(default_factory=dict)   # kinds of outcomes, repeats, calls: told, not judged
    waiting: dict = dataclasses.field(default_factory=dict)  # why -> how many

    def add(self, kind, text):
        self.faults[kind].append(text)

    def count(self, name, n=1):
        self.counts[name] = self.counts.get(name, 0) + n

    @property
    def good(self):
        return not any(self.faults.values())


def key_of(event):
    return event["subject"], event["source"], event["id"]


def content_of(event):
    return json.dumps([event["type"], event.get("provider"), event.get("sequence"), event.get("data")], sort_keys=True)


def order_of(event, offset):
    """(number, place above it): of what the worker made from another event its basis, "sequence:0-101-0+1", says both."""
    if "basis" in event:
        order, _, step = event["basis"].partition(":")[2].partition("+")
        _, number, above = order.split("-")
        return int(number), int(above) + int(step)
    return (int(event["sequence"]) if event.get("sequence") is not None else offset), 0


def axes_of(event):
    """The axes that an event sets; none: it never supersedes and is never overtaken."""
    kind, data = event["type"].removeprefix("tvbridge."), event.get("data") or {}
    if kind == "service.snapshot":
        return ["all"]
    if kind == "service.created":
        return ["existence"]
    if kind in ("contract.blocked", "contract.unblocked"):
        return ["block"]
    if kind == "plan.changed":
        return ["plan"]
    if kind == "package.added":
        return [f"package:{p['id']}" for p in data.get("packages", [])]
    if kind == "device.added":
        return [f"device:{data['device']['serial']}"]
    return []


# What a person has to do, and nothing else does: RELIABILITY.md section 5.
FOR_A_PERSON = {"dead", "doubt", "guard", "implausible"}
TOUCH_ALL = {"existence", "all"}


def place_of(text):
    """"4-1812" or "4-1812.1", comparable."""
    partition, _, rest = text.partition("-")
    offset, _, sub = rest.partition(".")
    return (int(partition), int(offset), int(sub or 0)) if partition.isdigit() and offset.isdigit() else None


def share(one, other):
    """Whether the later entry waits for the earlier: worker/contract/entry.h at entry_axes_share()."""
    a, b = (set(filter(None, (entry.get("axes") or "").split("\x1f"))) for entry in (one, other))
    return bool(a & TOUCH_ALL or b & TOUCH_ALL or a & b)


def for_a_person(entries):
    """The keys of those that only a person, or a newer event, ends: dead, doubtful or held ones, and what an axis keeps
    behind one of these. All others the clock or their lane must release."""
    found, by_service = set(), {}
    for key, entry in entries.items():
        service, _, where = key.rpartition("/")
        by_service.setdefault(service, []).append((place_of(where) or (-1, -1, 0), key, entry))
    for rows in by_service.values():
        held = []
        for place, key, entry in sorted(rows, key=lambda row: row[:2]):
            behind = place_of(entry.get("behind", ""))
            if entry.get("state") in ("dead", "doubt") or entry.get("reason") in FOR_A_PERSON or any(
                    share(entry, other) for _, other in held) or behind in [p for p, _ in held]:
                held.append((place, entry))
                found.add(key)
    return found


class Event:
    """One event by its key and content, wherever and however often it stands in the topic."""

    def __init__(self, event, first, is_conflict):
        self.event, self.key, self.places, self.is_conflict = event, key_of(event), [], is_conflict
        self.kind = event["type"].removeprefix("tvbridge.")
        self.first = first
        self.order = order_of(event, first[1])
        self.finals = {}    # round -> {outcome id: data}
        self.letters = []
        self.entries = []
        self.effects = {}   # request -> journal lines that took effect
        self.tries = 0      # lines of the journal in all

    def __str__(self):
        return f"{self.key[0]} {self.key[2]} ({self.kind} at {'-'.join(map(str, self.first))})"

    def last(self):
        """The final outcomes of the highest round."""
        return list(self.finals[max(self.finals)].values()) if self.finals else []


def line_text(line):
    return json.dumps({k: v for k, v in line.items() if k != "t"}, separators=(",", ":"))


class Judge:
    def __init__(self, history):
        self.h, self.v = history, Verdict()
        self.by_place, self.by_key, self.unreadable = {}, {}, []
        self.read_inputs()
        self.read_outcomes()
        self.read_letters_and_entries()
        self.read_journal()

    # ---- reading ----

    def read_inputs(self):
        contents = {}
        for partition, offset, event in sorted(self.h.inputs, key=lambda i: i[:2]):
            place = (partition, offset)
            if event is None:
                self.unreadable.append(place)
                continue
            variants = contents.setdefault(key_of(event), {})
            content = content_of(event)
            if content not in variants:
                variants[content] = Event(event, place, bool(variants))
            variants[content].places.append(place)
            self.by_place[place] = variants[content]
        self.by_key = {key: list(variants.values()) for key, variants in contents.items()}
        self.events = [e for variants in self.by_key.values() for e in variants]
        self.v.events = len(self.events) + len(self.unreadable)

    def read_outcomes(self):
        for partition, offset, value in self.h.outcomes:
            data = value["data"]
            place = (data["place"]["partition"], data["place"]["offset"])
            e = self.by_place.get(place)
            if e is None or e.key != (value["subject"], data["event"]["source"], data["event"]["id"]):
                self.v.add("contradictory", f"an outcome for no event: {data['event']['id']} at {place}")
                continue
            if partition != place[0]:
                self.v.add("contradictory", f"{e}: its outcome stands in partition {partition}")
            if data["final"]:
                self.v.count("outcomes")
                e.finals.setdefault(data.get("round", 1), {}).setdefault(value["id"], data)
            else:
                self.v.count("notices")

    def read_letters_and_entries(self):
        self.letter_places = {}
        for letter in self.h.dead:
            place = (letter["partition"], letter["offset"])
            self.letter_places[place] = letter["reason"]
            if place in self.by_place:
                self.by_place[place].letters.append(letter["reason"])
        self.kept_waiting = for_a_person(self.h.waiting)
        for key, entry in self.h.waiting.items():
            service, _, where = key.rpartition("/")
            partition, _, offset = where.partition("-")
            e = self.by_place.get((int(partition), int(offset))) if offset.isdigit() else None
            if e is None or e.key[0] != service:
                self.v.add("contradictory", f"a waiting entry for no event: {key}")
                continue
            e.entries.append((key, entry))

    def read_journal(self):
        originals = {}
        for variants in self.by_key.values():
            for e in variants:
                originals.setdefault((e.key[0], e.key[2]), []).append(e)
        self.done = []  # (line, event) of all that took effect
        for line in self.h.effects:
            self.v.count("calls")
            found = [e for e in originals.get((line["service"], line["id"]), ()) if self.fits(e, line)]
            if not found:
                self.v.add("contradictory", f"a request that no event asks for: {line_text(line)}")
                continue
            e = found[0]
            e.tries += 1
            if e.is_conflict:
                self.v.add("contradictory", f"{e}: a conflict reached the platform: {line_text(line)}")
            if line.get("done"):
                e.effects.setdefault(line["op"], []).append(line)
                self.done.append((line, e))

    @staticmethod
    def fits(e, line):
        return line["op"] in REQUESTS.get(e.kind, ()) and line.get("order") == e.event.get("sequence")

    # ---- judging ----

    def judge(self):
        for e in self.events:
            self.judge_end(e)
            self.judge_effects(e)
        for place in self.unreadable:
            if place not in self.letter_places:
                self.missing(place, f"what stands at {place}: no dead letter")
            else:
                self.v.count("letters of unreadable")
        self.judge_order_of_effects()
        self.judge_order_of_outcomes()
        self.judge_records()
        self.judge_snapshots()
        return self.v

    def missing(self, place, text):
        """Without an end: lost once its offset is committed, else only not done yet."""
        committed = self.h.commits.get(place[0], -1)
        if committed > place[1]:
            self.v.add("lost", f"{text}; the commit stands at {committed}")
        else:
            self.v.add("unfinished", text)

    def judge_end(self, e):
        for number, finals in e.finals.items():
            if len(finals) > 1:
                kinds = sorted(d["kind"] for d in finals.values())
                self.v.add("contradictory", f"{e}: outcomes {' and '.join(kinds)} in round {number}")
        finals = e.last()
        for key, entry in e.entries:
            self.judge_entry(e, key, entry, finals)
        if not finals:
            if not e.letters and not e.entries:
                self.missing(e.places[0], f"{e}: no outcome, no dead letter, no waiting entry")
            elif e.letters and not e.entries:
                self.v.count("letters without an outcome")
            return
        for data in finals:
            self.judge_final(e, data)

    def judge_entry(self, e, key, entry, finals):
        why = entry.get("reason") or entry.get("waits_for")
        if finals and finals[0]["kind"] != "dead":
            self.v.add("contradictory", f"{e}: it is {finals[0]['kind']} and waits, too ({why})")
        elif not why:
            self.v.add("unexplained", f"{e}: waits, and nothing says for what: {json.dumps(entry)[:200]}")
        else:
            self.v.waiting[why] = self.v.waiting.get(why, 0) + 1
            if key not in self.kept_waiting:
                self.v.add("unfinished", f"{e}: waits for what comes by itself ({why}), and it has not come back")
        if entry.get("state") == "doubt" and why == "doubt":
            self.v.count("doubts for a person")
            if e.tries == 0:
                self.v.count("for a person though never sent")

    def judge_final(self, e, data):
        kind = data["kind"]
        self.v.count(kind)
        if kind in WITH_LETTER and not e.letters:
            self.missing(e.places[0], f"{e}: {kind}, and no dead letter keeps it")
        if kind == "conflict" and not e.is_conflict:
            self.v.add("contradictory", f"{e}: conflict, but it is the first of its key")
        if kind in ("applied", "unchanged") and e.is_conflict:
            self.v.add("contradictory", f"{e}: {kind}, though its key came before with other content")
        undone = [op for op in REQUESTS.get(e.kind, ()) if op not in e.effects]
        if kind in ("applied", "unchanged") and undone:
            self.v.add("lost", f"{e}: {kind}, but {' and '.join(undone)} never took effect")
        if kind in NOT_APPLIED and e.effects and not (kind == "superseded" and self.was_passed(e, data)):
            first = next(iter(e.effects.values()))[0]
            self.v.add("contradictory", f"{e}: {kind}, but it took effect: {line_text(first)}")
        if kind == "dead":
            self.judge_dead(e, data)

    def was_passed(self, e, data):
        """RELIABILITY.md section 1: after its quarantine a doubt may be superseded instead of being resolved. All that came of it
        came before the newer one took effect."""
        last = max(line["n"] for lines in e.effects.values() for line in lines)
        newer = [x for x in self.events if x.key[0] == e.key[0] and x.key[2] == data.get("by")]
        return any(line["n"] > last for x in newer for lines in x.effects.values() for line in lines)

    def judge_dead(self, e, data):
        reason = data.get("reason", "")
        self.v.count(f"dead {reason}")
        if reason == "in_doubt":
            self.v.add("contradictory", f"{e}: a doubt waits for a person, it is no end")
        if e.effects and not set(REQUESTS.get(e.kind, ())) - set(e.effects):
            first = next(iter(e.effects.values()))[0]
            self.v.add("contradictory", f"{e}: dead ({reason}), but it took effect: {line_text(first)}")

    def judge_effects(self, e):
        for op, lines in e.effects.items():
            if len(lines) < 2:
                continue
            if CLASS[op] == "safe":
                self.v.count("safe repeats", len(lines) - 1)
            else:
                self.v.add("doubled", f"{e}: {op} ({CLASS[op]}) took effect {len(lines)} times: " +
                           " ".join(map(line_text, lines)))

    def judge_order_of_effects(self):
        newest = {}  # (service, axis) -> (order, event)
        for line, e in self.done:
            for axis in axes_of(e.event):
                at = (e.key[0], axis)
                order, other = newest.get(at, ((-1, 0), None))
                if e.order >= order:
                    newest[at] = (e.order, e)
                    continue
                came_first = e.first[1] < other.first[1]
                self.v.add("overtaken" if came_first else "stale",
                           f"{e}: took effect after {other} on {axis}: {line_text(line)}")

    def judge_order_of_outcomes(self):
        newest, seen = {}, set()
        for _, _, value in self.h.outcomes:
            data = value["data"]
            e = self.by_place.get((data["place"]["partition"], data["place"]["offset"]))
            if e is None or data["kind"] not in ("applied", "unchanged") or value["id"] in seen:
                continue
            seen.add(value["id"])
            for axis in axes_of(e.event):
                at = (e.key[0], axis)
                order, other = max(newest.get(at, ((-1, 0), None)), newest.get((e.key[0], "all"), ((-1, 0), None)),
                                   key=lambda seen: seen[0])
                if e.order >= order:
                    newest[at] = (e.order, e)
                else:
                    self.v.add("stale", f"{e}: {data['kind']} after {other} was on {axis}")
        self.newest = newest

    def judge_records(self):
        """The newest record says what the newest applied outcome of each axis says."""
        for (service, axis), (order, e) in self.newest.items():
            record = self.h.records.get(service)
            known = ((record or {}).get("axes") or {}).get(axis)
            if known is None:
                self.v.add("contradictory", f"{e}: applied, but the record knows nothing of {axis}")
                continue
            number, above = map(int, known["order"].split("-")[1:])
            if (number, above) != order:
                self.v.add("contradictory", f"{e}: the newest applied on {axis}, but the record stands at {known['order']}")

    def judge_snapshots(self):
        """What an applied snapshot says that it made stands in the input topic; and in the end all is as the newest one says."""
        newest = {}
        for e in self.events:
            if e.kind == "service.snapshot" and (e.key[0] not in newest or e.order > newest[e.key[0]].order):
                newest[e.key[0]] = e
        for service, e in newest.items():
            plan = (self.h.records.get(service) or {}).get("plan")
            if not any(x.entries for x in self.events if x.key[0] == service) and plan != e.event["data"]["plan"]:
                self.v.add("lost", f"{e}: in the end its plan is {plan}")
        for e in self.events:
            for data in e.last():
                if e.kind != "service.snapshot" or data["kind"] not in ("applied", "unchanged"):
                    continue
                for made in data.get("given", {}).get("changes", ()):
                    self.v.count("changes of snapshots")
                    if (*e.key[:2], made["id"]) not in self.by_key:
                        self.v.add("lost", f"{e}: it says that it made {made['id']}, which is not there")


def judge(history):
    return Judge(history).judge()
