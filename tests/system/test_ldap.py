# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""Directories: a real slapd as a source of capabilities and of recipients, and what happens when it is slow, stopped,
gone or hostile."""
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import fax
from harness import Instance, Peer, Shared, free_port, wait_for
from slapd import BASE, PASSWORD, READER, Slapd

FAX, FAX_BY_NUMBER, PERSON = "fax=+12025550100@example.com", "fax=+12025550101@example.com", "jo@example.com"
YES, NO, LATER = "250 2.1.5", "550 5.1.1", "451 4.3.0"


def certificate(folder, name):
    cert, key = os.path.join(folder, f"{name}.pem"), os.path.join(folder, f"{name}.key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                    key, "-out", cert, "-subj", f"/CN={name}", "-days", "30", "-addext",
                    f"subjectAltName={'IP:' + name if name[0].isdigit() else 'DNS:' + name}"],
                   check=True, capture_output=True)
    return cert, key


class Directory(Shared):
    """Instances that ask a directory, and relay to a hop."""

    def instance(self, hop, line, **more):
        settings = {"locals": "gateway.example", "rcpthosts": ["gateway.example", "example.com", "other.example"],
                    "relayclients": "192.0.2.1", "smtproutes": hop.route, "capsources": ["cdb:caps.cdb", line],
                    "recipients": f"example.com {line}",
                    "caps": f"cdb@other.example {fax.MMR}", **more}
        return Instance(**settings)

    def rcpt(self, acc, *addresses, ask=""):
        with acc.client() as c:
            c.ehlo()
            c.must("250", "MAIL FROM:<a@client.example>")
            return [c.cmd(f"RCPT TO:<{a}>{ask}") for a in addresses]

    def codes(self, acc, *addresses, ask=""):
        return [lines[-1][:9] for lines in self.rcpt(acc, *addresses, ask=ask)]

    def known(self, acc, address):
        return json.loads(acc.accord("caps", "get", "--json", address, check=False).stdout)


class Answers(Directory):
    @classmethod
    def setUpClass(cls):
        cls.slapd = cls.share(Slapd(entries=f"""
dn: cn=star,{BASE}
objectClass: inetOrgPerson
cn: star
sn: star
mail: (st*ar)\\@example.com

