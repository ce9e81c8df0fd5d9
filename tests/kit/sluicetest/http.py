"""JSON over HTTP without surprises: no proxy, no redirect, no exception for a status."""

import http.client
import json as jsonlib
import ssl
import urllib.parse


class Response:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    def json(self):
        return jsonlib.loads(self.body)

    def expect(self, *statuses):
        """Returns self when the status is one of those, otherwise fails with the body."""
        if self.status not in statuses:
            raise AssertionError("HTTP status %d, wanted %s: %s" % (self.status, " or ".join(map(str, statuses)), self.text))
        return self

    def __repr__(self):
        return "<%d %s>" % (self.status, self.text[:500])


_ABSENT = object()


def request(method, url, json=_ABSENT, data=None, headers=None, timeout=30.0):
    """One request. json (None is sent as null) sets the body and its Content-Type; data is sent as it is; with neither
    there is no body. A list of (name, value) pairs is fine for headers."""
    parts = urllib.parse.urlsplit(url)
    headers = dict(headers or {})
    if json is not _ABSENT:
        data = jsonlib.dumps(json).encode()
        headers.setdefault("Content-Type", "application/json")
    if isinstance(data, str):
        data = data.encode()
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(parts.hostname, parts.port, timeout=timeout,
                                                 context=ssl._create_unverified_context())
    else:
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
    try:
        path = (parts.path or "/") + ("?" + parts.query if parts.query else "")
        connection.request(method, path, body=data, headers=headers)
        answer = connection.getresponse()
        return Response(answer.status, answer.headers, answer.read())
    except http.client.HTTPException as e:  # a server that died half-way: let eventually() retry it
        raise ConnectionError("%s %s: %s: %s" % (method, url, type(e).__name__, e)) from e
    finally:
        connection.close()


def get(url, **kwargs):
    return request("GET", url, **kwargs)


def post(url, json=_ABSENT, **kwargs):
    return request("POST", url, json=json, **kwargs)


def put(url, json=_ABSENT, **kwargs):
    return request("PUT", url, json=json, **kwargs)


def delete(url, **kwargs):
    return request("DELETE", url, **kwargs)
