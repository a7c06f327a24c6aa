"""The cases that every pack must pass; each is a function of a fresh platform, with its title as docstring."""

import json
import os
import re
import subprocess

from suite import golden, story
from suite.life import Life, born
from suite.place import ROOT, TVBRIDGE, Wrong, same

DONE = ("applied", "unchanged")
FAULTS = {
    "status": {"status": 500},
    "status, though done": {"action": "status", "status": 500, "effect": True},
    "retry_after": {"after": 1},
    "unauthorized": {},
    "cut_before": {},
    "cut_after": {},
    "garbage": {},
    "not_json": {},
    "empty_body": {},
    "partial_body": {},
    "cut_header": {},
}
QUESTIONS = ("read", "list", "accounts", "catalog", "probe", "authenticate")
COMPULSORY_QUESTIONS = ("read", "list", "probe")
COMPULSORY = ("service.created", "service.deleted", "contract.blocked", "contract.unblocked", "package.added",
              "package.removed")


def part(value, keys):
    return {k: value.get(k) for k in keys}


def packages(*ids):
    return {"packages": [{"id": i} for i in ids]}


def made(place, since=()):
    """How often something was made."""
    return len([e for e in place.effects(since) if e["effect"] in place.profile.CREATES])


# ---- what the profile itself must be -------------------------------------------------------------------------------------


def is_whole(place):
    """has what every pack must have, and the story uses every event type"""
    p = place.profile
    missing = [w for w in COMPULSORY + (() if p.ASKS else COMPULSORY_QUESTIONS) if w not in p.workflows]
    same("workflows that there must be", missing, [])
    same("refusal of packages where the profile has none", p.PACKAGE is None, "package.added" in p.REFUSES)
    told = {workflow for workflow, _, _ in story.steps_of(p)} | set(p.REFUSES) | set(QUESTIONS) | set(story.ASKED)
    same("event types that neither the story nor REFUSES has", sorted(set(p.workflows) - told), [])


def readme_links_billing(place):
    """its README links the page of each billing that names it"""
    folder = os.path.join(ROOT, "schemas", "billing")
    for name in sorted(f[:-len(".yaml")] for f in os.listdir(folder) if f.endswith(".yaml")):
        with open(os.path.join(folder, name + ".yaml"), encoding="utf-8") as f:
            packs = re.search(r"^packs: \[(.*)\]$", f.read(), re.M)[1].split(", ")
        if place.profile.pack in packs and "](../../billing/%s.md)" % name not in place.profile.readme():
            raise Wrong("the README has no link to schemas/billing/%s.md" % name)


def data_fits_the_schemas(place):
    """the profile's data fits the event schemas"""
    p = place.profile
    rows = [(w, d) for w, d, _ in story.steps_of(p) if w] + [(w, d) for _, w, d, *_ in p.ERRORS] + [("service.created", p.CREATE)]
    events = [{"specversion": "1.0", "id": str(i), "source": "/conformance", "type": "tvbridge." + w, "subject": p.SERVICE,
               "provider": p.pack, "data": d} for i, (w, d) in enumerate(rows) if w not in QUESTIONS]
    done = subprocess.run([TVBRIDGE, "publish", "--dry-run", "--brokers", "localhost:1", "--file", "-"], text=True,
                          input="".join(json.dumps(e) + "\n" for e in events), capture_output=True, check=False)
    same("publish --dry-run", (done.returncode, done.stderr if done.returncode else ""), (0, ""))


# ---- create, delete ------------------------------------------------------------------------------------------------------


def create(place):
    """create"""
    life = Life(place)
    life.create().ends("applied")
    same("account", part(life.account(), place.profile.EXPECT), place.profile.EXPECT)
    if made(place) < 1:
        raise Wrong("the journal has no effect that makes something; CREATES says %s" % (place.profile.CREATES,))


def create_again(place):
    """create again, as if nothing were known of it"""
    life = Life(place)
    life.create()
    before, times = life.account(), made(place)
    life.record = {}
    again = life.create(number=1)
    if place.profile.FORGOTTEN is None:
        again.ends(*DONE)
    else:
        again.ends("rejected", reason=place.profile.FORGOTTEN)
    same("account", life.account(), before)
    same("things made", made(place), times)


def create_again_known(place):
    """create again, with its record"""
    life = Life(place)
    life.create()
    before, times = life.account(), made(place)
    life.create().ends(*DONE)
    same("account", life.account(), before)
    same("things made", made(place), times)


def create_after_lost_answer(n, crash):
    def case(place):
        life = Life(place)
        life.create()
        want, record, times = life.account(), life.record, made(place)
        place.reset()
        life = Life(place)
        play = life.create(lose=n, crash=crash)
        same("an answer was lost", play["lost"], True)
        same("things made", made(place), times)
        if play.kind() == "in doubt":
            same("class of the request in doubt", play.changing()[-1]["repeat"], "never")
            return
        play.ends("applied")
        same("account", life.account(), want)
        same("record", life.record, record)
    case.__doc__ = "create after a lost answer: request %d%s" % (n, ", then a crash" if crash else "")
    return case


