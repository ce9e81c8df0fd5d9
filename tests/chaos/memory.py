"""Memory of a task of the main job: while a server hangs, and while one transaction brings far more than it may hold."""

import contextlib
import os
import signal
import threading
import time

import mainjob
import model
from sluicetest.host import rss_anon

ROWS = 5000  # at once, each second
BIG_SQL = """INSERT INTO engagement_events SELECT 1000000+i, NULL, gen_random_uuid(), 'play', now(), i %% 100000, repeat('x', 200),
  jsonb_build_object('v', 1000000+i) FROM generate_series(1, %d) i"""


class Sampler(threading.Thread):
    """The largest RssAnon of the tasks, every 20 ms."""

    def __init__(self, sluice):
        super().__init__(daemon=True)
        self.sluice, self.peak, self.samples, self.stopped = sluice, 0, 0, False

    def run(self):
        while not self.stopped:
            for pid in self.sluice.children("__task"):
                try:
                    self.peak = max(self.peak, rss_anon(pid))
                    self.samples += 1
                except (OSError, AttributeError):  # it ends
                    pass
            time.sleep(0.02)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exc):
        self.stopped = True
        self.join()


@contextlib.contextmanager
def running(budget, spill):
    m = model.Model(1)
    with contextlib.ExitStack() as stack:
        job = mainjob.Job(stack)
        job.source.execute(m.insert_all_content() + m.insert(10))
        if not spill:  # with memory alone the source has to wait
            job.spill = None
        job.run(**{"memory.limit": str(budget)})
        m.streaming = True
        job.arrive(m)
        pids = job.sluice.children("__task")
        yield job, m
        assert job.sluice.children("__task") == pids, "the task was restarted"


def report(what, job, sampler, budget, baseline):
    print("%-28s peak RssAnon %.1f MB of %d MB declared (%.1f MB before), %d samples" % (
        what, sampler.peak / 2**20, budget / 2**20, baseline / 2**20, sampler.samples), flush=True)
    assert sampler.peak < 2 * budget, "%s: %d bytes" % (what, sampler.peak)


def hung_server(budget, seconds, spill):
    with running(budget, spill) as (job, m):
        baseline = rss_anon(job.sluice.children("__task")[0])
        os.kill(job.redis.pid, signal.SIGSTOP)
        try:
            with Sampler(job.sluice) as sampler:
                end, at = time.monotonic() + seconds, 0
                while time.monotonic() < end:
                    job.source.query(BIG_SQL.replace("1000000+i", "%d+i" % (1000000 + at)) % ROWS)
                    at += ROWS
                    time.sleep(1)
        finally:
            os.kill(job.redis.pid, signal.SIGCONT)
        report("redis hung, %s" % ("spilling" if spill else "no spill"), job, sampler, budget, baseline)
        print("  %d rows came meanwhile" % at)
        wait_for_rows(job, at + 11)


def big_transaction(budget, rows):
    with running(budget, True) as (job, m):
        baseline = rss_anon(job.sluice.children("__task")[0])
        with Sampler(job.sluice) as sampler:
            began = time.monotonic()
            job.source.query(BIG_SQL % rows, timeout=300)
            wait_for_rows(job, rows + 11)
            took = time.monotonic() - began
        report("one transaction of %d rows" % rows, job, sampler, budget, baseline)
        print("  in %.1f s" % took)


def wait_for_rows(job, rows, seconds=240):
    """Every target has them: by number, which is enough here."""
    end = time.monotonic() + seconds
    count = {"report": lambda: int(job.target.value("SELECT count(*) FROM report")),
             "journal": lambda: int(job.target.value("SELECT count(*) FROM journal")),
             "stream": lambda: job.redis.command("XLEN", "engagement"),
             "clickhouse": lambda: int(job.clickhouse.value("SELECT count() FROM (SELECT id FROM engagement GROUP BY id)"))}
    have = {}
    while time.monotonic() < end:
        have = {name: ask() for name, ask in count.items()}
        if set(have.values()) == {rows}:
            return
        time.sleep(0.5)
    raise AssertionError("wanted %d rows, have %s" % (rows, have))
