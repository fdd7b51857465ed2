# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""How soon mail is wanted: MT-PRIORITY (RFC 6710) and DELIVERBY (RFC 2852), from the client to the next hop and back."""
import re
import unittest

from harness import Client, Instance, Peer, Shared, free_port, wait_for

EXT = ("PIPELINING", "8BITMIME", "SIZE 0", "ENHANCEDSTATUSCODES")
SENDER = "postmaster@gateway.example"


class Haste(Shared):
    @classmethod
    def setUpClass(cls):

        def rcpt(session, line):
            if "nobody@" in line:
                return "550 5.1.1 nobody"
            return "450 4.2.1 later" if "later@" in line else None
        cls.hops = {"plain": cls.share(Peer(ext=EXT + ("DSN",), on={"RCPT": rcpt})),
                    "bare": cls.share(Peer(ext=EXT, on={"RCPT": rcpt})),
                    "able": cls.share(Peer(ext=EXT + ("DSN", "MT-PRIORITY", "DELIVERBY"), on={"RCPT": rcpt})),
                    "slow": cls.share(Peer(ext=EXT + ("DELIVERBY 240",)))}
        cls.outside = free_port()
        cls.acc = Instance(smtproutes=[f"{n}.example:[127.0.0.1]:{h.port}" for n, h in cls.hops.items()],
                           mailboxes=f"{SENDER} maildir:mail/postmaster", rcpthosts=["gateway.example", "able.example"])
        cls.acc.set("listen", [f"127.0.0.1:{cls.acc.port}", f"127.0.0.1:{cls.outside} norelay"])
        cls.share(cls.acc)

    def send(self, to, mail="", rcpt=""):
        reply = self.acc.send(SENDER, [to], "Subject: x\n\nHello.\n", mail=mail, rcpt=rcpt)
        return re.search(r"[0-9a-v]{16}", reply[-1])[0]

    def said(self, ident):
        """The MAIL and RCPT that a hop heard of that message, once it has it, and its header."""
        return wait_for(lambda: [(m["mail"], m["rcpt"][0], m["data"]) for h in self.hops.values() for m in h.messages
                                 if ident.encode() in m["data"]])[0]

    def reports(self, ident):
        return [m for m in self.acc.maildir() if f"X-Accord-Queue-ID: {ident}".encode() in m]

    def report(self, ident, count=1):
        found = wait_for(lambda: len(r := self.reports(ident)) >= count and r)
        self.assertEqual(len(found), count)
        return found[-1].decode()

    # RFC 6710

    def test_priority_is_for_who_may_send_anywhere(self):
        with self.acc.client() as c:
            self.assertIn("MT-PRIORITY MIXER", c.ehlo())
            for param in ("MT-PRIORITY=10", "MT-PRIORITY=-0", "MT-PRIORITY=+1", "MT-PRIORITY"):
                self.assertTrue(c.cmd(f"MAIL FROM:<a@x.example> {param}")[0].startswith("501 5.5.2 "), param)
            c.must("501 5.5.4", "MAIL FROM:<a@x.example> MT-PRIORITY=1 MT-PRIORITY=1")
        with Client(self.outside) as c:
            self.assertFalse([w for w in c.ehlo() if "PRIORITY" in w])
            c.must("555 5.5.4", "MAIL FROM:<a@x.example> MT-PRIORITY=1")

    def test_priority_goes_on_as_it_is(self):
        for value in (5, -9):
            mail, _, data = self.said(self.send("b@able.example", f" MT-PRIORITY={value}"))
            self.assertIn(f" MT-PRIORITY={value}", mail)
            self.assertRegex(data.decode(), rf"\r\n\tby gateway\.example with ESMTP id [0-9a-v]+ PRIORITY {value};\r\n\t")
        mail, _, data = self.said(self.send("b@able.example"))
        self.assertIn(" MT-PRIORITY=0", mail)           # 4.2: what was determined MUST be said
        self.assertNotIn(b"PRIORITY", data)
        mail, _, _ = self.said(self.send("b@plain.example", " MT-PRIORITY=5"))
        self.assertNotIn("PRIORITY", mail)
        self.assertTrue(self.acc.logged(1, event="accepted", priority="-9"))

    def test_reports_have_the_priority_of_what_they_are_about(self):
        ident = self.send("nobody@able.example", " MT-PRIORITY=7")
        self.report(ident)
        with self.acc.client() as c:                    # of somebody elsewhere, whose report is relayed
            c.ehlo()
            c.must("250", "MAIL FROM:<far@able.example> MT-PRIORITY=7")
            c.must("250", "RCPT TO:<nobody@able.example>")
            c.must("354", "DATA")
            c.must("250", data="Subject: x\r\n\r\nx\r\n.\r\n")
        hop = self.hops["able"]
        got = wait_for(lambda: [m for m in hop.messages if m["mail"].startswith("MAIL FROM:<>")])[0]
        self.assertIn(" MT-PRIORITY=7", got["mail"])

    def test_it_is_shown(self):
        ident = self.send("later@able.example", " MT-PRIORITY=-4 BY=3600;NT")
        text = self.acc.accord("queue", "show", ident).stdout.decode()
        self.assertRegex(text, r"\npriority: -4\n")
        self.assertRegex(text, r"\ndeliver_by: \d{4}-\d\d-\d\dT")
        self.assertRegex(text, r"\nby_mode: notify\nby_trace\n")
        self.acc.logged(1, event="deliver", id=ident)   # and is with nobody, soon
        wait_for(lambda: self.acc.accord("queue", "remove", ident, check=False).returncode == 0)

    # RFC 2852

    def test_by_is_read(self):
        with self.acc.client() as c:
            self.assertIn("DELIVERBY", c.ehlo())
            for param in ("BY=0;R", "BY=-5;R", "BY=5", "BY=5;X", "BY", "BY=1234567890;N", "BY=5;N BY=5;N"):
                self.assertTrue(c.cmd(f"MAIL FROM:<a@x.example> {param}")[0].startswith("501 5.5.4 "), param)
        with self.acc.client() as c:
            c.must("250", "HELO x.example")
            c.must("555 5.5.4", "MAIL FROM:<a@x.example> BY=5;N")

    def test_what_is_left_of_the_time_goes_on(self):
        mail, _, _ = self.said(self.send("b@able.example", " BY=3600;R"))
        left = int(re.search(r" BY=(\d+);R( |$)", mail)[1])
        self.assertTrue(3590 < left <= 3600, mail)
        mail, _, _ = self.said(self.send("b@able.example", " BY=-100;n"))
        left = int(re.search(r" BY=-(\d+);N( |$)", mail)[1])
        self.assertTrue(100 <= left < 110, mail)
        self.assertEqual(self.said(self.send("b@able.example", " BY=+100;Rt"))[0].split(";")[1].split()[0], "RT")

    def test_return_where_a_hop_does_not_take_it_on(self):
        """It is not given to who offers nothing, or wants more time; and nobody else is asked (7)."""
        for to, why in (("b@plain.example", "does not offer DELIVERBY"), ("b@slow.example", "wants 240 at least")):
            ident = self.send(to, " BY=100;R")
            text = self.report(ident)
            self.assertIn("\nAction: failed\n", text)
            self.assertIn("\nStatus: 5.3.3\n", text)
            self.assertRegex(text.replace("\n ", " "), why)
            self.assertRegex(text, r"\nArrival-Date: .*\n(.*\n)*?Deliver-By-Date: ")
        self.assertFalse([m for m in self.hops["plain"].said("MAIL") if "BY=" in m])
        self.said(self.send("b@slow.example", " BY=1000;R"))

    def test_notify_to_a_hop_that_knows_nothing_of_it(self):
        ident = self.send("b@plain.example", " BY=3600;N")
        mail, rcpt, _ = self.said(ident)
        self.assertNotIn("BY=", mail)
        self.assertIn(" NOTIFY=FAILURE,DELAY", rcpt)
        self.assertIn("\nAction: relayed\n", self.report(ident))
        ident = self.send("b@plain.example", " BY=3600;N", " NOTIFY=SUCCESS")
        self.assertIn(" NOTIFY=SUCCESS,DELAY", self.said(ident)[1])
        self.assertIn("\nAction: relayed\n", self.report(ident))
        ident = self.send("b@bare.example", " BY=3600;N", " NOTIFY=FAILURE")
        self.assertIn("\nAction: relayed\n", self.report(ident))
        for mail, rcpt in ((" BY=3600;N", " NOTIFY=NEVER"), (" BY=3600;NT", " NOTIFY=NEVER"), ("", "")):
            ident = self.send("b@plain.example", mail, rcpt)
            self.said(ident)
            self.acc.wait_empty()
            self.assertFalse(self.reports(ident))
        ident = self.send("b@able.example", " BY=3600;N")       # it knows
        self.said(ident)
        self.acc.wait_empty()
        self.assertFalse(self.reports(ident))

    def test_trace(self):
        ident = self.send("b@able.example", " BY=3600;NT", " NOTIFY=FAILURE")
        self.said(ident)
        text = self.report(ident)
        self.assertIn("\nAction: relayed\n", text)
        self.assertNotIn("sends no report", " ".join(text.split()))     # this one does
        self.assertIn("you wanted it traced", " ".join(text.split()))


