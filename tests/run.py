#!/usr/bin/env python3
"""Runs sluice's tests: C executables, shell scripts and Python files. See tests/README.md for how to write one.

  tests/run.py --build build/asan [--build build/tsan] [--tier all] [--filter REGEX] [--jobs N]

C          every executable test_* below <build>/tests (cmocka, TAP): each case counts
shell      tests/**/test_*.sh: one case; exit 77 is a skip, the last line of its output the reason
Python     tests/**/test_*.py (unittest): each case counts

A second --build runs its C tests too, and of the others those with the line "# builds: all", or, in a tree without sanitizers,
"# builds: release". Marker lines in a test's source (for C: in test_x.c): "tier: all", "timeout: SECONDS", "exclusive",
"builds: all" or "builds: release".
The last line of output is "N passed, N failed, N skipped". Exit 1 when anything failed or when nothing ran.
"""

import argparse
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid

HERE = pathlib.Path(__file__).resolve().parent
DEFAULT_TIMEOUT = 120
ALL_TIER_FOLDERS = ("chaos", "fuzz")
SHOWN_OUTPUT = 20000  # characters of a failed test's output
MARKER = re.compile(r"^(?:#|//|/\*)[ \t]*(tier|timeout|exclusive|builds)\b(?:[ \t]*:[ \t]*(\w+))?[ \t]*(?:\*/)?[ \t]*$", re.M)
SANITIZER_REPORT = re.compile(r"(?:ERROR|WARNING): (?:Address|Leak|Thread|Memory)Sanitizer|: runtime error: ")
TAP_CASE = re.compile(r"^\s*(not )?ok \d+\s*(?:- *)?(.*)$")
TAP_PLAN = re.compile(r"^\s*1\.\.(\d+)\s*$")


@dataclasses.dataclass
class Test:
    kind: str  # c, sh, py
    path: pathlib.Path
    name: str
    build: pathlib.Path | None
    markers: dict

    @property
    def timeout(self):
        return float(self.markers.get("timeout", DEFAULT_TIMEOUT))


@dataclasses.dataclass
class Result:
    test: Test
    passed: int = 0
    failures: list = dataclasses.field(default_factory=list)  # (case, text)
    skips: list = dataclasses.field(default_factory=list)  # (case, reason)
    extra_failed: int = 0  # cases that a failed fixture stands for
    extra_skipped: int = 0
    seconds: float = 0.0
    output: str = ""
    notes: list = dataclasses.field(default_factory=list)

    @property
    def failed(self):
        return len(self.failures) + self.extra_failed

    @property
    def skipped(self):
        return len(self.skips) + self.extra_skipped


# Finding the tests --------------------------------------------------------------------------------------------------------


def read_markers(path):
    """Marker lines stand at the beginning of a line among the first 30 of the file."""
    try:
        lines = path.read_text(errors="replace").splitlines()[:30]
    except OSError:
        return {}
    return {name: value or "yes" for name, value in MARKER.findall("\n".join(lines))}


def c_source(executable, build, root):
    """The source of a C test: the same place below tests/, or the only file of that name."""
    relative = executable.relative_to(build / "tests")
    mirrored = (root / relative).with_suffix(".c")
    if mirrored.exists():
        return mirrored
    named = list(root.glob("**/%s.c" % executable.name))
    return named[0] if len(named) == 1 else None


def is_program(path):
    if not path.is_file() or path.suffix or not os.access(path, os.X_OK):
        return False
    with open(path, "rb") as f:
        magic = f.read(4)
    return magic == b"\x7fELF" or magic[:2] == b"#!"


def is_script(path):
    with open(path, "rb") as f:
        return f.read(2) == b"#!" and os.access(path, os.X_OK)


def find_tests(root, builds):
    tests = []
    for build in builds:
        label = "" if build == builds[0] else "[%s] " % build.name
        for path in sorted((build / "tests").glob("**/test_*")):
            if is_program(path):
                source = c_source(path, build, root)
                relative = source.relative_to(root) if source else path.relative_to(build / "tests")
                tests.append(Test("c", path, label + str(relative), build, read_markers(source) if source else {}))
    for kind, suffix in (("sh", "*.sh"), ("py", "*.py")):
        for path in sorted(root.glob("**/test_" + suffix)):
            markers = read_markers(path)
            for build in wanted_builds(builds, markers.get("builds")):
                label = "" if build is None or build == builds[0] else "[%s] " % build.name
                tests.append(Test(kind, path, label + str(path.relative_to(root)), build, markers))
    return tests


def wanted_builds(builds, marker):
    """Where a script runs: in the first tree, in all that have sanitizers, or in one without, if there is one."""
    if marker == "release":
        return [b for b in builds if not sanitizers(b)][:1] or builds[:1] or [None]
    checked = [b for b in builds if sanitizers(b)] or builds
    return (checked if marker == "all" else builds[:1]) or [None]


