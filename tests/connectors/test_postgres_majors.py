# tier: all
# timeout: 900
"""The postgres source and sink on every supported major of PostgreSQL: the tests of the default one again, the same story
told to each and its events compared with those of PostgreSQL 15 (for which Debezium's events are recorded, see
test_postgres_golden), and what only some majors have.
"""

import functools
import itertools
import json
import os
import pathlib
import signal
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import test_postgres_sink  # noqa: E402
import test_postgres_source as source_tests  # noqa: E402
from sluicetest import Case, Postgres, eventually, timeout  # noqa: E402

MAJORS = (14, 15, 16, 17, 18)
REFERENCE = 15

TABLES = """
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TABLE t (id int PRIMARY KEY, s smallint, l bigint, n numeric(12,3), big numeric, f float4, d float8, yes boolean,
    tz timestamptz, tzs timestamptz(3), ts timestamp, day date, tm time, tmz timetz, iv interval, u uuid, j json, jb jsonb,
    ia int[], ta text[], na numeric(8,2)[], za timestamptz[], ua uuid[], m mood, ma mood[], p positive, b bytea, c char(5),
    v varchar(20), x text DEFAULT 'none', ip inet, net cidr, bits bit varying(12), money money, r int4range,
    made int GENERATED ALWAYS AS (id * 2) STORED);
CREATE TABLE whole (id int, a text, b text);
ALTER TABLE whole REPLICA IDENTITY FULL;
CREATE TABLE wide (id int PRIMARY KEY, n int, body text);
ALTER TABLE wide ALTER body SET STORAGE EXTERNAL;
CREATE TABLE parts (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (100);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (100) TO (200)"""

ROW = """INSERT INTO t SELECT i, -5, 9223372036854775807, 12345.678, 123456789012345678901234567890.5, 1.1, 1e300, true,
    '2024-02-29 12:34:56.789012+02', '2024-02-29 12:34:56.789', '1999-12-31 23:59:59.999999', '2024-02-29', '23:59:59.5',
    '12:00:00+03', '1 year 2 mons 3 days 04:05:06', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"b" : 1}', '{"b":[1,null]}',
    '{1,NULL,3}', '{"a\\"b",NULL,""}', '{1.5,-2.25}', '{"2024-02-29 12:34:56+00"}', '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}',
    'happy', '{sad,happy}', 7, '\\x00ff', 'ab', 'vär', 'text', '10.0.0.1', '10.0.0.0/8', '10101', 12.34, '[1,5)'
    FROM generate_series(%d, %d) i"""

STORY = (
    ROW % (10, 12),
    "INSERT INTO t (id) VALUES (20)",
    "UPDATE t SET m = 'sad', jb = jb || '{\"z\": 0}', n = n + 1, ia = ia || 4 WHERE id = 10",
    "UPDATE t SET id = 21 WHERE id = 20",
    "DELETE FROM t WHERE id IN (1, 21)",
    "BEGIN; INSERT INTO whole VALUES (1, 'x', NULL); UPDATE whole SET b = 'y'; DELETE FROM whole; COMMIT",
    "BEGIN; INSERT INTO whole VALUES (2, 'never', NULL); ROLLBACK",
    "BEGIN; SAVEPOINT a; INSERT INTO whole VALUES (3, 'never', NULL); ROLLBACK TO a; INSERT INTO whole VALUES (4, 'x', NULL);"
    "COMMIT",
    "INSERT INTO wide SELECT 2, 1, string_agg(md5(i::text), '') FROM generate_series(1, 300) i",
    "UPDATE wide SET n = n + 1",
    "INSERT INTO parts VALUES (2, 'a'), (102, 'b'); UPDATE parts SET id = 103 WHERE id = 2",
    "ALTER TABLE whole ADD COLUMN later numeric(6,2) DEFAULT 1.5; INSERT INTO whole VALUES (5, 'x', 'y', 2.5)",
    "ALTER TABLE whole DROP COLUMN b; INSERT INTO whole VALUES (6, 'x', 3.5)",
    "CREATE TABLE fresh (id bigserial PRIMARY KEY, at timestamptz DEFAULT '2024-01-01Z'); INSERT INTO fresh DEFAULT VALUES",
    "INSERT INTO wide VALUES (1, 1, 'b'), (2, 1, 'c') ON CONFLICT (id) DO UPDATE SET n = 5",
    "COPY wide (id, n) FROM PROGRAM 'seq -f \"%g\t7\" 100 150'",
    "TRUNCATE t, whole",
    "INSERT INTO t (id) VALUES (99)",
)


