#!/usr/bin/env python3
"""The engine of a current ClickHouse (chdb) behind the part of ClickHouse's HTTP interface that a sink uses.

  chdb-http.py --port N --dir DIR [--tls-dir DIR]

Real: SQL, formats, settings, types, MergeTree, deduplication, error codes and their texts. Imitated here: statuses and
X-ClickHouse-* headers. Absent: parallel queries (one at a time), sessions, native block compression (decompress=1),
quotas, errors after the headers went out. Users: default without password, app / app-secret.
"""

import argparse
import base64
import json
import os
import re
import ssl
import tempfile
import threading
import time
import urllib.parse
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from chdb import session

USERS = {"default": "", "app": "app-secret"}
# URL parameters that are not settings of the query.
NOT_SETTINGS = set(
    "query database user password default_format query_id session_id session_timeout session_check quota_key role "
    "compress decompress wait_end_of_query buffer_size http_response_buffer_size send_progress_in_http_headers "
    "enable_http_compression".split())
STATUS_OF_CODE = dict([
    (400, {6, 25, 26, 27, 33, 38, 41, 44, 53, 62, 69, 70, 72, 117, 130}),
    (401, {194}), (403, {192, 193, 516}), (404, {46, 47, 60, 73, 81, 115}), (413, {66}), (501, {48}), (503, {76, 209}),
])
INSERT = re.compile(rb"\s*INSERT\s+INTO\b(.*?)\sFORMAT\s+(\w+)[ \t]*(?:\r?\n|$)", re.I | re.S)
TRAILING_FORMAT = re.compile(r"\sFORMAT\s+(\w+)\s*;?\s*$", re.I)
READS = re.compile(rb"\s*(SELECT|SHOW|DESC|EXISTS|WITH|EXPLAIN|CHECK)", re.I)


