# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""The mail servers that bench/relay compares, each in a control group of its own.

Everything lies under one folder and runs in a private mount namespace (relay makes it) with a copy of
/etc, so nothing of the system's is changed, and all is gone at the end.
"""
import fcntl
import os
import pwd
import shutil
import subprocess
import sys
import time

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
sys.path.insert(0, os.path.join(TOP, "tests", "system"))

import harness      # noqa: E402
import peers        # noqa: E402
from accounts import account_names  # noqa: E402
from instance import Mta    # noqa: E402
from mta_exim import Exim   # noqa: E402
from mta_opensmtpd import OpenSmtpd     # noqa: E402

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

# What peers are compared with; a server's settings change or add to it.
POSTFIX_SETTINGS = {
    "default_process_limit": "100", "initial_destination_concurrency": "20",
    "smtp_destination_concurrency_limit": "100", "disable_dns_lookups": "yes", "smtp_host_lookup": "native",
    "mynetworks": "127.0.0.0/8", "smtpd_tls_security_level": "none", "smtp_tls_security_level": "none"}

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
"""


def private_accounts(folder):
    """A copy of /etc with accounts for the servers, over the system's, in a mount namespace of ours.  All of
    it, since a mount over a file is gone when somebody out there replaces that file."""
    etc = os.path.join(folder, "etc")
    subprocess.run(["cp", "-a", "/etc", etc], check=False)      # a lock file may vanish meanwhile
    names = account_names() + ["postfix", "postdrop", "Debian-exim", "opensmtpd", "opensmtpq"]
    for name, line in ("passwd", "{n}:x:{i}:{i}:bench:/nonexistent:/usr/sbin/nologin\n"), \
            ("group", "{n}:x:{i}:\n"):
        path = os.path.join(etc, name)
        with open(path) as f:
            kept = [l for l in f if l.split(":")[0] not in names]
        with open(path, "w") as f:
            f.writelines(kept)
            f.writelines(line.format(n=n, i=FIRST_UID + i) for i, n in enumerate(names))
    peers.command("mount", "--bind", etc, "/etc")


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


class Accord(Mta):
    first = "accord-start"      # the process that ends all others

    @staticmethod
    def describe(settings):
        return "as shipped, each process under its own account; " + "".join(
            f"{k} {v}; " for k, v in settings.items()) + "smtproutes"

    def prepare(self):
        self.log_path = os.path.join(self.folder, "log")
        control = os.path.join(self.folder, "control")
        os.mkdir(control)
        routes = [(":", f"127.0.0.1:{self.hop}")] if isinstance(self.hop, int) else \
            [(d + ":", at) for d, at in self.hop.items()]
        settings = {"me": "gateway.example", "listen": f"127.0.0.1:{self.port}", "locals": "gateway.example",
                    "smtproutes": "\n".join(d + "[{}]:{}".format(*at.split(":")) for d, at in routes),
                    **self.settings}
        for name, value in settings.items():
            with open(os.path.join(control, name), "w") as f:
                f.write(value + "\n")

    def begin(self):
        with open(self.log_path, "ab") as log:
            self.run([os.path.join(harness.BIN, "accord"), "start", "-H", self.folder],
                     stdout=subprocess.DEVNULL, stderr=log)

    def strategy(self):
        found = [l for l in self.log().splitlines() if " event=flush " in l]
        return found[0].split(" event=flush ")[1] if found else "?"

    def command(self, *words, fine=(0,)):
        return peers.command(os.path.join(harness.BIN, "accord"), *words[:1], "-H", self.folder, *words[1:], fine=fine)

    def figures(self):
        """What `accord stat` says: {name: sum over its labels}."""
        got = {}
        for line in self.command("stat", "--prometheus").splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                name = name.split("{")[0].removeprefix("accord_")
                got[name] = got.get(name, 0) + float(value)
        return got

    def fill(self, n, octets=1024):
        """n messages in the queue's folder, while it does not run."""
        owner = pwd.getpwnam("accord-queue")
        program = shutil.copy(os.path.join(harness.BUILD, "tests", "queue_fill"), self.folder)
        peers.command(program, os.path.join(self.folder, "queue"), str(n), "u%u@far.example",
                      "a%u@client.example", "0", "", str(octets), user=owner.pw_uid, group=owner.pw_gid,
                      extra_groups=[])

    def flush(self):
        """Asks for another try of all that waits."""
        self.command("queue", "retry", "--all", fine=(0, 75))   # 75: some are being delivered right now


