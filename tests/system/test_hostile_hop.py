# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""Next hops that break the rules: whatever they say, mail is not lost, not doubled, and what they say
reaches neither terminal nor report unclean."""
import email
import random
import re
import socket
import threading
import time
import types
import unittest

from harness import SLOW, Instance, Peer, crlf, wait_for

SENDER = "postmaster@gateway.example"
TEXT = "From: <a@client.example>\nTo: <b@far.example>\nSubject: a line\n\none\n.two\n..\nlast\n"
LONG = TEXT + ("z" * 990 + "\n") * 4300          # more than the sockets hold
STEPS = ("CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "EOD")
OK = {"CONNECT": "220", "DATA": "354"}          # others: 250
FLOOD = 64 << 20
READ = 24 << 20         # what accord may read of an endless reply, with all that the sockets hold
NO_PIPELINING = ("8BITMIME", "SIZE 0", "ENHANCEDSTATUSCODES")


def pour(session, piece, count):
    """Sends until the other side has had enough, at most count octets; how many is in .poured."""
    session.poured = 0
    while session.poured < count:
        session.sock.sendall(piece)
        session.poured += len(piece)
    return False


def octets(text):
    """A hook that says these octets as they are, then listens until the client goes."""
    def hook(session, _):
        session.sock.sendall(text)
        session.sock.shutdown(socket.SHUT_WR)
        while session.sock.recv(65536):
            pass
        return False
    return hook


def silence(session, _):
    session.stuck = True
    while session.sock.recv(65536):
        pass
    return False


def broken(code):
    """Ways to misuse the reply with this code.  None may be taken for an answer."""
    word = code.encode()
    other = b"550" if code[0] != "5" else b"250"
    return {
        "bare LF": octets(word + b" ok\n"),
        "bare LF inside": octets(word + b"-ok\n" + word + b" ok\r\n"),
        "two classes": octets(word + b"-one\r\n" + other + b" two\r\n"),
        "no code": octets(b"hello there\r\n"),
        "empty line": octets(b"\r\n"),
        "code 999": octets(b"999 what\r\n"),
        "code 199": octets(b"199 what\r\n"),
        "four digits": octets(word + b"0 what\r\n"),
        "NULs": octets(b"\0" * 100 + b"\r\n"),
        "NUL for a space": octets(word + b"\0ok\r\n"),
        "cut": octets(word + b"-ok\r\n" + word[:2]),
        "endless line": lambda s, l: pour(s, b"250 " + b"x" * 65536, FLOOD),
        "endless lines": lambda s, l: pour(s, (word + b"-x\r\n") * 9000, FLOOD),
        "dropped": lambda s, l: False,
        "421": octets(b"421 4.3.2 going down\r\n"),
        "421 and on": lambda s, l: "421 4.3.2 going down",
    }


def dropped_in_data(session, _):
    session.sock.sendall(b"354 go on\r\n")
    session.sock.recv(1000)
    return False


class Many(unittest.TestCase):
    """One instance, a hop for each case: a domain d0.example, d1.example … each."""

    def hops(self, hooks, **kw):
        found = [Peer(on=on, **kw) for on in hooks]
        for hop in found:
            self.addCleanup(hop.close)
        return found

    def routes(self, hops):
        return [f"d{i}.example{hop.route}" for i, hop in enumerate(hops)]

    def check_floods(self, hops, cases):
        poured = [s.poured for hop in hops for s in hop.sessions if hasattr(s, "poured")]
        self.assertEqual(len(poured), cases)
        self.assertLess(max(poured, default=0), READ)

    def deferred_then_delivered(self, cases, message=TEXT, during=None, settings=None, **kw):
        """cases: {name: (step, hook)}; the hook is in force until all were deferred once."""
        bad = threading.Event()
        bad.set()
        names = list(cases)
        hops = self.hops([{step: lambda s, l, hook=hook: hook(s, l) if bad.is_set() else None}
                          for step, hook in cases.values()], **kw)
        with Instance(smtproutes=self.routes(hops), concurrencyremote="500", **(settings or {})) as acc:
            for i in range(len(hops)):
                acc.send(SENDER, [f"b@d{i}.example"], message)
            if during:
                during(acc, hops)
            wait_for(lambda: all(q["recipients"][0]["attempts"] for q in acc.queue()), 40)
            bad.clear()
            queue = {q["recipients"][0]["address"].split("@d")[1].split(".")[0]: q for q in acc.queue()}
            self.assertEqual(acc.maildir(), [])
            for i, name in enumerate(names):
                self.assertIn(str(i), queue, f"{name}: no longer queued")
                r = queue[str(i)]["recipients"][0]
                self.assertEqual(r["state"], "deferred", name)
                self.assertRegex(r["last_reply"], r"^[ -~]*$", name)
                self.assertEqual([m for m in hops[i].messages if m["rcpt"]], [], name)
            acc.step_clock(400)
            acc.wait_empty(60)
            self.assertEqual(acc.maildir(), [])
            for name, hop in zip(names, hops):
                got = [m["data"].endswith(crlf(message)) for m in hop.messages if m["rcpt"]]
                self.assertEqual(got, [True], name)
            self.check_floods(hops, sum("endless" in name for name in names))
            codes = {line["to"]: line["dsn"] for line in acc.log_lines(event="deliver", result="deferred")}
            return {name: codes[f"b@d{i}.example"] for i, name in enumerate(names)}


class Replies(Many):
    def check(self, **kw):
        cases = {f"{step}: {name}": (step, hook) for step in STEPS
                 for name, hook in broken(OK.get(step, "250")).items()}
        cases["DATA: dropped in the data"] = ("DATA", dropped_in_data)
        codes = self.deferred_then_delivered(cases, **kw)
        for name, code in codes.items():
            self.assertRegex(code, r"^4\.", name)
            if "421 and on" in name:
                self.assertEqual(code, "4.3.2", name)
            elif name.endswith("dropped"):
                self.assertEqual(code, "4.4.2", name)

    def test_broken_replies_and_lost_connections_at_each_step(self):
        self.check()

    def test_the_same_without_pipelining(self):
        self.check(ext=NO_PIPELINING)

    def test_a_large_message_cut_short(self):
        self.deferred_then_delivered({"in the data": ("DATA", dropped_in_data)}, LONG)

    def test_a_hop_that_speaks_in_the_midst_of_the_data(self):
        def refuse(session, _):
            session.sock.sendall(b"354 go on\r\n")
            session.sock.recv(1000)
            session.sock.sendall(b"452 4.3.1 no room\r\n")
            session.sock.shutdown(socket.SHUT_RDWR)
            return False

        self.deferred_then_delivered({"452": ("DATA", refuse)}, LONG)

    def test_strange_but_lawful_replies(self):
        say = {
            "code alone": lambda code: code,
            "NUL": lambda code: f"{code} a\0b\0",
            "CR inside": lambda code: f"{code} a\rb",
            "eight bits": lambda code: f"{code} \xff\xfe\x9b",
            "a long line": lambda code: f"{code} " + "x" * 60000,
            "many lines": lambda code: f"{code}-x\n" * 3000 + f"{code} y",
            "codes of one class": lambda code: f"{code}-x\n{code[:2]}9-y\n{code} z",
            "no text": lambda code: f"{code}-\n{code} ",
        }
        hooks = [{step: lambda s, l, text=text(OK.get(step, "250")): text} for text in say.values()
                 for step in STEPS]
        hops = self.hops(hooks)
        with Instance(smtproutes=self.routes(hops)) as acc:
            for i in range(len(hops)):
                acc.send(SENDER, [f"b@d{i}.example"], TEXT)
            acc.wait_empty()
            self.assertEqual([len(hop.messages) for hop in hops], [1] * len(hops))
            self.assertEqual(acc.maildir(), [])

    def test_replies_that_make_no_sense(self):
        cases = {
            "250 to DATA": ("DATA", lambda s, l: "250 2.0.0 thanks"),
            "354 to MAIL": ("MAIL", lambda s, l: "354 go on"),
            "354 to RCPT": ("RCPT", lambda s, l: "354 go on"),
            "354 to the message": ("EOD", lambda s, l: "354 more"),
            "220 to EHLO then 5yz": ("EHLO", lambda s, l: "354 go on"),
            "554 banner": ("CONNECT", lambda s, l: "554 5.3.2 no service"),
            "450 banner": ("CONNECT", lambda s, l: "450 4.3.2 no service"),
        }
        self.deferred_then_delivered(cases)

    def test_data_wanted_though_nobody_was_taken(self):
        for refused in ("RCPT", "MAIL"):
            with self.subTest(refused), Peer(on={refused: lambda s, l: "550 5.1.1 nobody"}) as hop, \
                    Instance(smtproutes=hop.route) as acc:
                acc.send(SENDER, ["b@far.example", "c@far.example"], TEXT)
                report = wait_for(acc.maildir)[0]
                acc.wait_empty()
                self.assertEqual(report.count(b"Action: failed"), 2)
                for m in hop.messages:
                    self.assertEqual(m["data"], b"")


class Silence(Many):
    def pass_time(self, acc, hops):
        """Once each hop is where it stops to answer, its time is over."""
        wait_for(lambda: all(hop.sessions and hasattr(hop.sessions[0], "stuck") for hop in hops))
        time.sleep(0.4 * SLOW)      # until accord waits, too
        acc.step_clock(305)

    def check(self, hook):
        codes = self.deferred_then_delivered({step: (step, hook) for step in STEPS}, during=self.pass_time,
                                             settings={"timeoutremote": "300"})
        self.assertEqual(set(codes.values()), {"4.4.2"}, codes)

    def test_a_hop_that_falls_silent(self):
        self.check(silence)

    def test_a_hop_that_dribbles(self):
        """A reply in time is wanted, not just some octets of it."""
        def dribble(session, _):
            session.stuck = True
            while True:
                session.sock.sendall(b"2")
                time.sleep(0.1)

        self.check(dribble)

    def test_a_hop_that_reads_no_data(self):
        def stop(session, _):
            session.sock.sendall(b"354 go on\r\n")
            session.stopped = True
            while not getattr(session, "over", False):
                time.sleep(0.05)
            return False

        def pass_time(acc, hops):
            wait_for(lambda: hops[0].sessions and getattr(hops[0].sessions[0], "stopped", False))
            time.sleep(0.4 * SLOW)
            acc.step_clock(200)
            wait_for(lambda: acc.queue()[0]["recipients"][0]["attempts"])
            hops[0].sessions[0].over = True

        codes = self.deferred_then_delivered({"stops": ("DATA", stop)}, LONG, during=pass_time)
        self.assertEqual(set(codes.values()), {"4.4.2"})


class OneOfThree(Many):
    """What a hop does over one recipient is not the others' loss."""

    FAILS = {text: lambda s, l, text=text: text
             for text in ("504 5.5.4 parameter", "555 5.5.4 parameter", "550 5.1.1 none", "599 eh")}
    WAITS = {"450": lambda s, l: "450 4.2.1 later", "drop": lambda s, l: False,
             "421": lambda s, l: "421 4.3.2 not you", "nonsense": octets(b"what?\r\n"),
             "flood": lambda s, l: pour(s, b"250-x\r\n" * 9000, FLOOD)}

    def check(self, ext):
        cases = list((self.FAILS | self.WAITS).items())
        hops = self.hops([{"RCPT": lambda s, l, hook=hook: hook(s, l) if "bad@" in l else None}
                          for _, hook in cases], ext=ext)
        with Instance(smtproutes=self.routes(hops)) as acc:
            for i in range(len(hops)):
                acc.send(SENDER, [f"{who}@d{i}.example" for who in ("one", "bad", "two")], TEXT)
            wait_for(lambda: len(acc.maildir()) == len(self.FAILS))
            wait_for(lambda: sum(r["state"] == "deferred" for q in acc.queue() for r in q["recipients"])
                     == len(self.WAITS))
            for (name, _), hop in zip(cases, hops):
                got = sorted(r.split("<")[1].split("@")[0] for m in hop.messages for r in m["rcpt"])
                self.assertEqual(got, ["one", "two"], name)
            waiting = {r["address"] for q in acc.queue() for r in q["recipients"] if r["state"] == "deferred"}
            self.assertEqual(waiting, {f"bad@d{i}.example" for i in range(len(self.FAILS), len(cases))})
            failed = set()
            for report in acc.maildir():
                failed |= set(re.findall(rb"^Final-Recipient: rfc822; *(.*)$", report, re.M))
            self.assertEqual(failed, {b"bad@d%d.example" % i for i in range(len(self.FAILS))})
            self.check_floods(hops, 2 if "PIPELINING" in ext else 1)    # there it is asked once more, alone

    def test_with_pipelining(self):
        self.check(("PIPELINING",))

    def test_one_command_at_a_time(self):
        self.check(())


