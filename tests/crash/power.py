# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""Power cuts on paper.  Whole instances run over the layer that records their calls (sys.c), with concurrent
sessions, deliveries, refusals, holds, removals, reloads and killed processes; then power-sim builds from the
record the disks that a power cut may have left, and judges each: see tests/crash/sim.

power.py [--images N] [--whole N] [--seconds S] [--messages N] [--seed N] [STRATEGY...]

Each strategy of the queue's flush is judged by what it relies on; "whole" images are also given to a whole
instance, which must deliver all that is left.  Ends with a count."""
import argparse
import atexit
import contextlib
import ctypes
import mmap
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
os.environ.setdefault("ACCORD_BUILD", "build-crash")
sys.path.insert(0, os.path.join(TOP, "tests", "system"))
from harness import Instance, Peer                                            # noqa: E402

SIM = os.path.join(TOP, "build", "power-sim")
RECORD_SIZE = 24 << 20          # it counts in the address space of sandboxed processes
MODELS = {"each": ["subset", "split"], "fs": ["subset", "split"], "journal": ["journal"]}
FOLDER = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
NAMED = re.compile(rb"n(\d+)\.(\d+)@[a-z]+\.example")
SETTLE = 6                      # seconds behind the last message: what came of it must become durable


class Record:
    """The file that the layer writes, and the ledger beside it."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="accord-power-", dir=FOLDER)
        atexit.register(shutil.rmtree, self.folder, True)
        os.chmod(self.folder, 0o755)
        self.path = os.path.join(self.folder, "record")
        self.ledger_path = os.path.join(self.folder, "ledger")
        with open(self.path, "wb") as f:
            f.write(struct.pack("=8sQQQQ", b"accordR", RECORD_SIZE, 40, 1, 0))
            f.truncate(RECORD_SIZE)
        os.chmod(self.path, 0o666)
        with open(self.path, "r+b") as f:
            self.map = mmap.mmap(f.fileno(), 40)
        self.counter = ctypes.c_uint64.from_buffer(self.map, 24)
        self.ledger = os.open(self.ledger_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def number(self):
        """What has ended by now has smaller numbers; nothing is drawn."""
        return self.counter.value

    def note(self, kind, *words):
        os.write(self.ledger, f"{kind} {' '.join(str(w) for w in words)}\n".encode())

    @contextlib.contextmanager
    def writing(self):
        os.environ["ACCORD_RECORD"] = self.path
        try:
            yield
        finally:
            del os.environ["ACCORD_RECORD"]


class Hop(Peer):
    """Takes, defers for a while, refuses for good; notes what it takes before it says so."""

    def __init__(self, record):
        self.record, self.patient = record, True
        super().__init__(on={"RCPT": self.rcpt, "EOD": self.data})

    def rcpt(self, session, line):
        if "@bad.example" in line:
            return "550 5.1.1 nobody of that name"
        if "@never.example" in line or ("@later.example" in line and self.patient):
            return "451 4.2.1 later"
        return None

    def data(self, session, body):
        number = self.record.number()
        if session.mail.upper().startswith("MAIL FROM:<>"):
            for found in set(NAMED.findall(body)):
                if f"s{found[0].decode()}@" in session.rcpt[0]:
                    self.record.note("B", f"n{found[0].decode()}.{found[1].decode()}@x", number)
        for line in session.rcpt:
            found = NAMED.search(line.encode())
            if found:
                self.record.note("H", found.group().decode(), number)
        return None


def acts(acc, hop, record, rng, over):
    """What else happens: hold, release, removal, retry, reload, a killed process."""
    while not over.wait(rng.uniform(0.2, 0.5)):
        hop.patient = rng.random() < 0.7
        what = rng.choice(["hold", "release", "retry", "retry", "remove", "reload", "kill"])
        if what == "remove":
            queued = [r["address"] for m in acc.queue() for r in m["recipients"] if "@later.example" in r["address"]]
            for address in rng.sample(queued, min(3, len(queued))):
                record.note("X", address, record.number())
                acc.accord("queue", "remove", address, check=False)
        elif what == "reload":
            acc.accord("reload", check=False)
        elif what == "kill":
            pids = acc.pids("queue") if rng.random() < 0.5 else acc.pids("qmgr")
            record.note("K", record.number())
            with contextlib.suppress(ProcessLookupError, IndexError):
                os.kill(rng.choice(pids), 9)
        else:
            acc.accord("queue", what, "@later.example", check=False)


def run(strategy, seconds, clients, messages, seed, calm=False):
    """A run; its record and ledger."""
    record, rng, over = Record(), random.Random(seed), threading.Event()
    with Hop(record) as hop:
        with record.writing():
            acc = Instance(smtproutes=hop.route, flush=strategy, retryfirst="1",
                           mailboxes="@gateway.example maildir:mail/postmaster")
            record.note("D", os.stat(acc.home).st_ino)
            acc.start()
        try:
            load = subprocess.Popen([SIM, "load", str(acc.port), record.path, record.ledger_path, str(clients),
                                     str(seconds), str(SETTLE), str(messages)])
            actor = threading.Thread(target=acts, args=(acc, hop, record, rng, over), daemon=True)
            if not calm:
                actor.start()
            time.sleep(seconds)
            over.set()
            if not calm:
                actor.join()
            hop.patient = False
            acc.accord("queue", "release", "--all", check=False)
            if load.wait(60 + seconds) != 0:
                raise AssertionError("the load failed")
        finally:
            acc.stop()
    return record


def judge(record, strategy, model, images, seed):
    """The process that judges; its last line is a summary."""
    folder = tempfile.mkdtemp(prefix="image-", dir=record.folder)
    return subprocess.Popen([SIM, "judge", record.path, record.ledger_path, strategy, model, str(images),
                             str(seed), folder], stdout=subprocess.PIPE, text=True)


def text(number):
    """What ledger_text makes."""
    lines = 900 if number % 64 == 5 else [1, 6, 14, 30, 60, 17, 18, 110][number % 8]
    return (f"X-Number: {number}\r\nSubject: a message\r\n\r\n" + "".join(
        f"{number:08} {i:08} {(number * 2654435761 + i * 40503) % (1 << 32):08x}\r\n" for i in range(lines))).encode()


class Truth:
    """The ledger at a cut: whom each acknowledged message is owed to, and what may not be sent."""

    def __init__(self, record, cut):
        self.owed, self.messages, done = set(), set(), set()
        with open(record.ledger_path) as f:
            for kind, *words in map(str.split, f):
                if kind == "M":
                    self.messages.add(int(words[0]))
                    if 0 < int(words[2]) <= cut:
                        self.owed |= {a.split("@")[0] for a in words[3].split(",")}
                elif kind in "HBX" and int(words[1]) <= cut:
                    done.add(words[0].split("@")[0])
        self.owed -= done


class Whole:
    """A whole instance is started on an image and delivers all of it; what is wrong then."""

    def __init__(self, record, strategy, model, image):
        self.record, self.strategy, self.image, self.wrong = record, strategy, image, []
        self.truth = Truth(record, int(image.split(":")[0]))
        folder = tempfile.mkdtemp(prefix="whole-", dir=record.folder)
        subprocess.run([SIM, "write", record.path, record.ledger_path, model, image, folder], check=True)
        refuse = {"RCPT": lambda _, line: "550 5.1.1 nobody of that name" if "@bad.example" in line else None}
        with Peer(on=refuse) as hop:
            acc = Instance(smtproutes=hop.route, flush=strategy, mailboxes="@gateway.example maildir:mail/postmaster")
            for name in "queue", "mail":
                if os.path.isdir(os.path.join(folder, name)):
                    shutil.copytree(os.path.join(folder, name), os.path.join(acc.home, name))
            acc.own()
            self.deliver(acc, hop)
        shutil.rmtree(folder)

    def deliver(self, acc, hop):
        with acc:
            acc.send("a@client.example", ["new@ok.example"], "Subject: new\n\nafter the cut\n")
            for _ in range(60):
                acc.accord("queue", "release", "--all", check=False)
                acc.accord("queue", "retry", "--all", check=False)     # a step of the clock would cut sessions off
                with contextlib.suppress(AssertionError):
                    acc.wait_empty(1)
                    break
            else:
                self.wrong.append(f"still queued: {acc.queue()[:2]}")
            bad = os.listdir(os.path.join(acc.home, "queue", "bad"))
            if bad and self.strategy != "fs":
                self.wrong.append(f"bad files: {bad}")
            mails = acc.maildir()
        self.judge(hop.messages, mails)

    def judge(self, messages, mails):
        got = {}
        for m in messages:
            whose = [NAMED.search(r.encode()) for r in m["rcpt"]]
            if m["mail"].upper().startswith("MAIL FROM:<>"):
                for n, i in set(NAMED.findall(m["data"])):
                    got.setdefault(f"n{n.decode()}.{i.decode()}", [])
            for found in filter(None, whose):
                number, i = int(found.group(1)), int(found.group(2))
                got.setdefault(f"n{number}.{i}", []).append(m["data"])
                if number not in self.truth.messages:
                    self.wrong.append(f"message {number} was never finished, and is sent")
                elif not m["data"].endswith(b"\r\n" + text(number)) or not m["data"].startswith(b"Received: "):
                    self.wrong.append(f"message {number} is sent with other octets")
        for mail in mails:
            found = NAMED.search(mail[mail.index(b"Delivered-To:"):])
            if not mail.endswith(b"\n" + text(int(found.group(1))).replace(b"\r", b"")):
                self.wrong.append(f"half a message in a mailbox: {found.group()}")
            got.setdefault(found.group().split(b"@")[0].decode(), [])
        self.wrong += [f"{who} gets it twice" for who, copies in got.items() if len(copies) > 1]
        self.wrong += [f"{who} never gets it" for who in sorted(self.truth.owed - set(got))]
        if not any(b"after the cut" in m["data"] for m in messages):
            self.wrong.append("a new message does not arrive")


def wholes(record, strategy, count, rng):
    """So many images, given to whole instances; what is wrong."""
    with open(record.ledger_path) as f:
        acks = [w[3] for w in map(str.split, f) if w[0] == "M" and w[3] != "0"]
    wrong = []
    for i in range(count):
        model = MODELS[strategy][i % len(MODELS[strategy])]
        image = f"{rng.choice(acks)}:{rng.choice(['none', 'names', 'octets', 'random', 'random'])}:0:" \
                f"{rng.choice([5, 50, 95])}:{rng.randrange(1 << 32)}"
        wrong += [f"{strategy}, model {model}, whole image {image}: {what}"
                  for what in Whole(record, strategy, model, image).wrong[:3]]
    return wrong


def side_by_side(strategies, options):
    """A process for each: they wait for the disk more than they work."""
    passed = failed = 0
    for p in [subprocess.Popen([sys.executable, __file__, *options, s], stdout=subprocess.PIPE, text=True)
              for s in strategies]:
        *lines, count = p.communicate()[0].splitlines() or ["0 passed, 1 failed"]
        print(*lines[1:], sep="\n", flush=True)
        passed += int(count.split()[0])
        failed += int(count.split()[2])
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--clients", type=int, default=12)
    parser.add_argument("--messages", type=int, default=900)
    parser.add_argument("--seed", type=int, default=int(os.environ.get("ACCORD_SEED", random.randrange(1 << 30))))
    parser.add_argument("--whole", type=int, default=2, help="images for whole instances")
    parser.add_argument("--calm", action="store_true", help="no acts")
    parser.add_argument("--keep", help="a folder that gets each run's record and ledger")
    parser.add_argument("strategy", nargs="*")
    parser.add_argument("--short", action="store_true", help="what shows a fault soon")
    a = parser.parse_args()
    if a.short:
        a.images, a.seconds, a.messages, a.whole = 100, 3, 500, 0
    print(f"seed {a.seed}", flush=True)
    if len(a.strategy) != 1:
        side_by_side(a.strategy or list(MODELS), [w for w in sys.argv[1:] if w not in MODELS] +
                     ["--seed", str(a.seed)])
    passed = failed = 0
    for strategy in a.strategy:
        record = run(strategy, a.seconds, a.clients, a.messages, a.seed, a.calm)
        if a.keep:
            shutil.copytree(record.folder, os.path.join(a.keep, strategy), dirs_exist_ok=True)
        models = MODELS[strategy][:1] if a.short else MODELS[strategy]
        for p in [judge(record, strategy, model, a.images, a.seed) for model in models]:
            lines = p.stdout.read().splitlines() or ["power-sim said nothing"]
            good = p.wait() == 0
            print(*lines[:-1], ("ok   " if good else "FAIL ") + lines[-1], sep="\n", flush=True)
            passed += good
            failed += not good
        wrong = wholes(record, strategy, a.whole, random.Random(a.seed))
        print(*[f"FAIL {w}" for w in wrong], f"{'FAIL' if wrong else 'ok  '} {strategy}: {a.whole} images delivered by "
              "whole instances", sep="\n", flush=True)
        passed += not wrong
        failed += bool(wrong)
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


main()
