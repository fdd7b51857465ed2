# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""What a relay tells the next hop of delivery reports, and when it makes them itself: RFC 3461, 5.2.1
and 5.2.2, row by row, judged by the hop's transcript."""
import itertools
import unittest

from harness import Instance, Peer, wait_for

SENDER = "postmaster@gateway.example"
TEXT = "From: <a@client.example>\nTo: <b@far.example>\nSubject: a line\nMessage-ID: <1@client.example>\n\nthe body\n"
PLAIN = ["PIPELINING", "ENHANCEDSTATUSCODES"]
DSN = PLAIN + ["DSN"]
WORDS = ["SUCCESS", "FAILURE", "DELAY"]
NOTIFY = ["", " NOTIFY=NEVER"] + [" NOTIFY=" + ",".join(c) for n in (1, 2, 3) for c in itertools.combinations(WORDS, n)]


class Hop(unittest.TestCase):
    def run_one(self, ext, mail="", rcpt="", to=("b@far.example",), on=None, sender=SENDER):
        """One message; the hop's commands without what is the same in all, and the report or None."""
        with Peer(ext=ext, on=on) as hop, Instance(smtproutes=hop.route) as acc:
            acc.send(sender, to, TEXT, mail, rcpt)
            acc.wait_empty()
            acc.wait_empty()        # a report may be in a folder that was looked at before
            reports = acc.maildir()
            self.assertLessEqual(len(reports), 1)
            hop.taken = [m for m in hop.messages if m["rcpt"]]
            said = [l.partition(">")[2] for l in hop.said("MAIL") + hop.said("RCPT")]
            return hop, said, reports[0] if reports else None


class Relay(Hop):
    def test_H5_G17_521_parameters_go_on_with_the_same_values(self):
        """(a) ENVID, (b) RET, (c) NOTIFY, (d) ORCPT: there if they were given, in every octet."""
        for mail, rcpt in (("", ""), (" ENVID=Ab+2BcD", " ORCPT=rfc822;B.Original+2B@Far.Example"),
                           (" RET=FULL", " ORCPT=X400;/S+3DAa/"), (" RET=HDRS", "")):
            with self.subTest(mail=mail, rcpt=rcpt):
                _, said, report = self.run_one(DSN, mail, rcpt)
                self.assertEqual(said, [mail, rcpt])
                self.assertIsNone(report)
        for rcpt in NOTIFY:
            with self.subTest(rcpt=rcpt):
                _, said, report = self.run_one(DSN, "", rcpt)
                self.assertEqual(said, ["", rcpt])
                self.assertIsNone(report)       # the hop tells of success

    def test_521_each_recipient_has_its_own(self):
        with Peer(ext=DSN) as hop, Instance(smtproutes=hop.route) as acc:
            with acc.client() as c:
                c.ehlo()
                c.must("250", f"MAIL FROM:<{SENDER}> RET=HDRS ENVID=QQ314159")
                for to, more in (("b", " NOTIFY=NEVER"), ("c", " ORCPT=rfc822;c@old.example"), ("d", "")):
                    c.must("250", f"RCPT TO:<{to}@far.example>{more}")
                c.must("354", "DATA")
                c.must("250", data=b"A: b\r\n\r\n.\r\n")
            acc.wait_empty()
            self.assertEqual(hop.said("RCPT"), ["RCPT TO:<b@far.example> NOTIFY=NEVER",
                                                "RCPT TO:<c@far.example> ORCPT=rfc822;c@old.example",
                                                "RCPT TO:<d@far.example>"])

    def test_G17_522_a_hop_without_DSN(self):
        """(a) no parameter goes; (b) success asked: relayed; (d), (e) never or not asked: nothing."""
        for rcpt in NOTIFY:
            with self.subTest(rcpt):
                _, said, report = self.run_one(PLAIN, " RET=HDRS ENVID=QQ314159", rcpt + " ORCPT=rfc822;b@old.example")
                self.assertEqual(said, ["", ""])
                self.assertEqual(report is not None, "SUCCESS" in rcpt)
                if report is not None:
                    self.assertIn(b"Action: relayed", report)
                    self.assertIn(b"Original-Envelope-Id: QQ314159", report)
                    self.assertIn(b"Original-Recipient: rfc822;b@old.example", report)

    def test_522_refused_recipients(self):
        """(c) failure asked, (f) nothing said: failed; (d) never, or other words: nothing (5.2.6)."""
        for ext in (PLAIN, DSN):
            for rcpt in NOTIFY:
                with self.subTest(ext=ext, rcpt=rcpt):
                    _, _, report = self.run_one(ext, "", rcpt, on={"RCPT": lambda s, l: "550 5.1.1 no such user"})
                    self.assertEqual(report is not None, rcpt == "" or "FAILURE" in rcpt)
                    if report is not None:
                        self.assertIn(b"Action: failed", report)

    def test_522_success_is_of_the_whole_message(self):
        """250 to RCPT is not acceptance: refused at the end of the data, it failed and was not relayed."""
        _, _, report = self.run_one(PLAIN, "", " NOTIFY=SUCCESS,FAILURE", on={"EOD": lambda s, b: "554 5.6.0 no"})
        self.assertIn(b"Action: failed", report)
        self.assertNotIn(b"Action: relayed", report)

    def test_a_null_sender_gets_no_relayed_report(self):
        _, _, report = self.run_one(PLAIN, "", " NOTIFY=SUCCESS", sender="")
        self.assertIsNone(report)


