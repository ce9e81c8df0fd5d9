"""Our Connect worker under test: `sluice connect-distributed` or `connect-standalone` with a properties file.

    with ConnectWorker("distributed", kafka.bootstrap) as worker:
        worker.put("/connectors/c/config", {...}).expect(201)
"""

import pathlib
import time

from .host import Sluice

BASE = {"key.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "key.converter.schemas.enable": "false", "value.converter.schemas.enable": "false",
        "offset.flush.interval.ms": "1000"}
DISTRIBUTED = {"group.id": "rest-worker", "config.storage.replication.factor": "1",
               "offset.storage.replication.factor": "1", "status.storage.replication.factor": "1",
               "offset.storage.partitions": "5", "status.storage.partitions": "5"}
LOGS = ("config", "offset", "status")
JAAS = ("KafkaConnect {\n  org.apache.kafka.connect.rest.basic.auth.extension.PropertyFileLoginModule required\n"
        "  file=\"%s\";\n};\n")


class ConnectWorker(Sluice):
    def __init__(self, mode, bootstrap, properties=None, directory=None, env=None, users=None):
        """properties: besides those that every worker needs, or instead of them. users: {name: password} for basic
        authentication."""
        super().__init__(directory=directory, env=env)
        self.mode = mode
        own = dict(BASE, **(DISTRIBUTED if mode == "distributed" else
                            {"offset.storage.file.filename": str(self.directory / "offsets")}))
        if mode == "distributed":  # what an earlier worker left shall not be there, but what this one left
            own.update({"%s.storage.topic" % log: "%s-%s" % (self.directory.name, log) for log in LOGS})
        own.update({"bootstrap.servers": bootstrap, "listeners": "http://127.0.0.1:%d" % self.port})
        if users:
            own["rest.extension.classes"] = "org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension"
            own["sluice.jaas.config"] = str(self._jaas(users))
        own.update(properties or {})
        self.file = pathlib.Path(self.directory) / "worker.properties"
        self.file.write_text("".join("%s=%s\n" % kv for kv in own.items()))

    def _jaas(self, users):
        (self.directory / "users.properties").write_text("".join("%s=%s\n" % user for user in users.items()))
        path = self.directory / "jaas.conf"
        path.write_text(JAAS % (self.directory / "users.properties"))
        return path

    def command(self):
        return [self.binary, "connect-" + self.mode, "--data", str(self.data), "--plugin-path", self.plugin_path,
                str(self.file)]

    def wait_live(self, seconds=None):
        end = time.monotonic() + (seconds or self.deadline)
        while time.monotonic() < end and self.process.poll() is None:
            try:
                if self.get("/health", timeout=5).status in (200, 401):
                    return
            except OSError:
                pass
            time.sleep(0.05)
        raise AssertionError("the worker does not start:\n" + self.log_tail())
