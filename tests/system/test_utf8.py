# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""Internationalized mail (RFC 6531 to 6533), judged by a next hop that has SMTPUTF8 and one that has not."""
import email
import unittest

from harness import Instance, Peer, wait_for

A = "jörg@bücher.example"               # as it is sent; its domain is xn--bcher-kva.example
B = "δοκιμή@far.example"
ASCII = b"From: a@client.example\r\nSubject: plain\r\n\r\nthe body\r\n"
HEAD = "From: Jörg <jörg@bücher.example>\r\nSubject: Grüße\r\n\r\nthe body\r\n".encode()
INSIDE = ("From: a@client.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
          "Content-Description: Grüße\r\n\r\nx\r\n--b--\r\n").encode()
BODY = "From: a@client.example\r\nSubject: plain\r\n\r\nGrüße\r\n".encode()
EXT = ["PIPELINING", "8BITMIME", "DSN", "ENHANCEDSTATUSCODES"]


class Utf8(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.new, cls.old = Peer(ext=EXT + ["SMTPUTF8"]), Peer(ext=EXT)
        cls.acc = Instance(
            smtproutes=[f"old.example:127.0.0.1:{cls.old.port}", cls.new.route],
            locals=["gateway.example", "xn--hir-tna.example"],
            rcpthosts=["gateway.example", "xn--hir-tna.example", "xn--bcher-kva.example", "far.example", "old.example"], relayclients="192.0.2.0/24",
            mailboxes=["jörg@xn--hir-tna.example maildir:mail/joerg", "ann@gateway.example maildir:mail/ann"]).start()

    @classmethod
    def tearDownClass(cls):
        cls.acc.__exit__(None, None, None)
        cls.new.close()
        cls.old.close()

    def setUp(self):
        self.c = self.acc.client()
        self.addCleanup(self.c.close)
        self.ext = self.c.ehlo()

    def cmd(self, line):
        got = self.c.cmd(line)
        self.assertTrue(all(ord(x) < 128 for l in got for x in l), got)
        return got[-1]

    def take(self, sender, rcpts, data, mail=" SMTPUTF8", rcpt=""):
        for line in [f"MAIL FROM:<{sender}>{mail}"] + [f"RCPT TO:<{r}>{rcpt}" for r in rcpts]:
            self.assertEqual(self.cmd(line)[:4], "250 ", line)
        self.c.must("354", "DATA")
        self.c.must("250", data=data + b".\r\n")

    def arrived(self, hop, text):
        def found():
            return [m for m in hop.messages if any(text in r.encode("latin-1").decode() for r in m["rcpt"])]
        return wait_for(found)[0]

    def told(self, folder, text):
        """The report in a mailbox that speaks of text; its parts."""
        def found():
            return [m for m in self.acc.maildir(folder) if text.encode() in m]
        return email.message_from_bytes(wait_for(found)[0])

    def test_what_is_refused(self):
        """553 and 550 with 5.6.7 without the parameter (RFC 6531, 3.5); no reply has an octet beyond ASCII (3.7.4)."""
        self.assertIn("SMTPUTF8", self.ext)
        self.assertTrue(self.cmd(f"MAIL FROM:<{A}>").startswith("550 5.6.7 "))
        self.assertTrue(self.cmd("MAIL FROM:<a@client.example> SMTPUTF8=x").startswith("501 5.5.4 "))
        self.assertTrue(self.cmd("MAIL FROM:<a@client.example>").startswith("250 2.1.0 <a@client.example>"))
        self.assertTrue(self.cmd(f"RCPT TO:<{B}>").startswith("553 5.6.7 "))
        self.assertTrue(self.cmd("RCPT TO:<b@far.example> ORCPT=utf-8;ö@x").startswith("501 5.5.4 "))
        self.cmd("RSET")
        for bad in ("a@\u2603\u200d.example", "a@-ö.example", "a@ö..example"):
            self.assertTrue(self.cmd(f"MAIL FROM:<{bad}> SMTPUTF8").startswith("501 5.1.7 "), bad)
        self.c.send(b"MAIL FROM:<\xff\xfe@x.example> SMTPUTF8\r\n")
        self.assertTrue(self.c.reply()[0].startswith("501 5.1.7 "))
        self.assertEqual(self.cmd(f"MAIL FROM:<{A}> SMTPUTF8"), "250 2.1.0 sender ok")
        self.assertTrue(self.cmd("RCPT TO:<a@größer.example>").startswith("550 5.7.1 "))
        self.assertTrue(self.cmd("RCPT TO:<ä@hiör.example>").startswith("550 5.1.1 "))
        self.assertEqual(self.cmd("RCPT TO:<jörg@hiör.example>"), "250 2.1.5 recipient ok")
        self.assertTrue(self.cmd(f"VRFY {B} SMTPUTF8").startswith("252 "))
        self.assertEqual(self.c.cmd("HELO x.example"), ["250 gateway.example"])
        self.assertTrue(self.cmd("MAIL FROM:<a@client.example> SMTPUTF8").startswith("555 "))

    def test_who_has_it_gets_it_as_it_came(self):
        self.take(A, [B, "ü@bücher.example"], HEAD, rcpt=" ORCPT=utf-8;ö@x")
        got = self.arrived(self.new, B)
        self.assertEqual(got["mail"].encode("latin-1").decode(), f"MAIL FROM:<{A}> BODY=8BITMIME SMTPUTF8")
        self.assertTrue(got["data"].endswith(HEAD))
        self.assertIn(b" with UTF8SMTP id ", got["data"])
        self.assertEqual([r.encode("latin-1").decode() for r in got["rcpt"]],
                         [f"RCPT TO:<{r}> ORCPT=utf-8;ö@x" for r in (B, "ü@bücher.example")])

    def test_who_has_it_not(self):
        """ASCII mailboxes and messages go on, with A-labels; all else fails (3.2)."""
        self.take("a@bücher.example", ["b@old.example"], BODY, rcpt=" ORCPT=utf-8;ö@x")
        got = self.arrived(self.old, "b@old.example")
        self.assertEqual(got["mail"], "MAIL FROM:<a@xn--bcher-kva.example> BODY=8BITMIME")
        self.assertEqual(got["rcpt"], ["RCPT TO:<b@old.example> ORCPT=utf-8;\\x{F6}@x"])
        self.assertTrue(got["data"].endswith(BODY))

    def test_failures_are_told_in_utf_8(self):
        """RFC 6533, 4: to who has an address beyond ASCII; in ASCII to others."""
        for sender, folder in (("jörg@hiör.example", "mail/joerg"), ("ann@gateway.example", "mail/ann")):
            for data, to, code in ((HEAD, "head@old.example", "5.6.9"), (INSIDE, "inside@old.example", "5.6.9"),
                                   (ASCII, "ö@old.example", "5.6.7")):
                with self.subTest(sender=sender, to=to):
                    self.take(sender, [to], data, " SMTPUTF8 RET=FULL")
                    utf8 = "ö" in sender
                    m = self.told(folder, to if utf8 else to.replace("ö", "\\x{F6}"))
                    kinds = [p.get_content_type() for p in m.get_payload()]
                    status = m.get_payload()[1].as_bytes().decode()
                    self.assertIn(f"Status: {code}", status)
                    self.assertIn("Final-Recipient: " + (f"utf-8;{to}" if utf8 and "ö" in to else
                                  "utf-8;\\x{F6}@old.example" if "ö" in to else f"rfc822;{to}"), status)
                    self.assertEqual(kinds[1], "message/global-delivery-status" if utf8 else "message/delivery-status")
                    self.assertEqual(kinds[2], "message/global" if utf8 else "message/global-headers"
                                     if data == HEAD else "text/rfc822-headers")
                    self.assertEqual(m["Content-Transfer-Encoding"], "8bit" if utf8 else None)
        self.assertFalse([l for l in self.old.said("RCPT") if not l.isascii() or "head@" in l or "inside@" in l])
        own = [m for m in self.acc.maildir("mail/joerg")]
        self.assertTrue(all("Delivered-To: jörg@hiör.example\n".encode() in m for m in own), own[:1])


if __name__ == "__main__":
    unittest.main()
