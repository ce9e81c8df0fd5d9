"""Cases recorded from Kafka Connect 4.0.0's converters, put through ours by `sluice try`.

converters/ holds one file a case; converters-more.jsonl one line a case, recorded in the same way: some
chosen, some of random schemas and values.

Everything recorded must come out again: schema, class, typed value, envelope, bytes, error class and
message. Only these are not compared: causes of errors (Jackson's words), and the order of members
where Java's is that of a hash map (ours is that of the text). Where we mean to differ,
tests/golden-differences.md names the case and says why; such a case must then really differ.
"""
import base64
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
TEXTS = [p.read_text() for p in sorted((HERE / "converters").glob("*.json"))]
TEXTS += (HERE / "converters-more.jsonl").read_text().strip().split("\n")
DIFFERENCES = HERE.parent / "golden-differences.md"


def load(text):
    """JSON with numbers as the text they are."""
    return json.loads(text, parse_int=str, parse_float=str)


def has_map(node):
    if isinstance(node, dict):
        return "map" in node or any(has_map(x) for x in node.values())
    return isinstance(node, list) and any(has_map(x) for x in node)


def sorted_maps(node):
    """Pairs of typed maps in one order; causes of errors left out."""
    if isinstance(node, dict):
        node = {k: sorted_maps(v) for k, v in node.items() if k != "causes"}
        if isinstance(node.get("map"), list):
            node["map"] = sorted(node["map"], key=lambda pair: json.dumps(pair, sort_keys=True))
        return node
    return [sorted_maps(x) for x in node] if isinstance(node, list) else node


def free_order(data):
    """Bytes of JSON text as its tree, arrays of pairs (maps without text keys) sorted."""
    def order(node):
        if isinstance(node, dict):
            return {k: order(v) for k, v in node.items()}
        if isinstance(node, list):
            return sorted((order(x) for x in node), key=lambda x: json.dumps(x, sort_keys=True))
        return node
    return order(load(base64.b64decode(data)))


def comparable(output, loose):
    """What must be equal. loose: the text holds a map, whose members have no order."""
    output = sorted_maps(output)
    for part in (output, output.get("back") or {}):
        if loose and part.get("base64"):
            part["base64"] = free_order(part["base64"])
            part.pop("text")
    return output


def differences(want, got, path=""):
    if isinstance(want, dict) and isinstance(got, dict):
        for key in sorted(want.keys() | got.keys()):
            if key not in want or key not in got:
                yield "%s/%s only %s" % (path, key, "recorded" if key in want else "ours")
            else:
                yield from differences(want[key], got[key], "%s/%s" % (path, key))
    elif want != got:
        yield "%s: recorded %.200r, ours %.200r" % (path, want, got)


def intended():
    return set(re.findall(r"^\| `([^`]+)` \|", DIFFERENCES.read_text(), re.M))


class TestConverters(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        binary = os.environ.get("SLUICE_BIN", "sluice")
        with tempfile.TemporaryDirectory() as folder:
            files = [pathlib.Path(folder, "%d.json" % i) for i in range(len(TEXTS))]
            for path, text in zip(files, TEXTS):
                path.write_text(text)
            done = subprocess.run([binary, "try", "--case", *files], stdout=subprocess.PIPE,
                                  check=False)
        lines = done.stdout.decode().strip().split("\n")
        cls.code = done.returncode
        cls.outputs = {(case := load(line))["name"]: case["output"] for line in lines}

    def test_all_ran(self):
        self.assertEqual(self.code, 0)
        self.assertEqual(len(self.outputs), len(TEXTS))

    def test_recorded(self):
        intent = intended()
        for text in TEXTS:
            case = load(text)
            name, want = case["name"], case["output"]
            with self.subTest(name):
                loose = case["converter"].endswith(".JsonConverter") and (
                    has_map(want.get("typed")) or has_map(case["input"].get("typed")))
                found = list(differences(comparable(want, loose),
                                         comparable(self.outputs[name], loose)))
                if name in intent:
                    self.assertTrue(found, "is listed as a difference, but is none")
                else:
                    self.assertFalse(found, "\n".join(found))


if __name__ == "__main__":
    unittest.main()
