"""Changes at a steady rate, and what kills sluice meanwhile."""

import os
import signal
import threading
import time

from sluicetest.host import alive

CHUNK_S = 0.02


class Load(threading.Thread):
    """Makes `total` changes (None: until stopped) at `rate` a second. Who makes changes beside it takes `lock`."""

    def __init__(self, job, model, rate, total=None):
        super().__init__(daemon=True)
        self.job, self.model, self.rate, self.total = job, model, rate, total
        self.lock, self.stopped, self.error, self.made, self.seconds = threading.Lock(), False, None, 0, 0.0
        self.session = job.source.session()

    def run(self):
        begin = time.monotonic()
        try:
            while not self.stopped and (self.total is None or self.made < self.total):
                due = (time.monotonic() - begin) * self.rate - self.made
                if due < 1:
                    time.sleep(CHUNK_S)
                    continue
                with self.lock:
                    self.chunk(int(min(due, 200)))
        except BaseException as e:
            self.error = e
        self.seconds = time.monotonic() - begin
        self.session.close()

    def chunk(self, due):
        parts, n = [], 0
        while n < due:
            # A transaction of 1,000 may go ahead of its time: the pace catches up.
            text, made = self.model.step(1000 if self.total is None else self.total - self.made - n)
            parts.append(text)
            n += made
        self.made += n
        self.session.query("".join(parts) + "SELECT 1")

    def arrive(self, names=None, seconds=60):
        """See Job.arrive; while changes go on."""
        with self.lock:
            key = self.model.next_id
            self.job.source.execute(self.model.insert_to_stay())
        return self.job.wait_for(key, names, seconds)

    def finish(self):
        self.stopped = self.total is None
        self.join()
        if self.error is not None:
            raise self.error

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, error, trace):
        self.stopped = True
        self.join()


def kill_supervisor(sluice):
    left = sluice.kill9()
    end = time.monotonic() + 10
    while any(alive(pid) for pid in left):
        assert time.monotonic() < end, "tasks outlive their supervisor: %s" % left
        time.sleep(0.005)
    sluice.start()


def kill_something(sluice, rng):
    """Which it was; "" when there was nothing to kill."""
    if rng.random() < 0.3:
        kill_supervisor(sluice)
        return "supervisor"
    pids = sluice.children("__task")
    if not pids:
        return ""
    os.kill(pids[0], signal.SIGKILL)
    return "task"
