# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""The client's decision table and its options, row by row.  A row says what the hop offers and answers, and
each command that it must hear: its transcript is the judge, with what becomes of the recipients."""
import collections
import contextlib
import itertools
import os
import pwd
import re
import signal
import subprocess
import tempfile
import unittest

import dsn
import fax
from harness import TOP, Instance, Peer, crlf, parse_log, wait_for

Y, N, ANY = True, False, (True, False)
HERE = None                                     # instead of hP, hN: no hop, the mailbox is here
NONE, GIVEN = "none given", "given"

# P: the message is under CONPERM.  hP, hN: the hop offers CONPERM, CONNEG.  caps: none given, or given; fits: does the
# form that is sent; meets: has what is permitted, what the recipient takes and what we can make a form in common.
# heard: what the hop hears, session | session, command; command; {P} is CONPERM where both have it.  Then, if it is not
# sent: !5.6.3 fails with that code, ?4.6.5 waits with it, and after some hours the next of several texts is heard.
# D: the DRUCOF of each recipient; hD: the hop offers DRUCOF PREFER, or another word (tests/system/test_drucof.py).
Row = collections.namedtuple("Row", "name P hP hN caps fits meets heard set_up D hD", defaults=({}, "", N))

PLAIN = "MAIL{P}; RCPT b; "
ASKED = "MAIL{P}; RCPT b CONNEG; "


def unsupported(verb, word):
    """A hop that offers a parameter and refuses it, in each way that says so."""
    codes = ("500 5.5.1", "501 5.5.4", "502 5.5.1", "504 5.3.3", "555 5.5.4")
    return [lambda code=code: {verb: lambda s, l: code + " no such thing" if word in l else None} for code in codes]


def later(*replies):
    """A hop that says these to CONNEG, each once, and then answers."""
    def on():
        left = list(replies)
        return {"RCPT": lambda s, l: left.pop(0) + " CONNEG not now" if left and "CONNEG" in l else None}
    return on


def spoilt():
    """An MMR page whose header is right and whose data is none from the middle on: its conversion fails."""
    data = bytearray(fax.read("render/letter-F-mmr-400.tif"))
    middle = len(data) // 2
    data[middle:middle + 400] = bytes(400)
    with tempfile.NamedTemporaryFile(suffix=".tif") as f:
        f.write(data)
        f.flush()
        return fax.image(f.name, kind="image/tiff")


def multipart(kind, *parts):
    return fax.message(f'Content-Type: multipart/{kind}; boundary="==s"\nContent-Convert: ANY\n\n' +
                       "".join("--==s\n" + p.rstrip("\n") + "\n" for p in parts) + "--==s--\n")


PAGE = fax.message(fax.text(), fax.image())
NO_FIELD = fax.message(fax.text(), fax.image(convert=None))
FORBIDDEN = fax.message(fax.text(), fax.image(convert="NONE"))
SPOILT = fax.message(fax.text(), spoilt())
LONG, TEDIOUS = (fax.message(*[fax.image("render/dense-J-400.tif") for _ in range(n)]) for n in (8, 12))
MDN = multipart("report; report-type=disposition-notification", fax.text(),
                "Content-Type: message/disposition-notification\n\nFinal-Recipient: rfc822;b@far.example\n"
                "Disposition: manual-action/MDN-sent-manually; displayed\n", fax.image())
PROTECTED = [multipart('signed; protocol="application/pkcs7-signature"; micalg=sha-256', fax.image(),
                       "Content-Type: application/pkcs7-signature\n\nxyz"),
             multipart('encrypted; protocol="application/pgp-encrypted"',
                       "Content-Type: application/pgp-encrypted\n\nVersion: 1", fax.image()),
             fax.message(fax.image().split("\n\n")[0] + "\n\nbm8gaW1hZ2U=\n")]
SIGNED_WHOLE = [fax.message(fax.image(), top=field + ": a=rsa-sha256; d=client.example; s=key; b=dzdVyOfAKCdLXdJO\n")
                for field in ("DKIM-Signature", "ARC-Seal")]
NO_WORD, FALSE_WORD = [fax.message(fax.text(), fax.image(features=f)) for f in (
    None, '(& (type="image/tiff") (color=Binary) (image-file-structure=TIFF-limited) (image-coding=MMR) (MRC-mode=0) '
    '(dpi=200) (dpi-xyratio=1) (size-x=2150/254) (paper-size=A4))')]
FAILING = {"message": SPOILT, "takes": fax.device("MH", 200)}
TWO_FORMS = {"b": fax.MMR, "c": fax.MH}

ROWS = [
    Row("R35 B1", N, ANY, N, NONE, N, N, PLAIN + "DATA original"),
    Row("B2a", N, ANY, Y, NONE, N, N, ASKED + "DATA original"),
    Row("B2b", N, ANY, Y, GIVEN, Y, Y, ASKED + "DATA original"),
    Row("R9 B2c", N, ANY, Y, GIVEN, N, Y, ASKED + "DATA MMR"),
    Row("R24 B2d empty", N, ANY, Y, GIVEN, N, N, ASKED + "DATA original"),
    Row("R24 B2d the conversion fails", N, ANY, Y, GIVEN, N, Y, ASKED + "DATA original", FAILING),
    Row("R24 B2d no converter", N, ANY, Y, GIVEN, N, Y, ASKED + "DATA original", {"busy": True}),
    Row("R8 R18 B2e", N, ANY, Y, GIVEN, N, N, PLAIN + "DATA original", {"message": NO_FIELD}),
    Row("R18 B2e asked all the same", N, ANY, Y, GIVEN, N, N, ASKED + "DATA original",
        {"message": [NO_FIELD, FORBIDDEN], "settings": "ask=always"}),
    Row("B2f", N, ANY, Y, GIVEN, N, Y, ASKED + "DATA original", {"message": SIGNED_WHOLE}),
    Row("R1 R3 R4 R6 B3", Y, N, N, NONE, N, N, "QUIT !5.6.3"),
    Row("R2 R22 B4", Y, Y, N, NONE, N, N, PLAIN + "DATA original"),
    Row("R21 B5a", Y, Y, Y, NONE, N, N, ASKED + "QUIT | " + PLAIN + "DATA original"),
    Row("R21 B5a one of two", Y, Y, Y, GIVEN, N, Y, "MAIL{P}; RCPT b CONNEG; RCPT c CONNEG; QUIT | " + ASKED +
        "DATA MMR | MAIL{P}; RCPT c; DATA original", {"takes": {"b": fax.MMR, "c": None}}),
    Row("B5b", Y, Y, Y, GIVEN, Y, Y, ASKED + "DATA original"),
    Row("R17 B5b by what the image is", Y, Y, Y, GIVEN, Y, Y, ASKED + "DATA original",
        {"message": [NO_WORD, FALSE_WORD]}),
    Row("R17 B5c by what the image is", Y, Y, Y, GIVEN, N, Y, ASKED + "DATA MMR", {"message": [NO_WORD, FALSE_WORD]}),
    Row("B5b an image that no converter could read", Y, Y, Y, GIVEN, Y, Y, ASKED + "DATA original",
        {"message": SPOILT, "takes": fax.device("MMR", "[200,400]")}),
    Row("R7 R10 B5c", Y, Y, Y, GIVEN, N, Y, "MAIL{P}; RCPT b CONNEG; RCPT c CONNEG; DATA MMR",
        {"takes": {"b": fax.MMR, "c": fax.MMR}}),
    Row("R23 B5d", Y, Y, Y, GIVEN, N, N, ASKED + "DATA original"),
    Row("B5d with one whom it fits", Y, Y, Y, GIVEN, N, N, "MAIL{P}; RCPT b CONNEG; RCPT c CONNEG; DATA original",
        {"takes": {"b": fax.JBIG, "c": fax.GREY}}),
    Row("R18 B5d nothing is permitted", Y, Y, Y, GIVEN, N, N, ASKED + "DATA original",
        {"message": [NO_FIELD, FORBIDDEN]}),
    Row("R12 B5e", Y, ANY, Y, GIVEN, N, Y, ASKED + "QUIT !5.6.5", FAILING),
    Row("B5f", Y, ANY, Y, GIVEN, N, Y, [ASKED + "QUIT ?4.6.5", "!5.6.5"], {"busy": True}),
    Row("B6a", Y, N, Y, GIVEN, Y, Y, "MAIL; RCPT b CONNEG; DATA original"),
    Row("B6b", Y, N, Y, GIVEN, N, Y, "MAIL; RCPT b CONNEG; DATA MMR"),
    Row("B6c none given", Y, N, Y, NONE, N, N, "MAIL; RCPT b CONNEG; QUIT !5.6.3"),
    Row("R23 B6c empty", Y, N, Y, GIVEN, N, N, "MAIL; RCPT b CONNEG; QUIT !5.6.5"),
    Row("B7 it fits", Y, HERE, HERE, GIVEN, Y, Y, "original"),
    Row("B7 it is converted", Y, HERE, HERE, GIVEN, N, Y, "MMR"),
    Row("B7 empty", Y, HERE, HERE, GIVEN, N, N, "!5.6.5"),
    Row("B7 unknown", Y, HERE, HERE, NONE, N, N, "original"),
    Row("B7 without CONPERM", N, HERE, HERE, GIVEN, N, Y, "original"),
    Row("B8", Y, Y, ANY, GIVEN, N, Y, "MAIL CONPERM; QUIT !5.6.3",
        {"on": unsupported("MAIL", "CONPERM"), "one by one": True}),
    Row("B9", N, ANY, Y, NONE, N, N, ASKED + "RCPT b; DATA original", {"on": unsupported("RCPT", "CONNEG")}),
    Row("B9 CONPERM", Y, Y, Y, NONE, N, N, ASKED + "RCPT b; DATA original", {"on": unsupported("RCPT", "CONNEG")}),
    Row("B9 a hop without CONPERM", Y, N, Y, NONE, N, N, ASKED + "RCPT b; QUIT !5.6.3",
        {"on": unsupported("RCPT", "CONNEG")}),
    Row("R33 B10", ANY, ANY, Y, GIVEN, N, Y, [ASKED + "?4.3.3", ASKED + "DATA MMR"],
        {"on": [later("404 4.3.3"), later("451 4.3.3")]}),
    Row("R33 B10 the others are delivered", Y, Y, Y, GIVEN, N, Y,
        ["MAIL{P}; RCPT b CONNEG; RCPT c CONNEG; DATA MMR ?4.3.3", ASKED + "DATA MMR"],
        {"on": later("404 4.3.3"), "takes": {"b": fax.MMR, "c": fax.MMR}}),
    Row("B10 greylisting is none of it", Y, Y, Y, GIVEN, N, Y, [ASKED + "?4.7.1"] * 4 + [ASKED + "DATA MMR"],
        {"on": later(*["450 4.7.1"] * 4)}),
    Row("B11 null reverse-path", ANY, ANY, ANY, GIVEN, N, Y, "MAIL; RCPT b; DATA original", {"sender": ""}),
    Row("B11 an MDN with a sender", ANY, ANY, ANY, GIVEN, N, Y, "MAIL; RCPT b; DATA original", {"message": MDN}),
    Row("B11 an MDN for a mailbox here", Y, HERE, HERE, GIVEN, N, Y, "original", {"message": MDN}),
    Row("R29 B12", N, ANY, Y, GIVEN, N, N, ASKED + "DATA original", {"message": PROTECTED}),
    Row("R29 B12 CONPERM", Y, Y, Y, GIVEN, N, N, ASKED + "DATA original", {"message": PROTECTED}),
    Row("R29 B12 a hop without CONPERM", Y, N, Y, GIVEN, N, N, ASKED + "QUIT !5.6.5", {"message": PROTECTED}),
]
TABLE = "B1 B2a B2b B2c B2d B2e B2f B3 B4 B5a B5b B5c B5d B5e B5f B6a B6b B6c B7 B8 B9 B10 B11 B12".split()

OPTIONS = [
    Row("R8 ask=conperm", N, ANY, Y, GIVEN, N, N, PLAIN + "DATA original", {"message": NO_FIELD}),
    Row("R8 ask=always", N, ANY, Y, GIVEN, N, N, ASKED + "DATA original", {"message": NO_FIELD}),
    Row("ask=never", ANY, Y, Y, GIVEN, N, Y, PLAIN + "DATA original"),
    Row("ask=never before a hop with CONNEG alone", Y, N, Y, GIVEN, N, Y, "QUIT !5.6.3"),
    Row("R23 conperm_null=relay", Y, Y, Y, GIVEN, N, N, ASKED + "DATA original"),
    Row("R23 conperm_null=fail", Y, Y, Y, GIVEN, N, N, ASKED + "QUIT !5.6.5"),
    Row("R21 conperm_unknown=relay", Y, Y, Y, NONE, N, N, ASKED + "QUIT | " + PLAIN + "DATA original"),
    Row("R21 conperm_unknown=fail", Y, Y, Y, NONE, N, N, ASKED + "QUIT !5.6.5"),
    Row("conperm_strict=no", Y, N, Y, GIVEN, N, Y, ASKED + "DATA MMR"),
    Row("conperm_strict=yes", Y, N, Y, GIVEN, N, Y, "QUIT !5.6.3"),
    Row("R38 conperm_after=keep", Y, Y, Y, GIVEN, N, Y, ASKED + "DATA MMR"),
    Row("R38 conperm_after=drop", Y, Y, Y, GIVEN, N, Y, ASKED + "QUIT | MAIL; RCPT b CONNEG; DATA MMR"),
    Row("R38 conperm_after=drop of what was not converted", Y, Y, Y, GIVEN, Y, Y, ASKED + "DATA original"),
    Row("conneg_tries=3", Y, Y, Y, GIVEN, N, Y, [ASKED + "?4.3.3"] * 3 + [PLAIN + "DATA original"],
        {"on": later(*["404 4.3.3"] * 9)}),
    Row("conneg_tries=1", Y, Y, Y, GIVEN, N, Y, [ASKED + "?4.3.3", PLAIN + "DATA original"],
        {"on": later(*["404 4.3.3"] * 9)}),
    Row("conneg_tries=1 a hop without CONPERM", Y, N, Y, GIVEN, N, Y, [ASKED + "?4.3.3", PLAIN + "QUIT !5.6.3"],
        {"on": later(*["404 4.3.3"] * 9)}),
    Row("dialect=4141", Y, Y, Y, GIVEN, N, Y, ASKED + "DATA MMR"),
    Row("dialect=d03-required", Y, Y, Y, GIVEN, N, Y, "MAIL{P}; RCPT b CONNEG=REQUIRED; DATA MMR"),
    Row("dialect=d03-optional", Y, Y, Y, GIVEN, N, Y, "MAIL{P}; RCPT b CONNEG=OPTIONAL; DATA MMR"),
    Row("dialect=d03-spaced", Y, Y, Y, GIVEN, N, Y, "MAIL{P}; RCPT b CONNEG = REQUIRED; DATA MMR"),
    Row("record=previous", Y, Y, Y, GIVEN, N, Y, ASKED + "DATA MMR"),
    Row("record=converted", Y, Y, Y, GIVEN, N, Y, ASKED + "DATA MMR Content-Converted"),
    Row("R19 batch=best", Y, Y, Y, GIVEN, N, Y, "MAIL{P}; RCPT b CONNEG; RCPT c CONNEG; QUIT | " + ASKED +
        "DATA MMR | MAIL{P}; RCPT c CONNEG; DATA MH", {"takes": TWO_FORMS}),
    Row("R20 batch=common", Y, Y, Y, GIVEN, N, Y, "MAIL{P}; RCPT b CONNEG; RCPT c CONNEG; DATA MH",
        {"takes": {"b": fax.device("MH"), "c": fax.device("MH,MMR")}}),
    Row("batch=single", Y, Y, Y, GIVEN, N, Y, "MAIL{P}; RCPT b CONNEG; RCPT c CONNEG; QUIT | " + ASKED +
        "DATA MMR | MAIL{P}; RCPT c CONNEG; DATA MMR", {"takes": {"b": fax.MMR, "c": fax.MMR}}),
    Row("batch_max=1", Y, Y, Y, GIVEN, N, Y, "MAIL{P}; RCPT b CONNEG; RCPT c CONNEG; RCPT d CONNEG; QUIT | " + ASKED +
        "DATA MMR | MAIL{P}; RCPT d CONNEG; DATA original; MAIL{P}; RCPT c CONNEG; DATA MH",
        {"takes": {**TWO_FORMS, "d": fax.JBIG}}),
    Row("batch_max=8", Y, Y, Y, GIVEN, N, Y, "MAIL{P}; RCPT b CONNEG; RCPT c CONNEG; QUIT | " + ASKED +
        "DATA MMR | MAIL{P}; RCPT c CONNEG; DATA MH", {"takes": TWO_FORMS}),
    Row("wait=60", Y, Y, Y, GIVEN, N, Y, ASKED + "DATA MMR", {"message": LONG}),
    Row("wait=0", Y, Y, Y, GIVEN, N, Y, ASKED + "QUIT | " + ASKED + "DATA MMR", {"message": LONG}),
]
# By a host without a converter: there is no form that we can make.
WITHOUT = [
    Row("R40 B2d", N, ANY, Y, GIVEN, N, Y, ASKED + "DATA original"),
    Row("R40 B4", Y, Y, N, NONE, N, N, PLAIN + "DATA original"),
    Row("R40 B5b", Y, Y, Y, GIVEN, Y, Y, ASKED + "DATA original"),
    Row("R40 B5d", Y, Y, Y, GIVEN, N, Y, ASKED + "DATA original"),
    Row("R40 conperm_null=fail", Y, Y, Y, GIVEN, N, Y, ASKED + "QUIT !5.6.5"),
    Row("R40 B6a", Y, N, Y, GIVEN, Y, Y, "MAIL; RCPT b CONNEG; DATA original"),
    Row("R40 B6c", Y, N, Y, GIVEN, N, Y, "MAIL; RCPT b CONNEG; QUIT !5.6.5"),
    Row("R40 B7 it fits", Y, HERE, HERE, GIVEN, Y, Y, "original"),
    Row("R40 B7 empty", Y, HERE, HERE, GIVEN, N, Y, "!5.6.3"),
    Row("R40 D2", N, ANY, Y, GIVEN, N, Y, "MAIL; RCPT b CONNEG; RSET; MAIL; RCPT b DRUCOF; DATA original", {},
        " DRUCOF", Y),
    Row("R40 D3", N, ANY, Y, GIVEN, N, Y, "MAIL; RCPT b CONNEG; !5.6.3", {}, " DRUCOF"),
    Row("R40 PREFER B2d", N, ANY, Y, GIVEN, N, Y, ASKED + "DATA original", {}, " DRUCOF=PREFER"),
    Row("R40 eight bits to a hop of seven", Y, Y, N, NONE, N, N, PLAIN + "DATA encoded",
        {"message": fax.message("Content-Transfer-Encoding: 8bit\n\nGrüße\n"), "ext": []}),
]
OPTION = re.compile(r"(\w+)=(\S+)")
# conperm_try_all_mx: test_dns.test_B3_B8_conperm_try_all_mx, which has the names of hosts that it needs
# drucof_late, drucof_unknown: test_drucof; alternative, alternative_wait, of mailboxes: test_alternative
ELSEWHERE = {("conperm_try_all_mx", v) for v in ("no", "yes")} | {("drucof_late", v) for v in ("no", "yes")} | \
            {("drucof_unknown", v) for v in ("fail", "accept")} | {("alternative", v) for v in ("no", "yes")}
ON_TOP = re.compile(rb"((Return-Path|Delivered-To|Received):.*\r\n([ \t].*\r\n)*)*")
LATER, LIFETIME = 20000, 432001      # seconds
HOPS = "127.0.0.2"                  # so many take no port from an accord that is about to listen




def each(value):
    return value if isinstance(value, (list, tuple)) else [value]


class Case:
    """One case of a row: a domain, a hop and a sender of its own."""

    def __init__(self, row, number, facts, message, on):
        self.P, self.hP, self.hN, self.hD = facts
        self.row, self.message, self.on = row, message, on() if on else {}
        self.name = f"case{number}"
        self.here = self.hN is HERE
        self.settings = " ".join([row.set_up.get("settings", "")] + [w for w in row.name.split() if OPTION.match(w)])
        self.domain = "gateway.example" if self.here and not self.settings else self.name + ".example"
        self.sender = row.set_up.get("sender", f"{self.name}@gateway.example")
        self.busy = row.set_up.get("busy", False)
        takes = None if row.caps is NONE else fax.JBIG if row.fits else fax.MMR if row.meets else fax.GREY
        takes = row.set_up.get("takes", takes)
        takes = takes if isinstance(takes, dict) else {"b": takes}
        self.takes = {self.address(n): text for n, text in takes.items()}
        self.hop, self.seen = None, []

    def address(self, name):
        return self.row.set_up.get("address", "{name}.{case}").format(name=name, case=self.name) + "@" + self.domain

    def __str__(self):
        return f"{self.row.name}: P={self.P} hP={self.hP} hN={self.hN} hD={self.hD} {self.settings}"

    def post(self):
        self.acc.send(self.sender, self.takes, self.message, mail=" CONPERM" if self.P else "", rcpt=self.row.D)

    def listen(self):
        ext = list(self.row.set_up.get("ext", ["8BITMIME", "SIZE 0", "ENHANCEDSTATUSCODES"]))
        ext += ["CONPERM"] * self.hP + ["CONNEG"] * self.hN
        ext += ["DRUCOF PREFER" if self.hD is Y else self.hD] if self.hD else []
        ext += [] if self.row.set_up.get("one by one") else ["PIPELINING"]
        self.hop = Peer(ext=ext, caps=self.takes, on={**self.on, "EOD": self.took}, host=HOPS)

    def took(self, session, body):
        session.lines.append(("C", "= " + self.form(body)))

    def form(self, body):
        sent = crlf(self.message)
        if body.endswith(sent) and ON_TOP.fullmatch(body[:-len(sent)]):
            return "original"
        if max(sent) > 127 >= max(body):
            return "encoded"
        codings = sorted({coding for pages in fax.codings(body) for coding, _ in pages})
        return "+".join(codings) + " Content-Converted" * any(p["Content-Converted"] for p in fax.images(body))

    @staticmethod
    def commands(session):
        """Of a session, in the table's words.  QUIT behind a message is no news, nothing was left to be sent."""
        found = []
        for line in [l for side, l in session.lines if side == "C"]:
            command = re.match(r"(MAIL|RCPT|DATA|RSET|QUIT|=)(?: FROM:<.*?>| TO:<(.*?)\..*?>)?(.*)", line)
            if not command:
                continue
            verb, name, rest = command.groups()
            if verb == "=":
                found[-1] += rest
            elif verb == "MAIL":
                found.append("MAIL" + " CONPERM" * ("CONPERM" in rest.split()))
            elif verb != "QUIT" or not (found and found[-1].startswith("DATA")):
                found.append(verb + (f" {name}{rest}" if name else ""))
        return found

    def heard(self):
        """What the hop has heard since the last phase; of a mailbox here, what is in it."""
        if self.here:
            return " | ".join(self.form(m.replace(b"\n", b"\r\n")) for m in self.acc.maildir("mail/" + self.name))
        now = [self.commands(s) for s in list(self.hop.sessions)]
        news = [s[len(old):] for s, old in itertools.zip_longest(now, self.seen, fillvalue=[])]
        return " | ".join("; ".join(s) for s in news if s and (s != ["QUIT"] or not self.seen))

    def results(self, address):
        """What the log says became of it, attempt by attempt."""
        lines = [parse_log(l) for l in self.acc.read_log().splitlines() if address in l and "event=deliver " in l]
        return [(l["result"].replace("expired", "failed"), l["dsn"]) for l in lines if l["to"] == address]

    def over(self):
        """Is nobody left to whom anything could happen?"""
        return all(r and r[-1][0] != "deferred" for r in map(self.results, self.takes))

    def settled(self, phase, want):
        """Is everybody where this phase should bring him?  who waits is the first one."""
        got = {address: self.results(address) for address in self.takes}
        last = {address: r[-1] for address, r in got.items() if r}
        first = next(iter(self.takes))
        if want and want[0] == "failed":
            return len(last) == len(got) and set(last.values()) == {want}
        if want and (len(got[first]) != phase + 1 or last.pop(first) != want):
            return False
        return len(last) == len(got) - bool(want) and {r for r, _ in last.values()} <= {"delivered", "relayed"}


