"""Kafka from outside: events in, topics out, topics' settings, offsets as an operator sets them.

kcat reads and writes; librdkafka through ctypes does what kcat cannot. Nothing of the worker is used.
"""
import ctypes
import json
import pathlib
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "integration"))

from lib import kafka  # noqa: E402
from kafka_admin import TOPIC, Admin, I, LIB, P, S, Z  # noqa: E402

for name, result, arguments in (
        ("ConfigResource_set_config", I, [P, S, S]), ("AlterConfigs", None, [P, P, Z, P, P]),
        ("DeleteTopic_new", P, [S]), ("DeleteTopics", None, [P, P, Z, P, P]), ("commit", I, [P, P, I]),
        ("produceva", P, [P, P, Z]), ("error_string", S, [P]), ("flush", I, [P, I]), ("poll", I, [P, I]), ("purge", I, [P, I])):
    function = getattr(LIB, f"rd_kafka_{name}")
    function.restype, function.argtypes = result, arguments


LIB.rd_kafka_set_log_level.argtypes = [P, I]


class Topics(Admin):
    def __init__(self, brokers):
        super().__init__(brokers)
        LIB.rd_kafka_set_log_level(self.client, 0)

    def alter(self, topic, **config):
        """Sets the topic's settings; what is not named goes back to the broker's own."""
        resource = LIB.rd_kafka_ConfigResource_new(TOPIC, topic.encode())
        for key, value in config.items():
            LIB.rd_kafka_ConfigResource_set_config(resource, key.replace("_", ".").encode(), str(value).encode())
        LIB.rd_kafka_AlterConfigs(self.client, ctypes.byref(P(resource)), 1, None, self.queue)
        LIB.rd_kafka_event_destroy(self.answer())
        LIB.rd_kafka_ConfigResource_destroy(resource)

    def delete(self, topics):
        made = (P * len(topics))(*[LIB.rd_kafka_DeleteTopic_new(t.encode()) for t in topics])
        LIB.rd_kafka_DeleteTopics(self.client, made, len(topics), None, self.queue)
        LIB.rd_kafka_event_destroy(self.answer())


def commit_as_operator(brokers, group, topic, offsets):
    """Commits {partition: offset} without metadata, from outside the group: Kafka takes it while the group is empty."""
    client = kafka.Offsets(brokers, group)
    parts = kafka.LIB.rd_kafka_topic_partition_list_new(len(offsets))
    for i, (partition, offset) in enumerate(offsets.items()):
        kafka.LIB.rd_kafka_topic_partition_list_add(parts, topic.encode(), partition)
        parts.contents.elems[i].offset = offset
    error = LIB.rd_kafka_commit(client.client, parts, 0)
    kafka.LIB.rd_kafka_topic_partition_list_destroy(parts)
    client.close()
    kafka.check(error)


class Vu(ctypes.Structure):
    """rd_kafka_vu_t, with the one member of its union that is used here: memory; a text's pointer lies in the same place."""
    _fields_ = [("type", I), ("pointer", S), ("size", Z), ("rest", ctypes.c_char * 48)]


VU_TOPIC, VU_VALUE, VU_KEY, VU_FLAGS, COPY = 1, 4, 5, 7, 2


