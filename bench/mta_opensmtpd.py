# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""Debian's OpenSMTPD for bench/relay.  Its paths are compiled into it, so it has a mount namespace of its own."""
import ctypes
import os
import socket

import peers
from instance import Mta

PROGRAM = "usr/sbin/smtpd"
BACKLOG = 1024                  # of the listening socket
SYS_PIDFD_GETFD = 438           # on all machines

# What differs from OpenSMTPD's defaults and has to do with how fast it is.
SETTINGS = {
    "smtp limit max-mails": "100000", "mta limit max-conn-per-host": "100", "mta limit max-conn-per-route": "50",
    "mta limit max-conn-per-connector": "50", "mta limit conn-delay-relay": "0", "mta limit conn-delay-route": "0",
    "mta limit reconn-delay-route": "0", "mta limit session-mail-max": "1000"}

CONF = """\
{settings}
listen on 127.0.0.1 port {port} hostname gateway.example
action "hop" relay host smtp://127.0.0.1:{hop}
match from src 127.0.0.0/8 for any action "hop"
"""

# Its resolver asks a name server before it looks at /etc/hosts, about each client, and a client waits for that.
RESOLV_CONF = "lookup file\n"

MOUNTS = {"spool": "/var/spool", "lib": "/var/lib", "run": "/run", "resolv.conf": "/etc/resolv.conf"}


def others_descriptor(pid, fd):
    """A descriptor of another process's, for us too."""
    process = os.pidfd_open(pid)
    try:
        got = ctypes.CDLL(None, use_errno=True).syscall(SYS_PIDFD_GETFD, process, fd, 0)
    finally:
        os.close(process)
    if got < 0:
        raise OSError(ctypes.get_errno(), "pidfd_getfd")
    return got


class OpenSmtpd(Mta):
    first = "smtpd"
    works = {"W1", "W1d", "W1s", "W2", "W3"}    # not W4: it sends one message in parts, the sink counts each

    @staticmethod
    def describe(settings):
        return ", ".join(f"{k} {v}" for k, v in {**SETTINGS, **settings}.items()) + \
            f"; relay to the hop, backlog {BACKLOG}, names from /etc/hosts alone; it flushes nothing to the disk"

    def prepare(self):
        d = self.folder
        self.log_path, self.conf = os.path.join(d, "log"), os.path.join(d, "smtpd.conf")
        for name in "spool", "spool/smtpd", "lib", "lib/opensmtpd", "lib/opensmtpd/empty", "run":
            os.mkdir(os.path.join(d, name))
        os.chmod(os.path.join(d, "spool/smtpd"), 0o711)     # it wants this, to the bit
        (self.program,), self.env = peers.distribution("opensmtpd", ["opensmtpd"], [PROGRAM])
        settings = "".join(f"{k} {v}\n" for k, v in {**SETTINGS, **self.settings}.items())
        with open(self.conf, "w") as f:
            f.write(CONF.format(settings=settings, port=self.port, hop=self.hop))
        with open(os.path.join(d, "resolv.conf"), "w") as f:
            f.write(RESOLV_CONF)

    def begin(self):
        mounts = "".join(f'mount --bind "$1/{ours}" {at} && ' for ours, at in MOUNTS.items())
        with open(self.log_path, "ab") as log:
            self.run(["unshare", "--mount", "--propagation", "private", "sh", "-c", mounts + 'exec "$2" -d -f "$3"',
                      "sh", self.folder, self.program, self.conf], env=self.env, stdout=log, stderr=log)

    def start(self, seconds=300):
        took = super().start(seconds)
        self.lengthen_backlog()
        return took

    def lengthen_backlog(self):
        """It listens with a backlog of 5: of 20 clients who come at once most would wait for a second or a third
        SYN, some for ever, and no setting changes that."""
        with open("/proc/net/tcp") as f:
            inode, = [w[9] for w in map(str.split, f) if w[1] == f"0100007F:{self.port:04X}" and w[3] == "0A"]
        for pid in self.group.pids():
            folder = f"/proc/{pid}/fd"
            for fd in os.listdir(folder):
                if os.readlink(os.path.join(folder, fd)) == f"socket:[{inode}]":
                    with socket.socket(fileno=others_descriptor(pid, int(fd))) as s:
                        s.listen(BACKLOG)
                    return
        raise SystemExit("relay: opensmtpd: nobody has its listening socket")
