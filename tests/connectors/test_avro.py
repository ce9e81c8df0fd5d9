# builds: all
# timeout: 400
"""The Avro converter and its schema registry: a real one (Apicurio) for what registries decide, our own (kit/registry.py) for
faults, credentials and TLS, and a pipeline over a real Kafka. What the bytes are is tested in unit/avro."""

import base64
import json
import os
import pathlib
import subprocess
import tempfile

from sluicetest import registry, servers
from sluicetest.case import Case, timeout
from sluicetest.host import Sluice

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONNECTOR = "io.confluent.connect.avro.AvroConverter"
DATA = "org.apache.kafka.connect.errors.DataException"
ORDER = {"type": "struct", "name": "shop.Order", "optional": False,
         "fields": [{"field": "id", "type": "int64", "optional": False}, {"field": "note", "type": "string", "optional": True}]}
ORDER_AVRO = ('{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"id","type":"long"},'
              '{"name":"note","type":["null","string"],"default":null}],"connect.name":"shop.Order"}')


def order(number, note=None):
    return {"schema": ORDER, "payload": {"id": number, "note": note}}


def run(cases):
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for i, case in enumerate(cases):
            files.append(str(pathlib.Path(folder) / ("%d.json" % i)))
            pathlib.Path(files[-1]).write_text(json.dumps({"converter": CONNECTOR, **case}))
        done = subprocess.run([os.environ.get("SLUICE_BIN", "sluice"), "try", "--case", *files], stdout=subprocess.PIPE, check=False)
    return [json.loads(line)["output"] for line in done.stdout.decode().splitlines()]


def write(url, data, topic="orders", is_key=False, **config):
    config = {"schema.registry.url": url, "max.retries": "0", **{k.replace("_", "."): v for k, v in config.items()}}
    return run([{"config": config, "direction": "from_connect", "topic": topic, "is_key": is_key, "input": data}])[0]


def read(url, data, topic="orders", **config):
    config = {"schema.registry.url": url, "max.retries": "0", **{k.replace("_", "."): v for k, v in config.items()}}
    return run([{"config": config, "direction": "to_connect", "topic": topic, "input": {"base64": base64.b64encode(data).decode()}}])[0]


def payload(output):
    data = base64.b64decode(output["base64"])
    return int.from_bytes(data[1:5], "big"), data[5:]


class Avro(Case):
    time_limit = 100

    def fails(self, output, first, *causes):
        """The class and first line, then what its causes hold, in order."""
        self.assertIn("error", output)
        error = output["error"]
        self.assertEqual(first, (error["class"], error["message"]))
        found = [(c["class"], c["message"]) for c in error.get("causes", [])]
        self.assertEqual([c for c, _ in causes], [c for c, _ in found], found)
        for (_, wanted), (_, text) in zip(causes, found):
            self.assertIn(wanted, text)


