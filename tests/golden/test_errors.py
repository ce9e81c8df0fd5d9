# timeout: 600
"""Cases recorded from Kafka Connect 4.0.0's error handling, replayed on our worker with a real broker.

errors/ holds one file a case: topics, records or files, a connector, and what was to be seen then: status, the file that the sink
wrote, offsets, the records of topics with bytes and times, log lines. Compared as recorded but for stack traces (the first line of
a trace counts), the place in the code behind a log line, and times that the worker chose. Cases in errors/waiting.txt do not match yet, each with the
reason; one that is listed and matches all the same is a failure, so that the list stays true.

ERRORS_CASES=REGEX in the environment replays only those, and shows why the ones that wait do not match.
"""
import base64
import json
import os
import pathlib
import re
import time

from sluicetest import Case, Kafka, Sluice

HERE = pathlib.Path(__file__).resolve().parent / "errors"
WORKER = {"key.converter": "org.apache.kafka.connect.json.JsonConverter", "value.converter": "org.apache.kafka.connect.json.JsonConverter",
          "key.converter.schemas.enable": "false", "value.converter.schemas.enable": "false", "offset.flush.interval.ms": "1000"}
STACKTRACE = "__connect.errors.exception.stacktrace"
SECONDS = 25  # for a case to come to its end; one that waits gets less


def unbase64(text):
    return None if text is None else base64.b64decode(text)


def base64_of(data):
    return {"base64": None if data is None else base64.b64encode(data).decode()}


