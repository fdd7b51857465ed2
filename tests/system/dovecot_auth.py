# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""Dovecot as a peer: who checks names and passwords, on a socket of this host; unpacked as tests/system/peers.py does."""
import fcntl
import glob
import os
import pwd
import shutil
import subprocess
import tempfile

from harness import ORDINARY, SLOW, wait_for
from peers import CACHE, LIBRARIES, command, unpack

CONF = """
base_dir = {home}/run
state_dir = {home}/state
libexec_dir = {root}/usr/lib/dovecot
log_path = {home}/log
auth_verbose = yes
default_internal_user = {user}
default_login_user = {user}
default_internal_group = {group}
import_environment = LD_LIBRARY_PATH
protocols =
ssl = no
first_valid_uid = 1
auth_mechanisms = plain
auth_failure_delay = 0
auth_username_format = %Lu
passdb {{
  driver = passwd-file
  args = {home}/users
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={home}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
service auth {{
  user = {user}
  unix_listener {home}/auth-client {{
    mode = 0666
  }}
}}
"""


def root():
    """Where dovecot-core lies, with the libraries that it lacks."""
    top = os.path.join(CACHE, "dovecot-auth")
    os.makedirs(CACHE, exist_ok=True)
    with open(os.path.join(CACHE, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(top):
            new = tempfile.mkdtemp(dir=CACHE)
            libraries = [p for p in unpack("dovecot-core", new) if p.startswith("lib")]
            if "not found" in command("ldd", os.path.join(new, "usr/lib/dovecot/auth"), env=environment(new)):
                for package in sorted(set(libraries) - {"libc6"}):
                    unpack(package, new)
            os.chmod(new, 0o755)
            os.rename(new, top)
    return top


def environment(top):
    folders = [os.path.join(top, "usr/lib/dovecot"), os.path.join(top, "usr/lib/dovecot/old-stats")]
    return {"PATH": os.environ["PATH"],
            "LD_LIBRARY_PATH": ":".join(folders + glob.glob(os.path.join(top, LIBRARIES[1])))}


def space(top, who):
    """Words in front of a program that is looked for where it was built for: its folders lie over the system's, for it and
    its children alone, which run as who."""
    mounts = "".join(f"mount -t overlay overlay -o lowerdir={top}/{d}:/{d} /{d} && " for d in ("usr/lib", "usr/bin"))
    if os.getuid() != 0:
        return ["unshare", "-U", "-m", "--map-current-user", "--keep-caps", "sh", "-c", mounts + 'exec "$@"', "sh"]
    become = f"setpriv --reuid {who.pw_uid} --regid {who.pw_gid} --clear-groups "
    return ["unshare", "-m", "sh", "-c", mounts + "exec " + become + '"$@"', "sh"]


class DovecotAuth:
    """users: lines of a passwd-file, NAME:{SCHEME}PASSWORD.  .path: its socket for clients."""

    def __init__(self, *users):
        top = root()
        self.home = tempfile.mkdtemp(prefix="accord-dovecot-")
        self.path = os.path.join(self.home, "auth-client")
        who = pwd.getpwnam(ORDINARY) if os.getuid() == 0 else pwd.getpwuid(os.getuid())
        group = command("id", "-gn", who.pw_name).strip()
        conf = os.path.join(self.home, "conf")
        with open(conf, "w") as f:
            f.write(CONF.format(home=self.home, root=top, user=who.pw_name, group=group))
        with open(os.path.join(self.home, "users"), "w") as f:
            f.writelines(u + "\n" for u in users)
        os.chmod(self.home, 0o755)
        if os.getuid() == 0:
            for name in [self.home] + [os.path.join(self.home, n) for n in os.listdir(self.home)]:
                os.chown(name, who.pw_uid, who.pw_gid)
        self.process = subprocess.Popen(space(top, who) + [os.path.join(top, "usr/sbin/dovecot"), "-F", "-c", conf],
                                        env=environment(top), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE)
        wait_for(self.listens)

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

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            print(self.log()[-3000:])
        self.process.terminate()
        self.process.wait(10 * SLOW)
        self.process.stderr.close()
        shutil.rmtree(self.home, ignore_errors=True)
