# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""kill -9 under load: what was acknowledged arrives, octet by octet, and what was not acknowledged is
not made up.  Rounds: ACCORD_ROUNDS (a few here; `make check-long` does hundreds)."""
import hashlib
import os
import random
import signal
import threading
import time
import unittest

from harness import Client, Instance, Peer, comm, crlf, descendants, dot, wait_for

ROUNDS = int(os.environ.get("ACCORD_ROUNDS", "1"))
ROLES = ["queue", "qmgr", "remote", "smtpd", "capd", "convertd", "bounce", "local", "control", "learn", "offer", "key", "auth",
         "expand", "ldap"]


def body(number, seed):
    """A message that names itself; sizes from tiny to larger than a pipe."""
    rng = random.Random(seed * 100000 + number)
    text = "".join(rng.choice("abc.\n ") for _ in range(rng.choice([10, 500, 3000, 90000])))
    return f"X-Number: {number}\n\n{text}\n"


class Load(threading.Thread):
    """Sends messages one after another; notes which the server took."""

    def __init__(self, port, first, count, seed):
        super().__init__(daemon=True)
        self.port, self.numbers, self.seed = port, range(first, first + count), seed
        self.taken, self.unknown = [], []

    def run(self):
        for number in self.numbers:
            for _ in range(400):
                state = self.once(number)
                if state != "refused":
                    break
                time.sleep(0.05)

    def once(self, number):
        dotted = False
        try:
            with Client(self.port, timeout=10) as c:
                c.ehlo()
                for line in ("MAIL FROM:<a@client.example>", f"RCPT TO:<n{number}@far.example>"):
                    if not c.cmd(line)[-1].startswith("250"):
                        return "refused"
                if not c.cmd("DATA")[-1].startswith("354"):
                    return "refused"
                dotted = True
                got = c.cmd(data=dot(body(number, self.seed)))
                if got and got[-1].startswith("250"):
                    self.taken.append(number)
                    return "taken"
                if got and got[-1].startswith("4"):
                    return "refused"
        except (OSError, IndexError, AssertionError):
            pass
        if dotted:
            self.unknown.append(number)     # the final reply was lost: it may have been taken
            return "unknown"
        return "refused"


class Kill(unittest.TestCase):
    def round(self, seed, kills):
        rng = random.Random(seed)
        with Peer() as hop:
            acc = Instance(smtproutes=hop.route, retryfirst="1")
            with acc:
                loads = [Load(acc.port, 1000 * i, 40, seed) for i in range(3)]
                for load in loads:
                    load.start()
                for _ in range(kills):
                    time.sleep(rng.uniform(0.05, 0.4))
                    self.kill(acc, rng)
                for load in loads:
                    load.join(120)
                    self.assertFalse(load.is_alive())
                self.settle(acc)
            self.judge(hop, loads, seed, kills)

    def kill(self, acc, rng):
        if rng.random() < 0.25:
            acc.crash()
            acc.start()
            return
        role = rng.choice(ROLES)
        try:
            acc.kill(role)
        except IndexError:
            pass                            # it was being restarted

    def settle(self, acc):
        for _ in range(60):
            acc.step_clock(400)
            try:
                acc.wait_empty(2)
                return
            except AssertionError:
                pass
        self.fail(f"still queued: {acc.queue()[:3]}")

    def judge(self, hop, loads, seed, kills):
        arrived = {}
        for m in hop.messages:
            number = int(m["rcpt"][0].split("<n")[1].split("@")[0])
            arrived.setdefault(number, []).append(m["data"])
        for load in loads:
            for number in load.taken:
                self.assertIn(number, arrived, f"seed {seed}: lost")
            for number in load.numbers:
                self.assertIn(number, load.taken + load.unknown + [n for n in arrived])
        for number, copies in arrived.items():
            want = hashlib.sha256(crlf(body(number, seed))).hexdigest()
            for data in copies:
                text = data[data.index(b"X-Number:"):]
                self.assertEqual(hashlib.sha256(text).hexdigest(), want, f"seed {seed}: changed")
        twice = sum(len(c) - 1 for c in arrived.values())
        lost_replies = sum(len(load.unknown) for load in loads)
        # A kill can cut each session that waits for the hop's final reply, no more.
        self.assertLessEqual(twice, lost_replies + 25 * kills)

    def test_kill_9_loses_nothing(self):
        for i in range(ROUNDS):
            with self.subTest(round=i):
                self.round(seed=1000 + i, kills=8)

    def test_each_process_comes_back(self):
        with Peer() as hop, Instance(smtproutes=hop.route, retryfirst="1") as acc:
            for i, role in enumerate(ROLES):
                with self.subTest(role):
                    old = acc.kill(role)
                    wait_for(lambda: (acc.pids(role) or [old])[0] != old)
                    load = Load(acc.port, 5000 + i, 1, 7)
                    load.run()
                    self.assertEqual(load.taken + load.unknown, [5000 + i])
                    acc.step_clock(60)
                    wait_for(lambda: [m for m in hop.messages if f"n{5000 + i}@" in m["rcpt"][0]])

    def test_a_dead_supervisor_ends_everything(self):
        with Instance() as acc:
            everyone = descendants(acc.process.pid)
            acc.process.kill()
            acc.process.wait()
            wait_for(lambda: not any(comm(p).startswith("accord-") for p in everyone), 2)
            acc.process.stdout.close()
            acc.log.close()
            acc.start()

    def test_a_session_that_crashes_has_its_parent_replaced(self):
        """The next sessions do not share the address layout; those under way end in peace."""
        with Peer() as hop, Instance(smtproutes=hop.route) as acc:
            acc.step_clock(60)                  # a young parent is left as it is
            time.sleep(0.2)
            old = acc.pids("smtpd")[0]
            with acc.client() as honest, acc.client(source="127.0.0.9") as bad:
                honest.ehlo()
                bad.ehlo()
                bad.must("503", "DATA")         # a refusal tells which process serves it
                proc = wait_for(lambda: acc.log_lines(event="reject", client="127.0.0.9"))[0]["proc"]
                honest.must("250", "MAIL FROM:<a@client.example>")
                honest.must("250", "RCPT TO:<b@far.example>")
                honest.must("354", "DATA")
                os.kill(int(proc[proc.index("[") + 1:-1]), signal.SIGSEGV)
                wait_for(lambda: acc.log_lines(event="crash"))
                wait_for(lambda: acc.log_lines(event="started", role="smtpd")[-1]["pid"] != str(old))
                with acc.client(timeout=30) as after:
                    after.ehlo()
                    parents = [p for p in acc.pids("smtpd") if p in descendants(acc.process.pid)[:20]]
                    self.assertIn(old, parents)
                honest.must("250", data=dot("Subject: x\n\nstill here\n"))
                honest.must("221", "QUIT")
            wait_for(lambda: hop.messages)
            wait_for(lambda: acc.log_lines(event="retired", pid=str(old)))
            self.assertNotIn(old, acc.pids("smtpd"))
            self.assertFalse([l for l in acc.log_lines(level="error") if l["event"] != "crash"])
            acc.send("a@client.example", ["b@far.example"], "Subject: y\n\nagain\n")
            wait_for(lambda: len(hop.messages) == 2)
