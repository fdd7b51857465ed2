# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""Addresses that stand for others: aliases, mailing lists, their reports (RFC 3461, 5.2.7; rows D10, D11; RFC 5598).
Judged by what a recording next hop gets, the mailboxes, and reports read by dsn.py."""
import os
import re
import signal
import unittest

import dsn
from harness import Instance, Peer, Shared, wait_for

TEXT = "From: a@far.example\nTo: somebody@gateway.example\nMessage-ID: <one@far.example>\nSubject: s\n\nthe body\n"
DSN = ("PIPELINING", "8BITMIME", "SIZE 0", "ENHANCEDSTATUSCODES", "DSN", "DRUCOF PREFER")
BOXES = [
    "joe@gateway.example maildir:mail/joe", "ann@gateway.example maildir:mail/ann",
    "postmaster@gateway.example maildir:mail/postmaster",
    "one@gateway.example alias:x@there.example",
    "two@gateway.example alias:x@there.example,joe@gateway.example",
    "deep@gateway.example alias:two@gateway.example, ann@gateway.example, \"x\"@there.example, joe@GATEWAY.example",
    "round@gateway.example alias:about@gateway.example", "about@gateway.example alias:round@gateway.example",
    "half@gateway.example alias:round@gateway.example,joe@gateway.example",
    "wrong@gateway.example alias:nobody@gateway.example",
    "out@gateway.example alias:back@there.example",
    "list@gateway.example alias:x@there.example,joe@gateway.example,gone@there.example",
    "owner-list@gateway.example alias:ann@gateway.example",
    "outer@gateway.example alias:list@gateway.example,ann@gateway.example",
    "\"with space\"@gateway.example alias:joe@gateway.example",
]


def top(data, name):
    """Values of a field, in order."""
    head = re.sub(rb"\r?\n[ \t]+", b" ", re.split(rb"\r?\n\r?\n", data)[0])
    return [l.split(b":", 1)[1].strip().decode() for l in head.splitlines() if l.lower().startswith(name.lower() + b":")]


class Aliases(Shared):
    ext = DSN

    @classmethod
    def setUpClass(cls):
        cls.hop = cls.share(Peer(ext=cls.ext, on={"RCPT": lambda s, l: "550 5.1.1 gone" if "gone@" in l else None}))
        cls.acc = cls.share(Instance(smtproutes=cls.hop.route, mailboxes=BOXES))

    def setUp(self):
        self.acc.wait_empty(30)
        self.hop.messages.clear()
        for session in self.hop.sessions:
            session.lines.clear()
        for box in ("joe", "ann", "postmaster"):
            new = os.path.join(self.acc.home, "mail", box, "new")
            for name in os.listdir(new) if os.path.isdir(new) else []:
                os.unlink(os.path.join(new, name))

    def post(self, to, mail="", rcpt="", sender="a@far.example", text=TEXT):
        self.acc.send(sender, to if isinstance(to, list) else [to], text, mail, rcpt)
        for _ in range(2):      # a look at the queue may miss a message that comes while another goes
            self.acc.wait_empty(30)

    def box(self, name):
        return self.acc.maildir("mail/" + name)

    def there(self, to="x@there.example"):
        """Messages that went to that address, or its domain."""
        return [m for m in self.hop.messages if any(to in r for r in m["rcpt"])]

    def reports(self):
        return [dsn.Report(m["data"], m["mail"], m["rcpt"]) for m in self.hop.messages
                if m["mail"].upper().startswith("MAIL FROM:<>")]

    def told(self):
        return sorted(t for r in self.reports() for t in r.told())

    def test_H9_an_alias_changes_RCPT_alone(self):
        """The header and MAIL FROM stay, the message's octets stand unread behind what is put in front; an alias with an
        owner changes MAIL FROM (test_H11)."""
        self.post("one@gateway.example", sender="a@far.example")
        m, = self.there()
        self.assertEqual(m["mail"].split(" ")[1].upper(), "FROM:<A@FAR.EXAMPLE>")
        self.assertEqual(len(m["rcpt"]), 1)
        self.assertTrue(m["data"].endswith(TEXT.replace("\n", "\r\n").encode()))
        self.assertEqual(top(m["data"], b"Delivered-To"), ["one@gateway.example"])
        self.assertEqual(len(top(m["data"], b"Received")), 2)
        self.assertIn("for <one@gateway.example>", top(m["data"], b"Received")[0])
        self.assertEqual(top(m["data"], b"List-Id"), [])

    def test_H12_several_addresses(self):
        """NOTIFY without SUCCESS to each, ORCPT, ENVID and RET to all; "expanded" for the alias (5.2.7.3 c)."""
        for notify, each in (("SUCCESS,FAILURE", "FAILURE"), ("SUCCESS", "NEVER"), ("FAILURE,DELAY", "FAILURE,DELAY"),
                             ("NEVER", "NEVER")):
            self.setUp()
            self.post("two@gateway.example", " ENVID=e1 RET=HDRS", f" NOTIFY={notify} ORCPT=rfc822;o@far.example")
            m, = self.there()
            self.assertIn("ENVID=e1", m["mail"])
            self.assertIn("RET=HDRS", m["mail"])
            self.assertRegex(m["rcpt"][0], f"NOTIFY={each}( |$)")
            self.assertIn("ORCPT=rfc822;o@far.example", m["rcpt"][0])
            self.assertEqual(len(self.box("joe")), 1)
            if "SUCCESS" in notify:
                r, = self.reports()
                self.assertEqual(r.told(), {("two@gateway.example", "expanded")})
            else:
                self.assertEqual(self.reports(), [])

    def test_D10_parameters_move_on(self):
        """To one address all of them, and nothing is told here (5.2.7.2); DRUCOF to each of several."""
        self.post("one@gateway.example", " ENVID=e2 RET=FULL",
                  " NOTIFY=SUCCESS,DELAY ORCPT=rfc822;o@far.example DRUCOF=PREFER")
        m, = self.there()
        for want in ("ENVID=e2", "RET=FULL"):
            self.assertIn(want, m["mail"])
        for want in ("NOTIFY=SUCCESS,DELAY", "ORCPT=rfc822;o@far.example", "DRUCOF=PREFER"):
            self.assertIn(want, m["rcpt"][0])
        self.assertEqual(self.reports(), [])
        self.setUp()
        self.post("two@gateway.example", "", " DRUCOF=PREFER")
        self.assertIn("DRUCOF=PREFER", self.there()[0]["rcpt"][0])

    def test_each_gets_one(self):
        """Aliases of aliases end in one message, in which each address is once."""
        self.post("deep@gateway.example")
        self.assertEqual(len(self.box("joe")), 1)
        self.assertEqual(len(self.box("ann")), 1)
        self.assertEqual(len(self.there("there.example")), 1)
        self.assertEqual(top(self.box("joe")[0], b"Delivered-To"), ["joe@gateway.example", "deep@gateway.example"])

    def test_loops(self):
        """An alias that leads to itself, at once or by way of another host: 5.4.6; others that it leads to get theirs."""
        self.post("round@gateway.example")
        r, = self.reports()
        self.assertEqual(r.told(), {("round@gateway.example", "failed")})
        self.assertIn(b"5.4.6", self.hop.messages[0]["data"])
        self.setUp()
        self.post("half@gateway.example")
        self.assertEqual((len(self.box("joe")), self.reports()), (1, []))
        self.setUp()
        self.post("out@gateway.example")
        back, = self.there("back@there.example")
        self.hop.messages.clear()
        self.post("out@gateway.example", text=back["data"].decode())
        self.assertEqual(self.told(), [("out@gateway.example", "failed")])
        self.assertIn(b"5.4.6", self.hop.messages[0]["data"])

    def test_an_address_that_nobody_has(self):
        self.post("wrong@gateway.example", "", " ORCPT=rfc822;o@far.example")
        r, = self.reports()
        self.assertEqual(r.told(), {("nobody@gateway.example", "failed")})
        self.assertIn(b"Original-Recipient: rfc822;o@far.example", self.hop.messages[0]["data"])

    def test_H11_a_list(self):
        """What happens to members is its owner's to hear; delivery ends at the list for whoever wrote to it."""
        self.post("list@gateway.example", " ENVID=e3 RET=FULL", " NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;o@far.example")
        m, = self.there()
        self.assertIn("FROM:<owner-list@gateway.example>", m["mail"])
        for line in [m["mail"]] + m["rcpt"]:
            self.assertNotRegex(line, "ENVID|RET=|NOTIFY|o@far")
        self.assertEqual(top(m["data"], b"List-Id"), ["<list.gateway.example>"])
        self.assertEqual(top(m["data"], b"From"), ["a@far.example"])
        self.assertEqual(top(m["data"], b"Message-ID"), ["<one@far.example>"])
        self.assertEqual(self.told(), [("list@gateway.example", "delivered")])
        bad, = self.box("ann")              # the owner
        self.assertIn(b"gone@there.example", bad)
        self.assertNotIn(b"Original-Envelope-Id", bad)

    def test_D11_a_list_ends_what_was_asked(self):
        self.post("list@gateway.example", "", " DRUCOF=REQUIRE")
        for m in self.hop.messages:
            self.assertNotIn("DRUCOF", " ".join(m["rcpt"]))
        self.assertEqual(len(self.there()), 1)
        self.assertEqual(len(self.box("joe")), 1)

    def test_a_list_in_a_list(self):
        """One with an owner gets a message of its own, and its members' reports go to that owner."""
        self.post("outer@gateway.example")
        m, = self.there()
        self.assertIn("FROM:<owner-list@gateway.example>", m["mail"])
        self.assertEqual(top(m["data"], b"Delivered-To"), ["list@gateway.example", "outer@gateway.example"])
        self.assertEqual(len(self.box("ann")), 2)       # as a recipient, and as the owner

    def test_a_report_stays_one(self):
        self.post("list@gateway.example", sender="")
        m, = self.there()
        self.assertTrue(m["mail"].upper().startswith("MAIL FROM:<>"))
        self.assertEqual(self.box("ann"), [])

    def test_names_with_quotes(self):
        self.post("\"with space\"@gateway.example")
        self.assertEqual(len(self.box("joe")), 1)
        self.assertEqual(top(self.box("joe")[0], b"Delivered-To")[1], "\"with space\"@gateway.example")

    def test_unknown_ones_are_refused(self):
        with self.acc.client() as c:
            c.ehlo()
            c.must("250", "MAIL FROM:<a@far.example>")
            for known in ("one", "LIST", "\"with space\"", "two+ext", "postmaster"):
                c.must("250", f"RCPT TO:<{known}@gateway.example>")
            c.must("550", "RCPT TO:<nobody@gateway.example>")

    def test_explain(self):
        said = self.acc.accord("explain", "two@gateway.example").stdout.decode()
        self.assertIn("alias:x@there.example,joe@gateway.example", said)


