# builds: all
# tier: all
# timeout: 300
"""The PostgreSQL sink while sluice or the server is killed, and beside a second writer."""

import time

from feeding import kill_task, letters
from sinking import PostgresSinkCase
from sluicetest import Sluice


class PostgresSinkKills(PostgresSinkCase):
    SOON = {"retry.delay.max": "1s"}  # a server that starts slowly is not waited for with ever longer pauses

    def source(self, count=60000, rate=15000):
        return {"plugin": "datagen", "config": {"count": count, "rate": rate, "topic": "t", "fields": {"id": "sequence"}}}

    def exactly(self, kill, count=60000, kills=5):
        seen = 0
        for _ in range(kills):
            seen += count // (kills + 1)
            self.eventually(lambda: int(self.pg.value("SELECT count(*) FROM t")) >= seen, 60)
            kill()
        self.eventually(lambda: int(self.pg.value("SELECT count(*) FROM t")) >= count, 60)
        time.sleep(1)
        self.assertEqual([(str(count), str(count), str(count - 1))], self.pg.query("SELECT count(*), count(DISTINCT id), max(id) FROM t"))

    def test_exactly_once_task_killed(self):
        self.pg.execute("CREATE TABLE t (id bigint)")
        self.run_sink(source=self.source(), **{"insert.mode": "insert", "exactly.once": True})
        self.exactly(lambda: kill_task(self.sluice, self.name))
        self.assertEqual("1", self.pg.value("SELECT count(*) FROM sluice_positions"))

    def test_exactly_once_server_killed(self):
        self.pg.execute("CREATE TABLE t (id bigint)")
        self.run_sink(self.SOON, self.source(40000), **{"insert.mode": "insert", "exactly.once": True})

        def kill():
            self.pg.kill9()
            self.pg.start()
        self.exactly(kill, 40000, 2)

    def test_server_restarts(self):
        self.pg.execute("CREATE TABLE t (id bigint PRIMARY KEY)")
        self.run_sink(self.SOON, self.source(40000))
        self.eventually(lambda: int(self.pg.value("SELECT count(*) FROM t")) > 5000)
        self.pg.restart()
        self.eventually(lambda: self.pg.value("SELECT count(*) FROM t") == "40000", 40)

    def test_refused_rows_survive_kills(self):
        self.pg.execute("CREATE TABLE t (id int CHECK (id % 97 <> 0))")
        dead = self.folder / "dead"
        self.run_sink({"tolerance": "all", "dead.letters.file": str(dead), "log": False},
                      source=self.feed.source(**{"batch.size": 100}), **{"insert.mode": "insert", "exactly.once": True})
        for part in range(6):
            self.feed.add(*({"id": i} for i in range(part * 500, part * 500 + 500)))
            time.sleep(0.2)
            kill_task(self.sluice, self.name)
        want = [i for i in range(3000) if i % 97]
        self.eventually(lambda: int(self.pg.value("SELECT count(*) FROM t")) >= len(want), 40)
        time.sleep(0.5)
        self.assertEqual([str(i) for i in want], [r[0] for r in self.pg.query("SELECT id FROM t ORDER BY id")])
        self.assertEqual({i for i in range(3000) if i % 97 == 0}, {d["value"]["id"] for d in letters(dead)})

    def test_second_writer_waits(self):
        self.pg.execute("CREATE TABLE t (id bigint)")
        body = self.run_sink(source=self.source(0, 1000), **{"insert.mode": "insert", "exactly.once": True})
        self.eventually(lambda: int(self.pg.value("SELECT count(*) FROM t")) > 1000)
        with Sluice() as other:
            other.post("/pipelines", body).expect(201)
            self.eventually(lambda: "postgres.in_use" in other.log())
            self.sluice.wait_state(self.name)
            self.sluice.delete("/pipelines/" + self.name)
            other.wait_state(self.name)
            seen = int(self.pg.value("SELECT count(*) FROM t"))
            self.eventually(lambda: int(self.pg.value("SELECT count(*) FROM t")) > seen + 500)
        self.assertEqual([("0",)], self.pg.query("SELECT count(*) - count(DISTINCT id) FROM t"))
        self.assertEqual([("t",)], self.pg.query("SELECT max(id) = count(*) - 1 FROM t"))