def settled(line):
    """An event without what differs from run to run: LSNs, transaction numbers, times, the number of the run."""
    value = line["value"]
    if isinstance(value, dict):
        value = {k: v for k, v in value.items() if not k.startswith("ts_")}
        value["source"] = {k: v for k, v in value["source"].items()
                           if k not in ("lsn", "txId", "xmin", "sequence") and not k.startswith("ts_")}
    headers = [h for h in line["headers"] if not h["key"].endswith(".runId")]
    return json.dumps({"topic": line["topic"], "key": line["key"], "value": value, "headers": headers})


def tell(server, scratch):
    """The events of the story on that server, in order, each as text."""
    server.query("CREATE DATABASE story")
    db = server.client.database("story")
    db.query(TABLES + ";" + ROW % (1, 3) + ";INSERT INTO whole VALUES (0, 'a', 'b'); INSERT INTO parts VALUES (1, 'a'), (101, 'b')")
    source = source_tests.Source(source_tests.BUILD, {
        "database.hostname": "127.0.0.1", "database.port": str(server.port), "database.user": "postgres",
        "database.password": "x", "database.dbname": "story", "topic.prefix": "p", "slot.name": "story",
        "skipped.operations": "none"}, str(scratch))
    try:
        eventually(lambda: server.query("SELECT 1 FROM pg_replication_slots WHERE active AND slot_name = 'story'"))
        for statement in STORY:
            db.query(statement)
        last = lambda: [l for l in list(source.lines) if l["key"] == {"id": 99}]  # noqa: E731
        eventually(last, 30, "the last event")
    finally:
        source.stop(signal.SIGTERM)
        source.log.close()
    return [settled(line) for line in source.lines]


@functools.lru_cache(None)
def reference():
    with Postgres(major=REFERENCE) as server, tempfile.TemporaryDirectory() as scratch:
        return tell(server, scratch)


class Story:
    """Of one major; `major` comes from the classes made below."""

    @timeout(120)
    def test_events_are_those_of_the_reference(self):
        with Postgres(major=self.major) as server:
            version = server.value("SHOW server_version")
            self.assertEqual(version.split(".")[0], str(self.major))
            told = tell(server, self.scratch())
        self.assertGreater(len(told), 75)
        for number, (wanted, seen) in enumerate(itertools.zip_longest(reference(), told)):
            self.assertEqual(wanted, seen, "event %d" % number)


class IdleSlot(source_tests.LostSlot):
    """Servers before 18 keep a slot that nobody uses."""

    major, conf, named = 18, ("idle_replication_slot_timeout = '1s'",), "idle_replication_slot_timeout"


class GeneratedColumns(source_tests.WithServer):
    """Neither virtual ones nor their publication are there before 18."""

    major = 18

    @timeout(60)
    def test_snapshot_and_stream(self):
        """A snapshot has them all, virtual ones too; the stream what the publication sends."""
        self.db.query("CREATE TABLE t (id int PRIMARY KEY, twice int GENERATED ALWAYS AS (id * 2) VIRTUAL,"
                      " thrice int GENERATED ALWAYS AS (id * 3) STORED); INSERT INTO t VALUES (10);"
                      "CREATE PUBLICATION full_rows FOR TABLE t WITH (publish_generated_columns = stored)")
        for slot, publication, streamed in (("s", "dbz_publication", {"id": 1}),
                                            ("s2", "full_rows", {"id": 1, "thrice": 3})):
            with self.subTest(publication=publication):
                self.db.query("DELETE FROM t WHERE id = 1")
                (self.dir / "state").unlink(missing_ok=True)
                source = self.source(slot__name=slot, publication__name=publication)
                self.eventually(lambda: self.server.query(
                    "SELECT 1 FROM pg_replication_slots WHERE active AND slot_name = '%s'" % slot))
                self.db.query("INSERT INTO t VALUES (1)")
                self.assertTrue(source.wait_count(2), source.text())
                source.stop()
                self.assertEqual([{"id": 10, "twice": 20, "thrice": 30}, streamed],
                                 [line["value"]["after"] for line in source.lines])


# What the default tests ask of the server at hand is asked of each major; those that need minutes or other servers are not.
SOURCE = ("Resume", "WrongSetUps", "WalLevel", "LostSlot")
SINK = ("test_insert_by_copy", "test_upsert_and_delete", "test_types", "test_schema_changes_between_batches", "test_messages")


def sink_case(major):
    base = test_postgres_sink.PostgresSink
    others = {name: None for name in dir(base) if name.startswith("test_") and name not in SINK}
    return type("Sink%d" % major, (base,), dict(others, major=major))


for number in MAJORS:
    made = [type("Story%d" % number, (Story, Case), {"major": number}), sink_case(number)]
    made += [type(name + str(number), (getattr(source_tests, name),), {"major": number}) for name in SOURCE]
    for case in made:
        case.__module__ = __name__
        globals()[case.__name__] = case
del case, made
