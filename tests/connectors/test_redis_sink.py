# builds: all
# timeout: 400
"""The Redis sink on a real server: what records become, refusals, TLS and logins, loss and repetition."""

import json
import os
import re
import subprocess
import time
from pathlib import Path

from feeding import Feed, failed, kill_task, letters, line, pipeline
from sluicetest import Case, Redis, Sluice, eventually, make_certs, scratch_dir
from sluicetest.ports import free_port


class RedisCase(Case):
    time_limit = 90
    server_args, server_conf = {}, ()

    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Redis(*cls.server_conf, **cls.server_args))
        cls.sluice = cls.enterClassContext(Sluice())

    def setUp(self):
        self.folder = self.scratch()
        self.feed = Feed(self.folder)
        self.name = self._testMethodName.replace("_", "-")
        self.redis = self.enterContext(self.server.client())
        self.redis("FLUSHALL")

    def run_sink(self, errors=None, source=None, transforms=None, **config):
        config = dict({"redis.host": "127.0.0.1", "redis.port": self.server.port}, **config)
        body = pipeline(self.name, source or self.feed.source(), "redis", config, errors, transforms)
        self.sluice.post("/pipelines", body).expect(201)
        self.addCleanup(self.drop, self.name)
        return body

    def drop(self, name):
        if self.sluice.running:
            self.sluice.delete("/pipelines/" + name)

    def wait_running(self):
        self.sluice.wait_state(self.name)


class Cluster(RedisCase):
    """A node whose slots all belong to another: redirections are not followed, and said."""

    server_conf = ("cluster-enabled yes",)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.owner = cls.enterClassContext(Redis("cluster-enabled yes"))
        cls.owner.command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        cls.server.command("CLUSTER", "MEET", "127.0.0.1", cls.owner.port)
        eventually(lambda: b"cluster_state:ok" in cls.server.command("CLUSTER", "INFO"), 20)

    def setUp(self):
        super().setUp()
        self.feed.add(line({"a": 1}, 1))

    def redirected(self, **config):
        self.run_sink(**{"redis.type": "HASH", "redis.key": "one", **config})
        return failed(self.sluice, self.name)

    def check_moved(self, **config):
        trace = self.redirected(**config)
        for part in ("MOVED", "127.0.0.1:%d" % self.owner.port, "part of a Redis Cluster", "a proxy in front"):
            self.assertIn(part, trace)

    def test_moved(self):
        self.check_moved()

    def test_moved_with_exactly_once(self):
        self.check_moved(**{"exactly.once": True})

    def test_ask(self):
        slot, owner = self.redis("CLUSTER", "KEYSLOT", "one"), self.redis("CLUSTER", "MYID").decode()
        self.owner.command("CLUSTER", "SETSLOT", slot, "MIGRATING", owner)
        self.addCleanup(self.owner.command, "CLUSTER", "SETSLOT", slot, "STABLE")
        trace = self.redirected(**{"redis.port": self.owner.port})
        for part in ("ASK %d 127.0.0.1:%d" % (slot, self.server.port), "part of a Redis Cluster"):
            self.assertIn(part, trace)