dn: cn=broken,{BASE}
objectClass: device
objectClass: mailMediaCapable
cn: broken
mail: broken@example.com
mediaAcceptFeatures: (& (color=

dn: cn=any,{BASE}
objectClass: device
objectClass: mailMediaCapable
cn: any
mail: any@example.com
mediaAcceptFeatures: any

dn: cn=twice,{BASE}
objectClass: device
objectClass: mailMediaCapable
cn: twice
mail: twin@example.com
mediaAcceptFeatures: {fax.MMR}

dn: cn=thrice,{BASE}
objectClass: device
objectClass: mailMediaCapable
cn: thrice
mail: twin@example.com
mediaAcceptFeatures: {fax.MH}
"""))
        cls.hop = cls.share(Peer())

    def here(self, **more):
        return self.instance(self.hop, f"ldap:{self.slapd.url}", **more)

    def test_recipients_are_those_that_it_has(self):
        with self.here() as acc:
            self.assertEqual(self.codes(acc, PERSON, "Jo@EXAMPLE.com", FAX, "nobody@example.com", "jo+news@example.com",
                                        "nobody+x@example.com", "postmaster@example.com", "who@other.example"),
                             [YES, YES, YES, NO, YES, NO, YES, YES])

    def test_capabilities_and_where_they_are_from(self):
        with self.here() as acc:
            got = self.known(acc, FAX)
            self.assertEqual((got["state"], got["source"], got["since"][:10]), ("known", "ldap", "2026-01-31"))
            self.assertIn("MMR", got["expression"])
            lines, = self.rcpt(acc, FAX, ask=" CONNEG")
            self.assertIn("image-coding=[MH,MMR]", " ".join(lines[1:]))
            by_number = self.known(acc, FAX_BY_NUMBER)["expression"]
            self.assertIn("image-coding=[MH,MR]", by_number)
            self.assertIn("51/49", by_number)
            self.assertEqual(self.known(acc, PERSON)["state"], "none")
            self.assertEqual(self.known(acc, "any@example.com")["state"], "any")
            self.assertEqual(self.known(acc, "cdb@other.example")["source"], "cdb")
            out = acc.accord("caps", "get", FAX).stdout.decode()
            self.assertRegex(out, r"\nfrom ldap, said \d+ days ago\n$")

    def test_what_is_unusable_is_nothing_and_in_the_log(self):
        with self.here() as acc:
            self.assertEqual(self.codes(acc, "broken@example.com", "twin@example.com", ask=" CONNEG"), [YES, YES])
            self.assertEqual(self.known(acc, "broken@example.com")["state"], "none")
            self.assertEqual(self.known(acc, "twin@example.com")["state"], "none")
            whys = {line["to"]: line["why"] for line in acc.logged(2, event="ldap-unusable")}
            self.assertIn("column", whys["broken@example.com"])
            self.assertEqual(whys["twin@example.com"], "more than one entry has the address")

    def test_no_address_is_more_than_an_address_in_a_filter(self):
        with self.here() as acc:
            self.assertEqual(self.codes(acc, '"*"@example.com', '"jo)(mail=*"@example.com', '"j*"@example.com',
                                        "j*@example.com"), [NO] * 4)
            asked = self.slapd.searches()
            self.assertIn(r"(mail=\22jo\29\28mail=\2A\22@example.com)", [s.replace('"', r"\22") for s in asked])
            self.assertEqual([s for s in asked if "*" in s], [])

    def test_answers_are_kept_for_their_time(self):
        with self.instance(self.hop, f"ldap:{self.slapd.url} cache=3600 negative=2") as acc:
            def asked():
                return len(self.slapd.searches())
            before = asked()
            for _ in range(3):
                self.assertEqual(self.codes(acc, PERSON, "absent@example.com"), [YES, NO])
            self.assertEqual(asked() - before, 2)
            acc.accord("caps", "purge", "--all")
            self.assertEqual(self.codes(acc, PERSON, "absent@example.com"), [YES, NO])
            self.assertEqual(asked() - before, 4)
            wait_for(lambda: self.codes(acc, PERSON, "absent@example.com") == [YES, NO] and asked() - before > 4)
            self.assertEqual(asked() - before, 5)       # the one that is not there, after two seconds

    def test_a_mailbox_of_all_others_takes_those_that_it_has(self):
        with self.here(locals=["gateway.example", "example.com"], mailboxes="@example.com maildir:mail/all") as acc:
            self.assertEqual(self.codes(acc, PERSON, "nobody@example.com"), [YES, NO])
            acc.send("a@client.example", [PERSON], b"Subject: x\r\n\r\nx\r\n")
            acc.wait_empty()
            self.assertEqual(len(acc.maildir("mail/all")), 1)

    def test_accord_ldap_killed_comes_back(self):
        with self.here() as acc:
            self.assertEqual(self.codes(acc, PERSON), [YES])
            for pid in acc.pids("ldap"):
                os.kill(pid, signal.SIGKILL)
            wait_for(lambda: self.codes(acc, "any@example.com") == [YES])
            os.kill(acc.pids("ldap")[-1], signal.SIGKILL)       # its worker alone
            wait_for(lambda: self.codes(acc, FAX) == [YES])

    def test_wrong_lines_are_errors(self):
        for line, what in (("ldap:", "expected ldap:ldap://HOST"), ("ldap:http://x/", "expected ldap:ldap://HOST"),
                           ("ldap:ldap://x/ filter=(mail=x)", "filter="), ("ldap:ldap://x/ timeout=0", "timeout="),
                           ("ldap:ldap://x/ binddn=cn=x", "together"),
                           ("ldap:ldap://x/ binddn=cn=x password=pw", "expected ldaps or starttls"),
                           ("ldap:ldap://127.0.0.1/ binddn=cn=x password=nosuch", "capsources:2: nosuch: No such file"),
                           ("ldap:ldap://x/ ldap://y/ ldap://z/", "no more than two")):
            with self.subTest(line):
                acc = self.instance(self.hop, line, recipients="")
                acc.start(expect=False)
                self.assertEqual(acc.first_line, b"")
                self.assertIn(what, acc.read_log())
                acc.stop()


class Trouble(Directory):
    @classmethod
    def setUpClass(cls):
        cls.hop = cls.share(Peer())

    def test_R33_a_stopped_directory_is_not_now_and_delays_nobody_else(self):
        with Slapd() as slapd, self.instance(self.hop, f"ldap:{slapd.url}") as acc:
            self.assertEqual(self.codes(acc, PERSON), [YES])

            def worst(n=60):
                """The slowest of n answers for whom caps.cdb knows, and who is nobody's to look up."""
                slowest = 0
                with acc.client() as c:
                    c.ehlo()
                    c.must("250", "MAIL FROM:<a@client.example>")
                    for i in range(n):
                        began = time.monotonic()
                        c.must("250", "RCPT TO:<cdb@other.example> CONNEG")
                        slowest = max(slowest, time.monotonic() - began)
                return slowest
            usual = worst()
            slapd.signal(signal.SIGSTOP)
            waits, answers = [], []

            def ask(address, how):
                began = time.monotonic()
                answers.append((how, self.codes(acc, address, ask=how)[0]))
                waits.append(time.monotonic() - began)
            threads = [threading.Thread(target=ask, args=(f"u{i}@example.com", how))
                       for i in range(5) for how in ("", " CONNEG", " CONNEG=REQUIRED")]
            for t in threads:
                t.start()
            slow = worst()
            for t in threads:
                t.join()
            self.assertLess(slow, max(0.1, 10 * usual))
            self.assertEqual(sorted(set(answers)), [("", LATER), (" CONNEG", LATER), (" CONNEG=REQUIRED", "404 4.3.3")])
            self.assertLess(max(waits), 4)
            self.assertEqual(self.codes(acc, PERSON), [YES])            # it is still known
            self.assertEqual(self.codes(acc, "postmaster@example.com"), [YES])
            slapd.signal(signal.SIGCONT)
            wait_for(lambda: self.codes(acc, FAX, "nobody@example.com") == [YES, NO], 30)

    def test_a_client_that_names_many_is_not_kept_waiting_for_each(self):
        with Slapd() as slapd, self.instance(self.hop, f"ldap:{slapd.url}") as acc:
            self.assertEqual(self.codes(acc, PERSON), [YES])
            slapd.signal(signal.SIGSTOP)
            began = time.monotonic()
            self.assertEqual(set(self.codes(acc, *[f"u{i}@example.com" for i in range(40)])), {LATER})
            self.assertLess(time.monotonic() - began, 8)

    def test_the_second_server_is_asked_where_the_first_does_not_answer(self):
        with Slapd() as one, Slapd() as two:
            line = f"ldap:{one.url} {two.url} timeout=1"
            with self.instance(self.hop, line) as acc:
                self.assertEqual(self.codes(acc, PERSON), [YES])
                self.assertEqual((len(one.searches()), len(two.searches())), (1, 0))
                one.signal(signal.SIGSTOP)      # it is silent
                wait_for(lambda: self.codes(acc, FAX) == [YES], 12)
                self.assertGreater(len(two.searches()), 0)
                one.signal(signal.SIGCONT)      # it stays with the one that answers, until that does not
                two.stop()
                wait_for(lambda: self.codes(acc, FAX_BY_NUMBER) == [YES], 12)

    def test_nobody_there(self):
        with self.instance(self.hop, f"ldap:ldap://127.0.0.1:{free_port()}/{BASE}") as acc:
            self.assertEqual(self.codes(acc, PERSON, "who@other.example"), [LATER, YES])
            self.assertEqual(self.codes(acc, PERSON, ask=" CONNEG=REQUIRED"), ["404 4.3.3"])
            self.assertTrue(acc.log_lines(event="ldap-unreachable"))

    def test_a_base_that_is_not_there_refuses_nobody(self):
        with Slapd() as slapd, self.instance(self.hop, f"ldap:ldap://127.0.0.1:{slapd.port}/ou=none,dc=example,dc=com") as acc:
            self.assertEqual(self.codes(acc, PERSON), [LATER])
            self.assertIn("No such object", acc.logged(1, event="ldap-refused")[0]["why"])

    def test_whom_a_killed_worker_was_asked_about_is_not_now_at_once(self):
        with Slapd() as slapd, self.instance(self.hop, f"ldap:{slapd.url} timeout=60") as acc, acc.client() as c:
            self.assertEqual(self.codes(acc, PERSON), [YES])
            slapd.signal(signal.SIGSTOP)
            c.ehlo()
            c.must("250", "MAIL FROM:<a@client.example>")
            began = time.monotonic()
            c.send(f"RCPT TO:<{FAX}>\r\n")
            time.sleep(0.2)
            os.kill(acc.pids("ldap")[-1], signal.SIGKILL)
            self.assertEqual(c.reply()[-1][:9], LATER)
            self.assertLess(time.monotonic() - began, 1.2)

    def hostile(self, answer):
        """A server that says this to whatever it is sent; returns its port and how often it was connected to."""
        server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(server.close)
        seen = []

        def run():
            while True:
                try:
                    s, _ = server.accept()
                except OSError:
                    return
                seen.append(s)
                threading.Thread(target=talk, args=(s,), daemon=True).start()

        def talk(s):
            try:
                while s.recv(4096):
                    for piece in answer:
                        s.sendall(piece)
            except OSError:
                pass
        threading.Thread(target=run, daemon=True).start()
        return server.getsockname()[1], seen

    def test_hostile_servers_cost_only_their_own_answers(self):
        huge = b"\x30\x84\x7f\xff\xff\xff" + b"\x02\x01\x01"
        kinds = {"noise": [os.urandom(500)], "silence": [], "huge": [huge], "half": [b"\x30\x20\x02\x01\x01\x64"],
                 "endless": [b"\x30\x0c\x02\x01\x63\x64\x07\x04\x01a\x30\x02\x30\x00"] * 20}
        for name, answer in kinds.items():
            with self.subTest(name):
                port, seen = self.hostile(answer)
                with self.instance(self.hop, f"ldap:ldap://127.0.0.1:{port}/{BASE} timeout=1") as acc:
                    began = time.monotonic()
                    self.assertEqual(self.codes(acc, PERSON, "who@other.example"), [LATER, YES])
                    self.assertLess(time.monotonic() - began, 5)
                    self.assertTrue(seen)
                    self.assertEqual(acc.log_lines(event="died"), [])


class Secrets(Directory):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="accord-ldap-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        os.chmod(cls.folder, 0o755)
        cls.pair, cls.wrong = certificate(cls.folder, "127.0.0.1"), certificate(cls.folder, "127.0.0.2")
        cls.slapd = cls.share(Slapd(closed=True, certificate=cls.pair))
        cls.hop = cls.share(Peer())

    def secret(self, acc, text, mode=0o600):
        path = os.path.join(acc.home, "password")
        with open(path, "w") as f:
            f.write(text + "\n")
        os.chmod(path, mode)
        acc.own()

    def closed(self, url, *options):
        bind = f"binddn={READER} password=password"
        acc = self.instance(self.hop, " ".join([f"ldap:{url}", bind, *options]))
        self.secret(acc, PASSWORD)
        return acc

    @property
    def ldaps(self):
        return f"ldaps://127.0.0.1:{self.slapd.tls_port}/{BASE}"

    def test_with_a_password_by_StartTLS_and_ldaps(self):
        for url, options in ((self.slapd.url, ["starttls", f"ca={self.pair[0]}"]), (self.ldaps, [f"ca={self.pair[0]}"]),
                             (self.slapd.url, [])):
            with self.subTest(url=url, options=options), self.closed(url, *options) as acc:
                self.assertEqual(self.codes(acc, PERSON, "nobody@example.com"), [YES, NO])

    def test_a_certificate_that_nobody_signed_gets_no_password(self):
        for url, options in ((self.slapd.url, ["starttls", f"ca={self.wrong[0]}"]), (self.ldaps, [f"ca={self.wrong[0]}"])):
            with self.subTest(url=url), self.closed(url, *options) as acc:
                binds = self.slapd.log().count(" BIND ")
                self.assertEqual(self.codes(acc, PERSON), [LATER])
                self.assertEqual(self.slapd.log().count(" BIND "), binds)
                self.assertTrue(acc.log_lines(event="ldap-unreachable"))

    def test_a_wrong_password_refuses_nobody_and_a_reload_brings_the_right_one(self):
        acc = self.closed(self.slapd.url)
        self.secret(acc, "wrong")
        with acc:
            self.assertEqual(self.codes(acc, PERSON), [LATER])
            self.assertIn("Invalid credentials", acc.logged(1, event="ldap-unreachable")[0]["why"])
            self.secret(acc, PASSWORD)
            acc.accord("reload")
            wait_for(lambda: self.codes(acc, PERSON) == [YES])
            self.secret(acc, PASSWORD, 0o644)       # others may read it
            r = acc.accord("reload", check=False)
            self.assertIn("capsources:2: password: expected a file that nobody but its owner can read", r.stderr.decode())

    def test_only_its_worker_has_the_password(self):
        acc = self.closed(self.slapd.url)
        acc.set("recipients", f"other.example ldap:{self.slapd.url} binddn={READER} password=second")
        with open(os.path.join(acc.home, "second"), "w") as f:
            f.write("another-directory-has-this\n")
        os.chmod(f.name, 0o600)
        acc.own()
        with acc:
            self.assertEqual(self.known(acc, FAX)["state"], "known")
            have = {}
            for role in ("capd", "smtpd", "control", "remote", "local", "qmgr", "queue"):
                for pid in acc.pids(role):
                    have[role] = have.get(role, False) or self.memory_has(pid, PASSWORD.encode())
            self.assertEqual([r for r in have if have[r]], [])
            worker = acc.pids("ldap")[-1]
            self.assertTrue(self.memory_has(worker, PASSWORD.encode()))
            self.assertFalse(self.memory_has(worker, b"another-directory-has-this"))

    def memory_has(self, pid, what):
        with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
            for line in maps:
                span, access = line.split()[:2]
                low, high = (int(x, 16) for x in span.split("-"))
                if not access.startswith("rw") or high - low > 1 << 28:
                    continue
                try:
                    mem.seek(low)
                    if what in mem.read(high - low):
                        return True
                except OSError:
                    pass
        return False


if __name__ == "__main__":
    unittest.main()
