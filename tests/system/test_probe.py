# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""The probe of DRUCOF's second part: what the hosts of a domain's SRV records say of its recipients, in a network of
its own with Debian's nsd; hosts that are not accord, and accord's own listener that takes no mail."""
import json
import os
import re
import subprocess
import threading
import unittest

import fax
import rfc2533
from harness import BIN, Instance, Peer, Shared, wait_for
from world import NSD_ADDR, TAP_ADDR, World

OURS, A, B, DEAD, OTHER = "192.0.2.1", "192.0.2.11", "192.0.2.12", "192.0.2.13", "192.0.2.14"
PORT = 2525
NAMES = ("one", "case", "bare", "plain", "refused", "later", "grey", "hangs", "odd", "half", "d03", "never", "rate",
         "order", "limit", "held")
ZONE = f"""$ORIGIN example.
$TTL 300
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A {NSD_ADDR}
gateway A {OURS}
a A {A}
b A {B}
dead A {DEAD}
nosrv MX 10 b
nobody MX 10 b
_conneg._tcp.nobody SRV 0 0 0 .
first MX 10 b
_conneg._tcp.first SRV 20 0 {PORT} b
_conneg._tcp.first SRV 10 0 {PORT} dead
alias CNAME one
_conneg._tcp.alias CNAME _conneg._tcp.one
loop MX 10 b
_conneg._tcp.loop SRV 10 0 25 gateway
_conneg._tcp.loop SRV 20 0 {PORT} a
_conneg._tcp.self SRV 10 0 {PORT} gateway
_conneg._tcp.inward SRV 0 0 {PORT} inwardhost
inwardhost A 127.0.0.1
_conneg._tcp.ghost SRV 0 0 {PORT} nowhere
_conneg._tcp.there SRV 0 0 2526 there
there A {OTHER}
""" + "".join(f"{n} MX 10 b\n_conneg._tcp.{n} SRV 10 5 {PORT} a\n" for n in NAMES)

LINE = re.compile(r"^250[- ](?:2\.1\.5 )?CONNEG (.*)$")
CAPS = {"r@one.example": fax.MMR, "Case@case.example": fax.MH, "r@d03.example": fax.MMR, "r@order.example": fax.MMR,
        "r@held.example": fax.MMR, "r@first.example": fax.MH,
        "r@odd.example": ["250-2.1.5 ok", "250 2.1.5 CONNEG (a=\"\xff\")"],
        "r@half.example": ["250-2.1.5 ok", "250 2.1.5 CONNEG " + "(" * 400],
        "r@refused.example": ["504 5.3.3 what is CONNEG"], "r@later.example": ["404 4.3.3 CONNEG not now"],
        "r@grey.example": ["450 4.2.0 grey"]}


def same(said, expression):
    """Does it mean the same, by a reader that is not accord's?"""
    return rfc2533.same(rfc2533.parse(said), rfc2533.parse(expression))


