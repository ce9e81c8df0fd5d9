# timeout: 300
"""Kafka source and sink on listeners with TLS and logins, by the Java clients' properties: every login works both ways, every
wrong one says what is wrong and what to do, and no secret shows anywhere."""

import json
import pathlib
import subprocess
import unittest

from feeding import Feed, failed, pipeline
from kafka_logins import (BEARER, CLIENT_SECRET, HANDLER, KEY_PASSWORD, PASSWORD, PLAIN, SCRAM, SECRETS, STORE_PASSWORD, Stores,
                          TokenEndpoint, newer_librdkafka, sasl)
from sluicetest import Case, Kafka, Sluice, make_certs, scratch_dir

JSON = {"key": {"plugin": "string", "config": {}}, "value": {"plugin": "json", "config": {"schemas.enable": False}}}
SECURE = {"SSL": "ssl", "SASL_SSL": "sasl_ssl", "SASL_PLAINTEXT": "sasl_plaintext"}


class SecurityCase(Case):
    time_limit = 150
    environment = {}

    @classmethod
    def setUpClass(cls):
        cls.certs = cls.enterClassContext(scratch_dir("certs-"))
        make_certs(cls.certs)
        cls.kafka = cls.enterClassContext(Kafka(tls=cls.certs))
        cls.stores = Stores(cls.certs, cls.enterClassContext(scratch_dir("stores-")))
        cls.sluice = cls.enterClassContext(Sluice(env=cls.environment))

    def setUp(self):
        self.folder = self.scratch()

    def servers(self, properties, listener=None):
        return self.kafka.info[listener or SECURE[properties["security.protocol"]]]

    def config(self, properties, listener=None, prefix="client.", **more):
        return dict({"bootstrap.servers": self.servers(properties, listener)},
                    **{prefix + k: v for k, v in properties.items()}, **more)

    def post(self, body):
        self.sluice.post("/pipelines", body).expect(201)
        self.addCleanup(lambda: self.sluice.running and self.sluice.delete("/pipelines/" + body["name"]))

    def start(self, name, properties, listener=None):
        """Two pipelines: a file into the topic `name`, and that topic into a file."""
        feed = Feed(self.folder, name)
        body = pipeline(name + "-sink", feed.source(name), "kafka", self.config(properties, listener))
        body["sinks"][0]["converters"] = JSON
        self.post(body)
        out = self.folder / (name + ".out")
        self.post({"name": name + "-source", "commit.interval": "100ms",
                   "source": {"plugin": "kafka", "config": self.config(properties, listener, topics=name), "converters": JSON},
                   "sinks": [{"plugin": "file", "config": {"file": str(out), "format": "record"}}]})
        feed.add({"id": 1}, {"id": 2})
        return out

    def both_ways(self, logins):
        outs = {name: self.start(name, *how) for name, how in logins.items()}
        for name, out in outs.items():
            with self.subTest(login=name):
                lines = self.eventually(lambda: out.exists() and len(out.read_text().splitlines()) == 2 and
                                        out.read_text().splitlines(), 60,
                                        lambda: "%s: %s %s" % (name, self.sluice.status(name + "-sink"),
                                                               self.sluice.status(name + "-source")))
                self.assertEqual([1, 2], [json.loads(line)["value"]["id"] for line in lines])
        self.nothing_shows()

    def nothing_shows(self):
        """Secrets: in no answer, no log, no argument and no environment of our processes."""
        texts = {"log": self.sluice.log()}
        for path in ("/pipelines?expand=status&expand=info", "/pipelines", "/connectors?expand=info&expand=status", "/metrics"):
            texts[path] = self.sluice.get(path).text
        for name in self.sluice.get("/pipelines").json():
            name = name if isinstance(name, str) else name["name"]
            for what in ("", "/status", "/config"):
                texts[name + what] = self.sluice.get("/pipelines/" + name + what).text
        for pid in (self.sluice.pid, *self.sluice.children()):
            for what in ("cmdline", "environ"):
                try:
                    texts["%d/%s" % (pid, what)] = pathlib.Path("/proc/%d/%s" % (pid, what)).read_bytes().decode(errors="replace")
                except OSError:
                    pass
        for where, text in texts.items():
            for secret in (*SECRETS, self.stores.text("client.key").splitlines()[1]):
                self.assertNotIn(secret, text, where)

    def refused(self, name, properties, listener=None):
        """What a source and a sink say; they must agree."""
        self.start(name, properties, listener)
        sink, source = (failed(self.sluice, name + end, 40) for end in ("-sink", "-source"))
        for trace in (sink, source):
            for secret in SECRETS:
                self.assertNotIn(secret, trace)
            self.assertIn(self.servers(properties, listener) if listener != "none" else "", trace)
        return sink, source


