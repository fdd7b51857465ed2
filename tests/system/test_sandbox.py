# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""What each running process may do, seen from outside (/proc) and tried inside (sandbox_probe makes it
run calls): for accord under accounts of its own, under one account, and started by an ordinary user."""
import atexit
import ctypes
import os
import pwd
import re
import signal
import socket
import stat
import subprocess
import tempfile
import threading
import time
import unittest

import fax
import harness
from accounts import LOCK, account_names, have_account, need_accounts
from harness import ACCOUNTS, BUILD, ORDINARY, TOP, Client, Instance, Peer, comm, make, wait_for

SAN = "san" in BUILD
PROBE = os.path.join(BUILD, "tests", "sandbox_probe")
PARENTS = ["queue", "smtpd", "remote", "local", "convertd", "learn", "offer", "auth", "ldap"]
LEAVES = ["bounce", "capd", "control", "expand", "key", "qmgr", "resolver"]
DAEMONS = PARENTS + LEAVES
CHILDREN = ["flush", "session-in", "session-out", "job-local", "job-convert", "ldap-worker"]
LOCAL_CAPS = 1 << 2 | 1 << 6 | 1 << 7   # DAC_READ_SEARCH, SETGID, SETUID
BOXES = ["fax@gateway.example maildir:mail/fax", "postmaster@gateway.example maildir:mail/postmaster"]
HOPS = 24
HOLD = 30                               # seconds that a conversation is held at most

KILLED, ALLOWED = "killed", "allowed"


def landlock_abi():
    return ctypes.CDLL(None, use_errno=True).syscall(444, None, 0, 1)


def need_probe(done=[]):
    if done:
        return
    make(os.path.relpath(PROBE, TOP))
    done.append(True)


# --- what is seen from outside ---

def status(pid):
    with open(f"/proc/{pid}/status") as f:
        return {k: v.split() for k, v in (l.split(":", 1) for l in f)}


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            return [int(p) for p in f.read().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def is_confined(pid, filters=1):
    try:
        return int(status(pid)["Seccomp_filters"][0]) >= filters
    except (FileNotFoundError, ProcessLookupError):
        return False


def limits(pid):
    with open(f"/proc/{pid}/limits") as f:
        return {l[:25].strip(): l[26:46].strip() for l in f}


def sockets():
    """inode -> what kind of socket it is, for those that have a place in the network."""
    kinds = {}
    for name in ("tcp", "tcp6"):
        with open(f"/proc/net/{name}") as f:
            for line in f.readlines()[1:]:
                words = line.split()
                kinds[words[9]] = "listen" if words[3] == "0A" else "tcp"
    with open("/proc/net/unix") as f:
        for line in f.readlines()[1:]:
            words = line.split()
            kinds[words[6]] = "control.sock" if words[7:] else "channel"
    with open("/proc/net/netlink") as f:
        for line in f.readlines()[1:]:
            words = line.split()
            kinds[words[9]] = "rtnetlink" if words[1] == "0" else "netlink"
    return kinds


def descriptors(pid, home):
    """Sorted names of what a process has open from descriptor 3 on, with the mode of files."""
    kinds, found = sockets(), []
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            to = os.readlink(f"/proc/{pid}/fd/{fd}")
            with open(f"/proc/{pid}/fdinfo/{fd}") as f:
                flags = int(re.search(r"flags:\s+(\d+)", f.read()).group(1), 8)
        except FileNotFoundError:
            continue
        if int(fd) < 3:
            continue
        if to.startswith("socket:["):
            to = kinds.get(to[8:-1], "a socket")
        elif to.startswith("anon_inode:"):
            to = to[12:-1]
        elif to.startswith("pipe:"):
            to = "pipe"
        elif to.startswith("/memfd:"):
            to = "memory"
        elif to == home or to.startswith(home + "/"):
            to = re.sub(r"^queue/(tmp|[0-9a-f]{2})/[0-9a-v]{16}$", "MESSAGE", to[len(home):].strip("/") or "HOME")
            mode = flags & os.O_ACCMODE
            to += {os.O_RDONLY: "", os.O_WRONLY: " write", os.O_RDWR: " both"}[mode]
        found.append(to)
    return sorted(found)


def probe(pid, *calls):
    """What became of each call: {call: word}."""
    r = subprocess.run([PROBE, str(pid), *calls], capture_output=True, text=True)
    if r.returncode == 1:
        raise AssertionError(f"probe of {comm(pid)} {pid} {calls}: {r.stdout}{r.stderr}")
    return dict(l.rsplit(" ", 1) for l in r.stdout.splitlines())


# --- what each row allows ---

def signal_fate(role, accord):
    """kill() of the supervisor: Landlock's scopes refuse it, with older kernels its being another's."""
    same_user = role == "local" if accord.user is None else bool(accord.launcher)
    return ALLOWED if same_user and landlock_abi() < 6 else "EPERM"


def expected(role, accord):
    """Each call that is tried in a process of that role: what becomes of it."""
    home, start = accord.home, accord.process.pid
    new, old = f"{home}/run/probe", f"{home}/control/me"
    want = dict.fromkeys([
        "open=/etc/passwd", f"open={old}", f"create={new}", f"open={home}/queue", "socket", "unix",
        "netlink", "datagram", "connect", "bind", "listen", "accept", "fork", "thread",
        "execve=/nonexistent", f"kill={start}", f"ptrace={start}", f"vmread={start}", "setuid=0",
        "setresuid", "memfd=x", "fsync", "lease", "execmap", "unshare", f"unlink={old}", f"chmod={old}"], KILLED)
    want["mmap"] = want["getpid"] = ALLOWED
    reads = [k for k in want if k.startswith("open=")]
    opens = reads + [f"create={new}"]

    def put(value, *names):
        want.update(dict.fromkeys(names, value))

    if SAN:                             # a list of its own lets the sanitizer's report open files
        put("EACCES", *opens)
    if role in PARENTS:
        put(ALLOWED, "fork")
        put(signal_fate(role, accord), f"kill={start}")
    if role in ("smtpd", "control"):
        put(ALLOWED, "accept")
    if role in ("smtpd", "session-in", "remote", "session-out", "local", "job-local", "convertd", "offer", "expand", "ldap",
                "bounce"):
        put(ALLOWED, "memfd=x")
    if role in ("remote", "session-out", "ldap", "ldap-worker"):
        put(ALLOWED, "socket", "connect")
    if role == "auth":                  # Dovecot is asked on a socket of this host
        put(ALLOWED, "unix", "connect")
    if role == "resolver":
        put(ALLOWED, "socket", "datagram", "connect", "bind")
    if role in ("queue", "flush", "local", "job-local", "capd", "offer"):
        put(ALLOWED, "fsync")
    if role == "queue":
        put(ALLOWED, "lease")
    if role in ("queue", "flush", "job-local", "capd", "offer"):
        put("EACCES", *opens, f"unlink={old}")
    if role in ("qmgr", "ldap"):        # ldap: libldap opens a memory file by its name
        put("EACCES", *reads)
    if role in ("queue", "flush", "qmgr"):
        put(ALLOWED, f"open={home}/queue")
    if role in ("capd", "offer"):       # its own folder and no other's
        own = {"capd": "caps"}.get(role, role)
        want[f"open={home}/{own}"] = ALLOWED
        want[f"create={home}/{own}/probe"] = ALLOWED
        want[f"create={home}/queue/probe"] = "EACCES"
    if role == "local":                 # whose children are confined to one mailbox
        put(ALLOWED, *opens, "setresuid")
        put(ALLOWED, "socket", "unix", "connect")       # for its children that speak LMTP
        del want[f"unlink={old}"]
        if accord.user is not None and not accord.launcher:
            put("EACCES", f"create={new}")      # run/ is root's, this process is not
    return want


FILES = {       # descriptors from 3 on; "channel" includes the one to the supervisor or parent
    "queue": ["channel", "eventpoll", "queue", "queue/lock both"],
    "flush": ["channel", "queue", "queue/lock both", "queue/log write"],
    "qmgr": ["channel", "eventpoll", "queue"],
    "smtpd": ["channel", "eventpoll", "listen"],
    "session-in": ["MESSAGE write", "channel", "tcp"],
    "session-judge": ["MESSAGE", "channel", "tcp"],
    "remote": ["channel", "eventpoll", "rtnetlink"],
    "session-out": ["MESSAGE", "channel", "tcp"],
    "session-asked": ["channel", "memory", "tcp"],
    "local": ["HOME", "channel", "eventpoll"],
    "job-local": ["MESSAGE", "channel", "mail"],
    "convertd": ["channel", "eventpoll"],
    "job-convert": ["MESSAGE", "memory", "pipe"],
    "bounce": ["channel", "eventpoll"],
    "expand": ["channel", "eventpoll"],
    "resolver": ["channel", "eventpoll"],
    "capd": ["caps", "caps.cdb", "channel", "eventpoll"],
    "learn": ["channel", "eventpoll"],
    "offer": ["channel", "eventpoll", "offer"],
    "control": ["channel", "control.sock", "eventpoll"],
    "key": ["channel", "eventpoll"],
    "auth": ["channel", "eventpoll"],
    "ldap": ["channel", "eventpoll"],
    "ldap-worker": ["channel", "tcp"],
    "log": ["channel"],
}
CHANNELS = {"flush": 1, "session-in": 2, "session-judge": 4, "session-out": 1, "session-asked": 1, "job-local": 3,
            "job-convert": 0, "log": 1, "bounce": 4, "capd": None, "learn": 5, "offer": 5, "control": 8, "qmgr": 6,
            "resolver": 3, "key": 2, "auth": 2, "expand": 3, "ldap": 3, "ldap-worker": 2}


class Rig:
    """An instance, and ways to have a process of each kind at hand that stays as it is."""

    def __init__(self, user=None, launcher=()):
        self.release = threading.Event()
        self.hop = Peer(on={"EHLO": self.hold})
        self.hops = [Peer(on={"EHLO": self.hold}) for _ in range(HOPS)]     # one that fails is avoided
        routes = [f"d{i}.example:[127.0.0.1]:{hop.port}" for i, hop in enumerate(self.hops)]
        self.silent = socket.create_server(("127.0.0.1", 0))
        self.acc = Instance(user, launcher, smtproutes=["free.example:[127.0.0.1]:1", self.hop.route] + routes,
                            mailboxes=BOXES, caps=["fax@gateway.example " + fax.MMR, "fax@sure.example " + fax.MMR],
                            conneg="sure.example ensure",
                            capsources=["cdb:caps.cdb", f"ldap:ldap://127.0.0.1:{self.silent.getsockname()[1]}/ timeout=60"],
                            concurrencydomain="100", retryfirst="100000", retrymax="100000")
        self.clients, self.count, self.dead, self.next_hop = [], 0, set(), 0
        self.asks = None

    def hold(self, *_):
        self.release.wait(HOLD)
        return None

    def __enter__(self):
        self.acc.__enter__()
        return self

    def __exit__(self, *what):
        self.release.set()
        for c in self.clients:
            c.close()
        if self.asks:
            self.asks.kill()
            self.asks.wait()
        if self.count:
            self.acc.crash()            # an orderly stop waits for what is held
        try:
            return self.acc.__exit__(*what)
        finally:
            for hop in [self.hop, *self.hops, self.silent]:
                hop.close()

    def stopped(self):
        return [p for p in self.daemons("convertd") if status(p)["State"][0] == "T"]

    def daemons(self, role):
        return [p for p in children(self.acc.process.pid) if comm(p) == f"accord-{role}"[:15]]

    def daemon(self, role, but=None):
        """The process, confined; not the one that was there before."""
        def find():
            return [p for p in self.daemons(role) if p != but and is_confined(p)]
        return wait_for(find, 12)[0]

    def process(self, role):
        if role in DAEMONS:
            return self.daemon(role)
        self.count += role in CHILDREN
        return getattr(self, "process_" + role.replace("-", "_"))()

    def process_log(self):
        return [p for p in children(self.acc.process.pid) if comm(p) == "accord-start"][0]

    def process_flush(self):
        queue = self.daemon("queue")
        return wait_for(lambda: [p for p in children(queue) if is_confined(p) and p not in self.dead],
                        12)[0]

    def process_session_in(self):
        """A session in the middle of a message."""
        host = f"127.0.1.{self.count % 250 + 1}"
        c = Client(self.acc.port, source=host)      # one that died is slowed
        self.clients.append(c)
        c.ehlo()
        c.must("503", "DATA")                       # a refusal tells which process serves it
        for code, line in (("250", "MAIL FROM:<a@client.example>"), ("250", "RCPT TO:<b@far.example>"),
                           ("354", "DATA")):
            c.must(code, line)
        c.send("one line\r\n")
        return wait_for(lambda: self.session_of(host))

    def process_session_judge(self):
        """One that has what it wrote back, and waits for convertd, which has been stopped, to judge it."""
        for pid in self.daemons("convertd"):
            os.kill(pid, signal.SIGSTOP)
        self.count += 1
        host = f"127.0.2.{self.count % 250 + 1}"
        c = Client(self.acc.port, source=host)
        self.clients.append(c)
        c.ehlo()
        c.must("503", "DATA")
        for code, line in (("250", "MAIL FROM:<a@client.example> CONPERM"), ("250", "RCPT TO:<fax@sure.example>"),
                           ("354", "DATA")):
            c.must(code, line)
        c.send("one line\r\n.\r\n")
        pid = wait_for(lambda: self.session_of(host))
        wait_for(lambda: "MESSAGE" in descriptors(pid, self.acc.home))
        return pid

    def session_of(self, host):
        """The live process that refused something to that client (which may have been another's)."""
        for line in reversed(self.acc.log_lines(event="reject", client=host)):
            pid = int(re.search(r"\[(\d+)\]", line["proc"]).group(1))
            return pid if pid not in self.dead else None

    def new_child(self, role, act, catch=lambda pid: is_confined(pid, 2)):
        parent = self.daemon(role)
        before = set(children(parent))
        act()
        return wait_for(lambda: [p for p in children(parent) if p not in before and catch(p)],
                        every=0.0005)[0]

    def process_session_out(self):
        """A session that waits for a next hop's answer to EHLO."""
        n, hop = self.next_hop, self.hops[self.next_hop]
        self.next_hop += 1

        def held():
            self.acc.send("a@client.example", [f"b@d{n}.example"], "Subject: x\n\nx\n")
            wait_for(lambda: hop.said("EHLO"))
        return self.new_child("remote", held)

    def process_session_asked(self):
        """The same for accord explain."""
        n, hop = self.next_hop, self.hops[self.next_hop]
        self.next_hop += 1
        self.count += 1

        def held():
            self.asks = subprocess.Popen([os.path.join(BUILD, "accord"), "explain", "-H", self.acc.home, "--from",
                                          "a@client.example", f"b@d{n}.example"], stdout=subprocess.DEVNULL)
            wait_for(lambda: hop.said("EHLO"))
        return self.new_child("remote", held)

    def process_ldap_worker(self):
        """One that has asked a directory, which is silent."""
        parent = self.daemon("ldap")

        def find():
            alive = [p for p in children(parent) if is_confined(p, 2) and p not in self.dead]
            if not alive:
                self.count += 1
                asks = subprocess.Popen([os.path.join(BUILD, "accord"), "caps", "-H", self.acc.home, "get",
                                         f"x{self.count}@far.example"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                time.sleep(0.1)
                asks.kill()
                asks.wait()
            return [p for p in alive if "tcp" in descriptors(p, self.acc.home)]
        return wait_for(find, 12, every=0.05)[0]

    def fax(self, images):
        self.acc.send("a@client.example", ["fax@gateway.example"],
                      fax.message(fax.text(f"{self.count}\n"), *[fax.image()] * images), mail=" CONPERM")

    def process_job_local(self):
        """A delivery that waits for convertd, which has been stopped."""
        for pid in self.daemons("convertd"):
            os.kill(pid, signal.SIGSTOP)
        pid = self.new_child("local", lambda: self.fax(1))
        wait_for(lambda: self.at_rest(pid))
        return pid

    def at_rest(self, pid):
        with open(f"/proc/{pid}/syscall") as f:
            return f.read().split()[0] in ("7", "47", "271")    # poll, recvmsg, ppoll

    def process_job_convert(self):
        for pid in self.stopped():
            os.kill(pid, signal.SIGCONT)
        return self.new_child("convertd", lambda: self.fax(6), self.catch)

    def catch(self, pid):
        """Stops a job that is at work; one that ends meanwhile is not it: there is a plan, then a
        conversion, which takes long."""
        if not is_confined(pid, 2):
            return False
        try:
            os.kill(pid, signal.SIGSTOP)
            return wait_for(lambda: status(pid)["State"][0] in "TtZX" and status(pid)["State"][0],
                            every=0.0005) in "Tt"
        except (FileNotFoundError, ProcessLookupError):
            return False


class Confined:
    """What holds for one way to start accord; the classes below name the ways."""
    user, launcher = None, ()

    def setUp(self):
        if os.getuid() != 0:
            self.fail("only root may look into confined processes and start accord under accounts of "
                      "their own: run the tests as root")
        need_probe()
        if self.user is ACCOUNTS:
            need_accounts()

    def rig(self):
        return Rig(self.user, self.launcher)

    def account(self, role):
        """uid, gid, supplementary groups"""
        of = {"queue": "queue", "flush": "queue", "qmgr": "qmgr", "smtpd": "smtpd", "session-in": "smtpd",
              "session-judge": "smtpd", "remote": "remote", "session-out": "remote", "session-asked": "remote",
              "bounce": "bounce", "capd": "capd", "expand": "expand",
              "convertd": "convert", "job-convert": "convert", "control": "control", "log": "local",
              "resolver": "dns", "learn": "learn", "offer": "offer", "key": "key", "auth": "auth", "ldap": "ldap",
              "ldap-worker": "ldap",
              "job-local": "local"}
        if self.user is not ACCOUNTS:
            who = pwd.getpwnam(ORDINARY)
        elif role == "local":
            return 0, 0, []
        else:
            who = pwd.getpwnam("accord-" + of[role])
        extra = [pwd.getpwnam("accord-queue").pw_gid] if self.user is ACCOUNTS and role == "qmgr" else []
        return who.pw_uid, who.pw_gid, extra

    def look(self, rig, role, pid):
        """Everything that /proc tells of a process."""
        home, s = rig.acc.home, status(pid)
        uid, gid, extra = self.account(role)
        self.assertEqual(s["Uid"], [str(uid)] * 4)
        self.assertEqual(s["Gid"], [str(gid)] * 4)
        self.assertEqual([int(g) for g in s["Groups"]], extra)
        self.assertEqual(s["NoNewPrivs"], ["1"])
        self.assertEqual(s["Seccomp"], ["2"])
        kept = LOCAL_CAPS if uid == 0 else 0
        for what in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            self.assertEqual(int(s[what][0], 16) & ~(kept if what in ("CapPrm", "CapEff") else 0), 0, what)
        self.assertEqual(os.stat(f"/proc/{pid}/status").st_uid, 0, "it can be dumped and traced")
        found = descriptors(pid, home)
        self.assertEqual(sorted(set(found)), FILES[role])
        if CHANNELS.get(role) is not None:
            self.assertEqual(found.count("channel"), CHANNELS[role])
        for n in (0, 1):
            if role != "log" and os.path.exists(f"/proc/{pid}/fd/{n}"):
                self.assertEqual(os.readlink(f"/proc/{pid}/fd/{n}"), "/dev/null")
        self.look_limits(role, limits(pid))

    def look_limits(self, role, has):
        mib = 1 << 20
        self.assertEqual(has["Max core file size"], "0")
        if role not in PARENTS:
            self.assertEqual(has["Max processes"], "0")
        if role in ("qmgr", "resolver", "ldap-worker"):
            self.assertEqual(has["Max file size"], "0")
        if role in ("session-in", "session-judge"):                     # databytes, header edits and some
            self.assertEqual(has["Max file size"], str(52428800 + 5 * mib))
        if role in ("session-out", "session-asked"):
            self.assertEqual(has["Max file size"], str(80 * mib))
        if role == "job-convert":
            self.assertLess(int(has["Max cpu time"]), 3600)
            self.assertLess(int(has["Max file size"]), 1 << 32)
        memory = {"session-in": 256, "session-judge": 256, "bounce": 512, "control": 512,
                  "job-convert": 1024, "log": 64, "resolver": 256, "ldap-worker": 256}
        own = {"session-out": 256, "session-asked": 256, "job-local": 256, "expand": 512}
        if not SAN and role in memory:
            self.assertEqual(has["Max address space"], str(memory[role] * mib))
        if not SAN and role in own:
            self.assertEqual(has["Max data size"], str(own[role] * mib))

    def test_accounts_privileges_descriptors_limits(self):
        with self.rig() as rig:
            for role in ["log"] + DAEMONS + ["session-judge", "session-asked"] + CHILDREN:
                with self.subTest(role):
                    self.look(rig, role, rig.process(role))

    def try_harmless(self, rig, role, pid, want):
        """Calls that leave the process alive, in one go; it is the same process afterwards."""
        calls = [c for c, word in want.items() if word != KILLED]
        got = probe(pid, *calls)
        self.assertEqual({c: w for c, w in got.items() if w != want[c]}, {}, role)
        self.assertEqual(list(got), calls)
        if role in DAEMONS:
            self.assertEqual(rig.daemon(role), pid)
        new = f"{rig.acc.home}/run/probe"
        if os.path.exists(new):
            os.unlink(new)

    def try_deadly(self, rig, role, pid, call):
        self.assertEqual(probe(pid, call), {call: KILLED}, f"{role} {pid}")
        rig.dead.add(pid)               # /proc shows it until its parent has noticed

    def deadly(self, rig, role):
        return [c for c, word in expected(role, rig.acc).items() if word == KILLED]

    def children_try(self, some):
        with self.rig() as rig:
            for role in CHILDREN:
                want, first = expected(role, rig.acc), True
                for call in self.deadly(rig, role)[:some]:
                    pid = rig.process(role)
                    if first:
                        self.try_harmless(rig, role, pid, want)
                        first = False
                    with self.subTest(role=role, call=call):
                        self.try_deadly(rig, role, pid, call)

    def daemons_try(self, at, rounds):
        """Deadly calls, from the at'th on, one in each daemon; it is started again each time.  Returns
        whether there are more."""
        more = False
        with self.rig() as rig:
            if at == 0:
                for role in DAEMONS + ["log"]:
                    with self.subTest(role):
                        self.try_harmless(rig, role, rig.process(role), expected(role, rig.acc))
            for n in range(at, at + rounds):
                old = {}
                for role in DAEMONS:
                    calls = self.deadly(rig, role)
                    more = more or len(calls) > at + rounds
                    if n < len(calls):
                        pid = old[role] = rig.daemon(role)
                        with self.subTest(role=role, call=calls[n]):
                            self.try_deadly(rig, role, pid, calls[n])
                for role, pid in old.items():
                    self.assertNotEqual(rig.daemon(role, but=pid), pid)
            self.restarts_are_logged(rig, old)
            rig.release.set()
            rig.acc.send("a@client.example", ["postmaster@gateway.example"], "Subject: on\n\non\n")
            wait_for(rig.acc.maildir)
            self.try_deadly(rig, "log", rig.process("log"), self.deadly(rig, "log")[at % 7])
        return more

    def restarts_are_logged(self, rig, old):
        for role, pid in old.items():
            why = wait_for(lambda: [l["why"] for l in rig.acc.log_lines(event="fault", role=role)
                                    if f"process {pid} " in l["why"]])[0]
            self.assertIn("a system call its sandbox forbids", why)


class Accounts(Confined, unittest.TestCase):
    """Root starts it; each process has its account."""
    user = ACCOUNTS

    def test_children_try_every_call(self):
        self.children_try(None)

    def test_daemons_try_every_call(self):
        at = 0
        while self.daemons_try(at, 4):
            at += 4

    def test_what_is_allowed_works(self):
        """Below the descriptors that a process holds: who may create, who may look."""
        with self.rig() as rig:
            rig.acc.send("a@client.example", ["b@free.example"], "Subject: waits\n\nx\n")
            entry = wait_for(rig.acc.queue)[0]
            name = next(os.path.relpath(os.path.join(top, entry["id"]), f"{rig.acc.home}/queue")
                        for top, _, files in os.walk(f"{rig.acc.home}/queue") if entry["id"] in files)
            fds = {}
            for role in ("queue", "qmgr", "flush", "local"):
                pid = rig.process(role)
                where = rig.acc.home if role == "local" else f"{rig.acc.home}/queue"
                fds[role] = pid, next(fd for fd in os.listdir(f"/proc/{pid}/fd")
                                      if os.readlink(f"/proc/{pid}/fd/{fd}") == where)

            def below(role, what, path):
                pid, fd = fds[role]
                call = f"{what}={fd}:{path}"
                return probe(pid, call)[call]
            self.assertEqual(below("queue", "create", "tmp/probe"), ALLOWED)
            self.assertEqual(below("queue", "open", "tmp/probe"), ALLOWED)
            self.assertEqual(below("flush", "open", "tmp/probe"), ALLOWED)
            self.assertEqual(below("qmgr", "open", name), ALLOWED)
            self.assertEqual(below("queue", "unlink", "tmp/probe"), ALLOWED)
            self.assertEqual(below("queue", "open", "../control/me"), "EACCES")
            self.assertEqual(below("local", "open", "control/me"), ALLOWED)
            port = rig.hop.port
            self.assertEqual(probe(rig.process("session-out"), f"connect={port}"),
                             {f"connect={port}": ALLOWED})
            for what in ("create", "write", "unlink"):
                pid = fds["qmgr"][0]
                word = "EACCES" if SAN and what != "unlink" else KILLED
                self.assertEqual(below("qmgr", what, "tmp/probe" if what == "create" else name), word)
                if word == KILLED:
                    fds["qmgr"] = rig.daemon("qmgr", but=pid), fds["qmgr"][1]

    def owner(self, path):
        s = os.stat(path)
        return pwd.getpwuid(s.st_uid).pw_name, s.st_gid, stat.S_IMODE(s.st_mode)

    def test_owners_and_modes(self):
        with self.rig() as rig:
            home, queue = rig.acc.home, pwd.getpwnam("accord-queue")
            rig.acc.send("a@client.example", ["b@free.example"], "Subject: waits\n\nx\n")
            wait_for(rig.acc.queue)
            mine = ("accord-queue", queue.pw_gid)
            self.assertEqual(self.owner(f"{home}/queue"), (*mine, 0o750))
            messages = 0
            for top, dirs, files in os.walk(f"{home}/queue"):
                for d in dirs:
                    self.assertEqual(self.owner(os.path.join(top, d)), (*mine, 0o750))
                for f in files:
                    messages += len(f) == 16
                    self.assertEqual(self.owner(os.path.join(top, f)), (*mine, 0o640), f)
            self.assertEqual(messages, 1)
            self.assertEqual(self.owner(f"{home}/run/control.sock")[2], 0o666)
            self.assertEqual(self.owner(f"{home}/mail")[0], "accord-local")
            self.assertEqual(self.owner(f"{home}/caps"), ("accord-capd", pwd.getpwnam("accord-capd").pw_gid, 0o700))
            learn = ("accord-learn", pwd.getpwnam("accord-learn").pw_gid)
            self.assertEqual(self.owner(f"{home}/learn"), (*learn, 0o700))
            self.assertEqual(self.owner(f"{home}/learn/key"), (*learn, 0o600))
            self.assertEqual(self.owner(f"{home}/offer"), ("accord-offer", pwd.getpwnam("accord-offer").pw_gid, 0o700))
            self.assertEqual(self.owner(f"{home}/caps.cdb")[2] & 0o022, 0)
            got = rig.acc.accord("caps", "get", "fax@gateway.example")
            self.assertIn(b"MMR", got.stdout)

    def test_relay_and_delivery(self):
        rig = self.rig()
        rig.release.set()
        with rig:
            rig.acc.send("a@client.example", ["b@far.example", "postmaster@gateway.example"],
                         "Subject: both\n\nx\n")
            wait_for(lambda: rig.hop.messages)
            wait_for(rig.acc.maildir)
            who = pwd.getpwnam("accord-local")
            for top, dirs, files in os.walk(f"{rig.acc.home}/mail"):
                for name in dirs + files:
                    self.assertEqual(self.owner(os.path.join(top, name))[:2], ("accord-local", who.pw_gid))
            rig.acc.wait_empty()

    def test_mailbox_of_another_account(self):
        """Delivered as the folder's owner; root's group does not come with the folder; never as root."""
        games = pwd.getpwnam("games")
        boxes = {"plain": (games.pw_uid, games.pw_gid), "group": (games.pw_uid, 0), "root": (0, 0)}
        acc = Instance(ACCOUNTS, mailboxes=[f"{n}@gateway.example maildir:users/{n}/box" for n in boxes])
        for name, (uid, gid) in boxes.items():
            os.makedirs(f"{acc.home}/users/{name}")
            os.chown(f"{acc.home}/users/{name}", uid, gid)
        with acc:
            for name in boxes:
                acc.send("a@client.example", [f"{name}@gateway.example"], "Subject: mine\n\nx\n")
            for name, gid in (("plain", games.pw_gid), ("group", 65534)):
                wait_for(lambda: acc.maildir(f"users/{name}/box"))
                for top, dirs, files in os.walk(f"{acc.home}/users/{name}/box"):
                    for n in dirs + files:
                        self.assertEqual(self.owner(os.path.join(top, n))[:2], ("games", gid), n)
            wait_for(lambda: [e for e in acc.queue() if "belongs to root" in
                              (e["recipients"][0]["last_reply"] or "")])
            self.assertEqual(os.listdir(f"{acc.home}/users/root"), [])


class OneAccount(Confined, unittest.TestCase):
    """Root starts it with -u."""
    user = None

    def test_some_calls(self):
        self.children_try(2)
        self.daemons_try(0, 2)


class OrdinaryUser(OneAccount):
    """Who starts it is no root."""
    user = ORDINARY

    @property
    def launcher(self):
        who = pwd.getpwnam(ORDINARY)
        return ["setpriv", f"--reuid={who.pw_uid}", f"--regid={who.pw_gid}", "--clear-groups"]


class Installed(unittest.TestCase):
    """make install into a folder of its own: the steps of INSTALL from there."""

    def setUp(self):
        if os.getuid() != 0:
            self.fail("only root starts accord under accounts of their own: run the tests as root")
        need_accounts()

    def test_the_installed_tree_works(self):
        with tempfile.TemporaryDirectory(prefix="accord-inst-") as root:
            os.chmod(root, 0o755)
            make("install", f"DESTDIR={root}", capture_output=True)
            bin_dir = os.path.join(root, "usr/local/bin")
            self.assertEqual(set(os.listdir(bin_dir)), {"accord", "mailq", "newaliases"})
            there = set(os.listdir(os.path.join(root, "usr/local/libexec/accord")))
            self.assertEqual(there, {"accord-start"} | {f"accord-{r}" for r in DAEMONS})
            for part in ("etc/accord", "var/lib/accord"):
                self.assertEqual(os.listdir(os.path.join(root, part)), [])
            old, harness.BIN = harness.BIN, bin_dir
            try:
                self.walk()
            finally:
                harness.BIN = old

    def walk(self):
        acc = Instance(ACCOUNTS, me="mail.example.com", rcpthosts="example.com",
                       locals=["example.com", "mail.example.com"],
                       mailboxes=["@example.com maildir:mail/example",
                                  "postmaster@mail.example.com maildir:mail/host"])
        self.assertIn(b"all settings are right", acc.accord("check").stdout)
        with acc:
            acc.accord("send", "--from", "you@example.com", "--", "postmaster@example.com", data=b"hello\n")
            got = wait_for(lambda: acc.maildir("mail/example"))[0]
            self.assertIn(b"hello", got)
            number = wait_for(lambda: acc.log_lines(event="deliver"))[0]["id"]
            self.assertTrue(acc.log_lines(event="accepted", id=number), acc.read_log())
            sendmail = os.path.join(harness.BIN, "../sbin/sendmail")
            subprocess.run([sendmail, "-H", acc.home, "-i", "postmaster"], input=b"Subject: hello\n", check=True)
            wait_for(lambda: acc.maildir("mail/host"))
            source = os.path.join(harness.DATA, "render", "letter-J-400.tif")
            with tempfile.TemporaryDirectory() as d:
                acc.accord("convert", source, "-o", os.path.join(d, "out"), "--for", fax.MH)
