# builds: all
# timeout: 300
"""The main job on real servers: every field in every target, over updates, deletes, transactions that cross each other,
restarts and kills, compared with a model (tests/chaos/model.py)."""

import contextlib
import os
import pathlib
import signal
import sys
import unittest

from sluicetest import Case

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "chaos"))
import mainjob  # noqa: E402
import model  # noqa: E402


class MainJob(Case):
    time_limit = 280

    def setUp(self):
        self.job = mainjob.Job(self.enterContext(contextlib.ExitStack()), s3=True)
        self.model = model.Model()

    def run_sql(self, *statements):
        self.job.source.execute("".join(statements))

    def settled(self, what):
        with self.subTest(what):
            took = self.job.arrive(self.model)
            self.job.check(self.model)
        print("%s: %d changes, last after %s" % (what, self.model.total(), ", ".join(
            "%s %.2f s" % item for item in took.items())), flush=True)

    def mixed(self, count):
        statements = []
        while count > 0:
            text, n = self.model.step(count)
            statements.append(text)
            count -= n
        return "".join(statements)

    def test_main_job(self):
        m = self.model
        self.run_sql(m.insert_all_content(), m.insert(100), m.copy(100))
        sluice = self.job.run()
        m.streaming = True
        self.settled("snapshot")
        self.figures_of_the_issue()
        self.run_sql(self.mixed(1500))
        self.settled("streaming")
        self.one_transaction()
        self.settled("one transaction")
        self.crossing_transactions()
        self.settled("transactions that cross each other")

        self.assertEqual(0, sluice.terminate(60))
        self.run_sql(self.mixed(500))
        sluice.start()
        self.settled("SIGTERM, changes meanwhile")

        self.run_sql(self.mixed(300))
        sluice.kill9()
        self.run_sql(self.mixed(300))
        sluice.start()
        self.settled("SIGKILL of the supervisor")

        self.run_sql(self.mixed(300))
        os.kill(sluice.get("/pipelines/main/status").json()["tasks"][0]["pid"], signal.SIGKILL)
        self.run_sql(self.mixed(300))
        self.settled("SIGKILL of the task")

        self.older_position(sluice)
        self.settled("one branch from an older position")
        self.at_most_once()

    def figures_of_the_issue(self):
        """60000 ms of 180 s are 33.33 percent, 2010 ms of 200 s are 1.01; null where there is nothing to divide by."""
        m, key = self.model, self.model.content_id(7)
        for length, duration, percent in ((180, 60000, 33.33), (200, 2010, 1.01), (0, 60000, None), (-1, 60000, None),
                                          (None, 60000, None), (180, None, None)):
            event = m.next_id
            self.run_sql(m.update_content(key, ("video", length)), m.insert(content_id=key, duration_ms=duration))
            self.job.arrive(m, ["redis"])
            row = mainjob.parse(self.job.redis.command("GET", "event:%d" % event))
            seconds = None if duration is None else duration / 1000
            self.assertEqual((seconds, percent), tuple(
                None if row[f] is None else float(row[f]) for f in ("engagement_seconds", "engagement_pct")))

    def one_transaction(self):
        """A row that changes three times beside its content; a content that goes and comes back; a COPY."""
        m, key = self.model, self.model.content_id(3)
        event = m.next_id
        self.run_sql("BEGIN;", m.insert(content_id=key), m.update_content(key, ("podcast", 10)), m.update(event, content_id=key),
                     m.delete_content(key), m.update(event, content_id=key), m.update_content(key, ("newsletter", 20)),
                     m.update(event, content_id=key), m.copy(50), m.delete(event), m.insert(id=event, content_id=key), "COMMIT;")

    def crossing_transactions(self):
        """What commits first counts first, whatever was written first."""
        m, key = self.model, self.model.content_id(5)
        with self.job.source.session() as first, self.job.source.session() as second:
            first.query("BEGIN")
            # The model takes statements in the order of their commits.
            late = m.next_id
            placeholder = m.new_row(content_id=key, duration_ms=30000)
            first.query("INSERT INTO engagement_events (%s) VALUES (%s)" % (
                model.COLUMNS, ",".join(model.literal(placeholder[f]) for f in model.FIELDS[:8])))
            second.query("BEGIN;" + m.update_content(key, ("video", 300)) + m.insert(content_id=key) + "COMMIT")
            first.query("COMMIT")
            m.change(placeholder)
        self.assertEqual(300, m.rows[late]["length_seconds"])

    def older_position(self, sluice):
        """Redis hangs while the others go on and content changes; then all is killed: its branches begin again from far
        before what the lookup table has seen."""
        m, key = self.model, self.model.content_id(9)
        others = [n for n in self.job.names() if n not in ("redis", "stream")]
        os.kill(self.job.redis.pid, signal.SIGSTOP)
        try:
            for length in (10, 20, 30, 40):
                self.run_sql(m.update_content(key, ("video", length)), m.insert(20, content_id=key, duration_ms=5000))
                self.job.arrive(m, others)
            sluice.kill9()
            self.run_sql(m.update_content(key, ("podcast", 50)), m.insert(20, content_id=key, duration_ms=5000))
        finally:
            os.kill(self.job.redis.pid, signal.SIGCONT)
        sluice.start()

    def at_most_once(self):
        """Not by effect alone: Kafka and the stream hold no change twice, not even in what was taken back."""
        numbers = [row["raw_payload"]["v"] for _, row in self.job.seen_kafka().changes if row is not None]
        self.assertEqual(len(numbers), len(set(numbers)))
        print("sent twice to the file: %d" % self.job.repeats["file"])


if __name__ == "__main__":
    unittest.main()
