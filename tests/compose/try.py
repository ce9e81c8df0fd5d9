#!/usr/bin/env python3
"""make test-compose: builds the image of compose/Dockerfile and runs the reference use in it, headless, from mounted files.

Uses the Docker engine that answers; without one, as root, starts a private dockerd where it is installed (apt-get install
docker.io debootstrap), with neither bridge nor iptables. The base image is pulled, or made by debootstrap where no registry
can be reached. Where no engine can run it says so and ends with 0: look for SKIPPED.
The servers are the test kit's, so that this tries our image and files; images of the servers are only named in the compose file.
"""

import contextlib
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "kit"))
from sluicetest import ClickHouse, Postgres, Redis, eventually, http, scratch_dir  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
BASE, IMAGE, NAME = "debian:bookworm-slim", "sluice-test-compose", "sluice-test-compose-%d" % os.getpid()
PORT = 8083  # the image's health check asks this one
BEGIN = time.monotonic()


def say(text):
    print("== %5.1f s  %s" % (time.monotonic() - BEGIN, text), flush=True)


def skip(why):
    print("\n%s\nSKIPPED: make test-compose tried NOTHING: %s\n%s\n" % ("!" * 100, why, "!" * 100), flush=True)
    sys.exit(0)


def run(*command, **kwargs):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **kwargs)
    if done.returncode != 0:
        raise SystemExit("%s\nended with %d:\n%s" % (" ".join(map(str, command)), done.returncode, done.stdout[-4000:]))
    return done.stdout.strip()


