# builds: all
# timeout: 300
"""Every file in configs/ runs on real servers, and what it says arrives. clickhouse/, http/ and s3/ are run by those sinks' own tests."""

import json
import os
import pathlib
import re
import struct
import subprocess
import unittest

from sluicetest.case import Case
from sluicetest.host import Sluice
from sluicetest.kafka import Record
from sluicetest import servers
from sluicetest.worker import ConnectWorker

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONFIGS = ROOT / "configs"
ELSEWHERE = {"clickhouse/pipeline.json": "tests/connectors/test_clickhouse_sink.py",
             "clickhouse/clickhouse.sql": "tests/connectors/test_clickhouse_sink.py",
             "s3/pipeline.json": "tests/connectors/test_s3_sink.py",
             "http/webhook.json": "tests/connectors/test_http_sink.py",
             "connect/avro-source.json": "tests/connectors/test_avro.py",
             "connect/avro-sink.json": "tests/connectors/test_avro.py"}
NOT_THERE_YET = {"json-schema", "protobuf"}  # converters that only say so

ORDERS = """
    INSERT INTO orders VALUES ('ann@example.com', 7, '2026-01-31T23:00:00.5Z', 12.50, '4111111111111111', 'ring twice', 'x'),
                              ('bob@example.com', 8, '2026-02-01T00:00:00Z', 3, '4222222222222222', NULL, NULL);
    INSERT INTO orders_test VALUES ('try@example.com', 1, '2026-02-02T00:00:00Z', 1, '4333333333333333', 'no', NULL)"""

CONTENT = ("INSERT INTO content VALUES ('00000000-0000-4000-8000-000000000001', 'a', 'A', 'podcast', 180, now()),"
           "('00000000-0000-4000-8000-000000000002', 'b', 'B', 'video', 200, now())")
EVENTS = ("INSERT INTO engagement_events(content_id, event_type, event_ts, duration_ms, device) VALUES"
          "('00000000-0000-4000-8000-000000000001', 'play', '2026-01-01T00:00:00Z', 60000, 'ios'),"
          "('00000000-0000-4000-8000-000000000002', 'play', '2026-01-01T00:00:01Z', 2010, 'ios'),"
          "('00000000-0000-4000-8000-000000000002', 'click', '2026-01-01T00:00:02Z', NULL, 'web')")


def config(name):
    return CONFIGS / name


def start(sluice, name):
    """POSTs a connector, as its file is."""
    answer = sluice.post("/connectors", data=config("connect/" + name).read_bytes(), headers={"Content-Type": "application/json"})
    answer.expect(201)
    sluice.wait_state(answer.json()["name"])


