# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""CONPERM and CONNEG as a server: the dialect table (a.3) of RFC 4141, draft -03 and -04."""
import os
import re
import signal
import threading
import unittest

import fax
import rfc2533
from harness import Client, Instance, Peer, free_port, wait_for

LINE = re.compile(r"^250[- ](?:2\.1\.5 )?CONNEG (.*)$")
CAPS = ["known@gateway.example " + fax.MMR, "any@gateway.example any"]
BOXES = [f"{n}@gateway.example maildir:mail/{n}" for n in ("known", "any", "none")]
KNOWN, NONE, ANY = "known@gateway.example", "none@gateway.example", "any@gateway.example"

# A map with whatever may stand in one: {address as it stands there: (expression, other spellings of it)}.
MAP = {
    "mh@gateway.example": (fax.MH, ["MH@gateway.example", "mh@GATEWAY.example", '"mh"@gateway.example']),
    "mmr@gateway.example": (fax.MMR, []),
    '"odd name"@gateway.example': (fax.JBIG, ['"odd\\ name"@gateway.example']),
    "FAX=+49-30-123/T33S=7@gateway.example": (fax.GREY, ["fax=+49-30-123/t33s=7@gateway.example"]),
    "either@far.example": (f"(| {fax.MH} (& {fax.JBIG} (paper-size=[A4,B4])) )", []),
    "not@far.example": ('(& (type="image/tiff") (! (| (color=Full) (dpi=[1..99,401..1000]))))', []),
    "q@far.example": ("(| (& (dpi=400) (image-coding=JBIG));q=0.9 (dpi=200) );q=0.5", []),
    "unit@far.example": ("(& (dpi<=254/100) (u.x:y/z=[1/3,2/6..7/2,-5,x-word]) (size-x>=1/2) (size-x=2cm))", []),
    "many@far.example": ("(| " + " ".join(f"(& (dpi={n}) (size-x<={n}/9) (image-coding=[MH,MMR]))"
                                          for n in range(1, 140, 2)) + ")", []),
    "set@far.example": ("(& (color=Binary) (dpi=[" + ",".join(str(n * n) for n in range(1, 200)) + "]))", []),
    "@far.example": (fax.MMR, ["anybody@far.example", '"a b"@Far.Example', "q.x@far.example"]),
    "all@far.example": ("any", ["ALL@far.example"]),
}
PARAMETERS = (" CONNEG", " CONNEG=REQUIRED", " CONNEG = REQUIRED", " CONNEG=OPTIONAL")


def addresses():
    """(each address of the map in each of its spellings, its expression)"""
    for address, (expression, others) in MAP.items():
        for a in ([] if address.startswith("@") else [address]) + others:
            yield a, expression


def map_settings(**more):
    return {"caps": [f"{a} {expression}" for a, (expression, _) in MAP.items()],
            "mailboxes": ["@gateway.example maildir:mail/all"],
            "rcpthosts": ["gateway.example", "far.example"], "smtproutes": ":[127.0.0.1]:1", **more}


def capabilities(lines):
    return " ".join(m.group(1) for m in map(LINE.match, lines) if m)


