# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""Messages of several parts under CONPERM, each judged by what the next hop got."""
import hashlib
import os
import struct
import tempfile
import unittest
import zlib

import fax
from harness import Instance, crlf, wait_for
from test_cmd import run
from test_conperm import Relay as Hop


class Relay(Hop):
    def through(self, message, caps=fax.MH):
        """What the hop gets for a machine of such capabilities."""
        hop, self.acc = self.relay(caps={"b@far.example": caps})
        acc = self.acc
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

    def test_what_is_taken_is_chosen_and_the_rest_left_out(self):
        """With a Content-Convert of the alternatives themselves, and not without."""
        for field in ("Content-Convert: ANY\n", ""):
            with self.subTest(field=field):
                parts = fax.image("fax/ccitt1-S.tif", None, kind="image/tiff"), fax.image()
                sent = fax.message(fax.multipart("alternative", *parts, fields=field))
                data = self.through(sent)
                if not field:
                    self.assertTrue(fax.same(data, sent))
                    continue
                whole = fax.parse(data)
                self.assertEqual(fax.codings(data), [{("MH", (204, 196))}])
                self.assertEqual(whole.get_content_type(), "multipart/alternative")
                self.assertEqual((whole["Content-Convert"], len(whole.get_all("Content-Previous"))), ("ANY", 1))
                self.assertIn("JBIG", whole["Content-Previous"])
                self.assertNotIn("JBIG", whole["Content-Features"])
                self.assertTrue(self.acc.log_lines(event="negotiated", key="1=only"))

    def test_what_fits_is_enough(self):
        sent = self.alternative(fax.image("fax/ccitt1-S.tif", "ANY", kind="image/tiff"), fax.image())
        self.assertTrue(fax.same(self.through(sent), sent))

    def test_the_richest_that_converts_is_converted_and_no_other(self):
        data = self.through(self.alternative(fax.image(), fax.image(), "Content-Type: image/png\n\nx\n"))
        self.assertEqual([fax.pages(p)[0]["coding"] for p in fax.images(data)[:2]], ["JBIG", "MH"])


class Attached(Relay):
    """Messages in messages: what is in them has a permission of its own, or none."""

    def test_an_image_of_its_own_permission(self):
        inner = fax.multipart("related", fax.text("inner\n"), fax.image(features="(image-coding=JBIG)"))
        sent = fax.message(fax.text(), fax.attached("Subject: within\nMIME-Version: 1.0\n" + inner))
        data = self.through(sent)
        self.assertEqual(fax.codings(data), [{("MH", (204, 196))}])
        image = fax.images(data)[0]
        self.assertEqual((len(image.get_all("Content-Previous")), len(image.get_all("Content-Features"))), (1, 1))
        self.assertEqual(data.count(b"Content-Previous:"), 1)
        self.assertTrue(self.acc.log_lines(event="negotiated", key="2.2=MH/204x196/A4"))
        for part in (b"Subject: within\r\n", b"\r\ninner\r\n"):
            self.assertEqual(data.count(part), 1)

    def test_permission_from_outside_does_not_reach_in(self):
        for fields in ("Content-Convert: ANY\n", "Content-DRUCOF: conversion-permitted\n"):
            with self.subTest(fields=fields):
                sent = fax.message(fax.text(), fax.attached(fax.message(fax.image(convert=None)), fields))
                self.assertTrue(fax.same(self.through(sent), sent))

    def test_prohibition_from_outside_does(self):
        for fields in ("Content-Convert: NONE\n", "Content-DRUCOF: conversion-prohibited\n"):
            with self.subTest(fields=fields):
                sent = fax.message(fax.text(), fax.attached(fax.message(fax.image()), fields))
                self.assertTrue(fax.same(self.through(sent), sent))

    def test_R29_what_is_signed_outside_stays_inside(self):
        signed = fax.multipart("signed", fax.attached(fax.message(fax.image())),
                               "Content-Type: application/pgp-signature\n\nx\n")
        sent = fax.message(signed)
        self.assertTrue(fax.same(self.through(sent), sent))

    def test_permissions_of_each_its_own(self):
        """Outside and inside, one that may become what is taken, one that fits and must stay."""
        fits = fax.image("fax/ccitt1-S.tif", "NONE", kind="image/tiff")
        inner = "MIME-Version: 1.0\n" + fax.multipart("mixed", fits, fax.image(convert="(image-coding=MH)"))
        data = self.through(fax.message(fax.image(), fax.attached(inner), fits))
        self.assertEqual(fax.codings(data), [{("MH", (204, 196))}] * 4)
        self.assertEqual([p["Content-Previous"] is not None for p in fax.images(data)], [True, False, True, False])

    def test_what_cannot_be_read_beside_what_can(self):
        """Nothing is half done: one part that does not fit keeps the message as it is."""
        spoilt = fax.image().split("\n\n")[0] + "\n\nAAAA\n"
        sent = fax.message(fax.image(), fax.attached(fax.message(spoilt)))
        self.assertTrue(fax.same(self.through(sent), sent))


