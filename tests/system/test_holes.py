# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""What only shows in the whole, found by faults put in (tests/mutants)."""
import unittest

import fax
from harness import Instance, Peer, crlf, dot, wait_for

BOXES = ["known@gateway.example maildir:mail/known"]
CAPS = ["known@gateway.example " + fax.MMR]


class Restarts(unittest.TestCase):
    def test_R33_B7_without_the_directory_local_mail_waits(self):
        """capd is down when the message comes to local: it is deferred, never delivered unfit."""
        with Instance(caps=CAPS, mailboxes=BOXES, retryfirst="60") as acc, acc.client() as c:
            c.ehlo()
            c.must("250", "MAIL FROM:<a@client.example> CONPERM")
            c.must("250", "RCPT TO:<known@gateway.example>")
            c.must("354", "DATA")
            body = dot(fax.message(fax.image()))
            c.send(body[:-3])
            for _ in range(5):              # each death makes the pause before the next start longer
                wait_for(lambda: acc.pids("capd"))
                pid = acc.kill("capd")
                wait_for(lambda: pid not in acc.pids("capd"))
            c.must("250", data=body[-3:])
            wait_for(lambda: acc.queue() and acc.queue()[0]["recipients"][0]["attempts"] == 1)
            self.assertEqual(acc.maildir("mail/known"), [])
            self.assertIn("4.3.3", acc.read_log())
            wait_for(lambda: acc.pids("capd"))
            acc.step_clock(100)
            got = wait_for(lambda: acc.maildir("mail/known"))[0]
            self.assertEqual(fax.codings(got)[0], {("MMR", (200, 200))})

    def test_sessions_outlive_queue_and_capd(self):
        """A session that is open while they are restarted gets new channels to them."""
        with Instance(caps=CAPS, mailboxes=BOXES) as acc, acc.client() as c:
            c.ehlo()
            for role in ("queue", "capd"):
                old = acc.kill(role)
                wait_for(lambda: (acc.pids(role) or [old])[0] != old)
                wait_for(lambda: self.takes(c))
            wait_for(lambda: len(acc.maildir("mail/known")) == 2)

    def takes(self, c):
        c.must("250", "RSET")
        c.must("250", "MAIL FROM:<a@client.example>")
        if not c.cmd("RCPT TO:<known@gateway.example>")[0].startswith("250"):
            return False
        if not c.cmd("DATA")[0].startswith("354"):
            return False
        return c.cmd(data=dot("Subject: x\n\nhello\n"))[0].startswith("250")

    def test_remote_finds_a_new_convertd(self):
        """convertd is restarted between two conversions of one session's hop."""
        with Peer(ext=["PIPELINING", "8BITMIME", "CONPERM", "CONNEG"], caps={"b@far.example": fax.MMR}) as hop, \
                Instance(smtproutes=hop.route) as acc:
            for n in (1, 2):
                acc.send("a@client.example", ["b@far.example"], fax.message(fax.image()), mail=" CONPERM")
                wait_for(lambda: len(hop.messages) == n)
                self.assertEqual(fax.codings(hop.messages[-1]["data"])[0], {("MMR", (200, 200))})
                old = acc.kill("convertd")
                wait_for(lambda: (acc.pids("convertd") or [old])[0] != old)

    def test_what_stands_at_the_start_is_delivered(self):
        text = "Subject: x\n\nhello\n"
        with Peer() as hop:
            acc = Instance(smtproutes=f":[127.0.0.1]:{hop.port}")
            hop.close()
            acc.start()
            acc.send("a@client.example", ["b@far.example"], text)
            wait_for(lambda: acc.queue() and acc.queue()[0]["recipients"][0]["attempts"] >= 1)
            acc.crash()
            with Peer(port=hop.port) as again, acc:
                acc.step_clock(100000)
                wait_for(lambda: again.messages)
                self.assertTrue(fax.same(again.messages[0]["data"], crlf(text)))
                acc.wait_empty()
