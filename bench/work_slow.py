# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""W7: a hundred destinations, one of which is slow or dead: how long mail to the others takes, from its
250 to its arrival, at a constant rate that leaves the machine room."""
import contextlib
import socket
import time

import mta
from load import Hop, client
from work import Work, percentile

DESTINATIONS, BAD = 100, 50
SECONDS = 15
SLOW_MS = 3000          # for each reply
MESSAGE = (b"From: <a@client.example>\r\nTo: <b@far.example>\r\nSubject: one of many\r\n\r\n" +
           b"A line of text that says no more than the others.\r\n" * 18)


def address(i):
    return f"127.0.7.{1 + i}"


@contextlib.contextmanager
def nobody(host, port):
    """A host where nobody answers: its listener's queue is full, so the network drops what comes."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((host, port))
        server.listen(0)
        for _ in range(3):
            s = stack.enter_context(socket.socket())
            s.setblocking(False)
            s.connect_ex((host, port))
        yield


@contextlib.contextmanager
def hops(how):
    """The destinations; yields the hop that serves the good ones (and the slow one), and where they are."""
    port = mta.harness.free_port()
    good = [address(i) for i in range(DESTINATIONS) if i != BAD]
    where = [f"{a}:{port}" for a in good + [address(BAD)] * (how in ("healthy", "slow"))]
    silent = nobody(address(BAD), port) if how == "silent" else contextlib.nullcontext()
    with silent, Hop(where, slow=(address(BAD), SLOW_MS) if how == "slow" else None) as hop:
        yield hop, {f"d{i}.example": f"{address(i)}:{port}" for i in range(DESTINATIONS)}


class Slow(Work):
    most_rounds = 3
    no_ratio = {"offered_per_s", *(f"{h}_missing" for h in ("healthy", "slow", "refused", "silent"))}
    HOWS = "healthy", "slow", "refused", "silent"

    def measure(self, server, base, args):
        got = {"offered_per_s": args.rate}
        seconds = SECONDS if args.scale >= 1 else SECONDS // 3
        for how in self.HOWS:
            got.update(self.once(server, base, how, args.rate * seconds, args.rate))
        for how in self.HOWS[1:]:
            got[f"{how}_p99_to_healthy"] = got[f"{how}_p99_ms"] / got["healthy_p99_ms"]
        return got

    def once(self, server, base, how, n, rate):
        with hops(how) as (hop, where), server.running(base, where) as m:
            self.send(m, 4 * DESTINATIONS, rate)
            hop.wait(4 * (DESTINATIONS - 1), 30)
            time.sleep(1.5)
            before = hop.count()
            accepted = {i: (due, at) for i, due, at in self.send(m, n, rate)}
            hop.wait(before + n - n // DESTINATIONS, 30)
            time.sleep(0.5)
            hop.stop()
            arrived = {}
            for who, at in hop.times():     # the later ones, not those that warmed up
                arrived[who.split("@")[0]] = at
        good = [i for i in accepted if i % DESTINATIONS != BAD]
        came = [i for i in good if arrived.get(f"m{i}", 0) >= accepted[i][0]]
        delays = [(arrived[f"m{i}"] - accepted[i][1]) / 1000 for i in came]
        waits = [(at - due) / 1000 for due, at in accepted.values()]
        return {f"{how}_p50_ms": percentile(delays, 0.5), f"{how}_p99_ms": percentile(delays, 0.99),
                f"{how}_accept_p99_ms": percentile(waits, 0.99), f"{how}_missing": len(good) - len(came)}

    @staticmethod
    def send(m, n, rate):
        return client(m.port, MESSAGE, "a@client.example", "m%n@d%m.example",
                      ["-R", str(rate), "-c", "20", "-n", str(n), "-m", str(DESTINATIONS)])


WORKS = [Slow("W7", f"{DESTINATIONS} destinations, a constant rate, one slow ({SLOW_MS} ms a reply), refusing, or "
              "silent: delay of the others' mail")]
