"""SIGKILL to tasks and supervisor while changes go on; then nothing is missing, and what must be there once is there once.
Used by tests/chaos/test_main_job.py (30 kills during 60,000 changes) and tests/e2e/test_main_kills.py (a few)."""

import collections
import contextlib
import os
import random
import time

import load
import mainjob
import model

COMMIT_S = 0.5
# From handing over to durable, on a busy machine; S3 rotates each second.
DELIVERY_S = collections.defaultdict(lambda: 2, s3=3)


def run(changes, rate, kills, seed=None, s3=False):
    seed = seed if seed is not None else int(os.environ.get("SLUICE_CHAOS_SEED", time.time_ns() % 10**9))
    rng, m, log = random.Random(seed), model.Model(seed), []
    print("seed %d" % seed, flush=True)
    with contextlib.ExitStack() as stack:
        job = mainjob.Job(stack, s3)
        job.source.execute(m.insert_all_content() + m.copy(1000))
        sluice = job.run(**{"commit.interval": "%dms" % (COMMIT_S * 1000)})
        m.streaming = True
        job.arrive(m)  # rows of a snapshot may repeat; what is streamed must not
        begin = time.monotonic()
        with load.Load(job, m, rate, changes) as changing:
            pause = changes / rate / (kills + 1)
            while len(log) < kills:
                time.sleep(rng.uniform(0.3 * pause, 1.7 * pause))
                killed = load.kill_something(sluice, rng)
                log += [killed] if killed else []
            changing.finish()
        took = time.monotonic() - begin
        last = job.arrive(m, seconds=120)
        job.check(m)
        report(job, m, log, took, changing, last, rate)
        status = sluice.terminate(60)
        assert status == 0, "exit status %s\n%s" % (status, sluice.log_tail())


def counted(sluice):
    """{branch: records that sluice says it gave to the sink again}. A task tells once a second."""
    time.sleep(2.5)
    branches = sluice.get("/pipelines/main/status").json()["tasks"][0]["branches"]
    nodes = {node["name"]: node["replayed"] for node in sluice.get("/pipelines/main/ledger").json()["tasks"][0]["nodes"]}
    found = {branch["name"]: branch["repeated"] for branch in branches}
    assert found == {name: nodes[name] for name in found}, (found, nodes)
    return found


def report(job, m, log, took, changing, last, rate):
    """Prints the figures; fails when more was sent twice than a commit interval (and what came while one was down) holds,
    and when sluice counted less than there is."""
    repeats, again = job.repeats["file"], counted(job.sluice)
    print("%d changes in %.1f s (%d tombstones), %d kills of tasks, %d of the supervisor, %.1f s in all" % (
        m.total(), changing.seconds, m.deleted, log.count("task"), log.count("supervisor"), took))
    print("sent twice to the file: %d, %.0f a kill" % (repeats, repeats / len(log)))
    print("given to a sink again, by sluice's count: " + ", ".join("%s %d" % item for item in again.items()))
    print("last change after the end: " + ", ".join("%s %.2f s" % item for item in last.items()), flush=True)
    assert repeats <= again["file"], "sent twice to the file: %d, counted by sluice: %d" % (repeats, again["file"])
    for name, count in again.items():
        bound = len(log) * rate * (COMMIT_S + DELIVERY_S[name]) + 2000
        assert count < bound, "%s: sent twice: %d, more than %d" % (name, count, bound)
