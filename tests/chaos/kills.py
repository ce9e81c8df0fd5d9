"""SIGKILL to tasks and supervisor while changes go on; then nothing is missing, and what must be there once is there once.
Used by tests/chaos/test_main_job.py (30 kills during 60,000 changes) and tests/e2e/test_main_kills.py (a few)."""

import contextlib
import os
import random
import time

import load
import mainjob
import model

COMMIT_S = 0.5


def run(changes, rate, kills, seed=None):
    seed = seed if seed is not None else int(os.environ.get("SLUICE_CHAOS_SEED", time.time_ns() % 10**9))
    rng, m, log = random.Random(seed), model.Model(seed), []
    print("seed %d" % seed, flush=True)
    with contextlib.ExitStack() as stack:
        job = mainjob.Job(stack)
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


def report(job, m, log, took, changing, last, rate):
    """Prints the figures; fails when more was sent twice than a commit interval (and what came while one was down) holds."""
    repeats = job.repeats["file"]
    bound = len(log) * rate * (COMMIT_S + 1) + 2000
    print("%d changes in %.1f s (%d tombstones), %d kills of tasks, %d of the supervisor, %.1f s in all" % (
        m.total(), changing.seconds, m.deleted, log.count("task"), log.count("supervisor"), took))
    print("sent twice to the file: %d, %.0f a kill (bound %d)" % (repeats, repeats / len(log), bound))
    print("last change after the end: " + ", ".join("%s %.2f s" % item for item in last.items()), flush=True)
    assert repeats < bound, "sent twice: %d, more than %d" % (repeats, bound)
