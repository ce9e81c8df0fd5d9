#!/usr/bin/env python3
"""make demo: the reference use on private servers, shown on one screen.

PostgreSQL (engagement_events joined with content) -> Redis, ClickHouse, PostgreSQL; Kafka with KAFKA=1; S3 where versitygw
is installed (tests/kit/setup-servers.sh s3). Starts its own servers in scratch directories, inserts events for some seconds,
shows what arrived where, and takes everything away again, also after Ctrl-C.
Environment: DEMO_SECONDS (8), DEMO_RATE (500 events a second), DEMO_BURST (100000 events in one transaction), KAFKA=1,
SLUICE_KEEP=1 keeps the scratch directories.
"""

import concurrent.futures
import contextlib
import datetime
import json
import os
import pathlib
import signal
import sys
import threading
import time
import unittest

from sluicetest import servers
from sluicetest.host import Sluice, rss_anon

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONFIG = ROOT / "configs" / "engagement"
SECONDS = float(os.environ.get("DEMO_SECONDS", "8"))
RATE = int(os.environ.get("DEMO_RATE", "500"))
BURST = int(os.environ.get("DEMO_BURST", "100000"))
CONTENT, FIRST = 1000, 100
PATIENCE = 90  # seconds for all events to arrive
BEGIN = time.monotonic()

CONTENT_SQL = """INSERT INTO content SELECT ('00000000-0000-4000-8000-'||lpad(to_hex(i),12,'0'))::uuid, 'slug-'||i, 'Title '||i,
  (ARRAY['podcast','newsletter','video'])[1+i%%3], CASE WHEN i%%10=0 THEN NULL ELSE 60+i%%3600 END, now()
  FROM generate_series(1,%d) i;""" % CONTENT
EVENT_SQL = """INSERT INTO engagement_events(content_id,user_id,event_type,event_ts,duration_ms,device,raw_payload)
  SELECT ('00000000-0000-4000-8000-'||lpad(to_hex(1+(random()*%d)::int),12,'0'))::uuid, gen_random_uuid(),
  (ARRAY['play','pause','finish','click'])[1+(random()*3)::int], clock_timestamp(), (random()*600000)::int,
  'ios', '{"source":"demo"}' FROM generate_series(1,%%d);""" % (CONTENT - 1)


def say(text):
    mark = "\033[1;32m==\033[0m" if sys.stdout.isatty() else "=="
    print("%s %5.1f s  %s" % (mark, time.monotonic() - BEGIN, text), flush=True)


# ---- servers -----------------------------------------------------------------------------------------------------------------


def start_servers(stack):
    """All at once: they do not wait for each other. S3 is left out where it is not installed."""
    wanted = {"postgres": servers.Postgres(), "redis": servers.Redis(), "clickhouse": servers.ClickHouse(), "s3": servers.S3()}
    if os.environ.get("KAFKA") == "1":
        wanted["kafka"] = servers.Kafka()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        started = {name: pool.submit(stack.enter_context, server) for name, server in wanted.items()}
        concurrent.futures.wait(started.values())  # interrupted here, what is starting is still waited for, and taken away
    for name, result in started.items():
        try:
            result.result()
        except unittest.SkipTest as e:
            if name != "s3":
                raise SystemExit("demo: %s" % e) from None
            del wanted[name]
    return wanted


def pipeline_file(directory, wanted):
    """The shipped pipeline; with Kafka and S3, the shipped overlay's sinks besides."""
    pipeline = json.loads((CONFIG / "pipeline.json").read_text())
    overlay = json.loads((CONFIG / "overlays/kafka-s3.json").read_text())
    pipeline["sinks"] += [sink for sink in overlay["sinks"] if sink["name"] in wanted]
    path = pathlib.Path(directory) / "engagement.json"
    path.write_text(json.dumps(pipeline, indent=2))
    return path


