"""What can be said of compose/ without a Docker engine (`make test-compose` tries it for real)."""

import json
import pathlib
import re
import unittest

from sluicetest import Case, Sluice

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "compose"


class Compose(Case):
    def test_mounted_files_are_there(self):
        text = (COMPOSE / "docker-compose.yml").read_text()
        places = re.findall(r"^\s+- (\.[^:]*):", text, re.M)
        self.assertGreater(len(places), 5)
        self.assertEqual([], [p for p in places if not (COMPOSE / p).exists()])

    def test_environment_of_the_pipeline(self):
        text = (COMPOSE / "docker-compose.yml").read_text()
        needed = set(re.findall(r"\$\{env:(\w+):(?:127|})", (ROOT / "configs/engagement/pipeline.json").read_text()))
        self.assertEqual(set(), {n for n in needed if n + ":" not in text})

    def test_metrics_of_rules_and_dashboards_exist(self):
        with Sluice() as sluice:
            sluice.post("/pipelines", {"name": "x", "source": {"plugin": "datagen"}, "sinks": [{"plugin": "null"}]}).expect(201)
            sluice.wait_state("x")
            there = self.eventually(lambda: {m.partition("{")[0] for m in sluice.metrics() if "sluice_branch_records" in m} and
                                    {m.partition("{")[0] for m in sluice.metrics()})
        files = [COMPOSE / "prometheus/rules.yml", *COMPOSE.glob("grafana/dashboards/*.json")]
        self.assertEqual(2, len(files))
        for path in files:
            text = path.read_text()
            if path.suffix == ".json":
                self.assertTrue(json.loads(text)["panels"])
            names = set(re.findall(r"\bsluice_\w+", text))
            self.assertTrue(names)
            self.assertEqual(set(), names - there, path)

    def test_packages_are_those_of_the_set_up(self):
        built = set(re.findall(r"\b[a-z0-9.+-]+-dev\b", (COMPOSE / "Dockerfile").read_text()))
        self.assertEqual(set(), built - set(re.findall(r"[a-z0-9.+-]+", (ROOT / "tests/kit/setup.sh").read_text())))


if __name__ == "__main__":
    unittest.main()
