# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""AUTH as a client: the setting routeauth, and TLS from the first octet.  The hops are Python's, by ssl (OpenSSL)."""
import base64
import os
import re
import socket
import ssl
import subprocess
import tempfile
import threading
import unittest

import test_tls_out
from harness import Instance, Peer, Session, Shared, free_port, wait_for
from test_tls import memory

# the first is longer than what is said behind it, which lies in the same memory
PASSWORDS = {"one": "pass word of hop one: äöü, " + "and quite a long one at that " * 6 + "8463!", "two": "the-secret-of-hop-two-8462", "wrong": "not-the-password-of-anybody"}


class AuthPeer(test_tls_out.SecurePeer):
    """A hop that takes no mail before a login.  methods: what its EHLO offers under TLS, clear: and in clear.  first: TLS
    from the first octet.  tokens: what XOAUTH2 takes."""

    def __init__(self, cert, key, users=(), methods="PLAIN LOGIN XOAUTH2", clear="", first=False, answer=None, **kw):
        self.users, self.methods, self.clear, self.first, self.fixed = dict(users), methods, clear, first, answer
        kw.setdefault("on", {}).update({"AUTH": self.auth, "MAIL": self.mail, "CONNECT": self.connect})
        super().__init__(cert, key, **kw)

    def connect(self, session, _):
        session.user = None
        if self.first:
            try:
                session.sock = self.context.wrap_socket(session.sock, server_side=True)
            except (ssl.SSLError, OSError) as e:
                session.lines.append(("S", f"(no TLS: {e})"))
                return False
            session.file = session.sock.makefile("rb")

    def ehlo(self, session, _):
        secure = isinstance(session.sock, ssl.SSLSocket)
        methods = self.methods if secure else self.clear
        words = list(test_tls_out.EXT) + ([] if secure else ["STARTTLS"]) + ([f"AUTH {methods}"] if methods else [])
        return "\n".join(f"250-{w}" for w in ["hop.example"] + words[:-1]) + f"\n250 {words[-1]}"

    def mail(self, session, _):
        return None if session.user else "530 5.7.0 who are you?"

    def ask(self, session, challenge):
        session.say("334 " + challenge)
        line = session.file.readline().decode().rstrip("\r\n")
        session.lines.append(("C", line))
        return line

    def judge(self, session, user, secret):
        if self.fixed:
            return self.fixed
        if self.users.get(user) != secret:
            return "535 5.7.8 no such user or password"
        session.user = user
        return "235 2.7.0 welcome"

    def auth(self, session, line):
        words = line.split(" ")
        if not isinstance(session.sock, ssl.SSLSocket):
            return "538 5.7.11 in clear?"
        if words[1] == "PLAIN":
            _, user, secret = base64.b64decode(words[2], validate=True).decode().split("\0")
            return self.judge(session, user, secret)
        if words[1] == "LOGIN":
            user = base64.b64decode(self.ask(session, "VXNlcm5hbWU6"), validate=True).decode()
            return self.judge(session, user, base64.b64decode(self.ask(session, "UGFzc3dvcmQ6"), validate=True).decode())
        user, bearer, *rest = base64.b64decode(words[2], validate=True).decode().split("\1")
        assert rest == ["", ""], rest
        said = self.judge(session, user.removeprefix("user="), bearer.removeprefix("auth=Bearer "))
        if said.startswith("5"):
            challenge = base64.b64encode(b'{"status":"401","schemes":"bearer"}').decode()
            assert self.ask(session, challenge) == ""
        return said


