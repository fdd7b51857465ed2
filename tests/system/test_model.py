# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""Logs of real runs, replayed against the model of the queue (tests/model/trace.py): under kills they are
what the model allows, and logs that tell of what it forbids are refused."""
import os
import re
import signal
import sys
import threading
import time
import unittest

from harness import TOP, Client, Instance, Peer, comm, descendants, dot, wait_for

sys.path.insert(0, os.path.join(TOP, "tests", "model"))
import trace                        # noqa: E402


class Hop(Peer):
    """Notes (ID, address) of all it takes; holds the final reply while `go` is not set."""

    def __init__(self, ext=("PIPELINING",)):
        self.arrivals, self.go = [], threading.Event()
        self.go.set()
        super().__init__(ext=ext, on={"EOD": self.take})

    def take(self, session, body):
        ident = re.search(rb"\bid ([0-9a-v]{16})", body).group(1).decode()
        with self.lock:
            self.arrivals += [(ident, r[r.index("<") + 1:r.index(">")]) for r in session.rcpt]
        self.go.wait(30)
        time.sleep(0.002)


def settle(acc):
    def empty():
        acc.step_clock(30)
        return not acc.queue()
    wait_for(empty, 40, 0.2)


class Model(unittest.TestCase):
    def new_qmgr(self, acc):
        """Another qmgr has read the queue, and had time for what it should not do."""
        old = acc.kill("qmgr")
        wait_for(lambda: (acc.pids("qmgr") or [old])[0] != old)
        acc.logged(2, event="scanned")
        time.sleep(0.5)

    def judge(self, acc, hop):
        """The queue is empty: what does the model say?  The last lines may still be on their way."""
        settle(acc)
        end = time.monotonic() + 2
        while (wrong := trace.replay(acc.read_log(), arrivals=hop.arrivals)) and time.monotonic() < end:
            time.sleep(0.1)
        self.assertEqual(wrong, [])

    def load(self, port, first, lost):
        for number in range(first, first + 25):
            to = f"n{number}@far.example"
            rcpts = [to, f"m{number}@far.example", f"bad{number}@far.example"][:1 + number % 3]
            for _ in range(400):
                try:
                    with Client(port, timeout=10) as c:
                        c.ehlo()
                        c.must("250", "MAIL FROM:<a@gateway.example>")
                        for r in rcpts:
                            c.must("250", f"RCPT TO:<{r}>")
                        c.must("354", "DATA")
                        c.must("250", data=dot(f"X-Number: {number}\n\nbody\n"))
                        break
                except (OSError, AssertionError):
                    time.sleep(0.05)
            else:
                lost.append(number)

    def test_kills_are_what_the_model_allows(self):
        refuse = {"RCPT": lambda session, line: "550 5.1.1 nobody" if "<bad" in line else None}
        with Hop() as hop, Instance(smtproutes=hop.route, retryfirst="1",
                                    mailboxes="@gateway.example maildir:mail/a") as acc:
            hop.on.update(refuse)
            lost = []
            loads = [threading.Thread(target=self.load, args=(acc.port, 100 * i, lost)) for i in range(3)]
            for t in loads:
                t.start()
            wait_for(lambda: len(hop.arrivals) > 3)
            for role in ("qmgr", "remote", "queue", "bounce", "local", "smtpd", "qmgr"):
                wait_for(lambda: acc.pids(role))
                acc.kill(role)
                time.sleep(0.3)
            for t in loads:
                t.join(120)
                self.assertFalse(t.is_alive())
            self.assertFalse(lost)
            self.judge(acc, hop)
            log = acc.read_log()
        for event in ("accepted", "deliver", "done", "bounced", "report", "fault", "started"):
            self.assertIn(f" event={event} ", log)
        # the same log, with one line too many, or one too few
        lines, said = log.splitlines(), {}
        for i, line in enumerate(lines):
            m = re.search(r" event=(deliver|done|accepted|bounced) ", line)
            if m:
                said.setdefault((m[1], "failed" if "result=failed" in line else ""), i)
        delivered = next(i for i, l in enumerate(lines) if "result=delivered" in l)
        again = lines[:delivered + 1] + [lines[delivered]] + lines[delivered + 1:]
        self.refused("after delivered", again)
        failed = lines[said["deliver", "failed"]]
        self.refused("after failed", lines[:said["deliver", "failed"] + 1] +
                     [failed.replace("result=failed", "result=delivered")] + lines[said["deliver", "failed"] + 1:])
        gone = lines[said["done", ""]]
        ident = re.search(r" id=(\w+) ", gone)[1]
        self.refused("after all was done", lines + [re.sub(r" id=\w+ ", f" id={ident} ", lines[delivered])])
        self.refused("and it has", lines + [re.sub(r"slot=\d+", "slot=9", lines[delivered])])
        self.refused("accepted after its fate", lines + [lines[said["accepted", ""]]])
        self.refused("is not|was not committed|have failed",
                     [l for l in lines if " event=report " not in l])

    def refused(self, why, lines):
        self.assertRegex("; ".join(trace.replay("\n".join(lines))), why)

    def test_what_nobody_committed_is_seen(self):
        text = ('ts=1 level=info proc=accord-qmgr[5] id=0000000000000000 event=deliver to="a@b" relay="h" '
                'result=delivered slot=0')
        self.refused("nobody has committed", [text])
        self.refused("was in no job", ["ts=1 level=warn proc=accord-qmgr[5] id=0000000000000000 "
                                       "event=stray-result slot=3"])
        taken = text.replace("qmgr", "smtpd").replace("deliver to", "accepted count=1 to")
        self.assertEqual(trace.replay(taken + "\n" + text), [])
        self.assertRegex(trace.replay(taken)[0], "lost")
        self.assertRegex(trace.replay(taken + "\n" + text, arrivals=[("0" * 16, "a@b")] * 2)[0], "2 times")
        self.assertRegex(trace.replay(taken + "\n" + text, arrivals=[])[0], "has nothing")

    def test_a_new_qmgr_begins_nothing_that_is_with_a_worker(self):
        """remote's parent is slow to say what its session is doing."""
        with Hop() as hop, Instance(smtproutes=hop.route, retryfirst="1") as acc:
            hop.go.clear()
            acc.send("a@client.example", ["b@far.example"], "Subject: x\n\nx\n")
            wait_for(lambda: hop.arrivals)
            remote = acc.pids("remote")[0]
            os.kill(remote, signal.SIGSTOP)
            try:
                self.new_qmgr(acc)
            finally:
                os.kill(remote, signal.SIGCONT)
            time.sleep(0.5)
            hop.go.set()
            self.judge(acc, hop)

    def test_a_result_is_kept_while_its_notice_waits(self):
        """Success was asked for, bounce is slow, and the qmgr that had the result is killed."""
        with Hop() as hop, Instance(smtproutes=hop.route, retryfirst="1",
                                    mailboxes="@gateway.example maildir:mail/a") as acc:
            bounce = acc.pids("bounce")[0]
            os.kill(bounce, signal.SIGSTOP)
            try:
                acc.send("a@gateway.example", ["b@far.example"], "Subject: x\n\nx\n", rcpt=" NOTIFY=SUCCESS")
                acc.logged(1, event="deliver")
                time.sleep(0.3)
                self.new_qmgr(acc)
            finally:
                os.kill(bounce, signal.SIGCONT)
            self.judge(acc, hop)

    def test_each_recipient_gets_its_own_mark(self):
        refuse = {"RCPT": lambda session, line: "450 4.7.1 later" if "<late" in line and not self.again else None}
        self.again = False
        with Hop() as hop, Instance(smtproutes=hop.route, retryfirst="1") as acc:
            hop.on.update(refuse)
            acc.send("a@client.example", ["late@far.example", "b@far.example"], "Subject: x\n\nx\n")
            acc.logged(2, event="deliver")
            self.again = True
            self.judge(acc, hop)

    def test_a_flush_worker_that_dies_acknowledges_nothing(self):
        with Hop() as hop, Instance(smtproutes=hop.route, retryfirst="1") as acc:
            workers = [p for p in descendants(acc.pids("queue")[0]) if comm(p).startswith("accord-queue")]
            for p in workers:
                os.kill(p, signal.SIGSTOP)
            lost = []
            t = threading.Thread(target=self.load, args=(acc.port, 0, lost))
            t.start()
            wait_for(lambda: os.listdir(os.path.join(acc.home, "queue", "tmp")))
            time.sleep(0.5)
            for p in workers:
                os.kill(p, signal.SIGKILL)
            t.join(120)
            self.assertFalse(t.is_alive() or lost)
            self.judge(acc, hop)
