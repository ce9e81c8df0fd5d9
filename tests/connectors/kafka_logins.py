"""Logins of Kafka clients: what Java calls the properties, stores in every form, a token endpoint."""

import base64
import http.server
import json
import os
import pathlib
import subprocess
import threading
import time
import unittest
import urllib.parse

PLAIN = 'org.apache.kafka.common.security.plain.PlainLoginModule required username="app" password="%s";'
SCRAM = 'org.apache.kafka.common.security.scram.ScramLoginModule required username="app" password="%s";'
BEARER = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required %s;"
HANDLER = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler"
STORE_PASSWORD = "store-secret-4711"
KEY_PASSWORD = "key-secret-4712"
CLIENT_SECRET = "client-secret-4713"
PASSWORD = "app-secret"
SECRETS = (STORE_PASSWORD, KEY_PASSWORD, CLIENT_SECRET, PASSWORD)


def newer_librdkafka():
    """The environment under which a process has the librdkafka that setup-servers.sh builds on demand."""
    cache = pathlib.Path(os.environ.get("SLUICE_CACHE") or pathlib.Path.home() / ".cache/sluice-testbed")
    folder = cache / "librdkafka"
    if not (folder / ".complete").exists():
        raise unittest.SkipTest("SCRAM WAS NOT TESTED: librdkafka of Debian cannot log in by SCRAM to Kafka 4, and the newer one "
                                "is not there: run tests/kit/setup-servers.sh librdkafka (wants cargo)")
    return {"LD_LIBRARY_PATH": str(folder / "lib")}


def run(*command, **how):
    subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **how)


class Stores:
    """The certificates of make_certs in the forms that Java clients use."""

    def __init__(self, certs, folder):
        self.certs, self.folder = pathlib.Path(certs), pathlib.Path(folder)
        both = self.folder / "keystore.pem"
        both.write_text((self.certs / "chained.key").read_text() + (self.certs / "chained.crt").read_text())
        self.keystore_pem = str(both)
        self.keystore_p12 = self.pkcs12("client")
        self.chained_p12 = self.pkcs12("chained", "-certfile", str(self.certs / "between.crt"))
        self.truststore_p12, self.truststore_jks = self.keytool("PKCS12"), self.keytool("JKS")
        self.ca = str(self.certs / "ca.crt")

    def pkcs12(self, name, *more):
        path = str(self.folder / (name + ".p12"))
        run("openssl", "pkcs12", "-export", "-inkey", str(self.certs / (name + ".key")), "-in", str(self.certs / (name + ".crt")),
            "-name", "app", "-out", path, "-passout", "pass:" + STORE_PASSWORD, *more)
        return path

    def keytool(self, kind):
        path = str(self.folder / ("truststore." + kind.lower()))
        run("keytool", "-importcert", "-noprompt", "-alias", "ca", "-file", str(self.certs / "ca.crt"), "-keystore", path,
            "-storetype", kind, "-storepass", STORE_PASSWORD)
        return path

    def text(self, name):
        return (self.certs / name).read_text()

    def encrypted_key(self, name="client"):
        done = subprocess.run(["openssl", "pkcs8", "-topk8", "-in", str(self.certs / (name + ".key")), "-passout",
                               "pass:" + KEY_PASSWORD], check=True, stdout=subprocess.PIPE, text=True)
        return done.stdout

    # ---- whole sets of properties ----

    def trust(self, **more):
        return dict({"ssl.truststore.location": self.ca, "ssl.truststore.type": "PEM"}, **more)

    def mutual(self, name, **more):
        return self.trust(**dict({"security.protocol": "SSL", "ssl.keystore.type": "PEM", "ssl.keystore.key": self.text(name + ".key"),
                                  "ssl.keystore.certificate.chain": self.text(name + ".crt")}, **more))


def sasl(protocol, mechanism, jaas, **more):
    return dict({"security.protocol": protocol, "sasl.mechanism": mechanism, "sasl.jaas.config": jaas}, **more)


def jwt(claims):
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
    return "%s.%s." % (part({"alg": "none"}), part(claims))


class TokenEndpoint:
    """Gives unsigned tokens to the client app, as an OAuth 2 server answers client credentials."""

    def __init__(self, seconds=3600):
        endpoint = self
        self.asked, self.seconds = [], seconds

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                login = base64.b64decode(self.headers["Authorization"].split()[1]).decode()
                endpoint.asked.append((login, form))
                good = login == "app:" + CLIENT_SECRET
                now = int(time.time())
                body = {"access_token": jwt({"sub": "app", "iat": now, "exp": now + endpoint.seconds}), "token_type": "Bearer"} \
                    if good else {"error": "invalid_client", "error_description": "wrong client or secret"}
                text = json.dumps(body).encode()
                self.send_response(200 if good else 401)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d/token" % self.server.server_port

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *args):
        self.server.shutdown()
        self.server.server_close()
