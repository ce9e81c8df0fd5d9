# tier: all
# builds: release
# exclusive
# timeout: 300
"""`make demo` shows what arrived where, and leaves nothing behind: neither at its end nor when it is interrupted."""

import contextlib
import os
import pathlib
import re
import signal
import subprocess
import sys
import unittest

from sluicetest import Case, scratch_dir

DEMO = pathlib.Path(os.environ["SLUICE_KIT"]) / "demo.py"
STARTING, INSERTING = "starting PostgreSQL", "events a second"


def processes_of(folder):
    """Who was started with that folder for scratch: {pid: command}."""
    found = {}
    for entry in pathlib.Path("/proc").iterdir():
        with contextlib.suppress(OSError):  # it has ended
            if entry.name.isdigit() and b"TMPDIR=%s\0" % os.fsencode(folder) in (entry / "environ").read_bytes():
                found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    return found


@unittest.skipIf(os.environ.get("SLUICE_SANITIZE"), "the demo shows the release build")
class Demo(Case):
    time_limit = 120

    def demo(self, folder):
        """As a terminal starts it: in a process group of its own, SIGINT not ignored."""
        env = {**os.environ, "TMPDIR": str(folder), "DEMO_SECONDS": "1", "DEMO_BURST": "2000"}
        env.pop("SLUICE_KEEP", None)
        return subprocess.Popen([sys.executable, DEMO], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, start_new_session=True,
                                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))

    def nothing_left(self, folder, screen):
        left = processes_of(folder)
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        self.assertEqual({}, left, screen)
        self.assertEqual([], sorted(p.name for p in folder.iterdir()), screen)

    def test_to_its_end(self):
        with scratch_dir("demo-test-") as folder:
            demo = self.demo(folder)
            screen = demo.communicate()[0]
            self.assertEqual(0, demo.returncode, screen)
            for target in ("redis", "clickhouse", "postgres"):
                row = re.search(r"^ +%s +\w+ \w+ +(\d+) +(\d+) +\d+$" % target, screen, re.M)
                self.assertTrue(row, screen)
                self.assertGreater(int(row[1]), 2100)
                self.assertEqual(row[1], row[2], screen)
            self.assertRegex(screen, r"INSERT, commit -> Redis +p50 \d+\.\d ms, p99 \d+\.\d ms \(\d+ events")
            self.assertRegex(screen, r"memory at most \(RssAnon\) +host [1-9]\d*\.\d MB, task [1-9]\d*\.\d MB")
            self.assertRegex(screen, r"an event as it arrived +id=\d+ event_type=\w+ ")
            self.nothing_left(folder, screen)

    def interrupted(self, line, after, interrupt):
        with scratch_dir("demo-test-") as folder:
            demo, screen = self.demo(folder), ""
            while line not in screen:
                read = demo.stdout.readline()
                self.assertTrue(read, "it ended early: " + screen)
                screen += read
            with contextlib.suppress(subprocess.TimeoutExpired):
                demo.wait(after)
            self.assertIsNone(demo.poll(), "it ended before it was interrupted")
            interrupt(demo.pid)
            screen += demo.communicate()[0]
            self.assertEqual(1, demo.returncode, screen)
            self.assertNotIn("Traceback", screen)
            self.nothing_left(folder, screen)
            return screen

    def test_ctrl_c(self):
        """A terminal tells the whole group."""
        for line, after in ((STARTING, 0.05), (STARTING, 0.3), (INSERTING, 0.5)):
            with self.subTest(line=line, after=after):
                screen = self.interrupted(line, after, lambda pid: os.killpg(pid, signal.SIGINT))
                self.assertIn("interrupted; all is taken away", screen)

    def test_sigterm(self):
        for line, after in ((STARTING, 0.05), (STARTING, 0.3), (INSERTING, 0.5)):
            with self.subTest(line=line, after=after):
                self.interrupted(line, after, lambda pid: os.kill(pid, signal.SIGTERM))


if __name__ == "__main__":
    unittest.main()
