"""The base class of our tests: a time limit for every test method, and waiting for something to become true."""

import functools
import signal
import time
import unittest

from . import servers


class TestTimeout(AssertionError):
    pass


def eventually(probe, seconds=30.0, message="", interval=0.05):
    """Calls probe() until it returns something true, and returns that. An AssertionError or a refused connection inside
    probe counts as "not yet"; the last one is shown when time is up."""
    end = time.monotonic() + seconds
    last = None
    while True:
        try:
            value = probe()
            if value:
                return value
            last = "last value: %r" % (value,)
        except TestTimeout:
            raise
        except (AssertionError, OSError) as e:
            last = "%s: %s" % (type(e).__name__, e)
        if time.monotonic() >= end:
            raise AssertionError("%s: not within %g s; %s" % (message or "condition", seconds, last))
        time.sleep(interval)


def timeout(seconds):
    """Decorates a test method that needs another limit than its class."""
    def mark(method):
        @functools.wraps(method)
        def wrapped(*args, **kwargs):
            return method(*args, **kwargs)
        wrapped.sluice_timeout = seconds
        return wrapped
    return mark


class Case(unittest.TestCase):
    """time_limit: seconds that one test method may take, its setUp and tearDown included (the runner limits the whole
    file besides, see tests/README.md)."""

    time_limit = 60
    maxDiff = None

    def run(self, result=None):
        method = getattr(self, self._testMethodName)
        limit = getattr(method, "sluice_timeout", self.time_limit)

        def expired(signum, frame):
            raise TestTimeout("%s took longer than %g s" % (self.id(), limit))

        before = signal.signal(signal.SIGALRM, expired)
        signal.setitimer(signal.ITIMER_REAL, limit)
        try:
            return super().run(result)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)

    def scratch(self):
        """A fresh directory that goes away with the test."""
        return self.enterContext(servers.scratch_dir())

    def eventually(self, probe, seconds=30.0, message="", interval=0.05):
        return eventually(probe, seconds, message or self.id(), interval)
