# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""W6: clients that say nothing, from many addresses, and what others get through meanwhile."""
import subprocess
import time

from count import Usage, kernel_cpu_s
from load import Sink, idle_connections, source, still_open
from work import WARM, Work, warm_up

OTHERS = 1500       # messages, before and meanwhile
SECONDS = 25        # for these, and for 1,000 greetings


class Idle(Work):
    # Silent clients are strangers; those who send are not.
    SETTINGS = {True: {"relayclients": "127.0.0.1"}, False: {"mynetworks": "127.0.0.1/32"}}
    settings = "accord: relayclients 127.0.0.1; Postfix: mynetworks 127.0.0.1/32"
    no_ratio = {"greeted", "refused", "waiting", "still_open", "others_of_usual", "usual_kernel_threads",
                "meanwhile_kernel_threads"}

    def __init__(self, name, n, rounds, servers=(), besides=()):
        super().__init__(name, f"{n} silent clients, 50 an address, two addresses a /24")
        self.n, self.most_rounds, self.servers, self.besides = n, rounds, servers, besides

    def measure(self, server, base, args):
        n = max(int(OTHERS * args.scale), 300)
        with Sink() as sink, server.running(base, sink.port, **self.SETTINGS[server.is_accord]) as m:
            warm_up(m, sink)
            usual = self.others(m, sink, n)
            before, used = m.group.memory(), Usage(m)
            sockets, greeted, refused, waiting, last = idle_connections(m.port, self.n, SECONDS * self.n / 1000)
            time.sleep(0.5)
            after, served = m.group.memory(), max(greeted, 1)
            got = {"greeted": greeted, "refused": refused, "waiting": waiting, "all_greeted_s": last,
                   "private_kb_each": (after[1] - before[1]) / 1024 / served,
                   "pss_kb_each": (after[0] - before[0]) / 1024 / served,
                   "cpu_ms_each": used.cpu_s() * 1000 / served}
            self.others(m, sink, WARM)      # or processes that have ended meanwhile are begun anew within it
            meanwhile = self.others(m, sink, n)
            for key in usual:
                got.update({"usual_" + key: usual[key], "meanwhile_" + key: meanwhile[key]})
            got["others_of_usual"] = meanwhile["per_s"] / usual["per_s"]
            got["still_open"] = still_open(sockets)
            for s in sockets:
                s.close()
        return got

    @staticmethod
    def others(m, sink, n):
        """n messages of others: what goes through, within the time there is, and what CPU that takes."""
        began, before, used, kernel = time.monotonic(), sink.count(), Usage(m), kernel_cpu_s()
        try:
            source(m.port, n, 20, 1024, seconds=SECONDS, loud=False)
            sink.wait(before + n, SECONDS)
        except (subprocess.TimeoutExpired, subprocess.CalledProcessError):
            pass
        seconds, through = time.monotonic() - began, sink.count() - before
        return {"per_s": through / seconds, "cpu_ms": used.cpu_s() * 1000 / max(through, 1),
                "kernel_threads": (kernel_cpu_s() - kernel) / seconds}


WORKS = [Idle("W6", 1000, 3, besides=("accord-6000", "postfix-1200")),
         Idle("W6x5", 5000, 1, servers=("accord-6000", "postfix-6000"))]
