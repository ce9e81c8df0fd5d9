"""What the tests of the Kafka source share: a broker, pipelines from a topic into a file, and what became of them."""

import json

from sluicetest import Case, Kafka, Sluice

BYTES = {k: {"plugin": "bytearray", "config": {}} for k in ("key", "value", "header")}
JSON = {"key": {"plugin": "string", "config": {}}, "value": {"plugin": "json", "config": {"schemas.enable": False}}}


class KafkaSourceCase(Case):
    time_limit = 120

    @classmethod
    def setUpClass(cls):
        cls.kafka = cls.enterClassContext(Kafka())
        cls.sluice = cls.enterClassContext(Sluice())

    def setUp(self):
        self.name = self._testMethodName.replace("_", "-")
        self.folder = self.scratch()
        self.out = self.folder / "out.jsonl"

    def body(self, sinks=None, converters=JSON, name=None, **config):
        config = dict({"bootstrap.servers": self.kafka.bootstrap}, **config)
        if "topics.regex" not in config:
            config.setdefault("topics", self.name)
        sinks = sinks or [{"plugin": "file", "config": {"file": str(self.out), "format": "record"}}]
        return {"name": name or self.name, "source": {"plugin": "kafka", "config": config, "converters": converters},
                "sinks": sinks, "commit.interval": "100ms"}

    def run_source(self, **more):
        self.start(self.sluice, self.body(**more))

    def start(self, sluice, body):
        sluice.post("/pipelines", body).expect(201)
        self.addCleanup(lambda: sluice.running and sluice.delete("/pipelines/" + body["name"]))

    def records(self, out=None):
        try:
            return [json.loads(text) for text in (out or self.out).read_text().splitlines()]
        except (OSError, ValueError):
            return []

    def ids(self, out=None):
        return [r["value"]["id"] for r in self.records(out)]

    def wait_records(self, count, seconds=40):
        return self.eventually(lambda: len(self.records()) >= count and self.records(), seconds)

    def produce(self, first, last, topic=None, keys=50):
        self.kafka.produce(topic or self.name, [("k%d" % (i % keys), {"id": i}) for i in range(first, last)])

    def committed(self, group=None):
        return {p: o for (t, p), o in self.kafka.group_offsets(group or "connect-" + self.name).items()
                if t == self.name and o >= 0}
