# builds: all
# tier: all
# timeout: 400
"""The Kafka sink on a real broker: records as they are, refusals, outages, transactions under kill -9."""

import base64
import json
import os
import subprocess
import time

from feeding import Feed, failed, kill_task, letters, line, pipeline
from sluicetest import Case, Kafka, Sluice

CONVERTERS = {"key": {"plugin": "string", "config": {}}, "value": {"plugin": "json", "config": {"schemas.enable": False}}}


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


class KafkaSink(Case):
    time_limit = 120

    @classmethod
    def setUpClass(cls):
        cls.kafka = cls.enterClassContext(Kafka("message.max.bytes=200000"))
        cls.sluice = cls.enterClassContext(Sluice())

    def setUp(self):
        self.name = self._testMethodName.replace("_", "-")
        self.folder = self.scratch()
        self.feed = Feed(self.folder)

    def run_sink(self, errors=None, source=None, **config):
        below_the_brokers = {"producer.override.batch.size": 131072}
        body = pipeline(self.name, source or self.feed.source(self.name), "kafka",
                        dict({"bootstrap.servers": self.kafka.bootstrap}, **dict(below_the_brokers, **config)), errors)
        body["sinks"][0]["converters"] = CONVERTERS
        self.sluice.post("/pipelines", body).expect(201)
        self.addCleanup(self.drop, self.name)
        return body

    def drop(self, name):
        if self.sluice.running:
            self.sluice.delete("/pipelines/" + name)

    def numbers(self, topic=None, **how):
        return [r.json()["id"] for r in self.kafka.consume(topic or self.name, **how)]

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

    def test_too_large(self):
        """Too large for the client, for the broker, and for the client's queue."""
        for exact in (False, True):
            for where, config in (("sets", {"producer.override.batch.size": 1000000}), ("client", {"producer.override.max.request.size": 50000}), ("broker", {}),
                                  ("queue", {"producer.override.max.request.size": 3000000, "queue.bytes": 1048576})):
                with self.subTest(exact=exact, where=where):
                    self.name = "large-%s-%s" % (where, str(exact).lower())
                    self.feed = Feed(self.folder, self.name)
                    dead = self.folder / (self.name + ".dead")
                    self.run_sink({"tolerance": "all", "dead.letters.file": str(dead)}, **dict(config, **{"exactly.once": exact}))
                    size = 1500000 if where == "queue" else 300000
                    small = 10 if where != "sets" else 10000  # all of them together are too large for the broker
                    self.feed.add(*({"id": i, "text": "x" * (size if i in (3, 77) else small)} for i in range(100)))
                    self.assertEqual([i for i in range(100) if i not in (3, 77)], sorted(self.numbers(count=98)))
                    found = self.eventually(lambda: len(letters(dead)) >= 2 and letters(dead))
                    ids = [json.loads(base64.b64decode(d["value"]["base64"]))["id"] for d in found]
                    self.assertEqual([3, 77], sorted(ids))
                    self.assertEqual({"kafka.message_too_large"}, {d["code"] for d in found})
                    self.feed.add({"id": 100})
                    self.assertEqual(99, len(self.numbers(count=99)))
                    self.drop(self.name)

    def test_too_large_fails_clearly(self):
        self.run_sink()
        self.feed.add({"id": 1, "text": "x" * 1200000})
        trace = failed(self.sluice, self.name)
        self.assertIn("kafka.message_too_large", trace)

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
        self.assertIn("SCRAM", findings(**{"client.sasl.mechanism": "SCRAM-SHA-256"}))
        self.assertNotIn("error", findings(**{"producer.override.max.request.size": "100000", "client.key.serializer": "x"}))

    def source(self, count=60000, rate=12000):
        return {"plugin": "datagen", "config": {"count": count, "rate": rate, "topic": self.name,
                                                "fields": {"id": "sequence"}}}

    def test_broker_restarts_in_mid_stream(self):
        self.kafka.create_topic(self.name, 3)
        self.run_sink(source=self.source(40000, 8000))
        self.kafka.consume(self.name, count=5000)
        self.kafka.kill9()
        time.sleep(1)
        self.kafka.start()
        self.eventually(lambda: len(set(self.numbers())) == 40000, 60, interval=1)

    def exactly(self, kill, count=60000, kills=5):
        seen = 0
        for _ in range(kills):
            seen = min(seen + count // (kills + 1), count)
            self.kafka.consume(self.name, count=seen, timeout=60)
            kill()
        self.kafka.consume(self.name, count=count, timeout=60)
        time.sleep(1)
        found = self.numbers()
        self.assertEqual(count, len(found))
        self.assertEqual(list(range(count)), found)

    def test_exactly_once_task_killed(self):
        self.run_sink(source=self.source(), **{"exactly.once": True})
        self.exactly(lambda: kill_task(self.sluice, self.name))
        self.assertGreater(len(self.kafka.consume("sluice-positions")), 5)
        total = len(self.kafka.consume(self.name, committed=False))
        print("records with those of aborted transactions: %d" % total)

    def test_exactly_once_broker_killed(self):
        self.run_sink(source=self.source(count=40000), **{"exactly.once": True})

        def kill():
            self.kafka.kill9()
            self.kafka.start()
        self.exactly(kill, count=40000, kills=2)

    def test_refused_records_survive_kills(self):
        """Records that are too large are in a dead letter in the end, whenever the task is killed; the others once."""
        dead = self.folder / "dead"
        self.run_sink({"tolerance": "all", "dead.letters.file": str(dead), "log": False},
                      source=self.feed.source(self.name, **{"batch.size": 50}),
                      **{"exactly.once": True, "producer.override.max.request.size": 1000})
        for part in range(6):
            self.feed.add(*({"id": i, "text": "x" * (2000 if i % 97 == 0 else 10)} for i in range(part * 500, part * 500 + 500)))
            time.sleep(0.4)
            kill_task(self.sluice, self.name)
        want = [i for i in range(3000) if i % 97]
        self.kafka.consume(self.name, count=len(want), timeout=60)
        time.sleep(1)
        self.assertEqual(want, self.numbers())
        self.eventually(lambda: {d["position"] for d in letters(dead)} and len({d["position"] for d in letters(dead)}) == 31)

    def test_fenced_by_another(self):
        body = self.run_sink(source=self.source(0, 2000), **{"exactly.once": True})
        self.kafka.consume(self.name, count=1000)
        with Sluice() as other:
            other.post("/pipelines", body).expect(201)
            trace = failed(self.sluice, self.name)
            self.assertIn("kafka.fenced", trace)
            other.wait_state(self.name)
            self.kafka.consume(self.name, count=4000)
        time.sleep(1)
        found = self.numbers()
        self.assertEqual(list(range(len(found))), found)

    def test_crashed_neighbour_does_not_hide_positions(self):
        """Another pipeline that was killed in mid-transaction holds back read_committed on the shared position topic."""
        self.run_sink(source=self.source(0, 2000), **{"exactly.once": True, "transaction.interval": "50ms"})
        self.kafka.consume(self.name, count=2000)
        first = self.name
        self.name += "-2"
        self.run_sink(source=self.source(0, 2000), **{"exactly.once": True, "transaction.interval": "50ms"})
        self.kafka.consume(self.name, count=2000)
        self.sluice.kill9()
        time.sleep(1)
        self.sluice.start()
        for name in (first, self.name):
            seen = len(self.kafka.consume(name))
            self.kafka.consume(name, count=seen + 2000, timeout=90)
            found = self.numbers(name)
            self.assertEqual(list(range(len(found))), found)
