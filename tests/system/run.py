# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""Runs the system tests: run.py [--jobs N] [NAME...], a NAME is part of a test's.  Ends with a count.

With N jobs so many classes run side by side, each in a process of its own whose words stand together."""
import concurrent.futures
import glob
import importlib
import os
import re
import subprocess
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


def chosen(names):
    """The tests whose names contain one of names; all if there are none."""
    here = os.path.dirname(os.path.abspath(__file__))
    for path in sorted(glob.glob(os.path.join(here, "test_*.py"))):
        module = importlib.import_module(os.path.basename(path)[:-3])
        for test in tests(unittest.defaultTestLoader.loadTestsFromModule(module)):
            if not names or any(n in test.id() for n in names):
                yield test


def here(names):
    """Runs them in this process; returns how many passed and failed."""
    result, suite = Result(), unittest.TestSuite()
    suite.addTests(chosen(names))
    suite.run(result)               # a suite also runs the fixtures of classes
    return result.passed, len(result.failures) + len(result.errors)


def apart(names):
    """As here, in a process of its own; says what it says when it is over."""
    p = subprocess.run([sys.executable, os.path.abspath(__file__), *names], stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, text=True, errors="replace")
    *words, count = p.stdout.splitlines() or [""]
    m = re.fullmatch(r"(\d+) passed, (\d+) failed", count)
    print("\n".join(words if m else [*words, count, f"FAIL {' '.join(names)}: ended with {p.returncode}"]), flush=True)
    return (int(m[1]), int(m[2])) if m else (0, 1)


def side_by_side(names, jobs):
    """Each class by itself, so many at a time."""
    classes = {}
    for test in chosen(names):
        classes.setdefault(f"{type(test).__module__}.{type(test).__qualname__}.", []).append(test.id())
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        counts = list(pool.map(apart, classes.values()))
    return sum(c[0] for c in counts), sum(c[1] for c in counts)


def main():
    names, jobs = sys.argv[1:], 1
    if names[:1] == ["--jobs"]:
        jobs, names = int(names[1]), names[2:]
    passed, failed = side_by_side(names, jobs) if jobs > 1 else here(names)
    print(f"{passed} passed, {failed} failed", flush=True)
    sys.exit(1 if failed or not passed else 0)


main()
