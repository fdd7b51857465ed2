# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""Mail to hops that take less than it has, or more: transfer encodings, chunks, limits.  What is said
of a message is judged by what Python's MIME reader makes of it there and here."""
import email
import email.policy
import re
import socket
import threading
import unittest

import fax
from harness import Instance, Peer, crlf, dot, wait_for

SENDER = "postmaster@gateway.example"
TO = "b@far.example"
HEAD = ("From: <a@gateway.example>\r\nTo: <b@far.example>\r\nSubject: x\r\nDate: Mon, 2 Mar 2026 10:00:00 +0000\r\n"
        "Message-ID: <outgoing.1@gateway.example>\r\nMIME-Version: 1.0\r\n").encode()
EIGHT = ["PIPELINING", "8BITMIME", "SIZE 0", "ENHANCEDSTATUSCODES"]
SEVEN = ["PIPELINING", "SIZE 0", "ENHANCEDSTATUSCODES"]
BINARY = EIGHT + ["CHUNKING", "BINARYMIME"]


def part(kind, how, body):
    return b"--b\r\nContent-Type: %s\r\nContent-Transfer-Encoding: %s\r\n\r\n%s\r\n" % (kind, how, body)


def multipart(*parts, how=b"8bit", kind=b"mixed"):
    return (HEAD + b"Content-Type: multipart/" + kind + b"; boundary=b\r\nContent-Transfer-Encoding: " + how +
            b"\r\n\r\n" + b"".join(parts) + b"--b--\r\n")


