#!/usr/bin/env python3
"""make bench: sluice against the physical limits, in one run on one machine.

Streaming (one big transaction, 1,000-row transactions, single-row transactions) and snapshot, each to null, kafka and redis,
as ratios to pg_recvlogical, COPY and librdkafka's own producer with the same payload and codec; CPU microseconds a row, peak
resident memory, and the latency from commit to Redis. Prints a line a figure and writes all of them as JSON.

Environment: ROWS (1000000), BENCH_ROUNDS (3: times that each streaming phase is measured), BENCH_ONLY (regular expression over
phase names), BENCH_TARGETS (null kafka redis),
BENCH_OUT (file for the JSON lines),
BENCH_BIG (rows of the memory run, 10000000; 0 leaves it out), SLUICE_BIN and SLUICE_PLUGIN_PATH (make sets them).

Every rate is rows divided by the time from starting the program to the moment when its last row has arrived: for sluice when
the replication slot is confirmed to the end, which is after the target has everything and the position is stored.
"""

import contextlib
import datetime
import json
import os
import pathlib
import re
import resource
import statistics
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "kit"))

from sluicetest import servers  # noqa: E402
from sluicetest.host import Sluice, children  # noqa: E402

ROWS = int(os.environ.get("ROWS", "1000000"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
BIG = int(os.environ.get("BENCH_BIG", "10000000"))
ONLY = re.compile(os.environ.get("BENCH_ONLY", ""))
HERE = pathlib.Path(__file__).resolve().parent
TARGETS = os.environ.get("BENCH_TARGETS", "null kafka redis").split()
TICKS = os.sysconf("SC_CLK_TCK")
results = []


def emit(**figure):
    results.append(figure)
    print("  ".join("%s=%s" % (k, "%.3g" % v if isinstance(v, float) else v) for k, v in figure.items()), flush=True)
    if os.environ.get("BENCH_OUT"):
        with open(os.environ["BENCH_OUT"], "a") as out:
            out.write(json.dumps(figure) + "\n")


# ---- processes ----

def cpu_and_rss(pid):
    """CPU seconds and resident bytes of a process and those below it."""
    cpu, rss = 0.0, 0
    for p in [pid, *children(pid)]:
        with contextlib.suppress(OSError, IndexError):
            with open("/proc/%d/stat" % p) as f:
                fields = f.read().rpartition(")")[2].split()
            cpu += (int(fields[11]) + int(fields[12])) / TICKS
            rss += int(fields[21]) * resource.getpagesize()
    return cpu, rss


class Watch(threading.Thread):
    """Samples CPU and memory of a process tree every 50 ms."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.cpu, self.peak, self.ended = pid, 0.0, 0, False
        self.start()

    def run(self):
        while not self.ended:
            cpu, rss = cpu_and_rss(self.pid)
            self.cpu, self.peak = max(self.cpu, cpu), max(self.peak, rss)
            time.sleep(0.05)

    def end(self):
        self.ended = True
        self.join()
        return self.cpu, self.peak


# ---- the bench ----

class Bench:
    def __init__(self, stack):
        self.stack = stack
        self.pg = stack.enter_context(servers.Postgres("max_wal_size=8GB", "shared_buffers=256MB"))
        self.kafka = stack.enter_context(servers.Kafka())
        self.redis = stack.enter_context(servers.Redis("save ''", "appendonly no"))
        self.producer = stack.enter_context(servers.scratch_dir("sluice-bench-")) / "rdk_producer"
        subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-o", self.producer, HERE / "rdk_producer.c", "-lrdkafka"], check=True)
        self.pg.query((HERE / "schema.sql").read_text())
        self.pg.query("CREATE PUBLICATION bench FOR TABLE engagement_events")

    # -- workloads --

    def reset(self):
        self.pg.query("TRUNCATE engagement_events; CHECKPOINT")

    def big_tx(self, rows):
        self.pg.query("SELECT bench_rows(1, %d)" % rows, timeout=3600)

    def many_tx(self, rows, each):
        self.pg.query("CALL bench_tx(%d, %d)" % (rows, each), timeout=3600)

    def lsn(self):
        return self.pg.value("SELECT pg_current_wal_insert_lsn()")

    # -- the limits --

    def recvlogical(self, slot, end):
        """(seconds, CPU seconds) of pg_recvlogical reading pgoutput into the void up to an LSN."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        begin = time.monotonic()
        subprocess.run(["pg_recvlogical", "-h", self.pg.host, "-p", str(self.pg.port), "-U", "postgres", "-d", "postgres", "-S", slot,
                        "--start", "-f", "/dev/null", "-E", end, "-o", "proto_version=1", "-o", "publication_names=bench"],
                       check=True, stderr=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return time.monotonic() - begin, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def copy_out(self):
        begin = time.monotonic()
        subprocess.run(["psql", "-X", "-q", "-h", self.pg.host, "-p", str(self.pg.port), "-U", "postgres", "-c",
                        "COPY engagement_events TO STDOUT", "-o", "/dev/null"], check=True)
        return time.monotonic() - begin

    def bare_producer(self, sample, rows):
        """librdkafka alone with payloads of the same kind."""
        topic = "bare-%d" % time.time_ns()
        self.kafka.create_topic(topic, 1)
        done = subprocess.run([self.producer, self.kafka.bootstrap, topic, str(rows), "none"],
                              input="\n".join(sample) + "\n", text=True, stdout=subprocess.PIPE, check=True)
        return json.loads(done.stdout)

    def warm_broker(self):
        """The JVM compiles the broker while it runs: its first millions of records cost it up to three times what later ones
        do. Until two rounds in a row agree, so that no figure depends on what was measured before it."""
        sample = [json.dumps({"payload": "%0600d" % i}) for i in range(1000)]
        rates = []
        while len(rates) < 2 or (len(rates) < 8 and rates[-1] > 1.05 * rates[-2]):
            rates.append(self.bare_producer(sample, ROWS)["rows_s"])
        emit(phase="warm", what="librdkafka until the broker is warm", rounds=len(rates), first_rows_s=float(rates[0]),
             last_rows_s=float(rates[-1]))

    # -- sluice --

    def pipeline(self, target, snapshot):
        sinks = {
            "null": {"plugin": "null"},
            "kafka": {"plugin": "kafka", "config": {"bootstrap.servers": self.kafka.bootstrap, "topic": "bench-" + self.label},
                      "converters": {"key": {"plugin": "json", "config": {"schemas.enable": False}},
                                     "value": {"plugin": "json", "config": {"schemas.enable": False}}}},
            "redis": {"plugin": "redis", "config": {"redis.port": self.redis.port, "redis.type": "JSON", "json.storage": "text",
                                                    "redis.key": "e:${key}"}},
        }
        return {"name": "bench-" + target, "commit.interval": "50ms", "sinks": [sinks[target]], "source": {
            "plugin": "postgres", "config": {
                "database.hostname": self.pg.host, "database.port": self.pg.port, "database.user": "postgres",
                "database.dbname": "postgres", "topic.prefix": "b", "slot.name": "bench_" + target, "publication.name": "bench",
                "publication.autocreate.mode": "disabled", "table.include.list": "public.engagement_events",
                "extended.headers.enabled": False, "snapshot.mode": "initial" if snapshot else "no_data"}}}

    def host(self, target, snapshot=False):
        directory = self.directories[target]
        path = directory / "pipeline.json"
        path.write_text(json.dumps(self.pipeline(target, snapshot)))
        return Sluice(str(path), directory=directory)

    def wait_confirmed(self, target, end, seconds=600):
        limit = time.monotonic() + seconds
        query = "SELECT confirmed_flush_lsn >= '%s' FROM pg_replication_slots WHERE slot_name='bench_%s'" % (end, target)
        with self.pg.session() as session:
            while session.query(query) != [("t",)]:
                if time.monotonic() > limit:
                    raise AssertionError("%s: not at %s within %d s" % (target, end, seconds))
                time.sleep(0.02)

    def create_slots(self, targets):
        """Each pipeline makes its slot and stops, so that the workload is waiting when it is measured."""
        self.directories = {t: self.stack.enter_context(servers.scratch_dir("sluice-bench-")) for t in targets}
        for target in targets:
            with self.host(target):
                self.wait_confirmed(target, "0/1", 30)
                time.sleep(0.3)

    def drop_slots(self):
        self.pg.query("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active")

    def measure(self, target, end):
        """(seconds, CPU seconds, peak bytes) from starting sluice to the confirmed end."""
        host = self.host(target)
        begin = time.monotonic()
        host.start(wait=False)
        watch = Watch(host.pid)
        try:
            self.wait_confirmed(target, end)
            took = time.monotonic() - begin
            return took, *watch.end()
        except AssertionError:
            raise AssertionError(host.log_tail())
        finally:
            host.close()

    # -- phases --

    def streaming(self, label, rows, make):
        if not ONLY.search(label):
            return
        self.prepare(label)
        self.create_slots(TARGETS)
        self.pg.query("SELECT pg_create_logical_replication_slot('bench_limit','pgoutput')")
        self.medians(rows, lambda: self.streaming_round(rows, make))
        self.drop_slots()

    def prepare(self, label):
        """An empty table, and a topic that is there: making one takes about a second, with any client."""
        self.label = label
        self.reset()
        if "kafka" in TARGETS:
            self.kafka.create_topic("bench-" + label, 1)

    def medians(self, rows, one_round):
        """Each figure of each target over the rounds; a round gives {target: its figures}."""
        rounds = [one_round() for _ in range(ROUNDS)]
        self.redis.command("FLUSHALL")
        for target in TARGETS:
            figures = [r[target] for r in rounds]
            emit(phase=self.label, what="sluice -> %s, median of %d" % (target, ROUNDS), rows=rows,
                 **{name: statistics.median(f[name] for f in figures) for name in figures[0]})

    def streaming_round(self, rows, make):
        """The limits and each target on the same rows: {target: its figures}."""
        label, found = self.label, {}
        make()
        end = self.lsn()
        self.big_tx(1)  # its commit lies behind `end`
        wal, wal_cpu = self.recvlogical("bench_limit", end)
        emit(phase=label, what="limit pg_recvlogical", rows=rows, rows_s=rows / wal, cpu_us_row=wal_cpu / rows * 1e6)
        for target in TARGETS:
            took, cpu, peak = self.measure(target, end)
            figure = {"rows_s": rows / took, "of_pg_recvlogical": wal / took, "cpu_us_row": cpu / rows * 1e6, "peak_rss_mb": peak / 1e6}
            if target == "kafka":
                bare = self.bare_producer(self.kafka_sample(), rows)
                emit(phase=label, what="limit librdkafka", rows_s=float(bare["rows_s"]), cpu_us_row=bare["cpu_us_row"])
                figure["of_lower_limit"] = rows / took / min(rows / wal, bare["rows_s"])
                figure["cpu_over_limits_us"] = cpu / rows * 1e6 - wal_cpu / rows * 1e6 - bare["cpu_us_row"]
            emit(phase=label, what="sluice -> " + target, rows=rows, **figure)
            found[target] = figure
        return found

    def kafka_sample(self):
        out = subprocess.run(["kcat", "-b", self.kafka.bootstrap, "-t", "bench-" + self.label, "-C", "-e", "-q", "-c", "1000"],
                             text=True, stdout=subprocess.PIPE, check=True).stdout
        return [line for line in out.splitlines() if line]

    def snapshot(self):
        if not ONLY.search("snapshot"):
            return
        self.prepare("snapshot")
        self.big_tx(ROWS)
        self.pg.query("VACUUM engagement_events")
        self.medians(ROWS, self.snapshot_round)

    def snapshot_round(self):
        found = {}
        copy = self.copy_out()
        emit(phase="snapshot", what="limit COPY", rows=ROWS, rows_s=ROWS / copy)
        for target in TARGETS:
            took, cpu, peak = self.measure_snapshot(target)
            figure = {"rows_s": ROWS / took, "of_copy": copy / took, "cpu_us_row": cpu / ROWS * 1e6, "peak_rss_mb": peak / 1e6}
            if target == "kafka":
                bare = self.bare_producer(self.kafka_sample(), ROWS)
                emit(phase="snapshot", what="limit librdkafka", rows_s=float(bare["rows_s"]), cpu_us_row=bare["cpu_us_row"])
                figure["of_lower_limit"] = ROWS / took / min(ROWS / copy, bare["rows_s"])
            emit(phase="snapshot", what="sluice -> " + target, rows=ROWS, **figure)
            found[target] = figure
        self.redis.command("FLUSHALL")
        self.drop_slots()
        return found

    def measure_snapshot(self, target):
        """(seconds, CPU seconds, peak bytes) of a new pipeline until the target has every row."""
        self.directories = {target: self.stack.enter_context(servers.scratch_dir("sluice-bench-"))}
        before = self.kafka.end_offset("bench-snapshot") if target == "kafka" else 0
        host = self.host(target, snapshot=True)
        begin = time.monotonic()
        host.start(wait=False)
        watch = Watch(host.pid)
        self.wait_snapshot(target, host, before + ROWS)
        took = time.monotonic() - begin
        cpu, peak = watch.end()
        host.close()
        return took, cpu, peak

    def wait_snapshot(self, target, host, offset):
        """Until the target has all rows; null has none to count, so there the log line of the finished table counts."""
        limit = time.monotonic() + 600
        while time.monotonic() < limit:
            if target == "kafka" and self.kafka.end_offset("bench-snapshot") >= offset:
                return
            if target == "redis" and self.redis.command("DBSIZE") >= ROWS:
                return
            if target == "null" and re.search(r"snapshot of public.engagement_events: %d rows" % ROWS, host.log()):
                return
            time.sleep(0.05)
        raise AssertionError(host.log_tail())

    def latency(self, rate):
        """Age of each row when a consumer of the Redis stream has it; every row is its own transaction."""
        if not ONLY.search("latency"):
            return
        self.label = "latency"
        self.reset()
        self.directories = {"redis": self.stack.enter_context(servers.scratch_dir("sluice-bench-"))}
        path = self.directories["redis"] / "pipeline.json"
        pipeline = self.pipeline("redis", False)
        pipeline["sinks"][0]["config"] = {"redis.port": self.redis.port, "redis.type": "STREAM", "redis.key": "latency"}
        pipeline["transforms"] = [{"plugin": "unwrap"}]
        path.write_text(json.dumps(pipeline))
        with Sluice(str(path), directory=self.directories["redis"]) as host:
            self.wait_confirmed("redis", "0/1", 30)
            time.sleep(1)
            watch = Watch(host.pid)
            ages = self.ages(rate, 10)
            cpu, peak = watch.end()
        ages.sort()
        emit(phase="latency", what="commit -> Redis", rate=rate, rows=len(ages), p50_ms=ages[len(ages) // 2],
             p99_ms=ages[int(len(ages) * 0.99)], max_ms=ages[-1], core=cpu / 12, peak_rss_mb=peak / 1e6)
        self.redis.command("FLUSHALL")
        self.drop_slots()

    def ages(self, rate, seconds):
        ages, ended = [], []
        reader = threading.Thread(target=self.read_stream, args=(ages, ended))
        reader.start()
        script = HERE / "one_row.sql"
        subprocess.run(["pgbench", "-n", "-h", self.pg.host, "-p", str(self.pg.port), "-U", "postgres", "-f", str(script), "-R",
                        str(rate), "-T", str(seconds), "-c", "2", "-j", "1", "postgres"], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        time.sleep(1)
        ended.append(True)
        reader.join()
        return ages[rate:] if len(ages) > 2 * rate else ages  # the first second warms up

    def read_stream(self, ages, ended):
        last = "$"
        with self.redis.client() as client:
            while not ended:
                answer = client.command("XREAD", "BLOCK", 200, "COUNT", 1000, "STREAMS", "latency", last)
                now = time.time()
                for entry in answer[0][1] if answer else []:
                    last = entry[0]
                    stamp = dict(zip(entry[1][::2], entry[1][1::2]))[b"event_ts"].decode().replace("Z", "+00:00")
                    ages.append((now - datetime.datetime.fromisoformat(stamp).timestamp()) * 1000)

    def memory(self):
        if not ONLY.search("memory") or BIG == 0:
            return
        self.label = "memory"
        self.reset()
        self.create_slots(["null", "kafka"])
        self.big_tx(BIG)
        end = self.lsn()
        self.big_tx(1)  # its commit lies behind `end`
        for target in ("null", "kafka"):
            took, cpu, peak = self.measure(target, end)
            emit(phase="memory", what="one transaction -> " + target, rows=BIG, rows_s=BIG / took, cpu_us_row=cpu / BIG * 1e6,
                 peak_rss_mb=peak / 1e6)
        self.drop_slots()


def main():
    with contextlib.ExitStack() as stack:
        bench = Bench(stack)
        if "kafka" in TARGETS:
            bench.warm_broker()
        bench.streaming("bigtx", ROWS, lambda: bench.big_tx(ROWS))
        bench.streaming("tx1000", ROWS, lambda: bench.many_tx(ROWS, 1000))
        bench.streaming("single", ROWS // 5, lambda: bench.many_tx(ROWS // 5, 1))
        bench.snapshot()
        bench.latency(100)
        bench.latency(1000)
        bench.memory()


if __name__ == "__main__":
    main()
