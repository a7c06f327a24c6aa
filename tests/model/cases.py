"""What tests/model/run searches: for each model the rules as they stand, then each rule taken away."""
import dataclasses

HOLDS = "holds"    # every run was looked at and none breaks an assertion or stops with something left to do
UNSEEN = "unseen"  # a rule is away and the model cannot tell, at this size: defence in depth

TWICE = "two effects of one key"
ORDER = "an older state over a newer one"
DISAGREE = "two final outcomes of one key disagree"
EARLY = "`superseded` though no newer one was applied"
OVERTAKEN = "an entry is overtaken on an axis"
UNTRUE = "`rejected`, and yet it was applied"
LOST = "settled, neither decided nor waiting"
STUCK = "an event is never settled"
FOREVER = "a run that goes on for ever"

# What pan prints of a violated assertion, and its words. The first that matches.
WORDS = [
    (r"invalid end state", STUCK),
    (r"non-progress cycle", FOREVER),
    (r"eff(\[.*?\])?<=1\)", TWICE),
    (r"last\[.*<=", ORDER),
    (r"!=3\)\|\|0", OVERTAKEN),
    (r"!=3\)\|\|", EARLY),
    (r"==0\)\|\|\(fin|pub\[.\]==out|==pub\[.\]\)", DISAGREE),
    (r"watermark<|fin!=0|out\[.*\]!=0\)$", LOST),
    (r"!=2\)\|\|", UNTRUE),
]


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    model: str
    switches: tuple
    want: str
    full: bool = False    # only with --full
    big: bool = False     # worth an optimized pan
    bits: int = 0         # bitstate search with 2^bits bits: not complete
    depth: int = 100000
    cycles: bool = False  # looks for runs that go on for ever instead


FAULTS = ("CRASH", "LOSS", "REB", "TMO", "REJ")


def switches(text):
    """`crash 2 loss`: these faults and no others; `GIVE=1`, `NEVER`: other switches as they are."""
    words, count, rest = text.split(), dict.fromkeys(FAULTS, 0), []
    for i, word in enumerate(words):
        if word.upper() in FAULTS and word.islower():
            count[word.upper()] = int(words[i + 1]) if i + 1 < len(words) and words[i + 1].isdigit() else 1
        elif not word.isdigit():
            rest.append(word)
    return tuple(f"-D{k}={v}" for k, v in count.items()) + tuple(f"-D{w}" for w in rest)


def holds(model, text, **more):
    name = "-".join(w.lower().replace("=1", "").replace("=", "") for w in text.split()) or "no-fault"
    return Case(f"{model}/holds/{name}", model, switches(text + (" ARRIVED" if model == "takeover" else "")), HOLDS, **more)


def removed(model, rule, text, want, **more):
    kind = "unseen" if want is UNSEEN else "removed"
    arrived = " ARRIVED" if model == "takeover" else ""
    return Case(f"{model}/{kind}/{rule}", model, switches(f"{text}{arrived} {rule}"), want, **more)


def of(model, *rows):
    return [removed(model, *row) for row in rows]


