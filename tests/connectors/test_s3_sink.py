# builds: all
# tier: all
# timeout: 240
"""The S3 sink on versitygw, which checks signatures, payload hashes and conditions, through the running sluice."""

import gzip
import json
import pathlib
import subprocess
import time

from feeding import Feed, kill_task, letters, line
from sluicetest import Case, S3, Sluice, timeout


CONFIGS = pathlib.Path(__file__).resolve().parents[2] / "configs" / "s3"


class Sink(Case):
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

    def test_rotation_by_records(self):
        self.run_sink(flush__size=3)
        rows = [{"id": i, "s": "é \" \n", "n": None, "f": 1.5, "a": [1, {"b": 2}]} for i in range(10)]
        self.append(*rows)
        self.wait_ids(9)
        keys = self.keys()
        self.assertEqual(3, len(keys))
        self.assertEqual(rows[:9], self.lines())
        self.assertRegex(keys[0], r"^topics/t/partition=[0-9a-f]{8}/t\+[0-9a-f]{8}\+[0-9a-f]+\.json$")
        self.sluice.terminate(15)  # what is left goes out when the pipeline drains
        self.assertEqual(rows, self.lines())

    def test_rotation_by_time_and_gzip(self):
        self.run_sink(rotate__schedule__interval__ms=300, s3__compression__type="gzip")
        self.append({"id": 1})
        self.wait_ids(1)
        self.append({"id": 2})
        self.wait_ids(2)
        self.assertEqual(2, len(self.keys()))
        self.assertTrue(all(k.endswith(".json.gz") for k in self.keys()))

    def test_multipart_and_rotation_by_bytes(self):
        fields = {"id": "sequence", "pad": "text:2000"}
        self.run_sink(self.datagen(count="14000", fields=fields), rotate__bytes="12m")
        self.wait_ids(14000, 40)
        self.assert_each_once(14000)
        keys = self.keys()
        self.assertEqual(3, len(keys))
        tag = self.server.request("HEAD", "/%s/%s" % (self.bucket, keys[0])).headers["ETag"]
        self.assertTrue(tag.strip('"').endswith("-3"), tag)  # 12 MB in parts of 5
        self.assertEqual([], self.uploads())

    def uploads(self):
        text = self.server.request("GET", "/" + self.bucket, {"uploads": ""}).expect(200).text
        return [part.split("</UploadId>")[0] for part in text.split("<UploadId>")[1:]]

    @timeout(90)
    def test_unfinished_uploads_are_aborted(self):
        fields = {"id": "sequence", "pad": "text:20000"}
        self.run_sink(self.datagen(rate="2000", fields=fields), flush__size=1000000)
        self.eventually(lambda: len(self.uploads()) == 1, 30)
        left = self.uploads()
        self.sluice.kill9()
        self.assertEqual(left, self.uploads())
        self.sluice.start()
        self.eventually(lambda: left[0] not in self.uploads(), 20)

    def test_whole_records_in_zstd(self):
        self.run_sink(flush__size=1, record__format="record", s3__compression__type="zstd")
        self.append({"id": 1})
        self.wait_ids(1)
        self.assertEqual({"id": 1}, self.lines()[0]["value"])
        self.assertEqual("t", self.lines()[0]["topic"])

    def test_field_partitioner(self):
        self.run_sink(flush__size=4, partitioner__class="io.confluent.connect.storage.partitioner.FieldPartitioner",
                      partition__field__name="country,deep.n")
        self.append(*[{"id": i, "country": "a b" if i % 2 else None, "deep": {"n": 7}} for i in range(4)])
        self.wait_ids(4)
        self.assertEqual({"topics/t/country=a b/n=7", "topics/t/country=null/n=7"}, {k.rpartition("/")[0] for k in self.keys()})

    def test_time_partitioner(self):
        self.run_sink(flush__size=2, partitioner__class="TimeBasedPartitioner", path__format="'y'=YYYY/'m'=MM/'d'=dd/'h'=HH",
                      timestamp__extractor="RecordField", timestamp__field="at", timezone="+02:00")
        self.append({"id": 1, "at": "2024-02-28T23:10:00Z"}, {"id": 2, "at": 0})
        self.wait_ids(2)
        self.assertEqual({"topics/t/y=2024/m=02/d=29/h=01", "topics/t/y=1970/m=01/d=01/h=02"},
                         {k.rpartition("/")[0] for k in self.keys()})

    def test_refused_record_goes_to_dead_letters(self):
        dead = self.sluice.directory / "dead.json"
        self.run_sink(errors={"tolerance": "all", "dead.letters.file": str(dead)}, flush__size=1000,
                      partitioner__class="FieldPartitioner", partition__field__name="f")
        self.append(*[{"id": i} if i == 5 else {"id": i, "f": "x"} for i in range(10)])
        self.wait_ids(9)
        self.assertNotIn(5, self.ids())
        # What follows the refused record was written only once that was in its dead letter.
        self.assertEqual([5, 4], [self.server.get(self.bucket, key).count(b"\n") for key in self.keys()])
        self.assertIn("the value has no field f", self.eventually(lambda: dead.exists() and dead.read_text()))

    def test_config_of_the_tree(self):
        env = {"S3_URL": self.server.url, "S3_BUCKET": self.bucket, "S3_REGION": self.server.info["region"], "COUNT": "1500",
               "AWS_ACCESS_KEY_ID": self.server.info["access_key"], "AWS_SECRET_ACCESS_KEY": self.server.info["secret_key"]}
        self.enterContext(Sluice(str(CONFIGS / "pipeline.json"), env=env))
        self.wait_ids(1500)
        self.assertRegex(self.keys()[0], r"^topics/generated/year=\d{4}/month=\d\d/day=\d\d/generated\+.*\.json\.gz$")

    def test_missing_bucket(self):
        self.bucket = "not-there"
        self.sluice.post("/pipelines", self.pipeline(flush__size=1)).expect(201)
        self.assertIn("The sink makes no buckets", self.wait_failed())

    def test_wrong_secret(self):
        self.sluice.post("/pipelines", self.pipeline(flush__size=1, aws__secret__access__key="not this")).expect(201)
        self.assertIn("Check aws.access.key.id", self.wait_failed())
        self.assertNotIn("not this", self.sluice.log())

    @timeout(90)
    def test_server_restarts_in_mid_stream(self):
        self.run_sink(self.datagen(count="6000", rate="1500"), flush__size=500)
        self.eventually(lambda: len(self.keys()) > 2)
        self.server.kill9()
        time.sleep(1)
        self.server.start()
        self.wait_ids(6000, 60)
        self.assert_each_once(6000)

    @timeout(120)
    def test_kill9_leaves_no_duplicates(self):
        self.run_sink(self.datagen(count="16000", rate="4000", partitions="2"), flush__size=700)
        for _ in range(5):
            time.sleep(0.6)
            self.sluice.kill9()
            self.sluice.start()
        self.wait_ids(15400, 60)
        self.eventually(lambda: self.sluice.status("p")["tasks"][0]["state"] == "FINISHED", 60)
        self.wait_ids(16000)
        self.assert_each_once(16000)

    @timeout(120)
    def test_refused_records_survive_kills(self):
        """Refused records are in a dead letter, and the others in one object, whenever the task is killed."""
        dead = self.sluice.directory / "dead.json"
        feed = Feed(self.sluice.directory)
        self.run_sink(feed.source(**{"batch.size": 100}), {"tolerance": "all", "dead.letters.file": str(dead), "log": False},
                      flush__size=300, rotate__schedule__interval__ms=200)
        for part in range(6):
            feed.add(*(line(None if i % 97 < 2 else {"id": i}, i) for i in range(part * 500, part * 500 + 500)))
            time.sleep(0.2)
            kill_task(self.sluice, "p")
        wanted = [i for i in range(3000) if i % 97 >= 2]
        self.wait_ids(len(wanted), 60)
        self.assertEqual(wanted, self.ids())
        self.assertEqual({i for i in range(3000) if i % 97 < 2}, {d["key"] for d in letters(dead)})


if __name__ == "__main__":
    import unittest
    unittest.main()