class RealRegistry(Avro):
    @classmethod
    def setUpClass(cls):
        cls.registry = cls.enterClassContext(servers.Registry())
        cls.url = cls.registry.url

    def test_written_and_read(self):
        out = write(self.url, order(7, "hi"), topic="written")
        number, data = payload(out)
        self.assertEqual(b"\x0e\x02\x04hi", data)
        self.assertEqual(json.loads(ORDER_AVRO), json.loads(self.registry.get("/schemas/ids/%d" % number)["schema"]))
        self.assertEqual({"int64": 7}, out["read_back"]["typed"]["struct"]["id"])
        self.assertEqual(1, out["read_back"]["schema"]["version"])
        again = write(self.url, order(8), topic="written")
        self.assertEqual(number, payload(again)[0])

    def test_subjects(self):
        package = "io.confluent.kafka.serializers.subject."
        write(self.url, order(1), topic="named", is_key=True)
        write(self.url, order(1), topic="named", value_subject_name_strategy=package + "RecordNameStrategy")
        out = write(self.url, order(1), topic="named", value_subject_name_strategy=package + "TopicRecordNameStrategy")
        self.assertIn("read_back", out)
        self.assertNotIn("error", out["read_back"])
        self.assertLessEqual({"named-key", "shop.Order", "named-shop.Order"}, set(self.registry.get("/subjects")))
        self.assertNotIn("named-value", self.registry.get("/subjects"))

    def test_incompatible(self):
        write(self.url, order(1), topic="strict")
        self.registry.put("/config/strict-value", {"compatibility": "BACKWARD"})
        other = {"type": "struct", "name": "shop.Order", "optional": False, "fields": [{"field": "other", "type": "int32", "optional": False}]}
        out = write(self.url, {"schema": other, "payload": {"other": 1}}, topic="strict")
        self.fails(out, (DATA, "Failed to serialize Avro data from topic strict:"),
                   ("org.apache.kafka.common.errors.SerializationException", 'Error registering Avro schema{"type":"record","name":"Order"'),
                   ("io.confluent.kafka.schemaregistry.client.rest.exceptions.RestClientException", "; error code: 409"))

    def test_not_registered(self):
        out = write(self.url, order(1), topic="unknown", auto_register_schemas="false")
        self.fails(out, (DATA, "Failed to serialize Avro data from topic unknown:"),
                   ("org.apache.kafka.common.errors.SerializationException", "Error retrieving Avro schema{"),
                   ("io.confluent.kafka.schemaregistry.client.rest.exceptions.RestClientException", "; error code: 404"))
        write(self.url, order(1), topic="unknown")
        out = write(self.url, order(2), topic="unknown", auto_register_schemas="false")
        self.assertEqual(b"\x04\x00", payload(out)[1])

    def test_unknown_id(self):
        out = read(self.url, b"\0\0\x0f\xff\xff\x02", topic="t")
        self.fails(out, (DATA, "Failed to deserialize data for topic t to Avro:"),
                   ("org.apache.kafka.common.errors.SerializationException", "Error retrieving Avro value schema for id 1048575"),
                   ("io.confluent.kafka.schemaregistry.client.rest.exceptions.RestClientException", "; error code: 40403"))

    def refer(self, subject, schema, *references):
        """Registers it; its id."""
        return self.registry.post("/subjects/%s/versions" % subject, {"schema": json.dumps(schema), "references": [
            {"name": name, "subject": of, "version": 1} for name, of in references]})["id"]

    def people(self, topic):
        """A schema that refers to two others, of which one refers to the other."""
        self.refer("city", {"type": "record", "name": "geo.City", "fields": [{"name": "zip", "type": "int"}]})
        self.refer("address", {"type": "record", "name": "geo.Address", "fields": [{"name": "city", "type": "geo.City"}]},
                   ("geo.City", "city"))
        return self.refer(topic + "-value", {"type": "record", "name": "Person", "namespace": "shop", "fields": [
            {"name": "home", "type": "geo.Address"}, {"name": "born", "type": ["null", "geo.City"], "default": None}]},
            ("geo.Address", "address"), ("geo.City", "city"))

    def test_references(self):
        number = self.people("people")
        out = read(self.url, b"\0" + number.to_bytes(4, "big") + b"\x0e\x02\x10", topic="people")
        self.assertNotIn("error", out)
        self.assertEqual({"home": {"struct": {"city": {"struct": {"zip": {"int32": 7}}}}},
                          "born": {"struct": {"zip": {"int32": 8}}}}, out["typed"]["struct"])
        self.assertEqual(1, out["schema"]["version"])

    def test_references_when_writing(self):
        self.people("crew")
        out = write(self.url, order(1), topic="crew", auto_register_schemas="false", use_latest_version="true")
        self.fails(out, (DATA, "Failed to serialize Avro data from topic crew:"),
                   ("org.apache.kafka.common.errors.SerializationException", ""),
                   ("org.apache.avro.AvroRuntimeException", "refers to schemas of other subjects"))

    def test_latest(self):
        wider = json.loads(ORDER_AVRO)
        wider["fields"].insert(0, {"name": "source", "type": ["null", "string"], "default": None})
        self.registry.post("/subjects/latest-value/versions", {"schema": ORDER_AVRO})
        self.registry.post("/subjects/latest-value/versions", {"schema": json.dumps(wider)})
        latest = dict(auto_register_schemas="false", use_latest_version="true")
        out = write(self.url, order(3, "n"), topic="latest", **latest)
        self.assertEqual(b"\x00\x06\x02\x02n", payload(out)[1])  # by the field's names, not by its places
        self.assertEqual({"source": None, "id": {"int64": 3}, "note": {"string": "n"}}, out["read_back"]["typed"]["struct"])
        bare = {"type": "struct", "name": "shop.Order", "optional": False, "fields": [{"field": "note", "type": "string", "optional": True}]}
        out = write(self.url, {"schema": bare, "payload": {"note": "x"}}, topic="latest", **latest)
        self.fails(out, (DATA, "Failed to serialize Avro data from topic latest:"),
                   ("org.apache.kafka.common.errors.SerializationException", "Error serializing Avro message"),
                   ("java.io.IOException", "Incompatible schema of type 'AVRO'. Set latest.compatibility.strict=false to disable this check"))


