"""The runner counts right: nothing that fails, hangs, crashes or does not run may look like a success."""

import os
import pathlib
import re
import subprocess
import sys
import textwrap
import time
import unittest

from sluicetest import Case, eventually
from sluicetest.ports import free_port, is_free

RUNNER = pathlib.Path(os.environ["SLUICE_KIT"]).parent / "run.py"


class RunnerCase(Case):
    def setUp(self):
        self.root = self.scratch()
        (self.root / "tests").mkdir()

    def add(self, name, text, mode=0o755):
        """A file below the fixture; name starts with tests/ or build/."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        path.chmod(mode)
        return path

    def run_it(self, *options):
        """Returns (exit status, (passed, failed, skipped), output)."""
        done = subprocess.run([sys.executable, str(RUNNER), "--tests", str(self.root / "tests"), "--build",
                               str(self.root / "build"), *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        last = done.stdout.splitlines()[-1]
        found = re.fullmatch(r"(\d+) passed, (\d+) failed, (\d+) skipped", last)
        self.assertTrue(found, done.stdout)
        return done.returncode, tuple(int(n) for n in found.groups()), done.stdout

    def check(self, status, counts, *options):
        got = self.run_it(*options)
        self.assertEqual((status, counts), got[:2], got[2])
        return got[2]


class Counting(RunnerCase):
    def test_nothing_to_run_is_an_error(self):
        out = self.check(1, (0, 0, 0))
        self.assertIn("no test ran", out)

    def test_filter_that_matches_nothing_is_an_error(self):
        self.add("tests/test_a.sh", "#!/bin/sh\nexit 0\n")
        self.check(1, (0, 0, 0), "--filter", "no-such-test")

    def test_shell(self):
        self.add("tests/test_good.sh", "#!/bin/sh\nexit 0\n")
        self.check(0, (1, 0, 0))
        self.add("tests/test_bad.sh", "#!/bin/sh\necho the reason\nexit 3\n")
        self.add("tests/test_skip.sh", "#!/bin/sh\necho first\necho no such server\nexit 77\n")
        self.add("tests/test_plain.sh", "exit 0\n", mode=0o644)
        out = self.check(1, (2, 1, 1))
        self.assertIn("exit status 3", out)
        self.assertIn("| the reason", out)
        self.assertIn("test_skip.sh: no such server", out)

    def test_only_skipped(self):
        self.add("tests/test_skip.sh", "#!/bin/sh\necho why\nexit 77\n")
        self.check(0, (0, 0, 1))
        self.check(1, (0, 0, 1), "--no-skip")

    def test_python(self):
        self.add("tests/test_a.py", """
            import unittest
            class A(unittest.TestCase):
                def test_good(self): pass
                def test_bad(self): self.fail("because")
                def test_error(self): raise ValueError("surprise")
                @unittest.skip("not today")
                def test_skipped(self): pass
                @unittest.expectedFailure
                def test_known(self): self.fail()
                @unittest.expectedFailure
                def test_unexpected(self): pass
                def test_subtests(self):
                    for i in range(4):
                        with self.subTest(i=i):
                            self.assertEqual(i % 2, 0)
            """)
        out = self.check(1, (2, 4, 1))
        for text in ("because", "surprise", "not today"):
            self.assertIn(text, out)

    def test_python_fixture_stands_for_its_cases(self):
        self.add("tests/test_a.py", """
            import unittest
            class Skipped(unittest.TestCase):
                @classmethod
                def setUpClass(cls): raise unittest.SkipTest("no server")
                def test_1(self): pass
                def test_2(self): pass
            class Broken(unittest.TestCase):
                @classmethod
                def setUpClass(cls): raise OSError("broken")
                def test_1(self): pass
                def test_2(self): pass
                def test_3(self): pass
            """)
        self.check(1, (0, 3, 2))

    def test_python_file_that_does_not_load(self):
        self.add("tests/test_syntax.py", "x = (\n")
        self.add("tests/test_empty.py", "x = 1\n")
        self.add("tests/test_skip.py", "import unittest\nraise unittest.SkipTest('nothing for us')\n")
        self.check(1, (0, 2, 1))

    def test_python_that_vanishes(self):
        self.add("tests/test_a.py", """
            import os, unittest
            class A(unittest.TestCase):
                def test_1(self): pass
                def test_2(self): os._exit(0)
                def test_3(self): pass
            """)
        self.assertIn("ended early", self.check(1, (1, 1, 0)))


class Tap(RunnerCase):
    def program(self, name, text):
        return self.add("build/tests/unit/x/" + name, "#!/bin/sh\n" + textwrap.dedent(text))

    def test_cases(self):
        self.program("test_a", "echo 1..2\necho 'ok 1 - one'\necho 'ok 2 - two'\n")
        self.check(0, (2, 0, 0))
        self.program("test_b", """
            echo 1..4
            echo 'ok 1 - fine'
            echo 'not ok 2 - wrong'
            echo '# 0x1 != 0x2'
            echo 'not ok 3 # SKIP later'
            echo 'ok 4 - four'
            echo '# not ok - tests'
            exit 1
            """)
        out = self.check(1, (4, 1, 1))
        self.assertIn("0x1 != 0x2", out)
        self.assertIn("later", out)

    def test_crash_between_cases(self):
        self.program("test_a", "echo 1..3\necho 'ok 1 - one'\nkill -SEGV $$\n")
        self.assertIn("SIGSEGV", self.check(1, (1, 2, 0)))

    def test_bad_exit_after_good_cases(self):
        self.program("test_a", "echo 1..1\necho 'ok 1 - one'\necho LeakSanitizer >&2\nexit 23\n")
        out = self.check(1, (1, 1, 0))
        self.assertIn("exit status 23", out)
        self.assertIn("LeakSanitizer", out)

    def test_no_plan(self):
        self.program("test_a", "exit 0\n")
        self.assertIn("no TAP plan", self.check(1, (0, 1, 0)))

    def test_fewer_than_planned(self):
        self.program("test_a", "echo 1..2\necho 'ok 1 - one'\n")
        self.check(1, (1, 1, 0))

    def test_second_build_runs_c_tests_again(self):
        text = "echo 1..1\necho 'ok 1 - one'\n"
        self.program("test_a", text)
        self.add("other/tests/unit/x/test_a", "#!/bin/sh\n" + text)
        self.add("tests/e2e/test_once.sh", "exit 0\n")
        self.add("tests/e2e/test_twice.sh", "# builds: all\nexit 0\n")
        self.check(0, (5, 0, 0), "--build", str(self.root / "other"))

    def test_figures_come_from_the_tree_without_sanitizers(self):
        for name in ("build", "tsan"):
            self.add(name + "/CMakeCache.txt", "SLUICE_SANITIZE:STRING=address\n")
            self.add("%s/tests/unit/x/test_a" % name, "#!/bin/sh\necho 1..1\necho 'ok 1 - one'\n")
        self.add("release/CMakeCache.txt", "SLUICE_SANITIZE:STRING=\n")
        self.add("tests/e2e/test_figure.sh", '# builds: release\ntest -z "$SLUICE_SANITIZE"\n')
        self.add("tests/e2e/test_all.sh", '# builds: all\ntest -n "$SLUICE_SANITIZE"\n')
        trees = [arg for name in ("tsan", "release") for arg in ("--build", str(self.root / name))]
        self.check(0, (5, 0, 0), *trees)

    def test_markers_of_c_source(self):
        self.program("test_a", "echo 1..1\necho 'ok 1 - one'\n")
        self.add("tests/unit/x/test_a.c", "/* tier: all */\n")
        self.check(1, (0, 0, 0))
        self.check(0, (1, 0, 0), "--tier", "all")

    def test_what_is_no_test(self):
        self.program("test_a.so", "exit 1\n")
        self.program("helper", "exit 1\n")
        self.add("build/tests/unit/x/test_data", "text", mode=0o644)
        self.check(1, (0, 0, 0))


class Limits(RunnerCase):
    def test_shell_timeout_kills_the_whole_group(self):
        pids = self.root / "pids"
        self.add("tests/test_a.sh", """\
            # timeout: 1
            sleep 60 & echo $! >> %s
            setsid sleep 60 & echo $! >> %s
            wait
            """ % (pids, pids))
        started = time.monotonic()
        self.assertIn("timed out after 1 s", self.check(1, (0, 1, 0)))
        self.assertLess(time.monotonic() - started, 20)
        for pid in pids.read_text().split():
            eventually(lambda: gone(int(pid)), 5, "process %s ends" % pid)

    def test_python_timeout_keeps_what_had_passed(self):
        self.add("tests/test_a.py", """\
            # timeout: 2
            import time, unittest
            class A(unittest.TestCase):
                def test_1(self): pass
                def test_2_hangs(self): time.sleep(60)
                def test_3(self): pass
            """)
        out = self.check(1, (1, 1, 0))
        self.assertIn("test_2_hangs", out)
        self.assertIn("in test_2_hangs", out)

    def test_c_timeout(self):
        self.add("build/tests/test_a", "#!/bin/sh\necho 1..2\necho 'ok 1 - one'\nsleep 60\n")
        self.add("tests/test_a.c", "// timeout: 1\n")
        self.check(1, (1, 1, 0))

    def test_case_limits_one_method(self):
        self.add("tests/test_a.py", """
            import time
            from sluicetest import Case, timeout
            class A(Case):
                time_limit = 0.3
                def test_slow(self): time.sleep(30)
                @timeout(20)
                def test_patient(self): time.sleep(0.6)
                def test_quick(self): pass
            """)
        self.assertIn("took longer than 0.3 s", self.check(1, (2, 1, 0)))

    def test_leftovers_are_killed_and_named(self):
        pid = self.root / "pid"
        self.add("tests/test_a.sh", "setsid sleep 60 &\necho $! > %s\nsleep 0.2\n" % pid)
        self.assertIn("left running, killed: sleep", self.check(0, (1, 0, 0)))
        eventually(lambda: gone(int(pid.read_text())), 5, "the process ends")

    def test_tiers_and_exclusive(self):
        self.add("tests/chaos/test_a.sh", "exit 0\n")
        self.add("tests/fuzz/test_a.sh", "exit 0\n")
        self.add("tests/e2e/test_a.sh", "# tier: all\nexit 0\n")
        self.add("tests/e2e/test_b.sh", "# exclusive\nexit 0\n")
        self.check(0, (1, 0, 0))
        self.check(0, (4, 0, 0), "--tier", "all")

    def test_exclusive_runs_alone(self):
        log = self.root / "log"
        for name, marker in (("a", ""), ("b", ""), ("c", "# exclusive")):
            self.add("tests/test_%s.sh" % name, "%s\necho start >> %s\nsleep 0.4\necho end >> %s\n" % (marker, log, log))
        self.check(0, (3, 0, 0), "--jobs", "2")
        self.assertEqual(["start", "end"], log.read_text().split()[-2:])


class Environment(RunnerCase):
    def test_what_a_test_gets(self):
        self.add("build/CMakeCache.txt", "SLUICE_SANITIZE:STRING=address,undefined\n")
        self.add("tests/test_a.sh", """
            set -e
            [ "$SLUICE_BIN" = %(root)s/build/sluice ]
            [ "$SLUICE_PLUGIN_PATH" = %(root)s/build/lib/sluice ]
            [ "$SLUICE_SANITIZE" = address,undefined ]
            [ "$SLUICE_SOURCE" = %(root)s ]
            [ "$PWD" = "$TMPDIR" ]
            python3 -c 'import sluicetest'
            """ % {"root": self.root})
        self.check(0, (1, 0, 0))

    def test_scratch_directory_goes_away(self):
        where = self.root / "where"
        self.add("tests/test_a.sh", "pwd > %s\ntouch x\n" % where)
        self.check(0, (1, 0, 0))
        self.assertFalse(os.path.exists(where.read_text().strip()))


class Ports(unittest.TestCase):
    def test_neighbours(self):
        first = free_port(4)
        self.assertTrue(all(is_free(first + i) for i in range(4)))


def gone(pid):
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
