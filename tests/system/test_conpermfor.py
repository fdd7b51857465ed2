# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""Machines that cannot say CONPERM: their mail is negotiated as if they had (the setting conpermfor), by header edits of
its envelope, which everybody who reads the message applies."""
import dsn
import fax
from harness import Client, dot, free_port, wait_for
from test_conperm import BOTH, SENDER, Relay

SCAN = fax.message(fax.text(), fax.image(convert=None, kind="image/tiff"))
TO = "b@far.example"


def without(data, *names):
    """The message's lines but for those fields, wherever they stand."""
    out, drop = [], False
    for line in fax.original(data).split(b"\r\n"):
        drop = drop if line[:1] in (b" ", b"\t") else line.split(b":")[0].lower() in names
        if not drop:
            out.append(line)
    return b"\r\n".join(out)


class Machines(Relay):
    def scan(self, acc, message=SCAN, mail="", rcpt="", sender=SENDER):
        return acc.send(sender, [TO], message, mail=mail, rcpt=rcpt)

    def test_it_is_negotiated_as_if_it_had_been_said(self):
        hop, acc = self.relay(caps={TO: fax.MH}, conpermfor="127.0.0.0/8 any")
        self.scan(acc)
        wait_for(lambda: hop.messages)
        got = hop.messages[0]
        self.assertIn(" CONPERM", got["mail"])
        self.assertEqual(fax.codings(got["data"])[0], {("MH", (204, 196))})
        part = fax.images(got["data"])[-1]      # its text has become a page too: any permits that
        self.assertEqual(part["Content-Convert"], "ANY")
        self.assertEqual(len(part.get_all("Content-Features")), 1)
        self.assertIn("MH", part["Content-Features"])
        self.assertIn("JBIG", part["Content-Previous"])     # R17: what it was is by its octets, not by its label
        self.assertTrue(acc.logged(1, event="accepted", conperm="1"))

    def test_what_is_sent_on_is_what_came_and_the_fields(self):
        """A hop with CONPERM alone gets the original; SIZE is that of what it gets."""
        hop, acc = self.relay(ext=["SIZE 0", "CONPERM"], conpermfor="127.0.0.1 (image-coding=MH)")
        self.scan(acc)
        wait_for(lambda: hop.messages)
        got = hop.messages[0]
        part = fax.images(got["data"])[0]
        self.assertEqual(part["Content-Convert"], "(image-coding=MH)")
        self.assertIn("JBIG", part["Content-Features"])
        self.assertTrue(fax.same(without(got["data"], b"content-convert", b"content-features"), SCAN))
        self.assertIn(f"SIZE={len(got['data'])}", got["mail"])

    def test_the_permission_limits(self):
        hop, acc = self.relay(caps={TO: fax.device("MH,MMR")},
                              conpermfor=["127.0.0.0/8 none", "127.0.0.1/32 (& (color=Binary) (image-coding=MH) "
                                          "(image-file-structure=TIFF-limited))"])
        self.scan(acc, "".join(line for line in SCAN.splitlines(True) if not line.startswith(("Date:", "Message-ID:"))))
        wait_for(lambda: hop.messages)
        self.assertEqual(fax.codings(hop.messages[0]["data"])[0], {("MH", (200, 200))})
        self.assertNotIn(b"\r\nDate:", hop.messages[0]["data"])         # H14: it is no submission, and not mended

    def test_who_says_it_is_left_alone(self):
        """Mail of others, with a permission of its own, under CONPERM already, or with no sender; a listener that does
        not have CONPERM."""
        hop, acc = self.relay(conpermfor="127.0.0.1 any")
        quiet = free_port()
        acc.set("listen", [f"127.0.0.1:{acc.port}", f"127.0.0.1:{quiet} noconperm"])
        acc.accord("reload")
        own = fax.message(fax.text(), fax.image(convert="NONE", features="(image-coding=JBIG)"))
        self.scan(acc, own)
        self.scan(acc, mail=" CONPERM")
        self.scan(acc, sender="")
        with Client(quiet) as c:
            c.ehlo()
            c.must("250", f"MAIL FROM:<{SENDER}>")
            c.must("250", f"RCPT TO:<{TO}>")
            c.must("354", "DATA")
            c.must("250", data=dot(SCAN))
        with Client(acc.port, source="127.0.0.2") as c:
            c.ehlo()
            c.must("250", f"MAIL FROM:<{SENDER}>")
            c.must("250", f"RCPT TO:<{TO}>")
            c.must("354", "DATA")
            c.must("250", data=dot(SCAN))
        wait_for(lambda: len(hop.messages) == 5)
        for m in hop.messages:
            self.assertIn(fax.original(m["data"]).replace(b"\r\n", b"\n").decode(), (own, SCAN))
        self.assertEqual(sum(" CONPERM" in m["mail"] for m in hop.messages), 2)

    def test_its_report_shows_what_was_sent(self):
        hop, acc = self.relay(ext=BOTH, caps={TO: fax.GREY}, conpermfor="127.0.0.1 any",
                              negotiation="* conperm_null=fail")
        self.scan(acc, mail=" RET=FULL")
        report = dsn.stored(wait_for(acc.maildir)[0])
        self.assertEqual(report.told(), {(TO, "failed")})
        returned = wait_for(acc.maildir)[0]
        self.assertIn(b"Content-Convert: ANY", returned)
        self.assertIn(b"Content-Features: (", returned)

    def test_a_mailbox_here_gets_what_its_machine_takes(self):
        hop, acc = self.relay(conpermfor="127.0.0.1 any", capsources="cdb:caps.cdb",
                              mailboxes=["fax@gateway.example maildir:mail/fax"])
        acc.set("caps", f"fax@gateway.example {fax.MH}")
        acc.accord("caps", "build")
        acc.send(SENDER, ["fax@gateway.example"], SCAN)
        got = wait_for(lambda: acc.maildir("mail/fax"))[0]
        self.assertEqual(fax.codings(got.replace(b"\n", b"\r\n"))[0], {("MH", (204, 196))})

    def test_who_stands_for_others_passes_it_on(self):
        """accord-expand writes the message anew behind fields of its own: its header edits move."""
        hop, acc = self.relay(caps={TO: fax.MH}, conpermfor="127.0.0.1 any", mailboxes=f"fax@gateway.example alias:{TO}")
        acc.send(SENDER, ["fax@gateway.example"], SCAN)
        wait_for(lambda: hop.messages)
        self.assertEqual(fax.codings(hop.messages[0]["data"])[0], {("MH", (204, 196))})
        self.assertEqual(fax.images(hop.messages[0]["data"])[0]["Content-Convert"], "ANY")

    def test_what_was_made_is_found_again(self):
        """Each attempt has the message in a memfd of its own; it is one conversion all the same."""
        said = ["451 4.2.1 not now"]
        hop, acc = self.relay(caps={TO: fax.MH}, conpermfor="127.0.0.1 any",
                              on={"EOD": lambda s, body: said.pop() if said else None})
        self.scan(acc)
        wait_for(lambda: acc.logged(1, event="deliver", result="deferred"))
        wait_for(lambda: acc.accord("queue", "retry", "--all", check=False).returncode == 0 or not acc.queue())
        wait_for(lambda: hop.messages)
        self.assertEqual(fax.codings(hop.messages[0]["data"])[0], {("MH", (204, 196))})
        self.assertEqual(len(acc.log_lines(event="convert")), 1)

    def test_the_queue_shows_it_as_it_is_read(self):
        hop, acc = self.relay(conpermfor="127.0.0.1 any", smtproutes=":127.0.0.1:1")
        self.scan(acc)
        wait_for(lambda: acc.queue())
        shown = acc.accord("queue", "show", "--message", acc.queue()[0]["id"])
        shown = shown if isinstance(shown, bytes) else shown.stdout
        self.assertIn(b"Content-Convert: ANY\r\n", shown)
        self.assertTrue(fax.same(without(shown, b"content-convert", b"content-features"), SCAN))

    def test_mode_ensure_judges_it_as_it_will_be_read(self):
        """Without the permission that was added the plan would be that nothing may be converted: 554."""
        hop, acc = self.relay(caps={TO: fax.MH}, conpermfor="127.0.0.1 any", conneg="far.example ensure")
        acc.set("caps", f"{TO} {fax.MH}")
        acc.accord("caps", "build")
        self.scan(acc)
        wait_for(lambda: hop.messages)
        self.assertEqual(fax.codings(hop.messages[0]["data"])[0], {("MH", (204, 196))})

    def test_wrong_lines(self):
        hop, acc = self.relay()
        for line, want in (("any", "expected"), ("10.0.0.0/8", "expected NETWORK or user:NAME"),
                           ("10.0.0.0/8 some", "any, none or an expression"), ("user:joe (a", "conpermfor:1")):
            acc.set("conpermfor", line)
            got = acc.accord("check", check=False)
            self.assertNotEqual(got.returncode, 0)
            self.assertIn(want, (got.stderr or b"").decode() + (got.stdout or b"").decode())