TEXT = "Gr\u00fc\u00dfe aus M\u00fcnchen, mit = und langen Zeilen: ".encode() + b"x" * 300 + b"\r\n.\r\nFrom me \r\nend"
LETTER = multipart(
    part(b"text/plain; charset=utf-8", b"8bit", TEXT),
    part(b"application/octet-stream", b"8bit", bytes(o for o in range(1, 256) if o not in (10, 13))),
    part(b"text/plain", b"7bit", b"plain = plain"),
    part(b"image/tiff", b"base64", b"SUkqAA=="),
    part(b"message/rfc822", b"8bit", b"Subject: in\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; "
         b"charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + TEXT))
RAW = multipart(
    part(b"application/octet-stream", b"binary", bytes(range(256)) * 20),
    part(b"text/plain; charset=utf-8", b"binary", "ein \u00fc\r\n".encode() + b"y" * 5000),
    part(b"text/plain", b"binary", b"Unix\nlines"), how=b"binary")


def leaves(message):
    """Type and decoded content of each leaf."""
    m = email.message_from_bytes(message)
    return [(p.get_content_type(), p.get_payload(decode=True)) for p in m.walk()
            if p.get_content_maintype() not in ("multipart", "message")]


def unfold(data):
    return data[data.index(b"From: <a@"):]


class Outgoing(unittest.TestCase):
    def through(self, ext, message, on=None, mail="", to=(TO,), binary=False, want=True, **settings):
        """Sends it to a hop that offers ext; the hop, and what it got or the report."""
        hop = Peer(ext=ext, on=on)
        self.addCleanup(hop.close)
        with Instance(smtproutes=hop.route, **settings) as acc:
            if binary:
                self.binary(acc, message, to)
            else:
                acc.send(SENDER, to, message.decode("latin-1").encode("latin-1"), mail)
            got = wait_for(lambda: hop.messages if want else acc.maildir())
            acc.wait_empty()
            self.assertEqual(len(acc.maildir()), 0 if want else 1)
            self.log = acc.read_log()
            return hop, got[0]["data"] if want else got[0]

    @staticmethod
    def binary(acc, message, to=(TO,)):
        with acc.client() as c:
            c.ehlo()
            c.must("250", f"MAIL FROM:<{SENDER}> BODY=BINARYMIME")
            for t in to:
                c.must("250", f"RCPT TO:<{t}>")
            c.must("250", data=b"BDAT %d LAST\r\n" % len(message) + message)

    def same(self, message, got, seven):
        self.assertEqual(leaves(got), leaves(message))
        self.assertEqual(email.message_from_bytes(got)["Message-ID"], "<outgoing.1@gateway.example>")      # H3
        if seven:
            self.assertLess(max(got), 128)
        self.assertIsNone(re.search(rb"\0|\r(?!\n)|(?<!\r)\n", got))
        self.assertLessEqual(max(len(l) for l in got.split(b"\r\n")), 998)
        for p in email.message_from_bytes(got).walk():      # RFC 2045, 6.4: what encloses is not encoded
            how = p.get("Content-Transfer-Encoding", "7bit")
            allowed = ["7bit"] if seven else ["7bit", "8bit"]
            if p.get_content_maintype() not in ("multipart", "message"):
                allowed += ["base64", "quoted-printable"]
            self.assertIn(how, allowed)


class Transfer(Outgoing):
    def test_H1_eight_bits_to_a_hop_that_takes_them(self):
        hop, got = self.through(EIGHT, LETTER)
        self.assertEqual(unfold(got), LETTER)
        self.assertIn(" BODY=8BITMIME", hop.said("MAIL")[0])

    def test_H1_H3_eight_bits_to_a_hop_of_seven(self):
        """RFC 6152, 3: no loss, valid 7-bit MIME; content that needs nothing is not touched."""
        hop, got = self.through(SEVEN, LETTER, mail=" BODY=8BITMIME")
        self.same(LETTER, got, True)
        self.assertNotIn("BODY", hop.said("MAIL")[0])
        self.assertIn(f" SIZE={len(got)}", hop.said("MAIL")[0])         # of the message as sent
        self.assertIn(part(b"text/plain", b"7bit", b"plain = plain"), got)
        self.assertIn(part(b"image/tiff", b"base64", b"SUkqAA=="), got)

    def test_H1_a_message_without_MIME(self):
        plain = HEAD.replace(b"MIME-Version: 1.0\r\n", b"") + b"\r\nonce upon a time in M\xfcnchen\r\n"
        _, got = self.through(SEVEN, plain)
        m = email.message_from_bytes(got)
        self.assertEqual(m.get_content_charset(), "unknown-8bit")
        self.assertEqual(m["MIME-Version"], "1.0")
        self.assertEqual(m.get_payload(decode=True), b"once upon a time in M\xfcnchen\r\n")

    def test_signed_mail_fails_rather_than_changes(self):
        signed = multipart(part(b"text/plain", b"8bit", b"M\xfcnchen"), part(b"application/pgp-signature", b"7bit", b"x"),
                           kind=b"signed")
        hop, report = self.through(SEVEN, signed, want=False)
        self.assertIn(b"Status: 5.6.3", report)
        self.assertEqual(hop.said("MAIL"), [])
        _, got = self.through(EIGHT, signed)
        self.assertEqual(unfold(got), signed)

    def test_an_eight_bit_header_fails(self):
        _, report = self.through(SEVEN, HEAD + b"X-Raw: M\xfcnchen\r\n\r\nx\r\n", want=False)
        self.assertIn(b"Status: 5.6.3", report)

    def test_a_limit_that_the_encoded_message_exceeds(self):
        message = HEAD + b"\r\n" + b"\xfc" * 900 + b"\r\n"
        _, report = self.through(["SIZE 1400"], message, want=False)
        self.assertIn(b"Status: 5.3.4", report)
        self.through(["8BITMIME", "SIZE 1400"], message)

    def test_convertd_gone_means_later(self):
        with Peer(ext=SEVEN) as hop, Instance(smtproutes=hop.route, retryfirst="1") as acc:
            acc.kill("convertd")
            acc.send(SENDER, [TO], LETTER)
            got = wait_for(lambda: hop.messages)[0]["data"]
            self.same(LETTER, got, True)
            acc.wait_empty()

    def test_twenty_megabytes(self):
        body = (b"\xe4" + b"x" * 60 + b"\r\n") * (20000000 // 63)
        _, got = self.through(SEVEN, HEAD + b"Content-Transfer-Encoding: 8bit\r\n\r\n" + body)
        self.assertEqual(email.message_from_bytes(got).get_payload(decode=True), body)

    def test_H8_local_parts_stay_as_they_came(self):
        """H8, G1: every octet, case and separator of a local part that is not ours."""
        to = ["FAX=+1.2-3/T33S=7@far.example", '"a>b"@far.example', "UPPER.lower@far.example",
              '"a\\\\b c"@far.example', "IMCEAFAX-x+40y@far.example"]
        for ext in (EIGHT, SEVEN):
            hop, _ = self.through(ext, LETTER, to=to)
            self.assertEqual(sorted(r[len("RCPT TO:"):] for r in hop.said("RCPT")), sorted(f"<{t}>" for t in to))


class Both(Outgoing):
    """A conversion and transfer encodings in one list."""

    def through_machine(self, ext, binary):
        text = "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\nGr\u00fc\u00dfe, once and again\n"
        sent = crlf(fax.message(text, fax.image(), text.replace("again", "more")))
        hop = Peer(ext=ext + ["CONPERM", "CONNEG"], caps={TO: fax.MH})
        self.addCleanup(hop.close)
        with Instance(smtproutes=hop.route) as acc:
            if binary:
                with acc.client() as c:
                    c.ehlo()
                    c.must("250", f"MAIL FROM:<{SENDER}> CONPERM BODY=BINARYMIME")
                    c.must("250", f"RCPT TO:<{TO}>")
                    c.must("250", data=b"BDAT %d LAST\r\n" % len(sent) + sent)
            else:
                acc.send(SENDER, [TO], sent, " CONPERM")
            got = wait_for(lambda: hop.messages)[0]["data"]
            acc.wait_empty()
        self.assertEqual(fax.codings(got)[0], {("MH", (204, 196))})
        mine, theirs = leaves(sent), leaves(got)
        self.assertEqual([theirs[0], theirs[2]], [mine[0], mine[2]])
        self.assertEqual(fax.parse(got)["Message-ID"], "<1@client.example>")
        return hop, got

    def test_H3_converted_for_the_machine_and_encoded_for_the_hop(self):
        _, got = self.through_machine(SEVEN, False)
        self.assertLess(max(got), 128)

    def test_converted_and_sent_in_chunks(self):
        hop, got = self.through_machine(BINARY, True)
        self.assertEqual(hop.said("BDAT"), [f"BDAT {len(got)} LAST"])
        self.assertIn(" BODY=BINARYMIME", hop.said("MAIL")[0])
        self.assertIn("Gr\u00fc\u00dfe".encode(), got)


class Chunks(Outgoing):
    def test_H1_binary_to_a_hop_that_takes_it(self):
        hop, got = self.through(BINARY, RAW, binary=True)
        self.assertEqual(unfold(got), RAW)
        self.assertIn(" BODY=BINARYMIME", hop.said("MAIL")[0])
        self.assertEqual(hop.said("BDAT"), [f"BDAT {len(got)} LAST"])
        self.assertEqual(hop.said("DATA"), [])

    def test_ordinary_mail_goes_by_DATA(self):
        hop, got = self.through(BINARY, LETTER)
        self.assertEqual(unfold(got), LETTER)
        self.assertEqual((len(hop.said("DATA")), hop.said("BDAT")), (1, []))

    def test_H1_binary_to_hops_that_take_less(self):
        for ext, body in ((EIGHT, " BODY=8BITMIME"), (SEVEN, ""), (SEVEN + ["BINARYMIME"], ""),
                          (EIGHT + ["CHUNKING"], " BODY=8BITMIME")):
            with self.subTest(ext):
                hop, got = self.through(ext, RAW, binary=True)
                self.same(RAW, got, body == "")
                self.assertEqual(hop.said("BDAT"), [])
                self.assertEqual(re.findall(" BODY=.*", hop.said("MAIL")[0].split(" SIZE")[0]) or
                                 re.findall(" BODY=[^ ]*", hop.said("MAIL")[0]), [body] if body else [])

    def large(self, ext, on=None, **kw):
        message = multipart(part(b"application/octet-stream", b"binary", bytes(range(256)) * 12000), how=b"binary")
        hop, got = self.through(ext, message, on, binary=True, **kw)
        return hop, got, message

    def test_a_large_one_in_bounded_chunks(self):
        for ext in (BINARY, BINARY[1:]):
            hop, got, message = self.large(ext)
            self.assertEqual(unfold(got), message)
            chunks = [l.split() for l in hop.said("BDAT")]
            self.assertEqual(sum(int(c[1]) for c in chunks), len(got))
            self.assertEqual([len(c) for c in chunks], [2] * (len(chunks) - 1) + [3])
            self.assertTrue(all(int(c[1]) <= 1 << 20 for c in chunks))
            self.assertIn(f" SIZE={len(got)}", hop.said("MAIL")[0])

    def test_a_refused_chunk_is_the_last(self):
        """RFC 3030, 2: no further chunk after a refusal, one under way excepted; RSET before all else."""
        for ext, most in ((BINARY, 2), (BINARY[1:], 1)):
            refused = []

            def bdat(session, _):
                if not refused:
                    refused.append(session)
                    return "452 4.3.1 full"
                return "503 5.5.1 no" if session is refused[0] and session.mail and len(
                    [l for l in session.lines if l[1].startswith("MAIL")]) == 1 else None
            hop, got, message = self.large(ext, {"BDAT": bdat}, retryfirst="1")
            self.assertEqual(unfold(got), message)
            first = [l for side, l in hop.sessions[0].lines if side == "C"]
            chunks = [i for i, l in enumerate(first) if l.startswith("BDAT")]
            before = [i for i in chunks if not any(l.startswith(("RSET", "QUIT")) for l in first[:i])]
            self.assertLessEqual(len(before), most)
            self.assertFalse(any(first[i].endswith("LAST") for i in before))

    def test_a_chunk_refused_for_ever(self):
        _, report, _ = self.large(BINARY, {"BDAT": lambda s, l: "554 5.6.1 no such media"}, want=False)
        self.assertIn(b"Status: 5.6.1", report)

    def test_lost_before_the_last_chunk_is_not_sent(self):
        lost = []

        def bdat(session, line):
            if not lost:
                lost.append(line)
                return False
            return None
        hop, got, message = self.large(BINARY, {"BDAT": bdat}, retryfirst="1")
        self.assertEqual(unfold(got), message)
        self.assertEqual(len(hop.messages), 1)

    def test_lost_after_the_last_chunk_is_unknown(self):
        """As with the final dot: deferred, and sent again rather than lost."""
        lost = []

        def eod(session, body):
            if not lost:
                lost.append(body)
                return False
            return None
        hop, got = self.through(BINARY, RAW, {"EOD": eod}, binary=True, retryfirst="1")
        self.assertEqual((len(hop.messages), len(lost)), (1, 1))
        self.assertEqual(got, lost[0])
        self.assertIn("no answer to the whole message", self.log)


class OneByOne(unittest.TestCase):
    """RFC 5321, 4.3.1: without PIPELINING the client waits for each reply."""

    def hop(self, server, seen):
        s, _ = server.accept()
        with s:
            s.sendall(b"220 hop\r\n")
            data = b""
            while (got := s.recv(65536)):
                if data or not data and seen and seen[-1] == b"DATA\r\n":
                    data += got
                    if not data.endswith(b"\r\n.\r\n"):
                        continue
                    data, got = b"", b"."
                seen.append(got)
                refused = b"550 no\r\n" if b"<bad@" in got else b"250 ok\r\n"
                s.sendall(b"354 go on\r\n" if got == b"DATA\r\n" else refused)

    def test_RSET_and_MAIL_are_two_segments(self):
        seen = []
        with socket.create_server(("127.0.0.1", 0)) as server:
            thread = threading.Thread(target=self.hop, args=(server, seen), daemon=True)
            thread.start()
            with Instance(smtproutes=f":[127.0.0.1]:{server.getsockname()[1]}") as acc:
                # its report goes to the same hop, in the same session
                acc.send("a@client.example", ["bad@far.example"], HEAD + b"\r\nx\r\n")
                wait_for(lambda: b"." in seen)
        self.assertIn(b"RSET\r\n", seen)
        self.assertEqual([x for x in seen if x.count(b"\r\n") > 1], [])


class Limits(Outgoing):
    def test_RCPTMAX_and_MAILMAX(self):
        """RFC 9422: no more RCPT commands in a transaction, MAIL commands in a session."""
        to = [f"r{i}@far.example" for i in range(10)]
        hop = Peer(ext=EIGHT + ["LIMITS RCPTMAX=3 MAILMAX=2"])
        self.addCleanup(hop.close)
        with Instance(smtproutes=hop.route) as acc:
            acc.send(SENDER, to, HEAD + b"\r\nx\r\n")
            wait_for(lambda: len(hop.messages) >= 4)
            acc.wait_empty()
        self.assertEqual(sorted(r for m in hop.messages for r in m["rcpt"]), sorted(f"RCPT TO:<{t}>" for t in to))
        self.assertTrue(all(len(m["rcpt"]) <= 3 for m in hop.messages))
        for session in hop.sessions:
            self.assertLessEqual(len([l for side, l in session.lines if side == "C" and l.startswith("MAIL")]), 2)


if __name__ == "__main__":
    unittest.main()
