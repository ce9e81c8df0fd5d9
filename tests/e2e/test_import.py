# timeout: 300
"""sluice import connect: against a fake worker that answers as real ones were recorded, over TLS and with a password, and
against our own port; what it writes runs."""

import base64
import http.server
import json
import os
import pathlib
import ssl
import stat
import subprocess
import threading
import urllib.parse

from sluicetest import Case, Sluice, make_certs, scratch_dir
from sluicetest.ports import free_port
from sluicetest.worker import ConnectWorker

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden" / "connect-import"
SOURCE = "org.apache.kafka.connect.file.FileStreamSourceConnector"
STRING = "org.apache.kafka.connect.storage.StringConverter"


class FakeWorker:
    """Answers {path: (status, body)}; everything else is Connect's 404."""

    def __init__(self, answers, password=None, tls=None):
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                fake.asked.append(self.path)
                status, body = fake.answer(self)
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args):
                pass

        self.answers, self.password, self.asked = answers, password, []
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.scheme = "http"
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls / "server.crt", tls / "server.key")
            context.load_verify_locations(tls / "ca.crt")
            context.verify_mode = ssl.CERT_OPTIONAL
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
            self.scheme = "https"

    def answer(self, request):
        given = request.headers.get("Authorization", "")
        if self.password and given != "Basic " + base64.b64encode(self.password.encode()).decode():
            return 401, b"User cannot access the resource."
        return self.answers.get(request.path, (404, {"error_code": 404, "message": "HTTP 404 Not Found"}))

    @property
    def url(self):
        return "%s://localhost:%d" % (self.scheme, self.server.server_address[1])

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exc):
        self.server.shutdown()
        self.server.server_close()


def recorded():
    """The answers of a real worker, see connect-import/answers.json."""
    return {path: tuple(answer) for path, answer in json.loads((GOLDEN / "answers.json").read_text()).items()}


def a_worker(configs, states=None, offsets=None):
    """Answers of a worker with these connectors."""
    listed = {}
    for name, config in configs.items():
        kind = "sink" if "Sink" in config["connector.class"] else "source"
        listed[name] = {"info": {"name": name, "config": config, "tasks": [], "type": kind},
                        "status": {"name": name, "connector": {"state": (states or {}).get(name, "RUNNING"), "worker_id": "w:1"},
                                   "tasks": [], "type": kind}}
    answers = {"/": (200, {"version": "3.9.0", "commit": "abc", "kafka_cluster_id": "xyz"}),
               "/connectors?expand=info&expand=status": (200, listed)}
    for name, some in (offsets or {}).items():
        answers["/connectors/%s/offsets" % name] = (200, {"offsets": some})
    return answers


def file_source(**more):
    return {"connector.class": SOURCE, "file": "/tmp/in", "topic": "t", "value.converter": STRING, **more}