def in_tier(test, tier):
    folder = re.sub(r"^\[.*?\] ", "", test.name).split("/")[0]
    return tier == "all" or (test.markers.get("tier") != "all" and folder not in ALL_TIER_FOLDERS)


# Running one --------------------------------------------------------------------------------------------------------------


def sanitizers(build):
    try:
        cache = (build / "CMakeCache.txt").read_text(errors="replace")
    except (OSError, AttributeError, TypeError):
        return ""
    found = re.search(r"^SLUICE_SANITIZE:\w+=(.*)$", cache, re.M)
    return found.group(1) if found else ""


def environment(test, root, scratch, mark):
    env = dict(os.environ)
    kit = HERE / "kit"
    env.update({
        "PYTHONPATH": str(kit), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1", "SLUICE_KIT": str(kit),
        "SLUICE_SOURCE": str(root.parent), "TMPDIR": str(scratch),
        # A runner inside a test adds its mark to ours, so that we can find what it would leave behind.
        "SLUICE_TEST_MARK": os.environ.get("SLUICE_TEST_MARK", "") + ":" + mark,
        "CMOCKA_MESSAGE_OUTPUT": "TAP", "LC_ALL": "C.UTF-8", "TZ": "UTC",
    })
    env.pop("CMOCKA_XML_FILE", None)
    if test.build:
        env.update({"SLUICE_BUILD": str(test.build), "SLUICE_BIN": str(test.build / "sluice"),
                    "SLUICE_PLUGIN_PATH": str(test.build / "lib" / "sluice"), "SLUICE_SANITIZE": sanitizers(test.build)})

    def options(name, ours):
        suppressions = kit / (name.lower() + ".supp")
        if suppressions.exists():
            ours += ":suppressions=" + str(suppressions)
        env[name + "_OPTIONS"] = ours + (":" + env[name + "_OPTIONS"] if env.get(name + "_OPTIONS") else "")
    # =2: cmocka catches signals too, and then the stack of a crash would be lost.
    options("ASAN", "handle_segv=2:handle_sigbus=2:handle_sigfpe=2:handle_sigill=2:abort_on_error=0:detect_stack_use_after_return=1")
    options("UBSAN", "print_stacktrace=1:halt_on_error=1")
    options("LSAN", "report_objects=0")
    options("TSAN", "halt_on_error=0:second_deadlock_stack=1")
    return env


def tsan_prefix(test):
    """ThreadSanitizer of gcc 12 cannot map its shadow where the kernel randomises mmap with more than 28 bits."""
    if "thread" not in sanitizers(test.build):
        return []
    try:
        bits = int(pathlib.Path("/proc/sys/vm/mmap_rnd_bits").read_text())
    except (OSError, ValueError):
        return []
    return ["setarch", "-R"] if bits > 28 and shutil.which("setarch") else []


def marked_processes(mark):
    """Processes that a test left running: they carry its mark in their environment, whatever session they moved to."""
    ours = re.compile(rb"(?:^|\0)SLUICE_TEST_MARK=[^\0]*" + mark.encode())
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != os.getpid():
            try:
                with open("/proc/%s/environ" % entry, "rb") as f:
                    if ours.search(f.read()):
                        yield int(entry)
            except OSError:
                pass


def kill_leftovers(group, mark):
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
    names = []
    for pid in marked_processes(mark):
        try:
            names.append(pathlib.Path("/proc/%d/comm" % pid).read_text().strip())
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass
    return names


