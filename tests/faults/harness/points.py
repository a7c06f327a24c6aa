"""The crash points: calls of crash_point() in worker/, after the rows of RELIABILITY.md section 10.

name -> (what the crash leaves behind, feature without which the point is not in the code, repeat classes that reach it)"""
ALL = ("safe", "keyed", "query", "never")
POINTS = {
    "polled": ("an event in memory", None, ALL),
    "ceiling_raised": ("a ceiling, and nothing sent below it", "ceiling", ALL),
    "claimed": ("SENT in Redis, nothing sent", None, ALL),
    "checking": ("the same, just before the last check", None, ALL),
    "sending": ("the same, just after the last check", None, ALL),
    "answered": ("an effect, its answer read", None, ALL),
    "stepped": ("the first of two steps noted", None, ("steps",)),
    "kept": ("what the next request destroys, remembered", "remembering", ("steps",)),
    "part_sent": ("an event of a snapshot in Kafka, others not", None, ("snapshot",)),
    "parts_sent": ("all events of a snapshot, that not decided", None, ("snapshot",)),
    "decided": ("DECIDED in Redis, nothing published", None, (*ALL, "snapshot")),
    "produced": ("outcome and record on their way", None, ALL),
    "acknowledged": ("outcome and record in Kafka, the offset open", None, ALL),
    "committing": ("a commit on its way", None, ALL),
    "committed": ("a commit", None, ALL),
    "set_aside": ("a waiting entry, its offset open", "waiting", ALL),
    "entry_sending": ("a waiting entry marked `sending`, nothing sent", "waiting", ALL),
    "entry_decided": ("the outcome of a waiting entry, no tombstone", "waiting tombstone", ALL),
    "superseding": ("the newer event's outcome, the older one not settled", "superseding", ("safe",)),
}
# The stand-in knows when bytes are on the wire and took effect: the worker is killed from outside then.
ON_WIRE = "on_wire"
