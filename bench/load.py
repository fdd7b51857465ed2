# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""What bench/relay sends and how it is taken: Postfix's smtp-source and smtp-sink, and idle sockets."""
import os
import re
import select
import socket
import subprocess
import tempfile
import time

import harness
import peers

WARM = 200


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
        end = time.monotonic() + seconds
        while self.count() < n and time.monotonic() < end:
            time.sleep(0.002)
        return self.count()


def source(port, messages, sessions, size, recipients=1, keep=False, seconds=600, loud=True):
    """smtp-source to its end."""
    root = peers.postfix()
    words = [os.path.join(root, peers.SOURCE), "-s", str(sessions), "-m", str(messages), "-l", str(size),
             "-r", str(recipients), "-M", "client.example", "-f", "a@client.example", "-t", "b@far.example"]
    subprocess.run(words + (["-d"] if keep else []) + [f"127.0.0.1:{port}"], env=peers.environment(root),
                   stdin=subprocess.DEVNULL, stderr=None if loud else subprocess.DEVNULL, check=True,
                   timeout=seconds)


def idle_connections(port, n, seconds):
    """Opens n connections that say nothing; returns the sockets, and how many were greeted, refused,
    left without a word, and the time to the last greeting."""
    poll, open_sockets, greeted, refused, last = select.epoll(), {}, 0, 0, 0.0
    began = time.monotonic()
    for _ in range(n):
        s = socket.socket()
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