class Runner:
    def __init__(self, root):
        self.root = root
        self.groups = {}  # process group -> mark, of what runs now
        self.lock = threading.Lock()
        self.stopping = False

    def stop(self):
        self.stopping = True
        for group, mark in list(self.groups.items()):
            kill_leftovers(group, mark)

    def run(self, test):
        started = time.monotonic()
        scratch = pathlib.Path(tempfile.mkdtemp(prefix="sluice-test-"))
        scratch.chmod(0o711)
        result = Result(test)
        try:
            self.run_in(test, scratch, result)
        except Exception as e:  # a fault of the runner must not hide a test
            result.failures.append((test.name, "the runner failed: %s: %s" % (type(e).__name__, e)))
        finally:
            if os.environ.get("SLUICE_KEEP") == "1":
                result.notes.append("scratch kept in %s" % scratch)
            else:
                shutil.rmtree(scratch, ignore_errors=True)
        result.seconds = time.monotonic() - started
        return result

    def run_in(self, test, scratch, result):
        mark = uuid.uuid4().hex
        # Outside of what the test sees as its TMPDIR.
        with tempfile.TemporaryDirectory(prefix="sluice-report-") as reports:
            report, out, err = (pathlib.Path(reports) / n for n in ("report", "out", "err"))
            command = {"c": [str(test.path)], "sh": [str(test.path)],
                       "py": [sys.executable, "-m", "sluicetest.child", str(test.path), str(report), str(test.timeout)]}[test.kind]
            if test.kind == "sh" and not is_script(test.path):
                command.insert(0, "bash")
            command = tsan_prefix(test) + command  # its children inherit it
            with open(out, "wb") as stdout, open(err, "wb") as stderr:
                process = subprocess.Popen(command, cwd=scratch, env=environment(test, self.root, scratch, mark),
                                           stdin=subprocess.DEVNULL, stdout=stdout,
                                           stderr=stderr if test.kind == "c" else stdout, start_new_session=True)
            self.groups[process.pid] = mark
            timed_out = False
            try:
                process.wait(test.timeout)
            except subprocess.TimeoutExpired:
                timed_out = True
            left = kill_leftovers(process.pid, mark)
            process.wait()
            del self.groups[process.pid]
            if left and not timed_out:
                result.notes.append("left running, killed: " + ", ".join(sorted(left)))
            text = out.read_text(errors="replace")
            result.output = err.read_text(errors="replace") if test.kind == "c" else text
            why = "timed out after %g s, killed" % test.timeout if timed_out else describe_exit(process.returncode)
            if test.kind == "c":
                judge_tap(result, text, process.returncode, why, timed_out)
            elif test.kind == "sh":
                judge_shell(result, text, process.returncode, why, timed_out)
            else:
                judge_report(result, report, why, timed_out)
            if not result.failures and SANITIZER_REPORT.search(result.output):
                result.failures.append(("(file)", "all cases passed, but there is a sanitizer's report in the output"))


def describe_exit(status):
    if status < 0:
        try:
            return "killed by " + signal.Signals(-status).name
        except ValueError:
            return "killed by signal %d" % -status
    return "exit status %d" % status


# Judging ------------------------------------------------------------------------------------------------------------------


def judge_tap(result, text, status, why, timed_out):
    """Every case counts; cases that were planned but not reported are failed; a bad end without a failed case is a failure."""
    planned, seen, plans, printed = 0, 0, 0, []
    lines = text.splitlines()
    for i, line in enumerate(lines):
        plan, case = TAP_PLAN.match(line), TAP_CASE.match(line)
        if plan:
            plans += 1
            planned += int(plan.group(1))
        elif case:
            seen += 1
            words = case.group(2)
            skip = re.match(r"(?:(.*?)\s*)?#\s*skip\b\s*(.*)", words, re.I)
            if skip:  # cmocka says "not ok N # SKIP name" and drops the reason
                result.skips.append((skip.group(1) or skip.group(2), "skip() in the test; see its source"))
            elif case.group(1):
                rest = []
                for following in lines[i + 1:]:
                    if re.match(r"[\s#]*(not )?ok |\s*1\.\.", following):
                        break
                    rest.append(following)
                result.failures.append((words, "\n".join(rest)))
            else:
                result.passed += 1
        elif not line.lstrip().startswith("#"):
            printed.append(line)
    result.output = "\n".join(printed + [result.output])
    if timed_out:
        result.failures.append(("(file)", "%s; %d of %d cases had reported" % (why, seen, planned)))
        return
    if plans == 0:
        result.failures.append(("(file)", "no TAP plan in the output (%s):\n%s" % (why, text[-2000:])))
    elif seen < planned:
        for number in range(planned - seen):
            result.failures.append(("(case %d not reported)" % (seen + number + 1), why if number == 0 else ""))
    elif status != 0 and not result.failures:
        result.failures.append(("(file)", "all cases passed, but: " + why))


def judge_shell(result, text, status, why, timed_out):
    name = result.test.path.name
    if status == 0 and not timed_out:
        result.passed = 1
    elif status == 77 and not timed_out:
        reason = text.strip().splitlines()
        result.skips.append((name, reason[-1] if reason else "no reason given"))
    else:
        result.failures.append((name, why))


def judge_report(result, report, why, timed_out):
    running, done = "(file)", False
    try:
        lines = report.read_text().splitlines()
    except OSError:
        lines = []
    for line in lines:
        try:
            item = json.loads(line)
        except ValueError:  # cut off by the kill
            continue
        if "started" in item:
            running = item["started"]
        elif "done" in item:
            done = True
        elif "more" in item and result.failures:
            case, text = result.failures[-1]
            result.failures[-1] = (case, text + "\nalso %s:\n%s" % (item["more"], item["text"]))
        elif item.get("outcome") == "passed":
            result.passed += 1
        elif item.get("outcome") == "skipped":
            result.skips.append((item["name"], item["text"]))
            result.extra_skipped += item["count"] - 1
        elif item.get("outcome") == "failed":
            result.failures.append((item["name"], item["text"]))
            result.extra_failed += item["count"] - 1
    if timed_out and not done:
        result.failures.append((running, why))
    elif not done:
        result.failures.append((running, "the test process ended early: " + why))


