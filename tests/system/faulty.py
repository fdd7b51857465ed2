# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""What the tests of faults share: a fixed piece of work, and what must be true of it whatever failed in it."""
import errno
import os
import re
import time

from harness import SLOW, Client, Peer, comm, crlf, descendants, dot, wait_for
from layer import Layered

FULL = (errno.ENOSPC, errno.EDQUOT)
REPLY = re.compile(r"^4\d\d 4\.\d\.\d ")
# Roles whose descriptors are counted: the first process of each.
ROLES = ["queue", "qmgr", "smtpd", "remote", "local", "bounce", "capd", "convertd", "control", "resolver", "learn", "offer", "key",
         "auth", "expand", "ldap"]
SPARE = 5       # idle session processes more or less, or with a channel more; a leak grows beyond that
STEP = 700      # seconds that the clock is stepped so that what waits is tried again


class Sent:
    """One message and what the client was told of it: "taken", "refused", "closed" (no reply at all to
    something before the end of the data) or "unknown" (none to that)."""

    def __init__(self, token, kind, size):
        self.token, self.kind = token, kind
        line = f"{token} " + "x" * 60 + "\n"
        self.text = f"Subject: {token}\n\n" + line * (size // len(line) + 1)
        self.state, self.replies = "closed", []

    def send(self, port):
        sender = "box@gateway.example" if self.kind == "bounce" else "a@client.example"
        to = {"relay": "there@far.example", "local": "box@gateway.example", "bounce": "nobody@far.example"}[self.kind]
        try:
            with Client(port, timeout=15, banner=False) as c:
                got = c.reply()
                for line in (None, "EHLO client.example", f"MAIL FROM:<{sender}> RET=FULL ENVID={self.token}",
                             f"RCPT TO:<{to}>", "DATA", ""):
                    if line:
                        got = c.cmd(line)
                    if line == "":
                        self.state = "unknown"
                        got = c.cmd(data=dot(self.text))
                    if not got:
                        return self
                    self.replies.append(got[-1])
                    if got[-1][0] not in "23":
                        self.state = "refused"
                        return self
                self.state = "taken"
        except OSError:
            pass
        return self

    def arrived(self, data):
        """Is this delivered message this one?  It may differ by the fields in front alone."""
        return data.endswith(crlf(self.text)) or data.endswith(self.text.encode())

    def reported(self, data, read_log):
        """Is this delivered message the report on this one?  It returns the text but where the log says that it
        could not be read."""
        if f"\nOriginal-Envelope-Id: {self.token}" not in data.decode("latin-1").replace("\r", "") or \
                b"no such mailbox" not in data:
            return False
        return self.text.encode() in data.replace(b"\r", b"") or any(
            f" {i} " in self.replies[-1] for i in re.findall(r" id=(\S+) event=no-text ", read_log()))


class Work:
    """An instance, its next hop, and how often each message came where it belongs."""

    def __init__(self, **settings):
        self.replies = {"there": None, "nobody": "550 5.1.1 no such mailbox"}       # the hop's, to RCPT
        self.hop = Peer(on={"RCPT": lambda s, line: self.replies[line[9:line.index("@")]],
                            "DATA": lambda s, line: None if s.rcpt else "554 5.5.1 no recipients"})
        self.strategy = settings.setdefault("flush", "auto")
        settings.setdefault("mailboxes", ["box@gateway.example maildir:mail/box",
                                          "postmaster@gateway.example maildir:mail/postmaster"])
        self.acc = Layered(record=False, smtproutes=self.hop.route, **settings)
        self.count, self.told = 0, 0

    def close(self):
        self.hop.close()

    def send(self, kinds=("relay", "local", "bounce"), size=3000):
        sent = []
        for kind in kinds:
            self.count += 1
            sent.append(Sent(f"token-{os.getpid()}-{self.count:06d}-", kind, size).send(self.acc.port))
        return sent

    def copies(self):
        """Everything that was delivered: [(where, octets)]."""
        with self.hop.lock:
            found = [("relay", m["data"]) for m in self.hop.messages]
        return found + [("local", m) for m in self.acc.maildir("mail/box")] + \
            [("postmaster", m) for m in self.acc.maildir()]

    def came(self, sent, copies):
        """How often the message, or for "bounce" its report, came."""
        if sent.kind == "bounce":
            return sum(w == "local" and sent.reported(d, self.acc.read_log) for w, d in copies)
        return sum(w == sent.kind and sent.arrived(d) for w, d in copies)

    def finish(self, sent, twice=False, seconds=12):
        """Waits until all that was taken has arrived and nothing is left; says what is wrong, or ""."""
        due = [s for s in sent if s.state == "taken"]
        end, stepped = time.monotonic() + seconds * SLOW, time.monotonic()
        while True:
            copies = self.copies()
            late = [s.token for s in due if not self.came(s, copies)]
            left = self.files()
            if not late and not left:
                break
            if time.monotonic() > end:
                return f"lost or late: {late}; in the queue: {left}"
            if time.monotonic() - stepped > 0.4:
                stepped = time.monotonic()
                self.acc.step_clock(STEP)
            time.sleep(0.02)
        for s in sent:
            n = self.came(s, copies)
            some = sum(s.token.encode() in d for _, d in copies)
            if s.state in ("refused", "closed") and some:
                return f"{s.token} was {s.state} ({s.replies[-1:]}), and came {some} times"
            if n > (2 if twice else 1):
                return f"{s.token} came {n} times"
            if s.state == "taken" and some != n:
                return f"{s.token} came {some} times, whole {n} times"
        return ""

    def files(self):
        """Messages in the queue, its tmp/ and bad/, and mailboxes' tmp/."""
        found = []
        for top, _, files in os.walk(os.path.join(self.acc.home, "queue")):
            found += [os.path.join(os.path.basename(top), f) for f in files if f not in ("log", "lock")]
        box = os.path.join(self.acc.home, "mail/box/tmp")
        return found + ["Maildir/tmp/" + f for f in (os.listdir(box) if os.path.isdir(box) else [])]

    def descriptors(self):
        """How many each daemon has open (queue with its workers, which keep folders open as they meet them: those
        do not count); a role that is not there is left out."""
        found = {}
        for pid in descendants(self.acc.process.pid):
            name = comm(pid).removeprefix("accord-")
            if name == "queue" or (name in ROLES and name not in found):
                try:
                    fds = (f"/proc/{pid}/fd/{n}" for n in os.listdir(f"/proc/{pid}/fd"))
                    found[name] = found.get(name, 0) + sum(not os.path.isdir(fd) for fd in fds)
                except OSError:
                    pass
        return found

    def leaks(self, before, seconds=5):
        """Waits until no daemon has more open than before; says which have."""
        end = time.monotonic() + seconds * SLOW
        while True:
            now = self.descriptors()
            more = {r: (before[r], now.get(r)) for r in before
                    if now.get(r, 1 << 30) > before[r] + (SPARE if r in ("smtpd", "capd", "queue") else 0)}
            if not more:
                return ""
            if time.monotonic() > end:
                return f"descriptors before and after: {more}"
            time.sleep(0.2)
            self.acc.step_clock(60)         # idle processes that are too many end by and by

    def complaints(self):
        """Log lines of warnings and errors since the last time."""
        log = self.acc.read_log()
        new, self.told = log[self.told:], len(log)
        return [l for l in new.splitlines() if " level=warn " in l or " level=err " in l or " level=error " in l]


def reply_fault(sent, error, program, call):
    """What is wrong with the last reply of a message that was not taken, or "".  full: the fault was one of space."""
    if sent.state != "refused":
        return ""
    reply = sent.replies[-1]
    early = len(sent.replies) <= 2          # banner and EHLO have no enhanced code (RFC 2034, 4)
    if early and re.match(r"^(421|454) ", reply):
        return ""
    if not REPLY.match(reply):
        return f"refused with {reply!r}"
    code, dsn = reply.split(" ")[:2]
    stores = program in ("queue", "queue-worker", "smtpd-session") and call not in ("stat", "unlink")
    if error in FULL and stores and (code, dsn) != ("452", "4.3.1"):
        return f"no space was answered with {reply!r}"
    if error not in FULL and (code == "452" or not dsn.startswith("4.3.")):
        return f"errno {errno.errorcode.get(error, error)} was answered with {reply!r}"
    return ""
