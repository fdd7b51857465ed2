# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""What is easily missed and has no other test: a disk that is full or fails, descriptors that run out,
replies at their longest, a hop that cannot bear one recipient.  tests/README.md lists all claims."""
import contextlib
import os
import pwd
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
import unittest

import fax
from harness import DATA, SLOW, Instance, Peer, crlf, dot, wait_for

TEXT = "From: <s@client.example>\nTo: <b@far.example>\nSubject: a line\n\nbody\n"
SENDER = "postmaster@gateway.example"
BOTH = ["PIPELINING", "8BITMIME", "SIZE 0", "ENHANCEDSTATUSCODES", "CONPERM", "CONNEG"]


def run(*words):
    r = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if r.returncode != 0:
        raise AssertionError(f"{' '.join(words)}: {r.stdout}")


class Door:
    """A next hop that is closed until it is opened."""

    def __init__(self, **on):
        self.open = False
        self.peer = Peer(on={"CONNECT": lambda s, l: None if self.open else "421 4.3.2 later", **on})

    def arrived(self):
        return sorted(r.split("<")[1].split("@")[0] for m in self.peer.messages for r in m["rcpt"])


class Disk(unittest.TestCase):
    """The queue on a small ext4 of its own, made on a file.  Root mounts it."""

    def start(self, inodes=600, megabytes=16, on=None, **settings):
        if os.getuid() != 0:
            self.fail("only root can mount a file system: run the tests as root")
        self.door = Door(**(on or {}))
        self.addCleanup(self.door.peer.close)
        settings.setdefault("retryfirst", "1")
        settings.setdefault("reserve", "0")
        acc = Instance(smtproutes=self.door.peer.route, **settings)
        self.folder = tempfile.mkdtemp(prefix="accord-disk-")
        self.addCleanup(os.rmdir, self.folder)
        self.image = os.path.join(self.folder, "image")
        self.addCleanup(os.unlink, self.image)
        self.mount = os.path.join(acc.home, "queue")
        os.mkdir(self.mount)
        with open(self.image, "wb") as f:
            f.truncate(megabytes << 20)
        run("mkfs.ext4", "-q", "-m", "0", "-b", "1024", "-N", str(inodes), "-E", "root_owner=0:0", self.image)
        run("mount", "-o", "loop", self.image, self.mount)
        self.addCleanup(self.unmount)
        os.rmdir(os.path.join(self.mount, "lost+found"))
        acc.own()
        acc.start()
        self.addCleanup(acc.stop)
        self.filler = os.path.join(self.mount, "filler")
        os.mkdir(self.filler)
        return acc

    def test_a_start_without_room_for_the_control_socket(self):
        """Mail flows, commands wait: the socket comes by itself once there is room, to a control that had
        died and to settings that were read anew meanwhile."""
        if os.getuid() != 0:
            self.fail("only root can mount a file system: run the tests as root")
        with Peer() as hop:
            acc = Instance(smtproutes=hop.route)
            folder = os.path.join(acc.home, "run")
            os.mkdir(folder)
            run("mount", "-t", "tmpfs", "-o", "size=1m,nr_inodes=2,mode=755", "accord-test", folder)
            try:
                acc.own()
                with acc:
                    acc.logged(1, event="no-control")
                    self.post(acc, "one")
                    wait_for(lambda: len(hop.messages) == 1)
                    self.assertIn(b"accord does not run there", acc.accord("stat", check=False).stderr)
                    acc.process.send_signal(signal.SIGHUP)
                    acc.logged(1, event="reloaded", proc=f"start[{acc.process.pid}]")
                    acc.step_clock(6)               # it is tried again, and there is no room yet
                    acc.kill("control")
                    acc.logged(1, event="restart", role="control")
                    run("mount", "-o", "remount,nr_inodes=10", folder)
                    acc.step_clock(6)
                    acc.logged(1, event="control")
                    self.assertEqual(len(acc.log_lines(event="no-control")), 1)
                    wait_for(lambda: acc.accord("stat", check=False).returncode == 0)
                    acc.kill("control")
                    wait_for(lambda: acc.accord("reload", check=False).returncode == 0)
            finally:
                run("umount", "-l", folder)

    def test_a_start_without_room_for_new_capabilities(self):
        """Mail flows, and the old caps.cdb is asked until a reload finds room for the new one.  With no old
        one there is no start: that nothing is known of anybody would be an answer for good."""
        if os.getuid() != 0:
            self.fail("only root can mount a file system: run the tests as root")
        self.door = Door()
        self.addCleanup(self.door.peer.close)
        with tempfile.TemporaryDirectory() as aside:
            acc = Instance(smtproutes=self.door.peer.route, reserve="0", retryfirst="1", caps="old@far.example any")
            acc.log_path = os.path.join(aside, "log")
            shutil.copytree(acc.home, aside, dirs_exist_ok=True)
            run("mount", "-t", "tmpfs", "-o", "size=4m,mode=755", "accord-test", acc.home)
            try:
                shutil.copytree(aside, acc.home, dirs_exist_ok=True)
                self.new_capabilities(acc, os.path.join(acc.home, "filler"))
            finally:
                acc.stop()
                run("umount", "-l", acc.home)

    def new_capabilities(self, acc, filler):
        acc.own()
        self.fill_blocks(filler)
        acc.start(expect=False)
        self.assertEqual(acc.process.wait(10), 1)
        self.assertIn("control/caps: write: No space left on device", acc.read_log())
        os.unlink(filler)
        acc.start()
        self.post(acc, "one")
        acc.stop()
        acc.set("caps", "new@far.example any")
        acc.own()
        self.fill_blocks(filler)
        acc.start()
        acc.logged(1, event="caps-old")
        self.assertIn(b"No space left", acc.accord("reload", check=False).stderr)
        self.let_go(acc)
        wait_for(lambda: self.door.arrived() == ["one"])
        self.assertEqual(self.known(acc), ["old"])
        os.unlink(filler)
        acc.accord("reload")
        self.assertEqual(self.known(acc), ["new"])

    def known(self, acc):
        return [n for n in ("old", "new")
                if acc.accord("caps", "get", f"{n}@far.example", check=False).returncode == 0]

    def unmount(self):
        if os.path.ismount(self.mount):
            run("umount", self.mount)

    def fill_inodes(self):
        with self.assertRaises(OSError):
            for i in range(100000):
                os.close(os.open(os.path.join(self.filler, str(i)), os.O_CREAT | os.O_WRONLY))
        self.assertEqual(os.statvfs(self.mount).f_favail, 0)

    def fill_blocks(self, path=None):
        path = path or os.path.join(self.filler, "blocks")
        with open(path, "wb", buffering=0) as f, self.assertRaises(OSError):
            for size in (65536, 1024):
                try:
                    while f.write(b"x" * size):
                        pass
                except OSError:
                    pass
            os.fsync(f.fileno())
            self.assertEqual(os.statvfs(path).f_bavail, 0)
            raise OSError

    def empty(self):
        for name in os.listdir(self.filler):
            os.unlink(os.path.join(self.filler, name))
        os.sync()

    def post(self, acc, *names, sender=SENDER):
        """Each a message of its own, taken."""
        for name in names:
            acc.send(sender, [f"{name}@far.example"], TEXT)

    def refused(self, acc, text=TEXT, sender=SENDER, name="refused"):
        """The first reply that is not a good one; "" if the message was taken."""
        with acc.client() as c:
            c.ehlo()
            for line in (f"MAIL FROM:<{sender}>", f"RCPT TO:<{name}@far.example>", "DATA"):
                got = c.cmd(line)[-1]
                if got[0] not in "23":
                    return got
            got = c.cmd(data=dot(text))[-1]
            return "" if got.startswith("250") else got

    def taken_again(self, acc, name):
        wait_for(lambda: self.refused(acc, name=name) == "")

    def let_go(self, acc):
        """The hop opens; what waits is tried."""
        self.door.open = True
        acc.step_clock(1000)

    def drained(self, acc, *names):
        wait_for(lambda: self.door.arrived() == sorted(names), 40)
        acc.wait_empty()
        wait_for(lambda: os.listdir(os.path.join(self.mount, "tmp")) == [])

    def test_no_free_inodes(self):
        """Delivery needs no new file: all goes out though none can be made; a report waits for its turn."""
        nobody = {"RCPT": lambda s, l: "550 5.1.1 nobody" if "<bad" in l else None}
        acc = self.start(on=nobody)
        names = [f"n{i}" for i in range(20)]
        self.post(acc, *names)
        self.post(acc, "bad")
        self.fill_inodes()
        early = [f"early{i}" for i in range(20)]
        while (got := self.refused(acc, name=early[0])) == "":  # into the file that its session had already
            names.append(early.pop(0))
        self.assertRegex(got, "^452 4.3.1 ")                    # by the call that failed
        time.sleep(1.2)
        self.assertRegex(self.refused(acc), "^452 4.3.1 ")      # by what is known of the disk
        self.assertEqual(acc.maildir(), [])
        self.let_go(acc)
        self.drained(acc, *names)
        self.assertIn(b"bad@far.example", wait_for(acc.maildir)[0])     # in a file that the others gave back
        self.empty()
        self.taken_again(acc, "after")
        self.drained(acc, *names, "after")

    def test_the_report_waits_for_an_inode(self):
        """Nothing else in the queue gives one back: the failure is not forgotten."""
        nobody = {"RCPT": lambda s, l: "550 5.1.1 nobody" if "<bad" in l else None}
        acc = self.start(on=nobody)
        self.post(acc, "bad")
        self.fill_inodes()
        self.let_go(acc)
        wait_for(lambda: acc.log_lines(event="deliver", result="failed"))
        time.sleep(1)
        self.assertEqual(acc.maildir(), [])
        self.assertEqual(len(acc.queue()), 1)
        self.empty()
        acc.step_clock(400)
        self.assertIn(b"bad@far.example", wait_for(acc.maildir, 40)[0])
        acc.wait_empty()
        self.assertEqual(len(acc.maildir()), 1)

    def test_no_space(self):
        """ENOSPC before a message and in its midst: 4yz, nothing of it stays, what was promised goes out."""
        acc = self.start()
        self.post(acc, "first")
        with acc.client() as c:
            c.ehlo()
            c.must("250", f"MAIL FROM:<{SENDER}>")
            c.must("250", "RCPT TO:<midst@far.example>")
            c.must("354", "DATA")
            self.fill_blocks()
            self.assertRegex(c.cmd(data=dot(TEXT + ("x" * 78 + "\n") * 3000))[-1], "^45[12] 4.3.[01] ")
            c.must("250", "NOOP")
            wait_for(lambda: os.listdir(os.path.join(self.mount, "tmp")) == [])
        wait_for(lambda: self.refused(acc).startswith("452 4.3.1"))
        self.let_go(acc)
        self.drained(acc, "first")
        self.empty()
        self.taken_again(acc, "after")
        self.drained(acc, "first", "after")

    def test_a_disk_that_fails(self):
        """The journal aborts: EIO, then a read-only file system.  Nothing is promised; when the disk is
        back, with accord started again, what was promised goes out and nothing else."""
        acc = self.start()
        self.post(acc, "first", "second")
        run("mount", "-o", "remount,abort", self.mount)
        for i in range(3):
            self.assertRegex(self.refused(acc, name=f"not{i}"), "^4(51|52|21) 4.3.[0-9] ")
        with acc.client() as c:         # and it is still there
            c.ehlo()
        acc.stop()
        self.unmount()
        run("mount", "-o", "loop", self.image, self.mount)
        acc.start()
        self.taken_again(acc, "after")
        self.let_go(acc)
        self.drained(acc, "first", "second", "after")


class Descriptors(unittest.TestCase):
    """EMFILE, in each process that mail goes through."""

    ROLES = ["queue", "qmgr", "remote", "local", "convertd", "capd", "bounce"]

    def limit(self, acc, pid, most=None):
        """By the account that the process has: root need not be allowed to."""
        with open(f"/proc/{pid}/limits") as f:
            hard = [l for l in f if l.startswith("Max open files")][0].split()[4]
        words = ["prlimit", f"--pid={pid}", f"--nofile={hard if most is None else most}:{hard}"]
        if acc.user is not None:
            group = pwd.getpwnam(acc.user).pw_gid
            words = ["setpriv", f"--reuid={acc.user}", f"--regid={group}", "--clear-groups", *words]
        run(*words)

    def let_go(self, acc, pids):
        for pid in pids:
            with contextlib.suppress(FileNotFoundError, AssertionError):    # it chose to begin anew
                self.limit(acc, pid)

    def test_no_descriptors(self):
        names = []
        with Peer(ext=BOTH, caps={f"{r}@far.example": fax.MMR for r in self.ROLES}) as hop, \
                Instance(smtproutes=hop.route, retryfirst="1") as acc:
            for role in self.ROLES:
                with self.subTest(role):
                    pids = acc.pids(role)
                    for pid in pids:
                        self.limit(acc, pid, 3)
                    taken = self.one(acc, role)
                    self.assertFalse(taken and role == "queue")
                    time.sleep(0.3)
                    self.let_go(acc, pids)
                    if not taken:
                        wait_for(lambda: self.one(acc, role))
                    names.append(role)
                    self.settled(acc, hop, names)

    def test_a_client_waits_for_a_descriptor(self):
        with Instance() as acc, acc.client() as c:
            pids = acc.pids("smtpd")
            for pid in pids:
                self.limit(acc, pid, 3)
            with socket.create_connection(("127.0.0.1", acc.port)) as s:
                s.settimeout(0.7)
                with self.assertRaises(TimeoutError):
                    s.recv(100)
                c.ehlo()            # who is there is served
                self.let_go(acc, pids)
                s.settimeout(20 * SLOW)
                self.assertTrue(s.recv(100).startswith(b"220 "))
            with acc.client() as other:
                other.ehlo()

    def one(self, acc, name):
        """Taken or refused for now; a local copy goes with it."""
        with acc.client() as c:
            if not c.banner or not c.banner[0].startswith("220"):
                return False
            c.ehlo()
            for line in (f"MAIL FROM:<{SENDER}> CONPERM", f"RCPT TO:<{name}@far.example>",
                         "RCPT TO:<postmaster@gateway.example>", "DATA"):
                got = c.cmd(line)
                if not got or got[-1][0] == "4":
                    return False
                self.assertIn(got[-1][0], "23", got)
            got = c.cmd(data=dot(fax.message(fax.image())))
            if got and got[-1].startswith("250"):
                return True
            self.assertTrue(got and got[-1][0] == "4", got)
            return False

    def settled(self, acc, hop, names):
        def done():
            acc.step_clock(400)
            return not acc.queue()
        wait_for(done, 30, 0.3)
        got = sorted(m["rcpt"][0].split("<")[1].split("@")[0] for m in hop.messages)
        self.assertEqual(got, sorted(names))
        self.assertEqual(len(acc.maildir()), len(names))


class Replies(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.me = ".".join(["m" * 60] * 4) + ".example"
        cls.acc = Instance(me=cls.me, locals="gateway.example", rcpthosts="gateway.example", maxerrors="1000",
                           relayclients="192.0.2.0/24", databytes="1500").start()

    @classmethod
    def tearDownClass(cls):
        cls.acc.__exit__(None, None, None)

    def test_no_line_over_512_octets(self):
        """Commands at their longest, in every state.  Client.reply looks at each line's length."""
        long, host = "x" * 440, ".".join(["d" * 60] * 4) + ".example"
        path = f"{'l' * 64}@{host}"
        quoted = '"' + "\\x" * 31 + '"@' + host
        with self.acc.client() as c:
            self.assertIn(self.me, c.banner[0])
            for hello in ("EHLO " + host, "HELO " + host, "EHLO " + long, "EHLO " + host):
                c.cmd(hello)
            for line in (long, "NOOP " + long, "VRFY " + long, "EXPN " + long, "HELP " + long, "ETRN " + long,
                         "BDAT 0 LAST " + long, "MAIL FROM:<" + long + ">", f"MAIL FROM:<{path}> {long}=1",
                         f"MAIL FROM:<{path}> ENVID=" + long, f"MAIL FROM:<{quoted}>", "RSET",
                         f"MAIL FROM:<{path}> SIZE=1 BODY=8BITMIME CONPERM RET=HDRS ENVID=" + "e" * 100):
                self.assertTrue(c.cmd(line), line)
            for line in ("RCPT TO:<" + long + ">", f"RCPT TO:<{path}>", f"RCPT TO:<{quoted}>",
                         f"RCPT TO:<{path}> {long}=1", f"RCPT TO:<{path}> CONNEG={long}",
                         f"RCPT TO:<{path}> ORCPT=rfc822;{long}", f"RCPT TO:<{'l' * 64}@gateway.example>",
                         f"RCPT TO:<@{host}:{'l' * 64}@{host}>", "DATA", "RCPT TO:<postmaster@gateway.example>"):
                self.assertTrue(c.cmd(line), line)
            c.must("354", "DATA")
            self.assertTrue(c.cmd(data=dot("x: y\n\n" + long * 3 + "\n")))
            c.must("221", "QUIT")

    def test_every_reply_has_a_code_of_its_class(self):
        """RFC 2034: all but the banner, the answer to EHLO, and 354; each line of several."""
        with self.acc.client() as c:
            c.ehlo()
            for line in ("NOOP", "HELP", "VRFY x", "EXPN x", "ETRN x", "STARTTLS", "AUTH PLAIN", "TURN", "nonsense",
                         "", "x" * 3000, "DATA", "BDAT 0 LAST", "RCPT TO:<x@y>", "RSET now", "MAIL", "MAIL FROM:x",
                         "MAIL FROM:<a@b.example> SIZE=5000", "MAIL FROM:<a@b.example> SIZE=99999999999999999999999",
                         "MAIL FROM:<a@b.example> BODY=9", "MAIL FROM:<a@b.example> FOO", "MAIL FROM:<a@b.example>",
                         "MAIL FROM:<a@b.example>", "DATA", "RCPT", "RCPT TO:<x>", "RCPT TO:<x@y.example>",
                         "RCPT TO:<nobody@gateway.example>", "RCPT TO:<postmaster@gateway.example> CONNEG=REQUIRED",
                         "RCPT TO:<postmaster@gateway.example> NOTIFY=", "RCPT TO:<postmaster@gateway.example>",
                         "RSET"):
                self.judge(c.cmd(line), line)
            for text in ("x" * 900 + "\n" + "y" * 900 + "\n", "a: b\n\nx\n", " folded\n"):
                c.must("250", "MAIL FROM:<a@b.example>")
                c.must("250", "RCPT TO:<postmaster@gateway.example>")
                c.must("354", "DATA")
                self.judge(c.cmd(data=dot(text)), text)
            self.judge(c.cmd("QUIT"), "QUIT")
        with self.acc.client() as c:
            c.ehlo()
            self.judge(c.cmd("BDAT x"), "BDAT x")
            self.judge(c.reply(), "and its end")

    def judge(self, lines, line):
        self.assertTrue(lines, line)
        for reply in lines:
            self.assertRegex(reply, r"^([245])\d\d[ -]\1\.\d{1,3}\.\d{1,3} ", line[:80])

    def test_STARTTLS_is_not_there(self):
        """What was said in clear text cannot come to life behind it: it is neither offered nor taken."""
        with self.acc.client() as c:
            self.assertNotIn("STARTTLS", " ".join(c.ehlo()))
            self.assertRegex(c.cmd("STARTTLS")[0], "^502 5.5.1 ")


