# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""SIGKILL each process in turn under load, with a next hop that counts: nothing is lost, and nothing
comes twice but what the log lists by its ID, because the hop's final reply was lost with the session
that waited for it.  A log that nobody reads, and a supervisor that dies, lose nothing either."""
import os
import random
import re
import signal
import subprocess
import tempfile
import threading
import time
import unittest

from harness import BIN, Client, Instance, Peer, comm, crlf, descendants, dot, wait_for

MESSAGES = 60       # a client's
CLIENTS = 3


class Load(threading.Thread):
    """Sends numbered messages; a refusal for now is repeated, a lost final reply is not."""

    def __init__(self, port, first, count=MESSAGES):
        super().__init__(daemon=True)
        self.port, self.numbers = port, range(first, first + count)
        self.taken, self.unknown, self.given_up = [], [], []

    def run(self):
        for number in self.numbers:
            end = time.monotonic() + 60
            state = self.once(number)
            while state == "refused" and time.monotonic() < end:
                time.sleep(0.02)
                state = self.once(number)
            {"taken": self.taken, "unknown": self.unknown, "refused": self.given_up}[state].append(number)

    def once(self, number):
        dotted = False
        try:
            with Client(self.port, timeout=10) as c:
                c.ehlo()
                c.must("250", "MAIL FROM:<a@client.example>")
                c.must("250", f"RCPT TO:<n{number}@far.example>")
                c.must("354", "DATA")
                dotted = True
                got = c.cmd(data=dot(f"X-Number: {number}\n\n" + "octets " * (number % 97) + "\n"))
                if got:
                    return "taken" if got[-1].startswith("250") else "refused"
        except (OSError, AssertionError):
            pass
        return "unknown" if dotted else "refused"


class Counter(Peer):
    """A next hop that notes each message's number and accord's ID for it, and takes its time."""

    def __init__(self, pause=0.004):
        self.arrived, self.pause = {}, pause        # number: [ID, ID]
        super().__init__(on={"EOD": self.count})

    def count(self, session, body):
        number = int(re.search(rb"^X-Number: (\d+)", body, re.M).group(1))
        ident = re.search(rb"\bid ([0-9a-v]{16})", body).group(1).decode()
        time.sleep(self.pause)
        with self.lock:
            self.arrived.setdefault(number, []).append(ident)


class Second(unittest.TestCase):
    def test_a_second_start_does_the_first_no_harm(self):
        with Instance() as acc:
            who = [] if acc.user is None else ["-u", acc.user]
            r = subprocess.run([os.path.join(BIN, "accord"), "start", "-H", acc.home, *who], capture_output=True,
                               timeout=20)
            self.assertNotEqual(r.returncode, 0)
            self.assertIn(b"runs here already", r.stdout + r.stderr)
            acc.accord("stat")      # by the control socket


class Healing(unittest.TestCase):
    def under_load(self, hurt, rounds=3):
        """hurt(instance, rng) is called some times while clients send."""
        with Counter() as hop, Instance(smtproutes=hop.route, retryfirst="1") as acc:
            rng = random.Random(id(hurt))
            loads = [Load(acc.port, 1000 * (i + 1)) for i in range(CLIENTS)]
            for load in loads:
                load.start()
            wait_for(lambda: len(hop.arrived) > 5)
            for _ in range(rounds):
                hurt(acc, rng)
                time.sleep(rng.uniform(0.1, 0.5))
            for load in loads:
                load.join(120)
                self.assertFalse(load.is_alive())
            self.settle(acc)
            listed = {l["id"] for event in ("orphaned", "session-lost") for l in acc.log_lines(event=event)}
            refused = {l["id"] for l in acc.log_lines(event="not-queued")}
            self.judge(hop, loads, listed, refused)
            return acc.read_log(), listed

    def settle(self, acc):
        def empty():
            acc.step_clock(30)
            return not acc.queue()
        wait_for(empty, 40, 0.2)

    def judge(self, hop, loads, listed, refused):
        taken = {n for load in loads for n in load.taken}
        self.assertFalse([load.given_up for load in loads if load.given_up])
        self.assertGreater(len(taken), MESSAGES)
        self.assertFalse(taken - set(hop.arrived), "lost")
        stray = {i for ids in hop.arrived.values() for i in ids if ids.count(i) > 1} - listed
        self.assertFalse(stray, "came twice, and no log line says why")
        for number, ids in hop.arrived.items():
            # a queue that dies between the disk and its answer: the client is told 451, and comes again
            self.assertLessEqual(len(set(ids) - refused), 1, f"{number} was queued twice: {ids}")

    def kill_parent(self, role):
        def hurt(acc, rng):
            wait_for(lambda: acc.pids(role))
            acc.kill(role)
        return hurt

    def kill_session(self, role):
        def hurt(acc, rng):
            sessions = wait_for(lambda: acc.pids(role)[1:])
            try:
                os.kill(rng.choice(sessions), signal.SIGKILL)
            except ProcessLookupError:
                pass
        return hurt

    def test_sigkill_of_queue(self):
        self.under_load(self.kill_parent("queue"))

    def test_sigkill_of_qmgr(self):
        _, listed = self.under_load(self.kill_parent("qmgr"))
        self.assertFalse(listed)

    def test_sigkill_of_remote(self):
        self.under_load(self.kill_parent("remote"))

    def test_sigkill_of_smtpd(self):
        self.under_load(self.kill_parent("smtpd"))

    def test_sigkill_of_those_that_are_not_in_the_way(self):
        for role in ("capd", "convertd", "bounce", "local", "control"):
            with self.subTest(role):
                _, listed = self.under_load(self.kill_parent(role), 2)
                self.assertFalse(listed)

    def test_sigkill_of_sessions_out(self):
        log, listed = self.under_load(self.kill_session("remote"))
        self.assertIn("event=session-died", log)

    def test_sigkill_of_sessions_in(self):
        kill = self.kill_session("smtpd")

        def hurt(acc, rng):
            kill(acc, rng)
            time.sleep(0.1)
            acc.step_clock(61)      # whose session crashed has one at a time, for a minute
        log, listed = self.under_load(hurt)
        self.assertFalse(listed)
        self.assertIn("event=crash", log)

    def test_sigkill_of_the_supervisor(self):
        """All end within a second; what was taken is there afterwards."""
        def hurt(acc, rng):
            everyone = descendants(acc.process.pid)
            acc.process.kill()
            acc.process.wait()
            wait_for(lambda: not any(comm(p).startswith("accord-") for p in everyone), 1)
            acc.process.stdout.close()
            acc.log.close()
            acc.start()
        self.under_load(hurt, 2)

    def test_a_log_that_nobody_reads_stops_no_mail(self):
        with Counter(0) as hop, Instance(smtproutes=hop.route) as acc:
            acc.stop()
            read, write = os.pipe()
            words = [os.path.join(BIN, "accord"), "start", "-H", acc.home]
            if acc.user is not None:
                words += ["-u", acc.user]
            acc.log = open(acc.log_path, "ab")
            acc.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                           stderr=write, start_new_session=True)
            os.close(write)
            self.assertEqual(acc.process.stdout.readline(), b"accord: ready\n")
            loads = [Load(acc.port, 1000 * (i + 1), 250) for i in range(4)]
            for load in loads:
                load.start()
            for load in loads:
                load.join(120)
                self.assertEqual(len(load.taken), 250)
            acc.wait_empty()
            self.assertEqual(len(hop.arrived), 1000)
            drained = threading.Thread(target=self.drain, args=(read,), daemon=True)
            drained.start()

            def told():
                acc.send("a@client.example", ["n1@far.example"], "X-Number: 1\n\none more\n")
                return re.search(rb" dropped=[1-9]", bytes(self.text))
            wait_for(told, every=0.1)
            self.assertIsNotNone(acc.stop())
            drained.join(10)

    text = bytearray()

    def drain(self, fd):
        self.text = bytearray()
        while data := os.read(fd, 65536):
            self.text += data
        os.close(fd)
