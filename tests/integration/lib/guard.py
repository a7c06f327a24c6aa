"""The guard and the number of accounts that it knows."""
import subprocess

from lib.cases import case
from lib.place import PATIENT, Place, blocked, check, created, event, same, unblocked, until
from lib.surroundings import Redis

import servers

ALL = [str(s) for s in range(30000, 31200)]


def ask(port, *words):
    done = subprocess.run(["redis-cli", "-p", str(port), *words], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.split()


def count(port):
    """Of the one partition's set."""
    names = ask(port, "--scan", "--pattern", "*accounts:*")
    return [(name.rpartition("accounts:")[2], int(ask(port, "SCARD", name)[0])) for name in names]


def held(p):
    return sorted(o["data"]["event"]["id"] for o in list(p.follower.outcomes) if o["data"]["kind"] == "held")


def block(p, *services):
    p.publish(*[blocked(f"b{s}", s) for s in services])


def check_held(p, wanted):
    until(lambda: held(p) == [f"b{s}" for s in wanted], f"{len(wanted)} are held", lambda: (held(p), p.brief()))


@case("guard.percent_of_the_accounts")
def percent_of_the_accounts(bench):
    """5 % of 1,200 accounts go and one more is held; also by the next owner, and where Redis forgot it all."""
    port = servers.free_port()
    with Place(bench, "percent", provider={"guard": {"percent": 5, "accounts": 10}}, numbers=PATIENT, redis={"port": port},
               partitions=1) as p:
        redis = p.adopt(Redis(p.dir, port))
        redis.start()
        worker = p.worker()
        p.publish(*[created(f"c{s}", s) for s in ALL])
        p.await_finals([f"c{s}" for s in ALL])
        same("accounts", count(port), [("stalker:0", 1200)])
        block(p, *ALL[:61])
        check_held(p, ALL[60:61])
        p.await_finals([f"b{s}" for s in ALL[:60]])
        check(worker.says("event=guard_holds .*accounts=1200 accounts_an_hour=60"), "the log says of how many", p.brief())
        p.publish(event("gone", ALL[0], "service.deleted"))  # it was cut within the hour: it does not count again
        p.outcome("gone", "applied")
        same("accounts", count(port), [("stalker:0", 1199)])
        p.await_committed()
        same("status after SIGTERM", worker.term(), 0)
        worker = p.worker()
        block(p, ALL[61])
        check_held(p, ALL[60:62])
        check(worker.says("event=guard_holds .*accounts=1199 accounts_an_hour=59"), "the next owner knows them", p.brief())
        ask(port, "FLUSHALL")
        p.publish(unblocked("back", ALL[1]))  # what finds Redis empty may have been sent, as far as anybody knows
        p.outcome("back", "applied")
        block(p, ALL[62])
        check_held(p, ALL[60:63])
        check(worker.says("event=redis_forgot"), "Redis forgot", p.brief())
        same("accounts", count(port), [("stalker:0", 1199)])


def owner_of(p, port, service):
    """The worker's name in Redis, where it is while a call of @service is under way."""
    p.portal.fault("delay", account=service, delay_ms=3000)
    p.publish(event("late", service, "plan.changed", {"plan": "7"}))
    lane = f"*/{service}}}:l"
    until(lambda: any(ask(port, "HGET", k, "owner") for k in ask(port, "--scan", "--pattern", lane)), "a call is under way", p.brief)
    return ask(port, "HGET", ask(port, "--scan", "--pattern", lane)[0], "owner")[0]


def sent_again(port, service, owner):
    """Redis falls back to when the one held event of @service was claimed by @owner and not given back: it holds the service's lane."""
    keys = [k for k in ask(port, "--scan", "--pattern", f"*/{service}}}:e:*") if ask(port, "HGET", k, "st") == ["H"]]
    same("what was given back", len(keys), 1)
    ask(port, "HSET", keys[0], "st", "S")
    ask(port, "HSET", keys[0].rpartition(":e:")[0] + ":l", "sent", keys[0].rpartition(":e:")[2], "owner", owner)


@case("guard.held_and_sent_in_an_older_redis")
def held_and_sent_in_an_older_redis(bench):
    """A cut that the guard holds stays held where Redis, fallen back, says that it is being sent: it is looked at, not let go. Then a person
    approves it."""
    with Place(bench, "guardback", provider={"guard": {"percent": 5, "accounts": 1}}, partitions=1) as p:
        p.worker()
        services = ["30000", "30001"]
        p.publish(*[created(f"c{s}", s) for s in services])
        p.await_finals([f"c{s}" for s in services])
        block(p, *services)
        check_held(p, services[1:])
        sent_again(bench.redis, "30001", owner_of(p, bench.redis, "30000"))
        p.publish(event("plan", "30001", "plan.changed", {"plan": "7"}))
        p.outcome("plan", "applied")
        until(lambda: len([o for o in list(p.follower.outcomes) if o["data"]["kind"] == "held"]) == 2, "it is held again", p.brief)
        same("its effects", [n for n in p.portal.names("30001") if n == "status"], [])
        p.tvbridge("approve", "--provider", "stalker", "--service", "30001", "-r", "asked", "--wait", "20s")
        p.outcome("b30001", "applied")
        same("its effects", [n for n in p.portal.names("30001") if n == "status"], ["status"])
