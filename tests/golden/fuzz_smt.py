#!/usr/bin/env python3
"""Random transform chains, schemas and records through the real Kafka Connect classes and through ours.

  fuzz_smt.py --libs FOLDER --harness GoldenHarness.java --sluice BINARY [--seconds 60] [--seed N] [--focus NAME] [--save FOLDER]

Not part of `make test`: it needs a JDK, the jars of connect-runtime, connect-transforms, connect-json and connect-file with what they
depend on, and the harness that recorded smt/ (one case a line in, the completed case out). Prints classes of mismatch with
how often each came up and one example; --save keeps the examples as cases. Exit code 1 when there was a mismatch.

Left out of the comparison is what tests/golden-differences.md lists by rule: see fuzz_smt_known.py. How often each rule was
needed is said, too.
"""
import argparse
import collections
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from fuzz_smt_gen import Gen  # noqa: E402
from fuzz_smt_known import known  # noqa: E402
from test_smt import differences, load, normal  # noqa: E402


def java(harness, libs, folder):
    subprocess.run(["javac", "-nowarn", "-cp", os.path.join(libs, "*"), "-d", folder, harness], check=True)
    return subprocess.Popen(["java", "-Xmx400m", "-XX:-OmitStackTraceInFastThrow", "-cp", folder + os.pathsep + os.path.join(libs, "*"), "GoldenHarness", "smt"],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, encoding="utf-8")


def output(line, stderr):
    try:
        return load(line)["output"]
    except ValueError:
        return {"no JSON": line[-400:], "stderr": stderr.decode(errors="replace")[:2000]}


def run_ours(binary, cases, folder):
    files = []
    for i, case in enumerate(cases):
        files.append(os.path.join(folder, "%d.json" % i))
        pathlib.Path(files[-1]).write_text(json.dumps(case))
    done = subprocess.run([binary, "try", "--case", *files], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return done.stdout.decode("utf-8", "surrogatepass").strip("\n").split("\n"), done.stderr


def ours(binary, cases, folder):
    """What ours makes of each case; one that it does not survive is {"crash": what it said}."""
    lines, stderr = run_ours(binary, cases, folder)
    if len(lines) == len(cases):
        return [output(line, stderr) for line in lines]
    if len(cases) == 1:
        return [{"crash": stderr.decode(errors="replace")[-3000:]}]
    return [ours(binary, [case], folder)[0] for case in cases]


def kind_of(case, found):
    types = "+".join(sorted({(v or "").split(".")[-1].split("$")[0] for k, v in case["transforms"].items() if k.startswith("transforms.") and k.endswith(".type")}))
    return types + " | " + re.sub(r"\d+", "N", re.sub(r"(recorded|ours) .*", r"\1", found[0]))[:100]


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--libs", required=True)
    ap.add_argument("--harness", required=True)
    ap.add_argument("--sluice", default=os.environ.get("SLUICE_BIN", "sluice"))
    ap.add_argument("--seconds", type=float, default=60)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--focus", help="one transform: RegexRouter, TimestampConverter ...")
    ap.add_argument("--save", help="folder for one case of each class of mismatch")
    a = ap.parse_args()
    gen, start, count = Gen(a.seed), time.time(), 0
    classes, rules, examples, errors, broken = collections.Counter(), collections.Counter(), {}, 0, 0
    with tempfile.TemporaryDirectory() as folder:
        real = java(a.harness, a.libs, folder)
        while time.time() - start < a.seconds:
            cases = [gen.case(count + i, a.focus) for i in range(200)]
            for case, got in zip(cases, ours(a.sluice, cases, folder)):
                real.stdin.write(json.dumps(case) + "\n")
                real.stdin.flush()
                done = load(real.stdout.readline())
                count += 1
                if "harness_error" in done:
                    broken += 1
                    continue
                want, got = normal(done["output"]), normal(got)
                errors += isinstance(want, dict) and "error" in want
                found = list(differences(want, got))
                rule = known(want, got, case) if found else None
                if rule:
                    rules[rule] += 1
                elif found:
                    classes[kind_of(case, found)] += 1
                    examples.setdefault(kind_of(case, found), (done, found))
        real.stdin.close()
        real.wait()
    for kind, n in classes.most_common():
        done, found = examples[kind]
        print("%6d  %s\n        %s\n        %s" % (n, kind, json.dumps({"transforms": done["transforms"], "input": done["input"]})[:900], "; ".join(found)[:700]))
        if a.save:
            path = pathlib.Path(a.save, re.sub(r"\W+", "-", kind)[:80] + ".json")
            path.write_text(json.dumps(done, indent=1) + "\n")
    for rule, n in rules.most_common():
        print("%6d  left out: %s" % (n, rule))
    print("%d cases (%d of them errors, %d that the harness could not read), %d mismatches in %d classes"
          % (count, errors, broken, sum(classes.values()), len(classes)))
    return 1 if classes else 0


if __name__ == "__main__":
    sys.exit(main())
