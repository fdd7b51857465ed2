# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""accord over the layer of tests/crash/sys.h (make crash): a record of what it changed on the disk, and calls
that fail by number."""
import errno
import mmap
import os
import re
import struct

from harness import BUILD, TOP, Instance, programs

CRASH = BUILD + "-crash"


def _enum():
    """enum sys_call of sys.h, so that its numbers are written once."""
    with open(os.path.join(TOP, "tests", "crash", "sys.h")) as f:
        text = f.read().split("enum sys_call {")[1].split("}")[0]
    return [w.lower() for w in re.findall(r"SYS_(\w+)", re.sub(r"/\*.*?\*/", "", text, flags=re.S))][:-1]


CALLS = _enum()
CALL = {name: number for number, name in enumerate(CALLS)}
REC = struct.Struct("=IHHIIQQQQQQIHH")
HEAD = struct.Struct("=8sQQQQ")
RULE = struct.Struct("=II16s24sQQQQII")
RULES = 256


def need_build():
    """The folder of the programs, which everybody may run."""
    global _bin
    if _bin is None:
        if not os.path.exists(os.path.join(CRASH, "accord-start")):
            raise AssertionError("no programs with the layer: make crash")
        _bin = programs(CRASH)
    return _bin


_bin = None


class Rec:
    """A record: call (its name), error, pid, flags, begin, end, ino, dir, to_dir, off, from_, to, data."""

    def __init__(self, raw, at):
        (self.len, call, self.error, self.pid, self.flags, self.begin, self.end, self.ino, self.dir, self.to_dir,
         self.off, n, from_len, to_len) = REC.unpack_from(raw, at)
        at += REC.size
        self.call = CALLS[call]
        self.from_, self.to = (os.fsdecode(raw[a:b]) for a, b in
                               ((at, at + from_len), (at + from_len, at + from_len + to_len)))
        self.data = bytes(raw[at + from_len + to_len:at + from_len + to_len + n])

    def __repr__(self):
        why = f" {errno.errorcode.get(self.error, self.error)}" if self.error else ""
        return f"<{self.begin}-{self.end} {self.pid} {self.call} ino {self.ino} {self.from_} {self.to} " \
               f"{self.off}+{len(self.data)}{why}>"


class _Mapped:
    def __init__(self, path, size):
        self.path = path
        with open(path, "wb") as f:
            f.truncate(size)
        os.chmod(path, 0o666)
        with open(path, "r+b") as f:
            self.map = mmap.mmap(f.fileno(), size)


class Record(_Mapped):
    def __init__(self, path, size=16 << 20):
        super().__init__(path, size)
        HEAD.pack_into(self.map, 0, b"accordR", size, HEAD.size, 0, 0)

    def records(self):
        """All so far, in the order in which their calls returned (of a process that lives, maybe not the last)."""
        _, size, end, _, _ = HEAD.unpack_from(self.map, 0)
        if end > size:
            raise AssertionError("the record is full")
        found, at = [], HEAD.size
        while at < end and struct.unpack_from("=I", self.map, at)[0]:
            found.append(Rec(self.map, at))
            at += found[-1].len
        return sorted(found, key=lambda r: r.end)


class Faults(_Mapped):
    def __init__(self, path):
        super().__init__(path, 16 + RULES * RULE.size)
        self.clear()

    def _at(self, i):
        return 16 + i * RULE.size

    def clear(self):
        self.map[:] = b"\0" * len(self.map)
        struct.pack_into("=8sQ", self.map, 0, b"accordF", 0)

    def rule(self, i, call, error, program="", path="", first=1, last=0):
        """Calls first to last (0: to the end) fail with error (0: a write is short)."""
        at = self._at(i)
        struct.pack_into("=I", self.map, at, 0)
        RULE.pack_into(self.map, at, 0, CALL.get(call, len(CALLS)), program.encode(), path.encode(), first, last,
                       0, 0, error, 0)
        struct.pack_into("=I", self.map, at, 1)
        rules, = struct.unpack_from("=Q", self.map, 8)
        struct.pack_into("=Q", self.map, 8, max(rules, i + 1))

    def off(self, i):
        struct.pack_into("=I", self.map, self._at(i), 0)

    def seen(self, i):
        return struct.unpack_from("=Q", self.map, self._at(i) + 64)[0]

    def made(self, i):
        return struct.unpack_from("=Q", self.map, self._at(i) + 72)[0]


class Layered(Instance):
    """An instance over the layer: .record, .faults; None where not asked for."""

    def __init__(self, *args, record=True, faults=True, **settings):
        super().__init__(*args, **settings)
        self.bin = need_build()
        self.record = Record(os.path.join(self.home, "record")) if record else None
        self.faults = Faults(os.path.join(self.home, "faults")) if faults else None
        self.environ = {}
        if record:
            self.environ["ACCORD_RECORD"] = self.record.path
        if faults:
            self.environ["ACCORD_FAULTS"] = self.faults.path
        self.own()
