"""Replays recorded exchanges with a Kafka Connect worker: tests/golden/connect-rest/*.json.

A case is {"name","what","mode","worker","needs","files","exchanges"}. An exchange is a request and the recorded answer;
`wait_for` repeats it until the condition holds, `mask` says which places are volatile and how they are compared,
`body_match: "ignore"` compares the status only. Other steps: {"sleep"}, {"file": "write|append|remove|mkdir|expect"}.
"""

import http.client
import json
import os
import random
import re
import shutil
import time
import urllib.parse

IGNORED = {"date", "server", "content-length", "connection", "transfer-encoding", "keep-alive"}
BUSY = ("rebalance", "stale configuration", "no known leader")  # such answers of a real cluster are asked again


class Env:
    def __init__(self, url, directory, bootstrap, admin_url=None, worker=None, timeout=10.0):
        self.url, self.admin_url = url.rstrip("/"), (admin_url or url).rstrip("/")
        self.dir, self.bootstrap, self.timeout = str(directory), bootstrap, timeout
        self.worker = worker or urllib.parse.urlsplit(self.url).netloc
        self.run = "r%08x" % random.getrandbits(32)
        self.auth = {}

    def pairs(self):
        return [("{{DIR}}", self.dir), ("{{BASE}}", self.url), ("{{ADMIN}}", self.admin_url),
                ("{{BOOTSTRAP}}", self.bootstrap), ("{{RUN}}", self.run), ("{{WORKER}}", self.worker)]

    def fill(self, text):
        for name, value in self.pairs():
            text = text.replace(name, value)
        return text

    def blank(self, text):
        for name, value in self.pairs():
            text = text.replace(value, name)
        return text


def send(env, step):
    base = urllib.parse.urlsplit(env.admin_url if step.get("listener") == "admin" else env.url)
    connection = http.client.HTTPConnection(base.hostname, base.port, timeout=60)
    body = step.get("body")
    data = None if body is None else env.fill(body).encode(step.get("body_encoding", "utf-8"), "surrogatepass")
    try:
        connection.putrequest(step["method"], env.fill(step["path"]), skip_accept_encoding=True)
        for name, value in (step.get("headers") or {}).items():
            connection.putheader(name, env.fill(value))
        if data is not None:
            connection.putheader("Content-Length", str(len(data)))
        elif step["method"] in ("POST", "PUT", "PATCH"):
            connection.putheader("Content-Length", "0")
        connection.endheaders(data)
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
        headers = {}
        for name, value in answer.getheaders():
            if name.lower() not in IGNORED:
                headers[name] = env.blank(value) if name not in headers else headers[name] + ", " + env.blank(value)
        return answer.status, headers, env.blank(text)
    finally:
        connection.close()


def send_patiently(env, step, want=None):
    end = time.monotonic() + 20
    while True:
        status, headers, text = send(env, step)
        busy = status in (409, 500) and status != want and any(b in text.lower() for b in BUSY)
        if not busy or "already exists" in text.lower() or time.monotonic() > end:
            return status, headers, text
        time.sleep(0.3)


# Comparing ---------------------------------------------------------------------------------------------------------------


def at(doc, path):
    for part in filter(None, path.split(".")):
        try:
            doc = doc[int(part)] if isinstance(doc, list) else doc[part]
        except (KeyError, IndexError, ValueError, TypeError):
            return None
    return doc


def holds(condition, status, text):
    if condition.get("status", status) != status or condition.get("contains", "") not in text:
        return False
    for path, want in (condition.get("json") or {}).items():
        try:
            doc = json.loads(text)
        except ValueError:
            return False
        if path.endswith("#length"):
            got = at(doc, path[:-7].rstrip("."))
            got = len(got) if isinstance(got, (list, dict)) else None
        else:
            got = at(doc, path)
        if got != want:
            return False
    return True


