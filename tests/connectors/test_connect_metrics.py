"""/metrics under the names of Kafka Connect's MBeans: valid text, right labels, and numbers equal to what a run did."""
# timeout: 240

import json
import pathlib
import re
import time

from sluicetest import Case, Kafka
from sluicetest.worker import ConnectWorker

ROOT = pathlib.Path(__file__).resolve().parents[2]
STRING = "org.apache.kafka.connect.storage.StringConverter"
INTEGER = "org.apache.kafka.connect.converters.IntegerConverter"
SAMPLE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)*)\})? '
                    r"(NaN|[+-]Inf|-?[0-9.]+(?:e[+-]?[0-9]+)?)$")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"')


def parse(text):
    """{(name, frozenset(labels)): value}. Each line has to be valid, each family whole, with one HELP and one TYPE before it,
    and no sample twice."""
    samples, seen, family, kind = {}, set(), None, None
    assert text.endswith("\n")
    for line in text.splitlines():
        if line.startswith("# HELP "):
            name = line.split(" ", 3)[2]
            assert name not in seen, "family %s comes twice" % name
            seen.add(name)
            family, kind = name, None
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name == family or name not in seen, line
            seen.add(name)
            family = name
            assert kind in ("counter", "gauge", "histogram", "untyped"), line
        else:
            found = SAMPLE.match(line)
            assert found, "not a sample: %r" % line
            name, labels, value = found.groups()
            base = re.sub(r"_(bucket|sum|count)$", "", name) if kind == "histogram" else name
            assert base == family and kind, "%s outside of its family (in %s)" % (name, family)
            pairs = LABEL.findall(labels or "")
            assert len({k for k, _ in pairs}) == len(pairs), line
            key = (name, frozenset(pairs))
            assert key not in samples, line
            samples[key] = float(value)
    return samples


class Metrics:
    def __init__(self, worker):
        answer = worker.get("/metrics").expect(200)
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8", answer.headers
        self.samples = parse(answer.text)

    def get(self, name, **labels):
        """The one sample of that name with exactly these labels; None when there is none."""
        return self.samples.get((name, frozenset(labels.items())))

    def names(self):
        return {name for name, _ in self.samples}


