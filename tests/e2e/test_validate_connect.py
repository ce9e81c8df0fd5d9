"""`sluice validate --connect`: real servers are asked, and fields compared with columns; each finding has its key."""
# builds: all
# timeout: 300

import json
import os
import pathlib
import subprocess
import unittest

from sluicetest import S3, Chdb, Kafka, Postgres, Redis, scratch_dir


def validate(pipeline, *arguments):
    """(exit code, faults by (severity, pointer), all text)."""
    with scratch_dir("validate-") as folder:
        path = pathlib.Path(folder) / "p.json"
        path.write_text(json.dumps(dict({"name": "p"}, **pipeline)))
        done = subprocess.run([os.environ["SLUICE_BIN"], "validate", "--connect", "--json", *arguments, str(path)],
                              capture_output=True, text=True, timeout=120)
    assert "Sanitizer" not in done.stderr and "runtime error" not in done.stderr, done.stderr
    faults = json.loads(done.stdout)["files"][0]["faults"]
    return done.returncode, [(f["severity"], f["pointer"], f["message"]) for f in faults], done.stdout


DATAGEN = {"plugin": "datagen", "config": {"topic": "events", "count": 1}}


class Base(unittest.TestCase):
    def good(self, pipeline):
        code, faults, text = validate(pipeline)
        self.assertEqual((0, []), (code, faults), text)

    def warns(self, pipeline, pointer, *words):
        code, faults, text = validate(pipeline)
        self.assertEqual(0, code, text)
        self.found(faults, "warning", pointer, words)

    def bad(self, pipeline, pointer, *words):
        code, faults, text = validate(pipeline)
        self.assertEqual(1, code, text)
        self.found(faults, "error", pointer, words)

    def found(self, faults, severity, pointer, words):
        texts = [message for s, p, message in faults if (s, p) == (severity, pointer)]
        self.assertTrue(any(all(w in t for w in words) for t in texts), "%s at %s %s: %s" % (severity, pointer, words, faults))


