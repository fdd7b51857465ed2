# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""Cuts the power under the queue on real file systems, and looks for what it had promised.

blocks.py [FILESYSTEM [STRATEGY]]   every write and flush of the file system is written down while 20 clients
                                    bring messages (blkrec.c); then its disk is cut at its flushes and between
                                    them, mounted, and looked through (blkcut.c)
blocks.py --quick                   seconds only: FS_IOC_SHUTDOWN without the journal's last part, once for
                                    each strategy; a disk that fails; and what `auto` takes

ACCORD_CUTS: cuts of each file system and strategy (200).  ACCORD_SEED: the same cuts again of the same log.
Needs root, loop devices, FUSE and the mkfs programs: what cannot be run is SKIPPED, which is no pass.
All of it is in namespaces of its own, so that nothing stays mounted, running or attached, however it ends.
"""
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.path.join(TOP, "build")
CUTS = int(os.environ.get("ACCORD_CUTS", 200))
SEED = os.environ.get("ACCORD_SEED")
CLIENTS, LOAD_SECONDS, SHUTDOWN_SECONDS = "20", "30", "1"


class Kind:
    """A file system as it is made and mounted.  sector: what its disk is assumed to write whole or not at
    all; btrfs has superblocks of 4096 octets and cannot be mounted without help when one is torn."""

    def __init__(self, name, mib, mkfs, options="", strategies=(), sector=512):
        self.name, self.mib, self.mkfs, self.options, self.sector = name, mib, mkfs, options, sector
        self.strategies, self.type = strategies, name.split("-")[0]


# Two block groups, so that there is a copy of the superblock, as on any disk of a real size.
EXT4_MIB, EXT4_BARE = 160, "mkfs.ext4 -q -b 4096 -E lazy_itable_init=0,lazy_journal_init=0,nodiscard"
EXT4 = EXT4_BARE + " -J size=4"
XFS, BTRFS = "mkfs.xfs -q", "mkfs.btrfs -q"
KINDS = [
    Kind("ext4", EXT4_MIB, EXT4, strategies=("journal", "each", "fs")),
    Kind("xfs", 300, XFS, strategies=("journal", "each", "fs")),
    Kind("btrfs", 128, BTRFS, strategies=("each", "fs"), sector=4096),
]
# Known to lose, and not what `auto` takes, or, with fast commits, the least of evils: only by name.
LOSING = [
    Kind("ext4-fast_commit", EXT4_MIB, EXT4 + " -O fast_commit", strategies=("journal", "each", "fs")),
    Kind("btrfs", 128, BTRFS, strategies=("journal",), sector=4096),
]
# Without barriers nothing is ever flushed: a test that finds no loss there sees none anywhere.
NO_BARRIER = Kind("ext4-nobarrier", EXT4_MIB, EXT4, "nobarrier", ("journal",))
AUTO = [
    (Kind("ext4", EXT4_MIB, EXT4), "journal"),
    (Kind("ext4-writeback", EXT4_MIB, EXT4, "data=writeback"), "each"),
    (Kind("ext4-data_journal", EXT4_MIB, EXT4, "data=journal"), "each"),
    (Kind("ext4-nobarrier", EXT4_MIB, EXT4, "nobarrier"), "each"),
    (Kind("ext4-async_commit", EXT4_MIB, EXT4, "journal_async_commit,data=writeback"), "each"),
    (Kind("ext4-fast_commit", EXT4_MIB, EXT4 + " -O fast_commit"), "each"),
    (Kind("ext4-no_journal", EXT4_MIB, EXT4_BARE + " -O ^has_journal"), "each"),
    (Kind("xfs", 300, XFS), "journal"),
    (Kind("btrfs", 128, BTRFS), "each"),
]

passed = failed = 0


def say(good, what, text, n=1):
    """n: what it counts for."""
    global passed, failed
    passed += n if good else 0
    failed += 0 if good else n
    print(f"{'ok  ' if good else 'FAIL'} {what} {text}", flush=True)


def call(*words, **how):
    return subprocess.run(words, capture_output=True, text=True, errors="replace", **how)


def must(*words):
    p = call(*words)
    if p.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: {p.stderr.strip()[-300:]}")
    return p.stdout.strip()


def program(name):
    return os.path.join(BUILD, name)


class Bench:
    """A folder in memory with an image of a file system in it, mounted at `disk` until the end."""

    def __init__(self, kind):
        self.kind, self.recorder = kind, None
        self.top = tempfile.mkdtemp(prefix="accord-blocks-")
        try:
            self.make()
        except (RuntimeError, OSError):
            self.__exit__()
            raise

    def make(self):
        kind = self.kind
        must("mount", "-t", "tmpfs", "tmpfs", self.top)
        for name in ("disk", "rec", "mnt"):
            os.mkdir(self.path(name))
        with open(self.path("image"), "wb") as f:
            f.truncate(kind.mib << 20)
        must(*kind.mkfs.split(), self.path("image"))
        must("cp", "--sparse=always", self.path("image"), self.path("base"))

    def __enter__(self):
        return self

    def __exit__(self, *why):
        for name in ("disk", "mnt", "rec"):
            call("umount", self.path(name))
        if self.recorder is not None:
            try:
                self.recorder.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.recorder.kill()
                self.recorder.wait()
        call("umount", "-l", self.top)
        shutil.rmtree(self.top, ignore_errors=True)

    def path(self, *names):
        return os.path.join(self.top, *names)

    def record(self, flushes):
        """Puts the recorder beneath: a loop device over it that goes with its last user."""
        self.recorder = subprocess.Popen([program("blkrec"), self.path("rec"), self.path("image"),
                                          self.path("log"), str(flushes)], stdout=subprocess.DEVNULL)
        until = time.monotonic() + 10
        while not os.path.exists(self.path("rec", "disk")):
            if time.monotonic() > until or self.recorder.poll() is not None:
                raise RuntimeError("the recorder does not start")
            time.sleep(0.02)
        device = must("losetup", "--find", "--show", "--direct-io=on", self.path("rec", "disk"))
        if must("losetup", "-n", "-O", "DIO", device).strip() != "1":
            must("losetup", "-d", device)
            raise RuntimeError("the loop device has no direct I/O")
        return device

    def mount(self, device=None):
        options = self.kind.options or "defaults"
        if device is None:
            must("mount", "-t", self.kind.type, "-o", "loop," + options, self.path("image"),
                 self.path("disk"))
        else:
            must("mount", "-t", self.kind.type, "-o", options, device, self.path("disk"))
            must("losetup", "-d", device)

    def unmount(self, name="disk"):
        must("umount", self.path(name))

    def folder(self):
        os.mkdir(self.path("disk", "queue"))
        must("sync", "-f", self.path("disk"))

    def load(self, how, strategy, seconds, ledger):
        with open(self.path("said"), "w") as said:
            subprocess.run([program("queue_power"), how, self.path("disk", "queue"), strategy, CLIENTS,
                            seconds, ledger], stderr=said, check=True)

    def why(self):
        """What the queue said last, for a failure."""
        with open(self.path("said")) as f:
            return f.read()[-600:]


def layer():
    """What is written arrives when it is written, and what is to be durable is followed by a flush."""
    with Bench(KINDS[0]) as b:
        device = b.record(10)
        for at, flag in ((8, "direct"), (16, "direct,dsync"), (24, "direct")):
            must("dd", "if=/dev/zero", "of=" + device, "bs=4096", "count=1", f"seek={at}", "oflag=" + flag,
                 "conv=notrunc,nocreat")
        must("losetup", "-d", device)
        b.unmount("rec")
        b.recorder.wait(timeout=20)
        seen = must(program("blkcut"), b.path("log")).split("\n")
    # closing a device flushes it too
    want = ["write 32768 4096", "write 65536 4096", "flush", "write 98304 4096"]
    seen = [x for i, x in enumerate(seen) if x != "flush" or (i > 0 and seen[i - 1] == want[1])]
    say(seen == want, "recorder", "writes and flushes arrive in order" if seen == want else f"saw {seen}")


def cut(kind, strategy, seed):
    """Returns (cuts, failed, what was said)."""
    with Bench(kind) as b:
        b.mount(b.record(CUTS // 2 + 5))        # each flush is cut twice
        b.folder()
        b.load("load", strategy, LOAD_SECONDS if kind is not NO_BARRIER else "3",
               b.path("rec", "ledger"))
        b.unmount()
        b.unmount("rec")
        b.recorder.wait(timeout=60)
        p = call(program("blkcut"), b.path("base"), b.path("log"), kind.type, kind.options, b.top,
                 str(kind.sector), str(CUTS), seed, program("queue_power"))
        lines = p.stdout.strip().split("\n")
        words = lines[-1].split()
        if len(words) != 4 or words[1] != "cuts,":
            raise RuntimeError(f"{p.stdout[-300:]} {p.stderr[-300:]} {b.why()}")
        return int(words[0]), int(words[2]), lines[:-1]


def blocks(kind, strategy):
    global passed, failed
    what = f"{kind.name} {strategy}:"
    seed = SEED or str(random.randrange(1 << 30))
    cuts, bad, lines = cut(kind, strategy, seed)
    for line in lines:
        print("     " + line)
    if kind is NO_BARRIER:
        say(bad > 0, what, f"{bad} of {cuts} cuts lose something, as they must")
        return
    passed += cuts - bad
    good = bad == 0 and cuts >= CUTS // 2       # fewer: the load was hardly any
    say(good, what, f"{cuts} cuts, {bad} with a loss", 0 if good else max(bad, 1))


def shut_down(kind, strategy):
    with Bench(kind) as b:
        b.mount()
        b.folder()
        b.load("run", strategy, SHUTDOWN_SECONDS, b.path("ledger"))
        b.unmount()
        b.mount()
        p = call(program("queue_power"), "check", b.path("disk", "queue"), b.path("ledger"))
        say(p.returncode == 0, f"{kind.name} {strategy}:", p.stdout.strip() or p.stderr.strip()[-300:])
        b.unmount()


def failed_journal(kind):
    """The disk takes nothing any more: what ext4's fsync says of it is not believed."""
    with Bench(kind) as b:
        b.mount()
        p = subprocess.Popen([program("queue_power"), "confirm", b.path("disk")], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, text=True)
        with p:
            ready = p.stdout.readline()
            os.truncate(b.path("image"), 0)
            room = os.statvfs(b.top)
            must("mount", "-o", f"remount,size={(room.f_blocks - room.f_bfree) * room.f_frsize}", b.top)
            said = p.communicate("go on\n", timeout=60)[0].strip()
        say(ready == "written\n" and p.returncode == 0, f"{kind.name} failed journal:", said)


