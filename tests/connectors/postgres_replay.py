"""Replays recorded Debezium cases (tests/golden/README.md) against the postgres source, run by the source harness.

    python3 tests/connectors/postgres_replay.py BUILD CASE.json...     # needs a running server: PGHOST, PGPORT
"""

import copy
import glob
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "kit"))
from sluicetest import pg  # noqa: E402

NORMALISE = os.path.join(HERE, "..", "golden", "normalise.py")


def load_normalise(path=NORMALISE):
    spec = importlib.util.spec_from_file_location("normalise", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def find_converter(build):
    found = glob.glob(os.path.join(build, "lib", "sluice", "converter-json.so"))
    return found[0] if found else None


class Source:
    """One run of the harness; its lines are read as they come."""

    def __init__(self, build, config, scratch, extra=(), converter=None):
        self.path = os.path.join(scratch, "config.json")
        with open(self.path, "w", encoding="utf-8") as f:
            json.dump(config, f)
        command = [os.path.join(build, "tests", "source_harness"), os.path.join(build, "lib", "sluice", "postgres-source.so"),
                   "postgres", self.path, "--state", os.path.join(scratch, "state"), *extra]
        if converter:
            command += ["--converter", converter, "json"]
        env = dict(os.environ, ASAN_OPTIONS="detect_leaks=0")
        self.log = open(os.path.join(scratch, "log"), "a+", encoding="utf-8")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, env=env)
        self.lines, self.error, self.faults, self.began_quiet = [], None, [], 0
        self.last = time.monotonic()
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        for raw in self.process.stdout:
            if not raw.endswith(b"\n"):
                break  # cut off by kill -9
            line = json.loads(raw.decode("utf-8", "surrogatepass"))
            self.last = time.monotonic()
            if "error" in line:
                self.error = line["error"]
            elif "fault" in line:
                self.faults.append(line)
            else:
                self.lines.append(line)

    def wait_count(self, n, seconds=20):
        end = time.monotonic() + seconds
        while len(self.lines) < n and time.monotonic() < end and self.process.poll() is None:
            time.sleep(0.01)
        return len(self.lines) >= n

    def wait_end(self, seconds=20):
        self.process.wait(seconds)
        self.thread.join(5)
        return self.process.returncode

    def quiet(self, seconds):
        while time.monotonic() - max(self.last, self.began_quiet) < seconds and self.process.poll() is None:
            time.sleep(0.02)

    def wait_quiet(self, seconds):
        self.began_quiet = time.monotonic()
        self.quiet(seconds)

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("the source did not close in time: " + self.text())
        self.thread.join(5)
        self.process.stdout.close()

    def text(self):
        self.log.flush()
        self.log.seek(0)
        return self.log.read()[-3000:]


