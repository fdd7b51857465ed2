# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""What all workloads share."""
import time

from load import WARM, source

SETTLE_S = 1.5      # for results that are written within a second


class Work:
    """One workload.  measure: one run against one server, figures by name."""

    per_message = False
    no_ratio = ()           # figures that are not set against Postfix's
    servers = ()            # names, where they are others than those asked for
    besides = ()            # names of servers set for this, besides those asked for
    most_rounds = None
    settings = ""           # what the servers get besides, in words

    def __init__(self, name, title):
        self.name, self.title = name, title

    def measure(self, server, base, args):
        raise NotImplementedError

    def counted(self, server, base, args):
        """More figures, from a run that would spoil the others."""
        return {}


def warm_up(m, sink, sessions=20, size=1024, recipients=1, keep=False):
    """Messages that do not count."""
    source(m.port, WARM, min(sessions, WARM), size, recipients, keep)
    if sink.wait(WARM, 60) < WARM:
        raise SystemExit(f"relay: {m.name}: the first messages did not arrive\n{m.log()[-3000:]}")
    time.sleep(SETTLE_S)


def rate(m, n, sessions=20, size=1024):
    """How many messages a second a server accepts."""
    began = time.monotonic()
    source(m.port, n, sessions, size)
    return n / (time.monotonic() - began)


def percentile(values, part):
    values = sorted(values)
    return values[min(int(len(values) * part), len(values) - 1)] if values else float("nan")