class PostgresEnds(Base):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres().__enter__()
        cls.addClassCleanup(cls.server.close)
        cls.server.execute("CREATE TABLE orders (id int PRIMARY KEY, note text, price numeric(10,2), at timestamptz)")
        cls.server.execute("CREATE TABLE orders_copy (id int PRIMARY KEY, note text, price numeric, at timestamptz)")
        cls.server.execute("CREATE TABLE bare (id int, note text)")
        cls.server.execute("CREATE ROLE weak LOGIN")

    def source(self, **options):
        config = {"database.hostname": self.server.host, "database.port": self.server.port, "database.user": "postgres",
                  "database.dbname": "postgres", "topic.prefix": "db", "slot.name": "s1", "plugin.name": "pgoutput",
                  "publication.name": "p1", "publication.autocreate.mode": "filtered",
                  "table.include.list": "public.orders", "decimal.handling.mode": "string"}
        return {"plugin": "postgres", "config": dict(config, **options)}

    def sink(self, **options):
        config = {"hostname": self.server.host, "port": self.server.port, "dbname": "postgres", "user": "postgres"}
        return {"plugin": "postgres", "config": dict(config, **options)}

    def pipeline(self, source=None, sink=None, unwrap=True):
        return {"source": source or self.source(), "sinks": [sink or self.sink(**{"table.name.format": "orders_copy"})],
                "transforms": [{"plugin": "unwrap"}] if unwrap else []}

    # The source

    def test_good(self):
        self.good(self.pipeline())
        self.assertEqual([], self.server.query("SELECT slot_name FROM pg_replication_slots"), "nothing is created")
        self.assertEqual([], self.server.query("SELECT pubname FROM pg_publication"))

    def test_no_server(self):
        self.bad(self.pipeline(self.source(**{"database.port": 1})), "/source/config/database.hostname", ":1 as postgres", "check host")

    def test_no_database(self):
        self.bad(self.pipeline(self.source(**{"database.dbname": "nope"})), "/source/config/database.dbname", '"nope" does not exist')

    def test_role_may_not_replicate_nor_read(self):
        pipeline = self.pipeline(self.source(**{"database.user": "weak"}))
        self.bad(pipeline, "/source/config/database.user", "weak may not replicate", "ALTER ROLE")
        self.bad(pipeline, "/source/config/database.user", "weak may not read table public.orders", "GRANT SELECT")
        self.bad(pipeline, "/source/config/publication.name", "may not create it")

    def test_no_table(self):
        self.bad(self.pipeline(self.source(**{"table.include.list": "public.orders,public.oders"})),
                 "/source/config/table.include.list", "matches public.oders")

    def test_slot_of_another_plugin(self):
        self.server.execute("SELECT pg_create_logical_replication_slot('other', 'test_decoding')")
        self.addCleanup(self.server.execute, "SELECT pg_drop_replication_slot('other')")
        self.bad(self.pipeline(self.source(**{"slot.name": "other"})), "/source/config/slot.name", 'plugin "test_decoding"')

    def test_no_publication(self):
        self.bad(self.pipeline(self.source(**{"publication.autocreate.mode": "disabled"})),
                 "/source/config/publication.name", "p1 does not exist")

    def test_no_replica_identity(self):
        self.warns({"source": self.source(**{"table.include.list": "public.bare"}), "sinks": [{"plugin": "null"}]},
                   "/source/config", "public.bare has no replica identity")

    def test_wal_level(self):
        with Postgres("wal_level=replica") as server:
            server.execute("CREATE TABLE orders (id int PRIMARY KEY)")
            pipeline = {"source": self.source(**{"database.port": server.port, "database.hostname": server.host}),
                        "sinks": [{"plugin": "null"}]}
            self.bad(pipeline, "/source/config/database.hostname", "wal_level=replica", "ALTER SYSTEM")

    # The sink

    def test_sink_without_server(self):
        self.bad(self.pipeline(sink=self.sink(port=1)), "/sinks/0/config/hostname", "cannot connect")

    def test_sink_without_table(self):
        self.bad(self.pipeline(sink=self.sink(**{"table.name.format": "nope"})), "/sinks/0/config/table.name.format", "no table nope")

    def test_field_without_column(self):
        self.server.execute("CREATE TABLE narrow (id int PRIMARY KEY, note text)")
        self.addCleanup(self.server.execute, "DROP TABLE narrow")
        self.bad(self.pipeline(sink=self.sink(**{"table.name.format": "narrow"})), "/sinks/0/config/table.name.format",
                 "no column for the field price")
        self.good(self.pipeline(sink=self.sink(**{"table.name.format": "narrow", "missing.columns": "ignore"})))

    def test_transforms_count(self):
        self.bad(self.pipeline(unwrap=False), "/sinks/0/config/table.name.format", "no column for the field before")

    def test_types(self):
        self.server.execute("CREATE TABLE wrong (id uuid PRIMARY KEY, note text, price numeric, at timestamptz, more int NOT NULL)")
        self.addCleanup(self.server.execute, "DROP TABLE wrong")
        pipeline = self.pipeline(sink=self.sink(**{"table.name.format": "wrong"}))
        self.bad(pipeline, "/sinks/0/config/table.name.format", "field id (int32) is a number", "uuid")
        self.bad(pipeline, "/sinks/0/config/table.name.format", "column more is NOT NULL")

    def test_rights_and_key(self):
        self.server.execute("GRANT USAGE ON SCHEMA public TO weak")
        self.bad(self.pipeline(sink=self.sink(**{"table.name.format": "orders_copy", "user": "weak"})), "/sinks/0/config/user",
                 "weak may not INSERT", "GRANT INSERT")
        self.bad(self.pipeline(sink=self.sink(**{"table.name.format": "bare", "missing.columns": "ignore"})),
                 "/sinks/0/config/pk.fields", "bare has no primary key")

    def test_datagen_tells_its_fields(self):
        self.bad({"source": DATAGEN, "sinks": [self.sink(**{"table.name.format": "orders_copy"})]},
                 "/sinks/0/config/table.name.format", "no column for the field content_id")


class RedisEnd(Base):
    def pipeline(self, server, **options):
        config = dict({"redis.host": server.host, "redis.port": server.port, "redis.type": "HASH"}, **options)
        return {"source": DATAGEN, "sinks": [{"plugin": "redis", "config": config}]}

    def test_redis(self):
        with Redis(env={"REDIS_PASSWORD": "right"}) as server:
            self.good(self.pipeline(server, **{"redis.password": "right"}))
            self.bad(self.pipeline(server, **{"redis.password": "wrong"}), "/sinks/0/config/redis.password", "password")
            self.bad(self.pipeline(server, **{"redis.port": 1}), "/sinks/0/config/redis.host", "Is the server running there?")
            server.command("SET", "events", "text")
            self.bad(self.pipeline(server, **{"redis.password": "right", "redis.type": "STREAM"}),
                     "/sinks/0/config/redis.type", "key events holds a string", "WRONGTYPE")


