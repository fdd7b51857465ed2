# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""The layer that the crash and fault tests stand on (tests/crash/sys.h) sees every change: what a run of
accord did below its queue's folder, by strace and by the record, is the same, call by call."""
import collections
import os
import re
import subprocess
import tempfile
import unittest

from harness import BUILD, ORDINARY, TOP, Peer, wait_for
from layer import CRASH, Layered

# Whatever can change a file or flush one, by the kernel's names.
TRACED = """creat open openat openat2 mkdir mkdirat rename renameat renameat2 link linkat symlink symlinkat mknod
mknodat unlink unlinkat rmdir write pwrite64 writev pwritev pwritev2 truncate ftruncate fallocate copy_file_range
sendfile splice vmsplice fsync fdatasync sync syncfs sync_file_range msync""".split()
# The same by the C library's names, with what its headers make of them.
NAMES = set("""creat creat64 open open64 openat openat64 __open_2 __open64_2 __openat_2 __openat64_2 mkdir mkdirat
rename renameat renameat2 link linkat symlink symlinkat mknod mknodat mkfifo mkfifoat mkstemp mkostemp mkdtemp tmpfile
unlink unlinkat rmdir remove write pwrite pwrite64 writev pwritev pwritev64 pwritev2 pwritev64v2 truncate truncate64
ftruncate ftruncate64 fallocate fallocate64 posix_fallocate posix_fallocate64 copy_file_range sendfile sendfile64
splice tee vmsplice fsync fdatasync sync syncfs sync_file_range msync futimens utimensat utimes futimes fopen fopen64
freopen freopen64 fdopen""".split())
KINDS = {"open": "create", "openat": "create", "mkdir": "mkdir", "mkdirat": "mkdir", "rename": "rename",
         "renameat": "rename", "renameat2": "rename", "link": "link", "linkat": "link", "unlink": "unlink",
         "unlinkat": "unlink", "write": "write", "pwrite64": "write", "writev": "write", "ftruncate": "truncate",
         "fsync": "fsync", "fdatasync": "fdatasync", "syncfs": "syncfs"}
FLUSHES = {"journal": ("written", "fsync"), "each": ("fdatasync",), "fs": ("syncfs",)}
SLOT = 128      # octets of a recipient's mark
LINE = re.compile(r"^(\d+) +(\w+)\((.*)\) += (-?\d+)")


def traced(path, below):
    """{pid: [(kind, last component of the first name or "", octets written)]} of changes below a folder."""
    found, begun = collections.defaultdict(list), {}
    with open(path, errors="replace") as f:
        for line in f:
            pid = line.split(" ", 1)[0]
            if line.endswith("<unfinished ...>\n"):
                begun[pid] = line[:-len("<unfinished ...>\n")]
                continue
            resumed = re.match(r"^\d+ +<\.\.\. \w+ resumed>(.*)", line)
            if resumed:
                line = begun.pop(pid) + resumed.group(1)
            m = LINE.match(line)
            if not m or m.group(2) not in TRACED:
                continue
            name, args, result = m.group(2), m.group(3), int(m.group(4))
            first = re.match(r'(?:(?:\d+|AT_FDCWD)<([^>]*)>)?(?:, )?(?:"([^"]*)")?', args)
            where = os.path.join(first.group(1) or "", first.group(2) or "")
            if not (where + "/").startswith(below + "/") or (first.group(2) and where == below):
                continue        # the folder's own name lies in another
            if name in ("open", "openat") and "O_CREAT" not in args and "O_TRUNC" not in args:
                continue
            if name == "sync_file_range":
                kind = "written" if "WAIT_AFTER" in args else "writeback"
            else:
                kind = KINDS.get(name, name)
            last = os.path.basename(first.group(2)) if first.group(2) and kind != "write" else ""
            found[int(pid)].append((kind, last, max(result, 0) if kind == "write" else 0))
    return found


