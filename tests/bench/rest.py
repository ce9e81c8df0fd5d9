#!/usr/bin/env python3
"""make bench, its part about REST: connectors are made (paused), listed with expand and deleted, on our Connect worker and on
Kafka Connect's own, both distributed, on one broker, one after the other in one run; and what a small request has to wait
meanwhile, what a paused connector costs in memory, and a scrape of /metrics.

Environment: REST_CONNECTORS (1000), REST_JVM_CONNECTORS (as many; 0 leaves Connect out), REST_LISTS (20), REST_CLIENTS (4: processes
that make and delete), BENCH_OUT (file for JSON lines), SLUICE_BIN and SLUICE_PLUGIN_PATH (make sets them).
Connect's jars come by tests/kit/setup-servers.sh connect.
"""

import contextlib
import json
import multiprocessing
import os
import pathlib
import socket
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "kit"))

from sluicetest import servers  # noqa: E402
from sluicetest.host import children, rss_anon  # noqa: E402
from sluicetest.jvm_connect import JvmConnect, jars  # noqa: E402
from sluicetest.worker import ConnectWorker  # noqa: E402

COUNT = int(os.environ.get("REST_CONNECTORS", "1000"))
JVM_COUNT = int(os.environ.get("REST_JVM_CONNECTORS", str(COUNT)))
LISTS = int(os.environ.get("REST_LISTS", "20"))
CLIENTS = int(os.environ.get("REST_CLIENTS", "4"))
LIST = "/connectors?expand=info&expand=status"


def emit(**figure):
    print("  ".join("%s=%s" % (k, "%.3g" % v if isinstance(v, float) else v) for k, v in figure.items()), flush=True)
    if os.environ.get("BENCH_OUT"):
        with open(os.environ["BENCH_OUT"], "a") as out:
            out.write(json.dumps(figure) + "\n")


# ---- clients: one kept connection each, so that they cost little themselves ----

class Client:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=90)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def request(self, method, path, body=None):
        """(status, body)."""
        data = b"" if body is None else json.dumps(body).encode()
        head = "%s %s HTTP/1.1\r\nHost: bench\r\n" % (method, path)
        if body is not None:
            head += "Content-Type: application/json\r\n"
        if data or method == "POST":
            head += "Content-Length: %d\r\n" % len(data)
        self.socket.sendall(head.encode() + b"\r\n" + data)
        return self.answer()

    def more(self):
        data = self.socket.recv(1 << 18)
        if not data:
            raise ConnectionError("the worker closed the connection")
        self.buffer += data

    def answer(self):
        while b"\r\n\r\n" not in self.buffer:
            self.more()
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        head = head.lower()
        if b"transfer-encoding: chunked" in head:
            return int(head[9:12]), self.chunks()
        length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0] or 0) if b"content-length" in head else 0
        while len(self.buffer) < length:
            self.more()
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return int(head[9:12]), body

    def chunks(self):
        parts = []
        while True:
            while b"\r\n" not in self.buffer:
                self.more()
            size, _, self.buffer = self.buffer.partition(b"\r\n")
            n = int(size, 16)
            while len(self.buffer) < n + 2:
                self.more()
            parts.append(self.buffer[:n])
            self.buffer = self.buffer[n + 2:]
            if n == 0:
                return b"".join(parts)


def config(i):
    return {"connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector", "tasks.max": "1",
            "file": "/nonexistent/rest-%d.txt" % i, "topic": "rest-%d" % i,
            "value.converter": "org.apache.kafka.connect.storage.StringConverter", "transforms": "route",
            "transforms.route.type": "org.apache.kafka.connect.transforms.RegexRouter", "transforms.route.regex": "rest-(.*)",
            "transforms.route.replacement": "r-$1"}


def again(client, wanted, *request):
    """Repeats what a rebalance refused, as clients of Connect have to."""
    while True:
        status, body = client.request(*request)
        if status == wanted:
            return
        if status != 409:
            raise AssertionError("%s: %d %s" % (request[:2], status, body[:300]))
        time.sleep(0.05)


def make(port, first, last):
    client = Client(port)
    for i in range(first, last):
        again(client, 201, "POST", "/connectors", {"name": "rest-%d" % i, "initial_state": "PAUSED", "config": config(i)})


def remove(port, first, last):
    client = Client(port)
    for i in range(first, last):
        again(client, 204, "DELETE", "/connectors/rest-%d" % i)


def probe(port, ended, queue):
    """How long small requests take: every 5 ms, until the end."""
    client, times = Client(port), []
    while not ended.is_set():
        for path in ("/connectors/rest-0/status", "/"):
            begin = time.perf_counter()
            client.request("GET", path)
            times.append((time.perf_counter() - begin) * 1000)
            time.sleep(0.005)
    queue.put(times)


