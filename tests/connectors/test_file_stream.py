# builds: all
# timeout: 180
"""FileStreamSource and FileStreamSink as connectors of a worker with a real broker, and on standard input and output."""

import json
import os
import subprocess

from sluicetest import Case, Kafka, Sluice

STRINGS = {"key.converter": "org.apache.kafka.connect.storage.StringConverter",
           "value.converter": "org.apache.kafka.connect.storage.StringConverter"}


class FileStream(Case):
    time_limit = 90

    @classmethod
    def setUpClass(cls):
        cls.kafka = cls.enterClassContext(Kafka())

    def setUp(self):
        self.folder = self.scratch()
        worker = self.folder / "worker.properties"
        lines = dict(STRINGS, **{"bootstrap.servers": self.kafka.bootstrap})
        worker.write_text("".join("%s=%s\n" % line for line in lines.items()))
        self.sluice = self.enterContext(Sluice("--worker", str(worker)))
        self.file = self.folder / "in.txt"

    def source(self, name, **more):
        config = {"connector.class": "FileStreamSource", "file": str(self.file), "topic": name, **more}
        self.sluice.put("/connectors/%s/config" % name, config).expect(201)
        self.sluice.wait_state(name)

    def append(self, data):
        with open(self.file, "ab") as f:
            f.write(data)

    def test_source(self):
        """Lines become records; what has no end yet waits for it, also over a restart."""
        self.source("lines")
        self.append(b"one\ntwo\r\ncaf\xc3\xa9\nno end")
        records = self.kafka.consume("lines", count=3)
        self.assertEqual([b"one", b"two", "café".encode()], [r.value for r in records])
        self.assertEqual([None] * 3, [r.key for r in records])
        self.sluice.terminate()
        self.append(b" yet\nlast\n")
        self.sluice.start()
        records = self.kafka.consume("lines", count=5)
        self.assertEqual([b"no end yet", b"last"], [r.value for r in records[3:]])

    def test_source_waits_for_its_file(self):
        self.source("later", **{"batch.size": "1"})
        self.eventually(lambda: "Couldn't find file %s" % self.file in self.sluice.log())
        self.append(b"1\n2\n3\n")
        self.assertEqual([b"1", b"2", b"3"], [r.value for r in self.kafka.consume("later", count=3)])

    def test_sink(self):
        out = self.folder / "out.txt"
        out.write_text("before\n")
        self.kafka.produce("docs", [b'{"a":1,"b":{"c":[true,null,"x"]}}', b"1.0", b'"text"'])
        config = {"connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector", "file": str(out), "topics": "docs",
                  "value.converter": "org.apache.kafka.connect.json.JsonConverter", "value.converter.schemas.enable": "false"}
        self.sluice.put("/connectors/docs/config", config).expect(201)
        wanted = "before\n{a=1, b={c=[true, null, x]}}\n1.0\ntext\n"
        self.eventually(lambda: out.read_text() == wanted, 15, wanted)

    def test_sink_without_folder(self):
        path = str(self.folder / "nowhere" / "out.txt")
        self.kafka.produce("any", [b"1"])
        self.sluice.put("/connectors/bad/config", {"connector.class": "FileStreamSink", "file": path, "topics": "any"}).expect(201)
        task = self.eventually(lambda: [t for t in self.sluice.status("bad")["tasks"] if t["state"] == "FAILED"])[0]
        self.assertTrue(task["trace"].startswith("org.apache.kafka.connect.errors.ConnectException: Couldn't find or create file '%s' for "
                                         "FileStreamSinkTask" % path), task)


class Standard(Case):
    time_limit = 60

    def test_standard_input_and_output(self):
        """Without file: what the process is given goes to what it prints. (Its end is no end of the stream.)"""
        folder = self.scratch()
        pipeline = folder / "p.json"
        pipeline.write_text(json.dumps({"name": "p", "source": {"plugin": "file-stream", "config": {"topic": "t"}},
                                        "sinks": [{"plugin": "file-stream", "config": {}}]}))
        sluice = self.enterContext(subprocess.Popen(
            [os.environ["SLUICE_BIN"], "run", str(pipeline), "--data", str(folder / "data"), "--listen", "127.0.0.1:0",
             "--plugin-path", os.environ["SLUICE_PLUGIN_PATH"]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL))
        self.addCleanup(sluice.kill)
        sluice.stdin.write(b"first\nsecond\nrest")
        sluice.stdin.flush()
        self.assertEqual([b"first\n", b"second\n"], [sluice.stdout.readline() for _ in range(2)])
        sluice.stdin.write(b" of it\n")
        sluice.stdin.flush()
        self.assertEqual(b"rest of it\n", sluice.stdout.readline())
        sluice.terminate()
        sluice.communicate(timeout=30)
        self.assertEqual(0, sluice.returncode)
