"""The ABI headers stand alone, and what is installed is enough to build plugins that the host accepts."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ.get("SLUICE_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
BUILD = pathlib.Path(os.environ.get("SLUICE_BUILD", SOURCE / "build"))
INCLUDE = SOURCE / "plugins" / "include"
HEADERS = sorted((INCLUDE / "sluice").glob("*.h"))
WARNINGS = ["-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Werror"]


def run(*command, **options):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise AssertionError("%s\nexit %d\n%s%s" % (" ".join(map(str, command)), done.returncode, done.stdout, done.stderr))
    return done.stdout


def flags(name):
    return run("pkg-config", "--cflags", name).split() if name else []


class Headers(unittest.TestCase):
    def compile_alone(self, *command):
        for header in HEADERS:
            with self.subTest(header=header.name):
                extra = ["-D_GNU_SOURCE", *flags("libuv")] if header.name == "uv.h" else []
                run(*command, "-Wall", "-Wextra", "-Werror", "-I", INCLUDE, *extra, "-fsyntax-only", "-",
                    input='#include "sluice/%s"\n' % header.name)

    def test_c11(self):
        self.compile_alone("cc", "-x", "c", "-std=c11", "-pedantic", "-Wshadow", "-Wconversion")

    def test_cpp(self):
        if shutil.which("c++") is None:
            self.skipTest("no C++ compiler")
        self.compile_alone("c++", "-x", "c++", "-std=c++17") # not pedantic: a flexible array member is C

    def test_only_the_standard_library(self):
        for header in HEADERS:
            for name in re.findall(r"#include\s+<([^>]+)>", header.read_text()):
                allowed = {"stddef.h", "stdint.h", "stdarg.h", "stdlib.h", "string.h"} | ({"uv.h"} if header.name == "uv.h" else set())
                self.assertIn(name, allowed, header.name)

    def test_symbols_have_a_comment(self):
        """A public function, type or constant has a comment above it, beside it, or above its group."""
        missing = []
        for header in HEADERS:
            lines = header.read_text().splitlines()
            self.assertIn("/*", lines[0], "%s begins with what it is" % header.name)
            for i, line in enumerate(lines):
                found = re.match(r"(?:typedef )?(?:struct|enum) (sluice_\w+) \{|static inline [\w\s\*]*?\b(sluice_\w+)\(|#define (SLUICE_\w+)"
                                 r"|    [\w\s\*]+\(\*(\w+)\)\(", line)
                if not found:
                    continue
                name = next(g for g in found.groups() if g)
                if name.endswith("_H") or "/*" in line or self.commented(lines, i):
                    continue
                missing.append("%s: %s" % (header.name, name))
        self.assertEqual([], missing)

    def commented(self, lines, i):
        """Looks up over the lines of one paragraph, and over a blank line to a section's comment."""
        blanks = 0
        while i > 0:
            i -= 1
            text = lines[i].strip()
            if text.endswith("*/"):
                return True
            blanks += not text or text == "}"
            if blanks > 3:
                return False
        return False


@unittest.skipUnless((BUILD / "CMakeCache.txt").exists(), "no build folder")
class OutOfTree(unittest.TestCase):
    """make install to a prefix, then plugins with nothing but what is there."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-abi-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.prefix = cls.folder / "prefix"
        run("cmake", "--install", BUILD, "--prefix", cls.prefix, "--component", "devel")
        found = list(cls.prefix.glob("**/sluice-plugin.pc"))
        assert len(found) == 1, found
        cls.env = {**os.environ, "PKG_CONFIG_PATH": str(found[0].parent)}

    def check(self, module):
        binary = os.environ.get("SLUICE_BIN") or str(BUILD / "sluice")
        if not os.access(binary, os.X_OK):
            self.skipTest("built, but not checked: no sluice binary (%s)" % binary)
        done = subprocess.run([binary, "plugins", "check", module, "--json"], capture_output=True, text=True, env=self.env)
        result = json.loads(done.stdout)
        failed = ["%(plugin)s: %(check)s: %(reason)s" % c for c in result["checks"] if c["outcome"] == "fail"]
        self.assertEqual([], failed)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertGreater(result["ok"], 5)

    def build_example(self, kind):
        source = next((SOURCE / "plugins" / "examples" / kind).glob("*.c"))
        self.assertLess(len(source.read_text().splitlines()), 150, source)
        copy = self.folder / source.name
        shutil.copy(source, copy)
        module = copy.with_suffix(".so")
        cflags = run("pkg-config", "--cflags", "sluice-plugin", env=self.env).split()
        self.assertEqual([str(self.prefix / "include")], [os.path.realpath(c.removeprefix("-I")) for c in cflags])
        run("cc", "-std=c11", *WARNINGS, "-Wno-missing-field-initializers", "-D_GNU_SOURCE", "-shared", "-fPIC", "-fvisibility=hidden",
            *cflags, "-o", module, copy, cwd=self.folder)
        exported = [line.split()[-1] for line in run("nm", "-D", "--defined-only", module).splitlines()]
        self.assertEqual(["sluice_module"], exported)
        self.check(module)

    def test_source(self):
        self.build_example("source")

    def test_transform(self):
        self.build_example("transform")

    def test_sink(self):
        self.build_example("sink")

    def test_converter(self):
        self.build_example("converter")

    def test_template(self):
        copy = self.folder / "my-plugin"
        shutil.copytree(SOURCE / "plugins" / "template", copy)
        run("cmake", "-S", copy, "-B", copy / "build", env=self.env)
        run("cmake", "--build", copy / "build", env=self.env)
        self.check(copy / "build" / "my-plugin.so")


if __name__ == "__main__":
    unittest.main()