class Security(SecurityCase):
    def test_logins(self):
        s = self.stores
        with TokenEndpoint() as tokens:
            bearer = BEARER % ('clientId="app" clientSecret="%s" scope="all of it"' % CLIENT_SECRET)
            self.both_ways({
                "tls-pem": (s.trust(**{"security.protocol": "SSL"}),),
                "tls-text": ({"security.protocol": "SSL", "ssl.truststore.type": "PEM",
                              "ssl.truststore.certificates": s.text("other-ca.crt") + s.text("ca.crt")},),
                "tls-pkcs12": ({"security.protocol": "SSL", "ssl.truststore.location": s.truststore_p12,
                                "ssl.truststore.password": STORE_PASSWORD, "ssl.protocol": "TLSv1.3",
                                "ssl.cipher.suites": "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,TLS_AES_256_GCM_SHA384"},),
                "mtls-text": (s.mutual("client", **{"ssl.keystore.key": s.encrypted_key(), "ssl.key.password": KEY_PASSWORD}),
                              "mtls"),
                "mtls-one-line": (s.mutual("client", **{"ssl.keystore.key": s.text("client.key").replace("\n", " ")}), "mtls"),
                "mtls-pkcs12": (s.trust(**{"security.protocol": "SSL", "ssl.keystore.location": s.keystore_p12,
                                           "ssl.keystore.type": "PKCS12", "ssl.keystore.password": STORE_PASSWORD}), "mtls"),
                "mtls-chain-pem": (s.trust(**{"security.protocol": "SSL", "ssl.keystore.location": s.keystore_pem,
                                              "ssl.keystore.type": "PEM"}), "mtls"),
                "mtls-chain-pkcs12": (s.trust(**{"security.protocol": "SSL", "ssl.keystore.location": s.chained_p12,
                                                 "ssl.keystore.password": STORE_PASSWORD}), "mtls"),
                "plain": (sasl("SASL_PLAINTEXT", "PLAIN", PLAIN % PASSWORD),),
                "plain-tls": (s.trust(**sasl("SASL_SSL", "PLAIN", PLAIN % PASSWORD)),),
                "bearer-unsigned": (sasl("SASL_PLAINTEXT", "OAUTHBEARER", BEARER % 'unsecuredLoginStringClaim_sub="app"'),),
                "bearer": (s.trust(**sasl("SASL_SSL", "OAUTHBEARER", bearer, **{
                    "sasl.login.callback.handler.class": HANDLER, "sasl.oauthbearer.token.endpoint.url": tokens.url})),),
            })
            self.assertEqual({("app:" + CLIENT_SECRET, "all of it")}, {(l, f["scope"][0]) for l, f in tokens.asked})
            self.assertIn("ssl.key.password", self.sluice.get("/pipelines/mtls-text-sink").text)

    def test_tokens_are_renewed(self):
        with TokenEndpoint(seconds=5) as tokens:
            bearer = BEARER % ('clientId="app" clientSecret="%s"' % CLIENT_SECRET)
            self.both_ways({"renewed": (sasl("SASL_PLAINTEXT", "OAUTHBEARER", bearer, **{
                "sasl.login.callback.handler.class": HANDLER, "sasl.oauthbearer.token.endpoint.url": tokens.url}),)})
            self.eventually(lambda: len(tokens.asked) >= 6, 30)
            self.assertEqual("RUNNING", self.sluice.status("renewed-sink")["tasks"][0]["state"])

    def check_refused(self, cases):
        names = []
        for name, (properties, listener, *words) in cases.items():
            self.start(name, properties, listener)
            names.append((name, self.servers(properties, listener), words))
        for name, servers, words in names:
            for end in ("-sink", "-source"):
                with self.subTest(case=name + end):
                    trace = failed(self.sluice, name + end, 60)
                    for word in words:
                        self.assertIn(word, trace)
                    if not words[0].startswith("client."):
                        self.assertIn(servers, trace)
        self.nothing_shows()

    def test_refusals(self):
        s = self.stores
        other = {"ssl.truststore.location": str(pathlib.Path(self.certs) / "other-ca.crt"), "ssl.truststore.type": "PEM"}
        with TokenEndpoint() as tokens:
            bearer = sasl("SASL_PLAINTEXT", "OAUTHBEARER", BEARER % 'clientId="app" clientSecret="wrong"', **{
                "sasl.login.callback.handler.class": HANDLER, "sasl.oauthbearer.token.endpoint.url": tokens.url})
            self.check_refused({
                "wrong-password": (sasl("SASL_PLAINTEXT", "PLAIN", PLAIN % "wrong"), None,
                                   "Check user name and password in sasl.jaas.config"),
                "wrong-password-tls": (s.trust(**sasl("SASL_SSL", "PLAIN", PLAIN % "wrong")), None,
                                       "Check user name and password in sasl.jaas.config"),
                "wrong-ca": (dict(other, **{"security.protocol": "SSL"}), None, "sluice test CA", "ssl.truststore.location"),
                "no-certificate": (s.trust(**{"security.protocol": "SSL"}), "mtls", "client certificate", "ssl.keystore."),
                "unknown-certificate": (s.mutual("stranger"), "mtls", "certificate", "ssl.keystore."),
                "wrong-secret": (bearer, None, tokens.url, "invalid_client: wrong client or secret", "client secret"),
            })

    def test_port_without_tls_is_waited_for(self):
        """A broker that is starting hangs up, too: so it is tried again, and said what may be wrong."""
        self.start("no-tls", self.stores.trust(**{"security.protocol": "SSL"}), "bootstrap")
        self.eventually(lambda: "When that port speaks no TLS, set security.protocol" in self.sluice.log(), 40)

    def test_validate_tells_all_faults(self):
        """Nothing is asked of a broker: names, values, files and passwords."""
        s = self.stores
        jks = {"security.protocol": "SASL_SLS", "sasl.mechanism": "SCRAM-SHA-265", "ssl.truststore.location": s.truststore_jks,
               "ssl.truststore.password": STORE_PASSWORD, "ssl.keystore.location": s.keystore_p12, "ssl.keystore.password": "wrong",
               "ssl.endpoint.identification.algorithm": "htps", "ssl.cipher.suites": "TLS_NO_SUCH", "ssl.enabled.protocols": "TLSv1.5",
               "sasl.login.class": "com.example.Login", "linger.sm": "5"}
        text = self.validate(jks)
        for words in ("client.security.protocol", "did you mean SASL_SSL?", "did you mean SCRAM-SHA-256?", "only Java can read",
                      "keytool -importkeystore -srckeystore %s" % s.truststore_jks, "correct ssl.keystore.password",
                      "did you mean https?", "TLS_NO_SUCH", "TLSv1.5", "com.example.Login", "did you mean linger.ms?"):
            self.assertIn(words, text)
        for name, properties, words in (
                ("quote", sasl("SASL_PLAINTEXT", "PLAIN", 'a.PlainLoginModule required username="a" password="b'), "closing quote"),
                ("end", sasl("SASL_PLAINTEXT", "PLAIN", (PLAIN % PASSWORD)[:-1]), "semicolon"),
                ("flag", sasl("SASL_PLAINTEXT", "PLAIN", 'a.PlainLoginModule username="a" password="b";'), "control flag"),
                ("module", sasl("SASL_PLAINTEXT", "PLAIN", BEARER % ""), "PlainLoginModule"),
                ("handler", sasl("SASL_PLAINTEXT", "OAUTHBEARER", BEARER % "",
                                 **{"sasl.login.callback.handler.class": "com.example.Handler"}), "com.example.Handler"),
                ("endpoint", sasl("SASL_PLAINTEXT", "OAUTHBEARER", BEARER % "",
                                  **{"sasl.login.callback.handler.class": HANDLER}), "sasl.oauthbearer.token.endpoint.url"),
                ("key", s.mutual("client", **{"ssl.keystore.key": s.encrypted_key()}), "set ssl.key.password"),
                ("expired", s.mutual("expired"), "expired on"),
                ("kerberos", sasl("SASL_PLAINTEXT", "GSSAPI", PLAIN % PASSWORD), "logins by Kerberos are not supported"),
                ("pair", s.mutual("client", **{"ssl.keystore.key": s.text("stranger.key")}), "does not belong"),
                ("file", s.trust(**{"security.protocol": "SSL", "ssl.truststore.location": "/no/such"}), "cannot read /no/such"),
                ("type", s.trust(**{"security.protocol": "SSL", "ssl.truststore.type": "PKCS12"}), "set ssl.truststore.type=PEM")):
            with self.subTest(name):
                text = self.validate(properties)
                self.assertIn(words, text)
                for secret in SECRETS:
                    self.assertNotIn(secret, text)

    def validate(self, properties):
        path = self.folder / "p.json"
        path.write_text(json.dumps({"name": "v", "source": {"plugin": "kafka", "config": dict(
            {"bootstrap.servers": "127.0.0.1:9", "topics": "t"}, **{"client." + k: v for k, v in properties.items()})},
            "sinks": [{"plugin": "file", "config": {"file": "f"}}]}))
        done = subprocess.run([self.sluice.binary, "validate", "--plugin-path", self.sluice.plugin_path, str(path)],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
        self.assertNotEqual(0, done.returncode, done.stdout)
        return done.stdout


class Scram(SecurityCase):
    @classmethod
    def setUpClass(cls):
        cls.environment = newer_librdkafka()
        super().setUpClass()

    def test_logins(self):
        self.both_ways({"%s-%s" % (mechanism[-3:], protocol.lower().replace("_", "-")):
                        (self.stores.trust(**sasl(protocol, mechanism, SCRAM % PASSWORD)),)
                        for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512") for protocol in ("SASL_PLAINTEXT", "SASL_SSL")})
        self.assertNotIn("can't log in by", self.sluice.log())

    def test_wrong_password(self):
        properties = sasl("SASL_PLAINTEXT", "SCRAM-SHA-512", SCRAM % "wrong")
        self.start("wrong", properties)
        for end in ("-sink", "-source"):
            trace = failed(self.sluice, "wrong" + end, 60)
            self.assertIn("Check user name and password in sasl.jaas.config", trace)
            self.assertIn(self.servers(properties), trace)


if __name__ == "__main__":
    unittest.main()