class Postfix(Mta):
    first = "master"

    @staticmethod
    def describe(settings):
        return ", ".join(f"{k} {v}" for k, v in {**POSTFIX_SETTINGS, **settings}.items()) + \
            "; relayhost or transport_maps, no chroot, postlogd"

    def prepare(self):
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
        settings = {**POSTFIX_SETTINGS, **self.settings}
        if isinstance(self.hop, int):
            settings["relayhost"] = f"[127.0.0.1]:{self.hop}"
        else:
            settings["transport_maps"] = "texthash:" + os.path.join(self.conf, "transport")
            with open(os.path.join(self.conf, "transport"), "w") as f:
                f.writelines("{} smtp:[{}]:{}\n".format(d, *at.split(":")) for d, at in self.hop.items())
        with open(os.path.join(self.conf, "main.cf"), "w") as f:
            f.write(MAIN_CF.format(d=d, root=root, libs=libs))
            f.writelines(f"{k} = {v}\n" for k, v in settings.items())
        with open(os.path.join(self.conf, "master.cf"), "w") as f:
            f.write(MASTER_CF.format(port=self.port))
        shutil.copy(os.path.join(root, "usr/share/postfix/dynamicmaps.cf"), self.conf)
        self.env = {"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": libs, "MAIL_CONFIG": self.conf}

    def begin(self):
        with open(os.path.join(self.folder, "out"), "ab") as out:
            self.run([os.path.join(postfix_root(), "usr/lib/postfix/sbin/master"), "-c", self.conf, "-d"],
                     env=self.env, stdout=out, stderr=out)

    def flush(self):
        peers.command(os.path.join(postfix_root(), "usr/sbin/postqueue"), "-c", self.conf, "-f", env=self.env)


class Server:
    """A name, a kind, and how it is set."""

    def __init__(self, name, kind, **settings):
        self.name, self.kind, self.settings = name, kind, settings

    def describe(self):
        return self.kind.describe(self.settings)

    def running(self, base, hop, wrap=(), **settings):
        folder = os.path.join(base, f"{self.name}-{time.monotonic_ns()}")
        return self.kind(self.name, folder, hop, {**self.settings, **settings}, wrap)

    @property
    def is_accord(self):
        return self.kind is Accord


SERVERS = {s.name: s for s in (
    Server("accord", Accord),
    Server("accord-fresh", Accord, sessionsperprocess="1"),
    Server("postfix", Postfix),
    Server("exim", Exim),
    Server("opensmtpd", OpenSmtpd),
    Server("accord-6000", Accord, concurrencyincoming="6000"),
    Server("postfix-1200", Postfix, default_process_limit="1200"),
    Server("postfix-6000", Postfix, default_process_limit="6000"))}


def loop_mount(folder, megabytes):
    """An ext4 with a journal of its own on a file, mounted in our mount namespace; it goes with it.
    An inode for each 4 KB, since a message is a file."""
    image, at = os.path.join(folder, "image"), os.path.join(folder, "loop")
    with open(image, "wb") as f:
        f.truncate(megabytes << 20)
    peers.command("mkfs.ext4", "-q", "-F", "-i", "4096", "-O", "has_journal",
                  "-E", "lazy_itable_init=0,lazy_journal_init=0", image)
    os.mkdir(at)
    peers.command("mount", "-o", "loop", image, at)
    return at
