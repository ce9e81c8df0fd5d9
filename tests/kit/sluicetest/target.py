"""A web server that a sink sends to, under test: keeps what it was sent and answers as it is told.

    with HttpTarget() as target:
        target.answers = [503, (429, {"Retry-After": "1"}, b"slow down")]   # then 200 for all others
        ... target.requests[0].body
"""

import contextlib
import dataclasses
import http.server
import threading
import time


@dataclasses.dataclass
class Request:
    method: str
    path: str
    headers: dict
    body: bytes
    at: float
    status: int = 200

    def header(self, name):
        return self.headers.get(name.lower())


class HttpTarget:
    def __init__(self):
        self.requests = []
        self.answers = []  # of the next requests: a status, or (status, headers, body)
        self.decide = None  # request -> an answer, or None: goes before `answers`
        self.hang = threading.Event()  # while set, nothing is answered
        self._lock = threading.Lock()

    def _answer(self, request):
        with self._lock:
            self.requests.append(request)
            answer = self.decide(request) if self.decide else None
            if answer is None:
                answer = self.answers.pop(0) if self.answers else 200
        answer = (answer, {}, b"") if isinstance(answer, int) else answer
        request.status = answer[0]
        return answer

    def __enter__(self):
        target = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                status, more, text = target._answer(Request(self.command, self.path, headers, body, time.monotonic()))
                while target.hang.is_set():
                    time.sleep(0.05)
                with contextlib.suppress(ConnectionError):  # who asked may be dead
                    self.send_response(status)
                    for name, value in more.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(text)))
                    self.end_headers()
                    self.wfile.write(text)

            do_POST = do_PUT = do_PATCH = do_OPTIONS = handle_any

            def log_message(self, *args):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = "http://127.0.0.1:%d/hook" % self.port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exc):
        self.hang.clear()
        self._server.shutdown()
        self._server.server_close()

    def taken(self):
        """Requests that were answered with success."""
        return [r for r in list(self.requests) if 200 <= r.status < 300]
