# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""W1 to W4: mail comes in and goes out."""
import os
import shutil
import tempfile
import time

import count
from load import WARM, Sink, source
from work import SETTLE_S, Work, warm_up

COUNTED = 2000      # messages of a run that counts


class Relay(Work):
    per_message = True
    no_ratio = {"forks", "page_faults", "fdatasyncs", "peak_processes"}

    def __init__(self, name, title, messages, sessions, octets, recipients=1, keep=False, count_packets=False):
        super().__init__(name, title)
        self.messages, self.sessions, self.octets = messages, sessions, octets
        self.recipients, self.keep, self.count_packets = recipients, keep, count_packets

    def measure(self, server, base, args):
        with Sink() as sink, server.running(base, sink.port) as m:
            return self.once(m, sink, max(int(self.messages * args.scale), self.sessions))

    def once(self, m, sink, n, before=None, after=None):
        """Sends and waits; what it took."""
        load = self.sessions, self.octets, self.recipients, self.keep
        warm_up(m, sink, *load)
        if before:
            before()
        used, began = count.Usage(m), time.monotonic()
        source(m.port, n, *load)
        accepted = time.monotonic() - began
        got = sink.wait(WARM + n, 300) - WARM
        relayed = time.monotonic() - began
        time.sleep(SETTLE_S)
        if after:
            after()
        if got != n:
            raise SystemExit(f"relay: {m.name}: {got} of {n} messages arrived\n{m.log()[-3000:]}")
        return {"accept_per_s": n / accepted, "relay_per_s": n / relayed, **used.since(n)}

    def counted(self, server, base, args):
        n = min(self.messages, COUNTED if args.scale >= 1 else COUNTED // 4)
        got = self.by_perf(server, base, n) if shutil.which("perf") else self.by_strace(server, base, n)
        if self.count_packets and server.is_accord:
            got.update(self.packets(server, base, COUNTED // 4))
        return got

    def by_perf(self, server, base, n):
        with tempfile.TemporaryDirectory(prefix="accord-count-") as d, Sink() as sink:
            perf = count.Perf(d)
            with server.running(base, sink.port, perf.wrap) as m:
                peak = count.Peak(m.group)
                self.once(m, sink, n, lambda: (perf.say("enable"), peak.start()),
                          lambda: perf.say("disable"))
                peak.over.set()
                peak.join()
            got = perf.read(n)
        return {**got, "peak_pss_mb": peak.pss / 1e6, "peak_processes": peak.processes}

    def traced(self, server, base, n, options):
        """A run under strace; the path of what it wrote, in a folder that the caller removes."""
        d = tempfile.mkdtemp(prefix="accord-count-")
        out = os.path.join(d, "calls")
        with Sink() as sink, server.running(base, sink.port, ["strace", "-f", *options, "-o", out]) as m:
            self.once(m, sink, n)
        return d, out

    def less_start(self, n, figure):
        """For each message: figure(n) less what start and warming up had in it."""
        few, many = figure(self.sessions), figure(n)
        return [(b - a) / (n - self.sessions) for a, b in zip(few, many)]

    def by_strace(self, server, base, n):
        """By strace's summary: system calls alone."""
        def calls(messages):
            d, out = self.traced(server, base, messages, ["-c"])
            with open(out) as f:
                totals = [line.split() for line in f if line.rstrip().endswith("total")]
            shutil.rmtree(d)
            return [int(totals[-1][3])]
        return {"system_calls": self.less_start(n, calls)[0]}

    def packets(self, server, base, n):
        def sent(messages):
            d, out = self.traced(server, base, messages, ["-yy", "-s", "0", "-e", "trace=" + count.PACKET_CALLS])
            got = count.packets(out)
            shutil.rmtree(d)
            return got
        packets, lines = self.less_start(n, sent)
        return {"packets": packets, "log_lines": lines}


WORKS = [
    Relay("W1", "1 KB, 20 clients, a connection for each message", 5000, 20, 1024, count_packets=True),
    Relay("W1d", "1 KB, 20 clients, connections kept", 5000, 20, 1024, keep=True),
    Relay("W1s", "1 KB, a single client, connection kept", 1500, 1, 1024, keep=True),
    Relay("W2", "1 KB, 100 clients", 5000, 100, 1024),
    Relay("W3", "100 KB, 20 clients", 1000, 20, 102400),
    Relay("W4", "1 KB, 50 recipients, 20 clients", 300, 20, 1024, recipients=50)]
