# timeout: 600
# builds: release
# exclusive
"""Memory of a task that copies a file of many small records into Kafka, faster than the brokers take them: with the records on
disk, and the client's part of them bounded, neither the size of the file nor a high memory.limit makes the task larger. Needs
a plain build: a sanitizer's memory is its own."""

import json
import os
import time
import unittest

import memory
from sluicetest import Case, Kafka, Sluice

ROWS = int(os.environ.get("SLUICE_CHAOS_ROWS", "600000"))
BOUND = 64 << 20  # whatever memory.limit is: queue.bytes of the sink and of its client are at their defaults


def delivered(sluice):
    lines = sluice.get("/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("sluice_kafka_delivered_total"))


@unittest.skipIf(os.environ.get("SLUICE_SANITIZE"), "sanitizers take memory of their own")
class KafkaMemory(Case):
    time_limit = 180

    @classmethod
    def setUpClass(cls):
        cls.kafka = cls.enterClassContext(Kafka())

    def setUp(self):
        self.file = self.scratch() / "rows.jsonl"
        with open(self.file, "w", encoding="utf-8") as f:
            for i in range(ROWS):
                headers = [{"key": "h%d" % k, "value": "value-%d" % i} for k in range(3)]
                f.write(json.dumps({"key": "k%d" % i, "value": {"id": i, "t": "x" * 20}, "headers": headers}) + "\n")

    def copy(self, limit, spill=True, exactly_once=False):
        name = self._testMethodName.replace("_", "-")  # another name for each: exactly.once keeps positions by it
        sink = {"plugin": "kafka", "converters": {"value": {"plugin": "json", "config": {"schemas.enable": False}}},
                "config": {"bootstrap.servers": self.kafka.bootstrap, "topic": name, "exactly.once": exactly_once}}
        sink["converters"]["key"] = {"plugin": "string", "config": {}}
        if spill:
            sink["spill"] = {"max.bytes": "2g"}
        source = {"plugin": "file", "config": {"file": str(self.file), "topic": "t", "format": "record"}}
        with Sluice() as sluice, memory.Sampler(sluice) as sampler:
            sluice.post("/pipelines", {"name": name, "source": source, "sinks": [sink], "memory.limit": limit}).expect(201)
            began = time.monotonic()
            while delivered(sluice) < ROWS:
                self.assertLess(time.monotonic() - began, 120, sluice.log_tail())
                time.sleep(0.2)
            took = time.monotonic() - began
            self.assertNotIn("above memory.limit", sluice.log())
        print("%-34s peak RssAnon %.1f MB, %d records/s, %d samples" % (
            name, sampler.peak / 2**20, ROWS / took, sampler.samples), flush=True)
        self.assertGreater(sampler.samples, 20)
        self.assertLess(sampler.peak, BOUND)

    def test_small_limit_with_spill(self):
        self.copy("64m")

    def test_large_limit_with_spill(self):
        self.copy("256m")

    def test_exactly_once_with_spill(self):
        self.copy("64m", exactly_once=True)

    def test_without_spill(self):
        self.copy("64m", spill=False)


if __name__ == "__main__":
    unittest.main()