def each(doc, pointer, fn):
    """fn(container, key) at every place that matches the pointer (/a/*/b)."""
    parts = [p for p in pointer.split("/") if p != ""]

    def walk(node, i):
        keys = []
        if isinstance(node, dict):
            keys = list(node) if parts[i] == "*" else [parts[i]] if parts[i] in node else []
        elif isinstance(node, list):
            in_range = parts[i].isdigit() and int(parts[i]) < len(node)
            keys = list(range(len(node))) if parts[i] == "*" else [int(parts[i])] if in_range else []
        for key in keys:
            if i == len(parts) - 1:
                fn(node, key)
            else:
                walk(node[key], i + 1)

    if parts:
        walk(doc, 0)


def canon(value):
    return json.dumps(value, sort_keys=True)


def masked(value, mask):
    how, text = mask["how"], mask.get("text", "")
    if how == "any":
        return "<any>"
    if how == "nonempty" and isinstance(value, str) and value:
        return "<nonempty>"
    if how == "number" and isinstance(value, (int, float)) and not isinstance(value, bool):
        return "<number>"
    if how == "prefix" and isinstance(value, str) and value.startswith(text):
        return "<prefix>"
    if how == "matches" and isinstance(value, str) and re.search(text, value, re.S):
        return "<matches>"
    if how == "unordered" and isinstance(value, list):
        return sorted(value, key=canon)
    if how == "unordered_csv" and isinstance(value, str):
        return ",".join(sorted(x.strip() for x in value.split(",")))
    if how == "unordered_lines" and isinstance(value, str):
        return "\n".join(sorted(value.split("\n")))
    return value


def keep_wanted(want, got, mask):
    """how "contains": what the recording does not have does not count."""
    wanted, gotten = [], []
    each(want, mask["at"], lambda n, k: wanted.append((n, k)))
    each(got, mask["at"], lambda n, k: gotten.append((n, k)))
    for (wn, wk), (gn, gk) in zip(wanted, gotten):
        a, b = wn[wk], gn[gk]
        if isinstance(a, list) and isinstance(b, list):
            ident = (lambda x: canon(at(x, mask["key"]))) if mask.get("key") else canon
            names = {ident(x) for x in a}
            wn[wk] = sorted(a, key=ident)
            gn[gk] = sorted((x for x in b if ident(x) in names), key=ident)
        elif isinstance(a, dict) and isinstance(b, dict):
            gn[gk] = {k: v for k, v in b.items() if k in a}


def apply_masks(want, got, masks):
    want, got = [want], [got]
    for mask in masks or []:
        mask = dict(mask, at="/0" + ("" if mask["at"] == "/" else mask["at"]))
        if mask["how"] == "contains":
            keep_wanted(want, got, mask)
            continue
        for doc in (want, got):
            each(doc, mask["at"], lambda node, key, mask=mask: node.__setitem__(key, masked(node[key], mask)))
    return want[0], got[0]


def first_difference(a, b, path=""):
    where = path or "/"
    if type(a) is not type(b):
        return "%s: expected %s, got %s" % (where, canon(a)[:300], canon(b)[:300])
    if isinstance(a, dict):
        for key in list(a) + [k for k in b if k not in a]:
            if key not in b:
                return "%s/%s: missing (expected %s)" % (path, key, canon(a[key])[:200])
            if key not in a:
                return "%s/%s: unexpected %s" % (path, key, canon(b[key])[:200])
            found = first_difference(a[key], b[key], path + "/" + str(key))
            if found:
                return found
        return None
    if isinstance(a, list):
        for i in range(max(len(a), len(b))):
            if i >= len(b):
                return "%s/%d: missing (expected %s)" % (path, i, canon(a[i])[:200])
            if i >= len(a):
                return "%s/%d: unexpected %s" % (path, i, canon(b[i])[:200])
            found = first_difference(a[i], b[i], "%s/%d" % (path, i))
            if found:
                return found
        return None
    return None if a == b else "%s: expected %s, got %s" % (where, canon(a)[:400], canon(b)[:400])


def normal_header(name, value):
    if name.lower() in ("allow", "access-control-allow-methods", "vary"):  # the order of sets is a hash order
        return ",".join(sorted(x.strip() for x in value.split(","))).lower()
    return value.replace(" ", "").lower()