def shared_out(target, port, count):
    """Seconds that CLIENTS processes take for their parts of it."""
    steps = [count * k // CLIENTS for k in range(CLIENTS + 1)]
    workers = [multiprocessing.Process(target=target, args=(port, a, b)) for a, b in zip(steps, steps[1:])]
    begin = time.perf_counter()
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    if any(w.exitcode for w in workers):
        raise AssertionError("a client failed")
    return time.perf_counter() - begin


class Probe:
    def __init__(self, port):
        self.ended, self.queue = multiprocessing.Event(), multiprocessing.Queue()
        self.process = multiprocessing.Process(target=probe, args=(port, self.ended, self.queue))

    def __enter__(self):
        self.process.start()
        return self

    def __exit__(self, *exc):
        self.ended.set()
        self.times = sorted(self.queue.get(timeout=100))
        self.process.join()

    def part(self, share):
        return self.times[min(len(self.times) - 1, int(len(self.times) * share))]


# ---- what is measured ----

def cpu(pid):
    """Seconds that the worker has computed, with its children (a machine that others use changes rates, not these)."""
    total = 0
    for p in [pid, *children(pid)]:
        with contextlib.suppress(OSError), open("/proc/%d/stat" % p) as f:
            total += sum(int(part) for part in f.read().rpartition(")")[2].split()[11:15])
    return total / os.sysconf("SC_CLK_TCK")


def phase(who, what, count, port, pid, run):
    before = cpu(pid)
    with Probe(port) as p:
        seconds = run()
    emit(phase="rest", who=who, what=what, count=count, rate=count / seconds, seconds=seconds, cpu_us=(cpu(pid) - before) / count * 1e6,
         p50_ms=p.part(0.5), p99_ms=p.part(0.99), max_ms=p.times[-1])
    return seconds


def lists(port, count):
    """Seconds until all of each answer is there; what we do with it is not the worker's time."""
    client = Client(port)
    total = 0
    for _ in range(LISTS):
        begin = time.perf_counter()
        status, body = client.request("GET", LIST)
        total += time.perf_counter() - begin
        assert status == 200 and len(json.loads(body)) == count, (status, body[:300])
    return total


def scrape(port, count):
    client = Client(port)
    times = []
    for _ in range(5):
        begin = time.perf_counter()
        status, body = client.request("GET", "/metrics")
        times.append((time.perf_counter() - begin) * 1000)
        assert status == 200
    emit(phase="rest", who="sluice", what="/metrics", count=count, median_ms=sorted(times)[2], bytes=len(body))


def private_memory(pid):
    total = 0
    for p in [pid, *children(pid)]:
        with contextlib.suppress(OSError):
            total += rss_anon(p)
    return total


def measure(who, port, pid, count):
    """Seconds of making, listing once, and deleting."""
    before = private_memory(pid)
    made = phase(who, "POST /connectors", count, port, pid, lambda: shared_out(make, port, count))
    time.sleep(1)
    emit(phase="rest", who=who, what="memory of a paused connector", count=count, mb=(private_memory(pid) - before) / count / 1e6)
    listed = phase(who, "GET /connectors?expand", LISTS, port, pid, lambda: lists(port, count))
    if who == "sluice":
        scrape(port, count)
    gone = phase(who, "DELETE /connectors/{}", count, port, pid, lambda: shared_out(remove, port, count))
    return {"create": count / made, "list": count * LISTS / listed, "delete": count / gone, "all": count / (made + listed / LISTS + gone)}


def jvm(kafka, count):
    """The same of Kafka Connect's own worker; None without it."""
    if count == 0 or jars() is None:
        emit(phase="rest", who="connect", what="left out: run tests/kit/setup-servers.sh connect for it")
        return None
    own = {"group.id": "bench"}
    own.update({kind + ".storage.topic": "bench-" + kind for kind in ("config", "offset", "status")})
    with servers.scratch_dir("sluice-bench-") as folder:
        with JvmConnect(kafka.bootstrap, folder, own, ("-Xms256m", "-Xmx2g")) as connect:
            warm(connect.port)
            return measure("connect", connect.port, connect.process.pid, count)


def warm(port):
    """Both have made and removed a few before anything is measured."""
    make(port, 10 ** 6, 10 ** 6 + 20)
    remove(port, 10 ** 6, 10 ** 6 + 20)


def main():
    with servers.Kafka() as kafka:
        theirs = jvm(kafka, JVM_COUNT)
        with ConnectWorker("distributed", kafka.bootstrap) as worker:
            warm(worker.port)
            ours = measure("sluice", worker.port, worker.pid, COUNT)
    for what, rate in ours.items() if theirs else ():
        emit(phase="rest", who="sluice", what="rate of %s against Connect's" % what, times=rate / theirs[what])


if __name__ == "__main__":
    main()
