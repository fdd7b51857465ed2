# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""What reports teach (accord-learn): a next hop that is not accord answers mail that was issued here with a DSN or an
MDN that has Media-Accept-Features; forged ones, and what must not be kept, teach nothing."""
import os
import re
import struct
import time
import unittest

import fax
from harness import DATA, Instance, Peer, Shared, wait_for
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

    def tell(self, text, sender=""):
        """The report comes, and has been read."""
        before = self.read()
        self.acc.send(sender, [SENDER], text)
        if sender == "":
            wait_for(lambda: self.read() > before)

    def read(self):
        figures = self.acc.accord("stat", "--prometheus").stdout.decode()
        return float(re.search(r"^accord_learn_reports_total\S* (\d+)", figures, re.M)[1])

    def test_a_dsn_teaches(self):
        envid, message_id = self.issue("dsn@far.example")
        self.assertEqual(message_id, f"<{envid}@gateway.example>")
        self.tell(dsn(envid, "dsn@far.example"))
        wait_for(lambda: state(self.acc, "dsn@far.example") == ("known", "learned"))


if __name__ == "__main__":
    unittest.main()
