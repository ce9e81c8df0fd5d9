# builds: all
# timeout: 200
"""The main job on real servers while task and supervisor are killed a few times (30 times in tests/chaos)."""

import pathlib
import sys
import unittest

from sluicetest import Case

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "chaos"))
import kills  # noqa: E402


class Kills(Case):
    time_limit = 190

    def test_kills(self):
        kills.run(changes=12000, rate=600, kills=8)


if __name__ == "__main__":
    unittest.main()