class Import(Case):
    time_limit = 150  # each import looks at every module anew: seconds, with sanitizers on a busy machine

    def run_import(self, *args, stdin="", env=None):
        binary = os.environ["SLUICE_BIN"]
        done = subprocess.run([binary, "import", *map(str, args), "--plugin-path", os.environ["SLUICE_PLUGIN_PATH"]],
                              input=stdin, env={**os.environ, **(env or {})}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertNotIn("Sanitizer", done.stderr)
        return done

    def report(self, url, *args, code=0, **given):
        done = self.run_import("connect", url, "--json", *args, **given)
        self.assertEqual(code, done.returncode, done.stderr)
        report = json.loads(done.stdout)
        return report, {c["name"]: c for c in report["connectors"]}

    def one(self, config, code=0, *args):
        with FakeWorker(a_worker({"c": config})) as worker:
            return self.report(worker.url, *args, code=code)[1]["c"]

    def reasons(self, connector):
        return {r["key"]: r["message"] + " " + r.get("hint", "") for r in connector["reasons"]}

    # What it says of connectors ------------------------------------------------------------------------------------------

    def test_a_real_worker_as_it_was_recorded(self):
        with FakeWorker(recorded()) as worker:
            report, found = self.report(worker.url)
        self.assertEqual("4.0.0", report["worker"]["version"])
        self.assertEqual({"file-in": "unchanged", "file-out": "unchanged", "typo": "differs"},
                         {name: c["verdict"] for name, c in found.items()})
        self.assertEqual({"unchanged": 2, "differs": 1, "cannot": 0}, {k: report[k] for k in ("unchanged", "differs", "cannot")})
        self.assertEqual("PAUSED", found["typo"]["state"])
        self.assertIn("bach.size", self.reasons(found["typo"]))

    def test_unknown_things_are_named_with_what_is_near(self):
        c = self.one(file_source(**{"value.converter": "org.apache.kafka.connect.json.JsonConvertr",
                                    "transforms": "a,b", "transforms.a.type": "org.apache.kafka.connect.transforms.RegexRouterr",
                                    "transforms.b.type": "com.example.Own"}), 1)
        reasons = self.reasons(c)
        self.assertEqual("cannot", c["verdict"])
        self.assertIn("org.apache.kafka.connect.json.JsonConverter", reasons["value.converter"])
        self.assertIn("org.apache.kafka.connect.transforms.RegexRouter", reasons["transforms.a.type"])
        self.assertIn("com.example.Own", reasons["transforms.b.type"])

    def test_an_unknown_class(self):
        c = self.one({"connector.class": "org.apache.kafka.connect.file.FileStreamSnkConnector", "topics": "t"}, 1)
        self.assertIn("FileStreamSinkConnector", self.reasons(c)["connector.class"])

    def test_wrong_values_and_missing_ones(self):
        reasons = self.reasons(self.one({"connector.class": SOURCE, "file": "f", "batch.size": "many"}, 1))
        self.assertEqual({"batch.size", "topic"}, set(reasons))

    def test_unknown_properties_differ(self):
        c = self.one(file_source(**{"no.such.property": "1"}))
        self.assertEqual("differs", c["verdict"])
        self.assertIn("no.such.property", self.reasons(c))

    def test_hidden_values_and_references(self):
        c = self.one(file_source(file="[hidden]", topic="${env:TOPIC}"))
        self.assertEqual(("differs", {"file"}), (c["verdict"], set(self.reasons(c))))
        c = self.one(file_source(**{"batch.size": "${vault:secret/x:size}", "topic": "${file:/no/such:topic}"}), 1)
        self.assertEqual(["batch.size"], list(self.reasons(c)))
        self.assertIn("vault", self.reasons(c)["batch.size"])

    def test_defaults_of_the_worker(self):
        properties = self.scratch() / "worker.properties"
        properties.write_text("bootstrap.servers=localhost:9092\nkey.converter=%s\nvalue.converter=com.example.Converter\n" % STRING)
        config = file_source()
        del config["value.converter"]
        self.assertEqual("unchanged", self.one(config)["verdict"])
        self.assertEqual("cannot", self.one(config, 1, "--worker", properties)["verdict"])

    def test_text_for_people(self):
        with FakeWorker(a_worker({"good": file_source(), "bad": {"connector.class": "NoSuch"}})) as worker:
            done = self.run_import("connect", worker.url)
        self.assertEqual(1, done.returncode)
        self.assertIn("good: runs unchanged", done.stdout)
        self.assertIn("bad: CANNOT RUN", done.stdout)
        self.assertIn("1 run unchanged, 0 with differences, 1 cannot", done.stdout)

    def test_a_hostile_worker_runs_and_draws_nothing(self):
        name, ugly = "a$(touch x);`b`'", "b\x1b[2J\n\u009b1m"
        answers = a_worker({name: file_source(), ugly: file_source()})
        answers["/connectors/%s/offsets" % urllib.parse.quote(name, safe="")] = (
            200, {"offsets": [{"partition": {"filename": "/tmp/in"}, "offset": {"position": 1}}]})
        with FakeWorker(answers) as worker:
            done = self.run_import("connect", worker.url, "--out", self.scratch() / "out")
        self.assertIn("b?[2J??1m: ", done.stdout)
        self.assertIn("a$(touch x);`b`' is STOPPED until it has its offsets:\n", done.stdout)
        commands = [line for line in done.stdout.splitlines() if line.startswith("    curl ")]
        self.assertEqual(2, len(commands), done.stdout)
        for line in commands:
            self.assertNotRegex(line, "[$`;()]")
            self.assertIn("/connectors/a%24%28touch%20x%29%3B%60b%60%27/", line)
        self.assertNotRegex(done.stdout + done.stderr, "[\x1b\u009b]")
        with FakeWorker({"/": (500, b"\x1b]0;title\x07")}) as worker:
            done = self.run_import("connect", worker.url)
        self.assertIn("?]0;title?", done.stderr)

    def test_an_old_worker_lists_names_alone(self):
        answers = a_worker({"a b": file_source()})
        listed = answers.pop("/connectors?expand=info&expand=status")[1]["a b"]
        answers.update({"/connectors?expand=info&expand=status": (200, ["a b", "gone"]),
                        "/connectors/a%20b": (200, listed["info"]), "/connectors/a%20b/status": (200, listed["status"])})
        with FakeWorker(answers) as worker:
            self.assertEqual(["a b"], list(self.report(worker.url)[1]))

    # Whom it asks --------------------------------------------------------------------------------------------------------

    def refused(self, *args):
        done = self.run_import("connect", *args)
        self.assertEqual((3, ""), (done.returncode, done.stdout))
        return done.stderr

    def test_nobody_there_and_wrong_ones(self):
        self.assertIn("no Kafka Connect worker answers at http://127.0.0.1:", self.refused("http://127.0.0.1:%d" % free_port()))
        self.assertIn("not of the form", self.refused("ftp://localhost"))
        for answer in ((200, b"<html>hello</html>"), (200, {"hello": 1}), (302, b""), (500, b"oops")):
            with FakeWorker({"/": answer}) as other:
                self.assertIn("no Kafka Connect worker", self.refused(other.url))

    def test_passwords(self):
        with FakeWorker(a_worker({"c": file_source()}), password="ann:s:cret") as worker:
            self.assertIn("give --user", self.refused(worker.url))
            self.assertIn("not right (401)", self.refused(worker.url, "--user", "ann:wrong"))
            self.report(worker.url, "--user", "ann:s:cret")
            secret = self.scratch() / "password"
            secret.write_text("s:cret\n")
            self.report(worker.url, "--user", "ann", "--password-file", secret)
            self.report(worker.url, "--user", "ann", "--password-file", "-", stdin="s:cret\n")
            self.report(worker.url, "--user", "ann", env={"SLUICE_IMPORT_PASSWORD": "s:cret"})

    def test_tls(self):
        certs = pathlib.Path(self.enterContext(scratch_dir("certs-")))
        make_certs(certs)
        with FakeWorker(a_worker({"c": file_source()}), tls=certs) as worker:
            self.assertIn("not trusted", self.refused(worker.url))
            self.report(worker.url, "--ca", certs / "ca.crt")
            self.report(worker.url, "--ca", certs / "ca.crt", "--cert", certs / "client.crt", "--key", certs / "client.key")
            self.report(worker.url, "--insecure")
            self.assertIn("no certificates", self.refused(worker.url, "--ca", "/no/such/file"))
        with FakeWorker(a_worker({})) as plain:
            self.assertIn("http instead", self.refused(plain.url.replace("http", "https")))

    def test_usage(self):
        for args in ((), ("connect",), ("other", "http://x"), ("connect", "http://x", "--bogus")):
            self.assertEqual(2, self.run_import(*args).returncode, args)

    # What it writes ------------------------------------------------------------------------------------------------------

    def test_what_it_writes_runs_and_goes_on(self):
        folder, data = self.scratch() / "out", self.scratch()
        text = data / "in.txt"
        text.write_text("one\ntwo\nthree\n")
        offsets = [{"partition": {"filename": str(text)}, "offset": {"position": 4}}]
        source = {"connector.class": SOURCE, "file": str(text), "topic": "t", "value.converter": STRING}
        answers = a_worker({"in/../x": source, "off": {**source, "file": str(data / "none")}, "no": {"connector.class": "X"}},
                           {"off": "PAUSED"}, {"in%2F..%2Fx": offsets})
        with FakeWorker(answers) as worker:
            _, found = self.report(worker.url, "--out", folder, code=1)
            self.assertIn("take it away", self.run_import("connect", worker.url, "--out", folder).stderr)
        self.assertEqual({"in%2F..%2Fx.json", "off.json", "offsets"}, set(os.listdir(folder)))
        self.assertEqual(0o600, stat.S_IMODE(os.stat(folder / "off.json").st_mode))
        self.assertNotIn("file", found["no"])
        properties = data / "worker.properties"
        properties.write_text("bootstrap.servers=127.0.0.1:9\nkey.converter=%s\nvalue.converter=%s\n" % (STRING, STRING))
        for name in os.listdir(folder):
            self.assertNotIn("/", name)
        (folder / "in%2F..%2Fx.json").rename(folder / "moved.json")
        moved = json.loads((folder / "moved.json").read_text())
        moved["name"] = moved["config"]["name"] = "in"  # as no path can name the other
        (folder / "moved.json").write_text(json.dumps(moved))
        with Sluice("--worker", str(properties), str(folder)) as sluice:
            self.eventually(lambda: len(sluice.get("/connectors").json()) == 2)
            self.assertEqual("STOPPED", sluice.status("in")["connector"]["state"])
            self.assertEqual("PAUSED", sluice.status("off")["connector"]["state"])
            body = json.loads((folder / "offsets" / "in%2F..%2Fx.json").read_text())
            sluice.patch("/connectors/in/offsets", body).expect(200)
            self.assertEqual({"offsets": offsets}, sluice.get("/connectors/in/offsets").json())

    def test_our_own_worker(self):
        with ConnectWorker("standalone", "127.0.0.1:9", users={"admin": "secret"}) as worker:
            import http.client
            connection = http.client.HTTPConnection("127.0.0.1", worker.port)
            token = "Basic " + base64.b64encode(b"admin:secret").decode()
            connection.request("PUT", "/connectors/mine/config", json.dumps(file_source()),
                               {"Content-Type": "application/json", "Authorization": token})
            self.assertEqual(201, connection.getresponse().status)
            connection.close()
            report, found = self.report(worker.url, "--user", "admin:secret")
        self.assertEqual("unchanged", found["mine"]["verdict"])


if __name__ == "__main__":
    import unittest
    unittest.main()
