# timeout: 400
# builds: all
"""Redis, PostgreSQL, ClickHouse, S3 and HTTP connectors, and the store of a worker's topics, keep the promises of the plugin ABI with a server, too: nothing of the suite ends at their open."""

import json
import os
import pathlib
import subprocess
import unittest

from sluicetest import S3, Case, ClickHouse, Kafka, Postgres, Redis
from sluicetest.host import SANITIZER_REPORT
from sluicetest.target import HttpTarget

BUILD = pathlib.Path(os.environ.get("SLUICE_BUILD", "build"))
BINARY = os.environ.get("SLUICE_BIN") or str(BUILD / "sluice")


class WithServers(Case):
    time_limit = 180

    def check(self, module, *opened, **config):
        """All is well, and of the checks named in `opened`, which need an open instance, none was left out."""
        path = BUILD / "lib" / "sluice" / (module + ".so")
        config = {name.replace("__", "."): value for name, value in config.items()}
        done = subprocess.run([BINARY, "plugins", "check", str(path), "--json", "--config", json.dumps(config)],
                              capture_output=True, text=True)
        checks = json.loads(done.stdout)["checks"]
        self.assertEqual([], ["%(check)s: %(reason)s" % c for c in checks if c["outcome"] == "fail"], done.stderr[-4000:])
        self.assertNotRegex(done.stderr, SANITIZER_REPORT)
        left = ["%(check)s: %(outcome)s: %(reason)s" % c for c in checks if c["check"] in opened and c["outcome"] != "ok"]
        self.assertEqual([], left)

    def sink(self, module, **config):
        self.check(module, "open-again", "delivery", "empty-batch", "odd-values", "close-in-flight", **config)

    def source(self, module, **config):
        self.check(module, "open-again", "credit", "pause-resume", "close-in-flight", "close-paused", "restart-at-position", **config)

    def test_http_sink(self):
        target = self.enterContext(HttpTarget())
        for batching in (False, True):
            self.sink("http-sink", http__url=target.url, batching__enabled=batching)

    def test_redis_sink(self):
        server = self.enterContext(Redis())
        for exact in (False, True):
            self.sink("redis-sink", redis__host=server.host, redis__port=server.port, exactly__once=exact)

    def test_kafka(self):
        server = self.enterContext(Kafka())
        server.create_topic("read")
        server.produce("read", [{"value": "%d" % i} for i in range(20000)])
        self.source("kafka-source", bootstrap__servers=server.bootstrap, topics="read", group__id="conformance")
        for exact in (False, True):
            self.sink("kafka-sink", bootstrap__servers=server.bootstrap, exactly__once=exact)
        self.sink("kafka-sink", bootstrap__servers=server.bootstrap, topic__creation__default__partitions=1,
                  topic__creation__default__replication__factor=1)

    def test_postgres(self):
        server = self.enterContext(Postgres())
        server.query("CREATE TABLE t (id bigint PRIMARY KEY, name text); INSERT INTO t SELECT i, 'n' FROM generate_series(1, 20000) i")
        self.source("postgres-source", database__hostname=server.host, database__port=server.port, database__user="postgres",
                    database__dbname="postgres", topic__prefix="p")
        self.sink("postgres-sink", hostname=server.host, port=server.port, user="postgres", dbname="postgres",
                  table__name__format="t", missing__columns="ignore")

    def test_clickhouse_sink(self):
        server = self.enterContext(ClickHouse())
        server.query("CREATE TABLE t (id Int64, name String) ENGINE = MergeTree ORDER BY id")
        self.sink("clickhouse-sink", hostname=server.host, port=server.port, table="t", linger="10ms")

    def test_s3_sink(self):
        server = self.enterContext(S3())
        server.create_bucket("conformance")
        self.sink("s3-sink", s3__bucket__name="conformance", store__url=server.url, s3__region=server.info["region"], flush__size=5,
                  aws__access__key__id=server.info["access_key"], aws__secret__access__key=server.info["secret_key"])

    def test_kafka_store(self):
        server = self.enterContext(Kafka())
        self.check("kafka-store", "lifecycle", "open-again", bootstrap__servers=server.bootstrap, config__storage__topic="c",
                   offset__storage__topic="o", status__storage__topic="s")


if __name__ == "__main__":
    unittest.main()