def records(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


class Configs(Case):
    time_limit = 120

    def directory(self):
        return self.enterContext(servers.scratch_dir("sluice-configs-"))

    def run_to_end(self, name, env):
        """A pipeline whose source ends; returns its directory."""
        directory = self.directory()
        env = {**os.environ, **env}
        done = subprocess.run([env["SLUICE_BIN"], "run", str(config(name)), "--data", str(directory / "data"), "--listen", "127.0.0.1:0",
                               "--plugin-path", env["SLUICE_PLUGIN_PATH"], "--exit-when-done"], cwd=directory, env=env,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=100)
        self.assertEqual(0, done.returncode, done.stdout)
        return directory

    def test_basic(self):
        kafka = self.enterContext(servers.Kafka())
        redis = self.enterContext(servers.Redis())
        out = self.run_to_end("basic/hello.json", {"COUNT": "200"}) / "events.jsonl"
        rows = records(out)
        self.assertEqual(200, len({row["id"] for row in rows}))

        env = {"IN": str(out), "BOOTSTRAP_SERVERS": kafka.bootstrap, "REDIS_HOST": redis.host, "REDIS_PORT": str(redis.port)}
        self.run_to_end("basic/file-to-kafka.json", env)
        self.assertEqual(rows, [json.loads(r.value) for r in kafka.consume("events")])

        with Sluice(str(config("basic/kafka-to-redis.json")), env=env):
            self.eventually(lambda: redis.command("DBSIZE") == 200)
        with redis.client() as client:
            entry = client.hgetall("event:%d" % rows[7]["id"])
        self.assertEqual(rows[7]["device"].encode(), entry[b"device"])

        with Sluice(str(config("basic/mirror.json")), env=env):
            copies = kafka.consume("mirror.events", count=200)
        self.assertEqual([(r.key, r.value) for r in kafka.consume("events")], [(r.key, r.value) for r in copies])

    def test_column(self):
        out = self.run_to_end("basic/column.json", {"COUNT": "300"}) / "column.txt"
        words = out.read_text().split()
        self.assertEqual((300, {"play", "pause", "finish", "click"}), (len(words), set(words)))

    def test_lines(self):
        lines = self.directory() / "in.txt"
        lines.write_text("one\ntwo\nno end")
        sluice = self.enterContext(Sluice(str(config("basic/lines.json")), env={"IN": str(lines)}))
        self.eventually(lambda: (sluice.directory / "lines.txt").read_text() == "one\ntwo\n")

    def test_changes(self):
        pg = self.enterContext(servers.Postgres())
        pg.query(config("engagement/schema.sql").read_text() + CONTENT + ";" + EVENTS)
        sluice = self.enterContext(Sluice(str(config("basic/changes.json")), env={"PGHOST": pg.host, "PGPORT": str(pg.port)}))
        out = sluice.directory / "changes.jsonl"
        self.eventually(lambda: len(records(out)) == 3)
        pg.query("DELETE FROM engagement_events WHERE id = 2")
        self.eventually(lambda: len(records(out)) == 5)
        self.assertEqual([(1, "r"), (2, "r"), (3, "r"), (2, "d"), (2, None)],
                         [(r["key"], r["value"] and r["value"]["op"]) for r in records(out)])

    def test_posted_natively(self):
        """What `sluice run FILE` takes, POST /pipelines takes, too, references and all."""
        with Sluice(env={"COUNT": "50"}) as sluice:
            for name in ("hello", "shaped", "column"):
                sluice.post("/pipelines", data=config("basic/%s.json" % name).read_bytes()).expect(201)
            self.eventually(lambda: len((sluice.directory / "events.jsonl").read_text().splitlines()) == 50)
            self.eventually(lambda: len((sluice.directory / "column.txt").read_text().splitlines()) == 50)
            self.eventually(lambda: (sluice.directory / "played.jsonl").read_text().count("\n") > 3)

    def test_shaped(self):
        out = self.run_to_end("basic/shaped.json", {"COUNT": "500"}) / "played.jsonl"
        records = [json.loads(line) for line in out.read_text().splitlines()]
        self.assertGreater(len(records), 50)
        for record in records:
            self.assertEqual("played.events", record["topic"])
            self.assertEqual(["id", "content_id", "ms", "device", "origin"], list(record["value"]))
            self.assertGreater(record["value"]["ms"], 1000)
            self.assertEqual("sluice", record["value"]["origin"])

    def engagement(self, *args, env):
        pg = self.enterContext(servers.Postgres())
        pg.query(config("engagement/schema.sql").read_text() + CONTENT + ";" + EVENTS)
        env = {"PGHOST": pg.host, "PGPORT": str(pg.port), **env}
        self.enterContext(Sluice(*args, str(config("engagement/pipeline.json")), env=env))
        return pg

    def test_engagement(self):
        redis = self.enterContext(servers.Redis())
        clickhouse = self.enterContext(servers.ClickHouse())
        clickhouse.query(config("engagement/clickhouse.sql").read_text())
        pg = self.engagement(env={"REDIS_HOST": redis.host, "REDIS_PORT": str(redis.port), "CLICKHOUSE_HOST": clickhouse.host,
                                  "CLICKHOUSE_PORT": str(clickhouse.port)})
        report = "SELECT id, content_type, length_seconds, engagement_seconds, engagement_pct FROM engagement_report ORDER BY id"
        self.eventually(lambda: len(pg.query(report)) == 3)
        self.assertEqual([("1", "podcast", "180", "60.0", "33.33"), ("2", "video", "200", "2.01", "1.01"), ("3", "video", "200", None, None)],
                         pg.query(report))
        self.eventually(lambda: redis.command("XLEN", "engagement") == 3)
        self.eventually(lambda: clickhouse.value("SELECT count() FROM engagement") == "3")
        pg.query(EVENTS)
        self.eventually(lambda: redis.command("XLEN", "engagement") == 6)
        self.eventually(lambda: clickhouse.value("SELECT sum(engagement_pct) > 68.6 FROM engagement") == "1")

    def test_engagement_overlay(self):
        kafka = self.enterContext(servers.Kafka())
        s3 = self.enterContext(servers.S3())
        s3.create_bucket("sluice")
        self.engagement("--overlay", str(config("engagement/overlays/kafka-s3.json")), env={
            "BOOTSTRAP_SERVERS": kafka.bootstrap, "S3_URL": s3.url, "S3_REGION": s3.info["region"],
            "AWS_ACCESS_KEY_ID": s3.info["access_key"], "AWS_SECRET_ACCESS_KEY": s3.info["secret_key"]})
        values = [json.loads(r.value) for r in kafka.consume("engagement", count=3)]
        self.assertEqual([33.33, 1.01, None], [v["engagement_pct"] for v in values])
        self.eventually(lambda: len(s3.keys("sluice")) > 0)
        key = s3.keys("sluice")[0]
        self.assertEqual([33.33, 1.01, None], [json.loads(line)["engagement_pct"] for line in s3.get("sluice", key).splitlines()])

    def connect_servers(self, *more):
        """Kafka, and others by name; a sluice that knows them as a Connect worker does: by its worker file and environment."""
        self.kafka = self.enterContext(servers.Kafka())
        self.pg = self.enterContext(servers.Postgres())
        self.redis = self.enterContext(servers.Redis())
        self.pg.query(config("engagement/schema.sql").read_text() + CONTENT + ";" + EVENTS)
        env = {"BOOTSTRAP_SERVERS": self.kafka.bootstrap, "PGHOST": self.pg.host, "PGPORT": str(self.pg.port),
               "REDIS_HOST": self.redis.host, "REDIS_PORT": str(self.redis.port), **dict(more)}
        return self.enterContext(Sluice("--worker", str(config("connect/worker.properties")), env=env))

    def test_connect(self):
        clickhouse = self.enterContext(servers.ClickHouse())
        clickhouse.query(config("engagement/clickhouse.sql").read_text())
        sluice = self.connect_servers(("CLICKHOUSE_HOST", clickhouse.host), ("CLICKHOUSE_PORT", str(clickhouse.port)))
        for name in ("debezium-source.json", "redis-sink.json", "clickhouse-sink.json"):
            start(sluice, name)
        self.eventually(lambda: self.redis.command("DBSIZE") == 3, seconds=40)
        self.eventually(lambda: clickhouse.value("SELECT count() FROM engagement") == "3", seconds=40)
        self.pg.query("UPDATE engagement_events SET device='tv' WHERE id=1; DELETE FROM engagement_events WHERE id=2")
        self.eventually(lambda: self.redis.command("DBSIZE") == 2)
        events = [json.loads(r.value) for r in self.kafka.consume("dbserver1.public.engagement_events") if r.value is not None]
        self.assertEqual(["r", "r", "r", "u", "d"], [e["op"] for e in events])
        self.assertEqual(["source", "sink", "sink"], [c["info"]["type"] for _, c in sorted(
            sluice.get("/connectors?expand=info").json().items(), key=lambda item: item[1]["info"]["type"] == "sink")])

    def test_distributed_worker(self):
        """With its own file, but for where the broker and the port are."""
        kafka = self.enterContext(servers.Kafka())
        worker = ConnectWorker("distributed", kafka.bootstrap)
        worker.file = config("connect/distributed.properties")
        worker.env.update(CONNECT_BOOTSTRAP_SERVERS=kafka.bootstrap, CONNECT_LISTENERS="http://127.0.0.1:%d" % worker.port)
        with worker:
            body = {"name": "lines", "initial_state": "PAUSED", "config": {
                "connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector", "file": "in.txt", "topic": "t"}}
            worker.post("/connectors", body).expect(201)
            self.assertIn(b"connector-lines", [r.key for r in kafka.consume("connect-configs")])
            worker.kill9()
            worker.data = worker.directory / "other"  # all that it has to know is in Kafka
            worker.start()
            self.assertEqual(["lines"], worker.get("/connectors").json())

    def test_connect_reference_use(self):
        """A Debezium source whose keys are bare ids, and a Redis sink that stores the events as they are."""
        sluice = self.connect_servers()
        self.pg.query("CREATE TABLE debezium_signal (id text PRIMARY KEY, type text, data text)")
        start(sluice, "engagement-source.json")
        start(sluice, "engagement-redis-sink.json")
        self.assertEqual(409, sluice.post("/connectors", data=config("connect/engagement-source.json").read_bytes(),
                                          headers={"Content-Type": "application/json"}).status)
        stored = self.eventually(lambda: self.redis.command("GET", "pg.public.engagement_events:1"), seconds=40)
        self.assertEqual(60000, json.loads(stored)["after"]["duration_ms"])
        content = self.kafka.consume("pg.public.content", count=2)
        self.assertEqual([b"00000000-0000-4000-8000-000000000001", b"00000000-0000-4000-8000-000000000002"], [r.key for r in content])
        self.assertIn("signals in table public.debezium_signal are not acted on", sluice.log())

    def test_connect_files(self):
        s3 = self.enterContext(servers.S3())
        s3.create_bucket("sluice")
        directory = self.directory()
        lines, out = directory / "in.txt", directory / "out.txt"
        lines.write_text("one\ntwo\n")
        sluice = self.connect_servers(("IN", str(lines)), ("OUT", str(out)), ("S3_URL", s3.url), (
            "AWS_ACCESS_KEY_ID", s3.info["access_key"]), ("AWS_SECRET_ACCESS_KEY", s3.info["secret_key"]))
        for name in ("file-source.json", "file-sink.json", "s3-sink.json"):
            start(sluice, name)
        self.eventually(lambda: out.read_text() == "one\ntwo\n", seconds=40)
        name = "topics/connect-test/partition=0/connect-test+0+0000000000.bin"
        self.assertEqual([name], self.eventually(lambda: s3.keys("sluice"), seconds=40))
        self.assertEqual(b"one\ntwo\n", s3.get("sluice", name))

    def test_connect_transforms_and_predicates(self):
        """Rows of two tables, shaped on the way into one topic, and again on the way to Redis, where the tests among them do not go."""
        sluice = self.connect_servers()
        self.pg.query(config("connect/orders.sql").read_text() + ORDERS)
        start(sluice, "orders-source.json")
        orders = sorted(self.kafka.consume("orders", count=3), key=lambda r: json.loads(r.key)["payload"]["order"])
        keys, values = ([json.loads(text) for text in texts] for texts in ([r.key for r in orders], [r.value for r in orders]))
        self.assertEqual([{"customer": "someone", "order": number, "region": "eu"} for number in "178"], [k["payload"] for k in keys])
        self.assertEqual([{"order": 1, "placed": 1769990400000, "price": 1.0, "card": "****"},
                          {"order": 7, "placed": 1769900400000, "price": 12.5, "card": "****"},
                          {"order": 8, "placed": 1769904000000, "price": 3.0, "card": "****"}], [v["payload"] for v in values])
        self.assertEqual({("com.example.OrderKey", None)}, {(k["schema"]["name"], k["schema"].get("version")) for k in keys})
        self.assertEqual({("com.example.Order", 2)}, {(v["schema"]["name"], v["schema"]["version"]) for v in values})
        headers = [{name: value for name, value in r.headers if not name.startswith("__debezium.")} for r in orders]
        self.assertEqual([{"origin": "shop", "test": "true"}, {"origin": "shop", "customer": "ann@example.com", "note": "ring twice"}],
                         headers[:2])
        self.assertEqual({"origin": "shop", "customer": "bob@example.com"}, {k: v for k, v in headers[2].items() if k != "note"})

        self.pg.query("DELETE FROM orders WHERE number = 8; UPDATE orders SET price = 20 WHERE number = 7")
        start(sluice, "orders-sink.json")
        updated = self.kafka.consume("orders", count=4)[3]
        self.assertEqual(20.0, json.loads(updated.value)["payload"]["price"])
        stored = self.eventually(lambda: self.stored_orders(2), seconds=40)
        self.assertEqual(["20260131-230000", "20260201-000000"], [name.split(":")[1] for name in stored])
        self.assertTrue(all(re.fullmatch(r"orders-\d{4}:.*", name) for name in stored), stored)
        first = self.eventually(lambda: [v for v in self.stored_orders(2).values() if v["order_price"] == 20.0])[0]
        self.assertGreaterEqual(first.pop("offset"), 3)
        self.assertEqual({"order_order": 7, "order_placed": 1769900400000, "order_price": 20.0, "order_card": "****", "topic": "orders"}, first)

    def stored_orders(self, count):
        """What is in Redis by name, when it is that much."""
        names = sorted(name.decode() for name in self.redis.command("KEYS", "*"))
        return len(names) == count and {name: json.loads(self.redis.command("GET", name)) for name in names}

    def test_connect_lines(self):
        """FileStream connectors with the chain of Kafka Connect's documentation, and back."""
        directory = self.directory()
        lines, out = directory / "in.txt", directory / "out.txt"
        lines.write_text("foo\nbar\n")
        sluice = self.connect_servers(("IN", str(lines)), ("OUT", str(out)))
        start(sluice, "lines-source.json")
        start(sluice, "lines-sink.json")
        self.assertEqual([{"line": line, "data_source": "test-file-source"} for line in ("foo", "bar")],
                         [json.loads(r.value) for r in self.kafka.consume("lines", count=2)])
        self.eventually(lambda: out.exists() and out.read_text() == "foo\nbar\n", seconds=40)

    def test_headers(self):
        """Headers through Kafka and back, with the converter that nobody names, and with it by its name."""
        directory = self.directory()
        lines, out, again = directory / "in.txt", directory / "out.jsonl", directory / "again.jsonl"
        lines.write_text("one\n")
        sluice = self.connect_servers(("IN", str(lines)), ("OUT", str(out)))
        start(sluice, "headers-source.json")
        self.kafka.produce("notes", [Record(b"two", None, (("n", "1e3"), ("n", "x;y"), ("empty", ""), ("none", None)))])
        made = [r for r in self.kafka.consume("notes", count=2) if r.value == b"one"]
        self.assertEqual((("attempt", "300"), ("origin", "a file")), made[0].headers[:2])
        start(sluice, "headers-sink.json")
        self.eventually(lambda: out.exists() and len(records(out)) == 2, seconds=40)
        with Sluice(str(config("basic/headers.json")), env={"BOOTSTRAP_SERVERS": self.kafka.bootstrap, "OUT": str(again)}):
            self.eventually(lambda: again.exists() and len(records(again)) == 2, seconds=40)
        for path in (out, again):
            found = {r["value"]: [(h["key"], h["value"]) for h in r["headers"]] for r in records(path)}
            self.assertEqual([("attempt", 300), ("origin", "a file"), ("tags", {"b": [1, 2.5]})], found["one"])
            self.assertEqual([("n", 1000), ("n", "x;y"), ("empty", ""), ("none", None)], found["two"])

    def test_binary(self):
        kafka = self.enterContext(servers.Kafka())
        lines = self.directory() / "in.jsonl"
        lines.write_text('{"n":258}\n{"n":null}\n')
        self.run_to_end("basic/binary.json", {"IN": str(lines), "BOOTSTRAP_SERVERS": kafka.bootstrap})
        wanted = {"short": ">h", "integer": ">i", "long": ">q", "float": ">f", "double": ">d", "boolean": ">?"}
        self.assertEqual({name: [struct.pack(form, 258), None] for name, form in wanted.items()},
                         {name: [r.value for r in kafka.consume("numbers-" + name)] for name in wanted})

    def test_no_file_is_forgotten(self):
        known = {str(p.relative_to(CONFIGS)) for p in CONFIGS.rglob("*") if p.is_file() and p.name != "README.md"}
        text = pathlib.Path(__file__).read_text()
        self.assertEqual([], sorted(n for n in known if n not in ELSEWHERE and n not in text and pathlib.Path(n).name not in text))
        for test in ELSEWHERE.values():
            self.assertTrue((ROOT / test).is_file(), test)

    def test_each_plugin_is_in_one(self):
        done = subprocess.run([os.environ["SLUICE_BIN"], "plugins", "list", "--json", "--plugin-path", os.environ["SLUICE_PLUGIN_PATH"]],
                              stdout=subprocess.PIPE, text=True, check=True)
        text = "".join(p.read_text() for p in CONFIGS.rglob("*.json"))  # a store is behind a worker's topics, and has no name there
        self.assertEqual([], [p["name"] for p in json.loads(done.stdout)["plugins"]
                              if p["name"] not in NOT_THERE_YET and p["kind"] != "store" and not any('"%s"' % name in text for name in [p["name"], *p["aliases"]])])


if __name__ == "__main__":
    unittest.main()