class Refusing(Hop):
    """A hop that offers DSN and does not know its parameters is one without DSN (RFC 5321, 4.1.1.11)."""

    def refusing(self, verb, code):
        return {verb: lambda s, l: f"{code} 5.5.4 what is that" if "=" in l else None}

    def test_MAIL(self):
        for code in ("555", "504", "501"):
            hop, said, report = self.run_one(DSN, " ENVID=e", " NOTIFY=SUCCESS", on=self.refusing("MAIL", code))
            self.assertEqual([l.partition(">")[2] for l in hop.said("MAIL")], [" ENVID=e", ""])
            self.assertEqual(hop.said("RCPT")[-1], "RCPT TO:<b@far.example>")
            self.assertIn(b"Action: relayed", report)
            self.assertEqual(len(hop.taken), 1)

    def test_RCPT(self):
        for ext in (DSN, DSN[1:]):
            for code in ("555", "504", "501"):
                hop, said, report = self.run_one(ext, "", " NOTIFY=SUCCESS", on=self.refusing("RCPT", code))
                self.assertEqual(said[-2:], [" NOTIFY=SUCCESS", ""])
                self.assertIn(b"Action: relayed", report)
                self.assertEqual(len(hop.taken), 1)

    def test_one_of_several(self):
        """504, 555 over one recipient must not lose the others, nor their parameters."""
        on = {"RCPT": lambda s, l: "555 5.5.4 what" if "<b@" in l and "=" in l else None}
        hop, said, report = self.run_one(DSN, "", " NOTIFY=SUCCESS", to=["b@far.example", "c@far.example"], on=on)
        self.assertEqual(sorted(sum((m["rcpt"] for m in hop.messages), [])),
                         ["RCPT TO:<b@far.example>", "RCPT TO:<c@far.example> NOTIFY=SUCCESS"])
        self.assertIn(b"Final-Recipient: rfc822;b@far.example", report.replace(b"; ", b";"))
        self.assertNotIn(b"c@far.example", report)

    def test_other_codes_are_the_recipient_s(self):
        hop, said, report = self.run_one(DSN, "", " NOTIFY=FAILURE", on=self.refusing("RCPT", "550"))
        self.assertEqual(len(hop.said("RCPT")), 1)
        self.assertIn(b"Action: failed", report)

    def test_a_recipient_that_is_refused_all_the_same(self):
        on = {"RCPT": lambda s, l: "501 5.1.3 no such address"}
        hop, said, report = self.run_one(DSN, "", " NOTIFY=FAILURE", on=on)
        self.assertEqual(said[-1], "")
        self.assertEqual(len(hop.said("RCPT")), 2)
        self.assertIn(b"Action: failed", report)

    def test_MAIL_refused_though_nothing_was_said(self):
        hop, _, report = self.run_one(DSN, on={"MAIL": lambda s, l: "555 5.5.4 no"})
        self.assertEqual(len(hop.said("MAIL")), 1)
        self.assertIn(b"Action: failed", report)

    def test_a_hop_that_hangs_up_with_it(self):
        """Its word counts in the next session too, so this ends."""
        gone = []

        def mail(session, line):
            if "ENVID" in line:
                gone.append(line)
                return "555 5.5.4 what"
            return None

        def rset(session, line):
            return False
        hop, said, report = self.run_one(DSN, " ENVID=e", " NOTIFY=SUCCESS", on={"MAIL": mail, "RSET": rset})
        self.assertEqual(len(gone), 1)
        self.assertEqual(len(hop.taken), 1)
        self.assertIn(b"Action: relayed", report)


class Keeps(Hop):
    def test_BODY_goes_on(self):
        """RFC 6152: declared or not, what has 8-bit octets is called so, and what was called so too."""
        for mail, body, want in ((" BODY=8BITMIME", "x", " BODY=8BITMIME"), ("", "\u00fc", " BODY=8BITMIME"),
                                 (" BODY=7BIT", "x", ""), ("", "x", "")):
            with self.subTest(mail=mail, body=body), Peer(ext=["8BITMIME"]) as hop, \
                    Instance(smtproutes=hop.route) as acc:
                acc.send(SENDER, ["b@far.example"], TEXT + body + "\n", mail)
                wait_for(lambda: hop.messages)
                self.assertEqual(hop.said("MAIL"), [f"MAIL FROM:<{SENDER}>{want}"])
                acc.wait_empty()

    def test_source_routes_go(self):
        with Peer() as hop, Instance(smtproutes=hop.route) as acc:
            acc.send(f"@x.example,@y.example:{SENDER}", ["@z.example:b@far.example"], TEXT)
            wait_for(lambda: hop.messages)
            self.assertTrue(hop.said("MAIL")[0].startswith(f"MAIL FROM:<{SENDER}>"))
            self.assertEqual(hop.said("RCPT"), ["RCPT TO:<b@far.example>"])
            acc.wait_empty()


if __name__ == "__main__":
    unittest.main()