def cases(table):
    number = 0
    for row in table:
        facts = itertools.product(each(row.P), each(row.hP), each(row.hN), each(row.hD))
        for f, message, on in itertools.product(facts, each(row.set_up.get("message", PAGE)),
                                                each(row.set_up.get("on"))):
            number += 1
            yield Case(row, number, f, message, on)


def accord(found, **settings):
    """One with what all of the cases need."""
    for case in found:
        if not case.here:
            case.listen()
    acc = Instance(
        smtproutes=[f"{c.domain}:[{HOPS}]:{c.hop.port}" for c in found if not c.here],
        locals=["gateway.example"] + [c.domain for c in found if c.here and c.settings],
        **settings,
        negotiation=[f"{c.domain} {c.settings}" for c in found if c.settings],
        caps=[f"{address} {text}" for c in found if c.here for address, text in c.takes.items() if text],
        mailboxes=[f"{address} maildir:mail/{c.name}" for c in found if c.here for address in c.takes] +
                  [f"{c.sender} maildir:mail/{c.name}-sender" for c in found if c.sender])
    for case in found:
        case.acc = acc
    return acc


class Table:
    """Tests of a table: one of each name of its rows."""
    table = []
    settings = {}

    @classmethod
    def setUpClass(cls):
        cls.cases = list(cases(cls.table))
        cls.acc = accord([c for c in cls.cases if not c.busy], **cls.settings).start()
        cls.failed = False

    @classmethod
    def tearDownClass(cls):
        cls.acc.__exit__(AssertionError if cls.failed else None, None, None)
        for case in cls.cases:
            if case.hop:
                case.hop.close()

    def row(self, row):
        for case in [c for c in self.cases if c.row is row]:
            with self.subTest(str(case)):
                try:
                    if case.busy:
                        self.without_converter(case)
                    else:
                        case.post()
                        self.phases(case)
                except BaseException:
                    type(self).failed = True
                    raise

    def without_converter(self, case):
        """convertd is there, and cannot begin anything: no process is to be had."""
        with accord([case]) as acc:
            words = ["prlimit", f"--pid={acc.pids('convertd')[0]}", "--nproc=0:0"]
            if acc.user is not None:        # root need not be allowed to
                words = ["setpriv", f"--reuid={acc.user}", "--clear-groups",
                         f"--regid={pwd.getpwnam(acc.user).pw_gid}", *words]
            subprocess.run(words, check=True)
            case.post()
            self.phases(case)

    def phases(self, case):
        for phase, text in enumerate(each(case.row.heard)):
            lines, mark, code = re.fullmatch(r"(.*?)(?:;? ?([!?])(.*))?", text).groups()
            lines = lines.replace("{P}", " CONPERM" if case.P and case.hP else "")
            want = mark and ({"!": "failed", "?": "deferred"}[mark], code)
            if phase > 0:
                case.acc.step_clock(LIFETIME if case.busy else LATER)
            self.settle(case, phase, want)
            try:
                wait_for(lambda: self.told(case, lines) == lines, 5)
            except AssertionError:
                self.assertEqual(self.told(case, lines), lines)
            case.seen = [case.commands(s) for s in case.hop.sessions] if case.hop else []
        if want and want[0] == "failed" and case.sender:
            report = dsn.stored(wait_for(lambda: case.acc.maildir(f"mail/{case.name}-sender"))[0])
            self.assertEqual({(f["action"], f["status"]) for f in report.recipients}, {want})
        else:
            self.assertEqual(case.acc.maildir(f"mail/{case.name}-sender"), [])

    @staticmethod
    def told(case, lines):
        """What the hop heard; RSETs only where the row tells of them, and never that of a session that was kept."""
        return re.sub("^RSET; " if "RSET" in lines else "RSET; ", "", case.heard())

    def settle(self, case, phase, want):
        try:
            wait_for(lambda: case.settled(phase, want) or case.over())
        except AssertionError:
            pass
        self.assertTrue(case.settled(phase, want), f"phase {phase}: heard {case.heard()!r}, log: "
                        f"{[case.results(address) for address in case.takes]}")


