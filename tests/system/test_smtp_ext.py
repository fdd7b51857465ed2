# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""SMTP's extensions as a server: CHUNKING, BINARYMIME, DSN, LIMITS; what is kept of a message and its
envelope; and that those who say nothing do not keep out those who have mail."""
import os
import re
import resource
import signal
import socket
import time
import unittest

from harness import SLOW, Instance, Peer, dot, wait_for

HEADER = b"From: a@client.example\r\nSubject: chunks\r\nMessage-ID: <1@client.example>\r\n"
TEXT = HEADER + b"\r\n.first\r\n..\r\nlast\r\n"


def bdat(octets, last=False):
    return b"BDAT %d%s\r\n%s" % (len(octets), b" LAST" if last else b"", octets)


class Server(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.hop = Peer(ext=("PIPELINING", "8BITMIME", "SIZE 0", "DSN", "ENHANCEDSTATUSCODES"))
        cls.acc = Instance(smtproutes=cls.hop.route, databytes="1000000", maxrcpts="100",
                           maxerrors="1000").start()

    @classmethod
    def tearDownClass(cls):
        cls.acc.__exit__(None, None, None)
        cls.hop.close()

    def setUp(self):
        self.c = self.acc.client()
        self.addCleanup(self.c.close)
        self.ext = self.c.ehlo()

    def begin(self, mail="", rcpt="", to="b@far.example"):
        self.c.must("250", f"MAIL FROM:<a@client.example>{mail}")
        self.c.must("250", f"RCPT TO:<{to}>{rcpt}")

    def relayed(self, to):
        """What the next hop got for a recipient, when it has it."""
        def found():
            return [m for m in self.hop.messages if any(f"TO:<{to}>" in r for r in m["rcpt"])]
        return wait_for(found)[0]

    def test_what_ehlo_says(self):
        """G17: DSN; RFC 3030, 9422."""
        for word in ("CHUNKING", "BINARYMIME", "DSN", "8BITMIME", "PIPELINING", "SIZE 1000000",
                     "LIMITS MAILMAX=1000 RCPTMAX=100", "ENHANCEDSTATUSCODES"):
            self.assertIn(word, self.ext)
        self.assertEqual(self.c.cmd("HELO x.example"), ["250 gateway.example"])

    def test_chunks_arrive_as_they_were_sent(self):
        """One reply a chunk; dots are only dots; what is pipelined behind LAST runs."""
        self.begin(to="chunks@far.example")
        self.c.send(bdat(TEXT[:30]) + bdat(b"") + bdat(TEXT[30:]) + bdat(b"", True) + b"NOOP\r\n")
        got = [self.c.reply()[0] for _ in range(5)]
        self.assertTrue(all(g.startswith("250 2.0.0 ") for g in got), got)
        self.assertTrue(got[0].endswith("30 octets received"), got)
        message = self.relayed("chunks@far.example")["data"]
        self.assertTrue(message.endswith(TEXT), message)
        self.assertEqual(message[:-len(TEXT)].count(b"Received:"), 1)

    def test_chunks_are_judged_like_data(self):
        for text in (b"bare\nLF\r\n", b"bare\rCR\r\n", b"a NUL\0\r\n", b"\r\n.\n\r\n", b"ends in\r"):
            with self.subTest(text):
                self.begin()
                self.assertTrue(self.c.cmd(data=bdat(HEADER + text, True))[0].startswith("554 5.6.0"))
        self.assertFalse([q for q in self.acc.queue() if q["sender"] == "a@client.example"])

    def begun(self):
        """Messages that are open in the queue."""
        return set(os.listdir(os.path.join(self.acc.home, "queue", "tmp")))

    def test_order_of_chunks(self):
        """DATA, MAIL, RCPT within a sequence are 503; a refused BDAT swallows its octets; RSET discards."""
        self.assertTrue(self.c.cmd(data=bdat(b"QUIT\r\n", True))[0].startswith("503 5.5.1"))
        self.c.must("250", "NOOP")
        self.begin()
        self.c.must("250", data=bdat(b"Subject: lost\r\n"))
        for line in ("DATA", "MAIL FROM:<x@client.example>", "RCPT TO:<x@far.example>"):
            self.assertTrue(self.c.cmd(line)[0].startswith("503 5.5.1"), line)
        self.c.must("250", "RSET")
        self.begin(" BODY=BINARYMIME")
        self.assertTrue(self.c.cmd("DATA")[0].startswith("503 5.5.1"))
        self.c.must("250", "RSET")
        left = self.begun()                     # empty files, of sessions' next messages
        with self.acc.client() as other:        # and a lost connection
            other.ehlo()
            other.must("250", "MAIL FROM:<a@client.example>")
            other.must("250", "RCPT TO:<b@far.example>")
            other.must("250", data=bdat(b"Subject: lost\r\n"))
            self.assertTrue(self.begun())
        wait_for(lambda: self.begun() <= left)
        self.assertFalse([m for m in self.hop.messages if b"lost" in m["data"]])

    def test_chunk_sizes_that_overflow(self):
        for size in ("18446744073709551616", "18446744073709551626", "99999999999999999999999", "-1"):
            with self.subTest(size), self.acc.client() as c:
                c.ehlo()
                c.must("250", "MAIL FROM:<a@client.example>")
                c.must("250", "RCPT TO:<b@far.example>")
                c.send(f"BDAT {size} LAST\r\nNOOP\r\nNOOP\r\n")
                self.assertTrue(c.reply()[0].startswith("501 5.5.4"))
                self.assertTrue(c.reply()[0].startswith("421 4.7.0"))
                self.assertEqual(c.reply(), [])
        with self.acc.client(timeout=2) as c:   # 2^32 + 10 octets are waited for, and no command is read
            c.ehlo()
            c.must("250", "MAIL FROM:<a@client.example>")
            c.must("250", "RCPT TO:<b@far.example>")
            c.send("BDAT 4294967306 LAST\r\n0123456789NOOP\r\n")
            with self.assertRaises(TimeoutError):
                c.reply()

    def test_size_counts_all_chunks(self):
        self.begin()
        self.c.must("250", data=bdat(HEADER + b"\r\n" + b"x" * 78 + b"\r\n"))
        block = (b"y" * 78 + b"\r\n") * 5000
        self.c.must("250", data=bdat(block))
        self.c.must("250", data=bdat(block))
        self.c.send(bdat(block) + bdat(b"QUIT\r\n", True) + b"NOOP\r\n")
        self.assertTrue(self.c.reply()[0].startswith("552 5.3.4"))
        self.assertTrue(self.c.reply()[0].startswith("552 5.3.4"))
        self.assertTrue(self.c.reply()[0].startswith("250"))

    def test_a_binary_body_reaches_a_mailbox_as_it_is(self):
        body = bytes(range(256)) * 300 + b"\r\n.\r\n\r\r\n\n\0"
        self.c.must("250", "MAIL FROM:<a@client.example> BODY=BINARYMIME")
        self.c.must("250", "RCPT TO:<postmaster@gateway.example>")
        message = HEADER + b"MIME-Version: 1.0\r\nContent-Type: image/tiff\r\n" \
            b"Content-Transfer-Encoding: binary\r\n\r\n" + body
        self.c.send(bdat(message[:1000]) + bdat(message[1000:], True))
        self.assertTrue(self.c.reply()[0].startswith("250"))
        self.assertTrue(self.c.reply()[0].startswith("250 2.0.0"))

        def found():
            return [m for m in self.acc.maildir() if b"image/tiff" in m]
        got = wait_for(found)[0]
        self.assertEqual(got[got.index(b"\n\n") + 2:], body)

    def test_G17_dsn_parameters_are_checked(self):
        for mail in (" RET=ALL", " RET=FULL RET=HDRS", " ENVID=", " ENVID=a+0D+0AX", " ENVID=a+2b", " ENVID=a ENVID=b",
                     " ENVID=" + "x" * 101):
            with self.subTest(mail):
                self.assertTrue(self.c.cmd(f"MAIL FROM:<a@client.example>{mail}")[0].startswith("501 5.5.4"))
        self.c.must("250", "MAIL FROM:<a@client.example> RET=HDRS ENVID=" + "x" * 100)
        for rcpt in (" NOTIFY=NEVER,SUCCESS", " NOTIFY=", " NOTIFY=SOMETIMES", " NOTIFY=NEVER NOTIFY=NEVER",
                     " ORCPT=b@far.example", " ORCPT=rfc822;a+0A", " ORCPT=rfc822;" + "x" * 500,
                     " ORCPT=rfc822;a ORCPT=rfc822;a"):
            with self.subTest(rcpt):
                self.assertTrue(self.c.cmd(f"RCPT TO:<b@far.example>{rcpt}")[0].startswith("501 5.5.4"))
        self.c.must("250", "RCPT TO:<b@far.example> NOTIFY=success,Delay,FAILURE ORCPT=rfc822;" + "x" * 490)

    def test_G17_H5_dsn_parameters_go_on_unchanged(self):
        self.begin(" RET=HDRS ENVID=QQ+2B314159", " NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;Bob+2Bx@Old.example",
                   to="dsn@far.example")
        self.c.must("250", data=bdat(TEXT, True))
        message = self.relayed("dsn@far.example")
        self.assertIn("ENVID=QQ+2B314159", message["mail"])
        self.assertIn("RET=HDRS", message["mail"])
        self.assertIn("ORCPT=rfc822;Bob+2Bx@Old.example", message["rcpt"][0])
        self.assertRegex(message["rcpt"][0], "NOTIFY=(SUCCESS,FAILURE|FAILURE,SUCCESS)")
        self.begin(to="plain@far.example")      # and nothing is invented
        self.c.must("250", data=bdat(TEXT, True))
        message = self.relayed("plain@far.example")
        self.assertNotRegex(message["mail"] + message["rcpt"][0], "ENVID|RET=|NOTIFY|ORCPT")

    def test_G12_too_many_recipients(self):
        self.c.must("250", "MAIL FROM:<a@client.example>")
        for i in range(100):
            self.c.must("250", f"RCPT TO:<r{i}@far.example>")
        self.assertTrue(self.c.cmd("RCPT TO:<over@far.example>")[0].startswith("452 4.5.3"))
        refused = wait_for(lambda: self.acc.log_lines(event="reject", to="over@far.example"))
        self.assertEqual([(r["from"], r["dsn"]) for r in refused], [("a@client.example", "4.5.3")])
        self.c.must("250", data=bdat(TEXT, True))

    def test_a_refused_sender_is_logged(self):
        for command, code, sender in (("MAIL FROM:<big@client.example> SIZE=99999999999999999999", "552", "big@client.example"),
                                      ("MAIL FROM:<> BODY=9BIT", "501", ""), ("MAIL FROM:<a b>", "501", "-"), ("NOOP x", "", ""),
                                      ("MAIL FROM:<odd@client.example> X=1", "555", "odd@client.example"), ("BOO", "500", "-")):
            with self.subTest(command):
                n = len(self.acc.log_lines(event="reject"))
                self.assertTrue(self.c.cmd(command)[0].startswith(code))
                if code:
                    line = wait_for(lambda: self.acc.log_lines(event="reject")[n:])[0]
                    self.assertEqual((line["from"], line["to"]), (sender, "-"))

    def test_G1_H8_local_parts_keep_every_octet(self):
        """FAX= for a foreign domain: case, separators and quotes stay."""
        addresses = ["FAX=+1-202.555/T33S=6@Far.Example", '"FAX=+12 3\\"4"@far.example', "Mixed.CASE+tag%x@far.example"]
        self.c.must("250", 'MAIL FROM:<"Se nder"@client.example>')
        for a in addresses:
            self.c.must("250", f"RCPT TO:<{a}>")
        self.c.must("250", data=bdat(TEXT, True))
        for a in addresses:
            self.assertIn('FROM:<"Se nder"@client.example>', self.relayed(a)["mail"])

    def test_H7_one_received_on_top(self):
        earlier = b"Received: from x by y;\r\n\t Sun, 22 Nov 2026 10:00:00 +0000\r\nreceived:odd  one\r\n"
        self.begin(to="received@far.example")
        self.c.must("250", data=bdat(earlier + TEXT, True))
        message = self.relayed("received@far.example")["data"]
        self.assertTrue(message.endswith(earlier + TEXT))
        own = message[:-len(earlier + TEXT)]
        self.assertRegex(own, rb"^Received: from client\.example \(\[127\.0\.0\.1\]\)\r\n\tby gateway\.example with "
                              rb"ESMTP id [0-9a-v]{16};\r\n\t[A-Z][a-z]{2}, [^\r\n]*\r\n$")

    def test_H18_sender_from_and_mail_from_may_differ(self):
        text = b"From: one@a.example\r\nSender: two@b.example\r\n\r\nx\r\n"
        for to, sender in ("differ@far.example", "three@c.example"), ("null@far.example", ""):
            self.c.must("250", f"MAIL FROM:<{sender}>")
            self.c.must("250", f"RCPT TO:<{to}>")
            self.c.must("250", data=bdat(text, True))
            message = self.relayed(to)
            self.assertIn(f"FROM:<{sender}>", message["mail"])
            self.assertTrue(message["data"].endswith(text))

    def test_verbs_that_are_refused(self):
        for line, code in (("VRFY postmaster", "252 2.0.0"), ("EXPN staff", "502 5.5.1"), ("HELP", "214 2.0.0"),
                           ("ETRN far.example", "502 5.5.1"), ("TURN", "502 5.5.1"), ("LHLO x", "502 5.5.1")):
            with self.subTest(line):
                self.assertTrue(self.c.cmd(line)[0].startswith(code), line)
        self.c.must("250", "MAIL FROM:<a@client.example>")
        self.assertTrue(self.c.cmd("ETRN far.example")[0].startswith("503 5.5.1"))      # RFC 1985 5

    def test_control_octets_of_parameters_reach_no_log(self):
        for line in ("MAIL FROM:<a@client.example> ENVID=evil\x1b[2Jx", "RCPT TO:<b@far.example> ORCPT=rfc822;\x07evil"):
            for reply in self.c.cmd(line):
                self.assertTrue(reply.isprintable(), reply)
        self.assertNotRegex(self.acc.read_log(), r"[\x00-\x08\x0b-\x1f]")


class Limits(unittest.TestCase):
    def test_one_session_has_its_messages(self):
        with Peer() as hop, Instance(smtproutes=hop.route, maxmails="2") as acc, acc.client() as c:
            self.assertIn("LIMITS MAILMAX=2 RCPTMAX=1000", c.ehlo())
            for _ in range(2):
                c.must("250", "MAIL FROM:<a@client.example>")
                c.must("250", "RCPT TO:<b@far.example>")
                c.must("250", data=bdat(TEXT, True))
            self.assertTrue(c.cmd("MAIL FROM:<a@client.example>")[0].startswith("421 4.7.0"))
            self.assertEqual(c.reply(), [])
            wait_for(lambda: len(hop.messages) == 2)

    def test_G11_a_stalled_queue_is_no_stalled_client(self):
        """The reply behind the last octet comes within 30 s even if the disk, or queue, stands still:
        451, and nothing that was not promised is delivered once things move again."""
        with Peer() as hop, Instance(smtproutes=hop.route) as acc, acc.client(timeout=40) as c:
            c.ehlo()
            for how in ("DATA", "BDAT"):
                c.must("250", "MAIL FROM:<a@client.example>")
                c.must("250", "RCPT TO:<b@far.example>")
                if how == "DATA":
                    c.must("354", "DATA")
                queue = acc.pids("queue")
                for p in queue:
                    os.kill(p, signal.SIGSTOP)
                try:
                    began = time.monotonic()
                    got = c.cmd(data=dot("x\n") if how == "DATA" else bdat(TEXT, True))
                    took = time.monotonic() - began
                finally:
                    for p in queue:
                        os.kill(p, signal.SIGCONT)
                self.assertTrue(got[0].startswith("451 4.3.0"), got)
                self.assertLess(took, 30)
            time.sleep(1)
            self.assertEqual(acc.queue(), [])
            self.assertEqual(hop.messages, [])
            c.must("250", "MAIL FROM:<a@client.example>")   # and the session is sound
            c.must("250", "RCPT TO:<b@far.example>")
            c.must("250", data=bdat(TEXT, True))
            wait_for(lambda: len(hop.messages) == 1)


class Silence(unittest.TestCase):
    """Clients are 127.1.0.0/16 here, each /24 a network of its own; none of them is trusted."""

    def start(self, **settings):
        acc = Instance(relayclients="192.0.2.0/24", listen="0.0.0.0:0", **settings)
        acc.set("listen", f"0.0.0.0:{acc.port}")
        acc.own()
        return acc

    def silent(self, acc, network, count):
        """Connections that say nothing, from count addresses of 127.1.network.0/24."""
        made = []
        for i in range(count):
            s = socket.socket()
            s.bind((f"127.1.{network}.{1 + i % 250}", 0))
            s.setblocking(False)
            s.connect_ex(("127.0.0.1", acc.port))
            made.append(s)
            self.addCleanup(s.close)
        return made

    def honest(self, acc, source):
        """Seconds that one message takes from the connection to 250."""
        began = time.monotonic()
        with acc.client(source=source, timeout=60) as c:
            self.assertTrue(c.banner and c.banner[0].startswith("220"), c.banner)
            c.ehlo()
            c.must("250", "MAIL FROM:<a@client.example>")
            c.must("250", "RCPT TO:<postmaster@gateway.example>")
            c.must("250", data=bdat(TEXT, True))
        return time.monotonic() - began

    def test_a_client_and_a_network_have_their_share(self):
        acc = self.start(concurrencyincoming="40", concurrencyclient="3", concurrencynetwork="5")
        with acc:
            one = [acc.client(source="127.1.1.1") for _ in range(4)]
            self.assertEqual([c.banner[0][:9] for c in one], ["220 gatew"] * 3 + ["421 4.7.0"])
            others = [acc.client(source=f"127.1.1.{i}") for i in range(2, 5)]
            self.assertEqual([c.banner[0][:9] for c in others], ["220 gatew"] * 2 + ["421 4.7.0"])
            with acc.client(source="127.1.2.1") as c:
                self.assertTrue(c.banner[0].startswith("220"))
            one[0].must("221", "QUIT")
            wait_for(lambda: acc.client(source="127.1.1.1").banner[0].startswith("220"))
            for c in one + others:
                c.close()

    def test_a_thousand_silent_clients_shut_nobody_out(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        acc = self.start(concurrencyincoming="40")
        with acc:
            for network in range(4):
                self.silent(acc, network, 250)
            wait_for(lambda: acc.log_lines(event="refused"))        # they are more than may even wait
            took = [self.honest(acc, f"127.1.200.{i}") for i in range(1, 6)]
            print(f"\nbehind 1,000 silent clients: {', '.join(f'{t:.1f}' for t in took)} s")
            self.assertLess(max(took), 20 * SLOW)
            self.assertTrue(acc.log_lines(event="pace", timeout="10", patience="30"))
            wait_for(lambda: len(acc.maildir()) == 5)

    def test_who_trickles_has_to_go(self):
        """An octet now and then keeps no place that others wait for."""
        acc = self.start(concurrencyincoming="8", concurrencynetwork="100", concurrencyclient="100")
        with acc:
            busy = []
            for network in (1, 2):
                for i in range(4):
                    c = acc.client(source=f"127.1.{network}.{i + 1}")
                    self.addCleanup(c.close)
                    c.ehlo()
                    c.must("250", "MAIL FROM:<a@client.example>")
                    c.must("250", "RCPT TO:<postmaster@gateway.example>")
                    c.must("354", "DATA")
                    busy.append(c)
            late = socket.socket()
            self.addCleanup(late.close)
            late.bind(("127.1.3.1", 0))
            late.connect(("127.0.0.1", acc.port))
            late.settimeout(1)
            began, banner = time.monotonic(), b""
            while not banner and time.monotonic() - began < 60 * SLOW:
                for c in busy:
                    try:
                        c.send(b"x\r\n")
                    except OSError:
                        pass
                try:
                    banner = late.recv(100)
                except TimeoutError:
                    pass
            self.assertTrue(banner.startswith(b"220"), banner)
            self.assertLess(time.monotonic() - began, 45 * SLOW)

    def test_a_crashed_sessions_client_is_slowed(self):
        acc = self.start()
        with acc:
            c = acc.client(source="127.1.1.1")
            c.ehlo()
            c.must("5", "NONSENSE")
            busy = wait_for(lambda: acc.log_lines(event="reject", client="127.1.1.1"))[0]["proc"]
            os.kill(int(re.search(r"\d+", busy).group()), signal.SIGSEGV)
            self.assertEqual(c.reply(), [])
            crash = wait_for(lambda: acc.log_lines(event="crash", client="127.1.1.1"))
            self.assertEqual(crash[0]["signal"], str(int(signal.SIGSEGV)))
            began = time.monotonic()
            with acc.client(source="127.1.1.1") as again:
                self.assertTrue(again.banner[0].startswith("220"))
                self.assertGreater(time.monotonic() - began, 1.9)
                with acc.client(source="127.1.1.1") as second:      # and one at a time
                    self.assertTrue(second.banner[0].startswith("421 4.7.0"))
                began = time.monotonic()
                with acc.client(source="127.1.1.2") as other:
                    self.assertTrue(other.banner[0].startswith("220"))
                    self.assertLess(time.monotonic() - began, 1.5)
