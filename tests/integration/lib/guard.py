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
