"""What the tests of the Kafka sink share: a broker with a small limit for messages, and pipelines from a file into it."""

from feeding import Feed, pipeline
from sluicetest import Case, Kafka, Sluice

CONVERTERS = {"key": {"plugin": "string", "config": {}}, "value": {"plugin": "json", "config": {"schemas.enable": False}}}


class KafkaSinkCase(Case):
    time_limit = 120

    @classmethod
    def setUpClass(cls):
        cls.kafka = cls.enterClassContext(Kafka("message.max.bytes=200000"))
        cls.sluice = cls.enterClassContext(Sluice())

    def setUp(self):
        self.name = self._testMethodName.replace("_", "-")
        self.folder = self.scratch()
        self.feed = Feed(self.folder)

    def run_sink(self, errors=None, source=None, **config):
        below_the_brokers = {"producer.override.batch.size": 131072}
        body = pipeline(self.name, source or self.feed.source(self.name), "kafka",
                        dict({"bootstrap.servers": self.kafka.bootstrap}, **dict(below_the_brokers, **config)), errors)
        body["sinks"][0]["converters"] = CONVERTERS
        self.sluice.post("/pipelines", body).expect(201)
        self.addCleanup(self.drop, self.name)
        return body

    def drop(self, name):
        if self.sluice.running:
            self.sluice.delete("/pipelines/" + name)

    def numbers(self, topic=None, **how):
        return [r.json()["id"] for r in self.kafka.consume(topic or self.name, **how)]
