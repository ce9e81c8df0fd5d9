# builds: all
"""The postgres source against a real server: hand-over, resume, broken connections, wrong set-ups.

The source runs in tests/harness/source_harness, which keeps the position as the runtime would (stored after each batch,
what is not behind it is skipped) and prints each record.
"""

import json
import os
import pathlib
import signal
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from postgres_replay import Source  # noqa: E402
from sluicetest import Case, Postgres, timeout  # noqa: E402

BUILD = os.environ.get("SLUICE_BUILD", str(pathlib.Path(__file__).resolve().parents[2] / "build"))


def ids(lines):
    return [line["key"]["id"] for line in lines if line["value"] is not None]


class WithServer(Case):
    conf = ()
    major = None

    @classmethod
    def setUpClass(cls):
        cls.server = Postgres("wal_sender_timeout = 2s", *cls.conf, major=cls.major)
        cls.server.start()

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def setUp(self):
        self.name = "t" + self.id().rsplit(".", 1)[1].replace("test_", "")[:40]
        self.dir = self.scratch()
        self.server.query("CREATE DATABASE %s" % self.name)
        self.db = self.server.client.database(self.name)
        self.running = []

    def tearDown(self):
        for source in self.running:
            source.stop(signal.SIGKILL)
            source.log.close()
        self.server.drop_slots()
        self.server.query("DROP DATABASE %s WITH (FORCE)" % self.name)

    def config(self, **changes):
        made = {"database.hostname": "127.0.0.1", "database.port": str(self.server.port), "database.user": "postgres",
                "database.password": "not-needed", "database.dbname": self.name, "topic.prefix": "p", "slot.name": "s"}
        made.update({k.replace("__", "."): v for k, v in changes.items()})
        return made

    def source(self, *options, **changes):
        source = Source(BUILD, self.config(**changes), str(self.dir), extra=options)
        self.running.append(source)
        return source

    def streaming(self):
        self.eventually(lambda: self.server.query("SELECT 1 FROM pg_replication_slots WHERE active AND slot_name='s'"))

    def finished(self, source, code=0):
        self.assertEqual(source.wait_end(), code, source.text())
        return source.lines

    def rest(self, count, **changes):
        """A run that goes on from the stored position until it has `count` records."""
        source = self.source(**changes)
        self.assertTrue(source.wait_count(count), "%d of %d records; %s" % (len(source.lines), count, source.text()))
        source.wait_quiet(0.3)
        source.stop()
        return source.lines


class HandOver(WithServer):
    @timeout(60)
    def test_snapshot_and_stream_meet(self):
        """Every row exactly once although sessions write all the time: no gap, no duplicate."""
        self.db.query("CREATE TABLE t (id serial PRIMARY KEY, v int, n int DEFAULT 0);"
                      "INSERT INTO t (v) SELECT i FROM generate_series(1, 20000) i")
        stop, errors = threading.Event(), []

        def write():
            with self.db.session() as s:
                while not stop.is_set():
                    try:
                        s.query("BEGIN; INSERT INTO t (v) VALUES (-1), (-2); UPDATE t SET n = n + 1 WHERE id = 7; COMMIT")
                    except Exception as e:  # noqa: BLE001
                        errors.append(e)
                        return

        writers = [threading.Thread(target=write) for _ in range(2)]
        for w in writers:
            w.start()
        time.sleep(0.2)
        source = self.source("--stall", "400", "--credit", "500000")
        self.streaming()
        source.wait_count(20100)
        stop.set()
        for w in writers:
            w.join()
        self.assertFalse(errors)
        rows = {int(i): int(n) for i, n in self.db.query("SELECT id, n FROM t")}
        self.eventually(lambda: len({line["key"]["id"] for line in source.lines}) >= len(rows))
        source.wait_quiet(0.4)
        source.stop()
        seen, steps = {}, []
        for line in source.lines:
            key, op = line["key"]["id"], line["value"]["op"]
            if key == 7:
                steps.append(line["value"]["after"]["n"])
            elif key in seen:
                self.fail("row %d came twice: %s then %s" % (key, seen[key], op))
            seen[key] = op
        self.assertEqual(set(seen), set(rows))
        self.assertEqual(steps, list(range(steps[0], rows[7] + 1)))
        self.assertIn("c", seen.values())

    @timeout(60)
    def test_snapshot_of_a_slot_that_exists(self):
        self.db.query("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1);"
                      "CREATE PUBLICATION dbz_publication FOR ALL TABLES")
        self.db.query("SELECT pg_create_logical_replication_slot('s','pgoutput')")
        self.db.query("INSERT INTO t VALUES (2)")
        source = self.source()
        self.streaming()
        self.db.query("INSERT INTO t VALUES (3)")
        self.assertTrue(source.wait_count(3), source.text())
        source.wait_quiet(0.3)
        source.stop()
        self.assertEqual(ids(source.lines), [1, 2, 3])
        self.assertEqual([r["value"]["op"] for r in source.lines], ["r", "r", "c"])
        self.assertEqual(self.server.value("SELECT count(*) FROM pg_replication_slots"), "1")