class Texts(unittest.TestCase):
    DIRTY = ("\x1b[31mred\x1b]0;title\x07 \x00\x08\x7f\x9b2J \r <b>&amp; \xe9 %s%n " + "x" * 3000 + " tail")

    def test_a_deferring_text_is_clean_in_the_list_and_the_log(self):
        on = {"RCPT": lambda s, l: "450-4.2.0 " + self.DIRTY + "\n450 4.2.0 recipients: none"}
        with Peer(on=on) as hop, Instance(smtproutes=hop.route) as acc:
            acc.send(SENDER, ["b@far.example"], TEXT)
            wait_for(lambda: acc.queue()[0]["recipients"][0]["attempts"])
            reply = acc.queue()[0]["recipients"][0]["last_reply"]
            self.assertRegex(reply, r"^450-4\.2\.0 [ -~]*red")
            for text in (acc.accord("queue", "list").stdout, acc.accord("queue", "list", "--json").stdout,
                         acc.read_log().encode("utf-8", "surrogateescape")):
                self.assertRegex(text, rb"^[\n -~]*$")

    def test_a_refusing_text_is_clean_in_the_report(self):
        text = ("550-5.7.1 " + self.DIRTY + "\n550-5.7.1\n550-\n550-Action: delivered\n"
                "550-Final-Recipient: rfc822; other@far.example\n550 Status: 2.0.0")
        for verb in ("MAIL", "RCPT", "DATA", "EOD"):
            with self.subTest(verb), Peer(on={verb: lambda s, l: text}) as hop, \
                    Instance(smtproutes=hop.route) as acc:
                acc.send(SENDER, ["b@far.example"], TEXT)
                report = wait_for(acc.maildir)[0]
                self.assertRegex(report, rb"^[\t\n -~]*$")
                self.assertLess(max(len(l) for l in report.split(b"\n")), 998)
                status, = [p for p in email.message_from_bytes(report).walk()
                           if p.get_content_type() == "message/delivery-status"]
                blocks = status.get_payload()
                self.assertEqual(len(blocks), 2)
                self.assertEqual(blocks[1].get_all("Action"), ["failed"])
                self.assertEqual(blocks[1].get_all("Status"), ["5.7.1"])
                self.assertIn("b@far.example", blocks[1]["Final-Recipient"])
                self.assertTrue(blocks[1]["Diagnostic-Code"].startswith("smtp; 550 5.7.1 "))

    def test_an_enhanced_code_of_another_class_does_not_count(self):
        on = {"RCPT": lambda s, l: "550 2.1.5 or 4.2.0 is it"}
        with Peer(on=on) as hop, Instance(smtproutes=hop.route) as acc:
            acc.send(SENDER, ["b@far.example"], TEXT)
            self.assertIn(b"Status: 5.0.0", wait_for(acc.maildir)[0])


