# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""Hand-overs between processes that go wrong without a process dying, and the order of a stop: an
accepted message is never lost, and never sent twice without cause."""
import ctypes
import os
import signal
import socket
import threading
import time
import unittest

import fax
from harness import Instance, Peer, comm, descendants, dot, wait_for

PIDFD_OPEN, PIDFD_GETFD = 434, 438
SENDER = "postmaster@gateway.example"
libc = ctypes.CDLL(None, use_errno=True)


def cut_channels(pid):
    """Ends every channel of a process to its peers (not that to the supervisor, 3), both ways."""
    cut, pidfd = 0, libc.syscall(PIDFD_OPEN, pid, 0)
    for name in os.listdir(f"/proc/{pid}/fd"):
        fd = libc.syscall(PIDFD_GETFD, pidfd, int(name), 0) if int(name) > 3 else -1
        if fd == -1:
            continue
        try:
            with socket.socket(fileno=fd) as s:
                if s.type == socket.SOCK_SEQPACKET:
                    s.shutdown(socket.SHUT_RDWR)
                    cut += 1
        except OSError:
            os.close(fd)
    os.close(pidfd)
    return cut


def arrived(hop, text):
    return [m for m in hop.messages if text.encode() in m["data"]]


class Channels(unittest.TestCase):
    def test_two_that_lost_their_channel_are_joined_again(self):
        with Peer() as hop, Instance(smtproutes=hop.route, retryfirst="1") as acc:
            for i, role in enumerate(("qmgr", "queue", "bounce", "remote", "local", "smtpd")):
                with self.subTest(role):
                    old = acc.pids(role)[0]
                    self.assertGreater(cut_channels(old), 0)
                    time.sleep(1.5)
                    self.assertEqual(acc.pids(role)[0], old)

                    def sent():
                        try:
                            acc.send("a@x.example", [f"r{i}@far.example"], f"Subject: n{i}\n\nx\n")
                            return True
                        except AssertionError:
                            return False
                    wait_for(sent)
                    wait_for(lambda: arrived(hop, f"Subject: n{i}\r\n"))
                    acc.wait_empty()
                    self.assertEqual(len(arrived(hop, f"Subject: n{i}\r\n")), 1)

    def test_a_report_is_made_after_bounce_lost_its_channels(self):
        with Peer(on={"RCPT": lambda s, l: "550 5.1.1 no"}) as hop, \
                Instance(smtproutes=hop.route, retryfirst="1") as acc:
            cut_channels(acc.pids("bounce")[0])
            acc.send("a@gateway.example", ["r@far.example"], "Subject: n\n\nx\n")
            acc.send("postmaster@gateway.example", ["r@far.example"], "Subject: n\n\nx\n")
            time.sleep(1.5)
            acc.step_clock(60)
            wait_for(lambda: [m for m in acc.maildir() if b"multipart/report" in m])

    def test_a_job_under_way_is_not_begun_again_when_its_channel_is_lost(self):
        go = threading.Event()

        def end_of_data(session, data):
            go.wait(30)
        with Peer(on={"EOD": end_of_data}) as hop, \
                Instance(smtproutes=hop.route, retryfirst="1") as acc:
            acc.send("a@x.example", ["r@far.example"], "Subject: once\n\nx\n")
            wait_for(lambda: hop.said("DATA"))
            time.sleep(0.2)
            cut_channels(acc.pids("qmgr")[0])
            time.sleep(2)
            acc.step_clock(30)
            go.set()
            acc.wait_empty()
            time.sleep(1)
            self.assertEqual(len(hop.said("DATA")), 1)


    def test_a_local_machine_gets_what_it_takes_though_capd_was_not_there(self):
        with Instance(caps="fax@gateway.example " + fax.MH, retryfirst="1",
                      mailboxes=["fax@gateway.example maildir:mail/fax"]) as acc:
            with acc.client() as c:
                c.ehlo()
                c.must("250", "MAIL FROM:<a@x.example> CONPERM")
                c.must("250", "RCPT TO:<fax@gateway.example>")
                c.must("354", "DATA")
                cut_channels(acc.pids("capd")[0])
                c.must("250", data=dot(fax.message(fax.image())))
            time.sleep(2)
            acc.step_clock(60)
            got = wait_for(lambda: acc.maildir("mail/fax"))
            self.assertEqual([{c for c, _ in part} for part in fax.codings(got[0])], [{"MH"}])
            self.assertTrue(acc.log_lines(event="deliver", dsn="4.3.3"))


class Stop(unittest.TestCase):
    def test_what_the_hop_takes_during_a_stop_is_not_sent_again(self):
        def end_of_data(session, data):
            time.sleep(0.7)
        with Peer(on={"EOD": end_of_data}) as hop:
            acc = Instance(smtproutes=hop.route, retryfirst="1")
            with acc:
                for i in range(3):
                    acc.send("a@x.example", [f"r{i}@far.example"], f"Subject: s{i}\n\nx\n")
                wait_for(lambda: hop.said("DATA"))
                time.sleep(0.2)
                self.assertIsNotNone(acc.stop())
                acc.start()
                acc.step_clock(60)
                acc.wait_empty()
                time.sleep(1)
                for i in range(3):
                    self.assertEqual(len(arrived(hop, f"Subject: s{i}\r\n")), 1)


class Log(unittest.TestCase):
    def test_no_line_is_lost_when_the_process_that_writes_it_is_killed(self):
        with Peer() as hop, Instance(smtproutes=hop.route) as acc:
            def logger():
                return [p for p in descendants(acc.process.pid) if comm(p) == "accord-start"]
            for i in range(2):
                old = logger()
                self.assertEqual(len(old), 1)
                os.kill(old[0], signal.SIGKILL)
                acc.send("a@x.example", ["r@far.example"], f"Subject: l{i}\n\nx\n")
                wait_for(lambda: logger() and logger() != old)
                wait_for(lambda: len(acc.log_lines(event="done")) == i + 1)
            self.assertFalse([l for l in acc.log_lines() if "dropped" in l])


class Leaks(unittest.TestCase):
    """Every kind of work, again and again: no daemon keeps a descriptor of it, or memory."""

    def work(self, acc, number):
        for i in range(number):
            acc.send(SENDER, ["mh@far.example", "mmr@far.example"], fax.message(fax.image()),
                     mail=" CONPERM")
            acc.send(SENDER, ["grey@far.example"], fax.message(fax.image()), mail=" CONPERM")
            acc.send("a@x.example", ["r@far.example", "postmaster@gateway.example"], "Subject: p\n\nx\n")
            acc.send(SENDER, ["nobody@far.example"], "Subject: f\n\nx\n")
            with acc.client() as c:             # a message that is given up half way
                c.ehlo()
                c.must("250", "MAIL FROM:<a@x.example>")
                c.must("250", "RCPT TO:<r@far.example>")
                c.must("354", "DATA")
                c.send("half a mess")
        acc.wait_empty(60)

    def held(self, acc):
        """Of each daemon, when its idle sessions have ended: descriptors and memory in KiB."""
        time.sleep(4)
        found = {}
        for role in ("queue", "qmgr", "bounce", "remote", "local", "convertd", "capd", "control", "smtpd"):
            pid = acc.pids(role)[0]
            with open(f"/proc/{pid}/status") as f:
                rss = [int(l.split()[1]) for l in f if l.startswith("VmRSS")][0]
            found[role] = len(os.listdir(f"/proc/{pid}/fd")), rss
        return found

    def test_descriptors_and_memory_stay(self):
        ext = ["PIPELINING", "8BITMIME", "SIZE 0", "ENHANCEDSTATUSCODES", "CONPERM", "CONNEG"]
        caps = {"mh@far.example": fax.MH, "mmr@far.example": fax.MMR, "grey@far.example": fax.GREY}
        no = {"RCPT": lambda s, l: "550 5.1.1 no" if "<nobody@" in l else None}
        with Peer(ext=ext, caps=caps, on=no) as hop, \
                Instance(smtproutes=hop.route, retryfirst="1", sessionsperprocess="1") as acc:
            self.work(acc, 33)      # convertd keeps 64 results
            before = self.held(acc)
            self.work(acc, 30)
            after = self.held(acc)
            for role, (fds, rss) in after.items():
                # a spare session process has a channel to capd, or has not asked for it yet
                self.assertLessEqual(fds, before[role][0] + 4, role)
                self.assertLess(rss, before[role][1] + 1500, role)
