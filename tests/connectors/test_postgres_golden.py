# builds: all
# timeout: 240
"""Recorded cases of Debezium 3.6.1 (tests/golden/debezium-postgres) replayed against the postgres source: key, value and
headers byte for byte through the JSON converter, order of LSNs and transactions, stored offsets. Which cases are left
out, and why, stands in sources/postgres/README.md."""

import concurrent.futures
import json
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import postgres_replay  # noqa: E402
from sluicetest import Case, Postgres, timeout  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = os.environ.get("SLUICE_BUILD", str(ROOT / "build"))
CASES = sorted((ROOT / "tests" / "golden" / "debezium-postgres").glob("*.json"))


class Golden(Case):
    @timeout(230)
    def test_recorded_cases(self):
        normalise = postgres_replay.load_normalise()
        self.assertTrue(CASES)
        self.assertTrue(postgres_replay.find_converter(BUILD), "the JSON converter is not built")

        def replay(path):
            case = json.loads(path.read_text(encoding="utf-8"))
            try:
                return path.stem, postgres_replay.Replay(BUILD, server.client, case, normalise).run()
            except Exception as e:  # noqa: BLE001 - the other cases are of interest too
                return path.stem, ["%s: %s" % (type(e).__name__, e)]

        with Postgres("max_connections = 100", "max_wal_senders = 40", "max_replication_slots = 40") as server:
            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                failed = [(name, diffs) for name, diffs in pool.map(replay, CASES) if diffs]
        for name, diffs in failed:
            with self.subTest(case=name):
                self.fail("\n".join(diffs[:5]))
