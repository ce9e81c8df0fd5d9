# timeout: 2000
# tier: all
# exclusive
"""The main job on real servers: 30 kills during 60,000 changes; each server restarted, down and hung for 30 s."""

import os
import unittest

import kills
import outages
from sluicetest import Case

OUTAGE_S = float(os.environ.get("SLUICE_CHAOS_OUTAGE", "30"))


class Delivery(Case):
    time_limit = 1400

    def test_kills(self):
        kills.run(changes=60000, rate=1000, kills=30, s3=True)

    def test_outages(self):
        outages.run(OUTAGE_S, s3=True)


if __name__ == "__main__":
    unittest.main()
