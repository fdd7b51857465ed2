# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""What reports teach (accord-learn): a next hop that is not accord answers mail that was issued here with a DSN or an
MDN that has Media-Accept-Features; forged ones, and what must not be kept, teach nothing."""
import os
import re
import signal
import subprocess
import unittest

import fax
from harness import BIN, DATA, Instance, Peer, Shared, wait_for
from test_caps import known, state, told

SENDER = "a@gateway.example"
SOURCES = "cdb:caps.cdb\nown\nlearned"
DAY = 86400


def report(kind, fields):
    return ("From: <mailer-daemon@far.example>\nTo: <a@gateway.example>\nSubject: report\nMIME-Version: 1.0\n"
            f'Content-Type: multipart/report; report-type={kind}; boundary="==r"\n\n--==r\n\nIt is so.\n'
            f"--==r\nContent-Type: message/{kind}\n\n{fields}\n--==r--\n")


def dsn(envid, address, features=fax.MH, original=None, mta="hop.far.example", action="delivered"):
    original = f"Original-Recipient: rfc822;{original}\n" if original else ""
    return report("delivery-status", f"Original-Envelope-Id: {envid}\nReporting-MTA: dns; {mta}\n\n{original}"
                  f"Final-Recipient: rfc822;{address}\nAction: {action}\nStatus: 2.0.0\n"
                  f"Media-Accept-Features: {features}\n")


def mdn(message_id, address, features=fax.MH, disposition="dispatched"):
    return report("disposition-notification", f"Final-Recipient: rfc822;{address}\n"
                  f"Original-Message-ID: {message_id}\n"
                  f"Disposition: automatic-action/MDN-sent-automatically; {disposition}\n"
                  f"Media-Accept-Features: {features}\n")


class Reports(Shared):
    @classmethod
    def setUpClass(cls):
        cls.hop = cls.share(Peer(ext=("PIPELINING", "8BITMIME", "SIZE 0", "ENHANCEDSTATUSCODES", "DSN")))
        cls.acc = cls.share(Instance(capsources=SOURCES, conneg="far.example ensure", smtproutes=cls.hop.route,
                                     mailboxes=f"{SENDER} maildir:mail/sender"))

    def issue(self, *to, command="send"):
        """A message from here: its ENVID and Message-ID, as the hop has them."""
        before = len(self.hop.messages)
        self.acc.accord("send", "--from", SENDER, "--", *to, data=b"Hello.\n")
        sent = wait_for(lambda: self.hop.messages[before:])[0]
        envid = re.search(r" ENVID=(\S+)", sent["mail"])
        return envid and envid[1], re.search(rb"^Message-ID: (<\S+>)\r$", sent["data"], re.M)[1].decode()

    def tell(self, text):
        """The report comes, and is being read."""
        before = self.read()
        self.acc.send("", [SENDER], text)
        wait_for(lambda: self.read() > before)

    def read(self, process="learn"):
        """How many reports have been read; or shown."""
        figures = self.acc.accord("stat", "--prometheus").stdout.decode()
        return float(re.search(rf"^accord_{process}_reports_total\S* (\d+)", figures, re.M)[1])

    def learns(self, text, address, expression, seconds=20):
        self.tell(text)
        wait_for(lambda: known(self.acc, address)["expression"] == expression, seconds)
        self.assertEqual(state(self.acc, address), ("known", "learned"))

    def test_a_dsn_teaches_and_the_next_message_goes_by_it(self):
        box = "dsn@far.example"
        envid, message_id = self.issue(box)
        self.assertEqual(message_id, f"<{envid}@gateway.example>")
        self.assertEqual(told(self.acc, box), "")
        self.tell(dsn(envid, box.upper(), fax.MH, original=box, action="failed"))
        wait_for(lambda: state(self.acc, box) == ("known", "learned"))
        out = self.acc.accord("caps", "get", box).stdout.decode()
        self.assertRegex(out, r"^\(.*MH.*\)\nfrom learned, said \d+ seconds? ago\n$")
        self.assertIn("JBIG", told(self.acc, box))          # mode ensure: what we make MH of is announced
        line, = self.acc.logged(1, event="caps-learned", to=box)
        self.acc.accord("send", "--conperm", "--convert", "any", "--attach", os.path.join(DATA, "render/letter-J-400.tif"),
                        "--from", SENDER, "--", box)
        sent = wait_for(lambda: [m for m in self.hop.messages if fax.images(m["data"])])[-1]
        self.assertEqual(set().union(*fax.codings(sent["data"])), {("MH", (204, 196))})
        self.assertEqual(self.acc.logged(1, event="negotiated", to=box)[0]["row"], "ENSb")

    def test_an_mdn_teaches(self):
        _, message_id = self.issue("mdn@far.example")
        self.learns(mdn(message_id, "mdn@far.example", "(dpi=200)"), "mdn@far.example", "(dpi=200)")
        # what is said later counts, each time for its own thirty days
        self.learns(mdn(message_id, "mdn@far.example", "(dpi=300)"), "mdn@far.example", "(dpi=300)")
        self.acc.step_clock(10 * DAY)
        self.learns(mdn(message_id, "mdn@far.example", "(dpi=400)"), "mdn@far.example", "(dpi=400)")
        self.acc.step_clock(30 * DAY - 60)
        self.assertEqual(state(self.acc, "mdn@far.example"), ("known", "learned"))
        self.acc.step_clock(61)
        wait_for(lambda: state(self.acc, "mdn@far.example") == ("none", "none"))

    def test_each_recipient_of_few(self):
        few = [f"r{i}@far.example" for i in range(8)]
        envid, _ = self.issue(*few)
        self.tell(dsn(envid, few[7], "(dpi=107)"))
        self.learns(dsn(envid, few[0], "(dpi=100)"), few[0], "(dpi=100)")
        self.assertEqual(known(self.acc, few[7])["expression"], "(dpi=107)")
        self.assertEqual(state(self.acc, few[1]), ("none", "none"))
        envid, message_id = self.issue(*few, "r8@far.example")
        self.assertEqual((envid, len(message_id)), (None, len("<@gateway.example>") + 32))

    def test_what_teaches_nothing(self):
        box, other = "safe@far.example", "other@far.example"
        envid, message_id = self.issue(box)
        another, _ = self.issue(other)
        for text in (dsn(another, box), dsn(envid, other),                          # of another message
                     dsn(envid, other, original=box).replace("rfc822;" + box, "x400;" + box),
                     dsn("x" + envid[1:], box), dsn(envid[:-1], box), dsn("", box), dsn("guess", box),
                     mdn("<guess@gateway.example>", box), mdn("", box), mdn(f"<{another}@gateway.example>", box),
                     mdn(message_id, box, disposition="deleted/alternative-preferred"),     # RFC 3297, 6.2
                     mdn(message_id, box, disposition="displayed/error, Alternative-Preferred"),
                     dsn(envid, box, mta="gateway.example"),                        # our own words
                     dsn(envid, box, "(oops"), dsn(envid, box, "(& (dpi=1) (dpi=2) )"),
                     dsn(envid, box).replace("Status", "Final-Recipient: rfc822;x@x\nStatus"),
                     dsn(envid, box).replace("report-type=delivery-status", "report-type=disposition-notification")):
            self.tell(text)
        self.acc.send("forger@far.example", [SENDER], dsn(envid, box))              # RFC 3461, 6.1: null reverse-path
        self.acc.send("", [SENDER], "Subject: no report\n\n" + dsn(envid, box))
        self.acc.wait_empty()
        self.learns(dsn(another, other, "(dpi=100)"), other, "(dpi=100)")           # behind all of them
        self.assertEqual(state(self.acc, box), ("none", "none"))
        self.learns(mdn(message_id, box, "(dpi=100)"), box, "(dpi=100)")            # it was no fault of the message's

    def test_too_late(self):
        envid, _ = self.issue("late@far.example")
        self.acc.step_clock(14 * DAY + 60)
        self.tell(dsn(envid, "late@far.example"))
        self.assertIn("too long after", self.acc.logged(1, event="not-learned", to="late@far.example")[0]["why"])
        self.assertEqual(state(self.acc, "late@far.example"), ("none", "none"))

    def test_owners_are_believed_more_and_all_is_purged(self):
        box = "owner@far.example"
        envid, _ = self.issue(box)
        self.acc.accord("caps", "set", box, "(dpi=500)")
        self.tell(dsn(envid, box, "(dpi=100)"))
        self.acc.logged(1, event="caps-learned", to=box)
        self.assertEqual((state(self.acc, box), known(self.acc, box)["expression"]), (("known", "own"), "(dpi=500)"))
        self.acc.accord("caps", "set", box, "none")
        self.assertEqual((state(self.acc, box), known(self.acc, box)["expression"]), (("known", "learned"), "(dpi=100)"))
        self.acc.accord("caps", "purge", box)
        self.assertEqual(state(self.acc, box), ("none", "none"))
        self.learns(dsn(envid, box, "(dpi=200)"), box, "(dpi=200)")
        self.acc.set("capsources", "learned\nown")
        self.assertIn(b"learned is asked before own", self.acc.accord("check").stderr)
        self.acc.set("capsources", SOURCES)

    def test_kills_and_restarts_keep_key_and_entries(self):
        box = "kept@far.example"
        envid, _ = self.issue(box)
        old = self.acc.kill("learn")
        wait_for(lambda: (self.acc.pids("learn") or [old])[0] != old)
        wait_for(lambda: self.issue("x@far.example")[0])
        self.learns(dsn(envid, box, "(dpi=100)"), box, "(dpi=100)")
        self.acc.crash()
        self.acc.start()
        self.assertEqual(state(self.acc, box), ("known", "learned"))
        self.learns(dsn(envid, box, "(dpi=200)"), box, "(dpi=200)")

    def test_without_learn_mail_flows(self):
        """It is stopped: what is sent has no tag, reports are delivered all the same, and read later."""
        envid, _ = self.issue("flow@far.example")
        pid = self.acc.pids("learn")[0]
        os.kill(pid, signal.SIGSTOP)
        try:
            self.assertIsNone(self.issue("flow@far.example")[0])
            before = len(self.acc.maildir("mail/sender"))
            self.acc.send("", [SENDER], dsn(envid, "flow@far.example", "(dpi=100)"))
            wait_for(lambda: len(self.acc.maildir("mail/sender")) == before + 1)
            self.acc.wait_empty()
        finally:
            os.kill(pid, signal.SIGCONT)
        wait_for(lambda: state(self.acc, "flow@far.example") == ("known", "learned"))

    def test_sendmail_too(self):
        def sent(head, *words):
            before = len(self.hop.messages)
            subprocess.run(["sendmail", "-H", self.acc.home, "-f", SENDER, *words], input=head + b"\nHello.\n",
                           check=True, executable=os.path.join(BIN, "accord"))
            m = wait_for(lambda: self.hop.messages[before:])[0]
            return (re.search(r" ENVID=(\S+)|$", m["mail"])[1],
                    re.search(rb"^Message-ID: <(\S+)@\S+>\r$", m["data"], re.M)[1].decode())
        envid, message_id = sent(b"To: sm@far.example, two@far.example\n", "-t")
        self.assertEqual(envid, message_id)
        self.learns(dsn(envid, "sm@far.example", "(dpi=100)"), "sm@far.example", "(dpi=100)")
        envid, message_id = sent(b"Message-ID: <mine@far.example>\n", "sm@far.example")
        self.assertEqual(message_id, "mine")
        self.learns(dsn(envid, "sm@far.example", "(dpi=200)"), "sm@far.example", "(dpi=200)")
        envid, message_id = sent(b"To: x\n", "-V", "my-own", "sm@far.example")
        self.assertEqual(envid, "my-own")
        self.learns(mdn(f"<{message_id}@gateway.example>", "sm@far.example", "(dpi=300)"), "sm@far.example", "(dpi=300)")

    def test_where_it_is_no_source_nothing_is_read(self):
        envid, _ = self.issue("off@far.example")
        try:
            self.acc.set("capsources", "cdb:caps.cdb\nown")
            self.acc.accord("reload")
            self.assertIsNone(self.issue("off@far.example")[0])
            before = self.read(), self.read("local")
            self.acc.send("", [SENDER], dsn(envid, "off@far.example"))
            self.acc.wait_empty()
            self.assertEqual((self.read(), self.read("local")), before)
        finally:
            self.acc.set("capsources", SOURCES)
            self.acc.accord("reload")
        self.assertEqual(state(self.acc, "off@far.example"), ("none", "none"))


if __name__ == "__main__":
    unittest.main()
