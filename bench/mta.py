# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""The mail servers that bench/relay compares, each in a control group of its own.

Everything lies under one folder and runs in a private mount namespace with its own /etc/passwd and
/etc/group (relay makes it), so nothing of the system's is changed, and all is gone at the end.
"""
import fcntl
import os
import pwd
import shutil
import socket
import subprocess
import sys
import time

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
sys.path.insert(0, os.path.join(TOP, "tests", "system"))

import harness      # noqa: E402
import peers        # noqa: E402

ACCORD_ACCOUNTS = "queue", "qmgr", "smtpd", "remote", "convert", "capd", "bounce", "control", "local", "dns"
FIRST_UID = 64100       # of the private accounts
POSTFIX = os.path.join(peers.CACHE, "postfix-whole")

MASTER_CF = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup    unix  n       -       n       60      1       pickup
cleanup   unix  n       -       n       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
tlsmgr    unix  -       -       n       1000?   1       tlsmgr
rewrite   unix  -       -       n       -       -       trivial-rewrite
bounce    unix  -       -       n       -       0       bounce
defer     unix  -       -       n       -       0       bounce
trace     unix  -       -       n       -       0       bounce
verify    unix  -       -       n       -       1       verify
flush     unix  n       -       n       1000?   0       flush
proxymap  unix  -       -       n       -       -       proxymap
proxywrite unix -       -       n       -       1       proxymap
smtp      unix  -       -       n       -       -       smtp
relay     unix  -       -       n       -       -       smtp
showq     unix  n       -       n       -       -       showq
error     unix  -       -       n       -       -       error
retry     unix  -       -       n       -       -       error
discard   unix  -       -       n       -       -       discard
anvil     unix  -       -       n       -       1       anvil
scache    unix  -       -       n       -       1       scache
postlog   unix-dgram n  -       n       -       1       postlogd
"""

MAIN_CF = """\
compatibility_level = 3.6
queue_directory = {d}/queue
data_directory = {d}/data
command_directory = {root}/usr/sbin
daemon_directory = {root}/usr/lib/postfix/sbin
shlib_directory = {root}/usr/lib/postfix
meta_directory = {d}/conf
import_environment = MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ LANG=C LD_LIBRARY_PATH={libs}
maillog_file = {d}/log/maillog
maillog_file_prefixes = {d}/log
inet_protocols = ipv4
inet_interfaces = 127.0.0.1
myhostname = gateway.example
mydestination =
local_transport = error:none
local_recipient_maps =
alias_maps =
alias_database =
mynetworks = 127.0.0.0/8
smtpd_tls_security_level = none
smtp_tls_security_level = none
default_process_limit = {processes}
initial_destination_concurrency = 20
smtp_destination_concurrency_limit = 100
relayhost = [127.0.0.1]:{hop}
disable_dns_lookups = yes
smtp_host_lookup = native
"""


def private_accounts(folder):
    """Private copies of the account files, bound over the system's.  In a mount namespace of ours; a
    change of the system's file, even out there, takes such a mount away, so it is looked for."""
    try:
        if pwd.getpwnam("postfix").pw_gecos == "bench":
            return
    except KeyError:
        pass
    names = [f"accord-{n}" for n in ACCORD_ACCOUNTS] + ["postfix", "postdrop"]
    for name, line in ("passwd", "{n}:x:{i}:{i}:bench:/nonexistent:/usr/sbin/nologin\n"), \
            ("group", "{n}:x:{i}:\n"):
        path = os.path.join(folder, name)
        with open(f"/etc/{name}") as f:
            kept = [l for l in f if l.split(":")[0] not in names]
        with open(path, "w") as f:
            f.writelines(kept)
            f.writelines(line.format(n=n, i=FIRST_UID + i) for i, n in enumerate(names))
        peers.command("mount", "--bind", path, f"/etc/{name}")


