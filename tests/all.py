# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""Everything that `sh dist/check` runs, in order, with one count at the end."""
import concurrent.futures
import os
import re
import subprocess
import sys
import time

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
CPUS = str(os.cpu_count())
JOBS = "-j" + CPUS
WAITING = "-j" + str(3 * os.cpu_count())    # for unit tests: most of their time is that of clocks
SYSTEM = ["python3", "tests/system/run.py", "--jobs", str(os.cpu_count() + 1)]
CHECK_LINE = re.compile(r"Checks: (\d+), Failures: (\d+), Errors: (\d+)")
COUNT_LINE = re.compile(r"^(\d+) passed, (\d+) failed$", re.M)

SKIPPED_LINE = re.compile(r"^SKIPPED (.*)$", re.M)

passed = failed = 0
skipped = []


def run(words, env=None, quiet=False):
    """Runs a command: (its exit code, what it says, seconds).  That is shown as it comes, or not at all."""
    began, text = time.monotonic(), []
    p = subprocess.Popen(words, cwd=TOP, env={**os.environ, **(env or {})}, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True, errors="replace", bufsize=1)
    for line in p.stdout:
        text.append(line)
        if not quiet:
            show(line)
    return p.wait(), "".join(text), time.monotonic() - began


def show(text):
    for line in text.splitlines():
        if not COUNT_LINE.match(line):      # only the last count stands alone on its line
            print(line, flush=True)


def count(code, text, name):
    """Adds what a runner printed; a runner that says nothing counts as one test."""
    global passed, failed
    found = False
    skipped.extend(SKIPPED_LINE.findall(text))
    for m in CHECK_LINE.finditer(text):
        found = True
        bad = int(m.group(2)) + int(m.group(3))
        passed += int(m.group(1)) - bad
        failed += bad
    for m in COUNT_LINE.finditer(text):
        found = True
        passed += int(m.group(1))
        failed += int(m.group(2))
        print(f"   {m.group(0)}: {name}", flush=True)
    if not found:
        passed += code == 0
        failed += code != 0
    elif code != 0 and failed == 0:
        failed += 1


def step(name, *words, env=None):
    print("== " + " ".join(words), flush=True)
    code, text, seconds = run(list(words), env)
    print(f"   {seconds:.0f} s", flush=True)
    count(code, text, name)
    return code


def together(*steps):
    """Steps (name, word...) that leave each other time: side by side, each shown when it is over."""
    with concurrent.futures.ThreadPoolExecutor(len(steps)) as pool:
        ends = {pool.submit(run, list(words), None, True): (name, words) for name, *words in steps}
        for end in concurrent.futures.as_completed(ends):
            (code, text, seconds), (name, words) = end.result(), ends[end]
            print("== " + " ".join(words), flush=True)
            show(text)
            print(f"   {seconds:.0f} s", flush=True)
            count(code, text, name)


def main():
    san = {"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0", "UBSAN_OPTIONS": "print_stacktrace=1"}
    if step("build", "make", "-s", JOBS, "all", "bench-programs"):   # of which tests use some
        return
    step("build with clang", "make", "-s", JOBS, "O=build-clang", "COMPILE=clang -std=c11 -O2 -g")
    step("build of the crash and fault tests", "make", "-s", JOBS, "crash", "build/power-sim", "build/queue_power")
    step("layers", "sh", "tests/layers.sh")
    step("claims", "python3", "tests/claims.py")
    step("manual", "python3", "tests/manual.py")
    together(("model", "python3", "tests/model/run.py"), ("unit", "make", "-s", "-k", "-O", WAITING, "check-unit"))
    step("fuzz seeds", "make", "-s", JOBS, "check-seeds")
    if step("build with sanitizers", "make", "-s", JOBS, "SAN=1") == 0:
        step("unit under sanitizers", "make", "-s", "-k", "-O", WAITING, "SAN=1", "check-unit", env=san)
        step("system under sanitizers", *SYSTEM, "test_plain", "test_conperm", "test_conneg",
             env={**san, "ACCORD_BUILD": "build-san"})
    step("system", *SYSTEM)
    step("power cuts", "make", "-s", "check-power")
    together(("power cuts on paper", "make", "-s", "check-sim", "SIM=--images 200"),
             ("mutants", "python3", "tests/mutants/run.py", "--random", "4"))


main()
for what in skipped:
    print(f"not run here: {what}")
print(f"{passed} passed, {failed} failed", flush=True)
sys.exit(1 if failed or not passed else 0)
