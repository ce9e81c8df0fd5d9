"""The main job on real servers: its pipeline, and what each target holds, in one form that compares with model.Model.

  kafka     topic of three partitions, exactly.once         every change
  redis     JSON text a key                                 the last state
  stream    Redis stream, exactly.once                      every row, without deletes
  clickhouse  ReplacingMergeTree, deleted column, read with FINAL   the last state
  report    PostgreSQL table, upsert and delete, exactly.once   the last state
  journal   PostgreSQL table, insert, exactly.once          every row, without deletes
  file      JSON lines, at least once                       every change
  s3        JSON lines, each record in one object           every row, without deletes (only where asked for)
"""

import collections
import datetime
import gzip
import json
import threading
import time
from decimal import Decimal

from model import FIELDS, SOURCE_SQL
from sluicetest import ClickHouse, Kafka, Postgres, Redis, S3, Sluice

TOPIC = "app.public.engagement_events"
TARGET_SQL = "CREATE TABLE report (%s, PRIMARY KEY (id)); CREATE TABLE journal (seq BIGSERIAL, %s);" % ((
    "id BIGINT, content_id UUID, user_id UUID, event_type TEXT, event_ts TIMESTAMPTZ, duration_ms INTEGER, device TEXT, "
    "raw_payload JSONB, content_type TEXT, length_seconds INTEGER, engagement_seconds NUMERIC, engagement_pct NUMERIC",) * 2)
CLICKHOUSE_SQL = """CREATE TABLE engagement (
  id Int64, content_id Nullable(String), user_id Nullable(String), event_type Nullable(String), event_ts Nullable(String),
  duration_ms Nullable(Int32), device Nullable(String), raw_payload Nullable(String), content_type Nullable(String),
  length_seconds Nullable(Int32), engagement_seconds Nullable(Float64), engagement_pct Nullable(Float64),
  version UInt64, deleted UInt8) ENGINE = ReplacingMergeTree(version) ORDER BY id"""


def canonical(row):
    """A row of any target: numbers as Decimal or int, instants as datetime, the payload parsed; absent fields are None."""
    out = {name: row.get(name) for name in FIELDS}
    for name in ("id", "duration_ms", "length_seconds"):
        out[name] = None if out[name] is None else int(out[name])
    for name in ("engagement_seconds", "engagement_pct"):
        out[name] = None if out[name] is None else Decimal(str(out[name]))
    if isinstance(out["raw_payload"], str):
        out["raw_payload"] = json.loads(out["raw_payload"])
    out["event_ts"] = datetime.datetime.fromisoformat(out["event_ts"].replace("Z", "+00:00"))
    return out


def parse(text):
    return json.loads(text, parse_float=Decimal)


class Seen:
    """What a target holds. changes: (id, row or None) in its order; order between keys means nothing."""

    def __init__(self, changes):
        self.changes = [(key, None if row is None else canonical(row)) for key, row in changes]

    def state(self):
        state = {}
        for key, row in self.changes:
            if row is None:
                state.pop(key, None)
            else:
                state[key] = row
        return state

    def by_key(self):
        found = collections.defaultdict(list)
        for key, row in self.changes:
            found[key].append(None if row is None else row["raw_payload"]["v"])
        return found


