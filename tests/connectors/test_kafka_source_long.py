# tier: all
# timeout: 300
"""The Kafka source on a real broker: restarts, rebalances, kills, a pipeline that stands still."""

import json
import os
import time

from feeding import kill_task
from kafka_sources import BYTES, KafkaSourceCase
from sluicetest import Sluice


class KafkaSourceLong(KafkaSourceCase):
    def test_restart_goes_on(self):
        self.kafka.create_topic(self.name, 3)
        self.produce(0, 1000)
        self.run_source()
        self.wait_records(1000)
        self.eventually(lambda: sum(self.committed().values()) == 1000)
        self.sluice.terminate()
        self.produce(1000, 1500)
        self.sluice.start()
        self.wait_records(1500)
        self.eventually(lambda: sum(self.committed().values()) == 1500)
        kill_task(self.sluice, self.name)
        self.produce(1500, 2000)
        self.wait_records(2000)
        time.sleep(0.5)
        self.assertEqual(list(range(2000)), sorted(self.ids()))  # the file sink keeps what it wrote; nothing came twice
        self.eventually(lambda: sum(self.committed().values()) == 2000)

    def test_committed_only_when_durable(self):
        """A sink that hangs: nothing is committed, and the member stays in its group well beyond the session."""
        self.kafka.create_topic(self.name, 2)
        self.produce(0, 200000, keys=1000)
        sinks = [{"plugin": "redis", "config": {"redis.host": "127.0.0.1", "redis.port": 1}}]
        body = self.body(sinks=sinks, **{"consumer.override.session.timeout.ms": 6000, "queue.bytes": 65536,
                                         "consumer.override.max.poll.interval.ms": 8000})
        sinks[0]["queue.bytes"] = 100000
        self.start(self.sluice, body)
        time.sleep(12)
        self.assertEqual({}, self.committed())
        self.assertNotIn("max.poll.interval", self.sluice.log())
        self.assertNotIn("revoked", self.sluice.log())

    def test_hanging_sink_keeps_its_place(self):
        self.kafka.create_topic(self.name, 2)
        self.produce(0, 60000, keys=1000)
        pipe = self.folder / "pipe"
        os.mkfifo(pipe)
        sinks = [{"plugin": "file", "config": {"file": str(pipe), "format": "record", "fsync": False}, "queue.bytes": 100000}]
        self.start(self.sluice, self.body(sinks=sinks, **{"consumer.override.session.timeout.ms": 6000, "queue.bytes": 65536,
                                                          "consumer.override.max.poll.interval.ms": 8000}))
        with open(pipe, encoding="utf-8") as f:
            first = [json.loads(f.readline()) for _ in range(100)]
            time.sleep(13)
            self.assertLess(sum(self.committed().values()), 60000)
            rest = [json.loads(f.readline()) for _ in range(59900)]
        self.assertEqual(list(range(60000)), sorted(r["value"]["id"] for r in first + rest))
        self.assertNotIn("pipeline=%s revoked" % self.name, self.sluice.log())

    def test_rebalance_between_two(self):
        self.kafka.create_topic(self.name, 6)
        other_out = self.folder / "other.jsonl"
        self.run_source()
        self.produce(0, 2000)
        self.wait_records(2000)
        with Sluice() as other:
            sinks = [{"plugin": "file", "config": {"file": str(other_out), "format": "record"}}]
            self.start(other, self.body(sinks=sinks))
            at = 2000
            end = time.monotonic() + 15
            while time.monotonic() < end and not self.records(other_out):
                self.produce(at, at + 500)
                at += 500
            self.assertTrue(self.records(other_out))
            self.produce(at, at + 2000)
            at += 2000
            self.eventually(lambda: len(set(self.ids()) | set(self.ids(other_out))) == at, 30)
            print("repeated: %d of %d" % (len(self.ids()) + len(self.ids(other_out)) - at, at))
        self.produce(at, at + 500)
        self.eventually(lambda: set(self.ids()) | set(self.ids(other_out)) == set(range(at + 500)), 30)

    def test_kafka_to_kafka(self):
        self.kafka.create_topic(self.name, 2)
        self.produce(0, 5000)
        sinks = [{"plugin": "kafka", "config": {"bootstrap.servers": self.kafka.bootstrap, "topic": self.name + "-out",
                                                "exactly.once": True}, "converters": BYTES}]
        self.start(self.sluice, self.body(sinks=sinks, converters=BYTES))
        for _ in range(2):
            time.sleep(2)
            kill_task(self.sluice, self.name)
        self.produce(5000, 6000)
        self.kafka.consume(self.name + "-out", count=6000, timeout=60)
        time.sleep(1)
        found = self.kafka.consume(self.name + "-out")
        self.assertEqual(list(range(6000)), sorted(r.json()["id"] for r in found))
        for k in range(50):
            own = [r.json()["id"] for r in found if r.key == b"k%d" % k]
            self.assertEqual(sorted(own), own)

    def test_exactly_once_is_for_one_task(self):
        """Positions do not move with partitions: the second task says so and writes nothing."""
        self.kafka.create_topic(self.name, 4)
        self.produce(0, 400)
        sinks = [{"plugin": "kafka", "config": {"bootstrap.servers": self.kafka.bootstrap, "topic": self.name + "-out",
                                                "exactly.once": True}, "converters": BYTES}]
        self.start(self.sluice, dict(self.body(sinks=sinks, converters=BYTES), **{"tasks.max": 2}))
        at = [400]

        def told():
            self.produce(at[0], at[0] + 100)
            at[0] += 100
            return [t["trace"] for t in self.sluice.status(self.name)["tasks"] if t["state"] == "FAILED"]
        trace = self.eventually(told, 60, interval=1)
        self.assertEqual(1, len(trace))
        self.assertIn("kafka.tasks", trace[0])
        self.assertIn("Set tasks.max to 1", trace[0])
        found = self.kafka.consume(self.name + "-out", count=at[0], timeout=60)
        self.assertEqual(list(range(at[0])), sorted(r.json()["id"] for r in found))
