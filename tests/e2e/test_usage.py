"""Wrong use of the command line: each message says what is wrong and where to look; help works for each verb."""

import json
import os
import pathlib
import subprocess

from sluicetest import Case, scratch_dir

VERBS = ("run", "connect-distributed", "status", "validate", "import", "plugins", "try", "version")


class Usage(Case):
    def sluice(self, code, *arguments, env=None):
        done = subprocess.run([os.environ["SLUICE_BIN"], *arguments], capture_output=True, text=True, timeout=30,
                              env={**os.environ, **(env or {})})
        self.assertEqual(code, done.returncode, done)
        return done

    def says(self, code, *arguments, parts, env=None):
        done = self.sluice(code, *arguments, env=env)
        for part in parts:
            self.assertIn(part, done.stderr)
        return done

    def test_help(self):
        everything = self.sluice(0, "--help").stdout
        for verb in VERBS:
            self.assertIn(verb, everything)
            done = self.sluice(0, verb, "--help")
            self.assertIn("Usage: sluice %s" % verb, done.stdout)
            self.assertEqual("", done.stderr)
        for verb in ("list", "describe", "check"):
            self.assertIn("sluice plugins %s" % verb, self.sluice(0, "plugins", verb, "--help").stdout)

    def test_unknown_verb(self):
        self.says(2, "rum", parts=['no verb "rum"', 'did you mean "run"?', "validate"])
        self.says(2, "plugins", "lst", parts=["expected list, describe or check"])

    def test_unknown_flag(self):
        for verb in ("run", "status", "validate"):
            self.says(2, verb, "--bogus", parts=["sluice %s: unrecognized option '--bogus'" % verb])

    def test_listen(self):
        for listen in ("foo", "127.0.0.1:99999", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:-1"):
            with scratch_dir("usage-") as folder:
                self.says(1, "run", "--listen", listen, "--data", str(folder / "data"),
                          parts=["--listen %s" % listen, "HOST:PORT", "such as 127.0.0.1:8083"])

    def test_logging(self):
        for verb in ("run", "connect-distributed", "connect-standalone"):
            for option, value, what in (("--log-level", "loud", "error, warn"), ("--log-format", "yaml", "text or json")):
                done = self.says(2, verb, option, value, parts=["Try `sluice %s --help`." % verb])
                self.assertTrue(done.stderr.startswith("sluice %s: %s %s: must be %s" % (verb, option, value, what)), done)

    def test_changes_without_files(self):
        self.says(2, "run", "--set", "a=b", parts=["--set", "none is"])

    def test_status(self):
        self.says(2, "status", "name", parts=["name", "sluice status --help"])
        self.says(1, "status", "--url", "http://127.0.0.1:1", parts=["http://127.0.0.1:1", "Connection refused", "--url"])

    def test_plugin_folders(self):
        with scratch_dir("usage-") as folder:
            missing = str(folder / "missing")
            self.says(0, "plugins", "list", "--plugin-path", missing, parts=[missing, "--plugin-path"])
            done = self.sluice(0, "run", "--plugin-path", missing, "--data", str(folder / "data"), "--listen", "127.0.0.1:0",
                               "--exit-when-done", str(folder))
            self.assertIn("%s: there is no .json file" % folder, done.stderr)
            self.assertIn("plugin folder %s" % missing, done.stderr)

    def test_plugins_describe(self):
        self.says(1, "plugins", "describe", "datagn", parts=['did you mean "datagen"?'])
        self.says(2, "plugins", "describe", "datagen", "--kind", "sauce", parts=["--kind sauce", "source, sink"])
        self.says(2, "plugins", "describe", parts=["name a plugin"])

    def test_broken_modules(self):
        """Listed with what is wrong with each; the others can be used."""
        good = pathlib.Path(os.environ["SLUICE_PLUGIN_PATH"].split(":")[0]) / "datagen.so"
        with scratch_dir("usage-") as folder:
            (folder / "datagen.so").write_bytes(good.read_bytes())
            (folder / "half.so").write_bytes(good.read_bytes()[:3000])
            (folder / "text.so").write_text("hi")
            (folder / "program.so").write_bytes(pathlib.Path(os.environ["SLUICE_BIN"]).read_bytes())
            found = json.loads(self.sluice(0, "plugins", "list", "--json", "--plugin-path", str(folder)).stdout)
            self.assertEqual(["datagen"], [p["name"] for p in found["plugins"]])
            errors = {pathlib.Path(e["file"]).name: e["error"] for e in found["errors"]}
            self.assertEqual({"half.so", "text.so", "program.so"}, set(errors))
            self.assertIn("incomplete", errors["half.so"])
            self.assertIn("expected an ELF file", errors["text.so"])
            self.says(1, "plugins", "describe", "half", "--plugin-path", str(folder), parts=["half.so", "incomplete"])
            self.assertIn("FAIL", self.sluice(1, "plugins", "check", str(folder / "half.so")).stdout)

    def test_check_of_what_is_no_plugin(self):
        with scratch_dir("usage-") as folder:
            foreign = folder / "foreign.so"
            subprocess.run(["cc", "-shared", "-fPIC", "-x", "c", "-o", foreign, "-"], input=b"int stray(void) { return 1; }", check=True)
            self.assertIn("FAIL  module foreign.so: exported-symbols: expected sluice_module alone, found 1 other: stray. Compile with",
                          self.sluice(1, "plugins", "check", str(foreign)).stdout)
            checks = json.loads(self.sluice(1, "plugins", "check", "--json", str(foreign)).stdout)["checks"]
            self.assertEqual([("file", "ok"), ("exported-symbols", "fail"), ("descriptor", "fail")],
                             [(c["check"], c["outcome"]) for c in checks])

    def test_json_for_scripts(self):
        version = json.loads(self.sluice(0, "version", "--json").stdout)
        self.assertEqual({"version", "abi", "libuv"}, set(version))
        self.assertIn("sluice %s (plugin ABI %s," % (version["version"], version["abi"]), self.sluice(0, "version").stdout)
        described = json.loads(self.sluice(0, "plugins", "describe", "datagen", "--json").stdout)
        self.assertIn("rate", json.dumps(described))
        for done in (self.says(2, "version", "more", parts=['it takes no "more"', "Usage: sluice version"]),
                     self.says(2, "version", "--json", "more", parts=['it takes no "more"'])):
            self.assertEqual("", done.stdout)

    def test_what_is_missing_is_said(self):
        self.says(1, "connect-distributed", parts=["sluice connect-distributed: give the worker's properties file"])
        self.says(1, "connect-distributed", "a", "b", parts=["sluice connect-distributed: it takes one file"])
        self.says(2, "run", "--data", "", "--listen", "127.0.0.1:0", parts=["--data is empty"])
        for role in ("__task", "__store"):  # as nobody should start it
            self.says(2, role, parts=["`sluice run`, which starts them itself"])