CASES = [
    # ---- one claim ----
    holds("claim", ""),
    holds("claim", "crash 2"),
    holds("claim", "loss 2 reb"),
    holds("claim", "reb 2 tmo rej"),
    holds("claim", "reb tmo rej NOTSENT=1 REPLY=2"),
    holds("claim", "crash reb REPLY=1 GIVE=1"),
    holds("claim", "loss reb GIVE=1 NOTSENT=1"),
    holds("claim", "crash loss reb tmo"),
    holds("claim", "crash loss reb KEYED"),
    holds("claim", "crash loss reb tmo rej REPLY=1 GIVE=1 NOTSENT=1", full=True, big=True),
    holds("claim", "crash loss reb 2 tmo rej", full=True, big=True),
    holds("claim", "crash 2 loss 2 reb tmo rej", full=True, big=True),
    *of("claim",
        ("NOCEIL", "reb loss", TWICE),
        ("CEILLATE", "reb loss", TWICE),
        ("TRUSTALL", "reb loss", TWICE),
        ("TAGEARLY", "reb 2 loss", TWICE),
        ("NOMARK", "reb", TWICE),
        ("SAMEOWNER", "reb 2 tmo", TWICE),
        ("FORGETSDOUBT", "reb loss", TWICE),
        ("RESEND", "tmo", TWICE),
        ("NOQ", "tmo", TWICE),
        ("NOREREAD", "reb loss tmo rej", DISAGREE),
        ("NOPROOF", "reb loss", TWICE),
        ("DECIDEUNFENCED", "reb loss tmo rej", UNTRUE),
        ("DEADATONCE", "crash loss reb", DISAGREE),
        ("RELEASEDOUBT", "tmo", TWICE),
        ("RELEASELATE", "crash GIVE=1", TWICE),
        ("RELEASEUNFENCED", "crash reb GIVE=1", TWICE),
        ("COMMITFIRST", "", LOST),
        ("PUBUNPROVEN", "reb rej loss", DISAGREE),
        ("NOWAIT", "reb loss rej", UNSEEN),
        ("OUTEARLY", "reb loss rej", UNSEEN),
        ("SHORTLEASE", "reb crash tmo", UNSEEN),
        ("COUNTERFENCE", "reb loss rej", UNSEEN),
        ("NOGEN", "reb loss rej", UNSEEN),
        ("NOOWED", "reb crash REPLY=1", UNSEEN)),
    # what no client can rule out: a pause between the last check and the first byte
    removed("claim", "PAUSE", "reb loss", TWICE),

    # ---- owner after owner, superseding ----
    holds("takeover", ""),
    holds("takeover", "crash"),
    holds("takeover", "loss"),
    holds("takeover", "reb rej"),
    holds("takeover", "reb tmo"),
    holds("takeover", "crash tmo rej"),
    holds("takeover", "loss reb", big=True),
    holds("takeover", "crash loss", big=True),
    holds("takeover", "crash reb GIVE=1", big=True),
    holds("takeover", "loss reb NEVER"),
    holds("takeover", "reb tmo SAFE"),
    holds("takeover", "reb tmo APART"),
    holds("takeover", "reb tmo SHARE"),
    holds("takeover", "reb NE=3 TRIO", big=True),
    holds("takeover", "reb NE=3 CHAIN", big=True),
    holds("takeover", "loss reb tmo rej", big=True),
    holds("takeover", "crash loss reb", big=True, full=True),
    holds("takeover", "crash loss reb tmo rej", big=True, full=True, depth=400000),
    holds("takeover", "crash loss reb tmo rej GIVE=1", big=True, full=True, bits=33, depth=400000),
    holds("takeover", "crash loss reb tmo rej NEVER", big=True, full=True, bits=33, depth=400000),
    holds("takeover", "crash loss reb tmo SAFE", big=True, full=True, bits=33, depth=400000),
    holds("takeover", "loss reb tmo rej NE=3 TRIO", big=True, full=True),
    holds("takeover", "loss reb tmo rej NE=3 CHAIN", big=True, full=True),
    *of("takeover",
        ("TRUSTALL", "reb loss", TWICE),
        ("TAGEARLY", "reb loss", TWICE),
        ("FIRSTONLY", "reb loss", ORDER),
        ("OUTEARLY", "reb loss", DISAGREE),
        ("NOUND", "reb loss", ORDER),
        ("UNDOLD", "reb loss", ORDER),
        ("RELEASEDOUBT", "reb tmo GIVE=1", TWICE),
        ("STALEWORD", "reb loss", DISAGREE),
        ("SUPEARLY", "rej", EARLY),
        ("NOCOVKEYS", "reb loss", DISAGREE),
        ("SUPANYHOW", "reb loss", DISAGREE),
        ("DOUBTPASS", "reb tmo", ORDER),
        ("NOSTALE", "reb loss", ORDER),
        ("NOACKWAIT", "reb loss", DISAGREE),
        ("PUBAPPLIED", "reb loss tmo", DISAGREE),
        ("PUBDECIDED", "reb rej loss", DISAGREE),
        ("NOQ", "tmo", TWICE),
        ("NOREREAD", "reb loss", DISAGREE),
        ("WAITLATER", "reb tmo NEVER", ORDER),
        ("SAFEEARLY", "tmo SAFE", ORDER),
        ("TAGUNMARKED", "crash 2 loss", TWICE),
        ("MARKUNFENCED", "crash reb loss", ORDER),
        ("RELEASEUNFENCED", "crash reb tmo GIVE=1", ORDER),
        ("UNDLOST", "reb loss tmo rej NE=3 CHAIN", ORDER),
        ("FIRSTPARKED", "reb loss tmo NEVER", UNSEEN),
        ("MARKBACK", "reb loss", UNSEEN),
        ("SAFENOW", "reb loss tmo SAFE", UNSEEN)),
    removed("takeover", "FACTLATE", "crash reb loss", DISAGREE, big=True),
    removed("takeover", "COVANY", "reb loss tmo rej NE=3 TRIO", ORDER, big=True),
    # events that come while owners change
    Case("takeover/holds/late-loss-reb", "takeover", switches("loss reb"), HOLDS),
    Case("takeover/removed/ENDEARLY", "takeover", switches("loss reb ENDEARLY"), TWICE),
    removed("takeover", "CANARY", "reb loss", TWICE, big=True, full=True),
    Case("takeover/holds/ends-crash-loss", "takeover", switches("crash loss ARRIVED"), HOLDS, full=True, big=True, cycles=True),

    # ---- events that are set aside ----
    holds("waiting", ""),
    holds("waiting", "crash"),
    holds("waiting", "loss"),
    holds("waiting", "tmo rej"),
    holds("waiting", "tmo NEVER COVER"),
    holds("waiting", "reb"),
    holds("waiting", "reb APART"),
    holds("waiting", "reb COVER"),
    holds("waiting", "reb rej FORGET=1", big=True, full=True),
    holds("waiting", "crash NOTSENT=1"),
    holds("waiting", "loss reb", big=True),
    holds("waiting", "loss reb COVER", big=True, full=True),
    holds("waiting", "reb tmo NEVER COVER", big=True, full=True),
    holds("waiting", "loss reb rej FORGET=1", big=True, full=True),
    holds("waiting", "crash loss tmo NEVER COVER", big=True, full=True),
    holds("waiting", "crash reb", big=True, full=True),
    holds("waiting", "crash reb FORGET=1", big=True, full=True),
    holds("waiting", "crash reb NOTSENT=1", big=True, full=True),
    holds("waiting", "crash loss reb tmo rej", big=True, full=True, bits=33, depth=400000),
    holds("waiting", "loss reb tmo rej COVER NEVER", big=True, full=True, bits=33, depth=400000),
    *of("waiting",
        ("NOSENDING", "reb loss", TWICE),
        ("SENDINGNOACK", "reb loss", TWICE),
        ("ENTRYUNMARKED", "reb loss", TWICE),
        ("UNSENTDOUBT", "tmo", TWICE),
        ("TOMBEARLY", "crash", LOST),
        ("SETTLEEARLY", "crash", LOST),
        ("NOHOLD", "", OVERTAKEN),
        ("SUPEARLY", "rej COVER", EARLY),
        ("WAITLATER", "tmo NEVER COVER", ORDER),
        ("ASIDESOON", "reb loss", TWICE),
        ("PRESUMEHELD", "loss", OVERTAKEN),
        ("NOVOID", "reb rej FORGET=1", UNSEEN),
        ("SUPSENT", "reb tmo COVER NEVER", ORDER),
        ("FORGETSENT", "reb tmo FORGET=1", TWICE),
        ("FORGETLIVE", "reb tmo NEVER FORGET=1", TWICE),
        ("WAITFIRST", "reb tmo", TWICE),
        ("NOREAD", "reb FORGET=1", UNSEEN)),
    *[removed("waiting", rule, text, UNSEEN, big=True, full=True) for rule, text in (
        ("NOQ", "crash loss reb"),
        ("ALLDOUBT", "loss reb COVER"), ("NOCOVKEYS", "loss reb COVER"), ("ASIDEUNCLAIMED", "loss reb"),
        ("VOIDANY", "crash reb"))],
    removed("waiting", "LASTWINS", "crash reb", LOST, big=True),
    removed("waiting", "REREADONLY", "crash loss tmo NEVER COVER", ORDER, big=True),
    removed("waiting", "FOUNDSETTLES", "crash reb NOTSENT=1", LOST, big=True, full=True),
    removed("waiting", "NOAGAIN", "crash reb FORGET=1", UNSEEN, big=True, full=True),
]
