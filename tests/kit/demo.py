#!/usr/bin/env python3
"""make demo: the reference use on private servers, shown on one screen.

PostgreSQL (engagement_events joined with content) -> Redis, ClickHouse, PostgreSQL, and Kafka with KAFKA=1. Starts its own
servers in a scratch directory, inserts events for some seconds, shows what arrived where, and cleans up after itself.
Environment: DEMO_SECONDS (8), DEMO_RATE (500 events a second), KAFKA=1, SLUICE_KEEP=1 keeps the scratch directory.
"""

import contextlib
import json
import os
import pathlib
import statistics
import sys
import threading
import time

from sluicetest import servers
from sluicetest.host import Sluice, rss_anon

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONFIG = ROOT / "configs" / "engagement"
SECONDS = float(os.environ.get("DEMO_SECONDS", "8"))
RATE = int(os.environ.get("DEMO_RATE", "500"))
CONTENT = 1000

CONTENT_SQL = """INSERT INTO content SELECT ('00000000-0000-4000-8000-'||lpad(to_hex(i),12,'0'))::uuid, 'slug-'||i, 'Title '||i,
  (ARRAY['podcast','newsletter','video'])[1+i%%3], CASE WHEN i%%10=0 THEN NULL ELSE 60+i%%3600 END, now()
  FROM generate_series(1,%d) i;""" % CONTENT
EVENT_SQL = """INSERT INTO engagement_events(content_id,user_id,event_type,event_ts,duration_ms,device,raw_payload)
  SELECT ('00000000-0000-4000-8000-'||lpad(to_hex(1+(random()*%d)::int),12,'0'))::uuid, gen_random_uuid(),
  (ARRAY['play','pause','finish','click'])[1+(random()*3)::int], clock_timestamp(), (random()*600000)::int,
  'ios', '{"source":"demo"}' FROM generate_series(1,%%d);""" % (CONTENT - 1)


def say(text):
    print("\033[1m==\033[0m " + text if sys.stdout.isatty() else "== " + text, flush=True)


class Arrivals(threading.Thread):
    """Reads the Redis stream as it grows and takes the age of each event: from just before its commit to here."""

    def __init__(self, redis):
        super().__init__(daemon=True)
        self.client, self.ages, self.stopped = redis.client(), [], False

    def run(self):
        last = "$"
        while not self.stopped:
            answer = self.client.command("XREAD", "BLOCK", 200, "COUNT", 1000, "STREAMS", "engagement", last)
            now = time.time()
            for entry in answer[0][1] if answer else []:
                last = entry[0]
                self.take(dict(zip(entry[1][::2], entry[1][1::2])), now)
        self.client.close()

    def take(self, fields, now):
        stamp = fields[b"event_ts"].decode().replace("Z", "+00:00")
        from datetime import datetime
        self.ages.append((now - datetime.fromisoformat(stamp).timestamp()) * 1000)


