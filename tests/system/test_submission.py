# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""What becomes of a message that a user submits after a login (RFC 6409): its header is mended or refused, its user sends
as who he may and no more than he may, and what it permits to be converted is described (R17)."""
import re
import subprocess

import fax
from harness import crlf, dot, wait_for
from test_auth import RCPT, USER, WORD, Logins, plain

ANN, BOB = "ann@gateway.example", "bob"
HEAD = f"From: <{ANN}>\nDate: Sun, 22 Nov 2026 10:00:00 +0000\nMessage-ID: <1@client.example>\n"


class Submissions(Logins):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.acc.accord("passwd", BOB, data=WORD.encode())
        cls.acc.set("senders", f"{BOB} @shop.example info@gateway.example")
        cls.acc.set("userrate", f"{BOB} messages=3/h recipients=4/h")
        cls.acc.set("mailboxes", ["postmaster@gateway.example maildir:mail/postmaster", f"{ANN} maildir:mail/ann"])
        cls.acc.own()
        cls.acc.accord("reload")

    def login(self, user=USER, where="submit"):
        c = self.client(where)
        c.must("235", f"AUTH PLAIN {plain(user)}")
        return c

    def say(self, c, message, code="250", sender=ANN, mail=""):
        c.must("250", f"MAIL FROM:<{sender}>{mail}")
        c.must("250", f"RCPT TO:<{RCPT}>")
        c.must("354", "DATA")
        return c.must(code, data=dot(message))

    def submit(self, message, code="250", where="submit", user=USER, mail="", sender=ANN):
        """The reply, or what the next hop got."""
        before = len(self.hop.messages)
        with self.login(user, where) as c:
            reply = self.say(c, message, code, sender, mail)
        return wait_for(lambda: self.hop.messages[before:])[0]["data"] if code == "250" else " ".join(reply)

    def header(self, data):
        return fax.parse(data)

    def test_H14_the_same_message_on_587_and_25(self):
        """Mended by who takes submissions, and by nobody else."""
        sent = f"From: <{ANN}>\nReturn-Path: <x@y.example>\nTo: Ann <ann>, b@far.example\nBcc: c@far.example\n\nHello.\n"
        got = self.submit(sent)
        self.assertRegex(fax.original(got).decode(),
                         r"\AFrom: <ann@gateway\.example>\r\nTo: Ann <ann@gateway\.example>, b@far\.example\r\n"
                         r"Bcc: c@far\.example\r\nDate: \w{3}, .* \+0000\r\nMessage-ID: <[0-9a-f]{32}@gateway\.example>\r\n"
                         r"\r\nHello\.\r\n\Z")
        before = len(self.hop.messages)
        self.acc.send(ANN, [RCPT], sent)
        self.assertTrue(fax.same(wait_for(lambda: self.hop.messages[before:])[0]["data"], sent))

    def test_H14_what_is_whole_stays_octet_for_octet(self):
        for where in ("submit", "implicit", "mx"):
            sent = HEAD + "Subject: x\n\nHello.\n"
            self.assertTrue(fax.same(self.submit(sent, where=where), sent))

    def test_H14_what_cannot_be_mended_is_refused(self):
        for head, code in (("Subject: x\n", "554 5.6.0"), (HEAD + f"From: <{ANN}>\n", "554 5.6.0"),
                           (HEAD + "To: a b c\n", "554 5.6.0"), (HEAD + "To: x@sales\n", "554 5.6.0"),
                           (HEAD + "Cc: nobody\n", "554 5.6.0"), (HEAD + "nonsense\n", "554 5.6.0")):
            with self.subTest(head):
                self.assertIn(code, self.submit(head + "\nHello.\n", code="554"))
        with self.login() as c:
            c.must("554 5.1.8", f"MAIL FROM:<ann@gateway>")
            c.must("250", f"MAIL FROM:<{ANN}>")
            c.must("554 5.1.2", "RCPT TO:<b@far>")
            c.must("250", "RCPT TO:<postmaster>")
            c.must("250", "RSET")
            c.must("250", "NOOP")
        self.assertTrue(self.acc.logged(1, event="reject"))

    def test_a_user_sends_as_who_he_may(self):
        with self.login() as c:
            c.must("550 5.7.1", "MAIL FROM:<bob@gateway.example>")
            c.must("550 5.7.1", "MAIL FROM:<ann@far.example>")
            c.must("250", "MAIL FROM:<>")       # RFC 6409, 3.2
            c.must("250", "RSET")
            c.must("250", "MAIL FROM:<ANN@Gateway.Example>")
        for field in ("From: <boss@gateway.example>", f"From: <{ANN}>, <boss@gateway.example>",
                      f"From: <{ANN}>\nSender: <boss@gateway.example>",
                      f"From: <boss@gateway.example>\nResent-From: <{ANN}>"):
            with self.subTest(field):
                self.assertIn("550 5.7.1", self.submit(field + "\nDate: x\nMessage-ID: <1@x>\n\nx\n", code="550"))
        self.assertIn("550 5.7.1", self.submit("From: <boss@gateway.example>\n\nx\n", code="550", sender=""))
        with self.login(BOB) as c:
            c.must("550 5.7.1", "MAIL FROM:<bob@gateway.example>")
            c.must("550 5.7.1", "MAIL FROM:<x@sub.shop.example>")

    def test_a_priority_right_after_the_login(self):
        with self.login() as c:
            c.must("250", f"MAIL FROM:<{ANN}> MT-PRIORITY=3")

    def test_a_user_sends_no_more_than_he_may(self):
        """Counted over sessions, messages and recipients each; others go on."""
        mail = "MAIL FROM:<info@gateway.example>"
        with self.login(BOB) as c, self.login(BOB) as d:
            c.must("250", mail)
            for i in range(4):
                c.must("250", f"RCPT TO:<b{i}@far.example>")
            c.must("450 4.7.1", "RCPT TO:<b4@far.example>")
            c.must("250", "RSET")
            d.must("250", mail)
            d.must("450 4.7.1", "RCPT TO:<b5@far.example>")
            c.must("250", mail)
            c.must("250", "RSET")
            c.must("450 4.7.1", mail)
            d.must("250", "RSET")
            d.must("450 4.7.1", mail)
            with self.login() as ann:
                ann.must("250", f"MAIL FROM:<{ANN}>")
        self.acc.step_clock(1200)               # a third of an hour: one message, one recipient more
        with self.login(BOB) as c, self.login(BOB) as d:
            c.must("250", mail)
            c.must("250", "RCPT TO:<b6@far.example>")
            c.must("450 4.7.1", "RCPT TO:<b7@far.example>")
            d.must("450 4.7.1", mail)
        self.assertTrue(self.acc.logged(1, event="user-rate", user=BOB))

    def test_R17_what_may_be_converted_is_described(self):
        sent = HEAD + "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"==b\"\n\n--==b\n" + fax.text() + \
            "--==b\n" + fax.image(kind="image/tiff") + "--==b--\n"
        got = self.submit(sent)
        part = fax.images(got)[0]
        self.assertIn("JBIG", part["Content-Features"])         # by the image: its label says TIFF for fax of any kind
        self.assertEqual(len(part.get_all("Content-Features")), 1)
        names = re.findall(rb"(?m)^Content-(Features|Convert)", got)
        self.assertEqual(names, [b"Features", b"Convert"])
        whole = sent.replace("Content-Convert", "Content-Features: (image-coding=JBIG)\nContent-Convert")
        self.assertTrue(fax.same(self.submit(whole), whole))

    def test_R17_what_cannot_be_described_is_refused(self):
        broken = HEAD + "MIME-Version: 1.0\nContent-Type: image/tiff\nContent-Convert: ANY\n\nno image\n"
        self.assertIn("550 5.6.0 part 1 (image/tiff)", self.submit(broken, code="550"))
        self.assertTrue(self.acc.logged(1, event="not-described"))

    def test_R17_mail_on_other_ports_is_not_described(self):
        sent = HEAD + "MIME-Version: 1.0\n" + fax.image()
        before = len(self.hop.messages)
        self.acc.send(ANN, [RCPT], sent)
        self.assertTrue(fax.same(wait_for(lambda: self.hop.messages[before:])[0]["data"], sent))

    def test_conpermfor_a_user(self):
        self.acc.set("conpermfor", f"user:{USER} any")
        self.acc.accord("reload")
        try:
            with self.login() as c:
                before = len(self.hop.messages)
                self.say(c, HEAD + "MIME-Version: 1.0\n" + fax.image(convert=None))
            self.assertTrue(self.acc.logged(1, event="accepted", conperm="1"))
        finally:
            self.acc.set("conpermfor", "")
            self.acc.accord("reload")

    def test_chunks_are_submissions_too(self):
        text = crlf(f"From: <{ANN}>\nSubject: chunks\n\nHello.\n")
        before = len(self.hop.messages)
        with self.login() as c:
            c.must("250", f"MAIL FROM:<{ANN}>")
            c.must("250", f"RCPT TO:<{RCPT}>")
            c.send(f"BDAT {len(text)} LAST\r\n".encode() + text)
            self.assertIn("250", c.reply()[0])
        self.assertIn(b"\r\nMessage-ID: <", wait_for(lambda: self.hop.messages[before:])[0]["data"])

    def test_msmtp_and_swaks_submit(self):
        """Real clients; what they send without a Date or Message-ID arrives with both."""
        before = len(self.hop.messages)
        swaks = subprocess.run(["swaks", "--server", "127.0.0.1", "--port", str(self.port["submit"]), "--tls", "--auth", "PLAIN",
                                "--auth-user", USER, "--auth-password", WORD, "--from", ANN, "--to", RCPT, "--data",
                                f"From: {ANN}\nTo: {RCPT}\n\nby swaks\n"], capture_output=True)
        self.assertEqual(swaks.returncode, 0, swaks.stdout)
        got = fax.parse(wait_for(lambda: self.hop.messages[before:])[0]["data"])
        self.assertTrue(got["Date"] and got["Message-ID"])
