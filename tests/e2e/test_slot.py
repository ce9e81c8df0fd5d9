# builds: all
"""What PostgreSQL hears of a pipeline: its slot moves on only when every target has the changes, and how much it holds back until
then is in the metrics."""

import contextlib
import os
import re
import signal
import time

from sluicetest import Case, Postgres, Redis, Sluice

ROWS, BYTES = 1000, 1000


@contextlib.contextmanager
def hung(server):
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


class Slot(Case):
    time_limit = 90

    def setUp(self):
        self.pg, self.redis = self.enterContext(Postgres()), self.enterContext(Redis())
        self.pg.query("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (0, 'there before')")
        self.sluice = self.enterContext(Sluice())
        self.sluice.post("/pipelines", {
            "name": "p", "commit.interval": "100ms", "transforms": [{"plugin": "unwrap"}],
            "source": {"plugin": "postgres", "config": {
                "database.hostname": self.pg.host, "database.port": self.pg.port, "database.user": "postgres", "database.dbname": "postgres",
                "topic.prefix": "p", "status.update.interval.ms": 200}},
            "sinks": [{"plugin": "null"}, {"plugin": "redis", "config": {
                "redis.host": self.redis.host, "redis.port": self.redis.port, "redis.type": "STREAM", "redis.key": "t"}}]}).expect(201)

    def insert(self, first, count):
        """The end of it in the WAL."""
        self.pg.query("INSERT INTO t SELECT i, repeat('x', %d) FROM generate_series(%d, %d) i" % (BYTES, first, first + count - 1))
        return self.pg.value("SELECT pg_current_wal_lsn()")

    def confirmed(self, lsn):
        return self.pg.value("SELECT confirmed_flush_lsn >= '%s' FROM pg_replication_slots" % lsn) == "t"

    def lag(self):
        text = self.sluice.get("/metrics").expect(200).text
        found = re.search(r'^sluice_postgres_lag_bytes\{[^}]*pipeline="p"[^}]*\} ([\d.e+]+)$', text, re.M)
        return float(found[1]) if found else None

    def test_moves_on_when_all_have_it(self):
        end = self.insert(1, 1)
        self.eventually(lambda: self.redis.command("XLEN", "t") == 2, 30)
        self.eventually(lambda: self.confirmed(end), 20)
        with hung(self.redis):
            end = self.insert(2, ROWS)
            self.eventually(lambda: (self.lag() or 0) > ROWS * BYTES / 2, 20)
            until = time.monotonic() + 3  # many commit intervals and status messages
            while time.monotonic() < until:
                self.assertFalse(self.confirmed(end), "the slot moved on, and a target has nothing")
                time.sleep(0.1)
        self.eventually(lambda: self.redis.command("XLEN", "t") == ROWS + 2, 30)
        self.eventually(lambda: self.confirmed(end), 20)
        self.eventually(lambda: self.lag() < ROWS * BYTES / 10, 20)
