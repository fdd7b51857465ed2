# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""W8: negotiated relays.  No peer does this, so accord alone."""
import time

import fax
import mta
from count import Usage
from load import Hop, client
from work import SETTLE_S, Work

RECIPIENTS, MESSAGES, SESSIONS = 30, 200, 10
CLASSES = {
    "c0.": fax.device("MH", 204, "204/196", "TIFF-minimal"),
    "c1.": fax.device("MH,MR"),
    "c2.": fax.device("MH,MR,MMR"),
    "c3.": fax.device("MH,MMR", "[200,400]"),
    "c4.": fax.device("MH,JBIG"),
}


def message():
    """One page at 400 dpi in JBIG, which fits none of them."""
    return fax.crlf(fax.message(fax.text(), fax.image("render/letter-J-400.tif")))


class Fax(Work):
    servers = "accord", "accord-fresh"

    def measure(self, server, base, args):
        n = max(int(MESSAGES * args.scale), SESSIONS)
        port = mta.harness.free_port()
        with Hop([f"127.0.0.1:{port}"], CLASSES) as hop, server.running(base, port) as m:
            self.send(m, hop, SESSIONS)
            time.sleep(SETTLE_S)
            used, before, sent, began = Usage(m), m.figures(), hop.taken(), time.monotonic()
            accepted = self.send(m, hop, n)
            took = time.monotonic() - began
            time.sleep(SETTLE_S)
            figures = m.figures()
            batches, recipients = (b - a for a, b in zip(sent, hop.taken()))
            done = {k: (figures[f"convertd_{k}_total"] - before[f"convertd_{k}_total"]) / n
                    for k in ("conversions", "cache_hits", "failures")}
            if recipients != n * RECIPIENTS:
                raise SystemExit(f"relay: {m.name}: {recipients} of {n * RECIPIENTS} recipients\n{m.log()[-3000:]}")
            return {"messages_per_s": n / took, "recipients_per_s": n * RECIPIENTS / took,
                    "accept_per_s": n / accepted, "cpu_ms_per_message": used.cpu_s() * 1000 / n,
                    "batches_per_message": batches / n, "jobs_per_message": done["conversions"],
                    "cached_per_message": done["cache_hits"], "failed_jobs": done["failures"]}

    @staticmethod
    def send(m, hop, n):
        """Until all recipients have it; returns how long it took until all was accepted."""
        want, began = hop.taken()[1] + n * RECIPIENTS, time.monotonic()
        client(m.port, message(), "postmaster@gateway.example", "c%k.r%i@far.example",
               ["-c", str(SESSIONS), "-n", str(n), "-r", str(RECIPIENTS), "-k", str(len(CLASSES)),
                "-M", " CONPERM"])
        accepted = time.monotonic() - began
        end = began + 300
        while hop.taken()[1] < want and time.monotonic() < end:
            time.sleep(0.01)
        return accepted


WORKS = [Fax("W8", f"negotiated: a fax page of 400 dpi to {RECIPIENTS} recipients in {len(CLASSES)} classes")]
