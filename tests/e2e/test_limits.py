# tier: all
# builds: release
# exclusive
# timeout: 240
"""What an idle sluice costs: time to the first answer, memory of the host, of a task, of a task with a client library."""

import os
import pathlib
import re
import socket
import statistics
import subprocess
import time
import unittest

from sluicetest import S3, Case, ClickHouse, Kafka, Postgres, Redis, Sluice, scratch_dir
from sluicetest.host import rss_anon

FLOOR = pathlib.Path(__file__).resolve().parent / "client_floor.c"
IDLE = {"plugin": "datagen", "config": {"rate": 1}}
MB = 1 << 20


def floor(client, library, *arguments):
    """RssAnon of a program that has one connection of the library and nothing else."""
    flags = subprocess.check_output(["pkg-config", "--cflags", "--libs", library], text=True).split()
    with scratch_dir("floor-") as folder:
        subprocess.run(["cc", "-O2", "-DCLIENT_" + client, "-o", folder / "floor", FLOOR, *flags], check=True)
        said = subprocess.check_output([folder / "floor", *map(str, arguments)], text=True)
    return int(said.splitlines()[-1]) * 1024


@unittest.skipIf(os.environ.get("SLUICE_SANITIZE"), "sanitizers take time and memory of their own")
class Limits(Case):
    def first_answer(self, sluice):
        """Milliseconds from the start of the process to the first byte of an answer."""
        began = time.monotonic()
        sluice.start(wait=False)
        while True:
            try:
                with socket.create_connection(("127.0.0.1", sluice.port)) as s:
                    s.sendall(b"GET /health/live HTTP/1.0\r\n\r\n")
                    if s.recv(100):
                        return (time.monotonic() - began) * 1000
            except OSError:
                time.sleep(0.0005)
            self.assertLess(time.monotonic() - began, 20)

    def test_start(self):
        sluice = Sluice()
        self.addCleanup(sluice.close)
        times = []
        for _ in range(9):  # the first with a new data directory
            times.append(self.first_answer(sluice))
            sluice.wait_live()
            sluice.terminate()
        print("start to REST: %s ms" % ", ".join("%.0f" % t for t in times))
        self.assertLess(statistics.median(times), 50)

    def test_host(self):
        with Sluice() as sluice:
            self.eventually(lambda: sluice.get("/health/ready").status == 200)
            time.sleep(1)
            status = pathlib.Path("/proc/%d/status" % sluice.pid).read_text()
        rss = int(re.search(r"VmRSS:\s+(\d+)", status)[1]) * 1024
        print("idle host: %.1f MB RSS" % (rss / MB))
        self.assertLess(rss, 10 * MB)

    def task(self, sluice, name, source, sink):
        """RssAnon of a task that has delivered a little and has nothing to do."""
        sluice.post("/pipelines", {"name": name, "source": source, "sinks": [sink]}).expect(201)

        def delivers():
            task = (sluice.get("/pipelines/%s/status" % name).json()["tasks"] or [{}])[0]
            self.assertNotEqual("FAILED", task.get("state"), task)
            return task.get("records", 0) > 1 and task
        task = self.eventually(delivers, 30)
        time.sleep(1)
        used = rss_anon(task["pid"])
        sluice.delete("/pipelines/" + name).expect(204)
        return used

    def test_task(self):
        with Sluice() as sluice:
            used = self.task(sluice, "x", IDLE, {"plugin": "null"})
        print("idle task: %.1f MB RssAnon" % (used / MB))
        self.assertLess(used, 4 * MB)

    def keeps_to(self, name, floor_, source, sink):
        with Sluice() as sluice:
            used = self.task(sluice, "x", source, sink)
        print("%s: %.1f MB RssAnon, of its client library alone %.1f MB" % (name, used / MB, floor_ / MB))
        self.assertLess(used, floor_ + 2 * MB)

    def test_postgres(self):
        with Postgres() as pg:
            pg.query("CREATE TABLE t (id bigint PRIMARY KEY, content_id text); INSERT INTO t SELECT generate_series(-9, -1)")
            bare = floor("POSTGRES", "libpq", "host=%s port=%d user=postgres dbname=postgres" % (pg.host, pg.port))
            self.keeps_to("postgres sink", bare, IDLE, {"plugin": "postgres", "config": {
                "hostname": pg.host, "port": pg.port, "user": "postgres", "dbname": "postgres", "table.name.format": "t",
                "missing.columns": "ignore"}})
            self.keeps_to("postgres source", bare, {"plugin": "postgres", "config": {
                "database.hostname": pg.host, "database.port": pg.port, "database.user": "postgres",
                "database.dbname": "postgres", "topic.prefix": "p"}}, {"plugin": "null"})

    def test_redis(self):
        with Redis() as redis:
            self.keeps_to("redis sink", floor("REDIS", "hiredis", redis.host, redis.port), IDLE, {
                "plugin": "redis", "config": {"redis.host": redis.host, "redis.port": redis.port, "redis.type": "HASH"}})

    def test_kafka(self):
        with Kafka() as kafka:
            kafka.create_topic("t")
            kafka.produce("t", ['{"id": %d}' % i for i in range(9)])
            bare = floor("KAFKA", "rdkafka", kafka.bootstrap)
            self.keeps_to("kafka sink", bare, IDLE, {"plugin": "kafka", "config": {"bootstrap.servers": kafka.bootstrap}})
            self.keeps_to("kafka source", bare, {"plugin": "kafka", "config": {
                "bootstrap.servers": kafka.bootstrap, "topics": "t"}}, {"plugin": "null"})

    def test_clickhouse(self):
        with ClickHouse() as server:
            server.query("CREATE TABLE t (id Int64) ENGINE = MergeTree ORDER BY id")
            bare = floor("HTTP", "libcurl", "http://%s:%d/ping" % (server.host, server.port))
            self.keeps_to("clickhouse sink", bare, IDLE, {"plugin": "clickhouse", "config": {
                "hostname": server.host, "port": server.port, "table": "t"}})

    def test_s3(self):
        with S3() as server:
            server.create_bucket("limits")
            self.keeps_to("s3 sink", floor("HTTP", "libcurl", server.url), IDLE, {"plugin": "s3", "config": {
                "s3.bucket.name": "limits", "store.url": server.url, "s3.region": server.info["region"], "flush.size": 1,
                "aws.access.key.id": server.info["access_key"], "aws.secret.access.key": server.info["secret_key"]}})


if __name__ == "__main__":
    unittest.main()
