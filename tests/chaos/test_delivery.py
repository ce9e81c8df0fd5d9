# timeout: 1500
# exclusive
"""Hundreds of SIGKILLs under load; a sink that hangs for minutes. How much memory that may take is tested on a plain build, by
test_main_memory: a sanitizer's memory is its own."""

import os
import pathlib
import signal
import sys
import tempfile
import time
import unittest

from sluicetest.host import alive, rss_anon

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import delivery  # noqa: E402

KILLS = int(os.environ.get("SLUICE_CHAOS_KILLS", "200"))
HANG_S = float(os.environ.get("SLUICE_CHAOS_HANG", "180"))


class Delivery(unittest.TestCase):
    def test_kills(self):
        with tempfile.TemporaryDirectory(prefix="sluice-chaos-") as folder:
            results, made = delivery.run(pathlib.Path(folder), KILLS)
        for name, (total, repeats) in results.items():
            self.assertGreater(total, 1000)
            # What was written and not yet stored when the process died: an interval, the round trip, the sink's own pace.
            self.assertLess(repeats, (2 * made + 20) * delivery.RATE, name)


class Behind(unittest.TestCase):
    """One branch is a minute behind and spills; the task dies; the others leave out what they have."""

    def test_a_minute_behind(self):
        behind = float(os.environ.get("SLUICE_CHAOS_BEHIND", "60"))
        with tempfile.TemporaryDirectory(prefix="sluice-chaos-") as folder:
            folder = pathlib.Path(folder)
            pipeline = delivery.descriptor(folder)
            late = pipeline["sinks"][-1]
            late["config"].update(behind="%ds" % behind, pace="20ms")  # SIGTERM gives it 20 s for all that waits
            late["spill"]["max.bytes"] = "256m"  # a minute's worth: a full one would hold up the others
            for sink in pipeline["sinks"]:
                sink["config"].pop("fail", None)
            with delivery.sluice() as sluice:
                sluice.post("/pipelines", pipeline).expect(201)
                delivery.wait_running(sluice)
                time.sleep(behind / 4)
                os.kill(sluice.children("__task")[0], signal.SIGKILL)
                time.sleep(behind + 5)
                self.assertEqual(sluice.terminate(60), 0)
            results = {name: delivery.check(folder / name) for name in delivery.BRANCHES}
        print(results, flush=True)
        ends = [end for _, _, end in results.values()]
        self.assertLess(max(ends) - min(ends), delivery.PARTITIONS * 2)
        self.assertGreater(min(ends), delivery.RATE * behind)
        for name in ("fast", "slow", "buffer", "flaky"):  # not a minute's worth again
            self.assertLess(results[name][1], delivery.RATE * 2, name)


class Lease(unittest.TestCase):
    """A supervisor that stands still cannot renew leases: its task ends by itself before a successor could start."""

    def test_no_lease(self):
        with delivery.sluice() as sluice:
            sluice.post("/pipelines", {"name": "chaos", "source": {"plugin": "datagen", "config": {"rate": 1000}},
                                       "sinks": [{"plugin": "null"}]}).expect(201)
            delivery.wait_running(sluice)
            pid = sluice.children("__task")[0]
            os.kill(sluice.pid, signal.SIGSTOP)
            try:
                end = time.monotonic() + 20
                while alive(pid) and time.monotonic() < end:
                    time.sleep(0.1)
                self.assertFalse(alive(pid), "the task goes on without leases")
            finally:
                os.kill(sluice.pid, signal.SIGCONT)
            time.sleep(1)
            delivery.wait_running(sluice)


class Memory(unittest.TestCase):
    def test_a_hung_sink(self):
        limit = 64 << 20
        pipeline = {
            "name": "hang",
            "source": {"plugin": "datagen", "config": {"rate": 0}},
            "memory.limit": str(limit),
            "sinks": [
                {"plugin": "null"},
                {"plugin": "slow-sink", "queue.bytes": "1g", "config": {"hang.after": 100, "hang.for": "1h"}},
            ],
        }
        with delivery.sluice() as sluice:
            sluice.post("/pipelines", pipeline).expect(201)
            sluice.wait_state("hang")
            pid, peak, end = sluice.children("__task")[0], 0, time.monotonic() + HANG_S
            while time.monotonic() < end:
                peak = max(peak, rss_anon(pid))
                time.sleep(0.05)
            print("peak RssAnon %.1f MB of %d MB" % (peak / 2**20, limit / 2**20), flush=True)
            self.assertEqual(sluice.children("__task"), [pid], "the task was restarted")
            sluice.kill9()  # to drain it would take the drain's whole deadline


if __name__ == "__main__":
    unittest.main()
