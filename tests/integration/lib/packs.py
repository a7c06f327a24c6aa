"""Packs in the worker itself, against the stand-ins of their platforms: what the conformance suite plays without a worker."""
import contextlib
import importlib
import sys

from lib.cases import case
from lib.place import ROOT, SHORT, Place, blocked, event, same, unblocked, until

sys.path.insert(0, str(ROOT / "tests/providers"))
SERVICE = "70001"
SOON = {**SHORT, "held_poll_ms": 300}


class Platform:
    """A stand-in as its pack's profile wants it."""

    def __init__(self, pack):
        import client
        self.profile = importlib.import_module(f"profiles.{pack}")
        model = importlib.import_module(f"{pack}_model")
        self.program = client.Program(self.profile.STANDIN, self.profile.ENVIRONMENT)
        self.control = self.program.control
        self.provider = {"pack": str(ROOT / "schemas/providers" / pack), "base_url": self.program.url + model.Platform.PREFIX,
                         "credentials": self.profile.CREDENTIALS, "settings": self.profile.SETTINGS,
                         "idempotency_secret": "sixteen characters at least", "retry": {"attempts": 40, "base_ms": 50, "cap_ms": 400}}

    def stop(self):
        self.program.stop()

    def effects(self, name):
        return [e for e in self.program.lines("effect") if e["effect"] == name]

    def account(self):
        return self.program.account(SERVICE)

    def fails(self, **match):
        self.control("POST", "faults", [{"match": match, "times": 0, "action": "status", "status": 500}])

    def mended(self):
        self.control("DELETE", "faults")


@contextlib.contextmanager
def platform_place(bench, pack):
    platform = Platform(pack)
    try:
        with Place(bench, pack, portal=False, provider=platform.provider, numbers=SOON) as p:
            p.platform = platform
            worker = p.worker()
            p.publish(event("made", SERVICE, "service.created", platform.profile.CREATE))
            p.outcome("made", "applied")
            yield p, platform, worker
    finally:
        platform.stop()


@case("packs.oletv_first_access")
def oletv_first_access(bench):
    """A block is held until the user signs in; the platform's refusal of our keys, in a 200, pauses the provider and loses nothing."""
    with platform_place(bench, "oletv") as (p, platform, worker):
        p.publish(blocked("off", SERVICE))
        until(lambda: [o for o in p.of("off") if o["data"]["kind"] == "held"], "billing is told that it is held", p.brief)
        same("blocks", platform.effects("block") + platform.effects("block_that_does_not_take"), [])
        platform.profile.first_access(platform.control)
        p.outcome("off", "applied")
        same("status", platform.account()["status"], "suspended")

        platform.control("POST", "faults", [{"match": {}, "times": 0, "action": "unauthorized"}])
        p.publish(unblocked("on", SERVICE))
        worker.await_unready("credentials")
        same("outcomes while paused", p.finals("on"), [])
        platform.mended()
        p.outcome("on", "applied")
        worker.await_ready()
        same("unblocked", (len(platform.effects("unblock")), platform.account()["status"]), (1, "active"))
        same("dead letters", p.dead_letters(), [])


@case("packs.oletv_crash_between_cancel_and_insert")
def oletv_crash(bench):
    """A worker dies while the old contract is cancelled and the new one not made: the next one makes it, once."""
    with platform_place(bench, "oletv") as (p, platform, worker):
        platform.fails(path="/contratos/inserir")
        p.publish(event("change", SERVICE, "plan.changed", {"plan": platform.profile.LIGHT}))
        until(lambda: platform.effects("cancel") and p.record(SERVICE).get("replaces"), "the contract is cancelled", p.brief)
        same("contracts", platform.account()["contracts"], 0)
        worker.kill()
        platform.mended()
        p.worker()
        p.outcome("change", "applied")
        account = platform.account()
        same("the new contract", (account["contracts"], account["plan"]), (1, platform.profile.LIGHT))
        same("made", len(platform.effects("contract")), 2)
        same("remembered", p.record(SERVICE).get("replaces"), None)


@case("packs.playhub_crash_while_blocking")
def playhub_crash(bench):
    """A worker dies with half of the subscriptions removed: the block is finished, and its end puts exactly these back."""
    with platform_place(bench, "playhub") as (p, platform, worker):
        platform.control("POST", "faults", [{"match": {"method": "DELETE"}, "skip": 1, "times": 0, "action": "status", "status": 500}])
        p.publish(blocked("off", SERVICE))
        until(lambda: len(platform.account()["packages"]) == 1, "one is removed", p.brief)
        same("remembered before", sorted(p.record(SERVICE)["remembered"]), ["DIS", "TNT"])
        worker.kill()
        platform.mended()
        platform.control("POST", "expire")
        p.worker()
        p.outcome("off", "applied")
        same("blocked", platform.account()["packages"], [])
        p.publish(event("more", SERVICE, "package.added", {"packages": [{"id": "HBO"}]}), unblocked("on", SERVICE))
        p.outcome("more", "applied")
        p.outcome("on", "applied")
        same("put back", platform.account()["packages"], ["DIS", "HBO", "TNT"])
        same("removed and put back", [len(platform.effects(e)) for e in ("unsubscribe", "subscribe")], [2, 5])
