"""A small S3 client with its own SigV4 (so that it shares no mistake with the code under test): one whole object at a time."""

import datetime
import hashlib
import hmac
import urllib.parse
import xml.etree.ElementTree as xml

from . import http


def _hmac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def _quote(text):
    return urllib.parse.quote(text, safe="-_.~")


class S3:
    def __init__(self, url, access_key, secret_key, region="us-east-1"):
        self.url, self.access_key, self.secret_key, self.region = url.rstrip("/"), access_key, secret_key, region

    def request(self, method, path, query=None, data=b"", headers=None):
        """path: /bucket/key, not encoded."""
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        path = urllib.parse.quote(path, safe="/-_.~")
        query = "&".join("%s=%s" % (_quote(k), _quote(v)) for k, v in sorted((query or {}).items()))
        body_hash = hashlib.sha256(data).hexdigest()
        signed = {"host": urllib.parse.urlsplit(self.url).netloc, "x-amz-content-sha256": body_hash, "x-amz-date": now}
        names = ";".join(sorted(signed))
        lines = "".join("%s:%s\n" % (k, signed[k]) for k in sorted(signed))
        canonical = "\n".join([method, path, query, lines, names, body_hash])
        scope = "%s/%s/s3/aws4_request" % (now[:8], self.region)
        text = "\n".join(["AWS4-HMAC-SHA256", now, scope, hashlib.sha256(canonical.encode()).hexdigest()])
        key = ("AWS4" + self.secret_key).encode()
        for part in (now[:8], self.region, "s3", "aws4_request"):
            key = _hmac(key, part)
        signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        authorization = "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s" % (
            self.access_key, scope, names, signature)
        send = dict(headers or {}, **{"x-amz-content-sha256": body_hash, "x-amz-date": now, "Authorization": authorization})
        url = self.url + path + ("?" + query if query else "")
        return http.request(method, url, data=data if data or method in ("PUT", "POST") else None, headers=send)

    def create_bucket(self, bucket):
        self.request("PUT", "/" + bucket).expect(200)

    def put(self, bucket, key, data, headers=None):
        return self.request("PUT", "/%s/%s" % (bucket, key), data=data, headers=headers).expect(200)

    def get(self, bucket, key):
        return self.request("GET", "/%s/%s" % (bucket, key)).expect(200).body

    def keys(self, bucket, prefix=""):
        """All keys, sorted as the server does."""
        return [key for key, _ in self.listing(bucket, prefix)]

    def listing(self, bucket, prefix=""):
        """(key, ETag) of all objects, sorted as the server does."""
        found, more = [], {}
        while True:
            answer = self.request("GET", "/" + bucket, dict({"list-type": "2", "prefix": prefix}, **more)).expect(200)
            tree = xml.fromstring(answer.body)
            space = tree.tag.partition("}")[0] + "}" if tree.tag.startswith("{") else ""
            found += [(c.findtext(space + "Key"), c.findtext(space + "ETag")) for c in tree.iter(space + "Contents")]
            token = tree.findtext(space + "NextContinuationToken")
            if not token:
                return found
            more = {"continuation-token": token}
