"""Drives a Connect worker with the unmodified kafka-connect-api: each of its classes.

    drive_kafka_connect_api.py URL FOLDER PREFIX     connectors are named PREFIX..., files lie in FOLDER
    drive_kafka_connect_api.py auth URL USER PASSWORD
"""

import pathlib
import sys
import time
import urllib.parse

from kafka_connect_api import errors
from kafka_connect_api.kafka_connect_api import Api, Cluster, Connector

SOURCE = "org.apache.kafka.connect.file.FileStreamSourceConnector"
STRING = "org.apache.kafka.connect.storage.StringConverter"


def until(what, probe, seconds=30):
    end = time.monotonic() + seconds
    while not probe():
        assert time.monotonic() < end, "%s: not within %d s" % (what, seconds)
        time.sleep(0.1)


def fails(kind, text, call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except kind as e:
        assert text in str(e), e
        return
    raise AssertionError("%s%r: no %s" % (call, args, kind.__name__))


class Drive:
    def __init__(self, url, folder, prefix):
        parts = urllib.parse.urlsplit(url)
        self.api = Api(parts.hostname, port=parts.port)
        self.cluster, self.folder, self.prefix = Cluster(self.api), pathlib.Path(folder), prefix
        self.name, self.topic = prefix + "-one", prefix + "-topic"
        self.connector = Connector(self.cluster, self.name)
        (self.folder / "in.txt").write_text("one\n")

    def config(self, **more):
        return {"connector.class": SOURCE, "tasks.max": "1", "file": str(self.folder / "in.txt"), "topic": self.topic,
                "value.converter": STRING, **more}

    def wait(self, state, tasks=1):
        until(state, lambda: self.connector.state == state and len(self.connector.tasks) == tasks and
              all(t.state == state for t in self.connector.tasks))

    def the_cluster(self):
        assert self.cluster.version == "4.0.0"
        assert "kafka_cluster_id" in self.cluster.get()
        assert self.cluster.version in repr(self.cluster)

    def create(self):
        fails(errors.GenericNotFound, "not found", self.connector.exists)
        made = self.api.post("/connectors", json={"name": self.name, "config": self.config()})
        assert made["name"] == self.name and made["config"]["name"] == self.name, made
        fails(errors.GenericConflict, "already exists", self.api.post, "/connectors",
              json={"name": self.name, "config": self.config()})
        fails(errors.ConnectGenericException, "at least 1", self.api.put, "/connectors/%s/config" % self.name,
              json=self.config(**{"tasks.max": "0"}))
        assert self.connector.exists()
        assert self.name in self.cluster.connectors
        self.wait("RUNNING")

    def configure(self):
        assert self.connector.connector_class == SOURCE
        self.connector.config = self.config(**{"batch.size": "9"})
        until("the new configuration", lambda: self.connector.config.get("batch.size") == "9")
        self.wait("RUNNING")

    def states(self):
        self.connector.pause()
        self.wait("PAUSED")
        self.connector.resume()
        self.wait("RUNNING")
        self.connector.restart()
        self.wait("RUNNING")
        self.connector.restart_all_tasks()
        self.wait("RUNNING")
        self.connector.cycle_connector()
        self.wait("RUNNING")

    def tasks(self):
        task = self.connector.tasks[0]
        assert task.id == 0 and task.config["task.class"].endswith("FileStreamSourceTask"), task.config
        assert task.status["id"] == 0 and task.is_running()
        task.restart()
        self.wait("RUNNING")
        fails(errors.GenericNotFound, "", self.api.post_raw, "/connectors/%s/tasks/9/restart" % self.name)

    def offsets_and_topics(self):
        until("offsets", lambda: self.api.get("/connectors/%s/offsets" % self.name)["offsets"] != [])
        offsets = self.api.get("/connectors/%s/offsets" % self.name)["offsets"]
        assert offsets == [{"partition": {"filename": str(self.folder / "in.txt")}, "offset": {"position": 4}}], offsets
        assert self.api.get("/connectors/%s/topics" % self.name) == {self.name: {"topics": [self.topic]}}
        fails(errors.ConnectGenericException, "STOPPED", self.api.delete, "/connectors/%s/offsets" % self.name)

    def plugins(self):
        every = self.api.get("/connector-plugins?connectorsOnly=false")
        assert {p["type"] for p in every} >= {"source", "sink", "converter", "header_converter", "transformation",
                                              "predicate"}, every
        keys = self.api.get("/connector-plugins/FileStreamSourceConnector/config")
        assert {"file", "topic", "batch.size"} <= {k["name"] for k in keys}, keys
        fails(errors.GenericNotFound, "", self.api.get, "/connector-plugins/NoSuch/config")

    def loggers(self):
        before = self.api.get("/admin/loggers/root")["level"]  # Connect 4.0 does not list it, so root_logger cannot read it
        self.cluster.root_logger = "ERROR"
        assert self.api.get("/admin/loggers/root")["level"] == "ERROR"
        self.cluster.root_logger = before
        self.api.put("/admin/loggers/org.apache.kafka.connect", json={"level": "DEBUG"})
        assert "org.apache.kafka.connect" in self.cluster.loggers
        assert "org.apache.kafka.connect" in self.cluster.set_logger_log_level("org.apache.kafka.connect", "INFO")

        def critical():
            self.cluster.root_logger = "CRITICAL"  # the library's, but no level of log4j
        fails(errors.GenericNotFound, "", critical)

    def delete(self):
        self.connector.delete()
        fails(errors.GenericNotFound, "not found", self.connector.exists)
        fails(errors.GenericNotFound, "not found", self.connector.delete)
        assert self.name not in self.cluster.connectors


def auth(url, user, password):
    assert Cluster(Api(url=url, username=user, password=password)).connectors == {}
    for wrong in ({}, {"username": user, "password": "wrong"}):
        fails(errors.GenericUnauthorized, "401", lambda w=wrong: Cluster(Api(url=url, **w)).connectors)


def main():
    if sys.argv[1] == "auth":
        auth(*sys.argv[2:])
        return
    drive = Drive(*sys.argv[1:])
    for step in (drive.the_cluster, drive.create, drive.configure, drive.states, drive.tasks, drive.offsets_and_topics,
                 drive.plugins, drive.loggers, drive.delete):
        step()
        print("ok", step.__name__, flush=True)


main()
