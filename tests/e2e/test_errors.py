# builds: all
# timeout: 240
"""Wrong input and a hostile world: each message says what, where, why and what to do, and nothing half-created remains."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import time
import unittest

from sluicetest import Case, ClickHouse, Postgres, Redis, Sluice, scratch_dir
from sluicetest.ports import free_port

SECRET = "s3cr3t-hunter2"


@contextlib.contextmanager
def small_disk(size):
    """A folder with so much room, as mount(8) says it. Needs root."""
    with scratch_dir("small-disk-") as folder:
        path = folder / "disk"
        path.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%s" % size, "tmpfs", path], capture_output=True, text=True)
        if done.returncode != 0:
            raise unittest.SkipTest("cannot mount a small disk: %s" % done.stderr.strip())
        try:
            yield path
        finally:
            subprocess.run(["umount", "-l", path], check=True)


def remount(path, option):
    subprocess.run(["mount", "-o", "remount,%s" % option, path], check=True)


def fill(path):
    with contextlib.suppress(OSError), open(path / "filler", "wb", buffering=0) as f:
        while True:
            f.write(b"x" * 4096)


class Refused(Case):
    """What is refused at once."""

    @classmethod
    def setUpClass(cls):
        cls.sluice = cls.enterClassContext(Sluice())

    def refused(self, status, *parts, path="/pipelines", **body):
        answer = self.sluice.post(path, **body)
        self.assertEqual(status, answer.status, answer)
        for part in parts:
            self.assertIn(part, answer.text)
        self.assertEqual([], self.sluice.get("/pipelines").json())

    def test_bad_json(self):
        self.refused(400, "line 2, column 3: 'n' stands where a quoted name is expected", data='{\n  name: "x"}')
        self.refused(400, "/source", '\\"source\\" is required', json={"name": "x", "sinks": [{"plugin": "null"}]})
        self.refused(500, "no JSON: line 1, column 2", path="/connectors", data="{", headers={"Content-Type": "application/json"})

    def test_unknown_plugin(self):
        self.refused(400, '"/source/plugin"', 'did you mean \\"postgres\\"?', '"/sinks/0/plugin"', 'did you mean \\"redis\\"?',
                     json={"name": "x", "source": {"plugin": "postgre"}, "sinks": [{"plugin": "redi"}]})
        self.refused(500, "Failed to find any class that implements Connector and which name matches com.example.Nope",
                     path="/connectors", json={"name": "x", "config": {"connector.class": "com.example.Nope"}})

    def test_wrong_options(self):
        self.refused(400, '"/source/config/rat"', 'did you mean \\"rate\\"?', '"/sinks/0/config/redis.type"', "HASH",
                     json={"name": "x", "source": {"plugin": "datagen", "config": {"rat": 1}},
                           "sinks": [{"plugin": "redis", "config": {"redis.type": "HASHES"}}]})

    def test_missing_secret(self):
        self.refused(400, "SLUICE_TEST_NOT_SET", "/sinks/0/config/password", json={
            "name": "x", "source": {"plugin": "datagen"},
            "sinks": [{"plugin": "postgres", "config": {"hostname": "h", "user": "u", "dbname": "d", "password": "${env:SLUICE_TEST_NOT_SET}"}}]})


class Servers(Case):
    """What a server refuses, seen in the status."""

    @classmethod
    def setUpClass(cls):
        cls.pg = cls.enterClassContext(Postgres())
        cls.sluice = cls.enterClassContext(Sluice())
        cls.pg.query("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1); CREATE ROLE weak LOGIN; GRANT SELECT ON t TO weak;"
                     "CREATE ROLE replicator LOGIN REPLICATION; GRANT SELECT ON t TO replicator")

    def source(self, **config):
        given = {name.replace("_", "."): value for name, value in config.items()}
        return {"plugin": "postgres", "config": {
            "database.hostname": self.pg.host, "database.port": self.pg.port, "database.user": "postgres",
            "database.dbname": "postgres", "topic.prefix": "p", "slot.name": "s", "publication.name": "s", **given}}

    def start(self, source, sink=None, name="x"):
        self.sluice.post("/pipelines", {"name": name, "source": source, "sinks": [sink or {"plugin": "null"}]}).expect(201)
        self.addCleanup(self.sluice.delete, "/pipelines/" + name)

    def says(self, member, *parts, name="x"):
        """Waits until the task says all that: as trace of its failure, or as warning while it tries again."""
        def seen():
            task = (self.sluice.get("/pipelines/%s/status" % name).json()["tasks"] or [{}])[0]
            for part in parts:
                self.assertIn(part, task.get(member) or "", task)
            return task
        return self.eventually(seen, 15)

    def nothing_left(self):
        self.assertEqual([], self.pg.query("SELECT slot_name FROM pg_replication_slots"))
        self.assertEqual([], self.pg.query("SELECT pubname FROM pg_publication"))

    def test_wal_level(self):
        with Postgres("wal_level=replica") as other:
            other.query("CREATE TABLE t (id int PRIMARY KEY)")
            self.start(self.source(database_port=other.port))
            task = self.says("trace", "%s:%d has wal_level=replica" % (other.host, other.port), "ALTER SYSTEM SET wal_level = logical")
            self.assertEqual(("FAILED", "postgres.wal_level"), (task["state"], task["code"]))
            self.assertEqual([], other.query("SELECT pubname FROM pg_publication"))

    def test_no_such_database(self):
        self.start(self.source(database_dbname="nope"))
        self.says("trace", 'database "nope" does not exist', "%s:%d" % (self.pg.host, self.pg.port), "check the database's name")

    def test_missing_table(self):
        self.start(self.source(table_include_list="public.nope", publication_autocreate_mode="filtered"))
        self.says("trace", "no table of database postgres matches", "public.nope", "check the names")
        self.nothing_left()

    def test_missing_permission(self):
        self.start(self.source(database_user="replicator"))
        self.says("trace", 'publication "s"', "permission denied for database postgres", "grant the role")
        self.nothing_left()
        self.pg.query("CREATE PUBLICATION s FOR TABLE t")
        self.addCleanup(self.pg.query, "DROP PUBLICATION s")
        self.start(self.source(database_user="weak", publication_autocreate_mode="disabled"), name="y")
        self.says("trace", "weak", "REPLICATION", name="y")
        self.assertEqual([], self.pg.query("SELECT slot_name FROM pg_replication_slots"))

    def test_slot_in_use(self):
        self.start(self.source())
        self.sluice.wait_state("x")
        self.start(self.source(), name="y")
        self.says("warning", 'replication slot "s" is in use', "another connector streams from it", "choose another slot.name",
                  "trying again", name="y")
        for name in "xy":
            self.sluice.delete("/pipelines/" + name).expect(204)
        self.pg.drop_slots()
        self.pg.query("DROP PUBLICATION s")

    def test_unreachable(self):
        port = free_port()
        place = "127.0.0.1:%d" % port
        self.start(self.source(database_hostname="127.0.0.1", database_port=port))
        self.says("warning", place, "Connection refused", "check host name and port", "trying again")
        generated = {"plugin": "datagen", "config": {"count": 3}}
        for plugin, config, where in (
                ("redis", {"redis.host": "127.0.0.1", "redis.port": port, "redis.type": "HASH"}, place),
                ("clickhouse", {"hostname": "127.0.0.1", "port": port}, place),
                ("postgres", {"hostname": "127.0.0.1", "port": port, "user": "u", "dbname": "d"}, "port %d" % port),
                ("kafka", {"bootstrap.servers": place}, place),
                ("s3", {"s3.bucket.name": "b", "store.url": "http://" + place, "flush.size": 1, "aws.access.key.id": "a",
                        "aws.secret.access.key": "b"}, "port %d" % port)):
            with self.subTest(plugin):
                self.start(generated, {"plugin": plugin, "config": config}, name=plugin)
                self.says("warning", where, name=plugin)
                self.assertEqual("STARTING", self.sluice.get("/pipelines/%s/status" % plugin).json()["state"])
        shown = subprocess.run([self.sluice.binary, "status", "--url", self.sluice.url], stdout=subprocess.PIPE, text=True).stdout
        self.assertIn(place, shown)

    def test_who_listens_does_not_answer(self):
        """No Redis, and no PostgreSQL: when the time is up it is said where, and what to look at."""
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            port = silent.getsockname()[1]
            self.start(self.source(database_hostname="127.0.0.1", database_port=port, connection_validation_timeout_ms=1000))
            self.start({"plugin": "datagen", "config": {"count": 1}}, {"plugin": "redis", "config": {
                "redis.host": "127.0.0.1", "redis.port": port, "redis.timeout": 1, "redis.type": "HASH"}}, name="y")
            self.says("warning", "no connection to 127.0.0.1 port %d within 1000 ms" % port, "check host name and port", "trying again")
            self.says("warning", "127.0.0.1:%d: no connection within 1 s (redis.timeout)" % port, "Is it Redis that listens there",
                      "trying again", name="y")

    def test_unreachable_sink_leaves_no_slot(self):
        self.start(self.source(), {"plugin": "redis", "config": {"redis.port": free_port(), "redis.type": "HASH"}})
        self.says("warning", "trying again")
        self.sluice.delete("/pipelines/x").expect(204)
        self.nothing_left()

    def test_missing_target_table(self):
        with ClickHouse() as clickhouse:
            for name, config in (("postgres", {"hostname": self.pg.host, "port": self.pg.port, "user": "postgres", "dbname": "postgres",
                                               "table.name.format": "public.absent"}),
                                 ("clickhouse", {"hostname": clickhouse.host, "port": clickhouse.port, "table": "absent"})):
                self.start({"plugin": "datagen", "config": {"count": 3}}, {"plugin": name, "config": config}, name=name)
                self.says("trace", "absent", "does not exist", name=name)


class Disks(Case):
    def test_full_target(self):
        with small_disk("1m") as disk, Sluice() as sluice:
            out = disk / "out.jsonl"
            sluice.post("/pipelines", {"name": "x", "source": {"plugin": "datagen", "config": {"count": 5000}},
                                       "sinks": [{"plugin": "file", "config": {"file": str(out)}}]}).expect(201)

            def warned():
                task = (sluice.get("/pipelines/x/status").json()["tasks"] or [{}])[0]
                return "cannot write to %s: No space left on device" % out in task.get("warning", "")
            self.eventually(warned)
            remount(disk, "size=20m")
            self.eventually(lambda: sluice.get("/pipelines/x/status").json()["state"] == "FINISHED", 20)
            self.assertEqual(list(range(5000)), sorted(json.loads(line)["id"] for line in out.read_text().splitlines()))

    def run_in(self, folder):
        done = subprocess.run([os.environ["SLUICE_BIN"], "run", "--data", folder, "--listen", "127.0.0.1:0"], capture_output=True,
                              text=True, timeout=20)
        self.assertEqual(1, done.returncode, done.stderr)
        return done.stderr

    def test_data_directory_on_a_full_disk(self):
        with small_disk("1m") as disk:
            fill(disk)
            self.assertRegex(self.run_in(disk / "data"), r"data directory .*/data: .*(full|No space).*free some space")

    def test_data_directory_on_a_read_only_disk(self):
        with small_disk("1m") as disk:
            remount(disk, "ro")
            self.assertRegex(self.run_in(disk / "data"), r"data directory .*/data: cannot write to it: Read-only.*--data")

    def test_disk_gets_full(self):
        """The host goes on answering, says what is wrong, and recovers."""
        with small_disk("30m") as disk, Sluice(directory=disk) as sluice:
            sluice.post("/pipelines", {"name": "x", "source": {"plugin": "datagen", "config": {"rate": 100}}, "commit.interval": "50ms",
                                       "sinks": [{"plugin": "null"}]}).expect(201)
            sluice.wait_state("x")
            fill(disk)
            answer = self.eventually(lambda: (a := sluice.get("/health/ready")).status == 503 and a, 20)
            self.assertRegex(answer.json()["store"], "full|No space")
            self.assertIn("positions cannot be stored, so tasks wait", sluice.log())
            shown = subprocess.run([sluice.binary, "status", "--url", sluice.url], stdout=subprocess.PIPE, text=True).stdout
            self.assertRegex(shown, r"store: .*(full|No space)")
            (disk / "filler").unlink()
            self.eventually(lambda: sluice.get("/health/ready").status == 200, 20)
            self.eventually(lambda: sluice.post("/pipelines", {"name": "y", "source": {"plugin": "datagen", "config": {"count": 1}},
                                                               "sinks": [{"plugin": "null"}]}).status in (201, 409))
            sluice.wait_state("x")


class Spills(Case):
    """A branch whose target hangs has no more room on disk: said once, with the place; nothing is lost."""

    def behind(self, folder, max_bytes, in_the_way, *parts):
        redis = self.enterContext(Redis())
        sluice = self.enterContext(Sluice(directory=folder))
        sluice.post("/pipelines", {"name": "x", "source": {"plugin": "datagen", "config": {"rate": 5000}}, "sinks": [{
            "plugin": "redis", "config": {"redis.host": redis.host, "redis.port": redis.port, "redis.type": "STREAM", "redis.key": "s"},
            "queue.bytes": "64k", "spill": {"max.bytes": max_bytes}}]}).expect(201)
        self.eventually(lambda: redis.command("XLEN", "s") > 0, 20)
        os.kill(redis.pid, signal.SIGSTOP)
        try:
            in_the_way()
            self.eventually(lambda: "branch redis is behind" in sluice.log(), 20)
        finally:
            os.kill(redis.pid, signal.SIGCONT)
        return redis, sluice

    def goes_on(self, redis, sluice, *parts):
        line, = [line for line in sluice.log().splitlines() if "branch redis is behind" in line]
        for part in (*parts, "the source waits", "spill.max.bytes"):
            self.assertIn(part, line)
        had = redis.command("XLEN", "s")
        self.eventually(lambda: redis.command("XLEN", "s") > had, 20)
        self.assertEqual(0, sluice.terminate())
        with redis.client() as client:
            ids = [int(fields[fields.index(b"id") + 1]) for _, fields in client.command("XRANGE", "s", "-", "+")]
        self.assertEqual(list(range(len(ids))), ids)

    def test_full_spill(self):
        with scratch_dir("spill-") as folder:
            self.goes_on(*self.behind(folder, "1m", lambda: None), "its spill has all of its 1048576 bytes")

    def test_spill_on_a_full_disk(self):
        with small_disk("30m") as disk:
            redis, sluice = self.behind(disk, "1g", lambda: fill(disk))
            (disk / "filler").unlink()
            self.goes_on(redis, sluice, "the disk of its spill %s/" % disk, "No space left on device")


class Secrets(Case):
    def test_never_in_logs_or_rest(self):
        """Servers that refuse the password, and servers that are not there, at the most talkative log level."""
        port = free_port()
        sinks = {
            "redis": {"redis.uri": "redis://user:%s@127.0.0.1:%d" % (SECRET, port), "redis.type": "HASH"},
            "clickhouse": {"hostname": "127.0.0.1", "port": port, "password": SECRET},
            "postgres": {"hostname": "127.0.0.1", "port": port, "user": "u", "dbname": "d", "password": SECRET},
            "kafka": {"bootstrap.servers": "127.0.0.1:%d" % port, "producer.override.security.protocol": "SASL_PLAINTEXT",
                      "producer.override.sasl.mechanism": "PLAIN", "producer.override.sasl.jaas.config":
                      'org.apache.kafka.common.security.plain.PlainLoginModule required username="u" password="%s";' % SECRET},
            "s3": {"s3.bucket.name": "b", "store.url": "http://127.0.0.1:%d" % port, "flush.size": 1, "aws.access.key.id": "a",
                   "aws.secret.access.key": SECRET}}
        redis = self.enterContext(Redis(env={"REDIS_PASSWORD": "another"}))
        sinks["refused"] = {"redis.host": redis.host, "redis.port": redis.port, "redis.password": SECRET, "redis.type": "HASH"}
        with Sluice("--log-level", "trace", env={"THE_SECRET": SECRET}) as sluice:
            said = ""
            for name, config in sinks.items():
                answer = sluice.post("/pipelines", {
                    "name": name, "source": {"plugin": "datagen", "config": {"count": 1}},
                    "sinks": [{"plugin": "redis" if name == "refused" else name, "config": config}]})
                answer.expect(201)
                said += answer.text
            sluice.post("/connectors", {"name": "connector", "config": {
                "connector.class": "io.debezium.connector.postgresql.PostgresConnector", "database.hostname": "127.0.0.1",
                "database.port": str(port), "database.user": "u", "database.password": "${env:THE_SECRET}", "database.dbname": "d",
                "topic.prefix": "p", "bootstrap.servers": "127.0.0.1:%d" % port}})
            time.sleep(3)
            for path in ("/pipelines", "/status", "/metrics", "/connectors?expand=info&expand=status",
                         *("/pipelines/%s%s" % (n, p) for n in sinks for p in ("", "/status", "/ledger"))):
                said += sluice.get(path).text
            said += sluice.log()
            for pid in [sluice.pid, *sluice.children()]:
                with contextlib.suppress(OSError):
                    said += pathlib.Path("/proc/%d/cmdline" % pid).read_bytes().decode(errors="replace")
            at = said.find(SECRET)
            self.assertLess(at, 0, said[max(at - 300, 0):at + 50])

    def test_after_a_restart(self):
        """What is secret, and the type, are known of what is stopped, and of what cannot be resolved any more."""
        uri = "redis://user:p/%s@127.0.0.1:%d" % (SECRET, free_port())  # no URL by its look: only the plugin says that it is secret
        worker = self.enterContext(scratch_dir("worker-")) / "worker.properties"
        worker.write_text("bootstrap.servers=127.0.0.1:%d\n" % free_port())
        with Sluice("--worker", str(worker), env={"THE_TOPIC": "t"}) as sluice:
            for name in ("stopped", "broken"):
                sluice.post("/pipelines", {
                    "name": name, "source": {"plugin": "datagen", "config": {"topic": "${env:THE_TOPIC}"}},
                    "sinks": [{"plugin": "null"}, {"plugin": "redis", "config": {"redis.uri": uri, "redis.type": "HASH"}}]}).expect(201)
            sluice.post("/connectors", {"name": "connector", "config": {
                "connector.class": "com.redis.kafka.connect.RedisSinkConnector", "redis.uri": uri, "topics": "${env:THE_TOPIC}"}}).expect(201)
            sluice.put("/pipelines/stopped/stop")
            sluice.terminate()
            del sluice.env["THE_TOPIC"]
            sluice.start()
            self.eventually(lambda: sluice.get("/pipelines/broken/status").json()["state"] == "FAILED")
            self.assertEqual("sink", sluice.get("/connectors/connector").json()["type"])
            self.assertEqual("pipeline", sluice.get("/pipelines/stopped/status").json()["type"])
            for path in ("/pipelines/stopped", "/pipelines/broken", "/connectors/connector", "/connectors/connector/config",
                         "/pipelines", "/status", "/connectors?expand=info&expand=status"):
                answer = sluice.get(path)
                self.assertNotIn(SECRET, answer.text, path)
            self.assertIn("[hidden]", sluice.get("/pipelines/broken").text)
            self.assertIn("${env:THE_TOPIC}", sluice.get("/pipelines/broken").text)
            self.assertNotIn(SECRET, sluice.log())

    def test_in_the_wrong_option(self):
        """A fault quotes the reference, not what it stands for."""
        with Sluice(env={"THE_SECRET": SECRET, "SHORT": "65"}) as sluice:
            answer = sluice.post("/pipelines", {"name": "x", "source": {"plugin": "datagen", "config": {"rate": "${env:THE_SECRET}"}},
                                                "sinks": [{"plugin": "redis", "config": {"redis.type": "${env:SHORT}"}}]})
            self.assertEqual(400, answer.status)
            self.assertNotIn(SECRET, answer.text)
            self.assertIn('\\"${env:THE_SECRET}\\" is wrong: not a whole number', answer.text)
            self.assertIn('\\"${env:SHORT}\\" is wrong', answer.text)
            answer = sluice.post("/connectors", {"name": "c", "config": {
                "connector.class": "com.redis.kafka.connect.RedisSinkConnector", "topics": "t", "redis.port": "${env:THE_SECRET}"}})
            self.assertEqual(400, answer.status)
            self.assertNotIn(SECRET, answer.text + sluice.log())


if __name__ == "__main__":
    unittest.main()
