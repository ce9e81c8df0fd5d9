"""Client libraries that others wrote for Kafka Connect's REST port, unmodified, drive our worker: two of PyPI, one of npm, one
of Maven Central. What each does is in clients/; they pass against Kafka Connect's own worker just so.

CONNECT_URL=http://... in the environment drives that worker instead of ours. It must share this machine's files.
"""
# timeout: 400

import os
import pathlib
import shutil
import subprocess
import unittest

from sluicetest import Case, Kafka
from sluicetest.worker import ConnectWorker

HERE = pathlib.Path(__file__).resolve().parent / "clients"
CACHE = pathlib.Path(os.environ.get("SLUICE_CACHE") or pathlib.Path.home() / ".cache" / "sluice-testbed")


def installed(name):
    """Its folder; skips, loudly, when set-up could not install it."""
    path = CACHE / name
    if not (path / ".complete").exists():
        raise unittest.SkipTest("%s is not installed (run tests/kit/setup-servers.sh %s)" % (name, name))
    return path


class ConnectClients(Case):
    time_limit = 180

    @classmethod
    def setUpClass(cls):
        cls.url = os.environ.get("CONNECT_URL")
        if not cls.url:
            cls.kafka = cls.enterClassContext(Kafka())
            cls.worker = cls.enterClassContext(ConnectWorker("distributed", cls.kafka.bootstrap))
            cls.url = cls.worker.url

    def drive(self, command, prefix, env=None):
        done = subprocess.run([*map(str, command), self.url, str(self.scratch()), "%s-%d" % (prefix, os.getpid())], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, **(env or {})})
        self.assertEqual(0, done.returncode, done.stdout)
        self.assertIn("ok ", done.stdout)

    def python(self, library):
        return [installed("pyclients") / library / "bin" / "python", HERE / ("drive_%s.py" % library.replace("-", "_"))]

    def java(self):
        jars, folder = installed("javaclient"), self.scratch()
        compiler = next(jars.glob("ecj-*.jar"))
        subprocess.run(["java", "-jar", compiler, "-17", "-nowarn", "-cp", ":".join(map(str, jars.glob("*.jar"))), "-d", folder,
                        HERE / "DriveKafkaConnectClient.java"], check=True)
        return ["java", "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                "-cp", "%s:%s/*" % (folder, jars), "DriveKafkaConnectClient"]

    def test_kafka_connect_py(self):
        self.drive(self.python("kafka-connect-py"), "py")

    def test_kafka_connect_api(self):
        self.drive(self.python("kafka-connect-api"), "api")

    def test_npm_kafka_connect_client(self):
        modules = installed("jsclient") / "node_modules"
        if shutil.which("node") is None:
            self.skipTest("no node command")
        self.drive(["node", HERE / "drive_kafka_connect_client.js"], "js", {"NODE_PATH": str(modules)})

    def test_java_kafka_connect_client(self):
        self.drive(self.java(), "java")

    def test_passwords(self):
        """Those that know basic authentication."""
        commands = [self.python("kafka-connect-py"), self.python("kafka-connect-api"), self.java()]
        with ConnectWorker("standalone", "127.0.0.1:9", users={"admin": "secret"}) as worker:
            for command in commands:
                done = subprocess.run([*map(str, command), "auth", worker.url, "admin", "secret"], stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, text=True)
                self.assertEqual(0, done.returncode, done.stdout)


if __name__ == "__main__":
    unittest.main()
