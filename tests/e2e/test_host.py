# builds: all
"""What the host promises of itself: it loads no plugin, its log has one line a record in the form that fits, levels change while it
runs, SIGTERM leaves nothing undone, and a check of files asks nobody."""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess

from sluicetest import Case, Sluice, scratch_dir
from sluicetest.host import alive

LEVELS = "ERROR|WARN|INFO|DEBUG|TRACE"


def plugins_in(pid):
    """Names of the modules that a process has mapped."""
    maps = pathlib.Path("/proc/%d/maps" % pid).read_text()
    return {pathlib.Path(line.split()[-1]).name for line in maps.splitlines() if "/modules/" in line or "/lib/sluice/" in line}


def run_on_terminal(command, **options):
    """All that it writes to a terminal until it ends."""
    ours, its = os.openpty()
    with subprocess.Popen(command, stdin=its, stdout=its, stderr=its, **options) as process:
        os.close(its)
        written = b""
        try:
            while piece := os.read(ours, 65536):
                written += piece
        except OSError:  # the last one closed it
            pass
        process.wait(30)
    os.close(ours)
    return written.decode().replace("\r\n", "\n")


class Host(Case):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(scratch_dir("host-")))

    def write(self, name, descriptor):
        (self.folder / name).write_text(json.dumps(descriptor))
        return str(self.folder / name)

    def copy(self, **source):
        """From a file that is not there yet to another."""
        return {"name": "p", "source": {"plugin": "file", "config": {"file": str(self.folder / "in"), "topic": "t", **source}},
                "sinks": [{"plugin": "file", "config": {"file": str(self.folder / "out")}}]}

    def test_the_supervisor_loads_no_plugin(self):
        with Sluice(self.write("p.json", self.copy())) as sluice:
            sluice.wait_state("p")
            sluice.get("/plugins").expect(200)
            task, = sluice.children("__task")
            self.assertTrue(plugins_in(task), "a task has what it uses")
            self.assertEqual(set(), plugins_in(sluice.pid))

    def test_a_module_written_over_in_use(self):
        """Not by a rename, as it should be, but into the very file: no task has it mapped."""
        for module in ("datagen.so", "null.so"):
            shutil.copy(pathlib.Path(os.environ["SLUICE_PLUGIN_PATH"].split(":")[0]) / module, self.folder)
        target = self.folder / "datagen.so"
        whole = target.read_bytes()
        descriptor = {"name": "p", "source": {"plugin": "datagen", "config": {"rate": 100}}, "sinks": [{"plugin": "null"}]}
        with Sluice(self.write("p.json", descriptor), plugin_path=str(self.folder)) as sluice:
            sluice.wait_state("p")
            pid, = sluice.children("__task")
            for content in (b"", b"x" * len(whole), whole[:len(whole) // 2]):
                target.write_bytes(content)
                before = self.task(sluice)["records"]
                self.eventually(lambda: self.task(sluice)["records"] > before)
            self.assertEqual((pid, "RUNNING", 0), tuple(self.task(sluice)[k] for k in ("pid", "state", "restarts")))
            found = {m["file"]: m.get("error") for m in sluice.get("/plugins").expect(200).json()}
            self.assertIn("incomplete", found[str(target)])
            target.write_bytes(whole)
            sluice.post("/pipelines/p/restart").expect(202)
            self.eventually(lambda: self.task(sluice).get("pid", pid) != pid)
            sluice.wait_state("p")

    def task(self, sluice):
        return (sluice.get("/pipelines/p/status").json()["tasks"] or [{}])[0]

    def failing(self):
        """A pipeline whose task fails at once, with a message of several lines."""
        return [os.environ["SLUICE_BIN"], "run", "--data", str(self.folder / "data"), "--listen", "127.0.0.1:0", "--exit-when-done",
                self.write("p.json", self.copy(follow=False))]

    def test_log_of_a_program(self):
        done = subprocess.run(self.failing(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=30)
        self.assertNotEqual(0, done.returncode)
        records = [json.loads(line) for line in done.stderr.splitlines()]
        for record in records:
            self.assertRegex(record["level"], "^(%s)$" % LEVELS)
            self.assertRegex(record["ts"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertTrue(any("\n  at running source" in r["text"] and r["pipeline"] == "p" for r in records), records)

    def test_log_of_a_terminal(self):
        written = run_on_terminal(self.failing())
        for line in written.splitlines():
            self.assertRegex(line, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (%s) +\w[\w.]*: ." % LEVELS)
        self.assertRegex(written, r"(?m)^.* ERROR .*: task failed: file\.read: .*\\n  at running source.* pipeline=p")
        asked = run_on_terminal([*self.failing(), "--log-format", "json"])
        self.assertTrue(all(json.loads(line) for line in asked.splitlines()), asked)

    def test_levels_change_while_it_runs(self):
        source = self.folder / "in"
        with Sluice("--log-level", "error", self.write("p.json", self.copy(**{"when.replaced": "restart", "poll.interval": "20ms"}))) as sluice:
            sluice.wait_state("p")
            source.write_text("first\n")
            out = self.folder / "out"
            self.eventually(lambda: out.read_text() == "first\n")
            self.assertEqual("", sluice.log(), "there was a warning: it waited for its file")
            for scope in ("host", "root"):
                sluice.put("/admin/loggers/%s" % scope, {"level": "WARN"}).expect(200)
            (self.folder / "new").write_text("second\n")
            os.replace(self.folder / "new", source)
            self.eventually(lambda: "the file was replaced" in sluice.log(), 10)
            self.eventually(lambda: out.read_text() == "first\nsecond\n")

    def test_sigterm_leaves_nothing_to_repeat(self):
        """Everything that left the source is in the target, and the next start goes on behind it."""
        out = self.folder / "out"
        descriptor = {"name": "p", "source": {"plugin": "datagen", "config": {"rate": 2000}}, "commit.interval": "1h",
                      "sinks": [{"plugin": "file", "config": {"file": str(out)}}]}
        sluice = self.enterContext(Sluice(self.write("p.json", descriptor)))
        had = 0
        for _ in range(3):
            self.eventually(lambda: out.exists() and out.read_text().count("\n") > had, 20)
            self.assertEqual(0, sluice.terminate())
            numbers = [json.loads(line)["id"] for line in out.read_text().splitlines()]
            self.assertEqual(list(range(len(numbers))), numbers)
            had = len(numbers)
            sluice.start()

    def test_a_second_signal_ends_at_once(self):
        """Whichever the two are, and though its task cannot drain."""
        for first, second in ((signal.SIGTERM, signal.SIGTERM), (signal.SIGINT, signal.SIGTERM), (signal.SIGTERM, signal.SIGINT)):
            with self.subTest(first=first, second=second), Sluice(self.write("p.json", self.copy())) as sluice:
                sluice.wait_state("p")
                tasks = sluice.children()
                os.kill(sluice.children("__task")[0], signal.SIGSTOP)
                sluice.process.send_signal(first)
                self.eventually(lambda: "draining all tasks; a second one ends at once" in sluice.log())
                sluice.process.send_signal(second)
                self.assertEqual(128 + second, sluice.process.wait(10))
                self.eventually(lambda: not any(alive(pid) for pid in tasks), 10)

    def test_a_check_of_files_asks_nobody(self):
        with socket.socket() as server:
            server.bind(("127.0.0.1", 0))
            server.listen()
            server.setblocking(False)
            port = server.getsockname()[1]
            place = "127.0.0.1:%d" % port
            path = self.write("p.json", {"name": "p", "source": {"plugin": "postgres", "config": {
                "database.hostname": "127.0.0.1", "database.port": port, "database.user": "u", "database.dbname": "d", "topic.prefix": "t"}},
                "sinks": [{"plugin": "redis", "config": {"redis.host": "127.0.0.1", "redis.port": port, "redis.type": "HASH"}},
                          {"plugin": "kafka", "config": {"bootstrap.servers": place}},
                          {"plugin": "clickhouse", "config": {"hostname": "127.0.0.1", "port": port}},
                          {"plugin": "postgres", "config": {"hostname": "127.0.0.1", "port": port, "user": "u", "dbname": "d"}},
                          {"plugin": "s3", "config": {"s3.bucket.name": "b", "store.url": "http://" + place, "flush.size": 1, "aws.access.key.id": "a",
                                                      "aws.secret.access.key": "b"}},
                          {"plugin": "file", "config": {"file": str(self.folder / "out")}}]})
            done = subprocess.run([os.environ["SLUICE_BIN"], "validate", path], stdout=subprocess.PIPE, text=True, timeout=60)
            self.assertEqual((0, "%s: valid\n" % path), (done.returncode, done.stdout))
            with self.assertRaises(BlockingIOError):
                server.accept()
            self.assertEqual(["p.json"], [p.name for p in self.folder.iterdir()])
