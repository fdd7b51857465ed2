# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""What a TIFF file says of its pages, read without any library of accord's."""
import struct

CODINGS = {1: "none", 2: "MH", 3: "MH or MR", 4: "MMR", 9: "JBIG", 34661: "JBIG (private)"}


def tiff_pages(data):
    """What the file itself says of each page."""
    order = "<" if data[:2] == b"II" else ">"
    at, pages = struct.unpack(order + "I", data[4:8])[0], []
    while at and len(pages) < 1000:
        n, tags = struct.unpack(order + "H", data[at:at + 2])[0], {}
        for i in range(n):
            tag, kind, count, raw = struct.unpack(order + "HHI4s", data[at + 2 + 12 * i:at + 14 + 12 * i])
            tags[tag] = struct.unpack(order + ("H" if kind == 3 else "I"), raw[:2 if kind == 3 else 4])[0]
            if kind == 5:
                num, den = struct.unpack(order + "II", data[tags[tag]:tags[tag] + 8])
                tags[tag] = num / den if den else 0
        t4 = tags.get(292, 0)
        coding = ("MR" if t4 & 1 else "MH") if tags.get(259) == 3 else CODINGS.get(tags.get(259), "?")
        pages.append({"coding": coding, "dpi": (round(tags.get(282, 0)), round(tags.get(283, 0))),
                      "size": (tags.get(256), tags.get(257)), "octets": tags.get(279, 0)})
        at = struct.unpack(order + "I", data[at + 2 + 12 * n:at + 6 + 12 * n])[0]
    return pages
