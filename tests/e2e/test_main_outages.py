# timeout: 200
"""The main job on real servers while each in turn is away for a few seconds (30 s and more ways in tests/chaos)."""

import pathlib
import sys
import unittest

from sluicetest import Case

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "chaos"))
import outages  # noqa: E402


class Outages(Case):
    time_limit = 190

    def test_outages(self):
        outages.run(5, restarts=(), hows=(outages.down,), sources=("crash",))


if __name__ == "__main__":
    unittest.main()
