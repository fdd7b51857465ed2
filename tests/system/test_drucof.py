# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""DRUCOF, row by row, as in test_rows: rows D of the relay table, c.5 where CONPERM is in force too, and the rules of
the proposal."""
import hashlib
import re
import unittest

import dsn
import fax
from harness import Client, Instance, Peer, crlf, dot, free_port, wait_for
from test_rows import (ANY, GIVEN, HERE, MDN, N, NO_FIELD, NONE, ON_TOP, PAGE, PLAIN, SPOILT, Y, Row, Table, later,
                       unsupported, with_tests)

REQUIRE, PREFER = " DRUCOF", " DRUCOF=PREFER"
PROBE = "MAIL; RCPT b CONNEG; "
BARE = "RSET; MAIL; RCPT b; DATA "
RELAYED = "MAIL; RCPT b DRUCOF; DATA original"
BOTH = "MAIL CONPERM; RCPT b CONNEG; "
FAX = {"address": "ifax+{name}.{case}"}


def drucof(word, convert="ANY", **kw):
    return fax.image(convert=convert, extra=f"Content-DRUCOF: {word}\n", **kw)


PROHIBITED = fax.message(fax.text(), drucof("conversion-prohibited"))
UNHEEDED = fax.message(fax.text(), drucof("conversion-prohibited; critical=no"))
TWO_PARTS = fax.message(fax.text(), drucof("conversion-prohibited; critical=no"), fax.image(convert=None))
OMITTED = fax.message(fax.text(), drucof("omission-permitted"))
SOUND = fax.message(fax.text(), "Content-Type: audio/basic\n\nx\n")
MH_ALONE = fax.message(fax.text(), fax.image(convert="(image-coding=MH)"))
REFUSED = {"on": unsupported("RCPT", "CONNEG")}
UNTIL_NOW = {"on": [later("404 4.3.3"), later("451 4.3.3")]}

# caps, fits, meets: c.2's verdict is OK where it fits or meets, else UNMET
ROWS = [
    Row("D1 it fits", N, ANY, Y, GIVEN, Y, Y, PROBE + BARE + "original", {}, REQUIRE, ANY),
    Row("DR5 D1 it is converted, to the best form", N, ANY, Y, GIVEN, N, Y, PROBE + BARE + "MMR",
        {"message": [PAGE, NO_FIELD]}, REQUIRE, ANY),
    Row("D1 two forms, in one session", N, ANY, Y, GIVEN, N, Y,
        "MAIL; RCPT b CONNEG; RCPT c CONNEG; RSET; MAIL; RCPT b; DATA MMR; MAIL; RCPT c; DATA MH",
        {"takes": {"b": fax.MMR, "c": fax.MH}}, REQUIRE, ANY),
    Row("D2", N, ANY, Y, GIVEN, N, N, PROBE + "RSET; " + RELAYED, {}, REQUIRE, Y),
    Row("DR4 D2 prohibited", N, ANY, Y, GIVEN, N, Y, PROBE + "RSET; " + RELAYED, {"message": PROHIBITED}, REQUIRE, Y),
    Row("D3 what we can make is not taken", N, ANY, Y, GIVEN, N, N, PROBE + "!5.6.5", {}, REQUIRE),
    Row("D3 what we cannot make anything of", N, ANY, Y, GIVEN, N, N, PROBE + "!5.6.3", {"message": SOUND}, REQUIRE),
    Row("DR4 D3 prohibited", N, ANY, Y, GIVEN, N, Y, PROBE + "!5.6.2", {"message": PROHIBITED}, REQUIRE),
    Row("D3 the conversion fails", N, ANY, Y, GIVEN, N, Y, PROBE + "RSET; MAIL; RCPT b; QUIT !5.6.5",
        {"message": SPOILT, "takes": fax.device("MH", 200)}, REQUIRE),
    Row("D3 no converter", N, ANY, Y, GIVEN, N, Y, [PROBE + "?4.6.5", "!5.6.5"], {"busy": True}, REQUIRE),
    Row("DR4 D1 prohibited, and not critical", N, ANY, Y, GIVEN, N, Y, PROBE + BARE + "original",
        {"message": UNHEEDED}, REQUIRE),
    Row("D4 none given", N, ANY, Y, NONE, N, N, PROBE + "RSET; " + RELAYED, {}, REQUIRE, Y),
    Row("D4 not taken", N, ANY, Y, NONE, N, N, PROBE + "RSET; " + RELAYED, REFUSED, REQUIRE, Y),
    Row("D4 not now", N, ANY, Y, GIVEN, N, Y, PROBE + "RSET; " + RELAYED, UNTIL_NOW, REQUIRE, Y),
    Row("D5 none given", N, ANY, Y, NONE, N, N, PROBE + "!5.6.3", {}, REQUIRE),
    Row("D5 not taken", N, ANY, Y, NONE, N, N, PROBE + "!5.6.3", REFUSED, REQUIRE),
    Row("D5 not now, however often", N, ANY, Y, GIVEN, N, Y, [PROBE + "?4.6.3"] * 5 + [PROBE + BARE + "MMR"],
        {"on": later(*["404 4.3.3"] * 5)}, REQUIRE),
    Row("DR3 D6", N, ANY, N, NONE, N, N, RELAYED, {"message": [PAGE, NO_FIELD, PROHIBITED]}, REQUIRE, Y),
    Row("DR2 D7", N, ANY, N, NONE, N, N, "QUIT !5.6.3", {}, REQUIRE),
    Row("D7 offered, and refused", N, ANY, N, NONE, N, N, "MAIL; RCPT b DRUCOF; QUIT !5.6.3",
        {"on": unsupported("RCPT", "DRUCOF"), "one by one": True}, REQUIRE, Y),
    Row("D8 it fits", N, HERE, HERE, GIVEN, Y, Y, "original", {}, REQUIRE),
    Row("D8 it is converted", N, HERE, HERE, GIVEN, N, Y, "MMR", {"message": [PAGE, NO_FIELD]}, REQUIRE),
    Row("D8 unmet", N, HERE, HERE, GIVEN, N, N, "!5.6.5", {}, REQUIRE),
    Row("D8 no fax image", N, HERE, HERE, GIVEN, N, N, "!5.6.1", {"message": SOUND}, REQUIRE),
    Row("DR4 D8 prohibited", N, HERE, HERE, GIVEN, N, Y, "!5.6.2", {"message": PROHIBITED}, REQUIRE),
    Row("D8 who takes anything", N, HERE, HERE, GIVEN, Y, Y, "original", {"takes": "any", "message": PROHIBITED},
        REQUIRE),
    Row("D9 a fax machine", N, HERE, HERE, NONE, N, Y, "MH", FAX, REQUIRE),
    Row("D9 a fax number", N, HERE, HERE, NONE, N, Y, "MH", {"address": "FAX=+49-30-1/T33S={name}{case}"}, REQUIRE),
    Row("D9 a fax machine cannot use it", N, HERE, HERE, NONE, N, N, "!5.6.2", {**FAX, "message": PROHIBITED}, REQUIRE),
    Row("D9 who is no fax machine", N, HERE, HERE, NONE, N, N, "!5.6.3", {}, REQUIRE),
    Row("D12", N, ANY, Y, GIVEN, N, Y, PROBE + "!5.1.1",
        {"on": lambda: {"RCPT": lambda s, l: "550 5.1.1 nobody"}}, REQUIRE, ANY),
    Row("D12 greylisting", N, ANY, Y, GIVEN, N, Y, [PROBE + "?4.7.1", PROBE + BARE + "MMR"],
        {"on": later("450 4.7.1")}, REQUIRE, ANY),
    Row("B11 a null reverse-path under DRUCOF", ANY, ANY, ANY, GIVEN, N, Y, "MAIL; RCPT b; DATA original", {"sender": ""},
        REQUIRE, ANY),
    Row("B11 an MDN under DRUCOF", ANY, ANY, ANY, GIVEN, N, Y, "MAIL; RCPT b; DATA original", {"message": MDN}, REQUIRE, ANY),
    Row("B11 an MDN under DRUCOF for a mailbox here", ANY, HERE, HERE, GIVEN, N, Y, "original", {"message": MDN},
        REQUIRE),
    Row("DR1 nobody asked for it", N, ANY, ANY, GIVEN, N, Y, PLAIN + "DATA original", {"message": NO_FIELD}, "", ANY),
    Row("DR7 what is not taken is taken", N, HERE, HERE, GIVEN, N, N, "original", {}),
]
TABLE = "D1 D2 D3 D4 D5 D6 D7 D8 D9 D12".split()       # D10, D11: aliases and lists are not there

# What is on the message, and on the recipient.
FIVE = [
    Row("c.5 CONPERM alone", Y, Y, Y, GIVEN, N, Y, BOTH + "DATA MMR", {}, "", ANY),
    Row("c.5 DRUCOF alone: Content-Convert is its limit", N, ANY, Y, GIVEN, N, N, PROBE + "!5.6.5",
        {"message": MH_ALONE, "takes": fax.device("MMR")}, REQUIRE),
    Row("c.5 both: B5b", Y, Y, Y, GIVEN, Y, Y, BOTH + "DATA original", {}, REQUIRE, ANY),
    Row("c.5 both: B5c", Y, Y, Y, GIVEN, N, Y, BOTH + "DATA MMR", {}, REQUIRE, ANY),
    Row("c.5 both: D1 without Content-Convert", Y, Y, Y, GIVEN, N, Y, BOTH + "DATA MMR", {"message": NO_FIELD},
        REQUIRE, ANY),
    Row("c.5 both: D2", Y, Y, Y, GIVEN, N, N, BOTH + "QUIT | MAIL CONPERM; RCPT b CONNEG DRUCOF; DATA original", {},
        REQUIRE, Y),
    Row("c.5 both: D3", Y, Y, Y, GIVEN, N, Y, BOTH + "QUIT !5.6.2", {"message": PROHIBITED}, REQUIRE),
    Row("c.5 both: B5d", Y, Y, Y, GIVEN, N, N, BOTH + "QUIT !5.6.5", {"settings": "conperm_null=fail"}, REQUIRE, ANY),
    Row("c.5 both: B5a D4", Y, Y, Y, NONE, N, N, BOTH + "QUIT | MAIL CONPERM; RCPT b DRUCOF; DATA original", {},
        REQUIRE, Y),
    Row("c.5 both: D5", Y, Y, Y, NONE, N, N, BOTH + "QUIT !5.6.3", {}, REQUIRE),
    Row("c.5 both: B6b", Y, N, Y, GIVEN, N, Y, PROBE + "DATA MMR", {}, REQUIRE, ANY),
    Row("c.5 both: B6c", Y, N, Y, GIVEN, N, Y, PROBE + "QUIT !5.6.5", {"message": [NO_FIELD, PROHIBITED]}, REQUIRE,
        ANY),
    Row("c.5 both: B4 D6", Y, Y, N, NONE, N, N, "MAIL CONPERM; RCPT b DRUCOF; DATA original", {}, REQUIRE, Y),
    Row("c.5 both: D7", Y, Y, N, NONE, N, N, "QUIT !5.6.3", {}, REQUIRE),
    Row("c.5 both: B3", Y, N, N, NONE, N, N, "QUIT !5.6.3", {}, REQUIRE, ANY),
    Row("c.5 both: a mailbox here", Y, HERE, HERE, GIVEN, N, Y, "MMR", {}, REQUIRE),
    Row("c.5 both: a mailbox here, B7", Y, HERE, HERE, GIVEN, N, Y, "!5.6.3", {"message": [NO_FIELD, PROHIBITED]},
        REQUIRE),
    Row("c.5 PREFER: B2a", N, ANY, Y, NONE, N, N, PROBE + "DATA original", {"message": NO_FIELD}, PREFER,
        [N, "DRUCOF"]),
    Row("c.5 PREFER: B2b", N, ANY, Y, GIVEN, Y, Y, PROBE + "DATA original", {"message": NO_FIELD}, PREFER),
    Row("c.5 PREFER: B2c", N, ANY, Y, GIVEN, N, Y, PROBE + "DATA MMR", {"message": [PAGE, NO_FIELD]}, PREFER,
        [N, "DRUCOF"]),
    Row("c.5 PREFER: B2d", N, ANY, Y, GIVEN, N, N, PROBE + "DATA original", {"message": [PAGE, NO_FIELD]}, PREFER),
    Row("c.5 PREFER: B2d prohibited", N, ANY, Y, GIVEN, N, Y, PROBE + "DATA original", {"message": PROHIBITED}, PREFER),
    Row("c.5 PREFER: B2d the conversion fails", N, ANY, Y, GIVEN, N, Y, PROBE + "DATA original",
        {"message": SPOILT, "takes": fax.device("MH", 200)}, PREFER),
    Row("c.5 PREFER: B1, and a hop that knows it not", N, ANY, N, NONE, N, N, PLAIN + "DATA original", {}, PREFER,
        [N, "DRUCOF"]),
    Row("c.5 PREFER: B1, passed on", N, ANY, N, NONE, N, N, "MAIL; RCPT b DRUCOF=PREFER; DATA original", {}, PREFER, Y),
    Row("c.5 PREFER: B2c, passed on", N, ANY, Y, GIVEN, N, Y, "MAIL; RCPT b CONNEG DRUCOF=PREFER; DATA MMR", {},
        PREFER, Y),
    Row("c.5 PREFER: offered, and refused", N, ANY, N, NONE, N, N,
        "MAIL; RCPT b DRUCOF=PREFER; RSET; MAIL; RCPT b; DATA original",
        {"on": unsupported("RCPT", "DRUCOF"), "one by one": True}, PREFER, Y),
    Row("c.5 PREFER: a mailbox here", N, HERE, HERE, GIVEN, N, Y, "MMR", {"message": NO_FIELD}, PREFER),
    Row("c.5 PREFER: a mailbox here that cannot use it", N, HERE, HERE, GIVEN, N, N, "original", {}, PREFER),
    Row("c.5 PREFER: a mailbox here, and the conversion fails", N, HERE, HERE, GIVEN, N, Y, "original",
        {"message": SPOILT, "takes": fax.device("MH", 200)}, PREFER),
    Row("c.5 PREFER: a mailbox here of whom nothing is known", N, HERE, HERE, NONE, N, N, "original", {}, PREFER),
]

OPTIONS = [
    Row("drucof_late=no", N, ANY, Y, GIVEN, N, Y, PROBE + BARE + "MMR", {}, REQUIRE, ANY),
    Row("D6 drucof_late=yes", N, ANY, Y, GIVEN, N, Y, RELAYED, {}, REQUIRE, Y),
    Row("drucof_late=yes to a hop without", N, ANY, Y, GIVEN, N, Y, PROBE + BARE + "MMR", {}, REQUIRE),
    Row("drucof_late=yes under CONPERM", Y, Y, Y, GIVEN, N, Y, "MAIL CONPERM; RCPT b CONNEG DRUCOF; DATA MMR", {},
        REQUIRE, Y),
    Row("drucof_unknown=fail", N, HERE, HERE, NONE, N, N, "!5.6.3", {}, REQUIRE),
    Row("D9 drucof_unknown=accept", N, HERE, HERE, NONE, N, N, "original", {"message": PROHIBITED}, REQUIRE),
    Row("ask=never with DRUCOF", N, ANY, Y, GIVEN, N, Y, RELAYED, {}, REQUIRE, Y),
    Row("ask=never to a hop without", N, ANY, Y, GIVEN, N, Y, "QUIT !5.6.3", {}, REQUIRE),
]


@with_tests
class Rows(Table, unittest.TestCase):
    table = ROWS

    def test_the_rows_are_those_of_the_relay_table(self):
        rows = {w for row in ROWS for w in row.name.split() if re.fullmatch(r"D\d+", w)}
        self.assertEqual(rows, set(TABLE))


@with_tests
class Together(Table, unittest.TestCase):
    table = FIVE


@with_tests
class Options(Table, unittest.TestCase):
    table = OPTIONS


def hashes(message):
    """Of each part's content."""
    return [hashlib.sha256(p.get_payload(decode=True)).hexdigest() for p in fax.parse(message).walk()
            if not p.is_multipart()]