class Offers(unittest.TestCase):
    def report(self, ext, message, status, on=None):
        with Peer(ext=ext, on=on) as hop, Instance(smtproutes=hop.route) as acc:
            acc.send(SENDER, ["b@far.example"], message)
            report = wait_for(acc.maildir)[0].decode("latin-1")
            self.assertIn("Status: " + status, report)
            self.assertIn("\nDiagnostic-Code: x-accord; ", report)      # nobody refused it but we
            self.assertIn("In the words of this machine, about ", report)
            self.assertEqual(hop.messages, [])
            acc.wait_empty()
            return hop

    def test_a_thousand_keywords(self):
        many = [f"X-KEYWORD{i} {'p' * (i % 50)}" for i in range(1000)]
        with Peer(ext=many + ["PIPELINING"]) as hop, Instance(smtproutes=hop.route) as acc:
            acc.send(SENDER, ["b@far.example"], TEXT)
            wait_for(lambda: hop.messages)
        self.report(many + ["SIZE 10"], TEXT, "5.3.4")      # the last one counts too

    def test_size_smaller_than_the_message(self):
        hop = self.report(["PIPELINING", "SIZE 100"], TEXT, "5.3.4")
        self.assertEqual(hop.said("MAIL"), [])

    def test_size_that_is_no_number_is_no_limit(self):
        for size in ("SIZE", "SIZE 0", "SIZE x", "SIZE 99999999999999999999999", "SIZE -1"):
            with self.subTest(size), Peer(ext=["SIZE 0", size]) as hop, \
                    Instance(smtproutes=hop.route) as acc:
                acc.send(SENDER, ["b@far.example"], TEXT)
                wait_for(lambda: hop.messages)
                acc.wait_empty()
                self.assertEqual(acc.maildir(), [])

    def test_eight_bits_without_8BITMIME(self):
        """An 8-bit header has no encoding; a body has (test_outgoing.py)."""
        hop = self.report(["PIPELINING"], "X-Raw: caf\u00e9\n" + TEXT, "5.6.3")
        self.assertEqual(hop.said("MAIL"), [])

    def test_refused_at_the_end_of_the_data(self):
        with Peer(on={"EOD": lambda s, l: "554 5.7.1 spam"}) as hop, Instance(smtproutes=hop.route) as acc:
            acc.send(SENDER, ["b@far.example", "c@far.example", "d@far.example"], TEXT)
            report = wait_for(acc.maildir)[0]
            acc.wait_empty()
            self.assertEqual(len(acc.maildir()), 1)
            self.assertEqual(report.count(b"Action: failed"), 3)
            self.assertEqual(report.count(b"Status: 5.7.1"), 3)
            self.assertEqual(len(hop.said("DATA")), 1)


