# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""Fax messages for the tests: made with the standard library, read with tiffinfo."""
import base64
import email
import email.policy
import os
import sys

from harness import DATA, TOP, crlf

sys.path.insert(0, os.path.join(TOP, "dist", "demo"))
from tiffinfo import tiff_pages  # noqa: E402

ANY_FAX = ("(& (color=Binary) (image-file-structure=[TIFF-minimal,TIFF-limited]) "
           "(image-coding=[MH,MR,MMR,JBIG]) (MRC-mode=0) )")


def device(codings, dpi=200, ratio="1", structure="TIFF-limited"):
    """What a machine takes, in RFC 2879's words."""
    return (f"(& (color=Binary) (image-file-structure={structure}) (image-coding=[{codings}]) "
            f"(MRC-mode=0) (dpi={dpi}) (dpi-xyratio={ratio}) (size-x<=2150/254) )")


MH = device("MH", 204, "204/196", "TIFF-minimal")
MMR = device("MH,MR,MMR")
JBIG = device("MH,MMR,JBIG", "[200,400]")
GREY = "(& (color=Grey) (image-coding=JPEG) (image-file-structure=TIFF-limited) )"


def read(name):
    with open(os.path.join(DATA, name), "rb") as f:
        return f.read()


def image(name="render/letter-J-400.tif", convert="ANY", extra="", kind="image/tiff-fx", features=None):
    """One part: fields and base64."""
    fields = f"Content-Type: {kind}; name=\"page.tfx\"\nContent-Transfer-Encoding: base64\n"
    fields += 'Content-Disposition: attachment; filename="page.tfx"\n'
    if features is not None:
        fields += f"Content-Features: {features}\n"
    if convert is not None:
        fields += f"Content-Convert: {convert}\n"
    data = base64.encodebytes(read(name)).decode()
    return fields + extra + "\n" + data


def text(words="Hello.\n"):
    return "Content-Type: text/plain\n\n" + words


def message(*parts, top=""):
    head = ("From: <a@client.example>\nTo: <b@far.example>\nSubject: a fax\n"
            "Message-ID: <1@client.example>\nDate: Sun, 22 Nov 2026 10:00:00 +0000\nMIME-Version: 1.0\n" + top)
    if len(parts) == 1:
        return head + parts[0]
    return (head + 'Content-Type: multipart/mixed; boundary="==b"\n\n' +
            "".join("--==b\n" + p + ("" if p.endswith("\n") else "\n") for p in parts) + "--==b--\n")


def attached(inner, fields=""):
    """A message as a part of another."""
    return fields + "Content-Type: message/rfc822\n\n" + inner


def multipart(kind, *parts, fields=""):
    """Parts as one part of a message; the boundary is its kind's."""
    lines = "".join(f"--={kind}\n" + p + ("" if p.endswith("\n") else "\n") for p in parts)
    return f'{fields}Content-Type: multipart/{kind}; boundary="={kind}"\n\n{lines}--={kind}--\n'


def original(data):
    """The message as the client sent it: without our Received field on top."""
    if data.startswith(b"Received:"):
        at = data.index(b"\r\n")
        while data[at + 2:at + 3] in (b" ", b"\t"):
            at = data.index(b"\r\n", at + 2)
        return original(data[at + 2:])
    return data


def same(data, sent):
    return original(data) == crlf(sent)


def parse(data):
    return email.message_from_bytes(data, policy=email.policy.compat32)


def images(data):
    return [p for p in parse(data).walk() if p.get_content_maintype() == "image"]


def pages(part):
    return tiff_pages(part.get_payload(decode=True))


def codings(data):
    """For each image part: the set of its pages' codings and resolutions."""
    return [{(p["coding"], p["dpi"]) for p in pages(part)} for part in images(data)]
