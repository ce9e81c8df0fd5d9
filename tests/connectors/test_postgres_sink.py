# builds: all
# timeout: 300
"""The PostgreSQL sink on a real server: COPY, upsert and delete, types, refusals, changed tables."""

import json
import os
import subprocess
import time

from feeding import Feed, failed, letters, line, pipeline
from sinking import PostgresSinkCase


def debezium(fields, **values):
    """A JsonConverter envelope: schema and payload. fields: name -> (type, schema name, more)."""
    schema = {"type": "struct", "optional": False, "fields": [
        dict({"field": f, "type": t[0], "optional": True}, **({"name": t[1], "version": 1} if len(t) > 1 and t[1] else {}),
             **(t[2] if len(t) > 2 else {})) for f, t in fields.items()]}
    return {"schema": schema, "payload": values}


class PostgresSink(PostgresSinkCase):
    def test_insert_by_copy(self):
        self.pg.execute("CREATE TABLE t (id int, a text, b float8)")
        self.run_sink(**{"insert.mode": "insert"})
        nasty = "tab\tnewline\ncr\rback\\slash \\N \\. quote\" ü 😀"
        self.feed.add({"id": 1, "a": nasty, "b": 0.1}, {"id": 2, "a": None, "b": 1e300}, {"id": 3, "a": ""}, {"id": 3, "a": "x"},
                      {"b": 2.5, "id": 4}, line(None, "tombstone"))
        self.assertEqual([("1", nasty, "0.1"), ("2", None, "1e+300"), ("3", "", None), ("3", "x", None), ("4", None, "2.5")],
                         self.rows(count=5))

    def test_upsert_and_delete(self):
        self.pg.execute("CREATE TABLE t (id int, region text, a text, n int DEFAULT 7, PRIMARY KEY (id, region))")
        self.run_sink(**{"delete.enabled": True})
        key = {"id": 1, "region": "eu"}
        self.feed.add(line({"a": "one"}, key), line(dict(key, a="two")), line({"a": "other"}, {"id": 2, "region": "eu"}),
                      line({"a": "gone"}, {"id": 3, "region": "eu"}), line(None, {"id": 3, "region": "eu"}),
                      line({"a": "x"}, {"id": 4, "region": "eu"}), line(None, {"id": 4, "region": "eu"}),
                      line({"a": "back", "n": 8}, {"id": 4, "region": "eu"}), line(None, {"id": 99, "region": "us"}))
        self.assertEqual([("1", "eu", "two", "7"), ("2", "eu", "other", "7"), ("4", "eu", "back", "8")], self.rows(count=3))
        self.feed.add(line({"a": "again"}, key), line(None, {"id": 2, "region": "eu"}))
        self.assertEqual([("1", "eu", "again", "7"), ("4", "eu", "back", "8")], self.rows(count=2))

    def test_key_only_table_and_pk_fields(self):
        self.pg.execute("CREATE TABLE t (id int UNIQUE)")
        self.run_sink(**{"pk.fields": "id"})
        self.feed.add({"id": 1}, {"id": 1}, {"id": 2}, line({}, 3))
        self.feed.add({"id": 5})
        trace = failed(self.sluice, self.name)
        self.assertIn("neither a struct nor a map with fields", trace)
        self.assertEqual([("1",), ("2",)], self.rows())

    def test_scalar_key(self):
        self.pg.execute("CREATE TABLE t (id int PRIMARY KEY, a text)")
        self.run_sink(**{"delete.enabled": True})
        self.feed.add(line({"a": "x"}, 1), line({"a": "y"}, 2), line(None, 1))
        self.assertEqual([("2", "y")], self.rows(count=1))

    def test_types(self):
        self.pg.execute("""CREATE TABLE t (id int PRIMARY KEY, b boolean, s smallint, l bigint, r real, d float8, n numeric(20,4),
            j jsonb, js json, u uuid, ia int[], ta text[], nested int[], x text, iv interval, ts timestamp, tz timestamptz,
            dt date, tm time, ja jsonb, jv jsonb, c char(3), e inet)""")
        self.run_sink()
        self.feed.add({"id": 1, "b": True, "s": -5, "l": 9223372036854775807, "r": 1.5, "d": 1.7976931348623157e308,
                       "n": "12345678901234.5678", "j": {"a": [1, "x\n\"\\"]}, "js": "[1]", "ia": [1, None, 3],
                       "ta": ["a\"b", "c\\d", "e,f", "NULL", None, "{}", "tab\t", "nl\n", ""], "nested": [[1, 2], [3, 4]],
                       "u": "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "x": {"k": 1}, "iv": "P1DT2H", "ts": "2024-02-29T12:34:56.789",
                       "tz": "2024-02-29T12:34:56+02:00", "dt": "2024-02-29", "tm": "23:59:59.5", "ja": [1, {"b": 2}],
                       "jv": 5, "c": "ab", "e": "10.0.0.1"})
        row = self.rows(count=1)[0]
        self.assertEqual(("1", "t", "-5", "9223372036854775807", "1.5", "1.7976931348623157e+308", "12345678901234.5678"), row[:7])
        self.assertEqual({"a": [1, "x\n\"\\"]}, json.loads(row[7]))
        self.assertEqual(("[1]", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "{1,NULL,3}"), row[8:11])
        self.assertEqual([["a\"b", "c\\d", "e,f", "NULL", None, "{}", "tab\t", "nl\n", ""]],
                         [json.loads(self.pg.value("SELECT to_json(ta) FROM t"))])
        self.assertEqual(("{{1,2},{3,4}}", '{"k":1}', "1 day 02:00:00", "2024-02-29 12:34:56.789"), row[12:16])
        self.assertEqual(("2024-02-29", "23:59:59.5", '[1, {"b": 2}]', "5", "ab ", "10.0.0.1"), row[17:])

    def test_debezium_types(self):
        """Out of Kafka Connect's JSON with schemas, through the real converter."""
        self.pg.execute("""CREATE TABLE t (id int PRIMARY KEY, d date, ts timestamp, mts timestamp, nts timestamp, tm time,
            mtm time, z timestamptz, bits bit(10), iv interval, num numeric, vs numeric, raw bytea, conn_d date, conn_t time,
            conn_ts timestamp, arr int[], old timestamp, asnumber bigint)""")
        fields = {"id": ("int32",), "d": ("int32", "io.debezium.time.Date"), "ts": ("int64", "io.debezium.time.Timestamp"),
                  "mts": ("int64", "io.debezium.time.MicroTimestamp"), "nts": ("int64", "io.debezium.time.NanoTimestamp"),
                  "tm": ("int32", "io.debezium.time.Time"), "mtm": ("int64", "io.debezium.time.MicroTime"),
                  "z": ("string", "io.debezium.time.ZonedTimestamp"),
                  "bits": ("bytes", "io.debezium.data.Bits", {"parameters": {"length": "10"}}),
                  "iv": ("int64", "io.debezium.time.MicroDuration"),
                  "num": ("bytes", "org.apache.kafka.connect.data.Decimal", {"parameters": {"scale": "2"}}),
                  "vs": ("struct", "io.debezium.data.VariableScaleDecimal", {"fields": [
                      {"field": "scale", "type": "int32", "optional": False},
                      {"field": "value", "type": "bytes", "optional": False}]}),
                  "raw": ("bytes",), "conn_d": ("int32", "org.apache.kafka.connect.data.Date"),
                  "conn_t": ("int32", "org.apache.kafka.connect.data.Time"),
                  "conn_ts": ("int64", "org.apache.kafka.connect.data.Timestamp"),
                  "arr": ("array", None, {"items": {"type": "int32", "optional": True}}),
                  "old": ("int64", "io.debezium.time.MicroTimestamp"), "asnumber": ("int64", "io.debezium.time.MicroTimestamp")}
        value = debezium(fields, id=1, d=19782, ts=1709210096789, mts=1709210096789012, nts=1709210096789012345, tm=45296789,
                         mtm=86399999999, z="2024-02-29T12:34:56.789Z", bits="BQI=", iv=93784000005, num="MDk=",
                         vs={"scale": 3, "value": "AeJA"}, raw="AP9cCg==", conn_d=-1, conn_t=1, conn_ts=-1, arr=[1, None],
                         old=-62135596800000001, asnumber=5)
        from sluicetest import Kafka
        kafka = self.enterContext(Kafka())
        kafka.produce("t", [(None, json.dumps(value).encode())])
        source = {"plugin": "kafka", "config": {"bootstrap.servers": kafka.bootstrap, "topics": "t"},
                  "converters": {"value": {"plugin": "json", "config": {"schemas.enable": True}}}}
        self.run_sink(source=source)
        row = self.rows(count=1, seconds=30)[0]
        self.assertEqual(("1", "2024-02-29", "2024-02-29 12:34:56.789", "2024-02-29 12:34:56.789012",
                          "2024-02-29 12:34:56.789012", "12:34:56.789", "23:59:59.999999"), row[:7])
        self.assertEqual("2024-02-29 12:34:56.789", self.pg.value("SELECT z AT TIME ZONE 'UTC' FROM t"))
        self.assertEqual(("1000000101", "26:03:04.000005", "123.45", "123.456", "\\x00ff5c0a", "1969-12-31", "00:00:00.001",
                          "1969-12-31 23:59:59.999", "{1,NULL}", "0001-12-31 23:59:59.999999 BC", "5"), row[8:])

    def test_table_names(self):
        self.pg.execute("DROP SCHEMA IF EXISTS \"S x\" CASCADE; CREATE SCHEMA \"S x\"; CREATE TABLE \"S x\".\"T\"\"q\" (id int PRIMARY KEY);"
                        "DROP TABLE IF EXISTS copy_of_b; CREATE TABLE copy_of_b (id int PRIMARY KEY)")
        self.run_sink(source=self.feed.source("server.S x.T\"q"))
        self.feed.add({"id": 1})
        self.eventually(lambda: self.pg.value("SELECT count(*) FROM \"S x\".\"T\"\"q\"") == "1")
        self.name += "-2"
        other = Feed(self.folder, "other")
        self.run_sink(source=other.source("b"), **{"table.name.format": "public.copy_of_${topic}"})
        other.add({"id": 1})
        self.eventually(lambda: self.pg.value("SELECT count(*) FROM copy_of_b") == "1")

    def test_schema_changes_between_batches(self):
        self.pg.execute("CREATE TABLE t (id int PRIMARY KEY, a text, b text)")
        self.run_sink()
        self.feed.add({"id": 1, "a": "x", "b": "y"})
        self.rows(count=1)
        self.pg.execute("ALTER TABLE t ADD COLUMN c int")
        self.feed.add({"id": 2, "a": "x", "c": 5})
        self.rows(count=2)
        self.pg.execute("ALTER TABLE t DROP COLUMN b")
        self.feed.add({"id": 3, "a": "z", "c": 6}, {"id": 1, "c": 1})
        self.assertEqual([("1", "x", "1"), ("2", "x", "5"), ("3", "z", "6")], self.rows(count=3))
        self.pg.execute("ALTER TABLE t ALTER COLUMN c TYPE text")
        self.feed.add({"id": 4, "c": "text"})
        self.rows(count=4)
        self.pg.execute("DROP TABLE t; CREATE TABLE t (id int PRIMARY KEY, c text, d int)")
        self.feed.add({"id": 5, "c": "new", "d": 1})
        self.assertEqual([("5", "new", "1")], self.rows(count=1))

    def refused(self, errors=None, **config):
        self.run_sink(errors, **config)
        self.feed.add({"id": 1, "a": "x"})
        return failed(self.sluice, self.name)

    def test_messages(self):
        for setup, config, parts in (
                (None, {}, ("postgres.table", "table t does not exist", "table.name.format")),
                ("CREATE TABLE t (id int PRIMARY KEY)", {}, ("postgres.column", "no column for the field a", "missing.columns")),
                ("CREATE TABLE t (id int, a text)", {}, ("postgres.key", "no primary key", "pk.fields")),
                ("CREATE TABLE t (id int, a text)", {"pk.fields": "id"}, ("unique or exclusion",)),
                ("CREATE TABLE t (id int PRIMARY KEY, a text); DROP ROLE IF EXISTS poor; CREATE ROLE poor LOGIN",
                 {"user": "poor"}, ("postgres.permission", "permission denied for table t")),
                ("CREATE TABLE t (id int PRIMARY KEY, a int)", {}, ("invalid input syntax for type integer", "\"x\"")),
                ("CREATE TABLE t (id int PRIMARY KEY, a text)", {"dbname": "nope"}, ("postgres.database", "nope")),
                ("CREATE TABLE t (id int PRIMARY KEY, a text)", {"user": "nobody-known"}, ("nobody-known",))):
            with self.subTest(parts=parts):
                self.pg.execute("DROP TABLE IF EXISTS t;" + (setup or ""))
                self.feed = Feed(self.folder, "in-%d" % time.monotonic_ns())
                self.name = "messages-%d" % time.monotonic_ns()
                trace = self.refused(**config)
                for part in parts:
                    self.assertIn(part, trace)

    def test_missing_columns_ignored(self):
        self.pg.execute("CREATE TABLE t (id int PRIMARY KEY)")
        self.run_sink(**{"missing.columns": "ignore"})
        self.feed.add({"id": 1, "a": 5})
        self.rows(count=1)

    def test_one_bad_row_is_found(self):
        for exact in (False, True):
            with self.subTest(exact=exact):
                self.pg.execute("DROP TABLE IF EXISTS t; CREATE TABLE t (id int PRIMARY KEY, n int CHECK (n < 1000), a text NOT NULL)")
                self.name = "bad-row-%s" % str(exact).lower()
                self.feed = Feed(self.folder, self.name)
                dead = self.folder / (self.name + ".dead")
                self.feed.add(*({"id": i, "n": 5000 if i == 333 else i % 10, "a": None if i == 777 else "x\0" if i == 500 else "x"}
                                for i in range(1000)), line("text", 1), {"id": None, "a": "x"}, {"id": 1, "nope": 1})
                self.run_sink({"tolerance": "all", "dead.letters.file": str(dead)}, **{"exactly.once": exact})
                self.rows("id", count=997, seconds=30)
                found = self.eventually(lambda: len(letters(dead)) >= 6 and letters(dead))
                self.assertEqual([333, 500, 777], sorted(d["value"]["id"] for d in found if isinstance(d["value"], dict)
                                                         and isinstance(d["value"].get("id"), int) and d["value"]["id"] > 1))
                self.assertEqual(6, len(found))
                by_id = {d["value"]["id"]: d for d in found[:3]}
                self.assertIn("violates check constraint", by_id[333]["message"])
                self.sluice.delete("/pipelines/" + self.name)

    def transactions(self):
        name = "sluice_postgres_transactions_total{pipeline=\"%s\"" % self.name
        return sum(float(text.split()[-1]) for text in self.sluice.get("/metrics").text.splitlines() if text.startswith(name))

    def test_small_batches_share_transactions(self):
        """One record a batch: they share transactions, the last of a key wins, and bad ones are found all the same."""
        for exact in (False, True):
            with self.subTest(exact=exact):
                self.pg.execute("DROP TABLE IF EXISTS t; CREATE TABLE t (id int PRIMARY KEY, n int CHECK (n % 500 <> 7))")
                self.name = "small-%s" % str(exact).lower()
                self.feed = Feed(self.folder, self.name)
                dead = self.folder / (self.name + ".dead")
                self.feed.add(*({"id": 1000 + n if n % 500 == 7 else n % 10, "n": n} for n in range(3000)), {"id": 11, "n": 1})
                self.run_sink({"tolerance": "all", "dead.letters.file": str(dead)}, self.feed.source(**{"batch.size": 1}),
                              **{"exactly.once": exact})
                self.rows("id", count=11, seconds=40)
                self.assertEqual([(str(i), str(2990 + i)) for i in range(10)] + [("11", "1")], self.rows())
                self.assertEqual([7 + 500 * i for i in range(6)], [d["value"]["n"] for d in letters(dead)])
                self.eventually(lambda: self.transactions() > 0)
                self.assertLess(self.transactions(), 1500)
                self.sluice.delete("/pipelines/" + self.name)

    def batched(self, name, count, **config):
        """Transactions that so many batches of one record took."""
        self.pg.execute("DROP TABLE IF EXISTS t; CREATE TABLE t (id int PRIMARY KEY)")
        self.name, self.feed = name, Feed(self.folder, name)
        self.feed.add(*({"id": n} for n in range(count)))
        self.run_sink(source=self.feed.source(**{"batch.size": 1}), **config)
        self.rows(count=count)
        self.eventually(lambda: self.transactions() > 0)
        time.sleep(1.2)  # the task tells once a second
        return self.transactions()

    def test_batching_by_records_bytes_and_time(self):
        self.assertEqual(1, self.batched("by-time", 50, linger="1s"))
        # Neither of these waits for its minute.
        self.assertEqual(10, self.batched("by-records", 100, linger="60s", **{"batch.max.records": 10}))
        by_bytes = self.batched("by-bytes", 100, linger="60s", **{"batch.max.bytes": "1k"})
        self.assertEqual(100, by_bytes, "each batch is larger")
        self.assertEqual(2, self.batched("by-batches", 512, linger="60s"), "more than 256 batches cannot come to wait")

    def test_draining_does_not_linger(self):
        self.pg.execute("DROP TABLE IF EXISTS t; CREATE TABLE t (id int PRIMARY KEY)")
        self.feed.add({"id": 1}, {"id": 2})
        self.run_sink(linger="60s")
        self.sluice.wait_state(self.name)
        self.eventually(lambda: self.sluice.status(self.name)["tasks"][0]["branches"][0]["in_flight"] > 0)
        self.assertEqual([], self.pg.query("SELECT * FROM t"))
        self.sluice.put("/pipelines/%s/pause" % self.name).expect(202)
        self.rows(count=2)

    def test_damaged_position(self):
        self.pg.execute("CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE sluice_positions"
                        "(owner text, partition text, position bytea, sub bigint, PRIMARY KEY (owner, partition))")
        for i, (position, sub) in enumerate((("00" * 32, 0), ("00", -1), ("00", 1 << 33))):
            with self.subTest(sub=sub):
                self.name = "damaged-%d" % i
                self.pg.execute("INSERT INTO sluice_positions VALUES('%s/postgres', '{}', '\\x%s', %d)" % (self.name, position, sub))
                self.run_sink(**{"exactly.once": True})
                self.assertIn("postgres.position", failed(self.sluice, self.name))

    def test_validate(self):
        path = self.folder / "p.json"
        path.write_text(json.dumps(pipeline("v", self.feed.source(), "postgres", {
            "hostname": "h", "dbname": "d", "user": "u", "insert.mode": "insert", "delete.enabled": True})))
        told = subprocess.run([os.environ["SLUICE_BIN"], "validate", str(path)], text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT).stdout
        self.assertIn("needs insert.mode=upsert", told)
