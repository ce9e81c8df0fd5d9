"""A schema registry of our own with the part of Confluent's interface that converters use: for cases that need ids, versions
and faults to be of our choosing. servers.Registry is a real one."""

import base64
import http.server
import json
import ssl
import threading
import urllib.parse


class Faulty(Exception):
    def __init__(self, status, code, message):
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class FakeRegistry:
    """schemas: {id: text}; versions: {subject: version} where it is not 1. requests: what came, (method, path, body, headers).
    fail: a list of (status, code, message) or "close", given to the next requests. user: (name, password) that it wants."""

    def __init__(self, user=None, tls=None):
        self.schemas, self.versions, self.subjects, self.requests, self.fail = {}, {}, {}, [], []
        self.user = user
        self.latest = {}  # subject: id
        self.references = {}  # id: [{"name", "subject", "version"}]
        self._lock = threading.Lock()
        registry = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self):
                self._serve("GET", None)

            def do_POST(self):
                self._serve("POST", self.rfile.read(int(self.headers.get("Content-Length", "0"))))

            def _serve(self, method, body):
                with registry._lock:
                    registry.requests.append((method, self.path, body, dict(self.headers)))
                    fault = registry.fail.pop(0) if registry.fail else None
                    if fault == "close":
                        self.close_connection = True
                        return
                    try:
                        if fault:
                            raise Faulty(*fault)
                        registry._check(self.headers.get("Authorization"))
                        status, answer = 200, registry._answer(method, self.path, body)
                    except Faulty as e:
                        status, answer = e.status, {"error_code": e.code, "message": e.message}
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self.url = "https://localhost:%d" % self.port if tls else "http://127.0.0.1:%d" % self.port
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exc):
        self._server.shutdown()
        self._server.server_close()

    def _check(self, header):
        if self.user is None:
            return
        wanted = "Basic " + base64.b64encode(("%s:%s" % self.user).encode()).decode()
        if header != wanted:
            raise Faulty(401, 401, "Unauthorized")

    def _id_of(self, text):
        for number, known in self.schemas.items():
            if known == text:
                return number
        number = max(self.schemas, default=0) + 1
        self.schemas[number] = text
        return number

    def _of(self, number):
        references = self.references.get(number)
        return dict({"schema": self.schemas[number]}, **({"references": references} if references else {}))

    def _answer(self, method, path, body):
        parts = [urllib.parse.unquote(p) for p in path.split("?")[0].split("/")[1:]]
        if method == "GET" and parts[:2] == ["schemas", "ids"]:
            number = int(parts[2])
            if number not in self.schemas:
                raise Faulty(404, 40403, "Schema %d not found" % number)
            return self._of(number)
        if parts[0] != "subjects":
            raise Faulty(404, 404, "HTTP 404 Not Found")
        subject = parts[1]
        if method == "GET" and parts[2:] == ["versions", "latest"]:
            if subject not in self.latest:
                raise Faulty(404, 40401, "Subject '%s' not found." % subject)
            number = self.latest[subject]
            return {"subject": subject, "id": number, "version": self.versions.get(subject, 1), "schema": self.schemas[number]}
        if method == "GET" and parts[2:3] == ["versions"]:
            if subject not in self.latest or parts[3] != str(self.versions.get(subject, 1)):
                raise Faulty(404, 40402, "Version %s not found." % parts[3])
            return dict(self._of(self.latest[subject]), subject=subject, id=self.latest[subject], version=int(parts[3]))
        text = json.loads(body)["schema"]
        if parts[2:] == ["versions"]:
            number = self._id_of(text)
            self.subjects.setdefault(subject, set()).add(number)
            return {"id": number}
        if subject not in self.subjects:
            raise Faulty(404, 40401, "Subject '%s' not found." % subject)
        number = self._id_of(text)
        if number not in self.subjects[subject]:
            raise Faulty(404, 40403, "Schema not found")
        return {"subject": subject, "id": number, "version": self.versions.get(subject, 1), "schema": text}

    def add(self, subject, text, version=1, number=None):
        """A schema that is registered already; its id."""
        with self._lock:
            if number is not None:
                self.schemas[number] = text
            else:
                number = self._id_of(text)
            self.subjects.setdefault(subject, set()).add(number)
            self.versions[subject] = version
            self.latest[subject] = number
            return number


def server_tls(directory, client_ca=None):
    """An ssl context of a server with the certificate of servers.make_certs."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "server.pem", directory / "server.key")
    if client_ca:
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context
