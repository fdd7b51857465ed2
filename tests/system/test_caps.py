# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""What owners say of their mailboxes (accord caps set): who may, in which order it counts, and that it is on the disk
before it is confirmed."""
import errno
import json
import os
import pwd
import re
import signal
import subprocess
import threading
import time
import unittest

import fax
from harness import ACCOUNTS, BIN, Instance, wait_for
from layer import Layered

BOX, OTHER = "box@gateway.example", "other@gateway.example"
LINE = re.compile(r"^250[- ](?:2\.1\.5 )?CONNEG (.*)$")
SETTINGS = {"capsources": "cdb:caps.cdb\nown", "locals": ["gateway.example", "second.example"],
            "mailboxes": [f"{BOX} maildir:mail/box/Maildir", f"{OTHER} maildir:mail/other/Maildir",
                          "@second.example maildir:mail/box/Maildir", "far@far.example maildir:mail/box/Maildir",
                          "root@gateway.example maildir:mail/root/Maildir",
                          "postmaster@gateway.example maildir:mail/postmaster"]}


def known(acc, address):
    """What caps get says: the JSON object."""
    return json.loads(acc.accord("caps", "get", "--json", address, check=False).stdout)


def state(acc, address):
    got = known(acc, address)
    return got["state"], got["source"]


def told(acc, address):
    """What RCPT CONNEG says."""
    with acc.client() as c:
        c.ehlo()
        c.must("250", "MAIL FROM:<a@client.example>")
        return " ".join(m.group(1) for m in map(LINE.match, c.must("250", f"RCPT TO:<{address}> CONNEG")) if m)


class Owner(unittest.TestCase):
    def setUp(self):
        if os.getuid() != 0:
            self.fail("only root can run accord under accounts of its own, and commands as several users")

    def instance(self):
        """mail/box belongs to nobody, mail/other to games."""
        acc = Instance(ACCOUNTS, **SETTINGS)
        for name, user in (("box", "nobody"), ("other", "games"), ("root", "root")):
            path = os.path.join(acc.home, "mail", name)
            os.makedirs(path)
            os.chown(path, pwd.getpwnam(user).pw_uid, -1)
        os.chmod(os.path.join(acc.home, "mail"), 0o711)
        return acc

    def run_as(self, acc, user, *words):
        r = subprocess.run([os.path.join(BIN, "accord"), "caps", "-H", acc.home, *words], user=user, group="nogroup",
                           extra_groups=[], capture_output=True, text=True, cwd="/")
        return r.returncode, r.stdout, r.stderr

    def test_DR6_only_the_owner_and_the_administrator(self):
        with self.instance() as acc:
            no = (1, "", "accord: only the mailbox's owner and the administrator may do this (5.7.1)\n")
            self.assertEqual(self.run_as(acc, "games", "set", BOX, "any"), no)
            self.assertEqual(self.run_as(acc, "games", "get", BOX), no)
            self.assertEqual(self.run_as(acc, "games", "purge", BOX), no)
            self.assertEqual(state(acc, BOX), ("none", "none"))
            self.assertEqual(self.run_as(acc, "nobody", "set", BOX, fax.MMR), (0, "", ""))
            self.assertIn("MMR", told(acc, BOX))
            code, out, err = self.run_as(acc, "nobody", "get", "BOX@Gateway.example")
            self.assertEqual((code, err), (0, ""))
            self.assertRegex(out, r"^\(.*MMR.*\)\nfrom own, said \d+ seconds? ago\n$")
            # neither of what is not there, nor of what is not delivered here, nor of root's
            for address in ("nosuch@gateway.example", "box@far.example", "far@far.example", "root@gateway.example",
                            "postmaster@gateway.example", "postmaster@elsewhere.example", OTHER):
                self.assertEqual(self.run_as(acc, "nobody", "set", address, "any"), no, address)
                self.assertEqual(state(acc, address), ("none", "none"))
            self.assertEqual(self.run_as(acc, "nobody", "set", "whoever@Second.example", "any")[0], 0)
            self.assertEqual(self.run_as(acc, "nobody", "purge", "--all")[0], 1)
            self.assertEqual(self.run_as(acc, "games", "set", OTHER, "any")[0], 0)
            acc.accord("caps", "set", "far@far.example", fax.MH)
            self.assertEqual(state(acc, "far@far.example"), ("known", "own"))
            self.assertEqual([(l["to"], l["uid"]) for l in acc.logged(4, event="caps-set")],
                             [(BOX, str(pwd.getpwnam("nobody").pw_uid)),
                              ("whoever@Second.example", str(pwd.getpwnam("nobody").pw_uid)),
                              (OTHER, str(pwd.getpwnam("games").pw_uid)), ("far@far.example", "0")])
            # an owner may take it back, and an administrator all
            self.assertEqual(self.run_as(acc, "nobody", "purge", BOX), (0, "", ""))
            self.assertEqual(state(acc, BOX), ("none", "none"))
            self.assertEqual(self.run_as(acc, "games", "set", OTHER, "none"), (0, "", ""))
            self.assertEqual(state(acc, OTHER), ("none", "none"))
            acc.accord("caps", "purge", "--all")
            self.assertEqual(state(acc, "far@far.example"), ("none", "none"))

    def test_DR6_a_stopped_local_allows_nothing(self):
        with self.instance() as acc:
            local = acc.pids("local")[0]
            os.kill(local, signal.SIGSTOP)
            said = []
            asks = threading.Thread(target=lambda: said.append(self.run_as(acc, "nobody", "set", BOX, "any")))
            asks.start()
            time.sleep(0.3)
            self.assertEqual(state(acc, BOX), ("none", "none"))     # the administrator waits for nobody
            os.kill(local, signal.SIGKILL)
            asks.join(20)
            self.assertEqual([s[0] for s in said], [75])
            wait_for(lambda: self.run_as(acc, "nobody", "set", BOX, "any")[0] == 0)


class Kept(unittest.TestCase):
    def test_a_restart_and_a_kill_keep_it(self):
        acc = Instance(**SETTINGS)
        with acc:
            expected = {}
            for i in range(12):
                address, text = f"r{i % 5}@far.example", f"(dpi={100 + i})"
                acc.accord("caps", "set", address, text)
                expected[address] = text
                if i % 3 == 0:
                    old = acc.kill("capd")
                    wait_for(lambda: (acc.pids("capd") or [old])[0] != old)
                    wait_for(lambda: acc.accord("caps", "get", address, check=False).returncode != 75)
                for a, t in expected.items():
                    self.assertEqual(known(acc, a)["expression"], t)
            acc.crash()
            acc.start()
            for a, t in expected.items():
                self.assertEqual(known(acc, a)["expression"], t)

    def test_killed_while_it_writes(self):
        """capd dies again and again under commands: each that was confirmed is there, and each that is there is whole."""
        with Instance(**SETTINGS) as acc:
            stop, last, tried = threading.Event(), {}, {}

            def say(n):
                i = 0
                while not stop.is_set():
                    i += 1
                    address, text = f"t{n}-{i % 7}@far.example", f"(& (dpi={i}) (pix-x={n}))"
                    tried.setdefault(address, []).append(text)
                    if acc.accord("caps", "set", address, text, check=False).returncode == 0:
                        last[address] = text, len(tried[address])
            threads = [threading.Thread(target=say, args=(n,)) for n in range(3)]
            for t in threads:
                t.start()
            for _ in range(6):
                time.sleep(0.4)
                old = acc.kill("capd")
                wait_for(lambda: (acc.pids("capd") or [old])[0] != old)
            stop.set()
            for t in threads:
                t.join()
            wait_for(lambda: acc.accord("caps", "get", BOX, check=False).returncode != 75)
            self.assertGreater(len(last), 10)
            for address, (text, at) in last.items():
                # one whose answer was lost may have come after it
                self.assertIn(known(acc, address)["expression"], [text] + tried[address][at:])

    def test_a_torn_tail_is_cut_off(self):
        acc = Instance(**SETTINGS)
        path = os.path.join(acc.home, "caps", "entries")
        with acc:
            acc.accord("caps", "set", BOX, fax.MMR)
            acc.accord("caps", "set", OTHER, fax.MH)
            acc.stop()
            whole = os.path.getsize(path)
            os.truncate(path, whole - 11)
            acc.start()
            self.assertEqual(state(acc, BOX), ("known", "own"))
            self.assertEqual(state(acc, OTHER), ("none", "none"))
            self.assertTrue(acc.logged(1, event="entries-damaged", octets="0"))
            acc.accord("caps", "set", OTHER, fax.MMR)
            acc.stop()
            acc.start()
            self.assertEqual((state(acc, BOX), state(acc, OTHER)), (("known", "own"),) * 2)
            self.assertEqual(len(acc.log_lines(event="entries-damaged")), 1)

    def test_what_it_cannot_read_is_not_lost(self):
        acc = Instance(**SETTINGS)
        path = os.path.join(acc.home, "caps", "entries")
        with acc:
            acc.accord("caps", "set", BOX, "any")
            acc.stop()
            with open(path, "r+b") as f:
                f.write(b"accord caps 9\n")
            with open(path, "rb") as f:
                was = f.read()
            acc.start()             # mail is to flow
            self.assertEqual(state(acc, BOX), ("not now", "none"))
            r = acc.accord("caps", "set", BOX, "any", check=False)
            self.assertEqual((r.returncode, r.stdout), (75, b""))
            self.assertTrue(acc.logged(1, event="entries-unreadable"))
            with open(path, "rb") as f:
                self.assertEqual(f.read(), was)


class Order(unittest.TestCase):
    def test_sources_are_asked_in_the_order_of_their_lines(self):
        with Instance(caps=f"{BOX} {fax.MH}", **SETTINGS) as acc:
            acc.accord("caps", "set", BOX, fax.MMR)
            acc.accord("caps", "set", OTHER, fax.MMR)
            self.assertEqual((state(acc, BOX), state(acc, OTHER)), (("known", "cdb"), ("known", "own")))
            self.assertNotIn("MMR", told(acc, BOX))
            self.assertIn("MMR", told(acc, OTHER))
            acc.set("capsources", "own\ncdb:caps.cdb")
            acc.accord("reload")
            self.assertEqual(state(acc, BOX), ("known", "own"))
            self.assertIn("MMR", told(acc, BOX))
            acc.set("capsources", "cdb:caps.cdb")
            acc.accord("reload")
            self.assertEqual((state(acc, BOX), state(acc, OTHER)), (("known", "cdb"), ("none", "none")))
            r = acc.accord("caps", "set", OTHER, "any", check=False)
            self.assertEqual(r.returncode, 1)
            self.assertIn(b"capsources", r.stderr)

    def test_it_counts_for_its_time(self):
        with Instance(**SETTINGS) as acc:
            acc.accord("caps", "set", BOX, "any", "--ttl", "3600")
            acc.accord("caps", "set", OTHER, "any")
            acc.step_clock(3500)
            self.assertEqual(state(acc, BOX), ("any", "own"))
            acc.step_clock(200)
            self.assertEqual((state(acc, BOX), state(acc, OTHER)), (("none", "none"), ("any", "own")))

    def test_there_is_room_for_so_many(self):
        with Instance(capsmax="2", **SETTINGS) as acc:
            acc.accord("caps", "set", "a@far.example", "any")
            acc.accord("caps", "set", "b@far.example", "any")
            r = acc.accord("caps", "set", "c@far.example", "any", check=False)
            self.assertEqual(r.returncode, 75)
            self.assertIn(b"capsmax", r.stderr)
            acc.accord("caps", "set", "b@far.example", "(dpi=200)")
            acc.accord("caps", "purge", "a@far.example")
            acc.accord("caps", "set", "c@far.example", "any")

    def test_wrong_words(self):
        with Instance(**SETTINGS) as acc:
            for words, code, why in ((["set", BOX, "(& (oops"], 1, "column"), (["set", "nobody", "any"], 1, "address"),
                                     (["set", BOX], 64, "usage"), (["set", BOX, "any", "more"], 64, "usage"),
                                     (["set", BOX, "any", "--ttl"], 64, "usage"),
                                     (["set", BOX, "any", "--ttl", "0"], 64, "usage"),
                                     (["set", "", "any"], 64, "usage"), (["purge"], 64, "usage"),
                                     (["purge", "--everything"], 64, "usage"), (["purge", ""], 64, "usage")):
                r = acc.accord("caps", *words, check=False)
                self.assertEqual((r.returncode, r.stdout), (code, b""), words)
                self.assertIn(why, r.stderr.decode(), words)
            self.assertEqual(state(acc, BOX), ("none", "none"))
            self.assertFalse(os.path.exists(os.path.join(acc.home, "caps", "entries")))
        r = acc.accord("caps", "set", BOX, "any", check=False)
        self.assertEqual(r.returncode, 75)

    def test_check_warns(self):
        acc = Instance(caps=f"{BOX} any", capsources="own\ncdb:caps.cdb")
        self.assertEqual(acc.accord("check").stderr.decode(), f"accord: {acc.control}/capsources:2: own is asked before "
                         "cdb: what it knows counts instead of the other\n")
        acc.set("capsources", "own")
        self.assertEqual(acc.accord("check").stderr.decode(), f"accord: {acc.control}/caps: it has no effect: "
                         "capsources has no line cdb:caps.cdb\n")
        acc.set("capsources", "cdb:caps.cdb\nown")
        self.assertEqual(acc.accord("check").stderr, b"")


class Disk(unittest.TestCase):
    """Over the layer of tests/crash/sys.h."""

    def refused(self, acc, address=BOX):
        r = acc.accord("caps", "set", address, "any", check=False)
        self.assertEqual((r.returncode, r.stdout), (75, b""))
        return r.stderr.decode()

    def test_it_is_on_the_disk_before_it_is_confirmed(self):
        with Layered(faults=False, **SETTINGS) as acc:
            acc.accord("caps", "set", BOX, "any")
            capd, folder = acc.pids("capd")[0], os.stat(os.path.join(acc.home, "caps")).st_ino
            ino = os.stat(os.path.join(acc.home, "caps", "entries")).st_ino

            def changes():
                return [(r.call, r.ino) for r in acc.record.records() if r.pid == capd and not r.error and
                        r.call in ("create", "write", "fsync", "rename", "truncate", "unlink")]
            first = changes()
            self.assertEqual(first[0][0], "create")
            self.assertEqual([(c, i) for c, i in first if c in ("write", "fsync")],
                             [("write", ino), ("fsync", ino), ("fsync", folder), ("write", ino), ("fsync", ino)])
            self.assertEqual([c for c, _ in first],
                             ["create", "write", "fsync", "rename", "fsync", "write", "fsync"])
            acc.accord("caps", "set", OTHER, "any")
            acc.accord("caps", "set", OTHER, "any")     # nothing new
            self.assertEqual(changes()[len(first):], [("write", ino), ("fsync", ino)])

    def test_a_disk_that_is_full_or_fails(self):
        """Each call in turn, at the first entry, which makes the file, and at later ones: 4yz, nothing of it is there, now
        or after a start, and the next one is taken."""
        def fails(call, error, first):
            acc.faults.rule(0, call, error, program="capd", first=first)
            for address in (BOX, "third@far.example"):
                self.assertIn("(4.3.1)" if error == errno.ENOSPC else "(4.3.0)", self.refused(acc, address))
                self.assertEqual(state(acc, address), ("none", "none"))
            acc.faults.clear()
        path = os.path.join("caps", "entries")
        with Layered(record=False, **SETTINGS) as acc:
            for call, error in (("create", errno.ENOSPC), ("write", errno.ENOSPC), ("write", errno.EIO),
                                ("fsync", errno.EIO), ("touch", errno.EROFS), ("rename", errno.ENOSPC)):
                with self.subTest("the first", call=call, error=errno.errorcode[error]):
                    fails(call, error, 1)
            self.assertFalse(os.path.exists(os.path.join(acc.home, path)))
            fails("fsync", errno.EIO, 2)        # of the folder
            acc.accord("caps", "set", OTHER, "any")
            for n, (call, error) in enumerate((("write", errno.ENOSPC), ("write", errno.EIO), ("fsync", errno.EIO),
                                               ("fsync", errno.ENOSPC), ("touch", errno.EROFS))):
                with self.subTest("a later one", call=call, error=errno.errorcode[error]):
                    fails(call, error, 1)
                    acc.faults.rule(0, call, error, program="capd")
                    self.assertEqual(acc.accord("caps", "purge", OTHER, check=False).returncode, 75)
                    self.assertEqual(acc.accord("caps", "purge", "--all", check=False).returncode, 75)
                    acc.faults.clear()
                    self.assertEqual(state(acc, OTHER), ("any", "own"))
                    acc.accord("caps", "set", f"n{n}@far.example", "any")
            acc.faults.rule(0, "write", errno.EIO, program="capd")
            self.refused(acc)
            acc.stop()
            acc.faults.clear()
            acc.start()
            self.assertEqual((state(acc, BOX), state(acc, OTHER), state(acc, "third@far.example")),
                             (("none", "none"), ("any", "own"), ("none", "none")))
            self.assertEqual([state(acc, f"n{n}@far.example")[0] for n in range(5)], ["any"] * 5)
            self.assertEqual(acc.log_lines(event="entries-damaged"), [])
            acc.accord("caps", "set", BOX, "any")
            self.assertEqual(state(acc, BOX), ("any", "own"))

    def test_behind_a_failed_flush_it_is_written_anew(self):
        """An fsync that comes after one that failed finds nothing left to wait for."""
        path = "caps/entries"
        with Layered(record=False, **SETTINGS) as acc:
            acc.accord("caps", "set", OTHER, "any")
            was = os.stat(os.path.join(acc.home, path)).st_ino
            acc.faults.rule(0, "fsync", errno.EIO, program="capd", first=1, last=1)
            self.refused(acc)
            acc.accord("caps", "set", BOX, "any")
            self.assertNotEqual(os.stat(os.path.join(acc.home, path)).st_ino, was)
            self.assertEqual((state(acc, BOX), state(acc, OTHER)), (("any", "own"),) * 2)

    def test_a_short_write_is_finished(self):
        with Layered(record=False, **SETTINGS) as acc:
            acc.faults.rule(0, "write", 0, program="capd", first=1, last=2)
            acc.accord("caps", "set", BOX, fax.MMR)
            acc.stop()
            acc.start()
            self.assertEqual(state(acc, BOX), ("known", "own"))
