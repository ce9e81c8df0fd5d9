"""The sluice process under test.

    with Sluice() as sluice:
        sluice.post("/pipelines", {...}).expect(201)
        sluice.wait_state("name")
        sluice.kill9()
        sluice.start()

The binary comes from SLUICE_BIN, plugins from SLUICE_PLUGIN_PATH (tests/run.py sets both).
"""

import os
import pathlib
import re
import signal
import subprocess
import time
import unittest

from . import http, servers
from .ports import free_port

SANITIZER_REPORT = re.compile(r"ERROR: (Address|Leak|Thread|Memory)Sanitizer|WARNING: ThreadSanitizer|runtime error: ")


def has_role(pid, role):
    """Whether its command line says so: sluice __task."""
    try:
        with open("/proc/%d/cmdline" % pid, "rb") as f:
            return role.encode() in f.read()
    except OSError:
        return False


def children(pid, recursive=True, role=None):
    """The processes below pid, oldest first; of those with a role, only they."""
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open("/proc/%s/stat" % entry) as f:
                    state, parent = f.read().rpartition(")")[2].split()[:2]
            except OSError:
                continue
            if state != "Z":
                parents.setdefault(int(parent), []).append(int(entry))
    found, todo = [], [pid]
    while todo:
        own = sorted(parents.get(todo.pop(0), []))
        found += own
        if recursive:
            todo += own
    return found if role is None else [child for child in found if has_role(child, role)]


def rss_anon(pid):
    """Anonymous resident memory in bytes: what the process itself holds, without mapped files."""
    with open("/proc/%d/status" % pid) as f:
        return int(re.search(r"^RssAnon:\s+(\d+) kB", f.read(), re.M).group(1)) * 1024


