# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""accord explain: what it says is what a delivery then does, and a next hop hears all of it but the message."""
import json
import os
import subprocess
import tempfile
import unittest

import fax
from harness import BIN, Instance, Peer, Shared, crlf, wait_for
from test_rows import FAILING, GIVEN, NONE, NO_FIELD, PAGE, N, Row, Y, accord, cases, parse_log

DRUCOF = {"D": " DRUCOF"}
# Each is first explained, then sent.
ROWS = [
    Row("B2a", N, N, Y, NONE, N, N, ""), Row("B2c", N, N, Y, GIVEN, N, Y, ""), Row("B3", Y, N, N, NONE, N, N, ""),
    Row("B5a", Y, Y, Y, NONE, N, N, ""), Row("B5b", Y, Y, Y, GIVEN, Y, Y, ""), Row("B5c", Y, Y, Y, GIVEN, N, Y, ""),
    Row("B5d", Y, Y, Y, GIVEN, N, N, ""), Row("B5e", Y, Y, Y, GIVEN, N, Y, "", FAILING),
    Row("B6c", Y, N, Y, NONE, N, N, ""), Row("D1", N, N, Y, GIVEN, N, Y, "", **DRUCOF),
    Row("D2", N, N, Y, GIVEN, N, N, "", hD=Y, **DRUCOF), Row("D5", N, N, Y, NONE, N, N, "", **DRUCOF),
    Row("ENSb", Y, N, N, NONE, N, N, ""),
]
HERE = ["box", "empty", "fits"]
BELL = "250-2.1.5 \x1b[2J\x07 ok \\ \xe4\n250 2.1.5 CONNEG " + fax.MMR


def words(session):
    """Of a session: MAIL and RCPT, without what is a transaction's end or its data."""
    return [" ".join(w for w in l.split() if not w.startswith("SIZE=")) for side, l in session.lines
            if side == "C" and l.startswith(("MAIL", "RCPT"))]


