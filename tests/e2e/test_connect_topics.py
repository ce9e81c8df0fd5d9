"""A Connect worker on the internal topics of another: what a real Connect 4.0 left in its three topics is taken over, and what
ours writes there is what Connect would have written. Recorded truth: tests/golden/internal-topics."""
# timeout: 900

import contextlib
import itertools
import json
import os
import pathlib
import re
import signal
import subprocess

from sluicetest import Case, Kafka
from sluicetest.host import children
from sluicetest.kafka import Record
from sluicetest.worker import ConnectWorker

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden" / "internal-topics"
LOGS = {"config": 1, "offset": 5, "status": 3}  # as recorded: partitions of each topic
FILES = {"config": "configs.jsonl", "offset": "offsets.jsonl", "status": "status.jsonl"}
STRING = "org.apache.kafka.connect.storage.StringConverter"


class Worker(ConnectWorker):
    """With the recorded worker's properties, on topics of its own."""

    def __init__(self, bootstrap, prefix, properties=None, **kwargs):
        own = dict(json.loads((GOLDEN / "session.json").read_text())["worker"], **{"group.id": prefix})
        own.update({"%s.storage.topic" % log: "%s-%s" % (prefix, log) for log in LOGS})
        super().__init__("distributed", bootstrap, dict(own, **(properties or {})), **kwargs)

    def store_child(self):
        """The process that keeps the topics."""
        for pid in children(self.pid, recursive=False):
            if b"__store" in pathlib.Path("/proc/%d/cmdline" % pid).read_bytes():
                return pid
        return None


