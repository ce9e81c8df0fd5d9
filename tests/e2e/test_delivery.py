# builds: all
# timeout: 240
"""A few SIGKILLs under load, compared with a model (tests/chaos/delivery.py; hundreds of them in tier all)."""

import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "chaos"))
import delivery  # noqa: E402


class Delivery(unittest.TestCase):
    def test_ten_kills(self):
        with tempfile.TemporaryDirectory(prefix="sluice-chaos-") as folder:
            results, made = delivery.run(pathlib.Path(folder), 10)
        for name, (total, repeats) in results.items():
            self.assertGreater(total, 100)
            self.assertLess(repeats, (2 * made + 20) * delivery.RATE, name)


if __name__ == "__main__":
    unittest.main()
