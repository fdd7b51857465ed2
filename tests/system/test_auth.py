# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""Logins of clients: AUTH PLAIN and LOGIN under TLS, and accord-auth, which checks them.  The clients are this file's own,
swaks and msmtp."""
import base64
import os
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import peers
from harness import SLOW, TOP, Client, Instance, Peer, Shared, free_port, wait_for
from test_tls import certificate, memory

RCPT = "b@far.example"
USER, WORD = "ann", "sesame opens 1001 doors"


def b64(text):
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


def plain(user=USER, word=WORD, as_user=""):
    return b64(f"{as_user}\0{user}\0{word}")


class Logins(Shared):
    """What both files of tests share: an instance whose users are known."""
    LISTEN = {"submit": "submission", "implicit": "submissions", "mx": "mx auth", "hidden": "mx auth connegauth"}
    AUTH = ["passwd"]

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="accord-test-")
        cls.addClassCleanup(subprocess.run, ["rm", "-rf", cls.folder])
        cls.hop = cls.share(Peer())
        cls.acc = Instance(smtproutes=cls.hop.route, relayclients="127.0.0.0/8",
                           tlscert="* " + certificate(cls.folder, "a"), auth=cls.AUTH)
        cls.port = {name: free_port() for name in cls.LISTEN}
        cls.acc.set("listen", [f"127.0.0.1:{cls.acc.port}"] +
                    [f"127.0.0.1:{cls.port[n]} {words}" for n, words in cls.LISTEN.items()])
        cls.acc.accord("passwd", USER, data=WORD.encode())
        cls.acc.own()
        cls.share(cls.acc)

    def client(self, where="submit", secure=True, source=None):
        c = Client(self.port[where], banner=where != "implicit", source=source)
        if where == "implicit":
            c.secure(ask=False).reply()
        c.words = c.ehlo()
        if secure and where != "implicit":
            c.secure()
            c.words = c.ehlo()
        return c

    def deliver(self, c, sender="ann@gateway.example", text="Hello."):
        before = len(self.hop.messages)
        c.must("250", f"MAIL FROM:<{sender}>")
        c.must("250", f"RCPT TO:<{RCPT}>")
        c.must("354", "DATA")
        c.must("250", data=f"From: <{sender}>\r\nSubject: x\r\n\r\n{text}\r\n.\r\n")
        return wait_for(lambda: self.hop.messages[before:])[0]["data"]


class Exchange(Logins):
    def test_PLAIN_with_and_without_a_first_response_and_LOGIN(self):
        for name in ("submit", "implicit", "mx"):
            with self.subTest(listener=name, by="first response"), self.client(name) as c:
                self.assertIn("AUTH PLAIN LOGIN", c.words)
                self.assertEqual(c.must("235", "AUTH PLAIN " + plain())[0][:9], "235 2.7.0")
                data = self.deliver(c)
                self.assertIn(b" with ESMTPSA (TLSv1.3", data)
                self.assertNotIn(USER.encode() + b"\r\n", data.split(b"\r\n\r\n")[0])
            with self.subTest(listener=name, by="challenge"), self.client(name) as c:
                self.assertEqual(c.must("334", "auth plain"), ["334 "])
                c.must("235", plain(as_user=USER))
                c.must("250", "RSET")
                self.deliver(c)
            with self.subTest(listener=name, by="LOGIN"), self.client(name) as c:
                self.assertEqual(c.must("334", "AUTH LOGIN"), ["334 " + b64("Username:")])
                self.assertEqual(c.must("334", b64(USER)), ["334 " + b64("Password:")])
                c.must("235", b64(WORD))
                self.deliver(c)
            with self.subTest(listener=name, by="LOGIN with the name"), self.client(name) as c:
                c.must("334", "AUTH LOGIN " + b64(USER))
                c.must("235", b64(WORD))
        self.assertEqual({l["user"] for l in self.acc.log_lines(event="auth")}, {USER})

    def test_who_has_not_logged_in_submits_nothing(self):
        for name in ("submit", "implicit"):                     # from a network that may send anywhere by the first one
            with self.client(name) as c:
                self.assertEqual(c.must("530", "MAIL FROM:<ann@gateway.example>")[0][:9], "530 5.7.0")
                c.must("503", f"RCPT TO:<{RCPT}>")
        with self.client("submit", secure=False) as c:
            self.assertNotIn("AUTH PLAIN LOGIN", c.words)
            self.assertIn("STARTTLS", c.words)
            c.must("530", "MAIL FROM:<ann@gateway.example>")
        with self.client("mx") as c:                            # may, but needs not
            self.deliver(c)
        with self.acc.client() as c:
            c.ehlo()
            c.must("502", "AUTH PLAIN " + plain())

    def test_only_under_TLS_and_only_once(self):
        with self.client("submit", secure=False) as c:
            self.assertEqual(c.must("538", "AUTH PLAIN " + plain())[0][:10], "538 5.7.11")
        with self.client() as c:
            c.must("235", "AUTH PLAIN " + plain())
            c.must("503", "AUTH PLAIN " + plain())
            c.ehlo()                                            # he is still who he is
            c.must("503", "AUTH PLAIN " + plain())
            c.must("250", "MAIL FROM:<ann@gateway.example> AUTH=<>")
            c.must("503", "AUTH PLAIN " + plain())
        with self.client() as c:
            c.must("250", "HELO client.example")
            c.must("503", "AUTH PLAIN " + plain())
        with self.client("mx") as c:
            c.must("250", "MAIL FROM:<ann@gateway.example>")
            c.must("503", "AUTH PLAIN " + plain())              # not within a transaction
            c.must("250", "RSET")
            c.must("235", "AUTH PLAIN " + plain())

    def test_what_is_no_exchange(self):
        with self.client() as c:
            for line, code in (("AUTH", "501 5.5.4"), ("AUTH CRAM-MD5", "504 5.5.4"), ("AUTH PLAIN =AAA", "501 5.5.2"),
                               ("AUTH PLAIN AAA=BBB=", "501 5.5.2"), ("AUTH PLAIN AAA", "501 5.5.2"),
                               ("AUTH PLAIN AA==" + " x", "501 5.5.4"), ("AUTH PLAIN =", "501 5.5.2"),
                               ("AUTH PLAIN " + b64("ann\0sesame"), "501 5.5.2"),
                               ("AUTH PLAIN " + b64("x" * 900), "500 5.5.6"),
                               ("AUTH PLAIN " + "A" * 3000, "500 5.5.2")):
                self.assertEqual(c.must(code[:3], line)[0][:9], code, line)
            for line, code in (("*", "501 5.7.0"), ("A" * 5000, "500 5.5.6"), ("a b", "501 5.5.2"),
                               (plain() + "====", "501 5.5.2")):
                c.must("334", "AUTH PLAIN")
                self.assertEqual(c.must(code[:3], line)[0][:9], code, line[:20])
            c.must("334", "AUTH LOGIN")
            c.must("334", b64(USER))
            c.must("501", "*")
            c.must("235", "AUTH PLAIN " + plain())              # none of that was the end of it
        with self.client() as c:                                # nobody acts as another
            self.assertEqual(c.must("535", "AUTH PLAIN " + plain(as_user="bob"))[0][:9], "535 5.7.8")
            c.must("535", "AUTH PLAIN " + plain(user="a\tb"))
            c.must("535", "AUTH PLAIN " + plain(user="u" * 255, word=""))

    def test_R36_what_is_offered_before_and_after_a_login(self):
        with self.client("hidden") as c:
            self.assertFalse([w for w in c.words if w.split()[0] in ("CONNEG", "CONPERM", "DRUCOF")])
            c.must("504", "MAIL FROM:<ann@gateway.example> CONPERM")
            c.must("235", "AUTH PLAIN " + plain())
            self.assertTrue({"CONNEG", "CONPERM", "DRUCOF"} <= {w.split()[0] for w in c.ehlo()})
            c.must("250", "MAIL FROM:<ann@gateway.example> CONPERM")

    def test_AUTH_of_MAIL(self):
        with self.client() as c:
            c.must("235", "AUTH PLAIN " + plain())
            for value, code in (("<>", "250"), ("e+3Dmc2@example.com", "250"), ("a=b", "501"), ("+3", "501"), ("", "501"),
                                ("x" * 501, "501")):
                c.must(code, f"MAIL FROM:<ann@gateway.example> AUTH={value}")
                c.must("250", "RSET")
        with self.acc.client() as c:
            c.ehlo()
            c.must("555", "MAIL FROM:<ann@gateway.example> AUTH=<>")

    def test_openssl_s_client(self):
        before = len(self.hop.messages)
        with subprocess.Popen(["timeout", str(30 * SLOW), "openssl", "s_client", "-connect",
                               f"127.0.0.1:{self.port['implicit']}", "-quiet"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as p:
            for line, want in ((None, "220"), ("EHLO c.example", "250"), ("AUTH PLAIN " + plain(), "235"),
                               ("MAIL FROM:<ann@gateway.example>", "250"), (f"RCPT TO:<{RCPT}>", "250"), ("DATA", "354"),
                               ("From: <ann@gateway.example>\r\n\r\nz\r\n.", "250"), ("QUIT", "221")):
                if line:
                    p.stdin.write(line.encode() + b"\r\n")
                    p.stdin.flush()
                while not re.match(rb"\d\d\d ", said := p.stdout.readline()):
                    self.assertTrue(said, line)
                self.assertEqual(said[:3].decode(), want)
        self.assertIn(b"with ESMTPSA", wait_for(lambda: self.hop.messages[before:])[0]["data"])

    def test_swaks_and_msmtp(self):
        for options in (("--tls", "--auth", "PLAIN"), ("--tls", "--auth", "LOGIN")):
            before = len(self.hop.messages)
            out = peers.swaks(self.port["submit"], *options, "--auth-user", USER, "--auth-password", WORD, "--from",
                              "ann@gateway.example", "--to", RCPT, "--body", "x")
            self.assertIn("235 2.7.0", out)
            self.assertIn(b"with ESMTPSA", wait_for(lambda: self.hop.messages[before:])[0]["data"])
        peers.swaks(self.port["submit"], "--tls", "--auth", "PLAIN", "--auth-user", USER, "--auth-password", "no",
                    "--to", RCPT, status=28)
        for port, tls in ((self.port["submit"], "on"), (self.port["implicit"], "off")):
            before = len(self.hop.messages)
            r = subprocess.run(["msmtp", "--host=127.0.0.1", f"--port={port}", "--auth=plain", f"--user={USER}",
                                f"--passwordeval=printf '%s' '{WORD}'", "--tls=on", f"--tls-starttls={tls}",
                                "--tls-certcheck=off", "--from=ann@gateway.example", RCPT],
                               input=b"Subject: y\n\nx\n", capture_output=True, timeout=30 * SLOW)
            self.assertEqual(r.returncode, 0, r.stderr)
            wait_for(lambda: self.hop.messages[before:])


class Checks(Logins):
    def elsewhere(self, seen=[1]):
        """An address of a network from which nothing has come yet."""
        seen[0] += 1
        return f"127.1.{seen[0]}.1"

    def test_wrong_ones_are_slowed_logged_and_few(self):
        before, source = len(self.acc.log_lines(event="auth-failed")), self.elsewhere()
        with self.client(source=source) as c:
            took = []
            for n, (user, word) in enumerate(((USER, "wrong"), ('nobody" client=192.0.2.9\r', "x"))):
                began = time.monotonic()
                c.must("535", "AUTH PLAIN " + plain(user.strip(), word))
                took.append(time.monotonic() - began)
            self.assertGreaterEqual(took[0], 1)
            self.assertGreaterEqual(took[1], 2)
            self.assertEqual(c.must("421", "AUTH PLAIN " + plain("nobody", WORD))[0][:9], "421 4.7.0")
            self.assertEqual(c.reply(), [])
        lines = self.acc.logged(before + 3, event="auth-failed")[before:]
        self.assertEqual([l["client"] for l in lines], [source] * 3)
        with self.client(source=source) as c:                                # who is right waits for nothing
            began = time.monotonic()
            c.must("235", "AUTH PLAIN " + plain())
            self.assertLess(time.monotonic() - began, 1 * SLOW)
        self.assertNotIn(WORD, self.acc.read_log())

    def test_who_does_not_wait_is_not_told(self):
        with self.client(source=self.elsewhere()) as c:
            c.send("AUTH PLAIN " + plain(word="wrong") + "\r\n")
            socket.socket(fileno=os.dup(c.socket.fileno())).shutdown(socket.SHUT_WR)
            try:
                self.assertNotIn("535", "".join(c.reply()))
            except OSError:
                pass                                            # cut off, without a word

    def test_fail2ban_finds_them_and_who_they_are(self):
        source = self.elsewhere()
        before = len(self.acc.log_lines(event="auth-failed"))
        with self.client(source=source) as c:
            c.must("535", "AUTH PLAIN " + plain('x" event=auth-failed client=192.0.2.9 user=y', "z"))
        self.acc.logged(before + 1, event="auth-failed")
        with open(os.path.join(TOP, "dist", "fail2ban", "accord.conf")) as f:
            rule = re.search(r"^failregex = (.*)$", f.read(), re.M)[1].replace("<HOST>", r"(?P<host>[0-9A-Fa-f.:]+)")
        lines = [line for line in self.acc.read_log().splitlines() if re.search(rule, line)]
        self.assertEqual(re.search(rule, lines[-1])["host"], source)
        self.assertEqual(len(lines), len(self.acc.log_lines(event="auth-failed")))

    def test_no_password_stays_in_a_session(self):
        word = base64.b64encode(os.urandom(180)).decode()       # so long that what comes later leaves some of it
        self.acc.accord("passwd", "long", data=word.encode())
        self.until("235", "long", word)
        with self.client() as c:
            c.must("334", "AUTH PLAIN")
            c.must("235", plain("long", word))
            port = c.socket.getsockname()[1]
            out = subprocess.run(["ss", "-Htnp", "dport", f"= :{port}"], capture_output=True, text=True).stdout
            pid = int(re.search(r'"accord-smtpd",pid=(\d+)', out)[1])
            found = memory(pid)
            self.assertIn(b"\0long\0", found)
            for text in (word, plain("long", word)):
                for at in range(20, len(text) - 24, 12):
                    self.assertNotIn(text[at:at + 24].encode(), found)
            for p in self.acc.pids("auth"):
                theirs = memory(p)
                for at in range(0, len(word) - 24, 12):
                    self.assertNotIn(word[at:at + 24].encode(), theirs)

    def test_accord_passwd_is_in_force_at_once(self):
        with self.client() as c:
            c.must("235", "AUTH PLAIN " + plain())
        self.acc.accord("passwd", "bob", data=b"first")
        self.until("235", "bob", "first")
        self.acc.accord("passwd", "bob", data=b"second")
        self.until("535", "bob", "first")
        self.until("235", "bob", "second")
        self.acc.accord("passwd", "--delete", "bob")
        self.until("535", "bob", "second")

    def until(self, code, user, word):
        def is_so():
            with self.client(source=self.elsewhere()) as c:
                return c.cmd("AUTH PLAIN " + plain(user, word))[0].startswith(code)
        wait_for(is_so, 60)

    def test_stopped_it_is_not_now_and_others_go_on(self):
        pid = self.acc.kill("auth", signal.SIGSTOP)
        try:
            with self.client() as c, self.client("mx") as other:
                answer = []
                t = threading.Thread(target=lambda: answer.append(c.must("454", "AUTH PLAIN " + plain())[0]))
                t.start()
                self.deliver(other)
                t.join(15 * SLOW)
                self.assertEqual(answer[0][:9], "454 4.7.0")
        finally:
            os.kill(pid, signal.SIGCONT)
        with self.client() as c:
            c.must("235", "AUTH PLAIN " + plain())

    def test_killed_it_comes_back(self):
        with self.client() as held:
            held.must("235", "AUTH PLAIN " + plain())
            self.acc.kill("auth")
            with self.client() as c:
                c.must("235", "AUTH PLAIN " + plain())
            self.deliver(held)

    def test_many_at_once(self):
        codes = []

        sources = [self.elsewhere() for _ in range(24)]

        def one(n):
            with self.client(source=sources[n]) as c:
                codes.append(c.cmd("AUTH PLAIN " + (plain() if n % 4 else plain(word="wrong")))[0][:3])
        threads = [threading.Thread(target=one, args=(n,)) for n in range(24)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(sorted(codes), ["235"] * 18 + ["535"] * 6)


class Settings(unittest.TestCase):
    def test_what_is_wrong_is_said_before(self):
        acc = Instance(auth="passwd")
        folder = os.path.join(acc.home, "tls")
        os.mkdir(folder)
        cert = "* " + certificate(folder, "a")
        listen = f"127.0.0.1:{acc.port} submission"
        for settings, want in (({"listen": listen}, "listen:1: expected a certificate in the setting tlscert"),
                               ({"tlscert": cert, "auth": ""}, "listen:1: expected a line in the setting auth"),
                               ({"auth": "secret"}, "auth:1: expected passwd"),
                               ({"auth": "passwd:x"}, "auth:1: expected passwd"),
                               ({"auth": "dovecot:run/x"}, "auth:1: expected a path from / on behind dovecot:"),
                               ({"auth": "passwd", "listen": listen + " notls"}, "listen:1: expected notls without auth"),
                               ({"listen": f"127.0.0.1:{acc.port} connegauth"}, "listen:1: expected connegauth with auth")):
            for name, value in settings.items():
                acc.set(name, value)
            r = acc.accord("check", check=False)
            self.assertIn(want, r.stderr.decode())
            self.assertEqual(r.returncode, 1)
        acc.set("listen", listen)
        self.assertIn(b"passwd: there is no user", acc.accord("check").stderr)
        path = os.path.join(acc.control, "passwd")
        for text, mode, want in (("ann\n", 0o600, "passwd: line 1: expected USER:HASH"),
                                 ("# none\n", 0o644, "passwd: expected a file that others can neither read nor write")):
            with open(path, "w") as f:
                f.write(text)
            os.chmod(path, mode)
            acc.own()
            self.assertIn(want, acc.accord("check", check=False).stderr.decode())
            acc.start(expect=False)
            acc.stop()
            self.assertIn(want, acc.read_log())


if __name__ == "__main__":
    unittest.main()
