# timeout: 300
"""exactly.once.source.support of a Connect worker: records and offsets in one transaction, whoever is killed and when."""

import json
import os
import signal
import threading
import time

from sluicetest import Case, Kafka
from sluicetest.host import children
from sluicetest.worker import ConnectWorker

LINES = 30000
PROPERTIES = {"group.id": "once", "key.converter": "org.apache.kafka.connect.storage.StringConverter",
              "value.converter": "org.apache.kafka.connect.storage.StringConverter", "offset.storage.topic": "once-offsets",
              "exactly.once.source.support": "enabled", "offset.flush.interval.ms": "500"}


def task_pid(worker):
    """Of the one task there is; tasks are children of the worker."""
    for pid in children(worker.pid):
        try:
            with open("/proc/%d/cmdline" % pid, "rb") as f:
                if b"__task" in f.read():
                    return pid
        except OSError:
            pass
    return None


class ExactlyOnce(Case):
    time_limit = 200

    @classmethod
    def setUpClass(cls):
        cls.kafka = cls.enterClassContext(Kafka())

    def setUp(self):
        self.name = self._testMethodName.replace("_", "-")
        self.input = self.scratch() / "in.txt"
        self.input.touch()

    def worker(self, **properties):
        return self.enterContext(ConnectWorker("distributed", self.kafka.bootstrap, dict(PROPERTIES, **properties)))

    def config(self, **more):
        return dict({"connector.class": "FileStreamSource", "tasks.max": "1", "file": str(self.input), "topic": self.name,
                     "batch.size": "500", "exactly.once.support": "required"}, **more)

    def feed(self, count=LINES, seconds=12):
        def write():
            with open(self.input, "a", encoding="utf-8") as f:
                for i in range(count):
                    f.write("line %d\n" % i)
                    if i % 500 == 499:
                        f.flush()
                        time.sleep(seconds * 500 / count)
        thread = threading.Thread(target=write, daemon=True)
        thread.start()
        return thread

    def lines(self):
        return [r.value.decode() for r in self.kafka.consume(self.name, timeout=20)]

    def offsets(self, topic="once-offsets"):
        """The newest committed offset of the connector: (key, value, names of headers)."""
        found = [r for r in self.kafka.consume(topic, timeout=20) if json.loads(r.key)[0] == self.name]
        return found[-1].key.decode(), json.loads(found[-1].value), {h for h, _ in found[-1].headers}

    def all_once(self, count=LINES):
        self.eventually(lambda: self.kafka.end_offset(self.name) >= count, 90)
        self.eventually(lambda: len(self.lines()) >= count, 60, interval=1)
        time.sleep(1)
        self.assertEqual(["line %d" % i for i in range(count)], self.lines())

    def kills(self, worker, kill, feeder, times=5):
        for _ in range(times):
            time.sleep(2)
            kill()
        feeder.join()

    def test_task_killed(self):
        worker = self.worker()
        worker.put("/connectors/%s/config" % self.name, self.config()).expect(201)
        worker.wait_state(self.name)

        def kill():
            os.kill(self.eventually(lambda: task_pid(worker)), signal.SIGKILL)
        self.kills(worker, kill, self.feed())
        self.all_once()
        key, value, headers = self.offsets()
        self.assertEqual('["%s",{"filename":"%s"}]' % (self.name, self.input), key)
        self.assertEqual({"position": self.input.stat().st_size}, value)
        self.assertEqual({"sluice.position", "sluice.partition"}, headers)

    def test_worker_killed_and_intervals(self):
        worker = self.worker()
        topic = self.name + "-own-offsets"
        worker.put("/connectors/%s/config" % self.name, self.config(**{
            "transaction.boundary": "interval", "transaction.boundary.interval.ms": "300",
            "offsets.storage.topic": topic})).expect(201)
        worker.wait_state(self.name)

        def kill():
            worker.kill9()
            worker.start()
        self.kills(worker, kill, self.feed(), 4)
        self.all_once()
        self.assertEqual({"position": self.input.stat().st_size}, self.offsets(topic)[1])

    def test_zombie_is_fenced(self):
        """Two workers with the same group and connector, the first stopped in its tracks: when it goes on, it writes nothing."""
        first = self.worker()
        first.put("/connectors/%s/config" % self.name, self.config()).expect(201)
        first.wait_state(self.name)
        feeder = self.feed(5000, 3)
        self.eventually(lambda: len(self.lines()) > 500, 60)
        pid = self.eventually(lambda: task_pid(first))
        os.kill(pid, signal.SIGSTOP)
        os.kill(first.pid, signal.SIGSTOP)
        self.addCleanup(lambda: [os.kill(p, signal.SIGCONT) for p in (first.pid,) if first.running])
        second = self.worker()
        second.put("/connectors/%s/config" % self.name, self.config()).expect(201)
        feeder.join()
        self.all_once(5000)
        os.kill(first.pid, signal.SIGCONT)
        os.kill(pid, signal.SIGCONT)
        time.sleep(5)
        self.assertEqual(["line %d" % i for i in range(5000)], self.lines())

    def test_bad_record_takes_its_batch_along(self):
        """With boundary poll the records before it are not seen either: the transaction is whole or not there."""
        self.input.write_text("1\n2\n3\nx\n5\n")
        worker = self.worker()
        worker.put("/connectors/%s/config" % self.name, self.config(**{
            "batch.size": "2", "transforms": "c", "transforms.c.spec": "int32",
            "transforms.c.type": "org.apache.kafka.connect.transforms.Cast$Value"})).expect(201)
        self.eventually(lambda: [t["state"] for t in worker.status(self.name)["tasks"]] == ["FAILED"])
        self.assertEqual(["1", "2"], self.lines())
        self.assertEqual({"position": 4}, self.offsets()[1])

    def test_validation(self):
        worker = self.worker()
        answer = worker.put("/connector-plugins/FileStreamSource/config/validate", dict(
            self.config(**{"transaction.boundary": "connector"}), name=self.name)).expect(200).json()
        errors = {c["value"]["name"]: c["value"]["errors"] for c in answer["configs"] if c["value"]["errors"]}
        self.assertEqual({"transaction.boundary": ["The connector does not support connector-defined transaction boundaries with "
                                                   "the given configuration. Please reconfigure it to use a different transaction "
                                                   "boundary definition."]}, errors)
