# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""accord queue: what is listed, and what becomes of what the administrator wishes."""
import json
import os
import pwd
import shutil
import subprocess
import tempfile
import threading
import time
import unittest

from harness import BIN, BUILD, ORDINARY, TOP, Instance, Peer, make, wait_for

ACCORD = os.path.join(BIN, "accord")
FILL = os.path.join(BUILD, "tests", "queue_fill")
MANY = 100_000


def objects(r):
    return [json.loads(line) for line in r.stdout.decode().splitlines()]


def setUpModule():
    make(os.path.relpath(FILL, TOP))


def fill(acc, n, domains=1):
    """n messages in the queue's folder, as if accord had taken them and was stopped; of each domain's one was
    tried."""
    queue = os.path.join(acc.home, "queue")
    for i in range(domains):
        subprocess.run([FILL, queue, str(n // domains), f"user%u@d{i}.example", "sender%u@s.example", "3600",
                        f"d{i}.example"], check=True, stdout=subprocess.DEVNULL)
    return queue


def busy_hop(**on):
    """A next hop that puts everybody off."""
    return Peer(on={"RCPT": lambda s, l: "451 4.2.1 not now", **on})


def taken(hop):
    """Messages with a recipient: a DATA that was pipelined behind refused ones is none."""
    return [m for m in hop.messages if m["rcpt"]]


class Wishes(unittest.TestCase):
    def deferred(self, acc, n=1):
        wait_for(lambda: len(acc.queue()) == n and all(
            r["attempts"] and r["state"] == "deferred" for m in acc.queue() for r in m["recipients"]))
        return acc.queue()

    def states(self, acc):
        return {r["address"]: r["state"] for m in acc.queue() for r in m["recipients"]}

    def test_hold_release_by_recipient(self):
        with busy_hop() as hop, Instance(smtproutes=hop.route) as acc:
            acc.send("a@gateway.example", ["b@far.example", "c@far.example"], "Subject: x\n\nx\n")
            self.deferred(acc)
            r = acc.accord("queue", "hold", "B@far.example")
            self.assertEqual(r.stdout, b"held: 1 recipient of 1 message\n")
            self.assertEqual(self.states(acc), {"b@far.example": "held", "c@far.example": "deferred"})
            # listed by state, and only who is meant
            got = objects(acc.accord("queue", "list", "--json", "--state", "held"))
            self.assertEqual([[x["address"] for x in m["recipients"]] for m in got], [["b@far.example"]])
            tried = len(hop.said("RCPT"))
            acc.step_clock(4000)
            wait_for(lambda: len(hop.said("RCPT")) > tried)
            time.sleep(0.3)
            self.assertFalse([l for l in hop.said("RCPT")[tried:] if "<b@" in l])
            hop.on.clear()
            acc.accord("queue", "release", "@far.example", "--state", "held")
            # 75: the message is being tried for the one, so nothing is changed for the other
            wait_for(lambda: acc.accord("queue", "retry", "--all", check=False).returncode == 0 or not acc.queue())
            acc.wait_empty()
            self.assertEqual(sorted(l for m in taken(hop) for l in m["rcpt"]),
                             ["RCPT TO:<b@far.example>", "RCPT TO:<c@far.example>"])

    def test_a_final_recipient_is_not_meant(self):
        on = {"RCPT": lambda s, l: "451 4.2.1 not now" if "<c@" in l else None}
        with Peer(on=on) as hop, Instance(smtproutes=hop.route) as acc:
            acc.send("a@gateway.example", ["b@far.example", "c@far.example"], "Subject: x\n\nx\n")
            wait_for(lambda: self.states(acc) == {"b@far.example": "delivered", "c@far.example": "deferred"})
            r = acc.accord("queue", "hold", "@far.example", "--json")
            self.assertEqual([o["recipients"] for o in objects(r)], [["c@far.example"]])
            self.assertIn(b"held: 1 recipient of 1 message\n", r.stderr)
            self.assertEqual(self.states(acc), {"b@far.example": "delivered", "c@far.example": "held"})

    def test_held_outlives_restart_and_expiry(self):
        with busy_hop() as hop, Instance(smtproutes=hop.route, queuelifetime="100") as acc:
            acc.send("a@gateway.example", ["b@far.example"], "Subject: x\n\nx\n")
            number = self.deferred(acc)[0]["id"]
            acc.accord("queue", "hold", number)
            acc.stop()
            acc.start()
            acc.step_clock(1000)
            time.sleep(0.5)
            self.assertEqual(self.states(acc), {"b@far.example": "held"})

    def test_retry_is_at_once(self):
        with busy_hop() as hop, Instance(smtproutes=hop.route, retryfirst="3600") as acc:
            acc.send("a@gateway.example", ["b@far.example"], "Subject: x\n\nx\n")
            self.deferred(acc)
            hop.on.clear()
            r = acc.accord("queue", "retry", "--dest", hop.route[1:], "--json")
            self.assertEqual([(o["action"], o["recipients"]) for o in objects(r)],
                             [("retry", ["b@far.example"])])
            self.assertIn(b"due now: 1 recipient of 1 message", r.stderr)
            acc.wait_empty()
            self.assertEqual(len(taken(hop)), 1)

    def test_bounce_reports_and_remove_does_not(self):
        with busy_hop() as hop, Instance(smtproutes=hop.route, mailboxes="a@gateway.example maildir:mail/a") as acc:
            for to in ("b@far.example", "c@far.example"):
                acc.send("a@gateway.example", [to], "Subject: to-%s\n\nx\n" % to[0])
            self.deferred(acc, 2)
            acc.accord("queue", "remove", "c@far.example")
            self.assertEqual(list(self.states(acc)), ["b@far.example"])
            acc.accord("queue", "bounce", "--sender", "@gateway.example", "--older", "0")
            acc.wait_empty()
            report, = wait_for(lambda: acc.maildir("mail/a"))
            self.assertIn(b"b@far.example", report)
            self.assertNotIn(b"c@far.example", report)
            self.assertEqual(taken(hop), [])

    def test_a_thousand_messages_in_one_go(self):
        """More acts than one packet has, answered when they are on disk."""
        acc = Instance(smtproutes=":[127.0.0.1]:1")
        fill(acc, 3000)
        acc.own()
        with acc:
            # by recipients: one act each; what is being tried right now is left alone, and said
            r = acc.accord("queue", "hold", "@.example", "--json", check=False)
            self.assertEqual(len(objects(r)), 3000)
            self.assertIn(b"recipients of 3000 messages", r.stderr)
            self.assertEqual(r.returncode, 75 if b"being delivered" in r.stderr else 0)
            wait_for(lambda: acc.accord("queue", "hold", "--state", "queued,deferred", check=False).returncode == 0)
            self.assertEqual(acc.accord("queue", "list", "--count", "--state", "held").stdout.split()[:3],
                             [b"3000", b"messages,", b"3000"])
            # by messages: one act for all of it
            self.assertIn(b"removed: 3000 recipients", acc.accord("queue", "remove", "--all").stdout)
            self.assertEqual(acc.queue(), [])

    def test_one_who_is_no_administrator_may_not(self):
        if os.getuid() != 0:
            self.assertNotEqual(ORDINARY, pwd.getpwuid(os.getuid()).pw_name)
            return
        with busy_hop() as hop, Instance(smtproutes=hop.route) as acc:
            acc.send("a@gateway.example", ["b@far.example"], "Subject: x\n\nx\n")
            number = self.deferred(acc)[0]["id"]
            words = [ACCORD, "queue", "remove", number, "-H", acc.home]
            subprocess.run(["chmod", "-R", "a+rX", os.path.join(acc.home, "queue")], check=True)
            r = subprocess.run(words, user="daemon", group="daemon", extra_groups=[], capture_output=True)
            self.assertEqual(r.returncode, 1, r.stderr)
            self.assertIn(b"only the administrator", r.stderr)
            self.assertEqual(len(acc.queue()), 1)

    def test_nothing_is_done_without_a_word_or_without_accord(self):
        acc = Instance()
        fill(acc, 3)
        for verb in ("hold", "release", "retry", "bounce", "remove"):
            r = acc.accord("queue", verb, check=False)
            self.assertEqual((r.returncode, r.stdout), (64, b""))
            r = acc.accord("queue", verb, "--all", check=False)
            self.assertEqual(r.returncode, 75)
            self.assertIn(b"does not run", r.stderr)
        self.assertEqual(len(acc.queue()), 3)

    def test_an_id_that_is_not_there(self):
        with Instance() as acc:
            for verb in ("hold", "list", "show"):
                r = acc.accord("queue", verb, "0" * 16, check=False)
                self.assertEqual(r.returncode, 1)
                self.assertIn(b"not in the queue", r.stderr)


class Show(unittest.TestCase):
    def test_envelope_header_and_octets(self):
        with busy_hop() as hop, Instance(smtproutes=hop.route) as acc:
            body = "Subject: show\n\nline\n.dot\n" + "y" * 69 + "\n"
            body += ("z" * 69 + "\n") * 1000
            acc.send("a@gateway.example", ["b@far.example", "c@far.example"], body)
            wait_for(lambda: acc.queue() and acc.queue()[0]["recipients"][1]["attempts"])
            number = acc.queue()[0]["id"]
            got, = objects(acc.accord("queue", "show", "--json", number))
            self.assertEqual((got["id"], got["sender"], got["conperm"]), (number, "a@gateway.example", False))
            rcpt = got["recipients"][1]
            self.assertEqual((rcpt["address"], rcpt["state"], rcpt["dsn"], rcpt["destination"]),
                             ("c@far.example", "deferred", "4.2.1", hop.route[1:]))
            self.assertLess(rcpt["last"], rcpt["next"])
            text = acc.accord("queue", "show", number).stdout.decode()
            self.assertIn("recipient: <b@far.example>\n    state: deferred\n", text)
            octets = acc.accord("queue", "show", "--message", number).stdout
            self.assertEqual(len(octets), got["size"])
            self.assertTrue(octets.endswith(body.replace("\n", "\r\n").encode()))
            head = acc.accord("queue", "show", "--headers", number).stdout
            self.assertTrue(octets.startswith(head) and head.endswith(b"Subject: show\r\n\r\n"), head[-80:])
            for words in ([], ["--all"], ["b@far.example"], ["--headers", "--message", number]):
                self.assertEqual(acc.accord("queue", "show", *words, check=False).returncode, 64, words)


class Many(unittest.TestCase):
    def test_a_hundred_thousand_listed(self):
        acc = Instance()
        queue = fill(acc, MANY, domains=100)
        self.addCleanup(shutil.rmtree, queue)
        words = [ACCORD, "queue", "list", "--json", "-H", acc.home]
        p = subprocess.Popen(words, stdout=subprocess.PIPE)
        seen = set()
        for line in p.stdout:
            m = json.loads(line)
            seen.add(m["id"])
            self.assertEqual(list(m), ["id", "size", "arrival", "sender", "recipients"])
            self.assertEqual(list(m["recipients"][0]), ["address", "state", "attempts", "next", "code",
                                                           "last_reply"])
        self.assertEqual((p.wait(), len(seen)), (0, MANY))
        p.stdout.close()
        # memory does not grow with the queue
        r = subprocess.run(["prlimit", "--as=" + str(64 << 20)] + words, stdout=subprocess.DEVNULL)
        if "san" not in os.environ.get("ACCORD_BUILD", ""):
            self.assertEqual(r.returncode, 0)
        by_age = [o["id"] for o in objects(acc.accord("queue", "list", "--json", "--sort", "--state", "deferred"))]
        self.assertEqual(by_age, sorted(by_age))
        self.assertEqual(len(by_age), 100)
        rows = objects(acc.accord("queue", "list", "--summary", "--json"))
        self.assertEqual((len(rows), sum(r["recipients"] for r in rows)), (100, MANY))
        self.assertEqual({r["destination"] for r in rows}, {f"d{i}.example" for i in range(100)})
        count = objects(acc.accord("queue", "list", "--count", "--json", "--dest", "d7.example"))
        self.assertEqual((count[0]["messages"], count[0]["recipients"]), (MANY // 100, MANY // 100))

    def test_a_reader_that_leaves_ends_it_quietly(self):
        acc = Instance()
        fill(acc, 5000)
        for preexec in (None, lambda: __import__("signal").signal(13, 1)):     # SIGPIPE as it is, ignored
            p = subprocess.Popen([ACCORD, "queue", "list", "-H", acc.home], stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, preexec_fn=preexec)
            self.assertIn(b"ARRIVAL", p.stdout.readline())
            p.stdout.close()
            self.assertEqual(p.stderr.read(), b"")
            self.assertNotEqual(p.wait(20), 0)
            p.stderr.close()
        with open("/dev/full", "wb") as full:
            r = subprocess.run([ACCORD, "queue", "list", "-H", acc.home], stdout=full, stderr=subprocess.PIPE)
        self.assertEqual(r.returncode, 74)
        self.assertIn(b"No space", r.stderr)

    def test_live_while_the_queue_changes(self):
        """Every list taken under traffic is well formed and without complaint."""
        with Peer() as hop, Instance(smtproutes=hop.route) as acc:
            stop = threading.Event()
            failed = []

            def send():
                while not stop.is_set():
                    try:
                        acc.send("a@gateway.example", ["b@far.example"], "Subject: x\n\nx\n")
                    except Exception as why:    # noqa: the test fails with it below
                        failed.append(why)
                        return

            threads = [threading.Thread(target=send) for _ in range(3)]
            for t in threads:
                t.start()
            seen = 0
            for _ in range(60):
                r = acc.accord("queue", "list", "--json")
                self.assertEqual((r.returncode, r.stderr), (0, b""))
                seen += len(objects(r))
                self.assertEqual(acc.accord("queue", "fsck").returncode, 0)
            stop.set()
            for t in threads:
                t.join()
            self.assertEqual(failed, [])
            self.assertGreater(seen, 0)
            acc.wait_empty()


class Fsck(unittest.TestCase):
    def faulty(self):
        acc = Instance()
        queue = fill(acc, 20)
        files = sorted(os.path.join(d, f) for d, _, fs in os.walk(queue) for f in fs)
        return acc, queue, files

    def found(self, acc, *words, code=1):
        r = acc.accord("queue", "fsck", "--json", *words, check=False)
        self.assertEqual(r.returncode, code, r.stderr)
        return {o["file"]: o for o in objects(r)}

    def spoil(self, path, at):
        with open(path, "r+b") as f:
            f.seek(at, os.SEEK_END if at < 0 else os.SEEK_SET)
            octet = f.read(1)
            f.seek(-1, os.SEEK_CUR)
            f.write(bytes([octet[0] ^ 1]))

    def test_each_fault_is_found_and_only_repair_moves(self):
        acc, queue, files = self.faulty()
        self.assertEqual(self.found(acc, code=0), {})
        self.spoil(files[0], 40)            # an octet of the message
        self.spoil(files[1], -30)           # the footer
        self.spoil(files[2], -64 - 100)     # a recipient's slot
        os.truncate(files[3], 10)
        name = os.path.basename(files[4])
        wrong = os.path.join(queue, "00" if os.path.dirname(files[4])[-2:] != "00" else "01")
        os.makedirs(wrong, exist_ok=True)
        os.rename(files[4], os.path.join(wrong, name))
        for folder, entry in (("bad", "0" * 16), ("tmp", "1" * 16), (os.path.dirname(files[5]), "core"), ("", "x")):
            os.makedirs(os.path.join(queue, folder), exist_ok=True)
            with open(os.path.join(queue, folder, entry), "w") as f:
                f.write("nothing")
        short = {f: os.path.relpath(f, queue) for f in files}
        want = {short[files[0]]: "broken", short[files[1]]: "broken", short[files[2]]: "torn",
                short[files[3]]: "broken", os.path.relpath(os.path.join(wrong, name), queue): "misplaced",
                "bad/" + "0" * 16: "bad", "tmp/" + "1" * 16: "leftover", "x": "strange",
                os.path.relpath(os.path.join(os.path.dirname(files[5]), "core"), queue): "strange"}
        for _ in range(2):                  # looking changes nothing
            got = self.found(acc)
            self.assertEqual({k: v["finding"] for k, v in got.items()}, want)
        self.assertIn("checksum of the message", got[short[files[0]]]["why"])
        self.assertTrue(all(v["moved"] is None for v in got.values()))
        got = self.found(acc, "--repair")
        self.assertEqual(got[short[files[0]]]["moved"], "bad/" + os.path.basename(files[0]))
        self.assertTrue(os.path.exists(files[4]))
        self.assertTrue(os.path.exists(os.path.join(queue, "bad", os.path.basename(files[3]))))
        self.assertTrue(os.path.exists(os.path.join(queue, "x")))
        left = self.found(acc)
        self.assertEqual({v["finding"] for v in left.values()}, {"bad", "torn", "leftover", "strange"})

    def test_links_lead_repair_nowhere(self):
        """Root mends with the rights of the queue's owner: who can write there gets no more by it."""
        acc, queue, files = self.faulty()
        acc.own()
        other = next(f for f in files if os.path.dirname(f) != os.path.dirname(files[0]))
        owner = os.stat(queue)
        with tempfile.TemporaryDirectory() as outside:
            secret = os.path.join(outside, "shadow")
            with open(secret, "w") as f:
                f.write("x")
            os.chmod(outside, 0o755)
            shutil.rmtree(os.path.dirname(files[0]))
            os.symlink(outside, os.path.dirname(files[0]))
            shutil.rmtree(os.path.join(queue, "bad"), ignore_errors=True)
            self.spoil(other, 40)
            got = self.found(acc, "--repair")
            self.assertEqual(got[os.path.basename(os.path.dirname(files[0]))]["finding"], "strange")
            self.assertTrue(os.path.exists(secret))
        bad = os.stat(os.path.join(queue, "bad"))
        self.assertEqual((bad.st_uid, bad.st_gid), (owner.st_uid, owner.st_gid))
        self.assertEqual(os.listdir(os.path.join(queue, "bad")), [os.path.basename(other)])

    def test_a_running_accord_keeps_its_queue(self):
        with busy_hop() as hop, Instance(smtproutes=hop.route) as acc:
            acc.send("a@gateway.example", ["b@far.example"], "Subject: x\n\nx\n")
            self.assertIn(b"all is well", acc.accord("queue", "fsck").stdout)
            r = acc.accord("queue", "fsck", "--repair", check=False)
            self.assertEqual(r.returncode, 75)
            self.assertIn(b"stop it first", r.stderr)


class Words(unittest.TestCase):
    def run_it(self, *words):
        r = subprocess.run([ACCORD, *words], capture_output=True, stdin=subprocess.DEVNULL)
        return r.returncode, r.stdout.decode(), r.stderr.decode()

    def test_help_of_every_verb(self):
        for verb in ("list", "show", "hold", "release", "retry", "bounce", "remove", "fsck"):
            code, out, err = self.run_it("queue", verb, "--help")
            self.assertEqual((code, err), (0, ""))
            self.assertTrue(out.startswith(f"usage: accord queue {verb}"), out)
            self.assertIn(f"  {verb} ", self.run_it("queue", "--help")[1])
            self.assertIn("[--json]", out)

    def test_wrong_words_are_one_line_and_64(self):
        acc = Instance()
        os.mkdir(os.path.join(acc.home, "queue"))
        for words in (["queue"], ["queue", "lisst"], ["queue", "list", "--nosuch"], ["queue", "list", "word"],
                      ["queue", "list", "--older", "soon"], ["queue", "hold", "--state"], ["queue", "fsck", "--all"],
                      ["queue", "list", "--repair"], ["qeue"], ["conf", "--nosuch"], ["caps", "dance"],
                      ["send", "--notify", "never,success", "--", "a@b.example"], ["check", "it"]):
            code, out, err = self.run_it(words[0], "-H", acc.home, *words[1:])
            self.assertEqual((code, out), (64, ""), words)
            if words[0] != "send":
                self.assertEqual(len(err.splitlines()), 1, err)
        self.assertIn("did you mean queue?", self.run_it("qeue")[2])
        self.assertNotIn("did you mean", self.run_it("xylophone")[2])
