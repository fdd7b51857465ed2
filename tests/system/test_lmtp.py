# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""Delivery by LMTP (RFC 2033): Dovecot on a socket and on a port, and a peer that says what a test wants."""
import email
import os
import socket
import threading
import unittest

from dovecot import Dovecot
from harness import ACCOUNTS, Instance, Peer, wait_for

MESSAGE = "From: a@client.example\nSubject: {}\n\nHello\n.a line with a dot\n"
USERS = "anna", "bert", "carl"


def to(*users):
    return [f"{u}@gateway.example" for u in users]


def lmtp_peer(**on):
    """Speaks LMTP: one reply for each recipient behind the data, in the order of RCPT; on["reply"] makes it of RCPT's
    line."""
    reply = on.pop("reply", lambda line: "250 2.0.0 taken")
    hooks = {"LHLO": lambda s, line: s.do_ehlo(line), "EHLO": lambda s, line: "500 5.5.1 LMTP is spoken here",
             "EOD": lambda s, body: "\n".join(reply(r) for r in s.rcpt)}
    return Peer(on={**hooks, **on.pop("on", {})}, **on)


class WithDovecot(unittest.TestCase):
    def deliver(self, server):
        with Dovecot(*USERS[:2]) as dovecot:
            with Instance(mailboxes="@gateway.example lmtp:" + server(dovecot)) as a:
                a.send("a@client.example", to("anna", "bert"), MESSAGE.format("both"))
                a.wait_empty()
                for user in USERS[:2]:
                    text, = dovecot.fetch(user)
                    m = email.message_from_bytes(text)
                    self.assertEqual("both", m["Subject"])
                    self.assertEqual(["<a@client.example>"], m.get_all("Return-Path"))
                    self.assertIn("\n.a line with a dot", m.get_payload().replace("\r", ""))
                self.assertEqual(1, dovecot.log().count("Connect from"))

    def test_a_socket_of_this_host(self):
        self.deliver(lambda d: d.path)

    def test_a_port(self):
        self.deliver(lambda d: f"127.0.0.1:{d.port}")

    def test_each_recipient_has_a_reply_of_its_own(self):
        with Dovecot("anna") as dovecot, Instance(mailboxes="@gateway.example lmtp:" + dovecot.path) as a:
            a.send("a@client.example", to("anna", "nobody-here"), MESSAGE.format("one of two"), rcpt=" NOTIFY=NEVER")
            a.wait_empty()
            self.assertEqual(1, len(dovecot.fetch("anna")))
            self.assertTrue(a.logged(1, event="deliver", result="failed", to="nobody-here@gateway.example"))

    @unittest.skipUnless(os.getuid() == 0, "accounts need root")
    def test_with_accounts(self):
        with Dovecot("anna") as dovecot, \
                Instance(user=ACCOUNTS, mailboxes="@gateway.example lmtp:" + dovecot.path) as a:
            a.send("a@client.example", to("anna"), MESSAGE.format("accounts"))
            a.wait_empty()
            self.assertEqual(1, len(dovecot.fetch("anna")))


