# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""Writes the seeds of the targets packets_* (tests/fuzz/corpus/packets_*): what an honest peer says.

Run it again when lib/msg.h's structs or the tables in those targets change.  The steps are those of
tests/fuzz/hostile.h.
"""
import os
import struct

TOP = os.path.dirname(os.path.abspath(__file__))
PAD, QID, RAW, LATER, UNREAD = 8, 16, 32, 64, 128
ID = b"0123456789abcdef" + bytes(8)
LETTER = 8                  # hostile.c's kind of descriptor: the target's message


def say(side, row, body=b"", flags=PAD, fds=0, number=1):
    return bytes([side | flags, row, fds, number]) + struct.pack("<H", len(body)) + body


def happen(what, arg=0, body=b""):
    return bytes([7, what, arg, 0]) + struct.pack("<H", len(body)) + body


def stands(slot):
    return struct.pack("<24sII", ID, slot, 0)


def cap_ask(addr, want=3):
    return struct.pack("<II", want, len(addr)) + addr


def cap_set(addr, text=b"", state=1, source=2, says=0, ttl=0):
    """says: so many octets of text more than there are."""
    return struct.pack("<IIIIII", source, state, ttl, len(addr), len(text) + says & 0xffffffff, 0) + addr + text


def cap_learned(addr, text=b"(dpi=200)", says=0):
    return cap_set(addr, text, 1, 4, says, 30 * 24 * 3600)


def ldap_told(found, caps, text=b"", says=0):
    return struct.pack("<IIIIQ", found, caps, len(text) + says, 0, 5) + text


def learned(tag, addr, text, says=0):
    """says: so many octets of text more than there are."""
    return struct.pack("<IIII", len(tag), len(addr), len(text) + says & 0xffffffff, 0) + tag + addr + text


def key(text, hash=1, pss=0):
    return bytes(32) + struct.pack("<II", hash, pss) + text


def login(user, word, says=0):
    """says: so many octets of name more than there are."""
    return b"192.0.2.1".ljust(48, b"\0") + struct.pack("<II", len(user) + says, len(word)) + user + word


def probe(addr, says=0):
    return bytes(24) + struct.pack("<II", len(addr) + says, 0) + addr


def found(*items):
    return b"".join(struct.pack("<II", what, len(value)) + value for what, value in items)


LIST = found((11, b"given"), (13, b"( dpi = 200 )"))


def offer(tag, sender, rcpt, says=0):
    """says: so many octets of recipient more than there are."""
    return tag.ljust(104, b"\0") + struct.pack("<II", len(sender), len(rcpt) + says) + sender + rcpt


def preferred(tag, addr, text, says=0):
    """says: so many octets of text more than there are."""
    return tag.ljust(104, b"\0") + struct.pack("<II", len(addr), len(text) + says) + addr + text


def crc32c(octets):
    crc = 0xffffffff
    for o in octets:
        crc ^= o
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def commit(text, envelope, says=0):
    """says: so many octets of envelope more than there are."""
    return bytes(24) + struct.pack("<QIIII", len(text), crc32c(text), len(envelope) + says, 1, 0) + envelope


def letter(i):
    """A message of packets_qmgr."""
    return b"0123456789abcde%d" % i + bytes(8)


def mark(slot, state, text=b"later"):
    return struct.pack("<II", 1, 0) + ID + struct.pack("<IIBBHH12s80sHIQQ", 0, slot, state, 0, 1, 450, b"4.2.0",
                                                        text, 0, 0, 1, 2)


MARKED = struct.pack("<II", 1, 0)
ACK_5 = struct.pack("<III", 1, 0, 5)


def result(slots, outcome=0):
    records = b"".join(struct.pack("<IBBH12s96s256sII", s, outcome, 0, 250, b"2.0.0" if outcome == 0 else b"5.1.1",
                                   b"mx [192.0.2.1]:25", b"ok", 0, 1) + bytes(4) for s in slots)
    return ID + struct.pack("<II", len(slots), 0) + records


def delivered(slot, key=b"1=MH"):
    """A record of what was converted on its way into the mailbox."""
    detail = b"converted: MH\nkey: " + key + b"\n"
    record = struct.pack("<IBBH12s96s256sII", slot, 0, 0, 0, b"2.6.4", b"", b"converted", len(detail), 1) + detail
    return record + bytes(-len(record) % 8)


def job(slots, dest=b"routed.example", says=0):
    """says: so many slots more than there are."""
    return ID + dest.ljust(272, b"\0") + struct.pack("<IIQ", len(slots) + says, 0, 1 << 50) + \
        b"".join(struct.pack("<I", s) for s in slots)


def inquire(kind=0, dest=b"routed.example"):
    return struct.pack("<II", kind, 0) + ID + dest.ljust(272, b"\0")


def inquired(octets, kind=0):
    return struct.pack("<IIQ", kind, 0, octets)


def dns(name, kind, *records):
    """An answer with those records of that name."""
    wire = b"".join(bytes([len(x)]) + x for x in name.split(b".")) + b"\0"
    out = struct.pack(">HHHHHH", 0, 0x8180, 1, len(records), 0, 0) + wire + struct.pack(">HH", kind, 1)
    for data in records:
        out += b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 300, len(data)) + data
    return out


def resolve(name, kind=0):
    return struct.pack("<I", kind) + name.ljust(256, b"\0")


with open(os.path.join(TOP, "corpus", "envelope", "least"), "rb") as plain:
    ENVELOPE = plain.read()
TEXT = b"Subject: x\r\n\r\n"
SEEDS = {
    "queue": {
        "open": say(0, 0) + say(0, 2, flags=PAD | QID),
        "commit": say(0, 0) + happen(3, 0, TEXT) + happen(4) +
            say(0, 1, commit(TEXT, ENVELOPE), QID, 0, 64),
        "beyond": say(0, 0) + happen(3, 0, TEXT) + happen(4) + say(0, 1, commit(TEXT, ENVELOPE), QID, 0, 64) +
            say(3, 0, mark(7, 0), QID, 0, 64) + say(3, 0, mark(0, 0), QID, 0, 64),
        "twice": say(0, 0) + happen(3, 0, TEXT) + happen(4) + say(0, 1, commit(TEXT, ENVELOPE), QID | LATER, 0, 64) +
            say(0, 1, commit(TEXT, ENVELOPE), QID, 0, 64),
        "short": say(0, 0) + happen(3, 0, TEXT) + happen(4) +
            say(0, 1, commit(TEXT, ENVELOPE + b"\0" * 9, -9), QID, 0, 64),
        "cut": say(0, 0) + happen(3, 0, TEXT) + happen(4) + say(0, 1, commit(TEXT[:8], ENVELOPE), QID, 0, 64),
        "stale": say(0, 0) + happen(3, 0, TEXT) + happen(4) + say(0, 1, commit(TEXT, ENVELOPE), 0, 0, 64) +
            say(0, 1, commit(TEXT, ENVELOPE[:-8], 8), QID, 0, 64),
        "read": say(0, 0) + happen(3, 0, TEXT) + happen(4) + say(0, 3, ID, QID, 0, 64) +
            say(0, 1, commit(TEXT, ENVELOPE), QID, 0, 64),
        "read-twice": say(0, 0) + happen(3, 0, TEXT) + happen(4) + say(0, 3, ID, QID, 0, 64) + say(0, 3, ID, QID, 0, 64),
        "read-writable": say(2, 0) + happen(3, 0, TEXT) + say(2, 3, ID, QID, 0, 64),
        "read-gone": say(0, 0) + happen(3, 0, TEXT) + happen(4) + say(0, 3, ID, QID, 0, 64) + say(0, 2, ID, QID, 0, 64) +
            say(0, 0) + happen(4) + say(0, 3, ID, QID, 0, 64) + happen(1, 0),
        "file": say(0, 0) + happen(3, 0, TEXT) + happen(4) + say(0, 1, commit(TEXT, b"", 78), QID, LETTER, 64),
        "long-file": say(0, 0) + happen(3, 0, TEXT) + happen(4) + say(0, 1, commit(TEXT, b"", 90), QID, LETTER, 64),
        "writable": say(2, 0) + happen(3, 0, TEXT) + say(2, 1, commit(TEXT, ENVELOPE), QID, 0, 64),
        "reserve": say(2, 0, struct.pack("<QII", 1 << 40, 1, 0)) + say(1, 0, fds=3),
        "marks": say(3, 0, mark(0, 2), PAD | QID) + say(3, 0, mark(7, 1), PAD | QID) + say(3, 1, ID, PAD | QID),
        "many": say(0, 0, flags=PAD | UNREAD) * 20,
        "descriptors": say(0, 0, fds=0x13) + say(1, 0, fds=0x33) + say(2, 1, fds=0x61) + say(3, 0, fds=0x11),
        "raw": say(0, 0, b"x" * 40, RAW) + say(0, 1, b"", 0, 0x33),
    },
    "qmgr": {
        "new": b"\1" + say(0, 0, struct.pack("<II", 2, 0) + letter(1) + ID, PAD),
        "results": b"\1" + say(1, 1, result([0]), PAD | QID, 0, 64) + say(2, 1, result([0], 3), PAD | QID, 0, 64) +
            say(0, 1, MARKED, number=64, flags=PAD | QID) + say(3, 1, number=64, flags=PAD | QID),
        "inflight": b"\0" + say(1, 2, job([0, 1]), PAD | QID, 0, 9) + say(1, 0) + say(1, 1, result([0, 1]), PAD, 0, 9),
        "inflight-many": b"\0" + say(1, 2, job([0], says=200000), PAD | QID, 0, 9) + say(1, 0),
        "inflight-beyond": b"\0" + say(1, 2, job([0] * 2000), QID, 0, 9) + say(1, 0) + say(1, 1, result([0]), QID, 0, 9),
        "stray": b"\1" + say(1, 1, result([7], 3), PAD | QID, 0, 9) + say(1, 1, result([0, 7], 3), PAD | QID, 0, 64),
        "adopted": b"\0" + say(1, 2, job([0, 7]), PAD | QID, 0, 9) + say(1, 0) + say(1, 1, result([0, 7], 3), PAD | QID, 0, 9),
        "acts": b"\1" + b"".join(say(4, 1, struct.pack("<II", v, 1) + letter(v % 4) + struct.pack("<I", 0xffffffff)) +
                                 say(0, 1, MARKED, number=64, flags=PAD | QID) for v in range(5)),
        "lost": b"\1" + happen(1, 1) + happen(0, 60) + happen(2, 1) + say(1, 0) + happen(0, 255) + say(4, 0),
        "expired": b"\1" + happen(0, 255) * 30 + say(0, 1, MARKED, number=64, flags=PAD | QID) + say(3, 2, number=64),
    },
    "capd": {
        "ask": say(0, 0, cap_ask(b"fax@example.com"), 0) + say(3, 0, cap_ask(b"box@here.example"), 0),
        "session": say(1, 0, fds=3) + say(2, 0, fds=3, number=9),
        "sessions": say(1, 0, fds=3, flags=PAD | LATER) * 5 + happen(1, 0) + say(2, 0, fds=3) + say(4, 0, fds=3) +
            happen(2, 0),
        "beyond": say(0, 0, struct.pack("<II", 3, 1 << 20) + b"fax@example.com", 0) + happen(2, 0) +
            say(0, 0, struct.pack("<II", 3, 7 << 28) + b"a@b", 0) + happen(2, 0) +
            say(0, 0, struct.pack("<II", 3, 0), 0),
        "unread": say(0, 0, cap_ask(b"fax@example.com"), UNREAD) * 30,
        "any": say(0, 0, cap_ask(b"any@example.com", 1), 0) + say(0, 0, cap_ask(b"x", 2), 0),
        "wrong": say(0, 0, cap_ask(b"fax@example.com") + b"y", 0),
        "length": say(0, 0, struct.pack("<II", 3, 200) + b"a@b", 0) + say(3, 0, struct.pack("<II", 3, 2) + b"a@b", 0),
        "set": say(3, 1, cap_set(b"own@example", b"(|(dpi=200)(dpi=300))"), 0) +
            say(0, 0, cap_ask(b"own@example"), 0) + say(3, 1, cap_set(b"own@example", b"", 2), 0) +
            say(0, 0, cap_ask(b"own@example"), 0),
        "forget": say(3, 1, cap_set(b"own@example", b"", 2), 0) + say(3, 1, cap_set(b"own@example", b"", 0, 0), 0) +
            say(0, 0, cap_ask(b"own@example"), 0) + say(3, 1, cap_set(b"", b"", 0, 0), 0),
        "refused": say(3, 1, cap_set(b"own@example", b"(& (oops"), 0) + say(3, 1, cap_set(b"nobody", b"(a=1)"), 0),
        "set-length": say(3, 1, cap_set(b"own@example", b"(a=1)", says=1), 0) + happen(2, 3) +
            say(3, 1, cap_set(b"own@example", b"", 3), 0) + happen(2, 3) + say(3, 1, cap_set(b"a@b", b"", 2, 1), 0),
        "learned": say(5, 0, cap_learned(b"far@example", b"(|(dpi=200)(dpi=300))"), 0) +
            say(0, 0, cap_ask(b"far@example"), 0) + say(3, 1, cap_set(b"far@example", b"(dpi=100)"), 0) +
            say(0, 0, cap_ask(b"far@example"), 0),
        "directory": say(0, 0, cap_ask(b"jo@there.example")) + say(6, 0, ldap_told(1, 1, b"(dpi=200)"), 0, number=1) +
            say(0, 0, cap_ask(b"jo+x@there.example")) + say(6, 0, ldap_told(0, 0), 0, number=2) + say(6, 0, ldap_told(1, 2), 0, number=3),
        "directory-lies": say(0, 0, cap_ask(b"jo@there.example")) + say(6, 0, ldap_told(1, 1, b"(& (oops"), 0, number=1) +
            say(6, 0, ldap_told(7, 0), 0, number=2),
        "learned-lies": say(5, 0, cap_learned(b"far@example", says=1), 0) + happen(2, 5) +
            say(5, 0, cap_learned(b"far@example", says=-30), 0) + happen(2, 5) + say(5, 0, cap_set(b"own@example"), 0) +
            happen(2, 5) + say(5, 0, cap_learned(b"nobody", b"(& (oops"), 0) + say(5, 0, cap_learned(b""), 0),
        "session-sets": say(0, 0, cap_set(b"a@b", b"", 2), 0) + say(1, 0, cap_set(b"a@b", b"", 2), 0),
        "probe": say(0, 0, cap_ask(b"r@far.example"), 0) + happen(5, 0, LIST) +
            say(4, 1, inquired(len(LIST)), PAD, LETTER, 64) + say(0, 0, cap_ask(b"r@FAR.example"), 0) +
            say(3, 1, cap_set(b"r@far.example", b"", 0, 0), 0) + say(0, 0, cap_ask(b"r@far.example"), 0),
        "probe-late": say(0, 0, cap_ask(b"r@far.example"), 0) + happen(0, 10) + say(0, 0, cap_ask(b"s@far.example"), 0) +
            happen(5, 0, LIST) + say(4, 1, inquired(len(LIST)), PAD, LETTER, 64) + say(4, 1, inquired(0, 1), PAD, 0, 65),
        "probe-gone": say(0, 0, cap_ask(b"r@far.example"), 0) + happen(1, 0) + happen(2, 4) + happen(2, 0) +
            say(0, 0, cap_ask(b"r@far.example"), 0) + happen(1, 4),
        "probe-odd": say(0, 0, cap_ask(b"r@far.example"), 0) +
            happen(5, 0, found((11, b"given"), (13, b'(a="\r\n250 2.1.5 ok")'))) +
            say(4, 1, inquired(36), PAD, LETTER, 64),
        "probe-cut": say(0, 0, cap_ask(b"r@far.example"), 0) + happen(5, 0, LIST[:-3]) +
            say(4, 1, inquired(len(LIST) - 3), PAD, LETTER, 64),
        "probe-ours": say(0, 0, cap_ask(b"r@Here.example"), 0) + say(0, 0, cap_ask(b"r@[192.0.2.1]"), 0) +
            say(0, 0, cap_ask(b"nobody"), 0) + say(0, 0, cap_ask(b"a b@far.example"), 0),
    },
    "key": {
        "sign": say(0, 0, b"", 0, 5) + say(1, 0, key(b" " * 64 + b"TLS 1.3, server CertificateVerify\0" + bytes(32)), 0) +
            say(2, 0, key(bytes(64) + b"\x03\x00\x1d\x20" + bytes(32), 2, 1), 0),
        "no-tls": say(1, 0, key(b"-----BEGIN CERTIFICATE REQUEST-----"), 0) + happen(2, 1) + say(1, 0, key(b""), 0) +
            happen(2, 1) + say(1, 0, key(bytes(64) + b"\x03\x00\x1d\x21" + bytes(32)), 0),
        "kept": say(1, 1, bytes(32) + b"session", 0) + say(2, 2, bytes(32), 0) + say(2, 1, b"\1" * 32 + b"x" * 1024, 0) +
            say(1, 2, b"\1" * 32, 0) + happen(0, 255) * 40 + say(1, 2, bytes(32), 0),
        "too-long": say(1, 1, bytes(32) + b"x" * 1025, 0) + happen(2, 1) + say(1, 1, bytes(32), 0) + happen(2, 1) +
            say(1, 0, key(bytes(1025)), 0),
        "unread": say(1, 2, bytes(32), UNREAD) * 45,
        "restarts": say(0, 0, b"", 0, 5) + happen(2, 0) + happen(1, 0) + say(0, 0, b"", 0, 5) + say(1, 2, bytes(32), 0),
    },
    "ldap": {
        "honest": happen(5, 0, b"jo@x.example") + say(1, 0, ldap_told(1, 1, b"(dpi=200)"), 0, number=1),
        "nobody": happen(5, 0, b"jo@x.example") + say(1, 0, ldap_told(0, 0), 0, number=1),
        "twice": happen(5, 0, b"jo@x.example") + say(1, 0, ldap_told(0, 0), 0, number=1) + say(1, 0, ldap_told(0, 0), 0, number=1),
        "unasked": happen(5, 0, b"jo@x.example") + say(1, 0, ldap_told(1, 2), 0, number=9),
        "lies": happen(5, 0, b"jo@x.example") + say(1, 0, ldap_told(1, 1, b"(dpi=200)", says=50), 0, number=1),
        "many": happen(7, 0, b"jo@x.example") + say(1, 0, ldap_told(2, 3), 0, number=3) + happen(7, 0, b"x@x.example"),
        "another-line": say(0, 0, struct.pack("<32sII", b"x" * 32, 5, 0) + b"a@b.c", number=4),
    },
    "auth": {
        "login": say(0, 0, b"", 0, 5) + happen(6, 0, b"ann\0sesame") + happen(5, 0, b"ann"),
        "session": say(1, 0, login(b"ann", b"sesame"), 0) + say(3, 0, b"ann") + say(1, 0, login(b"bob", b"x"), 0) +
            say(3, 1, struct.pack("<I", 2) + b"5.7.8"),
        "lengths": say(1, 0, login(b"ann", b"sesame", 1), 0) + happen(2, 1) + say(1, 0, login(b"", b"x"), 0) + happen(2, 1) +
            say(1, 0, login(b"x" * 256, b"x"), 0) + happen(2, 1) + say(1, 0, login(b"x" * 255, b"x" * 255), 0),
        "two": say(1, 0, login(b"ann", b"sesame"), LATER) + say(1, 0, login(b"ann", b"sesame"), 0),
        "names": b"".join(say(2, 0, login(b"ann", b"x"), 0) + say(3, 0, n) for n in (b"", b"a\nb", b"x" * 256, b"\xe9")),
        "dies": say(1, 0, login(b"ann", b"x"), 0) + happen(1, 3) + say(2, 0, login(b"ann", b"x"), 0) + happen(0, 255),
        "gone": say(1, 0, login(b"ann", b"x"), 0) + happen(2, 1) + say(3, 0, b"ann") + say(2, 0, login(b"ann", b"x"), 0),
    },
    "learn": {
        "report": say(1, 0, ID + struct.pack("<Q", 17), PAD, LETTER) + happen(5, 0, b"A@X.example\0(dpi=200)") + happen(1, 2),
        "others": say(1, 0, ID + struct.pack("<Q", 17), PAD, LETTER) + happen(5, 0, b"b@x.example\0(dpi=200)") +
            happen(5, 0, b"a@y.example\0(dpi=200)") + happen(5, 0, b"a@x.example\0" + b"(dpi=200)" * 99),
        "lengths": (say(1, 0, ID + struct.pack("<Q", 17), PAD, LETTER) * 4 +
                    say(2, 0, learned(b"tag", b"a@x.example", b"(dpi=200)", says=1), 0) +
                    say(2, 0, learned(b"tag", b"", b"(dpi=200)"), 0) + say(2, 0, learned(b"tag", b"a@x.example", b""), 0) +
                    say(2, 0, learned(b"tag", b"a@x.example", b"(dpi=200)", says=-20), 0)),
        "talks": say(1, 0, ID + struct.pack("<Q", 17), PAD, LETTER) + happen(5, 0, b"a@x.example\0(dpi=200)") * 9,
        "late": say(1, 0, ID + struct.pack("<Q", 17), PAD, LETTER) * 2 + happen(0, 255) + happen(5, 0, b"a@x.example\0(dpi=1)"),
        "crowd": say(1, 0, ID + struct.pack("<Q", 17), PAD | LATER, LETTER) * 40,
        "no-id": say(1, 0, b"../../etc/passwd" + bytes(8), PAD, LETTER) + happen(2, 1) + say(1, 0, ID, PAD),
        "tag": say(0, 0, b"a@x.example\0b@x.example\0", 0) + say(0, 0, b"a\0" * 8, 0) + say(0, 0, b"a\0" * 9, 0) +
            say(0, 0, b"\0\0", 0) + say(0, 0, b"a@x.example", 0) + say(0, 0, b"", 0),
        "unread": say(0, 0, b"a@x.example\0", UNREAD) * 45,
        "restarts": say(1, 0, ID + struct.pack("<Q", 17), PAD, LETTER) + happen(1, 3) + happen(5, 0, b"a@x.example\0(dpi=1)") +
            happen(2, 3) + happen(5, 0, b"a@x.example\0(dpi=1)") + say(3, 0) + happen(2, 0) + happen(2, 1),
    },
    "offer": {
        "granted": happen(5) + happen(6) + happen(7) * 2,
        "twice": happen(5) + happen(6) + happen(7) * 2 + say(2, 1, ID, PAD, 0, 64) + happen(2, 2) + happen(5),
        "not-made": happen(5) + say(3, 0, struct.pack("<I", 2) + b"5.6.3".ljust(12, b"\0") + bytes(8) + b"no form", PAD) +
            happen(1, 3) + happen(7) * 2,
        "later": happen(5) + say(3, 0, struct.pack("<I", 1) + b"4.6.5", PAD) + happen(1, 3) + happen(0, 255) + happen(6) +
            happen(7) + say(2, 2, number=64) + happen(0, 255) + happen(6) + happen(7) * 2,
        "kept": say(0, 0, offer(b"0123456789abcdefu", b"o@x.example", b"b@y.example"), 0, LETTER) +
            say(1, 0, preferred(b"0123456789abcdefu", b"b@y.example", b""), 0) + happen(6) + happen(7) * 2,
        "lies": say(0, 0, offer(b"0123456789abcdefu", b"o@x.example", b"b", says=1), 0, LETTER) + happen(2, 0) +
            say(0, 0, offer(b"../control/me", b"o@x.example", b"b@y.example"), 0, LETTER) + happen(2, 0) +
            say(1, 0, preferred(b"0123456789abcdef0123456789abcdef", b"b@y.example", b"(a=1)"), 0) +
            say(1, 0, preferred(b"../control/me/and/more", b"a@x.example", b"(a=1)"), 0) +
            say(1, 0, preferred(b"0123456789abcdef0123456789abcdef", b"a@x.example", b"", says=9), 0) + happen(2, 1),
        "nothing": say(2, 0, ID, PAD, 6, 9) + happen(2, 2) + say(2, 1, ID, number=9) + happen(2, 2) + say(4, 0, b"", 0, 6),
        "restarts": happen(5) + happen(2, 1) + happen(6) + happen(2, 2) + happen(0, 255) + happen(6) + happen(7) + happen(2, 2) +
            happen(0, 255) + happen(1, 4) + happen(6),
    },
    "expand": {
        "done": say(0, 0, stands(0), 0, LETTER) + happen(5) + happen(6) + say(0, 0, stands(0), 0, LETTER, 2),
        "list": say(0, 0, stands(1), 0, LETTER) + happen(5) + happen(6),
        "loop": say(0, 0, stands(2), 0, LETTER) + say(0, 0, stands(3), 0, LETTER, 2) + say(0, 0, stands(9), 0, LETTER, 3),
        "refused": say(0, 0, stands(0), 0, LETTER) + say(1, 2, number=64),
        "late": say(0, 0, stands(0), 0, LETTER) + happen(2, 255),
        "nothing": say(1, 0, ID, PAD, 6, 9) + say(1, 1, ID, number=9) + say(1, 2, number=9),
        "other-id": say(0, 0, stands(0), 0, LETTER) + happen(5) + say(1, 1, ID, number=64),
        "twice": say(0, 0, stands(0), 0, LETTER) + say(0, 0, stands(0), 0, LETTER, 2) + happen(0, 0) +
            say(0, 0, stands(0), 0, LETTER, 3) + happen(5) + happen(1) + happen(6),
        "no-file": say(0, 0, stands(0), 0, 1) + say(0, 0, stands(0), 0, 0),
    },
    "bounce": {
        "report": say(0, 0, job([]) + result([0], 3)[32:], 0, LETTER) + happen(5) + say(1, 1, ID, PAD | QID, 0, 64),
        "refused": say(0, 0, job([]) + result([1], 3)[32:], 0, LETTER) + say(1, 2, number=64),
        "notice": say(0, 0, job([]) + result([0, 1], 3)[32:], 0, LETTER) + happen(0, 255) + happen(2, 1),
        "short": say(0, 0, job([]) + result([0], 3)[32:80], 0, LETTER) + say(0, 0, job([]), 0, 1),
        "opened": say(0, 0, job([]) + result([0], 3)[32:], 0, LETTER) + say(1, 0, ID, PAD | QID, 6, 64),
        "nothing": say(1, 0, ID, PAD, 6, 9) + happen(2, 1) + say(1, 1, ID, number=9) + happen(2, 1) + say(1, 2, number=9),
        "other-id": say(0, 0, job([]) + result([0], 3)[32:], 0, LETTER) + happen(5) + say(1, 1, ID, number=64),
        "not-opened": say(0, 0, job([]) + result([0], 3)[32:], 0, LETTER) + say(1, 1, ID, number=64),
        "crossed": say(0, 0, job([]) + result([0], 3)[32:], 0, LETTER, 8) + happen(5) +
            say(0, 0, job([]) + result([1], 3)[32:], 0, LETTER, 9) + happen(5) +
            say(1, 1, b"fedcba9876543211".ljust(24, b"\0"), number=64),
        "again": say(0, 0, job([]) + result([0], 3)[32:], 0, LETTER) + happen(5) +
            say(1, 1, b"fedcba9876543210".ljust(24, b"\0"), number=64) +
            say(0, 0, job([]) + result([0], 3)[32:], 0, LETTER, 9) +
            say(0, 0, job([]) + result([0, 1], 3)[32:], 0, LETTER, 10),
        "converted": say(0, 0, job([]) + delivered(1), 0, LETTER) + happen(6) + happen(7) + happen(5) +
            say(1, 1, b"fedcba9876543210".ljust(24, b"\0"), number=64),
        "not-converted": say(0, 0, job([]) + delivered(1), 0, LETTER) + happen(6) + say(2, 1, number=64) + happen(5),
        "not-planned": say(0, 0, job([]) + delivered(1), 0, LETTER) + say(2, 0, bytes(16) + struct.pack("<Q", 17), PAD, 7, 64) +
            happen(7),
        "two-forms": say(0, 0, job([]) + delivered(1) + delivered(1, b"1=MR"), 0, LETTER) + happen(5),
        "convertd-goes": say(0, 0, job([]) + delivered(1), 0, LETTER) + happen(6) + happen(2, 2) + happen(5),
        "convertd-silent": say(0, 0, job([]) + delivered(1), 0, LETTER) + happen(0, 45) + happen(5) + happen(6),
    },
    "control": {
        "offer": say(0, 11, offer(b"0123456789abcdefu", b"o@x.example", b"b@y.example"), 0, 7) +
            say(0, 11, offer(b"0123456789abcdefu", b"o@x.example", b"b", says=1), 0, 7) + happen(2, 0) +
            say(0, 11, offer(b"0123456789abcdefu", b"o@x.example", b"b@y.example"), 0, 6),
        "status": say(0, 3) + say(1, 3) + say(1, 5) + say(1, 6) + say(5, 0, number=64) + say(5, 1, number=64),
        "act": say(1, 4, struct.pack("<II", 1, 1) + ID + bytes(4)) + say(4, 0, number=64) +
            say(0, 4, struct.pack("<II", 1, 1) + ID + bytes(4)),
        "ask": say(1, 1, cap_ask(b"a@example.com"), 0) + say(3, 0, number=64) + say(0, 1, cap_ask(b"a@b"), 0),
        "opened": say(2, 0, ID, PAD, 6, 64) + say(2, 1, ID) + say(2, 2),
        "submit": say(0, 0, ENVELOPE, 0, 7) + say(2, 0, ID, PAD, 6, 64) + say(2, 1, ID, number=64),
        "bad-id": say(0, 0, ENVELOPE, 0, 7) + say(2, 0, b"../../etc/passwd", PAD, 6, 64) + say(2, 2, number=64),
        "act-gone": say(0, 4, struct.pack("<II", 1, 1) + ID + bytes(4)) + happen(1, 0) + say(4, 0, number=64) +
            say(1, 4, struct.pack("<II", 1, 1) + ID + bytes(4)) + happen(1, 1) + say(4, 0, number=64) + say(4, 1, number=65),
        "figures": say(0, 6) + say(5, 1, b"accord_x 1\n", number=64) + say(0, 5) + say(0, 2),
        "owner": say(0, 7, cap_set(b"a@example.com", b"", 2), 0) + happen(5, 0, b"\0\1") + say(3, 1, number=64) +
            say(0, 1, cap_ask(b"a@example.com"), 0) + happen(5, 0, b"\0\1") + say(3, 0, number=64),
        "no-owner": say(0, 7, cap_set(b"a@example.com", b"", 2), 0) + happen(5, 0, b"\2\1") +
            say(0, 1, cap_ask(b"a@example.com"), 0) + happen(5, 0, b"\0\0") + say(0, 7, cap_set(b"", b"", 0, 0), 0),
        "set": say(1, 7, cap_set(b"a@example.com", b"(a=1)"), 0) + say(3, 1, number=64) +
            say(1, 7, cap_set(b"", b"", 0, 0), 0) + say(3, 2, number=64),
        "refused": say(1, 7, cap_set(b"a@example.com", b"(a=1)"), 0) + say(3, 2, b"x" * 516, PAD, 0, 64),
        "set-length": say(1, 7, cap_set(b"a@example.com", b"", says=1), 0) + say(0, 1, cap_ask(b"a@b") + b"x", 0),
        "tag": say(0, 8, b"a@b\0", 0) + say(6, 0, b"tag", number=64) + say(1, 8, b"", 0) + happen(2, 6) +
            say(1, 8, b"a@b\0", 0) + say(6, 0, b"x" * 104, number=64) + say(6, 0, b"x", number=1),
        "tag-twice": say(0, 8, b"a@b\0", 0) + say(0, 1, cap_ask(b"a@b"), 0) + say(6, 0, number=64) +
            say(0, 8, b"a@b\0", 0) + say(0, 8, b"a@b\0", 0),
        "restarts": say(0, 7, cap_set(b"a@example.com", b"", 2), 0) + happen(6) + happen(5, 0, b"\0\1") +
            say(0, 7, cap_set(b"b@example.com", b"", 2), 0) + happen(5, 0, b"\0\1") + happen(2, 3),
        "caps": say(1, 2) + say(0, 2) + happen(2, 4) + happen(1, 3) + happen(0, 10),
        "inquire": say(1, 9, fds=LETTER) + happen(7, 0, b"\0") + say(1, 9, struct.pack("<II", 1, 0), fds=LETTER) +
            happen(7, 0, b"\2"),
        "probe": say(1, 10, probe(b"a@far.example"), 0) + happen(7, 0, b"\0") + say(1, 10, probe(b"a@far.example"), 0) +
            happen(7, 0, b"\2"),
        "probe-refused": say(0, 10, probe(b"a@far.example"), 0) + say(1, 10, probe(b"a@Here.example"), 0) +
            say(1, 10, probe(b"nobody"), 0) + say(1, 10, probe(b"a@far.example", 3), 0) + happen(2, 1) +
            say(1, 10, probe(b"a@far.example"), 0) + say(1, 10, probe(b"a@far.example"), 0) + happen(7, 0, b"\1"),
        "probe-gone": say(1, 10, probe(b"a@far.example"), 0) + happen(7, 0, b"\4") + say(1, 10, probe(b"a@far.example"), 0) +
            happen(1, 1) + happen(7, 0, b"\0"),
        "inquire-user": say(0, 9, fds=LETTER) + happen(7, 0, b"\x09") + say(0, 9, fds=LETTER) + happen(5, 0, b"\0\1") +
            happen(7, 0, b"\1") + say(0, 9, fds=LETTER) + happen(5, 0, b"\2\1"),
        "inquire-wrong": say(1, 9, struct.pack("<II", 9, 0), fds=LETTER) + happen(2, 1) + say(1, 9, fds=7) +
            say(1, 9, fds=LETTER) + happen(7, 0, b"\1") + happen(7, 0, b"\4") + say(1, 9, fds=1),
        "inquire-gone": say(1, 9, fds=LETTER) + happen(1, 1) + happen(7, 0, b"\0") + happen(2, 1) +
            say(1, 9, fds=LETTER) + happen(7, 0, b"\4"),
        "inquire-crossed": say(1, 9, fds=LETTER) + say(3, 0, number=64) + say(1, 1, cap_ask(b"a@b"), 0) +
            happen(2, 1) + say(1, 1, cap_ask(b"a@b"), 0) + happen(7, 0, b"\2\1"),
    },
    "resolver": {
        "mx": say(0, 0, resolve(b"a.example")) +
            happen(5, 0, dns(b"a.example", 15, b"\0\x0a\4mail\xc0\x0c")) +
            happen(5, 0, dns(b"mail.a.example", 28, bytes(15) + b"\1")) +
            happen(6, 0, dns(b"mail.a.example", 1, b"\xc0\0\2\1")),
        "host": say(0, 0, resolve(b"b.example", 1)) + happen(5, 0, dns(b"b.example", 28)) +
            happen(5, 0, dns(b"b.example", 1, b"\xc0\0\2\2")),
        "null": say(0, 0, resolve(b"c.example")) + happen(5, 0, dns(b"c.example", 15, b"\0\0\0")),
        "srv": say(0, 0, resolve(b"f.example", 2)) +
            happen(5, 0, dns(b"_conneg._tcp.f.example", 33, b"\0\x0a\0\5\x09\xdd\4mail\0", b"\0\0\0\0\0\x19\1g\0")) +
            happen(5, 0, dns(b"mail", 28)) + happen(6, 0, dns(b"mail", 1, b"\xc0\0\2\1")),
        "srv-none": say(0, 0, resolve(b"g.example", 2)) +
            happen(5, 0, dns(b"_conneg._tcp.g.example", 33, bytes(7))) + say(0, 0, resolve(b"g.example", 3)),
        "srv-long": say(0, 0, resolve(b"x." * 125 + b"x", 2)),
        "twice": say(0, 0, resolve(b"a.example")) + say(0, 0, resolve(b"b.example")) + happen(7),
        "gone": say(0, 0, resolve(b"a.example")) + happen(1, 0) + happen(7),
        "no-name": say(0, 0, resolve(b"a b..example")) + happen(2, 0) + say(0, 0, resolve(b"-/x", 1)),
        "none": say(0, 0, resolve(b"d.example")) + happen(7) + say(1, 0, fds=3),
        "late": say(0, 0, resolve(b"e.example")) + happen(0, 60) + say(0, 0, resolve(b"E..x")),
    },
    "remote": {
        "job": say(0, 0, job([0, 1]), 0, LETTER, 5) + say(1, 0, result([0, 1]), 0, 0, 64) + say(0, 1, ACK_5),
        "wrong": say(0, 0, job([0]), 0, LETTER, 5) + say(1, 0, result([3]), 0, 0, 64),
        "others": say(0, 0, job([0]), 0, LETTER, 5) + say(0, 0, job([1]), 0, LETTER, 6) +
            say(1, 0, result([1]), 0, 0, 5) + say(1, 0, result([1, 1]), 0, 0, 6),
        "no-role": say(0, 0, job([0]), 0, LETTER, 5) + say(1, 1, struct.pack("<II", 12, 1)),
        "no-job": say(0, 0, job([0]), 0, LETTER, 5) + say(1, 0, result([0]), 0, 0, 64) + say(0, 1, ACK_5) +
            say(1, 0, result([0]), 0, 0, 5),
        "any-peer": say(0, 0, job([0]), 0, LETTER, 5) + b"".join(say(1, 1, struct.pack("<II", r, 1))
                                                                     for r in (1, 2, 3, 4, 5, 6, 7, 8, 9, 200)),
        "needs": say(0, 0, job([0]), 0, LETTER, 5) + say(1, 1, struct.pack("<II", 3, 1)) +
            say(1, 1, struct.pack("<II", 5, 1)) + say(1, 1, struct.pack("<II", 2, 1)) + happen(2, 2) + say(1, 2, bytes(10) + b"\xff\xff\1\2\3\4\x19\0\1\0"),
        "again": say(0, 0, job([0]), 0, LETTER, 5) + happen(2, 0) + happen(0, 255) + say(1, 0, result([0]), 0, 0, 64),
        "credential": say(1, 4) + say(0, 0, job([0]), 0, LETTER, 5) + say(1, 4) + say(1, 4) + say(6, 0, fds=7, number=64) + say(6, 0, number=1) +
            say(6, 0, number=9) + say(1, 0, result([0]), 0, 0, 64),
        "credential-inquiry": say(5, 0, inquire(), PAD, LETTER, 5) + say(1, 4) + say(6, 0, number=64) + happen(1, 6) +
            say(1, 4) + happen(2, 6) + say(6, 0, fds=7, number=64),
        "probe": say(4, 0, probe(b"r@far.example"), 0, 0, 9) + say(1, 3, inquired(3), PAD, 7, 64),
        "probes": b"".join(say(4, 0, probe(b"r%d@far.example" % i), 0, 0, i) for i in range(10)) + happen(0, 90),
        "probe-gone": say(4, 0, probe(b"r@far.example"), 0, 0, 9) + happen(2, 4) +
            say(4, 0, probe(b"r@far.example"), 0, 0, 9) + happen(1, 1),
        "probe-length": say(4, 0, probe(b"r@far.example", 9), 0),
        "probe-no-question": say(0, 0, job([0]), 0, LETTER, 5) + say(1, 3, inquired(3), PAD, 7, 64),
        "dies": say(0, 0, job([0, 1, 2]), 0, LETTER, 5) + happen(1, 1) + happen(0, 30) + say(0, 1, ACK_5),
        "inquire": say(5, 0, inquire(), PAD, LETTER, 5) + say(1, 1, struct.pack("<II", 3, 1)) +
            say(1, 3, inquired(17), PAD, 7) + say(1, 3, inquired(17), PAD, 7),
        "inquiries": b"".join(say(5, 0, inquire(), PAD | LATER, LETTER, n) for n in range(6)) + happen(0, 255),
        "inquire-idle": say(0, 0, job([0]), 0, LETTER, 5) + say(1, 0, result([0]), 0, 0, 64) + say(1, 3, inquired(17), PAD, 7),
        "inquire-dies": say(5, 0, inquire(), PAD, LETTER, 5) + happen(1, 1) + say(5, 0, inquire(), PAD, LETTER, 6) +
            say(1, 0, result([0]), 0, 0, 6),
        "inquire-gone": say(5, 0, inquire(), PAD, LETTER, 5) + happen(2, 5) + say(1, 3, inquired(17), PAD, 7) +
            say(5, 0, inquire(), PAD, LETTER, 5) + happen(1, 5) + say(0, 0, job([0]), 0, LETTER, 5) +
            say(1, 3, inquired(17), PAD, 7),
        "inquire-wrong": say(5, 0, inquire(9), PAD, LETTER) + happen(2, 5) + say(5, 0, b"", PAD, LETTER) + happen(2, 5) +
            say(5, 0, inquire(dest=b"x" * 272), PAD, LETTER),
    },
    "local": {
        "job": say(0, 0, job([0]), 0, LETTER, 5) + say(1, 0, result([0]), 0, 0, 5) + happen(1, 1) + say(0, 1, ACK_5),
        "jobs": say(0, 0, job([0, 1]), 0, LETTER, 5) + say(1, 0, result([0]), 0, 0, 5) + happen(1, 1) +
            say(1, 0, result([1]), 0, 0, 5) + happen(1, 1) + say(0, 1, ACK_5),
        "wrong": say(0, 0, job([0]), 0, LETTER, 5) + say(1, 0, result([1]), 0, 0, 5) + say(0, 0, job([7]), 0, LETTER, 6) +
            say(0, 0, job([0]), 0, 1, 7),
        "owner": say(4, 0, b"a@here.example", 0) + say(4, 0, b"a@elsewhere.example", 0) + say(4, 0, b"", 0),
        "inquire": say(4, 1, inquire(), PAD, LETTER, 5) + say(1, 1, inquired(17), PAD, 7) + say(1, 1, inquired(17), PAD, 7) +
            happen(1, 1),
        "inquire-dies": say(4, 1, inquire(1), PAD, LETTER, 5) + happen(1, 1) + say(4, 1, inquire(), PAD, LETTER, 6) +
            say(1, 0, result([0]), 0, 0, 6),
        "inquiries": b"".join(say(4, 1, inquire(), PAD | LATER, LETTER, n) for n in range(6)) + happen(1, 1),
        "inquire-gone": say(4, 1, inquire(), PAD, LETTER, 5) + happen(2, 4) + say(1, 1, inquired(17), PAD, 7) + happen(1, 1),
        "inquire-wrong": say(4, 1, inquire(9), PAD, LETTER) + happen(2, 4) + say(4, 1, inquire(), PAD, 7) +
            say(0, 0, job([0]), 0, LETTER, 5) + say(1, 1, inquired(17), PAD, 7),
    },
    "convertd": {
        "plan": say(0, 0, ID + struct.pack("<QIIII", 10, 0, 1, 22, 0) + struct.pack("<II", 14, 2) + b"(color=Binary)",
                    0, LETTER, 3) + happen(5, 1, b"x" * 40),
        "convert": say(0, 1, ID + struct.pack("<QIIII", 10, 8, 0, 0, 0) + b"1=MH/A4*", 0, LETTER, 3) +
            happen(5, 0, b"x" * 40) + say(0, 1, ID + struct.pack("<QIIII", 10, 8, 0, 0, 0) + b"1=MH/A4*", 0, LETTER),
        "describe": say(0, 2, b"", PAD, LETTER) + happen(6, 0, b"5.6.1 not an image") + happen(0, 255),
        "octets": say(0, 2, b"", PAD, LETTER) + happen(6, 0, b"5.6.1 not an \x80\xe9\xfeimage") +
            happen(0, 255),
        "session": say(1, 0, fds=3) + say(0, 2, fds=2) + say(0, 2, fds=3),
        "same": (say(0, 1, ID + struct.pack("<QIIII", 10, 3, 0, 1, 0) + b"1=x", UNREAD, LETTER) * 3 + happen(1, 0) +
                 happen(7)),
    },
    "daemon": {
        "reload": say(0, 0, b"mx.example", number=3) + say(0, 1, b"maxerrors".ljust(48, b"\0"), PAD, 7, 3) +
            say(0, 3, number=3, fds=3) + say(0, 4, number=3) + say(0, 5, number=3) + say(0, 7) + say(0, 8),
        "keep": say(0, 0, b"mx.example", number=3) + say(0, 1, b"locals".ljust(48, b"\0"), PAD, 6, 3) +
            say(0, 4, number=3) + say(0, 6, number=3) + say(0, 5, number=3),
        "number": say(0, 0, b"mx.example", number=3) + say(0, 1, b"maxerrors".ljust(48, b"\0"), PAD, LETTER, 3) +
            say(0, 4, number=3) + say(0, 5, number=3) + say(0, 7),
        "number-kept": say(0, 0, b"mx.example", number=3) + say(0, 1, b"maxerrors".ljust(48, b"\0"), PAD, LETTER, 3) +
            say(0, 4, number=3) + say(0, 6, number=3) + say(0, 7),
        "refused": say(0, 0, b"mx.example\0", number=3) + say(0, 1, b"maxerrors".ljust(48, b"\0"), PAD, LETTER, 3) +
            say(0, 4, number=3) + say(0, 5, number=3) + say(0, 7),
        "unchecked": say(0, 0, b"mx.example", number=3) + say(0, 5, number=3) + say(0, 7),
        "granted": say(0, 15) + say(0, 15, fds=3),
        "no-peer": say(0, 11, struct.pack("<II", 200, 2), fds=3),
        "peer": say(0, 11, struct.pack("<II", 1, 2), fds=3) + say(0, 12, b"caps.cdb".ljust(48, b"\0"), fds=6) +
            say(0, 13),
        "listeners": say(0, 0, b"mx.example", number=3) + b"".join(say(0, 3, number=3, fds=3) for _ in range(33)),
        "start": happen(5, 0, b"mx.example") + happen(6, 0, b"x"),
    },
}


def main():
    for target, seeds in SEEDS.items():
        folder = os.path.join(TOP, "corpus", "packets_" + target)
        os.makedirs(folder, exist_ok=True)
        for name, octets in seeds.items():
            if target == "resolver":        # a new parent ends the sessions of the one before
                octets = happen(2, 0) + octets
            with open(os.path.join(folder, name), "wb") as f:
                f.write(octets)


main()
