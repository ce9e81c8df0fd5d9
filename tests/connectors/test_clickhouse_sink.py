# builds: all
# timeout: 240
"""The ClickHouse sink on an old server (18.16) and on the engine of a current one (chdb), through the running sluice."""

import json
import pathlib
import time

from sluicetest import Case, Chdb, ClickHouse, Sluice, timeout

CONFIGS = pathlib.Path(__file__).resolve().parents[2] / "configs" / "clickhouse"

ROW = {
    "id": 1, "big": 9223372036854775807, "small": -7, "u": 18446744073709551615, "f": 1.5, "dec": "12345.678",
    "s": "quote \" tab \t nul \u0000 é", "fixed": "abcd", "flag": True, "day": "2024-02-29",
    "at": "2024-02-29T12:34:56Z", "uid": "61F0C404-5CB3-11E7-907B-A6006AD3DBA0", "kind": "b", "list": [1, 2, 3],
    "nothing": None, "unknown_field": "no column",
}
COLUMNS = ("id Int64, big Int64, small Int8, u UInt64, f Float64, dec Decimal(18, 3), s String, fixed FixedString(4), "
           "flag UInt8, day Date, at DateTime, uid UUID, kind Enum8('a' = 1, 'b' = 2), list Array(Int32), "
           "nothing Nullable(Int32), fallback String DEFAULT 'dflt'")
WANTED = ["1", "9223372036854775807", "-7", "18446744073709551615", "1.5", "12345.678", "quote \" tab \\t nul \\0 é", "abcd",
          "1", "2024-02-29", "2024-02-29 12:34:56", "61f0c404-5cb3-11e7-907b-a6006ad3dba0", "b", "[1,2,3]", "\\N", "dflt"]


class Sink:
    """What both servers are put through."""

    server = None
    engine = "MergeTree() ORDER BY id"

    def setUp(self):
        self.sluice = self.enterContext(Sluice())
        self.input = self.sluice.directory / "input.json"
        self.input.write_text("")
        self.server.execute("DROP TABLE IF EXISTS t")

    def create(self, columns, engine=None):
        self.server.execute("CREATE TABLE t (%s) ENGINE = %s" % (columns, engine or self.engine))

    def append(self, *rows):
        with open(self.input, "a") as f:
            for row in rows:
                f.write((row if isinstance(row, str) else json.dumps(row)) + "\n")

    def run_sink(self, errors=None, source=None, state="RUNNING", **config):
        sink = {"plugin": "clickhouse", "errors": errors or {},
                "config": dict({"hostname": "127.0.0.1", "port": self.server.port, "linger": "20ms"}, **config)}
        source = source or {"plugin": "file", "config": {"file": str(self.input), "topic": "t", "format": "json",
                                                         "poll.interval": "20ms"}}
        self.sluice.post("/pipelines", {"name": "p", "source": source, "sinks": [sink], "commit.interval": "100ms"}).expect(201)
        return self.sluice.wait_state("p", state)

    def count(self, where="1", final=""):
        return int(self.server.value("SELECT count() FROM t %s WHERE %s" % (final, where)))

    def wait_count(self, n, seconds=20):
        self.eventually(lambda: self.count() == n, seconds, "%d rows" % n)

    def failure(self):
        return json.dumps(self.sluice.wait_state("p", "FAILED")["tasks"][0]["trace"])

    def wait_failed(self):
        def failed():
            tasks = self.sluice.status("p").get("tasks", [])
            return tasks and tasks[0]["state"] == "FAILED" and tasks[0]["trace"]
        return self.eventually(failed, 20, "FAILED")

    def types(self, **config):
        self.create(COLUMNS)
        self.run_sink(**config)
        self.append(ROW)
        self.wait_count(1)
        self.assertEqual(WANTED, self.server.query("SELECT * FROM t")[0])

    def test_types_json(self):
        self.types()

    def test_types_binary(self):
        self.types(format="RowBinary")

    def test_gzip(self):
        self.types(compression="gzip")

    def test_structs_in_large_blocks(self):
        self.create("id Int64, content_id UUID, event_type String, event_ts DateTime, duration_ms Nullable(Int32)")
        source = {"plugin": "datagen", "config": {"count": "50000", "topic": "t", "fields": {
            "id": "sequence", "content_id": "uuid:100", "event_type": "choice:play|pause", "event_ts": "timestamp",
            "duration_ms": "int:0..100000?"}}}
        self.run_sink(source=source, format="RowBinary")
        self.wait_count(50000, 60)
        self.assertEqual("50000", self.server.value("SELECT uniqExact(id) FROM t"))
        self.assertGreater(self.count("duration_ms IS NULL"), 1000)
        self.assertEqual(0, self.count("event_ts < toDateTime('2020-01-01 00:00:00')"))

    def test_bad_record_goes_to_dead_letters(self):
        self.create("id Int64, n Int32")
        dead = self.sluice.directory / "dead.json"
        self.run_sink(errors={"tolerance": "all", "dead.letters.file": str(dead)})
        self.append(*[{"id": i, "n": "x" if i in (13, 77) else i} for i in range(100)])
        self.wait_count(98)
        letters = self.eventually(lambda: len(dead.read_text().splitlines()) == 2 and dead.read_text())
        self.assertIn("clickhouse.type", letters)

    def test_bad_record_fails_the_task(self):
        self.create("id Int64, n Int32")
        self.run_sink()
        self.append({"id": 1, "n": 2 ** 40})
        trace = self.wait_failed()
        self.assertIn("column n of table default.t", trace)

    def test_unknown_field_as_error(self):
        self.create("id Int64")
        self.run_sink(**{"unknown.fields": "error"})
        self.append({"id": 1, "extra": 2})
        self.assertIn("extra", self.wait_failed())

    def test_missing_table(self):
        self.run_sink()
        self.append({"id": 1})
        trace = self.wait_failed()
        self.assertIn("default.t does not exist", trace)

    def test_table_made_later(self):
        self.run_sink()
        self.create("id Int64")
        self.append({"id": 1})
        self.wait_count(1)

    def test_column_added_while_running(self):
        self.create("id Int64")
        self.run_sink(**{"unknown.fields": "ignore"})
        self.append({"id": 1, "extra": 1})
        self.wait_count(1)
        self.server.execute("ALTER TABLE t ADD COLUMN extra Int32")
        self.server.execute("ALTER TABLE t ADD COLUMN late Int32 DEFAULT 7")
        self.append({"id": 2, "extra": 5})
        self.wait_count(2)

    def test_wrong_password(self):
        self.create("id Int64")
        self.sluice.post("/pipelines", {
            "name": "p", "source": {"plugin": "file", "config": {"file": str(self.input), "topic": "t"}},
            "sinks": [{"plugin": "clickhouse", "config": {"hostname": "127.0.0.1", "port": self.server.port, "username": "app",
                                                          "password": "not this"}}]}).expect(201)
        trace = self.wait_failed()
        self.assertIn("Check username and password", trace)
        self.assertNotIn("not this", self.sluice.log())

    @timeout(90)
    def test_server_restarts_in_mid_stream(self):
        self.create("id Int64")
        source = {"plugin": "datagen", "config": {"count": "6000", "rate": "1500", "topic": "t", "fields": {"id": "sequence"}}}
        self.run_sink(source=source)
        self.eventually(lambda: self.count() > 500)
        self.server.kill9()
        time.sleep(1)
        self.server.start()
        self.eventually(lambda: self.server.value("SELECT uniqExact(id) FROM t") == "6000", 60)

    def kills(self, final, **config):
        source = {"plugin": "datagen", "config": {"count": "20000", "rate": "4000", "topic": "t", "fields": {"id": "sequence"},
                                                  "partitions": "2"}}
        self.run_sink(source=source, exactlyOnce="true", **config)
        for _ in range(5):
            time.sleep(0.6)
            self.sluice.kill9()
            self.sluice.start()
        self.eventually(lambda: self.server.value("SELECT uniqExact(id) FROM t") == "20000", 60)
        time.sleep(0.5)
        self.assertEqual(20000, self.count(final=final))