class Publisher:
    """A producer as billing could have it: murmur2, acks=all, idempotent."""

    def __init__(self, brokers):
        why = ctypes.create_string_buffer(256)
        conf = LIB.rd_kafka_conf_new()
        for key, value in (("bootstrap.servers", brokers), ("partitioner", "murmur2_random"), ("acks", "all"),
                           ("linger.ms", "2"), ("log_level", "0"), ("enable.idempotence", "true"), ("reconnect.backoff.max.ms", "1000")):
            if LIB.rd_kafka_conf_set(conf, key.encode(), value.encode(), why, 256):
                raise RuntimeError(why.value.decode())
        self.client = LIB.rd_kafka_new(0, conf, why, 256)
        self.lock = threading.Lock()

    def send(self, topic, events):
        with self.lock:
            for e in events:
                key, value = e["subject"].encode(), json.dumps(e, separators=(",", ":")).encode()
                vus = (Vu * 4)(Vu(VU_TOPIC, topic.encode()), Vu(VU_KEY, key, len(key)), Vu(VU_VALUE, value, len(value)), Vu(VU_FLAGS))
                ctypes.cast(ctypes.byref(vus[3], Vu.pointer.offset), ctypes.POINTER(I))[0] = COPY
                error = LIB.rd_kafka_produceva(self.client, vus, 4)
                if error:
                    raise RuntimeError("an event could not be queued: " + LIB.rd_kafka_error_string(error).decode())
            LIB.rd_kafka_poll(self.client, 0)

    def end(self):
        """Waits until Kafka has acknowledged all."""
        with self.lock:
            if LIB.rd_kafka_flush(self.client, 120000):
                raise RuntimeError("Kafka has not acknowledged all events")

    def stop(self):
        LIB.rd_kafka_purge(self.client, 3)
        LIB.rd_kafka_destroy(self.client)


def send_raw(brokers, topic, partition, key, value):
    """Bytes as a foreign producer could write them; None: no value."""
    words = ["kcat", "-b", brokers, "-P", "-t", topic, "-p", str(partition), "-K", "\t", *(["-Z"] if value is None else [])]
    subprocess.run(words, input=key.encode() + b"\t" + (value or b"") + b"\n", check=True, capture_output=True, timeout=60)


FORMAT = "%p\t%o\t%S\t%k\t%s\n"


def rows(lines):
    """(partition, offset, key, bytes or None) of kcat's output."""
    for line in lines:
        partition, offset, size, key, value = line.rstrip(b"\n").split(b"\t", 4)
        yield int(partition), int(offset), key.decode(errors="replace"), None if size == b"-1" else value


def read(brokers, topic):
    """A whole topic as it is now, in each partition's order."""
    done = subprocess.run(["kcat", "-b", brokers, "-C", "-t", topic, "-o", "beginning", "-e", "-q", "-f", FORMAT],
                          capture_output=True, timeout=300)
    if done.returncode != 0:
        raise RuntimeError(f"{topic} could not be read: {done.stderr.decode(errors='replace')[-500:]}")
    return list(rows(done.stdout.splitlines()))


def read_headers(brokers, topic):
    """(key, headers as a dict, has it a value) of each message."""
    done = subprocess.run(["kcat", "-b", brokers, "-C", "-t", topic, "-o", "beginning", "-e", "-q", "-J"],
                          capture_output=True, timeout=300, check=True)
    found = []
    for line in done.stdout.splitlines():
        message = json.loads(line.decode(errors="replace"))
        pairs = message.get("headers") or []
        found.append((message.get("key"), dict(zip(pairs[::2], pairs[1::2])), message.get("payload") is not None))
    return found


class Follower:
    """Final outcomes as they come: {(service, id): the first one's time}, for waiting; the checker reads anew."""

    def __init__(self, brokers, topic, clock):
        self.words = ["kcat", "-b", brokers, "-C", "-u", "-E", "-t", topic, "-o", "beginning", "-q", "-f", FORMAT]
        self.clock, self.seen, self.stopping = clock, {}, False
        self.thread = threading.Thread(target=self.follow, daemon=True)
        self.thread.start()

    def follow(self):
        while not self.stopping:  # it begins anew when the broker's death ended it
            self.process = subprocess.Popen(self.words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                            stderr=subprocess.DEVNULL, start_new_session=True)
            for _, _, _, value in rows(self.process.stdout):
                outcome = json.loads(value)
                if outcome["data"]["final"]:
                    self.seen.setdefault((outcome["subject"], outcome["data"]["event"]["id"]), self.clock())
            self.process.wait()
            if not self.stopping:
                threading.Event().wait(0.5)

    def stop(self):
        self.stopping = True
        self.process.kill()
        self.thread.join(10)