class Faults(Avro):
    def setUp(self):
        self.registry = self.enterContext(registry.FakeRegistry())
        self.url = self.registry.url

    def test_retried_then_next_url(self):
        self.registry.fail = [(503, 50301, "busy"), "close", (500, 50001, "no")]
        out = write("http://127.0.0.1:9,%s" % self.url, order(1), max_retries="3", retries_wait_ms="10", **{})
        self.assertEqual(b"\x02\x00", payload(out)[1])
        self.assertEqual(4, len([r for r in self.registry.requests if r[1].endswith("/versions?normalize=false")]))

    def test_transient(self):
        self.registry.fail = [(503, 50301, "busy")]
        self.fails(write(self.url, order(1)), ("org.apache.kafka.connect.errors.RetriableException",
                                               "Failed to serialize Avro data from topic orders :"),
                   ("org.apache.kafka.common.errors.TimeoutException", "Error registering Avro schema"),
                   ("io.confluent.kafka.schemaregistry.client.rest.exceptions.RestClientException", "busy; error code: 50301"))

    def test_nobody(self):
        error = write("http://127.0.0.1:9", order(1))["error"]
        self.assertEqual("org.apache.kafka.common.errors.NetworkException", error["class"])
        self.assertTrue(error["message"].startswith("Network connection error while serializing Avro data for topic orders: "))

    def test_no_json(self):
        self.registry.fail = [(404, 404, "HTTP 404 Not Found")]
        self.assertIn("; error code: 404", json.dumps(write(self.url, order(1))))

    def test_credentials(self):
        self.registry.user = ("ann", "pa:ss@1")
        self.fails(write(self.url, order(1)), ("org.apache.kafka.common.errors.AuthenticationException",
                                               "Error registering Avro schema" + ORDER_AVRO),
                   ("io.confluent.kafka.schemaregistry.client.rest.exceptions.RestClientException", "Unauthorized; error code: 401"))
        out = write(self.url, order(1), basic_auth_credentials_source="USER_INFO", basic_auth_user_info="ann:pa:ss@1")
        self.assertEqual(b"\x02\x00", payload(out)[1])
        out = write(self.url.replace("//", "//ann:pa%3Ass%401@"), order(1))
        self.assertEqual(b"\x02\x00", payload(out)[1])

    def test_headers(self):
        write(self.url, order(1), **{"request.header.X-Team": "blue", "bearer.auth.credentials.source": "STATIC_TOKEN",
                                     "bearer.auth.token": "t0k"})
        headers = self.registry.requests[0][3]
        self.assertEqual(("blue", "Bearer t0k", "application/vnd.schemaregistry.v1+json"),
                         (headers["X-Team"], headers["Authorization"], headers["Content-Type"]))

    def test_refused_value_registers_nothing(self):
        out = write(self.url, {"schema": ORDER, "payload": {"id": 1, "note": None}})
        self.assertEqual(1, len(self.registry.schemas))
        bad = {"type": "bytes", "optional": False, "name": "org.apache.kafka.connect.data.Decimal", "version": 1, "parameters": {"scale": "x"}}
        out = write(self.url, {"schema": bad, "payload": "AQ=="})
        self.assertEqual(1, len(self.registry.schemas), out)

    def test_heads(self):
        for data, cause in ((b"\x05\0\0\0\1", "Unknown magic byte!"), (b"\0\0", "shorter than the five bytes"), (b"\x01" + bytes(20), "GUID")):
            out = read(self.url, data)
            self.assertEqual((DATA, "Failed to deserialize data for topic orders to Avro:"), (out["error"]["class"], out["error"]["message"]))
            self.assertIn(cause, json.dumps(out["error"]["causes"]))

    def test_references(self):
        """Each is asked for once, by its version, before what refers to it; the version of the whole is looked up with them."""
        fake = self.enterContext(registry.FakeRegistry())
        fake.add("b", '{"type":"enum","name":"n.B","symbols":["X","Y"]}', version=3)
        a = fake.add("a", '{"type":"record","name":"n.A","fields":[{"name":"b","type":"n.B"}]}', version=2)
        fake.references[a] = [{"name": "n.B", "subject": "b", "version": 3}]
        whole = fake.add("t-value", '{"type":"record","name":"W","fields":[{"name":"b","type":"n.B"},{"name":"a","type":"n.A"}]}')
        fake.references[whole] = [{"name": "n.A", "subject": "a", "version": 2}, {"name": "n.B", "subject": "b", "version": 3}]
        data = b"\0" + whole.to_bytes(4, "big") + b"\x02\x00"
        out = read(fake.url, data, topic="t")
        self.assertEqual({"b": {"string": "Y"}, "a": {"struct": {"b": {"string": "X"}}}}, out["typed"]["struct"])
        self.assertEqual(["/subjects/a/versions/2?deleted=true", "/subjects/b/versions/3?deleted=true"],
                         [path for _, path, _, _ in fake.requests if "/versions/" in path])
        looked_up = [json.loads(body) for method, path, body, _ in fake.requests if path.startswith("/subjects/t-value?")]
        self.assertEqual(fake.references[whole], looked_up[0]["references"])
        fake.references[a] = [{"name": "n.B", "subject": "b", "version": 4}]
        self.fails(read(fake.url, data, topic="t"), (DATA, "Failed to deserialize data for topic t to Avro:"),
                   ("org.apache.kafka.common.errors.SerializationException",
                    "Error retrieving version 4 of subject b, to which the Avro value schema for id %d refers as n.B" % whole),
                   ("io.confluent.kafka.schemaregistry.client.rest.exceptions.RestClientException", "; error code: 40402"))
        fake.references[a] = [{"name": "n.A", "subject": "a", "version": 2}]  # to itself
        fake.references[whole].pop()
        self.fails(read(fake.url, data, topic="t"), (DATA, "Failed to deserialize data for topic t to Avro:"),
                   ("org.apache.kafka.common.errors.SerializationException", ""),
                   ("org.apache.avro.SchemaParseException", 'Undefined name: "n.B"'))

    def test_contains_itself(self):
        fake = self.enterContext(registry.FakeRegistry())
        number = fake.add("t-value", '{"type":"record","name":"L","fields":[{"name":"next","type":["null","L"]}]}')
        self.fails(read(fake.url, b"\0" + number.to_bytes(4, "big") + b"\0", topic="t"),
                   (DATA, "the Avro type L contains itself, which schemas of records cannot"))

    def test_other_topic(self):
        """The version is asked of the topic's own subject, as the original does."""
        number = self.registry.add("orders-value", ORDER_AVRO)
        data = b"\0" + number.to_bytes(4, "big") + b"\x02\x00"
        self.assertNotIn("error", read(self.url, data))
        out = read(self.url, data, topic="copy")
        self.assertIn("Error retrieving Avro value schema version for id 1", json.dumps(out["error"]["causes"]))

    def test_later(self):
        self.registry.schemas[5] = '{"type":"object"}'
        for name in ("io.confluent.connect.json.JsonSchemaConverter", "io.confluent.connect.protobuf.ProtobufConverter"):
            out = run([{"converter": name, "config": {"schema.registry.url": self.url}, "direction": "to_connect", "topic": "t", "input": {"base64": ""}}])[0]
            self.assertRegex(out["error"]["message"], "later")

    def test_tls(self):
        folder = self.enterContext(servers.scratch_dir())
        certs = servers.make_certs(folder)
        subprocess.run(["openssl", "pkcs12", "-export", "-in", certs / "client.crt", "-inkey", certs / "client.key", "-out",
                        certs / "me.p12", "-passout", "pass:key-secret"], check=True)
        subprocess.run(["openssl", "pkcs12", "-export", "-nokeys", "-in", certs / "ca.crt", "-out", certs / "trust.p12", "-passout",
                        "pass:trust-secret"], check=True)
        ssl = "schema.registry.ssl."
        pem = {ssl + "truststore.location": str(certs / "ca.crt"), ssl + "truststore.type": "PEM"}
        p12 = {ssl + "truststore.location": str(certs / "trust.p12"), ssl + "truststore.password": "trust-secret",
               ssl + "truststore.type": "PKCS12"}
        me = {ssl + "keystore.location": str(certs / "me.p12"), ssl + "keystore.password": "key-secret", ssl + "keystore.type": "PKCS12"}
        with registry.FakeRegistry(tls=registry.server_tls(certs)) as secure:
            self.assertEqual("org.apache.kafka.common.errors.NetworkException", write(secure.url, order(1))["error"]["class"])
            self.assertEqual(b"\x02\x00", payload(write(secure.url, order(1), **pem))[1])
            self.assertEqual(b"\x02\x00", payload(write(secure.url, order(1), **p12))[1])
        with registry.FakeRegistry(tls=registry.server_tls(certs, client_ca=certs / "ca.crt")) as secure:
            self.assertEqual("org.apache.kafka.common.errors.NetworkException", write(secure.url, order(1), **pem)["error"]["class"])
            self.assertEqual(b"\x02\x00", payload(write(secure.url, order(1), **pem, **me))[1])