def answers():
    return subprocess.run(["docker", "info"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def start_engine(stack):
    if not shutil.which("docker"):
        skip("there is no docker command (apt-get install docker.io)")
    if answers():
        return say("the Docker engine that runs here is used")
    if os.geteuid() != 0 or not shutil.which("dockerd"):
        skip("no Docker engine answers, and none can be started (needs root and dockerd: apt-get install docker.io)")
    folder = stack.enter_context(scratch_dir("sluice-docker-"))
    os.environ["DOCKER_HOST"] = "unix://%s/docker.sock" % folder
    with open(folder / "log", "w") as log:
        engine = subprocess.Popen(["dockerd", "--host", os.environ["DOCKER_HOST"], "--data-root", folder / "data", "--exec-root",
                                   folder / "exec", "--pidfile", folder / "pid", "--bridge", "none", "--iptables=false",
                                   "--ip6tables=false"], stdout=log, stderr=log)
    stack.callback(stop_engine, engine, folder)
    try:
        eventually(lambda: engine.poll() is not None or answers(), 30)
    except AssertionError:
        pass
    if engine.poll() is not None or not answers():
        skip("dockerd does not start: %s" % "\n".join((folder / "log").read_text().splitlines()[-3:]))
    say("a private Docker engine runs")


def stop_engine(engine, folder):
    engine.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        engine.wait(20)
    if engine.poll() is None:
        engine.kill()
        engine.wait()
    for line in pathlib.Path("/proc/self/mounts").read_text().splitlines()[::-1]:
        if line.split()[1].startswith(str(folder)):
            subprocess.run(["umount", "-l", line.split()[1]])


def base_image(stack):
    if subprocess.run(["docker", "image", "inspect", BASE], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0:
        return
    with contextlib.suppress(subprocess.TimeoutExpired):
        if subprocess.run(["docker", "pull", "-q", BASE], timeout=30, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0:
            return
    if not shutil.which("debootstrap"):
        skip("%s cannot be pulled, and there is no debootstrap to make it" % BASE)
    root = os.environ.get("SLUICE_DEBIAN_ROOT")
    if not root:
        say("no registry: making %s by debootstrap" % BASE)
        root = stack.enter_context(scratch_dir("sluice-debian-")) / "root"
        run("debootstrap", "--variant=minbase", "bookworm", root, *mirror())
    with subprocess.Popen(["tar", "-C", root, "--one-file-system", "-c", "."], stdout=subprocess.PIPE) as tar:
        run("docker", "import", "-", BASE, stdin=tar.stdout)


def mirror():
    """Where this machine gets its packages from."""
    for path in [pathlib.Path("/etc/apt/sources.list"), *sorted(pathlib.Path("/etc/apt/sources.list.d").glob("debian*"))]:
        found = re.search(r"^(?:deb|URIs:)\s+(?:\[.*?\]\s+)?(\S+)", path.read_text(), re.M) if path.is_file() else None
        if found:
            return [found.group(1)]
    return []


def build(stack):
    base_image(stack)
    say("docker build")
    run("docker", "build", "--network", "host", "-t", IMAGE, "-f", ROOT / "compose/Dockerfile", ROOT)
    stack.callback(subprocess.run, ["docker", "image", "rm", "-f", IMAGE], stdout=subprocess.DEVNULL)
    say("image of %.0f MB" % (int(run("docker", "image", "inspect", "-f", "{{.Size}}", IMAGE)) / 1e6))


def start_container(stack, env):
    folder = stack.enter_context(scratch_dir("sluice-compose-"))
    (folder / "pipelines").mkdir()
    (folder / "plugins").mkdir()
    shutil.copy(ROOT / "configs/engagement/pipeline.json", folder / "pipelines/engagement.json")
    shutil.copy(pathlib.Path(os.environ["SLUICE_BUILD"]) / "tests/plugins/example-source.so", folder / "plugins")
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755)
    stack.callback(subprocess.run, ["docker", "rm", "-f", "-v", NAME], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    run("docker", "run", "-d", "--name", NAME, "--network", "host", "-v", "%s:/etc/sluice/pipelines:ro" % (folder / "pipelines"),
        "-v", "%s:/plugins:ro" % (folder / "plugins"), *(a for k, v in env.items() for a in ("-e", "%s=%s" % (k, v))), IMAGE)


def health():
    return run("docker", "inspect", "-f", "{{.State.Health.Status}}", NAME)


def check(pg, redis, clickhouse):
    url = "http://127.0.0.1:%d" % PORT
    eventually(lambda: health() == "healthy", 60, "the health check")
    say("healthy, as uid %s" % run("docker", "exec", NAME, "id", "-u"))
    assert run("docker", "exec", NAME, "id", "-u") == "10001"
    pg.query("INSERT INTO content VALUES ('11111111-1111-1111-1111-111111111111','ai-trends','AI Trends 2025','podcast',180,now());"
             "INSERT INTO engagement_events(content_id,event_type,event_ts,duration_ms) "
             "VALUES ('11111111-1111-1111-1111-111111111111','play',now(),60000)")
    eventually(lambda: redis.command("XLEN", "engagement") == 1, 30, "the event in Redis")
    eventually(lambda: clickhouse.value("SELECT engagement_pct FROM engagement") == "33.33", 30, "the event in ClickHouse")
    eventually(lambda: pg.query("SELECT engagement_pct FROM engagement_report") == [("33.33",)], 30, "the event in PostgreSQL")
    say("an event arrived in Redis, ClickHouse and PostgreSQL, joined and computed")
    listed = run("docker", "exec", NAME, "sluice", "plugins", "list", "--json")
    extra = [p["name"] for p in json.loads(listed)["plugins"] if p["file"].startswith("/plugins/")]
    assert extra, listed
    http.post(url + "/pipelines", {"name": "extra", "source": {"plugin": extra[0]}, "sinks": [{"plugin": "null"}]}).expect(201)
    eventually(lambda: http.get(url + "/pipelines/extra/status").json()["state"] in ("RUNNING", "FINISHED"), 20, "the extra plugin")
    say("the mounted plugin %s runs" % extra[0])
    run("docker", "stop", "-t", "40", NAME)
    assert run("docker", "inspect", "-f", "{{.State.ExitCode}}", NAME) == "0", run("docker", "logs", NAME)[-3000:]
    pg.query("INSERT INTO engagement_events(event_type,event_ts) VALUES ('click',now())")
    run("docker", "start", NAME)
    eventually(lambda: redis.command("XLEN", "engagement") == 2, 40, "the event written while it was stopped")
    assert redis.command("XLEN", "engagement") == 2
    say("stopped with 0, started again, went on where it was")


def compose_config():
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]) and subprocess.run([*command, "version"], stdout=subprocess.DEVNULL,
                                                       stderr=subprocess.DEVNULL).returncode == 0:
            run(*command, "-f", ROOT / "compose/docker-compose.yml", "config", "-q")
            return say("%s accepts docker-compose.yml" % " ".join(command))
    say("NOT CHECKED: docker-compose.yml, no compose command here")


def prometheus_config():
    if shutil.which("promtool"):
        run("promtool", "check", "config", ROOT / "compose/prometheus/prometheus.yml")
        return say("promtool accepts prometheus.yml and its rules")
    say("NOT CHECKED: prometheus.yml, no promtool here (package prometheus)")


def main():
    with contextlib.ExitStack() as stack:
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("0.0.0.0", PORT))
            except OSError:
                skip("port %d, which the image's health check asks, is taken" % PORT)
        start_engine(stack)
        compose_config()
        prometheus_config()
        build(stack)
        pg, redis, clickhouse = (stack.enter_context(s()) for s in (Postgres, Redis, ClickHouse))
        pg.query((ROOT / "configs/engagement/schema.sql").read_text())
        clickhouse.query((ROOT / "configs/engagement/clickhouse.sql").read_text())
        start_container(stack, {"PGHOST": pg.host, "PGPORT": pg.port, "REDIS_HOST": redis.host, "REDIS_PORT": redis.port,
                                "CLICKHOUSE_HOST": clickhouse.host, "CLICKHOUSE_PORT": clickhouse.port})
        try:
            check(pg, redis, clickhouse)
        except AssertionError:
            print(subprocess.run(["docker", "logs", "--tail", "30", NAME], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 text=True).stdout)
            raise
    say("passed")


if __name__ == "__main__":
    main()
