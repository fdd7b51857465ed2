# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""sendmail, mailq and newaliases, called as cron, PHP, mutt, git and mailx call them."""
import email.utils
import fcntl
import json
import os
import pwd
import re
import shutil
import subprocess
import tempfile
import unittest
from email import message_from_bytes

import fax
import peers
from harness import free_port, BIN, Instance, Peer, wait_for


class Names:
    """Links of those names to the command, in a folder of their own."""

    def __init__(self, acc):
        self.acc = acc
        self.folder = os.path.join(acc.home, "sbin")
        os.mkdir(self.folder)
        for name in ("sendmail", "mailq", "newaliases"):
            os.symlink(os.path.join(BIN, "accord"), os.path.join(self.folder, name))

    def run(self, name, *words, data=b"", **kw):
        r = subprocess.run([os.path.join(self.folder, name), "-H", self.acc.home, *words], input=data,
                           capture_output=True, timeout=60, **kw)
        return r.returncode, r.stdout.decode(), r.stderr.decode()

    def script(self):
        """sendmail for a program that gives it no -H."""
        path = os.path.join(self.folder, "wrapped")
        with open(path, "w") as f:
            f.write(f'#!/bin/sh\nexec {self.folder}/sendmail -H {self.acc.home} "$@"\n')
        os.chmod(path, 0o755)
        return path


class Case(unittest.TestCase):
    def setUp(self):
        self.hop = Peer()
        self.acc = Instance(smtproutes=self.hop.route, locals="nowhere.example")
        self.acc.start()
        self.names = Names(self.acc)

    def tearDown(self):
        self.acc.stop()
        self.hop.close()

    def sent(self, *words, data=b"", n=1, code=0):
        before = len(self.hop.messages)
        got = self.names.run("sendmail", *words, data=data)
        self.assertEqual(got[0], code, got)
        if code == 0:
            wait_for(lambda: len(self.hop.messages) >= before + n)
            return self.hop.messages[-1], message_from_bytes(self.hop.messages[-1]["data"])
        return got


