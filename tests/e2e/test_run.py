# builds: all
"""`sluice run` and `sluice status` from the command line: files, faults, what is in the way, signals."""

import json
import os
import pathlib
import re
import signal
import socket
import sqlite3
import subprocess
import time
import unittest

from sluicetest import Case, Sluice, eventually, scratch_dir
from sluicetest.host import alive
from sluicetest.ports import free_port


class Run(Case):
    def setUp(self):
        self.scratch = scratch_dir("run-")
        self.folder = pathlib.Path(self.scratch.__enter__())
        self.addCleanup(self.scratch.__exit__, None, None, None)
        if not os.access(os.environ.get("SLUICE_BIN", ""), os.X_OK):
            self.skipTest("no sluice binary")

    def write(self, name, content):
        path = self.folder / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return str(path)

    def run_(self, *args, data=None, port=None, seconds=30):
        """Runs to the end; (exit code, standard error)."""
        command = [os.environ["SLUICE_BIN"], "run", "--data", str(data or self.folder / "data"), "--listen",
                   "127.0.0.1:%d" % (port or free_port()), "--log-format", "text", *args]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=seconds)
        return done.returncode, done.stderr

    def sql(self, statement):
        db = sqlite3.connect(self.folder / "data/sluice.db", isolation_level=None)
        try:
            return db.execute(statement).fetchall()
        finally:
            db.close()

    def pipeline(self, name="p", **config):
        return {"name": name, "source": {"plugin": "datagen", "config": config}, "sinks": [{"plugin": "null"}]}

    def test_exit_when_done(self):
        code, err = self.run_("--exit-when-done", self.write("a.json", self.pipeline("a", count=5000)),
                              self.write("b.json", self.pipeline("b", count=10)))
        self.assertEqual(0, code, err)

    def test_folder_set_and_overlay(self):
        (self.folder / "configs").mkdir()
        self.write("configs/one.json", self.pipeline(None, count=0))
        text = json.loads((self.folder / "configs/one.json").read_text())
        del text["name"]  # the file gives it
        self.write("configs/one.json", text)
        self.write("configs/README.txt", "no descriptor")
        overlay = self.write("overlay.json", {"source": {"config": {"count": 10}}})
        code, err = self.run_("--exit-when-done", "--overlay", overlay, "--set", "/source/config/topic=other",
                              str(self.folder / "configs"))
        self.assertEqual(0, code, err)

    def test_all_faults_before_anything_starts(self):
        code, err = self.run_(self.write("good.json", self.pipeline("good")),
                              self.write("bad.json", {"name": "bad", "source": {"plugin": "datagen", "config": {"rat": 1}},
                                                      "sinks": [{"plugin": "nul"}]}),
                              self.write("worse.json", self.pipeline("worse", count="many")))
        self.assertEqual(1, code)
        for part in ("bad.json", "/source/config/rat", "rate", "/sinks/0/plugin", "null", "worse.json", "count"):
            self.assertIn(part, err)
        self.assertFalse((self.folder / "data").exists(), "nothing is left of it")

    def test_broken_files(self):
        code, err = self.run_(self.write("x.json", '{"name": "x",\n "source": }'), str(self.folder / "nowhere.json"))
        self.assertEqual(1, code)
        self.assertRegex(err, r"x\.json.*line 2")
        self.assertIn("nowhere.json: No such file", err)

    def test_port_in_use(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            code, err = self.run_(port=port)
            self.assertEqual(1, code)
            self.assertIn("cannot listen on 127.0.0.1:%d: Address already in use; end the program" % port, err)
            self.assertEqual([], list(self.folder.iterdir()), "a new data directory is taken away again")
            (self.folder / "mine").mkdir()
            (self.folder / "mine/notes.txt").write_text("x")
            (self.folder / "mine/state").mkdir()
            self.assertEqual(1, self.run_(data=self.folder / "mine/deep/er", port=port)[0])
            self.assertEqual(1, self.run_(data=self.folder / "mine", port=port)[0])
            self.assertEqual(["notes.txt", "state"], sorted(p.name for p in (self.folder / "mine").iterdir()))
            self.assertEqual(0, self.run_("--exit-when-done")[0])
            kept = sorted(self.folder.glob("data/**/*"))
            self.assertEqual(1, self.run_(port=port)[0])
            self.assertEqual(kept, sorted(self.folder.glob("data/**/*")), "what was there before stays")

    def test_nothing_stays_of_a_start_that_fails(self):
        """Whatever is wrong: a data directory that was not there is not there afterwards."""
        properties = self.folder / "worker.properties"
        certificate = self.write("certificate.pem", "no certificate")
        bad = {"file": ["run", self.write("bad.json", dict(self.pipeline(), source={"plugin": "nope"}))],
               "broken file": ["run", self.write("broken.json", "{")],
               "listen": ["run", "--listen", "nowhere.invalid:1"],
               "plugin folder": ["run", "--plugin-path", str(self.folder / "none"), self.write("p.json", self.pipeline())],
               "worker": ["run", "--worker", str(self.folder / "none.properties")],
               "tls": ["connect-standalone", str(properties)],
               "lock": ["run"]}
        for name, args in bad.items():
            with self.subTest(name):
                data = self.folder / "new/data"
                command = [os.environ["SLUICE_BIN"], *args]
                if name == "tls":
                    properties.write_text("listeners=https://127.0.0.1:0\nlisteners.https.ssl.keystore.type=PEM\n"
                                          "listeners.https.ssl.keystore.location=%s\nsluice.data.dir=%s\n"
                                          "offset.storage.file.filename=%s/o\nkey.converter=string\nvalue.converter=string\n"
                                          "bootstrap.servers=localhost:1\n"
                                          % (certificate, data, self.folder))
                else:
                    command += ["--data", str(data)]
                if name == "lock":  # a directory that cannot be written to is left alone
                    data = pathlib.Path("/proc/sluice/deep")
                    command[-1] = str(data)
                done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=30)
                self.assertNotEqual(0, done.returncode, done.stderr)
                self.assertNotIn("Sanitizer", done.stderr)
                self.assertFalse((self.folder / "new").exists(), done.stderr)

    def test_data_directory_in_use(self):
        with Sluice() as sluice:
            code, err = self.run_(data=sluice.data)
            self.assertEqual(1, code)
            self.assertIn("data directory %s is in use by another sluice, pid %d" % (sluice.data, sluice.pid), err)

    def test_data_directory_of_a_newer_sluice(self):
        self.assertEqual(0, self.run_("--exit-when-done")[0])
        self.sql("UPDATE format SET version = 99")
        code, err = self.run_("--exit-when-done")
        self.assertEqual(1, code)
        self.assertIn("was written by a newer sluice (format 99", err)

    def test_data_directory_not_writable(self):
        code, err = self.run_(data="/proc/sluice")
        self.assertEqual(1, code)
        self.assertIn("data directory /proc/sluice: cannot write to it", err)

    def test_wrong_usage(self):
        for args, part in ((("--log-level", "loud"), "must be error, warn"), (("--hang-timeout", "soon"), "must be a time"),
                           (("--nope",), "unrecognized option")):
            code, err = self.run_(*args)
            self.assertEqual(2, code)
            self.assertIn(part, err)

    def test_signals(self):
        with Sluice(self.write("p.json", self.pipeline(rate=1000))) as sluice:
            sluice.wait_state("p")
            tasks = sluice.children()
            self.assertEqual(0, sluice.terminate())
            self.assertFalse([pid for pid in tasks if alive(pid)])
            sluice.start()
            sluice.wait_state("p")
            pid = sluice.get("/pipelines/p/status").json()["tasks"][0]["pid"]
            os.kill(pid, signal.SIGSTOP)  # it cannot drain
            sluice.process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            self.assertTrue(sluice.running)
            self.assertEqual(128 + signal.SIGTERM, sluice.terminate(5))
            eventually(lambda: not alive(pid), 5)

    def test_signal_while_starting(self):
        path = self.write("p.json", self.pipeline(rate=1000))
        for delay in (0, 0.01, 0.03, 0.06, 0.1, 0.2):
            sluice = Sluice(path)
            sluice.start(wait=False)
            eventually(lambda: "REST on" in sluice.log(), 20)
            time.sleep(delay)
            self.assertEqual(0, sluice.terminate())
            sluice.close()

    def test_status(self):
        with Sluice(self.write("p.json", self.pipeline(rate=1000))) as sluice:
            sluice.wait_state("p")
            command = [os.environ["SLUICE_BIN"], "status", "--url", sluice.url]
            eventually(lambda: re.search(r"^p +RUNNING +1 +[1-9]\d* +[1-9]", subprocess.run(
                command, stdout=subprocess.PIPE, text=True).stdout, re.M), 15)
            time.sleep(1.5)  # a whole second of the rate
            answer = json.loads(subprocess.check_output([*command, "--json"]))
            self.assertEqual("p", answer["pipelines"][0]["name"])
            task = answer["pipelines"][0]["tasks"][0]
            for rate in (answer["pipelines"][0], task, task["branches"][0]):  # 1000, but for a busy machine
                self.assertTrue(200 < rate["records_per_second"] < 2000, rate)
            self.assertGreater(task["records"], 0)
            self.assertIn(task["branches"][0]["lag_ms"], range(0, 10000))  # datagen's records are stamped as they are made
            eventually(lambda: re.search(r"^    task 0 -> null +RUNNING +[1-9]\d*/s +[1-9]\d* records, ", subprocess.run(
                command, stdout=subprocess.PIPE, text=True).stdout, re.M), 15)
            self.assertGreater(answer["pipelines"][0]["tasks"][0]["branches"][0]["last_delivery_ms"], 1e12)
            watch = subprocess.Popen([*command, "--watch"], stdout=subprocess.PIPE, text=True)
            self.addCleanup(watch.wait)
            self.addCleanup(watch.kill)
            heads = 0
            while heads < 2:  # it looks again and again
                line = watch.stdout.readline()
                self.assertTrue(line)
                heads += line.startswith("PIPELINE")
            watch.stdout.close()
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertEqual(1, done.returncode)
        self.assertIn("no sluice answers at", done.stderr)


if __name__ == "__main__":
    unittest.main()
