# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""TLS to the next hop: what each policy takes and what it refuses.  The hop's TLS is Python's ssl (OpenSSL)."""
import hashlib
import os
import re
import ssl
import subprocess
import tempfile
import unittest

from harness import Instance, Peer, Session, Shared

EXT = ("PIPELINING", "8BITMIME", "SIZE 0", "ENHANCEDSTATUSCODES")


def make(folder, name, *words):
    """A certificate for NAME, of itself unless words name who signs: (certificate, key)."""
    cert, key = os.path.join(folder, f"{name}.crt"), os.path.join(folder, f"{name}.key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                    key, "-out", cert, "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-days", "30",
                    *words], check=True, capture_output=True)
    return cert, key


class SecurePeer(Peer):
    """A hop that offers STARTTLS.  broken: after its 220 it says something that is no TLS.  before: octets in clear that
    come with the 220.  first: TLS from the first octet."""

    def __init__(self, cert, key, broken=False, before=b"", refuses=None, **kw):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(cert, key)
        self.broken, self.before, self.refuses = broken, before, refuses
        kw.setdefault("ext", EXT + ("STARTTLS",))
        kw.setdefault("on", {})["STARTTLS"] = self.starttls
        kw["on"]["EHLO"] = self.ehlo
        super().__init__(**kw)

    def ehlo(self, session, _):
        secure = isinstance(session.sock, ssl.SSLSocket)
        words = [w for w in self.ext if not (secure and w == "STARTTLS")] + (["CONPERM", "CONNEG"] if secure else [])
        return "\n".join(f"250-{w}" for w in ["hop.example"] + words[:-1]) + f"\n250 {words[-1]}"

    def starttls(self, session, _):
        if self.refuses:
            return self.refuses
        session.lines.append(("S", "220 go"))
        session.sock.sendall(b"220 2.0.0 go\r\n" + self.before)
        if self.broken:
            session.sock.sendall(b"554 this is no TLS at all\r\n" * 20)
            return False
        try:
            session.sock = self.context.wrap_socket(session.sock, server_side=True)
        except (ssl.SSLError, OSError) as e:
            session.lines.append(("S", f"(no TLS: {e})"))
            return False
        session.file = session.sock.makefile("rb")
        session.lines.append(("S", f"({session.sock.version()})"))
        return "250 (unsaid)"


# the usual way to say a reply, but for the one to STARTTLS, which is said already
say = Session.say
Session.say = lambda self, text: None if text == "250 (unsaid)" else say(self, text)