def delete_twice(place):
    """delete twice"""
    life = born(place)
    life.send("service.deleted", {}).ends(*DONE)
    same("account", part(life.account(), place.profile.DELETED), place.profile.DELETED)
    since = place.now()
    life.send("service.deleted", {}).ends(*DONE)
    same("account", part(life.account(), place.profile.DELETED), place.profile.DELETED)
    same("effects", place.effects(since), [])


def delete_what_never_was(place):
    """delete what never was"""
    kinds = ("unchanged", "rejected", *(("applied",) if place.profile.ASKS else ()))  # nobody can say that it never was
    Life(place).send("service.deleted", {}).ends(*kinds)
    same("effects", place.effects(), [])


def create_after_delete(place):
    """create after delete"""
    life = born(place)
    life.send("service.deleted", {})
    life.create().ends("applied")
    same("account", part(life.account(), place.profile.EXPECT), place.profile.EXPECT)


# ---- block ---------------------------------------------------------------------------------------------------------------


def block_twice(place):
    """block twice, unblock: as it was"""
    p, life = place.profile, born(place)
    before = life.account()
    for _ in range(2):
        life.send("contract.blocked", p.BLOCK).ends(*DONE)
        same("account", part(life.account(), p.BLOCKED), p.BLOCKED)
    for _ in range(2):
        life.send("contract.unblocked", p.UNBLOCK).ends(*DONE)
        same("account after unblocking", life.account(), before)


def unblock_without_block(place):
    """unblock without block"""
    life = born(place)
    before = life.account()
    life.send("contract.unblocked", place.profile.UNBLOCK).ends(*DONE)
    same("account", life.account(), before)


def block_remembers_over_packages(place):
    """packages changed while blocked are so after unblocking"""
    p, life = place.profile, born(place)
    life.send("contract.blocked", p.BLOCK).ends("applied")
    life.send("package.added", packages(p.PACKAGE)).ends(*DONE)
    same("account while blocked", part(life.account(), p.BLOCKED), p.BLOCKED)
    life.send("contract.unblocked", p.UNBLOCK).ends("applied")
    same("packages", life.account()["packages"], sorted(p.EXPECT.get("packages", []) + [p.PACKAGE]))


def held_until_first_access(place):
    """status events are held until first access, and then applied"""
    p, life = place.profile, Life(place)
    life.create().ends("applied")
    before = life.account()
    life.send("contract.blocked", p.BLOCK, number=2).ends("held")
    same("account", life.account(), before)
    p.first_access(place.control)
    life.send("contract.blocked", p.BLOCK, number=2).ends("applied")
    same("account", part(life.account(), p.BLOCKED), p.BLOCKED)


# ---- packages, plans -----------------------------------------------------------------------------------------------------


def package_twice(place):
    """a package added twice, removed twice"""
    p, life = place.profile, born(place)
    before = life.account()["packages"]
    for _ in range(2):
        life.send("package.added", packages(p.PACKAGE)).ends(*DONE)
        same("packages", life.account()["packages"], sorted(before + [p.PACKAGE]))
    for _ in range(2):
        life.send("package.removed", packages(p.PACKAGE)).ends(*DONE)
        same("packages", life.account()["packages"], before)


def package_replaces(place):
    """a package takes the plan's place, twice"""
    p, life = place.profile, born(place)
    before = life.account()
    for _ in range(2):
        life.send("package.added", packages(p.PACKAGE)).ends(*DONE)
        same("account", life.account(), {**before, "plan": p.PACKAGE})
    same("record's plan", life.record.get("plan"), p.PACKAGE)


def unknown_package(place):
    """an unknown package"""
    p, life = place.profile, born(place)
    before, since = life.account(), place.now()
    life.send("package.added", packages(p.UNKNOWN_PACKAGE)).ends("rejected")
    same("account", life.account(), before)
    same("effects", place.effects(since), [])


def another_plan(place):
    """another plan"""
    life = born(place)
    for _ in range(2):
        life.send("plan.changed", {"plan": place.profile.PLAN}).ends(*DONE)
        same("plan", life.account()["plan"], place.profile.PLAN)


# ---- questions -----------------------------------------------------------------------------------------------------------


def reads_back(place):
    """read back equals what was asked"""
    p, life = place.profile, born(place)
    if p.PACKAGE is not None:
        life.send("package.added", packages(p.PACKAGE)).ends(*DONE)
    read = life.send("read", {}).ends("applied")["outputs"]
    account = life.account()
    same("status", read.get("status"), account["status"])
    same("packages", sorted(read.get("packages", {})), account["packages"])
    if p.EXPECT.get("plan") is not None:
        same("plan", read.get("plan"), account["plan"])
    same("record's packages", sorted(life.record.get("packages", {})), account["packages"])


