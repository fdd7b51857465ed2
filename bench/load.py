# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""What bench/relay sends and how it is taken: Postfix's smtp-source and smtp-sink, a client and a next hop
of our own where those cannot do it, and idle sockets."""
import os
import re
import select
import shutil
import socket
import struct
import subprocess
import tempfile
import time

import harness
import peers

WARM = 200


def wait_count(count, n, seconds):
    end = time.monotonic() + seconds
    while count() < n and time.monotonic() < end:
        time.sleep(0.002)
    return count()


class Sink:
    """smtp-sink, counting; nothing is kept."""

    COUNT = re.compile(rb"mesg=(\d+)")

    def __init__(self, port=None):
        self.port = port or harness.free_port()
        self.log = tempfile.TemporaryFile(prefix="accord-sink-")
        root = peers.postfix()
        self.process = subprocess.Popen(
            [os.path.join(root, peers.SINK), "-c", "-u", harness.ORDINARY, f"127.0.0.1:{self.port}", "1024"],
            env=peers.environment(root), stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        harness.wait_for(self.listens)

    def listens(self):
        if self.process.poll() is not None:
            raise SystemExit("relay: smtp-sink did not start")
        with open("/proc/net/tcp") as f:
            return any(f"0100007F:{self.port:04X} 00000000:0000 0A" in line for line in f)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.log.close()

    def count(self):
        fd = self.log.fileno()
        size = os.fstat(fd).st_size
        found = self.COUNT.findall(os.pread(fd, 200, max(0, size - 200)))
        return int(found[-1]) if found else 0

    def wait(self, n, seconds):
        """Waits until n messages were taken; returns how many were."""
        return wait_count(self.count, n, seconds)


def source(port, messages, sessions, size, recipients=1, keep=False, seconds=600, loud=True):
    """smtp-source to its end."""
    root = peers.postfix()
    words = [os.path.join(root, peers.SOURCE), "-s", str(sessions), "-m", str(messages), "-l", str(size),
             "-r", str(recipients), "-M", "client.example", "-f", "a@client.example", "-t", "b@far.example"]
    subprocess.run(words + (["-d"] if keep else []) + [f"127.0.0.1:{port}"], env=peers.environment(root),
                   stdin=subprocess.DEVNULL, stderr=None if loud else subprocess.DEVNULL, check=True,
                   timeout=seconds)


class Hop:
    """bench/hop.c, which answers CONNEG, is slow at one address, and writes down when what came.  In a
    folder of its own, since one that is stopped may be begun again and goes on counting from nothing."""

    def __init__(self, where, caps=None, slow=None):
        """where: ["ADDRESS:PORT"].  caps: {prefix of local parts: expression}.  slow: (address, ms)."""
        self.folder = tempfile.mkdtemp(prefix="accord-hop-")
        self.arrivals = os.path.join(self.folder, "arrivals")
        words = [os.path.join(harness.BUILD, "bench_hop"), "-o", self.arrivals]
        if caps:
            with open(os.path.join(self.folder, "caps"), "w") as f:
                f.writelines(f"{k} {v}\n" for k, v in caps.items())
            words += ["-c", f.name]
        if slow:
            words += ["-s", f"{slow[0]}={slow[1]}"]
        self.counts = os.path.join(self.folder, "counts")
        self.process = subprocess.Popen([*words, self.counts, *where], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE)
        if self.process.stdout.readline() != b"ready\n":
            raise SystemExit("relay: bench_hop did not start")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()

    def taken(self):
        """Messages, recipients."""
        with open(self.counts, "rb") as f:
            return struct.unpack("=QQ", f.read(16))

    def count(self):
        return self.taken()[0]

    def wait(self, n, seconds):
        return wait_count(self.count, n, seconds)

    def times(self):
        """Once it was stopped: [(first recipient, microseconds)]."""
        with open(self.arrivals) as f:
            return [(who, int(us)) for who, us in map(str.split, f)]


def client(port, message, sender, pattern, options, seconds=600):
    """bench/client.c to its end; returns [(number, due, accepted)], microseconds."""
    with tempfile.TemporaryDirectory(prefix="accord-client-") as d:
        times = os.path.join(d, "times")
        with open(os.path.join(d, "message"), "wb") as f:
            f.write(message)
        subprocess.run([os.path.join(harness.BUILD, "bench_client"), "-o", times, *options, f.name, sender, pattern,
                        str(port)], stdin=subprocess.DEVNULL, check=True, timeout=seconds)
        with open(times) as f:
            return [tuple(map(int, line.split())) for line in f]


def client_address(i):
    """Of the i-th silent client: 50 share an address, two of these a network of 256."""
    k = i // 50
    return f"127.{1 + k // 500}.{k // 2 % 250}.{1 + k % 2}"


def idle_connections(port, n, seconds):
    """Opens n connections that say nothing, from many addresses; returns the sockets, and how many were
    greeted, refused, left without a word, and the time to the last greeting."""
    poll, open_sockets, greeted, refused, last = select.epoll(), {}, 0, 0, 0.0
    began = time.monotonic()
    for i in range(n):
        s = socket.socket()
        s.bind((client_address(i), 0))
        s.setblocking(False)
        s.connect_ex(("127.0.0.1", port))
        open_sockets[s.fileno()] = s
        poll.register(s.fileno(), select.EPOLLIN)
    while greeted + refused < n and time.monotonic() - began < seconds:
        for fd, _ in poll.poll(0.2):
            try:
                said = open_sockets[fd].recv(1000)
            except OSError:
                said = b""
            poll.unregister(fd)
            if said.startswith(b"220"):
                greeted, last = greeted + 1, time.monotonic() - began
            else:
                refused += 1
    poll.close()
    return list(open_sockets.values()), greeted, refused, n - greeted - refused, last


def still_open(sockets):
    """Of those that were greeted, how many the other side has not ended."""
    n = 0
    for s in sockets:
        try:
            s.recv(1000)    # nothing, or its farewell
        except BlockingIOError:
            n += 1
        except OSError:
            pass
    return n
