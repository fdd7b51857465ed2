# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""W5 with backlogs that only accord is asked to take, against its own empty queue.

The queue's folder is filled directly.  With the next hop up: start, first delivery, rate; once with the
page cache dropped, once with it.  With the hop down: the scheduler's memory when it knows all, and the
rate of accepting beside one with an empty queue, by turns."""
import statistics
import subprocess
import threading
import time

import mta
from load import Hop
from work import SETTLE_S, Work, rate

DRAINED, COLD_DRAINED = 50000, 2000
TURNS, TURN_MESSAGES = 7, 3000
MEGABYTE = 1e6


class Backlog(Work):
    servers = ("accord",)
    most_rounds = 1

    def __init__(self, n):
        super().__init__(f"W5-{n}", f"a backlog of {n} messages of 1 KB (accord against its own empty queue)")
        self.n = n

    def measure(self, server, base, args):
        port = mta.harness.free_port()
        drained = min(DRAINED, self.n // 4)
        with server.running(base, port) as full:
            full.stop()
            began = time.monotonic()
            full.fill(self.n + COLD_DRAINED + 2 * drained)
            got = {"fill_per_s": (self.n + COLD_DRAINED + 2 * drained) / (time.monotonic() - began)}
            subprocess.run(["sync"], check=True)
            with open("/proc/sys/vm/drop_caches", "w") as f:
                f.write("3\n")
            got.update({f"cold_{k}": v for k, v in self.start(full, port, COLD_DRAINED).items()})
            full.stop()
            got.update(self.start(full, port, drained))
            got.update(self.down(full, server, base, port, args))
            got["drain_known_per_s"] = self.drain(full, port, drained)
        return got

    def start(self, m, port, drained):
        """With the hop up: until it greets, until the first message arrives, and how fast they do."""
        with Hop([f"127.0.0.1:{port}"]) as hop:
            began = time.monotonic()
            m.begin()
            mta.harness.wait_for(m.answers, 300, 0.002)
            ready = time.monotonic() - began
            hop.wait(1, 300)
            first = time.monotonic() - began
            hop.wait(drained, 600)
            took = time.monotonic() - began - first
            return {"ready_s": ready, "first_delivery_s": first, "drain_while_reading_per_s": drained / took}

    def down(self, full, server, base, port, args):
        began = time.monotonic()
        mta.harness.wait_for(lambda: self.known(full), 600, 0.5)
        got = {"known_after_s": time.monotonic() - began}
        time.sleep(SETTLE_S)
        got["qmgr_private_mb"] = full.group.memory("accord-qmgr")[1] / MEGABYTE
        got["qmgr_entries"] = full.figures()["qmgr_entries"]
        got["all_pss_mb"] = full.group.memory()[0] / MEGABYTE
        n = max(int(TURN_MESSAGES * args.scale), 100)
        rates = {"empty": [], "full": []}
        with server.running(base, port) as empty:
            for turn in range(TURNS):
                order = [("empty", empty), ("full", full)]
                for name, m in order if turn % 2 else order[::-1]:
                    rates[name].append(rate(m, n))
        got.update({f"accept_{k}_per_s": statistics.median(v) for k, v in rates.items()})
        got["accept_all_turns"] = {k: [round(x) for x in v] for k, v in rates.items()}
        got["accept_full_to_empty"] = got["accept_full_per_s"] / got["accept_empty_per_s"]
        return got

    def known(self, m):
        """Whether the scheduler has read all that is in the queue's folder."""
        f = m.figures()
        return f.get("qmgr_scanning") == 0 and f.get("qmgr_entries", 0) >= self.n

    @staticmethod
    def drain(m, port, n):
        """From the first that the hop takes on; to name a million takes longer than these do to go."""
        with Hop([f"127.0.0.1:{port}"]) as hop:
            asks = threading.Thread(target=m.flush)
            asks.start()
            hop.wait(1, 120)
            began = time.monotonic()
            got = hop.wait(n, 600)
            took = time.monotonic() - began
            asks.join()
            return got / took


def works(sizes):
    return [Backlog(n) for n in sizes]
