# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""Pictures in colour for machines that have it (Profile C), and for those that have not."""
import struct
import zlib

import fax
from test_content import Relay

COLOUR = ('(& (image-file-structure=TIFF-limited) (image-coding=JPEG) (image-coding-constraint=JPEG-T4E) (color=full)'
          ' (color-levels<=16777216) (color-subsampling=["1:1:1","4:1:1"]) (color-space=CIELAB) (color-illuminant=D50)'
          ' (CIELAB-L-min>=0) (CIELAB-L-max<=100) (CIELAB-a-min>=-85) (CIELAB-a-max<=85) (CIELAB-b-min>=-75)'
          ' (CIELAB-b-max<=125) (dpi=[100,200]) (dpi-xyratio=1) (MRC-mode=0) (size-x<=2150/254) (paper-size=A4) )')


def png(width=200, rows=100):
    """Red beside blue."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    line = b"\0" + b"\xff\0\0" * (width // 2) + b"\0\0\xff" * (width - width // 2)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, rows, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(line * rows)) + chunk(b"IEND", b""))


def part(data, kind="image/png", name="a.png", fields="Content-Convert: ANY\n"):
    return (f'Content-Type: {kind}\nContent-Transfer-Encoding: base64\n'
            f'Content-Disposition: attachment; filename="{name}"\n{fields}\n' + fax.base64.encodebytes(data).decode())


class Colour(Relay):
    def test_a_machine_that_has_colour_gets_it(self):
        got = fax.images(self.through(fax.message(part(png())), COLOUR))[0]
        data = got.get_payload(decode=True)
        self.assertEqual((got.get_content_type(), got.get_filename()), ("image/tiff-fx", "a.tfx"))
        self.assertTrue(self.acc.log_lines(event="negotiated", key="1=JPEG/200x200/A4"))
        for said in ("color=full", "JPEG-T4E", "CIELAB", 'color-subsampling="4:1:1"', "dpi=200"):
            self.assertIn(said, got["Content-Features"])
        self.assertIn("x-png", got["Content-Previous"])
        self.assertEqual(data[:4], b"II*\0")
        self.assertEqual(data.count(b"\xff\xd8\xff"), 1)

    def test_one_that_has_not_gets_black_and_white(self):
        """Of the page in colour that the other one had."""
        first = fax.images(self.through(fax.message(part(png())), COLOUR))[0].get_payload(decode=True)
        data = self.through(fax.message(part(first, "image/tiff-fx", "a.tfx")))
        self.assertEqual(fax.codings(data), [{("MH", (204, 196))}])
        self.assertIn("color=full", fax.images(data)[0]["Content-Previous"])
        self.assertIn("color=Binary", fax.images(data)[0]["Content-Features"])
        self.assertEqual(fax.images(data)[0].get_filename(), "a.tif")

    def test_one_that_has_it_gets_a_page_in_colour_as_it_is(self):
        first = fax.images(self.through(fax.message(part(png())), COLOUR))[0].get_payload(decode=True)
        sent = fax.message(part(first, "image/tiff-fx", "a.tfx"))
        self.assertTrue(fax.same(self.through(sent, COLOUR), sent))

    def test_what_may_be_black_and_white_alone_is_that(self):
        caps = f"(| {COLOUR} {fax.MH})"
        data = self.through(fax.message(part(png(), fields="Content-Convert: (color=Binary)\n")), caps)
        self.assertEqual(fax.codings(data), [{("MH", (204, 196))}])
