# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""A network of a test's own: a network namespace with addresses on its loopback, Debian's nsd as name
server, and a tap before it that counts questions and can be told to fail.  Needs root; nothing of it has
a name outside, so any number run at once, and it is gone with its last process."""
import ctypes
import os
import shutil
import socket
import struct
import subprocess
import tempfile
import threading

import peers
from harness import wait_for

CLONE_NEWNET = 0x40000000
NSD_ADDR, TAP_ADDR = "192.0.2.53", "192.0.2.54"
libc = ctypes.CDLL(None, use_errno=True)


def check(result, what):
    if result != 0:
        raise AssertionError(f"{what}: {os.strerror(ctypes.get_errno())}")


def run(*words, **kw):
    return peers.command(*words, **kw)


class Tap:
    """Passes questions to nsd and its answers back.  mode: "pass", "drop", "servfail"; broken: names that are a server
    failure where others pass."""

    def __init__(self, addr=TAP_ADDR):
        self.mode, self.questions, self.broken = "pass", [], set()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((addr, 53))
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as up:
            up.connect((NSD_ADDR, 53))
            up.settimeout(2)
            while True:
                try:
                    packet, client = self.socket.recvfrom(65535)
                except OSError:
                    return
                if not packet:
                    return
                self.questions.append(question(packet))
                if self.mode == "servfail" or self.mode == "pass" and self.questions[-1][0] in self.broken:
                    self.socket.sendto(packet[:2] + b"\x81\x82" + packet[4:6] + b"\0" * 6 +
                                       packet[12:self.end(packet)], client)
                elif self.mode == "pass":
                    up.send(packet)
                    try:
                        self.socket.sendto(up.recv(65535), client)
                    except OSError:
                        pass

    @staticmethod
    def end(packet):
        at = 12
        while packet[at]:
            at += packet[at] + 1
        return at + 5

    def asked(self, name, kind=None):
        return sum(1 for n, k in self.questions if n == name and kind in (None, k))

    def close(self):
        self.socket.close()


def question(packet):
    """Its name and type."""
    labels, at = [], 12
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode("latin-1").lower())
        at += packet[at] + 1
    kind, = struct.unpack(">H", packet[at + 1:at + 3])
    return ".".join(labels), {1: "A", 15: "MX", 28: "AAAA", 33: "SRV", 48: "DNSKEY", 43: "DS"}.get(kind, kind)


class World:
    """addresses: those of its hosts.  zones: {name: text of a zone file}."""

    def __init__(self, addresses, zones, signed=()):
        self.addresses, self.zones, self.signed = addresses, zones, signed
        self.anchors = {}

    def __enter__(self):
        if os.getuid() != 0:
            raise AssertionError("only root can make a network namespace: run the tests as root")
        (self.nsd_path, self.keygen, self.signzone), self.env = peers.distribution(
            "dns", ["nsd", "ldnsutils"], ["usr/sbin/nsd", "usr/bin/ldns-keygen", "usr/bin/ldns-signzone"])
        self.old = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        check(libc.unshare(CLONE_NEWNET), "a network namespace of its own (container without "
              "CAP_SYS_ADMIN?)")
        self.nsd = self.tap = None
        self.folder = tempfile.mkdtemp(prefix="accord-dns-")
        try:
            run("ip", "link", "set", "lo", "up")
            for a in [NSD_ADDR, TAP_ADDR, *self.addresses]:
                run("ip", "addr", "add", a + ("/128" if ":" in a else "/32"), "dev", "lo",
                    *(["nodad"] if ":" in a else []))
            self.start_nsd()
            self.tap = Tap()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.tap:
            self.tap.close()
        if self.nsd:
            self.nsd.kill()
            self.nsd.wait()
        check(libc.setns(self.old, CLONE_NEWNET), "setns")
        os.close(self.old)
        shutil.rmtree(self.folder, ignore_errors=True)

    def start_nsd(self):
        d = self.folder
        conf = [f'server:\n ip-address: {NSD_ADDR}\n port: 53\n username: ""\n chroot: ""\n zonesdir: "{d}"',
                f' pidfile: "{d}/pid"\n xfrdfile: "{d}/xfrd"\n zonelistfile: "{d}/list"\n database: ""',
                ' server-count: 1\n hide-version: yes\nremote-control:\n control-enable: no']
        for name, text in self.zones.items():
            path = os.path.join(d, name + "zone")
            with open(path, "w") as f:
                f.write(text)
            if name in self.signed:
                path = self.sign(name, path)
            conf.append(f'zone:\n name: "{name}"\n zonefile: "{path}"')
        with open(os.path.join(d, "conf"), "w") as f:
            f.write("\n".join(conf) + "\n")
        self.log = os.path.join(d, "log")
        with open(self.log, "wb") as log:
            self.nsd = subprocess.Popen([self.nsd_path, "-d", "-c", os.path.join(d, "conf")], env=self.env,
                                        stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for(self.answers)

    def answers(self):
        if self.nsd.poll() is not None:
            with open(self.log) as f:
                raise AssertionError("nsd ended: " + f.read()[-2000:])
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(0.2)
            zone = next(iter(self.zones))
            name = b"".join(bytes([len(l)]) + l.encode() for l in zone.split(".") if l) + b"\0"
            try:
                s.sendto(b"\0\1\0\0\0\1\0\0\0\0\0\0" + name + b"\0\6\0\1", (NSD_ADDR, 53))
                return s.recv(512)[3] & 15 == 0
            except OSError:
                return False

    def sign(self, name, path):
        """One key for keys and zone; its DNSKEY record is the trust anchor."""
        made = run(self.keygen, "-k", "-a", "ECDSAP256SHA256", name, env=self.env, cwd=self.folder)
        key = made.strip().splitlines()[-1]
        with open(os.path.join(self.folder, key + ".key")) as f:
            self.anchors[name] = f.read().split(";")[0].strip()
        run(self.signzone, "-f", path + ".signed", path, key, env=self.env, cwd=self.folder)
        return path + ".signed"


class Silent:
    """A host where nobody answers: its listener's queue is full, so the network drops what comes."""

    def __init__(self, host, port=25):
        self.server = socket.socket()
        self.server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.server.bind((host, port))
        self.server.listen(0)
        self.fill = []
        for _ in range(3):
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex((host, port))
            self.fill.append(s)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for s in [*self.fill, self.server]:
            s.close()
