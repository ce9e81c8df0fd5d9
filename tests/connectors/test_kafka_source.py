"""The Kafka source on a real broker: records as they are, where it begins. Rebalances and kills: test_kafka_source_long.py."""

import collections
import json
import os
import subprocess
import threading
import time

from feeding import failed
from kafka_sources import KafkaSourceCase
from sluicetest.worker import ConnectWorker
from sluicetest.kafka import Record


STRING = "org.apache.kafka.connect.storage.StringConverter"


class KafkaSource(KafkaSourceCase):
    def test_records(self):
        self.kafka.produce(self.name, [Record(b'{"id": 1}', b"k", (("h", "x"), ("h", "y"))), (b"k", None), b'{"id":2}'])
        before = self.kafka.consume(self.name, count=3)
        self.run_source()
        found = self.wait_records(3)
        self.assertEqual([{"id": 1}, None, {"id": 2}], [r["value"] for r in found])
        self.assertEqual(["k", "k", None], [r["key"] for r in found])
        self.assertEqual(["h", "h"], [h["key"] for h in found[0]["headers"]])
        self.assertEqual([r.timestamp for r in before], [r["timestamp"] for r in found])
        self.assertEqual({self.name}, {r["topic"] for r in found})

    def test_clean_stop_repeats_nothing(self):
        """Stopped while records stream in: what was taken is delivered and committed, the rest is not touched."""
        self.kafka.create_topic(self.name, 3)
        self.run_source()
        made, stop = [0], threading.Event()

        def feed():
            while not stop.is_set():
                self.produce(made[0], made[0] + 500)
                made[0] += 500
        feeder = threading.Thread(target=feed)
        feeder.start()
        try:
            for _ in range(3):
                self.wait_records(len(self.records()) + 1000)
                self.sluice.terminate()
                self.assertEqual(len(self.records()), sum(self.committed().values()))
                self.sluice.start()
        finally:
            stop.set()
            feeder.join()
        self.wait_records(made[0])
        time.sleep(0.3)
        self.assertEqual(list(range(made[0])), sorted(self.ids()))

    def test_regex(self):
        for topic in ("rx-a", "rx-b", "no-rx-a", "rx-a-no"):
            self.produce(0, 10, topic)
        self.run_source(**{"topics.regex": "rx-[ab]", "group.id": "own-group"})
        self.wait_records(20)
        time.sleep(1)
        self.assertEqual({"rx-a", "rx-b"}, {r["topic"] for r in self.records()})
        self.assertEqual(20, len(self.records()))
        self.eventually(lambda: sum(self.kafka.group_offsets("own-group").values()) == 20)

    def test_offsets_altered(self):
        """A sink connector's over REST: the group says so, and the connector goes on from there."""
        self.produce(0, 100)
        with ConnectWorker("distributed", self.kafka.bootstrap, {"offset.flush.interval.ms": "100"}) as worker:
            path = "/connectors/" + self.name
            worker.put(path + "/config", {"connector.class": "FileStreamSink", "topics": self.name, "file": str(self.out),
                                          "key.converter": STRING, "value.converter": STRING}).expect(201)

            def ids():
                return [json.loads(line)["id"] for line in self.out.read_text().split("\n")[:-1]]
            self.eventually(lambda: self.out.exists() and len(ids()) == 100)
            worker.put(path + "/stop").expect(204)
            partition = {"kafka_topic": self.name, "kafka_partition": 0}
            worker.patch(path + "/offsets",
                         {"offsets": [{"partition": partition, "offset": {"kafka_offset": 40}}]}).expect(200)
            self.assertEqual({0: 40}, self.committed())
            worker.put(path + "/resume").expect(202)
            self.eventually(lambda: len(ids()) >= 160)
            self.assertEqual(list(range(100)) + list(range(40, 100)), ids())
            self.eventually(lambda: self.committed() == {0: 100})

    def test_no_offset(self):
        self.produce(0, 10)
        self.run_source(**{"auto.offset.reset": "none"})
        self.assertIn("kafka.no_offset", failed(self.sluice, self.name))

    def test_latest(self):
        self.produce(0, 10)
        self.run_source(**{"auto.offset.reset": "latest", "group.id": "late"})
        self.eventually(lambda: "1 partitions assigned" in self.sluice.log())
        time.sleep(2)
        self.produce(10, 20)
        self.wait_records(10)
        self.assertEqual(list(range(10, 20)), self.ids())

    def test_validate(self):
        def findings(**config):
            path = self.folder / "p.json"
            path.write_text(json.dumps(self.body(**config)))
            return subprocess.run([os.environ["SLUICE_BIN"], "validate", str(path)], text=True, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT).stdout
        self.assertIn("exclude each other", findings(**{"topics.regex": "a", "topics": "b"}))
        self.assertIn("says nothing to read", findings(topics=""))
        self.assertIn("consumer.override.fetch.bytes", findings(**{"consumer.override.fetch.bytes": "1"}))
        self.assertIn("topics.regex", findings(**{"topics.regex": "("}))

    def test_regex_as_java_has_it_and_new_topics(self):
        for topic in ("rj-1", "rj-22", "rj-1-no", "no-rj-1"):
            self.produce(0, 10, topic)
        self.run_source(**{"topics.regex": "rj-(?:\\d&&[^9]|[\\d&&[^9]]+)", "consumer.override.metadata.max.age.ms": 1000})
        self.wait_records(20)
        self.produce(0, 10, "rj-9")
        self.produce(0, 10, "rj-333")
        self.wait_records(30)
        time.sleep(1.5)
        self.assertEqual({"rj-1": 10, "rj-22": 10, "rj-333": 10}, collections.Counter(r["topic"] for r in self.records()))
