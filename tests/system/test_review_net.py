# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""What an ill-disposed local user, client or sender of a message may try."""
import fcntl
import os
import re
import socket
import struct
import tempfile
import time
import unittest

import fax
from harness import TOP, Instance, Peer, crlf, dot, wait_for

SUBMIT, STATUS, TEXT, COMMITTED, REFUSED = 112, 114, 115, 35, 37
SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


def packet_build(acc):
    """The number that a packet of this build starts with (lib/ipc.c)."""
    with open(os.path.join(TOP, "lib", "msg.h")) as f:
        layout = int(re.search(r"#define MSG_LAYOUT (\d+)u", f.read())[1])
    with acc.client() as c:
        c.ehlo()
        version = c.cmd("HELP")[0].split("accord ")[1].split(":")[0]
    build = 2166136261
    for o in version.encode():
        build = (build ^ o) * 16777619 & 0xffffffff
    return (build ^ layout) * 16777619 & 0xffffffff


def record(kind, value):
    return struct.pack("<HI", kind, len(value)) + value


def envelope(sender=b"a@gateway.example", rcpt=b"b@far.example", more=b""):
    return record(1, b"\1") + record(2, sender) + more + record(64, rcpt)


def memfd(data, seals=SEALS):
    fd = os.memfd_create("message", os.MFD_ALLOW_SEALING)
    os.write(fd, data)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)
    return fd


