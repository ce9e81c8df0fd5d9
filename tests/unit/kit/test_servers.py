# timeout: 240
"""Every server of the kit starts, answers, loses nothing that it promised to a kill -9, and stops."""

import os
import pathlib
import socket
import ssl
import unittest
from unittest import mock

from sluicetest import Case, Chdb, ClickHouse, Kafka, Postgres, Redis, S3, http, make_certs, scratch_dir
from sluicetest.kafka import Client, KafkaError, Record
from sluicetest.pg import PgError
from sluicetest.redis import RedisError


class Servers(Case):
    time_limit = 90

    def test_postgres(self):
        with Postgres() as server:
            self.assertEqual("logical", server.value("SHOW wal_level"))
            server.execute("CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t VALUES (1, NULL), (2, ''), (3, E'é\\n,\"')")
            rows = [("1", None), ("2", ""), ("3", 'é\n,"')]
            self.assertEqual(rows, server.query("SELECT * FROM t ORDER BY id"))
            with self.assertRaisesRegex(PgError, "syntax error"):
                server.query("SELEC 1")
            with server.session() as session:
                session.execute("BEGIN; DELETE FROM t")
                self.assertEqual([("0",)], session.query("SELECT count(*) FROM t"))
                self.assertEqual("3", server.value("SELECT count(*) FROM t"))
            for end in (server.kill9, server.crash, server.stop):
                end()
                self.assertFalse(server.running)
                server.start()
                self.assertEqual(rows, server.query("SELECT * FROM t ORDER BY id"))

    def test_kafka(self):
        with Kafka() as server:
            server.create_topic("three", partitions=3, config={"cleanup.policy": "compact"})
            self.assertEqual({"three": 3}, server.topics())
            sent = [("k", {"a": 1}), ("gone", None), (None, "no key"), ("empty", ""), ("", b"\x00\xff\n"),
                    Record("v", "k", (("h", "1"), ("h", None)))]
            server.produce("t", sent)
            got = server.consume("t", count=len(sent))
            self.assertEqual([b"k", b"gone", None, b"empty", b"", b"k"], [r.key for r in got])
            self.assertEqual([b'{"a": 1}', None, b"no key", b"", b"\x00\xff\n", b"v"], [r.value for r in got])
            self.assertEqual((("h", "1"), ("h", None)), got[-1].headers)
            self.assertEqual(len(sent), server.end_offset("t"))
            self.assertEqual([], server.consume("no-such-topic"))
            self.assertEqual({}, server.group_offsets("no-such-group"))
            with self.assertRaises(KafkaError):
                server.consume("t", count=len(sent) + 1, timeout=1)
            server.delete_topic("three")
            server.kill9()
            server.start()
            self.assertEqual(got, server.consume("t"))

    def test_redis(self):
        with Redis(env={"REDIS_AOF": "yes"}) as server:
            with server.client() as client:
                client("HSET", "h", "a", 1)
                self.assertEqual([{b"a": b"1"}, None], [client.hgetall("h"), client("GET", "none")])
                with self.assertRaisesRegex(RedisError, "WRONGTYPE"):
                    client("GET", "h")
            server.kill9()
            server.start()
            self.assertEqual(b"1", server.command("HGET", "h", "a"))

    def check_clickhouse(self, cls):
        with cls() as server:
            server.execute("CREATE TABLE t (a UInt32, b String) ENGINE = MergeTree() ORDER BY a")
            server.execute("INSERT INTO t FORMAT JSONEachRow", b'{"a":1,"b":"x"}\n{"a":2,"b":"y"}\n')
            self.assertEqual([["1", "x"], ["2", "y"]], server.query("SELECT * FROM t ORDER BY a"))
            self.assertEqual(404, http.post(server.url + "/?query=SELECT+1+FROM+none").status)
            server.kill9()
            server.start()
            self.assertEqual("2", server.value("SELECT count() FROM t"))
            return server.value("SELECT version()")

    def test_clickhouse(self):
        self.check_clickhouse(ClickHouse)

    def test_chdb(self):
        version = self.check_clickhouse(Chdb)
        self.assertGreaterEqual(int(version.split(".")[0]), 26)

    def test_s3(self):
        with S3() as server:
            server.create_bucket("bucket")
            keys = ["a/%d é=+.json" % i for i in range(3)]
            for key in keys:
                server.put("bucket", key, key.encode())
            self.assertEqual(keys, server.keys("bucket", "a/"))
            self.assertEqual(keys[1].encode(), server.get("bucket", keys[1]))
            client = server.client
            client.secret_key = "wrong"
            self.assertEqual(403, client.request("GET", "/bucket").status)
            server.kill9()
            server.start()
            self.assertEqual(keys, server.keys("bucket"))

    def test_two_at_once_do_not_collide(self):
        with Redis() as one, Redis() as two:
            self.assertNotEqual(one.port, two.port)
            one.command("SET", "k", "1")
            self.assertIsNone(two.command("GET", "k"))


class Tls(Case):
    time_limit = 90

    @classmethod
    def setUpClass(cls):
        cls.certs = make_certs(cls.enterClassContext(scratch_dir()))

    def test_postgres(self):
        with Postgres(tls=self.certs, env={"PG_PASSWORD": "x"}) as server:
            self.assertEqual("t", server.value("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"))
            server.env["PG_PASSWORD"] = "wrong"
            with self.assertRaisesRegex(PgError, "password authentication failed"):
                server.query("SELECT 1")

    def test_kafka(self):
        with Kafka(tls=self.certs) as server:
            client = Client(server.info["sasl_ssl"], {
                "security.protocol": "SASL_SSL", "sasl.mechanism": "PLAIN", "sasl.username": "app",
                "sasl.password": "app-secret", "ssl.ca.location": self.certs / "ca.crt"})
            client.produce("t", ["x"])
            self.assertEqual([b"x"], [r.value for r in client.consume("t", count=1)])

    def test_redis(self):
        with Redis(tls=self.certs) as server:
            self.check_handshake(int(server.info["tls_port"]))

    def test_https(self):
        with ClickHouse(tls=self.certs) as server:
            self.assertEqual("Ok.\n", http.get(server.info["https_url"] + "/ping").text)
        with Chdb(tls=self.certs) as server:
            self.assertEqual("1", server.value("SELECT 1"))

    def test_s3(self):
        with S3(tls=self.certs) as server:
            server.create_bucket("bucket")

    def check_handshake(self, port):
        context = ssl.create_default_context(cafile=str(self.certs / "ca.crt"))
        with context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="localhost") as s:
            self.assertIn("TLS", s.version())


class NotInstalled(Case):
    def test_a_missing_server_is_a_skip_with_a_reason(self):
        empty = str(self.scratch())
        for cls, word in ((Kafka, "jars"), (Chdb, "chdb"), (S3, "versitygw")):
            with self.subTest(cls.kind), mock.patch.dict(os.environ, SLUICE_CACHE=empty):
                with self.assertRaisesRegex(unittest.SkipTest, word):
                    cls().start()

    def test_a_server_that_cannot_start_is_an_error(self):
        server = Postgres("no_such_parameter = 1")
        with self.assertRaisesRegex(RuntimeError, "no_such_parameter"):
            with server:
                pass
        self.assertFalse(pathlib.Path(server.directory).exists())
