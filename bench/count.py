# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""What a server used: CPU and flushes between two moments; calls, switches and packets, in runs of their own."""
import os
import re
import threading

EVENTS = {"system_calls": "raw_syscalls:sys_enter", "context_switches": "context-switches",
          "forks": "sched:sched_process_fork", "page_faults": "page-faults", "fsyncs": "syscalls:sys_enter_fsync",
          "fdatasyncs": "syscalls:sys_enter_fdatasync"}


def disk_flushes(folder):
    dev = os.stat(folder).st_dev
    with open(f"/sys/dev/block/{os.major(dev)}:{os.minor(dev)}/stat") as f:
        got = f.read().split()
    return int(got[15]) if len(got) > 15 else 0


def kernel_cpu_s():
    """CPU seconds of the kernel's own threads, which belong to no server; some systems have one that looks
    through all memory."""
    ticks = 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as f:
                words = f.read().rpartition(")")[2].split()
        except OSError:         # it has ended
            continue
        if words[1] == "2":     # its parent is kthreadd
            ticks += int(words[11]) + int(words[12])
    return ticks / os.sysconf("SC_CLK_TCK")


class Usage:
    """What a server used between two moments, for each of n messages."""

    def __init__(self, m):
        self.m = m
        self.cpu, self.flushes = m.group.cpu(), disk_flushes(m.folder)

    def since(self, n):
        user, system = (b - a for a, b in zip(self.cpu, self.m.group.cpu()))
        return {"cpu_s_per_1000": (user + system) * 1000 / n, "user_ms": user * 1000 / n,
                "system_ms": system * 1000 / n,
                "flushes": (disk_flushes(self.m.folder) - self.flushes) / n}

    def cpu_s(self):
        return sum(self.m.group.cpu()) - sum(self.cpu)


class Peak(threading.Thread):
    """The most memory and processes seen, looked at now and then."""

    def __init__(self, group):
        super().__init__(daemon=True)
        self.group, self.over, self.pss, self.processes = group, threading.Event(), 0, 0

    def run(self):
        while not self.over.wait(0.3):
            pss, _, n = self.group.memory()
            self.pss, self.processes = max(self.pss, pss), max(self.processes, n)


class Perf:
    """perf stat around a server, switched on and off from here."""

    def __init__(self, folder):
        self.ctl, self.ack = (os.path.join(folder, name) for name in ("ctl", "ack"))
        self.out = os.path.join(folder, "counts")
        for path in self.ctl, self.ack:
            os.mkfifo(path)
        self.wrap = ["perf", "stat", "-x", ";", "-o", self.out, "-D", "-1", "--control",
                     f"fifo:{self.ctl},{self.ack}", "-e", ",".join(EVENTS.values()), "--"]

    def say(self, word):
        with open(self.ctl, "w") as f:
            f.write(word + "\n")
        with open(self.ack) as f:
            f.readline()

    def read(self, n):
        got = {}
        with open(self.out) as f:
            for line in f:
                words = line.split(";")
                for key, event in EVENTS.items():
                    if len(words) > 2 and words[2] == event and words[0].isdigit():
                        got[key] = int(words[0]) / n
        return got


# --- packets ---

PACKET_CALLS = "sendmsg,sendmmsg,sendto,write"
CALL = re.compile(r"^(\d+) +(\w+)\((\d+)<UNIX(?:-SEQPACKET)?:\[(.*)$")
RESUMED = re.compile(r"^(\d+) +<\.\.\. (\w+) resumed>.* = (-?\d+)")
LOG_FD = "2"


def packets(path):
    """Packets on Unix sockets, and of these log lines, in what strace -f -yy wrote down."""
    sent = lines = 0
    waits = {}      # calls that are not over: {(process, call): descriptor}
    with open(path, errors="replace") as f:
        for line in f:
            m, r = CALL.match(line), RESUMED.match(line)
            if m and line.rstrip().endswith("<unfinished ...>"):
                waits[m[1], m[2]] = m[3]
                continue
            if m:
                call, fd, result = m[2], m[3], line.rsplit(" = ", 1)[-1].split()[0]
            elif r and (r[1], r[2]) in waits:
                call, fd, result = r[2], waits.pop((r[1], r[2])), r[3]
            else:
                continue
            n = max(int(result), 0) if call == "sendmmsg" else result[0] != "-"
            sent, lines = sent + n, lines + (n if fd == LOG_FD else 0)
    return sent - lines, lines