class Resume(WithServer):
    def begin(self):
        self.db.query("CREATE TABLE t (id int PRIMARY KEY, v text)")
        source = self.source()
        self.streaming()
        self.db.query("INSERT INTO t VALUES (0, 'first')")
        self.assertTrue(source.wait_count(1), source.text())
        source.stop()
        self.assertEqual(ids(source.lines), [0])

    @timeout(60)
    def test_inside_a_transaction(self):
        self.begin()
        self.db.query("BEGIN; INSERT INTO t SELECT i, 'x' FROM generate_series(1, 500) i; COMMIT")
        # the harness counts skipped records too, so each run must be allowed to see more
        found = []
        for upto in (100, 250, 400, 500):
            found += ids(self.finished(self.source("--max", str(upto), max__batch__size="7")))
        found += ids(self.rest(0))
        self.assertEqual(found, list(range(1, 501)))

    @timeout(60)
    def test_inside_a_copy_whose_rows_share_an_lsn(self):
        self.begin()
        self.db.query("COPY t FROM PROGRAM 'seq -f \"%g\tx\" 1 500'")
        found, lsns = [], set()
        for upto in (100, 250, 400, 500):
            lines = self.finished(self.source("--max", str(upto), max__batch__size="7"))
            found += ids(lines)
            lsns |= {line["value"]["source"]["lsn"] for line in lines}
        found += ids(self.rest(0))
        self.assertEqual(found, list(range(1, 501)))
        self.assertLess(len(lsns), 20)

    @timeout(60)
    def test_inside_the_snapshot_it_begins_again(self):
        self.db.query("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 300)")
        source = self.source("--stall", "60000", max__batch__size="7")
        source.wait_count(7)
        source.stop()
        self.assertEqual(len(source.lines), 7)
        self.assertEqual(self.server.query("SELECT slot_name FROM pg_replication_slots"), [])
        self.db.query("INSERT INTO t VALUES (301)")
        self.assertEqual(sorted(ids(self.rest(301))), list(range(1, 302)))

    @timeout(60)
    def test_killed_inside_the_snapshot(self):
        self.db.query("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 300)")
        source = self.source("--stall", "60000", max__batch__size="7")
        source.wait_count(7)
        source.stop(signal.SIGKILL)
        self.assertEqual(len(self.server.query("SELECT 1 FROM pg_replication_slots")), 1)
        self.db.query("INSERT INTO t VALUES (301)")
        source = self.source()
        self.assertTrue(source.wait_count(301), source.text())
        self.streaming()
        self.db.query("INSERT INTO t VALUES (302)")
        self.assertTrue(source.wait_count(302), source.text())
        self.assertEqual(ids(source.lines), list(range(1, 303)))
        self.assertEqual(self.server.query("SELECT slot_name FROM pg_replication_slots"), [("s",)])

    @timeout(90)
    def test_killed_at_random(self):
        """kill -9 again and again while rows come in: nothing lost, order kept, at most a batch repeated each time."""
        self.begin()
        stop = threading.Event()
        last = [0]

        def write():
            with self.db.session() as s:
                while not stop.is_set():
                    first = last[0] + 1
                    s.query("INSERT INTO t SELECT i, 'x' FROM generate_series(%d, %d) i" % (first, first + 9))
                    last[0] = first + 9
                    time.sleep(0.005)  # what is behind must be read again within the test's time, also on a busy machine

        writer = threading.Thread(target=write)
        writer.start()
        found = []
        for i in range(8):
            source = self.source(max__batch__size="50")
            time.sleep(0.25 + i * 0.03)
            source.stop(signal.SIGKILL)
            found += ids(source.lines)
            self.eventually(lambda: not self.server.query("SELECT 1 FROM pg_replication_slots WHERE active"))
        stop.set()
        writer.join()
        if found[-1:] != [last[0]]:  # silence would not do as a sign of the end: a busy server is silent, too
            source = self.source()
            self.eventually(lambda: ids(source.lines[-1:]) == [last[0]], 40)
            source.stop()
            found += ids(source.lines)
        self.assertEqual(sorted(set(found)), list(range(1, last[0] + 1)))
        self.assertLessEqual(len(found) - len(set(found)), 8 * 50)
        self.assertGreater(len(found), 100)

    @timeout(60)
    def test_offset_of_debezium_is_taken_over(self):
        self.begin()
        (self.dir / "state").unlink()
        self.db.query("INSERT INTO t VALUES (1, 'x')")
        self.db.query("BEGIN; INSERT INTO t VALUES (2, 'x'); INSERT INTO t VALUES (3, 'x'); INSERT INTO t VALUES (4, 'x'); COMMIT")
        # what Debezium would have stored after row 3, in the middle of the second transaction
        probe = self.source("--keep", snapshot__mode="no_data")
        self.assertTrue(probe.wait_count(4), probe.text())
        probe.stop()
        offset = [line["offset"] for line in probe.lines if line["key"]["id"] == 3][0]
        self.assertEqual(offset["messageType"], "INSERT")
        (self.dir / "state").write_text("\n" + json.dumps(offset) + "\n")
        self.assertEqual(ids(self.rest(1)), [4])