class Out(Shared):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="accord-test-")
        cls.addClassCleanup(subprocess.run, ["rm", "-rf", cls.folder])
        os.chmod(cls.folder, 0o755)
        ca, cakey = make(cls.folder, "authority.example")
        own = make(cls.folder, "hop.example")
        signed = make(cls.folder, "mx.good.example", "-CA", ca, "-CAkey", cakey)
        der = ssl.PEM_cert_to_DER_cert(open(own[0]).read())
        print256 = hashlib.sha256(der).hexdigest()
        cls.plain = cls.share(Peer())
        cls.tls = cls.share(SecurePeer(*own))
        cls.good = cls.share(SecurePeer(*signed))
        cls.broken = cls.share(SecurePeer(*own, broken=True))
        cls.sly = cls.share(SecurePeer(*own, before=b"250-hop.example\r\n250 CONPERM\r\n"))
        cls.sorry = cls.share(SecurePeer(*own, refuses="454 4.7.0 not now"))
        routes, policies = [], []

        def domain(name, hop, policy=None):
            routes.append(f"{name}.example:[127.0.0.1]:{hop.port}")
            if policy:
                policies.append(f"{name}.example {policy}")
        domain("may", cls.tls)
        domain("never", cls.tls, "none")
        domain("must", cls.tls, "encrypt")
        domain("mustplain", cls.plain, "encrypt")
        domain("mayplain", cls.plain)
        domain("maybroken", cls.broken)
        domain("mustbroken", cls.broken, "encrypt")
        domain("maysorry", cls.sorry)
        domain("mustsorry", cls.sorry, "encrypt")
        domain("sly", cls.sly, "encrypt")
        domain("verified", cls.good, "verify=mx.good.example")
        domain("othername", cls.good, "verify=mx.evil.example")
        domain("unsigned", cls.tls, "verify=hop.example")
        domain("noname", cls.good, "verify")
        domain("print", cls.tls, f"fingerprint={'00' * 32},{print256.upper()}")
        domain("badprint", cls.tls, f"fingerprint={'00' * 32}")
        cls.acc = cls.share(Instance(smtproutes=routes, tlspolicy=policies, tlsca=ca))

    def send(self, name, hop):
        """A message: (transcript of the session that had it, what the log says of TLS), or the reason that it waits."""
        before = len(hop.messages)
        with self.acc.client() as c:
            c.ehlo()
            c.must("250", "MAIL FROM:<a@gateway.example>")
            c.must("250", f"RCPT TO:<b@{name}.example>")
            c.must("354", "DATA")
            reply = c.must("250", data="Subject: x\r\n\r\n..dot\r\n" + "a line\r\n" * 5000 + ".\r\n"
                           if name == "may" else "Subject: x\r\n\r\nHello.\r\n.\r\n")
        ident = re.search(r"[0-9a-v]{16}", reply[-1])[0]

        said = self.acc.logged(1, event="deliver", id=ident)[0]
        if said["result"] != "relayed":
            self.acc.accord("queue", "remove", ident)
            return said["dsn"] + " " + said["reply"]
        self.assertEqual(len(hop.messages), before + 1)
        return [s for s in hop.transcripts() if any(f"b@{name}.example" in line for _, line in s)][-1]

    def secure(self, transcript):
        return any(line.startswith("(TLSv") for _, line in transcript)

    def test_may_is_the_default(self):
        got = self.send("may", self.tls)
        self.assertTrue(self.secure(got))
        said = [line.split()[0] for side, line in got if side == "C"][:4]
        self.assertEqual(said, ["EHLO", "STARTTLS", "EHLO", "MAIL"])
        self.assertTrue(self.tls.messages[-1]["data"].endswith(b"\r\n.dot\r\n" + b"a line\r\n" * 5000))
        self.assertTrue(self.acc.logged(1, event="secured", version="TLSv1.3", proof="none"))
        self.assertFalse(self.secure(self.send("mayplain", self.plain)))

    def test_none_is_in_clear(self):
        got = self.send("never", self.tls)
        self.assertFalse(self.secure(got))
        self.assertNotIn("STARTTLS", [line for side, line in got if side == "C"])

    def test_encrypt_takes_nothing_else(self):
        self.assertTrue(self.secure(self.send("must", self.tls)))
        self.assertRegex(self.send("mustplain", self.plain), "4.7.4 .*does not offer STARTTLS")
        self.assertRegex(self.send("mustsorry", self.sorry), "4.7.4 .*not now")
        self.assertRegex(self.send("mustbroken", self.broken), "4.7.5 TLS: handshake")

    def test_may_goes_on_in_clear(self):
        self.assertFalse(self.secure(self.send("maysorry", self.sorry)))
        before = len(self.broken.sessions)
        self.assertFalse(self.secure(self.send("maybroken", self.broken)))
        self.assertEqual(len(self.broken.sessions), before + 2)

    def test_what_came_in_clear_is_not_believed(self):
        """A keyword of the EHLO reply that somebody slipped in before the handshake, or the octets themselves."""
        got = self.send("sly", self.sly)
        if isinstance(got, list):       # its octets were read with the 220
            self.assertTrue(self.secure(got))
        else:                           # or after it, as what should have been TLS
            self.assertRegex(got, "4.7.5")

    def test_verify(self):
        self.assertTrue(self.secure(self.send("verified", self.good)))
        self.assertTrue(self.acc.logged(1, event="secured", proof="authority"))
        self.assertRegex(self.send("othername", self.good), "4.7.5 .*[Hh]ostname mismatch")
        self.assertRegex(self.send("unsigned", self.tls), "4.7.5 .*self.signed")
        self.assertRegex(self.send("noname", self.good), "4.7.5 .*verify=NAME")

    def test_fingerprint(self):
        self.assertTrue(self.secure(self.send("print", self.tls)))
        self.assertRegex(self.send("badprint", self.tls), "4.7.5 .*fingerprints")

    def test_explain_shows_it(self):
        text = self.acc.accord("explain", "--from", "a@gateway.example", "--", "b@may.example", data=b"Subject: x\r\n\r\nx\r\n")
        self.assertIn("secured", str(text))

    def test_authorities_that_are_not_there(self):
        for name, why in (("/nonexistent", "No such file"), ("/etc/passwd", "expected a file of certificates")):
            acc = Instance(tlspolicy="a.example verify", tlsca=name)
            with self.assertRaisesRegex(AssertionError, f"tlsca.*{why}"):
                acc.start()
            acc.stop()

    def test_wrong_lines(self):
        for line in ("a.example", "a.example maybe", "a.example verify=", "a.example fingerprint=12", "a.example may x",
                     "a.example fingerprint=" + "0" * 64 + ",", "a.example encrypt=x"):
            acc = Instance(tlspolicy=line)
            r = acc.accord("check", check=False)
            self.assertIn("tlspolicy:1: expected", str(r), line)


if __name__ == "__main__":
    unittest.main()
