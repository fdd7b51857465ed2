# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""A strict reader of delivery reports: what RFC 3461, 3464, 6522 and 3834 demand of each is checked on
its octets, so that whatever a test asks of a report, its form is judged too."""
import email
import email.policy
import email.utils
import re

ATOM = r"[^\x00-\x20()<>@,;:\\\".\[\]\x7f-\xff]+"
TYPED = re.compile(rf"({ATOM}); *([\x20-\x7e]+)\Z")
DATE = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), ([1-9]|[12]\d|3[01]) "
                  r"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d [+-]\d{4}\Z")
STATUS = re.compile(r"[245]\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\Z")
DNS = re.compile(r"([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*|"
                 r"\[\d{1,3}(\.\d{1,3}){3}\]|\[IPv6:[0-9A-Fa-f:.]+\])( \([^()\\]*\))?\Z")
REPLY = re.compile(r"[2-5]\d\d([ -]|\Z)")
# In the order of the grammar (RFC 3464, appendix A); True: it must be there.
MESSAGE = [("original-envelope-id", False), ("reporting-mta", True), ("dsn-gateway", False),
           ("received-from-mta", False), ("arrival-date", False)]
RECIPIENT = [("original-recipient", False), ("final-recipient", True), ("action", True), ("status", True),
             ("remote-mta", False), ("diagnostic-code", False), ("last-attempt-date", False),
             ("final-log-id", False), ("will-retry-until", False)]
EXTENSIONS = ("media-accept-features",)      # RFC 2530, 3; once
CLASSES = {"failed": "45", "delayed": "4", "delivered": "2", "relayed": "2", "expanded": "2"}


class Wrong(AssertionError):
    pass


def need(fact, what):
    if not fact:
        raise Wrong(what)


def fields_of(group):
    """[(name, value)] of a group of lines, unfolded as RFC 822 has it."""
    found = []
    for line in group:
        need(len(line) <= 998, f"a line of {len(line)} octets")
        if line[:1] in " \t":
            need(found, f"a continuation of nothing: {line!r}")
            need(line.strip(), "a continuation that is empty")
            found[-1] = (found[-1][0], found[-1][1] + line)
            continue
        name, colon, value = line.partition(":")
        need(colon and re.fullmatch(ATOM, name), f"no field: {line!r}")
        found.append((name.lower(), value))
    return [(n, v.strip(" ")) for n, v in found]


def ordered(fields, grammar, what):
    names = [n for n, _ in grammar]
    known = [n for n, _ in fields if n in names]
    need(known == sorted(set(known), key=names.index), f"{what}: order or repetition: {known}")
    for name, must in grammar:
        need(not must or name in known, f"{what}: no {name}")
    for name, _ in fields:
        need(name in names or name.startswith("x-") or what == "recipient" and name in EXTENSIONS,
             f"{what}: unknown field {name}")
    for name in EXTENSIONS:
        need([n for n, _ in fields].count(name) <= 1, f"{what}: {name} twice")
    extra = [n in names for n, _ in fields]
    need(extra == sorted(extra, reverse=True), f"{what}: extension fields come last")
    return dict(fields)


def typed(value, types=None):
    m = TYPED.match(value)
    need(m, f"not type; text: {value!r}")
    need(types is None or m.group(1).lower() in types, f"type {m.group(1)}")
    return m.group(1).lower(), m.group(2)


def date(value):
    need(DATE.match(value), f"no date: {value!r}")
    return email.utils.parsedate_to_datetime(value)


def check_message(f):
    need(typed(f["reporting-mta"])[0] == "dns" and DNS.match(typed(f["reporting-mta"])[1]), f)
    if "received-from-mta" in f:
        need(DNS.match(typed(f["received-from-mta"], ["dns"])[1]), f["received-from-mta"])
    if "arrival-date" in f:
        date(f["arrival-date"])


def check_recipient(f):
    action = f["action"].lower()
    need(action in CLASSES, f"action {action}")
    need(STATUS.match(f["status"]) and f["status"][0] in CLASSES[action], f"{action} {f['status']}")
    typed(f["final-recipient"], ["rfc822", "utf-8"])
    if "original-recipient" in f:
        typed(f["original-recipient"])
    if "remote-mta" in f:
        need(DNS.match(typed(f["remote-mta"], ["dns"])[1]), f["remote-mta"])
        need("diagnostic-code" in f, "Remote-MTA without Diagnostic-Code (RFC 3461, 6.3 h and i)")
    if "diagnostic-code" in f:
        kind, text = typed(f["diagnostic-code"], ["smtp", "x-accord"])
        need(kind != "smtp" or REPLY.match(text), f["diagnostic-code"])
    need(action not in ("failed", "delayed") or "diagnostic-code" in f, "a failure without its diagnosis")
    for name in ("last-attempt-date", "will-retry-until"):
        if name in f:
            date(f[name])
    need("will-retry-until" not in f or action == "delayed", "Will-Retry-Until with " + action)


def split_parts(data, boundary):
    """The octets of each body part, by the boundary alone (RFC 2046, 5.1.1)."""
    lines = b"\r\n" + data.split(b"\r\n\r\n", 1)[1]
    mark = b"\r\n--" + boundary.encode()
    need(lines.count(mark) == lines.count(mark + b"\r\n") + 1 and lines.endswith(mark + b"--\r\n"),
         "boundaries")
    return [p[2:] for p in lines[:-len(mark) - 4].split(mark)[1:]]


class Report:
    """The report in the octets of a message; with .mail and .rcpt, its envelope, if a Peer took it."""

    def __init__(self, data, mail=None, rcpt=None):
        need(data.endswith(b"\r\n") and not re.search(rb"[^\r]\n|\r[^\n]|\0", data), "line ends")
        need(max(len(l) for l in data.split(b"\r\n")) <= 998, "line length")
        self.data, self.mail, self.rcpt = data, mail, rcpt
        self.message = m = email.message_from_bytes(data, policy=email.policy.compat32)
        self.check_header(m)
        self.parts = split_parts(data, m.get_boundary())
        need(len(self.parts) == 3, f"{len(self.parts)} parts")
        kinds = [p.get_content_type() for p in m.get_payload()]
        need(kinds[:2] == ["text/plain", "message/delivery-status"], kinds)
        need(kinds[2] in ("text/rfc822-headers", "message/rfc822", "message/global-headers"), kinds)
        self.returned_kind = kinds[2]
        self.words = self.text_of(0)
        self.read_status()
        self.check_eight()
        if mail is not None:
            self.check_envelope()

    def check_header(self, m):
        for name in ("From", "To", "Date", "Subject", "Message-ID", "MIME-Version", "Content-Type"):
            need(len(m.get_all(name, [])) == 1, f"{name}: {m.get_all(name)}")
        date(m["Date"])
        need(m["MIME-Version"] == "1.0", "MIME-Version")
        need(m.get_content_type() == "multipart/report", m.get_content_type())
        need(m.get_param("report-type") == "delivery-status", "report-type")
        need(m["Auto-Submitted"] == "auto-replied", "Auto-Submitted (RFC 3834, 3.1.7)")
        need(re.match(r"<[^<>\s@]+@[^<>\s@]+>\Z", m["Message-ID"]), m["Message-ID"])
        need(email.utils.parseaddr(m["From"])[1].startswith("postmaster@"), "From: a person (RFC 3464, 2)")

    def text_of(self, n):
        head, _, body = self.parts[n].partition(b"\r\n\r\n")
        need(b"encoding" not in head.lower() or n == 2, "an encoded part")
        need(n == 2 or all(c < 0x80 for c in self.parts[n]), f"8-bit octets in part {n}")
        return body.decode("ascii") if n < 2 else body

    def read_status(self):
        groups, now = [], []
        for line in self.text_of(1).split("\r\n"):
            if line:
                now.append(line)
            elif now:
                groups.append(now)
                now = []
        groups += [now] if now else []
        need(len(groups) >= 2, "no recipient")
        self.fields = ordered(fields_of(groups[0]), MESSAGE, "message")
        check_message(self.fields)
        self.recipients = [ordered(fields_of(g), RECIPIENT, "recipient") for g in groups[1:]]
        for f in self.recipients:
            check_recipient(f)

    def check_eight(self):
        """8-bit octets are in the returned message alone, and declared on every level (RFC 2045, 6.4)."""
        eight = any(c >= 0x80 for c in self.parts[2])
        third = self.message.get_payload()[2]
        need(eight == (self.message["Content-Transfer-Encoding"] == "8bit"), "outer encoding")
        need(eight == (third["Content-Transfer-Encoding"] == "8bit"), "the part's encoding")
        if third.get_content_type() == "message/rfc822":
            need(third["Content-Transfer-Encoding"] in (None, "7bit", "8bit"), "an encoded message")
        need(not eight or self.mail is None or "BODY=8BITMIME" in self.mail, "8-bit, not declared")

    def check_envelope(self):
        """RFC 3461, 6.1; RFC 3464, 2: addressed to the same one in header and envelope."""
        need(self.mail.upper().startswith("MAIL FROM:<>"), self.mail)
        need(" RET=" not in self.mail.upper() and " CONPERM" not in self.mail.upper(), self.mail)
        need(len(self.rcpt) == 1, self.rcpt)
        m = re.match(r"RCPT TO:<([^>]*)>(.*)", self.rcpt[0])
        need(m and f"<{m.group(1)}>" == self.message["To"], (self.rcpt, self.message["To"]))
        need(m.group(2) in ("", " NOTIFY=NEVER"), self.rcpt)

    def returned(self):
        """Octets of what was sent back: a message as it is, a header decoded."""
        third = self.message.get_payload()[2]
        if third.get_content_type() == "message/rfc822":
            return self.text_of(2)
        return third.get_payload(decode=True)

    def of(self, address):
        """The fields of that recipient; one group at most."""
        found = [f for f in self.recipients if typed(f["final-recipient"])[1] == address]
        need(len(found) <= 1, f"{address} twice")
        return found[0] if found else None

    def told(self):
        return {(typed(f["final-recipient"])[1], f["action"]) for f in self.recipients}


def stored(data):
    """A report out of a Maildir: LF lines, and fields of final delivery on top."""
    while data.split(b":", 1)[0].lower() in (b"return-path", b"delivered-to"):
        data = data.split(b"\n", 1)[1]
    return Report(data.replace(b"\n", b"\r\n"))