def recorded(records, folder):
    """The same from the record.  An inode's number is used again: each is where it was made last."""
    top = os.stat(folder).st_ino
    inside = {top}
    found = collections.defaultdict(list)
    for r in records:
        if r.call in ("create", "mkdir") and not r.error and r.ino != top:
            (inside.add if r.dir in inside else inside.discard)(r.ino)
        if (r.dir in inside) if r.from_ else (r.ino in inside):
            found[r.pid].append((r.call, r.from_, len(r.data)))
    return found


class Layer(unittest.TestCase):
    def test_no_program_calls_the_library_beside_it(self):
        with open(os.path.join(TOP, "tests", "crash", "sys.c")) as f:
            wrapped = set(re.findall(r"^WRAP\([^,]*, (\w+),", f.read(), re.M))
        for name in sorted(os.listdir(CRASH)):
            out = subprocess.run(["nm", "-D", "--undefined-only", os.path.join(BUILD, name)], check=True,
                                 capture_output=True, text=True).stdout
            used = {line.split()[-1].split("@")[0] for line in out.splitlines()}
            self.assertIn("__libc_start_main", used)
            self.assertEqual(used & NAMES - wrapped, set(), name)

    def test_a_record_is_what_strace_sees(self):
        for strategy in ("journal", "each", "fs"):
            with self.subTest(strategy):
                self.compare(strategy)

    def compare(self, strategy):
        if os.getuid() != 0:
            self.fail("only root can trace what gave up being traced: run the tests as root")
        trace = tempfile.NamedTemporaryFile(prefix="accord-trace-")
        strace = ["strace", "-D", "-f", "-y", "-qq", "-s", "1", "-o", trace.name, "-u", ORDINARY, "-e",
                  "trace=" + ",".join(TRACED)]
        replies = {"there": None, "nobody": "550 5.1.1 no", "later": "451 4.2.0 not now"}
        with trace, Peer(on={"RCPT": lambda s, line: replies[line[9:line.index("@")]]}) as hop:
            acc = Layered(user=ORDINARY, launcher=strace, smtproutes=hop.route, flush=strategy, faults=False)
            with acc:
                for to in ("there@far.example", "nobody@far.example", "later@far.example",
                           "postmaster@gateway.example"):
                    acc.send("postmaster@gateway.example", [to], "Subject: x\n\n" + "body\n" * 30000)
                wait_for(lambda: [m["recipients"][0]["attempts"] for m in acc.queue()] == [1])
                marks = [r for r in acc.record.records() if r.call == "write" and len(r.data) == SLOT]
                self.assertTrue(marks)
                wait_for(lambda: any(r.begin > marks[-1].end and r.call in FLUSHES[strategy]
                                     for r in acc.record.records()))
                acc.accord("queue", "remove", "later@far.example")
                acc.wait_empty(60)
                self.assertEqual(len(acc.maildir()), 2)
                acc.stop(20)
                # the queue's and the mailboxes' folders; strace may still be writing
                tops = [os.path.join(acc.home, name) for name in ("queue", "mail")]
                ours = [recorded(acc.record.records(), top) for top in tops]
                lived = True
                while lived and [traced(trace.name, top) for top in tops] != ours:
                    lived = tracer_lives(trace.name)
                theirs = [traced(trace.name, top) for top in tops]
        kinds = collections.Counter(kind for calls in ours[0].values() for kind, _, _ in calls)
        for kind in FLUSHES[strategy] + ("create", "write", "mkdir", "rename", "unlink", "writeback"):
            self.assertTrue(kinds[kind], f"{kind} did not happen: {kinds}")
        for mine, its in zip(ours, theirs):
            for pid in set(mine) | set(its):
                self.assertEqual(mine[pid], its[pid], f"process {pid}")


def tracer_lives(output):
    """Is a process left that has this file open beside us?"""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                words = f.read().split(b"\0")
        except OSError:
            continue
        if words[0].endswith(b"strace") and os.fsencode(output) in words:
            return True
    return False