class Rules(unittest.TestCase):
    """What no row says alone."""

    def test_DR4_a_prohibited_part_beside_one_that_is_converted(self):
        with Peer(ext=["CONNEG"], caps={"b@far.example": fax.MMR}) as hop, \
                Instance(smtproutes="far.example" + hop.route) as acc:
            acc.send("a@gateway.example", ["b@far.example"], TWO_PARTS, rcpt=REQUIRE)
            got = wait_for(lambda: hop.messages)[0]
        self.assertEqual(hashes(got["data"])[:2], hashes(TWO_PARTS.encode())[:2])
        first, second = fax.codings(got["data"])
        self.assertEqual((first, second), ({("JBIG", (400, 400))}, {("MMR", (200, 200))}))
        self.assertEqual(got["rcpt"], ["RCPT TO:<b@far.example>"])

    def test_what_may_be_left_out_is_told_of_in_its_place(self):
        with Peer(ext=["CONNEG"], caps={"b@far.example": fax.GREY}) as hop, \
                Instance(smtproutes="far.example" + hop.route) as acc:
            acc.send("a@gateway.example", ["b@far.example"], OMITTED, rcpt=REQUIRE)
            got = wait_for(lambda: hop.messages)[0]["data"]
        _, note = [p for p in fax.parse(got).walk() if not p.is_multipart()]
        self.assertEqual(note.get_content_type(), "text/plain")
        self.assertIn(hashlib.sha256(fax.images(OMITTED.encode())[0].get_payload(decode=True)).hexdigest(),
                      re.sub(r"\s", "", note.get_payload()))
        self.assertEqual(fax.images(got), [])

    def test_reports_say_why(self):
        """The code, in words, and the row and part as fields."""
        cases = {"prohibited": ("5.6.2", PROHIBITED, "you said that it must not be", "D3"),
                 "grey": ("5.6.3", SOUND, "nor pass on what you permit or demand of it", "D3"),
                 "unknown": ("5.6.3", PAGE, "nor pass on what you permit or demand of it", "D5")}
        caps = {f"{name}@far.example": fax.GREY for name in cases if name != "unknown"}
        with Peer(ext=["CONNEG"], caps=caps) as hop, \
                Instance(smtproutes="far.example" + hop.route,
                         mailboxes=[f"{name}@gateway.example maildir:mail/{name}" for name in cases]) as acc:
            for name, (code, message, words, row) in cases.items():
                with self.subTest(name):
                    acc.send(f"{name}@gateway.example", [f"{name}@far.example"], message, rcpt=REQUIRE)
                    report = dsn.stored(wait_for(lambda n=name: acc.maildir("mail/" + n))[0])
                    fields, = report.recipients
                    self.assertEqual((fields["action"], fields["status"]), ("failed", code))
                    self.assertEqual(fields["x-accord-row"], row)
                    self.assertIn(words, " ".join(report.words.split()))
                    self.assertEqual("x-accord-part" in fields, row == "D3")

    def test_DR10_other_mail_is_as_ever(self):
        """A server with all extensions says to a client that uses none what one without them says; and a hop that
        offers all of them hears what one hears that offers none.  (DRUCOF is always offered: all other tests of plain
        mail are in the same case.)"""
        plain = ["MAIL FROM:<a@client.example> SIZE=100 BODY=8BITMIME", "RCPT TO:<postmaster@gateway.example>",
                 "RCPT TO:<nobody@gateway.example>", "RCPT TO:<b@far.example> FOO=1", "RCPT TO:<b@far.example>", "RSET",
                 "MAIL FROM:<a@client.example>", "RCPT TO:<b@far.example>", "RCPT TO:<postmaster@gateway.example>",
                 "DATA"]
        said, heard, stored = [], [], []
        for ext in ([], ["CONPERM", "CONNEG", "DRUCOF PREFER"]):
            with Peer(ext=["PIPELINING", "8BITMIME", *ext]) as hop:
                acc = Instance(smtproutes="far.example" + hop.route)
                acc.set("listen", f"127.0.0.1:{acc.port}" + " noconperm noconneg nodrucof" * (not ext))
                acc.own()
                with acc, acc.client() as c:
                    self.assertEqual({"CONPERM", "CONNEG", "DRUCOF PREFER"} <= set(c.ehlo()), bool(ext))
                    said.append([c.cmd(line) for line in plain])
                    self.assertTrue(c.cmd(data=dot(NO_FIELD))[0].startswith("250 2.0.0 "))
                    wait_for(lambda h=hop: h.messages)
                    acc.wait_empty()
                    mail, = acc.maildir()
                    stored.append(ON_TOP.sub(b"", mail.replace(b"\n", b"\r\n"), 1))
                    heard.append([l for side, l in hop.sessions[0].lines if side == "C" and "octets" not in l])
                    sent = hop.messages[0]["data"]
                    stored.append(ON_TOP.sub(b"", sent, 1))
        self.assertEqual(said[0], said[1])
        self.assertEqual(heard[0][:4], heard[1][:4])
        self.assertEqual(set(stored), {crlf(NO_FIELD)})


