# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""accord between real peers: smtp-source and swaks in front of it, smtp-sink behind it."""
import collections
import email
import os
import random
import tempfile
import unittest

import fax
import peers
from harness import Instance, crlf, wait_for

SENDER = "postmaster@gateway.example"
TEXT = "From: <a@client.example>\nTo: <b@far.example>\nSubject: a line\n\none\n.two\n..three\n.\nlast\n"


def letter(octets, seed):
    """A message of about that size with every kind of line that stuffing and buffers can break."""
    rng = random.Random(seed)
    text = ["From: <a@client.example>", f"Subject: {seed}", ""]
    size = 0
    while size < octets:
        line = "." * rng.choice([0, 0, 0, 1, 2]) + "".join(rng.choice("abc .,;") for _ in range(rng.randint(0, 990)))
        text.append(line)
        size += len(line) + 2
    return "\n".join(text) + "\n"


class FromSource(unittest.TestCase):
    """smtp-source → accord → smtp-sink: the counts match, and so does every octet."""

    def run_source(self, message, messages, recipients, *options):
        with tempfile.NamedTemporaryFile("w", suffix=".eml") as f:
            f.write(message)
            f.flush()
            os.chmod(f.name, 0o644)
            with peers.Sink() as sink, Instance(smtproutes=sink.route) as acc:
                peers.source(acc.port, "-F", f.name, "-t", "b@far.example", "-m", str(messages),
                             "-r", str(recipients), *options)
                acc.wait_empty(60)
                self.assertEqual(sink.counts()[2], messages)
                got = sink.messages()
        self.assertEqual(len(got), messages)
        for m in got:
            self.assertTrue(m["mail"].startswith("<a@client.example>"), m["mail"])
            self.assertEqual(len(set(m["rcpt"])), recipients)
            self.assertTrue(fax.same(m["data"], message + "\n"), len(m["data"]))    # -F adds a line end
        return got

    def test_many_sessions_of_small_messages(self):
        got = self.run_source(letter(600, 1), 200, 1, "-s", "20", "-N")
        self.assertEqual(len({r for m in got for r in m["rcpt"]}), 200)

    def test_kept_sessions(self):
        got = self.run_source(letter(2000, 2), 100, 1, "-s", "4", "-d", "-N")
        self.assertEqual(len({r for m in got for r in m["rcpt"]}), 100)

    def test_large_messages(self):
        self.run_source(letter(300_000, 3), 20, 1, "-s", "5")

    def test_several_recipients(self):
        got = self.run_source(letter(5000, 4), 20, 50, "-s", "5")
        counted = collections.Counter(r for m in got for r in m["rcpt"])
        self.assertEqual(len(counted), 50)
        self.assertEqual(set(counted.values()), {20})


