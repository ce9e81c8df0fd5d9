"""The layout that ARCHITECTURE.md promises: which folder may include which, no connector named in core/, sizes of files and
functions, headers that compile alone, a README for each plugin."""

import pathlib
import re
import shutil
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)

# A folder of core/ may include itself and these.
ARROWS = {
    "base": set(),
    "observe": {"base"},
    "record": {"base"},
    "config": {"base", "observe"},
    "plugin": {"base", "observe", "config", "record"},
    "store": {"base", "observe"},
    "runtime": {"base", "observe", "config", "record", "plugin"},
    "supervisor": {"base", "observe", "config", "plugin", "store"},
    "admin": {"base", "observe", "config", "plugin", "store", "supervisor"},
    "cli": {"base", "observe", "config", "record", "plugin", "store", "runtime", "supervisor", "admin"},
}
PLUGIN_FOLDERS = ("sources", "sinks", "transforms")
MAX_FILE, MAX_FUNCTION, MAX_COLUMNS = 1000, 80, 100
# Words of connectors that core/ must not know. (json and string are no connectors: they are the built-in forms of data.)
FOREIGN = re.compile(r"\b(postgres\w*|pgoutput|debezium|redis|clickhouse|rdkafka|librdkafka|s3|minio|hiredis|datagen)\b", re.I)


def files(*folders, suffixes=(".c", ".h")):
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in suffixes and path.is_file():
                yield path


def functions(paths):
    """(path, name, first line, lines) by ctags."""
    out = subprocess.run(["ctags", "-L", "-", "--languages=C", "--kinds-C=f", "--fields=+ne", "-x",
                          "--_xformat=%{end} %n %N %F", "-f", "-"], input="\n".join(map(str, paths)), text=True,
                         stdout=subprocess.PIPE, check=True).stdout
    for line in out.splitlines():
        end, start, name, path = line.split(" ", 3)
        if end.isdigit():
            yield path, name, int(start), int(end) - int(start) + 1


class Layout(unittest.TestCase):
    maxDiff = None

    def check(self, faults):
        self.assertEqual([], faults, "\n".join(faults))

    def test_core_includes_point_one_way(self):
        faults = []
        for path in files("core"):
            folder = path.relative_to(ROOT / "core").parts[0]
            for name in INCLUDE.findall(path.read_text()):
                target = name.split("/")[0]
                if "/" in name and target not in ARROWS[folder] | {folder, "sluice"}:
                    faults.append("%s includes %s" % (path.relative_to(ROOT), name))
        self.check(faults)

    def test_plugins_include_only_what_they_may(self):
        faults = []
        for path in [*files(*PLUGIN_FOLDERS), *files("plugins/converters", "plugins/stores")]:
            for name in INCLUDE.findall(path.read_text()):
                if "/" in name and name.split("/")[0] not in ("sluice", "support", "clients"):
                    faults.append("%s includes %s" % (path.relative_to(ROOT), name))
        self.check(faults)

    def test_public_headers_need_only_the_standard_library(self):
        faults = []
        for path in files("plugins/include"):
            for name in re.findall(r'^\s*#\s*include\s+[<"]([^>"]+)', path.read_text(), re.M):
                standard = name in ("stddef.h", "stdint.h", "stdarg.h", "stdlib.h", "string.h") or name.startswith("sluice/")
                if not standard and not (path.name == "uv.h" and name == "uv.h"):
                    faults.append("%s includes %s" % (path.relative_to(ROOT), name))
        self.check(faults)

    def test_core_names_no_connector(self):
        faults = []
        for path in files("core"):
            for number, line in enumerate(path.read_text().splitlines(), 1):
                if FOREIGN.search(line):
                    faults.append("%s:%d: %s" % (path.relative_to(ROOT), number, line.strip()))
        self.check(faults)

    def test_files_are_small(self):
        sources = files("core", "plugins", *PLUGIN_FOLDERS, "tests")
        self.check(["%s has %d lines" % (p.relative_to(ROOT), n) for p in sources
                    if (n := p.read_text().count("\n")) > MAX_FILE])

    def test_lines_are_short(self):
        """But for data of tests: a text that belongs on one line may be longer."""
        self.check(["%s:%d has %d columns" % (p.relative_to(ROOT), number, len(line))
                    for p in files("core", "plugins", *PLUGIN_FOLDERS, "tests")
                    for number, line in enumerate(p.read_text().splitlines(), 1)
                    if len(line) > MAX_COLUMNS and not (p.is_relative_to(ROOT / "tests") and '"' in line)])

    @unittest.skipUnless(shutil.which("ctags"), "ctags (universal-ctags) is not installed")
    def test_functions_are_small(self):
        sources = list(files("core", "plugins", *PLUGIN_FOLDERS))
        faults = []
        for path, name, start, lines in functions(sources):
            if lines <= MAX_FUNCTION:
                continue
            before = pathlib.Path(path).read_text().splitlines()[max(0, start - 6):start]
            if not any("Long because" in line for line in before):
                faults.append("%s:%d %s has %d lines (say \"Long because ...\" above it, or split it)" % (path, start, name, lines))
        self.check(faults)

    def test_core_headers_compile_alone(self):
        faults = []
        for path in files("core", suffixes=(".h",)):
            name = path.relative_to(ROOT / "core")
            done = subprocess.run(["cc", "-std=c11", "-D_GNU_SOURCE", "-fsyntax-only", "-I", ROOT / "core",
                                   "-I", ROOT / "plugins/include", "-I", "/usr/include/cjson", "-xc", "-"],
                                  input='#include "%s"\n' % name, text=True, capture_output=True)
            if done.returncode != 0:
                faults.append("%s: %s" % (name, done.stderr.splitlines()[0]))
        self.check(faults)

    def test_each_plugin_has_a_readme(self):
        folders = [p.parent for f in (*PLUGIN_FOLDERS, "plugins/converters", "plugins/stores") for p in (ROOT / f).glob("*/CMakeLists.txt")]
        self.check(["%s has no README.md" % f.relative_to(ROOT) for f in folders if not (f / "README.md").is_file()])

    def test_links_of_documents_lead_somewhere(self):
        faults = []
        for path in [*ROOT.glob("*.md"), *(p for f in ("compose", "configs", "plugins", "tests", *PLUGIN_FOLDERS)
                                           for p in (ROOT / f).rglob("*.md"))]:
            for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text()):
                if "://" not in target and not (path.parent / target).exists():
                    faults.append("%s: %s" % (path.relative_to(ROOT), target))
        self.check(faults)

    def test_no_path_of_a_machine(self):
        tracked = subprocess.run(["git", "-C", ROOT, "ls-files"], text=True, capture_output=True).stdout.splitlines()
        faults = []
        for name in tracked:
            path = ROOT / name
            if path.suffix in (".c", ".h", ".py", ".sh", ".md", ".txt", ".json") and path.is_file():
                if re.search(r"(/work|/root)/[a-z]", path.read_text(errors="replace")):
                    faults.append(name)
        faults = [f for f in faults if f != "tests/layout/test_layout.py"]
        self.check(faults)


if __name__ == "__main__":
    unittest.main()