def alive(pid):
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Sluice:
    def __init__(self, *args, directory=None, port=0, env=None, binary=None, plugin_path=None, deadline=30.0):
        """args: more arguments of `sluice run`. directory: keeps data and log (default: a scratch directory)."""
        self.binary = binary or os.environ.get("SLUICE_BIN", "")
        self.plugin_path = plugin_path or os.environ.get("SLUICE_PLUGIN_PATH", "")
        self.args, self.env, self.deadline = list(args), dict(env or {}), deadline
        self.port = port or free_port()
        self.process = None
        self._own = directory is None
        self._scratch = servers.scratch_dir("sluice-run-") if self._own else None
        self.directory = pathlib.Path(self._scratch.__enter__() if self._own else directory)
        self.data = self.directory / "data"
        self.log_path = self.directory / "sluice.log"

    # The process -----------------------------------------------------------------------------------------------------------

    @property
    def url(self):
        return "http://127.0.0.1:%d" % self.port

    @property
    def pid(self):
        return self.process.pid

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    @property
    def sanitized(self):
        """Whether the binary is a sanitizer build (then memory and speed mean nothing)."""
        return bool(os.environ.get("SLUICE_SANITIZE"))

    def command(self):
        listen = "127.0.0.1:%d" % self.port
        return [self.binary, "run", "--data", str(self.data), "--listen", listen, "--plugin-path", self.plugin_path, *self.args]

    def start(self, wait=True):
        if not self.binary or not os.access(self.binary, os.X_OK):
            raise unittest.SkipTest("no sluice binary (SLUICE_BIN=%s)" % self.binary)
        assert not self.running, "sluice runs already"
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command(), env={**os.environ, **self.env}, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=subprocess.STDOUT, cwd=self.directory)
        if wait:
            self.wait_live()
        return self

    def wait_live(self, seconds=None):
        end = time.monotonic() + (seconds or self.deadline)
        while True:
            if self.process.poll() is not None:
                raise AssertionError("sluice ended while starting, status %s:\n%s" % (self.process.returncode, self.log_tail()))
            try:
                if self.get("/health/live", timeout=5).status == 200:
                    return
            except OSError:
                pass
            if time.monotonic() > end:
                raise AssertionError("sluice does not answer /health/live:\n" + self.log_tail())
            time.sleep(0.02)

    def terminate(self, seconds=30.0):
        """SIGTERM; returns the exit status."""
        return self._finish(signal.SIGTERM, seconds)

    def kill9(self):
        """SIGKILL to the supervisor alone; its tasks have to notice by themselves. Returns the pids that it left."""
        left = children(self.pid)
        self._finish(signal.SIGKILL, 10)
        return left

    def _finish(self, number, seconds):
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError("sluice ignores signal %d for %g s:\n%s" % (number, seconds, self.log_tail())) from None

    def children(self, role=None):
        """Tasks ("__task"), probers ("__probe"), the store's ("__store"); without a role all of them."""
        return children(self.pid, role=role)

    def rss_anon(self, pid=None):
        return rss_anon(pid or self.pid)

    def close(self):
        """Kills what runs, then fails when a sanitizer had something to say."""
        try:
            if self.running:
                try:
                    self.terminate(15)
                except AssertionError:
                    left = self.children()
                    self.process.kill()
                    self.process.wait()
                    for pid in left:
                        if alive(pid):
                            os.kill(pid, signal.SIGKILL)
                    raise
            reports = self.sanitizer_reports()
            if reports:
                raise AssertionError("sanitizer report:\n" + reports)
        finally:
            if self._own:
                self._scratch.__exit__(None, None, None)

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            if self._own and not self.running:
                self._scratch.__exit__(None, None, None)
            raise

    def __exit__(self, kind, error, trace):
        if kind is not None:
            print("---- log of sluice (port %d):\n%s" % (self.port, self.log_tail()), flush=True)
        try:
            self.close()
        except AssertionError:
            if kind is None:
                raise

    # What it says ----------------------------------------------------------------------------------------------------------

    def log(self):
        try:
            return self.log_path.read_text(errors="replace")
        except OSError:
            return ""

    def log_tail(self, lines=60):
        return "\n".join(self.log().splitlines()[-lines:])

    def sanitizer_reports(self):
        log = self.log()
        found = SANITIZER_REPORT.search(log)
        return _plain(log[found.start():found.start() + 40000])[:12000] if found else ""

    # REST ------------------------------------------------------------------------------------------------------------------

    def request(self, method, path, **kwargs):
        return http.request(method, self.url + path, **kwargs)

    def get(self, path, **kwargs):
        return self.request("GET", path, **kwargs)

    def post(self, path, *body, **kwargs):
        return self.request("POST", path, **_with(body, kwargs))

    def put(self, path, *body, **kwargs):
        return self.request("PUT", path, **_with(body, kwargs))

    def patch(self, path, *body, **kwargs):
        return self.request("PATCH", path, **_with(body, kwargs))

    def delete(self, path, **kwargs):
        return self.request("DELETE", path, **kwargs)

    def status(self, name):
        """Connect's status document, of a native pipeline in the same shape; {} when there is none."""
        answer = self.get("/connectors/%s/status" % name)
        if answer.status == 200:
            return answer.json()
        answer = self.get("/pipelines/%s/status" % name)
        if answer.status != 200:
            return {}
        own = answer.json()
        idle = {"IDLE": own["target"] if own["target"] != "RUNNING" else "STARTING"}
        tasks = [dict(t, state=idle.get(t["state"], t["state"])) for t in own["tasks"]]
        return {"name": name, "connector": {"state": own["state"], "trace": own.get("trace")}, "tasks": tasks}

    def wait_state(self, name, state="RUNNING", tasks=None, seconds=30.0):
        """Waits until the connector and all its tasks (that many, at least one while RUNNING) are in the state; returns the
        status. Waiting for RUNNING ends at once when something is FAILED."""
        end = time.monotonic() + seconds
        while True:
            status = self.status(name) if self.running else {}
            own = [t["state"] for t in status.get("tasks", [])]
            seen = [status["connector"]["state"]] + own if status else []
            enough = len(own) == tasks if tasks is not None else len(own) > 0 or state != "RUNNING"
            if seen and enough and all(s == state for s in seen):
                return status
            failed = state == "RUNNING" and "FAILED" in seen
            if failed or not self.running or time.monotonic() > end:
                raise AssertionError("%s is not %s%s: %s\n%s" % (
                    name, state, "" if failed else " within %g s" % seconds, status, self.log_tail()))
            time.sleep(0.05)

    def metrics(self):
        """{'name{label="value"}': float} of /metrics."""
        found = {}
        for line in self.get("/metrics").expect(200).text.splitlines():
            if line and not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                found[name] = float(value)
        return found


def _plain(log):
    """A report of a task comes line by line in log records: only their texts."""
    return re.sub(r'^.*"scope":"task\.stderr","text":"(.*?)",".*$', r"\1", log, flags=re.M)


def _with(body, kwargs):
    return dict(kwargs, json=body[0]) if body else kwargs