def start_servers(stack):
    """All at once: they do not wait for each other."""
    wanted = {"postgres": servers.Postgres(), "redis": servers.Redis(), "clickhouse": servers.ClickHouse()}
    if os.environ.get("KAFKA") == "1":
        wanted["kafka"] = servers.Kafka()
    threads = [threading.Thread(target=stack.enter_context, args=(s,)) for s in wanted.values()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return wanted


def pipeline_file(directory, wanted):
    """The shipped pipeline; with Kafka, one more sink."""
    pipeline = json.loads((CONFIG / "pipeline.json").read_text())
    if "kafka" in wanted:
        pipeline["sinks"].append({"name": "kafka", "plugin": "kafka", "config": {
            "bootstrap.servers": wanted["kafka"].bootstrap, "topic": "engagement", "exactly.once": True}})
    path = pathlib.Path(directory) / "engagement.json"
    path.write_text(json.dumps(pipeline, indent=2))
    return path


def environment(wanted):
    pg, redis, ch = wanted["postgres"], wanted["redis"], wanted["clickhouse"]
    return {"PGHOST": pg.host, "PGPORT": str(pg.port), "REDIS_HOST": redis.host, "REDIS_PORT": str(redis.port),
            "CLICKHOUSE_HOST": ch.host, "CLICKHOUSE_PORT": str(ch.port)}


def kafka_count(kafka):
    """Committed records of the topic; none while it does not exist."""
    with contextlib.suppress(AssertionError):
        return len(kafka.consume("engagement"))
    return 0


def counts(wanted, kafka=True):
    """Rows in the source, and what each target has of them. Counting a topic means reading it, so that is left out while
    waiting for the others."""
    pg = wanted["postgres"]
    found = {"source: engagement_events": int(pg.value("SELECT count(*) FROM engagement_events")),
             "redis: stream engagement": wanted["redis"].command("XLEN", "engagement"),
             "clickhouse: engagement": int(wanted["clickhouse"].value("SELECT count() FROM engagement")),
             "postgres: engagement_report": int(pg.value("SELECT count(*) FROM engagement_report"))}
    if kafka and "kafka" in wanted:
        found["kafka: topic engagement"] = kafka_count(wanted["kafka"])
    return found


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


def wait_until_equal(wanted, seconds=30):
    end = time.monotonic() + seconds
    while True:
        late = time.monotonic() > end
        found = counts(wanted, kafka=late)
        if len(set(found.values())) == 1 and not late:
            found = counts(wanted)
        if len(set(found.values())) == 1 and ("kafka" not in wanted or len(found) == 5) or late:
            return found
        time.sleep(0.1)


def backlog(pg, wanted, rows=100000):
    """A burst in one transaction, to see rows a second through all sinks."""
    pg.query(EVENT_SQL % rows, timeout=120)
    begin = time.monotonic()
    found = wait_until_equal(wanted, 60)
    return rows / (time.monotonic() - begin), found


def percentile(ages, p):
    return sorted(ages)[min(len(ages) - 1, int(len(ages) * p))] if ages else float("nan")


def is_task(pid):
    with open("/proc/%d/cmdline" % pid, "rb") as f:
        return b"__task" in f.read()


def show(found, ages, sent, took, burst, sluice):
    tasks = [p for p in sluice.children() if is_task(p)]
    print("\n  %-32s %10s" % ("where", "events"))
    for name, count in found.items():
        print("  %-32s %10d" % (name, count))
    print("\n  %d events inserted one by one in %.1f s, then 100,000 in one transaction" % (sent, took))
    print("  commit to Redis            p50 %.1f ms, p99 %.1f ms (%d events)" % (
        statistics.median(ages) if ages else float("nan"), percentile(ages, 0.99), len(ages)))
    print("  one transaction, all sinks %.0f rows/s" % burst)
    print("  memory (RssAnon)           host %.1f MB, task %s MB\n" % (
        sluice.rss_anon() / 1e6, ", ".join("%.1f" % (rss_anon(p) / 1e6) for p in tasks)))


def run(stack):
    say("starting PostgreSQL, Redis, ClickHouse%s on private ports" % (" and Kafka" if os.environ.get("KAFKA") == "1" else ""))
    wanted = start_servers(stack)
    pg = wanted["postgres"]
    pg.query((CONFIG / "schema.sql").read_text() + CONTENT_SQL)
    wanted["clickhouse"].query((CONFIG / "clickhouse.sql").read_text())
    directory = stack.enter_context(servers.scratch_dir("sluice-demo-"))
    path = pipeline_file(directory, wanted)
    say("starting sluice run %s" % path.name)
    sluice = stack.enter_context(Sluice(str(path), directory=directory, env=environment(wanted)))
    pg.query(EVENT_SQL % 100)
    if len(set(wait_until_equal(wanted).values())) != 1:
        raise SystemExit("the first events did not arrive everywhere: %s\n%s" % (counts(wanted), sluice.log_tail()))
    arrivals = Arrivals(wanted["redis"])
    arrivals.start()
    say("inserting about %d events a second for %g s" % (RATE, SECONDS))
    sent, took = insert_events(pg)
    found = wait_until_equal(wanted)
    arrivals.stopped = True
    arrivals.join()
    say("one transaction of 100,000 events")
    burst, found = backlog(pg, wanted)
    show(found, arrivals.ages, sent, took, burst, sluice)
    return len(set(found.values())) == 1


def main():
    with contextlib.ExitStack() as stack:
        equal = run(stack)
    say("everything arrived everywhere" if equal else "NOT everything arrived everywhere")
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main())
