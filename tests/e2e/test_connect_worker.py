"""A Connect worker from its properties: the file, the environment, connectors on the command line, TLS."""

import pathlib
import ssl
import subprocess
import urllib.error
import urllib.request

from sluicetest import Case, eventually, make_certs, scratch_dir
from sluicetest.host import Sluice
from sluicetest.ports import free_port

BASE = {"key.converter": "org.apache.kafka.connect.storage.StringConverter",
        "value.converter": "org.apache.kafka.connect.storage.StringConverter",
        "bootstrap.servers": "127.0.0.1:9"}


def write(path, properties):
    path.write_text("".join("%s=%s\n" % kv for kv in properties.items()))
    return path


class Worker(Sluice):
    """connect-standalone; more properties and connectors."""

    def __init__(self, properties=None, connectors=(), env=None):
        super().__init__(env=env)
        self.scheme, self.context = "http", None
        own = dict(BASE, **{"listeners": "http://127.0.0.1:%d" % self.port,
                            "offset.storage.file.filename": str(self.directory / "offsets")})
        own.update(properties or {})
        self.file, self.connectors = write(self.directory / "worker.properties", own), list(connectors)

    def command(self):
        return [self.binary, "connect-standalone", "--plugin-path", self.plugin_path, str(self.file), *self.connectors]

    def wait_live(self, seconds=None):
        eventually(lambda: self.running and "REST on" in self.log(), seconds or self.deadline)


class ConnectWorker(Case):
    def run_to_end(self, worker):
        worker.start(wait=False)
        try:
            return worker.process.wait(20)
        finally:
            self.addCleanup(worker.close)

    def test_environment_counts_and_unknown_properties_warn(self):
        port = free_port()
        with Worker({"listeners": "http://127.0.0.1:1", "no.such.property": "x"},
                    env={"CONNECT_LISTENERS": "http://127.0.0.1:%d" % port, "CONNECT_LOG4J_ROOT_LOGLEVEL": "INFO",
                         "CONNECT_REST_ADVERTISED_HOST__NAME": "x"}) as worker:
            worker.port = port
            self.assertEqual("4.0.0", worker.get("/").expect(200).json()["version"])
            log = worker.log()
            self.assertIn("no.such.property", log)
            self.assertIn("rest.advertised.host_name", log)  # two underscores are one
            self.assertNotIn("log4j", log)
            self.assertTrue((worker.directory / "offsets.sluice").is_dir())

    def test_missing_and_wrong_properties_end_it(self):
        worker = Worker({"offset.flush.interval.ms": "soon"})
        text = worker.file.read_text().replace("key.converter=", "#")
        worker.file.write_text(text)
        self.assertEqual(2, self.run_to_end(worker))
        self.assertIn('Missing required configuration "key.converter" which has no default value.', worker.log())
        self.assertIn("Invalid value soon for configuration offset.flush.interval.ms: Not a number of type LONG", worker.log())

    def test_connectors_of_the_command_line(self):
        worker = Worker()
        one = write(worker.directory / "one.properties", {"name": "one", "connector.class": "FileStreamSource", "topic": "t",
                                                          "file": str(worker.directory / "in.txt")})
        two = worker.directory / "two.json"
        two.write_text('{"name":"two","initial_state":"stopped","config":{"connector.class":"FileStreamSource","topic":"t",'
                       '"file":"%s"}}' % (worker.directory / "in.txt"))
        worker.connectors = [str(one), str(two)]
        with worker:
            eventually(lambda: len(worker.get("/connectors").json()) == 2)
            self.assertEqual("source", worker.get("/connectors/one").expect(200).json()["type"])
            self.assertEqual("STOPPED", worker.get("/connectors/two/status").expect(200).json()["connector"]["state"])

    def test_a_connector_that_is_refused_ends_it(self):
        worker = Worker()
        worker.connectors = [str(write(worker.directory / "bad.properties",
                                       {"name": "bad", "connector.class": "FileStreamSource", "tasks.max": "0",
                                        "file": "f", "topic": "t"}))]
        self.assertEqual(3, self.run_to_end(worker))
        self.assertIn("Invalid value 0 for configuration tasks.max: Value must be at least 1", worker.log())

    def test_config_providers_in_the_worker_itself(self):
        worker = Worker({"config.providers": "f",
                         "config.providers.f.class": "org.apache.kafka.common.config.provider.FileConfigProvider",
                         "response.http.headers.config": "set X-From: ${f:{{DIR}}/s.properties:header}"})
        write(worker.directory / "s.properties", {"header": "a-file"})
        worker.file.write_text(worker.file.read_text().replace("{{DIR}}", str(worker.directory)))
        with worker:
            self.assertEqual("a-file", worker.get("/").headers.get("X-From"))


