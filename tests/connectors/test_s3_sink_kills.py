# builds: all
# tier: all
# timeout: 240
"""The S3 sink while sluice or the server is killed."""

import time

from feeding import Feed, kill_task, letters, line
from sinking import S3SinkCase
from sluicetest import timeout


class S3SinkKills(S3SinkCase):
    @timeout(90)
    def test_server_restarts_in_mid_stream(self):
        self.run_sink(self.datagen(count="6000", rate="1500"), flush__size=500)
        self.eventually(lambda: len(self.keys()) > 2)
        self.server.kill9()
        time.sleep(1)
        self.server.start()
        self.wait_ids(6000, 60)
        self.assert_each_once(6000)

    @timeout(120)
    def test_kill9_leaves_no_duplicates(self):
        self.run_sink(self.datagen(count="16000", rate="4000", partitions="2"), flush__size=700)
        for _ in range(5):
            time.sleep(0.6)
            self.sluice.kill9()
            self.sluice.start()
        self.wait_ids(15400, 60)
        self.eventually(lambda: self.sluice.status("p")["tasks"][0]["state"] == "FINISHED", 60)
        self.wait_ids(16000)
        self.assert_each_once(16000)

    @timeout(120)
    def test_refused_records_survive_kills(self):
        """Refused records are in a dead letter, and the others in one object, whenever the task is killed."""
        dead = self.sluice.directory / "dead.json"
        feed = Feed(self.sluice.directory)
        self.run_sink(feed.source(**{"batch.size": 100}), {"tolerance": "all", "dead.letters.file": str(dead), "log": False},
                      flush__size=300, rotate__schedule__interval__ms=200)
        for part in range(6):
            feed.add(*(line(None if i % 97 < 2 else {"id": i}, i) for i in range(part * 500, part * 500 + 500)))
            time.sleep(0.2)
            kill_task(self.sluice, "p")
        wanted = [i for i in range(3000) if i % 97 >= 2]
        self.wait_ids(len(wanted), 60)
        self.assertEqual(wanted, self.ids())
        self.assertEqual({i for i in range(3000) if i % 97 < 2}, {d["key"] for d in letters(dead)})
