# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""TLS for clients: STARTTLS and TLS from the first octet, certificates by name, and accord-key, which alone has the
private keys.  The clients are OpenSSL's (s_client and Python's ssl) and swaks."""
import os
import re
import ssl
import subprocess
import tempfile
import unittest

import peers
from harness import Client, Instance, Peer, Shared, free_port, wait_for

KINDS = {"a": ["-newkey", "rsa:2048"], "b": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
         "c": ["-newkey", "ed25519"]}
RCPT = "b@far.example"


def certificate(folder, name, kind="b", days=30):
    """Files of a new certificate, for mx.NAME.example."""
    cert, key = os.path.join(folder, f"{name}.crt"), os.path.join(folder, f"{name}.key")
    subprocess.run(["openssl", "req", "-x509", *KINDS[kind], "-nodes", "-keyout", key, "-out", cert, "-subj",
                    f"/CN=mx.{name}.example", "-days", str(days)], check=True, capture_output=True)
    os.chmod(folder, 0o755)
    os.chmod(key, 0o644)        # accord runs as an ordinary user here
    return f"{cert} {key}"


def context(version=None):
    c = ssl.create_default_context()
    c.check_hostname, c.verify_mode = False, ssl.CERT_NONE
    if version:
        c.minimum_version = c.maximum_version = version
    return c


def secrets(key):
    """Octets by which a private key would be found: of its PEM, and of its numbers in both orders."""
    text = subprocess.run(["openssl", "pkey", "-in", key, "-noout", "-text"], check=True, capture_output=True,
                          text=True).stdout
    found = [line[:24].encode() for line in open(key).read().splitlines()[2:4]]
    for name in ("privateExponent", "prime1", "priv"):
        m = re.search(rf"{name}:\s*((?:\s+[0-9a-f:]+\n)+)", text)
        if m:
            number = bytes.fromhex(re.sub(r"[\s:]", "", m[1])).lstrip(b"\0")
            found += [number[:16], number[::-1][:16], number[-16:]]
    return found


def memory(pid):
    with open(f"/proc/{pid}/maps") as f:
        ranges = [[int(x, 16) for x in line.split()[0].split("-")] for line in f if line.split()[1][0] == "r"]
    out = []
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as f:
        for start, end in ranges:
            try:
                f.seek(start)
                out.append(f.read(end - start))
            except (OSError, OverflowError):
                pass            # vsyscall and the like
    return b"".join(out)


class Tls(Shared):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="accord-test-")
        cls.addClassCleanup(subprocess.run, ["rm", "-rf", cls.folder])
        cls.hop = cls.share(Peer())
        cls.implicit, cls.hidden, cls.none = free_port(), free_port(), free_port()
        cls.acc = Instance(smtproutes=cls.hop.route, tlscert=[
            "* " + certificate(cls.folder, "a", "a"), "mx.b.example " + certificate(cls.folder, "b"),
            "*.c.example " + certificate(cls.folder, "c", "c")])
        cls.acc.set("listen", [f"127.0.0.1:{cls.acc.port}", f"127.0.0.1:{cls.implicit} mx tls",
                               f"127.0.0.1:{cls.hidden} connegtls", f"127.0.0.1:{cls.none} notls"])
        cls.share(cls.acc)

    def client(self, port=None, **kw):
        return Client(port or self.acc.port, **kw)

    def deliver(self, c, text="Hello."):
        """A message by a session; it comes back as the hop has it."""
        before = len(self.hop.messages)
        c.ehlo()
        c.must("250", "MAIL FROM:<a@gateway.example>")
        c.must("250", f"RCPT TO:<{RCPT}>")
        c.must("354", "DATA")
        c.must("250", data=f"Subject: x\r\n\r\n{text}\r\n.\r\n")
        return wait_for(lambda: self.hop.messages[before:])[0]["data"]

    def logged(self, event):
        return self.acc.log_lines(event=event)

    def pid_of(self, c):
        """The process that serves this client, whom nobody else is beside."""
        port = c.socket.getsockname()[1]
        out = subprocess.run(["ss", "-Htnp", "dport", f"= :{port}"], capture_output=True, text=True).stdout
        return int(re.search(r'"accord-smtpd",pid=(\d+)', out)[1])

    def test_the_certificate_of_the_name_in_both_versions(self):
        names = {None: "a", "other.example": "a", "MX.B.example": "b", "mx.c.example": "c", "x.mx.c.example": "a"}
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            for name, want in names.items():
                with self.subTest(name=name, version=version), self.client() as c:
                    c.ehlo()
                    c.secure(name, context(version))
                    shown = c.socket.getpeercert(True)
                    self.assertEqual(ssl.DER_cert_to_PEM_cert(shown).strip(),
                                     open(os.path.join(self.folder, f"{want}.crt")).read().strip())
                    c.ehlo()
                    c.must("221", "QUIT")

    def test_R36_what_is_offered_before_and_after(self):
        with self.client(self.hidden) as c:
            before = c.ehlo()
            self.assertIn("STARTTLS", before)
            self.assertFalse([w for w in before if w.split()[0] in ("CONNEG", "CONPERM", "DRUCOF")])
            c.must("504", "MAIL FROM:<a@gateway.example> CONPERM")
            c.secure()
            c.must("503", "MAIL FROM:<a@gateway.example>")      # EHLO anew
            after = c.ehlo()
            self.assertNotIn("STARTTLS", after)
            self.assertTrue({"CONNEG", "CONPERM"} <= {w.split()[0] for w in after})
            c.must("250", "MAIL FROM:<a@gateway.example> CONPERM")

    def test_what_was_said_in_clear_text_is_forgotten(self):
        with self.client() as c:
            c.ehlo()
            c.must("250", "MAIL FROM:<a@gateway.example>")
            c.must("503", "STARTTLS")                           # a transaction is open
            c.must("250", "RSET")
            c.must("501", "STARTTLS now")
            c.must("220", data=b"STARTTLS\r\nMAIL FROM:<evil@gateway.example>\r\nRCPT TO:<b@far.example>\r\n")
            c.secure(ask=False)
            self.assertEqual(c.cmd("NOOP")[0][:3], "250")       # not the answer to MAIL
            c.must("503", "RCPT TO:<b@far.example>")
            c.must("503", "STARTTLS")
        wait_for(lambda: [l["octets"] for l in self.logged("clear-text-dropped")] == ["59"])

    def test_replies_before_it_stay_in_order(self):
        with self.client() as c:
            c.send(b"EHLO c.example\r\nNOOP\r\nRSET\r\nSTARTTLS\r\n")
            self.assertEqual([c.reply()[-1][:3] for _ in range(4)], ["250", "250", "250", "220"])
            c.secure(ask=False)
            c.ehlo()

    def test_a_message_says_how_it_came(self):
        with self.client() as c:
            c.ehlo()
            c.secure(context=context(ssl.TLSVersion.TLSv1_3))
            data = self.deliver(c, "x" * 900 + "\r\n" + "y" * 40000)
        self.assertRegex(data, rb"(?s)^Received: [^;]*\tby gateway\.example with ESMTPS \(TLSv1\.3 TLS_\w+\)\r\n\tid ")
        self.assertIn(b"y" * 40000, data)
        line = self.logged("tls")[-1]
        self.assertEqual((line["version"], line["client"]), ("TLSv1.3", "127.0.0.1"))
        self.assertIn("TLS_", line["cipher"])

    def test_swaks_by_STARTTLS_and_from_the_first_octet(self):
        for port, option in ((self.acc.port, "--tls"), (self.implicit, "--tlsc")):
            before = len(self.hop.messages)
            out = peers.swaks(port, option, "--from", "a@gateway.example", "--to", RCPT, "--body", "x")
            self.assertIn("TLS started with cipher TLSv1.3:", out)
            self.assertIn(b"with ESMTPS (TLSv1.3", wait_for(lambda: self.hop.messages[before:])[0]["data"])

    def test_from_the_first_octet_and_not_at_all(self):
        with self.client(self.implicit, banner=False) as c:
            c.secure(ask=False)
            self.assertEqual(c.reply()[-1][:3], "220")
            self.assertNotIn("STARTTLS", c.ehlo())
            c.must("221", "QUIT")
        with self.client(self.none) as c:
            self.assertNotIn("STARTTLS", c.ehlo())
            c.must("502", "STARTTLS")
        with Instance() as plain, plain.client() as c:          # no certificate
            self.assertNotIn("STARTTLS", c.ehlo())
            c.must("502", "STARTTLS")

    def test_old_versions_and_noise_get_no_session(self):
        failures = len(self.logged("tls-failed"))
        for line in (b"EHLO clear.example\r\n", b"\x16\x03\x01\x00\x40" + b"\xff" * 64, b"\x80\x2e\x01\x00\x02" * 20):
            with self.client(self.implicit, banner=False) as c:
                c.send(line)
                self.assertNotIn(b"220", c.socket.recv(100))
        r = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{self.implicit}", "-tls1_1", "-cipher",
                            "ALL:@SECLEVEL=0"], input=b"", capture_output=True)
        self.assertIn(b"alert protocol version", r.stderr)
        wait_for(lambda: len(self.logged("tls-failed")) >= failures + 4)

    def test_sessions_are_resumed_and_none_has_a_ticket_key(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            ctx, session, pids = context(version), None, set()
            for n in range(2):
                with self.client() as c:
                    c.ehlo()
                    c.secure(None, ctx, session)
                    c.ehlo()                                    # brings the ticket
                    self.assertEqual(c.socket.session_reused, n == 1)
                    session = c.socket.session
                    pids.add(self.pid_of(c))
            self.assertEqual(len(pids), 2)                      # a process for each

    def test_no_session_process_has_the_private_key(self):
        key = self.acc.pids("key")[0]
        with self.client() as c:
            c.ehlo()
            c.secure()
            c.ehlo()
            pid = self.pid_of(c)
            self.assertIn(pid, self.acc.pids("smtpd"))
            own, theirs = memory(key), [memory(p) for p in {pid, self.acc.pids("smtpd")[0]}]
        for name in "abc":
            wanted = secrets(os.path.join(self.folder, f"{name}.key"))
            self.assertTrue(any(s in own for s in wanted), name)
            for s in wanted:
                for m in theirs:
                    self.assertNotIn(s, m, name)

    def test_an_idle_session_is_small(self):
        with self.client() as c:
            c.ehlo()
            c.secure()
            c.ehlo()
            pid = self.pid_of(c)
            with open(f"/proc/{pid}/smaps_rollup") as f:
                private = sum(int(line.split()[1]) for line in f if line.startswith("Private_"))
        if "san" not in (self.acc.bin or ""):
            self.assertLessEqual(private, 300)

    def test_killed_it_comes_back_and_no_mail_is_lost(self):
        taken = []
        with self.client() as held:
            held.ehlo()
            held.secure()
            for n in range(12):
                if n in (3, 8):
                    self.acc.kill("key")
                try:
                    with self.client() as c:
                        c.ehlo()
                        c.secure()
                        self.deliver(c, f"number {n}")
                        taken.append(n)
                except (AssertionError, OSError):
                    pass        # 454, or closed in the midst of a handshake
            self.deliver(held, "held")                          # what was up stays up
        self.assertGreaterEqual(len(taken), 10)
        have = b"".join(m["data"] for m in self.hop.messages)
        for n in taken:
            self.assertEqual(have.count(b"number %d\r\n" % n), 1)
        self.assertEqual(len(self.acc.pids("key")), 1)


class Files(Shared):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="accord-test-")
        cls.addClassCleanup(subprocess.run, ["rm", "-rf", cls.folder])
        cls.acc = cls.share(Instance())
        cls.first, cls.second = certificate(cls.folder, "one"), certificate(cls.folder, "two")

    def shown(self):
        with self.acc.client() as c:
            c.ehlo()
            c.secure()
            return ssl.DER_cert_to_PEM_cert(c.socket.getpeercert(True)).strip()

    def is_cert(self, pair):
        self.assertEqual(self.shown(), open(pair.split()[0]).read().strip())

    def test_a_reload_brings_certificates_and_a_wrong_one_keeps_the_old(self):
        self.acc.set("tlscert", "* " + self.first)              # there was none
        with self.acc.client() as before:
            before.ehlo()
            self.acc.accord("reload")
            self.is_cert(self.first)
            before.must("502", "STARTTLS")                      # as it began
        with self.acc.client() as before:                       # has the first
            before.ehlo()
            self.acc.set("tlscert", "* " + self.second)
            self.acc.accord("reload")
            self.is_cert(self.second)
            before.secure()
            self.assertEqual(ssl.DER_cert_to_PEM_cert(before.socket.getpeercert(True)).strip(),
                             open(self.first.split()[0]).read().strip())
        cert, key = self.first.split()
        other = self.second.split()[1]
        noise = os.path.join(self.folder, "noise")
        with open(noise, "w") as f:
            f.write("no key")
        locked = os.path.join(self.folder, "locked.key")
        subprocess.run(["openssl", "pkcs8", "-topk8", "-in", key, "-out", locked, "-passout", "pass:x"], check=True)
        os.chmod(locked, 0o644)
        for line, want in ((f"* {cert} {other}", f"{other}: expected the private key of the first certificate in"),
                           (f"* {cert} {self.folder}/none", f"{self.folder}/none: expected a file that can be read"),
                           (f"* {cert} {noise}", f"{noise}: expected a private key in PEM"),
                           (f"* {cert} {locked}", f"{locked}: expected a private key in PEM, without a passphrase"),
                           (f"* {noise} {key}", f"{noise}: expected certificates in PEM"),
                           (f"* {cert} {self.folder}", f"{self.folder}: expected a regular file"),
                           (f"* {cert}", "expected NAME CERTFILE KEYFILE")):
            with self.subTest(line=line):
                self.acc.set("tlscert", ["# a comment", line])
                for verb in ("reload", "check"):
                    r = self.acc.accord(verb, check=False)
                    self.assertNotEqual(r.returncode, 0)
                    self.assertIn(f"tlscert:2: {want}", r.stderr.decode())
        self.acc.set("tlscert", "* " + self.second)
        self.assertIn(b"right", self.acc.accord("check").stdout)
        self.is_cert(self.second)

    def test_an_old_certificate_is_a_warning(self):
        self.acc.set("tlscert", "* " + self.first)
        self.acc.step_clock(60 * 86400)
        self.acc.accord("reload")
        self.assertIn("expired", self.acc.log_lines(event="certificate")[-1]["why"])
        self.is_cert(self.first)
        self.acc.step_clock(-60 * 86400)

    def test_TLS_without_a_certificate_is_an_error(self):
        with open(os.path.join(self.acc.control, "listen")) as f:
            was = f.read().strip()
        self.acc.set("tlscert", "")
        for option in ("tls", "connegtls"):
            self.acc.set("listen", [was, f"127.0.0.1:{free_port()} mx {option}"])
            r = self.acc.accord("check", check=False)
            self.assertIn("listen:2: expected a certificate in the setting tlscert", r.stderr.decode())
        self.acc.set("listen", was)


if __name__ == "__main__":
    unittest.main()