class Probes(Shared):
    @classmethod
    def setUpClass(cls):
        world = cls.share(World([OURS, A, B, DEAD, OTHER], {"example.": ZONE}))
        cls.tap = world.tap
        on = {"RCPT": lambda s, l: False if "hangs" in l else "550 5.1.1 no" if "unknown@" in l else None}
        ext = ("PIPELINING", "ENHANCEDSTATUSCODES", "CONPERM", "CONNEG", "DSN")
        cls.a = cls.share(Peer(host=A, port=PORT, ext=ext, caps=CAPS, on=on))
        cls.b = cls.share(Peer(host=B, port=PORT, ext=ext, caps=CAPS))
        cls.mx = cls.share(Peer(host=B, port=25, ext=ext))
        cls.acc = Instance(nameservers=TAP_ADDR, capsources=["cdb:caps.cdb", "probe"],
                           locals=["gateway.example", "ours.example"], caps=f"known@one.example {fax.MH}",
                           negotiation=["d03.example dialect=d03-required", "never.example ask=never"])
        cls.acc.set("listen", [f"127.0.0.1:{cls.acc.port}", f"{OURS}:25", f"{OURS}:{PORT}"])
        cls.share(cls.acc)

    def setUp(self):
        for p in (self.a, self.b, self.mx):
            p.sessions.clear()
        self.tap.questions.clear()

    def probe(self, address, code=0):
        r = self.acc.accord("caps", "probe", "--json", address, check=False)
        self.assertEqual(r.returncode, code, (r.stdout, r.stderr))
        got = json.loads(r.stdout) if r.stdout else {}
        self.assertEqual((self.mx.sessions, [q for q in self.tap.questions if q[1] == "MX"]), ([], []))
        return got.get("state"), got.get("expression"), r.stderr.decode()

    def told(self, address, acc=None, rcpt=" CONNEG"):
        """What RCPT CONNEG says: the list; where there is none, the reply's code."""
        with (acc or self.acc).client() as c:
            c.ehlo()
            c.must("250", "MAIL FROM:<x@client.example>")
            got = c.cmd(f"RCPT TO:<{address}>{rcpt}")
            return " ".join(m.group(1) for m in map(LINE.match, got) if m) or got[-1][:3]

    def known(self, address):
        got = json.loads(self.acc.accord("caps", "get", "--json", address, check=False).stdout)
        return got["state"], got["source"]

    def test_c_3_what_is_said_and_nothing_more(self):
        state, text, _ = self.probe("r@one.example")
        self.assertEqual(state, "known")
        self.assertTrue(same(text, fax.MMR))
        session, = self.a.sessions
        self.assertEqual([l for side, l in session.lines if side == "C"][1:],
                         ["MAIL FROM:<>", "RCPT TO:<r@one.example> CONNEG", "RSET", "QUIT"])
        out = self.acc.accord("caps", "probe", "Case@case.example").stdout.decode()
        self.assertRegex(out, rf"^\(.*\)\nfrom probe\nsaid by a\.example \[{A}\]:{PORT}\n$")
        self.assertIn("RCPT TO:<Case@case.example> CONNEG", self.a.said("RCPT"))

    def test_c_3_who_is_not_asked_and_what_is_no_answer(self):
        for address, code, want, why in (
                ("r@nosrv.example", 1, "none", "no SRV record"), ("r@nosuch.example", 1, "none", "no SRV record"),
                ("r@nobody.example", 1, "none", "nobody says"), ("r@ghost.example", 1, "none", "no address"),
                ("r@inward.example", 1, "none", "no address"), ("r@self.example", 1, "none", "lead back to myself"),
                ("r@loop.example", 1, "none", "lead back to myself"), ("r@ours.example", 1, None, "delivered here"),
                ("r@Gateway.Example", 1, None, "delivered here"), ("r@[192.0.2.11]", 1, "none", "no domain"),
                ("nobody", 1, None, "address"), ("r@never.example", 1, "none", "ask=never"),
                ("r@refused.example", 1, "none", ""), ("r@bare.example", 1, "none", ""),
                ("r@odd.example", 1, "none", ""), ("r@half.example", 1, "none", ""),
                ("unknown@one.example", 1, "none", "no"), ("r@later.example", 75, "not now", ""),
                ("r@grey.example", 75, "not now", "grey"), ("r@hangs.example", 75, "not now", "")):
            with self.subTest(address):
                self.a.sessions.clear()
                state, text, err = self.probe(address, code)
                self.assertEqual((state, text or ""), (want, ""))
                self.assertIn(why, err)
                if code == 1 and why:
                    self.assertEqual(self.a.said("RCPT") != [], address.startswith("unknown"))

    def test_c_3_a_host_without_CONNEG_is_not_spoken_to(self):
        self.a.ext.remove("CONNEG")
        try:
            self.assertIn("does not offer CONNEG", self.probe("r@plain.example", 1)[2])
        finally:
            self.a.ext.append("CONNEG")
        self.assertEqual((self.a.said("MAIL"), self.a.said("RCPT"), self.a.said("QUIT")), ([], [], ["QUIT"]))

    def test_c_3_targets_in_order_by_aliases_too(self):
        self.assertTrue(same(self.probe("r@first.example")[1], fax.MH))             # the first one is down
        self.assertEqual((len(self.a.sessions), len(self.b.sessions)), (0, 1))
        self.probe("r@alias.example", 1)
        self.assertIn("RCPT TO:<r@alias.example> CONNEG", self.a.said("RCPT"))

    def test_c_3_the_dialect_of_draft_03(self):
        self.assertEqual(self.probe("r@d03.example")[0], "known")
        self.assertEqual(self.a.said("RCPT"), ["RCPT TO:<r@d03.example> CONNEG=OPTIONAL"])

    def test_c_3_a_silent_host_has_a_minute(self):
        over, heard = threading.Event(), []
        self.a.on["EHLO"] = lambda s, l: over.wait(60) and False
        try:
            asks = threading.Thread(target=lambda: heard.append(self.probe("r@one.example", 75)))
            asks.start()
            wait_for(lambda: self.a.said("EHLO"))
            self.acc.step_clock(61)
            asks.join()
            self.assertIn("EHLO: timed out", heard[0][2])
        finally:
            over.set()
            del self.a.on["EHLO"]

    def test_only_the_administrator_may_ask(self):
        if os.getuid() != 0:
            self.fail("only root can run commands as several users")
        r = subprocess.run([os.path.join(BIN, "accord"), "caps", "-H", self.acc.home, "probe", "r@one.example"],
                           user="games", group="nogroup", extra_groups=[], capture_output=True, text=True, cwd="/")
        self.assertEqual((r.returncode, r.stdout), (1, ""))
        self.assertIn("only the administrator", r.stderr)
        self.assertEqual(self.a.sessions, [])

    def test_the_source_probe(self):
        """A client's CONNEG waits for the answer, which then is known for its time."""
        self.assertTrue(same(self.told("r@order.example"), fax.MMR))
        self.assertEqual(self.known("r@order.example"), ("known", "probe"))
        self.assertTrue(same(self.told("r@Order.example"), fax.MMR))
        self.assertEqual(len(self.a.sessions), 1)
        self.assertTrue(same(self.told("known@one.example"), fax.MH))               # an earlier source knows
        for nobody in ("r@nosrv.example", "r@loop.example", "postmaster@ours.example"):
            self.assertEqual(self.told(nobody), "250")
        self.assertEqual((len(self.a.sessions), self.tap.asked("_conneg._tcp.ours.example")), (1, 0))
        self.acc.accord("caps", "purge", "r@order.example")
        self.assertEqual(self.known("r@order.example"), ("none", "none"))
        self.told("r@order.example")
        self.assertEqual(len(self.a.sessions), 2)
        self.acc.step_clock(3601)
        self.assertTrue(same(self.told("r@order.example"), fax.MMR))
        self.assertEqual(len(self.a.sessions), 3)
        self.acc.accord("caps", "purge", "--all")
        self.assertEqual(self.known("r@order.example"), ("none", "none"))

    def test_R33_not_now_is_not_none(self):
        self.assertEqual(self.told("r@later.example", rcpt=" CONNEG=REQUIRED"), "404")
        self.assertEqual(self.told("r@later.example"), "250")
        self.assertEqual(self.told("r@refused.example", rcpt=" CONNEG=REQUIRED"), "504")
        self.assertEqual(self.known("r@later.example"), ("not now", "none"))

    def test_no_client_is_kept_waiting(self):
        """A host that says nothing: the client hears in time, waits for none of the others, and hears of the answer
        when he comes again."""
        self.a.on["CONNECT"] = lambda s, l: wait_for(lambda: "CONNECT" not in self.a.on) and None
        heard = []

        def ask():
            with self.acc.client() as c:
                c.ehlo()
                c.must("250", "MAIL FROM:<x@client.example>")
                for words in ("r@held.example> CONNEG", "r@held.example> CONNEG=REQUIRED", "s@held.example> CONNEG"):
                    heard.append(c.cmd("RCPT TO:<" + words)[-1][:3])
        try:
            asks = threading.Thread(target=ask)
            asks.start()
            wait_for(lambda: self.a.sessions)
            self.assertEqual(heard, [])
            self.acc.step_clock(1.6)
            asks.join()
            self.assertEqual(heard, ["250", "404", "250"])
            wait_for(lambda: len(self.a.sessions) == 2)         # one question for an address
        finally:
            del self.a.on["CONNECT"]
        wait_for(lambda: self.known("r@held.example") == ("known", "probe"))
        self.assertTrue(same(self.told("r@held.example"), fax.MMR))
        self.acc.step_clock(61)

    def test_DR8_DR9_the_hosts_of_SRV_and_those_of_MX_say_the_same(self):
        """accord's listener that takes no mail, asked by accord; the same address asked of the other listener."""
        other = Instance(me="there.example", locals="there.example", caps=[f"r@there.example {fax.MMR}",
                         "all@there.example any"], mailboxes="@there.example maildir:mail/box", nameservers=NSD_ADDR)
        other.set("listen", [f"127.0.0.1:{other.port}", f"{OTHER}:2526 mx probeonly"])
        with other:
            for address, text in (("r@there.example", fax.MMR), ("all@there.example", None)):
                state, said, _ = self.probe(address, 0 if text else 1)
                mail = self.told(address, other)
                self.assertEqual((state, mail == "250"), ("known", False) if text else ("none", True))
                self.assertEqual(self.told(address), mail)
                self.assertTrue(text is None or same(said, mail) and same(said, text))

    def test_a_domain_is_asked_no_faster_than_so(self):
        for i in range(14):
            self.told(f"r{i}@rate.example")
        self.assertEqual(len(self.a.said("RCPT")), 10)
        self.assertEqual(self.told("r@limit.example"), "250")
        self.assertEqual(len(self.a.said("RCPT")), 11)
