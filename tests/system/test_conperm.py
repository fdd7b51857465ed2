# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""CONPERM and CONNEG as a client: the requirements R… of RFC 4141, each judged by what the next hop
heard and got.  P means a message under CONPERM."""
import os
import unittest

import dsn
import fax
from harness import DATA, Instance, Peer, wait_for

BOTH = ["PIPELINING", "8BITMIME", "SIZE 0", "ENHANCEDSTATUSCODES", "CONPERM", "CONNEG"]
SENDER = "postmaster@gateway.example"


class Relay(unittest.TestCase):
    """A next hop, an accord in front of it, and the questions that every test asks."""

    def relay(self, ext=BOTH, caps=None, on=None, **settings):
        hop = Peer(ext=ext, caps=caps or {}, on=on)
        settings.setdefault("smtproutes", hop.route)
        acc = Instance(**settings)
        self.addCleanup(hop.close)
        acc.__enter__()
        self.addCleanup(self.finish, acc)
        return hop, acc

    def finish(self, acc):
        failed = any(err for _, err in self._outcome.result.failures if _ is self)
        acc.__exit__(AssertionError if failed else None, None, None)

    def send(self, acc, message, *to, conperm=True, sender=SENDER):
        acc.send(sender, to, message, mail=" CONPERM" if conperm else "")

    def report(self, acc):
        return wait_for(acc.maildir)[0].decode("latin-1")

    def assertNoContent(self, session):
        self.assertFalse([l for s, l in session.lines if s == "C" and l.upper().startswith("DATA")],
                         session.lines)


class Asking(Relay):
    def test_R9_R10_R13_R15_converted_to_what_the_machine_takes(self):
        hop, acc = self.relay(caps={"b@far.example": fax.MH})
        sent = fax.message(fax.text(), fax.image(features="(image-coding=JBIG)"))
        self.send(acc, sent, "b@far.example")
        wait_for(lambda: hop.messages)
        got = hop.messages[0]
        self.assertEqual(fax.codings(got["data"])[0], {("MH", (204, 196))})
        part = fax.images(got["data"])[0]
        self.assertEqual(part.get_content_type(), "image/tiff")
        self.assertEqual(len(part.get_all("Content-Features")), 1)
        self.assertIn("MH", part["Content-Features"])
        self.assertEqual(len(part.get_all("Content-Previous")), 1)
        self.assertIn("JBIG", part["Content-Previous"])
        self.assertIn("gateway.example", part["Content-Previous"])
        self.assertTrue(part.get_filename().endswith(".tif"))
        self.assertIn(" CONPERM", got["mail"])
        self.assertEqual(fax.parse(got["data"])["Message-ID"], "<1@client.example>")

    def test_R10_permission_limits_the_form(self):
        """The machine takes both; the one that is permitted is made, also where the other were better."""
        hop, acc = self.relay(caps={"b@far.example": fax.device("MH,MMR")})
        for i, coding in enumerate(("MMR", "MH")):
            permit = f"(& (color=Binary) (image-coding={coding}) (image-file-structure=TIFF-limited) )"
            self.send(acc, fax.message(fax.image(convert=permit)), "b@far.example")
            wait_for(lambda: len(hop.messages) == i + 1)
            self.assertEqual(fax.codings(hop.messages[i]["data"])[0], {(coding, (200, 200))})

    def test_a_report_of_success_tells_what_was_made(self):
        hop, acc = self.relay(caps={"b@far.example": fax.MMR})
        acc.send(SENDER, ["b@far.example"], fax.message(fax.text(), fax.image()), mail=" CONPERM", rcpt=" NOTIFY=SUCCESS")
        report = dsn.stored(wait_for(acc.maildir)[0])
        self.assertEqual(report.told(), {("b@far.example", "relayed")})
        words = " ".join(report.words.split())
        self.assertIn('Which part: 2 (image/tiff-fx, "page.tfx")', words)
        self.assertRegex(words, r"What it is: JBIG.* Converted to: MMR.*200")
        fields = report.of("b@far.example")
        self.assertEqual((fields["x-accord-converted-to"], fields["x-accord-row"]), ("MMR, 200 by 200 dpi, A4", "B5c"))

    def test_R31_direct_mode(self):
        """Whom the user's own machine sends to directly is asked, and what his machine takes is made there."""
        for conperm in (["--conperm"], []):
            with self.subTest(conperm):
                hop, acc = self.relay(caps={"b@far.example": fax.MMR})
                acc.accord("send", *conperm, "--convert", "any", "--attach", os.path.join(DATA, "render", "letter-J-400.tif"),
                           "--", "b@far.example", data=b"hello\n")
                wait_for(lambda: hop.messages)
                self.assertEqual(" CONPERM" in hop.messages[0]["mail"], bool(conperm))
                self.assertTrue(hop.messages[0]["rcpt"][0].endswith(" CONNEG"))
                self.assertEqual(fax.codings(hop.messages[0]["data"])[0], {("MMR", (200, 200))})
                self.assertEqual(len(hop.sessions), 1)

    def test_R11_only_the_permitted_part_changes(self):
        two = fax.message(fax.image(convert="ANY"), fax.image("fax/ccitt1-S.tif", "NONE", kind="image/tiff"))
        hop, acc = self.relay(caps={"b@far.example": fax.MH})
        self.send(acc, two, "b@far.example")
        wait_for(lambda: hop.messages)
        first, second = fax.images(hop.messages[0]["data"])
        self.assertEqual(fax.pages(first)[0]["coding"], "MH")
        self.assertEqual(second.get_payload(decode=True), fax.read("fax/ccitt1-S.tif"))
        self.assertIsNone(second["Content-Previous"])

    def test_R14_earlier_records_stay_below_the_new_one(self):
        old = "Content-Previous: Date Sat, 21 Nov 2026 09:00:00 +0000; By old.example; (image-coding=MR)\n"
        hop, acc = self.relay(caps={"b@far.example": fax.MMR})
        self.send(acc, fax.message(fax.image(extra=old)), "b@far.example")
        wait_for(lambda: hop.messages)
        records = fax.images(hop.messages[0]["data"])[0].get_all("Content-Previous")
        self.assertEqual(len(records), 2)
        self.assertIn("gateway.example", records[0])
        self.assertIn("old.example", records[1])

    def test_record_converted_tells_old_and_new_besides(self):
        hop, acc = self.relay(caps={"b@far.example": fax.MMR}, negotiation="* record=converted")
        self.send(acc, fax.message(fax.text(), fax.image()), "b@far.example")
        wait_for(lambda: hop.messages)
        part = fax.images(hop.messages[0]["data"])[0]
        field = " ".join(part["Content-Converted"].split())
        self.assertRegex(field, r"^Date [^;]+; By gateway\.example; Old \(&.*JBIG.*\); New \(&.*MMR.*\)$")
        self.assertEqual(len(part.get_all("Content-Previous")), 1)

    def test_R16_permission_is_carried_octet_by_octet(self):
        field = b"Content-Convert: (&  (color=Binary)\r\n\t(image-coding=[MH,MMR]) )\r\n"
        value = "(&  (color=Binary)\n\t(image-coding=[MH,MMR]) )"
        hop, acc = self.relay(caps={"b@far.example": fax.MMR})
        self.send(acc, fax.message(fax.image(convert=value)), "b@far.example")
        wait_for(lambda: hop.messages)
        self.assertIn(field, hop.messages[0]["data"])
        self.assertEqual(fax.codings(hop.messages[0]["data"])[0], {("MMR", (200, 200))})



