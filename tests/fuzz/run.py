# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""Runs the fuzz targets, so many seconds of CPU time each, and keeps a log of it.

run.py --seconds N [--jobs J] [--keep FOLDER] [TARGET...]   appends a line per target to tests/fuzz/log
run.py --up-to N [...]    the same, but what a program had before counts: N seconds in all
run.py --sum              what the log has, summed per target

A line names the program by a digest of its code and data, so that a run counts for each later commit
that builds the same program (see `digest`): "now" in the sum is the time of the program as it is built.

A run that is told to end (SIGINT, SIGTERM) logs what it has done.

The programs are built once (make fuzz).  A run begins with the kept corpus (tests/fuzz/corpus/TARGET)
and with what earlier runs found, in FOLDER/TARGET (default: accord-fuzz in $XDG_CACHE_HOME or ~/.cache);
inputs that fail are kept in FOLDER/findings.  Ends with 1 if there is any.
"""
import datetime
import hashlib
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import threading

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
LOG = os.path.join(TOP, "tests", "fuzz", "log")
BUILT = os.path.join(TOP, "build-fuzz", "tests")
COLUMNS = ["date", "commit", "program", "target", "cpu_s", "runs", "edges", "features", "findings"]
ENV = dict(os.environ, UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1")     # else it only says so
SLICE = 60              # seconds on the clock after which the CPU time is looked at
IDLE_SLICES = 400       # a target that waits, or has a busy machine, uses little CPU: at most so many
INTERRUPTED = 72        # libFuzzer's exit after SIGINT
HANG_S = 200            # on the clock; not less, or a busy machine makes findings of sound inputs


def targets():
    return sorted(n[5:-2] for n in os.listdir(os.path.join(TOP, "tests", "fuzz"))
                  if n.startswith("fuzz_") and n.endswith(".c"))


def commit():
    """The commit's short name; with + when sources differ from it (the log itself does not count)."""
    def git(*words):
        return subprocess.run(["git", *words], cwd=TOP, capture_output=True, text=True).stdout.strip()
    dirty = git("status", "--porcelain", "--", ".", ":!tests/fuzz/log")
    return (git("rev-parse", "--short", "HEAD") or "-") + ("+" if dirty else "")


def digest(target):
    """Names the program by what is loaded of it: what only debuggers read does not count, nor does the linker's
    own name for all of it.  "-" if it is not built."""
    path = os.path.join(BUILT, "fuzz-" + target)
    if not os.path.exists(path):
        return "-"
    with tempfile.TemporaryDirectory() as d:
        out = os.path.join(d, "program")
        subprocess.run(["strip", "--strip-all", "-R", ".note.gnu.build-id", "-R", ".comment", "-o", out, path],
                       check=True)
        with open(out, "rb") as f:
            return hashlib.sha256(f.read()).hexdigest()[:12]


def rows():
    with open(LOG) as f:
        for line in f:
            words = line.split()
            if not line.startswith("#") and len(words) == len(COLUMNS):
                yield dict(zip(COLUMNS, words))


def had(target, program):
    """CPU seconds that this very program was run for."""
    return sum(int(r["cpu_s"]) for r in rows() if (r["target"], r["program"]) == (target, program) and program != "-")