def postfix_root():
    """All of Debian's Postfix, unpacked once under build/peers; its libraries too, where they lack."""
    os.makedirs(peers.CACHE, exist_ok=True)
    with open(os.path.join(peers.CACHE, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(POSTFIX):
            new = POSTFIX + ".new"
            shutil.rmtree(new, ignore_errors=True)
            needs = peers.unpack("postfix", new)
            lacks = subprocess.run(["ldd", os.path.join(new, "usr/lib/postfix/sbin/smtpd")],
                                   env=peers.environment(new), capture_output=True, text=True)
            for package in needs if "not found" in lacks.stdout else []:
                if package.startswith("lib") and package != "libc6":
                    peers.unpack(package, new)
            os.chmod(new, 0o755)
            os.rename(new, POSTFIX)
    return POSTFIX


class Group:
    """A control group (version 2): what all its processes, ended ones too, have used."""

    def __init__(self, name):
        with open("/proc/mounts") as f:
            tops = [w[1] for w in map(str.split, f) if w[2] == "cgroup2"]
        if not tops:
            raise SystemExit("relay: no cgroup2 file system is mounted, so CPU cannot be counted")
        self.path = os.path.join(tops[0], f"accord-bench-{os.getpid()}-{name}")
        os.mkdir(self.path)

    def join(self):
        with open(os.path.join(self.path, "cgroup.procs"), "w") as f:
            f.write("0")

    def pids(self):
        with open(os.path.join(self.path, "cgroup.procs")) as f:
            return [int(p) for p in f.read().split()]

    def cpu(self):
        """Seconds: user, system."""
        with open(os.path.join(self.path, "cpu.stat")) as f:
            got = dict(line.split() for line in f)
        return int(got["user_usec"]) / 1e6, int(got["system_usec"]) / 1e6

    def pss(self):
        """Octets of memory, shared pages in equal parts; and processes."""
        total = count = 0
        for pid in self.pids():
            try:
                with open(f"/proc/{pid}/smaps_rollup") as f:
                    total += sum(int(l.split()[1]) * 1024 for l in f if l.startswith("Pss:"))
                count += 1
            except (FileNotFoundError, ProcessLookupError):
                pass
        return total, count

    def remove(self):
        end = time.monotonic() + 10
        while self.pids():
            with open(os.path.join(self.path, "cgroup.kill"), "w") as f:
                f.write("1")
            time.sleep(0.02)
            if time.monotonic() > end:
                raise SystemExit(f"relay: processes of {self.path} do not end")
        os.rmdir(self.path)


class Mta:
    """One running instance.  wrap: words before its command (perf, strace)."""

    accounts = None     # the folder of the private account files

    def __init__(self, folder, hop, wrap=()):
        private_accounts(self.accounts)
        self.folder, self.hop, self.wrap = folder, hop, list(wrap)
        os.mkdir(folder)
        os.chmod(folder, 0o755)
        self.port = harness.free_port()
        self.group = Group(os.path.basename(folder))
        self.process = None

    def __enter__(self):
        try:
            self.begin()
            harness.wait_for(self.answers, 30)
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_):
        self.end()

    def run(self, words, **kw):
        self.process = subprocess.Popen(self.wrap + words, stdin=subprocess.DEVNULL,
                                        preexec_fn=self.group.join, start_new_session=True, **kw)

    def answers(self):
        if self.process.poll() is not None:
            raise SystemExit(f"relay: {self.name} did not start:\n{self.log()[-3000:]}")
        try:
            with socket.create_connection(("127.0.0.1", self.port), 5) as s:
                return s.recv(200).startswith(b"220")
        except OSError:
            return False

    def end(self):
        if self.process is not None:
            self.stop()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.group.remove()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self):
        try:
            with open(self.log_path, errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return "(no log)"


class Accord(Mta):
    name = "accord"
    settings = {}

    @classmethod
    def describe(cls):
        return "as shipped, each process under its own account; " + "".join(
            f"{k} {v}; " for k, v in cls.settings.items()) + "smtproutes :[127.0.0.1]:PORT"

    def begin(self):
        self.log_path = os.path.join(self.folder, "log")
        control = os.path.join(self.folder, "control")
        os.mkdir(control)
        settings = {"me": "gateway.example", "listen": f"127.0.0.1:{self.port}", "locals": "gateway.example",
                    "smtproutes": f":[127.0.0.1]:{self.hop}", "concurrencyincoming": "500", **self.settings}
        for name, value in settings.items():
            with open(os.path.join(control, name), "w") as f:
                f.write(value + "\n")
        with open(self.log_path, "wb") as log:
            self.run([os.path.join(harness.BIN, "accord"), "start", "-H", self.folder],
                     stdout=subprocess.DEVNULL, stderr=log)

    def strategy(self):
        found = [l for l in self.log().splitlines() if " event=flush " in l]
        return found[0].split(" event=flush ")[1] if found else "?"

    def stop(self):
        for pid in self.group.pids():
            if harness.comm(pid) == "accord-start"[:15]:
                self.kill(pid)
                return

    def kill(self, pid):
        try:
            os.kill(pid, 15)
        except ProcessLookupError:
            pass

    def flush(self):
        """Asks for another try of all that waits, where the verb is there; else the probe finds out."""
        r = subprocess.run([os.path.join(harness.BIN, "accord"), "queue", "retry", "-H", self.folder, "--all"],
                           capture_output=True)
        return r.returncode == 0


class AccordReuse(Accord):
    name = "accord-reuse"
    settings = {"sessionsperprocess": "100"}


class AccordMany(Accord):
    name = "accord-1200"
    settings = {"concurrencyincoming": "1200"}


class Postfix(Mta):
    name = "postfix"
    processes = 100

    @classmethod
    def describe(cls):
        return (f"default_process_limit {cls.processes}, initial_destination_concurrency 20, "
                "smtp_destination_concurrency_limit 100, relayhost, disable_dns_lookups yes, "
                "smtp_host_lookup native, mynetworks 127.0.0.0/8, TLS off, no chroot, postlogd")

    def begin(self):
        root, d = postfix_root(), self.folder
        owner, drop = pwd.getpwnam("postfix"), pwd.getpwnam("postdrop")
        self.log_path = os.path.join(d, "log", "maillog")
        self.conf = os.path.join(d, "conf")
        for name in "conf", "log", "data", "queue":
            os.mkdir(os.path.join(d, name))
        os.chown(os.path.join(d, "data"), owner.pw_uid, 0)
        for name in ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private",
                     "saved", "trace", "pid", "maildrop", "public"):
            path = os.path.join(d, "queue", name)
            os.mkdir(path, 0o700)
            if name != "pid":
                os.chown(path, owner.pw_uid, drop.pw_gid if name in ("maildrop", "public") else 0)
            os.chmod(path, {"maildrop": 0o730, "public": 0o710, "pid": 0o755}.get(name, 0o700))
        libs = peers.environment(root)["LD_LIBRARY_PATH"]
        with open(os.path.join(self.conf, "main.cf"), "w") as f:
            f.write(MAIN_CF.format(d=d, root=root, libs=libs, hop=self.hop, processes=self.processes))
        with open(os.path.join(self.conf, "master.cf"), "w") as f:
            f.write(MASTER_CF.format(port=self.port))
        shutil.copy(os.path.join(root, "usr/share/postfix/dynamicmaps.cf"), self.conf)
        self.env = {"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": libs, "MAIL_CONFIG": self.conf}
        with open(os.path.join(d, "out"), "wb") as out:
            self.run([os.path.join(root, "usr/lib/postfix/sbin/master"), "-c", self.conf, "-d"],
                     env=self.env, stdout=out, stderr=out)

    def stop(self):
        for pid in self.group.pids():
            if harness.comm(pid) == "master":
                os.kill(pid, 15)
                return

    def flush(self):
        peers.command(os.path.join(postfix_root(), "usr/sbin/postqueue"), "-c", self.conf, "-f", env=self.env)
        return True


class PostfixMany(Postfix):
    name = "postfix-1200"
    processes = 1200


KINDS = {c.name: c for c in (Accord, AccordReuse, AccordMany, Postfix, PostfixMany)}


def loop_mount(folder, megabytes):
    """An ext4 with a journal of its own on a file, mounted in our mount namespace; it goes with it."""
    image, at = os.path.join(folder, "image"), os.path.join(folder, "loop")
    with open(image, "wb") as f:
        f.truncate(megabytes << 20)
    peers.command("mkfs.ext4", "-q", "-F", "-O", "has_journal", "-E", "lazy_itable_init=0,lazy_journal_init=0",
                  image)
    os.mkdir(at)
    peers.command("mount", "-o", "loop", image, at)
    return at