class NameServer:
    """A of any name is 127.0.0.1, and there is nothing else."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.setting = f"127.0.0.1@{self.socket.getsockname()[1]}"

    def __enter__(self):
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.socket.sendto(b"", self.socket.getsockname())
        self.thread.join()
        self.socket.close()

    def serve(self):
        while (got := self.socket.recvfrom(512))[0]:
            query, client = got
            end = query.index(b"\0", 12) + 5
            a = query[end - 4:end - 2] == b"\0\1"
            answer = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\1" if a else b""
            self.socket.sendto(query[:2] + b"\x81\x80\0\1" + bytes([0, a]) + bytes(4) + query[12:end] + answer, client)


class Out(Shared):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="accord-test-")
        cls.addClassCleanup(subprocess.run, ["rm", "-rf", cls.folder])
        os.chmod(cls.folder, 0o755)
        ca, cakey = test_tls_out.make(cls.folder, "authority.example")
        own = test_tls_out.make(cls.folder, "hop.example")
        signed = test_tls_out.make(cls.folder, "relay.example", "-CA", ca, "-CAkey", cakey)
        users = {"one": PASSWORDS["one"], "two": PASSWORDS["two"], "robot@one.example": "ya29.token-1"}

        def hop(**kw):
            return cls.share(AuthPeer(*signed, **{"users": users, **kw}))
        cls.hops = {
            "plain": hop(), "login": hop(methods="LOGIN"), "token": hop(methods="XOAUTH2"), "first": hop(first=True),
            "unnamed": hop(methods="CRAM-MD5"), "busy": hop(answer="454 4.7.0 later"), "wrong": hop(), "clear": hop(
                clear="PLAIN", ext=test_tls_out.EXT), "refuses": hop(refuses="454 4.7.0 not now", clear="PLAIN"),
            "stranger": cls.share(AuthPeer(*own, users=users)), "never": hop(clear="PLAIN"), "two": hop(), "gone": hop(),
            "halted": hop(answer="334 more?"), "other": cls.share(Peer()),
            "named": hop(), "misnamed": hop(),
        }
        at = {name: f"[127.0.0.1]:{h.port}" for name, h in cls.hops.items()}
        at["named"] = f"relay.example:{cls.hops['named'].port}"
        at["misnamed"] = f"other.example:{cls.hops['misnamed'].port}"
        policies = [f"{at[n]} verify=relay.example" for n in ("plain", "login", "token", "unnamed", "busy", "wrong", "halted",
                                                             "two", "gone")]
        policies += [f"{at['first']} encrypt implicit", f"{at['refuses']} may", f"{at['never']} none"]
        auth = [f"{at[n]} plain one secrets/one" for n in ("plain", "first", "unnamed", "busy", "refuses", "stranger",
                                                          "never", "halted")]
        auth += [f"{at['login']} login one secrets/one", f"{at['token']} xoauth2 robot@one.example secrets/token",
                 f"{at['wrong']} plain one secrets/wrong", f"{at['two']} plain two secrets/two",
                 f"{at['gone']} plain one secrets/gone", "RELAY.example plain one secrets/one",
                 "other.example plain one secrets/one"]
        cls.acc = Instance(smtproutes=[f"{n}.example:{a}" for n, a in at.items()], tlspolicy=policies, tlsca=ca,
                           routeauth=auth, nameservers=cls.share(NameServer()).setting)
        os.mkdir(os.path.join(cls.acc.home, "secrets"))         # of who runs the supervisor
        for name, text in {**PASSWORDS, "token": "ya29.token-1", "gone": "x"}.items():
            cls.secret(name, text)
        cls.share(cls.acc)

    @classmethod
    def secret(cls, name, text, mode=0o600):
        path = os.path.join(cls.acc.home, "secrets", name)
        with open(path + ".new", "w") as f:
            f.write(text + "\n")
        os.chmod(path + ".new", mode)
        os.rename(path + ".new", path)

    def said(self, name):
        """What came of a message to the hop of that name: "relayed", or why it waits."""
        reply = self.acc.send("a@gateway.example", [f"b@{name}.example"], "Subject: x\n\nHello.\n")
        ident = re.search(r"[0-9a-v]{16}", reply[-1])[0]
        said = self.acc.logged(1, event="deliver", id=ident)[0]
        if said["result"] == "relayed":
            return "relayed"
        self.assertEqual(said["result"], "deferred", said)
        # the result is said before it is on the disk
        wait_for(lambda: self.acc.accord("queue", "remove", ident, check=False).returncode == 0)
        return said["dsn"] + " " + said["reply"]

    def client_lines(self, name):
        return [line for s in self.hops[name].transcripts() for side, line in s if side == "C"]

    def test_plain(self):
        self.assertEqual(self.said("plain"), "relayed")
        verbs = [line.split()[0] for line in self.client_lines("plain")][:6]
        self.assertEqual(verbs, ["EHLO", "STARTTLS", "EHLO", "AUTH", "MAIL", "RCPT"])
        self.assertTrue(self.acc.logged(1, event="logged-in", method="PLAIN", user="one"))
        self.assertNotIn(base64.b64encode(b"\0one\0" + PASSWORDS["one"].encode()).decode(), self.acc.read_log())

    def test_login(self):
        self.assertEqual(self.said("login"), "relayed")
        self.assertEqual([line for line in self.client_lines("login") if line.startswith("AUTH")], ["AUTH LOGIN"])

    def test_xoauth2_with_a_token_that_is_renewed(self):
        self.assertEqual(self.said("token"), "relayed")
        hop = self.hops["token"]
        hop.users["robot@one.example"] = "ya29.token-2"
        wait_for(lambda: self.client_lines("token")[-1] in ("QUIT", "(closed)"))
        self.assertRegex(self.said("token"), "4.7.8 .*535")
        self.assertTrue(self.acc.logged(1, event="login-refused", method="XOAUTH2"))
        self.assertRegex(self.acc.log_lines(event="login-refused", method="XOAUTH2")[0]["why"], "401")
        self.secret("token", "ya29.token-2")            # no reload: another program wrote it
        self.acc.step_clock(3700)                       # the hop has rested
        self.assertEqual(self.said("token"), "relayed")

    def test_tls_from_the_first_octet(self):
        self.assertEqual(self.said("first"), "relayed")
        self.assertNotIn("STARTTLS", self.client_lines("first"))

    def test_a_refusal_defers(self):
        self.assertRegex(self.said("wrong"), r"^4\.7\.8 535 5\.7\.8 no such user")
        self.assertTrue(self.acc.logged(1, event="login-refused", user="one"))
        self.assertRegex(self.said("busy"), r"^4\.7\.0 454")
        self.assertRegex(self.said("halted"), r"^4\.7\.8 502")
        self.assertIn("*", self.client_lines("halted"))
        self.assertFalse([line for line in self.client_lines("wrong") if line.startswith("MAIL")])

    def test_a_method_that_is_not_offered(self):
        self.assertRegex(self.said("unnamed"), "^4.7.4 .*does not offer the method")
        self.assertFalse([line for line in self.client_lines("unnamed") if line.startswith(("AUTH", "MAIL"))])

    def test_never_in_clear(self):
        for name, why in (("refuses", "4.7.4 TLS is wanted"), ("never", "4.7.11 .*there is no TLS")):
            self.assertRegex(self.said(name), why)
            self.assertFalse([line for line in self.client_lines(name) if line.startswith(("AUTH", "MAIL"))], name)

    def test_who_has_no_policy_is_verified(self):
        """An address names nobody; the certificate that was asked for could be anybody's."""
        self.assertRegex(self.said("stranger"), "4.7.5 .*verify=NAME")
        self.assertFalse([line for line in self.client_lines("stranger") if line.startswith("AUTH")])

    def test_the_routes_name_is_the_certificates(self):
        """Of a host with a name and without a policy: nobody has to say more."""
        self.assertEqual(self.said("named"), "relayed")
        self.assertRegex(self.said("misnamed"), "4.7.5 .*[Hh]ostname mismatch")
        self.assertFalse([line for line in self.client_lines("misnamed") if line.startswith("AUTH")])

    def test_a_file_that_is_gone(self):
        os.unlink(os.path.join(self.acc.home, "secrets", "gone"))
        self.assertRegex(self.said("gone"), "4.3.5 .*secrets/gone: expected a file that can be read: No such file")
        self.assertTrue(self.acc.logged(1, event="no-credential"))
        self.secret("gone", PASSWORDS["one"])

    def test_who_is_not_named_gets_no_password(self):
        self.assertEqual(self.said("other"), "relayed")
        self.assertFalse([line for line in self.client_lines("other") if line.startswith("AUTH")])

    def test_explain_does_not_show_it(self):
        text = self.acc.accord("explain", "--from", "a@gateway.example", "--", "b@plain.example",
                               data=b"Subject: x\r\n\r\nx\r\n").stdout.decode()
        self.assertIn("AUTH PLAIN ...", text)
        self.assertNotIn(base64.b64encode(PASSWORDS["one"].encode())[:12].decode(), text)

    def test_a_session_has_its_own_hops_secret_alone(self):
        """Two sessions whose hops are waited for: in no memory is what the other, or any hop's, said in."""
        held, go = [], []

        def hold(name):
            def rcpt(session, _):
                held.append(name)
                wait_for(lambda: go)
            return rcpt
        for name in ("plain", "two"):
            self.hops[name].on["RCPT"] = hold(name)
        try:
            for name in ("plain", "two"):
                self.acc.send("a@gateway.example", [f"b@{name}.example"], "Subject: x\n\nHello.\n")
            wait_for(lambda: len(held) == 2)
            owner = {}
            for pid in self.acc.pids("remote"):
                out = subprocess.run(["ss", "-Htnp"], capture_output=True, text=True).stdout
                ports = re.findall(rf"127\.0\.0\.1:(\d+)\s+users:\(\(\"accord-remote[^)]*pid={pid},", out)
                owner[pid] = [n for n in ("plain", "two") if str(self.hops[n].port) in ports]
            self.assertEqual(sorted(sum(owner.values(), [])), ["plain", "two"])
            for pid, mine in owner.items():
                if not mine and pid != self.acc.pids("remote")[0]:
                    continue                    # another hop's, which may end any moment
                all_of_it = memory(pid)
                self.assertIn(b"secrets/one", all_of_it)        # the search finds what is there
                for name in PASSWORDS:
                    text = PASSWORDS[name].encode()
                    self.assertNotIn(text, all_of_it, (pid, mine, name))
                    coded = base64.b64encode(b"\0" + name.encode() + b"\0" + text)
                    self.assertNotIn(coded[-36:-4], all_of_it, (pid, mine, name))
        finally:
            go.append(1)
            for name in ("plain", "two"):
                del self.hops[name].on["RCPT"]


