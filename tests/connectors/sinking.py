"""What the test files of one sink share: its server, its pipelines, and what they wrote."""

import gzip
import json
import subprocess

from feeding import Feed, pipeline
from sluicetest import Case, Postgres, S3, Sluice


class PostgresSinkCase(Case):
    time_limit = 90
    major = None

    @classmethod
    def setUpClass(cls):
        cls.pg = cls.enterClassContext(Postgres(major=cls.major))
        cls.sluice = cls.enterClassContext(Sluice())

    def setUp(self):
        self.name = self._testMethodName.replace("_", "-")
        self.folder = self.scratch()
        self.feed = Feed(self.folder)
        self.pg.execute("DROP TABLE IF EXISTS t, sluice_positions")

    def run_sink(self, errors=None, source=None, **config):
        config = dict({"hostname": "127.0.0.1", "port": self.pg.port, "user": "postgres", "dbname": "postgres"}, **config)
        body = pipeline(self.name, source or self.feed.source(), "postgres", config, errors)
        self.sluice.post("/pipelines", body).expect(201)
        self.addCleanup(lambda: self.sluice.running and self.sluice.delete("/pipelines/" + body["name"]))
        return body

    def rows(self, what="*", seconds=15, count=None):
        def look():
            found = self.pg.query("SELECT %s FROM t ORDER BY 1" % what)
            return found if count is None or len(found) == count else None
        return self.eventually(look, seconds)


class S3SinkCase(Case):
    time_limit = 60

    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(S3())
        cls.buckets = 0

    def setUp(self):
        type(self).buckets += 1
        self.bucket = "bucket-%d" % self.buckets
        self.server.create_bucket(self.bucket)
        self.sluice = self.enterContext(Sluice())
        self.input = self.sluice.directory / "input.json"
        self.input.write_text("")

    def append(self, *rows):
        with open(self.input, "a") as f:
            for row in rows:
                f.write(json.dumps(row) + "\n")

    def pipeline(self, source=None, errors=None, **config):
        config = dict({"s3.bucket.name": self.bucket, "s3.region": self.server.info["region"], "store.url": self.server.url,
                       "aws.access.key.id": self.server.info["access_key"],
                       "aws.secret.access.key": self.server.info["secret_key"]},
                      **{k.replace("__", "."): v for k, v in config.items()})
        source = source or {"plugin": "file", "config": {"file": str(self.input), "topic": "t", "format": "json",
                                                         "poll.interval": "20ms"}}
        return {"name": "p", "source": source, "commit.interval": "100ms",
                "sinks": [{"plugin": "s3", "errors": errors or {}, "config": config}]}

    def run_sink(self, *args, **config):
        self.sluice.post("/pipelines", self.pipeline(*args, **config)).expect(201)
        return self.sluice.wait_state("p")

    def datagen(self, **config):
        return {"plugin": "datagen", "config": dict({"topic": "t", "fields": {"id": "sequence"}}, **config)}

    def keys(self):
        return self.server.keys(self.bucket)

    def lines(self):
        out = []
        for key in self.keys():
            data = self.server.get(self.bucket, key)
            if key.endswith(".gz"):
                data = gzip.decompress(data)
            elif key.endswith(".zst"):
                data = subprocess.run(["zstd", "-dc"], input=data, stdout=subprocess.PIPE, check=True).stdout
            out += [json.loads(line) for line in data.decode().splitlines()]
        return out

    def ids(self):
        return sorted(row["id"] for row in self.lines())

    def assert_each_once(self, n):
        ids = self.ids()
        self.assertEqual((n, n, 0, n - 1), (len(ids), len(set(ids)), ids[0], ids[-1]))

    def wait_ids(self, n, seconds=20):
        self.eventually(lambda: len(self.lines()) >= n, seconds, "%d lines" % n, interval=0.2)

    def wait_failed(self):
        def failed():
            tasks = self.sluice.status("p").get("tasks", [])
            return tasks and tasks[0]["state"] == "FAILED" and tasks[0]["trace"]
        return self.eventually(failed, 20, "FAILED")
