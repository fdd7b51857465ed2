# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""accord reload: all processes take the new settings, or none does; mail does not notice.  accord stat:
the figures are those of what was sent.  The watchdog."""
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
import unittest

from harness import ACCOUNTS, BIN, SLOW, Client, Instance, Peer, dot, free_port, wait_for


def figures(acc):
    """{(name, (label values…)): value}."""
    out = {}
    for line in acc.accord("stat", "--json").stdout.decode().splitlines():
        f = json.loads(line)
        key = f["name"].replace("accord_", "", 1)
        out[(key, *f["labels"].values()) if f["labels"] else key] = f["value"]
    return out


def reload(acc, code=0):
    r = acc.accord("reload", check=False)
    assert r.returncode == code, f"wanted {code}, got {r.returncode}: {r.stdout} {r.stderr}"
    return (r.stdout + r.stderr).decode()


class Reload(unittest.TestCase):
    def greeting(self, acc, port=None):
        with Client(port or acc.port) as c:
            return c.banner[0]

    def test_new_values_are_for_the_next_session(self):
        with Instance(sessionsperprocess="100", maxrcpts="100") as acc:
            with acc.client() as used:
                used.ehlo()
                used.must("221", "QUIT")
            with acc.client() as old:
                acc.set("me", "new.example")
                acc.set("locals", "gateway.example")
                self.assertIn("in force", reload(acc))
                self.assertEqual(old.cmd("HELO a.example"), ["250 gateway.example"])
                self.assertEqual(self.greeting(acc), "220 new.example ESMTP accord")
                old.must("250", "MAIL FROM:<a@b.example>")
                old.must("250", "RCPT TO:<postmaster@gateway.example>")
                old.must("354", "DATA")
                old.must("250", data=dot("Subject: x\n\nx\n"))
                acc.set("databytes", "2000")
                reload(acc)
                old.must("250", "EHLO a.example")
                old.must("250", "MAIL FROM:<a@b.example> SIZE=5000")
                old.must("221", "QUIT")
            time.sleep(0.2)
            os.kill(acc.pids("smtpd")[0], signal.SIGSTOP)   # so many at once need all idle processes
            clients = [acc.client(banner=False) for _ in range(12)]
            os.kill(acc.pids("smtpd")[0], signal.SIGCONT)
            for c in clients:
                self.assertEqual(c.reply(), ["220 new.example ESMTP accord"])
                self.assertIn("SIZE 2000", c.ehlo())
                c.must("552", "MAIL FROM:<a@b.example> SIZE=5000")
                c.close()

    def test_a_wrong_value_of_any_kind_keeps_the_old(self):
        wrong = [
            ("databytes", "lots", "databytes:1: expected a number"),
            ("maxerrors", "5\n6", "maxerrors:2: expected one line only"),
            ("me", "not a name", "me:1: expected"),
            ("locals", "a.example\n\nb c", "locals:3: expected"),
            ("relayclients", "127.0.0.0/8\n10.0.0.0/99", "relayclients:2: expected"),
            ("mailboxes", "postmaster@gateway.example pipe:root:cat", "mailboxes:1: expected"),
            ("smtproutes", "# routes\nfar.example", "smtproutes:2: expected"),
            ("mailboxes", "a@gateway.example maildir:a\nA@gateway.example maildir:b",
             "mailboxes:2: expected each address once (the first is line 1)"),
            ("conneg", "* perhaps", "conneg:1: expected"),
            ("negotiation", "* wait=never", "negotiation:1:"),
            ("flush", "sometimes", "flush:1: expected"),
            ("caps", "a@gateway.example (", "caps:1:"),
            ("capsources", "cdb:nosuch.cdb", "nosuch.cdb: No such file"),
            ("capsources", "cdb:caps.cdb\ncdb:b.cdb", "capsources:2: expected each source once"),
            ("retryfirst", "20000", "retrymax: expected at least the value of retryfirst"),
            ("listen", "127.0.0.1", "listen:1: expected"),
            ("listen", "127.0.0.1:2525 lmtp", "listen:1: expected the role mx"),
            ("listen", "192.0.2.77:2525", "listen:1: 192.0.2.77:2525: Cannot assign"),
        ]
        with Instance(caps="b@gateway.example any") as acc:
            for name, text, want in wrong:
                with self.subTest(name=name, text=text):
                    path = os.path.join(acc.control, name)
                    old = open(path).read() if os.path.exists(path) else None
                    acc.set(name, text)
                    acc.set("timeoutsmtpd", "2")    # would be new, and is right
                    said = reload(acc, 1)
                    self.assertIn(want, said)
                    self.assertIn(acc.home, said)
                    self.assertIn("as they were", said)
                    self.assertEqual(self.greeting(acc), "220 gateway.example ESMTP accord")
                    if old is None:
                        os.unlink(path)
                    else:
                        acc.set(name, old)
            self.assertEqual(figures(acc)["reloads_total", "refused"], len(wrong))
            self.assertEqual(figures(acc)["settings"], 1)
            with acc.client() as c:         # timeoutsmtpd was never put in force
                time.sleep(2.5)
                c.ehlo()
            self.assertEqual(len(acc.log_lines(event="reload-refused")), len(wrong))
            self.assertNotIn("caps.cdb.next", os.listdir(acc.home))
            reload(acc)

    def test_a_crash_after_a_refusal_gets_what_is_in_force(self):
        with Instance() as acc:
            acc.set("me", "half.example")       # right, and part of a refused reload
            acc.set("databytes", "lots")        # written into the same file, not beside it
            reload(acc, 1)
            for role in ("smtpd", "qmgr", "queue"):
                pid = acc.kill(role)
                wait_for(lambda: acc.log_lines(event="restart", role=role))
                wait_for(lambda: [p for p in acc.pids(role) if p != pid])
            wait_for(lambda: all(figures(acc)["answering", r] for r in ("smtpd", "qmgr", "queue")))
            self.assertEqual(self.greeting(acc), "220 gateway.example ESMTP accord")
            acc.send("a@b.example", ["postmaster@gateway.example"], "Subject: x\n\nx\n")
            wait_for(acc.maildir)
            acc.set("databytes", "3000")
            reload(acc)
            acc.set("databytes", "lots")        # again in place, and no reload
            acc.kill("smtpd")
            wait_for(lambda: len(acc.log_lines(event="restart", role="smtpd")) == 2)
            wait_for(lambda: figures(acc).get(("answering", "smtpd")))
            with acc.client() as c:
                self.assertEqual(c.banner, ["220 half.example ESMTP accord"])
                self.assertIn("SIZE 3000", c.ehlo())

    def test_listeners_come_and_go(self):
        with Instance() as acc:
            second, busy = free_port(), socket.socket()
            busy.bind(("127.0.0.1", 0))
            busy.listen(1)
            acc.set("listen", [f"127.0.0.1:{acc.port}", f"127.0.0.1:{second} norelay"])
            reload(acc)
            self.greeting(acc)
            with Client(second) as c:
                c.ehlo()
                c.must("250", "MAIL FROM:<a@b.example>")
                c.must("550", "RCPT TO:<x@far.example>")        # norelay
                acc.set("listen", [f"127.0.0.1:{acc.port}"])
                reload(acc)
                with self.assertRaises(ConnectionRefusedError):
                    Client(second)
                c.must("250", "RCPT TO:<postmaster@gateway.example>")   # its session goes on
                c.must("354", "DATA")
                c.must("250", data=dot("Subject: x\n\nx\n"))
            acc.set("listen", [f"127.0.0.1:{acc.port} norelay", f"127.0.0.1:{second}",
                               f"127.0.0.1:{busy.getsockname()[1]}"])
            self.assertIn("listen:3: 127.0.0.1:%d: Address already in use" % busy.getsockname()[1],
                          reload(acc, 1))
            with self.assertRaises(ConnectionRefusedError):
                Client(second)
            with acc.client() as c:
                c.ehlo()
                c.must("250", "MAIL FROM:<a@b.example>")
                c.must("250", "RCPT TO:<x@far.example>")        # still without norelay
            for line in (f"0.0.0.0:{acc.port}", f"127.0.0.1:{acc.port}"):
                acc.set("listen", line)         # the one would not be bound beside the other
                reload(acc)
                self.greeting(acc)
            acc.set("listen", [f"127.0.0.1:{acc.port}"] * 2)
            self.assertIn("listen:2: expected each address and port once", reload(acc, 1))
            acc.set("listen", [f"0.0.0.0:{acc.port}", f"127.0.0.1:{acc.port}"])
            self.assertIn("Address already in use", reload(acc, 1))
            self.greeting(acc)

    def test_connections_that_wait_are_not_lost(self):
        with Instance() as acc:
            smtpd = acc.pids("smtpd")[0]
            for _ in range(5):
                os.kill(smtpd, signal.SIGSTOP)
                waiting = [socket.create_connection(("127.0.0.1", acc.port)) for _ in range(20)]
                acc.process.send_signal(signal.SIGHUP)
                time.sleep(0.05)
                os.kill(smtpd, signal.SIGCONT)
                for s in waiting:
                    s.settimeout(20 * SLOW)
                    self.assertTrue(s.recv(100).startswith(b"220 "))
                    s.close()

    def test_capabilities_are_built_anew(self):
        with Instance(caps="postmaster@gateway.example (color=Binary)") as acc:
            def known():
                return acc.accord("caps", "get", "postmaster@gateway.example",
                                  check=False).stdout.decode()

            before = known()
            self.assertIn("Binary", before)
            acc.set("caps", "postmaster@gateway.example (color=Full)")
            acc.set("maxerrors", "none")
            reload(acc, 1)
            self.assertEqual(known(), before)
            acc.kill("capd")
            wait_for(lambda: acc.log_lines(event="restart", role="capd"))
            wait_for(lambda: figures(acc).get(("answering", "capd")))
            wait_for(lambda: known() == before)
            acc.set("maxerrors", "9")
            reload(acc)
            self.assertIn("Full", known())
            acc.set("capsources", "")
            reload(acc)
            self.assertNotIn("Full", known())

    def test_two_at_once(self):
        with Instance() as acc:
            pid = acc.pids("local")[0]
            os.kill(pid, signal.SIGSTOP)
            said = []
            first = threading.Thread(target=lambda: said.append(reload(acc)))
            acc.set("maxerrors", "7")
            first.start()
            wait_for(lambda: acc.log_lines(event="reload"))
            self.assertIn("under way already", reload(acc, 75))
            acc.process.send_signal(signal.SIGHUP)      # is done after the other
            time.sleep(0.2)
            os.kill(pid, signal.SIGCONT)
            first.join(30)
            self.assertEqual(len(said), 1)
            wait_for(lambda: figures(acc)["reloads_total", "done"] == 2)

    def test_one_that_hangs_refuses_for_all(self):
        with Instance() as acc:
            pid = acc.pids("bounce")[0]
            os.kill(pid, signal.SIGSTOP)
            acc.set("me", "new.example")
            began = time.monotonic()
            self.assertIn("bounce did not answer within 10 seconds", reload(acc, 1))
            self.assertLess(time.monotonic() - began, 15 * SLOW)
            self.assertEqual(self.greeting(acc), "220 gateway.example ESMTP accord")
            f = figures(acc)
            self.assertEqual((f["answering", "bounce"], f["answering", "qmgr"]), (0, 1))
            os.kill(pid, signal.SIGCONT)
            wait_for(lambda: figures(acc)["answering", "bounce"])
            self.assertEqual(self.greeting(acc), "220 gateway.example ESMTP accord")
            reload(acc)
            self.assertEqual(self.greeting(acc), "220 new.example ESMTP accord")
            self.assertEqual(acc.pids("bounce")[0], pid)        # it only heard of it late

    def test_one_that_dies_meanwhile(self):
        with Instance() as acc:
            for role in ("capd", "smtpd", "queue"):
                with self.subTest(role=role):
                    pid = acc.pids(role)[0]
                    refused = len(acc.log_lines(event="reload-refused"))
                    os.kill(pid, signal.SIGSTOP)
                    acc.set("me", f"{role}.example")
                    said = []
                    t = threading.Thread(target=lambda: said.append(reload(acc, 1)))
                    t.start()
                    wait_for(lambda: len(acc.log_lines(event="reload")) > refused)
                    time.sleep(0.1)
                    os.kill(pid, signal.SIGKILL)
                    t.join(30)
                    self.assertIn(f"{role} died meanwhile", said[0])
                    wait_for(lambda: figures(acc).get(("answering", role)))
                    self.assertEqual(self.greeting(acc), "220 gateway.example ESMTP accord")
            reload(acc)
            self.assertEqual(self.greeting(acc), "220 queue.example ESMTP accord")

    def test_control_dies_meanwhile(self):
        with Instance() as acc:
            pid = acc.pids("local")[0]
            os.kill(pid, signal.SIGSTOP)
            acc.set("me", "new.example")
            t = threading.Thread(target=lambda: acc.accord("reload", check=False))
            t.start()
            wait_for(lambda: acc.log_lines(event="reload"))
            acc.kill("control")
            t.join(30)
            self.assertFalse(t.is_alive())
            wait_for(lambda: acc.log_lines(event="reload-refused"))
            os.kill(pid, signal.SIGCONT)    # not before, or its answer may be the last that was waited for
            wait_for(lambda: acc.accord("reload", check=False).returncode == 0)
            self.assertEqual(self.greeting(acc), "220 new.example ESMTP accord")

    def test_only_the_administrator_may(self):
        if os.getuid() != 0:
            self.skipTest("needs another user")
        with Instance() as acc:
            for verb in ("reload", "stat"):
                r = subprocess.run([os.path.join(BIN, "accord"), verb, "-H", acc.home], user="daemon",
                                   capture_output=True)
                self.assertEqual(r.returncode, 1)
                self.assertIn(b"only the administrator", r.stderr)
            self.assertFalse(acc.log_lines(event="reload"))

    def test_what_needs_a_restart_is_said(self):
        with Instance(flush="auto") as acc:
            acc.set("flush", "each")
            self.assertIn("flush: takes effect when accord is started the next time", reload(acc))
            self.assertNotIn("flush", reload(acc))

    def test_limits_of_sessions_follow(self):
        with Instance(concurrencyclient="2", relayclients="192.0.2.1", sessionsperprocess="5") as acc:
            held = [acc.client(), acc.client()]
            self.assertEqual(acc.client().banner[0][:3], "421")
            acc.set("concurrencyclient", "4")
            reload(acc)
            held += [acc.client(), acc.client()]
            self.assertTrue(all(c.banner[0].startswith("220") for c in held))
            self.assertEqual(figures(acc)["smtpd_sessions"], 4)
            acc.set("concurrencyclient", "1")
            reload(acc)
            for c in held:
                c.ehlo()                    # they stay, though they are too many now
                c.close()
            wait_for(lambda: figures(acc)["smtpd_sessions"] == 0)
            with acc.client():
                self.assertEqual(acc.client().banner[0][:3], "421")

    def test_a_session_asks_by_the_settings_it_began_with(self):
        with Instance(mailboxes="a@gateway.example maildir:mail/a",
                      caps="a@gateway.example (color=Binary)") as acc:
            old = []
            for i, name in enumerate("bcdefghijkl"):
                c = acc.client()
                c.ehlo()
                c.must("250", "MAIL FROM:<x@y.example>")
                old.append((c, "abcdefghijkl"[i]))
                acc.set("mailboxes", f"{name}@gateway.example maildir:mail/{name}")
                acc.set("caps", f"{name}@gateway.example (color=Grey)")
                reload(acc)
            for c, name in old[3:]:         # the youngest eight are kept
                self.assertEqual(c.cmd(f"RCPT TO:<{name}@gateway.example>")[-1][:3], "250", name)
                c.must("550", "RCPT TO:<l@gateway.example>")
            old[0][0].must("550", "RCPT TO:<a@gateway.example>")
            with acc.client() as c:
                c.ehlo()
                c.must("250", "MAIL FROM:<x@y.example>")
                c.must("250", "RCPT TO:<l@gateway.example>")
                c.must("550", "RCPT TO:<k@gateway.example>")
            for c, _ in old:
                c.close()

    def test_idle_sessions_out_are_replaced(self):
        with Peer() as hop, Instance(smtproutes=hop.route) as acc:
            for name in ("gateway", "new"):
                acc.set("me", f"{name}.example")
                reload(acc)
                acc.send("a@b.example", ["x@far.example"], "a: b\n\nx\n")
                acc.wait_empty()
            self.assertEqual(hop.said("EHLO"), ["EHLO gateway.example", "EHLO new.example"])

    def test_systemd_is_told(self):
        path = os.path.join("/tmp", f"accord-notify-{os.getpid()}")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.bind(path)
            os.chmod(path, 0o666)
            s.settimeout(10 * SLOW)
            os.environ["NOTIFY_SOCKET"] = path
            acc = Instance()
            try:
                acc.start()
                del os.environ["NOTIFY_SOCKET"]
                self.assertEqual(s.recv(200), b"READY=1\n")
                for code, value in ((0, "5"), (1, "x")):
                    acc.set("maxerrors", value)
                    reload(acc, code)
                    self.assertRegex(s.recv(200), rb"^RELOADING=1\nMONOTONIC_USEC=[0-9]+\n$")
                    self.assertEqual(s.recv(200), b"READY=1\n")
            finally:
                acc.stop()
                os.unlink(path)


class Routes(unittest.TestCase):
    def test_waiting_messages_go_the_new_way(self):
        with Peer() as new, Peer() as still:
            dead = free_port()
            acc = Instance(retryfirst="600", smtproutes=[
                f"a.example:[127.0.0.1]:{dead}", f"b.example:[127.0.0.1]:{still.port}"])
            with acc:
                still.on["RCPT"] = lambda s, l: "450 4.2.1 not now"
                for i in range(20):
                    acc.send("s@c.example", [f"x{i}@a.example", f"y{i}@b.example"], f"N: {i}\n\nx\n")
                wait_for(lambda: len(still.said("RCPT")) >= 20)
                wait_for(lambda: figures(acc)["qmgr_destinations_dead"] == 1)
                acc.set("smtproutes", [f"a.example:[127.0.0.1]:{new.port}",
                                       f"b.example:[127.0.0.1]:{still.port}"])
                reload(acc)
                still.on.clear()
                for _ in range(40):
                    acc.step_clock(300)
                    if not acc.queue():
                        break
                    time.sleep(0.3)
                self.assertEqual(acc.queue(), [])
                self.assertEqual(sorted(r for m in new.messages for r in m["rcpt"]),
                                 sorted(f"RCPT TO:<x{i}@a.example>" for i in range(20)))
                self.assertEqual(len([r for m in still.messages for r in m["rcpt"]]), 20)
                self.assertEqual(figures(acc)["qmgr_destinations_dead"], 0)

    def test_what_is_under_way_is_not_sent_twice(self):
        hold = threading.Event()
        with Peer() as new, Peer(on={"EOD": lambda s, b: hold.wait(30) and None}) as old:
            acc = Instance(retryfirst="5", smtproutes=old.route)
            with acc:
                acc.send("s@c.example", ["x@a.example", "y@b.example"], "N: 1\n\nx\n")
                wait_for(lambda: any("octets)" in l for t in old.transcripts() for _, l in t))
                acc.set("smtproutes", new.route)
                reload(acc)
                for _ in range(5):
                    acc.step_clock(30)
                    time.sleep(0.3)
                self.assertEqual(new.messages, [])
                hold.set()
                acc.wait_empty()
                self.assertEqual((len(old.messages), len(new.messages)), (1, 0))

    def test_what_failed_under_way_goes_the_new_way(self):
        hold = threading.Event()
        with Peer() as new, Peer(on={
                "EOD": lambda s, b: hold.wait(30) and "451 4.3.0 later"}) as old:
            acc = Instance(retryfirst="5", smtproutes=old.route)
            with acc:
                acc.send("s@c.example", ["x@a.example"], "N: 1\n\nx\n")
                wait_for(lambda: any("octets)" in l for t in old.transcripts() for _, l in t))
                acc.set("smtproutes", new.route)
                reload(acc)
                hold.set()
                for _ in range(60):
                    acc.step_clock(10)
                    if not acc.queue():
                        break
                    time.sleep(0.2)
                self.assertEqual((len(old.messages), len(new.messages)), (0, 1))

    def test_a_domain_becomes_local(self):
        with Instance(smtproutes=f":[127.0.0.1]:{free_port()}", retryfirst="600",
                      mailboxes="postmaster@far.example maildir:mail/postmaster") as acc:
            acc.send("s@c.example", ["postmaster@far.example"], "N: 1\n\nx\n")
            wait_for(lambda: figures(acc)["qmgr_deferred_total"])
            acc.set("locals", ["gateway.example", "far.example"])
            reload(acc)
            acc.step_clock(700)
            wait_for(acc.maildir)
            acc.wait_empty()


class Sender(threading.Thread):
    """Sends until it is told to end; what no client may see goes to .errors."""

    def __init__(self, acc, number):
        super().__init__(daemon=True)
        self.acc, self.number, self.sent, self.errors, self.end = acc, number, [], [], False

    def run(self):
        while not self.end:
            name = f"n{self.number}x{len(self.sent)}@far.example"
            try:
                self.acc.send("a@client.example", [name], f"X: {name}\n\nx\n")
                self.sent.append(name)
            except (AssertionError, OSError) as e:
                self.errors.append(repr(e))
                return


class Load(unittest.TestCase):
    def under_load(self, user=None, each="1"):
        with Peer() as one, Peer() as two:
            acc = Instance(user=user, smtproutes=one.route, sessionsperprocess=each,
                           concurrencyincoming="100", retryfirst="1")
            with acc:
                senders = [Sender(acc, i) for i in range(20)]
                for s in senders:
                    s.start()
                second = free_port()
                for i in range(12):
                    acc.set("smtproutes", two.route if i % 2 == 0 else one.route)
                    acc.set("concurrencyremote", str(5 + i))
                    acc.set("concurrencydomain", str(1 + i % 5))
                    acc.set("concurrencyincoming", str(100 - i))
                    acc.set("me", f"gateway{i}.example")
                    acc.set("listen", [f"127.0.0.1:{acc.port}"] + (
                        [f"127.0.0.1:{second}"] if i % 3 else []))
                    if i % 4 == 3:
                        acc.set("maxerrors", "wrong")
                    reload(acc, 1 if i % 4 == 3 else 0)
                    acc.set("maxerrors", "20")
                    time.sleep(0.15)
                for s in senders:
                    s.end = True
                for s in senders:
                    s.join(60)
                self.assertEqual([e for s in senders for e in s.errors], [])
                for name in ("concurrencydomain", "concurrencyremote"):
                    acc.set(name, "40")
                reload(acc)
                sent = sorted(n for s in senders for n in s.sent)
                for _ in range(100):
                    acc.step_clock(30)
                    if not acc.queue():
                        break
                    time.sleep(0.2)
                self.assertEqual(acc.queue()[:3], [], str(figures(acc)))
                got = sorted(r.split("<")[1].split(">")[0] for p in (one, two) for m in p.messages
                             for r in m["rcpt"])
                self.assertGreater(len(sent), 100)
                self.assertGreater(min(len(one.messages), len(two.messages)), 0)
                self.assertEqual(got, sent)
                self.assertEqual([acc.log_lines(event=w) for w in ("fault", "cut-off", "crash")],
                                 [[], [], []])
                f = figures(acc)
                self.assertEqual(f["queue_commits_total"], len(sent))
                self.assertEqual(f["qmgr_delivered_total"], len(sent))
                self.assertEqual(f["reloads_total", "done"], 10)

    def test_one_process_per_session(self):
        self.under_load()

    def test_used_processes(self):
        self.under_load(each="1000")

    def test_with_accounts(self):
        if os.getuid() != 0:
            self.skipTest("needs root")
        self.under_load(user=ACCOUNTS)

    def test_root_binds_low_ports_later(self):
        if os.getuid() != 0:
            self.skipTest("needs root")
        with Instance(user=ACCOUNTS) as acc:
            for port in (587, 465, 989, 990):
                acc.set("listen", [f"127.0.0.1:{acc.port}", f"127.0.0.1:{port}"])
                if acc.accord("reload", check=False).returncode == 0:
                    break
            with Client(port) as c:
                c.ehlo()


class Stats(unittest.TestCase):
    def test_figures_are_those_of_the_load(self):
        with Peer(on={"RCPT": lambda s, l: "550 5.1.1 nobody" if "bad" in l else
                      "450 4.2.1 later" if "later" in l else None}) as hop:
            acc = Instance(smtproutes=hop.route, retryfirst="600", concurrencyincoming="8",
                           concurrencyclient="2", relayclients="192.0.2.1",
                           rcpthosts=["far.example", "gateway.example"])
            with acc:
                for i in range(7):
                    acc.send("postmaster@gateway.example", [f"ok{i}@far.example", f"ko{i}@far.example"],
                             "a: b\n\nx\n")
                acc.send("postmaster@gateway.example", ["bad@far.example"], "a: b\n\nx\n")
                acc.send("postmaster@gateway.example", ["later@far.example"], "a: b\n\nx\n")
                wait_for(lambda: figures(acc)["smtpd_sessions"] == 0)
                held = [acc.client(), acc.client()]
                refused = acc.client()
                self.assertEqual(refused.banner[0][:3], "421")
                wait_for(lambda: figures(acc)["local_deliveries_total"] == 1)
                wait_for(lambda: figures(acc)["qmgr_jobs"] == 0)
                f = figures(acc)
                want = {"smtpd_connections_total": 12, "smtpd_sessions": 2, "smtpd_sessions_max": 8,
                        "queue_commits_total": 10, "qmgr_delivered_total": 15,
                        "qmgr_failed_total": 1, "qmgr_deferred_total": 1, "qmgr_bounced_total": 1,
                        "bounce_reports_total": 1, "local_deliveries_total": 1,
                        "queue_messages": 1, "qmgr_entries": 1, "qmgr_entries_waiting": 1,
                        "qmgr_destinations": 1, "qmgr_destinations_dead": 0,
                        "remote_sessions": 0, "remote_jobs_total": 9, "smtpd_crashes_total": 0,
                        "queue_space_low": 0, "watchdog_kills_total": 0}
                self.assertEqual({k: f[k] for k in want}, want)
                self.assertEqual(sum(v for k, v in f.items() if k[0] == "smtpd_refused_total"), 1)
                self.assertGreater(f["queue_space_octets"], 0)
                self.assertTrue(1 <= f["queue_flushes_total"])
                for c in held:
                    c.close()
                acc.kill("convertd")
                wait_for(lambda: figures(acc).get(("restarts_total", "convertd")) == 1)

    def test_text_for_prometheus(self):
        with Instance() as acc:
            acc.accord("stat")
            text = acc.accord("stat", "--prometheus").stdout.decode()
            self.assertTrue(text.endswith("\n"))
            types, helps, last, done, seen = {}, {}, None, set(), set()
            for line in text.splitlines():
                m = re.fullmatch(r"# (HELP|TYPE) ([a-z_:][a-z0-9_:]*) (\S.*)", line)
                if m:
                    kind, name, rest = m.groups()
                    table = helps if kind == "HELP" else types
                    self.assertNotIn(name, table)
                    self.assertNotIn(name, done)
                    table[name] = rest
                    continue
                m = re.fullmatch(r'([a-z_:][a-z0-9_:]*)((?:\{[a-z_]+="(?:[^"\\\n]|\\[\\"n])*"\})?) '
                                 r"([0-9]+)", line)
                self.assertTrue(m, line)
                name = m[1]
                self.assertNotIn((name, m[2]), seen)
                seen.add((name, m[2]))
                self.assertIn(name, types, "a figure that the table does not have")
                self.assertEqual(types[name] == "counter", name.endswith("_total"), name)
                if name != last:
                    self.assertNotIn(name, done)    # its lines are together
                    done.add(name)
                last = name
            self.assertEqual(set(types), set(helps))
            self.assertGreater(len(types), 30)
            r = acc.accord("stat", "--loud", check=False)
            self.assertEqual(r.returncode, 64)

    def test_many_who_ask_at_once(self):
        with Instance() as acc:
            got = []
            threads = [threading.Thread(target=lambda: got.append(figures(acc)["settings"]))
                       for _ in range(12)]
            for t in threads:
                t.start()
            for t in threads:
                t.join(30)
            self.assertEqual(got, [1] * 12)


class Watchdog(unittest.TestCase):
    def test_one_that_hangs_is_replaced(self):
        with Peer() as hop:
            acc = Instance(smtproutes=hop.route, retryfirst="1")
            with acc:
                pid = acc.pids("remote")[0]
                os.kill(pid, signal.SIGSTOP)
                for _ in range(5):
                    acc.step_clock(10)
                    time.sleep(0.3)
                self.assertEqual(acc.log_lines(event="hangs"), [])
                for _ in range(5):
                    acc.step_clock(10)
                    time.sleep(0.3)
                wait_for(lambda: [p for p in acc.pids("remote") if p != pid])
                hung, = acc.log_lines(event="hangs")
                self.assertEqual((hung["role"], hung["state"], hung["killed"]), ("remote", "T", "1"))
                acc.send("a@b.example", ["x@far.example"], "a: b\n\nx\n")
                acc.wait_empty()
                self.assertEqual(len(hop.messages), 1)
                self.assertEqual(figures(acc)["watchdog_kills_total"], 1)

    def test_a_clock_that_jumps_kills_nobody(self):
        with Instance() as acc:
            for _ in range(20):
                acc.step_clock(3600)
                time.sleep(0.1)
            self.assertEqual(acc.log_lines(event="hangs"), [])
            self.assertEqual(acc.log_lines(event="restart"), [])