class Chain(unittest.TestCase):
    def test_another_accord_takes_the_login(self):
        """Its submission listener takes mail of nobody else; the next hop sees that it came with a login."""
        folder = tempfile.mkdtemp(prefix="accord-test-")
        self.addCleanup(subprocess.run, ["rm", "-rf", folder])
        os.chmod(folder, 0o755)
        ca, cakey = test_tls_out.make(folder, "authority.example")
        cert, key = test_tls_out.make(folder, "relay.example", "-CA", ca, "-CAkey", cakey)
        os.chmod(key, 0o644)            # accord runs as an ordinary user here
        port = free_port()
        with Peer() as hop, Instance(me="relay.example", smtproutes=hop.route, auth="passwd", tlscert=f"* {cert} {key}",
                                     senders="gate@relay.example @gateway.example",
                                     listen=f"127.0.0.1:{port} submission") as far:
            far.accord("passwd", "gate@relay.example", data=b"a good one\n")
            far.accord("reload")
            route = f"[127.0.0.1]:{port}"
            near = Instance(smtproutes=":" + route, tlspolicy=f"{route} verify=relay.example", tlsca=ca, routeauth=[
                f"{route} plain gate@relay.example {folder}/secret"])
            with open(os.path.join(folder, "secret"), "w") as f:
                f.write("a good one\n")
            os.chmod(f.name, 0o600)
            with near:
                near.send("a@gateway.example", ["b@far.example"], "From: <a@gateway.example>\n\nHello.\n")
                got = wait_for(lambda: hop.messages)[0]["data"].decode()
            self.assertRegex(got, r"by relay\.example with ESMTPSA")


