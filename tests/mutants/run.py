# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""Mutants: one-line faults put into accord, each of which the named test must see.

run.py [-j N]            all of them, in N trees at once
run.py --random N        N by chance (what CI does; the seed is printed)
run.py NAME...           those with a NAME in their name, file or test

tests/mutants/table: blocks of five lines, a blank line between:
    name: what is wrong then
    file: the source
    from: text that stands there exactly once
    to:   what stands there instead
    test: "unit FOLDER SUITE" (tests/unit/FOLDER/test_SUITE.c), "system NAME", "power STRATEGY"
          (tests/crash/power.py), or "blocks FILESYSTEM STRATEGY" (tests/crash/blocks.py; root)

A mutant is caught if its test fails with it and, in the same tree, passes without it.
"""
import os
import queue
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
FIELDS = ["name", "file", "from", "to", "test"]
OVER_THE_LAYER = ("test_layer", "test_faults", "test_caps.Disk")      # tests that need `make crash`
SECONDS = 300           # a test that takes longer hangs, and so has failed


def table():
    found, block = [], {}
    with open(os.path.join(TOP, "tests", "mutants", "table")) as f:
        for number, line in enumerate(list(f) + ["\n"], 1):
            line = line.rstrip("\n")
            if line.startswith("#"):
                continue
            if line.strip():
                key, value = line.split(":", 1)
                block[key] = value.strip() if key in ("name", "file", "test") else value.removeprefix(" ")
            elif block:
                if list(block) != FIELDS or block["name"] in [m["name"] for m in found]:
                    sys.exit(f"tests/mutants/table:{number}: the block before is malformed, or its name is taken")
                found.append(block)
                block = {}
    return found


class Fault(Exception):
    """The table or the tree is wrong: nothing can be said about the mutant."""


class Tree:
    """A copy of the sources and of what was built from them."""

    def __init__(self):
        self.path = tempfile.mkdtemp(prefix="accord-mutants-")
        self.sound = {}                     # test: what is wrong with it without any fault, or ""
        os.chmod(self.path, 0o755)          # some tests run accord under another account
        # times are kept, so little is built again
        shutil.copytree(TOP, self.path, symlinks=True, dirs_exist_ok=True, copy_function=shutil.copy2,
                        ignore=shutil.ignore_patterns(".git", "build-*", "__pycache__", "peers"))
        self.make("all")

    def copy(self, name, how):
        how(os.path.join(TOP, name), os.path.join(self.path, name))

    def remove(self):
        shutil.rmtree(self.path, ignore_errors=True)

    def make(self, *words):
        p = subprocess.run(["make", "-s", "-j2", *words], cwd=self.path, capture_output=True, text=True,
                           errors="replace")
        if p.returncode != 0:
            raise Fault("does not build: " + p.stderr[-800:])

    def mutate(self, m):
        path = os.path.join(self.path, m["file"])
        with open(path) as f:
            text = f.read()
        if text.count(m["from"]) != 1:
            raise Fault(f"{m['file']} has {text.count(m['from'])} times {m['from']!r}")
        if m["from"] == m["to"]:
            raise Fault("no fault in it")
        with open(path, "w") as f:
            f.write(text.replace(m["from"], m["to"]))

    def run(self, test):
        """What failed first; "" if nothing did."""
        kind, *names = test.split()
        if kind == "unit":
            folder, suite = names
            self.make(f"build/tests/unit-{folder}")
            if not os.path.isfile(os.path.join(self.path, "tests", "unit", folder, f"test_{suite}.c")):
                raise Fault(f"no test {test}")
            # a child that loops is one that fails: no need to wait a minute for it
            return self.watch([f"build/tests/unit-{folder}"], re.compile(r"not ok \d+ - (.*)"),
                              CK_RUN_SUITE=suite, CK_TAP_LOG_FILE_NAME="-", CK_VERBOSITY="silent",
                              CK_DEFAULT_TIMEOUT="20")
        if kind == "blocks":
            self.make("blocks")
            return self.watch(["python3", "tests/crash/blocks.py", *names], re.compile(r" *(?:LOST|FAIL) +(.*)"),
                              ACCORD_CUTS="60")
        self.make("all", *(["crash", "build/power-sim"] if kind == "power" else
                           ["crash"] if any(n.startswith(OVER_THE_LAYER) for n in names) else []))
        try:
            if kind == "power":
                return self.watch(["python3", "tests/crash/power.py", "--short", *names],
                                  re.compile(r"FAIL +(.*)"))
            return self.watch(["python3", "tests/system/run.py", *names], re.compile(r"FAIL +\S+ (.*)"))
        finally:
            self.end_processes()

    def end_processes(self):
        """What a fault made go on after its test: processes whose program is in this tree."""
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.readlink(f"/proc/{pid}/exe").startswith(self.path + "/"):
                    os.kill(int(pid), signal.SIGKILL)
            except OSError:
                pass

    def watch(self, words, failed, **env):
        # libcheck ends its whole process group with itself: it gets its own
        p = subprocess.Popen(words, cwd=self.path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                             errors="replace", env={**os.environ, **env}, start_new_session=True)
        late = threading.Timer(SECONDS, p.kill)
        late.start()
        what, lines = "", []
        for line in p.stdout:
            lines.append(line)
            if not what and failed.match(line):
                what = failed.match(line).group(1)[:100]
                if words[0] != "python3":       # the rest cannot change it; its children are waited for
                    p.terminate()
        late.cancel()
        if p.wait() != 0 and not what:
            what = "ends with " + str(p.returncode)
        if not what and not any(line.startswith("ok") for line in lines):
            raise Fault(f"no test ran: {' '.join(words)}")
        return what

    def judge(self, m):
        """How the mutant was caught; raises if it was not."""
        if m["test"] not in self.sound:
            self.sound[m["test"]] = self.run(m["test"])
        if self.sound[m["test"]]:
            raise Fault(f"{m['test']} fails without it: {self.sound[m['test']]}")
        try:
            self.mutate(m)
            what = self.run(m["test"])
        finally:
            self.copy(m["file"], shutil.copyfile)       # with a new time, so that it is built again
        if not what:
            raise Fault("MISSED")
        return what


def stale(mutants):
    """Those whose text is no longer there once: told in every run, so that none gets lost unseen."""
    found = []
    for m in mutants:
        with open(os.path.join(TOP, m["file"])) as f:
            n = f.read().count(m["from"])
        if n != 1:
            found.append(m)
            print(f"STALE  {m['name']}  [{m['file']} has {n} times {m['from']!r}]")
    return found


def choose(words, mutants):
    if words[:1] == ["--random"]:
        mutants = [m for m in mutants if not m["test"].startswith("blocks")]     # no root and no loop devices
        seed = int(os.environ.get("ACCORD_SEED", random.randrange(1 << 30)))
        print(f"seed {seed}")
        return random.Random(seed).sample(mutants, min(int(words[1]), len(mutants)))
    return [m for m in mutants if not words or any(w in m[k] for w in words for k in ("name", "file", "test"))]


def work(todo, score, lock):
    tree = Tree()
    while True:
        try:
            m = todo.get_nowait()
        except queue.Empty:
            break
        began, good = time.monotonic(), False
        try:
            text, good = tree.judge(m), True
        except Fault as why:
            text = str(why)
        with lock:
            score[good] += 1
            print(f"{'caught' if good else 'NOT CAUGHT'} {time.monotonic() - began:5.1f}s  {m['name']}  "
                  f"[{m['file']}; {m['test']}: {text}]", flush=True)
    tree.remove()


def main():
    words, workers = sys.argv[1:], 1
    if words[:1] == ["-j"]:
        workers, words = int(words[1]), words[2:]
    todo, score, lock = queue.Queue(), {True: 0, False: 0}, threading.Lock()
    mutants = table()
    old = stale(mutants)
    for m in sorted(choose(words, [m for m in mutants if m not in old]), key=lambda m: m["test"]):
        todo.put(m)
    wanted = todo.qsize()
    threads = [threading.Thread(target=work, args=(todo, score, lock)) for _ in range(min(workers, wanted))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    missed = wanted - score[True] + len(old)
    print(f"{score[True]} passed, {missed} failed")
    sys.exit(1 if missed or not score[True] else 0)


if __name__ == "__main__":
    main()