class ToSink(unittest.TestCase):
    def through(self, *options, message=TEXT, recipients=("b@far.example", "c@far.example"), as_is=True):
        with peers.Sink(*options) as sink, Instance(smtproutes=sink.route) as acc:
            acc.send("a@client.example", recipients, message)
            acc.wait_empty()
            m, = sink.messages()
            self.assertEqual(fax.same(m["data"], message), as_is, m["data"])
            self.assertEqual(len(m["rcpt"]), len(recipients))
            return m

    def report(self, *options, message=TEXT, mail=""):
        """What the sink will not have comes back; the sink has nothing."""
        with peers.Sink(*options) as sink, Instance(smtproutes=sink.route) as acc:
            acc.send(SENDER, ["b@far.example"], message, mail=mail)
            report = wait_for(acc.maildir)[0].decode("latin-1")
            acc.wait_empty()
            self.assertEqual(len(acc.maildir()), 1)
            self.assertIn("Action: failed", report)
            self.assertIn("b@far.example", report)
            return report, sink.counts()

    def test_a_hop_without_ESMTP(self):
        self.assertEqual(self.through("-e")["proto"], "SMTP")

    def test_a_PIX_that_mangles_its_banner(self):
        self.assertEqual(self.through("-P")["proto"], "SMTP")

    def test_a_hop_without_PIPELINING(self):
        self.assertEqual(self.through("-p")["proto"], "ESMTP")

    def test_a_hop_without_DSN_and_enhanced_codes(self):
        self.through("-N", "-E")

    def test_a_hop_that_thinks_long(self):
        self.through("-p", "-W", "RCPT:1", "-w", "1")

    def test_eight_bits(self):
        eight = TEXT + "caf\u00e9 \u20ac\n"
        self.assertIn("BODY=8BITMIME", self.through(message=eight)["mail"])
        for options in (["-8"], ["-e"]):
            with self.subTest(options):         # RFC 6152, 3: encoded, and not called 8-bit
                got = self.through(*options, message=eight, as_is=False)
                self.assertNotIn("BODY=", got["mail"])
                self.assertLess(max(got["data"]), 128)
                self.assertIn(b"caf=C3=A9 =E2=82=AC", got["data"])
                report, counts = self.report(*options, message="X-Raw: caf\u00e9\n" + eight)
                self.assertIn("Status: 5.6.3", report)
                self.assertEqual(counts[2], 0)

    def test_refused_for_good_at_each_step(self):
        for step in ("MAIL", "RCPT", "DATA", "."):
            with self.subTest(step):
                report, _ = self.report("-f", step, "-B", "554 5.7.1 not for you")
                self.assertIn("Status: 5.7.1", report)
                self.assertIn("554 5.7.1 not for you", report)

    def test_refused_in_the_midst_of_the_data(self):
        report, _ = self.report("-A", "0", message=letter(3_000_000, 5))
        self.assertRegex(report, r"Diagnostic-Code: smtp; 550")

    def test_conperm_mail_never_leaves_by_a_plain_hop(self):
        """R1, R3, R4 with a server that has never heard of it."""
        report, counts = self.report(message=fax.message(fax.image()), mail=" CONPERM")
        self.assertIn("Status: 5.6.3", report)
        self.assertEqual(counts[2], 0)
        self.assertEqual(counts[0], counts[1])      # each session ended by QUIT

    def test_every_failure_is_outlived(self):
        """Each step fails in each way; what was acknowledged arrives once the hop is well."""
        sinks = {}
        for how in ("-r", "-q", "-Q"):
            for step in ("CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "."):
                sinks[f"d{len(sinks)}.example"] = peers.Sink(how, step)
                self.addCleanup(list(sinks.values())[-1].close)
        routes = [domain + sink.route for domain, sink in sinks.items()]
        sent = {domain: letter(400 * i, i) for i, domain in enumerate(sinks)}
        with Instance(smtproutes=routes) as acc:
            for domain, message in sent.items():
                acc.send("a@client.example", ["x@" + domain, "y@" + domain], message)
            wait_for(lambda: {q["recipients"][0]["attempts"] > 0 for q in acc.queue()} == {True})
            self.assertEqual(len(acc.queue()), len(sinks))
            for q in acc.queue():
                self.assertEqual({r["state"] for r in q["recipients"]}, {"deferred"}, q)
            for domain, sink in sinks.items():
                sink.close()
                sinks[domain] = peers.Sink(port=sink.port)
                self.addCleanup(sinks[domain].close)
            acc.step_clock(200)
            acc.wait_empty()
            for domain, sink in sinks.items():
                got = sink.messages()       # each recipient has a next try of its own
                self.assertEqual(sorted(r for m in got for r in m["rcpt"]), [f"<x@{domain}>", f"<y@{domain}>"])
                self.assertTrue(all(fax.same(m["data"], sent[domain]) for m in got))
            self.assertEqual(acc.maildir(), [])


class Swaks(unittest.TestCase):
    WORDS = ("--from", "a@client.example", "--header", "Subject: by hand")

    def test_pipelined_with_an_attachment_to_a_maildir(self):
        path = os.path.join(fax.DATA, "fax", "ccitt1-S.tif")
        with Instance() as acc:
            said = peers.swaks(acc.port, *self.WORDS, "--pipeline", "--to", "postmaster@gateway.example",
                               "--body", "one\n.two\n..\n", "--attach-type", "image/tiff", "--attach", "@" + path)
            self.assertIn("PIPELINING", said)
            got = wait_for(acc.maildir)[0]
            self.assertTrue(got.startswith(b"Return-Path: <a@client.example>\n"))
            parts = list(email.message_from_bytes(got).walk())
            self.assertEqual(parts[1].get_payload(), "one\n.two\n..\n")
            with open(path, "rb") as f:
                self.assertEqual(parts[2].get_payload(decode=True), f.read())

    def test_pipelined_relay_to_several(self):
        with peers.Sink() as sink, Instance(smtproutes=sink.route) as acc:
            peers.swaks(acc.port, *self.WORDS, "--pipeline", "--to", "b@far.example,c@far.example,d@far.example")
            acc.wait_empty()
            m, = sink.messages()
            self.assertEqual(len(m["rcpt"]), 3)
            self.assertIn(crlf("Subject: by hand\n"), m["data"])

    def test_a_refused_recipient_among_pipelined_ones(self):
        with Instance() as acc:
            said = peers.swaks(acc.port, *self.WORDS, "--pipeline",
                               "--to", "nobody@gateway.example,postmaster@gateway.example")
            self.assertIn("550 5.1.1", said)
            wait_for(acc.maildir)
            peers.swaks(acc.port, *self.WORDS, "--to", "nobody@gateway.example", status=24)
            acc.wait_empty()
            self.assertEqual(len(acc.maildir()), 1)

    def test_a_client_that_drops_is_no_mail(self):
        with Instance() as acc:
            for step in ("MAIL", "RCPT", "DATA"):
                peers.swaks(acc.port, *self.WORDS, "--to", "postmaster@gateway.example", "--drop-after", step)
            peers.swaks(acc.port, *self.WORDS, "--to", "postmaster@gateway.example")
            wait_for(acc.maildir)
            acc.wait_empty()
            self.assertEqual(len(acc.maildir()), 1)
