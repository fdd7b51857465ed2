# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""The SMTP server by hand: line ends, limits, policy, order of replies."""
import unittest

from harness import Instance, Peer, crlf, dot, wait_for

BODY = "From: a@client.example\n\nhello\n"


class Smtp(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.hop = Peer()
        cls.acc = Instance(smtproutes=cls.hop.route, databytes="100000", maxrcpts="100",
                           rcpthosts=["gateway.example", ".below.example"]).start()

    @classmethod
    def tearDownClass(cls):
        cls.acc.__exit__(None, None, None)
        cls.hop.close()

    def setUp(self):
        self.c = self.acc.client()
        self.addCleanup(self.c.close)
        self.c.ehlo()

    def envelope(self):
        self.c.must("250", "MAIL FROM:<a@client.example>")
        self.c.must("250", "RCPT TO:<b@far.example>")
        self.c.must("354", "DATA")

    def test_smuggling_ends_are_no_ends(self):
        """Only CRLF.CRLF ends the data; what has another end in it is refused and never delivered."""
        for end in (b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n", b"\0\r\n.\n", b"\n.\r",
                    b"\r\n\0.\r\n", b"\r\n.\0\r\n"):
            with self.subTest(end=end):
                before = len(self.hop.messages)
                self.envelope()
                hidden = (b"MAIL FROM:<x@evil.example>\r\nRCPT TO:<y@far.example>\r\nDATA\r\n"
                          b"smuggled\r\n.\r\n")
                self.c.send(b"Subject: x\r\n\r\nbefore" + end + hidden)
                self.assertTrue(self.c.reply()[-1].startswith("554 5.6.0"))
                self.c.must("250", "RSET")
                self.assertEqual(len(self.hop.messages), before)
        self.assertFalse([m for m in self.hop.messages if b"smuggled" in m["data"]])
        self.assertFalse([q for q in self.acc.queue() if q["sender"] == "x@evil.example"])

    def test_pipelined_replies_keep_their_order(self):
        self.c.send("MAIL FROM:<a@client.example>\r\nRCPT TO:<b@far.example>\r\nRCPT TO:<nobody@gateway.example>\r\n"
                    "BOGUS\r\nDATA\r\n")
        codes = [self.c.reply()[-1][:3] for _ in range(5)]
        self.assertEqual(codes, ["250", "250", "550", "500", "354"])
        self.c.must("250", data=dot(BODY))

    def test_too_many_recipients_452(self):
        self.c.must("250", "MAIL FROM:<a@client.example>")
        for i in range(100):
            self.c.must("250", f"RCPT TO:<r{i}@far.example>")
        self.assertTrue(self.c.cmd("RCPT TO:<one.more@far.example>")[0].startswith("452 4.5.3"))

    def test_size(self):
        self.assertTrue(self.c.cmd("MAIL FROM:<a@client.example> SIZE=100001")[0].startswith("552 5.3.4"))
        self.assertTrue(self.c.cmd("MAIL FROM:<a@client.example> SIZE=99999999999999999999999")[0].startswith("5"))
        self.envelope()
        self.c.send(dot(("y" * 70 + "\n") * 2000))
        self.assertTrue(self.c.reply()[-1].startswith("552 5.3.4"))

    def test_commands_out_of_order(self):
        for line in ("DATA", "RCPT TO:<b@far.example>"):
            self.assertTrue(self.c.cmd(line)[0].startswith("503 5.5.1"))
        self.c.must("250", "MAIL FROM:<a@client.example>")
        self.assertTrue(self.c.cmd("MAIL FROM:<a@client.example>")[0].startswith("503"))
        self.assertTrue(self.c.cmd("DATA")[0].startswith("5"))

    def test_long_command_does_not_run_its_tail(self):
        got = self.c.cmd("NOOP " + "x" * 5000 + "QUIT")
        self.assertTrue(got[0].startswith("500 5.5"), got)
        self.c.must("250", "NOOP")

    def test_parameters_twice_or_unknown(self):
        for line, code in (("MAIL FROM:<a@client.example> SIZE=1 SIZE=1", "501 5.5.4"),
                           ("MAIL FROM:<a@client.example> FOO=1", "555 5.5.4"),
                           ("MAIL FROM:<a@client.example> BODY=9BIT", "501 5.5.4"),
                           ("MAIL FROM:a@client.example", "501 5.1.7"),
                           ("MAIL FROM:<a@client.example", "501 5")):
            with self.subTest(line):
                self.assertTrue(self.c.cmd(line)[0].startswith(code), line)

    def test_helo_gets_no_extension_and_ehlo_resets(self):
        self.c.must("250", "MAIL FROM:<a@client.example>")
        self.c.must("250", "EHLO again.example")
        self.assertTrue(self.c.cmd("RCPT TO:<b@far.example>")[0].startswith("503"))
        got = self.c.must("250", "HELO plain.example")
        self.assertEqual(len(got), 1)

    def test_quoted_local_parts_stay_as_they_came(self):
        address = '"a>b\\"c"@far.example'
        self.c.must("250", "MAIL FROM:<a@client.example>")
        self.c.must("250", f"RCPT TO:<{address}>")
        self.c.must("354", "DATA")
        self.c.must("250", data=dot(BODY))
        wait_for(lambda: [m for m in self.hop.messages if f"TO:<{address}>" in m["rcpt"][0]])

    def test_every_reply_has_an_enhanced_code_of_its_class(self):
        for line in ("NOOP", "MAIL FROM:<>", "RSET", "VRFY x", "HELP", "EXPN x", "ETRN x", "FOO", "DATA"):
            for reply in self.c.cmd(line):
                self.assertRegex(reply, r"^([245])\d\d[ -]\1\.\d+\.\d+ ", line)

    def test_null_sender_and_bare_postmaster(self):
        self.c.must("250", "MAIL FROM:<>")
        self.c.must("250", "RCPT TO:<Postmaster>")


class Policy(unittest.TestCase):
    def test_relaying_is_for_relayclients(self):
        with Peer() as hop, Instance(smtproutes=hop.route, relayclients="192.0.2.0/24",
                                     rcpthosts=["gateway.example", "mx.example", ".below.example"]) as acc:
            with acc.client() as c:
                c.ehlo()
                c.must("250", "MAIL FROM:<a@client.example>")
                self.assertTrue(c.cmd("RCPT TO:<b@far.example>")[0].startswith("550 5.7.1"))
                c.must("250", "RCPT TO:<b@MX.example>")
                c.must("250", "RCPT TO:<b@deep.below.example>")
                self.assertTrue(c.cmd("RCPT TO:<b@below.example>")[0].startswith("550 5.7.1"))

    def test_loops_end(self):
        with Instance(smtproutes="far.example:[127.0.0.1]:1") as acc, acc.client() as c:
            c.ehlo()
            c.must("250", "MAIL FROM:<a@client.example>")
            c.must("250", "RCPT TO:<b@far.example>")
            c.must("354", "DATA")
            many = "".join(f"Received: from x by y{i}; Sun, 22 Nov 2026 10:00:00 +0000\n" for i in range(150))
            self.assertTrue(c.cmd(data=dot(many + BODY))[-1].startswith("554 5.4.6"))

    def test_an_idle_client_is_told_to_go(self):
        with Instance(timeoutsmtpd="1") as acc, acc.client() as c:
            self.assertTrue(c.reply()[0].startswith("421 4.4.2"))
