"""`sluice validate`: all faults at once, with pointers and hints, for descriptors and connector JSON."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

GOOD = {"name": "a", "source": {"plugin": "datagen", "config": {"count": 5}}, "sinks": [{"plugin": "null"}]}


class Validate(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, name, content):
        path = self.folder / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return str(path)

    def run_validate(self, *arguments, env=None):
        done = subprocess.run([os.environ["SLUICE_BIN"], "validate", *arguments], capture_output=True, text=True,
                              timeout=60, env={**os.environ, **(env or {})})
        self.assertNotIn("Sanitizer", done.stderr)
        return done

    def faults(self, *arguments):
        done = self.run_validate("--json", *arguments)
        answer = json.loads(done.stdout)
        self.assertEqual(0 if answer["valid"] else 1, done.returncode)
        return {fault["pointer"]: fault for file in answer["files"] for fault in file["faults"]}

    def test_good(self):
        done = self.run_validate(self.write("good.json", GOOD))
        self.assertEqual((0, "%s/good.json: valid\n" % self.folder), (done.returncode, done.stdout))

    def test_all_faults_at_once(self):
        faults = self.faults(self.write("bad.json", {
            "nmae": "a", "source": {"plugin": "datagne"}, "commit.interval": "1 year",
            "sinks": [{"plugin": "null", "config": {"bogus": 1}}, {"plugin": "null", "queue.byte": 5},
                      {"plugin": "file", "config": {"file": "x", "format": "jsno"}}]}))
        self.assertEqual({"/nmae", "/source/plugin", "/commit.interval", "/sinks/0/config/bogus", "/sinks/1/queue.byte",
                          "/sinks/2/config/format"}, set(faults))
        self.assertEqual('did you mean "json"?', faults["/sinks/2/config/format"]["hint"])
        self.assertIn('"name"', faults["/nmae"]["hint"])
        self.assertIn('"datagen"', faults["/source/plugin"]["hint"])
        self.assertIn('"queue.bytes"', faults["/sinks/1/queue.byte"]["hint"])

    def test_checks_of_plugins_run_beside_other_faults(self):
        """What only a plugin's own check finds is shown together with wrong options of other plugins."""
        faults = self.faults(self.write("bad.json", {
            "source": {"plugin": "datagen", "config": {"rate": "fast"}}, "transforms": [
                {"plugin": "filter", "config": {"condition": "a >"}}, {"plugin": "filter", "config": {"condition": "a", "x": 1}}],
            "sinks": [{"plugin": "redis", "config": {"redis.uri": "ftp://x"}}]}))
        self.assertEqual({"/source/config/rate", "/transforms/0/config/condition", "/transforms/1/config/x",
                          "/sinks/0/config/redis.uri"}, set(faults))
        self.assertIn('"a >" is no SQL expression', faults["/transforms/0/config/condition"]["message"])

    def test_text_names_file_and_place(self):
        done = self.run_validate(self.write("bad.json", dict(GOOD, sinks=[{"plugin": "nul"}])))
        self.assertEqual(1, done.returncode)
        self.assertIn('bad.json: error at /sinks/0/plugin: there is no sink plugin "nul" (did you mean "null"?)', done.stdout)

    def test_broken_json_has_line_and_column(self):
        done = self.run_validate(self.write("bad.json", '{\n "a": 1,\n}'))
        self.assertIn("line 3, column 1: '}' stands where a quoted name is expected", done.stdout)

    def test_file_that_is_not_there(self):
        done = self.run_validate(str(self.folder / "nope.json"))
        self.assertEqual(1, done.returncode)
        self.assertRegex(done.stdout, r"nope.json: error: cannot read .*nope.json: No such file or directory.*give the path")

    def test_set_overlay_and_references(self):
        path = self.write("a.json", GOOD)
        overlay = self.write("overlay.json", {"source": {"config": {"count": "${env:SL_COUNT}"}}})
        done = self.run_validate(path, "--overlay", overlay, env={"SL_COUNT": "7"})
        self.assertEqual(0, done.returncode, done.stdout)
        done = self.run_validate(path, "--overlay", overlay, env={"SL_COUNT": "many"})
        self.assertIn("/source/config/count", done.stdout)
        self.assertEqual({"/source/config/count"}, set(self.faults(path, "--set", "source.config.count=many")))
        self.assertEqual({"/source/config/count"}, set(self.faults(path, "--overlay", overlay)))

    def test_faults_of_an_overlay_name_it(self):
        path = self.write("a.json", GOOD)
        for overlay, part in ((self.write("o.json", '{"source": '), "line 1, column 12"),
                              (self.write("twice.json", '{"a": 1, "a": 2}'), "at /a"),
                              (str(self.folder / "nope.json"), "No such file")):
            done = self.run_validate(path, "--overlay", overlay)
            self.assertEqual(1, done.returncode)
            self.assertRegex(done.stdout, "a.json: error: overlay %s: .*%s" % (overlay, part))
            self.assertEqual(1, len(done.stdout.splitlines()), done.stdout)

    def test_connector_of_unknown_class(self):
        faults = self.faults(self.write("c.json", {"name": "c", "config": {"connector.class": "com.example.Nope"}}))
        self.assertEqual(["/config/connector.class"], list(faults))
        self.assertIn("Failed to find any class that implements Connector", faults["/config/connector.class"]["message"])

    def test_folder(self):
        self.write("a.json", GOOD)
        self.write("b.json", dict(GOOD, sinks=[]))
        self.write("c.txt", "no JSON")
        done = self.run_validate(str(self.folder))
        self.assertEqual(1, done.returncode)
        self.assertIn("a.json: valid", done.stdout)
        self.assertIn("b.json: error at /sinks", done.stdout)
        self.assertNotIn("c.txt", done.stdout)

    def test_folder_without_files(self):
        done = self.run_validate(str(self.folder))
        self.assertEqual((1, "sluice validate: %s: there is no .json file in this folder\n" % self.folder),
                         (done.returncode, done.stderr))

    def test_two_of_one_name(self):
        """Each may be right by itself; that they do not run together is said."""
        first, second = self.write("first.json", GOOD), self.write("second.json", GOOD)
        done = self.run_validate(first, second)
        self.assertEqual(0, done.returncode)
        self.assertEqual(["%s: valid" % first, "%s: warning at /name: a in %s has the same name (give each a name of its own "
                          "to run both)" % (second, first), "%s: valid" % second], done.stdout.splitlines())

    def test_usage(self):
        done = self.run_validate()
        self.assertEqual(2, done.returncode)
        self.assertIn("sluice validate: give a descriptor", done.stderr)
        self.assertEqual(2, self.run_validate("--bogus").returncode)
        self.assertEqual(0, self.run_validate("--help").returncode)


if __name__ == "__main__":
    unittest.main()
