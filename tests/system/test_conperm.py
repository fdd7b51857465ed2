# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""CONPERM and CONNEG as a client: the requirements R… of RFC 4141, each judged by what the next hop
heard and got.  P means a message under CONPERM."""
import unittest

import fax
from harness import Instance, Peer, wait_for

BOTH = ["PIPELINING", "8BITMIME", "SIZE 0", "ENHANCEDSTATUSCODES", "CONPERM", "CONNEG"]
PLAIN = BOTH[:4]
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


class NoConneg(Relay):
    def test_R1_R3_R4_B3_no_hop_support_returns_the_message(self):
        hop, acc = self.relay(ext=PLAIN)
        self.send(acc, fax.message(fax.image()), "b@far.example")
        report = self.report(acc)
        self.assertIn("Action: failed", report)
        self.assertIn("Status: 5.6.3", report)
        self.assertEqual(hop.messages, [])
        for session in hop.sessions:
            self.assertNoContent(session)
            self.assertEqual(session.lines[-2][1], "QUIT")
            self.assertFalse([l for _, l in session.lines if "CONPERM" in l])
        acc.wait_empty()

    def test_R2_R22_B4_conperm_is_carried_and_content_untouched(self):
        hop, acc = self.relay(ext=PLAIN + ["CONPERM"])
        sent = fax.message(fax.image())
        self.send(acc, sent, "b@far.example")
        wait_for(lambda: hop.messages)
        self.assertIn(" CONPERM", hop.messages[0]["mail"])
        self.assertNotIn("CONNEG", hop.messages[0]["rcpt"][0])
        self.assertTrue(fax.same(hop.messages[0]["data"], sent))

    def test_R35_plain_mail_meets_no_keyword(self):
        hop, acc = self.relay(ext=PLAIN)
        self.send(acc, fax.message(fax.image()), "b@far.example", conperm=False)
        wait_for(lambda: hop.messages)
        self.assertFalse([l for l in hop.said("MAIL") + hop.said("RCPT") if "CON" in l.upper().split(">")[1]])

    def test_B8_conperm_refused_after_all_is_as_if_not_offered(self):
        on = {"MAIL": lambda s, l: "504 5.3.3 CONPERM not here" if "CONPERM" in l else None}
        hop, acc = self.relay(ext=PLAIN + ["CONPERM"], on=on)
        self.send(acc, fax.message(fax.image()), "b@far.example")
        self.assertIn("Status: 5.6.3", self.report(acc))
        self.assertEqual(hop.messages, [])


class Asking(Relay):
    def test_R7_every_recipient_is_asked(self):
        hop, acc = self.relay(caps={f"r{i}@far.example": fax.JBIG for i in range(5)})
        self.send(acc, fax.message(fax.image()), *[f"r{i}@far.example" for i in range(5)])
        wait_for(lambda: hop.messages)
        self.assertEqual(len([l for l in hop.said("RCPT") if l.endswith(" CONNEG")]), 5)

    def test_R8_plain_mail_is_not_asked_by_default(self):
        hop, acc = self.relay()
        self.send(acc, fax.message(fax.text()), "b@far.example", conperm=False)
        wait_for(lambda: hop.messages)
        self.assertFalse([l for l in hop.said("RCPT") if "CONNEG" in l])

    def test_R8_ask_always_asks(self):
        hop, acc = self.relay(negotiation="* ask=always")
        self.send(acc, fax.message(fax.text()), "b@far.example", conperm=False)
        wait_for(lambda: hop.messages)
        self.assertTrue(hop.said("RCPT")[0].endswith(" CONNEG"))

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

    def test_B5b_what_fits_goes_as_it_is(self):
        hop, acc = self.relay(caps={"b@far.example": fax.JBIG})
        sent = fax.message(fax.text(), fax.image())
        self.send(acc, sent, "b@far.example")
        wait_for(lambda: hop.messages)
        self.assertTrue(fax.same(hop.messages[0]["data"], sent))
        self.assertEqual(len(hop.sessions), 1)

    def test_one_batch_converts_in_the_open_session(self):
        hop, acc = self.relay(caps={"b@far.example": fax.MMR, "c@far.example": fax.MMR})
        self.send(acc, fax.message(fax.image()), "b@far.example", "c@far.example")
        wait_for(lambda: hop.messages)
        self.assertEqual(len(hop.sessions), 1)
        self.assertEqual(len(hop.messages[0]["rcpt"]), 2)
        self.assertEqual(fax.codings(hop.messages[0]["data"])[0], {("MMR", (200, 200))})

    def test_R10_permission_limits_the_form(self):
        permit = "(& (color=Binary) (image-coding=MMR) (image-file-structure=TIFF-limited) )"
        hop, acc = self.relay(caps={"b@far.example": fax.device("MH,MMR")})
        self.send(acc, fax.message(fax.image(convert=permit)), "b@far.example")
        wait_for(lambda: hop.messages)
        self.assertEqual(fax.codings(hop.messages[0]["data"])[0], {("MMR", (200, 200))})

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

    def test_R21_B5a_no_answer_for_one_goes_on_apart(self):
        hop, acc = self.relay(caps={"b@far.example": fax.MMR})
        sent = fax.message(fax.image())
        self.send(acc, sent, "b@far.example", "quiet@far.example")
        wait_for(lambda: len(hop.messages) == 2)
        by = {m["rcpt"][0].split("<")[1].split(">")[0]: m for m in hop.messages}
        self.assertEqual(fax.codings(by["b@far.example"]["data"])[0], {("MMR", (200, 200))})
        self.assertTrue(fax.same(by["quiet@far.example"]["data"], sent))
        self.assertIn(" CONPERM", by["quiet@far.example"]["mail"])
        self.assertNotIn("CONNEG", by["quiet@far.example"]["rcpt"][0])

    def test_R21_conperm_unknown_fail(self):
        hop, acc = self.relay(negotiation="* conperm_unknown=fail", caps={})
        self.send(acc, fax.message(fax.image()), "quiet@far.example")
        report = self.report(acc)
        self.assertIn("Status: 5.6", report)
        self.assertEqual(hop.messages, [])


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

    def test_R20_common_copy(self):
        caps = {"mmr@far.example": fax.device("MH,MMR"), "mh@far.example": fax.device("MH")}
        hop, acc = self.relay(caps=caps, negotiation="* batch=common")
        self.send(acc, fax.message(fax.image()), *caps)
        wait_for(lambda: hop.messages)
        acc.wait_empty()
        self.assertEqual(len(hop.messages), 1)
        self.assertEqual({p[0] for p in fax.codings(hop.messages[0]["data"])[0]}, {"MH"})


class Failing(Relay):
    def test_R23_B5d_empty_intersection_goes_on_under_conperm(self):
        hop, acc = self.relay(caps={"b@far.example": fax.GREY})
        sent = fax.message(fax.image())
        self.send(acc, sent, "b@far.example")
        wait_for(lambda: hop.messages)
        self.assertTrue(fax.same(hop.messages[0]["data"], sent))
        self.assertIn(" CONPERM", hop.messages[0]["mail"])

    def test_R23_conperm_null_fail_names_everything(self):
        hop, acc = self.relay(caps={"b@far.example": fax.GREY}, negotiation="* conperm_null=fail")
        self.send(acc, fax.message(fax.image()), "b@far.example")
        report = self.report(acc)
        self.assertIn("Status: 5.6.5", report)
        self.assertIn("page.tfx", report)
        self.assertIn("JPEG", report)
        self.assertEqual(hop.messages, [])

    def test_B6c_hop_with_conneg_alone_never_gets_the_unfit_original(self):
        hop, acc = self.relay(ext=PLAIN + ["CONNEG"], caps={"b@far.example": fax.GREY})
        self.send(acc, fax.message(fax.image()), "b@far.example")
        self.assertIn("Status: 5.6.5", self.report(acc))
        self.assertEqual(hop.messages, [])

    def test_B6b_hop_with_conneg_alone_gets_what_fits(self):
        hop, acc = self.relay(ext=PLAIN + ["CONNEG"], caps={"b@far.example": fax.MMR})
        self.send(acc, fax.message(fax.image()), "b@far.example")
        wait_for(lambda: hop.messages)
        self.assertNotIn("CONPERM", hop.messages[0]["mail"])
        self.assertEqual(fax.codings(hop.messages[0]["data"])[0], {("MMR", (200, 200))})

    def test_R24_without_conperm_nothing_fails(self):
        hop, acc = self.relay(caps={"b@far.example": fax.GREY})
        sent = fax.message(fax.image())
        self.send(acc, sent, "b@far.example", conperm=False)
        wait_for(lambda: hop.messages)
        self.assertTrue(fax.same(hop.messages[0]["data"], sent))
        acc.wait_empty()
        self.assertEqual(acc.maildir(), [])

    def test_B2c_advisory_conversion_without_conperm(self):
        hop, acc = self.relay(caps={"b@far.example": fax.MMR})
        self.send(acc, fax.message(fax.image()), "b@far.example", conperm=False)
        wait_for(lambda: hop.messages)
        self.assertNotIn("CONPERM", hop.messages[0]["mail"])
        self.assertEqual(fax.codings(hop.messages[0]["data"])[0], {("MMR", (200, 200))})

    def test_B10_R33_a_404_defers_that_recipient_alone(self):
        state = {"down": True}

        def rcpt(session, line):
            if "slow@" in line and "CONNEG" in line and state["down"]:
                return "404 4.3.3 CONNEG not now"
            return None

        hop, acc = self.relay(caps={"b@far.example": fax.MMR, "slow@far.example": fax.MMR}, on={"RCPT": rcpt})
        self.send(acc, fax.message(fax.image()), "b@far.example", "slow@far.example")
        wait_for(lambda: hop.messages)
        self.assertEqual(len(hop.messages[0]["rcpt"]), 1)
        wait_for(lambda: acc.queue() and [r for r in acc.queue()[0]["recipients"] if r["state"] == "deferred"])
        state["down"] = False
        acc.step_clock(200)
        wait_for(lambda: len(hop.messages) == 2)
        acc.wait_empty()

    def test_B11_a_report_is_never_negotiated(self):
        hop, acc = self.relay(caps={"b@far.example": fax.MMR})
        sent = fax.message(fax.image())
        self.send(acc, sent, "b@far.example", sender="")
        wait_for(lambda: hop.messages)
        self.assertTrue(fax.same(hop.messages[0]["data"], sent))
        self.assertFalse([l for l in hop.said("RCPT") + hop.said("MAIL") if "CONNEG" in l or "CONPERM" in l])

    def test_R18_no_permission_field_no_conversion(self):
        for convert in (None, "NONE"):
            with self.subTest(convert=convert):
                hop, acc = self.relay(caps={"b@far.example": fax.MMR})
                sent = fax.message(fax.image(convert=convert))
                self.send(acc, sent, "b@far.example")
                wait_for(lambda: hop.messages)
                self.assertTrue(fax.same(hop.messages[0]["data"], sent))

    def test_R29_B12_signed_content_stays_byte_for_byte(self):
        inner = fax.image()
        signed = ('Content-Type: multipart/signed; protocol="application/pkcs7-signature"; micalg=sha-256; '
                  'boundary="==s"\n\n--==s\n' + inner +
                  "\n--==s\nContent-Type: application/pkcs7-signature\n\nxyz\n--==s--\n")
        hop, acc = self.relay(caps={"b@far.example": fax.MMR})
        sent = fax.message(signed)
        self.send(acc, sent, "b@far.example")
        wait_for(lambda: hop.messages)
        self.assertTrue(fax.same(hop.messages[0]["data"], sent))