class Connection(WithServer):
    @timeout(60)
    def test_blocked_pipeline_stays_connected(self):
        """No credit for much longer than wal_sender_timeout (2 s): the server keeps hearing from us."""
        self.db.query("CREATE TABLE t (id int PRIMARY KEY, v text)")
        source = self.source("--stall", "6000", max__batch__size="10")
        self.streaming()
        self.db.query("INSERT INTO t SELECT i, repeat('x', 500) FROM generate_series(1, 20000) i")
        self.assertTrue(source.wait_count(20000, 30), "%d; %s" % (len(source.lines), source.text()))
        self.assertIn("credit is back", source.text())
        self.assertIsNone(source.error)
        self.assertEqual(ids(source.lines), list(range(1, 20001)))

    @timeout(60)
    def test_server_restart(self):
        self.db.query("CREATE TABLE t (id int PRIMARY KEY)")
        source = self.source()
        self.streaming()
        self.db.query("INSERT INTO t VALUES (1)")
        self.assertTrue(source.wait_count(1))
        self.server.restart()
        self.finished(source, 10)
        self.assertEqual(source.error["status"], -3)
        self.db.query("INSERT INTO t VALUES (2)")
        self.assertEqual(ids(self.rest(1)), [2])

    @timeout(60)
    def test_idle_tables_do_not_hold_the_slot(self):
        self.db.query("CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE other (id int)")
        source = self.source(table__include__list="public.t", publication__autocreate__mode="filtered")
        self.streaming()
        self.db.query("INSERT INTO t VALUES (1)")
        self.assertTrue(source.wait_count(1))
        self.db.query("INSERT INTO other SELECT generate_series(1, 20000)")
        target = self.server.value("SELECT pg_current_wal_lsn()")
        self.eventually(lambda: self.server.value(
            "SELECT confirmed_flush_lsn >= '%s' FROM pg_replication_slots" % target) == "t", 20)
        source.stop()

    @timeout(60)
    def test_table_metadata_changes_in_the_stream(self):
        self.db.query("CREATE TABLE t (id int PRIMARY KEY, v text)")
        source = self.source()
        self.streaming()
        self.db.query("INSERT INTO t VALUES (1, 'a')")
        self.db.query("ALTER TABLE t ADD w int NOT NULL DEFAULT 5; INSERT INTO t VALUES (2, 'b')")
        self.db.query("CREATE TABLE u (id int PRIMARY KEY); INSERT INTO u VALUES (1)")
        self.assertTrue(source.wait_count(3), source.text())
        source.stop()
        self.assertEqual([r["value"]["after"] for r in source.lines],
                         [{"id": 1, "v": "a"}, {"id": 2, "v": "b", "w": 5}, {"id": 1}])


