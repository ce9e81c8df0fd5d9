"""Kafka for tests: records through kcat, and the few administrative requests that kcat lacks, by hand."""

import dataclasses
import itertools
import json
import re
import socket
import struct
import subprocess
import tempfile
import time

from .records import decode, encode

# Between the fields of our kcat format; no test record may contain them.
_FIELD = b"\x1e\x1f"
_RECORD = b"\x1e\x1d\x1f"
_LEADER_ERRORS = (3, 5, 6)  # the topic is new
_COORDINATOR_ERRORS = (14, 15, 16)  # loading, not available yet, not this broker (yet)


class KafkaError(AssertionError):
    pass


@dataclasses.dataclass
class Record:
    value: bytes | None
    key: bytes | None = None
    headers: tuple = ()
    topic: str = ""
    partition: int = -1
    offset: int = -1
    timestamp: int = -1

    def json(self):
        return None if self.value is None else json.loads(self.value)

    def key_json(self):
        return None if self.key is None else json.loads(self.key)


def _options(conf):
    return list(itertools.chain.from_iterable(("-X", "%s=%s" % kv) for kv in conf.items()))


class Client:
    """One cluster. Headers are text without commas, all that kcat prints unambiguously. conf: librdkafka properties for every kcat call (security and the like)."""

    def __init__(self, bootstrap, conf=None):
        self.bootstrap, self.conf = bootstrap, dict(conf or {})

    def _kcat(self, *args, conf=None):
        return ["kcat", "-b", self.bootstrap, "-q"] + _options({**self.conf, **(conf or {})}) + list(args)

    # Records -------------------------------------------------------------------------------------------------------------

    def produce(self, topic, records, partition=None, conf=None, timeout=60.0):
        """records: each a value, a (key, value) pair or a Record; str, bytes or None, anything else becomes JSON. In order;
        a run of records with the same headers is one kcat call."""
        records = [_record(r) for r in records]

        def form(r):  # -Z turns empty fields into nulls, so a run has either empty fields or nulls
            return (tuple(r.headers), r.partition, r.key is None, r.key == b"" or r.value == b"", r.value is None)

        for (headers, its_partition, no_key, empty, no_value), run in itertools.groupby(records, form):
            if empty and no_value:
                raise ValueError("kcat cannot produce an empty key together with a null value")
            args = ["-P", "-t", topic, "-D", _RECORD.decode()]
            if not empty:
                args.append("-Z")
            if not no_key:
                args += ["-K", _FIELD.decode()]
            where = partition if partition is not None else its_partition
            if where >= 0:
                args += ["-p", str(where)]
            for name, value in headers:
                args += ["-H", name if value is None else "%s=%s" % (name, _bytes(value).decode())]
            lines = [(r.value or b"") if no_key else r.key + _FIELD + (r.value or b"") for r in run]
            for line in lines:
                if _RECORD in line or line.count(_FIELD) > (not no_key):
                    raise ValueError("a record contains the separator of the test kit")
            done = subprocess.run(self._kcat(*args, conf=conf), input=_RECORD.join(lines) + _RECORD, timeout=timeout,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            if done.returncode != 0:
                raise KafkaError("kcat: " + done.stdout.decode("utf-8", "replace"))

    def consume(self, topic, count=None, timeout=30.0, committed=True, partition=None, offset="beginning", conf=None):
        """Without count: everything up to the present end. With count: waits for that many, fails when they do not come.
        committed=False also shows aborted and open transactions. In the order in which they arrived."""
        end = time.monotonic() + timeout
        while True:
            try:
                return self._consume(topic, count, max(end - time.monotonic(), 1), committed, partition, offset, conf)
            except _NoTopic as e:
                if time.monotonic() >= end:
                    raise KafkaError(str(e)) from None
                if count is None:
                    return []
                time.sleep(0.1)

    def _consume(self, topic, count, timeout, committed, partition, offset, conf):
        conf = {"isolation.level": "read_committed" if committed else "read_uncommitted", "check.crcs": "true",
                "fetch.wait.max.ms": "20", "topic.metadata.refresh.interval.ms": "1000", **(conf or {})}
        fmt = "%p %o %T %K %S\n%k%s%h" + _RECORD.decode()
        args = ["-C", "-u", "-t", topic, "-o", str(offset), "-f", fmt]
        args += ["-e"] if count is None else ["-c", str(count)]
        if partition is not None:
            args += ["-p", str(partition)]
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            process = subprocess.Popen(self._kcat(*args, conf=conf), stdin=subprocess.DEVNULL, stdout=out, stderr=err)
            late = False
            try:
                process.wait(timeout)
            except subprocess.TimeoutExpired:
                late = True
            finally:
                process.kill()
                process.wait()
            out.seek(0)
            err.seek(0)
            records, said = _parse(topic, out.read()), err.read().decode("utf-8", "replace")
        if "Unknown topic" in said or "Unknown partition" in said or "No such configuration" in said:
            raise _NoTopic("topic %s: %s" % (topic, said.strip()))
        if late:
            raise KafkaError("topic %s: %d records within %g s, wanted %s; last: %r %s" % (
                topic, len(records), timeout, count or "the end", records[-1:], said))
        if process.returncode != 0:
            raise KafkaError("kcat: " + said)
        return records

    # Byte for byte, of a cluster with one broker -----------------------------------------------------------------------------

    def produce_exactly(self, topic, partition, timestamp, records):
        """records: (key, value, [(header, bytes)]), any of them None."""
        batch, end = encode(timestamp, records), time.monotonic() + 20
        while True:
            answer = self._admin(0, 3, struct.pack(">hhii", -1, -1, 30000, 1) + _str(topic) +
                                 struct.pack(">iii", 1, partition, len(batch)) + batch)
            answer.take(">i")
            answer.string()
            code = answer.take(">iih")[2]
            if not code:
                return
            if code not in _LEADER_ERRORS or time.monotonic() > end:
                raise KafkaError("Produce %s: error %d" % (topic, code))
            time.sleep(0.1)

    def fetch(self, topic):
        """{partition: [(offset, timestamp, its type, key, value, [(header, bytes)])]}: everything up to the present end."""
        found = {}
        for partition in range(self.topics().get(topic, 0)):
            end, records = self.end_offset(topic, partition), []
            while (records[-1][0] + 1 if records else 0) < end:
                records += self._fetch(topic, partition, records[-1][0] + 1 if records else 0)
            found[partition] = records
        return found

    def _fetch(self, topic, partition, offset):
        answer = self._admin(1, 4, struct.pack(">iiiibi", -1, 1000, 1, 1 << 24, 0, 1) + _str(topic) +
                             struct.pack(">iiqi", 1, partition, offset, 1 << 24))
        answer.take(">ii")
        answer.string()
        code = answer.take(">iih")[2]
        if code:
            raise KafkaError("Fetch %s %d from %d: error %d" % (topic, partition, offset, code))
        answer.take(">qq")
        for _ in range(max(answer.take(">i"), 0)):  # transactions that were aborted
            answer.take(">qq")
        return [r for r in decode(answer.data[answer.at + 4:]) if r[0] >= offset]

    # Administration --------------------------------------------------------------------------------------------------------

    def topics(self):
        """{name: number of partitions}"""
        done = subprocess.run(self._kcat("-L", "-J"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=30)
        if done.returncode != 0:
            raise KafkaError(done.stderr.decode("utf-8", "replace"))
        return {t["topic"]: len(t["partitions"]) for t in json.loads(done.stdout)["topics"]}

    def cluster_id(self):
        answer = self._admin(3, 4, struct.pack(">i?", 0, False))
        answer.take(">i")
        for _ in range(answer.take(">i")):
            answer.take(">i")
            answer.string()
            answer.take(">i")
            answer.string()
        return answer.string()

    def end_offset(self, topic, partition=0):
        done = subprocess.run(self._kcat("-Q", "-t", "%s:%d:-1" % (topic, partition)), stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=30, text=True)
        found = re.search(r"offset (-?\d+)", done.stdout)
        if not found:
            raise KafkaError(done.stdout)
        return int(found.group(1))

    def create_topic(self, topic, partitions=1, config=None):
        body = struct.pack(">i", 1) + _str(topic) + struct.pack(">ihi", partitions, 1, 0)
        body += struct.pack(">i", len(config or {})) + b"".join(_str(k) + _str(str(v)) for k, v in (config or {}).items())
        answer = self._admin(19, 2, body + struct.pack(">i?", 30000, False))
        answer.take(">ii")
        answer.string()
        code = answer.take(">h")
        if code:
            raise KafkaError("CreateTopics %s: error %d %s" % (topic, code, answer.string()))
        # The controller has it; wait until the broker serves it, or a producer may see "unknown topic".
        end = time.monotonic() + 20
        while self.topics().get(topic) != partitions:
            if time.monotonic() > end:
                raise KafkaError("topic %s was created but does not appear" % topic)
            time.sleep(0.05)

    def delete_topic(self, topic):
        answer = self._admin(20, 1, struct.pack(">i", 1) + _str(topic) + struct.pack(">i", 30000))
        answer.take(">ii")
        answer.string()
        code = answer.take(">h")
        if code:
            raise KafkaError("DeleteTopics %s: error %d" % (topic, code))

    def add_acls(self, rules):
        """rules: (resource, its name, operation, allowed) for everybody, on a broker that has an authorizer."""
        types, operations = {"topic": 2, "group": 3, "cluster": 4}, {"all": 2, "create": 5, "describe": 8}
        body = struct.pack(">i", len(rules))
        for resource, name, operation, allowed in rules:
            body += (struct.pack(">b", types[resource]) + _str(name) + b"\3" + _str("User:*") + _str("*") +
                     struct.pack(">bb", operations[operation], 3 if allowed else 2))
        answer = self._admin(30, 1, body)
        answer.take(">ii")
        for rule in rules:
            code, message = answer.take(">h"), answer.string()
            if code:
                raise KafkaError("CreateAcls %s: error %d %s" % (rule, code, message))

    def topic_config(self, topic, name):
        """The value of one property of a topic."""
        answer = self._admin(32, 1, struct.pack(">ib", 1, 2) + _str(topic) + struct.pack(">i", 1) + _str(name) + b"\0")
        answer.take(">ii")
        code, message, _type, _name = answer.take(">h"), answer.string(), answer.take(">b"), answer.string()
        if code or answer.take(">i") != 1:
            raise KafkaError("DescribeConfigs %s %s: error %d %s" % (topic, name, code, message))
        answer.string()
        return answer.string()

    def set_topic_config(self, topic, name, value):
        body = struct.pack(">ib", 1, 2) + _str(topic) + struct.pack(">i", 1) + _str(name) + b"\0" + _str(value)
        answer = self._admin(44, 0, body + b"\0")
        answer.take(">ii")
        code, message = answer.take(">h"), answer.string()
        if code:
            raise KafkaError("IncrementalAlterConfigs %s %s: error %d %s" % (topic, name, code, message))

    def group_offsets(self, group):
        """{(topic, partition): committed offset}"""
        self._find_coordinator(group)
        end = time.monotonic() + 20
        while True:
            found, code = self._fetch_offsets(group)
            if not code:
                return found
            if code not in _COORDINATOR_ERRORS or time.monotonic() > end:
                raise KafkaError("OffsetFetch %s: error %d" % (group, code))
            time.sleep(0.1)

    def _find_coordinator(self, group):
        """Makes the broker create its offsets topic when no group was ever there."""
        end = time.monotonic() + 20
        while True:
            answer = self._admin(10, 2, _str(group) + b"\0")
            answer.take(">i")
            code = answer.take(">h")
            if not code:
                return
            if code not in _COORDINATOR_ERRORS or time.monotonic() > end:
                raise KafkaError("FindCoordinator %s: error %d" % (group, code))
            time.sleep(0.1)

    def _fetch_offsets(self, group):
        answer = self._admin(9, 5, _str(group) + struct.pack(">i", -1))
        answer.take(">i")
        found = {}
        for _ in range(answer.take(">i")):
            topic = answer.string()
            for _ in range(answer.take(">i")):
                partition, offset, _epoch = answer.take(">iqi")
                answer.string()
                answer.take(">h")
                found[topic, partition] = offset
        return found, answer.take(">h")

    def _admin(self, api, version, body):
        """One request of Kafka's protocol (a version with the old encoding that Kafka 4 still speaks), plaintext only."""
        host, _, port = self.bootstrap.partition(",")[0].rpartition(":")
        message = struct.pack(">hhi", api, version, 1) + _str("sluicetest") + body
        with socket.create_connection((host, int(port)), 10) as s:
            s.settimeout(40)
            s.sendall(struct.pack(">i", len(message)) + message)
            with s.makefile("rb") as f:
                head = f.read(4)
                if len(head) < 4:
                    raise KafkaError("the broker closed the connection on api %d version %d" % (api, version))
                return _Answer(f.read(struct.unpack(">i", head)[0])[4:])


class _NoTopic(Exception):
    pass


class _Answer:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, fmt):
        values = struct.unpack_from(fmt, self.data, self.at)
        self.at += struct.calcsize(fmt)
        return values[0] if len(values) == 1 else values

    def string(self):
        size = self.take(">h")
        if size < 0:
            return None
        self.at += size
        return self.data[self.at - size:self.at].decode()


def _str(text):
    data = text.encode()
    return struct.pack(">h", len(data)) + data


def _bytes(value):
    if value is None or isinstance(value, bytes):
        return value
    return (value if isinstance(value, str) else json.dumps(value)).encode()


def _record(item):
    if isinstance(item, Record):
        return dataclasses.replace(item, key=_bytes(item.key), value=_bytes(item.value))
    if isinstance(item, tuple):
        return Record(_bytes(item[1]), _bytes(item[0]))
    return Record(_bytes(item))


def _header(text):
    name, _, value = text.partition("=")
    return name, None if value == "NULL" else value  # kcat's way to print a null


def _parse(topic, data):
    records, at = [], 0
    while at < len(data):
        line = data.index(b"\n", at)
        partition, offset, timestamp, key_size, size = map(int, data[at:line].split())
        at = line + 1
        key = None if key_size < 0 else data[at:at + key_size]
        at += max(key_size, 0)
        value = None if size < 0 else data[at:at + size]
        at += max(size, 0)
        end = data.find(_RECORD, at)
        if end < 0:  # killed in the middle of it
            break
        headers = tuple(_header(h) for h in data[at:end].decode().split(",") if h)
        records.append(Record(value, key, headers, topic, partition, offset, timestamp))
        at = end + len(_RECORD)
    return records