class Callers(Case):
    def test_cron(self):
        """Debian's cron: sendmail -i -FCronDaemon -B8BITMIME -oem root, with From and To unqualified."""
        raw, m = self.sent("-i", "-FCronDaemon", "-B8BITMIME", "-oem", "root", data=(
            "From: root (Cron Daemon)\nTo: root\nSubject: Cron <root@host> job\nMIME-Version: 1.0\n"
            "Content-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\n"
            "X-Cron-Env: <SHELL=/bin/sh>\n\nGrüße\n.\n50%\r100%\n").encode())
        self.assertEqual(raw["rcpt"], ["RCPT TO:<root@gateway.example>"])
        self.assertEqual(m["To"], "root@gateway.example")
        self.assertEqual(m["From"], "root@gateway.example (Cron Daemon)")
        self.assertTrue(m["Date"] and m["Message-ID"])
        self.assertEqual(m.get_payload(decode=True).decode(), "Grüße\r\n.\r\n50%\r100%\r\n")

    def test_php(self):
        """PHP's mail(): sendmail -t -i, To and Subject in front of the caller's fields; CRLF or LF."""
        for end in ("\n", "\r\n"):
            raw, m = self.sent("-t", "-i", data=end.join([
                "To: Ann <ann@far.example>, bob@far.example", "Subject: hello", "X-PHP-Originating-Script: 0:x",
                "From: shop@gateway.example", "Bcc: boss@far.example", "", "body", ".", "more", ""]).encode(), n=1)
            self.assertEqual(raw["rcpt"], ["RCPT TO:<%s@far.example>" % n for n in ("ann", "bob", "boss")])
            self.assertNotIn(b"boss", raw["data"])
            self.assertTrue(raw["data"].endswith(b"\r\n\r\nbody\r\n.\r\nmore\r\n"))

    def test_mutt_and_git(self):
        """mutt: -oem -oi -f SENDER -N … -R … --; git send-email: -f SENDER -i."""
        raw, m = self.sent("-oem", "-oi", "-f", "me@gateway.example", "-N", "failure,delay", "-R", "hdrs", "-V",
                           "QQ314", "--", "x@far.example", data=b"From: Me <me@gateway.example>\n"
                           b"Bcc: x@far.example\nDate: Fri, 01 Mar 2024 00:00:00 +0000\nMessage-ID: <1@x.example>\n\nhi\n")
        self.assertTrue(raw["mail"].startswith("MAIL FROM:<me@gateway.example>"))
        self.assertEqual((m["Message-ID"], m["Bcc"]), ("<1@x.example>", None))
        self.assertEqual(m["Date"], "Fri, 01 Mar 2024 00:00:00 +0000")
        raw, m = self.sent("-f", "<>", "-i", "y@far.example", data=b"Subject: null\n\nx\n")
        self.assertTrue(raw["mail"].startswith("MAIL FROM:<>"))

    def test_null_reverse_path_has_an_author(self):
        """From has a mailbox (RFC 5322, 3.6.2), whoever is told of failures."""
        caller = pwd.getpwuid(os.getuid()).pw_name + "@gateway.example"
        for words in (["-f", "<>"], ["-f", ""], ["-r", "<>", "-F", "A. Robot"]):
            raw, m = self.sent(*words, "y@far.example", data=b"Subject: null\n\nx\n")
            self.assertTrue(raw["mail"].startswith("MAIL FROM:<>"), words)
            self.assertEqual(email.utils.parseaddr(m["From"])[1], caller, words)
        self.assertEqual(m["From"], f'"A. Robot" <{caller}>')
        self.acc.accord("send", "--from", "", "--", "y@far.example", data=b"x\n")
        wait_for(lambda: len(self.hop.messages) == 4)
        self.assertTrue(self.hop.messages[-1]["mail"].startswith("MAIL FROM:<>"))
        self.assertEqual(message_from_bytes(self.hop.messages[-1]["data"])["From"], f"<{caller}>")

    def test_recipients_as_header_fields_have_them(self):
        raw, _ = self.sent("a@far.example,b@far.example", "Joe <c@far.example>", "\"J. D.\" <d@far.example>, e (x)",
                           "x: f@far.example;", data=b"x\n")
        self.assertEqual(raw["rcpt"], ["RCPT TO:<%s>" % a for a in (
            "a@far.example", "b@far.example", "c@far.example", "d@far.example", "e@gateway.example", "f@far.example")])
        for word in ("", ",", "x:;", "a b@far.example", "a@far.example b@far.example", "<a@far.example", "(a@far.example"):
            code, _, err = self.names.run("sendmail", "x@far.example", word, data=b"x\n")
            self.assertEqual((code, len(err.splitlines())), (65, 1), word)

    def test_dsn_words_are_in_the_envelope(self):
        self.hop.on["RCPT"] = lambda s, l: "451 4.2.1 not now"
        self.assertEqual(self.names.run("sendmail", "-N", "never", "-R", "full", "-V", "a+2Bb", "x@far.example",
                                        data=b"x\n")[0], 0)
        self.acc.accord("send", "--notify", "success,delay", "--ret", "hdrs", "--envid", "id7", "--",
                        "y@far.example", data=b"x\n")
        wait_for(lambda: len(self.acc.queue()) == 2)
        import json
        shown = {}
        for entry in self.acc.queue():
            m = json.loads(self.acc.accord("queue", "show", "--json", entry["id"]).stdout)
            shown[m["recipients"][0]["address"]] = (m["envid"], m["ret"], m["recipients"][0]["notify"])
        self.assertEqual(shown, {"x@far.example": ("a+2Bb", "FULL", "NEVER"),
                                 "y@far.example": ("id7", "HDRS", "SUCCESS,DELAY")})

    def test_R17_what_may_be_converted_is_described(self):
        """A program's own Content-Convert gets a Content-Features; 65 names the part that has none to get.  Mail that
        was on its way already is passed on as it is."""
        _, m = self.sent("b@far.example", data=fax.message(fax.text(), fax.image("fax/ccitt1-S.tif")).encode())
        image = m.get_payload()[1]
        self.assertIn("image-coding=MH", image["Content-Features"])
        self.assertEqual(image["Content-Convert"], "ANY")
        spoilt = fax.message(fax.text(), fax.image("malformed/ifd-loop.tif", kind="image/tiff")).encode()
        _, out, err = self.sent("b@far.example", data=spoilt, code=65)
        self.assertRegex(err, r"^sendmail: part 2 \(image/tiff\): \S")
        _, m = self.sent("b@far.example", data=b"Received: from x by y; z\n" + spoilt)
        self.assertIsNone(m.get_payload()[1]["Content-Features"])

    def test_who_is_named_twice_gets_it_once(self):
        """In To and Cc, and on the command line; over SMTP too."""
        mail, text = self.sent("-t", "-f", "f@x.example", "b@y.example",
                               data=b"To: a@y.example, B <b@Y.example>\nCc: a@y.example\nSubject: s\n\nx\n")
        self.assertEqual(sorted(mail["rcpt"]), ["RCPT TO:<a@y.example>", "RCPT TO:<b@y.example>"])
        self.assertEqual((text["To"], text["Cc"]), ("a@y.example, B <b@Y.example>", "a@y.example"))
        self.acc.send("f@x.example", ["a@y.example", "b@y.example", "a@Y.example"], "Subject: s\n\nx\n")
        wait_for(lambda: len(self.hop.messages) == 2)
        self.assertEqual(self.hop.messages[1]["rcpt"], ["RCPT TO:<a@y.example>", "RCPT TO:<b@y.example>"])
        self.acc.wait_empty()
        self.assertEqual(len(self.hop.messages), 2)
        self.assertEqual(self.acc.log_lines(event="accepted")[-1]["count"], "2")

    def test_a_dot_ends_it_unless_told_not_to(self):
        raw, _ = self.sent("x@far.example", data=b"Subject: x\n\none\n.\ntwo\n")
        self.assertTrue(raw["data"].endswith(b"one\r\n"))
        for words in (["-i"], ["-oi"], ["-ti"], ["-it"]):
            raw, _ = self.sent(*words, "x@far.example", data=b"Subject: x\n\none\n.\ntwo\n")
            self.assertTrue(raw["data"].endswith(b"one\r\n.\r\ntwo\r\n"), words)

    def test_smtp_on_standard_input(self):
        code, out, err = self.names.run("sendmail", "-bs", data=(
            b"EHLO here.example\r\nMAIL FROM:<a@gateway.example>\r\nRCPT TO:<b@far.example>\r\nDATA\r\n"
            b"Subject: bs\r\n\r\nx\r\n.\r\nQUIT\r\n"))
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(re.findall(r"(?m)^(\d{3}) ", out), ["220", "250", "250", "250", "354", "250", "221"])
        wait_for(lambda: self.hop.messages)

    def test_a_listener_that_takes_our_mail_is_dialled(self):
        self.acc.stop()
        self.acc.set("listen", [f"127.0.0.1:{free_port()} probeonly", f"127.0.0.1:{free_port()} norelay",
                                f"127.0.0.1:{self.acc.port}"])
        self.acc.start()
        _, out, _ = self.names.run("sendmail", "-bs", data=(
            b"EHLO here.example\r\nMAIL FROM:<a@gateway.example>\r\nRCPT TO:<b@far.example>\r\nDATA\r\n.\r\nQUIT\r\n"))
        self.assertEqual(re.findall(r"(?m)^(\d{3}) ", out), ["220", "250", "250", "250", "354", "250", "221"])

    def test_closed_output_is_not_another_file(self):
        """The connection must not become "standard output", and talk to itself."""
        command = f"{self.names.folder}/sendmail -H {self.acc.home} -bs >&-"
        r = subprocess.run(["sh", "-c", command], input=b"EHLO here.example\r\nQUIT\r\n",
                           stderr=subprocess.PIPE, timeout=30)
        self.assertEqual(r.returncode, 74, r.stderr)
        line = wait_for(lambda: self.acc.log_lines(event="session"))[0]
        self.assertEqual(line["refused"], "0")

    def test_mailx(self):
        """Debian's bsd-mailx, unpacked privately."""
        root = os.path.join(peers.CACHE, "mailx")
        os.makedirs(peers.CACHE, exist_ok=True)
        with open(os.path.join(peers.CACHE, "lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not os.path.isdir(root):
                new = tempfile.mkdtemp(dir=peers.CACHE)
                for package in peers.unpack("bsd-mailx", new):
                    if package.startswith("liblockfile") or package == "libbsd0":
                        peers.unpack(package, new)
                os.rename(new, root)
        rc = os.path.join(self.acc.home, "mailrc")
        with open(rc, "w") as f:
            f.write(f"set sendmail={self.names.script()}\n")
        libraries = ":".join(os.path.join(root, d) for d in ("usr/lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu",
                                                             "lib/x86_64-linux-gnu"))
        r = subprocess.run([os.path.join(root, "usr/bin/bsd-mailx"), "-s", "a subject", "-c", "cc@far.example",
                            "-b", "bcc@far.example", "to@far.example"], input=b"hello\n.\nworld\n", capture_output=True,
                           env={**os.environ, "MAILRC": rc, "LD_LIBRARY_PATH": libraries, "HOME": self.acc.home})
        self.assertEqual(r.returncode, 0, r.stderr)
        wait_for(lambda: self.hop.messages)
        raw = self.hop.messages[0]
        m = message_from_bytes(raw["data"])
        self.assertEqual(sorted(raw["rcpt"]), ["RCPT TO:<%s@far.example>" % n for n in ("bcc", "cc", "to")])
        self.assertEqual((m["Subject"], m["To"], m["Cc"], m["Bcc"]), ("a subject", "to@far.example",
                                                                    "cc@far.example", None))
        self.assertTrue(m["Date"] and m["From"] and m["Message-ID"])


class Answers(Case):
    def test_exit_codes(self):
        for code, words, data in ((64, [], b"x\n"), (64, ["-Z", "x@far.example"], b"x\n"),
                                  (64, ["-bd"], b""), (64, ["-bv", "x"], b""), (64, ["-N", "often", "x"], b"x\n"),
                                  (64, ["-B", "BINARYMIME", "x"], b"x\n"), (64, ["-qRfar"], b""), (64, ["-f"], b""),
                                  (65, ["-t"], b"Subject: nobody\n\nx\n"), (65, ["-t"], b"To: two words\n\nx\n"),
                                  (65, ["a b@far.example"], b"x\n"), (65, ["-f", "a>b@c", "x@far.example"], b"x\n"),
                                  (65, ["x@far.example"], b"Subject: a\rX: y\n\nx\n")):
            got = self.names.run("sendmail", *words, data=data)
            self.assertEqual((got[0], got[1]), (code, ""), (words, got))
            self.assertEqual(len(got[2].splitlines()), 1, got)
        self.assertEqual(self.acc.queue(), [])
        self.assertEqual(self.names.run("sendmail", "--help")[0], 0)

    def test_an_address_is_no_option(self):
        raw, _ = self.sent("-i", "--", "-oQ@far.example", data=b"x\n")
        self.assertEqual(raw["rcpt"], ["RCPT TO:<-oQ@far.example>"])
        raw, _ = self.sent("x@far.example", "-f@far.example", data=b"x\n")
        self.assertEqual(len(raw["rcpt"]), 2)

    def test_without_accord_the_caller_keeps_the_message(self):
        self.acc.stop()
        waits = subprocess.Popen([os.path.join(self.names.folder, "sendmail"), "-H", self.acc.home, "-bs"],
                                 stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        code, _, err = self.names.run("sendmail", "x@far.example", data=b"x\n")
        self.assertEqual(code, 75)
        self.assertIn("was not taken", err)
        waits.stdin.close()
        self.assertEqual(waits.wait(60), 75)
        self.assertEqual(self.names.run("mailq")[:2], (0, "Mail queue is empty\n"))
        self.acc.start()

    def test_mailq_and_queue_run(self):
        self.assertEqual(self.names.run("mailq")[:2], (0, "Mail queue is empty\n"))
        self.hop.on["RCPT"] = lambda s, l: "451 4.2.1 not now"
        self.assertEqual(self.names.run("sendmail", "x@far.example", data=b"x\n")[0], 0)
        wait_for(lambda: self.acc.queue() and self.acc.queue()[0]["recipients"][0]["attempts"])
        for words in (["mailq"], ["sendmail", "-bp"]):
            code, out, _ = self.names.run(*words)
            self.assertEqual(code, 0)
            self.assertIn("<x@far.example>", out)
            self.assertTrue(out.endswith("-- 1 Kbytes in 1 Request.\n"), out)
        code, out, _ = self.names.run("mailq", "--json")
        self.assertEqual((code, [json.loads(line) for line in out.splitlines()]), (0, self.acc.queue()))
        self.assertIn("--json", self.names.run("mailq", "--help")[1])
        code, _, err = self.names.run("mailq", "-Y")
        self.assertEqual((code, err), (64, "mailq: -Y: no such option, or its word is missing\n"))
        del self.hop.on["RCPT"]
        self.assertEqual(self.names.run("sendmail", "-q")[0], 0)
        wait_for(lambda: self.hop.messages)
        self.acc.wait_empty()

    def test_newaliases_puts_settings_in_force(self):
        """Quietly; packages call it when accord does not run, too.  A wrong file is told of, and changes nothing."""
        for words in (["newaliases"], ["sendmail", "-bi"]):
            self.assertEqual(self.names.run(*words), (0, "", ""))
        self.acc.set("maxrcpts", "12x")
        code, out, err = self.names.run("newaliases")
        self.assertEqual((code, out), (78, ""))
        self.assertRegex(err, "^newaliases: .*/maxrcpts:1: expected a number .*as they were\n$")
        self.acc.set("maxrcpts", "1000")
        if os.getuid() == 0:
            code, out, err = self.names.run("newaliases", user="daemon", group=1)
            self.assertEqual((code, out), (77, ""), err)
        self.acc.stop()
        code, out, err = self.names.run("newaliases")
        self.assertEqual((code, out), (0, ""))
        self.assertIn("accord does not run", err)
        self.acc.start()

    def test_modes_that_are_not_there(self):
        for mode, why in (("d", "accord start"), ("D", "accord start"), ("v", "accord explain"), ("t", "accord explain"),
                          ("x", "does not take")):
            code, out, err = self.names.run("sendmail", "-b" + mode, "-q15m")
            self.assertEqual((code, out), (64, ""))
            self.assertRegex(err, f"^sendmail: -b {mode}: .*{why}.*\n$")

    def test_a_restart_is_waited_for(self):
        """With a message, and with SMTP."""
        self.acc.stop()
        waiting = [subprocess.Popen([os.path.join(self.names.folder, "sendmail"), "-H", self.acc.home, *words],
                                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                   for words in (["x@far.example"], ["-bs"])]
        waiting[0].stdin.write(b"Subject: x\n\nx\n")
        waiting[1].stdin.write(b"EHLO a.example\r\nMAIL FROM:<a@gateway.example>\r\nRCPT TO:<y@far.example>\r\nDATA\r\n"
                               b".\r\nQUIT\r\n")
        for p in waiting:
            p.stdin.close()
            wait_for(lambda: open(f"/proc/{p.pid}/stat").read().split()[2] == "S")
            self.assertIsNone(p.poll())
        self.acc.start()
        for p in waiting:
            self.assertEqual(p.wait(20), 0, p.stderr.read())
            p.stdout.close()
            p.stderr.close()
        wait_for(lambda: len(self.hop.messages) == 2)

    @unittest.skipUnless(os.getuid() == 0, "only root can be somebody else")
    def test_an_ordinary_user(self):
        """Who calls is the sender, and is in the log; nothing is setuid, and nothing may be."""
        code, out, err = self.names.run("sendmail", "-i", "x@far.example", data=b"Subject: x\n\nx\n", user="daemon", group=1)
        self.assertEqual((code, out, err), (0, "", ""))
        wait_for(lambda: self.hop.messages)
        self.assertIn("<daemon@gateway.example>", self.hop.messages[0]["mail"])
        self.assertEqual(self.acc.logged(1, event="accepted")[0]["uid"], str(pwd.getpwnam("daemon").pw_uid))
        self.assertEqual(self.names.run("mailq", user="daemon", group=1)[0], 1)
        copy = os.path.join(self.acc.home, "sendmail")
        shutil.copy(os.path.join(BIN, "accord"), copy)
        os.chown(copy, pwd.getpwnam("nobody").pw_uid, -1)
        os.chmod(copy, 0o4755)
        r = subprocess.run([copy, "-H", self.acc.home, "x@far.example"], input=b"x\n", capture_output=True, user="daemon",
                           group=1)
        self.assertEqual((r.returncode, r.stderr), (77, b"sendmail: must not be setuid or setgid\n"))
