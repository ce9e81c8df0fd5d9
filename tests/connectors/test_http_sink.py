# builds: all
# timeout: 240
"""The HTTP sink against a web server, through the running sluice."""

import base64
import json
import pathlib
import subprocess

from feeding import Feed, failed, kill_task, line, pipeline
from sluicetest import Case, Sluice
from sluicetest.ports import free_port
from sluicetest.target import HttpTarget

CONFIG = pathlib.Path(__file__).resolve().parents[2] / "configs" / "http" / "webhook.json"
ROWS = [{"id": i, "name": "é \" %d" % i} for i in range(10)]


class HttpSink(Case):
    time_limit = 60

    @classmethod
    def setUpClass(cls):
        cls.sluice = cls.enterClassContext(Sluice())

    def setUp(self):
        self.name = self._testMethodName.replace("_", "-")
        self.folder = self.scratch()
        self.feed = Feed(self.folder)
        self.target = self.enterContext(HttpTarget())

    def run_sink(self, errors=None, **config):
        config = dict({"http.url": self.target.url + "?token=q"}, **{k.replace("__", "."): v for k, v in config.items()})
        self.sluice.post("/pipelines", pipeline(self.name, self.feed.source(), "http", config, errors)).expect(201)
        self.addCleanup(lambda: self.sluice.delete("/pipelines/" + self.name))

    def wait_taken(self, count, seconds=30):
        self.eventually(lambda: len(self.target.taken()) >= count, seconds)
        return self.target.taken()

    def bodies(self):
        return [json.loads(r.body) for r in self.target.taken()]

    def test_one_each(self):
        self.run_sink()
        self.feed.add(*ROWS)
        requests = self.wait_taken(10)
        self.assertEqual(ROWS, self.bodies())
        self.assertEqual({("POST", "/hook?token=q", "application/json")},
                         {(r.method, r.path, r.header("Content-Type")) for r in requests})
        keys = [r.header("Idempotency-Key") for r in requests]
        self.assertEqual(10, len(set(keys)))
        self.assertRegex(keys[0], "^t-[0-9a-f]+$")
        self.assertIsNone(requests[0].header("Authorization"))

    def test_comes_again_until_it_is_taken(self):
        """As many failures as the server likes, the same key each time, and Retry-After is kept to."""
        self.target.answers = [503, (503, {"Retry-After": "1"}, b""), 200]
        self.run_sink()
        self.feed.add({"id": 1}, {"id": 2})
        self.wait_taken(2)
        requests = self.target.requests
        self.assertEqual([503, 503, 200, 200], [r.status for r in requests])
        self.assertEqual(1, len({r.header("Idempotency-Key") for r in requests[:3]}))
        self.assertGreaterEqual(requests[2].at - requests[1].at, 0.95)
        self.assertEqual([{"id": 1}, {"id": 2}], self.bodies())

    def test_target_that_is_away(self):
        port = free_port()
        self.run_sink(http__url="http://127.0.0.1:%d/x" % port)
        self.feed.add({"id": 1})
        self.eventually(lambda: "127.0.0.1:%d/x" % port in self.sluice.log())
        self.assertEqual("RUNNING", self.sluice.status(self.name)["tasks"][0]["state"])

    def test_batches(self):
        self.run_sink(batching__enabled=True, batch__max__size=4, batch__prefix="[", batch__separator=",", batch__suffix="]")
        self.feed.add(*ROWS)
        self.eventually(lambda: sum(len(b) for b in self.bodies()) == 10)
        self.assertEqual(ROWS, [row for body in self.bodies() for row in body])
        self.assertTrue(all(len(b) <= 4 for b in self.bodies()))
        self.assertIn(4, [len(b) for b in self.bodies()])
        self.assertRegex(next(r for r in self.target.taken() if len(json.loads(r.body)) > 1).header("Idempotency-Key"),
                         r"^t-[0-9a-f]+\.\.t-[0-9a-f]+$")

    def refuse_three(self, request):
        return (422, {}, b"id 3 is taken") if b'"id":3' in request.body.replace(b" ", b"") else None

    def letters(self):
        path = self.folder / "letters.jsonl"
        return [json.loads(l) for l in path.read_text().splitlines()] if path.exists() else []

    def errors(self):
        return {"tolerance": "all", "dead.letters": {"plugin": "file", "context.headers": True,
                                                     "config": {"file": str(self.folder / "letters.jsonl"), "format": "record"}}}

    def test_one_that_is_refused(self):
        self.target.decide = self.refuse_three
        self.run_sink(self.errors())
        self.feed.add(*ROWS)
        self.wait_taken(9)
        self.eventually(lambda: len(self.letters()) == 1)
        self.assertEqual([r for r in ROWS if r["id"] != 3], self.bodies())
        self.assertEqual(ROWS[3], self.letters()[0]["value"])
        reasons = [base64.b64decode(h["value"]) for h in self.letters()[0]["headers"]]
        self.assertTrue([r for r in reasons if b"answered 422: id 3 is taken" in r], reasons)

    def test_one_that_is_refused_among_others(self):
        """All in one request are refused: each alone shows which it was."""
        self.target.decide = self.refuse_three
        self.run_sink(self.errors(), batching__enabled=True)
        self.feed.add(*ROWS)
        self.eventually(lambda: len(self.letters()) == 1)
        self.eventually(lambda: len([l for r in self.target.taken() for l in r.body.splitlines()]) == 9)
        self.assertEqual([r for r in ROWS if r["id"] != 3], [json.loads(l) for r in self.target.taken() for l in r.body.splitlines()])
        self.assertEqual(ROWS[3], self.letters()[0]["value"])

    def test_a_target_that_does_not_want_us(self):
        self.target.decide = lambda request: (401, {}, b"who are you")
        self.run_sink(http__authorization__type="bearer", http__token="s3cr3t-t0ken")
        self.feed.add({"id": 1})
        trace = failed(self.sluice, self.name)
        self.assertIn("POST %s answered 401: who are you; check http.authorization.type" % self.target.url, trace)
        self.assertNotIn("token=q", trace)  # a query may hold a secret
        self.assertEqual("Bearer s3cr3t-t0ken", self.target.requests[0].header("Authorization"))
        shown = self.sluice.get("/pipelines/" + self.name).text + self.sluice.log()
        self.assertNotIn("s3cr3t-t0ken", shown)

    def test_redirects_are_not_followed(self):
        self.target.decide = lambda request: (301, {"Location": self.target.url}, b"")
        self.run_sink()
        self.feed.add({"id": 1})
        self.assertIn("set http.url to where it leads", failed(self.sluice, self.name))
        self.assertEqual(1, len(self.target.requests))

    def test_headers(self):
        self.run_sink(http__method="PUT", http__authorization__type="basic", http__user="u", http__password="p:w",
                      http__headers__additional="X-A: 1,X-B:2:3", http__headers__content__type="application/vnd.x+json",
                      idempotency__key="key", idempotency__header="X-Id")
        self.feed.add(line({"id": 1}, key={"id": 1}), line({"id": 2}, key="a b\r\nX-Evil: 1"), line({"id": 3}))
        first, second, third = self.wait_taken(3)[:3]
        self.assertEqual("PUT", first.method)
        self.assertEqual("Basic " + base64.b64encode(b"u:p:w").decode(), first.header("Authorization"))
        self.assertEqual(("1", "2:3", "application/vnd.x+json"), (first.header("X-A"), first.header("X-B"), first.header("Content-Type")))
        self.assertEqual(('{"id":1}', "a%20b%0D%0AX-Evil:%201"), (first.header("X-Id"), second.header("X-Id")))
        self.assertIsNone(second.header("X-Evil"))
        self.assertRegex(third.header("X-Id"), "^t-[0-9a-f]+$")
        self.assertIsNone(first.header("Idempotency-Key"))

    def test_records_without_value(self):
        self.run_sink(behavior__on__null__values="ignore", batching__enabled=True, idempotency__header="")
        self.feed.add(line(None, key="k"), {"id": 1}, line(None, key="k"), line("text"), line(None, key="l"))
        self.eventually(lambda: b"".join(r.body for r in self.target.taken()).endswith(b"text\n"))
        self.assertEqual(b'{"id":1}\ntext\n', b"".join(r.body for r in self.target.taken()))
        self.assertIsNone(self.target.requests[0].header("Idempotency-Key"))
        self.eventually(lambda: self.sluice.get("/pipelines/%s/ledger" % self.name).expect(200))

    def test_a_record_without_value_is_a_bad_one(self):
        self.run_sink(self.errors())
        self.feed.add({"id": 1}, line(None, key="k"), {"id": 2})
        self.wait_taken(2)
        self.assertEqual([{"id": 1}, {"id": 2}], self.bodies())
        self.eventually(lambda: [l["key"] for l in self.letters()] == ["k"])

    def test_retries_that_are_counted(self):
        self.target.decide = lambda request: 500 if b"bad" in request.body else None
        self.run_sink(self.errors(), max__retries=2, retry__backoff__ms=10)
        self.feed.add({"id": 1}, {"id": "bad"}, {"id": 2})
        self.wait_taken(2)
        self.eventually(lambda: len(self.letters()) == 1)
        self.assertEqual([200, 500, 500, 500, 200], [r.status for r in self.target.requests])

    def test_killed(self):
        """kill -9 of the task: nothing is lost, order holds, and what comes again has the key that it had."""
        count, seen = 400, {}
        self.run_sink()
        self.feed.add(*[{"id": i} for i in range(count // 2)])
        self.wait_taken(50)
        kill_task(self.sluice, self.name)
        self.feed.add(*[{"id": i} for i in range(count // 2, count)])
        self.eventually(lambda: len({b["id"] for b in self.bodies()}) == count, 40)
        for r in self.target.taken():
            self.assertEqual(seen.setdefault(json.loads(r.body)["id"], r.header("Idempotency-Key")), r.header("Idempotency-Key"))
        self.assertEqual(list(range(count)), list(seen))
        self.assertEqual(count, len(set(seen.values())))

    def test_stops_while_nobody_answers(self):
        self.target.hang.set()
        self.run_sink()
        self.feed.add({"id": 1})
        self.eventually(lambda: self.target.requests)
        self.sluice.put("/pipelines/%s/stop" % self.name).expect(202, 204, 200)
        self.eventually(lambda: self.sluice.status(self.name)["tasks"] == [], 40)

    def validate(self, *args, **config):
        path = self.folder / "p.json"
        config = {k.replace("__", "."): v for k, v in config.items()}
        path.write_text(json.dumps(pipeline("v", self.feed.source(), "http", config)))
        return subprocess.run([self.sluice.binary, "validate", "--plugin-path", self.sluice.plugin_path, *args, str(path)],
                              capture_output=True, text=True)

    def test_all_faults_at_once(self):
        found = self.validate(http__url="ftp://x", http__authorization__type="basic", http__token="t", retry__on__status__codes="5xx",
                              http__headers__additional="novalue")
        self.assertEqual(1, found.returncode)
        for text in ("must begin with http://", "http.user", "has no effect without http.authorization.type=bearer",
                     "codes from 100 to 599", "name:value"):
            self.assertIn(text, found.stdout + found.stderr)
        found = self.validate(http__url="http://x", http__methd="PUT", http__authorization__type="oauth2")
        for text in ("did you mean \"http.method\"", "none, static, basic, bearer"):
            self.assertIn(text, found.stdout + found.stderr)

    def test_probe(self):
        self.assertEqual(0, self.validate("--connect", http__url=self.target.url).returncode)
        self.assertEqual(["OPTIONS"], [r.method for r in self.target.requests])
        found = self.validate("--connect", http__url="http://127.0.0.1:%d/" % free_port())
        self.assertEqual(1, found.returncode)
        self.assertIn("nobody answers there", found.stdout + found.stderr)

    def test_configuration(self):
        text = CONFIG.read_text().replace("${env:WEBHOOK_URL}", self.target.url).replace("${env:WEBHOOK_TOKEN}", "tok")
        self.sluice.post("/pipelines", json.loads(text)).expect(201)
        self.addCleanup(lambda: self.sluice.delete("/pipelines/webhook"))
        requests = self.wait_taken(3)
        self.assertEqual([0, 1, 2], [json.loads(r.body)["id"] for r in requests[:3]])
        self.assertEqual("Bearer tok", requests[0].header("Authorization"))
