"""Redis that goes away, is slow, refuses, forgets, or is replaced by its replica."""
from harness.place import until


def _under_load(p, redis="wired", services=100, each=8, over_s=5, workers=2):
    p.open(redis=redis)
    for _ in range(workers):
        p.worker()
    p.send(p.events(services, each), over_s=over_s)
    p.pause(0.8, 2)


def kill(p):
    """kill -9 of redis-server, started again with its files a moment later; twice."""
    _under_load(p, "own")
    for i in range(p.run.a_round or 2):
        if i % 2 and i > 1:
            p.send(p.events(100, 8, prefix=f"t{i}n"), over_s=5)
        p.redis.kill()
        p.pause(0.2, 2)
        p.redis.start()
        p.mark()
        p.pause(0.5, 1.5)
        p.notes["redis_kills"] = i + 1


def cut(p):
    """Its connections are cut and new ones refused, for a while."""
    _under_load(p)
    p.wire.set("cut")
    p.must_stall(p.rng.uniform(0.5, 2), "Redis cut off")
    p.wire.set()
    p.mark()


def hole(p):
    """A partition: nothing comes through and nobody says so; then all that was held arrives late."""
    _under_load(p)
    p.wire.set("hole")
    p.must_stall(p.rng.uniform(2, 5), "Redis behind a hole")
    p.wire.set()
    p.mark()


def hole_then_new(p):
    """The same, but what was held is thrown away with its connections: replies are lost."""
    _under_load(p)
    p.wire.set("hole")
    p.pause(1, 4)
    p.wire.set("cut")
    p.wire.set()
    p.mark()


def slow(p):
    """Each reply takes up to a second and a half more."""
    _under_load(p, services=40, each=5)
    for _ in range(3):
        p.wire.set(delay_s=p.rng.uniform(0.2, 0.75))
        p.pause(1, 3)
    p.wire.set()
    p.mark()


def read_only(p):
    """It turns into a replica of nobody: READONLY; then it is a master again."""
    _under_load(p, "own")
    p.redis.cli("CONFIG", "SET", "replica-serve-stale-data", "yes")
    p.redis.cli("REPLICAOF", "127.0.0.1", "1")
    p.must_stall(p.rng.uniform(0.5, 2), "READONLY")
    p.redis.cli("REPLICAOF", "NO", "ONE")
    p.mark()


def out_of_memory(p):
    """OOM for a while."""
    _under_load(p, "own")
    p.redis.cli("CONFIG", "SET", "maxmemory", "1mb")
    p.must_stall(p.rng.uniform(0.5, 2), "OOM")
    p.redis.cli("CONFIG", "SET", "maxmemory", "0")
    p.mark()


def fail_over(p):
    """The replica, which has everything, becomes the master."""
    _under_load(p, "pair")
    p.wire.set("cut")
    p.replica.await_sync()
    p.pause(0.2, 0.5)
    p.redis.kill()
    p.replica.cli("REPLICAOF", "NO", "ONE")
    p.wire.set(target=p.replica.port)
    p.mark()


def fail_over_with_loss(p):
    """The replica had stopped hearing: what was written since is lost."""
    _under_load(p, "pair")
    p.replication.set("hole")
    p.pause(0.5, 2)
    p.redis.kill()
    p.replica.cli("REPLICAOF", "NO", "ONE")
    p.wire.set(target=p.replica.port, drop=True)
    p.mark()
    p.notes["forced_loss"] = 1


def fail_over_with_loss_and_kill(p):
    """The same, and a worker dies with it."""
    _under_load(p, "pair")
    p.replication.set("hole")
    p.pause(0.5, 2)
    p.workers[0].kill()
    p.redis.kill()
    p.replica.cli("REPLICAOF", "NO", "ONE")
    p.wire.set(target=p.replica.port, drop=True)
    p.worker(ready=False)
    p.mark()
    p.notes["forced_loss"] = 1


def flush(p):
    """FLUSHALL under load."""
    _under_load(p, "own")
    p.redis.cli("FLUSHALL")
    p.mark()


def flush_and_kill(p):
    """FLUSHALL, and a worker dies at that moment."""
    _under_load(p, "own")
    p.redis.cli("FLUSHALL")
    p.workers[0].kill()
    p.worker(ready=False)
    p.mark()


def emptied_and_duplicates(p):
    """Everything was done; Redis is emptied, and all events come once more."""
    p.open(redis="own")
    p.worker()
    events = p.events(60, 5)
    p.send(events)
    p.await_done(len(events))
    p.redis.cli("FLUSHALL")
    p.mark()
    p.send(events)
    p.pause(3, 4)


def sentinel(p):
    """The master is killed; Sentinel makes the replica the master, and the workers follow."""
    _under_load(p, "sentinel")
    _sentinel_switches(p)


def sentinel_with_loss(p):
    """The same, but the replica had lost its link to the master a moment ago: what was written since is lost."""
    _under_load(p, "sentinel")
    p.replica.cli("CONFIG", "SET", "masterauth", "wrong")  # it does not come back to the master
    p.redis.cli("CLIENT", "KILL", "TYPE", "replica")
    p.pause(0.3, 1.5)
    if p.rng.random() < 0.5:
        p.workers[0].kill()
    _sentinel_switches(p)
    p.notes["forced_loss"] = 1


def _sentinel_switches(p):
    p.redis.kill()
    until(lambda: p.sentinels.master() == p.replica.port, "the sentinels name the replica", 60)
    p.mark()
