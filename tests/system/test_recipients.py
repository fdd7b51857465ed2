# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""Who there is: unknown recipients are refused at RCPT, here and in domains that are relayed and listed."""
import os
import signal
import unittest

from harness import Instance, Peer, wait_for

MESSAGE = b"Subject: x\r\n\r\nx\r\n"
RELAYED, OTHER, LOCAL, VIRTUAL = "relayed.example", "other.example", "gateway.example", "virtual.example"


class Recipients(unittest.TestCase):
    def instance(self, hop, **more):
        settings = {"locals": [LOCAL, VIRTUAL], "rcpthosts": [LOCAL, VIRTUAL, RELAYED, OTHER],
                    "relayclients": "192.0.2.1", "smtproutes": hop.route,
                    "mailboxes": [f"jo@{LOCAL} maildir:mail/jo", f"@{VIRTUAL} maildir:mail/virtual"],
                    "recipients": [f"{RELAYED} file:lists/relayed", f"{VIRTUAL} file:lists/virtual"], **more}
        acc = Instance(**settings)
        os.mkdir(os.path.join(acc.home, "lists"))
        self.list(acc, "relayed", "ann\nbob@relayed.example   # by its whole address\n")
        self.list(acc, "virtual", "vera\n")
        acc.own()
        return acc

    def list(self, acc, name, text):
        with open(os.path.join(acc.home, "lists", name), "w") as f:
            f.write(text)

    def rcpt(self, acc, *addresses):
        with acc.client() as c:
            c.ehlo()
            c.must("250", "MAIL FROM:<a@client.example>")
            return [c.cmd(f"RCPT TO:<{a}>")[0][:9] for a in addresses]

    def test_G4_unknown_recipients_are_refused_at_RCPT(self):
        with Peer() as hop, self.instance(hop) as acc:
            yes, no = "250 2.1.5", "550 5.1.1"
            self.assertEqual(self.rcpt(acc, f"jo@{LOCAL}", f"joe@{LOCAL}", f"JO+news@{LOCAL}", f"jo-news@{LOCAL}"),
                             [yes, no, yes, no])
            self.assertEqual(self.rcpt(acc, f"ann@{RELAYED}", f"Bob@{RELAYED}", f"carl@{RELAYED}",
                                       f"ann+x@{RELAYED}", f"who+x@{RELAYED}"), [yes, yes, no, yes, no])
            self.assertEqual(self.rcpt(acc, f"vera@{VIRTUAL}", f"ann@{VIRTUAL}"), [yes, no])
            self.assertEqual(self.rcpt(acc, f"whoever@{OTHER}"), [yes])     # nobody has listed them
            self.assertEqual(self.rcpt(acc, "postmaster", f"PostMaster@{LOCAL}", f"postmaster@{RELAYED}",
                                       f"POSTMASTER@{VIRTUAL}"), [yes] * 4)
            self.assertEqual(self.rcpt(acc, f"Abuse@{LOCAL}", f"NOC@{LOCAL}", f"security@{LOCAL}",
                                       f"abuse@{RELAYED}"), [yes, yes, yes, no])

    def test_what_was_taken_arrives(self):
        with Peer() as hop, self.instance(hop) as acc:
            acc.send("a@client.example", [f"jo+news@{LOCAL}", f"abuse@{LOCAL}", f"vera+x@{VIRTUAL}",
                                          f"Ann+X@{RELAYED}"], MESSAGE)
            acc.wait_empty()
            self.assertEqual([len(acc.maildir(f"mail/{m}")) for m in ("jo", "postmaster", "virtual")], [1, 1, 1])
            self.assertEqual(hop.said("RCPT"), ["RCPT TO:<Ann+X@relayed.example>"])     # G1: as it came

    def test_delimiters_are_a_setting(self):
        with Peer() as hop, self.instance(hop, recipientdelimiter="-") as acc:
            self.assertEqual(self.rcpt(acc, f"jo+news@{LOCAL}", f"jo-news@{LOCAL}", f"ann-x-y@{RELAYED}"),
                             ["550 5.1.1", "250 2.1.5", "250 2.1.5"])
            acc.set("recipientdelimiter", "none")
            acc.accord("reload")
            self.assertEqual(self.rcpt(acc, f"jo-news@{LOCAL}"), ["550 5.1.1"])

    def test_a_reload_reads_the_lists_anew(self):
        with Peer() as hop, self.instance(hop) as acc:
            self.list(acc, "relayed", "carl\n")
            self.assertEqual(self.rcpt(acc, f"carl@{RELAYED}", f"ann@{RELAYED}"), ["550 5.1.1", "250 2.1.5"])
            acc.accord("reload")
            self.assertEqual(self.rcpt(acc, f"carl@{RELAYED}", f"ann@{RELAYED}"), ["250 2.1.5", "550 5.1.1"])
            # a wrong list keeps the one in force
            self.list(acc, "relayed", "dora\ntwo words\n")
            r = acc.accord("reload", check=False)
            self.assertIn("recipients:1: lists/relayed:2: expected an address", r.stderr.decode())
            self.assertIn("lists/relayed:2: expected an address", acc.accord("check", check=False).stderr.decode())
            self.assertEqual(self.rcpt(acc, f"carl@{RELAYED}", f"dora@{RELAYED}"), ["250 2.1.5", "550 5.1.1"])
            # and a capd that starts anew has it too
            acc.kill("capd")
            wait_for(lambda: self.rcpt(acc, f"carl@{RELAYED}") == ["250 2.1.5"])
            self.assertEqual(self.rcpt(acc, f"dora@{RELAYED}"), ["550 5.1.1"])

    def test_who_cannot_be_looked_up_is_neither_taken_nor_refused(self):
        with Peer() as hop, self.instance(hop) as acc:
            pid = acc.kill("capd", signal.SIGSTOP)
            try:
                self.assertEqual(self.rcpt(acc, f"ann@{RELAYED}", f"whoever@{OTHER}"), ["451 4.3.0", "250 2.1.5"])
            finally:
                os.kill(pid, signal.SIGCONT)


if __name__ == "__main__":
    unittest.main()
