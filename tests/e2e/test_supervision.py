# builds: all
"""A sluice process whose tasks misbehave: only the bad one suffers. Killed, restarted, paused, resumed, stopped, deleted."""

import json
import os
import pathlib
import subprocess
import unittest

from sluicetest import Case, Sluice, eventually, scratch_dir
from sluicetest.host import alive

SOURCE = pathlib.Path(__file__).resolve().parent / "misbehave.c"
INCLUDE = SOURCE.parents[2] / "plugins/include"


def module(folder, version="1.0.0", name="misbehave.so"):
    """Builds the misbehaving source; moved into place whole, as a package manager would."""
    target = pathlib.Path(folder) / name
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-fvisibility=hidden", "-I", INCLUDE,
                    '-DMISBEHAVE_VERSION="%s"' % version, "-o", "%s.new" % target, SOURCE], check=True)
    os.replace("%s.new" % target, target)
    return target


def pipeline(name, how="run", **more):
    return {"name": name, "source": {"plugin": "misbehave", "config": dict({"how": how}, **more)},
            "sinks": [{"plugin": "null"}], "commit.interval": "50ms"}


class Supervision(Case):
    def setUp(self):
        self.scratch = scratch_dir("supervision-")
        self.folder = pathlib.Path(self.scratch.__enter__())
        self.addCleanup(self.scratch.__exit__, None, None, None)
        self.plugins = self.folder / "plugins"
        self.plugins.mkdir()

    def sluice(self, *args, **kwargs):
        path = "%s:%s" % (self.plugins, os.environ.get("SLUICE_PLUGIN_PATH", ""))
        return Sluice("--crash-limit", "3", "--hang-timeout", "2s", *args, plugin_path=path, **kwargs)

    def native(self, sluice, name):
        return sluice.get("/pipelines/%s/status" % name).expect(200).json()

    def records(self, sluice, name):
        nodes = [n for t in sluice.get("/pipelines/%s/ledger" % name).expect(200).json()["tasks"] for n in t["nodes"]]
        return nodes[0]["out"] if nodes else 0

    def misbehaves(self, how, reason, **more):
        """`how` brings down its own task only, which is restarted and then given up with the reason."""
        module(self.plugins)
        with self.sluice() as sluice:
            sluice.post("/pipelines", pipeline("good")).expect(201)
            sluice.wait_state("good")
            pid = self.native(sluice, "good")["tasks"][0]["pid"]
            sluice.post("/pipelines", dict(pipeline("bad", how, after=0, **more), **{"memory.limit": "100m"})).expect(201)
            status = sluice.wait_state("bad", "FAILED", seconds=60)
            self.assertIn(reason, status["tasks"][0]["trace"])
            good = self.native(sluice, "good")
            self.assertEqual([pid, "RUNNING", 0], [good["tasks"][0][k] for k in ("pid", "state", "restarts")])
            self.assertEqual(503, sluice.get("/health/ready").status)
            self.assertEqual(200, sluice.get("/health/live").status)
            return status

    def test_segfault(self):
        status = self.misbehaves("segv", "killed by signal 11 (SIGSEGV)")
        self.assertIn("starting at 1", status["tasks"][0]["trace"], "the last log lines")

    def test_abort(self):
        self.misbehaves("abort", "killed by signal 6 (SIGABRT)")

    def test_exit(self):
        self.misbehaves("exit", "exit code 3")

    def test_spin(self):
        self.misbehaves("spin", "it gave no sign of life")

    def test_spin_of_a_branch(self):
        """The trunk turns, a sink keeps its branch's thread: noticed, and the branch is named."""
        path = "%s:%s" % (pathlib.Path(os.environ["SLUICE_BUILD"]) / "tests/plugins",
                          os.environ.get("SLUICE_PLUGIN_PATH", ""))
        spin = {"name": "bad", "source": {"plugin": "datagen", "config": {"rate": 100}},
                "sinks": [{"name": "spinner", "plugin": "crash", "config": {"act": "spin"}}]}
        with Sluice("--crash-limit", "2", "--hang-timeout", "2s", plugin_path=path) as sluice:
            sluice.post("/pipelines", dict(spin, name="good", sinks=[{"plugin": "null"}])).expect(201)
            sluice.post("/pipelines", spin).expect(201)
            status = sluice.wait_state("bad", "FAILED", seconds=60)
            self.assertIn("branch spinner gave no sign of life", status["tasks"][0]["trace"])
            self.assertIn("branch spinner gave no sign of life", sluice.log())
            good = self.native(sluice, "good")["tasks"][0]
            self.assertEqual(["RUNNING", 0], [good[k] for k in ("state", "restarts")])

    def test_leak(self):
        self.misbehaves("leak", "was above twice memory.limit")

    def test_reported_failure_is_final(self):
        module(self.plugins)
        with self.sluice() as sluice:
            sluice.post("/pipelines", pipeline("bad", "fail")).expect(201)
            status = sluice.wait_state("bad", "FAILED")
            self.assertIn("it was asked to fail at record", status["tasks"][0]["trace"])
            self.assertEqual("misbehave.asked", status["tasks"][0]["code"])
            self.assertEqual(0, status["tasks"][0]["restarts"])
            sluice.put("/pipelines/bad", pipeline("bad")).expect(200)
            sluice.wait_state("bad")
            self.assertEqual(200, sluice.get("/health/ready").status)

    def test_crash_resumes_from_the_last_position(self):
        module(self.plugins)
        with self.sluice() as sluice:
            sluice.post("/pipelines", pipeline("p", "segv", after=60)).expect(201)
            eventually(lambda: any(t["restarts"] >= 2 for t in self.native(sluice, "p")["tasks"]), 20)
            starts = [int(line.split("starting at ")[1].split(",")[0]) for line in sluice.log().splitlines()
                      if "starting at" in line]
            self.assertEqual(sorted(starts), starts)
            self.assertGreater(starts[-1], 20)

    def test_sigkill_of_the_supervisor_leaves_no_task(self):
        module(self.plugins)
        with self.sluice() as sluice:
            for i in range(4):
                sluice.post("/pipelines", pipeline("p%d" % i)).expect(201)
            for i in range(4):
                sluice.wait_state("p%d" % i)
            eventually(lambda: self.records(sluice, "p0") > 20, 10)
            left = sluice.kill9()
            self.assertGreaterEqual(len(left), 4)
            eventually(lambda: not any(alive(pid) for pid in left), 5)
            sluice.start()
            for i in range(4):
                sluice.wait_state("p%d" % i)

    def test_life_of_a_pipeline(self):
        module(self.plugins)
        with self.sluice() as sluice:
            sluice.post("/pipelines", pipeline("p")).expect(201)
            sluice.post("/pipelines", pipeline("p")).expect(409)
            sluice.wait_state("p")
            pid = self.native(sluice, "p")["tasks"][0]["pid"]
            sluice.put("/pipelines/p/pause").expect(202)
            sluice.wait_state("p", "PAUSED")
            eventually(lambda: not alive(pid), 10)
            task = self.native(sluice, "p")["tasks"][0]
            self.assertNotIn("pid", task)
            self.assertEqual(["IDLE", "IDLE"], [task["state"], task["branches"][0]["state"]])
            # all that was emitted until the end was delivered, and is counted
            self.assertEqual(task["records"], task["branches"][0]["records"])
            eventually(lambda: not sluice.children(), 10)  # no prober either
            self.assertEqual(0, sluice.terminate())
            sluice.start()
            sluice.wait_state("p", "PAUSED", tasks=0)
            sluice.put("/pipelines/p/resume").expect(202)
            sluice.wait_state("p")
            pid = self.native(sluice, "p")["tasks"][0]["pid"]
            sluice.post("/pipelines/p/restart").expect(202)
            eventually(lambda: self.native(sluice, "p")["tasks"] and
                       self.native(sluice, "p")["tasks"][0].get("pid", pid) != pid, 10)
            sluice.wait_state("p")
            sluice.put("/pipelines/p/stop").expect(202)
            sluice.wait_state("p", "STOPPED", tasks=0)
            sluice.delete("/pipelines/p").expect(204)
            sluice.get("/pipelines/p").expect(404)
            sluice.delete("/pipelines/p").expect(404)

    def test_new_module_without_restart_of_anything(self):
        with self.sluice() as sluice:
            answer = sluice.post("/pipelines", pipeline("p")).expect(400).json()
            self.assertIn("misbehave", json.dumps(answer["faults"]))
            module(self.plugins)
            sluice.post("/pipelines", pipeline("p")).expect(201)
            sluice.wait_state("p")
            eventually(lambda: "version 1.0.0" in sluice.log(), 10)
            pid = self.native(sluice, "p")["tasks"][0]["pid"]
            module(self.plugins, "2.0.0")  # the old one runs on, untouched
            sluice.post("/pipelines", pipeline("q")).expect(201)
            eventually(lambda: "version 2.0.0" in sluice.log(), 10)
            self.assertEqual(pid, self.native(sluice, "p")["tasks"][0]["pid"])
            sluice.post("/pipelines/p/restart").expect(202)
            eventually(lambda: sluice.log().count("version 2.0.0") == 2, 10)
            (self.plugins / "half.so").write_bytes((self.plugins / "misbehave.so").read_bytes()[:5000])
            modules = sluice.get("/plugins").expect(200).json()
            half = [m for m in modules if m["file"].endswith("half.so")]
            self.assertTrue(half and half[0]["error"], modules)

    def test_secrets_are_hidden_and_kept(self):
        module(self.plugins)
        with self.sluice(env={"TEST_SECRET": "from-the-environment"}) as sluice:
            sluice.post("/pipelines", pipeline("p", secret="hunter-22")).expect(201)
            sluice.wait_state("p")
            shown = sluice.get("/pipelines/p").expect(200)
            self.assertNotIn("hunter-22", shown.text)
            config = shown.json()["config"]
            self.assertEqual("[hidden]", config["source"]["config"]["secret"])
            sluice.put("/pipelines/p", config).expect(200)
            sluice.post("/pipelines", pipeline("r", secret="${env:TEST_SECRET}")).expect(201)
            config = sluice.get("/pipelines/r").expect(200).json()["config"]
            self.assertEqual("${env:TEST_SECRET}", config["source"]["config"]["secret"])
            self.assertNotIn("hunter-22", sluice.log())
            self.assertNotIn("from-the-environment", sluice.log())
            self.assertIn(b"hunter-22", b"".join(p.read_bytes() for p in sluice.data.glob("sluice.db*")))


if __name__ == "__main__":
    unittest.main()
