# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""Three accords in a row before a next hop that is not accord: who learns what is taken converts, once for each
time that it has to be.  And next hops that change their mind while they are asked."""
import collections
import os
import time

import fax
from harness import DATA, SLOW, Instance, Peer, Shared, wait_for

BOTH = ["PIPELINING", "8BITMIME", "SIZE 0", "ENHANCEDSTATUSCODES", "CONPERM", "CONNEG"]
SENDER = "postmaster@gateway.example"
PATIENCE = 30       # seconds for what is bounded, and no more than that


def address(command):
    return command[command.index("<") + 1:command.rindex(">")]


class Three(Shared):
    """one -> two -> three -> the hop.  Each of two and three has a directory, the hop its lists."""
    NAMES = ("one", "two", "three")

    @classmethod
    def setUpClass(cls):
        cls.hop = cls.share(Peer(ext=BOTH, caps={"b@last.example": fax.MMR, "b@twice.example": fax.MH}))
        known = {"three": [f"b@middle.example {fax.MMR}"],
                 "two": [f"b@first.example {fax.MMR}", f"b@twice.example {fax.MMR}"]}
        route, cls.accords = cls.hop.route, {}
        for name in reversed(cls.NAMES):
            acc = cls.share(Instance(me=f"{name}.example", locals=f"{name}.example", smtproutes=route,
                                     caps=known.get(name, [])))
            cls.accords[name], route = acc, f":[127.0.0.1]:{acc.port}"

    def events(self, event, **want):
        """How many of them each one has logged."""
        return {n: len(self.accords[n].log_lines(event=event, **want)) for n in self.NAMES}

    def through(self, domain, conperm=True, post=None, conversions=1):
        """What arrives for b there, and who made each conversion on the way."""
        before, n = self.events("convert"), len(self.hop.messages)
        if post:
            post("b@" + domain)
        else:
            self.accords["one"].send("a@client.example", ["b@" + domain], fax.message(fax.text(), fax.image()),
                                     mail=" CONPERM" if conperm else "")
        wait_for(lambda: len(self.hop.messages) > n)
        wait_for(lambda: sum(self.events("convert").values()) - sum(before.values()) >= conversions)
        now = self.events("convert")
        got = self.hop.messages[-1]
        self.assertEqual(got["rcpt"][0].split(">")[0], f"RCPT TO:<b@{domain}")
        self.assertEqual(" CONPERM" in got["mail"], conperm)
        return got, [name for name in self.NAMES for _ in range(now[name] - before[name])]

    def test_R30_the_first_who_learns_converts_wherever_it_stands(self):
        for domain, who in (("first.example", "one"), ("middle.example", "two"), ("last.example", "three")):
            for conperm in (True, False):
                with self.subTest(domain, conperm=conperm):
                    got, converted = self.through(domain, conperm)
                    self.assertEqual(converted, [who])
                    self.assertEqual(fax.codings(got["data"]), [{("MMR", (200, 200))}])
                    record, = fax.images(got["data"])[0].get_all("Content-Previous")
                    self.assertIn(f"By {who}.example;", " ".join(record.split()))

    def test_R2_each_of_them_hears_CONPERM(self):
        """Known to nobody: the permission reaches the last one, and goes on."""
        before = self.events("accepted", conperm="1")
        got, converted = self.through("nobody.example", conversions=0)
        want = {n: c + 1 for n, c in before.items()}
        wait_for(lambda: self.events("accepted", conperm="1") == want)
        self.assertEqual((fax.codings(got["data"]), converted), ([{("JBIG", (400, 400))}], []))

    def test_R13_two_conversions_are_two_records(self):
        got, converted = self.through("twice.example", conversions=2)
        self.assertEqual(converted, ["one", "three"])
        part, = fax.images(got["data"])
        self.assertEqual(fax.codings(got["data"]), [{("MH", (204, 196))}])
        second, first = [" ".join(r.split()) for r in part.get_all("Content-Previous")]
        self.assertRegex(second, r"By three\.example; .*image-coding=MMR")
        self.assertRegex(first, r"By one\.example; .*image-coding=JBIG")
        features, = part.get_all("Content-Features")
        self.assertRegex(features, r"image-coding=MH\b")
        self.assertEqual(part["Content-Convert"], "ANY")
        self.assertEqual(fax.parse(got["data"])["Message-ID"], "<1@client.example>")

    def test_R31_accord_send_asks_the_next_accord(self):
        """Direct mode, with what the user demands and without it."""
        image = os.path.join(DATA, "render", "letter-J-400.tif")
        for conperm in (["--conperm"], []):
            with self.subTest(conperm):
                got, converted = self.through("first.example", bool(conperm), lambda to: self.accords["one"].accord(
                    "send", *conperm, "--convert", "any", "--attach", image, "--", to, data=b"hello\n"))
                self.assertEqual(converted, ["one"])
                self.assertEqual(fax.codings(got["data"]), [{("MMR", (200, 200))}])


class Fickle(Shared):
    """Hops that answer each time as they like."""

    def relay(self, answer):
        """A hop that answers RCPT … CONNEG by what answer says of (session's number, recipient)."""
        def rcpt(session, line):
            if "CONNEG" not in line:
                return None
            said = answer(hop.sessions.index(session), address(line))
            if said[:1].isdigit():
                return said
            session.caps = {**getattr(session, "caps", {}), address(line): said}
            return "250-2.1.5 ok\n" + "\n".join("250-2.1.5 CONNEG " + l for l in said.split("\n")) + "\n250 2.1.5 ok"

        def took(session, body):
            said = getattr(session, "caps", {})
            hop.took += [(address(r), said.get(address(r)), body) for r in session.rcpt]

        hop = self.share(Peer(ext=BOTH, on={"RCPT": rcpt, "EOD": took}))
        hop.took = []
        return hop, self.share(Instance(smtproutes=hop.route))

    def test_R19_whatever_was_said_last_counts(self):
        """The machines change places with each session."""
        takes = [fax.device(coding) for coding in ("MH", "MMR", "MR")]
        to = [f"{n}@far.example" for n in "abcd"]
        hop, acc = self.relay(lambda session, who: takes[(session + to.index(who)) % 3])
        for conperm in (True, False):
            acc.send(SENDER, to, fax.message(fax.image()), mail=" CONPERM" if conperm else "")
            acc.wait_empty()
        self.assertEqual(collections.Counter(who for who, _, _ in hop.took), dict.fromkeys(to, 2))
        for who, caps, body in hop.took:
            coding, = {c for c, _ in fax.codings(body)[0]}
            self.assertIn(f"image-coding=[{coding}]", caps)
        self.assertLessEqual(len(hop.sessions), 2 * 8)

    def test_R33_answered_and_then_not(self):
        """What was said in the first session is not believed in the second, which says "not now"."""
        patient = []
        hop, acc = self.relay(lambda session, who: "404 4.3.3 CONNEG not now" if session > 0 and who[0] == "a" and
                              not patient else fax.MH if who[0] == "a" else fax.MMR)
        acc.send(SENDER, ["a@far.example", "b@far.example"], fax.message(fax.image()), mail=" CONPERM")
        acc.logged(2, event="deliver")
        self.assertEqual({l["to"][0]: (l["result"], l["dsn"]) for l in acc.log_lines(event="deliver")},
                         {"a": ("deferred", "4.3.3"), "b": ("relayed", "2.0.0")})
        patient.append(True)
        acc.step_clock(20000)
        acc.wait_empty()
        self.assertEqual([(who[0], fax.codings(body)[0]) for who, _, body in hop.took],
                         [("b", {("MMR", (200, 200))}), ("a", {("MH", (204, 196))})])

    def test_long_lists_that_are_others_each_time(self):
        """Sixty-four of 60,000 octets, for machines of two kinds: all are understood.  Others in each session are more
        than is kept of them: those then count as none."""
        for steady in (True, False):
            with self.subTest(steady=steady):
                hop, acc = self.relay(lambda session, who: self.long(0 if steady else session, who))
                to = [f"r{k}@far.example" for k in range(64)]
                began = time.monotonic()
                acc.send(SENDER, to, fax.message(fax.image()), mail=" CONPERM")
                acc.wait_empty(PATIENCE)
                self.assertLess(time.monotonic() - began, PATIENCE * SLOW)
                self.assertEqual(collections.Counter(who for who, _, _ in hop.took), dict.fromkeys(to, 1))
                for who, caps, body in hop.took:
                    forms = {c for c, _ in fax.codings(body)[0]}
                    self.assertEqual(forms, {("MH", "MMR")[self.number(who) % 2]} if caps else {"JBIG"})
                    self.assertTrue(caps or not steady)
                bad = {l["why"] for l in acc.log_lines(event="bad-capabilities")}
                self.assertEqual(bad, set() if steady else {"more capability lists than are kept"})

    @staticmethod
    def number(who):
        return int(who.split("@")[0][1:])

    def long(self, session, who):
        k = self.number(who)
        rest = [f'(& (color=Grey) (ident="{session}.{k}.{i}.{"x" * 1900}") )' for i in range(30)]
        return "(|\n" + "\n".join([(fax.MH, fax.MMR)[k % 2], *rest, ")"])