class ConnectMetrics(Case):
    time_limit = 200

    @classmethod
    def setUpClass(cls):
        cls.kafka = cls.enterClassContext(Kafka())

    def setUp(self):
        self.worker = self.enterContext(ConnectWorker("distributed", self.kafka.bootstrap, {"offset.flush.interval.ms": "200"}))
        self.folder = self.scratch()
        self.input = self.folder / "in.txt"
        self.input.write_text("")

    def put(self, name, **config):
        config = {k.replace("_", "."): str(v) for k, v in config.items()}
        self.worker.put("/connectors/%s/config" % name, config).expect(201)

    def source(self, name, topic, **more):
        self.put(name, connector_class="FileStreamSource", file=self.input, topic=topic, value_converter=STRING, **more)

    def sink(self, name, topic, converter=STRING, **more):
        self.put(name, connector_class="FileStreamSink", file=self.folder / name, topics=topic, value_converter=converter, **more)

    def feed(self, count):
        with self.input.open("a") as out:
            out.write("".join("line %d\n" % i for i in range(count)))

    def wait(self, name, value, group, connector, task="0"):
        full = "kafka_connect_%s_%s" % (group, name)
        return self.eventually(lambda: self.probe(full, value, connector, task), 60, "%s of %s == %s" % (full, connector, value))

    def probe(self, name, value, connector, task):
        metrics = Metrics(self.worker)
        got = metrics.get(name, connector=connector, task=task)
        assert got == value, got
        return metrics

    def test_counts_are_those_of_the_run(self):
        self.source("src", "counts")
        self.sink("good", "counts")
        self.sink("bad", "counts", INTEGER, errors_tolerance="all", errors_log_enable="true")
        for name in ("src", "good", "bad"):
            self.worker.wait_state(name)
        began = time.time() * 1000
        self.feed(1000)
        self.wait("source_record_write_total", 1000, "source_task_metrics", "src")
        self.wait("sink_record_send_total", 1000, "sink_task_metrics", "good")
        self.wait("total_record_errors", 1000, "task_error_metrics", "bad")
        metrics = self.wait("sink_record_active_count", 0, "sink_task_metrics", "good")
        metrics = self.wait("source_record_active_count", 0, "source_task_metrics", "src")

        def get(name, connector):
            return metrics.get("kafka_connect_" + name, connector=connector, task="0")
        self.assertEqual(1000, get("source_task_metrics_source_record_poll_total", "src"))
        self.assertLess(0, get("source_task_metrics_source_record_poll_rate", "src"))
        self.assertLessEqual(get("source_task_metrics_source_record_write_rate", "src"), 1000 / 30)
        self.assertLessEqual(1, get("connector_task_metrics_batch_size_max", "src"))
        self.assertLessEqual(get("connector_task_metrics_batch_size_avg", "src"), get("connector_task_metrics_batch_size_max", "src"))
        self.assertEqual(1, get("connector_task_metrics_offset_commit_success_percentage", "src"))
        self.assertEqual(0, get("connector_task_metrics_offset_commit_failure_percentage", "src"))
        self.assertLess(0, get("connector_task_metrics_offset_commit_max_time_ms", "src"))
        self.assertEqual(1000, get("sink_task_metrics_sink_record_read_total", "good"))
        self.assertLessEqual(1, get("sink_task_metrics_offset_commit_completion_total", "good"))
        self.assertEqual(get("sink_task_metrics_offset_commit_seq_no", "good"),
                         get("sink_task_metrics_offset_commit_completion_total", "good"))
        self.assertLess(0, get("sink_task_metrics_put_batch_max_time_ms", "good"))
        self.assertEqual(0, get("sink_task_metrics_sink_record_send_total", "bad"))
        self.assertEqual(1000, get("sink_task_metrics_sink_record_read_total", "bad"))
        for name in ("total_record_failures", "total_record_errors", "total_records_skipped", "total_errors_logged"):
            self.assertEqual(1000, get("task_error_metrics_" + name, "bad"), name)
            self.assertEqual(0, get("task_error_metrics_" + name, "good"), name)
        self.assertEqual(0, get("task_error_metrics_total_retries", "bad"))
        self.assertGreaterEqual(get("task_error_metrics_last_error_timestamp", "bad"), began - 1000)
        self.assertEqual(0, get("task_error_metrics_last_error_timestamp", "good"))
        self.assertIsNone(get("source_task_metrics_source_record_poll_total", "good"))
        self.assertIsNone(get("sink_task_metrics_sink_record_read_total", "src"))

    def test_states_and_totals_over_pauses(self):
        self.source("s", "states")
        self.feed(10)
        self.wait("source_record_write_total", 10, "source_task_metrics", "s")
        self.worker.put("/connectors/s/pause").expect(202)
        self.worker.wait_state("s", "PAUSED")
        time.sleep(1)
        metrics = Metrics(self.worker)
        self.assertEqual(10, metrics.get("kafka_connect_source_task_metrics_source_record_write_total", connector="s", task="0"))
        self.assertLess(0, metrics.get("kafka_connect_connector_task_metrics_pause_ratio", connector="s", task="0"))
        self.assertEqual(1, metrics.get("kafka_connect_connector_status", connector="s", status="paused"))
        self.assertEqual(1, metrics.get("kafka_connect_connector_task_status", connector="s", task="0", status="paused"))
        self.worker.put("/connectors/s/resume").expect(202)
        self.worker.wait_state("s")
        self.feed(5)
        metrics = self.wait("source_record_write_total", 15, "source_task_metrics", "s")
        running, paused = (metrics.get("kafka_connect_connector_task_metrics_%s_ratio" % w, connector="s", task="0")
                           for w in ("running", "pause"))
        self.assertLess(0, running)
        self.assertLessEqual(running + paused, 1.0001)
        self.worker.post("/connectors/s/restart?includeTasks=true").expect(202)
        metrics = self.wait("source_record_poll_total", 0, "source_task_metrics", "s")  # "since the task was last restarted"

    def test_consumer_lag(self):
        self.kafka.create_topic("lag", 2)
        self.kafka.produce("lag", ["v%d" % i for i in range(20)], partition=0)
        self.sink("behind", "lag")
        self.wait("sink_record_send_total", 20, "sink_task_metrics", "behind")
        lag = "kafka_consumer_consumer_fetch_manager_metrics_records_lag"
        label = {"client_id": "connector-consumer-behind-0", "topic": "lag", "partition": "0", "pipeline": "behind", "task": "0"}
        self.eventually(lambda: Metrics(self.worker).get(lag, **label) == 0)
        metrics = Metrics(self.worker)
        self.assertEqual(0, metrics.get(lag + "_max", client_id="connector-consumer-behind-0", pipeline="behind", task="0"))
        self.assertEqual(2, metrics.get("kafka_connect_sink_task_metrics_partition_count", connector="behind", task="0",
                                        pipeline="behind"))
        self.worker.put("/connectors/behind/pause").expect(202)
        self.worker.wait_state("behind", "PAUSED")
        self.eventually(lambda: lag not in Metrics(self.worker).names())  # nobody knows it now

    def test_worker_and_connectors(self):
        name = 'we"ird\\name'
        self.worker.post("/connectors", {"name": name, "initial_state": "PAUSED", "config": {
            "connector.class": "FileStreamSource", "file": "f", "topic": "t"}}).expect(201)
        self.sink("ok", "names", tasks_max=2)
        self.worker.wait_state("ok", tasks=2)
        self.put("dead", connector_class="FileStreamSink", file="/no/such/folder/f", topics="names", value_converter=STRING)
        self.eventually(lambda: "FAILED" in json.dumps(self.worker.status("dead")))
        metrics = Metrics(self.worker)
        for prefix in ("kafka_connect_connect_worker_metrics_", "kafka_connect_worker_metrics_"):
            self.assertEqual(3, metrics.get(prefix + "connector_count"))
            self.assertEqual(3, metrics.get(prefix + "task_count"))
            self.assertEqual(2, metrics.get(prefix + "connector_startup_success_total"))
            self.assertEqual(2, metrics.get(prefix + "task_startup_success_total"))
            self.assertEqual(1, metrics.get(prefix + "task_startup_failure_total"))
            self.assertAlmostEqual(1 / 3, metrics.get(prefix + "task_startup_failure_percentage"))
            self.assertEqual(2, metrics.get(prefix + "connector_running_task_count", connector="ok"))
            self.assertEqual(1, metrics.get(prefix + "connector_failed_task_count", connector="dead"))
            self.assertEqual(0, metrics.get(prefix + "connector_total_task_count", connector=r'we\"ird\\name'))
        self.assertEqual(1, metrics.get(
            "kafka_connect_connector_metrics", connector="ok", status="running", connector_type="sink",
            connector_class="org.apache.kafka.connect.file.FileStreamSinkConnector",
            connector_version=next(p["version"] for p in self.worker.get("/connector-plugins").json()
                                   if p["class"].endswith("FileStreamSinkConnector"))))
        self.assertEqual(1, metrics.get("kafka_connect_connector_status", connector=r'we\"ird\\name', status="paused"))
        self.assertEqual(1, metrics.get("kafka_connect_connector_task_status", connector="dead", task="0", status="failed"))
        self.assertEqual(0, metrics.get("kafka_connect_connect_worker_rebalance_metrics_rebalancing"))
        self.assertIn("kafka_connect_app_info_start_time_ms", metrics.names())

    def test_every_attribute_is_there_or_said_to_be_missing(self):
        self.source("src", "all")
        self.sink("snk", "all")
        self.feed(1)
        self.wait("sink_record_send_total", 1, "sink_task_metrics", "snk")
        names = Metrics(self.worker).names()
        left_out = (ROOT / "README.md").read_text(encoding="utf-8").partition("Left out of Connect's metrics")[2].partition("\n\n")[0]
        for line in (ROOT / "tests/golden/connect-metrics/mbeans.txt").read_text().splitlines():
            if line.startswith("#"):
                continue
            key, attribute = line.split(" ")
            group = "kafka_connect_" + dict(p.split("=") for p in key.split(","))["type"].replace("-", "_")
            name = group + "_" + attribute.replace("-", "_")
            is_text = attribute in ("status", "version", "commit-id", "connector-type", "connector-class", "connector-version")
            there = name in names or is_text and (group in names or "kafka_connect_connector_task_status" in names)
            self.assertNotEqual(there, "`%s`" % attribute in left_out, name)


if __name__ == "__main__":
    import unittest
    unittest.main()
