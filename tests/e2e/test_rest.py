# builds: all
"""The REST port: recorded exchanges of Kafka Connect 4.0.0, and what is our own."""

import http.client
import json
import pathlib
import re
import threading
import unittest

from sluicetest import Case, Sluice, eventually

class Rest(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sluice = Sluice("--log-level", "info")
        cls.sluice.start()

    @classmethod
    def tearDownClass(cls):
        cls.sluice.close()
        super().tearDownClass()

    def exchange(self, step):
        """http.client would refuse the odd paths; headers go as recorded."""
        connection = http.client.HTTPConnection("127.0.0.1", self.sluice.port, timeout=20)
        connection._validate_path = lambda path: None
        connection._encode_request = lambda request: request.encode()
        body = step.get("body")
        connection.request(step["method"], step["path"], body.encode() if body is not None else None, step["headers"])
        answer = connection.getresponse()
        data = answer.read().decode()
        connection.close()
        return answer, data

    def test_native_bodies_must_be_json(self):
        for body, part in (('{"name": ', "line 1"), ('[]', "must be a pipeline descriptor"), ('{"name":"a","name":"b"}', "a"),
                           ('{}', "/name is missing"), ('{"name":"a/b","source":{}}', "name")):
            answer = self.sluice.request("POST", "/pipelines", data=body, headers={"Content-Type": "application/json"})
            self.assertEqual(400, answer.status, answer)
            self.assertIn(part, answer.text)

    def test_native_body_of_another_type(self):
        """What curl sends when nobody tells it otherwise."""
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = self.sluice.request("POST", "/pipelines", data="{}", headers=form)
        self.assertEqual(415, answer.status)
        for part in ("POST /pipelines", "came as application/x-www-form-urlencoded", "Content-Type: application/json"):
            self.assertIn(part, answer.json()["message"])
        answer = self.sluice.request("POST", "/connectors", data="{}", headers=form)
        self.assertEqual("HTTP 415 Unsupported Media Type", answer.json()["message"])  # as Connect

    def test_all_faults_of_a_descriptor(self):
        answer = self.sluice.post("/pipelines", {"name": "x", "source": {"plugin": "no-such-source"},
                                                 "sinks": [{"plugin": "nul"}], "colour": 1}).expect(400).json()
        pointers = {fault["pointer"] for fault in answer["faults"]}
        self.assertLessEqual({"/source/plugin", "/sinks/0/plugin"}, pointers)
        self.assertTrue(any("null" in (f.get("hint") or "") for f in answer["faults"]), answer)
        self.sluice.get("/pipelines/x").expect(404)

    def test_body_limit(self):
        answer = self.sluice.request("POST", "/pipelines", data=b'"' + b"x" * (9 << 20) + b'"',
                                     headers={"Content-Type": "application/json"})
        self.assertEqual(413, answer.status)

    def test_metrics_are_prometheus_text(self):
        text = self.sluice.get("/metrics").expect(200).text
        for line in text.splitlines():
            self.assertRegex(line, r'^(# (HELP|TYPE) \w+ .+|\w+(\{[^}]*\})? [-+.\dEeNaInf]+)$')
        self.assertTrue(re.search(r'^sluice_process_\w+\{.*role="supervisor"', text, re.M), text[:2000])

    def test_log_level(self):
        self.sluice.put("/admin/loggers/root", {"level": "DEBUG"}).expect(200)
        self.assertEqual("DEBUG", self.sluice.get("/admin/loggers/root").json()["level"])
        self.sluice.put("/admin/loggers/root", {"level": "INFO"}).expect(200)

    def test_many_at_once(self):
        """Validation takes its time in probers; other requests are answered meanwhile."""
        answers = []

        def work(i):
            name = "many-%d" % i
            answers.append(self.sluice.post("/pipelines", {
                "name": name, "source": {"plugin": "datagen", "config": {"rate": 100}}, "sinks": [{"plugin": "null"}]}).status)
            for _ in range(10):
                answers.append(self.sluice.get("/health/live").status)
            answers.append(self.sluice.delete("/pipelines/%s" % name).status)

        threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual({200, 201, 204}, set(answers))
        eventually(lambda: not [c for c in self.sluice.get("/pipelines").json() if c["name"].startswith("many")], 5)


if __name__ == "__main__":
    unittest.main()