class Job:
    def __init__(self, stack, s3=False):
        self.stack = stack
        self.servers = {"source": Postgres(), "target": Postgres(), "kafka": Kafka(), "redis": Redis("appendonly yes", "appendfsync everysec"),
                        "clickhouse": ClickHouse()}
        if s3:
            self.servers["s3"] = S3()
        # Readers of what only grows: where they are, and the keys that they have seen.
        self.kafka_next, self.kafka_keys = [0, 0, 0], set()
        self.stream_last, self.stream_keys = "0-0", set()
        self.s3_objects = {}  # (key, ETag): rows
        self._start_servers()
        for name, server in self.servers.items():
            setattr(self, name, server)
        self.source.execute(SOURCE_SQL)
        self.target.execute(TARGET_SQL)
        self.clickhouse.execute(CLICKHOUSE_SQL)
        self.kafka.create_topic("engagement", 3)
        if s3:
            self.s3.create_bucket("lake")

    def _start_servers(self):
        """All at once: they do not wait for each other."""
        errors = []

        def start(server):
            try:
                self.stack.enter_context(server)
            except BaseException as e:  # a SkipTest, too, belongs to the caller
                errors.append(e)
        threads = [threading.Thread(target=start, args=(s,)) for s in self.servers.values()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]

    spill = {"max.bytes": "1g", "when.full": "wait"}  # of each branch; None: no spill

    # The pipeline ----------------------------------------------------------------------------------------------------------

    def source_part(self):
        return {"plugin": "postgres", "config": {
            "database.hostname": self.source.host, "database.port": self.source.port, "database.user": "postgres",
            "database.dbname": "postgres", "topic.prefix": "app", "publication.autocreate.mode": "filtered",
            "table.include.list": "public.content,public.engagement_events"}}

    def transforms(self):
        return [
            {"plugin": "unwrap"},
            {"plugin": "content-join", "config": {
                "lookup.topic": "app.public.content", "stream.topics": TOPIC, "stream.key": "content_id",
                "fields": "content_type,length_seconds"}},
            {"plugin": "compute", "config": {"fields": {
                "engagement_seconds": {"of": "duration_ms", "divided.by": 1000, "scale": 3},
                "engagement_pct": {"of": "duration_ms", "times": "0.1", "divided.by": "length_seconds", "scale": 2}}}}]

    def sinks(self):
        pg = {"hostname": self.target.host, "port": self.target.port, "user": "postgres", "dbname": "postgres",
              "missing.columns": "fail", "exactly.once": True}
        redis = {"redis.host": self.redis.host, "redis.port": self.redis.port}
        found = [
            {"name": "kafka", "plugin": "kafka", "config": {
                "bootstrap.servers": self.kafka.bootstrap, "topic": "engagement", "exactly.once": True}},
            {"name": "redis", "plugin": "redis", "config": dict(redis, **{
                "redis.type": "JSON", "json.storage": "text", "redis.keyspace": "event"})},
            {"name": "stream", "plugin": "redis", "config": dict(redis, **{
                "redis.type": "STREAM", "redis.key": "engagement", "exactly.once": True})},
            {"name": "clickhouse", "plugin": "clickhouse", "config": {
                "hostname": self.clickhouse.host, "port": self.clickhouse.port, "table": "engagement",
                "version.column": "version", "deleted.column": "deleted"}},
            {"name": "report", "plugin": "postgres", "config": dict(pg, **{
                "table.name.format": "report", "insert.mode": "upsert", "delete.enabled": True})},
            {"name": "journal", "plugin": "postgres", "config": dict(pg, **{
                "table.name.format": "journal", "insert.mode": "insert"})},
            {"name": "file", "plugin": "file", "config": {"file": str(self.file), "format": "record"}}]
        if "s3" in self.servers:
            found.append({"name": "s3", "plugin": "s3", "config": {
                "s3.bucket.name": "lake", "s3.region": self.s3.info["region"], "store.url": self.s3.url,
                "aws.access.key.id": self.s3.info["access_key"], "aws.secret.access.key": self.s3.info["secret_key"],
                "behavior.on.null.values": "ignore", "flush.size": 1000, "rotate.schedule.interval.ms": 1000,
                "s3.compression.type": "gzip"}})
        return found

    def pipeline(self, **more):
        more_each = {"spill": self.spill} if self.spill else {}
        return dict({"name": "main", "source": self.source_part(), "transforms": self.transforms(),
                     "sinks": [dict(sink, **more_each, errors={"retry.timeout": -1, "retry.delay.max": "1s"})
                               for sink in self.sinks()],
                     "commit.interval": "500ms", "memory.limit": "256m"}, **more)

    def run(self, **more):
        """Starts sluice with the pipeline. An unused `with` is fine: the stack ends it."""
        self.sluice = Sluice()
        self.file = self.sluice.directory / "engagement.jsonl"
        self.stack.enter_context(self.sluice)
        self.sluice.post("/pipelines", self.pipeline(**more)).expect(201)
        self.sluice.wait_state("main", seconds=60)
        return self.sluice

    # What is there ---------------------------------------------------------------------------------------------------------

    def seen_kafka(self, committed=True):
        records = self.kafka.consume("engagement", committed=committed, timeout=60)
        return Seen((r.key_json()["id"], None if r.value is None else parse(r.value)) for r in records)

    def seen_redis(self):
        with self.redis.client() as client:
            keys = client.command("KEYS", "event:*")
            values = client.command("MGET", *keys) if keys else []
        found = []
        for key, value in zip(keys, values):
            row = parse(value)
            assert key == b"event:%d" % row["id"], (key, value)
            found.append((row["id"], row))
        return Seen(found)

    def seen_stream(self):
        with self.redis.client() as client:
            entries = client.command("XRANGE", "engagement", "-", "+")
        rows = [{k.decode(): v.decode() for k, v in zip(flat[::2], flat[1::2])} for _, flat in entries]
        return Seen((int(row["id"]), row) for row in rows)

    def seen_clickhouse(self):
        answer = self.clickhouse.query("SELECT * FROM engagement FINAL WHERE deleted = 0 FORMAT JSONEachRow",
                                       output_format_json_quote_64bit_integers=0)
        rows = [parse("\t".join(fields)) for fields in answer]
        for row in rows:  # 18.16 reads 7.69 as 7.6899999999999995
            for name in ("engagement_seconds", "engagement_pct"):
                row[name] = None if row[name] is None else round(Decimal(row[name]), 6)
        return Seen((row["id"], row) for row in rows)

    def seen_table(self, table, order):
        rows = self.target.query("SET TIME ZONE UTC; SELECT to_jsonb(t)::text FROM %s t ORDER BY %s" % (table, order))
        return Seen((row["id"], row) for row in (parse(text) for text, in rows))

    def seen_report(self):
        return self.seen_table("report", "id")

    def seen_journal(self):
        return self.seen_table("journal", "seq")

    def file_records(self):
        text = self.file.read_text() if self.file.exists() else ""
        return [parse(line) for line in text.split("\n")[:-1]]

    def seen_file(self):
        """Repeats taken away: a record whose position is not above all before it was there already."""
        changes, last, repeats = [], ("", 0), 0
        for record in self.file_records():
            place = position(record)
            if place <= last:
                repeats += 1
                continue
            last = place
            changes.append((record["key"]["id"], record["value"]))
        seen = Seen(changes)
        seen.repeats = repeats
        return seen

    def s3_rows(self):
        """What was read before is read again only where an object was written anew."""
        listing, before = self.s3.listing("lake"), self.s3_objects
        self.s3_objects = {it: before[it] if it in before else [
            parse(line) for line in gzip.decompress(self.s3.get("lake", it[0])).decode().splitlines()] for it in listing}
        return [row for rows in self.s3_objects.values() for row in rows]

    def seen_s3(self):
        return Seen((row["id"], row) for row in self.s3_rows())

    # Comparing -------------------------------------------------------------------------------------------------------------

    def names(self):
        return [sink["name"] for sink in self.sinks()]

    def has(self, name, key):
        """Whether a target has the row of this key: much cheaper than to read everything."""
        return getattr(self, "_has_" + name)(key)

    def _has_kafka(self, key):
        for partition in range(3):
            for r in self.kafka.consume("engagement", partition=partition, offset=self.kafka_next[partition]):
                self.kafka_next[partition] = r.offset + 1
                self.kafka_keys.add(r.key_json()["id"])
        return key in self.kafka_keys

    def _has_redis(self, key):
        return self.redis.command("EXISTS", "event:%d" % key) == 1

    def _has_stream(self, key):
        for entry, fields in self.redis.command("XRANGE", "engagement", "(" + self.stream_last, "+"):
            self.stream_last = entry.decode()
            self.stream_keys.add(int(fields[1]))
        return key in self.stream_keys

    def _has_clickhouse(self, key):
        return self.clickhouse.value("SELECT count() FROM engagement WHERE id = %d" % key) != "0"

    def _has_report(self, key):
        return self.target.value("SELECT count(*) FROM report WHERE id = %d" % key) != "0"

    def _has_journal(self, key):
        return self.target.value("SELECT count(*) FROM journal WHERE id = %d" % key) != "0"

    def _has_file(self, key):
        return b'"key":{"id":%d}' % key in tail(self.file)

    def _has_s3(self, key):
        return any(row["id"] == key for row in self.s3_rows())

    def arrive(self, model, names=None, seconds=60):
        """Inserts one more row and waits until these targets have it, and with it all before it. {target: seconds}"""
        key = model.next_id
        self.source.execute(model.insert_to_stay())
        return self.wait_for(key, names, seconds)

    def wait_for(self, key, names=None, seconds=60):
        begin, took = time.monotonic(), {}
        left = list(names or self.names())
        while left:
            for name in list(left):
                if self.has(name, key):
                    took[name] = time.monotonic() - begin
                    left.remove(name)
            assert time.monotonic() - begin < seconds, "row %d is not in %s within %g s: %s" % (
                key, left, seconds, self.sluice.get("/pipelines/main/status").text)
            time.sleep(0.02)
        return took

    def differences(self, name, model):
        """What is wrong in a target, as lines; none when it holds exactly what the model says."""
        seen = getattr(self, "seen_" + name)()
        self.repeats[name] = getattr(seen, "repeats", 0)
        found = wrong_rows(seen, model)
        if name in ("redis", "report", "clickhouse"):
            return found + compare(seen.state(), {k: canonical(r) for k, r in model.rows.items()})
        want = {key: list(numbers) for key, numbers in model.history.items()}
        if name in ("stream", "journal", "s3"):
            want = {key: [n for n in numbers if n is not None] for key, numbers in want.items()}
        have = seen.by_key()
        if name == "s3":  # the names of objects have no order
            have = {key: sorted(numbers) for key, numbers in have.items()}
            want = {key: sorted(numbers) for key, numbers in want.items()}
        return found + compare(have, want)

    repeats = collections.defaultdict(int)

    def check(self, model, names=None):
        for name in names or self.names():
            found = self.differences(name, model)
            assert not found, "%s: %d differences from the model, the first:\n%s" % (name, len(found), "\n".join(found[:10]))


def wrong_rows(seen, model):
    found = []
    for key, row in seen.changes:
        if row is None:
            continue
        want = canonical(model.by_number[row["raw_payload"]["v"]])
        if row != want:
            found.append("row %d: %s" % (key, ", ".join(
                "%s is %r, not %r" % (f, row[f], want[f]) for f in FIELDS if row[f] != want[f])))
    return found


def compare(have, want):
    have, want = ({k: v for k, v in d.items() if v} for d in (have, want))
    return ["key %s: has %s, wanted %s" % (key, have.get(key), want.get(key))
            for key in sorted(set(have) | set(want)) if have.get(key) != want.get(key)]


def position(record):
    """Text that sorts as positions do."""
    return record["position"], record["sub_index"]


def tail(path, size=32 << 20):
    with open(path, "rb") as f:
        f.seek(0, 2)
        f.seek(max(f.tell() - size, 0))
        return f.read()
