# timeout: 600
# builds: all
"""Every module that was built keeps the promises of the plugin ABI (`sluice plugins check`), without any server: what needs
one is checked up to its open, which fails."""

import json
import os
import pathlib
import subprocess
import unittest

from sluicetest.host import SANITIZER_REPORT

BUILD = pathlib.Path(os.environ.get("SLUICE_BUILD", "build"))
BINARY = os.environ.get("SLUICE_BIN") or str(BUILD / "sluice")
MODULES = sorted((BUILD / "lib" / "sluice").glob("*.so"))

# Options that a plugin needs to get further; $TMPDIR is replaced.
CONFIGS = {
    "file-source": {"file": "$TMPDIR/input.jsonl"},
    "file-stream-sink": {"file": "$TMPDIR/lines.txt"},
    "file-stream-source": {"file": "$TMPDIR/input.jsonl"},
    "kafka-source": {"topics": "t", "bootstrap.servers": "127.0.0.1:1"},
    "kafka-store": {"bootstrap.servers": "127.0.0.1:1", "config.storage.topic": "c", "offset.storage.topic": "o", "status.storage.topic": "s"},
    "converter-avro": {"schema.registry.url": "mock://conformance"},
    "route": {"regex": "(.*)", "replacement": "to-$1"},
    "cast": {"spec": "id:string"},
    "header-from": {"fields": "id", "headers": "id", "operation": "copy"},
    "insert-field": {"topic.field": "topic"},
    "set-schema-metadata": {"schema.name": "name"},
    "timestamp-converter": {"field": "id", "target.type": "unix"},
    "compute": {"fields": {"seconds": {"of": "id", "divided.by": 1000}}},
}


@unittest.skipUnless(os.access(BINARY, os.X_OK), "no sluice binary (%s)" % BINARY)
class Modules(unittest.TestCase):
    def check(self, module):
        folder = pathlib.Path(os.environ.get("TMPDIR", "/tmp"))
        (folder / "input.jsonl").write_text("".join('{"id": %d}\n' % i for i in range(20000)))
        config = json.dumps(CONFIGS.get(module.stem, {})).replace("$TMPDIR", str(folder))
        done = subprocess.run([BINARY, "plugins", "check", str(module), "--json", "--config", config],
                              capture_output=True, text=True)
        checks = json.loads(done.stdout)["checks"]
        failed = ["%(plugin)s: %(check)s: %(reason)s" % c for c in checks if c["outcome"] == "fail"]
        self.assertEqual([], failed, done.stderr[-4000:])
        self.assertNotRegex(done.stderr, SANITIZER_REPORT)


def method(module):
    return lambda self: self.check(module)


for _module in MODULES:
    setattr(Modules, "test_" + _module.stem.replace("-", "_"), method(_module))


if __name__ == "__main__":
    unittest.main()
