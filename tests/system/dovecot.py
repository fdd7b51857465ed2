# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""Dovecot as a peer: its LMTP server, on a socket of this host and on a port, unpacked as tests/system/peers.py does."""
import os
import pwd
import shutil
import subprocess
import tempfile

from harness import ORDINARY, SLOW, free_port, wait_for
from peers import command, distribution

PROGRAMS = "usr/sbin/dovecot", "usr/bin/doveadm", "usr/lib/dovecot/lmtp"

CONF = """
base_dir = {home}/run
state_dir = {home}/state
libexec_dir = {root}/usr/lib/dovecot
mail_plugin_dir = {root}/usr/lib/dovecot/modules
log_path = {home}/log
default_internal_user = {user}
default_login_user = {user}
default_internal_group = {group}
import_environment = LD_LIBRARY_PATH
protocols = lmtp
ssl = no
mail_location = maildir:{home}/mail/%n
mail_uid = {user}
mail_gid = {group}
first_valid_uid = 1
first_valid_gid = 1
auth_mechanisms = plain
auth_username_format = %n
lmtp_rcpt_check_quota = yes
passdb {{
  driver = static
  args = nopassword=y
}}
userdb {{
  driver = passwd-file
  args = {home}/users
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
service lmtp {{
  user = {user}
  unix_listener {home}/lmtp {{
    mode = 0666
  }}
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {port}
  }}
}}
"""


class Dovecot:
    """users: whose mail it takes.  .path and .port: where it speaks LMTP."""

    def __init__(self, *users):
        paths, self.env = distribution("dovecot", ["dovecot-core", "dovecot-lmtpd"], PROGRAMS, ["usr/lib/dovecot"])
        self.root = paths[0][:-len(PROGRAMS[0]) - 1]
        self.home = tempfile.mkdtemp(prefix="accord-dovecot-")
        self.port, self.path = free_port(), os.path.join(self.home, "lmtp")
        who = pwd.getpwnam(ORDINARY) if os.getuid() == 0 else pwd.getpwuid(os.getuid())
        self.uid, self.gid = who.pw_uid, who.pw_gid
        gid = command("id", "-gn", who.pw_name).strip()
        self.conf = os.path.join(self.home, "conf")
        with open(self.conf, "w") as f:
            f.write(CONF.format(home=self.home, root=self.root, user=who.pw_name, group=gid, port=self.port))
        with open(os.path.join(self.home, "users"), "w") as f:
            f.writelines(f"{u}:{{PLAIN}}x:{who.pw_uid}:{who.pw_gid}::{self.home}/mail/{u}::\n" for u in users)
        os.chmod(self.home, 0o755)
        if os.getuid() == 0:
            for top, dirs, files in os.walk(self.home):
                for name in [top] + [os.path.join(top, n) for n in dirs + files]:
                    os.chown(name, who.pw_uid, who.pw_gid)
        self.process = subprocess.Popen(self.words(self.root + "/usr/sbin/dovecot", "-F", "-c", self.conf), env=self.env,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        wait_for(self.listens)

    def words(self, *words):
        """The program where it was built for: its folders lie over the system's, for its processes alone."""
        mounts = "".join(f"mount -t overlay overlay -o lowerdir={self.root}/{d}:/{d} /{d} && " for d in ("usr/lib", "usr/bin"))
        if os.getuid() == 0:
            space = ["unshare", "-m"]
            become = f"setpriv --reuid {self.uid} --regid {self.gid} --clear-groups "
        else:
            space, become = ["unshare", "-U", "-m", "--map-current-user", "--keep-caps"], ""
        return [*space, "sh", "-c", mounts + "exec " + become + '"$@"', "sh", *words]

    def listens(self):
        if self.process.poll() is not None:
            raise AssertionError(f"dovecot ended: {self.process.stderr.read()!r}\n{self.log()}")
        return os.path.exists(self.path)

    def log(self):
        try:
            with open(os.path.join(self.home, "log"), errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def fetch(self, user):
        """The texts of the messages in a user's INBOX, as doveadm gives them."""
        r = subprocess.run(self.words(self.root + "/usr/bin/doveadm", "-c", self.conf, "-f", "pager", "fetch", "-u", user,
                                      "text", "mailbox", "INBOX"), env=self.env, capture_output=True, timeout=30 * SLOW)
        assert r.returncode == 0, r.stderr
        return [t.split(b"text:\n", 1)[1] for t in r.stdout.split(b"\f") if b"text:\n" in t]

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            print(self.log()[-3000:])
        self.process.terminate()
        self.process.wait(10 * SLOW)
        self.process.stderr.close()
        shutil.rmtree(self.home, ignore_errors=True)
