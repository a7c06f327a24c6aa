"""Kafka that is restarted, killed, or refuses; offsets that an operator sets."""
import signal

from harness import topics
from harness.place import until


def restart(p):
    """The broker is ended and started again under load."""
    _broker(p, kill=False)


def kill(p):
    """kill -9 of the broker, started again with its files."""
    for i in range(p.run.a_round or 1):
        _broker(p, kill=True, turn=i)
        p.notes["broker_kills"] = i + 1


def _broker(p, kill, turn=0):
    broker = p.run.second_broker()
    if turn == 0:
        p.open(brokers=broker.address)
        p.worker()
        p.worker()
    p.send(p.events(100, 8, prefix=f"t{turn}n"), over_s=10)
    p.pause(2, 4)
    broker.end(kill)
    p.pause(0.5, 3)
    broker.start()
    p.mark()


def kill_with_worker(p):
    """The broker and a worker die together."""
    broker = p.run.second_broker()
    p.open(brokers=broker.address)
    workers = [p.worker(), p.worker()]
    p.send(p.events(100, 8), over_s=10)
    p.pause(2, 4)
    workers[0].kill()
    broker.end(True)
    broker.start()
    p.worker(ready=False)
    p.mark()
    p.notes["broker_kills"] = 1


def frozen(p):
    """The broker stands still for longer than the session timeout, then goes on with what it had taken."""
    broker = p.run.second_broker()
    p.open(brokers=broker.address)
    p.worker()
    p.worker()
    p.send(p.events(100, 8), over_s=10)
    p.pause(2, 4)
    broker.signal(signal.SIGSTOP)
    p.must_stall(p.rng.uniform(5, 9), "the broker's standstill")
    broker.signal(signal.SIGCONT)
    p.mark()


def outcomes_refused(p):
    """The outcome topic refuses each message for a while: its limit is too low. A worker may die meanwhile."""
    _refused(p, f"{p.prefix}outcomes")


def records_refused(p):
    """The same with the records: outcomes are acknowledged, records are not."""
    _refused(p, f"{p.prefix}records.p")


def _refused(p, topic):
    p.open()
    p.worker()
    p.worker()
    p.send(p.events(100, 8), over_s=6)
    p.pause(1, 2)
    p.admin.alter(topic, max_message_bytes=100)
    if topic.endswith("outcomes"):
        p.must_stall(p.rng.uniform(1, 6), "the refusing topic")
    else:
        p.pause(2, 7)
    if p.rng.random() < 0.5:
        p.workers[0].kill()
    p.admin.alter(topic)
    p.mark()


def offsets_back(p):
    """An operator ends the workers and sets the offsets back to the beginning: all comes again, nothing is done again."""
    _reset(p, p.rng.choice([0.0, 0.5]))


def offsets_back_emptied(p):
    """The same with an empty Redis."""
    _reset(p, 0.0, empty=True)


def _reset(p, share, empty=False):
    p.open(redis="own")
    worker = p.worker()
    first = p.events(60, 5)
    p.send(first)
    p.await_done(len(first))
    worker.term()
    commits, _ = p.offsets(p.providers[0])
    target = {partition: int(offset * share) for partition, offset in commits.items() if offset > 0}
    topics.commit_as_operator(p.brokers, f"{p.prefix}{p.providers[0]}", p.topic("events"), target)
    seen, _ = p.offsets(p.providers[0])
    until(lambda: all(seen[k] == v for k, v in target.items()), f"offsets {target}, seen {seen}", 5)
    if empty:
        p.redis.cli("FLUSHALL")
    p.worker()
    p.mark()
    p.send(p.events(60, 2, prefix="later"))
