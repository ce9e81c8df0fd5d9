# tier: all
# timeout: 400
"""The Kafka sink on a real broker: every kind of too large, outages, transactions under kill -9."""

import base64
import json
import time

from feeding import Feed, failed, kill_task, letters
from kafka_sinks import KafkaSinkCase
from sluicetest import Sluice


class KafkaSinkLong(KafkaSinkCase):
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
