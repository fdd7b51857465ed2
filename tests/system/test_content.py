# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""Messages of several parts under CONPERM, each judged by what the next hop got."""
import fax
from harness import Instance, wait_for
from test_conperm import Relay as Hop


class Relay(Hop):
    def through(self, message, caps=fax.MH):
        """What the hop gets for a machine of such capabilities."""
        hop, acc = self.relay(caps={"b@far.example": caps})
        self.send(acc, message, "b@far.example")
        wait_for(lambda: hop.messages)
        return hop.messages[0]["data"]


class Permission(Relay):
    def test_R11_that_of_the_whole_is_for_no_part(self):
        for top in ("Content-Convert: ANY\n", "Content-Convert: NONE\n"):
            with self.subTest(top=top):
                own = fax.message(fax.text(), fax.image(convert="ANY"), top=top)
                self.assertEqual(fax.codings(self.through(own)), [{("MH", (204, 196))}])
                none = fax.message(fax.text(), fax.image(convert=None), top=top)
                self.assertTrue(fax.same(self.through(none), none))


class Alternative(Relay):
    def alternative(self, *parts):
        inner = "".join("--==a\n" + p + ("" if p.endswith("\n") else "\n") for p in parts)
        return fax.message('Content-Type: multipart/alternative; boundary="==a"\n\n' + inner + "--==a--\n")

    def test_an_image_richer_than_text_is_converted(self):
        data = self.through(self.alternative(fax.text(), fax.image()))
        self.assertEqual(fax.codings(data), [{("MH", (204, 196))}])
        self.assertIn(b"Hello.", data)

    def test_what_fits_is_enough(self):
        sent = self.alternative(fax.image("fax/ccitt1-S.tif", "ANY", kind="image/tiff"), fax.image())
        self.assertTrue(fax.same(self.through(sent), sent))

    def test_the_richest_that_converts_is_converted_and_no_other(self):
        data = self.through(self.alternative(fax.image(), fax.image(), "Content-Type: image/png\n\nx\n"))
        self.assertEqual([fax.pages(p)[0]["coding"] for p in fax.images(data)[:2]], ["JBIG", "MH"])


class Length(Relay):
    def test_a_page_longer_than_is_taken_is_not_sent(self):
        takes = fax.JBIG.replace("(size-x<=2150/254)", "(size-x<=3030/254) (size-y<=3640/254)")
        hop, acc = self.relay(caps={"b@far.example": takes}, negotiation="* conperm_null=fail")
        self.send(acc, fax.message(fax.image("render/letter-J-a3-400.tif", "(size-x>=3030/254)")), "b@far.example")
        report = self.report(acc)
        self.assertIn("Status: 5.6.5", report)
        self.assertEqual(hop.messages, [])

    def test_it_is_made_narrower_and_so_shorter(self):
        takes = fax.MMR.replace(") )", ") (size-y<=2970/254) (paper-size=A4) )")
        data = self.through(fax.message(fax.image("render/letter-J-a3-400.tif")), takes)
        self.assertEqual(fax.codings(data), [{("MMR", (200, 200))}])
        self.assertIn(b"(size-y=2970/254)", data.replace(b"\r\n ", b""))


class Codes(Relay):
    def test_5_6_1_where_it_ends_and_5_6_3_where_nothing_is_permitted(self):
        boxes = ["postmaster@gateway.example maildir:mail/postmaster", "here@gateway.example maildir:mail/here"]
        audio = "Content-Type: audio/basic\n\nx\n"
        for code, part in (("5.6.1", audio), ("5.6.3", fax.image(convert=None)),
                           ("5.6.5", fax.image(convert="(image-coding=JBIG)"))):
            with self.subTest(code=code), Instance(caps=["here@gateway.example " + fax.MMR], mailboxes=boxes) as acc:
                self.send(acc, fax.message(fax.text(), part), "here@gateway.example")
                self.assertIn("Status: " + code, self.report(acc))
                self.assertEqual(acc.maildir("mail/here"), [])
