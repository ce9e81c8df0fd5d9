"""Kafka Connect's own worker, to compare with and to take over from. Its jars come by tests/kit/setup-servers.sh connect."""

import contextlib
import os
import pathlib
import subprocess
import time

from . import http
from .ports import free_port
from .worker import BASE

LOGS = ("config", "offset", "status")


def jars():
    """The folder of its jars; None when they are not there."""
    cache = pathlib.Path(os.environ.get("SLUICE_CACHE") or pathlib.Path.home() / ".cache" / "sluice-testbed")
    return cache / "connect" if (cache / "connect" / ".complete").exists() else None


class JvmConnect:
    """A distributed worker; port and topics stay when it is started again. A context manager."""

    def __init__(self, bootstrap, directory, properties=None, java=("-Xmx512m", "-XX:+UseSerialGC")):
        self.port, self.directory, self.java, self.process = free_port(), pathlib.Path(directory), java, None
        own = dict(BASE, **{"bootstrap.servers": bootstrap, "listeners": "http://127.0.0.1:%d" % self.port,
                            "scheduled.rebalance.max.delay.ms": "0"})
        own.update({"%s.storage.replication.factor" % log: "1" for log in LOGS})
        own.update(properties or {})
        self.file = self.directory / "connect.properties"
        self.file.write_text("".join("%s=%s\n" % kv for kv in own.items()))

    def start(self):
        with open(self.directory / "connect.log", "ab") as log:
            self.process = subprocess.Popen(
                ["java", *self.java, "-Dorg.apache.logging.log4j.level=ERROR", "-cp", "%s/*" % jars(),
                 "org.apache.kafka.connect.cli.ConnectDistributed", str(self.file)], stdout=log, stderr=log)
        end = time.monotonic() + 120
        while time.monotonic() < end and self.process.poll() is None:
            with contextlib.suppress(OSError):
                if self.get("/connectors").status == 200:
                    return self
            time.sleep(0.2)
        raise AssertionError("Kafka Connect does not start:\n" + (self.directory / "connect.log").read_text()[-3000:])

    def request(self, method, path, **kwargs):
        return http.request(method, "http://127.0.0.1:%d%s" % (self.port, path), **kwargs)

    def get(self, path):
        return self.request("GET", path, timeout=10)

    def put(self, path, json=None):
        return self.request("PUT", path, json=json)

    def terminate(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(60)
            self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc):
        self.terminate()
