"""Topics with settings of one's own, and a look at them: librdkafka's admin API through ctypes, for tests.

Stands apart from the program under test on purpose: what tvbridge says of a topic is checked against this.
"""
import ctypes

LIB = ctypes.CDLL('librdkafka.so.1')
P, S, I, Z = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_size_t
for name, result, arguments in (
        ('conf_new', P, []), ('conf_set', I, [P, S, S, S, Z]), ('new', P, [I, P, S, Z]), ('destroy', None, [P]),
        ('queue_new', P, [P]), ('queue_destroy', None, [P]), ('queue_poll', P, [P, I]), ('event_error', I, [P]),
        ('event_destroy', None, [P]), ('NewTopic_new', P, [S, I, I, S, Z]), ('NewTopic_set_config', I, [P, S, S]),
        ('NewTopic_destroy', None, [P]), ('CreateTopics', None, [P, P, Z, P, P]),
        ('event_CreateTopics_result', P, [P]), ('CreateTopics_result_topics', P, [P, P]),
        ('topic_result_error', I, [P]), ('ConfigResource_new', P, [I, S]), ('ConfigResource_destroy', None, [P]),
        ('DescribeConfigs', None, [P, P, Z, P, P]), ('event_DescribeConfigs_result', P, [P]),
        ('DescribeConfigs_result_resources', P, [P, P]), ('ConfigResource_configs', P, [P, P]),
        ('ConfigEntry_name', S, [P]), ('ConfigEntry_value', S, [P])):
    function = getattr(LIB, f'rd_kafka_{name}')
    function.restype, function.argtypes = result, arguments

TOPIC = 2  # RD_KAFKA_RESOURCE_TOPIC


class Admin:
    def __init__(self, brokers):
        why = ctypes.create_string_buffer(256)
        conf = LIB.rd_kafka_conf_new()
        LIB.rd_kafka_conf_set(conf, b'bootstrap.servers', brokers.encode(), why, 256)
        self.client = LIB.rd_kafka_new(0, conf, why, 256)
        self.queue = LIB.rd_kafka_queue_new(self.client)

    def close(self):
        LIB.rd_kafka_queue_destroy(self.queue)
        LIB.rd_kafka_destroy(self.client)

    def answer(self):
        event = LIB.rd_kafka_queue_poll(self.queue, 30000)
        if not event or LIB.rd_kafka_event_error(event):
            raise RuntimeError('Kafka did not answer, or refused')
        return event

    def create(self, topic, partitions, config):
        new = LIB.rd_kafka_NewTopic_new(topic.encode(), partitions, 1, None, 0)
        for key, value in config.items():
            LIB.rd_kafka_NewTopic_set_config(new, key.encode(), value.encode())
        LIB.rd_kafka_CreateTopics(self.client, ctypes.byref(P(new)), 1, None, self.queue)
        event, n = self.answer(), Z()
        topics = LIB.rd_kafka_CreateTopics_result_topics(LIB.rd_kafka_event_CreateTopics_result(event), ctypes.byref(n))
        error = LIB.rd_kafka_topic_result_error(ctypes.cast(topics, ctypes.POINTER(P))[0])
        LIB.rd_kafka_event_destroy(event)
        LIB.rd_kafka_NewTopic_destroy(new)
        if error:
            raise RuntimeError(f'Kafka did not create {topic}: error {error}')

    def config(self, topic):
        resource, n = LIB.rd_kafka_ConfigResource_new(TOPIC, topic.encode()), Z()
        LIB.rd_kafka_DescribeConfigs(self.client, ctypes.byref(P(resource)), 1, None, self.queue)
        event = self.answer()
        found = LIB.rd_kafka_DescribeConfigs_result_resources(LIB.rd_kafka_event_DescribeConfigs_result(event),
                                                              ctypes.byref(n))
        entries = LIB.rd_kafka_ConfigResource_configs(ctypes.cast(found, ctypes.POINTER(P))[0], ctypes.byref(n))
        entries = ctypes.cast(entries, ctypes.POINTER(P))
        seen = {LIB.rd_kafka_ConfigEntry_name(entries[i]).decode(): (LIB.rd_kafka_ConfigEntry_value(entries[i]) or b'').decode()
                for i in range(n.value)}
        LIB.rd_kafka_event_destroy(event)
        LIB.rd_kafka_ConfigResource_destroy(resource)
        return seen
