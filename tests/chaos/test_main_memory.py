# timeout: 1500
# tier: all
# builds: release
# exclusive
"""Memory of the main job stays under twice its declared budget while a server hangs for minutes, and under one transaction
far larger than the budget. Needs a plain build: a sanitizer's memory is its own."""

import os
import unittest

import memory
from sluicetest import Case

HANG_S = float(os.environ.get("SLUICE_CHAOS_HANG", "180"))
ROWS = int(os.environ.get("SLUICE_CHAOS_ROWS", "500000"))


@unittest.skipIf(os.environ.get("SLUICE_SANITIZE"), "sanitizers take memory of their own")
class Memory(Case):
    time_limit = 600

    def test_hung_server_with_spill(self):
        memory.hung_server(128 << 20, HANG_S, spill=True)

    def test_hung_server_without_spill(self):
        memory.hung_server(128 << 20, HANG_S, spill=False)

    def test_big_transaction(self):
        memory.big_transaction(64 << 20, ROWS)


if __name__ == "__main__":
    unittest.main()
