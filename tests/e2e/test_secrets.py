"""A password inside a URI comes into no answer and no log line, whole or in pieces, whatever it holds unescaped and
whichever option somebody wrote the URI into."""
# builds: all
# timeout: 300

import json
import os
import subprocess
import time

from sluicetest import Case, Sluice, scratch_dir
from sluicetest.ports import free_port

PIECES = ("gehe", "imes", "Wort", "Teil", "4711", "Ende")
# Each ends the authority, or the password, somewhere else.
URIS = ["%%s://me:%s@127.0.0.1:%%d" % password for password in (
    "geheimesWort", "gehe/imesWort", "gehe@imes/Wort", "gehe#imes?Wort", "4711/gehe", "4711,geheimes:Teil,Ende/Wort@imes")]

DATAGEN = {"plugin": "datagen", "config": {"count": 1}}
S3 = {"s3.bucket.name": "b", "aws.access.key.id": "a", "aws.secret.access.key": "s", "flush.size": 1}


def sink(plugin, scheme, option, **config):
    return lambda uri: {"source": DATAGEN, "sinks": [{"plugin": plugin, "config": dict(config, **{option: uri % (scheme, free_port())})}]}


def source(plugin, scheme, option, **config):
    return lambda uri: {"source": {"plugin": plugin, "config": dict(config, **{option: uri % (scheme, free_port())})},
                        "sinks": [{"plugin": "null"}]}


PLACES = {
    "redis.uri": sink("redis", "redis", "redis.uri"),
    "redis.host": sink("redis", "redis", "redis.host"),
    "clickhouse hostname": sink("clickhouse", "http", "hostname", table="t"),
    "clickhouse proxy": sink("clickhouse", "http", "proxy", hostname="localhost", table="t"),
    "s3 url": sink("s3", "http", "store.url", **S3),
    "s3 proxy": sink("s3", "http", "s3.proxy.url", **S3),
    "postgres sink": sink("postgres", "postgres", "hostname", dbname="d"),
    "postgres sink database": sink("postgres", "postgres", "dbname", hostname="127.0.0.1", port=1),
    "postgres source": source("postgres", "postgresql", "database.hostname", **{
        "database.user": "u", "database.dbname": "d", "topic.prefix": "t", "plugin.name": "pgoutput"}),
    "kafka sink": sink("kafka", "SASL_PLAINTEXT", "bootstrap.servers", topic="t"),
    "kafka source": source("kafka", "SASL_PLAINTEXT", "bootstrap.servers", topics="t"),
}


class PasswordsInUris(Case):
    time_limit = 250

    def leaks(self, what, text):
        shown = [line for line in text.splitlines() if any(piece in line for piece in PIECES)]
        self.assertEqual([], shown, what)

    def test_validate(self):
        with scratch_dir("secrets-") as folder:
            files = []
            for name, make in PLACES.items():
                for i, uri in enumerate(URIS):
                    files.append("%s/%s-%d.json" % (folder, name.replace(" ", "-"), i))
                    with open(files[-1], "w") as f:
                        json.dump(dict(make(uri), name="p%d" % len(files)), f)
            done = subprocess.run([os.environ["SLUICE_BIN"], "validate", *files], capture_output=True, text=True, timeout=200)
        self.assertNotIn("Sanitizer", done.stderr)
        self.leaks("validate", done.stdout + done.stderr)

    def test_run(self):
        sluice = self.enterContext(Sluice("--log-level", "debug"))
        for name, make in PLACES.items():
            for i, uri in enumerate(URIS):
                answer = sluice.post("/pipelines", dict(make(uri), name="p%d" % i))
                self.assertIn(answer.status, (201, 400), answer.text)
                self.leaks("%s: answer to POST" % name, answer.text)
            time.sleep(1)
            for i in range(len(URIS)):
                for path in ("", "/status"):
                    self.leaks(name + path, sluice.get("/pipelines/p%d%s" % (i, path)).text)
                sluice.delete("/pipelines/p%d" % i)
            self.leaks("%s: log" % name, sluice.log())