class Batches(Relay):
    def test_R19_subsets_get_sessions_of_their_own(self):
        caps = {"mh@far.example": fax.MH, "mmr@far.example": fax.MMR, "mmr2@far.example": fax.MMR}
        hop, acc = self.relay(caps=caps)
        self.send(acc, fax.message(fax.image()), *caps)
        wait_for(lambda: len(hop.messages) == 2)
        acc.wait_empty()
        self.assertEqual(len(hop.sessions), 3)
        self.assertNoContent(hop.sessions[0])
        self.assertEqual([l for s, l in hop.sessions[0].lines if s == "C"][-1], "QUIT")
        by = {len(m["rcpt"]): fax.codings(m["data"])[0] for m in hop.messages}
        self.assertEqual(by, {1: {("MH", (204, 196))}, 2: {("MMR", (200, 200))}})
        self.assertTrue(all(r.endswith(" CONNEG") for m in hop.messages for r in m["rcpt"]))

    def test_R19_the_last_answer_counts(self):
        asked = {}

        def rcpt(session, line):
            address = line[line.index("<") + 1:line.rindex(">")]
            asked[address] = asked.get(address, 0) + 1
            if address == "turns@far.example":
                caps = fax.MH if asked[address] == 1 else fax.MMR
            else:
                caps = fax.JBIG
            return f"250-2.1.5 ok\n250 2.1.5 CONNEG {caps}"

        hop, acc = self.relay(on={"RCPT": rcpt})
        self.send(acc, fax.message(fax.image()), "turns@far.example", "b@far.example")
        wait_for(lambda: len(hop.messages) == 2)
        got = {m["rcpt"][0].split("<")[1].split("@")[0]: fax.codings(m["data"])[0] for m in hop.messages}
        self.assertEqual(got["turns"], {("MMR", (200, 200))})
        self.assertEqual(got["b"], {("JBIG", (400, 400))})



class Failing(Relay):
    def test_R23_conperm_null_fail_names_everything(self):
        hop, acc = self.relay(caps={"b@far.example": fax.GREY}, negotiation="* conperm_null=fail")
        self.send(acc, fax.message(fax.text(), fax.image()), "b@far.example")
        report = dsn.stored(wait_for(acc.maildir)[0])
        fields = report.of("b@far.example")
        self.assertEqual((fields["action"], fields["status"]), ("failed", "5.6.5"))
        self.assertEqual(fields["media-accept-features"], fax.GREY)
        self.assertEqual(fields["x-accord-part"], '2 (image/tiff-fx, "page.tfx")')
        self.assertEqual((fields["x-accord-permits"], fields["x-accord-row"]), ("ANY", "B5d"))
        self.assertIn("JBIG, 400 by 400 dpi", fields["x-accord-form"])
        words = " ".join(report.words.split())
        for text in ("Which part: 2 (image/tiff-fx, \"page.tfx\")", "exactly: " + fax.GREY, "What you allowed: ANY"):
            self.assertIn(text, words)
        self.assertEqual(hop.messages, [])