def literal(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def name(text):
    return "`" + text.replace("\\", "\\\\").replace("`", "\\`") + "`"


def number(value):  # a method in some releases of chdb, a property in others
    return value() if callable(value) else value


class Engine:
    """One chdb session. Its calls may come from any thread but run one after another."""

    def __init__(self, directory):
        self.session = session.Session(directory)
        self.lock = threading.Lock()
        self.scratch = tempfile.mkdtemp(prefix="body-", dir=os.path.dirname(os.path.abspath(directory)))

    def decompressed(self, data, encoding):
        with tempfile.NamedTemporaryFile(dir=self.scratch) as f:
            f.write(data)
            f.flush()
            method = {"gzip": "gz"}.get(encoding, encoding)
            sql = "SELECT x FROM file(%s, RawBLOB, 'x String', %s)" % (literal(f.name), literal(method))
            return bytes(self.session.query(sql, "RawBLOB").bytes())

    def insert(self, match, data):
        head = "INSERT INTO" + match.group(1).decode()
        with self.session.send_insert(head, match.group(2).decode()) as stream:
            if data:
                stream.append(data)
            done = stream.finish()
        return b"", match.group(2).decode(), number(done.rows_written), number(done.bytes_written)

    def select(self, text, default_format):
        wanted = TRAILING_FORMAT.search(text)
        fmt = wanted.group(1) if wanted else default_format
        answer = self.session.query(TRAILING_FORMAT.sub("", text), fmt)
        return bytes(answer.bytes() or b""), fmt, number(answer.rows_read), number(answer.bytes_read)

    def run(self, sql, settings, database, default_format):
        """Returns (answer, its format, rows, bytes); settings and database hold for this statement only."""
        try:
            if database:
                self.session.query("USE " + name(database))
            for key, value in settings.items():
                self.session.query("SET %s = %s" % (key, literal(value)))
            match = INSERT.match(sql)
            if match:
                return self.insert(match, sql[match.end():])
            return self.select(sql.decode(), default_format)
        finally:
            for key in settings:
                try:
                    self.session.query("SET %s = DEFAULT" % key)
                except Exception:  # an unknown setting, already reported
                    pass
            if database:
                self.session.query("USE default")


class Front(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 300

    def log_message(self, *args):
        pass

    def read_body(self):
        if "chunked" not in self.headers.get("Transfer-Encoding", "").lower():
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = []
        while True:
            size = int(self.rfile.readline().split(b";")[0], 16)
            body.append(self.rfile.read(size))
            self.rfile.readline()
            if size == 0:
                return b"".join(body)

    def answer(self, status, data, headers):
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def authenticate(self, params):
        auth = self.headers.get("Authorization", "")
        if auth.startswith("Basic "):
            user, _, password = base64.b64decode(auth[6:]).decode().partition(":")
        else:
            user = self.headers.get("X-ClickHouse-User") or params.get("user", "default")
            password = self.headers.get("X-ClickHouse-Key") or params.get("password", "")
        if USERS.get(user) != password:
            raise RuntimeError("Code: 516. DB::Exception: %s: Authentication failed: password is incorrect, or there is no "
                               "user with such name. (AUTHENTICATION_FAILED)" % user)

    def execute(self, params, data):
        engine = self.server.engine
        self.authenticate(params)
        with engine.lock:
            encoding = self.headers.get("Content-Encoding", "").lower()
            if encoding and data:
                data = engine.decompressed(data, encoding)
            query = params.get("query", "").encode()
            sql = query + (b"\n" if query and data else b"") + data
            if self.command in ("GET", "HEAD") and not READS.match(sql):
                raise RuntimeError("Code: 164. DB::Exception: Cannot execute query in readonly mode. (READONLY)")
            settings = {k: v for k, v in params.items() if k not in NOT_SETTINGS and not k.startswith("param_")}
            return engine.run(sql, settings, params.get("database") or self.headers.get("X-ClickHouse-Database"),
                              params.get("default_format") or self.headers.get("X-ClickHouse-Format") or "TabSeparated")

    def serve(self):
        url = urllib.parse.urlsplit(self.path)
        data = self.read_body()
        if url.path == "/ping":
            return self.answer(200, b"Ok.\n", {"Content-Type": "text/html; charset=UTF-8"})
        params = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
        headers = {"X-ClickHouse-Query-Id": params.get("query_id") or str(uuid.uuid4()), "X-ClickHouse-Timezone": "UTC",
                   "X-ClickHouse-Server-Display-Name": "chdb", "Content-Type": "text/plain; charset=UTF-8"}
        started = time.monotonic_ns()
        try:
            out, fmt, rows, size = self.execute(params, data)
        except Exception as e:
            text = re.sub(r"^Streaming insert \w+ failed: ", "", str(e))
            found = re.search(r"Code: (\d+)", text)
            code = int(found.group(1)) if found else 1002
            headers["X-ClickHouse-Exception-Code"] = str(code)
            status = next((s for s, codes in STATUS_OF_CODE.items() if code in codes), 500)
            return self.answer(status, text.encode() + b"\n", headers)
        headers["X-ClickHouse-Format"] = fmt
        headers["X-ClickHouse-Summary"] = json.dumps(
            {"read_rows": str(rows), "read_bytes": str(size), "written_rows": str(rows), "written_bytes": str(size),
             "elapsed_ns": str(time.monotonic_ns() - started)}, separators=(",", ":"))
        return self.answer(200, out, headers)

    do_GET = do_POST = do_PUT = do_HEAD = serve


class Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--port", type=int, required=True)
    args.add_argument("--dir", required=True)
    args.add_argument("--tls-dir", default="")
    args = args.parse_args()
    engine = Engine(args.dir)
    server = Server(("127.0.0.1", args.port), Front)
    server.engine = engine
    if args.tls_dir:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(args.tls_dir + "/server.crt", args.tls_dir + "/server.key")
        server.socket = context.wrap_socket(server.socket, server_side=True)
    version = bytes(engine.session.query("SELECT version()", "TSV").bytes()).decode().strip()
    print("chdb %s listens on 127.0.0.1:%d" % (version, args.port), flush=True)
    server.serve_forever()


main()