class CutOff(unittest.TestCase):
    def test_what_was_cut_off_or_refused_is_not_delivered(self):
        """Closed or reset at every octet of a transaction, and RSET and QUIT: nothing goes out or lies about."""
        talk = (b"EHLO x.example\r\nMAIL FROM:<" + SENDER.encode() + b">\r\nRCPT TO:<b@far.example>\r\nDATA\r\n" +
                dot("Subject: cut\n\nx\n"))
        with Peer() as hop, Instance(smtproutes=hop.route, concurrencyclient="40") as acc:
            for at in range(len(talk)):
                with acc.client() as c:
                    c.send(talk[:at])
                    if at % 2:          # a reset rather than an end
                        c.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            for end in (b"RSET\r\nQUIT\r\n", b"QUIT\r\n", b"EHLO again\r\nQUIT\r\n"):
                with acc.client() as c:
                    c.send(talk[:talk.index(b"DATA")] + end)
                    while c.reply():
                        pass
            tmp = os.path.join(acc.home, "queue", "tmp")
            wait_for(lambda: os.listdir(tmp) == [])
            acc.wait_empty()
            self.assertEqual(hop.messages, [])
            self.assertEqual(acc.log_lines(event="accept"), [])


class OneRecipient(unittest.TestCase):
    """A hop that hangs up over a recipient must not lose the others."""

    def bad(self, *pipelining, names=("a", "bad", "c")):
        def rcpt(session, line):
            return False if "<bad" in line else None
        hop = Peer(ext=[*pipelining, "8BITMIME", "SIZE 0", "ENHANCEDSTATUSCODES"], on={"RCPT": rcpt})
        self.addCleanup(hop.close)
        good = [n for n in names if not n.startswith("bad")]
        with Instance(smtproutes=hop.route, retryfirst="1", queuelifetime="86400") as acc:
            acc.send(SENDER, [f"{n}@far.example" for n in names], TEXT)
            end, got = time.monotonic() + 60 * SLOW, []
            while time.monotonic() < end and (got != good or acc.queue()):
                acc.step_clock(4000)
                got = sorted(r.split("<")[1].split("@")[0] for m in hop.messages for r in m["rcpt"])
                time.sleep(0.3)
            self.assertEqual(got, good)
            report = wait_for(acc.maildir)[0]
            self.assertEqual(report.count(b"Final-Recipient"), len(names) - len(good))
            self.assertNotIn(b"<c@far.example>", report)

    def test_pipelined(self):
        self.bad("PIPELINING")

    def test_one_by_one(self):
        self.bad()

    def test_behind_many(self):
        """More of them than one session's worth of patience, all before the good one."""
        self.bad("PIPELINING", names=[f"bad{i}" for i in range(12)] + ["c"])