class KafkaEnds(Base):
    def test_kafka(self):
        with Kafka() as server:
            server.create_topic("there")
            sink = lambda **o: {"plugin": "kafka", "config": dict({"bootstrap.servers": server.bootstrap}, **o)}
            source = lambda *topics: {"plugin": "kafka", "config": {"bootstrap.servers": server.bootstrap, "topics": list(topics)}}
            self.good({"source": source("there"), "sinks": [sink(topic="there")]})
            self.bad({"source": source("there", "not-there"), "sinks": [{"plugin": "null"}]}, "/source/config/topics",
                     "topic not-there", "create it")
            self.warns({"source": DATAGEN, "sinks": [sink(topic="not-there")]}, "/sinks/0/config", "topic not-there does not exist")
            self.assertNotIn("not-there", server.topics(), "a look makes no topic")

    def test_no_broker(self):
        self.bad({"source": DATAGEN, "sinks": [{"plugin": "kafka", "config": {"bootstrap.servers": "127.0.0.1:1"}}]},
                 "/sinks/0/config/bootstrap.servers", "no broker answered")


class ClickHouseEnd(Base):
    def pipeline(self, server, **options):
        config = dict({"hostname": server.host, "port": server.port, "database": "default", "table": "events"}, **options)
        return {"source": {"plugin": "datagen", "config": {"topic": "events", "fields": {"id": "sequence", "name": "text:5"}}},
                "sinks": [{"plugin": "clickhouse", "config": config}]}

    def test_clickhouse(self):
        with Chdb() as server:
            server.execute("CREATE TABLE events (id Int64, name String) ENGINE = MergeTree ORDER BY id")
            server.execute("CREATE TABLE wrong (id UUID) ENGINE = MergeTree ORDER BY id")
            self.good(self.pipeline(server))
            self.bad(self.pipeline(server, port=1), "/sinks/0/config/hostname", ":1")
            self.bad(self.pipeline(server, table="nope"), "/sinks/0/config/table", "no table nope in database default")
            self.bad(self.pipeline(server, table="wrong"), "/sinks/0/config/table", "field id is a number")
            code, faults, text = validate(self.pipeline(server, table="wrong"))
            self.found(faults, "warning", "/sinks/0/config", ["no column for the field name"])
            server.execute("CREATE TABLE narrow (id UInt16, name String) ENGINE = MergeTree ORDER BY id")
            self.warns(self.pipeline(server, table="narrow"), "/sinks/0/config",
                       "table narrow: field id is int64, column type UInt16 is narrower")


class FileEnds(Base):
    def test_files(self):
        """Nothing is made by a look."""
        with scratch_dir("validate-files-") as folder:
            missing, nowhere = str(pathlib.Path(folder) / "new"), str(pathlib.Path(folder) / "none/new")
            source = lambda path, **o: {"plugin": "file", "config": dict({"file": path, "topic": "t"}, **o)}
            sink = lambda path: {"source": DATAGEN, "sinks": [{"plugin": "file", "config": {"file": path}}]}
            read = lambda *a, **o: {"source": source(*a, **o), "sinks": [{"plugin": "null"}]}
            for path in (missing, "-"):
                self.good(sink(path))
            self.bad(sink(nowhere), "/sinks/0/config/file", nowhere, "No such file", "folder that is there")
            self.bad(sink(str(folder)), "/sinks/0/config/file", "Is a directory")
            self.warns(read(missing), "/source/config", "no file %s yet" % missing, "waited for")
            self.bad(read(missing, follow=False), "/source/config/file", missing, "No such file")
            self.bad(read(str(folder)), "/source/config/file", "Is a directory")
            self.assertEqual([], os.listdir(folder))


class S3End(Base):
    def test_s3(self):
        with S3() as server:
            server.create_bucket("there")
            config = {"store.url": server.url, "s3.bucket.name": "there", "s3.region": server.info["region"], "flush.size": 5,
                      "aws.access.key.id": server.info["access_key"], "aws.secret.access.key": server.info["secret_key"]}
            pipeline = lambda **o: {"source": DATAGEN, "sinks": [{"plugin": "s3", "config": dict(config, **o)}]}
            self.good(pipeline())
            self.bad(pipeline(**{"s3.bucket.name": "nope"}), "/sinks/0/config/s3.bucket.name", "create it")
            self.bad(pipeline(**{"aws.secret.access.key": "wrong"}), "/sinks/0/config/aws.secret.access.key", "check both keys")
            self.bad(pipeline(**{"store.url": "http://127.0.0.1:1"}), "/sinks/0/config/store.url", "check store.url")


if __name__ == "__main__":
    unittest.main()
