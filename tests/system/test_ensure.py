# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""Mode ensure of `conneg`: more is announced than the machine takes, and accord keeps the promise, or says at the end
of the data that it cannot.  The hop here offers neither CONPERM nor CONNEG, but where that is said."""
import contextlib
import os
import re
import signal
import time
import unittest
from fractions import Fraction

import fax
import rfc2533
from harness import Instance, Peer, dot, wait_for

LINE = re.compile(r"^250[- ]2\.1\.5 CONNEG (.+)$")
MH, ANY, NONE = "mh@far.example", "any@far.example", "none@far.example"
HERE = "mh@gateway.example"
CAPS = [f"{a} {fax.MH}" for a in (MH, "two@far.example", HERE, "mh@other.example")] + [f"{ANY} any"]
PAGE = fax.message(fax.text(), fax.image())
FORBIDDEN = fax.message(fax.text(), fax.image(convert="NONE"))
NO_FIELD = fax.message(fax.text(), fax.image(convert=None))
TOO_LITTLE = fax.message(fax.text(), fax.image(convert="(image-coding=JBIG)"))
MDN = fax.message('Content-Type: multipart/report; report-type=disposition-notification; boundary="==r"\n\n--==r\n' +
                  fax.text() + "--==r\nContent-Type: message/disposition-notification\n\nFinal-Recipient: rfc822;b@x\n"
                  "Disposition: manual-action/MDN-sent-manually; displayed\n\n--==r\n" + fax.image(convert="NONE") +
                  "--==r--\n")
LETTER_400 = {"color": ("t", "binary"), "image-coding": ("t", "jbig"), "image-coding-constraint": ("t", "jbig-t85"),
              "jbig-stripe-size": Fraction(128), "image-file-structure": ("t", "tiff-limited"), "mrc-mode": Fraction(0),
              "dpi": Fraction(400), "dpi-xyratio": Fraction(1), "size-x": Fraction(2150, 254),
              "size-y": Fraction(2794, 254), "paper-size": ("t", "letter"), "type": ("s", "image/tiff-fx")}


@contextlib.contextmanager
def stopped(acc, role):
    pids = acc.pids(role)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


class Ensure(unittest.TestCase):
    def setUp(self):
        self.hop = Peer()
        self.addCleanup(self.hop.close)
        self.acc = Instance(
            caps=CAPS, conneg=["far.example ensure", "gateway.example ensure"], smtproutes=self.hop.route,
            mailboxes=[f"{HERE} maildir:mail/here", "a@gateway.example maildir:mail/sender"])
        self.acc.start()
        self.addCleanup(lambda: self.acc.__exit__(None, None, None))

    def reply(self, recipients, message, mail=" CONPERM", sender="a@gateway.example", bdat=False):
        """What is said to a whole message."""
        with self.acc.client(timeout=40) as c:
            c.ehlo()
            c.must("250", f"MAIL FROM:<{sender}>{mail}")
            for r in recipients:
                c.must("250", f"RCPT TO:<{r}>")
            data = message.encode().replace(b"\n", b"\r\n")
            if bdat:
                c.must("250", data=b"BDAT %d\r\n" % len(data) + data)
                return c.cmd("BDAT 0 LAST")[0]
            c.must("354", "DATA")
            return c.cmd(data=dot(message))[0]

    def nothing_is_left(self):
        self.assertEqual(self.acc.queue(), [])
        wait_for(lambda: not os.listdir(os.path.join(self.acc.home, "queue", "tmp")))
        self.assertEqual((self.hop.sessions, self.acc.maildir("mail/here")), ([], []))

    def listing(self, address):
        with self.acc.client() as c:
            c.ehlo()
            c.must("250", "MAIL FROM:<>")
            got = c.must("250", f"RCPT TO:<{address}> CONNEG")
            return "".join(m[1] for m in map(LINE.match, got) if m)

    def test_announced_JBIG_for_an_MH_machine_behind_a_hop_without_CONNEG(self):
        takes, said = rfc2533.parse(fax.MH), rfc2533.parse(self.listing(MH))
        collection = {tag: ("t", "x") for tag in rfc2533.constraints(said)} | LETTER_400
        self.assertFalse(rfc2533.holds(takes, collection))
        self.assertTrue(rfc2533.holds(said, collection))
        self.assertFalse(rfc2533.holds(said, collection | {"dpi": Fraction(600)}))
        self.assertTrue(self.reply([MH], PAGE).startswith("250 2.0.0"))
        sent = wait_for(lambda: self.hop.messages)[0]
        self.assertEqual((sent["mail"].split(">")[1], sent["rcpt"]), ("", [f"RCPT TO:<{MH}>"]))
        self.assertEqual(set().union(*fax.codings(sent["data"])), {("MH", (204, 196))})
        self.assertEqual([len(p.get_all("Content-Previous")) for p in fax.images(sent["data"])], [1])
        line, = self.acc.logged(1, event="negotiated", to=MH)
        self.assertEqual(line["row"], "ENSb")
        self.acc.wait_empty()
        self.assertEqual(self.acc.maildir("mail/sender"), [])

    def test_two_machines_of_one_kind_get_one_copy(self):
        self.assertTrue(self.reply([MH, "two@far.example"], PAGE).startswith("250"))
        sent = wait_for(lambda: self.hop.messages)[0]
        self.assertEqual(len(sent["rcpt"]), 2)
        self.assertEqual(len(self.acc.logged(1, event="convert")), 1)

    def test_who_takes_anything_gets_it_as_it_is(self):
        self.assertEqual(self.listing(ANY), "")
        self.assertTrue(self.reply([ANY], FORBIDDEN).startswith("250"))
        sent = wait_for(lambda: self.hop.messages)[0]
        self.assertTrue(fax.same(sent["data"], FORBIDDEN))
        self.assertEqual(self.acc.logged(1, event="negotiated", to=ANY)[0]["row"], "ENSa")
        self.assertEqual(self.acc.log_lines(event="plan"), [])

    def test_promised_to_some_row_B3_for_the_others(self):
        """Of whom nothing is known, nothing was promised; another domain is in no such mode."""
        others = [NONE, "mh@other.example"]
        self.assertTrue(self.reply([others[0], MH, others[1]], PAGE).startswith("250"))
        wait_for(lambda: self.hop.messages)
        rows = {a: self.acc.logged(1, event="negotiated", to=a)[0]["row"] for a in [MH] + others}
        self.assertEqual(rows, {MH: "ENSb", others[0]: "B3", others[1]: "B3"})
        self.acc.wait_empty()
        self.assertEqual([m["rcpt"] for m in self.hop.messages], [[f"RCPT TO:<{MH}>"]])
        report, = wait_for(lambda: self.acc.maildir("mail/sender"))
        self.assertEqual(sorted(re.findall(rb"Final-Recipient: rfc822; ?(\S+)", report)),
                         sorted(a.encode() for a in others))
        self.assertEqual(set(re.findall(rb"Status: (\S+)", report)), {b"5.6.3"})

    def test_what_cannot_be_made_is_refused_at_its_end(self):
        for recipient in (MH, HERE):
            for message in (FORBIDDEN, NO_FIELD, TOO_LITTLE):
                for bdat in (False, True):
                    with self.subTest(recipient=recipient, message=message[200:400], bdat=bdat):
                        self.assertEqual(self.reply([recipient], message, bdat=bdat),
                                         "554 5.6.3 part 2 neither fits nor may be converted")
        self.assertEqual(self.reply([NONE, MH], FORBIDDEN)[:9], "554 5.6.3")     # one message, one reply
        self.nothing_is_left()
        self.assertEqual(self.acc.log_lines(event="accepted"), [])

    def test_the_last_chunk_is_an_end_too(self):
        self.assertTrue(self.reply([MH], PAGE, bdat=True).startswith("250 2.0.0"))
        sent = wait_for(lambda: self.hop.messages)[0]
        self.assertEqual(set().union(*fax.codings(sent["data"])), {("MH", (204, 196))})

    def test_without_CONPERM_nothing_is_planned(self):
        self.assertTrue(self.reply([MH, HERE], FORBIDDEN, mail="").startswith("250"))
        sent = wait_for(lambda: self.hop.messages)[0]
        self.assertTrue(fax.same(sent["data"], FORBIDDEN))
        wait_for(lambda: self.acc.maildir("mail/here"))
        self.assertEqual(self.acc.log_lines(event="plan"), [])

    def test_B11_reports_are_not_judged(self):
        for sender in ("a@gateway.example", ""):
            with self.subTest(sender):
                self.assertTrue(self.reply([MH], MDN, sender=sender).startswith("250"))
        wait_for(lambda: len(self.hop.messages) == 2)
        self.assertEqual(self.acc.log_lines(event="plan"), [])

    def test_a_mailbox_here(self):
        self.assertIn("JBIG", self.listing(HERE))
        self.assertTrue(self.reply([HERE], PAGE).startswith("250"))
        got, = wait_for(lambda: self.acc.maildir("mail/here"))
        self.assertEqual(set().union(*fax.codings(got)), {("MH", (204, 196))})

    def test_G11_a_stopped_converter_is_told_in_time(self):
        with stopped(self.acc, "convertd"):
            began = time.monotonic()
            got = self.reply([MH], PAGE)
            took = time.monotonic() - began
        self.assertTrue(got.startswith("451 4.6.5"), got)
        self.assertLess(took, 30)
        self.nothing_is_left()
        self.assertTrue(self.reply([MH], PAGE).startswith("250"))

    def test_a_converter_that_was_killed_is_there_again(self):
        """The second message comes by a session whose channel has died with it."""
        with self.acc.client(timeout=40) as c:
            c.ehlo()
            for n in (1, 2):
                c.must("250", "MAIL FROM:<a@gateway.example> CONPERM")
                c.must("250", f"RCPT TO:<{MH}>")
                c.must("354", "DATA")
                if n == 2:
                    self.acc.kill("convertd")
                c.must("250 2.0.0", data=dot(PAGE))
                wait_for(lambda: len(self.hop.messages) == n)

    def test_a_directory_that_is_stopped(self):
        with stopped(self.acc, "capd"), self.acc.client(timeout=40) as c:
            c.ehlo()
            c.must("250", "MAIL FROM:<a@gateway.example> CONPERM")
            c.must("250", f"RCPT TO:<{MH}>")
            c.must("354", "DATA")
            c.must("451 4.3.3", data=dot(PAGE))
        self.nothing_is_left()

    def test_a_client_that_hangs_up_meanwhile(self):
        """RFC 5321 4.1.1.10: it had no reply, so nothing was taken."""
        with self.acc.client() as c, stopped(self.acc, "convertd"):
            c.ehlo()
            c.must("250", "MAIL FROM:<a@gateway.example> CONPERM")
            c.must("250", f"RCPT TO:<{MH}>")
            c.must("354", "DATA")
            c.send(dot(PAGE))
            wait_for(lambda: any(self.read_back()))
            c.close()
        line, = self.acc.logged(1, event="not-queued")
        self.assertEqual((line["dsn"], line["why"]), ("4.4.2", "the client has hung up"))
        self.nothing_is_left()
        self.assertTrue(self.reply([MH], PAGE).startswith("250"))

    def read_back(self):
        """Files of tmp/ that a session of smtpd has open for reading."""
        for pid in self.acc.pids("smtpd")[1:]:
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                for fd in os.listdir(f"/proc/{pid}/fd"):
                    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                        if "/queue/tmp/" in os.readlink(f"/proc/{pid}/fd/{fd}"):
                            with open(f"/proc/{pid}/fdinfo/{fd}") as f:
                                if int(re.search(r"flags:\s+(\d+)", f.read())[1], 8) & os.O_ACCMODE == os.O_RDONLY:
                                    yield fd

    def test_who_may_not_ask_is_told_nothing_and_kept_to_all_the_same(self):
        self.acc.set("conneg", "far.example ensure 192.0.2.0/24")
        self.acc.own()
        self.acc.accord("reload")
        self.assertEqual(self.listing(MH), "")
        self.assertTrue(self.reply([MH], FORBIDDEN).startswith("554 5.6.3"))


class AskedInVain(unittest.TestCase):
    def test_ENS_and_R22_what_a_hop_does_not_say(self):
        """CONNEG, but no list for this recipient: by our directory, apart and unasked; a list of the hop's counts before
        it, and where a hop offers CONPERM alone it gets the content as it is."""
        offers = {"both": ["CONPERM", "CONNEG"], "conneg": ["CONNEG"], "conperm": ["CONPERM"]}
        with contextlib.ExitStack() as stack:
            hops = {name: stack.enter_context(Peer(ext=["PIPELINING"] + ext, caps={"given@both.example": fax.MMR}))
                    for name, ext in offers.items()}
            acc = stack.enter_context(Instance(
                conneg="* ensure", caps=[f"{a}@{d}.example {fax.MH}" for d in hops for a in ("mh", "given")],
                smtproutes=[f"{d}.example:{hop.route.lstrip(':')}" for d, hop in hops.items()],
                mailboxes="a@gateway.example maildir:mail/sender"))
            sent = {"both": ["mh", "given", "none"], "conneg": ["mh", "none"], "conperm": ["mh"]}
            for domain, names in sent.items():
                acc.send("a@gateway.example", [f"{n}@{domain}.example" for n in names], PAGE, mail=" CONPERM")
            acc.wait_empty()
            rows = {(n, d): acc.logged(1, event="negotiated", to=f"{n}@{d}.example")[-1]["row"]
                    for d in ("both", "conneg") for n in sent[d]}
            self.assertEqual(rows, {("mh", "both"): "ENSb", ("given", "both"): "B5c", ("none", "both"): "B5a",
                                    ("mh", "conneg"): "ENSb", ("none", "conneg"): "B6c"})
            got = {(d, m["rcpt"][0].split("<")[1].split("@")[0]):
                   (m["mail"].split(">")[1], m["rcpt"][0].split(">")[1], fax.codings(m["data"])[0].pop()[0])
                   for d, hop in hops.items() for m in hop.messages}
            self.assertEqual(got, {("both", "mh"): (" CONPERM", "", "MH"), ("both", "given"): (" CONPERM", " CONNEG", "MMR"),
                                   ("both", "none"): (" CONPERM", "", "JBIG"), ("conneg", "mh"): ("", "", "MH"),
                                   ("conperm", "mh"): (" CONPERM", "", "JBIG")})
            self.assertEqual(len(acc.maildir("mail/sender")), 1)
