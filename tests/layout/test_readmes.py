# timeout: 300
"""The option table in each plugin's README.md is exactly what `sluice plugins describe --markdown` prints."""

import os
import pathlib
import subprocess

from sluicetest import Case

ROOT = pathlib.Path(__file__).resolve().parents[2]
KINDS = {"sources": "source", "sinks": "sink", "transforms": "transform", "plugins/converters": "converter",
         "plugins/stores": "store"}


class Readmes(Case):
    time_limit = 120  # one process for each of some fifty folders
    def sluice(self, *args):
        if not os.access(os.environ.get("SLUICE_BIN", ""), os.X_OK):
            self.skipTest("no sluice binary")
        return subprocess.run([os.environ["SLUICE_BIN"], "plugins", *args], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              text=True).stdout

    def folders(self):
        for parent, kind in KINDS.items():
            for readme in sorted(ROOT.glob(parent + "/*/README.md")):
                yield readme, kind

    def test_tables(self):
        for readme, kind in self.folders():
            with self.subTest(readme=str(readme.relative_to(ROOT))):
                name = readme.parent.name + ("-store" if kind == "store" else "")
                table = self.sluice("describe", name, "--kind", kind, "--markdown").strip()
                if kind == "transform" and "`" not in table:  # predicates live there, too
                    table = self.sluice("describe", readme.parent.name, "--kind", "predicate", "--markdown").strip()
                if "`" not in table:
                    continue  # a plugin without options
                text = readme.read_text()
                self.assertIn(table, text, "run: sluice plugins describe %s --kind %s --markdown" % (name, kind))
