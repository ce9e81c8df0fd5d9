"""Private servers for tests, driven through tests/kit/servers/*.sh. Each is a context manager:

    with Postgres() as server:
        server.query("CREATE TABLE t (id int)")
        server.kill9()
        server.restart()

Where the software of a server is not installed, starting it raises SkipTest with the reason. What a test may do to one:
stop (orderly), crash, kill9, start (again, with the same data and port), restart (stop if it runs, then start).
"""

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest
import urllib.parse
import urllib.request

from . import http, kafka, pg, redis, s3

SCRIPTS = pathlib.Path(__file__).resolve().parent.parent / "servers"


@contextlib.contextmanager
def scratch_dir(prefix="sluice-"):
    """A directory that other accounts may pass through (PostgreSQL does not run as root). SLUICE_KEEP=1 keeps it."""
    path = pathlib.Path(tempfile.mkdtemp(prefix=prefix))
    path.chmod(0o711)
    try:
        yield path
    finally:
        if os.environ.get("SLUICE_KEEP") != "1":
            shutil.rmtree(path, ignore_errors=True)


def make_certs(directory):
    """A CA and certificates for localhost, for the TLS option of the servers; see servers/make-certs.sh."""
    subprocess.run([SCRIPTS / "make-certs.sh", str(directory)], check=True, stdout=subprocess.DEVNULL)
    return pathlib.Path(directory)


class Server:
    kind = ""
    tls_variable = ""

    def __init__(self, *conf, directory=None, port=0, tls=None, env=None):
        """conf: extra lines of the server's configuration. tls: a directory that make_certs filled. env: further variables
        that its start script knows."""
        self.conf, self.directory, self.port, self.info = conf, directory, port, {}
        self.env = dict(env or {})
        if tls:
            self.env[self.tls_variable] = str(tls)
        self._stack = contextlib.ExitStack()

    def start(self):
        if self.directory is None:
            self.directory = self._stack.enter_context(scratch_dir("sluice-%s-" % self.kind))
        done = self._run_script()
        if done.returncode == 1 and self.port == 0:  # somebody may have taken the port in between: once more with another
            (pathlib.Path(self.directory) / "server.port").unlink(missing_ok=True)
            done = self._run_script()
        if done.returncode == 77:
            raise unittest.SkipTest(done.stderr.strip().splitlines()[-1])
        if done.returncode != 0:
            raise RuntimeError("%s did not start: %s" % (self.kind, done.stderr.strip()))
        self.info = json.loads(done.stdout)
        self.port = self.info["port"]
        return self

    def _run_script(self):
        return subprocess.run([SCRIPTS / ("start-%s.sh" % self.kind), str(self.directory), str(self.port), *self.conf],
                              env={**os.environ, **self.env}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True)

    def _end(self, how):
        if self.directory is not None:
            done = subprocess.run([SCRIPTS / "stop.sh", str(self.directory), how], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, text=True)
            if done.returncode != 0:
                raise RuntimeError("%s did not %s: %s" % (self.kind, how, done.stderr.strip()))

    def stop(self):
        self._end("stop")

    def crash(self):
        self._end("crash")

    def kill9(self):
        self._end("kill9")

    def restart(self):
        self.stop()
        return self.start()

    def log(self):
        try:
            return (pathlib.Path(self.directory) / "server.log").read_text(errors="replace")
        except OSError:
            return ""

    @property
    def host(self):
        return self.info["host"]

    @property
    def pid(self):
        return self.info["pid"]

    @property
    def running(self):
        try:
            with open("/proc/%d/stat" % self.pid) as f:
                return f.read().rpartition(")")[2].split()[0] != "Z"
        except (OSError, KeyError):
            return False

    def close(self):
        try:
            self._end("kill9")  # its data goes away, so no need to be polite
        finally:
            self._stack.close()

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.close()  # an interrupted script may have left its server running
            raise

    def __exit__(self, *exc):
        self.close()


