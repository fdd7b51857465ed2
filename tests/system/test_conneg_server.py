# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""CONPERM and CONNEG as a server: the dialect table (a.3) of RFC 4141, draft -03 and -04."""
import os
import re
import signal
import unittest

import fax
from harness import Instance, Peer, wait_for

LINE = re.compile(r"^250[- ](?:2\.1\.5 )?CONNEG (.*)$")
CAPS = ["known@gateway.example " + fax.MMR, "any@gateway.example any"]
BOXES = [f"{n}@gateway.example maildir:mail/{n}" for n in ("known", "any", "none")]
KNOWN, NONE, ANY = "known@gateway.example", "none@gateway.example", "any@gateway.example"


def capabilities(lines):
    return " ".join(m.group(1) for m in map(LINE.match, lines) if m)


class Server(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.acc = Instance(caps=CAPS, mailboxes=BOXES, conneg="")
        cls.acc.start()

    @classmethod
    def tearDownClass(cls):
        cls.acc.__exit__(None, None, None)

    def setUp(self):
        self.c = self.acc.client()
        self.addCleanup(self.c.close)
        self.keywords = self.c.ehlo()
        self.c.must("250", "MAIL FROM:<a@client.example>")

    def rcpt(self, address, parameter):
        return self.c.cmd(f"RCPT TO:<{address}>{parameter}")

    def test_R26_keywords_and_first_line(self):
        for word in ("CONPERM", "CONNEG", "PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES"):
            self.assertIn(word, self.keywords)
        got = self.rcpt(KNOWN, " CONNEG")
        self.assertTrue(got[0].startswith("250-2.1.5 "))
        self.assertNotIn("CONNEG", got[0].split(" ")[1:2])
        self.assertTrue(got[-1].startswith("250 2.1.5 CONNEG ("))

    def test_R25_R27_the_whole_listing_is_given_and_parses(self):
        listing = capabilities(self.rcpt(KNOWN, " CONNEG"))
        for word in ("image-coding=", "MMR", "dpi=200"):
            self.assertIn(word, listing)
        self.assertEqual(listing.count("("), listing.count(")"))
        again = Instance(caps=f"again@gateway.example {listing}", mailboxes=["again@gateway.example maildir:m"])
        with again, again.client() as c:
            c.ehlo()
            c.must("250", "MAIL FROM:<>")
            self.assertEqual(capabilities(c.must("250", "RCPT TO:<again@gateway.example> CONNEG")), listing)

    def test_dialects_with_capabilities_known(self):
        for words in (" CONNEG", " conneg", " CONNEG=REQUIRED", " CONNEG = REQUIRED", " CONNEG= required",
                      " CONNEG=OPTIONAL", " CONNEG =OPTIONAL", " CONNEG=OPTIOANL"):
            with self.subTest(words):
                self.assertIn("MMR", capabilities(self.rcpt(KNOWN, words)))

    def test_dialects_with_none(self):
        for words, code in ((" CONNEG", "250 2.1.5"), (" CONNEG=OPTIONAL", "250 2.1.5"),
                            (" CONNEG=REQUIRED", "504 5.3.3 CONNEG"), (" CONNEG = REQUIRED", "504 5.3.3 CONNEG")):
            with self.subTest(words):
                got = self.rcpt(NONE, words)
                self.assertEqual(len(got), 1)
                self.assertTrue(got[0].startswith(code), got)
                self.assertEqual(capabilities(got), "")

    def test_R39_any_gets_a_plain_answer(self):
        got = self.rcpt(ANY, " CONNEG")
        self.assertEqual(len(got), 1)
        self.assertTrue(got[0].startswith("250 2.1.5"))

    def test_wrong_values(self):
        for words in (" CONNEG=MAYBE", " CONNEG CONNEG", " CONNEG=", " CONNEG=REQUIRED CONNEG"):
            with self.subTest(words):
                self.assertTrue(self.rcpt(KNOWN, words)[0].startswith("501 5.5.4"))

    def test_conperm_parameters(self):
        self.c.must("250", "RSET")
        for words in (" CONPERM=x", " CONPERM CONPERM", " CONPERM="):
            with self.subTest(words):
                got = self.c.cmd("MAIL FROM:<a@client.example>" + words)
                self.assertTrue(got[0].startswith("501 5.5.4"), got)
        self.c.must("250", "MAIL FROM:<a@client.example> CONPERM")

    def test_R32_lines_stay_short(self):
        for line in self.rcpt(KNOWN, " CONNEG"):
            self.assertLessEqual(len(line), 510)

    def test_R5_R28_extension_off(self):
        with self.off() as acc, acc.client() as c:
            words = c.ehlo()
            self.assertNotIn("CONPERM", words)
            self.assertNotIn("CONNEG", words)
            self.assertTrue(c.cmd("MAIL FROM:<a@client.example> CONPERM")[0].startswith("504 5.3.3 CONPERM"))
            c.must("250", "MAIL FROM:<a@client.example>")
            for w in (" CONNEG", " CONNEG=REQUIRED"):
                self.assertTrue(c.cmd(f"RCPT TO:<{KNOWN}>{w}")[0].startswith("504 5.3.3"))
            self.assertEqual(capabilities(c.must("250", f"RCPT TO:<{KNOWN}> CONNEG=OPTIONAL")), "")

    def off(self):
        acc = Instance(caps=CAPS, mailboxes=BOXES)
        acc.set("listen", f"127.0.0.1:{acc.port} mx noconperm noconneg")
        acc.own()
        return acc


class Directory(unittest.TestCase):
    def test_a_domain_that_is_off_gives_no_answer(self):
        with Instance(caps=CAPS, mailboxes=BOXES, conneg="gateway.example off") as acc, acc.client() as c:
            c.ehlo()
            c.must("250", "MAIL FROM:<a@client.example>")
            self.assertEqual(capabilities(c.must("250", f"RCPT TO:<{KNOWN}> CONNEG")), "")

    def test_caps_are_replaced_while_running(self):
        with Instance(caps=CAPS, mailboxes=BOXES) as acc, acc.client() as c:
            c.ehlo()
            c.must("250", "MAIL FROM:<a@client.example>")
            self.assertIn("MMR", capabilities(c.must("250", f"RCPT TO:<{KNOWN}> CONNEG")))
            acc.set("caps", [f"@gateway.example {fax.MH}"])
            acc.own()
            acc.accord("caps", "build")
            acc.own()
            wait_for(lambda: "204" in capabilities(c.must("250", f"RCPT TO:<{KNOWN}> CONNEG")))

    def test_errors_have_file_line_and_column(self):
        acc = Instance(caps=["# a machine", "x@gateway.example (& (dpi=200) (oops"], mailboxes=BOXES)
        got = acc.accord("caps", "build", check=False)
        self.assertEqual(got.returncode, 1)
        self.assertRegex(got.stderr.decode(), r"caps:2:\d+: ")

    def test_R34_R33_a_dead_directory(self):
        with Instance(caps=CAPS, mailboxes=BOXES) as acc, acc.client() as c:
            c.ehlo()
            c.must("250", "MAIL FROM:<a@client.example>")
            pid = acc.pids("capd")[0]
            os.kill(pid, signal.SIGSTOP)
            try:
                got = c.cmd("RCPT TO:<b@elsewhere.example> CONNEG=REQUIRED")
                self.assertTrue(got[0].startswith("404 4.3.3 CONNEG"), got)
                got = c.cmd("RCPT TO:<b@elsewhere.example> CONNEG=OPTIONAL")
                self.assertTrue(got[0].startswith("250 2.1.5"), got)
                got = c.cmd("RCPT TO:<b@elsewhere.example> CONNEG")
                self.assertTrue(got[0].startswith("250 2.1.5"), got)
            finally:
                os.kill(pid, signal.SIGCONT)


class Local(unittest.TestCase):
    """Row B7: the final host converts for its own machines."""

    def test_B7_known_is_converted(self):
        with Instance(caps=CAPS, mailboxes=BOXES) as acc:
            acc.send("a@client.example", [KNOWN], fax.message(fax.image()), mail=" CONPERM")
            got = wait_for(lambda: acc.maildir("mail/known"))[0]
            self.assertEqual(fax.codings(got)[0], {("MMR", (200, 200))})

    def test_B7_unknown_gets_the_original(self):
        with Instance(caps=CAPS, mailboxes=BOXES) as acc:
            acc.send("a@client.example", [NONE], fax.message(fax.image()), mail=" CONPERM")
            got = wait_for(lambda: acc.maildir("mail/none"))[0]
            self.assertEqual(fax.codings(got)[0], {("JBIG", (400, 400))})

    def test_B7_empty_fails(self):
        caps = ["known@gateway.example " + fax.GREY]
        with Instance(caps=caps, mailboxes=BOXES) as acc:
            acc.send("postmaster@gateway.example", [KNOWN], fax.message(fax.image()), mail=" CONPERM")
            report = wait_for(acc.maildir)[0]
            self.assertIn(b"Status: 5.6.5", report)
            self.assertEqual(acc.maildir("mail/known"), [])


class Chain(unittest.TestCase):
    def test_R30_R6_R40_the_first_who_learns_converts(self):
        """relay (knows nothing) -> middle (asks) -> last, which gives capabilities."""
        with Peer(ext=["PIPELINING", "CONPERM", "CONNEG", "8BITMIME"], caps={"b@far.example": fax.MMR}) as last, \
                Instance(me="middle.example", locals="middle.example", smtproutes=last.route) as middle, \
                Instance(me="first.example", locals="first.example",
                         smtproutes=f":[127.0.0.1]:{middle.port}") as first:
            first.send("a@client.example", ["b@far.example"], fax.message(fax.image()), mail=" CONPERM")
            wait_for(lambda: last.messages)
            got = last.messages[0]
            self.assertIn(" CONPERM", got["mail"])
            self.assertEqual(fax.codings(got["data"])[0], {("MMR", (200, 200))})
            self.assertIn("middle.example", fax.images(got["data"])[0]["Content-Previous"])