class Timing(unittest.TestCase):
    def through(self, say, ext=("PIPELINING", "8BITMIME", "SIZE 0", "ENHANCEDSTATUSCODES")):
        def connect(session, _):
            session.plain = session.say
            session.say = types.MethodType(say, session)

        with Peer(ext=ext, on={"CONNECT": connect}) as hop, Instance(smtproutes=hop.route) as acc:
            for i in range(3):
                acc.send(SENDER, [f"r{i}{j}@far.example" for j in range(10)], TEXT)
            acc.wait_empty()
            self.assertEqual(acc.maildir(), [])
            self.assertEqual(len({r for m in hop.messages for r in m["rcpt"]}), 30)
            self.assertEqual(len(hop.messages), 3)

    def test_a_pipelining_hop_that_answers_all_at_the_end(self):
        def say(session, text):
            session.held = getattr(session, "held", "") + text
            last = session.lines[-1][1] if session.lines else ""
            if not last.upper().startswith(("MAIL", "RCPT")):
                session.plain(session.held)
                session.held = ""
            else:
                session.held += "\n"

        self.through(say)

    def test_a_hop_that_answers_octet_by_octet(self):
        def say(session, text):
            session.lines.append(("S", text))
            session.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for octet in (text.replace("\n", "\r\n") + "\r\n").encode("latin-1"):
                session.sock.sendall(bytes([octet]))

        self.through(say)


