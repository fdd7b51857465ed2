# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""Lists of recipients: each ends as its own row says, in as few conversions and sessions as there are forms.
What the next hop heard and got is the judge, and the log of conversions."""
import collections
import itertools

import dsn
import fax
from harness import Instance, Peer, Shared, wait_for
from test_rows import SPOILT

SENDER = "postmaster@gateway.example"
BOTH = ["PIPELINING", "8BITMIME", "SIZE 0", "ENHANCEDSTATUSCODES", "CONPERM", "CONNEG"]
PAGE = fax.message(fax.text(), fax.image())
ORIGINAL = frozenset({("JBIG", (400, 400))})

# Machines, and what the page becomes for each.
CLASSES = {
    "mh": (fax.MH, ("MH", (204, 196))),
    "mh200": (fax.device("MH"), ("MH", (200, 200))),
    "mr": (fax.device("MR"), ("MR", (200, 200))),
    "mmr": (fax.MMR, ("MMR", (200, 200))),
    "mmr300": (fax.device("MMR", 300), ("MMR", (300, 300))),
    "mmr400": (fax.device("MMR", 400), ("MMR", (400, 400))),
    "jbig": (fax.device("JBIG"), ("JBIG", (200, 200))),
}
ASIS = {"fits": fax.JBIG, "none": None}


def recipients(n, domain):
    """n of them, of every class and of those that get the original by turns: {address: class}."""
    names = itertools.cycle([*CLASSES, *ASIS])
    return {f"{name}.{i}@{domain}": name for i, name in zip(range(n), names)}


def takes(name):
    return CLASSES[name][0] if name in CLASSES else ASIS[name]


def address(command):
    return command[command.index("<") + 1:command.rindex(">")]


def arrived(hop):
    """What the hop took for whom: {address: [codings]}."""
    found = collections.defaultdict(list)
    for m in hop.messages:
        for r in m["rcpt"]:
            found[address(r)].append(frozenset(fax.codings(m["data"])[0]))
    return found


def form(name):
    return frozenset({CLASSES[name][1]}) if name in CLASSES else ORIGINAL


class Many(Shared):
    @classmethod
    def setUpClass(cls):
        cls.hops, cls.who = {}, {}
        for domain, n in (("many.example", 100), ("one.example", 18), ("other.example", 18)):
            cls.who[domain] = recipients(n, domain)
            cls.hops[domain] = cls.share(Peer(ext=BOTH, caps={a: takes(c) for a, c in cls.who[domain].items()}))
        cls.acc = cls.share(Instance(smtproutes=[d + hop.route for d, hop in cls.hops.items()]))

    def worked(self):
        """Conversions and plans so far."""
        return [len(self.acc.log_lines(event=e)) for e in ("convert", "plan")]

    def post(self, *domains, conversions, plans):
        """To all of these; that takes so many."""
        want = [n + more for n, more in zip(self.worked(), (conversions, plans))]
        self.acc.send(SENDER, [a for d in domains for a in self.who[d]], PAGE, mail=" CONPERM")
        self.acc.wait_empty(60)
        for d in domains:
            got = arrived(self.hops[d])
            self.assertEqual({a: [form(c)] for a, c in self.who[d].items()}, dict(got))
            self.assertTrue(all(" CONPERM" in m["mail"] for m in self.hops[d].messages))
        self.assertEqual(self.acc.maildir(), [])
        wait_for(lambda: all(n >= m for n, m in zip(self.worked(), want)))
        self.assertEqual(self.worked(), want)

    def test_a_hundred_recipients_in_seven_classes_are_seven_conversions(self):
        """qmgr gives a session 64 at most, so it takes two jobs: each asks once, and has a session for each form,
        one for those whom it fits, and one for those of whom nothing is known."""
        self.post("many.example", conversions=7, plans=2)
        sessions = self.hops["many.example"].sessions
        self.assertLessEqual(len(sessions), 2 * (1 + 9))
        for s in sessions:
            said = [l for side, l in s.lines if side == "C"]
            messages = said.count("DATA")
            self.assertTrue(messages == 1 or (messages == 0 and said[-1] == "QUIT"), said)
        asked = collections.Counter(address(l) for l in self.hops["many.example"].said("RCPT") if "CONNEG" in l)
        bare = collections.Counter(address(l) for l in self.hops["many.example"].said("RCPT") if "CONNEG" not in l)
        who = self.who["many.example"]
        self.assertEqual(asked, {a: 1 if c == "none" else 2 for a, c in who.items()})
        self.assertEqual(bare, {a: 1 for a, c in who.items() if c == "none"})

    def test_two_destinations_share_the_conversions(self):
        self.post("one.example", "other.example", conversions=7, plans=2)


class Mixed(Shared):
    """Everybody of a list ends as its row says, whatever becomes of the others."""

    # what the hop says to RCPT … CONNEG, what the machine takes, row, form: the page or the spoilt one, with CONPERM
    # and without
    FAILS, WAITS = "5.6.5", "4.3.3"
    TAKES = {
        "fits": "(& (color=Binary) (image-file-structure=TIFF-limited) (image-coding=[MMR,JBIG]) (dpi<=400) )",
        "mmr": fax.device("MMR", 200), "mh": fax.device("MH", 200), "empty": fax.GREY,
        "silent": None, "later": fax.device("MMR", 200), "gone": fax.JBIG, "unknown": fax.JBIG,
    }
    SAYS = {"later": "404 4.3.3 CONNEG not now", "gone": "550 5.1.1 nobody", "unknown": "504 5.3.3 what is CONNEG"}
    ENDS = {    # name: (row and outcome under CONPERM; without it), of the page
        "fits": ("B5b", "original"), "mmr": ("B5c", "MMR"), "mh": ("B5c", "MH"), "empty": ("B5d", "original"),
        "silent": ("B5a", "original"), "later": (None, "4.3.3"), "gone": (None, "5.1.1"), "unknown": ("B5a", "original"),
    }
    ROWS = {"B5b": "B2b", "B5c": "B2c", "B5d": "B2d", "B5a": "B2a", "B5e": "B2d"}     # without CONPERM

    @classmethod
    def setUpClass(cls):
        cls.hop = cls.share(Peer(ext=BOTH, on={"RCPT": cls.says}, caps={
            f"{name}@{domain}.example": text for domain in ("a", "b", "c", "d") for name, text in cls.TAKES.items()}))
        cls.later = True
        cls.acc = cls.share(Instance(smtproutes=cls.hop.route))

    @classmethod
    def says(cls, _, line):
        name = address(line).split("@")[0]
        if name == "later" and not cls.later or name != "gone" and "CONNEG" not in line:
            return None
        return cls.SAYS.get(name)

    def ends(self, conperm, spoilt):
        """{name: (row, form or code)}"""
        found = {}
        for name, (row, what) in self.ENDS.items():
            if spoilt and row == "B5c":
                row, what = ("B5e", "5.6.5") if conperm else ("B2d", "original")
            found[name] = (row if conperm or row is None else self.ROWS.get(row, row), what)
        return found

    def form(self, m, sent):
        if fax.same(m["data"], sent):
            return "original"
        coding, = {c for c, _ in fax.codings(m["data"])[0]}
        return coding

    def mixed(self, domain, sent, conperm, spoilt):
        to = {f"{name}@{domain}.example": name for name in self.TAKES}
        type(self).later, before = True, len(self.hop.messages)
        reports = len(self.acc.maildir())
        said = self.acc.send(SENDER, list(to), sent, mail=" CONPERM" if conperm else "")
        want = self.ends(conperm, spoilt)
        ended = lambda: {l["to"]: l["dsn"] for l in self.acc.log_lines(event="deliver") if l["to"] in to}
        wait_for(lambda: len(ended()) == len(to))
        got = {address(r): self.form(m, sent) for m in self.hop.messages[before:] for r in m["rcpt"]}
        dsns = ended()
        self.assertEqual({to[a]: got.get(a, dsns[a]) for a in to}, {n: w for n, (_, w) in want.items()}, said)
        rows = {l["to"]: l["row"] for l in self.acc.log_lines(event="negotiated") if l["to"] in to}
        self.assertEqual({to[a]: r for a, r in rows.items()}, {n: r for n, (r, _) in want.items() if r})
        bad = {a: dsns[a] for a in to if want[to[a]][1].startswith("5.")}
        told = lambda: {dsn.typed(f["final-recipient"])[1]: f["status"]
                        for data in self.acc.maildir()[reports:] for f in dsn.stored(data).recipients}
        wait_for(lambda: len(told()) == len(bad))
        self.assertEqual(told(), bad)
        return to, before

    def test_each_ends_as_its_row_says(self):
        for domain, (conperm, spoilt) in zip("abcd", itertools.product((True, False), (False, True))):
            with self.subTest(conperm=conperm, spoilt=spoilt):
                sent = SPOILT if spoilt else PAGE
                to, before = self.mixed(domain, sent, conperm, spoilt)
                type(self).later = False
                self.acc.step_clock(20000)
                self.acc.wait_empty()
                got = collections.Counter(address(r) for m in self.hop.messages[before:] for r in m["rcpt"])
                self.assertEqual(got.pop(f"later@{domain}.example", 0), not (conperm and spoilt))
                self.assertEqual(set(got.values()), {1})
