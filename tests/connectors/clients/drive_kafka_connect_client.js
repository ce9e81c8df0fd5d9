// Drives a Connect worker with the unmodified kafka-connect-client of npm: each of its calls.
//
//     node drive_kafka_connect_client.js URL FOLDER PREFIX     connectors are named PREFIX..., files lie in FOLDER
"use strict";
const assert = require("assert");
const fs = require("fs");
const { KafkaConnectClient } = require("kafka-connect-client");

const SOURCE = "org.apache.kafka.connect.file.FileStreamSourceConnector";
const SINK = "org.apache.kafka.connect.file.FileStreamSinkConnector";
const STRING = "org.apache.kafka.connect.storage.StringConverter";

const [base, folder, prefix] = process.argv.slice(2);
const url = new URL(base);
const client = new KafkaConnectClient({ host: url.hostname, port: Number(url.port) });
const name = prefix + "-one";
const topic = prefix + "-topic";
const connector = client.connector(name);
const file = folder + "/in.txt";
const config = (more) => ({ "connector.class": SOURCE, "tasks.max": "1", file, topic, "value.converter": STRING, ...more });

async function until(what, probe, seconds = 30) {
  for (const end = Date.now() + seconds * 1000; !(await probe()); ) {
    assert.ok(Date.now() < end, `${what}: not within ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function fails(status, text, call) {
  let error;
  try {
    await call();
  } catch (e) {
    error = e;
  }
  assert.ok(error && error.response, `no error answer, wanted ${status}: ${error}`);
  assert.strictEqual(error.response.status, status);
  assert.strictEqual(error.response.data.error_code, status);
  assert.ok(error.response.data.message.includes(text), error.response.data.message);
}

async function states() {
  const { data } = await connector.getStatus();
  return [data.connector.state, ...data.tasks.map((t) => t.state)].join(" ");
}

const wait = (wanted) => until(wanted, async () => (await states()) === wanted);

// The library's empty PUT and POST say that they are forms; Connect refuses those, so what it offers is done by hand.
async function act(method, path) {
  const answer = await fetch(`${base}/connectors/${name}/${path}`, { method });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status}`);
}

const steps = {
  async cluster() {
    const { data } = await client.getCluster();
    assert.strictEqual(data.version, "4.0.0");
    assert.ok("kafka_cluster_id" in data);
  },

  async create() {
    const made = await client.createConnector(name, config());
    assert.strictEqual(made.status, 201);
    assert.strictEqual(made.headers.location, `${base}/connectors/${name}`);
    assert.deepStrictEqual(made.data, { name, config: { ...config(), name }, tasks: [], type: "source" });
    await fails(409, "already exists", () => client.createConnector(name, config()));
    await fails(400, "at least 1", () => client.createConnector(name + "-bad", config({ "tasks.max": "0" })));
    await fails(500, "Failed to find any class", () => client.createConnector(name + "-bad", { "connector.class": "NoSuch" }));
    await wait("RUNNING RUNNING");
    const other = client.connector(prefix + "-two");
    assert.strictEqual((await other.create(config({ file: folder + "/none.txt" }))).status, 201);
    assert.strictEqual((await other.delete()).status, 204);
  },

  async lists() {
    assert.ok((await client.getConnectors()).data.includes(name));
    // Its list parameters come as expand[]=, which Connect does not know: the plain list.
    assert.ok((await client.getConnectors({ expand: ["info", "status"] })).data.includes(name));
    const { data } = await client.getConnectors({ expand: "info" });
    assert.deepStrictEqual(data[name].info, (await connector.get()).data);
    assert.deepStrictEqual((await client.getConnectors({ expand: "status" })).data[name].status, (await connector.getStatus()).data);
  },

  async configure() {
    const changed = await connector.updateConfig(config({ "batch.size": 5 }));
    assert.strictEqual(changed.status, 200);
    assert.strictEqual((await connector.getConfig()).data["batch.size"], "5");
    await fails(400, "Not a number of type INT", () => connector.updateConfig(config({ "batch.size": "five" })));
    await wait("RUNNING RUNNING");
  },

  async tasks() {
    const { data } = await connector.getTasks();
    assert.deepStrictEqual(data.map((t) => t.id), [{ connector: name, task: 0 }]);
    assert.strictEqual((await connector.getTaskStatus(0)).data.state, "RUNNING");
    await fails(404, "", () => connector.getTaskStatus(3));
  },

  // The answer of a real worker, too: an empty form is no JSON.
  async empty_bodies() {
    for (const call of ["pause", "resume", "stop", "resetTopics"])
      await fails(415, "HTTP 415 Unsupported Media Type", () => connector[call]());
    await fails(415, "HTTP 415 Unsupported Media Type", () => connector.restartTask(0));
    assert.strictEqual((await connector.restart({ includeTasks: true })).status, 204); // as a body: not a parameter
    await wait("RUNNING RUNNING");
  },

  async topics_and_offsets() {
    await until("topics", async () => (await (await fetch(`${base}/connectors/${name}/topics`)).json())[name].topics.length === 1);
    await until("offsets", async () => (await connector.getOffsets()).data.offsets.length === 1);
    const partition = { filename: file };
    assert.deepStrictEqual((await connector.getOffsets()).data, { offsets: [{ partition, offset: { position: 8 } }] });
    await fails(400, "STOPPED", () => connector.alterOffsets([{ partition, offset: { position: 4 } }]));
    await act("PUT", "stop");
    await wait("STOPPED");
    const altered = await connector.alterOffsets([{ partition, offset: { position: 4 } }]);
    assert.strictEqual(altered.data.message, "The offsets for this connector have been altered successfully");
    assert.deepStrictEqual((await connector.getOffsets()).data, { offsets: [{ partition, offset: { position: 4 } }] });
    await fails(500, "", () => connector.alterOffsets({ key: [] }));
    const reset = await connector.resetOffsets();
    assert.strictEqual(reset.data.message, "The offsets for this connector have been reset successfully");
    assert.deepStrictEqual((await connector.getOffsets()).data, { offsets: [] });
    await act("PUT", "resume");
    await wait("RUNNING RUNNING");
    await act("PUT", "pause");
    await wait("PAUSED PAUSED");
  },

  async plugins() {
    const { data } = await client.getConnectorPlugins();
    assert.ok(data.every((p) => p.type === "source" || p.type === "sink"));
    const all = (await client.getConnectorPlugins({ connectorsOnly: false })).data;
    assert.ok(all.some((p) => p.type === "transformation") && all.length > data.length);
    const good = (await client.validateConnectorConfig("FileStreamSourceConnector", config({ name }))).data;
    assert.strictEqual(good.error_count, 0);
    const bad = (await client.validateConnectorConfig("FileStreamSinkConnector", { "connector.class": SINK, topics: "a", file, name,
      "errors.tolerance": "some" })).data;
    assert.strictEqual(bad.error_count, 1);
    assert.ok(bad.configs.find((c) => c.value.name === "errors.tolerance").value.errors.length === 1);
  },

  async remove() {
    assert.strictEqual((await connector.delete()).status, 204);
    for (const call of ["get", "getConfig", "getStatus", "getTasks", "getOffsets", "resetOffsets", "delete"])
      await fails(404, name, () => connector[call]());
    assert.ok(!(await client.getConnectors()).data.includes(name));
  },
};

(async () => {
  fs.writeFileSync(file, "one\ntwo\n");
  for (const [what, step] of Object.entries(steps)) {
    await step();
    console.log("ok", what);
  }
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