def reads_what_never_was(place):
    """what never was reads as terminated"""
    read = Life(place).send("read", {}).ends("applied")["outputs"]
    same("status", read.get("status"), "terminated")


def lists(place):
    """list: none, one, none; and no names"""
    life = Life(place)
    same("accounts before", life.send("list", {}).ends("applied")["outputs"]["accounts"], [])
    life = born(place)
    accounts = Life(place).send("list", {}).ends("applied")["outputs"]["accounts"]
    same("number of accounts", len(accounts), 1)
    same("status", accounts[0].get("status"), life.account()["status"])
    named = {str(v) for v in accounts[0].values() if isinstance(v, (str, int))}
    known = {place.profile.SERVICE, life.record.get("login"), *life.record.get("ids", {}).values()}
    if not named & {str(v) for v in known if v}:
        raise Wrong("nothing in %s is known of the service: %s" % (accounts[0], sorted(map(str, known))))
    name = place.profile.CREATE.get("subscriber", {}).get("name")
    if name and name in json.dumps(accounts, ensure_ascii=False):
        raise Wrong("list gives a name away")
    life.send("service.deleted", {}).ends(*DONE)
    left = Life(place).send("list", {}).ends("applied")["outputs"]["accounts"]
    same("active accounts after deleting", [a for a in left if a.get("status") != "terminated"], [])


def catalog(place):
    """the catalog has the package and the plans"""
    p = place.profile
    out = Life(place).send("catalog", {}).ends("applied")["outputs"]
    ids = {str(item.get("id")) for item in out.get("packages", [])}
    if p.PACKAGE is not None and p.PACKAGE not in ids:
        raise Wrong("the package %s is not among %s" % (p.PACKAGE, sorted(ids)))
    if p.PLAN is not None and p.PLAN not in {str(item.get("id")) for item in out.get("plans", [])}:
        raise Wrong("the plan %s is not in the catalog" % p.PLAN)


def answers_requests(workflow):
    def case(place):
        data = {"what": ["plans", "packages"]} if workflow == "catalog.requested" else {}
        born(place)
        asked = Life(place, "provider:" + place.profile.pack).send(workflow, data).ends("applied")["outputs"]
        if not any(isinstance(v, list) and v for v in asked.values()):
            raise Wrong("an empty answer: %s" % asked)
    case.__doc__ = "answers " + workflow
    return case


def probe(place):
    """probe"""
    Life(place).send("probe", {}).ends("applied")
    same("effects", place.effects(), [])


# ---- refusals ------------------------------------------------------------------------------------------------------------


def bad_credentials(place):
    """bad credentials change nothing, and are told from a bad account"""
    p, life = place.profile, Life(place)
    for workflow, data in (("probe", {}), ("service.created", p.CREATE), ("read", {})):
        life.send(workflow, data, credentials=place.wrong).ends("credentials refused")
    same("effects", place.effects(), [])
    place.reset()
    life = born(place)
    before, since = (life.account(), life.record), place.now()
    for workflow, data in (("contract.blocked", p.BLOCK), ("package.added", packages(p.PACKAGE))):
        if workflow not in p.REFUSES:
            life.send(workflow, data, credentials=place.wrong).ends("credentials refused")
            same("account and record after " + workflow, (life.account(), life.record), before)
    same("effects", place.effects(since), [])


def refuses(workflow, reason, data):
    def case(place):
        life = born(place)
        before, since = life.account(), place.now()
        life.send(workflow, data).ends("rejected", reason=reason)
        same("account", life.account(), before)
        same("effects", place.effects(since), [])
    case.__doc__ = "%s is refused in words" % workflow
    return case


def error_answer(row):
    title, workflow, data, trouble, kind, reason, *settings = row

    def case(place):
        life = Life(place) if workflow == "service.created" or workflow in QUESTIONS else born(place)
        if isinstance(trouble, list):
            for before in trouble:
                life.send(*before).ends(*DONE)
        elif callable(trouble):
            trouble(place)
        elif trouble:
            place.faults(trouble)
        since = place.now()
        life.send(workflow, data, settings={**place.profile.SETTINGS, **settings[0]} if settings else None).ends(kind, reason=reason)
        if kind == "rejected":
            same("effects", place.effects(since), [])
    case.__doc__ = "error answer: %s: %s" % (workflow, title)
    return case


# ---- faults on the wire --------------------------------------------------------------------------------------------------


def _path(call, place):
    return "^" + re.escape(call["url"][len(place.program.url):]) + "$"