class Postgres(Server):
    """Superuser postgres without password, wal_level=logical. The methods of pg.Pg work on the server itself."""

    kind, tls_variable = "postgres", "PG_TLS_DIR"

    def __init__(self, *conf, major=None, **more):
        """major: that one of PostgreSQL (14 to 18) instead of the newest that Debian has."""
        super().__init__(*conf, **more)
        if major:
            self.env["PG_MAJOR"] = str(major)

    @property
    def client(self):
        return pg.Pg(self.host, self.port, password=self.env.get("PG_PASSWORD"))

    @property
    def dsn(self):
        return self.client.dsn

    def query(self, sql, timeout=60.0):
        return self.client.query(sql, timeout)

    def execute(self, sql, timeout=60.0):
        self.client.query(sql, timeout)

    def value(self, sql, timeout=60.0):
        return self.client.value(sql, timeout)

    def session(self):
        return self.client.session()

    def drop_slots(self, seconds=30):
        """All replication slots, once nobody streams from them: a walsender ends a little after its client."""
        end = time.monotonic() + seconds
        while self.query("SELECT 1 FROM pg_replication_slots WHERE active") and time.monotonic() < end:
            time.sleep(0.02)
        self.query("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots")


class Kafka(Server):
    """One broker, topics appear on first use (or by create_topic). The methods of kafka.Client work on it itself."""

    kind, tls_variable = "kafka", "KAFKA_TLS_DIR"

    @property
    def bootstrap(self):
        return self.info["bootstrap"]

    @property
    def client(self):
        return kafka.Client(self.bootstrap)

    def __getattr__(self, name):
        if name in ("produce", "produce_exactly", "consume", "fetch", "topics", "end_offset", "create_topic", "delete_topic", "topic_config", "group_offsets"):
            return getattr(self.client, name)
        raise AttributeError(name)


class Redis(Server):
    kind, tls_variable = "redis", "REDIS_TLS_DIR"

    def client(self):
        """A new connection; close it, or use it as a context manager."""
        return redis.Redis(self.host, self.port, self.env.get("REDIS_PASSWORD"))

    def command(self, *args):
        with self.client() as c:
            return c.command(*args)


class ClickHouse(Server):
    """ClickHouse 18.16 of Debian: a real server with an old protocol."""

    kind, tls_variable = "clickhouse", "CH_TLS_DIR"

    @property
    def url(self):
        return self.info["url"]

    def query(self, sql, data=None, **settings):
        """Rows as lists of text (TabSeparated); data follows the statement of an INSERT."""
        answer = http.request("POST", self.url + "/?" + urllib.parse.urlencode({"query": sql, **settings}),
                              data=data if data is not None else b"")
        if answer.status != 200:
            raise AssertionError("%s: %s" % (sql, answer.text))
        return [line.split("\t") for line in answer.text.splitlines()]

    execute = query

    def value(self, sql):
        rows = self.query(sql)
        if len(rows) != 1 or len(rows[0]) != 1:
            raise AssertionError("%s: wanted one value, got %r" % (sql, rows[:5]))
        return rows[0][0]


class Chdb(ClickHouse):
    """The engine of a current ClickHouse behind an imitation of its HTTP interface; see servers/chdb-http.py."""

    kind = "chdb"


class S3(Server):
    """versitygw: verifies signatures, checksums and conditions. Objects lie as files below directory/data."""

    kind, tls_variable = "s3", "S3_TLS_DIR"

    @property
    def url(self):
        return self.info["url"]

    @property
    def client(self):
        return s3.S3(self.url, self.info["access_key"], self.info["secret_key"], self.info["region"])

    def __getattr__(self, name):
        if name in ("create_bucket", "put", "get", "keys", "listing", "request"):
            return getattr(self.client, name)
        raise AttributeError(name)


class Registry(Server):
    """Apicurio, which has the interface of Confluent's schema registry below url."""

    kind = "registry"

    @property
    def url(self):
        return self.info["url"]

    def get(self, path):
        """The JSON below a path: "/subjects"."""
        return self._ask(path, None, "GET")

    def post(self, path, body):
        return self._ask(path, body, "POST")

    def put(self, path, body):
        return self._ask(path, body, "PUT")

    def _ask(self, path, body, method):
        request = urllib.request.Request(self.url + path, None if body is None else json.dumps(body).encode(), method=method,
                                         headers={"Content-Type": "application/vnd.schemaregistry.v1+json"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=20) as answer:
            return json.loads(answer.read() or "null")
