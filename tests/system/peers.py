# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""Real peers: Postfix's smtp-source and smtp-sink, and swaks.

Mail servers conflict as packages, so Postfix is only unpacked, once, under build/peers, and its two
test programs run from there as an ordinary account.  A peer that cannot be had fails the test.
"""
import fcntl
import glob
import os
import pwd
import re
import shutil
import subprocess
import tempfile

from harness import NextHop, ORDINARY, SLOW, TOP, crlf, free_port, wait_for

CACHE = os.path.join(TOP, "build", "peers")
SINK, SOURCE = "usr/sbin/smtp-sink", "usr/sbin/smtp-source"
LIBRARIES = "usr/lib/postfix/*.so*", "usr/lib/*-linux-*"


def command(*words, fine=(0,), **kw):
    r = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **kw)
    if r.returncode not in fine:
        raise AssertionError(f"{' '.join(words)}: {r.returncode}\n{r.stdout[-2000:]}")
    return r.stdout


def unpack(package, root):
    """Fetches a package of the system's own distribution and unpacks it, without set-id bits: who runs a program from
    there is who it shall be, and finds the libraries beside it.  Returns what it depends on."""
    with tempfile.TemporaryDirectory(prefix="accord-peer-") as d:
        os.chmod(d, 0o755)
        try:
            command("apt-get", "download", "-q", package, cwd=d)
        except AssertionError:      # no package lists, or old ones
            command(*(["sudo"] if os.getuid() != 0 else []), "apt-get", "update", "-qq")
            command("apt-get", "download", "-q", package, cwd=d)
        deb, = glob.glob(os.path.join(d, "*.deb"))
        command("dpkg-deb", "-x", deb, root)
        command("find", root, "-type", "f", "-perm", "/6000", "-exec", "chmod", "ug-s", "{}", "+")
        depends = command("dpkg-deb", "-f", deb, "Depends")
    return [part.split("|")[0].split("(")[0].strip() for part in depends.split(",")]


def environment(root):
    folders = [os.path.join(root, "usr/lib/postfix")] + glob.glob(os.path.join(root, LIBRARIES[1]))
    return {"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": ":".join(folders)}


def lacks_libraries(root):
    text = command("ldd", os.path.join(root, SINK), os.path.join(root, SOURCE), env=environment(root))
    return "not found" in text


def distribution(name, packages, programs, folders=()):
    """Programs of packages that are only unpacked, with the libraries they lack: (paths, environment).  folders: where
    the packages keep libraries of their own."""
    root = os.path.join(CACHE, name)

    def libraries_in(top):
        return ":".join([os.path.join(top, f) for f in folders] + glob.glob(os.path.join(top, LIBRARIES[1])))
    os.makedirs(CACHE, exist_ok=True)
    env = {"PATH": os.environ["PATH"]}
    with open(os.path.join(CACHE, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(root):
            new = tempfile.mkdtemp(dir=CACHE)
            libraries = [p for package in packages for p in unpack(package, new) if p.startswith("lib")]
            env["LD_LIBRARY_PATH"] = libraries_in(new)
            if "not found" in command("ldd", *[os.path.join(new, p) for p in programs], env=env):
                for package in sorted(set(libraries) - {"libc6"}):
                    unpack(package, new)
            os.chmod(new, 0o755)
            os.rename(new, root)
    env["LD_LIBRARY_PATH"] = libraries_in(root)
    paths = [os.path.join(root, p) for p in programs]
    if "not found" in command("ldd", *paths, env=env):
        raise AssertionError(f"{root}: the programs lack libraries; remove it to fetch it anew")
    return paths, env


def postfix():
    """The root that Postfix lies under."""
    root = os.path.join(CACHE, "postfix")
    os.makedirs(CACHE, exist_ok=True)
    with open(os.path.join(CACHE, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(root):
            new = tempfile.mkdtemp(dir=CACHE)
            libraries = [p for p in unpack("postfix", new) if p.startswith("lib") and p != "libc6"]
            for package in libraries if lacks_libraries(new) else []:
                unpack(package, new)
            kept = tempfile.mkdtemp(dir=CACHE)
            for pattern in (SINK, SOURCE, *LIBRARIES):
                for path in glob.glob(os.path.join(new, pattern)):
                    os.renames(path, os.path.join(kept, os.path.relpath(path, new)))
            shutil.rmtree(new)
            os.chmod(kept, 0o755)
            os.rename(kept, root)
    if lacks_libraries(root):
        raise AssertionError(f"{root}: the programs lack libraries; remove it to fetch it anew")
    return root


def source(port, *options, seconds=60):
    """smtp-source against accord; fails if any message was not taken."""
    root = postfix()
    command(os.path.join(root, SOURCE), "-M", "client.example", "-f", "a@client.example",
            *options, f"127.0.0.1:{port}", env=environment(root), timeout=seconds * SLOW)


def swaks(port, *options, status=0, seconds=30):
    """swaks against accord; returns its transcript."""
    r = subprocess.run(["swaks", "--server", "127.0.0.1", "--port", str(port), "--helo", "client.example",
                        *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       text=True, timeout=seconds * SLOW)
    assert r.returncode == status, f"swaks: {r.returncode}\n{r.stdout}"
    return r.stdout


class Sink(NextHop):
    """smtp-sink: what it took is in .messages(), as in harness.Peer, and counted by itself."""

    COUNT = re.compile(rb"sess=(\d+) quit=(\d+) mesg=(\d+)")

    def __init__(self, *options, port=None):
        root = postfix()
        self.port = port or free_port()
        self.folder = tempfile.mkdtemp(prefix="accord-sink-")
        self.log_path = os.path.join(self.folder, "log")
        words = [os.path.join(root, SINK), "-c", "-d", os.path.join(self.folder, "m/m.")]
        os.mkdir(os.path.join(self.folder, "m"))
        if os.getuid() == 0:
            who = pwd.getpwnam(ORDINARY)
            for path in (self.folder, os.path.join(self.folder, "m")):
                os.chown(path, who.pw_uid, who.pw_gid)
            words += ["-u", ORDINARY]
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(words + [*options, f"127.0.0.1:{self.port}", "128"],
                                            env=environment(root), stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)
        wait_for(self.listens)

    def listens(self):
        if self.process.poll() is not None:
            raise AssertionError(f"smtp-sink ended: {self.log()}")
        want = f"0100007F:{self.port:04X} 00000000:0000 0A"
        with open("/proc/net/tcp") as f:
            return any(want in line for line in f)

    def close(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
            shutil.rmtree(self.folder, ignore_errors=True)

    def log(self):
        with open(self.log_path, "rb") as f:
            return f.read()

    def counts(self):
        """Sessions, QUITs, messages."""
        found = self.COUNT.findall(self.log())
        return tuple(int(n) for n in found[-1]) if found else (0, 0, 0)

    def messages(self):
        found = []
        for path in sorted(glob.glob(os.path.join(self.folder, "m", "m.*"))):
            with open(path, "rb") as f:
                found.append(dump(f.read()))
        return found


def dump(text):
    """One dumped message: smtp-sink's fields up to its three lines of Received, then what came."""
    head, rest = text.split(b"\nReceived: ", 1)
    fields = [line.split(b": ", 1) for line in head.split(b"\n")]
    body = rest.split(b"\n", 3)[3]
    assert body.endswith(b"\n\n"), body[-40:]
    value = {name: [v.decode("latin-1") for n, v in fields if n == name]
             for name in (b"X-Mail-Args", b"X-Rcpt-Args", b"X-Client-Proto")}
    return {"mail": value[b"X-Mail-Args"][0], "rcpt": value[b"X-Rcpt-Args"],
            "proto": value[b"X-Client-Proto"][0], "data": crlf(body[:-1])}