class Replay:
    def __init__(self, build, server, case, normalise):
        self.build, self.server, self.case, self.normalise = build, server, case, normalise
        self.name = case["postgres"]["database"]
        self.db = server.database(self.name)
        self.sessions, self.offsets = {}, []
        self.converter = find_converter(build)
        self.records = []

    def fill(self, config):
        env = {"PGHOST": self.server.host, "PGPORT": str(self.server.port), "PGUSER": self.server.user, "PGPASSWORD": "x",
               "BOOTSTRAP": "none"}
        return {k: re.sub(r"\$\{(\w+)\}", lambda m: env.get(m.group(1), ""), v) for k, v in config.items()}

    def drop(self):
        self.server.query("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database='%s'" % self.name)
        self.server.query("DROP DATABASE IF EXISTS %s WITH (FORCE)" % self.name)
        for statement in self.case["postgres"].get("cleanup", []):
            try:
                self.server.query(statement)
            except pg.PgError:
                pass  # nothing there to clean up

    def prepare(self):
        self.drop()
        self.server.query("CREATE DATABASE %s" % self.name)
        for extension in self.case["postgres"].get("extensions", []):
            self.db.query("CREATE EXTENSION IF NOT EXISTS \"%s\"" % extension)
        for name, value in self.case["postgres"].get("settings", {}).items():
            self.server.query("ALTER DATABASE %s SET %s = '%s'" % (self.name, name, value))
        with self.db.session() as session:
            for statement in self.case.get("setup", []):
                session.query(statement)

    def start(self, scratch, config):
        self.source = Source(self.build, self.fill(config), scratch, converter=self.converter)

    def wait_streaming(self, seconds=15):
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.source.process.poll() is None:
            if self.server.query("SELECT 1 FROM pg_stat_replication r JOIN pg_replication_slots s ON s.active_pid = r.pid"
                                 " WHERE s.database='%s' AND r.state IN ('streaming','catchup')" % self.name):
                return
            time.sleep(0.05)

    def step(self, step):
        if "sql" in step:
            sql = step["sql"]
            target = self.db
            try:
                if "session" in step:
                    session = self.sessions.setdefault(step["session"], None) or self.db.session()
                    self.sessions[step["session"]] = session
                    for statement in sql if isinstance(sql, list) else [sql]:
                        session.query(statement)
                elif isinstance(sql, list):
                    target.query("BEGIN;\n" + ";\n".join(sql) + ";\nCOMMIT;")
                else:
                    target.query(sql + ";")
            except pg.PgError:
                if not step.get("error"):
                    raise
        elif "wait" in step:
            time.sleep(min(step["wait"], 1.5))
        elif "wait_quiet" in step:
            self.source.wait_quiet(min(step["wait_quiet"], 0.8))
        elif "wait_streaming" in step:
            self.wait_streaming()
        elif "offsets" in step:
            self.source.wait_quiet(0.6)
            last = self.source.lines[-1]["offset"] if self.source.lines else None
            self.offsets.append({"label": step["offsets"], "key": '["%s",{"server":"%s"}]' % (self.name, self.name),
                                 "value": json.dumps(last, separators=(",", ":"))})
        elif "query" in step and "set" not in step:
            pass
        else:
            raise NotImplementedError("step %s" % json.dumps(step))

    def run(self):
        """Differences, as a list of texts."""
        case = self.case
        if any(k.startswith("transforms") for k in case["connector"]) or case.get("topics"):
            raise NotImplementedError("needs transforms or Kafka")
        with tempfile.TemporaryDirectory() as scratch:
            self.prepare()
            try:
                self.start(scratch, case["connector"])
                if case.get("ready", "streaming") == "streaming":
                    self.wait_streaming()
                elif case.get("ready") == "quiet":
                    self.source.wait_quiet(1.0)
                for step in case.get("steps", []):
                    self.step(step)
                expected = len(case.get("records", []))
                self.source.wait_count(expected, 4)
                self.source.wait_quiet(0.3)
            finally:
                for session in self.sessions.values():
                    session.close()
                self.source.stop()
                self.drop()
            self.log = self.source.text()
            self.source.log.close()
        return self.compare()

    def compare(self):
        actual, case = [], copy.deepcopy(self.case)
        for line in self.source.lines:
            actual.append({"topic": line["topic"], "partition": line["partition"], "key": line["key"], "value": line["value"],
                           "headers": line["headers"]})
        actual.sort(key=lambda r: r["topic"])
        if self.converter is None:
            self.only_payload(case, actual)
        diffs = self.normalise.compare(case, actual)
        diffs += self.normalise.compare_offsets(case, {"offsets": self.offsets})
        if self.source.error:
            diffs.insert(0, "error: %s" % json.dumps(self.source.error))
        return diffs

    @staticmethod
    def only_payload(case, actual):
        """Without the JSON converter: payloads alone, nulls of optional fields with a default as they are."""
        def payload(text):
            value = json.loads(text) if text is not None else None
            if isinstance(value, dict) and set(value) == {"schema", "payload"}:
                value = value["payload"]
            return value
        for r in case["records"]:
            for part in ("key", "value"):
                value = payload(r.get(part))
                r[part] = None if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        for r in actual:
            for part in ("key", "value"):
                value = r[part]
                if isinstance(value, dict) and isinstance(value.get("source"), dict) and value["source"]["snapshot"] is None:
                    value["source"]["snapshot"] = "false"
                r[part] = None if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
            for h in r["headers"]:
                if not isinstance(h["value"], str):
                    h["value"] = json.dumps(h["value"], separators=(",", ":"))


def main():
    build, files = sys.argv[1], sys.argv[2:]
    server = pg.Pg(os.environ["PGHOST"], os.environ["PGPORT"])
    normalise = load_normalise(os.environ.get("NORMALISE", NORMALISE))
    passed, failed, left = [], [], []
    for path in files:
        with open(path, encoding="utf-8") as f:
            case = json.load(f)
        try:
            r = Replay(build, server, case, normalise)
            diffs = r.run()
        except NotImplementedError as e:
            left.append(case["name"])
            print("LEFT  %s: %s" % (case["name"], e))
            continue
        except Exception as e:  # noqa: BLE001 - one broken case must not end the run
            diffs = ["%s: %s" % (type(e).__name__, e)]
        (failed if diffs else passed).append(case["name"])
        print("%s  %s" % ("FAIL" if diffs else "ok  ", case["name"]), flush=True)
        if os.environ.get("LOG"):
            print(getattr(r, "log", ""))
        for d in diffs[:int(os.environ.get("SHOW", "4"))]:
            print("      " + d[:600])
    print("%d passed, %d failed, %d left out" % (len(passed), len(failed), len(left)))


if __name__ == "__main__":
    main()