class Random(unittest.TestCase):
    """Failures of every kind by the dice until the queue is empty."""

    def test_nothing_is_lost(self):
        rng, lock = random.Random(41), threading.Lock()

        def dice(session, line):
            with lock:
                roll = rng.random()
            return (False if roll < 0.06 else "421 4.3.2 by" if roll < 0.12 else
                    "451 4.3.0 later" if roll < 0.2 else None)

        for ext in (("PIPELINING",), ()):
            with self.subTest(ext=ext), Peer(ext=ext, on={step: dice for step in STEPS}) as hop, \
                    Instance(smtproutes=hop.route, retryfirst="1", retrymax="1") as acc:
                want = set()
                for i in range(30):
                    to = [f"r{i}-{j}@far.example" for j in range(3)]
                    want |= set(to)
                    acc.send("a@client.example", to, f"X-Number: {i}\n\n{TEXT}")
                for _ in range(100):
                    time.sleep(0.1)
                    acc.step_clock(5)
                    if not acc.queue():
                        break
                self.assertEqual(acc.queue(), [])
                got = [re.search("<(.*)>", r).group(1) for m in hop.messages for r in m["rcpt"]]
                # A message is recorded only when its 250 goes out, so none comes twice.
                self.assertEqual(sorted(got), sorted(want))
                for m in [m for m in hop.messages if m["rcpt"]]:    # all refused, 354: then a dot alone
                    number = m["rcpt"][0].split("<r")[1].split("-")[0]
                    self.assertTrue(m["data"].endswith(crlf(f"X-Number: {number}\n\n{TEXT}")))
