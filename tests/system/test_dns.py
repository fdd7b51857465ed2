# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""Names: mail to domains without a route, in a network of its own with Debian's nsd, port 25 as in life.
RFC 5321 5.1, RFC 7505 (null MX), RFC 2181 10.3."""
import itertools
import os
import re
import tempfile
import threading
import time
import unittest

from harness import ORDINARY, Instance, Peer, wait_for
from world import NSD_ADDR, TAP_ADDR, Silent, Tap, World, run

TEXT = "Subject: a line\n\nx\n"
OURS, A, B, DEAD, SLOW_HOST = "192.0.2.1", "192.0.2.11", "192.0.2.12", "192.0.2.13", "192.0.2.14"
LATE = "192.0.2.15"             # of no interface at first
A6, DEAD6 = "2001:db8::11", "2001:db8::13"
ADDRESSES = [OURS, A, B, DEAD, SLOW_HOST, A6, DEAD6]

EXAMPLE = f"""$ORIGIN example.
$TTL 300
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A {NSD_ADDR}
gateway A {OURS}
a A {A}
b A {B}
dead A {DEAD}
slowhost A {SLOW_HOST}
pref MX 20 b
pref MX 10 A
equal MX 10 a
equal MX 10 b
implicit A {A}
null MX 0 .
nearlynull MX 0 .
nearlynull MX 10 a
void TXT "nothing here"
alias CNAME pref
chain CNAME alias
loop1 CNAME loop2
loop2 CNAME loop1
mxalias MX 10 ahost
ahost CNAME a
self MX 10 gateway
self MX 20 a
selfaddr MX 10 nick
selfaddr MX 20 a
nick A {OURS}
backup MX 10 a
backup MX 10 b
backup MX 20 gateway
level MX 10 a
level MX 10 gateway
wild MX 10 wildhost
wildhost A {DEAD}
late1 MX 10 latehost
late2 MX 10 latehost
late3 MX 10 latehost
latehost A {LATE}
first MX 10 dead
first MX 20 b
slow MX 10 slowhost
slow MX 20 b
slow2 MX 10 slowhost
slow2 MX 20 b
six MX 10 sixhost
sixhost AAAA {A6}
both MX 10 bothhost
bothhost AAAA {DEAD6}
bothhost A {A}
ghost MX 10 nowhere
halfghost MX 10 nowhere
halfghost MX 20 a
odd MX 10 bad\\032name
inward MX 10 inwardhost
inwardhost A 127.0.0.1
named A {B}
named MX 10 a
big MX 5 a
""" + "".join(f"big MX {10 + i} some-long-name-of-a-host-{i}\nsome-long-name-of-a-host-{i} A {DEAD}\n"
               for i in range(90))

SIGNED = f"""$ORIGIN ZONE
$TTL 300
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A {NSD_ADDR}
good MX 10 a
a A {A}
plain A {A}
_conneg._tcp.good SRV 10 0 25 a
"""


class Names(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world, cls.trouble = World(ADDRESSES, {"example.": EXAMPLE}), None
        try:
            cls.world.__enter__()
        except AssertionError as e:
            cls.trouble = str(e)

    @classmethod
    def tearDownClass(cls):
        if cls.trouble is None:
            cls.world.__exit__()

    def setUp(self):
        if self.trouble is not None:
            self.fail(self.trouble)
        self.tap = self.world.tap
        self.tap.mode = "pass"
        self.tap.questions.clear()
        self.tap.broken.clear()

    def accord(self, **settings):
        settings.setdefault("nameservers", TAP_ADDR)
        acc = Instance(**settings)
        if "listen" not in settings:
            acc.set("listen", [f"127.0.0.1:{acc.port}", f"{OURS}:25"])
        return acc

    def failure(self, acc, domain):
        """The report's status, and its text."""
        acc.send("postmaster@gateway.example", [f"r@{domain}"], TEXT)
        report = wait_for(acc.maildir)[0].decode()
        return re.search(r"(?m)^Status: (\S+)", report).group(1), report

    def deferral(self, acc, to):
        acc.send("a@client.example", [to], TEXT)

        def tried():
            q = acc.queue()
            return q and q[0]["recipients"][0]["attempts"] and q[0]["recipients"][0]["last_reply"]
        return wait_for(tried, 60)

    def goes(self, domain, to, **settings):
        """Mail for domain arrives at the host `to` alone; returns the log's "connected"."""
        with Peer(host=A, port=25) as a, Peer(host=B, port=25) as b, self.accord(**settings) as acc:
            acc.send("x@client.example", [f"r@{domain}"], TEXT)
            wait_for(lambda: a.messages or b.messages)
            acc.wait_empty()
            self.assertEqual((len(a.messages), len(b.messages)), (to == A, to == B))
            line, = acc.log_lines(event="connected")
            self.assertIn(f"[{to}]:25", line["relay"])
            done, = acc.log_lines(event="deliver", result="relayed")
            self.assertEqual(done["relay"], line["relay"])
            return line

    def test_preference(self):
        line = self.goes("pref.example", A)
        self.assertEqual(line["relay"], f"a.example [{A}]:25")
        self.assertEqual((line["source"], line["preference"], line["dnssec"]), ("mx", "10", "insecure"))

    def test_equal_preference_is_spread(self):
        with Peer(host=A, port=25) as a, Peer(host=B, port=25) as b, self.accord() as acc:
            for n in range(60):
                acc.send("x@client.example", ["r@equal.example"], TEXT)
                wait_for(lambda: len(a.messages) + len(b.messages) == n + 1)
                acc.wait_empty()
                for pid in acc.pids("remote")[1:]:
                    os.kill(pid, 15)            # the next message has a session of its own
                wait_for(lambda: not acc.pids("remote")[1:])
                if len(a.messages) > 2 and len(b.messages) > 2:
                    return
            self.fail(f"{len(a.messages)} to one, {len(b.messages)} to the other")

    def test_implicit_mx(self):
        self.assertEqual(self.goes("implicit.example", A)["source"], "implicit")

    def test_upper_case_domain(self):
        self.goes("PREF.Example", A)

    def test_alias_of_a_domain(self):
        self.goes("alias.example", A)
        self.goes("chain.example", A)

    def test_mx_that_is_an_alias(self):
        self.goes("mxalias.example", A)

    def test_null_mx_among_others_is_none(self):
        self.goes("nearlynull.example", A)

    def test_mx_without_host_is_passed(self):
        self.goes("halfghost.example", A)

    def test_more_records_than_fit_a_datagram(self):
        self.goes("big.example", A, nameservers=NSD_ADDR)

    def test_named_route_is_a_host(self):
        line = self.goes("r.example", B, smtproutes="r.example:named.example:25")
        self.assertEqual(line["source"], "route")
        self.assertEqual(self.tap.asked("named.example", "MX"), 0)

    def test_permanent_failures(self):
        for domain, status in (("null.example", "5.1.10"), ("nosuch.example", "5.1.2"),
                               ("void.example", "5.4.4"), ("ghost.example", "5.4.4"),
                               ("odd.example", "5.4.4"), ("inward.example", "5.4.4"),
                               ("self.example", "5.4.6"), ("selfaddr.example", "5.4.6"),
                               ("level.example", "5.4.6"), ("[192.0.2.1]", "5.4.6")):
            with self.subTest(domain), Peer(host=A, port=25) as a, self.accord() as acc:
                got, report = self.failure(acc, domain)
                self.assertEqual(got, status, report)
                self.assertEqual(a.sessions, [])
                acc.wait_empty()

    def test_loop_through_a_listener_of_all_addresses(self):
        with self.accord(listen=["0.0.0.0:25"]) as acc:
            acc.port = 25
            self.assertEqual(self.failure(acc, "wild.example")[0], "5.4.6")

    def test_loop_through_an_address_that_came_up_later(self):
        """And one that has gone again is another's, without a reload or with one."""
        def late(what):
            run("ip", "addr", what, f"{LATE}/32", "dev", "lo")
        with self.accord(listen=["0.0.0.0:25"]) as acc:
            acc.port = 25
            self.assertIn("unreachable", self.deferral(acc, "r@late1.example"))
            late("add")
            try:
                acc.step_clock(6)
                self.assertEqual(self.failure(acc, "late2.example")[0], "5.4.6")
            finally:
                late("del")
            acc.accord("reload")
            acc.send("a@client.example", ["r@late3.example"], TEXT)
            self.assertEqual(acc.logged(1, event="deliver", to="r@late3.example")[0]["dsn"], "4.4.1")

    def test_backup_host_sends_only_upwards(self):
        with Peer(host=B, port=25) as b, self.accord() as acc:      # a is down, we are the third
            acc.send("x@client.example", ["r@backup.example"], TEXT)
            wait_for(lambda: b.messages)
            acc.wait_empty()
        with self.accord() as acc:
            reply = self.deferral(acc, "r@backup.example")
            self.assertIn("refused", reply)
            self.assertEqual(len(acc.logged(2, event="hop-failed")), 2)

    def test_address_literals_need_no_dns(self):
        self.assertEqual(self.goes(f"[{A}]", A)["source"], "literal")
        with Peer(host=A6, port=25) as six, self.accord() as acc:
            acc.send("x@client.example", [f"r@[IPv6:{A6}]"], TEXT)
            wait_for(lambda: six.messages)
        self.assertEqual(self.tap.questions, [])

    def test_route_to_an_address_needs_no_dns(self):
        with Peer(host=A, port=25) as a, self.accord(smtproutes=f":[{A}]") as acc:
            acc.send("x@client.example", ["r@null.example"], TEXT)
            wait_for(lambda: a.messages)
            self.assertEqual(acc.log_lines(event="resolved"), [])
        self.assertEqual(self.tap.questions, [])

    def test_first_host_refuses(self):
        self.goes("first.example", B)

    def test_first_host_says_no(self):
        for banner in ("421 4.3.2 busy", "554 5.3.2 no service here", "521 5.3.2 never"):
            with self.subTest(banner), Peer(host=A, port=25, on={"CONNECT": lambda s, l: banner}) as a, \
                    Peer(host=B, port=25) as b, self.accord() as acc:
                acc.send("x@client.example", ["r@pref.example"], TEXT)
                wait_for(lambda: b.messages)
                self.assertEqual(len(a.sessions), 1)

    def test_first_host_hangs_up(self):
        for verb in ("CONNECT", "EHLO"):
            with self.subTest(verb), Peer(host=A, port=25, on={verb: lambda s, l: False}), \
                    Peer(host=B, port=25) as b, self.accord() as acc:
                acc.send("x@client.example", ["r@pref.example"], TEXT)
                wait_for(lambda: b.messages)

    def test_first_host_does_not_take_it_now(self):
        """RFC 5321 5.1: 4yz, or the end of the connection, before the data: the next host is asked."""
        for verb, reply in (("MAIL", "451 4.3.0 not now"), ("RCPT", "450 4.2.0 grey"), ("DATA", "451 4.3.0 no"),
                            ("MAIL", False), ("RCPT", False), ("DATA", False), ("RCPT", "421 4.3.2 bye")):
            for ext in (("PIPELINING",), ()):
                with self.subTest(verb, reply=reply, ext=ext), \
                        Peer(host=A, port=25, ext=ext, on={verb: lambda s, l: reply}) as a, \
                        Peer(host=B, port=25) as b, self.accord() as acc:
                    acc.send("x@client.example", ["r@pref.example"], TEXT)
                    wait_for(lambda: b.messages)
                    acc.wait_empty()
                    self.assertEqual((len(a.sessions), len(self.whole(a)), len(b.messages)), (1, 0, 1))
                    line = wait_for(lambda: acc.log_lines(event="deliver", result="relayed"))[0]
                    self.assertIn(f"[{B}]:25", line["relay"])
                    self.assertEqual(len(acc.log_lines(event="passed-over")), 1)

    @staticmethod
    def whole(peer):
        return [m for m in peer.messages if m["rcpt"]]

    def test_some_are_taken_by_the_next_host(self):
        grey = {"RCPT": lambda s, l: "450 4.2.0 grey" if b"grey" in l.encode() else None}
        with Peer(host=A, port=25, on=grey) as a, Peer(host=B, port=25) as b, self.accord() as acc:
            acc.send("x@client.example", [f"{n}@pref.example" for n in ("r1", "grey1", "r2", "grey2")], TEXT)
            wait_for(lambda: b.messages)
            acc.wait_empty()
            self.assertEqual([re.search("<(.*?)@", l).group(1) for l in a.said("RCPT")],
                             ["r1", "grey1", "r2", "grey2"])
            self.assertEqual(sorted(re.search("<(.*?)@", l).group(1) for l in b.said("RCPT")),
                             ["grey1", "grey2"])
            self.assertEqual((len(a.messages), len(b.messages)), (1, 1))
            acc.send("x@client.example", ["r3@pref.example"], TEXT)     # the next one begins in front
            wait_for(lambda: len(a.messages) == 2)

    def test_what_the_first_host_said_stands_if_the_next_is_worse(self):
        grey = {"RCPT": lambda s, l: "450 4.2.0 grey"}
        with Peer(host=A, port=25, on=grey), self.accord() as acc:          # b is down
            self.assertIn("grey", self.deferral(acc, "r@pref.example"))
            line = wait_for(lambda: acc.log_lines(event="deliver", result="deferred"))[0]
            self.assertEqual((line["dsn"], f"[{A}]" in line["relay"]), ("4.2.0", True))
        with Peer(host=A, port=25, on=grey, ext=("CONPERM", "CONNEG")), Peer(host=B, port=25) as b, \
                self.accord() as acc:
            acc.send("x@client.example", ["r@pref.example"], TEXT, mail=" CONPERM")
            wait_for(lambda: acc.log_lines(event="deliver", result="deferred"))
            self.assertEqual(acc.log_lines(event="deliver", result="deferred")[0]["dsn"], "4.2.0")
            self.assertEqual(b.messages, [])

    def test_two_hosts_are_asked_and_no_more(self):
        grey = {"RCPT": lambda s, l: "450 4.2.0 grey"}
        with Peer(host=A, port=25, on=grey) as a, Peer(host=B, port=25, on=grey) as b, \
                self.accord() as acc:
            self.assertIn("grey", self.deferral(acc, "r@pref.example"))
            self.assertEqual((len(a.sessions), len(b.sessions)), (1, 1))

    def test_no_second_host_after_the_dot(self):
        with Peer(host=A, port=25, on={"EOD": lambda s, l: False}), Peer(host=B, port=25) as b, \
                self.accord() as acc:
            self.assertIn("no answer to the whole message", self.deferral(acc, "r@pref.example"))
            self.assertEqual(b.sessions, [])

    def test_silent_host_costs_its_timeout_once(self):
        with Silent(SLOW_HOST), Peer(host=B, port=25) as b, self.accord(timeoutconnect="2") as acc:
            began = time.monotonic()
            acc.send("x@client.example", ["r@slow.example"], TEXT)
            wait_for(lambda: b.messages)
            self.assertGreater(time.monotonic() - began, 1.8)
            wait_for(lambda: acc.log_lines(event="hop-failed"))
            for domain in ("slow2.example", "slow.example"):
                wait_for(lambda: not acc.pids("remote")[1:])
                acc.send("x@client.example", [f"r@{domain}"], TEXT)
            wait_for(lambda: len(b.messages) == 3)
            self.assertEqual(len(acc.log_lines(event="hop-failed")), 1)
            self.assertEqual([l["resting"] for l in acc.log_lines(event="resolved")], ["0", "1", "1"])

    @staticmethod
    def mute(test, verb):
        """A hook for Peer: to this it says nothing, until the test is over."""
        over = threading.Event()
        test.addCleanup(over.set)
        return {verb: lambda s, l: not over.wait(600)}

    @staticmethod
    def outlast(acc, what):
        """Five minutes pass, and again if the session had not yet begun to wait, until what happens."""
        wait_for(lambda: what() or acc.step_clock(301), every=2)

    def test_silent_first_host(self):
        """RFC 5321 5.1, 4.5.3.2: it takes the connection and says nothing for the five minutes that it has."""
        for verb in ("CONNECT", "EHLO", "MAIL", "RCPT"):
            with self.subTest(verb), Peer(host=A, port=25, ext=(), on=self.mute(self, verb)) as a, \
                    Peer(host=B, port=25) as b, self.accord() as acc:
                acc.send("x@client.example", ["r@pref.example"], TEXT)
                wait_for(lambda: a.sessions and (verb == "CONNECT" or a.said(verb)))
                self.outlast(acc, lambda: b.messages)
                acc.wait_empty()
                if verb in ("CONNECT", "EHLO"):         # it rests for longer than a retry takes
                    wait_for(lambda: not acc.pids("remote")[1:])
                    acc.step_clock(600)
                    acc.send("x@client.example", ["r2@pref.example"], TEXT)
                    wait_for(lambda: len(b.messages) == 2)
                    self.assertEqual([l["resting"] for l in acc.log_lines(event="resolved")], ["0", "1"])
                self.assertEqual((len(a.sessions), len(acc.log_lines(event="dest-dead"))), (1, 0))

    def test_all_hosts_are_silent(self):
        """The attempt ends with the reason, and not before each was asked."""
        with Peer(host=A, port=25, on=self.mute(self, "CONNECT")) as a, \
                Peer(host=B, port=25, on=self.mute(self, "CONNECT")) as b, self.accord() as acc:
            acc.send("x@client.example", ["r@pref.example"], TEXT)
            wait_for(lambda: a.sessions)
            self.outlast(acc, lambda: b.sessions)
            self.outlast(acc, lambda: acc.log_lines(event="deliver", result="deferred"))
            line = acc.log_lines(event="deliver", result="deferred")[0]
            self.assertEqual((line["dsn"], line["relay"]), ("4.4.2", f"b.example [{B}]:25"))
            self.assertIn("banner: timed out", line["reply"])
            self.assertEqual((len(a.sessions), len(b.sessions)), (1, 1))

    def test_ipv6(self):
        with Peer(host=A6, port=25) as six, self.accord() as acc:
            acc.send("x@client.example", ["r@six.example"], TEXT)
            wait_for(lambda: six.messages)
            line, = acc.log_lines(event="connected")
            self.assertEqual(line["relay"], f"sixhost.example [{A6}]:25")

    def test_ipv4_after_ipv6(self):
        self.goes("both.example", A)

    def test_negative_answers_are_cached(self):
        with self.accord() as acc:
            for n in range(3):
                acc.send("postmaster@gateway.example", ["r@nosuch.example"], TEXT)
                wait_for(lambda: len(acc.maildir()) == n + 1)
            self.assertEqual(self.tap.asked("nosuch.example", "MX"), 1)

    def test_equal_questions_are_one(self):
        self.tap.mode = "drop"
        with Peer(host=A, port=25) as a, self.accord(
                smtproutes=[f"d{i}.example:named2.example:25" for i in range(5)]) as acc:
            for i in range(5):
                acc.send("x@client.example", [f"r@d{i}.example"], TEXT)
            wait_for(lambda: self.tap.asked("named2.example", "A"))
            time.sleep(0.2)
            self.assertLessEqual(self.tap.asked("named2.example", "A"), 2)
            self.assertEqual(a.sessions, [])
            acc.crash()
            acc.start()

    def test_servfail_defers_until_the_server_heals(self):
        self.tap.mode = "servfail"
        with Peer(host=A, port=25) as a, self.accord() as acc:
            self.assertIn("SERVFAIL", self.deferral(acc, "r@pref.example"))
            line, = acc.log_lines(event="deliver", result="deferred")
            self.assertEqual(line["dsn"], "4.4.3")
            self.tap.mode = "pass"
            time.sleep(6)               # libunbound's memory of a failure
            acc.step_clock(100)
            wait_for(lambda: a.messages)
            acc.wait_empty()

    def test_servfail_of_a_mail_host_names_it(self):
        """The MX records are known, an address of one host is not, and another has none: it is said which."""
        self.tap.broken.add("a.example")
        with self.accord() as acc:
            why = "no name server answers for it (SERVFAIL)"
            self.assertIn(f"MX host a.example: {why}", self.deferral(acc, "r@halfghost.example"))
            hosts = {(p["relay"], p["preference"], p["why"]) for p in
                     acc.log_lines(event="no-address", dest="halfghost.example")}
            self.assertEqual(hosts, {("nowhere.example", "10", "no address"), ("a.example", "20", why)})

    def test_endless_alias_defers(self):
        with self.accord() as acc:
            self.deferral(acc, "r@loop1.example")
            self.assertEqual(acc.log_lines(event="deliver", result="deferred")[0]["dsn"], "4.4.3")

    def test_silent_name_server_stops_no_other_mail(self):
        self.tap.mode = "drop"
        with Peer(host=B, port=25) as b, self.accord(smtproutes=f"routed.example:[{B}]:25") as acc:
            for i in range(30):
                acc.send("x@client.example", [f"r@d{i}.example"], TEXT)
            wait_for(lambda: len(self.tap.questions) > 10)
            acc.send("x@client.example", ["r@routed.example"], TEXT)
            wait_for(lambda: b.messages, 5)
            acc.crash()
            acc.start()

    def test_killed_resolver(self):
        self.tap.mode = "drop"
        with Peer(host=A, port=25) as a, self.accord() as acc:
            acc.send("x@client.example", ["r@pref.example"], TEXT)
            wait_for(lambda: self.tap.asked("pref.example"))
            acc.kill("resolver")
            self.tap.mode = "pass"
            wait_for(lambda: len(a.messages) == 1, 15)
            for n in range(3):
                acc.kill("resolver")
                acc.send("x@client.example", ["r@implicit.example"], TEXT)
                wait_for(lambda: len(a.messages) == n + 2, 15)
                wait_for(lambda: acc.pids("resolver"))
            acc.wait_empty()

    def test_B3_B8_conperm_try_all_mx(self):
        """A host without CONPERM and CONNEG, or that refuses the CONPERM it offers, is passed over, if the setting
        says so; where each host is such a one the mail fails."""
        alone, refuses = ("CONPERM",), {"MAIL": lambda s, l: "504 5.3.3 no" if "CONPERM" in l else None}
        useless = {"B3": {"ext": ("8BITMIME",)}, "B8": {"ext": alone, "on": refuses},
                   "B8 asked": {"ext": ("CONPERM", "CONNEG"), "on": refuses}}
        for (row, bad), option in itertools.product(useless.items(), ("yes", "no", "yes, in vain")):
            other = bad if "in vain" in option else {"ext": alone}
            with self.subTest(row=row, option=option), Peer(host=A, port=25, **bad) as a, \
                    Peer(host=B, port=25, **other) as b, \
                    self.accord(negotiation="* conperm_try_all_mx=" + option.split(",")[0]) as acc:
                acc.send("postmaster@gateway.example", ["r@pref.example"], TEXT, mail=" CONPERM")
                if option == "yes":
                    self.assertIn(" CONPERM", wait_for(lambda: b.messages)[0]["mail"])
                    acc.wait_empty()
                    self.assertEqual(acc.maildir(), [])
                else:
                    self.assertIn(b"Status: 5.6.3", wait_for(acc.maildir)[0])
                self.assertEqual(len(b.sessions), option != "no")
                self.assertEqual(len(acc.log_lines(event="passed-over")), option != "no")
                for hop in (a, b) if "in vain" in option else (a,):
                    self.assertEqual(len(hop.said("QUIT")), 1)
                    self.assertEqual(hop.said("RCPT") if row != "B8 asked" else hop.said("DATA"), [])
                self.assertEqual(a.messages, [])

    def test_without_name_server_and_resolv_conf(self):
        """127.0.0.1 is asked, as the C library does; accord starts anyway."""
        with tempfile.TemporaryDirectory(prefix="accord-resolv-") as d:
            empty = os.path.join(d, "empty")
            open(empty, "w").close()
            launcher = ["unshare", "-m", "sh", "-c",
                        f"if [ -e /etc/resolv.conf ]; then mount --bind {empty} /etc/resolv.conf; fi; "
                        f"exec setpriv --reuid={ORDINARY} --regid=$(id -g {ORDINARY}) --clear-groups \"$@\"",
                        "sh"]
            os.chmod(d, 0o755)
            acc = Instance(ORDINARY, launcher, nameservers="# none")
            tap = Tap("127.0.0.1")
            try:
                with Peer(host=A, port=25) as a, acc:
                    self.assertEqual([l["addr"] for l in acc.log_lines(event="nameserver")], ["127.0.0.1@53"])
                    acc.send("x@client.example", ["r@pref.example"], TEXT)
                    wait_for(lambda: a.messages)
                    self.assertTrue(tap.questions)
            finally:
                tap.close()

    def test_other_name_servers_by_a_reload(self):
        """Mail that waits for the old ones asks the new; nothing is lost or deferred."""
        self.tap.mode = "drop"
        with Peer(host=A, port=25) as a, self.accord() as acc:
            acc.send("x@client.example", ["r@pref.example"], TEXT)
            wait_for(lambda: self.tap.asked("pref.example"))
            old, = acc.pids("resolver")
            acc.set("nameservers", NSD_ADDR)
            acc.accord("reload")
            wait_for(lambda: a.messages, 10)
            self.assertEqual([l["addr"] for l in acc.log_lines(event="nameserver")],
                             [f"{TAP_ADDR}@53", f"{NSD_ADDR}@53"])
            self.assertNotEqual(acc.pids("resolver"), [old])
            self.assertEqual(acc.log_lines(event="deliver", result="deferred"), [])
            new = acc.pids("resolver")
            acc.set("timeoutconnect", "7")              # another setting is no reason to begin anew
            acc.accord("reload")
            time.sleep(0.5)
            self.assertEqual(acc.pids("resolver"), new)

    def test_changed_resolv_conf(self):
        with tempfile.TemporaryDirectory(prefix="accord-resolv-") as d:
            conf = os.path.join(d, "resolv.conf")
            with open(conf, "w") as f:
                f.write("nameserver 192.0.2.99\n")
            os.chmod(d, 0o755)
            launcher = ["unshare", "-m", "sh", "-c",
                        f"mount --bind {conf} /etc/resolv.conf; "
                        f"exec setpriv --reuid={ORDINARY} --regid=$(id -g {ORDINARY}) --clear-groups \"$@\"", "sh"]
            with Peer(host=A, port=25) as a, Instance(ORDINARY, launcher, nameservers="# none") as acc:
                self.assertEqual([l["addr"] for l in acc.log_lines(event="nameserver")], ["192.0.2.99@53"])
                with open(conf, "w") as f:
                    f.write(f"nameserver {NSD_ADDR}\n")
                acc.send("x@client.example", ["r@pref.example"], TEXT)
                wait_for(lambda: a.messages, 10)
                resolver = acc.pids("resolver")
                acc.send("x@client.example", ["r@implicit.example"], TEXT)
                wait_for(lambda: len(a.messages) == 2, 10)
                self.assertEqual(acc.pids("resolver"), resolver)

    def test_sessions_that_wait_for_a_name_end_with_their_parent(self):
        self.tap.mode = "drop"
        with Peer(host=A, port=25) as a, self.accord() as acc:
            acc.send("x@client.example", ["r@pref.example"], TEXT)
            wait_for(lambda: self.tap.asked("pref.example"))
            old = acc.pids("remote")[1:]
            self.assertEqual(len(old), 1)
            os.kill(acc.pids("remote")[0], 9)
            wait_for(lambda: not os.path.exists(f"/proc/{old[0]}"), 3)
            self.tap.mode = "pass"
            wait_for(lambda: a.messages, 15)
            acc.wait_empty()
            self.assertEqual(len(a.messages), 1)

    def test_wrong_trust_anchor_is_told_at_start(self):
        acc = self.accord(trustanchor="secure. IN DS what is this no anchor")
        acc.start(expect=False)
        acc.process.wait(10)
        self.assertIn("trustanchor", acc.read_log())


