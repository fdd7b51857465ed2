# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""A mail server that runs, whichever it is: its folder, its control group, its beginning and its end."""
import os
import shutil
import signal
import socket
import subprocess
import time

import harness
from group import Group


class Mta:
    """One running instance.  hop: a port, whom all mail goes to, or {domain: "ADDRESS:PORT"}.
    wrap: words before its command (perf, strace).

    A kind of server has describe(settings), what is printed of it; prepare, which fills the folder and sets log_path;
    begin, which runs it; first, the name of the process that ends all others, the oldest of that name; flush, to try
    again what waits, and hops by domain, where its workloads need them."""

    works = None    # names of the workloads that it is fit for; None: all

    def __init__(self, name, folder, hop, settings, wrap=()):
        self.name, self.folder, self.hop, self.settings, self.wrap = name, folder, hop, settings, list(wrap)
        os.mkdir(folder)
        os.chmod(folder, 0o755)
        self.port = harness.free_port()
        self.group = Group(os.path.basename(folder))
        self.process = None

    def __enter__(self):
        try:
            self.prepare()
            self.start()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_):
        self.end()

    def start(self, seconds=300):
        """Begins, and waits until it greets a client; returns how many seconds that took."""
        began = time.monotonic()
        self.begin()
        harness.wait_for(self.answers, seconds, 0.005)
        return time.monotonic() - began

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

    def stop(self):
        """An orderly end; it may be started again."""
        if self.process is None:
            return
        pid = self.group.oldest(self.first)
        try:
            if pid is not None:
                os.kill(pid, signal.SIGTERM)
        except ProcessLookupError:
            pass
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def end(self):
        self.stop()
        self.group.remove()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self):
        try:
            with open(self.log_path, errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return "(no log)"
