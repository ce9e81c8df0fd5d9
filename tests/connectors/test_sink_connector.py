"""Sink connectors as Kafka Connect runs them: tasks.max members of one consumer group, real rebalances, the group's offsets.

The tasks share a file: whole lines are appended by each, so the file shows what all of them delivered.
"""
# timeout: 240

import collections
import json
import os
import signal
import threading
import time

from sluicetest import Case, Kafka, eventually
from sluicetest.worker import ConnectWorker

STRING = "org.apache.kafka.connect.storage.StringConverter"
PARTITIONS = 6


class Feeder(threading.Thread):
    """Produces records 0, 1, 2 ... until it is told to stop."""

    def __init__(self, kafka, topic):
        super().__init__()
        self.kafka, self.topic, self.count, self.over = kafka, topic, 0, threading.Event()

    def run(self):
        while not self.over.is_set():
            self.kafka.produce(self.topic, [("k%d" % (i % 97), {"id": i}) for i in range(self.count, self.count + 200)])
            self.count += 200

    def stop(self):
        self.over.set()
        self.join()
        return self.count


class SinkConnector(Case):
    time_limit = 110

    @classmethod
    def setUpClass(cls):
        cls.kafka = cls.enterClassContext(Kafka())
        cls.worker = cls.enterClassContext(ConnectWorker("distributed", cls.kafka.bootstrap,
                                                         {"offset.flush.interval.ms": "300"}))

    def setUp(self):
        self.name = self._testMethodName.replace("_", "-")
        self.out = self.scratch() / "out.txt"
        self.path = "/connectors/" + self.name

    def put(self, **config):
        own = {"connector.class": "FileStreamSink", "tasks.max": "1", "file": str(self.out), "key.converter": STRING,
               "value.converter": STRING}
        if "topics.regex" not in config:
            own["topics"] = self.name
        self.worker.put(self.path + "/config", dict(own, **config)).expect(200, 201)
        self.addCleanup(lambda: self.worker.delete(self.path))

    def ids(self):
        try:
            return [json.loads(line)["id"] for line in self.out.read_text().split("\n")[:-1]]
        except FileNotFoundError:
            return []

    def group(self, name=None):
        return {p: o for (t, p), o in self.kafka.group_offsets(name or "connect-" + self.name).items() if o >= 0}

    def ends(self, topic=None):
        return {p: self.kafka.end_offset(topic or self.name, p) for p in range(PARTITIONS)}

    def task_pids(self):
        tasks = self.worker.get("/pipelines/%s/status" % self.name).json()["tasks"]
        return [t["pid"] for t in tasks if "pid" in t and t["state"] == "RUNNING"]

    def delivered(self, first, seconds=60):
        return eventually(lambda: len(set(self.ids())) >= first, seconds)

    def test_three_tasks_lose_nothing(self):
        """One of three is killed, the configuration changes, the worker starts again, while records come all the time."""
        self.kafka.create_topic(self.name, PARTITIONS)
        self.put(**{"tasks.max": "3", "consumer.override.session.timeout.ms": "6000"})
        feeder = Feeder(self.kafka, self.name)
        feeder.start()
        try:
            self.eventually(lambda: len(self.task_pids()) == 3, 30)
            self.delivered(500)
            killed = self.task_pids()[1]
            os.kill(killed, signal.SIGKILL)
            self.eventually(lambda: len(self.task_pids()) == 3 and killed not in self.task_pids(), 30)
            self.delivered(len(set(self.ids())) + 500)
            self.put(**{"tasks.max": "3", "consumer.override.session.timeout.ms": "6000", "errors.log.enable": "true"})
            self.delivered(len(set(self.ids())) + 500)
            self.assertEqual(0, self.worker.terminate())
            self.worker.start()
            self.delivered(len(set(self.ids())) + 500)
        finally:
            count = feeder.stop()
        self.eventually(lambda: set(self.ids()) == set(range(count)), 60,
                        "not all of %d: %d" % (count, len(set(self.ids()))))
        self.eventually(lambda: self.group() == self.ends(), 30, "the group is not at the end")
        self.eventually(lambda: len(self.task_pids()) == 3, 30)
        print("sent twice: %d of %d" % (len(self.ids()) - count, count))
        offsets = self.worker.get(self.path + "/offsets").expect(200).json()["offsets"]
        self.assertEqual(self.ends(), {o["partition"]["kafka_partition"]: o["offset"]["kafka_offset"] for o in offsets})

    def test_what_others_set_counts(self):
        """The group's offsets, not what sluice remembers, say where a connector goes on."""
        self.kafka.produce(self.name, [("k", {"id": i}) for i in range(50)])
        self.put()
        self.eventually(lambda: len(self.ids()) == 50 and self.group() == {0: 50})
        self.worker.put(self.path + "/stop").expect(204)
        partition = {"kafka_topic": self.name, "kafka_partition": 0}
        self.worker.delete(self.path + "/offsets").expect(200)
        self.assertEqual({}, self.group())
        self.worker.put(self.path + "/resume").expect(202)
        self.eventually(lambda: self.ids() == list(range(50)) * 2)
        self.worker.put(self.path + "/stop").expect(204)
        # Another connector of the same group moves its offset, as any tool may.
        self.worker.put("/connectors/tool/config", {"connector.class": "FileStreamSink", "topics": self.name,
                                                    "file": str(self.scratch() / "none"), "key.converter": STRING,
                                                    "value.converter": STRING,
                                                    "consumer.override.group.id": "connect-" + self.name}).expect(201)
        self.worker.put("/connectors/tool/stop").expect(204)
        self.worker.patch("/connectors/tool/offsets",
                          {"offsets": [{"partition": partition, "offset": {"kafka_offset": 45}}]}).expect(200)
        self.worker.delete("/connectors/tool").expect(204)
        self.worker.put(self.path + "/resume").expect(202)
        self.eventually(lambda: self.ids()[100:] == list(range(45, 50)))

    def test_offsets_of_a_connector_that_runs(self):
        """Only of a stopped one may they be set; the group itself refuses while it has members."""
        self.kafka.produce(self.name, [("k", {"id": 1})])
        self.put()
        self.eventually(lambda: self.group() == {0: 1})
        offsets = {"offsets": [{"partition": {"kafka_topic": self.name, "kafka_partition": 0}, "offset": None}]}
        self.assertIn("must be in the STOPPED state", self.worker.patch(self.path + "/offsets", offsets).expect(400).text)
        self.assertIn("must be in the STOPPED state", self.worker.delete(self.path + "/offsets").expect(400).text)
        other = {"connector.class": "FileStreamSink", "topics": self.name, "file": str(self.out), "name": "zombie",
                 "consumer.override.group.id": "connect-" + self.name}
        self.worker.post("/connectors", {"name": "zombie", "config": other, "initial_state": "STOPPED"}).expect(201)
        self.addCleanup(lambda: self.worker.delete("/connectors/zombie"))
        for answer in (self.worker.patch("/connectors/zombie/offsets", offsets), self.worker.delete("/connectors/zombie/offsets")):
            self.assertEqual(500, answer.status)
            self.assertIn("zombie sink tasks", answer.text)
        self.assertEqual({0: 1}, self.group())

    def test_topics_by_pattern_and_those_to_come(self):
        for topic in ("pat-1", "pat-22", "pat-1x"):
            self.kafka.produce(topic, [("k", {"id": topic})])
        self.put(**{"topics.regex": "pat-[\\d&&[^9]]++", "consumer.override.metadata.max.age.ms": "1000"})
        self.eventually(lambda: len(self.ids()) == 2)
        self.kafka.produce("pat-333", [("k", {"id": "pat-333"})])
        self.kafka.produce("pat-9", [("k", {"id": "pat-9"})])
        self.eventually(lambda: len(self.ids()) == 3)
        time.sleep(1.5)
        self.assertEqual(collections.Counter(["pat-1", "pat-22", "pat-333"]), collections.Counter(self.ids()))

    def test_commits_wait_for_the_interval(self):
        """offset.flush.interval.ms of the worker: 60 s, as in Connect, when it says nothing; a stop commits at once."""
        properties = {"group.id": "w2", "config.storage.topic": "c2", "offset.storage.topic": "o2", "status.storage.topic": "s2",
                      "offset.flush.interval.ms": "60000"}
        self.kafka.produce(self.name, [("k", {"id": i}) for i in range(10)])
        with ConnectWorker("distributed", self.kafka.bootstrap, properties) as worker:
            worker.put(self.path + "/config", {"connector.class": "FileStreamSink", "topics": self.name, "file": str(self.out),
                                               "key.converter": STRING, "value.converter": STRING}).expect(201)
            self.eventually(lambda: len(self.ids()) == 10)
            time.sleep(2)
            self.assertEqual({}, self.group())
            worker.put(self.path + "/stop").expect(204)
            self.eventually(lambda: self.group() == {0: 10})