class Types(RedisCase):
    def test_hash(self):
        self.run_sink(**{"redis.type": "HASH"})
        self.feed.add(line({"id": 1, "name": "Zoë", "n": 1.5, "ok": True, "none": None, "list": [1, {"a": 2}]}, 1),
                      line({"a": "old", "b": "old"}, "x"), line({"b": "new"}, "x"),
                      line({"a": 1}, "gone"), line(None, "gone"), line({"a": 1}, {"id": 7}), line({}, "empty"),
                      line({"a": 1}, "ttl", headers={"redis.key.ttl": 100}), line({"last": 1}, "last"))
        self.eventually(lambda: self.redis("EXISTS", "t:last") == 1)
        self.assertEqual({b"id": b"1", b"name": "Zoë".encode(), b"n": b"1.5", b"ok": b"true", b"list": b'[1,{"a":2}]'},
                         self.redis.hgetall("t:1"))
        self.assertEqual({b"b": b"new"}, self.redis.hgetall("t:x"))
        self.assertEqual({b"a": b"1"}, self.redis.hgetall("t:7"))
        self.assertEqual(0, self.redis("EXISTS", "t:gone", "t:empty"))
        self.assertTrue(90 < self.redis("TTL", "t:ttl") <= 100)
        self.assertEqual(-1, self.redis("TTL", "t:x"))

    def test_string_and_keys(self):
        self.run_sink(**{"redis.type": "STRING", "redis.key": "${topic}/${key}/${user}", "redis.key.ttl": 50})
        self.feed.add(line({"user": "u", "n": 12345678901234567}, "k"), line({"user": None}, {"user": "u2"}))
        self.eventually(lambda: self.redis("DBSIZE") == 2)
        self.assertEqual(b'{"user":"u","n":12345678901234567}', self.redis("GET", "t/k/u"))
        self.assertTrue(40 < self.redis("TTL", "t/k/u") <= 50)
        self.assertEqual(1, self.redis("EXISTS", "t/u2/u2"))

    def test_json_without_module(self):
        self.run_sink(**{"redis.type": "JSON", "redis.keyspace": "", "redis.database": 0})
        self.feed.add(line({"a": [1, None], "b": "ü\n"}, "doc"), line('{"raw": 1}', "raw"), line({"x": 1}, "no"),
                      line(None, "no"), line({}, "end"))
        self.eventually(lambda: self.redis("EXISTS", "end") == 1)
        self.assertEqual({"a": [1, None], "b": "ü\n"}, json.loads(self.redis("GET", "doc")))
        self.assertEqual(b'{"raw": 1}', self.redis("GET", "raw"))
        self.assertEqual(0, self.redis("EXISTS", "no"))
        self.assertIn("no JSON module", self.sluice.log())

    def test_stream_list_set_zset(self):
        for kind, more in (("STREAM", {"redis.stream.max.length": 100}), ("LIST", {}), ("SET", {"redis.member": "m"}),
                           ("ZSET", {"redis.score": "s", "redis.member": "m"})):
            self.name = "test-" + kind.lower()
            self.run_sink(**dict({"redis.type": kind, "redis.keyspace": kind}, **more))
        self.feed.add(*(line({"m": "m%d" % (i % 4), "s": i / 2}, "k%d" % i) for i in range(10)))
        self.feed.add(line(None, "k3"), line(None, {"m": "m1"}))  # tombstones: a member goes
        self.eventually(lambda: self.redis("XLEN", "STREAM") == 10 and self.redis("LLEN", "LIST") == 9)
        self.assertEqual([b"m", b"m2", b"s", b"1.0"], self.redis("XRANGE", "STREAM", "-", "+")[2][1])
        self.assertEqual([b"k%d" % i for i in range(10) if i != 3], self.redis("LRANGE", "LIST", 0, -1))
        self.eventually(lambda: sorted(self.redis("SMEMBERS", "SET")) == [b"m0", b"m2", b"m3"])
        self.eventually(lambda: self.redis("ZRANGE", "ZSET", 0, -1, "WITHSCORES") == [
            b"m2", b"3", b"m3", b"3.5", b"m0", b"4"])

    def test_order_of_a_key(self):
        self.run_sink(**{"redis.type": "STRING"}, source=self.feed.source(**{"batch.size": 50}))
        self.feed.add(*(line(str(i), "k%d" % (i % 7)) for i in range(20000)), line("x", "end"))
        self.eventually(lambda: self.redis("EXISTS", "t:end") == 1, 40)
        self.assertEqual([b"%d" % max(i for i in range(19990, 20000) if i % 7 == k) for k in range(7)],
                         [self.redis("GET", "t:k%d" % k) for k in range(7)])

    def test_validate(self):
        def findings(**config):
            self.folder.joinpath("p.json").write_text(json.dumps(pipeline("v", self.feed.source(), "redis", config)))
            return subprocess.run([os.environ["SLUICE_BIN"], "validate", str(self.folder / "p.json")], text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout
        self.assertIn("STREAM", findings(**{"redis.type": "STRAEM"}))
        self.assertIn("ZSET", findings(**{"redis.score": "s"}))
        self.assertIn("without", findings(**{"redis.key": "a${b"}))
        told = findings(**{"redis.uri": "http://user:geheim@host"})
        self.assertIn("redis[s]://", told)
        self.assertNotIn("geheim", told)
        self.assertIn("redis.tpye", findings(**{"redis.tpye": "HASH"}))


class Batching(RedisCase):
    """One record a batch; how many writes there were tells which went out together."""

    def writes(self):
        text = self.sluice.get("/metrics").text
        found = re.search(r'sluice_redis_writes_total\{[^}]*pipeline="%s"[^}]*\} (\d+)' % self.name, text)
        return int(found[1]) if found else 0

    def check(self, writes, name, count, payload=10, **config):
        self.name, self.feed = name, Feed(self.folder, name)
        self.feed.add(*(line({"v": "x" * payload}, n) for n in range(count)))
        self.run_sink(source=self.feed.source(**{"batch.size": 1}), **{"redis.type": "HASH", "redis.keyspace": name, **config})
        self.eventually(lambda: len(self.redis("KEYS", name + ":*")) == count)
        time.sleep(1.2)  # the task tells once a second
        self.assertEqual(writes, self.writes(), name)

    def test_by_records_bytes_and_time(self):
        self.check(48, "at-once", 48)
        # Neither of these waits for its minute: four records, two of 600 bytes, eight batches are enough.
        self.check(12, "by-records", 48, linger="60s", **{"batch.max.records": 4})
        self.check(24, "by-bytes", 48, 600, linger="60s", **{"batch.max.bytes": "1k"})
        self.check(6, "by-count", 48, linger="60s")
        self.check(6, "once", 48, linger="60s", **{"exactly.once": True})
        self.check(1, "by-time", 3, linger="1s")

    def test_draining_does_not_linger(self):
        self.feed.add(line({"v": 1}, 1), line({"v": 2}, 2))
        self.run_sink(linger="60s", **{"redis.type": "HASH", "redis.keyspace": "d"})
        self.wait_running()
        self.eventually(lambda: self.sluice.status(self.name)["tasks"][0]["branches"][0]["in_flight"] > 0)
        self.assertEqual(0, self.redis("EXISTS", "d:1", "d:2"))
        self.sluice.put("/pipelines/%s/pause" % self.name).expect(202)
        self.eventually(lambda: self.redis("EXISTS", "d:1", "d:2") == 2)

    def test_what_waits_survives_a_lost_connection(self):
        self.feed.add(*(line({"v": n}, n) for n in range(3)))
        self.run_sink(linger="2s", **{"redis.type": "HASH", "redis.keyspace": "l"})
        self.wait_running()
        self.eventually(lambda: self.sluice.status(self.name)["tasks"][0]["branches"][0]["in_flight"] > 0)
        self.redis("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        self.eventually(lambda: self.redis("EXISTS", "l:0", "l:1", "l:2") == 3, 20)


class Refusals(RedisCase):
    def test_wrong_type_becomes_a_dead_letter(self):
        for exact in (False, True):
            with self.subTest(exact=exact):
                self.redis("FLUSHALL")
                self.name = "wrongtype-%s" % str(exact).lower()
                self.feed = Feed(self.folder, self.name)
                dead = self.folder / (self.name + ".dead")
                self.redis("SET", "t:b7", "no list")
                self.run_sink({"tolerance": "all", "dead.letters.file": str(dead)},
                              **{"redis.type": "LIST", "redis.keyspace": "", "redis.key": "t:${l}", "exactly.once": exact})
                self.feed.add(*(line({"l": "b%d" % (i % 10)}, i) for i in range(200)), line({"l": None}, 1), line("x", 2),
                              line({"l": "end"}, 1))
                self.eventually(lambda: self.redis("EXISTS", "t:end") == 1)
                for b in range(10):
                    if b != 7:
                        self.assertEqual([b"%d" % i for i in range(b, 200, 10)], self.redis("LRANGE", "t:b%d" % b, 0, -1))
                found = self.eventually(lambda: len(letters(dead)) >= 22 and letters(dead))
                self.assertEqual(sorted(list(range(7, 200, 10)) + [1, 2]), sorted(d["key"] for d in found))
                errors = {d["key"]: (d["code"], d["message"]) for d in found}
                self.assertEqual("redis.wrongtype", errors[17][0])
                self.assertIn("Operation against a key", errors[17][1])
                self.assertIn("null or missing", errors[1][1])
                self.drop(self.name)

    def test_failed_with_a_clear_trace(self):
        self.redis("SET", "t", "no stream")
        self.run_sink()
        self.feed.add({"a": 1})
        trace = failed(self.sluice, self.name)
        self.assertIn("redis.wrongtype", trace)
        self.assertIn("WRONGTYPE", trace)

    def test_null_key(self):
        self.run_sink(**{"redis.type": "HASH"})
        self.feed.add({"a": 1})
        self.assertIn("the record has no key", failed(self.sluice, self.name))

    def test_out_of_memory_is_retried(self):
        for exact in (False, True):
            with self.subTest(exact=exact):
                self.redis("FLUSHALL")
                self.name = "oom-%s" % str(exact).lower()
                self.feed = Feed(self.folder, self.name)
                self.run_sink(**{"exactly.once": exact})
                self.feed.add({"a": 0})
                self.eventually(lambda: self.redis("XLEN", "t") == 1)
                self.redis("CONFIG", "SET", "maxmemory", 1)
                try:
                    self.feed.add(*({"a": i} for i in range(1, 100)))
                    time.sleep(1)
                    self.assertEqual(1, self.redis("XLEN", "t"))
                    self.sluice.wait_state(self.name)
                finally:
                    self.redis("CONFIG", "SET", "maxmemory", 0)
                self.eventually(lambda: self.redis("XLEN", "t") >= 100)
                self.assertEqual([b"%d" % i for i in range(100)],
                                 [e[1][1] for e in self.redis("XRANGE", "t", "-", "+")])
                self.drop(self.name)


class Logins(RedisCase):
    @classmethod
    def setUpClass(cls):
        cls.certs = make_certs(cls.enterClassContext(scratch_dir("certs-")))
        cls.server_args = {"env": {"REDIS_PASSWORD": "geheim"}, "tls": cls.certs}
        super().setUpClass()

    def written(self, **config):
        self.redis("DEL", "t")
        self.run_sink(**config)
        self.feed.add({"a": 1})
        self.eventually(lambda: self.redis("XLEN", "t") == 1, 20)

    def refused(self, **config):
        self.run_sink(**config)
        trace = failed(self.sluice, self.name)
        self.assertNotIn("geheim", trace)
        return trace

    def test_password(self):
        self.written(**{"redis.password": "geheim"})

    def test_uri(self):
        self.written(**{"redis.uri": "redis://:geheim@localhost:%d/0" % self.server.port, "redis.host": "nowhere.invalid"})

    def test_wrong_password(self):
        self.assertIn("WRONGPASS", self.refused(**{"redis.password": "falsch"}))

    def test_no_password(self):
        self.assertIn("NOAUTH", self.refused())

    def test_damaged_position(self):
        """What this sink never wrote is no position: it may neither be skipped to nor passed over in silence."""
        for i, damaged in enumerate(("+1 2/0", "0x10/0", "00000000000000zz/0", "00000000000000010", "0000000000000001/-1",
                                     "00" * 32 + "/0")):
            with self.subTest(damaged):
                self.name = "damaged-%d" % i
                key = "sluice:position:%s:redis" % self.name
                self.redis("HSET", key, '{"file":"x"}', damaged)
                trace = self.refused(**{"redis.password": "geheim", "exactly.once": True})
                self.assertIn("redis.position", trace)
                self.assertIn(key, trace)

    def test_acl(self):
        self.redis("ACL", "SETUSER", "writer", "on", ">pw", "~t*", "+xadd", "+select", "+ping")
        self.written(**{"redis.username": "writer", "redis.password": "pw"})
        self.name = "acl-denied"
        self.assertIn("NOPERM", self.refused(**{"redis.username": "writer", "redis.password": "pw", "exactly.once": True}))

    def tls(self, **more):
        return dict({"redis.port": self.server.info["tls_port"], "redis.tls": True, "redis.password": "geheim"}, **more)

    def test_tls(self):
        self.written(**self.tls(**{"redis.cacert": str(self.certs / "ca.crt"), "redis.host": "localhost"}))

    def test_tls_large(self):
        self.run_sink(**self.tls(**{"redis.cacert": str(self.certs / "ca.crt")}))
        self.feed.add(*({"a": "x" * 100000, "i": i} for i in range(100)))
        self.eventually(lambda: self.redis("XLEN", "t") == 100)

    def test_tls_unknown_authority(self):
        trace = self.refused(**self.tls())
        self.assertIn("not trusted", trace)
        self.assertIn("redis.cacert", trace)

    def test_tls_insecure(self):
        self.written(**self.tls(**{"redis.insecure": True}))

    def test_tls_missing_file(self):
        self.assertIn("redis.cacert", self.refused(**self.tls(**{"redis.cacert": "/nowhere/ca.crt"})))

    def test_tls_client_certificate(self):
        self.redis("CONFIG", "SET", "tls-auth-clients", "yes")
        self.addCleanup(self.server.command, "CONFIG", "SET", "tls-auth-clients", "optional")
        self.written(**self.tls(**{"redis.cacert": str(self.certs / "ca.crt"), "redis.key.cert": str(self.certs / "client.crt"),
                                   "redis.key.file": str(self.certs / "client.key")}))
        self.name = "tls-no-client-certificate"
        trace = self.refused(**self.tls(**{"redis.cacert": str(self.certs / "ca.crt")}))
        self.assertIn("redis.key.cert", trace)

    def test_tls_wrong_host(self):
        self.redis("CONFIG", "SET", "tls-key-file", str(self.certs / "wrong-host.key"),
                   "tls-cert-file", str(self.certs / "wrong-host.crt"))
        self.addCleanup(self.server.command, "CONFIG", "SET", "tls-key-file", str(self.certs / "server.key"),
                        "tls-cert-file", str(self.certs / "server.crt"))
        for host in ("127.0.0.1", "localhost"):
            self.name = "wrong-host-" + host.replace(".", "-")
            self.assertIn("mismatch", self.refused(**self.tls(**{"redis.cacert": str(self.certs / "ca.crt"),
                                                                 "redis.host": host})))


class Loss(RedisCase):
    @classmethod
    def setUpClass(cls):
        cls.server_args = {"env": {"REDIS_AOF": "yes"}}
        super().setUpClass()

    def test_server_killed_in_mid_stream(self):
        self.run_sink(source={"plugin": "datagen", "config": {"count": 40000, "rate": 10000, "topic": "t"}})
        self.eventually(lambda: self.redis("XLEN", "t") > 3000)
        self.server.kill9()
        time.sleep(0.5)
        self.server.start()
        self.redis = self.enterContext(self.server.client())

        def ids():
            return {e[1][1] for e in self.redis("XRANGE", "t", "-", "+")}
        self.eventually(lambda: len(ids()) == 40000, 60)

    def test_unreachable_then_there(self):
        port = free_port()
        self.run_sink(**{"redis.port": port})
        self.feed.add({"a": 1})
        self.eventually(lambda: "redis 127.0.0.1:%d: connection refused" % port in self.sluice.log())
        with Redis(port=port) as late:
            self.eventually(lambda: late.command("XLEN", "t") == 1, 20)
            self.sluice.delete("/pipelines/" + self.name).expect(204)

    def exact(self, kill, count=60000, errors=None):
        seen = self.redis("XLEN", "t")
        while seen < count:
            self.eventually(lambda: self.redis("XLEN", "t") >= min(seen + count // 6, count), 60)
            seen = self.redis("XLEN", "t")
            if seen < count:
                kill()
        time.sleep(0.5)
        found = [int(dict(zip(e[1][::2], e[1][1::2]))[b"id"]) for e in self.redis("XRANGE", "t", "-", "+")]
        self.assertEqual(count, len(found))
        self.assertEqual(sorted(set(found)), sorted(found))
        self.assertEqual(found, sorted(found))

    def source(self, count=60000):
        return {"plugin": "datagen", "config": {"count": count, "rate": 15000, "topic": "t", "fields": {"id": "sequence"}}}

    def test_exactly_once_task_killed(self):
        self.run_sink(source=self.source(), **{"exactly.once": True})
        self.exact(lambda: kill_task(self.sluice, self.name))

    def test_exactly_once_server_killed(self):
        self.run_sink(source=self.source(), **{"exactly.once": True})

        def kill():
            self.server.kill9()
            self.server.start()
            self.redis = self.enterContext(self.server.client())
        self.exact(kill)

    def test_refused_records_survive_kills(self):
        """Records that are refused are either in a dead letter or come again, whenever the task is killed."""
        dead = self.folder / "dead"
        for b in range(0, 50, 10):
            self.redis("SET", "t:%d" % b, "no list")
        self.run_sink({"tolerance": "all", "dead.letters.file": str(dead), "log": False},
                      source=self.feed.source(**{"batch.size": 100}),
                      **{"redis.type": "LIST", "redis.key": "t:${b}", "exactly.once": True})
        total = 4000
        for part in range(8):
            self.feed.add(*(line({"b": i % 50}, i) for i in range(part * total // 8, (part + 1) * total // 8)))
            time.sleep(0.15)
            kill_task(self.sluice, self.name)
        self.feed.add(line({"b": "end"}, "end"))
        self.eventually(lambda: self.redis("LLEN", "t:end") == 1, 60)
        for b in range(50):
            want = [b"%d" % i for i in range(b, total, 50)]
            if b % 10:
                self.assertEqual(want, self.redis("LRANGE", "t:%d" % b, 0, -1))
            else:
                self.assertEqual(want, sorted({b"%d" % d["key"] for d in letters(dead) if d["value"]["b"] == b}, key=int))

    def test_fenced_by_another(self):
        body = self.run_sink(source=self.source(0), **{"exactly.once": True})
        self.eventually(lambda: self.redis("XLEN", "t") > 100)
        with Sluice() as other:
            other.post("/pipelines", body).expect(201)
            trace = failed(self.sluice, self.name)
            self.assertIn("redis.fenced", trace)
            other.wait_state(self.name)


def resp(*words):
    """A command as Redis writes it into its log."""
    words = [str(w).encode() for w in words]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)


class TornLog(RedisCase):
    server_args = {"env": {"REDIS_AOF": "yes", "REDIS_TORN_AOF": "keep"}}

    def restart(self, torn=b""):
        self.server.kill9()
        if torn:
            with next(Path(self.server.directory).glob("appendonlydir/*.incr.aof")).open("ab") as log:
                log.write(torn)
        self.server.start()
        self.redis = self.enterContext(self.server.client())

    def test_records_that_the_server_repeats_are_told(self):
        """What kill -9 in the midst of a script leaves in the log; the server carries it out one restart later."""
        def told():
            return self.sluice.log().count("replayed a part of 1 interrupted script")
        self.run_sink(**{"exactly.once": True})
        self.feed.add({"a": 1})
        self.eventually(lambda: self.redis("XLEN", "t") == 1)
        key = "sluice:position:%s:redis" % self.name
        newest = self.redis("XRANGE", "t", "-", "+")[-1][0].decode()
        self.restart(resp("MULTI") + resp("HINCRBY", key, "#0+", 1) + resp("XADD", "t", newest + "1", "a", 2) +
                     resp("XADD", "t", newest + "2", "a", 3)[:-4])
        self.assertEqual(1, self.redis("XLEN", "t"))
        self.feed.add({"a": 2})
        self.eventually(lambda: self.redis("XLEN", "t") == 2)
        self.assertEqual(b"0", self.redis("HGET", key, "#0+"))
        self.restart()
        self.assertEqual([b"1", b"2", b"2"], [e[1][1] for e in self.redis("XRANGE", "t", "-", "+")])
        self.eventually(told)
        self.eventually(lambda: self.redis("HGET", key, "#0+") == b"0")
        self.restart()
        self.feed.add({"a": 4})
        self.eventually(lambda: self.redis("XLEN", "t") == 4)
        self.assertEqual(1, told())