def murmur2(data):
    """Kafka's: of a key hangs the partition."""
    m, mask, h = 0x5bd1e995, 0xffffffff, 0x9747b28c ^ len(data)
    for i in range(0, len(data) - len(data) % 4, 4):
        k = int.from_bytes(data[i:i + 4], "little") * m & mask
        h = (h * m & mask) ^ ((k ^ k >> 24) * m & mask)
    if len(data) % 4:
        h = (h ^ int.from_bytes(data[len(data) - len(data) % 4:], "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return (h ^ h >> 15) & 0x7fffffff


def recorded(log, directory):
    for line in (GOLDEN / FILES[log]).read_text(encoding="utf-8").splitlines():
        yield json.loads(line.replace("{{DIR}}", str(directory)))


class Topics(Case):
    time_limit = 180

    @classmethod
    def setUpClass(cls):
        cls.kafka = cls.enterClassContext(Kafka())
        cls.client = cls.kafka.client

    def make_topics(self, prefix):
        for log, partitions in LOGS.items():
            self.client.create_topic("%s-%s" % (prefix, log), partitions, {"cleanup.policy": "compact"})

    def fill(self, prefix, directory):
        """The recorded topics, every record of them."""
        self.make_topics(prefix)
        for log in LOGS:
            records = [Record(value=None if r["value"] is None else r["value"].encode(), key=r["key"].encode(),
                              partition=murmur2(r["key"].encode()) % LOGS[log]) for r in recorded(log, directory)]
            self.client.produce("%s-%s" % (prefix, log), records)

    def read(self, prefix, log, since=None):
        """[(key, value)] of a topic, from these offsets ({partition: offset}) on, in order of time."""
        records = [r for r in self.client.consume("%s-%s" % (prefix, log)) if r.offset >= (since or {}).get(r.partition, 0)]
        records.sort(key=lambda r: (r.timestamp, r.partition, r.offset))
        return [(r.key.decode(), r.value if r.value is None else r.value.decode()) for r in records]

    def ends(self, prefix):
        """{log: {partition: offset behind its last record}}"""
        out = {log: {} for log in LOGS}
        for log in LOGS:
            for r in self.client.consume("%s-%s" % (prefix, log)):
                out[log][r.partition] = max(r.offset + 1, out[log].get(r.partition, 0))
        return out

    def newest(self, prefix, log):
        return dict(self.read(prefix, log))

    def test_partitions_are_those_of_java(self):
        for log in ("config", "status"):  # keys of offsets hold the name of a file that is a mask here
            for r in recorded(log, "{{DIR}}"):
                self.assertEqual(r["partition"], murmur2(r["key"].encode()) % LOGS[log], r)

    # Taking over ----------------------------------------------------------------------------------------------------------

    def test_takes_over_what_connect_left(self):
        directory = pathlib.Path(self.scratch())
        (directory / "in.txt").write_text("one\ntwo\nthree\n")
        self.client.create_topic("rest-takeover-data")
        self.fill("over", directory)
        want = json.loads((GOLDEN / "expected-after-takeover.json").read_text().replace("{{DIR}}", str(directory)))["answers"]
        with Worker(self.kafka.bootstrap, "over") as worker:
            worker.wait_state("to-src", tasks=1)
            worker.wait_state("to-snk", tasks=1)
            worker_id = "127.0.0.1:%d" % worker.port
            for path, answer in want.items():
                if path == "/connectors/to-snk/offsets":
                    continue  # of a consumer group, not of these topics
                answer = json.loads(json.dumps(answer).replace("127.0.0.1:18103", worker_id))
                self.assertEqual(answer, worker.get(path).expect(200).json(), path)
            self.assertEqual(self.client.cluster_id(), worker.get("/").json()["kafka_cluster_id"])
            # It goes on behind the 14 characters that Connect had read: nothing of before comes again.
            with open(directory / "in.txt", "a") as f:
                f.write("four\n")
            lines = self.client.consume("rest-takeover-data", 1)
            self.assertEqual([b"four"], [r.value for r in lines])
            key = '["to-src",{"filename":"%s/in.txt"}]' % directory
            self.eventually(lambda: self.newest("over", "offset")[key] == '{"position":19}')
            self.assertEqual(0, worker.terminate())
        states = self.newest("over", "status")
        for key in ("status-connector-to-src", "status-task-to-src-0", "status-connector-to-snk", "status-task-to-snk-0",
                    "status-connector-to paused-ž/1"):
            state = json.loads(states[key])
            self.assertEqual(["UNASSIGNED", worker_id], [state["state"], state["worker_id"]], key)
            self.assertGreater(state["generation"], 40)
        for log in LOGS:
            for r in self.client.consume("over-" + log):
                self.assertEqual(murmur2(r.key) % LOGS[log], r.partition, r)

    def test_reads_behind_open_transactions(self):
        """A transaction that a killed worker left open hides neither what others wrote behind it nor another partition."""
        prefix = "held"
        self.make_topics(prefix)
        self.client.produce("held-config", [
            Record(b'{"properties":{"connector.class":"FileStreamSource","name":"h","file":"/none","topic":"t"}}', b"connector-h"),
            Record(b'{"state":"STOPPED","state.v2":"STOPPED"}', b"target-state-h")])
        key = b'["h",{"filename":"/none"}]'
        partition = murmur2(key) % 5
        self.client.produce("held-offset", [Record(b'{"position":1}', key, partition=partition)])
        held = subprocess.Popen(["kcat", "-b", self.kafka.bootstrap, "-q", "-P", "-t", "held-offset", "-p", str(partition), "-K", "=",
                                 "-X", "transactional.id=held", "-X", "linger.ms=0"], stdin=subprocess.PIPE)
        self.addCleanup(held.wait)
        self.addCleanup(held.kill)
        held.stdin.write(b'["other",{"filename":"/x"}]={"position":5}\n' * 100)  # it reads more than one at a time
        held.stdin.flush()
        self.eventually(lambda: len(self.client.consume("held-offset", committed=False)) > 2)
        self.client.produce("held-offset", [Record(b'{"position":7}', key, partition=partition)])
        worker = Worker(self.kafka.bootstrap, prefix)
        self.addCleanup(worker.close)
        worker.start(wait=False)
        self.eventually(lambda: "a transaction is open in partition %d" % partition in worker.log(), 60)
        held.stdin.close()
        self.assertEqual(0, held.wait(30))
        worker.wait_live()
        offsets = worker.get("/connectors/h/offsets").expect(200).json()
        self.assertEqual([{"partition": {"filename": "/none"}, "offset": {"position": 7}}], offsets["offsets"])

    def test_ends_transactions_of_its_own_tasks(self):
        """What a killed task left open is ended at once, not by the broker after minutes; the dead can commit it no more."""
        prefix = "fenced"
        self.make_topics(prefix)
        config = {"connector.class": "FileStreamSource", "name": "h", "file": "/none", "topic": "t", "tasks.max": "2"}
        self.client.produce("fenced-config", [Record(json.dumps({"properties": config}).encode(), b"connector-h"),
                                              Record(b'{"state":"STOPPED","state.v2":"STOPPED"}', b"target-state-h")])
        key = b'["h",{"filename":"/none"}]'
        partition = murmur2(key) % 5
        self.client.produce("fenced-offset", [Record(b'{"position":7}', key, partition=partition)])
        held = subprocess.Popen(["kcat", "-b", self.kafka.bootstrap, "-q", "-P", "-t", "fenced-offset", "-p", str(partition),
                                 "-D", "\n", "-K", "=", "-X", "transactional.id=fenced-h-1", "-X", "transaction.timeout.ms=600000",
                                 "-X", "linger.ms=0"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(held.wait)
        self.addCleanup(held.kill)
        held.stdin.write(key + b'={"position":9}\n' + b'["other",{"filename":"/x"}]={"position":5}\n' * 100)
        held.stdin.flush()
        self.eventually(lambda: len(self.client.consume("fenced-offset", committed=False)) > 2)
        with Worker(self.kafka.bootstrap, prefix, {"exactly.once.source.support": "enabled"}) as worker:
            offsets = worker.get("/connectors/h/offsets").expect(200).json()
            self.assertEqual([{"partition": {"filename": "/none"}, "offset": {"position": 7}}], offsets["offsets"])
            with contextlib.suppress(BrokenPipeError):
                held.stdin.close()
            held.wait(30)
            self.assertEqual([key], [r.key for r in self.client.consume("fenced-offset")])

    def test_large_entries(self):
        """Each larger than a frame; one that no worker writes is left out, and nothing beside it."""
        prefix, limit = "large", {"cleanup.policy": "compact", "max.message.bytes": "8000000"}
        for log, partitions in LOGS.items():
            self.client.create_topic("%s-%s" % (prefix, log), partitions, limit)
        for name, size in (("a", 900000), ("b", 5000000), ("c", 900000)):
            config = {"connector.class": "FileStreamSource", "name": name, "file": "/none", "topic": "t", "x": "x" * size}
            self.client.produce("large-config", [
                Record(json.dumps({"properties": config}).encode(), b"connector-" + name.encode()),
                Record(b'{"state":"STOPPED","state.v2":"STOPPED"}', b"target-state-" + name.encode())],
                conf={"message.max.bytes": "8000000"})
        with Worker(self.kafka.bootstrap, prefix) as worker:
            self.assertEqual(["a", "c"], sorted(worker.get("/connectors").json()))
            self.assertIn("is left out; its key begins with connector-b", worker.log())

    # Writing --------------------------------------------------------------------------------------------------------------

    def test_writes_what_connect_writes(self):
        """The recorded calls, one after another: each leaves the records that it left in Connect's topics."""
        directory = pathlib.Path(self.scratch())
        (directory / "in.txt").write_text("one\ntwo\n")
        session = (GOLDEN / "session.json").read_text().replace("rest-takeover-data", "calls-data")
        steps = json.loads(session.replace("{{DIR}}", str(directory)))["steps"]
        self.client.create_topic("calls-data")
        with Worker(self.kafka.bootstrap, "calls") as worker:
            for topic, partitions in LOGS.items():
                self.assertEqual(partitions, self.client.topics()["calls-%s" % topic])
            seen = self.ends("calls")
            for step in steps[1:29]:
                if step["after"].startswith("("):
                    with open(directory / "in.txt", "a") as f:
                        f.write("three\n")
                else:
                    self.call(worker, step["after"])
                want = self.grouped(step["records"])
                self.eventually(lambda: self.same(step["after"], want, self.got("calls", seen)), 40, interval=0.3)
                seen = self.ends("calls")
            self.assertEqual(0, worker.terminate())

    @staticmethod
    def call(worker, text):
        method, path, body, status = re.match(r"(\w+) (\S+) ?(.*?) -> (\d+)$", text).groups()
        worker.request(method, path, **({"json": json.loads(body)} if body else {})).expect(int(status))

    @staticmethod
    def plain(key, value):
        """Without what is another one each time; of traces only the first line."""
        if value is None or not key.startswith("status-"):
            return value
        value = re.sub(r'"generation":\d+|"worker_id":"[^"]*"|"task":\d+,"discoverTimestamp":\d+', "*", value)
        return re.sub(r'("trace":"[^"\\]*).*?","\*|("trace":"[^"\\]*).*?",\*', r"\1\2*", value)

    def grouped(self, records):
        """{log: {key: [values]}}, configurations in the order of the topic. Of what was written again and again the last."""
        out = {}
        for r in records:
            log = {"configs": "config", "offsets": "offset", "status": "status"}[r["topic"].split("-")[-1]]
            out.setdefault(log, []).append((r["key"], r["value"]))
        return self.by_key(out)

    def got(self, prefix, since):
        return self.by_key({log: self.read(prefix, log, since[log]) for log in LOGS})

    def by_key(self, logs):
        out = {"config": logs.get("config", []), "offset": dict(logs.get("offset", []))}
        states = {}
        for key, value in logs.get("status", []):
            states.setdefault(key, []).append(self.plain(key, value))
        out["status"] = {k: [v for v, _ in itertools.groupby(vs)] for k, vs in states.items()}
        return out

    def same(self, what, want, got):
        self.assertEqual(want, got, what)
        return True

    # Trouble --------------------------------------------------------------------------------------------------------------

    def source(self, directory, topic):
        return {"connector.class": "FileStreamSource", "file": str(directory / "in.txt"), "topic": topic,
                "value.converter": STRING}

    def add_lines(self, directory, first, count):
        with open(directory / "in.txt", "a") as f:
            f.writelines("line %d\n" % n for n in range(first, first + count))

    def test_kills_lose_nothing(self):
        """SIGKILL of the process that keeps the topics, then of sluice itself, in the middle of writing."""
        directory = pathlib.Path(self.scratch())
        self.client.create_topic("kills-data")
        worker = Worker(self.kafka.bootstrap, "kills")
        with worker:
            self.add_lines(directory, 0, 100)
            worker.put("/connectors/k/config", self.source(directory, "kills-data")).expect(201)
            worker.wait_state("k", tasks=1)
            for kill in range(3):
                os.kill(worker.store_child(), signal.SIGKILL)
                self.add_lines(directory, 100 * (kill + 1), 100)
                worker.put("/connectors/other-%d/config" % kill, dict(self.source(directory, "x"), file="/none")).expect(201)
            key = '["k",{"filename":"%s/in.txt"}]' % directory
            size = (directory / "in.txt").stat().st_size
            self.eventually(lambda: self.newest("kills", "offset").get(key) == '{"position":%d}' % size)
            for kill in range(3):
                self.add_lines(directory, 100 * (kill + 4), 100)
                worker.kill9()
                worker.start()
                worker.wait_state("k", tasks=1)
            size = (directory / "in.txt").stat().st_size
            self.eventually(lambda: self.newest("kills", "offset").get(key) == '{"position":%d}' % size)
            self.assertEqual(["k", "other-0", "other-1", "other-2"], sorted(worker.get("/connectors").json()))
            self.assertEqual({"k": {"topics": ["kills-data"]}}, worker.get("/connectors/k/topics").json())
        lines = [r.value.decode() for r in self.client.consume("kills-data")]
        self.assertEqual(["line %d" % n for n in range(700)], list(dict.fromkeys(lines)))

    def test_a_stopped_child_is_replaced(self):
        """What the process that keeps the topics does not answer in time another one is given."""
        directory = pathlib.Path(self.scratch())
        with Worker(self.kafka.bootstrap, "hung") as worker:
            worker.put("/connectors/first/config", dict(self.source(directory, "x"), file="/none")).expect(201)
            stopped = worker.store_child()
            os.kill(stopped, signal.SIGSTOP)
            answer = worker.request("PUT", "/connectors/second/config", json=dict(self.source(directory, "x"), file="/none"), timeout=85)
            self.assertEqual(201, answer.status, answer)
            self.assertNotEqual(stopped, worker.store_child())
            self.assertIn("it did not answer", worker.log())
        self.assertIn("connector-second", self.newest("hung", "config"))

    def test_refused_offsets_come_later(self):
        """A broker that does not take an offset: its task says so, goes on, and its offsets are there when the broker does."""
        directory = pathlib.Path(self.scratch())
        (directory / "in.txt").write_text("one\n")
        key = '["first",{"filename":"%s/in.txt"}]' % directory
        self.make_topics("refuse")
        self.client.create_topic("refuse-data")
        with Worker(self.kafka.bootstrap, "refuse", {"offset.flush.interval.ms": "300"}) as worker:
            self.client.set_topic_config("refuse-offset", "max.message.bytes", "10")
            worker.post("/connectors", {"name": "first", "config": self.source(directory, "refuse-data")}).expect(201)
            worker.wait_state("first", tasks=1)
            self.eventually(lambda: "a commit was not stored" in worker.log())
            self.assertNotIn(key, self.newest("refuse", "offset"))
            self.client.set_topic_config("refuse-offset", "max.message.bytes", "1000000")
            self.eventually(lambda: self.newest("refuse", "offset").get(key) == '{"position":4}')
            self.assertEqual(1, worker.log().count("a commit was not stored"))
            self.assertEqual(0, worker.terminate())
        self.assertEqual([b"one"], [r.value for r in self.client.consume("refuse-data")])

    def test_the_topics_win(self):
        """Offsets that another worker wrote meanwhile, a connector that it deleted, one that it paused, one of a class that is
        none of ours."""
        directory = pathlib.Path(self.scratch())
        self.client.create_topic("win-data")
        worker = Worker(self.kafka.bootstrap, "win")
        with worker:
            self.add_lines(directory, 0, 3)
            for name in ("w", "gone", "later"):
                worker.put("/connectors/%s/config" % name, self.source(directory, "win-data")).expect(201)
                worker.wait_state(name, tasks=1)
            key = '["w",{"filename":"%s/in.txt"}]' % directory
            self.eventually(lambda: self.newest("win", "offset").get(key) == '{"position":21}')
            self.assertEqual(0, worker.terminate())
            self.client.produce("win-offset", [Record(b'{"position":14}', key.encode(), partition=murmur2(key.encode()) % 5)])
            self.client.produce("win-config", [
                Record(None, b"connector-gone"), Record(None, b"target-state-gone"),
                Record(b'{"state":"PAUSED","state.v2":"PAUSED"}', b"target-state-later"),
                Record(b'{"properties":{"connector.class":"com.example.Unknown","name":"odd","tasks.max":"1"}}', b"connector-odd"),
                Record(b'{"properties":{"connector.class":"com.example.Unknown","name":"odd","task.class":"x"}}', b"task-odd-0"),
                Record(b'{"tasks":1}', b"commit-odd"), Record(b'{"level":"DEBUG"}', b"logger-cluster-x"),
                Record(b"no json", b"connector-broken"), Record(b"{}", b"what-is-this")])
            written = len(self.client.consume("win-data"))
            worker.start()
            worker.wait_state("w", tasks=1)
            worker.wait_state("later", "PAUSED", tasks=1)
            self.assertEqual(["later", "odd", "w"], sorted(worker.get("/connectors").json()))
            self.assertEqual("source", worker.get("/connectors/later").json()["type"])
            odd = self.eventually(lambda: self.failed(worker.get("/connectors/odd/status").json()))
            self.assertIn("com.example.Unknown", odd["connector"]["trace"])
            self.assertEqual(["FAILED"], [t["state"] for t in odd["tasks"]])
            again = self.client.consume("win-data", written + 1)[-1]
            self.assertEqual(b"line 2", again.value)  # behind byte 14
            state = self.eventually(lambda: json.loads(self.newest("win", "status").get("status-connector-odd") or "null"))
            self.assertEqual("FAILED", state["state"])
            self.assertEqual('{"tasks":1}', self.newest("win", "config")["commit-odd"])  # left for who knows the class
            self.assertNotIn("gone", worker.get("/connectors").json())

    @staticmethod
    def failed(status):
        return status if status["connector"]["state"] == "FAILED" else None

    def test_topics_that_would_lose_entries_are_refused(self):
        self.client.create_topic("bad-config", 1, {"cleanup.policy": "delete"})
        for name, topic, words in (("policy", "bad-config", "is required to have 'cleanup.policy=compact' to guarantee consistency "
                                    "and durability of connector configurations, but found the topic currently has "
                                    "'cleanup.policy=delete'."),
                                   ("partitions", "bad-parts", "is required to have a single partition in order to guarantee "
                                    "consistency of connector configurations, but found 3 partitions.")):
            if name == "partitions":
                self.client.create_topic(topic, 3, {"cleanup.policy": "compact"})
            worker = Worker(self.kafka.bootstrap, "bad-" + name, {"config.storage.topic": topic})
            self.addCleanup(worker.close)
            worker.start(wait=False)
            self.assertEqual(2, worker.process.wait(60))
            self.assertIn("Topic '%s' supplied via the 'config.storage.topic' property %s" % (topic, words), worker.log())

    def test_no_broker(self):
        worker = Worker("127.0.0.1:9", "down", {"admin.default.api.timeout.ms": "3000"})
        self.addCleanup(worker.close)
        worker.start(wait=False)
        self.assertEqual(2, worker.process.wait(60))
        self.assertIn("Connection refused", worker.log())
        self.assertIn("given up after 3 s", worker.log())