def with_tests(cls):
    """One for each name of the table's rows."""
    for row in cls.table:
        setattr(cls, "test_" + re.sub(r"\W+", "_", row.name), lambda self, row=row: self.row(row))
    return cls


class Here(unittest.TestCase):
    def test_wait_counts_for_mailboxes_here_too(self):
        """A conversion may take ten minutes more than `wait`, as before a next hop; then row B5f."""
        who = {"patient.example": "3600", "hasty.example": "0"}
        with Instance(locals=["gateway.example", *who], convertcpu="3600",
                      negotiation=[f"{domain} wait={s}" for domain, s in who.items()],
                      caps=[f"b@{domain} {fax.MMR}" for domain in who],
                      mailboxes=[f"b@{domain} maildir:mail/{domain}" for domain in who]) as acc:
            for domain in who:
                acc.send("postmaster@gateway.example", ["b@" + domain], TEDIOUS, mail=" CONPERM")
            acc.logged(2, event="plan")
            converting = wait_for(lambda: len(pids := acc.pids("convertd")) == 3 and pids[1:])
            for pid in converting:
                os.kill(pid, signal.SIGSTOP)
            try:
                acc.step_clock(650)
                late, = acc.logged(1, event="deliver", to="b@hasty.example")
                self.assertEqual((late["result"], late["dsn"]), ("deferred", "4.6.5"))
            finally:
                for pid in converting:
                    with contextlib.suppress(ProcessLookupError):       # nobody waits for what was to be hasty
                        os.kill(pid, signal.SIGCONT)
            got, = wait_for(lambda: acc.maildir("mail/patient.example"))
            self.assertEqual(set().union(*fax.codings(got)), {("MMR", (200, 200))})
            self.assertEqual([l["result"] for l in acc.logged(1, event="deliver", to="b@patient.example")],
                             ["delivered"])


