"""The Kafka sink on a real broker: records as they are, refusals. Outages and kills: test_kafka_sink_long.py."""

import json
import os
import subprocess

from feeding import failed, letters, line, pipeline
from kafka_sinks import CONVERTERS, KafkaSinkCase


def murmur2(data):
    """Java's partitioner (org.apache.kafka.common.utils.Utils.murmur2), from its description."""
    m, mask = 0x5bd1e995, 0xffffffff
    h = (0x9747b28c ^ len(data)) & mask
    for i in range(0, len(data) & ~3, 4):
        k = int.from_bytes(data[i:i + 4], "little") * m & mask
        k = (k ^ k >> 24) * m & mask
        h = (h * m & mask) ^ k
    rest = data[len(data) & ~3:]
    if rest:
        h = (h ^ int.from_bytes(rest, "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return (h ^ h >> 15) & 0x7fffffff


class KafkaSink(KafkaSinkCase):
    def test_records(self):
        self.run_sink()
        self.feed.add(line({"a": "ü"}, "k", headers={"h": "x", "n": None}, timestamp=1234567890123), line(None, "k"),
                      line({"b": 1}), line({"c": 1}, "k2", topic=self.name + "-other"), line("", ""))
        found = self.kafka.consume(self.name, count=4)
        self.assertEqual([{"a": "ü"}, None, {"b": 1}, ""], [r.json() for r in found])
        self.assertEqual([b"k", b"k", None, b""], [r.key for r in found])
        self.assertEqual(1234567890123, found[0].timestamp)
        self.assertEqual((("h", '"x"'), ("n", None)), tuple((k, v) for k, v in found[0].headers)[:2])
        self.assertEqual({"c": 1}, self.kafka.consume(self.name + "-other", count=1)[0].json())

    def test_partitions_as_java(self):
        vectors = {b"21": -973932308, b"foobar": -790332482, b"a-little-bit-long-string": -985981536,
                   b"a-little-bit-longer-string": -1486304829, b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
                   b"abc": 479470107}
        for key, hashed in vectors.items():  # of Kafka's own UtilsTest
            self.assertEqual(hashed & 0x7fffffff, murmur2(key))
        self.kafka.create_topic(self.name, 7)
        self.run_sink()
        keys = [k.decode() for k in vectors] + ["key-%d" % i for i in range(300)]
        self.feed.add(*(line({"id": i}, k) for i, k in enumerate(keys)))
        for r in self.kafka.consume(self.name, count=len(keys)):
            self.assertEqual(murmur2(r.key) % 7, r.partition, r.key)

    def test_partition_of_the_record(self):
        self.kafka.create_topic(self.name, 3)
        dead = self.folder / "dead"
        self.run_sink({"tolerance": "all", "dead.letters.file": str(dead)})
        self.feed.add(line({"id": 1}, "k", partition=2), line({"id": 2}, "k", partition=9), line({"id": 3}, "k", partition=0))
        self.assertEqual({1: 2, 3: 0}, {r.json()["id"]: r.partition for r in self.kafka.consume(self.name, count=2)})
        self.eventually(lambda: [d["code"] for d in letters(dead)] == ["kafka.unknown_partition"])

    def test_compression(self):
        for codec in ("gzip", "snappy", "lz4", "zstd"):
            self.name = "compression-" + codec
            self.run_sink(**{"compression.type": codec})
        self.feed.add(*({"id": i, "text": "x" * 100} for i in range(500)))
        for codec in ("gzip", "snappy", "lz4", "zstd"):
            # every pipeline reads the same file, whose topic is that of the first that asked
            self.assertEqual(list(range(500)), self.numbers("compression-" + codec, count=500))

    def test_too_large_fails_clearly(self):
        self.run_sink()
        self.feed.add({"id": 1, "text": "x" * 1200000})
        trace = failed(self.sluice, self.name)
        self.assertIn("kafka.message_too_large", trace)

    def test_draining_does_not_linger(self):
        self.kafka.create_topic(self.name, 1)
        self.run_sink(**{"linger.ms": 60000})
        self.sluice.wait_state(self.name)
        self.feed.add(*({"id": i} for i in range(3)))
        self.eventually(lambda: self.sluice.status(self.name)["tasks"][0]["branches"][0]["in_flight"] > 0)
        self.assertEqual([], self.kafka.consume(self.name))
        self.sluice.put("/pipelines/%s/pause" % self.name).expect(202)
        self.assertEqual([0, 1, 2], self.numbers(count=3))

    def test_what_is_before_a_bad_record_does_not_linger(self):
        """Or it would be cancelled when its time is over, at each restart again."""
        self.feed.add(*({"id": i} for i in (0, 1, 2, "bad", 4)))
        body = pipeline(self.name, self.feed.source(self.name), "kafka",
                        {"bootstrap.servers": self.kafka.bootstrap, "linger.ms": 60000},
                        transforms=[{"plugin": "cast", "config": {"spec": "id:int32"}}])
        body["sinks"][0]["converters"] = CONVERTERS
        body["errors"] = {"stop.at": "record"}
        self.sluice.post("/pipelines", body).expect(201)
        self.addCleanup(self.drop, self.name)
        self.assertIn("bad", failed(self.sluice, self.name))
        self.assertEqual([0, 1, 2], self.numbers(count=3))

    def test_unreachable(self):
        self.run_sink(**{"bootstrap.servers": "127.0.0.1:1"})
        self.eventually(lambda: "kafka.connect: bootstrap.servers 127.0.0.1:1" in self.sluice.log())

    def test_validate(self):
        def findings(**config):
            path = self.folder / "p.json"
            path.write_text(json.dumps(pipeline("v", self.feed.source(), "kafka", dict({"bootstrap.servers": "h:1"}, **config))))
            return subprocess.run([os.environ["SLUICE_BIN"], "validate", str(path)], text=True, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT).stdout
        self.assertIn("no.such.thing", findings(**{"producer.override.no.such.thing": "1"}))
        self.assertIn("client.acks", findings(**{"client.acks": "some"}))
        self.assertIn("exactly.once", findings(**{"transactional.id": "x"}))
        self.assertIn("SCRAM", findings(**{"client.security.protocol": "SASL_SSL", "client.sasl.mechanism": "SCRAM-SHA-256"}))
        self.assertNotIn("error", findings(**{"producer.override.max.request.size": "100000", "client.key.serializer": "x"}))