class Control:
    """A local user at the control socket, by hand."""

    def __init__(self, acc, build, timeout=10):
        self.build = build
        self.s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        found = [os.path.join(d, "control.sock") for d, _, names in os.walk(acc.home) if "control.sock" in names]
        self.s.connect(found[0])        # waits where many do: with a timeout it would fail at once
        self.s.settimeout(timeout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.s.close()

    def send(self, kind, more=b"", fds=()):
        data = struct.pack("=IIII", self.build, kind, 7, 16 + len(more)) + more
        socket.send_fds(self.s, [data], list(fds))

    def answer(self):
        """Type and what follows the header; None when cut off."""
        try:
            data = self.s.recv(65536)
        except ConnectionResetError:
            return None
        return (struct.unpack("=IIII", data[:16])[1], data[16:]) if data else None

    def submit(self, message, env=None, fd=None):
        fd = memfd(message) if fd is None else fd
        self.send(SUBMIT, envelope() if env is None else env, [fd])
        os.close(fd)
        return self.answer()


MESSAGE = b"From: <a@gateway.example>\r\n\r\nhello\r\n"


class LocalUser(unittest.TestCase):
    """The account nobody runs accord here, so root's rights are an administrator's; 12345 is anybody."""
    ANYBODY = 12345

    def setUp(self):
        self.hop = Peer()
        self.addCleanup(self.hop.close)
        self.acc = Instance(smtproutes=self.hop.route, databytes="100000")
        self.acc.start()
        self.addCleanup(self.acc.__exit__, None, None, None)
        self.build = packet_build(self.acc)

    def control(self, **kw):
        return Control(self.acc, self.build, **kw)

    def refused(self, got, code):
        self.assertIsNotNone(got)
        self.assertEqual(got[0], REFUSED)
        self.assertIn(code.encode(), got[1])

    def test_a_good_submission_is_taken(self):
        with self.control() as c:
            self.assertEqual(c.submit(MESSAGE)[0], COMMITTED)
        wait_for(lambda: self.hop.messages)

    def test_addresses_cannot_carry_parameters_or_lines(self):
        for env in (envelope(sender=b"a@x.example> CONPERM SIZE=1"), envelope(sender=b"a> <b@x.example"),
                    envelope(rcpt=b"b@far.example>\r\nRCPT TO:<c@far.example"), envelope(rcpt=b"b"),
                    envelope(rcpt=b"b c@far.example"), envelope(rcpt=b"@far.example:b@far.example"),
                    envelope(rcpt="b\u00e9@far.example".encode()), envelope(more=record(3, b"a b")),
                    envelope(more=record(7, b"\2")), envelope(more=record(8, b"\1")), b"", b"\1", record(1, b"\1")):
            with self.subTest(env=env), self.control() as c:
                got = c.submit(MESSAGE, env)
                self.assertTrue(got is None or got[0] == REFUSED, got)
        with self.control() as c:
            self.assertEqual(c.submit(MESSAGE)[0], COMMITTED)
        wait_for(lambda: self.hop.messages)
        self.assertEqual(len(self.hop.messages), 1)

    def test_messages_are_checked_as_smtp_checks_them(self):
        for message, code in ((b"a\nb\r\n", "5.6.0"), (b"a\rb\r\n", "5.6.0"), (b"a\0\r\n", "5.6.0"), (b"a: b", "5.6.0"),
                              (b"a: b\r", "5.6.0"), (b" a: b\r\n", "5.6.0"), (b"", "5.6.0"), (b"x" * 70000 + b"\r\n", "5.6.0"),
                              (b"Subject: \xe9\r\n\r\n", "5.6.1"), (b"a: b\r\n" * 20000, "5.3.4")):
            with self.subTest(message=message[:20]), self.control() as c:
                self.refused(c.submit(message), code)
        with self.control() as c:
            self.assertEqual(c.submit(b"Subject: \xe9\r\n\r\n", envelope(more=record(7, b"\1")))[0], COMMITTED)
        self.assertEqual(self.acc.wait_empty(), None)

    def test_a_file_that_blocks_or_grows_is_not_read(self):
        """A pipe without a writer's end would stop the server for everybody."""
        read, write = os.pipe()
        ours, theirs = socket.socketpair()
        growing = memfd(MESSAGE, seals=0)
        with tempfile.TemporaryFile() as plain:
            for fd in (read, theirs.detach(), growing, os.dup(plain.fileno()), os.open("/dev/zero", os.O_RDONLY),
                       os.open("/", os.O_PATH)):
                with self.control() as c:
                    self.refused(c.submit(b"", fd=fd), "5.5.4")
        os.close(write)
        ours.close()
        with self.control() as c:
            self.assertEqual(c.submit(MESSAGE)[0], COMMITTED)

    def test_the_place_in_the_file_is_of_no_account(self):
        fd = memfd(MESSAGE)
        os.lseek(fd, 20, os.SEEK_SET)
        with self.control() as c:
            self.assertEqual(c.submit(b"", fd=fd)[0], COMMITTED)
        wait_for(lambda: self.hop.messages)
        self.assertIn(MESSAGE, self.hop.messages[0]["data"])

    def test_who_does_not_read_is_cut_off_and_others_are_served(self):
        with self.control() as c:
            c.s.settimeout(0.2)
            try:
                for _ in range(20000):
                    c.send(STATUS)
            except (BrokenPipeError, ConnectionResetError, TimeoutError):
                pass
            with self.control() as other:
                other.send(STATUS)
                self.assertEqual(other.answer()[0], TEXT)
            wait_for(lambda: self.acc.log_lines(event="cut-off"))

    def test_one_user_cannot_take_all_the_room(self):
        if os.getuid() != 0:
            return                  # there is but one user then, and that is the administrator
        child = os.fork()
        if child == 0:
            try:
                os.setuid(self.ANYBODY)
                keep = [Control(self.acc, self.build) for _ in range(300)]
                time.sleep(60 + len(keep))
            finally:                # or it would go on with the tests
                os._exit(1)
        try:
            wait_for(lambda: self.acc.log_lines(event="client-refused"))
            for uid in (0, self.ANYBODY + 1):
                kid = os.fork()
                if kid == 0:
                    os.setuid(uid)
                    with self.control() as c:
                        c.send(STATUS)
                        got = c.answer()
                        os._exit(0 if got and got[0] == TEXT else 1)
                self.assertEqual(os.waitpid(kid, 0)[1], 0)
        finally:
            os.kill(child, 9)
            os.waitpid(child, 0)

    def test_nonsense_cuts_off_its_sender_alone(self):
        with self.control() as good:
            for data in (b"", b"x", os.urandom(16), struct.pack("=IIII", self.build, SUBMIT, 1, 16),
                         struct.pack("=IIII", self.build, 33, 1, 16), struct.pack("=IIII", self.build, STATUS, 1, 17)):
                with self.control() as c:
                    c.s.send(data or b"\0")
                    self.assertIsNone(c.answer())
            with self.control() as c:       # many descriptors
                fds = [os.dup(0) for _ in range(6)]
                c.send(STATUS, b"", fds)
                for fd in fds:
                    os.close(fd)
                self.assertIsNone(c.answer())
            with self.control() as c:       # gone while the queue works
                c.send(SUBMIT, envelope(), [memfd(MESSAGE)])
            good.send(STATUS)
            self.assertEqual(good.answer()[0], TEXT)


class Client(unittest.TestCase):
    """Bytes of a client that must not become ours."""

    @classmethod
    def setUpClass(cls):
        cls.hop = Peer()
        cls.acc = Instance(smtproutes=cls.hop.route).start()

    @classmethod
    def tearDownClass(cls):
        cls.acc.__exit__(None, None, None)
        cls.hop.close()

    def test_names_that_would_spoil_received(self):
        with self.acc.client() as c:
            for name in ("a(b", "a)b", "a;b", "a\tb", "a b", "<a>", "[1.2.3", "[x\r", "..", ".a", "a..b", "\xe9", "a\x1bb",
                         "a" * 256, ""):
                c.send(b"EHLO " + name.encode("latin-1") + b"\r\n")
                self.assertRegex(c.reply()[-1], "^50[01] 5.5.[24]", name)

    def test_received_is_one_field_of_rfc_5321(self):
        for name in ("a" * 63 + "." + "b" * 63, "[127.0.0.1]", "[IPv6:::1]", "under_score.example"):
            before = len(self.hop.messages)
            with self.acc.client() as c:
                c.ehlo(name)
                c.must("250", "MAIL FROM:<a@client.example>")
                c.must("250", "RCPT TO:<b@far.example>")
                c.must("354", "DATA")
                c.must("250", data=b"Subject: x\r\n\r\n.\r\n")
            wait_for(lambda: len(self.hop.messages) > before)
            self.assertRegex(self.hop.messages[-1]["data"].decode(),
                             "^Received: from " + re.escape(name) + r" \(\[127\.0\.0\.1\]\)\r\n\tby gateway\.example "
                             r"with ESMTP id [0-9a-v]{16};\r\n\t\w{3}, \d+ \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}\r\nSubject")

    def test_what_would_continue_our_field_is_refused(self):
        with self.acc.client() as c:
            c.ehlo()
            for data in (b" (forged)\r\n\r\n.\r\n", b"\tx\r\n.\r\n", b". x\r\n.\r\n"):
                c.must("250", "MAIL FROM:<a@client.example>")
                c.must("250", "RCPT TO:<b@far.example>")
                c.must("354", "DATA")
                self.assertTrue(c.cmd(data=data)[0].startswith("554 5.6.0"))

    def test_long_addresses_keep_reply_lines_short(self):
        """Client.reply asserts the 512 octets of each line."""
        domain = ".".join(["d" * 60] * 4) + ".example"
        with self.acc.client() as c:
            c.ehlo()
            c.must("250", f"MAIL FROM:<{'l' * 64}@{domain}> CONPERM SIZE=1 BODY=8BITMIME")
            for more in ("", " CONNEG", " CONNEG=OPTIONAL", " CONNEG = REQUIRED", " FOO=" + "x" * 60):
                c.cmd(f"RCPT TO:<{'r' * 64}@{domain}>{more}")
            c.must("250", "RCPT TO:<postmaster>")


BOTH = ["PIPELINING", "8BITMIME", "SIZE 0", "ENHANCEDSTATUSCODES", "CONPERM", "CONNEG"]
SENDER = "postmaster@gateway.example"


class Content(unittest.TestCase):
    """Messages that two readers could read differently, under CONPERM, to a machine that takes MMR."""

    @classmethod
    def setUpClass(cls):
        cls.hop = Peer(ext=BOTH, caps={"b@far.example": fax.MMR})
        cls.acc = Instance(smtproutes=cls.hop.route).start()

    @classmethod
    def tearDownClass(cls):
        cls.acc.__exit__(None, None, None)
        cls.hop.close()

    def relay(self, message):
        before = len(self.hop.messages)
        self.acc.send(SENDER, ["b@far.example"], message, mail=" CONPERM")
        wait_for(lambda: len(self.hop.messages) > before)
        return self.hop.messages[-1]["data"]

    def part(self, kind="Content-Type: image/tiff-fx; name=\"page.tfx\"\n", encoding="base64", more="",
             body=None):
        return (kind + f"Content-Transfer-Encoding: {encoding}\nContent-Convert: ANY\n{more}\n" +
                (body if body is not None else fax.image().split("\n\n", 1)[1]))

    def nested(self, depth):
        inner = fax.image()
        for i in range(depth):
            inner = f'Content-Type: multipart/mixed; boundary="q{i:03d}z"\n\n--q{i:03d}z\n{inner}--q{i:03d}z--\n'
        return fax.message(inner)

    def test_R29_doubtful_messages_are_not_touched(self):
        two = fax.message(fax.text(), fax.image())
        raw = fax.read("render/letter-J-400.tif")
        doubtful = {
            "no last delimiter": two.replace("--==b--\n", ""),
            "a line that starts like a delimiter": two.replace("Hello.", "--==bx"),
            "deeper than is looked": self.nested(100),
            "two types": fax.message(self.part(more="Content-Type: text/plain\n")),
            "two encodings": fax.message(self.part(more="Content-Transfer-Encoding: 7bit\n")),
            "two permissions": fax.message(self.part(more="Content-Convert: NONE\n")),
            "a line that only looks blank": fax.message(self.part(more=" \nX: y\n")),
            "an unknown encoding": fax.message(self.part(encoding="x-uuencode")),
            "base64 that goes on behind its end": fax.message(self.part(body="AAA=\nAAAA\n")),
            "base64 cut off": fax.message(fax.image()[:-80] + "\n"),
            "an attached message without a permission of its own": fax.message(
                fax.text(), fax.attached(fax.message(fax.image(convert=None)), "Content-Convert: ANY\n")),
            "a multipart in base64": two.replace("==b\"\n", "==b\"\nContent-Transfer-Encoding: base64\n", 1),
        }
        self.assertTrue(raw)
        for why, message in doubtful.items():
            with self.subTest(why=why):
                self.assertTrue(fax.same(self.relay(message), message))

    def test_odd_but_clear_messages_are_converted(self):
        raw = fax.read("render/letter-J-400.tif")
        quoted = "=\n".join("".join("=%02X" % o for o in raw[i:i + 24]) for i in range(0, len(raw), 24)) + "\n"
        clear = {
            "comments": self.part('Content-Type: (a (b\\)) c) image/tiff-fx (d) ; (e) name="p\\"a\\\\ge.tfx" ;\n'
                                  " charset=us-ascii\n", encoding="(f) base64 (g)"),
            "folds": self.part("Content-Type:\n image/tiff-fx;\n\tname*0=\"pa\";\n name*1=\"ge.tfx\"\n", encoding="\n base64"),
            "junk between base64": self.part(body="".join(f"{l}*!\n" for l in fax.image().split("\n\n", 1)[1].split())),
            "quoted-printable": self.part(encoding="quoted-printable", body=quoted),
            "by its name": self.part("Content-Type: application/octet-stream; name*=us-ascii''page.tfx\n"),
            "two descriptions": self.part(more="Content-Features: (a=b)\ncontent-features: (a=c)\n"),
        }
        for why, part in clear.items():
            with self.subTest(why=why):
                data = self.relay(fax.message(fax.text(), part))
                self.assertEqual(fax.codings(data), [{("MMR", (200, 200))}])
                self.assertEqual(data.lower().count(b"\r\ncontent-features:"), 1)
                self.assertLessEqual(max(map(len, data.split(b"\r\n"))), 78)
                if why == "comments":
                    self.assertIn(b'name="p\\"a\\\\ge.tif";\r\n charset=us-ascii\r\n', data)
                if why == "folds":
                    self.assertIn(b'name*0="pa";\r\n name*1="ge.tif"\r\n', data)

    def test_R13_the_record_has_the_grammar_of_section_8(self):
        data = self.relay(fax.message(fax.image()))
        field = re.search(rb"\r\n(Content-Previous:(?:[^\r]|\r\n[ \t])*)\r\n", data)[1]
        for line in field.split(b"\r\n"):
            self.assertEqual(line.count(b'"') % 2, 0, line)        # no fold in a quoted string
        self.assertRegex(re.sub(rb"\r\n", b"", field), rb"^Content-Previous: Date \w{3}, [^;]*; By gateway\.example; "
                                                       rb"\(& .*\)$")
