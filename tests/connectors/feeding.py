"""What the tests of the sinks share: records of any shape through a file, and looking at tasks and dead letters."""

import json
import os
import pathlib
import signal

from sluicetest import eventually


def line(value=None, key=None, **more):
    """A record as the file source reads it with format=record. more: topic, headers ({name: value}), timestamp, partition."""
    headers = more.pop("headers", None)
    record = dict(more, key=key, value=value)
    if headers:
        record["headers"] = [{"key": k, "value": v} for k, v in headers.items()]
    return json.dumps(record)


class Feed:
    """A file that a pipeline follows."""

    def __init__(self, folder, name="in"):
        self.path = pathlib.Path(folder) / (name + ".jsonl")
        self.path.touch()

    def add(self, *records):
        """Each a value, or a line made by line()."""
        with open(self.path, "a", encoding="utf-8") as f:
            f.write("".join((r if isinstance(r, str) else line(r)) + "\n" for r in records))

    def source(self, topic="t", **config):
        return {"plugin": "file", "config": dict({"file": str(self.path), "topic": topic, "format": "record",
                                                  "poll.interval": "20ms"}, **config)}


def pipeline(name, source, plugin, config, errors=None, transforms=None, **more):
    sink = {"plugin": plugin, "config": config}
    if errors:
        sink["errors"] = errors
    return dict({"name": name, "source": source, "transforms": transforms or [], "sinks": [sink],
                 "commit.interval": "100ms"}, **more)


def task_pid(sluice, name):
    tasks = sluice.get("/pipelines/%s/status" % name).json()["tasks"]
    return tasks[0].get("pid") if tasks else None


def kill_task(sluice, name):
    """kill -9 of a running task; returns when another one runs in its place."""
    old = eventually(lambda: task_pid(sluice, name), 30)
    os.kill(old, signal.SIGKILL)
    return eventually(lambda: task_pid(sluice, name) not in (None, 0, old), 60)


def failed(sluice, name, seconds=30):
    """The trace of a pipeline that is FAILED, or is going to be."""
    def trace():
        for task in sluice.status(name).get("tasks", []):
            if task["state"] == "FAILED":
                return task["trace"]
        return None
    return eventually(trace, seconds, "%s does not fail" % name)


def letters(path):
    """The dead letters in a file."""
    try:
        with open(path, encoding="utf-8") as f:
            return [json.loads(text) for text in f]
    except FileNotFoundError:
        return []