ALIASES = """# as other systems have it
postmaster: joe
  , ann

joe: \\joe, x@there.example
 # a comment between
Staff : :include:%s/staff, "quoted name"
"quoted name": "Ann"@gateway.example
owner-staff:\tann
here: away@there.example
ann+special: special@there.example
"""


class Files(Shared):
    """Files of aliases, aliases(5)."""

    @classmethod
    def setUpClass(cls):
        cls.hop = cls.share(Peer(ext=DSN))
        cls.acc = Instance(smtproutes=cls.hop.route, locals=["gateway.example", "other.example"], mailboxes=[
            "joe@gateway.example maildir:mail/joe", "ann@gateway.example maildir:mail/ann",
            "here@gateway.example maildir:mail/here", "ann@other.example maildir:mail/ann",
            "joe@other.example maildir:mail/joe"])
        cls.write("aliases", ALIASES % cls.acc.home)
        cls.write("staff", "# members\njoe, x@there.example\n\ny@there.example\n")
        cls.write("more", "info: more@there.example\n")
        cls.acc.set("aliases", [f"{cls.acc.home}/aliases", "more other.example"])
        cls.acc.own()
        cls.share(cls.acc)

    @classmethod
    def write(cls, name, text):
        with open(os.path.join(cls.acc.home, name), "w") as f:
            f.write(text)

    setUp, post, box, there, told, reports = (Aliases.setUp, Aliases.post, Aliases.box, Aliases.there, Aliases.told,
                                              Aliases.reports)

    def test_an_alias_and_its_mailbox(self):
        """A backslash means the mailbox itself; of an address that both have, the file counts."""
        self.post("JOE@gateway.example", "", " NOTIFY=FAILURE")
        self.assertEqual((len(self.box("joe")), len(self.there())), (1, 1))
        self.assertEqual(top(self.box("joe")[0], b"Delivered-To"), ["joe@gateway.example", "JOE@gateway.example"])
        self.post("here@gateway.example")
        self.assertEqual((len(self.box("here")), len(self.there("away@"))), (0, 1))

    def test_postmaster_and_its_roles(self):
        for to in ("postmaster@gateway.example", "abuse@gateway.example"):
            self.setUp()
            self.post(to)
            self.assertEqual((len(self.box("joe")), len(self.box("ann"))), (1, 1), to)

    def test_included_lists(self):
        self.post("staff@gateway.example")
        self.assertEqual((len(self.box("joe")), len(self.box("ann"))), (1, 1))
        self.assertEqual(sorted(re.search("<(.*)>", r).group(1) for m in self.hop.messages for r in m["rcpt"]),
                         ["x@there.example", "y@there.example"])
        self.assertIn("FROM:<owner-staff@gateway.example>", self.there()[0]["mail"])

    def test_domains(self):
        """A file without domains is of all here, and its names without a domain are of the one that was written to."""
        self.post("\"quoted name\"@other.example")
        self.assertEqual(len(self.there("gateway.example")) + len(self.box("ann")), 1)
        self.post("info@other.example")
        self.assertEqual(len(self.there("more@there.example")), 1)
        with self.acc.client() as c:
            c.ehlo()
            c.must("250", "MAIL FROM:<a@far.example>")
            c.must("250", "RCPT TO:<info@other.example>")
            c.must("250", "RCPT TO:<staff+x@other.example>")
            c.must("550", "RCPT TO:<info@gateway.example>")

    def test_extensions(self):
        self.post("ann+special@gateway.example")
        self.post("here+ext@gateway.example")
        self.assertEqual((len(self.there("special@")), len(self.there("away@")), self.box("here")), (1, 1, []))

    def test_a_reload_reads_them_anew(self):
        """All or nothing: a wrong file changes nothing, and is told of by its line."""
        with self.acc.client() as c:
            c.ehlo()
            c.must("250", "MAIL FROM:<a@far.example>")
            c.must("550", "RCPT TO:<new@gateway.example>")
        self.write("aliases", ALIASES % self.acc.home + "new: |program\n")
        r = self.acc.accord("reload", check=False)
        self.assertNotEqual(r.returncode, 0)
        self.assertRegex(r.stderr.decode(), r"/control/aliases:1: .*/aliases:12: expected an address: a program")
        self.write("aliases", ALIASES % self.acc.home + "new: new@there.example\n")
        self.acc.accord("reload")
        self.post("new@gateway.example")
        self.assertEqual(len(self.there("new@there.example")), 1)

    def test_wrong_files(self):
        here = Instance()
        path = os.path.join(here.home, "f")
        here.set("aliases", "f")

        def check(text, what, mode=0o644):
            with open(path, "w") as f:
                f.write(text)
            os.chmod(path, mode)
            r = here.accord("check", check=False)
            self.assertNotEqual(r.returncode, 0, text)
            self.assertRegex(r.stderr.decode(), "/control/aliases:1: " + what, text)
        check("a: b\nc\n", "f:2: expected NAME: ADDRESS")
        check(" a: b\n", "f:1: expected NAME: before")
        check("a: b\nc: d\n  e e\nf: g\n", "f:2: expected an address")
        check("a@x.example: b\n", "f:1: expected NAME: ADDRESS, not")
        check("a: b\nA: c\n", "f:2: expected each name once")
        check("a: /dev/null\n", "f:1: expected an address: a file")
        check('a: "|vacation joe"\n', "f:1: expected an address: a program")
        check("a: b\n", "f: expected a file that not everybody can write", 0o666)
        check("a: :include:nowhere\n", "f:1: nowhere: ")
        with open(os.path.join(here.home, "secret"), "w") as f:
            f.write("root:$6$hash\n")
        check("a: :include:secret\n", "f:1: secret:1: expected addresses, or there are too many\n")
        self.assertNotIn("hash", here.accord("check", check=False).stderr.decode())
        os.unlink(path)
        self.assertIn("/control/aliases:1: f: ", here.accord("check", check=False).stderr.decode())


