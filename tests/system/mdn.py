# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""A strict reader of disposition notifications: what RFC 8098, 3834, 6522 and 2530 demand of each is checked on its
octets, whatever else a test asks of it."""
import email
import email.policy
import email.utils
import re

import rfc2533
from dsn import ATOM, fields_of, need, split_parts, typed

# RFC 8098, 3.1: in the order of its grammar; True: it must be there.
FIELDS = [("reporting-ua", False), ("mdn-gateway", False), ("original-recipient", False), ("final-recipient", True),
          ("original-message-id", False), ("disposition", True)]
DISPOSITION = re.compile(r"(manual-action|automatic-action)/(MDN-sent-manually|MDN-sent-automatically); *"
                         r"(displayed|deleted|dispatched|processed)(?:/([a-zA-Z-]+(?:,[a-zA-Z-]+)*))?\Z")
ID = re.compile(r"<[^<>\s@]+@[^<>\s@]+>\Z")


class Notification:
    """The one in the octets of a message; with .mail and .rcpt, its envelope, as a Peer took it."""

    def __init__(self, data, mail, rcpt):
        need(data.endswith(b"\r\n") and not re.search(rb"[^\r]\n|\r[^\n]|\0|[\x80-\xff]", data), "octets")
        need(max(len(line) for line in data.split(b"\r\n")) <= 998, "line length")
        self.message = m = email.message_from_bytes(data, policy=email.policy.compat32)
        for name in ("From", "To", "Date", "Subject", "Message-ID", "MIME-Version", "Content-Type", "In-Reply-To"):
            need(len(m.get_all(name, [])) == 1, f"{name}: {m.get_all(name)}")
        need(m.get_content_type() == "multipart/report" and m.get_param("report-type") == "disposition-notification",
             m["Content-Type"])
        need(m["Auto-Submitted"] == "auto-replied", "Auto-Submitted (RFC 3834, 3.1.7)")
        need(ID.match(m["Message-ID"]) and m["Message-ID"] != m["In-Reply-To"], m["Message-ID"])
        parts = split_parts(data, m.get_boundary())
        kinds = [p.get_content_type() for p in m.get_payload()]
        need(kinds[:2] == ["text/plain", "message/disposition-notification"] and len(parts) == len(kinds) <= 3, kinds)
        body = parts[1].partition(b"\r\n\r\n")[2].decode("ascii")
        lines = body.split("\r\n")
        need(lines[-1] == "" and all(lines[:-1]), "one group of fields")
        found = fields_of(lines[:-1])
        names = [n for n, _ in found]
        known = [n for n, _ in FIELDS]
        need(len(set(names)) == len(names), f"a field twice: {names}")
        need([n for n in names if n in known] == [n for n in known if n in names], f"their order: {names}")
        need(all(n in names for n, must in FIELDS if must), f"what must be there: {names}")
        need(all(n in known + ["media-accept-features"] for n in names), f"a field that nobody knows: {names}")
        self.fields = dict(found)
        self.final = typed(self.fields["final-recipient"], ["rfc822"])[1]
        self.original = self.fields.get("original-recipient")
        self.of = self.fields["original-message-id"]
        need(ID.match(self.of) and m["In-Reply-To"] == self.of, self.of)
        need(re.match(rf"{ATOM}", self.fields.get("reporting-ua", "x")), "Reporting-UA")
        d = DISPOSITION.match(self.fields["disposition"])
        need(d and d[1] == "automatic-action" and d[2] == "MDN-sent-automatically", self.fields["disposition"])
        self.disposition = d[3], d[4]
        self.takes = self.fields.get("media-accept-features")
        if self.takes is not None:
            rfc2533.parse(self.takes)
        # RFC 8098, 3: from the recipient, to whom it was asked to be sent, of nobody
        need(email.utils.parseaddr(m["From"])[1] == self.final, m["From"])
        need(re.match(r"MAIL FROM:<>( |\Z)", mail) and "CONPERM" not in mail, mail)
        need(len(rcpt) == 1 and re.match(rf"RCPT TO:{re.escape('<' + email.utils.parseaddr(m['To'])[1] + '>')}"
                                         r"( NOTIFY=NEVER)?\Z", rcpt[0]), (rcpt, m["To"]))
