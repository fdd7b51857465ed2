# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""What accord-auth asks besides the file passwd: a real Dovecot, and ones that break its protocol; programs by DJB's
checkpassword interface."""
import os
import socket
import subprocess
import tempfile
import threading
import time
import unittest

from dovecot_auth import DovecotAuth
from harness import Client, Instance, SLOW, free_port, wait_for
from test_auth import plain
from test_tls import certificate

PROGRAM = """#!/usr/bin/python3
import os, sys, time
said = b""
while True:
    more = os.read(3, 600)
    if not more:
        break
    said += more
user, word, stamp, rest = said.split(b"\\0")
with open(sys.argv[1], "ab") as f:
    f.write(b"%r %r %r %r %r\\n" % (said, sys.argv[2:], sorted(os.environ), os.environ.get("TCPREMOTEIP"),
                                    sorted(os.listdir("/proc/self/fd"))))
if word == b"slow":
    if os.fork() == 0:
        time.sleep(600)
    time.sleep(600)
sys.exit({b"right": 0, b"wrong": 1, b"misused": 2, b"later": 111}.get(word, 99))
"""


class Lines(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="accord-test-")
        self.addCleanup(subprocess.run, ["rm", "-rf", self.folder])
        os.chmod(self.folder, 0o755)
        self.net = 0

    def instance(self, *lines, **more):
        acc = Instance(tlscert="* " + certificate(self.folder, "a"), auth=list(lines), **more)
        acc.set("listen", f"127.0.0.1:{acc.port} submission")
        return acc

    def login(self, acc, user, word):
        """The code that a login has, of a client from whose network no other has come."""
        self.net += 1
        with Client(acc.port, source=f"127.2.{self.net}.1") as c:
            c.ehlo()
            c.secure()
            c.ehlo()
            got = c.cmd("AUTH PLAIN " + plain(user, word))[0]
            return got[:9] if not got.startswith("235") else "235"


class Dovecot(Lines):
    def test_Dovecot_says_who_is_right(self):
        with DovecotAuth("ann:{PLAIN}sesame", "bob:{PLAIN}x::::::nologin=y") as d, \
                self.instance("dovecot:" + d.path) as acc:
            self.assertEqual(self.login(acc, "Ann", "sesame"), "235")
            self.assertEqual(acc.log_lines(event="auth")[0]["user"], "ann")     # as Dovecot calls her
            self.assertEqual(self.login(acc, "ann", "wrong"), "535 5.7.8")
            self.assertEqual(self.login(acc, "nobody", "sesame"), "535 5.7.8")
            self.assertEqual(self.login(acc, "bob", "x"), "535 5.7.8")          # right, but not to log in
            self.assertIn("passwd-file(ann,127.2.2.1)", d.log())
            d.process.terminate()
            d.process.wait()
            self.assertEqual(self.login(acc, "ann", "sesame"), "454 4.7.0")
            self.assertIn("Dovecot", acc.log_lines(event="auth-unanswered", line="1")[0]["why"])

    def test_lines_are_asked_in_order(self):
        with DovecotAuth("ann:{PLAIN}sesame") as d, self.instance("passwd", "dovecot:" + d.path) as acc:
            acc.accord("passwd", "carl", data=b"of the file")
            acc.accord("passwd", "ann", data=b"another")
            wait_for(lambda: self.login(acc, "carl", "of the file") == "235")
            self.assertEqual(self.login(acc, "ann", "another"), "235")
            self.assertEqual(self.login(acc, "ann", "sesame"), "235")
            self.assertEqual(self.login(acc, "carl", "sesame"), "535 5.7.8")
            d.process.terminate()
            d.process.wait()
            self.assertEqual(self.login(acc, "carl", "of the file"), "235")
            self.assertEqual(self.login(acc, "carl", "wrong"), "454 4.7.0")     # one could not be asked

    def test_what_breaks_its_protocol_lets_nobody_in(self):
        path = os.path.join(self.folder, "socket")
        hello = b"VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nSPID\t1\nDONE\n"
        answers, server = [], socket.socket(socket.AF_UNIX)
        server.bind(path)
        os.chmod(path, 0o666)
        server.listen(8)
        self.addCleanup(server.close)

        def serve():
            while True:
                try:
                    s, _ = server.accept()
                except OSError:
                    return
                greeting, answer = answers.pop(0)
                try:
                    s.sendall(greeting)
                    while answer is not None and b"\tresp=" not in s.recv(4096):
                        pass
                    s.sendall(answer or b"")
                    if answer and answer.endswith(b"..."):
                        time.sleep(12)
                except OSError:
                    pass
                s.close()
        threading.Thread(target=serve, daemon=True).start()
        with self.instance("dovecot:" + path) as acc:
            for greeting, answer, want in (
                    (hello, b"OK\t1\tuser=ann\n", "235"),
                    (hello, b"OK\t2\tuser=bob\nNOTHING\nFAIL\t1\tuser=ann\n", "535 5.7.8"),
                    (hello, b"FAIL\t1\tuser=ann\ttemp\n", "454 4.7.0"),
                    (hello, b"FAIL\t1\tuser=ann\tcode=temp_fail\n", "454 4.7.0"),
                    (hello, b"OK\t1\n", "454 4.7.0"),
                    (hello, b"OK\t1\tuser=a\x01nb\n", "454 4.7.0"),
                    (hello, b"OK\t1\tuser=" + b"x" * 300 + b"\n", "454 4.7.0"),
                    (hello, b"CONT\t1\t\n", "454 4.7.0"),
                    (hello, b"", "454 4.7.0"),
                    (hello, b"x" * 20000, "454 4.7.0"),
                    (hello, b"a\n" * 200, "454 4.7.0"),
                    (hello.replace(b"VERSION\t1", b"VERSION\t2"), None, "454 4.7.0"),
                    (hello.replace(b"PLAIN", b"LOGIN"), None, "454 4.7.0"),
                    (b"OK\t1\tuser=ann\n" + hello, b"FAIL\t1\n", "535 5.7.8"),
                    (hello, b"...", "454 4.7.0")):
                with self.subTest(answer=answer):
                    answers[:] = [(greeting, answer)]
                    self.assertEqual(self.login(acc, "ann", "sesame"), want)
            self.assertEqual(acc.log_lines(event="auth-unanswered", line="1")[-1]["why"], "Dovecot: no answer")


class Programs(Lines):
    def setUp(self):
        super().setUp()
        self.path, self.told = os.path.join(self.folder, "check"), os.path.join(self.folder, "told")
        with open(self.path, "w") as f:
            f.write(PROGRAM)
        os.chmod(self.path, 0o755)
        open(self.told, "w").close()
        os.chmod(self.told, 0o666)

    def test_its_exit_status_says_it(self):
        with self.instance(f"checkpassword:{self.path} {self.told}  /bin/true x") as acc:
            self.assertEqual(self.login(acc, "ann", "right"), "235")
            for word, want in (("wrong", "535 5.7.8"), ("misused", "454 4.7.0"), ("later", "454 4.7.0"),
                               ("other", "454 4.7.0"), ("x" * 255, "454 4.7.0")):
                self.assertEqual(self.login(acc, "ann", word), want, word)
            self.assertEqual(self.login(acc, "u" * 255, "w" * 255), "535 5.7.8")        # more than it can be told
            with open(self.told, "rb") as f:
                lines = f.read().splitlines()
            self.assertEqual(len(lines), 6)
            self.assertRegex(lines[0], rb"^b'ann\\x00right\\x00\d+\\x00' \['/bin/true', 'x'\] ")
            # Python's own: LC_CTYPE; 4 and 5 are what it has opened itself
            self.assertIn(b"['LC_CTYPE', 'PATH', 'TCPREMOTEIP'] '127.2.1.1' ['0', '1', '2', '3', '4', '5']", lines[0])

    def test_one_that_takes_too_long_is_killed_and_others_go_on(self):
        with self.instance(f"checkpassword:{self.path} {self.told}") as acc:
            got = []
            slow = threading.Thread(target=lambda: got.append(self.login(acc, "ann", "slow")))
            slow.start()
            wait_for(lambda: b"slow" in open(self.told, "rb").read())
            self.assertEqual(self.login(acc, "ann", "right"), "235")
            slow.join(20 * SLOW)
            self.assertEqual(got, ["454 4.7.0"])
            self.assertIn("status 137", acc.log_lines(event="auth-unanswered", line="1")[-1]["why"])
            wait_for(lambda: subprocess.run(["pgrep", "-f", self.path], capture_output=True).stdout == b"")

    def test_a_reload_brings_other_programs(self):
        with self.instance("passwd") as acc:
            self.assertEqual(self.login(acc, "ann", "right"), "535 5.7.8")
            acc.set("auth", f"checkpassword:{self.path} {self.told}")
            acc.accord("reload")
            self.assertEqual(self.login(acc, "ann", "right"), "235")
            acc.set("auth", "checkpassword:/nonexistent")
            acc.accord("reload")
            wait_for(lambda: self.login(acc, "ann", "right") == "454 4.7.0")
            os.kill(acc.pids("auth")[1], 9)                     # who runs them
            acc.set("auth", f"checkpassword:{self.path} {self.told}")
            wait_for(lambda: acc.accord("reload", check=False).returncode == 0)
            wait_for(lambda: self.login(acc, "ann", "right") == "235")
            acc.set("auth", "passwd")
            acc.accord("reload")
            wait_for(lambda: self.login(acc, "ann", "right") == "535 5.7.8")
            wait_for(lambda: len(acc.pids("auth")) == 1)


if __name__ == "__main__":
    unittest.main()
