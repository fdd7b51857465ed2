# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""Debian's Exim for bench/relay: the daemon of exim4-daemon-light with a configuration of its own."""
import os
import pwd

import peers
from instance import Mta

PACKAGES = ["exim4-daemon-light", "libgnutls-dane0", "libunbound8"]     # the libraries for what they need
PROGRAM = "usr/sbin/exim4"
ACCOUNT = "Debian-exim"     # compiled into it

# What differs from Exim's defaults and has to do with how fast it is.
SETTINGS = {
    "split_spool_directory": "true", "deliver_drop_privilege": "true", "smtp_accept_max": "200",
    "smtp_accept_max_per_connection": "0", "smtp_accept_queue_per_connection": "0", "smtp_connect_backlog": "1024",
    "remote_max_parallel": "20", "queue_run_max": "10", "tls_advertise_hosts": "", "host_lookup": "",
    "rfc1413_query_timeout": "0s"}

CONFIGURE = """\
exim_path = {program}
keep_environment = LD_LIBRARY_PATH
spool_directory = {d}/spool
log_file_path = {d}/log/%slog
pid_file_path = {d}/exim.pid
primary_hostname = gateway.example
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
acl_smtp_rcpt = rcpt
{settings}
begin acl
rcpt:
  accept hosts = 127.0.0.0/8
  deny message = relay not permitted
begin routers
hop:
  driver = manualroute
  transport = hop
  route_list = * 127.0.0.1
  self = send
begin transports
hop:
  driver = smtp
  port = {hop}
  allow_localhost
  hosts_avoid_tls = *
begin retry
* * F,2h,1m
"""


class Exim(Mta):
    first = "exim4"
    works = {"W1", "W1d", "W1s", "W2", "W3", "W4"}

    @staticmethod
    def describe(settings):
        return ", ".join(f"{k} {v}" if v else f"no {k}" for k, v in {**SETTINGS, **settings}.items()) + \
            "; immediate delivery by a manualroute router, no TLS"

    def prepare(self):
        d, owner = self.folder, pwd.getpwnam(ACCOUNT)
        self.log_path = os.path.join(d, "log", "mainlog")
        for name in "spool", "log":
            path = os.path.join(d, name)
            os.mkdir(path, 0o750)
            os.chown(path, owner.pw_uid, owner.pw_gid)
        (self.program,), self.env = peers.distribution("exim", PACKAGES, [PROGRAM])
        self.conf = os.path.join(d, "configure")
        settings = "".join(f"{k} = {v}\n" for k, v in {**SETTINGS, **self.settings}.items())
        with open(self.conf, "w") as f:
            f.write(CONFIGURE.format(d=d, program=self.program, port=self.port, hop=self.hop, settings=settings))

    def begin(self):
        with open(os.path.join(self.folder, "out"), "ab") as out:
            self.run([self.program, "-C", self.conf, "-bdf"], env=self.env, stdout=out, stderr=out)
