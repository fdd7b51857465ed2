# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""Runs the system tests: run.py [NAME...], a NAME is part of a test's.  Ends with a count."""
import glob
import importlib
import os
import sys
import time
import traceback
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))


class Result(unittest.TestResult):
    passed = 0

    def startTest(self, test):
        super().startTest(test)
        self.began = time.monotonic()

    def report(self, word, test):
        print(f"{word} {time.monotonic() - self.began:6.2f}s {test.id()}", flush=True)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed += 1
        self.report("ok  ", test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.report("FAIL", test)
        traceback.print_exception(*err, file=sys.stdout)

    addError = addFailure

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.addFailure(subtest, err)

    def addSkip(self, test, reason):
        self.addFailure(test, (AssertionError, AssertionError("skipped: " + reason), None))


def tests(suite):
    for t in suite:
        yield from tests(t) if isinstance(t, unittest.TestSuite) else [t]


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    result, wanted = Result(), sys.argv[1:]
    suite = unittest.TestSuite()
    for path in sorted(glob.glob(os.path.join(here, "test_*.py"))):
        module = importlib.import_module(os.path.basename(path)[:-3])
        for test in tests(unittest.defaultTestLoader.loadTestsFromModule(module)):
            if not wanted or any(w in test.id() for w in wanted):
                suite.addTest(test)
    suite.run(result)               # a suite also runs the fixtures of classes
    failed = len(result.failures) + len(result.errors)
    print(f"{result.passed} passed, {failed} failed", flush=True)
    sys.exit(1 if failed or not result.passed else 0)


main()
