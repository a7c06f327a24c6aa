"""Offsets as Kafka keeps them, read through librdkafka with ctypes: committed offset with its metadata, end of a log.

Stands apart from the program under test on purpose, and joins no group.
"""
import ctypes

LIB = ctypes.CDLL("librdkafka.so.1")
P, S, I, Z, L = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_size_t, ctypes.c_int64
PRODUCER, CONSUMER = 0, 1
TIMEOUT_MS = 30000


class TopicPartition(ctypes.Structure):
    """rd_kafka_topic_partition_t"""
    _fields_ = [("topic", S), ("partition", ctypes.c_int32), ("offset", L), ("metadata", P), ("metadata_size", Z),
                ("opaque", P), ("err", I), ("private", P)]


class PartitionList(ctypes.Structure):
    """rd_kafka_topic_partition_list_t"""
    _fields_ = [("cnt", I), ("size", I), ("elems", ctypes.POINTER(TopicPartition))]


for name, result, arguments in (
        ("conf_new", P, []), ("conf_set", I, [P, S, S, S, Z]), ("new", P, [I, P, S, Z]), ("destroy", None, [P]),
        ("topic_partition_list_new", ctypes.POINTER(PartitionList), [I]),
        ("topic_partition_list_add", P, [ctypes.POINTER(PartitionList), S, ctypes.c_int32]),
        ("topic_partition_list_destroy", None, [ctypes.POINTER(PartitionList)]),
        ("committed", I, [P, ctypes.POINTER(PartitionList), I]), ("err2str", S, [I]),
        ("query_watermark_offsets", I, [P, S, ctypes.c_int32, ctypes.POINTER(L), ctypes.POINTER(L), I])):
    function = getattr(LIB, f"rd_kafka_{name}")
    function.restype, function.argtypes = result, arguments


def check(error):
    if error:
        raise RuntimeError("Kafka: " + LIB.rd_kafka_err2str(error).decode())


class Offsets:
    def __init__(self, brokers, group):
        why = ctypes.create_string_buffer(256)
        conf = LIB.rd_kafka_conf_new()
        for key, value in (("bootstrap.servers", brokers), ("group.id", group)):
            LIB.rd_kafka_conf_set(conf, key.encode(), value.encode(), why, 256)
        self.client = LIB.rd_kafka_new(CONSUMER, conf, why, 256)

    def close(self):
        LIB.rd_kafka_destroy(self.client)

    def committed(self, topic, partitions):
        """For each partition (offset, metadata); (-1001, "") where nothing was committed."""
        parts = LIB.rd_kafka_topic_partition_list_new(partitions)
        try:
            for i in range(partitions):
                LIB.rd_kafka_topic_partition_list_add(parts, topic.encode(), i)
            check(LIB.rd_kafka_committed(self.client, parts, TIMEOUT_MS))
            rows = [parts.contents.elems[i] for i in range(partitions)]
            return [(r.offset, ctypes.string_at(r.metadata, r.metadata_size).decode() if r.metadata else "") for r in rows]
        finally:
            LIB.rd_kafka_topic_partition_list_destroy(parts)

    def ends(self, topic, partitions):
        """The offset after the newest message of each partition."""
        low, high, ends = L(), L(), []
        for i in range(partitions):
            check(LIB.rd_kafka_query_watermark_offsets(self.client, topic.encode(), i, ctypes.byref(low),
                                                       ctypes.byref(high), TIMEOUT_MS))
            ends.append(high.value)
        return ends


def murmur2_partition(key, partitions):
    """org.apache.kafka.common.utils.Utils.murmur2, written anew: where Java's clients place a key."""
    data, m, mask = key.encode(), 0x5BD1E995, 0xFFFFFFFF
    h = 0x9747B28C ^ len(data)
    for i in range(0, len(data) & ~3, 4):
        k = int.from_bytes(data[i:i + 4], "little") * m & mask
        h = (h * m & mask) ^ ((k ^ k >> 24) * m & mask)
    rest = data[len(data) & ~3:]
    if rest:
        h = (h ^ int.from_bytes(rest, "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    h ^= h >> 15
    return (h & 0x7FFFFFFF) % partitions
