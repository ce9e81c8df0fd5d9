# builds: all
# timeout: 240
"""The S3 sink on versitygw, which checks signatures, payload hashes and conditions, through the running sluice."""

import json
import pathlib

from sinking import S3SinkCase
from sluicetest import Sluice, timeout


CONFIGS = pathlib.Path(__file__).resolve().parents[2] / "configs" / "s3"


class Sink(S3SinkCase):
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
