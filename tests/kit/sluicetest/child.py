"""Runs the unittest cases of one file for tests/run.py:  python3 -m sluicetest.child FILE REPORT TIMEOUT

REPORT gets one JSON line a finished case, written at once, so that what had finished is known when the runner has to kill
us, and a last line {"done": true}. Shortly before TIMEOUT the stacks of all threads go to standard error.
"""

import collections
import faulthandler
import importlib.util
import json
import os
import re
import sys
import unittest


class Report(unittest.TestResult):
    def __init__(self, path, cases):
        super().__init__()
        self.file = open(path, "w", encoding="utf-8")
        self.cases = cases  # class name -> number of cases
        self.failed_subtest = None

    def line(self, **fields):
        self.file.write(json.dumps(fields) + "\n")
        self.file.flush()

    def count(self, test):
        """How many cases an outcome stands for: a fixture of a class or a module speaks for all of them."""
        fixture = re.match(r"(setUp|tearDown)(Class|Module) \((.*)\)$", test.id())
        if not fixture or fixture.group(1) == "tearDown":
            return 1
        if fixture.group(2) == "Module":
            return max(sum(self.cases.values()), 1)
        return max(self.cases.get(fixture.group(3), 1), 1)

    def outcome(self, kind, test, text=""):
        self.line(outcome=kind, name=test.id(), text=text, count=self.count(test))

    def startTest(self, test):
        super().startTest(test)
        self.failed_subtest = None
        self.line(started=test.id())

    def fail(self, test, error):
        self.outcome("failed", test, self._exc_info_to_string(error, test))

    addFailure = addError = fail

    def addSuccess(self, test):
        self.outcome("passed", test)

    def addExpectedFailure(self, test, error):
        self.outcome("passed", test)

    def addSkip(self, test, reason):
        self.outcome("skipped", test, reason)

    def addUnexpectedSuccess(self, test):
        self.outcome("failed", test, "passed, but is marked as expected failure")

    def addSubTest(self, test, subtest, error):
        if error is not None:  # the case is failed once; the other subtests are shown with it
            if self.failed_subtest is not test:
                self.failed_subtest = test
                self.fail(subtest, error)
            else:
                self.line(more=subtest.id(), text=self._exc_info_to_string(error, test))


def cases_of(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from cases_of(item)
        else:
            yield item


def load(path):
    """The suite of a file. A SkipTest raised while importing skips the whole file."""
    sys.path.insert(0, os.path.dirname(path))
    name = os.path.splitext(os.path.basename(path))[0]
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return unittest.defaultTestLoader.loadTestsFromModule(module)


def main():
    path, report_path, limit = os.path.abspath(sys.argv[1]), sys.argv[2], float(sys.argv[3])
    faulthandler.enable()
    faulthandler.dump_traceback_later(max(limit - 2, limit * 0.8))
    cases = collections.Counter()
    report = Report(report_path, cases)
    try:
        suite = load(path)
    except unittest.SkipTest as e:
        report.line(outcome="skipped", name=path, text=str(e), count=1)
        report.line(done=True)
        return
    cases.update("%s.%s" % (type(c).__module__, type(c).__qualname__) for c in cases_of(suite))
    # startTestRun would let the loader's suite share our streams; nothing of that is needed.
    suite.run(report)
    if not cases:
        report.line(outcome="failed", name=path, text="no test case in this file", count=1)
    report.line(done=True)


main()