def waiting():
    lines = (HERE / "waiting.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split(" ", 1) for line in lines if line and not line.startswith("#"))


def plain_status(status):
    for task in (status or {}).get("tasks") or []:
        if task.get("trace"):
            task["trace"] = task["trace"].split("\n")[0]
    return status


def plain_offsets(offsets):
    return sorted(json.dumps(o, sort_keys=True) for o in (offsets or {}).get("offsets", []))


def plain_records(records, timed):
    """Of each what counts."""
    found = []
    for r in records:
        headers = [(h["key"], "" if h["key"] == STACKTRACE else h["base64"]) for h in r["headers"]]
        found.append([r["partition"], r["timestamp"] if timed else 0, r["timestamp_type"], r["key"]["base64"], r["value"]["base64"], headers])
    return sorted(found, key=repr)


def plain_log(lines):
    """Without the place in the code, our reason behind the sentence, and the time of source records."""
    cut = [re.sub(r"( \([^()]*\)$|\. [a-z]+\.[a-z.]+[A-Z].*)", "", line.split("\n")[0]).rstrip(".") for line in lines]
    return [re.sub(r"(ConnectRecord.* timestamp=)\d+", r"\1T", line) for line in cut]


class Errors(Case):
    time_limit = 560

    @classmethod
    def setUpClass(cls):
        cls.kafka = cls.enterClassContext(Kafka("log.retention.ms=-1"))  # recorded times are old

    def setUp(self):
        folder = self.scratch()
        properties = folder / "worker.properties"
        properties.write_text("".join("%s=%s\n" % kv for kv in dict(WORKER, **{"bootstrap.servers": self.kafka.bootstrap}).items()))
        self.sluice = self.enterContext(Sluice("--worker", str(properties)))

    # ---- one case ----

    def prepare(self, case, folder):
        for topic in case.get("topics", []):
            self.kafka.create_topic(topic["name"], topic.get("partitions", 1), topic.get("config"))
        for name, text in (case.get("files") or {}).items():
            (folder / name).write_text(text, encoding="utf-8")
        for r in case.get("records", []):
            headers = [(h["key"], unbase64(h["base64"])) for h in r.get("headers", [])]
            self.kafka.produce_exactly(r["topic"], r["partition"], r["timestamp"], [(unbase64(r["key"]), unbase64(r["value"]), headers)])

    def is_there(self, name, want, out):
        tasks = self.sluice.get("/connectors/%s/status" % name).json().get("tasks") or []
        if not tasks or any(t["state"] != want["task"] for t in tasks):
            return False
        if "file" in want and (not out.exists() or out.read_text("utf-8").count("\n") < want["file"]):
            return False
        found = self.sluice.get("/connectors/%s/offsets" % name).json().get("offsets", [])
        return sum(o["offset"].get("kafka_offset", o["offset"].get("position", 0)) for o in found) >= want.get("offset", 0)

    def wait(self, name, want, out, seconds):
        end = time.monotonic() + min(seconds, 4 * want.get("timeout", seconds))  # a busy machine is slower than the recorded one
        while time.monotonic() < end and not self.is_there(name, want, out):
            time.sleep(0.2)
        time.sleep(min(want.get("settle", 1.5), seconds))

    def read_topic(self, topic):
        return [{"partition": partition, "timestamp": timestamp, "timestamp_type": kind, "key": base64_of(key),
                 "value": base64_of(value), "headers": [dict(base64_of(v), key=k) for k, v in headers]}
                for partition, records in self.kafka.fetch(topic).items()
                for _, timestamp, kind, key, value, headers in records]

    def log_lines(self, name, mark):
        for line in self.sluice.log()[mark:].splitlines():
            entry = json.loads(line) if line.startswith("{") else {}
            if entry.get("pipeline") == name and "Error encountered in task" in entry["text"]:
                yield "%s [%s|task-%d] %s" % (entry["level"], name, entry["task"], entry["text"].rstrip())

    def see(self, name, out):
        return {"status": self.sluice.get("/connectors/%s/status" % name).json(),
                "file": out.read_text("utf-8", "replace") if out.exists() else None,
                "offsets": self.sluice.get("/connectors/%s/offsets" % name).json()}

    def replay(self, case, seconds):
        folder = self.scratch()
        name, out = case["connector"]["name"], folder / "out.txt"

        def fill(o):
            return json.loads(json.dumps(o).replace("{{DIR}}", str(folder)).replace("{{WORKER}}", self.sluice.url[7:]))
        self.prepare(case, folder)
        mark = len(self.sluice.log())
        created = self.sluice.put("/connectors/%s/config" % name, fill(case["connector"])).status
        self.wait(name, case["until"], out, seconds)
        got = self.see(name, out)
        if case.get("then"):
            self.sluice.put("/connectors/%s/config" % name, fill(case["then"]["connector"]))
            self.wait(name, case["then"], out, seconds)
            got["then"] = self.see(name, out)
            got["offsets"] = got["then"]["offsets"]
        got.update({"create_status": created, "topics": {t: self.read_topic(t) for t in case.get("read") or {}},
                    "log": list(self.log_lines(name, mark))})
        self.sluice.delete("/connectors/" + name)
        return list(self.compare(fill(case["expected"]), got, case["kind"] == "sink"))

    def compare(self, want, got, timed):
        forms = {"status": plain_status, "offsets": plain_offsets, "log": plain_log,
                 "topics": lambda ts: {t: plain_records(rs, timed) for t, rs in ts.items()},
                 "then": lambda t: t and [plain_status(t["status"]), t["file"], plain_offsets(t["offsets"])]}
        for part, recorded in want.items():
            form = forms.get(part, lambda x: x)
            recorded, ours = form(recorded), form(got.get(part))
            if recorded != ours:
                yield "%s: recorded %.700r, ours %.700r" % (part, recorded, ours)

    # ---- all ----

    def test_recorded_cases(self):
        wanted, listed = os.environ.get("ERRORS_CASES"), waiting()
        passed, waits, wrong = 0, 0, []
        for path in sorted(HERE.glob("*.json")):
            case = json.loads(path.read_text(encoding="utf-8"))
            if wanted and not re.search(wanted, path.name):
                continue
            found = self.replay(case, 3 if case["name"] in listed and not wanted else SECONDS)
            if case["name"] in listed:
                waits += bool(found)
                if wanted:
                    print("%s waits (%s):\n  %s" % (case["name"], listed[case["name"]], "\n  ".join(found)), flush=True)
                if not found:
                    wrong.append("%s matches: take it out of waiting.txt" % case["name"])
            elif found:
                wrong.append("%s (%s):\n  %s" % (case["name"], case["what"], "\n  ".join(found)))
            else:
                passed += 1
        print("errors: %d passed, %d waiting, %d wrong" % (passed, waits, len(wrong)), flush=True)
        self.assertFalse(wrong, "\n".join(wrong))
