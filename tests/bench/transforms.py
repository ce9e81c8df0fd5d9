#!/usr/bin/env python3
"""Transforms, part of `make bench`: ours against Kafka Connect's real classes, in one run on one machine.

A record of 200 bytes of JSON through each of some transforms, a chain of five, and the chain with the JSON converter before and behind
it: nanoseconds of processor time a record, ours (transform_bench) and theirs (java/TransformBench.java, after the compiler of the
JVM has had seconds to warm up), and how many times faster ours is. Both run in turn, BENCH_ROUNDS (3) times; medians count.

The JVM's side needs a JDK and the jars that tests/kit/setup-servers.sh puts in $SLUICE_CACHE/connect; without them ours stands alone.
Prints a line a figure; BENCH_OUT: file for the same as JSON. BENCH_ONLY as in run.py: the phase is called "transforms".
"""
import collections
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
BUILD = pathlib.Path(os.environ.get("SLUICE_BUILD", "build/release"))
JARS = pathlib.Path(os.environ.get("SLUICE_CACHE", pathlib.Path.home() / ".cache/sluice-testbed")) / "connect"
LINE = re.compile(r"(.+?) +(schema|schemaless) +(\d+) ns a record")
NAMES = {"insert-field": "InsertField$Value", "replace-field": "ReplaceField$Value", "cast": "Cast$Value", "mask-field": "MaskField$Value",
         "regex-router": "RegexRouter"}


def figures(command):
    """{(what, schema or schemaless): ns}"""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    return {(m[1].strip(), m[2]): float(m[3]) for m in map(LINE.match, done.stdout.splitlines()) if m}


def emit(**figure):
    print("  ".join("%s=%s" % (k, "%.3g" % v if isinstance(v, float) else v) for k, v in figure.items()), flush=True)
    if os.environ.get("BENCH_OUT"):
        with open(os.environ["BENCH_OUT"], "a") as out:
            out.write(json.dumps(figure) + "\n")


def main():
    if not re.search(os.environ.get("BENCH_ONLY", ""), "transforms"):
        return
    ours = [BUILD / "tests/bench/transform_bench", BUILD / "lib/sluice"]
    theirs = ["java", "-cp", str(JARS / "*"), HERE / "java/TransformBench.java"]
    has_java = shutil.which("javac") and any(JARS.glob("connect-transforms-*.jar"))
    found = collections.defaultdict(lambda: ([], []))
    for _ in range(ROUNDS):
        for side, command in enumerate([ours, theirs] if has_java else [ours]):
            for (what, how), ns in figures(command).items():
                found[NAMES.get(what, what), how][side].append(ns)
    for (what, how), (mine, jvm) in found.items():
        figure = {"ns_record": statistics.median(mine)} if mine else {}
        if mine and jvm:
            figure.update(jvm_ns_record=statistics.median(jvm), times_jvm=statistics.median(jvm) / max(1.0, statistics.median(mine)))
        emit(phase="transforms", what=what, records=how, **figure)
    if not has_java:
        print("the JVM's side was left out: it needs javac and the jars of Kafka Connect (tests/kit/setup-servers.sh)")


if __name__ == "__main__":
    main()