class Signed(unittest.TestCase):
    """DNSSEC: what the trust anchor proves is said to be secure; what contradicts it waits."""

    def test_secure_bogus_and_insecure(self):
        zones = {"secure.": SIGNED.replace("ZONE", "secure."), "bogus.": SIGNED.replace("ZONE", "bogus."),
                 "example.": EXAMPLE}
        world = World(ADDRESSES, zones, signed=("secure.", "bogus."))
        sign = world.sign

        def spoil(name, path):
            path = sign(name, path)
            if name == "bogus.":        # what was signed is not what is said
                with open(path) as f:
                    text = f.read()
                text, n = re.subn(r"(\b(?:MX\s+10|SRV\s+10\s+0\s+25)\s+)a\.bogus\.", r"\1plain.bogus.", text)
                self.assertEqual(n, 2)
                with open(path, "w") as f:
                    f.write(text)
            return path
        world.sign = spoil
        with world, Peer(host=A, port=25) as a, \
                Instance(nameservers=TAP_ADDR, trustanchor=list(self.anchors(world))) as acc:
            for n, (domain, want) in enumerate((("good.secure", "secure"), ("plain.secure", "secure"),
                                                ("pref.example", "insecure"))):
                acc.send("x@client.example", [f"r@{domain}"], TEXT)
                wait_for(lambda: len(a.messages) == n + 1)
                self.assertEqual(acc.log_lines(event="connected")[-1]["dnssec"], want, domain)
            acc.wait_empty()
            acc.send("postmaster@gateway.example", ["r@nosuch.secure"], TEXT)
            self.assertIn(b"Status: 5.1.2", wait_for(acc.maildir)[0])
            acc.send("x@client.example", ["r@good.bogus"], TEXT)
            line = wait_for(lambda: acc.log_lines(event="deliver", result="deferred"), 60)[0]
            self.assertEqual(line["dsn"], "4.4.3")
            self.assertIn("DNSSEC", line["reply"])
            self.assertEqual(len(a.messages), 3)
            acc.accord("caps", "probe", "r@good.secure", check=False)
            line, = acc.log_lines(event="resolved", source="srv")
            self.assertEqual((line["dest"], line["dnssec"]), ("good.secure", "secure"))
            self.assertIn(b"DNSSEC", acc.accord("caps", "probe", "r@good.bogus", check=False).stderr)

    @staticmethod
    def anchors(world):
        return world.anchors.values()
