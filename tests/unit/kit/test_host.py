"""The Sluice class against a stand-in for the binary: it must notice what goes wrong."""

import os
import signal
import textwrap
import unittest

from sluicetest import Case, Sluice, eventually
from sluicetest.host import alive, children, rss_anon

STAND_IN = r"""#!/usr/bin/env python3
import http.server, json, os, signal, subprocess, sys, time
args = sys.argv[1:]
assert args[0] == "run" and args[1] == "--data" and args[3] == "--listen" and args[5] == "--plugin-path", args
if "--die" in args:
    sys.exit("bad configuration")
if "--stubborn" in args:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
else:
    signal.signal(signal.SIGTERM, lambda *a: ([c.kill() for c in own], os._exit(0)))
own = [subprocess.Popen(["sleep", "60"])] if "--child" in args else []
if "--report" in args:
    print("==1==ERROR: AddressSanitizer: heap-use-after-free", flush=True)
asked = 0

class Front(http.server.BaseHTTPRequestHandler):
    def log_message(self, *a): pass
    def do_GET(self):
        global asked
        if self.path == "/connectors/c/status":
            asked += 1
            state = "FAILED" if "--failed" in args else "RUNNING" if asked > 3 else "UNASSIGNED"
            body = {"name": "c", "connector": {"state": state}, "tasks": [{"id": 0, "state": state}]}
        elif self.path == "/metrics":
            return self.say(200, b'# HELP x\nx_total{a="b c"} 3\ny 1.5\n')
        else:
            body = {}
        self.say(200 if self.path != "/none" else 404, json.dumps(body).encode())
    def do_POST(self):
        self.say(201, self.rfile.read(int(self.headers.get("Content-Length") or 0)))
    def say(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

host, _, port = args[4].partition(":")
http.server.ThreadingHTTPServer((host, int(port)), Front).serve_forever()
"""


class Host(Case):
    def setUp(self):
        self.binary = self.scratch() / "sluice"
        self.binary.write_text(textwrap.dedent(STAND_IN))
        self.binary.chmod(0o755)

    def make(self, *args, **kwargs):
        return Sluice(*args, binary=str(self.binary), plugin_path="/nowhere", **kwargs)

    def test_rest_and_states(self):
        with self.make() as sluice:
            self.assertEqual({"a": 1}, sluice.post("/x", {"a": 1}).expect(201).json())
            self.assertEqual(b"", sluice.post("/x").body)
            self.assertEqual(404, sluice.get("/none").status)
            with self.assertRaisesRegex(AssertionError, "HTTP status 404"):
                sluice.get("/none").expect(200)
            self.assertEqual("RUNNING", sluice.wait_state("c", tasks=1)["connector"]["state"])
            with self.assertRaisesRegex(AssertionError, "within 0.2 s"):
                sluice.wait_state("c", tasks=2, seconds=0.2)
            self.assertEqual({'x_total{a="b c"}': 3, "y": 1.5}, sluice.metrics())

    def test_failed_is_noticed_at_once(self):
        with self.make("--failed") as sluice:
            with self.assertRaisesRegex(AssertionError, "FAILED"):
                sluice.wait_state("c", seconds=1000)
            sluice.wait_state("c", "FAILED")

    def test_processes(self):
        with self.make("--child") as sluice:
            child = sluice.children()
            self.assertEqual(1, len(child))
            self.assertGreater(sluice.rss_anon(), 1 << 20)
            self.assertGreater(rss_anon(os.getpid()), 1 << 20)
            self.assertEqual(child, sluice.kill9())
            self.assertFalse(sluice.running)
            os.kill(child[0], signal.SIGKILL)
            eventually(lambda: not alive(child[0]), 5)
            self.assertEqual([], children(child[0]))
            sluice.start()
            self.assertEqual(0, sluice.terminate())
            sluice.start()

    def test_dies_while_starting(self):
        with self.assertRaisesRegex(AssertionError, "(?s)ended while starting.*bad configuration"):
            with self.make("--die"):
                pass

    def test_ignores_sigterm(self):
        sluice = self.make("--stubborn").start()
        with self.assertRaisesRegex(AssertionError, "ignores signal 15"):
            sluice.terminate(0.3)
        sluice.kill9()
        sluice.close()

    def test_sanitizer_report_fails_the_test(self):
        with self.assertRaisesRegex(AssertionError, "heap-use-after-free"):
            with self.make("--report"):
                pass

    def test_no_binary_is_a_skip(self):
        with self.assertRaisesRegex(unittest.SkipTest, "no sluice binary"):
            Sluice(binary="/nowhere/sluice").start()
