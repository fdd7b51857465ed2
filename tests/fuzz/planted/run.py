# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""Planted bugs: one-line faults that a fuzz target must find from its kept seeds, in two minutes at most.

run.py [-j N] [--seconds S] [NAME...]    those with a NAME in target, name or file; default: all

tests/fuzz/planted/table: blocks of five lines, a blank line between:
    target: the fuzz target (tests/fuzz/fuzz_TARGET.c)
    name: what is wrong then
    file: the source
    from: text that stands there exactly once
    to:   what stands there instead

Each is built in a copy of the tree and found if the target stops with a finding; what it finds without
the fault is an error, and so is an entry whose text is gone, or a target without an entry.
"""
import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
ENV = dict(os.environ, UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1")     # else it only says so
FIELDS = ["target", "name", "file", "from", "to"]
NOT_COPIED = (".git", "build", "build-san", "build-clang", "__pycache__", "peers")


def table():
    found, block = [], {}
    with open(os.path.join(TOP, "tests", "fuzz", "planted", "table")) as f:
        for number, line in enumerate(list(f) + ["\n"], 1):
            line = line.rstrip("\n")
            if line.startswith("#"):
                continue
            if line.strip():
                key, value = line.split(":", 1)
                block[key] = value.removeprefix(" ")
            elif block:
                if list(block) != FIELDS:
                    sys.exit(f"tests/fuzz/planted/table:{number}: the block before is malformed")
                found.append(block)
                block = {}
    return found


def targets():
    return sorted(n[5:-2] for n in os.listdir(os.path.join(TOP, "tests", "fuzz"))
                  if n.startswith("fuzz_") and n.endswith(".c"))


def wrong_entries(faults):
    bad = []
    for m in faults:
        path = os.path.join(TOP, m["file"])
        text = open(path).read() if os.path.isfile(path) else ""
        if text.count(m["from"]) != 1:
            bad.append(f"STALE  {m['name']}  [{m['file']} has {text.count(m['from'])} times {m['from']!r}]")
        if m["target"] not in targets():
            bad.append(f"STALE  {m['name']}  [no target {m['target']}]")
    return bad + [f"NO FAULT for the target {t}" for t in targets() if t not in {m["target"] for m in faults}]


class Tree:
    def __init__(self):
        self.path = tempfile.mkdtemp(prefix="accord-planted-")
        # times are kept, so little is built again
        shutil.copytree(TOP, self.path, symlinks=True, dirs_exist_ok=True, copy_function=shutil.copy2,
                        ignore=shutil.ignore_patterns(*NOT_COPIED))
        self.sound = set()

    def remove(self):
        shutil.rmtree(self.path, ignore_errors=True)

    def build(self, target):
        p = subprocess.run(["make", "-s", "fuzz", "TARGET=" + target], cwd=self.path, capture_output=True, text=True,
                           errors="replace")
        return p.stderr[-400:] if p.returncode != 0 else ""

    def fuzz(self, target, *limits):
        """(found something, what)"""
        with tempfile.TemporaryDirectory(dir=self.path) as work:
            p = subprocess.run([os.path.join(self.path, "build-fuzz", "tests", "fuzz-" + target), *limits,
                                "-timeout=20", "-rss_limit_mb=2048", "-max_len=16384", f"-artifact_prefix={work}/", work,
                                os.path.join(TOP, "tests", "fuzz", "corpus", target)], cwd=work,
                               env=ENV, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        text = p.stderr.decode(errors="replace")
        what = re.findall(r"Assertion (.*) failed|(runtime error: .*)|SUMMARY: (.*)", text)
        return p.returncode != 0, "".join(what[0])[:110] if what else ""

    def judge(self, m, seconds):
        if m["target"] not in self.sound:
            why = self.build(m["target"])
            bad, what = (True, why) if why else self.fuzz(m["target"], "-runs=0")
            if bad:
                return False, "fails without it: " + what
            self.sound.add(m["target"])
        path = os.path.join(self.path, m["file"])
        built = os.path.join(self.path, "build-fuzz", os.path.splitext(m["file"])[0] + ".o")
        with open(path) as f:
            sound, times = f.read(), os.stat(path)
        with open(built, "rb") as f:
            was_built = f.read()
        try:
            with open(path, "w") as f:
                f.write(sound.replace(m["from"], m["to"]))
            why = self.build(m["target"])
            if why:
                return False, "does not build: " + why
            # what one start of the fuzzer misses another may find: three, with other seeds of chance
            for i in range(3):
                found, what = self.fuzz(m["target"], f"-max_total_time={seconds // 3}", "-use_value_profile=%d" % (i % 2))
                if found:
                    return True, what
            return False, "MISSED"
        finally:
            # with the object that was built of it, so that it is not built again
            with open(path, "w") as f:
                f.write(sound)
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
            with open(built, "wb") as f:
                f.write(was_built)


def main():
    words, workers, seconds = sys.argv[1:], 1, 120
    while words[:1] in (["-j"], ["--seconds"]):
        workers, seconds = (int(words[1]), seconds) if words[0] == "-j" else (workers, int(words[1]))
        words = words[2:]
    faults = table()
    bad = wrong_entries(faults)
    print("\n".join(bad + [""]) if bad else "", end="")
    chosen = [m for m in faults if not words or any(w in m[k] for w in words for k in ("target", "name", "file"))]
    todo, lock, score = queue.Queue(), threading.Lock(), {True: 0, False: len(bad)}
    for m in chosen:
        todo.put(m)
    if subprocess.run(["make", "-s", f"-j{workers}", "fuzz"], cwd=TOP).returncode != 0:
        sys.exit("the targets do not build")

    def work():
        tree = Tree()
        while True:
            try:
                m = todo.get_nowait()
            except queue.Empty:
                break
            began = time.monotonic()
            good, text = tree.judge(m, seconds)
            with lock:
                score[good] += 1
                print(f"{'found' if good else 'NOT FOUND'} {time.monotonic() - began:5.1f}s  {m['target']}: {m['name']}  "
                      f"[{m['file']}: {text}]", flush=True)
        tree.remove()

    threads = [threading.Thread(target=work) for _ in range(min(workers, len(chosen)))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    print(f"{score[True]} found, {score[False]} wrong")
    sys.exit(1 if score[False] or not score[True] else 0)


main()
