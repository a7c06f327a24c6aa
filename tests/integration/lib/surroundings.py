"""Kafka and Redis that are not there, not yet, or not as they must be."""
from lib.cases import case
from lib.crashes import ACCOUNTS, LIMITS, await_count, check_order, load, slow_down
from lib.place import PARTITIONS, PATIENT, Place, blocked, check, same, unblocked, until

import servers


class Redis:
    """A Redis of one's own, which can be stopped and started again with what it has written."""

    def __init__(self, folder, port):
        self.folder, self.port, self.starts = folder, port, 0

    def start(self):
        self.starts += 1
        self.server = servers.Server("redis", ["redis-server", "--port", self.port, "--bind", "127.0.0.1", "--dir",
                                               self.folder, "--save", "", "--appendonly", "yes", "--maxmemory-policy",
                                               "noeviction"], self.folder / f"redis{self.starts}.log")
        self.server.wait_for("eady to accept connections", 60)

    def stop(self):
        if self.starts:
            self.server.stop()


@case("surroundings.redis_comes_late")
def redis_comes_late(bench):
    """Without Redis at the start: no crash, not ready and it says why; with it: works."""
    port = servers.free_port()
    with Place(bench, "noredis", accounts=["1"], redis={"port": port}) as p:
        redis = p.adopt(Redis(p.dir, port))
        worker = p.worker(ready=False)
        p.publish(blocked("a", "1"))
        worker.await_unready("Redis")
        worker.await_log("event=redis_down")
        same("/healthz", worker.get("/healthz")[0], 200)
        same("calls", p.portal.requests(), [])
        redis.start()
        p.outcome("a", "applied")
        worker.await_ready()


@case("surroundings.redis_stops_under_load")
def redis_stops(bench):
    """Stopped and started in mid-load: every event gets its outcome, nothing is done twice or out of order."""
    port = servers.free_port()
    with Place(bench, "redisgone", accounts=ACCOUNTS, provider=LIMITS, numbers=PATIENT, redis={"port": port}) as p:
        redis = p.adopt(Redis(p.dir, port))
        redis.start()
        slow_down(p)
        worker = p.worker()
        p.publish(*load(each=5))
        for seen in (100, 500):
            await_count(p, seen)
            redis.stop()
            worker.await_unready("Redis")
            redis.start()
        p.await_finals([e["id"] for e in load(each=5)])
        p.one_final([e["id"] for e in load(each=5)])
        check_order(p, each=5, doubles=0)
        same("dead letters", p.dead_letters(), [])
        p.await_committed()
        worker.await_ready()


@case("surroundings.kafka_not_reached")
def kafka_not_reached(bench):
    with Place(bench, "nokafka", brokers="127.0.0.1:1", topics=False, follow=False, portal=False,
               provider={"base_url": "http://127.0.0.1:1"}) as p:
        worker = p.worker(ready=False)
        worker.await_log("event=waiting_for_kafka")
        worker.await_unready("Kafka|not started")
        same("/healthz", worker.get("/healthz")[0], 200)
        same("status after SIGTERM", worker.term(), 0)


@case("surroundings.topics_missing")
def topics_missing(bench):
    """It names the topic and the command; once that was run, it works."""
    with Place(bench, "notopics", accounts=["1"], topics=False, follow=False) as p:
        worker = p.worker(ready=False)
        worker.await_log(r"event=waiting_for_kafka.*topic \S+ does not exist.*topics create")
        worker.await_unready("does not exist|not started")
        p.create_topics()
        worker.await_ready()
        p.follow()
        p.publish(blocked("a", "1"))
        p.outcome("a", "applied")


@case("surroundings.other_number_of_partitions")
def other_partitions(bench):
    """It says both numbers and touches nothing; when the settings are put right, a new start works."""
    with Place(bench, "parts", accounts=["1"]) as p:
        p.publish(blocked("a", "1"))
        p.tree["kafka"]["partitions"] = PARTITIONS + 2
        p.write_settings()
        worker = p.worker(ready=False)
        worker.await_log(f"event=waiting_for_kafka.*has {PARTITIONS} partitions, the settings say {PARTITIONS + 2}")
        worker.await_unready("partitions|not started")
        same("calls", p.portal.requests(), [])
        same("status after SIGTERM", worker.term(), 0)
        p.tree["kafka"]["partitions"] = PARTITIONS
        p.write_settings()
        p.worker()
        p.outcome("a", "applied")


@case("surroundings.killed_while_redis_is_away")
def killed_while_redis_is_away(bench):
    """Published while Redis was away, then killed: the next process resolves it, and the service goes on."""
    port = servers.free_port()
    with Place(bench, "owing", accounts=["1"], numbers=PATIENT, redis={"port": port}) as p:
        redis = p.adopt(Redis(p.dir, port))
        redis.start()
        worker = p.worker()
        p.portal.fault("delay_after", account="1", delay_ms=2500)
        p.publish(blocked("a", "1"))
        until(lambda: p.portal.effects("1"), "the effect")
        redis.stop()
        first = p.outcome("a", "applied")
        worker.kill()
        redis.start()
        p.worker()
        p.publish(unblocked("b", "1"))
        p.outcome("b", "applied")
        check([e["status"] for e in p.portal.effects("1")] in ([0, 1], [0, 0, 1]), "states", p.portal.effects("1"))
        same("outcomes of the first", {o["id"] for o in p.finals("a")}, {first["id"]})