class Files(unittest.TestCase):
    def refused(self, line, why, text="secret\n", mode=0o600):
        acc = Instance(routeauth=line)
        path = os.path.join(acc.home, "secret")
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, mode)
        os.symlink("secret", os.path.join(acc.home, "link"))
        with self.assertRaisesRegex(AssertionError, "routeauth:1: .*" + why):
            acc.start()
        acc.stop()

    def test_files_that_others_could_read_or_write(self):
        good = "relay.example:587 plain one "
        self.refused(good + "secret", "nobody but its owner", mode=0o640)
        self.refused(good + "secret", "nobody but its owner", mode=0o602)
        self.refused(good + "none", "none: expected a file that can be read")
        self.refused(good + "link", "link: expected a file that can be read")
        self.refused(good + "control", "expected a regular file")
        self.refused(good + "secret", "1 to 4096 octets", "")
        self.refused(good + "secret", "one line without control", "one\ntwo\n")
        self.refused(good + "secret", "regular file of one line", "x" * 5000)
        if os.getuid() == 0:
            acc = Instance(routeauth=good + "secret")
            path = os.path.join(acc.home, "secret")
            with open(path, "w") as f:
                f.write("secret\n")
            os.chown(path, 1, 1)
            os.chmod(path, 0o600)
            with self.assertRaisesRegex(AssertionError, "routeauth:1: .*(file of root's|Permission denied)"):
                acc.start()
            acc.stop()

    def test_wrong_lines(self):
        for line in ("relay.example", "relay.example cram one file", "relay.example plain one", "* plain one file",
                     ".example plain one file", "relay.example plain one file more", "a/b plain one file",
                     "relay.example plain " + "u" * 256 + " file"):
            acc = Instance(routeauth=line)
            self.assertIn("routeauth:1: expected HOST", str(acc.accord("check", check=False)), line)
        acc = Instance(routeauth=["a.example plain one file", "A.example login two file"])
        self.assertIn("routeauth:2: expected each next hop once", str(acc.accord("check", check=False)))


if __name__ == "__main__":
    unittest.main()