def _rule(play, n, place, name):
    """Hits the @n-th changing request of @play when it is made again."""
    calls = [c for c in play["calls"] if "url" in c]
    call = play.changing()[n]
    like = [c for c in calls if (c["method"], c["url"]) == (call["method"], call["url"])]
    rule = {"action": name, "skip": like.index(call), "match": {"method": call["method"], "path": _path(call, place)}}
    return {**rule, **FAULTS[name]}


def fault_in(workflow, data, n, name):
    def start(place):
        return Life(place) if workflow == "service.created" else born(place)

    def case(place):
        life = start(place)
        play = life.send(workflow, data).ends("applied")
        want, record, times = life.account(), life.record, made(place)
        place.reset()
        life = start(place)
        place.faults(_rule(play, n, place, name))
        again = life.send(workflow, data)
        same("faults that hit", [rule["used"] for rule in place.control("GET", "faults")], [1])
        if again.kind() == "in doubt":
            same("class of the request in doubt", again.changing()[-1]["repeat"], "never")
            if made(place) > times:
                raise Wrong("made %d times" % made(place))
            return
        again.ends(*DONE)
        same("account", life.account(), want)
        same("record", life.record, record)
        same("things made", made(place), times)
    case.__doc__ = "%s: request %d meets %s" % (workflow, n + 1, name)
    return case


# ---- all of them ---------------------------------------------------------------------------------------------------------


CALLING = (probe, bad_credentials, lists, reads_back, reads_what_never_was)


def left_out(profile):
    """(title, why) of what every other pack is asked, and this one cannot be."""
    if profile.ASKS:
        yield from ((case.__doc__, "nothing is called") for case in CALLING)
        yield "lost answers, crashes, faults on the wire", "nothing is called"
    if profile.UNKNOWN_PACKAGE is None:
        yield unknown_package.__doc__, "any is taken: nothing says which there are"


def standard(profile):
    """Cases that need no look at the pack's requests."""
    yield from (is_whole, readme_links_billing, data_fits_the_schemas, create, create_again, create_again_known, delete_twice,
                delete_what_never_was, create_after_delete)
    if not profile.ASKS:
        yield from (case for case in CALLING if case != lists or "list" not in profile.REFUSES)
    if not {"contract.blocked", "contract.unblocked"} & set(profile.REFUSES):
        yield from (block_twice, unblock_without_block)
        if profile.PACKAGE is not None and not profile.REPLACES:
            yield block_remembers_over_packages
    if profile.HELD:
        yield held_until_first_access
    if profile.PACKAGE is not None:
        yield package_replaces if profile.REPLACES else package_twice
        yield from () if profile.UNKNOWN_PACKAGE is None else (unknown_package,)
    if profile.PLAN is not None:
        yield another_plan
    if "catalog" in profile.types:
        yield catalog
    yield from (answers_requests(w) for w in ("catalog.requested", "accounts.requested") if w in profile.types)
    yield from (refuses(workflow, *row) for workflow, row in profile.refused.items())
    yield from (error_answer(row) for row in profile.ERRORS)


def of_requests(profile, creating, adding):
    """Cases for each changing request of a creation, and of a package's adding (None: there is none)."""
    for n in range(len(creating.changing())):
        yield create_after_lost_answer(n + 1, False)
        yield create_after_lost_answer(n + 1, True)
    names = profile.FAULTS if profile.FAULTS is not None else FAULTS
    for workflow, data, play in (("service.created", profile.CREATE, creating), ("package.added", packages(profile.PACKAGE), adding)):
        for n in range(len(play.changing()) if play is not None else 0):
            yield from (fault_in(workflow, data, n, name) for name in names)


def of_story(profile, told):
    """The life again with every fault."""
    def crashes(place):
        """the story with a crash after each answer"""
        story.live_again(place, told, crash=True)

    def loses(n, crash):
        def case(place):
            same("an answer was lost", story.live_again(place, told, lose=n, crash=crash), True)
        case.__doc__ = "the story with answer %d to a change lost%s" % (n, ", and crashes" if crash else "")
        return case

    if not profile.ASKS:
        yield crashes
    for n in range(1, told.most_changing() + 1):
        yield loses(n, False)
        yield loses(n, True)


def of_golden(profile, texts):
    """The requests of each of the pack's workflows are as they were kept."""
    def all_kept(_):
        """golden requests: every workflow has some"""
        same("workflows without", sorted(set(profile.workflows) - set(texts) - {"authenticate"}), [])
        same("without a file, or a file of none", sorted(set(golden.kept(profile.pack)) ^ set(texts)), [])

    yield all_kept
    yield from (_golden(profile, workflow, text) for workflow, text in texts.items())


def _golden(profile, workflow, text):
    def case(_):
        golden.compare(profile.pack, workflow, text)
    case.__doc__ = "golden requests: " + workflow
    return case