def compare_headers(step, headers):
    have = {k.lower(): v for k, v in headers.items()}
    for name, want in (step.get("response_headers") or {}).items():
        if name in (step.get("any_headers") or []):
            continue
        got = have.get(name.lower())
        if got is None:
            return "header %s: expected %r, got none" % (name, want)
        if normal_header(name, got) != normal_header(name, want):
            return "header %s: expected %r, got %r" % (name, want, got)
    for name in step.get("absent_headers") or []:
        if name.lower() in have:
            return "header %s: expected none, got %r" % (name, have[name.lower()])
    return None


def compare(step, status, headers, text):
    """None when the answer matches the recorded one, else a sentence."""
    if status != step["status"]:
        return "status: expected %d, got %d (%s)" % (step["status"], status, text[:300])
    found = compare_headers(step, headers)
    if found or step.get("body_match") == "ignore":
        return found
    want = step.get("response_body", "")
    try:
        doc = json.loads(want)
    except ValueError:
        if "Allow" in (step.get("response_headers") or {}):
            want, text = ", ".join(sorted(want.split(", "))), ", ".join(sorted(text.split(", ")))
        return None if want == text else "body: expected %r, got %r" % (want[:300], text[:300])
    try:
        got = json.loads(text)
    except ValueError:
        return "body: expected JSON %s, got %r" % (want[:200], text[:300])
    return first_difference(*apply_masks(doc, got, step.get("mask")))


# Steps -------------------------------------------------------------------------------------------------------------------


def file_step(env, step):
    path = os.path.join(env.dir, step["name"])
    if step["file"] in ("write", "append"):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "a" if step["file"] == "append" else "w", encoding="utf-8") as f:
            f.write(env.fill(step["text"]))
    elif step["file"] == "remove" and os.path.isdir(path):
        shutil.rmtree(path)
    elif step["file"] == "remove" and os.path.exists(path):
        os.remove(path)
    elif step["file"] == "mkdir":
        os.makedirs(path, exist_ok=True)


def expect_file(env, step):
    end, got = time.monotonic() + env.timeout, None
    while True:
        try:
            with open(os.path.join(env.dir, step["name"]), encoding="utf-8") as f:
                got = env.blank(f.read())
        except FileNotFoundError:
            got = None
        if got == step.get("text"):
            return None
        if time.monotonic() > end:
            return "file %s: expected %r, got %r" % (step["name"], step.get("text"), got)
        time.sleep(0.1)


def exchange(env, step):
    condition, end = step.get("wait_for"), time.monotonic() + env.timeout
    while True:
        status, headers, text = send_patiently(env, step, step["status"])
        ok = condition is None or holds(condition, status, text)
        found = compare(step, status, headers, text) if ok else "%s not reached: %d %s" % (
            json.dumps(condition), status, text[:400])
        if found is None or condition is None or time.monotonic() > end:
            return found
        time.sleep(0.1)


def names(env):
    try:
        status, _, text = send(env, {"method": "GET", "path": "/connectors", "headers": env.auth})
        return set(json.loads(text)) if status == 200 else set()
    except (OSError, ValueError):
        return set()


def clean_up(env, before):
    for name in names(env) - before:
        send_patiently(env, {"method": "DELETE", "headers": env.auth,
                             "path": "/connectors/" + urllib.parse.quote(name, safe="")})
    end = time.monotonic() + 10
    while names(env) - before and time.monotonic() < end:
        time.sleep(0.1)


def run(case, env):
    """The differences: [(step number, step, sentence)]."""
    env.auth = case.get("cleanup_headers") or {}
    before, differences = names(env), []
    for name, text in (case.get("files") or {}).items():
        file_step(env, {"file": "write", "name": name, "text": text})
    try:
        for i, step in enumerate(case["exchanges"]):
            found = None
            if "sleep" in step:
                time.sleep(step["sleep"])
            elif step.get("file") == "expect":
                found = expect_file(env, step)
            elif "file" in step:
                file_step(env, step)
            else:
                found = exchange(env, step)
            if found:
                differences.append((i, step, found))
    finally:
        clean_up(env, before)
    return differences
