# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""Plain mail through a whole instance."""
import os
import unittest

from harness import ACCOUNTS, Instance, Peer, crlf, wait_for

TEXT = """From: <a@client.example>
To: <b@far.example>
Subject: a line

one
.two with a dot
..three
last
"""


class Plain(unittest.TestCase):
    def test_too_few_descriptors_are_told_of_and_used(self):
        """Whoever may not have more, root in a container too, starts with what there is."""
        root = os.getuid() == 0
        launcher = ["prlimit", "--nofile=3000:3000"] + ["setpriv", "--bounding-set", "-sys_resource"] * root
        with Peer() as hop, Instance(user=ACCOUNTS if root else None, launcher=launcher,
                                     smtproutes=hop.route) as acc:
            self.assertEqual(acc.logged(1, event="few-descriptors")[0]["have"], "3000")
            acc.send("a@client.example", ["b@far.example"], TEXT)
            wait_for(lambda: hop.messages)
            acc.wait_empty()

    def test_relay_keeps_every_octet(self):
        with Peer() as hop, Instance(smtproutes=hop.route) as acc:
            acc.send("a@client.example", ["b@far.example"], TEXT)
            wait_for(lambda: hop.messages)
            got = hop.messages[0]
            self.assertIn("FROM:<a@client.example>", got["mail"])
            self.assertIn("TO:<b@far.example>", got["rcpt"][0])
            received, rest = got["data"].split(b"From:", 1)
            self.assertTrue(received.startswith(b"Received: from client.example"))
            self.assertEqual(b"From:" + rest, crlf(TEXT))
            acc.wait_empty()

    def test_local_delivery_has_one_return_path(self):
        with Instance() as acc:
            acc.send("a@client.example", ["postmaster@gateway.example"],
                     "Return-Path: <forged@x.example>\n" + TEXT)
            message = wait_for(acc.maildir)[0]
            self.assertTrue(message.startswith(b"Return-Path: <a@client.example>\n"))
            self.assertEqual(message.lower().count(b"return-path:"), 1)
            self.assertTrue(message.endswith(TEXT.encode()))

    def test_unknown_local_recipient_is_refused(self):
        with Instance() as acc, acc.client() as c:
            c.ehlo()
            c.must("250", "MAIL FROM:<a@client.example>")
            got = c.cmd("RCPT TO:<nobody@gateway.example>")
            self.assertTrue(got[-1].startswith("550 5.1.1"), got)

    def test_permanent_refusal_comes_back_as_a_report(self):
        on = {"RCPT": lambda s, l: "550 5.1.1 no such user here" if "bad@" in l else None}
        with Peer(on=on) as hop, Instance(smtproutes=hop.route) as acc:
            acc.send("postmaster@gateway.example", ["good@far.example", "bad@far.example"], TEXT)
            report = wait_for(acc.maildir)[0]
            self.assertIn(b"Action: failed", report)
            self.assertIn(b"Status: 5.1.1", report)
            self.assertIn(b"bad@far.example", report)
            self.assertNotIn(b"good@far.example", report.split(b"Final-Recipient", 1)[1])
            self.assertTrue(report.startswith(b"Return-Path: <>\n"))
            self.assertEqual(len(hop.messages), 1)
            acc.wait_empty()

    def test_temporary_refusal_is_tried_again_by_the_clock(self):
        replies = iter(["451 4.2.1 later", "451 4.2.1 later"])
        on = {"RCPT": lambda s, l: next(replies, None)}
        with Peer(on=on) as hop, Instance(smtproutes=hop.route) as acc:
            acc.send("a@client.example", ["b@far.example"], TEXT)
            wait_for(lambda: acc.queue() and acc.queue()[0]["recipients"][0]["attempts"] == 1)
            self.assertIn("4.2.1", acc.queue()[0]["recipients"][0]["last_reply"])
            acc.step_clock(100)
            wait_for(lambda: acc.queue()[0]["recipients"][0]["attempts"] == 2)
            acc.step_clock(400)
            wait_for(lambda: hop.messages)
            acc.wait_empty()

    def test_expiry_ends_in_a_report(self):
        on = {"RCPT": lambda s, l: "451 4.2.1 never"}
        with Peer(on=on) as hop, Instance(smtproutes=hop.route, queuelifetime="1000") as acc:
            acc.send("postmaster@gateway.example", ["b@far.example"], TEXT)
            wait_for(lambda: acc.queue() and acc.queue()[0]["recipients"][0]["attempts"] == 1)
            acc.step_clock(5000)
            report = wait_for(acc.maildir)[0]
            self.assertIn(b"Action: failed", report)
            acc.wait_empty()
