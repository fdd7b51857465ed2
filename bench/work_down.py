# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""W5 with what all servers can take: the next hop is down, mail waits, the server is restarted, the hop
comes up."""
import time

import mta
from count import Usage
from load import Sink
from work import SETTLE_S, Work, rate

MESSAGES = 20000


class Down(Work):
    most_rounds = 3
    no_ratio = {"drain_taken"}

    def measure(self, server, base, args):
        n, port = int(MESSAGES * args.scale), mta.harness.free_port()
        part = max(n // 10, 1)
        with server.running(base, port) as m:
            used = Usage(m)
            first, _, last = rate(m, part), rate(m, n - 2 * part), rate(m, part)
            time.sleep(SETTLE_S)
            got = {f"inject_{k}": v for k, v in used.since(n).items()}
            got.update(inject_first_per_s=first, inject_last_per_s=last, last_to_first=last / first,
                       full_pss_mb=m.group.memory()[0] / 1e6)
            m.stop()
            got["restart_ready_s"] = m.start()
            time.sleep(SETTLE_S)
            got.update(self.drain(m, port, n))
        return got

    def drain(self, m, port, n):
        with Sink(port) as sink:
            used, asked = Usage(m), time.monotonic()
            m.flush()
            sink.wait(1, 120)
            began = time.monotonic()
            taken = sink.wait(n, 300)
            over = time.monotonic()
            time.sleep(SETTLE_S)
            got = {f"drain_{k}": v for k, v in used.since(max(taken, 1)).items()}
        return {**got, "first_delivery_s": began - asked, "drain_per_s": taken / (over - began),
                "drain_taken": taken}


WORKS = [Down("W5", f"next hop down, {MESSAGES} messages; restart; up")]
