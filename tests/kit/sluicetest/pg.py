"""PostgreSQL through psql: values come back as text, NULL as None."""

import csv
import io
import os
import queue
import subprocess
import threading

_NULL = "\x01null\x01"


class PgError(AssertionError):
    pass


class Pg:
    def __init__(self, host, port, user="postgres", dbname="postgres", password=None):
        self.host, self.port, self.user, self.dbname, self.password = host, int(port), user, dbname, password

    @property
    def dsn(self):
        text = "host=%s port=%d user=%s dbname=%s" % (self.host, self.port, self.user, self.dbname)
        return text + (" password=" + self.password if self.password else "")

    def database(self, dbname):
        """The same server, another database."""
        return Pg(self.host, self.port, self.user, dbname, self.password)

    def _command(self):
        return ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-P", "null=" + _NULL, "-P", "pager=off", "--csv", "-t",
                "-h", self.host, "-p", str(self.port), "-U", self.user, "-d", self.dbname]

    def _env(self):
        env = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        env["PGCLIENTENCODING"] = "UTF8"
        env["PGCONNECT_TIMEOUT"] = "10"
        if self.password:
            env["PGPASSWORD"] = self.password
        return env

    def query(self, sql, timeout=60.0):
        """Runs the statements (each in its own transaction unless they say otherwise); rows of all as list of tuples."""
        done = subprocess.run(self._command() + ["-f", "-"], input=sql.encode(), env=self._env(), timeout=timeout,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode != 0:
            raise PgError(done.stderr.decode("utf-8", "replace").strip())
        return _rows(done.stdout.decode())

    def execute(self, sql, timeout=60.0):
        self.query(sql, timeout)

    def value(self, sql, timeout=60.0):
        """The only field of the only row."""
        rows = self.query(sql, timeout)
        if len(rows) != 1 or len(rows[0]) != 1:
            raise PgError("wanted one row with one field, got %r" % (rows[:5],))
        return rows[0][0]

    def session(self):
        """A connection that stays open, for transactions that span several steps of a test. Context manager."""
        return Session(self)


class Session:
    _MARK = "--sluice-session-mark--"

    def __init__(self, pg):
        self.process = subprocess.Popen(pg._command() + ["-v", "ON_ERROR_STOP=0"], env=pg._env(), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.decode())
        self.lines.put(None)

    def query(self, sql, timeout=60.0):
        self.process.stdin.write(("%s;\n\\echo %s\n" % (sql.rstrip().rstrip(";"), self._MARK)).encode())
        self.process.stdin.flush()
        text, errors = [], []
        while True:
            try:
                line = self.lines.get(timeout=timeout)
            except queue.Empty:
                raise PgError("no answer within %g s to: %s" % (timeout, sql)) from None
            if line is None:
                raise PgError("connection lost: %s" % "".join(text + errors))
            if line.strip() == self._MARK:
                break
            (errors if line.startswith(("ERROR:", "FATAL:", "psql:")) else text).append(line)
        if errors:
            raise PgError("".join(errors + text).strip())
        return _rows("".join(text))

    execute = query

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


def _rows(text):
    # A blank line is a row with one empty string: psql puts no quotes around it.
    return [tuple(None if f == _NULL else f for f in row or [""]) for row in csv.reader(io.StringIO(text, newline=""))]
