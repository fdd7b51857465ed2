# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""man/accord-fax.7 shows a fax's way by transcripts: each is what happens here, now.

ACCORD_RECORD=1: they are written into the page instead.
"""
import os
import re
import shutil
import tempfile
import textwrap

import dsn
import fax
from harness import TOP, Instance, Peer, Shared, wait_for

PAGE = os.path.join(TOP, "man", "accord-fax.7")
BLOCK = re.compile(r'(?<=^\.\\" record: )(\S+)(\n\.Bd -literal\n)(.*?)(?=^\.Ed$)', re.M | re.S)
HOP = ["PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES"]
CONPERM, CONNEG = HOP + ["CONPERM", "CONNEG"], HOP + ["CONNEG"]
WIDTH = 76

# Whatever differs from run to run.
PLAIN = [(r"\w{3}, +\d+ \w{3} \d{4} [\d:]{8} [+-]\d{4}", "Mon, 30 Nov 2026 10:00:00 +0000"),
         (r"\[127\.0\.0\.1\]:\d+", "[192.0.2.25]:25"), (r"\[127\.0\.0\.1\] \(port \d+\)", "[192.0.2.25]"),
         (r"\(\d+ octets\)", "(the message)"), (r"\b(?=\w*\d)[0-9a-z]{16}\b", "1j1g7l8jsvm00000")]


def says(text):
    """A list in lines, as hops give it."""
    lines = ["recipient ok"] + ["CONNEG " + l for l in textwrap.wrap(text, 60, break_on_hyphens=False)]
    return ["250-2.1.5 " + l for l in lines[:-1]] + ["250 2.1.5 " + lines[-1]]


FITS, MH, MMR = (says(c) for c in (fax.device("MH,MMR,JBIG", "[200,400]"), fax.MH, fax.MMR))
SHADES = says("(& (color=Grey) (image-coding=JPEG) (image-file-structure=TIFF-limited) )")
WAYS = {    # name: what the hop offers, the machines
    "fits": (CONPERM, {"ann@a.example": FITS}),
    "converted": (CONPERM, {"bob@b.example": MH}),
    "two": (CONPERM, {"ann@c.example": MH, "bob@c.example": MMR}),
    "nothing": (CONNEG, {"eve@d.example": SHADES}),
    "neither": (HOP, {"fay@e.example": None}),
}


def broken(line):
    """The line, over several if it is long: at spaces, or between the terms of an expression."""
    lines = [""]
    for piece in re.split(r"(?<= )|(?<=\))(?=\()", line):
        if len(lines[-1] + piece.rstrip()) > WIDTH:
            lines.append(" " * 6)
        lines[-1] += piece
    return "\n".join(l.rstrip() for l in lines)


def plain(text):
    for pattern, instead in PLAIN:
        text = re.sub(pattern, instead, text)
    return "".join(broken(line) + "\n" for line in text.splitlines())


def roff(text):
    return re.sub(r"^([.'])", r"\\&\1", text.replace("\\", r"\e"), flags=re.M)


class Page(Shared):
    """All of it in one go: a session is kept for two seconds after its message."""

    @classmethod
    def setUpClass(cls):
        cls.hops = {name: cls.share(Peer(ext=ext, caps=caps)) for name, (ext, caps) in WAYS.items()}
        domain = {name: next(iter(caps)).split("@")[1] for name, (_, caps) in WAYS.items()}
        cls.acc = cls.share(Instance(smtproutes=[domain[n] + hop.route for n, hop in cls.hops.items()],
                                     mailboxes="you@gateway.example maildir:mail/you"))
        with tempfile.TemporaryDirectory() as folder:
            image = os.path.join(folder, "fax.tif")
            shutil.copy(os.path.join(fax.DATA, "render", "letter-J-400.tif"), image)
            for _, caps in WAYS.values():
                cls.acc.accord(*cls.words(image, caps), data=b"Dear all,\nthe contract.\n")
        cls.acc.wait_empty()
        for hop in cls.hops.values():
            wait_for(lambda: hop.sessions and all(s.lines[-1:] == [("S", "221 2.0.0 bye")] for s in hop.sessions))
        wait_for(lambda: len(cls.acc.maildir("mail/you")) == 2)
        found = [dsn.stored(m) for m in cls.acc.maildir("mail/you")]
        cls.reports = {name: r for r in found for name in WAYS if r.of(next(iter(WAYS[name][1])))}

    @staticmethod
    def words(image, to):
        return ["send", "--from", "you@gateway.example", "--conperm", "--convert", "any", "--attach", image, "--", *to]

    def command(self, name):
        return "$ accord " + " ".join(self.words("fax.tif", WAYS[name][1])) + " < cover.txt\n"

    def heard(self, name):
        return "\n".join("".join(f"{side}: {line}\n" for side, line in s.lines) for s in self.hops[name].sessions)

    def image(self, name):
        """The header of the part, as the hop got it."""
        part, = fax.images(self.hops[name].messages[-1]["data"])
        return "".join(f"{k}: {v}\n" for k, v in part.items()).replace("\r", "")

    def records(self):
        return {
            "fits": self.command("fits") + "\n" + self.heard("fits"),
            "fits-part": self.image("fits"),
            "converted": self.command("converted") + "\n" + self.heard("converted"),
            "converted-part": self.image("converted"),
            "two": self.command("two") + "\n" + self.heard("two"),
            "nothing": self.command("nothing") + "\n" + self.heard("nothing"),
            "nothing-words": self.reports["nothing"].words,
            "nothing-fields": self.reports["nothing"].parts[1].decode().split("\r\n\r\n", 1)[1],
            "neither": self.command("neither") + "\n" + self.heard("neither"),
            "neither-words": self.reports["neither"].words,
        }

    def test_the_page_shows_what_happens(self):
        with open(PAGE) as f:
            text = f.read()
        got = {name: plain(t.replace("\r\n", "\n").strip("\n")) for name, t in self.records().items()}
        if os.environ.get("ACCORD_RECORD"):
            with open(PAGE, "w") as f:
                f.write(BLOCK.sub(lambda m: m[1] + m[2] + roff(got[m[1]]), text))
            return
        shown = {m[1]: m[3] for m in BLOCK.finditer(text)}
        self.assertEqual(set(shown), set(got))
        for name, record in got.items():
            with self.subTest(name):
                self.assertEqual(shown[name], roff(record))

    def test_what_the_page_says_of_them(self):
        """The row of each, and what became of it."""
        rows = {l["to"]: l["row"] for l in self.acc.log_lines(event="negotiated")}
        self.assertEqual(rows, {"ann@a.example": "B5b", "bob@b.example": "B5c", "ann@c.example": "B5c",
                                "bob@c.example": "B5c", "eve@d.example": "B6c", "fay@e.example": "B3"})
        self.assertEqual({n: r.recipients[0]["status"] for n, r in self.reports.items()},
                         {"nothing": "5.6.5", "neither": "5.6.3"})
