"""`sluice try`: records through the converters and transforms of a configuration, and what it says of wrong input."""
import base64
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

BINARY = os.environ.get("SLUICE_BIN", "sluice")
T = "org.apache.kafka.connect.transforms."
JSON = "org.apache.kafka.connect.json.JsonConverter"
STRING = "org.apache.kafka.connect.storage.StringConverter"
SINK = {"name": "s", "connector.class": "FileStreamSink", "topics": "t", "key.converter": STRING, "value.converter": JSON,
        "value.converter.schemas.enable": "false", "transforms": "a", "transforms.a.type": T + "ExtractField$Value", "transforms.a.field": "f"}
SOURCE = {"name": "s", "connector.class": "FileStreamSource", "topic": "t", "key.converter": STRING, "value.converter": JSON,
          "value.converter.schemas.enable": "false", "transforms": "a", "transforms.a.type": T + "HoistField$Value", "transforms.a.field": "line"}


def b64(text):
    return base64.b64encode(text.encode()).decode()


class Try(unittest.TestCase):
    def run_try(self, config, lines, code=0):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "config.json")
            path.write_text(config if isinstance(config, str) else json.dumps(config))
            text = "\n".join(x if isinstance(x, str) else json.dumps(x) for x in lines)
            done = subprocess.run([BINARY, "try", path], input=text.encode(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.errors = done.stderr.decode()
        self.assertEqual(done.returncode, code, done.stderr.decode() + done.stdout.decode())
        return [json.loads(x) for x in done.stdout.decode().splitlines()]

    def test_bytes_of_a_sink(self):
        value = json.dumps({"f": 1, "g": 2})
        for form in ({"base64": b64(value)}, {"text": value}, {"schema": None, "payload": {"f": 1}}, {"schema": None, "typed": {"map": [[{"string": "f"}, {"int64": 1}]]}}):
            out = self.run_try(SINK, [{"topic": "t", "key": {"text": "k"}, "value": form, "headers": [{"key": "h", "value": {"text": "12"}}]}])[0]
            self.assertEqual(out["value"]["payload"], 1)
            self.assertEqual(out["text"], {"key": '"k"', "value": "1"})
            self.assertEqual(out["key"], {"schema": {"type": "string", "optional": True}, "payload": "k"})
            self.assertEqual(out["headers"][0]["value"], {"schema": {"type": "int8", "optional": False}, "payload": 12})
            self.assertNotIn("converted", out)

    def test_a_converter_refuses(self):
        lines = self.run_try({"name": "s", "config": SINK}, [{"value": {"text": "{"}}, {"value": {"base64": None}}, {"value": {"text": '{"f":7}'}}])
        self.assertEqual(lines[0]["error"]["stage"], "to_connect")
        self.assertEqual(lines[0]["error"]["class"], "org.apache.kafka.connect.errors.DataException")
        self.assertIsNone(lines[1]["value"])
        self.assertEqual(lines[2]["value"]["payload"], 7)

    def test_bytes_out_of_a_source(self):
        line = {"topic": "t", "key": {"schema": None, "typed": {"string": "k"}}, "value": {"schema": {"type": "string"}, "payload": "x"},
                "headers": [{"key": "h", "value": {"schema": {"type": "int32"}, "payload": 5}}]}
        out = self.run_try(SOURCE, [line])[0]
        self.assertEqual(out["converted"], {"key": {"base64": b64("k"), "text": "k"}, "value": {"base64": b64('{"line":"x"}'), "text": '{"line":"x"}'},
                                            "headers": [{"key": "h", "value": {"base64": b64("5"), "text": "5"}}]})
        self.assertEqual(out["value"]["payload"], {"line": "x"})
        number = dict(SOURCE, **{"key.converter": "org.apache.kafka.connect.converters.LongConverter"})
        error = self.run_try(number, [line])[0]["error"]
        self.assertEqual(error["stage"], "from_connect")
        self.assertEqual(error["class"], "org.apache.kafka.connect.errors.DataException")

    def test_a_pipeline(self):
        pipeline = {"name": "p", "source": {"plugin": "file-source", "converters": {"value": {"plugin": "json", "config": {"schemas.enable": False}}}},
                    "transforms": [{"plugin": "hoist-field", "config": {"field": "all"}}],
                    "sinks": [{"plugin": "null", "converters": {"value": {"plugin": "json", "config": {"schemas.enable": False}}}}]}
        out = self.run_try(pipeline, [{"value": {"text": "[1]"}}])[0]
        self.assertEqual(out["converted"]["value"]["text"], '{"all":[1]}')
        self.assertIsNone(out["converted"]["key"])

    def test_wrong_configurations(self):
        bad = self.run_try(dict(SINK, **{"value.converter": "no.Such", "transforms.a.field": None, "transforms": "a,b"}), [], 1)[0]["error"]
        self.assertEqual(bad["stage"], "validate")
        self.assertEqual({e["config"] for e in bad["errors"]}, {"value.converter", "transforms.b.type", "transforms.a.field"})
        self.run_try("{", [], 1)
        self.assertIn("config.json", self.errors)
        self.run_try("[1]", [], 1)
        self.assertIn("JSON object", self.errors)
        for arguments in (["/nonexistent.json"], ["--case", "/nonexistent.json"]):
            done = subprocess.run([BINARY, "try", *arguments], stderr=subprocess.PIPE, text=True)
            self.assertEqual((1, "sluice try: cannot read /nonexistent.json: No such file or directory\n"), (done.returncode, done.stderr))
        self.assertEqual(subprocess.run([BINARY, "try"], stderr=subprocess.PIPE).returncode, 2)

    def test_wrong_records(self):
        config = {"transforms": []}
        for line, says in (("{", "no JSON"), ("7", "JSON object"), ({"vaule": None}, "vaule"), ({"value": 1}, "payload"), ({"value": {}}, "payload"),
                           ({"value": {"schema": None}}, "payload"), ({"value": {"payload": 1, "text": "x"}}, "payload"), ({"partition": "0"}, "integer"),
                           ({"topic": 1}, "topic"), ({"headers": {}}, "headers"), ({"headers": [{"value": None}]}, "key a text"),
                           ({"value": {"text": "x"}}, "value.converter"), ({"value": {"base64": "?"}}, "base64"), ({"key": {"text": 1}}, "text or null"),
                           ({"value": {"schema": {"type": "strin"}, "payload": 1}}, "strin"), ({"value": {"schema": None, "typed": {"int9": 1}}}, "type")):
            error = self.run_try(config, [line], 1)[0]["error"]
            self.assertEqual(error["stage"], "input", line)
            self.assertIn(says, error["message"], line)
        self.assertEqual(len(self.run_try(config, ["", " ", {"value": None}, "x"], 1)), 2)


if __name__ == "__main__":
    unittest.main()