def png(side):
    """A grey square, a PNG of Python's own making."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress((b"\0" + b"\x77" * side) * side)) + chunk(b"IEND", b""))


def picture(convert):
    return ("Content-Type: image/png; name=square.png\nContent-Transfer-Encoding: base64\n"
            "Content-Disposition: attachment; filename=square.png\n%s\n" % convert +
            fax.base64.encodebytes(png(96)).decode())


class Picture(Relay):
    def test_a_picture_arrives_as_a_fax_by_its_permission(self):
        data = self.through(fax.message(fax.text(), picture("Content-Convert: ANY\n")))
        part = fax.images(data)[0]
        self.assertEqual(fax.codings(data), [{("MH", (204, 196))}])
        self.assertEqual((part.get_content_type(), part.get_filename()), ("image/tiff", "square.tif"))
        self.assertIn("image/png", part["Content-Previous"])
        self.assertIn("pix-x=96", part["Content-Previous"])
        self.assertNotIn("png", part["Content-Features"])

    def test_R18_and_without_one_as_a_picture(self):
        sent = fax.message(fax.text(), picture(""))
        self.assertTrue(fax.same(self.through(sent), sent))


class Drucof(unittest.TestCase):
    """accord convert --drucof: what would be made of a message (negotiation, c.2)."""

    def made(self, message, *more, caps=fax.MH):
        with tempfile.TemporaryDirectory() as d:
            source, out = os.path.join(d, "in"), os.path.join(d, "out")
            with open(source, "wb") as f:
                f.write(crlf(message))
            code, _, err = run("convert", source, "-o", out, "--for", caps, *(more or ["--drucof"]))
            data = b""
            if os.path.exists(out):
                with open(out, "rb") as f:
                    data = f.read()
            return code, data, err.decode() if isinstance(err, bytes) else err

    def test_in_its_place_a_note(self):
        octets = bytes(range(256)) * 3
        png = fax.image(convert=None).replace("image/tiff-fx", "image/png").split("\n\n")[0]
        png = "Content-DRUCOF: omission-permitted\n" + png + "\n\n" + fax.base64.encodebytes(octets).decode()
        code, data, err = self.made(fax.message(fax.text(), png, fax.image(convert=None)))
        self.assertEqual(code, 0, err)
        text, note, image = fax.parse(data).get_payload()
        self.assertEqual(text.get_payload(), "Hello.")
        self.assertEqual(note.get_content_type(), "text/plain")
        for line in ("Type: image/png", "Size: 768 octets", "SHA-256: " + hashlib.sha256(octets).hexdigest()):
            self.assertIn("\r\n" + line + "\r\n", note.get_payload())
        self.assertEqual(fax.pages(image)[0]["coding"], "MH")
        self.assertIn("omitted:", err)

    def test_the_table_on_messages(self):
        """name, part beside a text, exit status of --drucof; converted, left out or as it was."""
        prohibited, optional, omission = ("Content-DRUCOF: " + w + "\n" for w in (
            "conversion-prohibited", "conversion-permitted; critical=no", "omission-permitted"))
        audio = "Content-Type: audio/basic\n\nx\n"
        page = fax.image(convert=None)
        rows = [("fits", fax.image("fax/ccitt1-S.tif", None, kind="image/tiff"), 0, "same"),
                ("converts", page, 0, "MH"), ("converts, may be left out", omission + page, 0, "MH"),
                ("must not be, critical", prohibited + page, 1, "5.6.2"),
                ("must not be, not critical", "Content-DRUCOF: conversion-prohibited; critical=no\n" + page, 0, "same"),
                ("NONE", fax.image(convert="NONE"), 1, "5.6.2"),
                ("cannot be, critical", audio, 1, "5.6.3"), ("cannot be, not critical", optional + audio, 0, "same"),
                ("cannot be, may be left out", omission + audio, 0, "note"),
                ("signed, may be left out", omission + fax.multipart(
                    "signed", page, "Content-Type: application/pgp-signature\n\nx\n"), 1, "5.6.3"),
                ("an attached message, may be left out", omission + fax.attached(
                    "MIME-Version: 1.0\n" + fax.multipart("mixed", audio, page)), 0, "note")]
        for name, part, status, became in rows:
            with self.subTest(name):
                sent = fax.message(fax.text(), part)
                code, data, err = self.made(sent)
                self.assertEqual(code, status, err)
                if became == "same":
                    self.assertEqual(data, crlf(sent))
                elif became == "MH":
                    self.assertEqual(fax.codings(data), [{("MH", (204, 196))}])
                elif became == "note":
                    self.assertIn(b"SHA-256: ", data)
                    self.assertEqual([p.get_content_type() for p in fax.parse(data).get_payload()], ["text/plain"] * 2)
                else:
                    self.assertIn(f"({became})", err)
                if status == 1:         # where it can be had: nothing of that sort fails
                    code, data, err = self.made(sent, "--drucof=prefer")
                    self.assertEqual((code, data), (0, crlf(sent)), err)

    def test_all_of_it_is_none(self):
        omission = "Content-DRUCOF: omission-permitted\nContent-Type: audio/basic\n\nx\n"
        code, _, err = self.made(fax.message(omission, omission))
        self.assertEqual(code, 1, err)
        self.assertIn("(5.6.3)", err)

    def test_wrong_words(self):
        self.assertEqual(self.made(fax.message(fax.text()), "--drucof=some")[0], 64)


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