class Server(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.acc = Instance(caps=CAPS, mailboxes=BOXES, conneg="")
        cls.acc.start()

    @classmethod
    def tearDownClass(cls):
        cls.acc.__exit__(None, None, None)

    def setUp(self):
        self.c = self.acc.client()
        self.addCleanup(self.c.close)
        self.keywords = self.c.ehlo()
        self.c.must("250", "MAIL FROM:<a@client.example>")

    def rcpt(self, address, parameter):
        return self.c.cmd(f"RCPT TO:<{address}>{parameter}")

    def test_R26_keywords_and_first_line(self):
        for word in ("CONPERM", "CONNEG", "PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES"):
            self.assertIn(word, self.keywords)
        got = self.rcpt(KNOWN, " CONNEG")
        self.assertTrue(got[0].startswith("250-2.1.5 "))
        self.assertNotIn("CONNEG", got[0].split(" ")[1:2])
        self.assertTrue(got[-1].startswith("250 2.1.5 CONNEG ("))

    def test_dialects_with_capabilities_known(self):
        for words in (" CONNEG", " conneg", " CONNEG=REQUIRED", " CONNEG = REQUIRED", " CONNEG= required",
                      " CONNEG=OPTIONAL", " CONNEG =OPTIONAL", " CONNEG=OPTIOANL"):
            with self.subTest(words):
                self.assertIn("MMR", capabilities(self.rcpt(KNOWN, words)))

    def test_dialects_with_none(self):
        for words, code in ((" CONNEG", "250 2.1.5"), (" CONNEG=OPTIONAL", "250 2.1.5"),
                            (" CONNEG=REQUIRED", "504 5.3.3 CONNEG"), (" CONNEG = REQUIRED", "504 5.3.3 CONNEG")):
            with self.subTest(words):
                got = self.rcpt(NONE, words)
                self.assertEqual(len(got), 1)
                self.assertTrue(got[0].startswith(code), got)
                self.assertEqual(capabilities(got), "")

    def test_R39_any_gets_a_plain_answer(self):
        got = self.rcpt(ANY, " CONNEG")
        self.assertEqual(len(got), 1)
        self.assertTrue(got[0].startswith("250 2.1.5"))

    def test_wrong_values(self):
        for words in (" CONNEG=MAYBE", " CONNEG CONNEG", " CONNEG=", " CONNEG=REQUIRED CONNEG"):
            with self.subTest(words):
                self.assertTrue(self.rcpt(KNOWN, words)[0].startswith("501 5.5.4"))

    def test_conperm_parameters(self):
        self.c.must("250", "RSET")
        for words in (" CONPERM=x", " CONPERM CONPERM", " CONPERM="):
            with self.subTest(words):
                got = self.c.cmd("MAIL FROM:<a@client.example>" + words)
                self.assertTrue(got[0].startswith("501 5.5.4"), got)
        self.c.must("250", "MAIL FROM:<a@client.example> CONPERM")

    def test_R32_lines_stay_short(self):
        for line in self.rcpt(KNOWN, " CONNEG"):
            self.assertLessEqual(len(line), 510)

    def test_R5_R28_extension_off(self):
        with self.off() as acc, acc.client() as c:
            words = c.ehlo()
            self.assertNotIn("CONPERM", words)
            self.assertNotIn("CONNEG", words)
            self.assertTrue(c.cmd("MAIL FROM:<a@client.example> CONPERM")[0].startswith("504 5.3.3 CONPERM"))
            c.must("250", "MAIL FROM:<a@client.example>")
            for w in (" CONNEG", " CONNEG=REQUIRED"):
                self.assertTrue(c.cmd(f"RCPT TO:<{KNOWN}>{w}")[0].startswith("504 5.3.3"))
            self.assertEqual(capabilities(c.must("250", f"RCPT TO:<{KNOWN}> CONNEG=OPTIONAL")), "")

    def off(self):
        acc = Instance(caps=CAPS, mailboxes=BOXES)
        acc.set("listen", f"127.0.0.1:{acc.port} mx noconperm noconneg")
        acc.own()
        return acc


class Listing(unittest.TestCase):
    """What is given, judged by a reader of RFC 2533 that is not accord's; by two listeners with one capd, of
    which one takes no mail."""

    @classmethod
    def setUpClass(cls):
        cls.acc = Instance(**map_settings())
        cls.other = free_port()
        cls.acc.set("listen", [f"127.0.0.1:{cls.acc.port}", f"127.0.0.1:{cls.other} mx probeonly"])
        cls.acc.own()
        cls.acc.start()

    @classmethod
    def tearDownClass(cls):
        cls.acc.__exit__(None, None, None)

    def session(self, port=None):
        c = Client(port or self.acc.port)
        self.addCleanup(c.close)
        c.ehlo()
        c.must("250", "MAIL FROM:<>")
        return c

    def test_R25_every_address_of_the_map(self):
        c, right = self.session(), set()
        for address, expression in addresses():
            for parameter in PARAMETERS:
                with self.subTest(address=address, parameter=parameter):
                    got = c.must("250", f"RCPT TO:<{address}>{parameter}")
                    if expression == "any":                     # R39
                        self.assertEqual(len(got), 1)
                        continue
                    self.assertTrue(got[0].startswith("250-2.1.5 <"), got[0])
                    self.assertEqual([bool(LINE.match(line)) for line in got], [False] + [True] * (len(got) - 1))
                    said = capabilities(got)
                    if (said, expression) not in right:
                        self.assertTrue(rfc2533.same(rfc2533.parse(said), rfc2533.parse(expression)))
                    right.add((said, expression))

    def test_R27_the_listing_is_what_RFC_2533_has(self):
        """Joined with a space and without, its lines are one expression, and each is broken where the digest says
        (a.3), or, in a set longer than a line, behind a comma."""
        c = self.session()
        for address, expression in addresses():
            if expression != "any":
                with self.subTest(address):
                    texts = [LINE.match(line)[1] for line in c.must("250", f"RCPT TO:<{address}> CONNEG")[1:]]
                    self.assertTrue(all(texts))
                    trees = [rfc2533.parse(join.join(texts)) for join in ("", " ")]
                    self.assertEqual(trees[0], trees[1])
                    self.assertTrue(rfc2533.same(trees[1], rfc2533.parse(expression)))
                    for one, next_one in zip(texts, texts[1:]):
                        self.assertTrue(one[-1] == ")" or next_one[0] == "(" or
                                        (one[-1] == "," and not re.search(r"\)|.\(", one)), (one, next_one))

    def test_R32_no_line_is_longer_than_512_octets(self):
        c = self.session()
        for address, expression in addresses():
            got = c.must("250", f"RCPT TO:<{address}> CONNEG")
            self.assertLessEqual(max(map(len, got)), 510)
            if address in ("many@far.example", "set@far.example"):
                self.assertGreater(len(got), 3)

    def test_five_hundred_recipients_in_one_go(self):
        """All written before anything is read, DATA with them: each gets its own list, in order."""
        known = list(addresses())
        asked = [known[i % len(known)] for i in range(500)]
        right = {a: capabilities(self.session().must("250", f"RCPT TO:<{a}> CONNEG")) for a, _ in known}
        with self.acc.client() as c:
            writing = threading.Thread(target=c.send, args=(
                "EHLO client.example\r\nMAIL FROM:<a@client.example>\r\n" +
                "".join(f"RCPT TO:<{a}> CONNEG\r\n" for a, _ in asked) + "DATA\r\n",))
            writing.start()
            writing.join(1)
            self.assertTrue(c.reply()[-1].startswith("250 ") and c.reply()[-1].startswith("250 2.1.0"))
            for address, _ in asked:
                got = c.reply()
                self.assertEqual(got[0][4:], f"2.1.5 <{address}> recipient ok")
                self.assertEqual(capabilities(got), right[address])
            self.assertTrue(c.reply()[0].startswith("354"))
            writing.join()
            c.must("250 2.0.0", data=b"Subject: to all\r\n\r\n.\r\n")
            at, = self.acc.logged(1, event="accepted", **{"from": "a@client.example", "size": "19"})
            self.assertEqual(int(at["count"]), len({a.split("@")[0] + a.split("@")[1].lower() for a, _ in asked}))

    def test_DR8_two_listeners_say_the_same(self):
        with self.acc.client() as a, Client(self.other) as b:
            self.assertEqual(a.ehlo(), b.ehlo())
            for c in (a, b):
                c.must("250", "MAIL FROM:<> CONPERM")
            for address in [a for a, _ in addresses()] + ["nobody@elsewhere.example", "postmaster"]:
                for parameter in PARAMETERS + ("", " CONNEG=MAYBE"):
                    line = f"RCPT TO:<{address}>{parameter}"
                    self.assertEqual(a.cmd(line), b.cmd(line), line)

    def test_DR9_a_listener_for_questions_alone(self):
        refused = ["554 5.3.2 this host answers about capabilities only"]
        with Client(self.other) as c:
            c.ehlo()
            c.must("250", "MAIL FROM:<a@client.example>")
            self.assertIn("MMR", capabilities(c.must("250", "RCPT TO:<mmr@gateway.example> CONNEG=OPTIONAL")))
            self.assertEqual(c.cmd("DATA"), refused)
            c.send("BDAT 13\r\nVRFY x\r\nQUIT\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n")
            self.assertEqual([c.reply(), c.reply(), c.reply()], [refused, refused, ["250 2.0.0 ok"]])
            c.must("221", "QUIT")
        self.assertEqual(self.acc.queue(), [])
        self.acc.send("a@client.example", ["mmr@gateway.example"], "Subject: by the other one\n\nx\n")
        wait_for(lambda: self.acc.maildir("mail/all"))

    def test_the_reader_of_RFC_2533_is_strict(self):
        for text in ("", "(", "(a=1", "a=1", "(a=1))", "(& )", "(a=)", "(a=[])", "(a=[1,])", "(a=1,2)", '(a="x)',
                     "(a>1)", "(a=1);q=2", "(1a=2)", "(a=1/0)", "(a=x..y)", "(a=[1..2cm])", "(! (a=1) (b=2))",
                     "(a=1) (b=2)"):
            with self.subTest(text), self.assertRaises(rfc2533.Malformed):
                rfc2533.parse(text)
        of = rfc2533.parse
        for text, other in (("(a=[1,2])", "(| (a=2) (a=1))"), ("(! (& (a=1) (b=x)))", "(| (! (b=X)) (! (a=1)))"),
                            ("(a=[1..2])", "(& (a<=4/2) (a>=1))")):
            self.assertTrue(rfc2533.same(of(text), of(other)), text)
        for was, now in (("MH,MR,MMR", "MH,MMR"), ("<=", "="), ("2150/254", "2151/254"), ("dpi=200", "dpi=200dpcm"),
                         ("(MRC-mode=0)", ""), ("(& ", "(| ")):
            self.assertFalse(rfc2533.same(of(fax.MMR), of(fax.MMR.replace(was, now))), (was, now))


class Disclosure(unittest.TestCase):
    """The third word of a line of `conneg`: to whom capabilities are told."""
    INSIDE, OUTSIDE, PARTNER = "127.0.0.1", "127.0.1.1", "127.0.2.7"

    def test_disclosure_by_client(self):
        two = free_port()
        acc = Instance(**map_settings(relayclients="127.0.0.1", conneg=[
            "gateway.example directory relayclients", "far.example directory 127.0.2.0/24,relayclients"]))
        acc.set("listen", [f"127.0.0.1:{acc.port}", f"127.0.0.1:{two} norelay"])
        acc.own()
        plain = {" CONNEG": "250 2.1.5", " CONNEG=OPTIONAL": "250 2.1.5",
                 " CONNEG=REQUIRED": "504 5.3.3 CONNEG capabilities are not known"}
        told = {("mh@gateway.example", acc.port): [self.INSIDE],
                ("mh@gateway.example", two): [],            # relayclients do not count there
                ("q@far.example", acc.port): [self.INSIDE, self.PARTNER],
                ("q@far.example", two): [self.PARTNER]}
        with acc:
            for (address, port), who in told.items():
                for source in (self.INSIDE, self.OUTSIDE, self.PARTNER):
                    with Client(port, source=source) as c, self.subTest(address=address, source=source, port=port):
                        c.ehlo()
                        for _ in range(2):
                            c.must("250", f"MAIL FROM:<{source}@client.example>")
                            for parameter, want in plain.items():
                                got = c.cmd(f"RCPT TO:<{address}>{parameter}")
                                if source in who:
                                    self.assertIn("dpi=", capabilities(got))
                                else:
                                    self.assertEqual(len(got), 1)
                                    self.assertTrue(got[0].startswith(want), got)
                            c.must("250", f"RCPT TO:<{address}>")       # the mail is taken all the same
                            c.must("250", "RSET")
            # once a transaction, with who asked
            wanted = sorted(2 * [f"{s}@client.example" for k, who in told.items()
                                 for s in (self.INSIDE, self.OUTSIDE, self.PARTNER) if s not in who])
            lines = acc.logged(len(wanted), event="conneg-withheld")
            self.assertEqual(sorted(x["from"] for x in lines), wanted)
            for x in lines:
                self.assertEqual(x["from"].split("@")[0], x["client"])

    def test_who_may_not_ask_learns_nothing_from_a_directory_that_is_down(self):
        with Instance(**map_settings(relayclients="127.0.0.1", conneg="* directory relayclients")) as acc, \
                Client(acc.port, source=self.OUTSIDE) as c:
            c.ehlo()
            c.must("250", "MAIL FROM:<>")
            pid = acc.pids("capd")[0]
            os.kill(pid, signal.SIGSTOP)
            try:
                self.assertTrue(c.cmd("RCPT TO:<q@far.example> CONNEG=REQUIRED")[0].startswith("504 5.3.3"))
                self.assertEqual(len(c.must("250 2.1.5", "RCPT TO:<q@far.example> CONNEG")), 1)
            finally:
                os.kill(pid, signal.SIGCONT)


class Directory(unittest.TestCase):
    def test_a_domain_that_is_off_gives_no_answer(self):
        with Instance(caps=CAPS, mailboxes=BOXES, conneg="gateway.example off") as acc, acc.client() as c:
            c.ehlo()
            c.must("250", "MAIL FROM:<a@client.example>")
            self.assertEqual(capabilities(c.must("250", f"RCPT TO:<{KNOWN}> CONNEG")), "")

    def test_caps_are_replaced_while_running(self):
        with Instance(caps=CAPS, mailboxes=BOXES) as acc, acc.client() as c:
            c.ehlo()
            c.must("250", "MAIL FROM:<a@client.example>")
            self.assertIn("MMR", capabilities(c.must("250", f"RCPT TO:<{KNOWN}> CONNEG")))
            acc.set("caps", [f"@gateway.example {fax.MH}"])
            acc.own()
            acc.accord("caps", "build")
            acc.own()
            wait_for(lambda: "204" in capabilities(c.must("250", f"RCPT TO:<{KNOWN}> CONNEG")))

    def test_errors_have_file_line_and_column(self):
        acc = Instance(caps=["# a machine", "x@gateway.example (& (dpi=200) (oops"], mailboxes=BOXES)
        got = acc.accord("caps", "build", check=False)
        self.assertEqual(got.returncode, 1)
        self.assertRegex(got.stderr.decode(), r"caps:2:\d+: ")

    def test_R34_R33_a_dead_directory(self):
        with Instance(caps=CAPS, mailboxes=BOXES) as acc, acc.client() as c:
            c.ehlo()
            c.must("250", "MAIL FROM:<a@client.example>")
            pid = acc.pids("capd")[0]
            os.kill(pid, signal.SIGSTOP)
            try:
                got = c.cmd("RCPT TO:<b@elsewhere.example> CONNEG=REQUIRED")
                self.assertTrue(got[0].startswith("404 4.3.3 CONNEG"), got)
                got = c.cmd("RCPT TO:<b@elsewhere.example> CONNEG=OPTIONAL")
                self.assertTrue(got[0].startswith("250 2.1.5"), got)
                got = c.cmd("RCPT TO:<b@elsewhere.example> CONNEG")
                self.assertTrue(got[0].startswith("250 2.1.5"), got)
            finally:
                os.kill(pid, signal.SIGCONT)

    def test_R33_R34_a_mailbox_of_ours_and_a_dead_directory(self):
        """Whether there is that mailbox cannot be told either, so nobody gets 250: who speaks the dialect that has
        a 404 gets it, others what they would get without CONNEG.  With the directory back: R33's "later"."""
        with Instance(caps=CAPS, mailboxes=BOXES) as acc, acc.client() as c:
            c.ehlo()
            c.must("250", "MAIL FROM:<a@client.example>")
            pid = acc.pids("capd")[0]
            os.kill(pid, signal.SIGSTOP)
            try:
                for parameter in (" CONNEG=REQUIRED", " CONNEG", ""):
                    want = "404 4.3.3 CONNEG" if "REQUIRED" in parameter else "451 4.3.0"
                    got = c.cmd(f"RCPT TO:<{KNOWN}>{parameter}")
                    self.assertEqual(len(got), 1)
                    self.assertTrue(got[0].startswith(want), (parameter, got))
            finally:
                os.kill(pid, signal.SIGCONT)
            acc.step_clock(11)                  # it is not asked again at once
            self.assertIn("MMR", capabilities(c.must("250", f"RCPT TO:<{KNOWN}> CONNEG=REQUIRED")))
            c.must("550 5.1.1", "RCPT TO:<nobody@gateway.example> CONNEG=REQUIRED")

    def test_five_hundred_recipients_and_a_dead_directory(self):
        """Who names many is told soon: not 2 s later for each."""
        with Instance(caps=CAPS, mailboxes=BOXES) as acc, acc.client() as c:
            pid = acc.pids("capd")[0]
            os.kill(pid, signal.SIGSTOP)
            try:
                c.ehlo()
                c.send("MAIL FROM:<a@client.example>\r\n" +
                       f"RCPT TO:<{KNOWN}> CONNEG=REQUIRED\r\nRCPT TO:<b@elsewhere.example> CONNEG\r\n" * 250)
                c.reply()
                got = [c.reply()[0][:9] for _ in range(500)]
            finally:
                os.kill(pid, signal.SIGCONT)
            self.assertEqual(got, ["404 4.3.3", "250 2.1.5"] * 250)
            self.assertEqual(len(acc.logged(2, event="no-answer", peer="capd")), 2)     # of capabilities, of mailboxes


class Chain(unittest.TestCase):
    def test_R30_R6_R40_the_first_who_learns_converts(self):
        """relay (knows nothing) -> middle (asks) -> last, which gives capabilities."""
        with Peer(ext=["PIPELINING", "CONPERM", "CONNEG", "8BITMIME"], caps={"b@far.example": fax.MMR}) as last, \
                Instance(me="middle.example", locals="middle.example", smtproutes=last.route) as middle, \
                Instance(me="first.example", locals="first.example",
                         smtproutes=f":[127.0.0.1]:{middle.port}") as first:
            first.send("a@client.example", ["b@far.example"], fax.message(fax.image()), mail=" CONPERM")
            wait_for(lambda: last.messages)
            got = last.messages[0]
            self.assertIn(" CONPERM", got["mail"])
            self.assertEqual(fax.codings(got["data"])[0], {("MMR", (200, 200))})
            self.assertIn("middle.example", fax.images(got["data"])[0]["Content-Previous"])
