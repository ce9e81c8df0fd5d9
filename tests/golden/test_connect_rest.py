"""Our Connect worker against what a real one answered: tests/golden/connect-rest, replayed by connect_rest.py.

Cases in connect-rest/waiting.txt do not match yet (with the reason); steps listed in tests/golden-differences.md differ on
purpose. A case that is listed and matches all the same is a failure, so the lists stay true.

CONNECT_REST_CASES=REGEX in the environment replays only the files whose names match, and shows why those that wait do not.
"""
# timeout: 900

import collections
import json
import os
import pathlib
import re
import shutil
import sys
import tempfile

from sluicetest import Case, Kafka
from sluicetest.ports import free_port
from sluicetest.worker import ConnectWorker

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import connect_rest  # noqa: E402

CASES = HERE / "connect-rest"
GROUPS = [("routing", 1, 8), ("bodies and names", 9, 30), ("create and its errors", 31, 54), ("put and patch", 55, 60),
          ("list", 61, 62), ("lifecycle", 63, 67), ("tasks and restart", 68, 74), ("topics", 75, 77),
          ("offsets", 78, 84), ("topic creation", 85, 88), ("plugins", 89, 109), ("validate", 110, 130),
          ("loggers", 131, 134), ("internal", 135, 135), ("CORS and headers", 136, 138), ("basic auth", 139, 139),
          ("listeners", 140, 141), ("providers", 142, 142), ("override policies", 143, 144), ("standalone", 145, 148),
          ("odd requests", 149, 153), ("odd configurations", 154, 157), ("odd offsets", 158, 999)]


class Worker(ConnectWorker):
    """A Connect worker of ours with these properties of a case."""

    def __init__(self, mode, bootstrap, properties, directory):
        self.admin_port = free_port()
        self.admin_url = "http://127.0.0.1:%d" % self.admin_port
        super().__init__(mode, bootstrap, {k: v.replace("{{ADMIN}}", self.admin_url) for k, v in properties.items()}, directory,
                         {"REST_GOLDEN_TOPIC": "rest-prov-env"},
                         {"admin": "secret"} if "rest.extension.classes" in properties else None)


def load(lowest, highest):
    wanted = os.environ.get("CONNECT_REST_CASES", "")
    for path in sorted(CASES.glob("*.json")):
        if lowest <= int(path.name[:3]) <= highest and re.search(wanted, path.name):
            yield json.loads(path.read_text(encoding="utf-8"))


def waiting():
    found = {}
    path = CASES / "waiting.txt"
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        if line and not line.startswith("#"):
            name, _, reason = line.partition(" ")
            found[name] = reason.strip()
    return found


def declined():
    """Case -> step numbers that differ on purpose: rows "| `name` | 1, 2 | ..." of the section "connect-rest"."""
    text = (HERE.parent / "golden-differences.md").read_text(encoding="utf-8")
    section = text.partition("## connect-rest\n")[2].partition("\n## ")[0]
    return {name: {int(n) for n in steps.split(",")}
            for name, steps in re.findall(r"^\| `([^`]+)` \| ([\d, ]+) \|", section, re.M)}


class ConnectRest(Case):
    time_limit = 600

    @classmethod
    def setUpClass(cls):
        cls.kafka = cls.enterClassContext(Kafka())
        cls.waiting, cls.declined = waiting(), declined()

    def start(self, case, workers):
        key = (case["mode"], json.dumps(case.get("worker") or {}, sort_keys=True), case.get("isolated", False))
        if key not in workers:
            directory = pathlib.Path(tempfile.mkdtemp(prefix="worker-"))
            workers[key] = self.enterContext(Worker(case["mode"], self.kafka.bootstrap, case.get("worker") or {},
                                                    directory))
        return workers[key]

    def judge(self, case, differences, counts):
        """What is wrong with the outcome; None: as it should be."""
        name, allowed = case["name"], self.declined.get(case["name"], set())
        bad = [d for d in differences if d[0] not in allowed]
        found = "\n".join("  step %d %s %s: %s" % (i, s.get("method", s.get("file")), s.get("path", s.get("name")), d)
                          for i, s, d in bad)
        if name in self.waiting:
            counts["waiting" if bad else "passed"] += 1
            if os.environ.get("CONNECT_REST_CASES"):  # somebody works at them
                print("%s waits:\n%s" % (name, found), flush=True)
            return None if bad else "matches: take it out of waiting.txt"
        if bad:
            counts["failed"] += 1
            return found
        counts["declined" if allowed else "passed"] += 1
        missing = allowed - {d[0] for d in differences}
        return "steps %s match: take them out of golden-differences.md" % sorted(missing) if missing else None

    def replay(self, group):
        title, lowest, highest = group
        counts, wrong, workers = collections.Counter(), [], {}
        for case in load(lowest, highest):
            worker = self.start(case, workers)
            directory = pathlib.Path(tempfile.mkdtemp(prefix="case-"))
            advertised = (case.get("worker") or {}).get("rest.advertised.host.name")
            env = connect_rest.Env(worker.url, directory, self.kafka.bootstrap, worker.admin_url,
                                   advertised and "%s:%s" % (advertised, case["worker"]["rest.advertised.port"]))
            if case["name"] in self.waiting:
                env.timeout = 2.0
            found = self.judge(case, connect_rest.run(case, env), counts)
            shutil.rmtree(directory, ignore_errors=True)
            if found:
                wrong.append("%s (%s):\n%s" % (case["name"], case["what"], found))
                print(wrong[-1], flush=True)
        print("connect-rest %s: %s" % (title, ", ".join("%d %s" % (n, what) for what, n in sorted(counts.items()))),
              flush=True)
        self.assertFalse(wrong, "%d cases, see above" % len(wrong))


def add(group):
    def test(self):
        self.replay(group)
    setattr(ConnectRest, "test_" + re.sub(r"\W+", "_", group[0].lower()), test)


for _group in GROUPS:
    add(_group)
