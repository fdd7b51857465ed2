# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""What parts of accord cost on their own: the answer to CONNEG, and that a conversion is a process."""
import os
import subprocess
import tempfile

import fax
import mta
from count import Usage
from load import Sink
from work import Work

DIRECTORY = 100000      # addresses whose capabilities are known
ROUNDS, TRANSACTIONS, RCPTS = 5, 20, 500
TURNS = 15       # of 20 conversions each way
KEYS = {"nothing": "", "a page": "2=MH/204x196/A4"}
IMAGE = "render/letter-F-mmr-400.tif"


class Conneg(Work):
    """CPU of all of accord's processes for a RCPT with CONNEG, less that of one without."""

    servers = ("accord",)
    most_rounds = 3
    settings = f"accord: caps with {DIRECTORY} addresses"

    def measure(self, server, base, args):
        caps = "\n".join(f"fax{i}@far.example {fax.MMR}" for i in range(DIRECTORY))
        with Sink() as sink, server.running(base, sink.port, caps=caps) as m:
            spent = {" CONNEG": 0.0, "": 0.0}
            for turn in range(ROUNDS * 2):
                word = list(spent)[turn % 2]
                used = Usage(m)
                self.ask(m, word, turn)
                spent[word] += used.cpu_s()
        us = {k: v * 1e6 / (ROUNDS * TRANSACTIONS * RCPTS) for k, v in spent.items()}
        return {"rcpt_us": us[""], "rcpt_conneg_us": us[" CONNEG"], "conneg_adds_us": us[" CONNEG"] - us[""]}

    @staticmethod
    def ask(m, word, turn):
        """A session that sends no message."""
        with mta.harness.Client(m.port) as c:
            c.ehlo()
            for k in range(TRANSACTIONS):
                first = (turn * TRANSACTIONS + k) * RCPTS
                lines = ["MAIL FROM:<a@client.example>"]
                lines += [f"RCPT TO:<fax{(first + i) * 7919 % DIRECTORY}@far.example>{word}" for i in range(RCPTS)]
                c.send("".join(line + "\r\n" for line in lines + ["RSET"]))
                for i in range(RCPTS + 2):
                    got = c.reply()
                    if not got[-1].startswith("250") or (0 < i <= RCPTS and ("CONNEG" in " ".join(got)) != bool(word)):
                        raise SystemExit(f"relay: {lines[min(i, RCPTS)]}: {got}")
            c.must("221", "QUIT")


class Job(Work):
    """A conversion in a process of its own, against the same within one."""

    servers = ("accord",)
    most_rounds = 3

    def measure(self, server, base, args):
        got = {}
        with tempfile.NamedTemporaryFile(prefix="accord-job-") as f:
            f.write(fax.crlf(fax.message(fax.text(), fax.image(IMAGE))))
            f.flush()
            for name, key in KEYS.items():
                said = subprocess.run([os.path.join(mta.harness.BUILD, "bench_job"), f.name, key, str(TURNS)],
                                      stdout=subprocess.PIPE, text=True, check=True).stdout
                wall, cpu, apart_wall, apart_cpu, fork_wall, fork_cpu = map(float, said.split())
                got.update({f"{name}: wall_ms": wall, f"{name}: overhead_wall_ms": apart_wall - wall,
                            f"{name}: cpu_ms": cpu, f"{name}: overhead_cpu_ms": apart_cpu - cpu,
                            f"{name}: of_it_a_fork_cpu_ms": fork_cpu})
        return got


WORKS = [Conneg("CONNEG", "what the answer to CONNEG adds to a RCPT (one session, 500 RCPTs at once)"),
         Job("JOB", "a conversion as a process of its own against the same within one: of nothing, and of a page "
             "of 400 dpi to MH at 204×196")]