# Reporting ----------------------------------------------------------------------------------------------------------------


def indent(text):
    return "".join("    | %s\n" % line for line in text.splitlines())


def show(result):
    word = "FAIL" if result.failed else "skip" if result.skipped and not result.passed else "ok  "
    counts = ["%d passed" % result.passed]
    if result.failed:
        counts.append("%d failed" % result.failed)
    if result.skipped:
        counts.append("%d skipped" % result.skipped)
    print("%s %-58s %8.2f s  %s" % (word, result.test.name, result.seconds, ", ".join(counts)))
    for note in result.notes:
        print("     note: " + note)
    if result.failed:
        for case, text in result.failures:
            print("  failed: %s" % case)
            print(indent(text), end="")
        if result.output.strip():
            print("  output:")
            if len(result.output) > SHOWN_OUTPUT:
                print("    | ... (%d characters left out)" % (len(result.output) - SHOWN_OUTPUT))
            print(indent(result.output[-SHOWN_OUTPUT:]), end="")
    sys.stdout.flush()


def summary(results):
    skipped = [(r.test.name, case, reason) for r in results for case, reason in r.skips]
    if skipped:
        print("\nSkipped:")
        for name, case, reason in skipped:
            what = "" if name.endswith(pathlib.Path(case).name) else " %s:" % case
            print("  %s:%s %s" % (name, what, " ".join(reason.split())))
    failed = [(r.test.name, case) for r in results for case, _ in r.failures]
    if failed:
        print("\nFailed:")
        for name, case in failed:
            print("  %s: %s" % (name, case))
    return sum(r.passed for r in results), sum(r.failed for r in results), sum(r.skipped for r in results)


class Times:
    """How long each test took last time, kept in the build tree: the long ones go first."""

    def __init__(self, build):
        self.path = build / "test-times.json" if build and build.is_dir() else None
        try:
            self.seconds = json.loads(self.path.read_text())
        except (OSError, ValueError, AttributeError):
            self.seconds = {}

    def order(self, test):
        guess = {"c": 0, "sh": 5, "py": 30}[test.kind]
        return -self.seconds.get(test.name, guess)

    def save(self, results):
        self.seconds.update({r.test.name: round(r.seconds, 2) for r in results})
        if self.path:
            self.path.write_text(json.dumps(self.seconds, indent=0))


def arguments():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--build", action="append", type=pathlib.Path, default=[], help="build tree; may be repeated")
    args.add_argument("--tests", type=pathlib.Path, default=HERE, help="where test files lie (default: here)")
    args.add_argument("--tier", choices=("test", "all"), default="test")
    args.add_argument("--filter", default="", metavar="REGEX", help="only tests whose path matches")
    args.add_argument("--jobs", "-j", type=int, default=2)
    args.add_argument("--list", action="store_true", help="only say which tests would run")
    args.add_argument("--no-skip", action="store_true", help="a skipped test fails the run")
    return args.parse_args()


def main():
    args = arguments()
    root, builds = args.tests.resolve(), [b.resolve() for b in args.build]
    tests = [t for t in find_tests(root, builds) if in_tier(t, args.tier) and re.search(args.filter, t.name)]
    if args.list:
        print("\n".join(t.name for t in tests))
        return 0
    for build in builds:
        if not (build / "tests").is_dir() and sanitizers(build):
            print("warning: no tests were built in %s" % build)
    runner, results, times = Runner(root), [], Times(builds[0] if builds else None)
    tests.sort(key=times.order)
    started = time.monotonic()

    def run_and_show(test):
        if runner.stopping:
            return
        result = runner.run(test)
        with runner.lock:
            results.append(result)
            if not runner.stopping:
                show(result)

    def interrupted(number, frame):
        runner.stop()
        print("\ninterrupted by " + signal.Signals(number).name, flush=True)
        os._exit(130)

    signal.signal(signal.SIGINT, interrupted)
    signal.signal(signal.SIGTERM, interrupted)
    with concurrent.futures.ThreadPoolExecutor(max(args.jobs, 1)) as pool:
        list(pool.map(run_and_show, [t for t in tests if "exclusive" not in t.markers]))
    for test in tests:
        if "exclusive" in test.markers:
            run_and_show(test)
    times.save(results)

    passed, failed, skipped = summary(results)
    bad = failed > 0
    if passed + failed + skipped == 0:
        print("no test ran: that is an error")
        bad = True
    if args.no_skip and skipped:
        print("--no-skip: skipped tests count as an error")
        bad = True
    print("\n%d test files in %.1f s" % (len(results), time.monotonic() - started))
    print("%d passed, %d failed, %d skipped" % (passed, failed, skipped))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