class Pipelines(Avro):
    @timeout(200)
    def test_connectors(self):
        """configs/connect/avro-*.json over a real Kafka and a real registry."""
        folder = self.enterContext(servers.scratch_dir())
        real = self.enterContext(servers.Registry())
        kafka = self.enterContext(servers.Kafka())
        (folder / "in.txt").write_text("one\ntwo\n")
        sluice = self.enterContext(Sluice("--worker", str(ROOT / "configs/connect/worker.properties"), env={
            "BOOTSTRAP_SERVERS": kafka.bootstrap, "IN": str(folder / "in.txt"), "OUT": str(folder / "out.txt"),
            "SCHEMA_REGISTRY_URL": real.url}))
        for name in ("avro-source", "avro-sink"):
            sluice.post("/connectors", data=(ROOT / "configs/connect" / (name + ".json")).read_bytes(),
                        headers={"Content-Type": "application/json"}).expect(201)
            sluice.wait_state(name)
        self.eventually(lambda: (folder / "out.txt").read_text() == "one\ntwo\n")
        first = kafka.consume("lines-avro", 2)[0].value
        self.assertEqual(b"\x06one\x02\x20test-file-source", first[5:])
        schema = json.loads(real.get("/schemas/ids/%d" % int.from_bytes(first[1:5], "big"))["schema"])
        self.assertEqual(("record", "Line", "lines"), (schema["type"], schema["name"], schema["namespace"]))

    @timeout(200)
    def test_registry_that_is_away(self):
        """A task waits for its registry as errors.retry.timeout says, and loses nothing."""
        folder = self.enterContext(servers.scratch_dir())
        fake = self.enterContext(registry.FakeRegistry())
        kafka = self.enterContext(servers.Kafka())
        (folder / "in.txt").write_text("".join("%d\n" % i for i in range(500)))
        sluice = self.enterContext(Sluice("--worker", str(ROOT / "configs/connect/worker.properties"),
                                          env={"BOOTSTRAP_SERVERS": kafka.bootstrap}))
        fake.fail = ["close"] * 4 + [(503, 50301, "busy")] * 4
        config = {"connector.class": "FileStreamSource", "file": str(folder / "in.txt"), "topic": "waiting", "value.converter": CONNECTOR,
                  "value.converter.schema.registry.url": fake.url, "value.converter.max.retries": "0",
                  "errors.retry.timeout": "60000", "errors.retry.delay.max.ms": "200"}
        sluice.post("/connectors", {"name": "waiting", "config": config}).expect(201)
        values = [r.value for r in kafka.consume("waiting", 500)]
        self.assertEqual(["%d" % i for i in range(500)], [v[6:].decode() for v in values])
        self.assertEqual(9, len(fake.requests))


if __name__ == "__main__":
    import unittest
    unittest.main()
