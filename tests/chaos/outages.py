"""Each server in turn restarted, crashed, killed for a while, hung for a while, while changes go on: nothing is lost, nothing
that must be there once comes twice, and the branches of the other servers get their records meanwhile."""

import contextlib
import os
import signal
import time

import load
import mainjob
import model
from sluicetest.host import children

RATE = 150
BRANCHES = {"s3": {"s3"}, "kafka": {"kafka"}, "redis": {"redis", "stream"}, "clickhouse": {"clickhouse"}, "target": {"report", "journal"}}


@contextlib.contextmanager
def down(server):
    server.kill9()
    yield
    server.start()


@contextlib.contextmanager
def hung(server):
    """All its processes: PostgreSQL's backends, too."""
    pids = [server.pid] + children(server.pid)
    send(pids, signal.SIGSTOP)
    try:
        yield
    finally:
        send(pids, signal.SIGCONT)


def send(pids, number):
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):  # a backend that was about to end
            os.kill(pid, number)


def one(job, m, name, how, seconds):
    """The others have a row that was inserted during the outage before the outage ends."""
    server = job.servers[name]
    others = [n for n in job.names() if n not in BRANCHES[name]]
    before = m.total()
    with load.Load(job, m, RATE) as changing:
        with how(server):
            began = time.monotonic()
            first = changing.arrive(others, seconds=20)
            time.sleep(max(seconds * 0.7 - (time.monotonic() - began), 0))
            meanwhile = changing.arrive(others, seconds=20)
            time.sleep(max(seconds - (time.monotonic() - began), 0))
            lasted = time.monotonic() - began
        ended = time.monotonic()
        caught_up = changing.arrive(seconds=120)
        recovered = time.monotonic() - ended
        changing.stopped = True
        changing.finish()
    job.arrive(m)
    job.check(m)
    print("%-10s %-7s %5.1f s, %5d changes; the others meanwhile within %.2f s and %.2f s; after it all within %.2f s (%.2f s)" % (
        name, how.__name__, lasted, m.total() - before, max(first.values()), max(meanwhile.values()), recovered,
        max(caught_up.values())), flush=True)


def restart(job, m, name, how):
    with load.Load(job, m, RATE) as changing:
        time.sleep(1)
        began = time.monotonic()
        getattr(job.servers[name], how)()
        job.servers[name].start()
        took = time.monotonic() - began
        caught_up = changing.arrive(seconds=120)
        changing.stopped = True
        changing.finish()
    job.arrive(m)
    job.check(m)
    print("%-10s %-7s %5.1f s; after it all within %.2f s (%s)" % (
        name, how, took, max(caught_up.values()), max(caught_up, key=caught_up.get)), flush=True)


def source(job, m, how, seconds):
    """Nobody changes anything while the source is away. how: of Server, or "hung"."""
    with load.Load(job, m, RATE):
        time.sleep(2)
    if how == "hung":
        with hung(job.source):
            time.sleep(seconds)
    else:
        getattr(job.source, how)()
        time.sleep(seconds)
        job.source.start()
    began = time.monotonic()
    first, took = job.arrive(m, seconds=120), time.monotonic() - began
    job.check(m)
    print("source     %-7s %5.1f s; after it all within %.2f s (%s %.2f s, %s %.2f s)" % (
        how, seconds, took, *min(first.items(), key=lambda i: i[1]), *max(first.items(), key=lambda i: i[1])), flush=True)


def run(seconds, s3=False, restarts=("stop", "crash"), hows=(down, hung), sources=("stop", "crash", "kill9", "hung")):
    m = model.Model(int(os.environ.get("SLUICE_CHAOS_SEED", time.time_ns() % 10**9)))
    with contextlib.ExitStack() as stack:
        job = mainjob.Job(stack, s3)
        job.source.execute(m.insert_all_content() + m.copy(100))
        sluice = job.run()
        m.streaming = True
        job.arrive(m)
        pids = sluice.children("__task")
        for name in [n for n in BRANCHES if n in job.servers]:
            for how in restarts:
                restart(job, m, name, how)
            for how in hows:
                one(job, m, name, how, seconds)
        for how in sources:
            source(job, m, how, seconds if how in ("stop", "hung") else 1)
        print("%d changes; sent twice to the file: %d" % (m.total(), job.repeats["file"]))
        assert pids == sluice.children("__task"), "the task was restarted"
        assert sluice.terminate(60) == 0