def auto(kind, want):
    with Bench(kind) as b:
        b.mount()
        got, why = must(program("queue_power"), "choose", b.path("disk")).split(" ", 1)
        say(got == want, f"{kind.name} auto:", f"{got} ({why})")
        b.unmount()


def runs(words):
    """What is asked for: (kind or None, function, arguments)."""
    quick = words == ["--quick"]
    found = [] if quick else [(KINDS[0], layer, ())]
    for kind in KINDS + (LOSING if words and not quick else []):
        for strategy in kind.strategies:
            if not quick:
                found.append((kind, blocks, (kind, strategy)))
            elif kind.name in ("ext4", "xfs"):
                found.append((kind, shut_down, (kind, strategy)))
    if not quick:
        found.append((NO_BARRIER, blocks, (NO_BARRIER, "journal")))
    if quick:
        found += [(kind, failed_journal, (kind,)) for kind in KINDS]
    found += [(kind, auto, (kind, want)) for kind, want in AUTO]
    if words and not quick:
        found = [x for x in found if x[1] is blocks and [x[2][0].name, x[2][1]][:len(words)] == words]
    return found


def lacking(kind, run):
    """Why it cannot be run here, or ""."""
    if os.getuid() != 0:
        return "not root"
    for path in ["/dev/loop-control"] + (["/dev/fuse"] if run in (layer, blocks) else []):
        if not os.access(path, os.R_OK | os.W_OK):
            return f"no {path}"
    if shutil.which(kind.mkfs.split()[0]) is None:
        return f"no {kind.mkfs.split()[0]}"
    with open("/proc/filesystems") as f:
        if kind.type not in f.read().split() and call("modprobe", kind.type).returncode != 0:
            return f"the kernel has no {kind.type}"
    return ""


def main():
    words = sys.argv[1:]
    if words[:1] == ["--inside"]:
        words = words[1:]
    elif os.getuid() == 0:
        inside = ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"]
        if call(*inside, "true").returncode == 0:
            os.execvp(inside[0], inside + [sys.executable, __file__, "--inside", *words])
        print("SKIPPED all: no namespaces here\n0 passed, 0 failed")
        return 0
    skipped, wanted = 0, runs(words)
    for kind, run, args in wanted:
        name = " ".join([kind.name] + [a for a in args if isinstance(a, str)])
        why = lacking(kind, run)
        if why:
            print(f"SKIPPED {name} {run.__name__}: {why}")
            skipped += 1
            continue
        try:
            run(*args)
        except (RuntimeError, OSError, subprocess.SubprocessError) as e:
            say(False, name, f"{run.__name__}: {e}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not wanted else 0


sys.exit(main())
