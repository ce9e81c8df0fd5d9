"""Each plugin's README shows the very option table that `sluice plugins describe --markdown` prints."""

import json
import os
import pathlib
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = {"source": "sources", "sink": "sinks", "transform": "transforms", "converter": "plugins/converters"}


def sluice(*args):
    done = subprocess.run([os.environ["SLUICE_BIN"], "plugins", *args], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode != 0:
        raise AssertionError("sluice plugins %s: %s" % (" ".join(args), done.stderr))
    return done.stdout


@unittest.skipUnless(os.environ.get("SLUICE_BIN"), "no sluice binary (SLUICE_BIN)")
class Readmes(unittest.TestCase):
    maxDiff = None

    def test_option_tables_are_generated(self):
        seen = 0
        listed = json.loads(sluice("list", "--json", "--plugin-path", os.environ["SLUICE_PLUGIN_PATH"]))
        for plugin in listed.get("plugins", listed) if isinstance(listed, dict) else listed:
            kind, name = plugin["kind"], plugin["name"]
            readme = ROOT / FOLDERS.get(kind, "") / name / "README.md"
            if kind not in FOLDERS or not readme.is_file():
                continue
            with self.subTest(plugin="%s %s" % (kind, name)):
                table = sluice("describe", "--markdown", "--kind", kind, "--plugin-path", os.environ["SLUICE_PLUGIN_PATH"], name)
                self.assertIn(table.strip(), readme.read_text())
                seen += 1
        self.assertGreater(seen, 12)


if __name__ == "__main__":
    unittest.main()
