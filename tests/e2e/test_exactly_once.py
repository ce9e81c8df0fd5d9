# timeout: 600
"""exactly.once.source.support of a Connect worker: records and offsets in one transaction, whoever is killed and when."""

import contextlib
import json
import os
import signal
import sqlite3
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
    return next(iter(children(worker.pid, role="__task")), None)


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

    # What the worker's own offsets have to do with it ---------------------------------------------------------------------

    def records(self, topic="once-offsets"):
        """All committed offsets of the connector: (value, names of headers)."""
        return [(None if r.value is None else json.loads(r.value), {h for h, _ in r.headers})
                for r in self.kafka.consume(topic, timeout=20) if json.loads(r.key)[0] == self.name]

    def write(self, first, count):
        with open(self.input, "a", encoding="utf-8") as f:
            f.writelines("line %d\n" % n for n in range(first, first + count))

    def wait_lines(self, count):
        self.eventually(lambda: len(self.lines()) >= count, 60, interval=0.5)
        time.sleep(1)
        return self.lines()

    def stop(self, worker):
        worker.put("/connectors/%s/stop" % self.name).expect(204)
        self.eventually(lambda: task_pid(worker) is None)

    def set_position(self, worker, position):
        offset = {"partition": {"filename": str(self.input)}, "offset": position}
        worker.patch("/connectors/%s/offsets" % self.name, {"offsets": [offset]}).expect(200)

    def test_only_transactions_write_offsets(self):
        worker = self.worker()
        worker.put("/connectors/%s/config" % self.name, self.config()).expect(201)
        for n in range(5):
            self.write(100 * n, 100)
            self.wait_lines(100 * (n + 1))
        self.assertEqual(self.input.stat().st_size, self.shown(worker))
        worker.terminate()
        found = self.records()
        self.assertGreaterEqual(len(found), 5)
        self.assertEqual([{"sluice.position", "sluice.partition"}] * len(found), [headers for _, headers in found])

    def shown(self, worker):
        found = worker.get("/connectors/%s/offsets" % self.name).expect(200).json()["offsets"]
        return found[0]["offset"]["position"] if found else None

    def altered(self, topics, **config):
        """Set back, forgotten, each before and after the worker began anew: the topics say it, and it goes on from there."""
        worker = self.worker()
        self.write(0, 10)
        worker.put("/connectors/%s/config" % self.name, self.config(**config)).expect(201)
        self.assertEqual(10, len(self.wait_lines(10)))
        self.stop(worker)
        self.set_position(worker, {"position": 35})
        for topic in topics:
            self.assertEqual(({"position": 35}, set()), self.records(topic)[-1], topic)
        worker.put("/connectors/%s/resume" % self.name).expect(202)
        self.assertEqual(["line %d" % n for n in range(5, 10)], self.wait_lines(15)[10:])
        self.stop(worker)
        self.set_position(worker, {"position": 56})
        worker.kill9()
        worker.start()
        worker.put("/connectors/%s/resume" % self.name).expect(202)
        self.assertEqual(["line 8", "line 9"], self.wait_lines(17)[15:])
        self.eventually(lambda: self.records()[-1][0] == {"position": 70})
        self.stop(worker)
        worker.delete("/connectors/%s/offsets" % self.name).expect(200)
        for topic in topics:
            self.assertEqual((None, set()), self.records(topic)[-1], topic)
            self.assertEqual(1, len({r.key for r in self.kafka.consume(topic) if json.loads(r.key)[0] == self.name}), topic)
        worker.kill9()
        worker.start()
        worker.put("/connectors/%s/resume" % self.name).expect(202)
        self.assertEqual(["line %d" % n for n in range(10)], self.wait_lines(27)[17:])

    def test_altered_offsets(self):
        self.altered(["once-offsets"])

    def test_altered_offsets_in_an_own_topic(self):
        own = self.name + "-offsets"
        self.altered([own, "once-offsets"], **{"offsets.storage.topic": own})

    def test_own_topic_that_may_not_be_made(self):
        """Whoever may not make topics may write to one that is there."""
        kafka = self.enterContext(Kafka("authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
                                         "allow.everyone.if.no.acl.found=true"))
        kafka.create_topic("own", 1, {"cleanup.policy": "compact"})
        with ConnectWorker("distributed", kafka.bootstrap, PROPERTIES) as worker:
            kafka.client.add_acls([(kind, name, operation, operation == "all") for operation in ("all", "create")
                                   for kind, name in (("cluster", "kafka-cluster"), ("topic", "own"))])
            worker.post("/connectors", {"name": self.name, "initial_state": "STOPPED",
                                        "config": self.config(**{"offsets.storage.topic": "own"})}).expect(201)
            entry = {"partition": {"filename": str(self.input)}, "offset": {"position": 3}}
            worker.patch("/connectors/%s/offsets" % self.name, {"offsets": [entry]}).expect(200)
        self.assertEqual([b'{"position":3}'], [r.value for r in kafka.consume("own")])

    def test_another_data_directory(self):
        """A worker that has nothing but the topics knows the positions that the transactions left there."""
        logs = {"config.storage.topic": "once-moved-config", "status.storage.topic": "once-moved-status"}
        first = self.worker(**logs)
        first.put("/connectors/%s/config" % self.name, self.config()).expect(201)
        feeder = self.feed(10000, 6)
        self.eventually(lambda: len(self.lines()) > 2000, 60)
        first.kill9()
        second = self.worker(**logs)
        feeder.join()
        self.all_once(10000)
        self.eventually(lambda: self.shown(second) == self.input.stat().st_size)
        second.put("/connectors/%s/pause" % self.name).expect(202)
        second.wait_state(self.name, "PAUSED")
        self.eventually(lambda: task_pid(second) is None)
        place = [dict(r.headers)["sluice.position"] for r in self.kafka.consume("once-offsets")
                 if json.loads(r.key)[0] == self.name][-1]
        second.kill9()
        third = self.worker(**logs)
        self.assertEqual(self.input.stat().st_size, self.shown(third))
        third.kill9()  # it holds the database for itself
        with contextlib.closing(sqlite3.connect(third.data / "sluice.db")) as db:
            rows = db.execute("SELECT lower(hex(position)) || '/' || sub FROM positions WHERE pipeline = ?", (self.name,)).fetchall()
        self.assertEqual([(place if isinstance(place, str) else place.decode(),)], rows)

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

    def test_the_last_record_of_a_poll_is_left_out(self):
        """The offset is then that of the last one that was sent, as the source shows it, with every poll."""
        self.input.write_text("x\n1\n2\nx\n3\nx\n")
        worker = self.worker()
        worker.put("/connectors/%s/config" % self.name, self.config(**{
            "batch.size": "2", "transforms": "c", "transforms.c.spec": "int32", "errors.tolerance": "all",
            "transforms.c.type": "org.apache.kafka.connect.transforms.Cast$Value"})).expect(201)
        self.assertEqual(["1", "2", "3"], self.wait_lines(3))
        self.eventually(lambda: {"position": 10} in [value for value, _ in self.records()])
        self.assertEqual([], [v for v, _ in self.records() if v not in ({"position": n} for n in (4, 6, 10))])
        self.assertEqual(10, self.eventually(lambda: self.shown(worker)))
        worker.kill9()
        self.input.write_text("x\n1\n2\nx\n3\nx\n4\n")
        worker.start()
        self.assertEqual(["1", "2", "3", "4"], self.wait_lines(4))

    def test_validation(self):
        worker = self.worker()
        answer = worker.put("/connector-plugins/FileStreamSource/config/validate", dict(
            self.config(**{"transaction.boundary": "connector"}), name=self.name)).expect(200).json()
        errors = {c["value"]["name"]: c["value"]["errors"] for c in answer["configs"] if c["value"]["errors"]}
        self.assertEqual({"transaction.boundary": ["The connector does not support connector-defined transaction boundaries with "
                                                   "the given configuration. Please reconfigure it to use a different transaction "
                                                   "boundary definition."]}, errors)
