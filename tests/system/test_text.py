# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""Text that becomes fax pages: on its way, and by accord convert."""
import os
import tempfile
import unittest

import fax
from tiffinfo import tiff_pages
from test_cmd import run
from test_content import Relay

WORDS = "Gr\u00fc\u00dfe from a machine that has no paper.\n" * 61
NO_TEXT = '(& (type="image/tiff") ' + fax.MH + ")"


def text(fields, words=WORDS, how="; charset=utf-8"):
    return (f"Content-Type: text/plain{how}; name=words.txt\nContent-Transfer-Encoding: base64\n{fields}\n" +
            fax.base64.encodebytes(words.encode()).decode())


class Way(Relay):
    def test_attached_text_arrives_as_a_fax(self):
        sent = fax.message(fax.text(), text("Content-Convert: ANY\nContent-Disposition: attachment; filename=words.txt\n"))
        data = self.through(sent)
        part = fax.images(data)[0]
        self.assertEqual([(p["coding"], p["dpi"]) for p in fax.pages(part)], [("MH", (204, 196))] * 2)
        self.assertEqual((part.get_content_type(), part.get_filename()), ("image/tiff", "words.tif"))
        self.assertNotIn("charset", part["Content-Type"])
        self.assertIn('(type="text/plain")', part["Content-Previous"])
        self.assertIn("MH", part["Content-Features"])
        self.assertIn(b"Hello.", data)
        self.assertTrue(self.acc.log_lines(event="negotiated", key="2=MH/204x196/A4*2"))

    def test_a_body_that_may_become_one(self):
        data = self.through(fax.message(text("Content-Convert: ANY\n")), NO_TEXT)
        self.assertEqual(fax.codings(data), [{("MH", (204, 196))}])
        self.assertEqual(fax.parse(data).get_content_type(), "image/tiff")

    def test_a_body_without_permission_stays(self):
        sent = fax.message(text(""), fax.image())
        data = self.through(sent, NO_TEXT)
        self.assertEqual(fax.codings(data), [{("MH", (204, 196))}])
        self.assertEqual(fax.parse(data).get_payload(0).get_payload(decode=True).decode(), WORDS)


class Convert(unittest.TestCase):
    def convert(self, name, content, *more):
        with tempfile.TemporaryDirectory() as d:
            source, out = os.path.join(d, name), os.path.join(d, "out")
            with open(source, "wb") as f:
                f.write(content)
            code, _, err = run("convert", source, "-o", out, "--for", fax.MMR, *more)
            data = None
            if os.path.exists(out):
                with open(out, "rb") as f:
                    data = f.read()
            return code, data, err

    def test_a_file_of_text(self):
        code, data, err = self.convert("a.TXT", WORDS.encode())
        self.assertEqual(code, 0, err)
        self.assertIn("form: text of 2 pages", err)
        self.assertEqual([p["coding"] for p in tiff_pages(data)], ["MMR", "MMR"])
        for kind, pages in (("text/plain", 2), ("text/plain; charset=iso-8859-1; format=flowed", 1)):
            code, data, err = self.convert("a", WORDS.replace("\n", " \n").encode(), "--type", kind)
            self.assertEqual((code, len(tiff_pages(data))), (0, pages), err)

    def test_explain(self):
        """What might have been, and nothing is converted."""
        with tempfile.TemporaryDirectory() as d:
            source = os.path.join(d, "a.txt")
            with open(source, "w") as f:
                f.write("x")
            code, out, err = run("convert", source, "--explain", "--for", fax.MMR)
            self.assertEqual((code, err), (0, ""))
            for line in ("form: text of 1 page", "alternative: JPEG in colour: the page has no colours",
                         "alternative: JBIG: not taken 400x400,", "alternative: MMR: 200x200 chosen; would do",
                         "would be converted: 1=MMR/200x200/A4"):
                self.assertIn(line, out)
            code, out, err = run("convert", source, "--explain", "--for", fax.MMR, "--permit", "(image-coding=JBIG)")
            self.assertEqual(code, 1)
            self.assertIn("alternative: MMR: not permitted 200x200", out)
            self.assertIn("fails: 5.6.5", out)
            self.assertIn("no form is both permitted and taken", err)
            self.assertEqual(os.listdir(d), ["a.txt"])
            source = os.path.join(d, "a.eml")
            with open(source, "w") as f:
                f.write(fax.message(fax.text(), fax.image()))
            code, out, err = run("convert", source, "--explain", "--for", fax.MMR)
            self.assertEqual((code, err), (0, ""))
            self.assertIn("form: nothing that is converted here\npermits: nothing\nstays: it fits\npart: 2 ", out)
            self.assertEqual(out.count("alternative: "), 6)

    def test_what_is_no_text(self):
        for content, kind, why in ((b"a\0b", "text/plain", "no text: octet 1 is 0"),
                                   (b"a", "text/plain; charset=koi8-r", "charset that is not read here"),
                                   (b"\f\r\na" * 1001, "text/plain", "more than 1000 pages")):
            code, data, err = self.convert("a", content, "--type", kind + "; x=y", "--permit", "any")
            self.assertEqual((code, data), (1, None), err)
            self.assertIn(why, err)
        for kind in ("text", "text/plain\r\nX: y"):
            self.assertEqual(self.convert("a", b"a", "--type", kind)[0], 64)
