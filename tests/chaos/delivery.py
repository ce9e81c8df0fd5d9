"""Delivery under SIGKILL, compared with a model. Used by tests/chaos (hundreds of kills) and tests/e2e (a few).

The source gives the numbers 0, 1, 2 ... in PARTITIONS source partitions (n belongs to n % PARTITIONS). Each of five
targets appends the numbers that it gets to a file: fast, slow, buffering (memory given back long before durable),
failing at random, and far behind with a spill. Task or supervisor are killed at random, and failpoints kill or fail
them at the tender places. At the end everything drains, and then for every target:

  nothing is missing, each partition is in order once repeats are taken away,
  all targets end at the same number, and repeats are bounded by what a commit interval can hold.
"""

import os
import pathlib
import random
import signal
import time

from sluicetest.host import Sluice, alive

PARTITIONS = 3
RATE = 5000
COMMIT_S = 0.1
BRANCHES = {
    "fast": {"pace": "1ms"},
    "slow": {"pace": "40ms"},
    "buffer": {"pace": "150ms", "buffer": True, "fail": 4},
    "flaky": {"pace": "2ms", "fail": 4},
    "behind": {"pace": "400ms"},
}
FAILPOINTS = [
    "",
    "send=exit@0.002",
    "reply=exit@0.002",
    "released=exit@0.01",
    "commit=exit@0.1",
    "stored=exit@0.1",
    "committed=exit@0.1",
    "commit=error@0.3;open=error@0.2",
    "send=error@0.05;reply=delay:20@0.02",
    "spill=error@0.2;stored=delay:150@0.2",
]


def sluice(**kwargs):
    """sluice with the test plugins in its path."""
    path = os.environ.get("SLUICE_PLUGIN_PATH", "")
    if "SLUICE_BUILD" in os.environ:
        path += ":" + str(pathlib.Path(os.environ["SLUICE_BUILD"]) / "tests/plugins")
    return Sluice(plugin_path=path, **kwargs)


def descriptor(folder):
    return {
        "name": "chaos",
        "source": {"plugin": "datagen", "config": {"rate": RATE, "partitions": PARTITIONS}},
        "commit.interval": "%dms" % (COMMIT_S * 1000),
        "memory.limit": "256m",
        "sinks": [
            {
                "name": name,
                "plugin": "pace-sink",
                "config": {"file": str(folder / name), **config},
                "errors": {"retry.delay.max": "100ms"},
                "queue.bytes": "1m",
                **({"spill": {"max.bytes": "64m", "when.full": "wait"}} if name == "behind" else {}),
            }
            for name, config in BRANCHES.items()
        ],
    }


def check(path):
    """Numbers delivered, repeats, and the number after the last; AssertionError when some are missing or out of order."""
    following = list(range(PARTITIONS))
    total = repeats = 0
    for line in path.read_text().split():
        n = int(line)
        total += 1
        partition = n % PARTITIONS
        if n < following[partition]:
            repeats += 1
        else:
            assert n == following[partition], "%s: %d where %d belongs (line %d)" % (path.name, n, following[partition], total)
            following[partition] = n + PARTITIONS
    return total, repeats, max(following)


def kill_something(sluice, rng, log):
    if rng.random() < 0.3:
        left = sluice.kill9()
        end = time.monotonic() + 10
        while any(alive(pid) for pid in left):
            assert time.monotonic() < end, "tasks outlive their supervisor: %s" % left
            time.sleep(0.01)
        sluice.env["SLUICE_FAILPOINTS"] = rng.choice(FAILPOINTS)
        log.append("supervisor, then " + sluice.env["SLUICE_FAILPOINTS"])
        sluice.start()
        return
    pids = sluice.children("__task")
    if pids:
        os.kill(rng.choice(pids), signal.SIGKILL)
        log.append("task")


def wait_running(sluice, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if sluice.get("/pipelines/chaos/status").json()["state"] == "RUNNING":
            return
        time.sleep(0.1)
    raise AssertionError("the pipeline does not run: %s" % sluice.get("/pipelines/chaos/status").json())


def drain(sluice, folder):
    """Until all targets end at the same number. A batch that a target loses while the task drains is left to the next
    start, so one drain may not be enough."""
    for _ in range(5):
        sluice.start()
        wait_running(sluice)
        time.sleep(2)
        status = sluice.terminate(60)
        assert status == 0, "exit status %s\n%s" % (status, sluice.log_tail())
        ends = {name: check(folder / name)[2] for name in BRANCHES}
        if max(ends.values()) - min(ends.values()) < PARTITIONS * 2:
            return
    raise AssertionError("not drained to the same number: %s" % ends)


def run(folder, kills, seed=None, pause=(0.3, 1.6)):
    """Kills and compares. Returns {branch: (delivered, repeats)} and the number of kills made."""
    seed = seed if seed is not None else int(os.environ.get("SLUICE_CHAOS_SEED", time.time_ns() % 10**9))
    rng = random.Random(seed)
    log = []
    print("seed %d" % seed, flush=True)
    host = sluice(directory=folder, env={"SLUICE_FAILPOINTS": ""})
    host.start()
    try:
        host.post("/pipelines", descriptor(folder)).expect(201)
        for _ in range(kills):
            time.sleep(rng.uniform(*pause))
            kill_something(host, rng, log)
        host.kill9()
        host.env["SLUICE_FAILPOINTS"] = ""
        drain(host, folder)
    except BaseException:
        print("kills: %s\n%s" % (log[-20:], host.log_tail()), flush=True)
        raise
    finally:
        host.close()
    results = {name: check(folder / name) for name in BRANCHES}
    for name, (total, repeats, _) in results.items():
        print("%-8s %9d delivered, %8d repeated" % (name, total, repeats), flush=True)
    return {name: result[:2] for name, result in results.items()}, len(log)
