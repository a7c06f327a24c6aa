#!/usr/bin/env python3
"""A member of a consumer group that only joins: it takes its partitions, works nothing and commits nothing. (kcat -G
commits when it leaves, whatever it is told.)

usage: guest.py BROKERS GROUP TOPIC...   until SIGTERM, then it leaves the group
"""
import ctypes
import pathlib
import signal
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

from lib.kafka import CONSUMER, LIB, check  # noqa: E402

P, S, I, Z = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_size_t
for name, result, arguments in (("subscribe", I, [P, P]), ("poll_set_consumer", I, [P]), ("consumer_poll", P, [P, I]),
                                ("message_destroy", None, [P]), ("consumer_close", I, [P])):
    function = getattr(LIB, f"rd_kafka_{name}")
    function.restype, function.argtypes = result, arguments


def main():
    brokers, group, *topics = sys.argv[1:]
    why = ctypes.create_string_buffer(256)
    conf = LIB.rd_kafka_conf_new()
    for key, value in (("bootstrap.servers", brokers), ("group.id", group), ("enable.auto.commit", "false"), ("log_level", "0"),
                       ("session.timeout.ms", "6000"), ("partition.assignment.strategy", "range")):
        if LIB.rd_kafka_conf_set(conf, key.encode(), value.encode(), why, 256):
            sys.exit(why.value.decode())
    client = LIB.rd_kafka_new(CONSUMER, conf, why, 256)
    LIB.rd_kafka_poll_set_consumer(client)
    wanted = LIB.rd_kafka_topic_partition_list_new(len(topics))
    for topic in topics:
        LIB.rd_kafka_topic_partition_list_add(wanted, topic.encode(), -1)
    check(LIB.rd_kafka_subscribe(client, wanted))
    ended = []
    signal.signal(signal.SIGTERM, lambda number, frame: ended.append(number))
    while not ended:
        message = LIB.rd_kafka_consumer_poll(client, 100)
        if message:
            LIB.rd_kafka_message_destroy(message)
    LIB.rd_kafka_consumer_close(client)


if __name__ == "__main__":
    main()