class WithAPeer(unittest.TestCase):
    def test_one_session_for_all_recipients(self):
        with lmtp_peer() as hop, Instance(mailboxes=f"@gateway.example lmtp:127.0.0.1:{hop.port}") as a:
            a.send("a@client.example", to(*USERS), MESSAGE.format("three"))
            a.wait_empty()
            self.assertEqual(1, len(hop.sessions))
            self.assertEqual([f"RCPT TO:<{t}>" for t in to(*USERS)], hop.said("RCPT"))
            m, = hop.messages
            self.assertIn(b"\r\n.a line with a dot\r\n", m["data"])
            self.assertNotIn(b"Return-Path", m["data"])

    def test_what_each_reply_says_is_what_becomes_of_it(self):
        replies = {"anna": "250 2.0.0 taken", "bert": "552 5.2.2 full", "carl": "452 4.2.2 full for now"}
        said = []

        def reply(line):
            said.append(line)
            user = line.split("<")[1].split("@")[0]
            return "250 2.0.0 taken" if len(said) > 3 else replies[user]
        with lmtp_peer(reply=reply) as hop, Instance(mailboxes=f"@gateway.example lmtp:127.0.0.1:{hop.port}",
                                                     retryfirst="60") as a:
            a.send("a@gateway.example", to(*USERS), MESSAGE.format("mixed"), rcpt=" NOTIFY=NEVER")
            waits, = wait_for(lambda: [q for q in a.queue() if q["recipients"][2]["attempts"] == 1])
            self.assertEqual(["delivered", "failed", "deferred"][2], waits["recipients"][2]["state"])
            self.assertIn("full for now", waits["recipients"][2]["last_reply"])
            a.step_clock(200)
            a.wait_empty()
            self.assertEqual(to("carl"), [line[9:-1] for line in said[3:]])

    def test_a_lost_connection_doubles_nobody(self):
        """Two are answered, the third is not: it alone comes again."""
        def data(session, body):
            if len(hop.sessions) > 1:
                return "\n".join("250 2.0.0 taken" for _ in session.rcpt)
            session.say("250 2.0.0 taken\n550 5.2.1 no more")
            return False
        with lmtp_peer(on={"EOD": data}) as hop, Instance(mailboxes=f"@gateway.example lmtp:127.0.0.1:{hop.port}") as a:
            a.send("a@client.example", to(*USERS), MESSAGE.format("lost"), rcpt=" NOTIFY=NEVER")
            wait_for(lambda: any(q["recipients"][2]["attempts"] == 1 for q in a.queue()))
            a.step_clock(200)
            a.wait_empty()
            self.assertEqual([f"RCPT TO:<{t}>" for t in to(*USERS)] + [f"RCPT TO:<{to('carl')[0]}>"], hop.said("RCPT"))

    def test_a_server_that_is_away_defers(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
            with Instance(mailboxes=f"@gateway.example lmtp:127.0.0.1:{port}") as a:
                a.send("a@client.example", to("anna"), MESSAGE.format("away"))
                waits, = wait_for(lambda: [q for q in a.queue() if q["recipients"][0]["attempts"] == 1])
                self.assertIn("LMTP server", waits["recipients"][0]["last_reply"])

    def test_a_greeting_that_says_no_fails_nobody(self):
        with lmtp_peer(on={"CONNECT": lambda s, line: "554 5.3.2 go away"}) as hop, \
                Instance(mailboxes=f"@gateway.example lmtp:127.0.0.1:{hop.port}") as a:
            a.send("a@client.example", to("anna"), MESSAGE.format("no"), rcpt=" NOTIFY=NEVER")
            wait_for(lambda: any(q["recipients"][0]["attempts"] == 1 for q in a.queue()))

    def test_without_8bitmime_the_body_is_recoded(self):
        with lmtp_peer(ext=("SIZE 0",)) as hop, Instance(mailboxes=f"@gateway.example lmtp:127.0.0.1:{hop.port}") as a:
            a.send("a@client.example", to("anna"), "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
                   "Content-Transfer-Encoding: 8bit\n\ngrün\n", mail=" BODY=8BITMIME")
            a.wait_empty()
            m, = hop.messages
            self.assertIn(b"Z3LDvG4NCg==", m["data"])
            self.assertNotIn("8BITMIME", m["mail"])

    def test_a_message_over_its_size(self):
        with lmtp_peer(ext=("PIPELINING", "SIZE 100")) as hop, \
                Instance(mailboxes=f"@gateway.example lmtp:127.0.0.1:{hop.port}") as a:
            a.send("a@client.example", to("anna"), MESSAGE.format("large") + "x\n" * 100, rcpt=" NOTIFY=NEVER")
            a.wait_empty()
            self.assertEqual([], hop.said("MAIL"))
            self.assertTrue(a.logged(1, event="deliver", result="failed", dsn="5.3.4"))

    def test_loop_5_4_6(self):
        with lmtp_peer() as hop, Instance(mailboxes=f"@gateway.example lmtp:127.0.0.1:{hop.port}") as a:
            a.send("a@client.example", to("anna", "bert"), "Delivered-To: anna@gateway.example\n" + MESSAGE.format("x"),
                   rcpt=" NOTIFY=NEVER")
            a.wait_empty()
            self.assertEqual([f"RCPT TO:<{to('bert')[0]}>"], hop.said("RCPT"))
            self.assertTrue(a.logged(1, event="deliver", result="failed", dsn="5.4.6"))

    def test_who_waits_for_a_server_goes_with_local(self):
        """A delivery that waits for a silent server ends when local does, and no other waits for it."""
        quiet = threading.Event()
        with lmtp_peer(on={"LHLO": lambda s, line: quiet.wait(60) and None}) as hop, \
                Instance(mailboxes=[f"anna@gateway.example lmtp:127.0.0.1:{hop.port}",
                                    "bert@gateway.example maildir:bert"]) as a:
            a.send("a@client.example", to("anna"), MESSAGE.format("waits"))
            wait_for(lambda: hop.said("LHLO"))
            a.send("a@client.example", to("bert"), MESSAGE.format("goes"))
            wait_for(lambda: a.maildir("bert"))
            child = a.pids("local")[-1]
            a.kill("local")
            wait_for(lambda: not os.path.exists(f"/proc/{child}"))
            quiet.set()


if __name__ == "__main__":
    unittest.main()