class Negotiation(unittest.TestCase):
    def test_a_null_reverse_path_gets_no_report_of_negotiation(self):
        """Row B11: it is not negotiated at all, so nothing of it can fail; the content goes as it is."""
        message = fax.message(fax.image())
        for ext in (BOTH[:4], BOTH[:4] + ["CONNEG"], BOTH):
            with self.subTest(ext), Peer(ext=ext, caps={"b@far.example": fax.GREY}) as hop, \
                    Instance(smtproutes=hop.route, caps="here@gateway.example " + fax.GREY,
                             mailboxes=["postmaster@gateway.example maildir:mail/postmaster",
                                        "here@gateway.example maildir:mail/here"]) as acc:
                acc.send("", ["b@far.example", "here@gateway.example"], message, mail=" CONPERM")
                wait_for(lambda: hop.messages)
                self.assertTrue(fax.same(hop.messages[0]["data"], message))
                here, = wait_for(lambda: acc.maildir("mail/here"))
                self.assertEqual(fax.codings(crlf(here)), fax.codings(crlf(message)))
                acc.wait_empty()
                self.assertEqual(acc.maildir(), [])


class Relayed(unittest.TestCase):
    """Requirements G… and H… that no other file shows."""

    def test_G11_a_hop_that_sleeps_keeps_no_caller_waiting(self):
        """The job is safely in the queue and the caller told so while the next hop thinks."""
        awake = threading.Event()
        self.addCleanup(awake.set)
        with Peer(on={"EOD": lambda s, d: awake.wait(60) and None}) as hop, Instance(smtproutes=hop.route) as acc:
            began = time.monotonic()
            acc.send(SENDER, ["b@far.example"], TEXT)
            self.assertLess(time.monotonic() - began, 5 * SLOW)
            wait_for(lambda: [s for s in hop.sessions if s.lines and "octets)" in s.lines[-1][1]])
            self.assertEqual(len(acc.queue()), 1)
            acc.crash()         # and what was promised outlives this
            awake.set()
            acc.start()
            wait_for(lambda: hop.messages)
            acc.wait_empty()

    def test_G10_profile_S_for_whom_nothing_is_known(self):
        """draft-ietf-fax-operation 4.1, RFC 3965 4: a sender makes it (accord send --minimal), and what is
        Profile S reaches a hop without capabilities as it is, also when its conversion is permitted."""
        with Peer(ext=BOTH) as hop, Instance(smtproutes=hop.route) as acc:
            for name in ("render/letter-J-400.tif", "render/letter-J-multi.tif", "render/letter-F-b4-200.tif",
                         "fax/ccitt1-S.tif"):
                with self.subTest(name):
                    n = len(hop.messages)
                    acc.accord("send", "--minimal", "--conperm", "--from", SENDER, "--attach",
                               os.path.join(DATA, name), "--", "nobody.knows@far.example", data=b"Hello.\n")
                    wait_for(lambda: len(hop.messages) > n)
                    message = hop.messages[n]
                    self.assertIn(" CONPERM", message["mail"])
                    part, = fax.images(message["data"])
                    self.assertEqual(part.get_content_type(), "image/tiff")
                    self.assertIn("TIFF-minimal", part["Content-Features"])
                    self.profile_S(part.get_payload(decode=True))
            r = acc.accord("send", "--minimal", "--attach", os.path.join(DATA, "render/letter-grey8-deflate.tif"),
                           "--", "b@far.example", check=False)
            self.assertEqual((r.returncode != 0, r.stdout), (True, b""))
            self.assertTrue(r.stderr)

    def profile_S(self, file):
        """RFC 3949 3.5, by another reader than ours."""
        self.assertEqual(file[:8], b"II*\0\x08\0\0\0")
        at = 8
        while at:
            count, = struct.unpack_from("<H", file, at)
            entries = [struct.unpack_from("<HHLL", file, at + 2 + 12 * i) for i in range(count)]
            tags = {tag: value for tag, _, _, value in entries}
            self.assertEqual([e[0] for e in entries], sorted(tags))
            self.assertEqual((tags[256], tags[259], tags[262], tags[266]), (1728, 3, 0, 2))
            dpi = [struct.unpack_from("<LL", file, tags[t]) for t in (282, 283)]
            self.assertIn((dpi[0][0] // dpi[0][1], dpi[1][0] // dpi[1][1]), ((204, 98), (204, 196), (200, 100), (200, 200)))
            at, = struct.unpack_from("<L", file, at + 2 + 12 * count)

    def test_G17_no_disposition_notification_is_ever_sent(self):
        """RFC 2532, 2.3: a recipient can have none sent.  accord sends none at all."""
        with Peer() as hop, Instance(smtproutes=hop.route) as acc:
            acc.send("s@far.example", [SENDER], "Disposition-Notification-To: <s@far.example>\n"
                     "Disposition-Notification-Options: media-accept-features=required,x\n"
                     "Return-Receipt-To: <s@far.example>\nX-Confirm-Reading-To: <s@far.example>\n" + TEXT)
            wait_for(acc.maildir)
            acc.wait_empty()
            time.sleep(0.5)
            self.assertEqual((hop.sessions, acc.queue()), ([], []))

    def test_H2_no_permission_no_conversion(self):
        """By no way: CONPERM alone, CONNEG alone, ask=always, a mailbox with capabilities."""
        message = fax.message(fax.image(convert=None))
        for mail in ("", " CONPERM"):
            with self.subTest(mail), Peer(ext=BOTH, caps={"b@far.example": fax.MMR}) as hop, \
                    Instance(smtproutes=hop.route, negotiation="* ask=always",
                             caps="here@gateway.example " + fax.MMR,
                             mailboxes=["postmaster@gateway.example maildir:mail/postmaster",
                                        "here@gateway.example maildir:mail/here"]) as acc:
                acc.send(SENDER, ["b@far.example", "here@gateway.example"], message, mail=mail)
                wait_for(lambda: hop.messages)
                self.assertTrue(fax.same(hop.messages[0]["data"], message))
                acc.wait_empty()
                if mail:        # row B7: nothing that he takes may be made of it
                    self.assertIn(b"Status: 5.6.3", wait_for(acc.maildir)[0])
                    self.assertEqual(acc.maildir("mail/here"), [])
                else:
                    self.assertTrue(acc.maildir("mail/here")[0].endswith(message.encode()))

    def test_H4_an_equal_message_id_discards_nothing(self):
        with Peer() as hop, Instance(smtproutes=hop.route) as acc:
            for i, sender in enumerate((SENDER, SENDER, "other@client.example", "")):
                acc.send(sender, ["b@far.example", SENDER],
                         f"Message-ID: <same@client.example>\nResent-Message-ID: <same@client.example>\n{TEXT}{i % 3}\n")
            wait_for(lambda: len(hop.messages) == 4 and len(acc.maildir()) == 4)
            acc.wait_empty()

    def test_H7_three_hops_and_a_conversion(self):
        """Each adds one Received on top and alters none below, also when the content changes."""
        first = "Received: from origin.example by client.example; Sun, 22 Nov 2026 10:00:00 +0000\n"
        with Peer(ext=BOTH, caps={"b@far.example": fax.MMR}) as hop, \
                Instance(smtproutes=hop.route, me="three.example") as three, \
                Instance(smtproutes=f":[127.0.0.1]:{three.port}", me="two.example") as two:
            two.send(SENDER, ["b@far.example"], first + fax.message(fax.image()), mail=" CONPERM")
            wait_for(lambda: hop.messages)
            data = hop.messages[0]["data"]
            self.assertEqual(fax.codings(data)[0], {("MMR", (200, 200))})
            got = [" ".join(v.split()) for v in fax.parse(data).get_all("Received")]
            self.assertEqual(len(got), 3)
            self.assertRegex(got[0], r"^from two\.example \(\[127\.0\.0\.1\]\) by three\.example ")
            self.assertRegex(got[1], r"^from client\.example \(\[127\.0\.0\.1\]\) by two\.example ")
            self.assertTrue(data.startswith(b"Received:"))
            self.assertIn(b"\r\n" + crlf(first), data)
            self.assertEqual([k for k, _ in fax.parse(data).items()][:3], ["Received"] * 3)
