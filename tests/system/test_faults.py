# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""Faults while accord runs: each call of the system that it makes fails, by number (tests/crash/sys.h).

A sound run of a fixed piece of work (one message relayed, one for a Maildir, one that comes back) counts the
calls.  Then each kind of call in each program fails, once or from some number on, with each errno that fits.
The clients get the right 4yz; what was taken arrives, and once; what was refused never does; when the fault is
over, work goes on by itself, nothing is left behind and no descriptor is lost.

A sample, with all kinds, whose seed is printed (ACCORD_SEED sets it); ACCORD_FAULTS_ALL=1: everything, with each
flush strategy, or with those that it names, and of a start, which makes ten times as many calls, a large sample."""
import errno
import os
import random
import re
import subprocess
import time
import unittest

from faulty import Work, reply_fault
from harness import SLOW, wait_for
from layer import RULES

ALL = os.environ.get("ACCORD_FAULTS_ALL", "")
SEED = int(os.environ.get("ACCORD_SEED") or random.SystemRandom().randrange(1 << 32))
SAMPLE, START_SAMPLE = 12, 1000 if ALL else 5
PROGRAMS = ["queue", "queue-worker", "smtpd", "smtpd-session", "qmgr", "bounce", "remote", "remote-session", "local",
            "local-job", "capd", "control"]
E = errno
NO_ROOM, NO_FD = [E.ENOSPC, E.EDQUOT], [E.EMFILE, E.ENFILE]
SHORT = 0
# By strategy: without these there is no 250.
PROMISES = {"journal": ["written", "fsync", "touch"], "each": ["fsync", "touch"], "fs": ["syncfs", "touch"]}
ERRORS = {
    "open": NO_FD + [E.EIO, E.ENOMEM], "create": NO_ROOM + NO_FD + [E.EROFS, E.EIO], "read": [E.EIO],
    "write": NO_ROOM + [E.EIO, SHORT], "truncate": [E.EIO], "mkdir": NO_ROOM + [E.EROFS],
    "rename": NO_ROOM + [E.EIO, E.EROFS], "link": NO_ROOM, "unlink": [E.EIO, E.EROFS], "fsync": [E.EIO] + NO_ROOM,
    "fdatasync": [E.EIO] + NO_ROOM, "syncfs": [E.EIO, E.ENOSPC], "writeback": [E.EIO, E.ENOSPC],
    "written": [E.EIO, E.ENOSPC], "touch": [E.EIO, E.EROFS], "stat": [E.EIO, E.ENOMEM], "lease": [E.ENOMEM],
    "map": [E.ENOMEM], "socket": NO_FD + [E.ENOMEM], "fork": [E.EAGAIN, E.ENOMEM], "memory": [E.ENOMEM],
    "packet": [E.ENOMEM, E.ENOBUFS],
}


def cases(counts, lasting):
    """(program, call, first, last, error): once at each number, or from it on."""
    found = []
    for (program, call), n in counts.items():
        for number in range(1, n + 1):
            found += [(program, call, number, 0 if lasting else number, error) for error in ERRORS[call]]
    return found


def sample(everything, seed, size, half):
    """Some of everything.  Half of the kinds of calls in programs, by seed and the one or the other, are in it."""
    kinds = sorted({case[:2] for case in everything})
    random.Random(seed).shuffle(kinds)
    left = set(kinds[half::2])
    random.Random(seed + half).shuffle(everything)
    first, rest = [], []
    for case in everything:
        (first if case[:2] in left else rest).append(case)
        left.discard(case[:2])
    return first + rest[:max(0, size - len(first))]


def said(case):
    program, call, first, last, error = case
    return f"{program}: {call} {first}{'' if last else ' and later'}: {E.errorcode[error] if error else 'short'}"


class Faults(unittest.TestCase):
    def round(self, work, before, case):
        """One fault, and what is wrong after it, or ""."""
        program, call, first, last, error = case
        acc = work.acc
        work.complaints()
        acc.faults.rule(0, call, error, program=program, first=first, last=last)
        sent = work.send()
        if program == "control":
            acc.accord("queue", "list", check=False)
        end = time.monotonic() + 0.3
        while time.monotonic() < end and (not last or not acc.faults.made(0)):
            if not work.files() and last:
                break
            time.sleep(0.01)
        acc.faults.off(0)
        made = acc.faults.made(0)
        twice = program.startswith("remote") or program == "bounce"
        wrong = work.finish(sent, twice=twice)
        again = []
        wait_for(lambda: again.append(work.send(["relay"])[0]) or again[-1].state == "taken" or
                 acc.step_clock(10), 20, every=0.1)
        wrong = wrong or work.finish(again) or work.leaks(before)
        for s in sent:
            wrong = wrong or reply_fault(s, error, program, call)
        if program == "queue-worker" and call in PROMISES[work.strategy] and (first, last) == (1, 0):
            for s in sent:
                wrong = wrong or (s.state == "taken" and f"{s.token} was taken without a flush")
        if program == "control":
            wait_for(lambda: acc.accord("queue", "list", check=False).returncode == 0)
        complaints = work.complaints()
        if made and not complaints and any(s.state != "taken" for s in sent) and call != "packet":
            wrong = wrong or "not a word in the log"
        return wrong and f"{said(case)}: {wrong} ({made} made)\n" + "\n".join(
            f"  {s.kind} {s.state} {s.replies[-1:]}" for s in sent) + "\n" + "\n".join(complaints[-8:])

    def count(self, work):
        """How often each call is made in each program by the work."""
        acc, pairs = work.acc, [(p, c) for p in PROGRAMS for c in ERRORS]
        found = {}
        for at in range(0, len(pairs), RULES):
            some = pairs[at:at + RULES]
            for i, (program, call) in enumerate(some):
                acc.faults.rule(i, call, 0, program=program, first=1 << 60)
            self.assertEqual(work.finish(work.send()), "")
            acc.accord("queue", "list")
            wait_for(lambda: not work.files())
            found.update({pair: n for i, pair in enumerate(some) if (n := acc.faults.seen(i))})
            acc.faults.clear()
        return found

    def strategies(self, seed):
        """The one that the seed chooses; or of everything, all or those that were named."""
        names = list(PROMISES)
        return [n for n in names if ALL == "1" or n in ALL.split()] if ALL else [random.Random(seed).choice(names)]

    def rounds(self, choose, strategy):
        wrong, todo = [], None
        while todo is None or todo:
            work = Work(flush=strategy)
            try:
                with work.acc:
                    todo = self.life(work, choose, todo, wrong)
            finally:
                work.close()
        self.assertEqual(wrong, [])

    def life(self, work, choose, todo, wrong):
        """One instance serves until something is wrong; returns the cases that are left."""
        self.assertEqual(work.finish(work.send()), "")
        if todo is None:
            counts = self.count(work)
            todo = choose(counts)
            print(f"seed {SEED}, {work.strategy}: {len(todo)} faults, {len(counts)} kinds in programs, "
                  f"{sum(counts.values())} calls", flush=True)
            self.assertEqual(work.finish(work.send()), "")
        before = work.descriptors()
        while todo:
            found = self.round(work, before, todo.pop())
            if found:
                wrong.append(found)
                print(found, flush=True)
                return todo
        return todo

    def some(self, lasting):
        def choose(counts):
            todo = cases(counts, lasting)
            return todo if ALL else sample(todo, SEED, SAMPLE, int(lasting))
        return choose

    def test_any_call_may_fail_once(self):
        for strategy in self.strategies(SEED):
            self.rounds(self.some(False), strategy)

    def test_any_call_may_fail_for_a_while(self):
        for strategy in self.strategies(SEED + 1):
            self.rounds(self.some(True), strategy)

    def test_calls_that_matter_most_each_time(self):
        """What is not left to chance: what is flushed and named, and all that has gone wrong once."""
        once = {("queue-worker", "fsync"): E.EIO, ("queue-worker", "rename"): E.ENOSPC, ("queue", "create"): E.EDQUOT,
                ("queue", "write"): E.ENOSPC, ("local", "memory"): E.ENOMEM, ("bounce", "packet"): E.ENOMEM,
                ("queue", "packet"): E.ENOBUFS, ("smtpd", "socket"): E.ENOMEM}

        def choose(counts):
            todo = [(*kind, n, n, error) for kind, error in once.items() for n in range(1, counts[kind] + 1)]
            return todo + [("queue-worker", "fsync", 1, 0, E.EIO), ("smtpd-session", "packet", 1, 0, E.ENOMEM),
                           ("queue-worker", "open", 1, 0, E.EMFILE)]

        self.rounds(choose, "journal")


class Start(unittest.TestCase):
    """The same while accord starts in an empty home: it says why it does not, or gets over it."""

    def fresh(self):
        work = Work()
        self.addCleanup(work.close)
        return work

    def flows(self, work):
        again = []
        wait_for(lambda: again.append(work.send(["relay"])[0]) or again[-1].state == "taken" or
                 work.acc.step_clock(10), 20, every=0.1)
        return work.finish(again)

    def attempt(self, case):
        program, call, first, last, error = case
        work = self.fresh()
        acc = work.acc
        acc.faults.rule(0, call, error, program=program, first=first, last=last)
        acc.start(expect=False)
        line = acc.first_line
        made = acc.faults.made(0)
        acc.faults.off(0)
        try:
            if line == b"accord: ready\n":
                return self.flows(work)
            if line:
                return f"said {line!r}"
            try:
                code = acc.process.wait(10 * SLOW)
            except subprocess.TimeoutExpired:
                return "neither ready nor over"
            log = acc.read_log()
            if code == 0 or not re.search(r"^accord: .*\w", log, re.M):
                return f"ended with {code} and no word of why ({made} made): {log[-600:]}"
            acc.stop()
            acc.start()
            return self.flows(work)
        finally:
            acc.stop(20)

    def test_any_call_may_fail_while_it_starts(self):
        programs = ["start"] + PROGRAMS + ["convertd", "resolver", "learn", "offer", "key", "auth", "expand", "ldap"]
        pairs, counts = [(p, c) for p in programs for c in ERRORS], {}
        for at in range(0, len(pairs), RULES):
            work = self.fresh()
            for i, (program, call) in enumerate(pairs[at:at + RULES]):
                work.acc.faults.rule(i, call, 0, program=program, first=1 << 60)
            with work.acc:
                counts.update({pair: n for i, pair in enumerate(pairs[at:at + RULES])
                               if (n := work.acc.faults.seen(i))})
        todo = sample(cases(counts, False), SEED, START_SAMPLE, 0)[:START_SAMPLE]
        print(f"seed {SEED}: {len(todo)} faults at the start, {sum(counts.values())} calls", flush=True)
        wrong = []
        for case in todo:
            try:
                found = self.attempt(case)
            except AssertionError as e:
                found = str(e)
            if found:
                wrong.append(f"{said(case)}: {found}")
                print(wrong[-1], flush=True)
        self.assertEqual(wrong, [])


class MemoryDisk(unittest.TestCase):
    """The queue on a tmpfs whose room a test sets while accord runs."""

    def test_inodes_and_space_come_and_go(self):
        if os.getuid() != 0:
            self.fail("only root can mount a file system: run the tests as root")
        work = Work(reserve="0")
        self.addCleanup(work.close)
        acc, queue = work.acc, os.path.join(work.acc.home, "queue")

        def mount(*options):
            subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join(options), "accord-test", queue], check=True)

        os.mkdir(queue)
        mount("size=16m", "nr_inodes=2000", "mode=755")
        try:
            acc.own()
            with acc:
                self.assertEqual(work.finish(work.send()), "")
                for what in ("nr_inodes", "size"):
                    waiting = self.held(work)
                    self.assertEqual([s.state for s in waiting], ["taken"])
                    v = os.statvfs(queue)
                    mount("remount", f"{what}={v.f_files - v.f_ffree}" if what == "nr_inodes" else
                          f"{what}={(v.f_blocks - v.f_bfree) * v.f_bsize}")
                    time.sleep(1.1)             # what queue knew of the disk is old now
                    refused = [work.send(["relay"], size=40000)[0] for _ in range(3)]
                    self.assertEqual({(s.state, s.replies[-1][:9]) for s in refused}, {("refused", "452 4.3.1")},
                                     what)
                    work.replies["there"] = None
                    self.assertEqual(work.finish(waiting + refused), "")     # no new file, no new block
                    mount("remount", "size=16m", "nr_inodes=2000")
                    time.sleep(1.1)
                    self.assertEqual(work.finish(work.send()), "")
        finally:
            subprocess.run(["umount", queue], check=True)

    def held(self, work):
        """A message that is taken and waits for the hop."""
        work.replies["there"] = "451 4.2.0 later"
        return work.send(["relay"])
