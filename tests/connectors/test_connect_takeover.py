"""A real Kafka Connect worker hands its cluster over to ours and takes it back, at least once and exactly once: configurations,
states, active topics and offsets are what the other showed, and each connector goes on where it stopped."""
# tier: all
# timeout: 400

import json

from sluicetest import Case, Kafka
from sluicetest.jvm_connect import JvmConnect, jars
from sluicetest.worker import ConnectWorker

STRING = "org.apache.kafka.connect.storage.StringConverter"


class TakeOver(Case):
    time_limit = 190

    @classmethod
    def setUpClass(cls):
        cls.kafka = cls.enterClassContext(Kafka())

    def setUp(self):
        if jars() is None:
            self.skipTest("Kafka Connect is not installed: tests/kit/setup-servers.sh connect")
        self.name = self._testMethodName.replace("test_", "").replace("_", "-")
        self.folder = self.scratch()
        self.write(1, 3)

    def write(self, first, last):
        with open(self.folder / "in.txt", "a", encoding="utf-8") as f:
            f.writelines("%d\n" % n for n in range(first, last + 1))

    def topic(self, name):
        return "%s-%s" % (self.name, name)

    def lines(self, name):
        return [r.value.decode() for r in self.kafka.consume(self.topic(name))]

    def source(self, topic, **more):
        return dict({"connector.class": "FileStreamSource", "tasks.max": "1", "file": str(self.folder / "in.txt"),
                     "topic": self.topic(topic), "value.converter": STRING}, **more)

    def shown(self, worker):
        """What a user sees of all connectors, wherever the worker is."""
        all_of = worker.get("/connectors?expand=info&expand=status").json()
        for name in all_of:
            all_of[name]["topics"] = worker.get("/connectors/%s/topics" % name).json()[name]["topics"]
            if all_of[name]["info"]["type"] == "source":
                all_of[name]["offsets"] = worker.get("/connectors/%s/offsets" % name).json()
        return json.loads(json.dumps(all_of).replace("127.0.0.1:%d" % worker.port, "WORKER"))

    def settle(self, worker, lines, running):
        """Until all that are to run do, have sent so many lines, and have said so."""
        end = len("".join("%d\n" % n for n in range(1, lines + 1)))

        def settled():
            for name in running:
                status = worker.get("/connectors/%s/status" % name).expect(200).json()
                self.assertEqual({"RUNNING"}, {t["state"] for t in status["tasks"]}, name)
                if name != "sink":
                    offsets = worker.get("/connectors/%s/offsets" % name).expect(200).json()["offsets"]
                    self.assertEqual([{"position": end}], [o["offset"] for o in offsets])
            return True
        self.eventually(settled, 90)

    def hand_over(self, properties, own):
        topics = {"%s.storage.topic" % log: self.topic(log) for log in ("config", "offset", "status")}
        properties = dict(properties, **topics, **{"group.id": self.name})
        connect = JvmConnect(self.kafka.bootstrap, self.folder, properties)
        self.addCleanup(connect.terminate)
        connect.start()
        connect.put("/connectors/plain/config", self.source("data")).expect(201)
        connect.put("/connectors/other/config", self.source("other", **own)).expect(201)
        connect.put("/connectors/paused/config", self.source("paused")).expect(201)
        connect.put("/connectors/sink/config", {"connector.class": "FileStreamSink", "tasks.max": "2", "topics": self.topic("data"),
                                                "file": str(self.folder / "out.txt"), "value.converter": STRING}).expect(201)
        self.settle(connect, 3, ("plain", "other", "paused", "sink"))
        connect.put("/connectors/paused/pause").expect(202)
        self.eventually(lambda: connect.get("/connectors/paused/status").json()["tasks"][0]["state"] == "PAUSED")
        theirs = self.shown(connect)
        connect.terminate()
        with ConnectWorker("distributed", self.kafka.bootstrap, properties) as worker:
            self.settle(worker, 3, ("plain", "other", "sink"))
            self.assertEqual(theirs, self.shown(worker))
            self.assertEqual(self.kafka.client.cluster_id(), worker.get("/").json()["kafka_cluster_id"])
            self.write(4, 5)
            worker.put("/connectors/paused/resume").expect(202)
            worker.put("/connectors/plain/config", self.source("data", **{"batch.size": "7"})).expect(200)
            worker.put("/connectors/new/config", self.source("new")).expect(201)
            self.settle(worker, 5, ("plain", "other", "paused", "new", "sink"))
            worker.put("/connectors/sink/stop").expect(204)
            ours = self.shown(worker)
            self.assertEqual(0, worker.terminate())
        connect.start()
        self.settle(connect, 5, ("plain", "other", "paused", "new"))
        self.assertEqual(ours, self.shown(connect))
        self.write(6, 6)
        self.settle(connect, 6, ("plain", "other", "paused", "new"))
        for name in ("data", "other", "paused", "new"):
            self.assertEqual(["%d" % n for n in range(1, 7)], self.lines(name), name)

    def test_at_least_once(self):
        self.hand_over({}, {"offsets.storage.topic": self.topic("own")})

    def test_exactly_once(self):
        self.hand_over({"exactly.once.source.support": "enabled"}, {"offsets.storage.topic": self.topic("own")})