def java_map(entries):
    """The bytes of a file of offsets: what ObjectOutputStream makes of a HashMap of byte arrays."""
    out = b"\xac\xed\x00\x05sr\x00\x11java.util.HashMap\x05\x07\xda\xc1\xc3\x16`\xd1\x03\x00\x02F\x00\nloadFactorI\x00\tthresholdxp"
    out += b"?@\x00\x00\x00\x00\x00\x0cw\x08\x00\x00\x00\x10" + len(entries).to_bytes(4, "big")
    form = b"ur\x00\x02[B\xac\xf3\x17\xf8\x06\x08T\xe0\x02\x00\x00xp"
    for item in (x.encode() for pair in entries.items() for x in pair):
        out += form + len(item).to_bytes(4, "big") + item
        form = b"uq\x00~\x00\x02"
    return out + b"x"


class OffsetFile(Case):
    def test_goes_on_where_connect_stopped_and_back(self):
        worker = Worker()
        (worker.directory / "in.txt").write_text("one\ntwo\n")
        key = '["s",{"filename":"%s"}]' % (worker.directory / "in.txt")
        offsets = worker.directory / "offsets"
        offsets.write_bytes(java_map({key: '{"position":4}'}))
        worker.connectors = [str(write(worker.directory / "s.properties", {
            "name": "s", "connector.class": "FileStreamSource", "topic": "t", "file": str(worker.directory / "in.txt")}))]
        with worker:
            eventually(lambda: worker.get("/connectors/s").status == 200)
            want = {"offsets": [{"partition": {"filename": str(worker.directory / "in.txt")}, "offset": {"position": 4}}]}
            self.assertEqual(want, worker.get("/connectors/s/offsets").expect(200).json())
            worker.put("/connectors/s/stop").expect(204)
            want["offsets"][0]["offset"]["position"] = 0
            eventually(lambda: worker.patch("/connectors/s/offsets", want).status == 200)
            self.assertEqual(java_map({key: '{"position":0}'}), offsets.read_bytes())
            want["offsets"][0]["offset"]["position"] = 2 ** 53 + 1  # no double is it
            worker.patch("/connectors/s/offsets", want).expect(200)
            self.assertEqual(java_map({key: '{"position":9007199254740993}'}), offsets.read_bytes())
            self.assertEqual(want, worker.get("/connectors/s/offsets").expect(200).json())

    def test_a_damaged_file_is_not_overwritten(self):
        worker = Worker()
        (worker.directory / "offsets").write_bytes(b"something else")
        worker.start(wait=False)
        self.addCleanup(worker.close)
        self.assertEqual(2, worker.process.wait(20))
        self.assertIn("it is no serialised java.util.HashMap", worker.log())
        self.assertEqual(b"something else", (worker.directory / "offsets").read_bytes())


class Tls(Case):
    def setUp(self):
        self.directory = pathlib.Path(self.enterContext(scratch_dir("certs-")))
        make_certs(self.directory)

    def store(self, *parts):
        path = self.directory / "store.pem"
        path.write_text("".join((self.directory / p).read_text() for p in parts))
        return str(path)

    def get(self, port, *client):
        context = ssl.create_default_context(cafile=str(self.directory / "ca.crt"))
        if client:
            context.load_cert_chain(*(str(self.directory / c) for c in client))
        with urllib.request.urlopen("https://localhost:%d/" % port, context=context, timeout=10) as answer:
            return answer.status

    def worker(self, properties):
        worker = Worker()
        text = worker.file.read_text().replace("http://", "https://")
        worker.file.write_text(text + "".join("%s=%s\n" % kv for kv in properties.items()))
        return self.enterContext(worker)

    def test_pem(self):
        worker = self.worker({"ssl.keystore.type": "PEM", "ssl.keystore.location": self.store("server.crt", "server.key")})
        self.assertEqual(200, self.get(worker.port))

    def test_pkcs12_below_its_prefix(self):
        path = self.directory / "server.p12"
        subprocess.run(["openssl", "pkcs12", "-export", "-out", str(path), "-passout", "pass:secret", "-in",
                        str(self.directory / "server.crt"), "-inkey", str(self.directory / "server.key")], check=True)
        worker = self.worker({"listeners.https.ssl.keystore.type": "PKCS12", "ssl.keystore.location": "/nowhere",
                              "listeners.https.ssl.keystore.location": str(path),
                              "listeners.https.ssl.keystore.password": "secret"})
        self.assertEqual(200, self.get(worker.port))

    def test_client_certificates(self):
        worker = self.worker({"ssl.keystore.location": self.store("server.crt", "server.key"), "ssl.client.auth": "required",
                              "ssl.truststore.location": str(self.directory / "ca.crt")})
        self.assertEqual(200, self.get(worker.port, "client.crt", "client.key"))
        with self.assertRaises((OSError, urllib.error.URLError)):
            self.get(worker.port)

    def test_a_jks_store_says_what_to_do(self):
        path = self.directory / "server.jks"
        path.write_bytes(b"\xfe\xed\xfe\xed\0\0\0\2")
        worker = Worker({"listeners": "https://127.0.0.1:%d" % free_port(), "ssl.keystore.location": str(path)})
        worker.start(wait=False)
        self.addCleanup(worker.close)
        self.assertEqual(1, worker.process.wait(20))
        self.assertIn("keytool -importkeystore -deststoretype PKCS12", worker.log())
