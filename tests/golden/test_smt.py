"""Cases recorded from Kafka Connect 4.0.0's transforms and predicates, put through ours by `sluice try`.

smt/ holds one file a case. Everything recorded must come out again: topic, partition, timestamp, key, value and headers with
their schemas, the texts of key and value, and for errors the stage, class, message, causes, transform and the errors of each key.
Only the order of members is free where Java's is that of a hash map (ours is that of the text). Where we mean to differ,
tests/golden-differences.md names the case and says why; such a case must then really differ.
"""
import collections
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
FILES = sorted((HERE / "smt").glob("*.json"))
DIFFERENCES = HERE.parent / "golden-differences.md"


def load(text):
    """JSON with numbers as the text they are."""
    return json.loads(text, parse_int=str, parse_float=str)


def as_text(node):
    return json.dumps(node, sort_keys=True)


def comparable(node):
    """Maps have no order: typed pairs are sorted, texts that are JSON become trees."""
    if isinstance(node, list):
        return [comparable(x) for x in node]
    if not isinstance(node, dict):
        return node
    node = {k: comparable(v) for k, v in node.items()}
    if isinstance(node.get("map"), list):
        node["map"] = sorted(node["map"], key=as_text)
    if isinstance(node.get("errors"), list):
        node["errors"] = sorted(node["errors"], key=as_text)
    return node


def parsed(text):
    return {side: load(value) if isinstance(value, str) else value for side, value in text.items()}


def normal(output):
    output = comparable(output)
    if output and "text" in output:
        output["text"] = comparable(parsed(output["text"]))
    return output


def differences(want, got, path=""):
    if isinstance(want, dict) and isinstance(got, dict):
        for key in sorted(want.keys() | got.keys()):
            if key not in want or key not in got:
                yield "%s/%s only %s: %.200s" % (path, key, "recorded" if key in want else "ours", want.get(key, got.get(key)))
            else:
                yield from differences(want[key], got[key], "%s/%s" % (path, key))
    elif want != got:
        yield "%s: recorded %.300r, ours %.300r" % (path, want, got)


def intended():
    return set(re.findall(r"^\| `([^`]+)` \|", DIFFERENCES.read_text(), re.M))


def family(name):
    return name.split("-")[0]


class TestTransforms(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        binary = os.environ.get("SLUICE_BIN", "sluice")
        done = subprocess.run([binary, "try", "--case", *FILES], stdout=subprocess.PIPE, check=False)
        lines = done.stdout.decode().strip().split("\n")
        cls.code = done.returncode
        cls.outputs = {(case := load(line))["name"]: case["output"] for line in lines}

    def test_all_ran(self):
        self.assertEqual(self.code, 0)
        self.assertEqual(len(self.outputs), len(FILES))

    def test_recorded(self):
        intent = intended()
        counts = collections.defaultdict(collections.Counter)
        for path in FILES:
            case = load(path.read_text())
            name = case["name"]
            found = list(differences(normal(case["output"]), normal(self.outputs.get(name, "missing"))))
            result = "passed" if not found and name not in intent else "declined" if found and name in intent else "failing"
            counts[family(name)][result] += 1
            with self.subTest(name):
                if name in intent:
                    self.assertTrue(found, "is listed as a difference, but is none")
                else:
                    self.assertFalse(found, "\n".join(found))
        for group in sorted(counts):
            print("smt %-14s %s" % (group, ", ".join("%d %s" % (n, what) for what, n in sorted(counts[group].items()))))
        total = sum(counts.values(), collections.Counter())
        print("smt %-14s %s" % ("all", ", ".join("%d %s" % (n, what) for what, n in sorted(total.items()))))

    def test_stream(self):
        """CONFIG.json and records a line: the same answers as for cases."""
        with tempfile.TemporaryDirectory() as folder:
            config = pathlib.Path(folder, "config.json")
            config.write_text(json.dumps({"name": "x", "config": {
                "connector.class": "FileStreamSink", "topics": "t", "transforms": "a,b",
                "transforms.a.type": "org.apache.kafka.connect.transforms.Filter", "transforms.a.predicate": "p",
                "predicates": "p", "predicates.p.type": "org.apache.kafka.connect.transforms.predicates.RecordIsTombstone",
                "transforms.b.type": "org.apache.kafka.connect.transforms.ExtractField$Value", "transforms.b.field": "f"}}))
            records = [{"topic": "t", "value": {"schema": None, "payload": {"f": 1}}}, {"topic": "t", "value": None},
                       {"topic": "t", "value": {"schema": None, "payload": 7}}]
            done = subprocess.run([os.environ.get("SLUICE_BIN", "sluice"), "try", config], stdout=subprocess.PIPE, check=False,
                                  input="\n".join(map(json.dumps, records)).encode())
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(done.returncode, 0)
        self.assertEqual(lines[0]["value"]["payload"], 1)
        self.assertIsNone(lines[1])
        self.assertEqual(lines[2]["error"]["class"], "org.apache.kafka.connect.errors.DataException")
        self.assertEqual(lines[2]["error"]["stage"], "apply")


if __name__ == "__main__":
    unittest.main()
