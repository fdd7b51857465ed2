# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""Checks the model of the queue (queue.pml) with spin: run.py [NAME...], a NAME is part of a run's.

The runs without a fault must find nothing, and reach every transition between them; each run with a fault
must find it.  Each function that a transition names has to be in the file it names, and trace.py's table
has to name transitions that are there.  Ends with a count."""
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

import trace

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
MODEL = os.path.join(HERE, "queue.pml")
MEGABYTES, SECONDS = 1500, 600      # of one run; the second for a machine that has much else to do

# name: settings.  Numbers of states are in DESIGN.md.
SOUND = {
    "two kills": "NR=1 NCRASH=2",
    "two recipients, a kill": "NR=2 NCRASH=1 NDEFER=0",
    "a kill and the administrator": "NR=1 NCRASH=1 NACTS=1",
    "a kill and another route": "NR=1 NCRASH=1 NW=2 REROUTE",
    "a power cut": "NR=1 NCRASH=1 POWER JOURNAL_ORDER",
    "a power cut, marks apart": "NR=1 NCRASH=1 POWER EACH",
}
# name: settings, and what the claim that it breaks has in it
FAULTS = {
    "a result is acknowledged before its mark is on its way": ("NR=1 NCRASH=2 FAULT_ACK_EARLY", "allowed"),
    "qmgr begins before HELLO": ("NR=1 NCRASH=1 FAULT_NO_HELLO", "WORKING|wst|hop"),
    "qmgr gives up a recipient before HELLO": ("NR=1 NCRASH=1 FAULT_GIVE_UP_EARLY", "reported"),
    "qmgr hears only the worker that it wants to use":
        ("NR=1 NCRASH=1 NW=2 REROUTE FAULT_ONE_HELLO", "wst|hop"),
    "an act before HELLO": ("NR=1 NCRASH=1 NACTS=1 FAULT_ACT_EARLY", "reported"),
    "COMMITTED before the flush": ("NR=1 NCRASH=1 FAULT_COMMITTED_EARLY", "name|acked"),
    "BOUNCED is marked before the report": ("NR=1 NCRASH=0 FAULT_BOUNCED_EARLY", "slot"),
    "results are not repeated": ("NR=1 NCRASH=1 FAULT_NO_REPEAT", "allowed|wst"),
    "what a dead worker said is dropped": ("NR=1 NCRASH=1 FAULT_UNREAD", "allowed"),
    "a late deferral undoes a failure": ("NR=1 NCRASH=1 FAULT_UNFAILED", "reported"),
}
CYCLES = "NR=1 NCRASH=1"
TRANSITION = re.compile(r":: T\((\w+)\)")
NAMED = re.compile(r"\b([a-z]+/[a-z_]+\.c): (\w+)")


def transitions():
    """{line: name} of the model."""
    with open(MODEL) as f:
        return {i: m[1] for i, line in enumerate(f, 1) if (m := TRANSITION.search(line))}


def functions():
    """What is wrong with the functions that the model names; how many are right."""
    wrong, count, sources = [], 0, {}
    with open(MODEL) as f:
        text = f.read()
    for path, name in sorted(set(NAMED.findall(text))):
        if path not in sources:
            try:
                with open(os.path.join(TOP, path)) as f:
                    sources[path] = f.read()
            except FileNotFoundError:
                sources[path] = ""
        if re.search(rf"^{name}\(", sources[path], re.M):
            count += 1
        else:
            wrong.append(f"{path} has no function {name}")
    lines = text.split("\n")
    for i in transitions():
        above = i - 2
        while above > 0 and ("#if" in lines[above] or "#endif" in lines[above] or ":: T(" in lines[above]):
            above -= 1
        if not TRANSITION.search(lines[i - 1])[1].startswith(("c_", "k_")) and "*/" not in lines[above] and \
                lines[above].strip() not in ("END",) and not lines[above].rstrip().endswith("END"):
            wrong.append(f"queue.pml:{i}: no comment names who does this")
    return wrong, count


class Fault(Exception):
    pass


def explore(settings, cycles=False, level="-O2"):
    """pan's output for these settings; level: what the search is worth to the compiler."""
    with tempfile.TemporaryDirectory(prefix="accord-model-") as folder:
        shutil.copy(MODEL, folder)

        def call(*words):
            try:
                p = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=SECONDS)
            except subprocess.TimeoutExpired:
                raise Fault(f"{words[0]}: not done after {SECONDS} s") from None
            if p.returncode != 0:
                raise Fault(f"{words[0]}: {(p.stdout + p.stderr)[-800:]}")
            return p.stdout

        call("spin", *[f"-D{s}" for s in settings.split()], "-a", "queue.pml")
        call("gcc", level, "-w", "-DCOLLAPSE", "-DNOFAIR", f"-DMEMLIM={MEGABYTES}",
             "-DNP" if cycles else "-DSAFETY", "-o", "pan", "pan.c")
        # -E: processes that wait for ever are no fault, `watch` judges the end
        return call("./pan", "-m100000", "-w22", "-E", *(["-l"] if cycles else []))


def states(out):
    m = re.search(r"(\d+) states, stored", out)
    return int(m[1]) if m else 0


def complete(out):
    if "Search not completed" in out or "max search depth too small" in out or "out of memory" in out:
        raise Fault("the search was not complete\n" + out[:1500])


def sound(settings, reached, cycles=False):
    """reached: gets the names of the transitions that were done."""
    out = explore(settings + " COVER", cycles)
    m = re.search(r"pan:1: (.*)", out)
    if m:
        raise Fault(m[1])
    complete(out)
    there = transitions()
    for n in re.findall(r"^done (\d+)$", out, re.M):       # the line of an END
        reached.add(there[max(line for line in there if line <= int(n))])
    return f"{states(out)} states"


def faulty(settings, claim):
    m = re.search(r"pan:1: (.*)", explore(settings, level="-O0"))
    if not m:
        raise Fault("MISSED")
    if not re.search(claim, m[1]):
        raise Fault("something else was found: " + m[1])
    return m[1][:90]


def main():
    wanted, score, reached = sys.argv[1:], [0, 0], set()

    def judge(name, what, *args):
        if wanted and not any(w in name for w in wanted):
            return
        began = time.monotonic()
        try:
            text, good = what(*args), True
        except Fault as why:
            text, good = str(why), False
        score[not good] += 1
        print(f"{'ok  ' if good else 'FAIL'} {time.monotonic() - began:6.1f}s {name}: {text}", flush=True)

    def named():
        wrong, count = functions()
        if wrong or not count:
            raise Fault("; ".join(wrong))
        return f"{count} functions"

    def table():
        wrong = trace.compare(set(transitions().values()))
        if wrong:
            raise Fault("; ".join(wrong))
        return f"{len(trace.TABLE)} events"

    def all_reached():
        never = set(transitions().values()) - reached
        if never:
            raise Fault(f"never done: {' '.join(sorted(never))}")
        return f"{len(reached)} transitions"

    judge("functions", named)
    judge("the table of trace.py", table)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, settings in SOUND.items():
            pool.submit(judge, name, sound, settings, reached)
        pool.submit(judge, "every run ends", sound, CYCLES, set(), True)
        for name, (settings, claim) in FAULTS.items():
            pool.submit(judge, "fault: " + name, faulty, settings, claim)
    if not wanted:
        judge("every transition is done", all_reached)
    print(f"{score[0]} passed, {score[1]} failed")
    sys.exit(1 if score[1] or not score[0] else 0)


main()