class WrongSetUps(WithServer):
    def refused(self, code, *words, status=-5, **changes):
        source = self.source(**changes)
        self.finished(source, 10)
        self.assertEqual(source.error["code"], code, source.error)
        for word in words:
            self.assertIn(word, source.error["message"])
        self.assertEqual(source.error["status"], status, source.error)
        self.assertNotIn("not-needed", source.error["message"])
        return source

    def nothing_left(self):
        self.assertEqual(self.server.query("SELECT slot_name FROM pg_replication_slots"), [])
        self.assertEqual(self.db.query("SELECT pubname FROM pg_publication"), [])

    @timeout(60)
    def test_where_to_connect(self):
        self.refused("postgres.connection", "port 1", "127.0.0.1", status=-3,
                     database__port="1")
        self.refused("postgres.connection", "no.such.host.invalid", status=-3, database__hostname="no.such.host.invalid")
        self.refused("postgres.database", "nosuchdb", database__dbname="nosuchdb")
        self.refused("postgres.auth", "nobody_here", database__user="nobody_here")
        self.nothing_left()

    @timeout(60)
    def test_publication(self):
        self.refused("postgres.publication", "dbz_publication", "CREATE PUBLICATION",
                     publication__autocreate__mode="disabled")
        self.refused("postgres.tables", "public.none", publication__autocreate__mode="filtered",
                     table__include__list="public.none")
        self.db.query("CREATE PUBLICATION dbz_publication FOR ALL TABLES; CREATE TABLE t (id int)")
        self.refused("postgres.publication", "FOR ALL TABLES", publication__autocreate__mode="filtered")
        self.db.query("DROP PUBLICATION dbz_publication")
        self.nothing_left()

    @timeout(60)
    def test_slot(self):
        self.db.query("CREATE TABLE t (id int PRIMARY KEY)")
        first = self.source()
        self.streaming()
        self.refused("postgres.in_use", "\"s\"", "slot.name", status=-3)
        first.stop()
        (self.dir / "state").unlink(missing_ok=True)
        self.server.drop_slots()
        self.server.query("SELECT pg_create_physical_replication_slot('s')")
        self.refused("postgres.slot", "physical")
        self.server.drop_slots()
        (self.dir / "state").write_text('\n{"lsn":12345678,"lsn_proc":12345678}\n')
        self.refused("postgres.slot_lost", "when_needed")

    @timeout(60)
    def test_permissions(self):
        self.server.query("DROP ROLE IF EXISTS plain; CREATE ROLE plain LOGIN")
        self.db.query("CREATE TABLE t (id int PRIMARY KEY); GRANT ALL ON t TO plain")
        self.refused("postgres.permission", "dbz_publication", database__user="plain")
        self.db.query("GRANT CREATE ON DATABASE %s TO plain; ALTER TABLE t OWNER TO plain" % self.name)
        self.refused("postgres.permission", "replication", database__user="plain",
                     publication__autocreate__mode="filtered")
        self.nothing_left()
        self.server.query("ALTER ROLE plain REPLICATION")
        self.db.query("ALTER TABLE t OWNER TO postgres; REVOKE ALL ON t FROM plain;"
                      "CREATE PUBLICATION dbz_publication FOR ALL TABLES")
        self.refused("postgres.permission", "GRANT SELECT", "public.t", database__user="plain")
        self.assertEqual(self.server.query("SELECT slot_name FROM pg_replication_slots"), [])
        self.db.query("DROP OWNED BY plain")
        self.server.query("DROP ROLE plain")

    @timeout(60)
    def test_configuration(self):
        for option, value in (("column.mask.with.5.chars", "public.t.v"), ("table.whitelist", "public.t"),
                              ("converters", "isbn"), ("slot.name", "Big-Slot"), ("topic.prefix", "a b"),
                              ("table.include.list", "(public"), ("skipped.operations", "x")):
            source = self.source(**{option.replace(".", "__"): value})
            self.assertEqual(source.wait_end(), 3, option)
            self.assertTrue(source.faults, option)