class Time(unittest.TestCase):
    """The clock is moved."""

    def test_return_when_the_time_is_over(self):
        with Peer(ext=EXT + ("DELIVERBY",), on={"RCPT": lambda s, l: "450 4.2.1 try later"}) as hop, Instance(
                smtproutes=hop.route, retryfirst="20") as acc:
            acc.send(SENDER, ["b@far.example"], "Subject: x\n\nx\n", mail=" BY=600;R")
            acc.send(SENDER, ["c@far.example"], "Subject: x\n\nx\n", mail=" BY=600;R", rcpt=" NOTIFY=NEVER")
            wait_for(lambda: len(hop.said("RCPT")) == 2)
            acc.step_clock(570)
            acc.kill("qmgr")                    # who reads it anew gives no grace
            wait_for(lambda: len(hop.said("RCPT")) >= 4)
            acc.step_clock(31)
            report = wait_for(acc.maildir)[0].decode()
            self.assertIn("\nAction: failed\n", report)
            self.assertIn("\nStatus: 5.4.7\n", report)
            self.assertIn("delivery time expired", report.replace("\n ", " "))
            self.assertIn("\nDeliver-By-Date: ", report)
            acc.wait_empty()
            self.assertEqual(len(acc.maildir()), 1)
            before = len(hop.said("RCPT"))
            acc.step_clock(3600)
            self.assertEqual(len(hop.said("RCPT")), before)

    def test_notify_when_the_time_is_over(self):
        with Peer(ext=EXT + ("DELIVERBY",), on={"RCPT": lambda s, l: "450 4.2.1 try later"}) as hop, Instance(
                smtproutes=hop.route, delaywarning="0") as acc:
            for to, rcpt in (("b", ""), ("c", " NOTIFY=FAILURE"), ("d", " NOTIFY=DELAY"), ("e", " NOTIFY=NEVER")):
                acc.send(SENDER, [f"{to}@far.example"], "Subject: x\n\nx\n", mail=" BY=600;N", rcpt=rcpt)
            wait_for(lambda: len(hop.said("RCPT")) == 4)
            self.assertFalse(acc.maildir())
            acc.step_clock(601)
            wait_for(lambda: len(acc.maildir()) == 2)
            for report in acc.maildir():
                report = report.decode()
                self.assertIn("\nAction: delayed\n", report)
                self.assertIn("\nStatus: 4.4.7\n", report)
                self.assertRegex(report, r"\nFinal-Recipient: rfc822;\s*[bd]@far.example\n")
                self.assertIn("\nDeliver-By-Date: ", report)
            wait_for(lambda: not [q for q in acc.queue() if q["sender"] == ""])
            for role in ("bounce", "qmgr"):     # once; the first would know that it has told of it
                acc.kill(role)
                wait_for(lambda: acc.pids(role))
            acc.step_clock(7200)
            wait_for(lambda: len(hop.said("RCPT")) >= 8)
            acc.send("a@x.example", [SENDER], "Subject: last\n\nx\n")
            wait_for(lambda: [m for m in acc.maildir() if b"Subject: last" in m])
            self.assertEqual(len(acc.maildir()), 3)
            self.assertEqual(len(acc.queue()), 4)


if __name__ == "__main__":
    unittest.main()