class Run:
    """One target: slices of fuzzing until its CPU time is used."""
    running, stop = set(), False

    @classmethod
    def end(cls, *_):
        cls.stop = True
        for pid in list(cls.running):
            os.kill(pid, signal.SIGINT)

    def __init__(self, target, seconds, keep):
        self.target, self.seconds, self.program = target, seconds, digest(target)
        self.corpus, self.found = os.path.join(keep, target), os.path.join(keep, "findings")
        self.cpu = self.runs = self.edges = self.features = self.findings = 0
        os.makedirs(self.corpus, exist_ok=True)
        os.makedirs(self.found, exist_ok=True)

    def slice(self, seconds):
        """Returns the process's CPU time; libFuzzer's own limit counts seconds on the clock."""
        words = [os.path.join(BUILT, "fuzz-" + self.target), f"-max_total_time={max(1, int(seconds))}",
                 f"-timeout={HANG_S}", "-rss_limit_mb=2048", "-print_final_stats=1", "-max_len=16384",
                 f"-artifact_prefix={self.found}/{self.target}-", self.corpus,
                 os.path.join(TOP, "tests", "fuzz", "corpus", self.target)]
        p = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                             cwd=self.found, env=ENV)
        self.running.add(p.pid)
        tail = b""
        for line in p.stderr:       # what a daemon logs is much, and says nothing here
            if line.startswith((b"#", b"stat::", b"SUMMARY", b"artifact_prefix")) or b"Assertion" in line:
                tail += line
        self.running.discard(p.pid)
        _, status, used = os.wait4(p.pid, 0)
        p.returncode = status
        if self.stop and os.waitstatus_to_exitcode(status) in (INTERRUPTED, -signal.SIGINT):
            status = 0
        self.read(tail.decode(errors="replace"), status)
        return used.ru_utime + used.ru_stime

    def read(self, text, status):
        def last(pattern):
            all_of = re.findall(pattern, text)
            return int(all_of[-1]) if all_of else 0
        self.edges, self.features = max(self.edges, last(r"cov: (\d+)")), max(self.features, last(r"ft: (\d+)"))
        self.runs += last(r"stat::number_of_executed_units: (\d+)") or last(r"(?m)^#(\d+)")
        if status != 0:
            self.findings += 1
            print(f"{self.target}: " + " | ".join(x for x in text.splitlines() if not x.startswith(("#", "stat")))[:300],
                  flush=True)

    def go(self):
        for _ in range(IDLE_SLICES):
            left = self.seconds - self.cpu
            if left < 0.5 or self.findings or self.stop:
                break
            self.cpu += self.slice(min(left, SLICE))

    def line(self):
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%MZ")
        return " ".join(map(str, (now, commit(), self.program, self.target, int(self.cpu + 0.5), self.runs, self.edges,
                                  self.features, self.findings)))


def fuzz(names, seconds, jobs, keep, counting):
    made = subprocess.run(["make", "-s", f"-j{jobs}", "fuzz"], cwd=TOP)
    if made.returncode != 0:
        sys.exit("the targets do not build")
    todo, lock, findings = list(names), threading.Lock(), []

    def work():
        while True:
            with lock:
                if not todo or Run.stop:
                    return
                run = Run(todo.pop(0), seconds, keep)
                if counting:
                    run.seconds -= had(run.target, run.program)
            if run.seconds < 1:
                continue
            run.go()
            with lock, open(LOG, "a") as f:
                f.write(run.line() + "\n")
                findings.append(run.findings)
                print(run.line(), flush=True)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, Run.end)
    threads = [threading.Thread(target=work) for _ in range(jobs)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return sum(findings)


def total():
    sums = {}
    for row in rows():
        s = sums.setdefault(row["target"], {"cpu_s": 0, "runs": 0, "edges": 0, "features": 0, "findings": 0})
        for key in s:
            s[key] = max(s[key], int(row[key])) if key in ("edges", "features") else s[key] + int(row[key])
    print(f"{'target':20} {'CPU s':>8} {'now':>8} {'runs':>12} {'edges':>7} {'features':>9} {'findings':>9}")
    for name in sorted(sums):
        s = sums[name]
        print(f"{name:20} {s['cpu_s']:8} {had(name, digest(name)):8} {s['runs']:12} {s['edges']:7} {s['features']:9} "
              f"{s['findings']:9}")
    print(f"{sum(s['cpu_s'] for s in sums.values()) / 3600:.2f} hours of CPU time")
    for name in sorted(set(targets()) - set(sums)):
        print(f"{name}: never run")


def main():
    cache = os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache"))
    options = {"--seconds": "60", "--jobs": "1", "--up-to": "", "--keep": os.path.join(cache, "accord-fuzz")}
    words, names = sys.argv[1:], []
    while words:
        word = words.pop(0)
        if word == "--sum":
            return total()
        if word in options and words:
            options[word] = words.pop(0)
        elif word in targets():
            names.append(word)
        else:
            sys.exit(f"{word}: no target and no option\n{__doc__}")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return 1 if fuzz(names or targets(), int(options["--up-to"] or options["--seconds"]),
                     int(options["--jobs"]), os.path.abspath(options["--keep"]), options["--up-to"] != "") else 0


sys.exit(main())