class WalLevel(WithServer):
    conf = ("wal_level = replica",)

    def tearDown(self):
        self.server.query("DROP DATABASE %s WITH (FORCE)" % self.name)

    @timeout(60)
    def test_wal_level_replica(self):
        source = self.source()
        self.finished(source, 10)
        self.assertEqual((source.error["code"], source.error["status"]), ("postgres.wal_level", -5))
        self.assertIn("ALTER SYSTEM SET wal_level = logical", source.error["message"])
        self.assertEqual(self.db.query("SELECT pubname FROM pg_publication"), [])


class LostSlot(WithServer):
    conf = ("max_slot_wal_keep_size = '1MB'", "min_wal_size = '32MB'", "max_wal_size = '32MB'")
    named = "max_slot_wal_keep_size"

    def given_up(self):
        self.db.query("INSERT INTO other VALUES (1); SELECT pg_switch_wal(); CHECKPOINT")
        return self.db.value("SELECT wal_status FROM pg_replication_slots") == "lost"

    @timeout(90)
    def test_is_told_and_made_again_when_needed(self):
        self.db.query("CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE other (id int)")
        chosen = {"table__include__list": "public.t"}
        source = self.source(**chosen)
        self.streaming()
        self.db.query("INSERT INTO t VALUES (1)")
        self.assertTrue(source.wait_count(1), source.text())
        source.stop()
        self.db.query("INSERT INTO t VALUES (2)")
        self.eventually(self.given_up)
        source = self.source(**chosen)
        self.finished(source, 10)
        self.assertEqual(("postgres.slot_lost", -5), (source.error["code"], source.error["status"]))
        self.assertIn(self.named, source.error["message"])
        self.assertIn("when_needed", source.error["message"])
        source = self.source(snapshot__mode="when_needed", **chosen)
        self.assertTrue(source.wait_count(2), source.text())
        self.streaming()
        self.db.query("INSERT INTO t VALUES (3)")
        self.assertTrue(source.wait_count(3), source.text())
        self.assertEqual([(1, "r"), (2, "r"), (3, "c")],
                         [(line["key"]["id"], line["value"]["op"]) for line in source.lines])
        self.assertEqual(self.db.query("SELECT slot_name FROM pg_replication_slots WHERE wal_status <> 'lost'"), [("s",)])


class Password(Case):
    @timeout(60)
    def test_wrong_password(self):
        with Postgres(env={"PG_PASSWORD": "right"}) as server:
            source = Source(BUILD, {"database.hostname": "127.0.0.1", "database.port": str(server.port),
                                    "database.user": "postgres", "database.password": "wrong-secret",
                                    "database.dbname": "postgres", "topic.prefix": "p"}, str(self.scratch()))
            self.assertEqual(source.wait_end(), 10)
            self.assertEqual(source.error["code"], "postgres.auth")
            self.assertNotIn("wrong-secret", json.dumps(source.error))
            source.stop()
