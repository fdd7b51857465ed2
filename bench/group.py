# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""Control groups: what a server's processes have used, and that none of them outlives it."""
import os
import time

import harness


class Group:
    """A control group (version 2): what all its processes, ended ones too, have used."""

    def __init__(self, name):
        with open("/proc/mounts") as f:
            tops = [w[1] for w in map(str.split, f) if w[2] == "cgroup2"]
        if not tops:
            raise SystemExit("relay: no cgroup2 file system is mounted, so CPU cannot be counted")
        self.path = os.path.join(tops[0], f"accord-bench-{os.getpid()}-{name}")
        os.mkdir(self.path)

    def join(self):
        with open(os.path.join(self.path, "cgroup.procs"), "w") as f:
            f.write("0")

    def pids(self):
        with open(os.path.join(self.path, "cgroup.procs")) as f:
            return [int(p) for p in f.read().split()]

    def oldest(self, name):
        """The first process of that name; None when there is none."""
        def began(pid):
            with open(f"/proc/{pid}/stat") as f:
                return int(f.read().rsplit(")", 1)[1].split()[19]), pid     # clock ticks
        found = []
        for pid in self.pids():
            try:
                if harness.comm(pid) == name:
                    found.append(began(pid))
            except (FileNotFoundError, ProcessLookupError):
                pass
        return min(found)[1] if found else None

    def cpu(self):
        """Seconds: user, system."""
        with open(os.path.join(self.path, "cpu.stat")) as f:
            got = dict(line.split() for line in f)
        return int(got["user_usec"]) / 1e6, int(got["system_usec"]) / 1e6

    def memory(self, name=None):
        """Of all processes, or those of that name: octets with shared pages in equal parts, octets that
        are theirs alone (clean and dirty), and how many there are."""
        pss = private = count = 0
        for pid in self.pids():
            if name is not None and harness.comm(pid) != name[:15]:
                continue
            try:
                with open(f"/proc/{pid}/smaps_rollup") as f:
                    for line in f:
                        if line.startswith("Pss:"):
                            pss += int(line.split()[1]) * 1024
                        elif line.startswith("Private_") and not line.startswith("Private_Hugetlb"):
                            private += int(line.split()[1]) * 1024
                count += 1
            except (FileNotFoundError, ProcessLookupError):
                pass
        return pss, private, count

    def remove(self):
        end = time.monotonic() + 10
        while self.pids():
            with open(os.path.join(self.path, "cgroup.kill"), "w") as f:
                f.write("1")
            time.sleep(0.02)
            if time.monotonic() > end:
                raise SystemExit(f"relay: processes of {self.path} do not end")
        os.rmdir(self.path)
