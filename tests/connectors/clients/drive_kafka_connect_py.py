"""Drives a Connect worker with the unmodified kafka-connect-py: each of its calls, and its command line.

    drive_kafka_connect_py.py URL FOLDER PREFIX     connectors are named PREFIX..., files lie in FOLDER
    drive_kafka_connect_py.py auth URL USER PASSWORD
"""

import json
import pathlib
import subprocess
import sys
import time

from kafka_connect import KafkaConnect
from requests.exceptions import HTTPError

SOURCE = "org.apache.kafka.connect.file.FileStreamSourceConnector"
SINK = "org.apache.kafka.connect.file.FileStreamSinkConnector"
STRING = "org.apache.kafka.connect.storage.StringConverter"


def until(what, probe, seconds=30):
    end = time.monotonic() + seconds
    while not probe():
        assert time.monotonic() < end, "%s: not within %d s" % (what, seconds)
        time.sleep(0.1)


def fails(status, text, call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except HTTPError as e:
        body = e.response.json() if e.response is not None else json.loads(str(e))
        assert body["error_code"] == status and text in body["message"], body
        return
    raise AssertionError("%s%r: no error, wanted %d" % (call.__name__, args, status))


class Drive:
    def __init__(self, url, folder, prefix):
        self.url, self.c, self.folder, self.prefix = url, KafkaConnect(url), pathlib.Path(folder), prefix
        self.source, self.sink, self.topic = prefix + "-source", prefix + "-sink", prefix + "-topic"
        (self.folder / "in.txt").write_text("one\ntwo\n")

    def source_config(self, **more):
        return {"connector.class": SOURCE, "tasks.max": 1, "file": str(self.folder / "in.txt"), "topic": self.topic,
                "value.converter": STRING, **more}

    def sink_config(self, **more):
        return {"connector.class": SINK, "tasks.max": "1", "file": str(self.folder / "out.txt"), "topics": self.topic,
                "value.converter": STRING, **more}

    def states(self, name):
        status = self.c.get_connector_status(name)
        return [status["connector"]["state"]] + [t["state"] for t in status["tasks"]]

    def wait(self, name, *states):
        until("%s in %s" % (name, states), lambda: self.states(name) == list(states))

    def cluster(self):
        info = self.c.get_cluster_info()
        assert set(info) == {"version", "commit", "kafka_cluster_id"} and info["version"] == "4.0.0", info
        plugins = {p["class"]: p for p in self.c.list_connector_plugins()}
        assert plugins[SOURCE]["type"] == "source" and plugins[SINK]["type"] == "sink", plugins
        assert all(set(p) == {"class", "type", "version"} for p in plugins.values()), plugins

    def create(self):
        made = self.c.create_connector({"name": self.source, "config": self.source_config()})
        assert made["name"] == self.source and made["type"] == "source" and made["tasks"] == [], made
        assert made["config"] == {**self.source_config(), "tasks.max": "1", "name": self.source}, made
        fails(409, "already exists", self.c.create_connector, {"name": self.source, "config": self.source_config()})
        fails(400, "Value must be at least 1", self.c.create_connector,
              {"name": self.prefix + "-bad", "config": self.source_config(**{"tasks.max": "0"})})
        fails(500, "Failed to find any class that implements Connector", self.c.create_connector,
              {"name": self.prefix + "-bad", "config": {"connector.class": "NoSuch"}})
        fails(400, "doesn't match connector name in the URL", self.c.create_connector,
              {"name": self.prefix + "-bad", "config": self.source_config(name="other")})
        fails(500, "", self.c.create_connector, {"name": self.prefix + "-bad"})
        made = self.c.update_connector(self.sink, self.sink_config())  # PUT creates, too
        assert made["name"] == self.sink and made["type"] == "sink", made
        fails(500, "", self.c.update_connector, self.sink, {"config": self.sink_config()})
        self.wait(self.source, "RUNNING", "RUNNING")
        self.wait(self.sink, "RUNNING", "RUNNING")
        until("lines through the topic", lambda: (self.folder / "out.txt").exists() and
              (self.folder / "out.txt").read_text() == "one\ntwo\n", 60)

    def lists(self):
        both = [self.sink, self.source]
        assert sorted(self.c.list_connectors(pattern=self.prefix)) == both
        assert sorted(self.c.list_connectors(pattern=self.prefix, state="running")) == both
        assert self.c.list_connectors(pattern=self.prefix, state="paused") == []
        status = self.c.list_connectors(expand="status", pattern=self.prefix)
        assert sorted(status) == both and set(status[self.sink]) == {"status"}, status
        assert status[self.sink]["status"] == self.c.get_connector_status(self.sink), status
        info = self.c.list_connectors(expand="info", pattern=self.prefix, state="running")
        assert info[self.source]["info"] == self.c.get_connector(self.source), info
        assert info[self.source]["info"]["tasks"] == [{"connector": self.source, "task": 0}], info
        assert self.c.get_connector_config(self.source) == info[self.source]["info"]["config"]

    def states_change(self):
        self.c.pause_connector(self.source)
        self.wait(self.source, "PAUSED", "PAUSED")
        self.c.resume_connector(self.source)
        self.wait(self.source, "RUNNING", "RUNNING")
        self.c.stop_connector(self.source)
        self.wait(self.source, "STOPPED")
        assert self.c.list_connector_tasks(self.source) == []
        self.c.resume_connector(self.source)
        self.wait(self.source, "RUNNING", "RUNNING")
        self.c.pause_all_connectors(pattern=self.prefix, state="RUNNING")
        self.wait(self.sink, "PAUSED", "PAUSED")
        self.c.resume_all_connectors(pattern=self.prefix)
        self.wait(self.sink, "RUNNING", "RUNNING")
        self.c.stop_all_connectors(pattern=self.sink)
        self.wait(self.sink, "STOPPED")
        self.c.resume_all_connectors(pattern=self.sink)
        self.wait(self.sink, "RUNNING", "RUNNING")

    def restarts(self):
        assert self.c.restart_connector(self.source) is None
        self.wait(self.source, "RUNNING", "RUNNING")
        answer = self.c.restart_connector(self.source, include_tasks=True)
        assert answer["name"] == self.source and answer["connector"]["state"] == "RESTARTING", answer
        assert [t["state"] for t in answer["tasks"]] == ["RESTARTING"], answer
        self.wait(self.source, "RUNNING", "RUNNING")
        answer = self.c.restart_connector(self.source, include_tasks=True, only_failed=True)
        assert answer["connector"]["state"] == "RUNNING", answer
        self.c.restart_all_connectors(include_tasks=True, pattern=self.prefix)
        self.wait(self.source, "RUNNING", "RUNNING")
        self.wait(self.sink, "RUNNING", "RUNNING")
        fails(404, "", self.c.restart_connector, self.prefix + "-none")

    def tasks(self):
        tasks = self.c.list_connector_tasks(self.source)
        assert tasks[0]["id"] == {"connector": self.source, "task": 0}, tasks
        assert tasks[0]["config"]["task.class"] == "org.apache.kafka.connect.file.FileStreamSourceTask", tasks
        status = self.c.get_connector_task_status(self.source, 0)
        assert status["id"] == 0 and status["state"] == "RUNNING" and ":" in status["worker_id"], status
        self.c.restart_connector_task(self.source, 0)
        self.wait(self.source, "RUNNING", "RUNNING")
        fails(404, "", self.c.get_connector_task_status, self.source, 7)
        fails(404, "", self.c.restart_connector_task, self.source, 7)

    def topics(self):
        with (self.folder / "in.txt").open("a") as out:
            out.write("three\n")
        until("its topic", lambda: self.c.list_connector_topics(self.source) == {self.source: {"topics": [self.topic]}})
        self.c.stop_connector(self.source)
        self.wait(self.source, "STOPPED")
        self.c.reset_connector_topics(self.source)
        until("no topic", lambda: self.c.list_connector_topics(self.source) == {self.source: {"topics": []}})
        self.c.resume_connector(self.source)
        self.wait(self.source, "RUNNING", "RUNNING")

    def validate(self):
        good = self.c.validate_connector_config("FileStreamSourceConnector", {**self.source_config(), "name": "x"})
        assert good["name"] == SOURCE and good["error_count"] == 0 and "Common" in good["groups"], good
        bad = self.c.validate_connector_config("FileStreamSink", {"connector.class": SINK, "name": "x"})
        errors = {c["value"]["name"]: c["value"]["errors"] for c in bad["configs"] if c["value"]["errors"]}
        assert bad["error_count"] == 2 and set(errors) == {"topics", "topics.regex"}, errors
        fails(400, "", self.c.validate_connector_config, "FileStreamSource", self.sink_config(name="x"))

    def command_line(self, *args):
        done = subprocess.run([sys.executable, "-c", "from kafka_connect.cli import cli; cli()", "-u", self.url, *args],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert done.returncode == 0, (args, done)
        return done.stdout

    def commands(self):
        assert json.loads(self.command_line("info"))["version"] == "4.0.0"
        assert self.source in self.command_line("list")
        assert json.loads(self.command_line("list", "-e", "status", "-p", self.source))[self.source]["status"]
        name = self.prefix + "-cli"
        self.command_line("create", "-d", json.dumps({"name": name, "config": self.source_config()}))
        self.wait(name, "RUNNING", "RUNNING")
        self.command_line("pause", name)
        self.wait(name, "PAUSED", "PAUSED")
        self.command_line("resume", name)
        self.command_line("update", name, "-d", json.dumps(self.source_config(**{"batch.size": 7})))
        assert json.loads(self.command_line("config", name))["batch.size"] == "7"
        self.command_line("restart", name, "-i")
        self.wait(name, "RUNNING", "RUNNING")
        assert json.loads(self.command_line("task-status", name, "0"))["state"] == "RUNNING"
        self.command_line("delete", "--all", "-p", name)
        fails(404, "not found", self.c.get_connector, name)

    def deletes(self):
        self.c.delete_connector(self.source)
        fails(404, "not found", self.c.get_connector, self.source)
        fails(404, "not found", self.c.delete_connector, self.source)
        for call in (self.c.get_connector_config, self.c.get_connector_status, self.c.list_connector_tasks,
                     self.c.pause_connector, self.c.resume_connector, self.c.stop_connector):
            fails(404, self.source, call, self.source)
        self.c.delete_all_connectors(pattern=self.prefix)
        assert self.c.list_connectors(pattern=self.prefix) == []


def auth(url, user, password):
    assert KafkaConnect(url, auth="%s:%s" % (user, password)).list_connectors() == []
    for wrong in (None, "%s:wrong" % user):
        try:
            KafkaConnect(url, auth=wrong).list_connectors()
        except HTTPError as e:
            assert e.response.status_code == 401, e
        else:
            raise AssertionError("no 401 with %s" % wrong)


def main():
    if sys.argv[1] == "auth":
        auth(*sys.argv[2:])
        return
    drive = Drive(*sys.argv[1:])
    for step in (drive.cluster, drive.create, drive.lists, drive.states_change, drive.restarts, drive.tasks, drive.topics,
                 drive.validate, drive.commands, drive.deletes):
        step()
        print("ok", step.__name__, flush=True)


main()