class Faults(unittest.TestCase):
    def test_wrong_settings(self):
        acc = Instance()
        for line in ("a@gateway.example alias:", "a@gateway.example alias:joe", "a@gateway.example alias:|prog",
                     "a@gateway.example alias:/file", "a@gateway.example alias:b@x.example,\"c", "a@gateway.example alias:,"):
            acc.set("mailboxes", line)
            r = acc.accord("check", check=False)
            self.assertNotEqual(r.returncode, 0, line)
            self.assertIn("mailboxes:1: expected", r.stderr.decode(), line)

    @staticmethod
    def sent(acc, text):
        """False: not now, as queue is being restarted."""
        try:
            return acc.send("a@far.example", ["many@gateway.example"], text)
        except AssertionError as e:
            if "got ['4" not in str(e):
                raise
            return False

    def test_nothing_is_lost(self):
        """Processes are killed while lists are written: each member gets each message at least once; twice only where a
        process that had committed one was killed."""
        members = [f"m{i}@there.example" for i in range(20)]
        with Peer(ext=DSN) as hop, Instance(smtproutes=hop.route, retryfirst="1", mailboxes=[
                "many@gateway.example alias:" + ",".join(members)]) as acc:
            for n in range(30):
                wait_for(lambda: self.sent(acc, f"Subject: n{n}\n\nx\n"))
                if n % 5 == 4:
                    acc.kill(("expand", "local", "queue", "qmgr", "expand", "local")[n // 5])
                    wait_for(lambda: all(acc.pids(r) for r in ("expand", "local", "queue", "qmgr")))
            for _ in range(2):
                acc.wait_empty(60)
            got = {}
            for m in hop.messages:
                for r in m["rcpt"]:
                    key = re.search(rb"Subject: (n\d+)", m["data"]).group(1), re.search("<(.*)>", r).group(1)
                    got[key] = got.get(key, 0) + 1
            self.assertEqual(len(got), 30 * len(members))
            self.assertLessEqual(sum(n - 1 for n in got.values()), 3 * 16 * len(members))

    def test_while_expand_is_away(self):
        """Mail for aliases waits, other mail does not."""
        with Instance(retryfirst="1", mailboxes=["joe@gateway.example maildir:mail/joe",
                                                 "al@gateway.example alias:joe@gateway.example"]) as acc:
            pid = acc.pids("expand")[0]
            os.kill(pid, signal.SIGSTOP)
            acc.send("a@far.example", ["al@gateway.example"], "Subject: 1\n\nx\n")
            acc.send("a@far.example", ["joe@gateway.example"], "Subject: 2\n\nx\n")
            wait_for(lambda: len(acc.maildir("mail/joe")) == 1)
            wait_for(lambda: len(acc.queue()) == 1)
            os.kill(pid, signal.SIGKILL)
            wait_for(lambda: len(acc.maildir("mail/joe")) == 2)


if __name__ == "__main__":
    unittest.main()