class Current(Sink, Case):
    time_limit = 60

    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Chdb())

    def test_types_of_current_servers(self):
        self.create("id Int64, at DateTime64(6), day Date32, b Bool, m Map(String, Int32), tu Tuple(a Int32, b String), j JSON, "
                    "ip IPv4, lc LowCardinality(String), w Int128")
        self.run_sink()
        self.append({"id": 1, "at": "1969-12-31T23:59:59.123456+02:00", "day": "1950-05-06", "b": False, "m": {"x": 1},
                     "tu": {"b": "q", "a": 3}, "j": {"k": [1, {"z": None}]}, "ip": "10.0.0.1", "lc": "low", "w": -5})
        self.wait_count(1)
        row = self.server.query("SELECT * FROM t")[0]
        self.assertEqual(["1", "1969-12-31 21:59:59.123456", "1950-05-06", "false", "{'x':1}", "(3,'q')"], row[:6])
        self.assertEqual(["10.0.0.1", "low", "-5"], row[7:])

    def test_zstd(self):
        self.types(compression="zstd")

    def test_lz4(self):
        self.types(compression="lz4", format="RowBinary")

    def test_versions(self):
        self.create("id Int64, n Nullable(Int32), version UInt64, gone UInt8",
                    "ReplacingMergeTree(version, gone) ORDER BY id")
        self.run_sink(**{"version.column": "version", "deleted.column": "gone"})
        self.append({"id": 1, "n": 5}, {"id": 2, "n": 6}, {"id": 1, "n": 7})
        self.eventually(lambda: self.server.query("SELECT id, n, gone FROM t FINAL ORDER BY id") ==
                        [["1", "7", "0"], ["2", "6", "0"]])

    @timeout(120)
    def test_kill9_leaves_no_duplicates(self):
        self.create("id Int64", "MergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 1000")
        self.kills("")

    def test_exactly_once_needs_a_table_that_can(self):
        self.create("id Int64")
        self.run_sink(exactlyOnce="true")
        self.append({"id": 1})
        self.assertIn("non_replicated_deduplication_window", self.wait_failed())


class Old(Sink, Case):
    time_limit = 60

    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(ClickHouse())

    @timeout(120)
    def test_kill9_leaves_no_duplicates_by_effect(self):
        self.create("id Int64, version UInt64", "ReplacingMergeTree(version) ORDER BY id")
        self.kills("FINAL", **{"version.column": "version"})

    def test_config_of_the_tree(self):
        self.server.execute("DROP TABLE IF EXISTS generated")
        self.server.execute((CONFIGS / "clickhouse.sql").read_text())
        env = {"CLICKHOUSE_PORT": str(self.server.port), "COUNT": "1500"}
        self.enterContext(Sluice(str(CONFIGS / "pipeline.json"), env=env))
        self.eventually(lambda: self.server.value("SELECT count() FROM generated FINAL") == "1500", 20)

    def test_compression_that_it_lacks(self):
        self.create("id Int64")
        self.sluice.post("/pipelines", {
            "name": "p", "source": {"plugin": "file", "config": {"file": str(self.input), "topic": "t"}},
            "sinks": [{"plugin": "clickhouse", "config": {"hostname": "127.0.0.1", "port": self.server.port,
                                                          "compression": "zstd"}}]}).expect(201)
        self.assertIn("set compression to gzip or none", self.wait_failed())


if __name__ == "__main__":
    import unittest
    unittest.main()