@with_tests
class Rows(Table, unittest.TestCase):
    table = ROWS

    def test_the_rows_are_those_of_the_decision_table(self):
        rows = {w for row in ROWS for w in row.name.split() if re.fullmatch(r"B\d+[a-f]?", w)}
        self.assertEqual(rows, set(TABLE))


@with_tests
class Without(Table, unittest.TestCase):
    table = WITHOUT
    settings = {"concurrencyconvert": "0"}

    def test_R40_it_is_told_and_nothing_can_be_promised(self):
        """The log says at the start what it is; a reload to mode ensure is refused, by both names."""
        self.acc.logged(1, event="no-converter", why="concurrencyconvert is 0")
        self.acc.set("conneg", "* ensure")
        r = self.acc.accord("reload", check=False)
        self.acc.set("conneg", "")
        self.assertEqual(r.returncode, 1)
        self.assertRegex(r.stderr.decode(), r"conneg:1: .*concurrencyconvert is 0")


@with_tests
class Options(Table, unittest.TestCase):
    table = OPTIONS

    def test_the_rows_are_the_values_of_the_manual_page(self):
        """Each value of each option; of a number its default and another one."""
        with open(os.path.join(TOP, "man", "setting", "negotiation")) as f:
            page = f.read()
        want = {(name, value) for name, values in re.findall(r"^\.It Cm (\w+) Ns = Ns Cm (.*)", page, re.M)
                for value in values.split(" | ")}
        numbers = set(re.findall(r"^\.It Cm (\w+) Ns = Ns Ar", page, re.M)) - {"alternative_wait"}
        rows = {OPTION.fullmatch(w).groups() for row in OPTIONS for w in row.name.split() if OPTION.fullmatch(w)}
        self.assertEqual({r for r in rows if r[0] not in numbers} | ELSEWHERE, want)
        self.assertEqual({n: len({v for m, v in rows if m == n}) for n in numbers}, dict.fromkeys(numbers, 2))
