"""The table of cases: name, how it is played, what of the engine it needs, whether it is in the default set.

A case whose feature is not in LANDED is skipped, unless `--all` is given: when a feature lands, add its word to LANDED.
"""
import dataclasses
import typing

from cases import input as inputs
from cases import kafka, mixture, provider, redis, workers
from harness import points

# Features of the engine that are there. The words: ownership (proof before each send), ceiling, takeover (outcomes read by
# a new owner), merge (Redis that forgot), waiting (the waiting topic), tombstone (only after the outcome), superseding,
# breaker (and the retry budget), late (the late packet of a safe request), sentinel, remembering (`x-record` with `before: next`).
LANDED = {"ownership", "ceiling", "takeover", "merge", "waiting", "breaker", "late", "tombstone", "sentinel", "remembering", "superseding"}


@dataclasses.dataclass
class Case:
    name: str
    play: typing.Callable
    needs: str = ""
    where: str = "beside"   # others; `broker`: one after the other, their Kafka dies; `alone`: before the others, it measures
    by_hand: bool = False   # only when it is named

    @property
    def missing(self):
        return [word for word in self.needs.split() if word not in LANDED]

    @property
    def about(self):
        return ((self.play.__doc__ or "").strip().splitlines() or [""])[0]


@dataclasses.dataclass
class Target:
    """What the ledger has to add up to. Its name is the note in which a case counts what it did."""
    wanted: int
    cases: tuple
    a_round: int  # how often a case does its thing in a round


TARGETS = {
    "kills": Target(1000, ("kill.random",), 10),
    "stops": Target(200, ("stop.random",), 10),
    "rebalances": Target(300, ("rebalance.storm",), 20),
    "redis_kills": Target(100, ("redis.kill",), 10),
    "forced_loss": Target(50, ("redis.fail_over_with_loss", "redis.fail_over_with_loss_and_kill", "redis.sentinel_with_loss"), 1),
    "broker_kills": Target(30, ("broker.kill",), 10),
    "mixed": Target(1, ("mixed",), 1),
}


def _about(play, text):
    play.__doc__ = text
    return play


def _crash_points():
    for point, (leaves, feature, classes) in points.POINTS.items():
        for what in classes:
            for loss in workers.LOSSES:
                needs = " ".join(filter(None, (feature, "" if loss == "intact" else "merge ceiling takeover")))
                yield Case(f"crash.{point}.{what}.{loss}", 
                           _about(workers.crash_at(point, what, loss), f"{leaves}; Redis {loss}"), needs)
    for what in ("safe", "keyed", "query", "never", "steps", "snapshot"):
        for loss in workers.LOSSES:
            yield Case(f"crash.{points.ON_WIRE}.{what}.{loss}",
                       _about(workers.crash_on_wire(what, loss), f"an effect, no answer read; Redis {loss}"),
                       "" if loss == "intact" else "merge ceiling takeover")


def _stops():
    for point in ("checking", "sending"):
        for what in points.ALL:
            yield Case(f"stop.{point}.{what}", _about(workers.stop_at(point, what), {
                "checking": "SIGSTOP before the last check, longer than the session timeout: nothing is sent then",
                "sending": "the same after it: keyed is immune, the others are the stated limit"}[point]), "ownership")


def _answers():
    for action in ("rst", "fin", "hang", "garbage", "cut_header", "partial_body", "wrong_reference", "trickle", "endless",
                   "html", "500_done"):
        yield Case(f"answer.{action}", _about(provider.answers(action), f"a tenth of the calls: done, then {action}"))
    yield Case("answer.late", _about(provider.answers("late", 0.1, classes=("safe",), each=12, late_ms=900),
                                     "hung up, and done a while later"), "late")


ALL = [
    Case("kill.random", workers.kill_at_random),
    Case("kill.slow_rate", workers.kills_slow_rate, where="alone"),
    Case("kill.crash_loop", workers.crash_loop),
    *_crash_points(),
    *_stops(),
    Case("stop.random", workers.stop_at_random, "ownership"),
    Case("stop.brief", workers.stop_briefly),
    Case("term.rolling", workers.rolling),
    Case("term.drain", workers.drain),
    Case("term.without_redis", workers.drain_without_redis),
    Case("term.hanging_calls", workers.drain_with_hanging_calls),
    Case("rebalance.storm", workers.storm),
    Case("redis.kill", redis.kill),
    Case("redis.cut", redis.cut),
    Case("redis.hole", redis.hole),
    Case("redis.hole_then_new", redis.hole_then_new),
    Case("redis.slow", redis.slow),
    Case("redis.read_only", redis.read_only),
    Case("redis.out_of_memory", redis.out_of_memory),
    Case("redis.fail_over", redis.fail_over),
    Case("redis.fail_over_with_loss", redis.fail_over_with_loss, "merge"),
    Case("redis.fail_over_with_loss_and_kill", redis.fail_over_with_loss_and_kill, "merge ceiling takeover"),
    Case("redis.sentinel", redis.sentinel, "sentinel"),
    Case("redis.sentinel_with_loss", redis.sentinel_with_loss, "sentinel merge ceiling takeover"),
    Case("redis.flush", redis.flush, "merge"),
    Case("redis.flush_and_kill", redis.flush_and_kill, "merge ceiling takeover"),
    Case("redis.emptied_and_duplicates", redis.emptied_and_duplicates, "merge"),
    Case("broker.restart", kafka.restart, where="broker"),
    Case("broker.kill", kafka.kill, where="broker"),
    Case("broker.frozen", kafka.frozen, where="broker"),
    Case("broker.kill_with_worker", kafka.kill_with_worker, where="broker"),
    Case("outcomes.refused", kafka.outcomes_refused),
    Case("records.refused", kafka.records_refused),
    Case("operator.offsets_back", kafka.offsets_back),
    Case("operator.offsets_back_emptied", kafka.offsets_back_emptied, "merge ceiling takeover"),
    *_answers(),
    Case("answer.all_and_kill", provider.answers_and_kill),
    Case("storm.500", _about(provider.storm("500"), "only 500 for some seconds")),
    Case("storm.503", _about(provider.storm("503"), "only 503 for some seconds")),
    Case("storm.429", _about(provider.storm("429", after=1), "only 429 with Retry-After for some seconds")),
    Case("storm.rst", _about(provider.storm("rst_before"), "only resets for some seconds, nothing done")),
    Case("outage.refuse", _about(provider.outage("refuse"), "nobody listens at the platform's address for a while")),
    Case("outage.hang", _about(provider.outage("hang"), "the platform answers nothing for a while")),
    Case("outage.503", _about(provider.outage("503"), "the platform says 503 for a while")),
    Case("slow_beside_fast", provider.slow_beside_fast, where="alone"),
    Case("waiting.flood", inputs.flood, "waiting"),
    Case("waiting.deep", inputs.deep, "waiting", by_hand=True),
    Case("waiting.full", inputs.flood_full, "waiting"),
    Case("waiting.outcomes_refused", inputs.flood_refused, "waiting tombstone"),
    Case("input.poison", inputs.poison),
    Case("input.killer", inputs.killer),
    Case("input.duplicates", inputs.duplicates),
    Case("input.reordered", inputs.reordered),
    Case("limits.files", inputs.files_limited),
    Case("limits.log_gone", inputs.log_gone),
    Case("limits.descriptors", inputs.no_descriptors),
    Case("mixed", mixture.play, by_hand=True),
]
