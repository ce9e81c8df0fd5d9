"""Missing topics that the Kafka sink makes itself: groups of settings, what cannot be made, topics that no broker would take."""

import base64
import json

from feeding import failed, letters, line
from kafka_sinks import KafkaSinkCase

ONE = {"topic.creation.default.partitions": 1, "topic.creation.default.replication.factor": 1}


class KafkaTopics(KafkaSinkCase):
    def test_groups(self):
        self.kafka.create_topic(self.name + "-there", 4)
        self.run_sink(**dict(ONE, **{
            "topic.creation.groups": "compacted, default, wide", "topic.creation.default.partitions": 2,
            "topic.creation.default.retention.ms": 12345678, "topic.creation.compacted.include": self.name + "-c.*, nothing",
            "topic.creation.compacted.exclude": ".*-cx", "topic.creation.compacted.cleanup.policy": "compact",
            "topic.creation.wide.include": ".*-[cw]x?", "topic.creation.wide.partitions": 5}))
        names = [self.name + suffix for suffix in ("", "-c", "-cx", "-w", "-there", "-nothing")]
        self.feed.add(*(line({"id": i}, "k", topic=t) for i, t in enumerate(names)))
        for i, t in enumerate(names):
            self.assertEqual([i], self.numbers(t, count=1))
        self.assertEqual([2, 2, 5, 5, 4, 2], [self.kafka.topics()[t] for t in names])
        policies = [self.kafka.topic_config(t, "cleanup.policy") for t in names]
        self.assertEqual(["delete", "compact", "delete", "delete", "delete", "delete"], policies)
        kept = [self.kafka.topic_config(t, "retention.ms") for t in names]
        self.assertEqual(["12345678", "604800000", "604800000", "604800000", "604800000", "12345678"], kept)

    def test_made_while_opening(self):
        self.run_sink(topic=self.name + "-first", **dict(ONE, **{"topic.create": True, "topic.creation.default.partitions": 3}))
        self.eventually(lambda: self.kafka.topics().get(self.name + "-first") == 3)
        self.feed.add({"id": 1})
        self.assertEqual([1], self.numbers(self.name + "-first", count=1))

    def test_brokers_defaults(self):
        self.run_sink(topic=self.name + "-first", **{"topic.create": True})
        self.eventually(lambda: self.kafka.topics().get(self.name + "-first") == 1)

    def test_impossible(self):
        self.run_sink(**dict(ONE, **{"topic.creation.default.replication.factor": 7}))
        self.feed.add({"id": 1})
        trace = failed(self.sluice, self.name)
        self.assertTrue(trace.startswith("org.apache.kafka.connect.errors.ConnectException: Error while attempting to create/find "
                                         "topic(s) '%s'\nCaused by: " % self.name), trace)
        self.assertIn("InvalidReplicationFactorException", trace)
        self.assertNotIn(self.name, self.kafka.topics())

    def test_wrong_property(self):
        self.run_sink(**dict(ONE, **{"topic.creation.default.cleanup.policy": "tidy"}))
        self.feed.add({"id": 1})
        trace = failed(self.sluice, self.name)
        self.assertTrue(trace.startswith("org.apache.kafka.connect.errors.ConnectException: Unable to create topic(s) '%s': "
                                         % self.name), trace)

    def test_wrong_settings(self):
        for settings, why in (({"topic.creation.groups": "g", "topic.creation.g.include": "["}, "topic.creation.g.include"),
                              ({"topic.creation.default.partitions": "few"}, "topic.creation.default.partitions")):
            self.name += "-x"
            self.run_sink(**dict(ONE, **settings))
            self.feed.add({"id": 1})
            self.assertIn(why, failed(self.sluice, self.name))

    def test_names_that_none_can_have(self):
        dead = self.folder / "dead"
        self.run_sink({"tolerance": "all", "dead.letters.file": str(dead)})
        bad = ["bad topic!", "..", "ü", "x" * 250]
        records = [line({"id": i}, topic=t) for i, t in enumerate(bad)]
        self.feed.add(line({"id": 10}), *records, line({"id": 11}), line({"id": 4}, topic="a/b"), line({"id": 12}))
        self.assertEqual([10, 11, 12], self.numbers(count=3))
        self.eventually(lambda: len(letters(dead)) == 5)
        self.assertEqual({"kafka.topic_name"}, {d["code"] for d in letters(dead)})
        self.assertEqual([0, 1, 2, 3, 4], sorted(json.loads(base64.b64decode(
            d["value"]["base64"]))["id"] for d in letters(dead)))

    def test_nothing_behind_a_refused_record(self):
        """Without tolerance the task ends where the record is: what comes before is there, and nothing behind."""
        self.run_sink(**{"producer.override.max.request.size": 2000})
        self.feed.add({"id": 1}, {"id": 2, "text": "x" * 3000}, {"id": 3})
        trace = failed(self.sluice, self.name)
        self.assertIn("larger than 2000, which is the value of the max.request.size configuration", trace)
        self.assertEqual([1], self.numbers())