class Explain(Shared):
    @classmethod
    def setUpClass(cls):
        cls.cases = list(cases(ROWS))
        cls.hop = cls.share(Peer(ext=["CONPERM", "CONNEG", "DSN"], caps={"b@far.example": fax.MMR},
                                 on={"RCPT": lambda s, l: BELL if "bell@" in l else None}))
        acc = accord(cls.cases)
        acc.set("smtproutes", [f"{c.domain}:[127.0.0.2]:{c.hop.port}" for c in cls.cases] +
                [f"far.example:[127.0.0.1]:{cls.hop.port}", "nowhere.example:[127.0.0.2]:1"])
        acc.set("destinations", ["far.example concurrency=3 lifetime=2h"])
        acc.set("capsources", ["own", "cdb:caps.cdb"])
        ensured, = cls.cases[-1].takes
        acc.set("conneg", [f"{cls.cases[-1].domain} ensure"])
        acc.set("caps", [f"{ensured} {fax.MMR}", f"box@gateway.example {fax.MMR}", f"empty@gateway.example {fax.GREY}",
                         f"fits@gateway.example {fax.JBIG}"])
        acc.set("mailboxes", [f"{n}@gateway.example maildir:mail/{n}" for n in HERE + ["unknown", "fax=+1"]] +
                [f"{c.sender} maildir:mail/senders" for c in cls.cases])
        acc.own()
        cls.acc = cls.share(acc)

    def tearDown(self):
        super().tearDown()
        self.assertEqual(self.hop.said("DATA") + self.hop.said("BDAT") + self.hop.messages, [])

    def explain(self, *options, message=None, user=None):
        """Exit code, output and errors."""
        how = {"user": user, "group": "nogroup", "extra_groups": []} if user else {}
        r = subprocess.run([os.path.join(BIN, "accord"), "explain", "-H", self.acc.home, *options,
                            *["-"] * (message is not None)], input=crlf(message or ""), capture_output=True, cwd="/", **how)
        return r.returncode, r.stdout, r.stderr.decode()

    def told(self, *options, message=None):
        code, out, err = self.explain("--json", *options, message=message)
        self.assertEqual(err, "")
        return {**json.loads(out), "code": code}

    def test_what_is_explained_is_what_is_done(self):
        for case in self.cases:
            address, = case.takes
            options = ["--conperm"] * case.P + ["--drucof"] * bool(case.row.D) + ["--from", case.sender, address]
            with self.subTest(case.row.name):
                said = self.told(*options, message=case.message)
                asked = [words(s) for s in case.hop.sessions]
                lines = [l for s in case.hop.sessions for side, l in s.lines if side == "C"]
                self.assertFalse([l for l in lines if l.startswith(("DATA", "BDAT", "("))])
                self.assertEqual(lines[-1], "QUIT")
                self.assertEqual(case.hop.messages, [])
                case.post()
                result, dsn = wait_for(lambda: case.results(address))[0]
                rows = {l["id"]: l["row"] for l in self.acc.logged(2, event="negotiated", to=address)}  # the last of each
                self.assertEqual([said["row"], *rows.values()], [case.row.name] * 3)
                self.assertEqual([words(s) for s in case.hop.sessions[len(asked):]], asked)
                if result == "failed":
                    self.assertEqual((said["outcome"], said["status"], said["code"]), (result, dsn, 1))
                else:
                    self.assertEqual((said["outcome"], said["code"]), (result, 0))
                    took, = case.hop.messages
                    form = case.form(took["data"])
                    self.assertEqual(said["form"].startswith("as it is, "), form == "original", form)
                    self.assertEqual(said["batch"].startswith("converted 2=MMR/200x200/A4"), form == "MMR")
        self.acc.wait_empty()

    def test_the_route_and_what_is_taken(self):
        """Without a message it is a question: EHLO, MAIL, RCPT CONNEG, RSET, QUIT."""
        n = len(self.hop.sessions)
        said = self.told("--from", "a@client.example", "b@Far.example")
        heard = [l for side, l in self.hop.sessions[n].lines if side == "C"]
        self.assertEqual(heard, ["EHLO gateway.example", "MAIL FROM:<a@client.example>", "RCPT TO:<b@Far.example> CONNEG",
                                 "RSET", "QUIT"])
        self.assertEqual(said["route"], f"[127.0.0.1]:{self.hop.port} far.example")
        self.assertEqual(said["destinations"], "concurrency=3 lifetime=7200")
        self.assertEqual((said["capabilities"], said["outcome"]), ("none", "relayed"))      # of another spelling
        said = self.told("--conperm", "b@far.example")
        self.assertEqual((said["capabilities"], said["source"], said["takes"], said["status"]),
                         ("given", "hop", fax.MMR, "2.1.5"))
        self.assertNotIn("row", said)
        self.assertIn({"what": "offers", "value": "DSN CONPERM CONNEG"}, said["steps"])
        self.assertIn({"what": "said", "value": "RCPT TO:<b@far.example> CONNEG"}, said["steps"])
        self.assertIn({"what": "heard", "value": "250 2.1.5 CONNEG " + fax.MMR}, said["steps"])
        code, out, _ = self.explain("b@nowhere.example")
        self.assertEqual(code, 75)
        self.assertRegex(out.decode(), r"(?m)^tries +\[127.0.0.2\]:1\nfailed +.*refused")

    def test_what_a_hop_says_is_shown_and_does_nothing(self):
        code, out, _ = self.explain("bell@far.example")
        self.assertEqual(code, 0)
        self.assertRegex(out, rb"\nheard +250-2.1.5 \\x1b\[2J\\x07 ok \\x5c \\xe4\n")
        self.assertFalse([o for o in out if o != 10 and not 32 <= o < 127])
        said = self.told("bell@far.example")
        self.assertIn({"what": "heard", "value": "250-2.1.5 \x1b[2J\x07 ok \\ \ufffd"}, said["steps"])

    def test_each_part(self):
        said = self.told("--conperm", "b@far.example", message=PAGE)
        plan = [s["value"] for s in said["steps"] if s["what"] == "plan"]
        self.assertEqual(plan[3:], ["stays: it fits", 'part: 2 (image/tiff-fx, "page.tfx")', "form: JBIG, 400 by 400 dpi, A4",
                                    "permits: ANY", "converted: MMR, 200 by 200 dpi, A4"])
        self.assertEqual(said["row"], "B5c")
        # what its sender does not permit, and what --convert does
        no = self.told("--conperm", "b@far.example", message=NO_FIELD)
        self.assertIn({"what": "plan", "value": "fails: 5.6.3"}, no["steps"])
        self.assertIn({"what": "plan", "value": "permits: nothing"}, no["steps"])
        self.assertEqual(no["row"], "B5d")
        self.assertEqual(self.told("--conperm", "--convert", "any", "b@far.example", message=NO_FIELD)["row"], "B5c")
        self.assertEqual(self.told("--convert", "none", "b@far.example", message=PAGE)["row"], "B2c")   # it has one
        with tempfile.NamedTemporaryFile(suffix=".tif") as f:
            f.write(fax.read("render/letter-J-400.tif"))
            f.flush()
            said = self.told("--conperm", "--convert", "any", "--attach", f.name, "b@far.example")
            self.assertEqual((said["row"], said["batch"]), ("B5c", "converted 1=MMR/200x200/A4"))

    def test_a_mailbox_here(self):
        rows = [("box", "--conperm", "B7", "delivered", "2.6.4"), ("fits", "--conperm", "B7", "delivered", "2.0.0"),
                ("empty", "--conperm", "B7", "failed", "5.6.5"), ("unknown", "--conperm", "B7", "delivered", "2.0.0"),
                ("box", "--drucof", "D8", "delivered", "2.6.4"), ("empty", "--drucof", "D8", "failed", "5.6.5"),
                ("unknown", "--drucof", "D9", "failed", "5.6.3"), ("fax=+1", "--drucof", "D9", "delivered", "2.6.4")]
        for name, option, *want in rows:
            said = self.told(option, f"{name}@gateway.example", message=PAGE)
            self.assertEqual([said["row"], said["outcome"], said["status"]], want, name)
            self.assertEqual((said["route"], said.get("source")), ("local", None if want[0] == "D9" or name == "unknown"
                                                                   else "cdb"))
        self.assertEqual(self.told("box@gateway.example", message=PAGE)["row"], "B1")
        self.assertEqual(self.told("--conperm", "--from", "", "box@gateway.example", message=PAGE)["row"], "B11")
        self.acc.accord("caps", "set", "box@gateway.example", fax.MH)
        said = self.told("box@gateway.example")
        self.assertEqual((said["source"], said["capabilities"]), ("own", "given"))
        self.assertIn({"what": "mailbox", "value": "maildir:mail/box"}, said["steps"])
        self.assertIn("image-coding=MH)", said["takes"])
        no = self.told("--conperm", "nosuch@gateway.example", message=PAGE)
        self.assertEqual((no["code"], no["outcome"], no["status"]), (1, "failed", "5.1.1"))
        for name in HERE + ["unknown", "fax=+1"]:
            self.assertFalse(os.path.exists(os.path.join(self.acc.home, "mail", name)), name)
        self.assertFalse([l for l in map(parse_log, self.acc.read_log().splitlines()) if "gateway.example" in l.get("to", "")
                          and l["event"] == "deliver" and not l["to"].startswith("case")])

    def test_who_may_ask(self):
        """It opens no connection for a user, and tells nobody of another's mailbox."""
        if os.getuid() != 0:
            self.fail("only root can run commands as several users")
        n = len(self.hop.sessions)
        no = (1, b"", "accord: only the administrator may ask this (5.7.1)\n")
        for options in (["b@far.example"], ["--conperm", "b@nowhere.example", "/etc/hostname"], ["b@[127.0.0.1]"]):
            self.assertEqual(self.explain("--from", "a@client.example", *options, user="games"), no)
        not_yours = (1, b"", "accord: only the mailbox's owner and the administrator may do this (5.7.1)\n")
        for name in ("box", "nosuch"):
            self.assertEqual(self.explain("--from", "a@client.example", name + "@gateway.example", user="games"), not_yours)
        self.assertEqual(len(self.hop.sessions), n)
        self.assertEqual(self.explain("--from", "a@client.example", "b@far.example", user="nobody")[0], 0)

    def test_wrong_words(self):
        for options in ([], ["--conperm"], ["a@b", "c", "d"], ["--nonsense", "a@b"], ["--alternative", "a@b"]):
            self.assertEqual(self.explain(*options)[0], 64, options)
        for address in ("no address", "a@b>\r\nRCPT TO:<c@d", ""):
            code, out, err = self.explain("--from", "a@client.example", address)
            self.assertEqual((code, out), (1, b""), err)
        self.assertEqual(self.explain("b@far.example", "/nonexistent")[0], 1)


if __name__ == "__main__":
    unittest.main()