def environment(wanted):
    pg, redis, ch = wanted["postgres"], wanted["redis"], wanted["clickhouse"]
    env = {"PGHOST": pg.host, "PGPORT": str(pg.port), "REDIS_HOST": redis.host, "REDIS_PORT": str(redis.port),
           "CLICKHOUSE_HOST": ch.host, "CLICKHOUSE_PORT": str(ch.port)}
    if "kafka" in wanted:
        env["BOOTSTRAP_SERVERS"] = wanted["kafka"].bootstrap
    if "s3" in wanted:
        info = wanted["s3"].info
        env.update(S3_URL=info["url"], S3_REGION=info["region"], AWS_ACCESS_KEY_ID=info["access_key"],
                   AWS_SECRET_ACCESS_KEY=info["secret_key"])
    return env


def counters(wanted):
    """{target: (where, how to count what it has)}"""
    pg, redis, ch, s3 = wanted["postgres"], wanted["redis"], wanted["clickhouse"], wanted.get("s3")
    lines = {}  # of an object, which never changes

    def count_lines():
        for key in set(s3.keys("sluice")) - set(lines):
            lines[key] = s3.get("sluice", key).count(b"\n")
        return sum(lines.values())

    found = {"redis": ("stream engagement", lambda: redis.command("XLEN", "engagement")),
             "clickhouse": ("table engagement", lambda: int(ch.value("SELECT count() FROM engagement"))),
             "postgres": ("table engagement_report", lambda: int(pg.value("SELECT count(*) FROM engagement_report")))}
    if "kafka" in wanted:
        found["kafka"] = ("topic engagement", lambda: len(wanted["kafka"].consume("engagement")))
    if s3:
        found["s3"] = ("bucket sluice", count_lines)
    return found


# ---- measuring ---------------------------------------------------------------------------------------------------------------


class Arrivals(threading.Thread):
    """Reads the Redis stream as it grows and takes the age of each event: from its INSERT, before the commit, to here."""

    def __init__(self, redis):
        super().__init__(daemon=True)
        self.client, self.ages, self.stopped, self.last_event = redis.client(), [], False, {}

    def run(self):
        with contextlib.suppress(OSError):  # interrupted: Redis is taken away
            self.listen()

    def listen(self):
        last = "$"
        while not self.stopped:
            answer = self.client.command("XREAD", "BLOCK", 200, "COUNT", 1000, "STREAMS", "engagement", last)
            now = time.time()
            for entry in answer[0][1] if answer else []:
                last = entry[0]
                self.take({k.decode(): v.decode() for k, v in zip(entry[1][::2], entry[1][1::2])}, now)
        self.client.close()

    def take(self, event, now):
        inserted = datetime.datetime.fromisoformat(event["event_ts"].replace("Z", "+00:00"))
        self.ages.append((now - inserted.timestamp()) * 1000)
        self.last_event = event

    def percentile(self, p):
        ages = sorted(self.ages)
        return ages[min(len(ages) - 1, int(len(ages) * p))] if ages else float("nan")


class Memory(threading.Thread):
    """The most anonymous memory that host and tasks ever held."""

    def __init__(self, sluice):
        super().__init__(daemon=True)
        self.sluice, self.host, self.task, self.stopped = sluice, 0, 0, threading.Event()

    def run(self):
        while not self.stopped.wait(0.1):
            with contextlib.suppress(OSError, AttributeError):
                self.host = max(self.host, self.sluice.rss_anon())
                for pid in self.sluice.children("__task"):
                    self.task = max(self.task, rss_anon(pid))


def wait_for(count, total):
    """Polls until it has that many; (what it has, when that was)."""
    end = time.monotonic() + PATIENCE
    while True:
        begin, found = time.monotonic(), count()
        if found >= total or begin > end:
            return found, time.monotonic()
        time.sleep(max(0.05, time.monotonic() - begin))


def wait_for_all(targets, total):
    """{target: (what it has, when it had that)}"""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        waits = {name: pool.submit(wait_for, count, total) for name, (_, count) in targets.items()}
    return {name: wait.result() for name, wait in waits.items()}