class Server(unittest.TestCase):
    """The digest, c.1."""

    @classmethod
    def setUpClass(cls):
        cls.off = free_port()
        cls.hop = Peer(ext=["DRUCOF"])
        cls.acc = Instance(smtproutes="far.example" + cls.hop.route)
        cls.acc.set("listen", [f"127.0.0.1:{cls.acc.port}", f"127.0.0.1:{cls.off} mx nodrucof"])
        cls.acc.own()
        cls.acc.start()

    @classmethod
    def tearDownClass(cls):
        cls.acc.__exit__(None, None, None)
        cls.hop.close()

    def test_c1_the_parameter(self):
        with self.acc.client() as c:
            self.assertIn("DRUCOF PREFER", c.ehlo())
            c.must("250", "MAIL FROM:<a@client.example>")
            for words, code in ((" DRUCOF", "250 2.1.5"), (" drucof=Require", "250 2.1.5"),
                                (" DRUCOF=PREFER CONNEG", "250 2.1.5"), (" DRUCOF DRUCOF", "501 5.5.4"),
                                (" DRUCOF=PREFER DRUCOF", "501 5.5.4"), (" DRUCOF=", "501 5.5.4"),
                                (" DRUCOF=MAYBE", "501 5.5.4"), (" DRUCOFF", "555 5.5.4")):
                with self.subTest(words):
                    self.assertTrue(c.cmd("RCPT TO:<b@far.example>" + words)[-1].startswith(code))

    def test_c1_not_offered(self):
        for port, hello in ((self.off, "EHLO"), (self.acc.port, "HELO")):
            with self.subTest(hello), Client(port) as c:
                self.assertNotIn("DRUCOF PREFER", [l[4:] for l in c.must("250", hello + " client.example")])
                c.must("250", "MAIL FROM:<a@client.example>")
                self.assertTrue(c.cmd("RCPT TO:<b@far.example> DRUCOF")[0].startswith("504 5.3.3 DRUCOF"))

    def test_c1_it_is_kept_for_each_recipient(self):
        with self.acc.client() as c:
            c.ehlo()
            c.must("250", "MAIL FROM:<a@client.example>")
            for name, words in (("x", ""), ("y", " DRUCOF"), ("z", " DRUCOF=PREFER")):
                c.must("250", f"RCPT TO:<{name}@far.example>{words}")
            c.must("354", "DATA")
            c.must("250", data=dot(PAGE))
        got = wait_for(lambda: len(rcpts := [r for m in list(self.hop.messages) for r in m["rcpt"]
                                             if re.search("<[xyz]@", r)]) == 3 and rcpts)
        self.assertEqual(sorted(got),
                         [f"RCPT TO:<{name}@far.example>{words}" for name, words in
                          (("x", ""), ("y", " DRUCOF"), ("z", ""))])      # it takes no PREFER

    def test_c1_accord_send(self):
        for words in (["--drucof"], ["--drucof=prefer"], []):
            self.acc.accord("send", *words, "--", "s@far.example", data=b"Hello.\n")
        got = wait_for(lambda: len(rcpts := [r for m in list(self.hop.messages) for r in m["rcpt"] if "<s@" in r]) == 3
                       and rcpts)
        self.assertEqual(sorted(got), ["RCPT TO:<s@far.example>"] * 2 + ["RCPT TO:<s@far.example> DRUCOF"])
        self.assertEqual(self.acc.accord("send", "--drucof=maybe", "--", "s@far.example", check=False).returncode, 64)