# ---- the demo ----------------------------------------------------------------------------------------------------------------


def insert_events(pg):
    """Single-row transactions at RATE a second; returns how many and how long it took."""
    begin, sent = time.monotonic(), 0
    with pg.session() as session:
        while time.monotonic() - begin < SECONDS:
            session.query(EVENT_SQL % 1)
            sent += 1
            ahead = sent / RATE - (time.monotonic() - begin)
            if ahead > 0:
                time.sleep(ahead)
    return sent, time.monotonic() - begin


def prepare(stack):
    wanted = start_servers(stack)
    wanted["postgres"].query((CONFIG / "schema.sql").read_text() + CONTENT_SQL + EVENT_SQL % FIRST)
    wanted["clickhouse"].query((CONFIG / "clickhouse.sql").read_text())
    if "s3" in wanted:
        wanted["s3"].create_bucket("sluice")
    return wanted


def show(targets, found, burst_at, total, arrivals, memory):
    print("\n  %-12s %-24s %9s %9s %14s" % ("", "", "inserted", "arrived", "rows/s (burst)"))
    for name, (count, at) in found.items():
        print("  %-12s %-24s %9d %9d %14.0f" % (name, targets[name][0], total, count, BURST / (at - burst_at)))
    print("\n  INSERT, commit -> Redis    p50 %.1f ms, p99 %.1f ms (%d events, ~%d/s)" % (
        arrivals.percentile(0.5), arrivals.percentile(0.99), len(arrivals.ages), len(arrivals.ages) / SECONDS))
    print("  memory at most (RssAnon)   host %.1f MB, task %.1f MB" % (memory.host / 1e6, memory.task / 1e6))
    event = {k: arrivals.last_event.get(k) for k in ("id", "event_type", "duration_ms", "content_type", "length_seconds",
                                                    "engagement_seconds", "engagement_pct")}
    print("  an event as it arrived     " + " ".join("%s=%s" % pair for pair in event.items() if pair[1] is not None) + "\n")


def run(stack):
    say("starting PostgreSQL, Redis, ClickHouse%s on private ports" % (", Kafka" if os.environ.get("KAFKA") == "1" else ""))
    wanted = prepare(stack)
    targets, pg = counters(wanted), wanted["postgres"]
    directory = stack.enter_context(servers.scratch_dir("sluice-demo-"))
    path = pipeline_file(directory, wanted)
    say("sluice run %s: postgres -> join, compute -> %s" % (path.name, ", ".join(targets)))
    sluice = stack.enter_context(Sluice(str(path), directory=directory, env=environment(wanted)))
    memory = Memory(sluice)
    memory.start()
    found = wait_for_all(targets, FIRST)
    if any(count != FIRST for count, _ in found.values()):
        raise SystemExit("the first %d events did not arrive everywhere: %s\n%s" % (FIRST, found, sluice.log_tail()))
    arrivals = Arrivals(wanted["redis"])
    arrivals.start()
    say("snapshot of %d events is everywhere; inserting %d events a second for %g s" % (FIRST, RATE, SECONDS))
    sent, _ = insert_events(pg)
    wait_for_all(targets, FIRST + sent)
    arrivals.stopped = True
    arrivals.join()
    say("a burst: one transaction of %d events" % BURST)
    pg.query(EVENT_SQL % BURST, timeout=120)
    burst_at, total = time.monotonic(), FIRST + sent + BURST
    found = wait_for_all(targets, total)
    memory.stopped.set()
    show(targets, found, burst_at, total, arrivals, memory)
    return all(count == total for count, _ in found.values())


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with contextlib.ExitStack() as stack:
        equal = run(stack)
    say("everything arrived everywhere, once; all is taken away" if equal else "NOT everything arrived everywhere, once")
    return 0 if equal else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("interrupted; all is taken away")
