# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""RFC 3297: a sender offers other forms of a message's content, the receiver asks for one.  Judged by the transcripts
and mailboxes of a peer that is not accord."""
import re

import fax
import rfc2533
from harness import Instance, Peer, Shared, wait_for
from mdn import Notification

SENDER = "Jane_Sender@client.example"
FINE = "fine@gateway.example"       # 400 dpi, MMR
COARSE = "coarse@gateway.example"   # Profile S
DEVICE = ('(& (type="image/tiff") (color=Binary) (image-file-structure=TIFF) (dpi=[200,400]) (dpi-xyratio=1) '
          "(image-coding=[MH,MR,MMR]) (MRC-mode=0) (paper-size=[A4,B4]) (ua-media=stationery) )")
# RFC 3297, 8.1
S = ("(& (color=Binary)\n (image-file-structure=TIFF-minimal)\n (dpi=200)\n (dpi-xyratio=1)\n (paper-size=A4)\n"
     " (image-coding=MH)\n (MRC-mode=0)\n (ua-media=stationery) )")
F = S.replace("minimal", "limited").replace("dpi=200", "dpi=400").replace("MH", "MMR")
J = F.replace("MMR", "JBIG")


def offer(number, to=FINE, features=S, alternative=F, options="Alternative-available=optional,transient", ask=SENDER,
          name="fax/ccitt1-S.tif", top=""):
    """The first message of 8.1."""
    extra = f"Content-Alternative: {alternative}\n" if alternative else ""
    return (f"From: Jane Sender <{SENDER}>\nTo: <{to}>\nSubject: Full Mode\nMessage-ID: <{number}@client.example>\n"
            f"Date: Sun, 22 Nov 2026 10:00:00 +0000\nDisposition-Notification-To: {ask}\n"
            f"Disposition-Notification-Options:\n {options}\nMIME-Version: 1.0\n" + top +
            fax.image(name, None, extra, "image/tiff", features))


def answer(number, to=FINE, more=""):
    """The re-send of 8.1, or with the options a refusal."""
    return (f"From: Jane Sender <{SENDER}>\nTo: <{to}>\nSubject: Full Mode\nMessage-ID: <r{number}@client.example>\n"
            f"Original-Message-ID: <{number}@client.example>\nDate: Sun, 22 Nov 2026 10:00:00 +0000\n"
            f"Disposition-Notification-To: {SENDER}\n{more}MIME-Version: 1.0\n" +
            (fax.text("It is gone.\n") if more else fax.image("render/letter-F-mmr-400.tif", None, "", "image/tiff", F)))


GONE = "Disposition-Notification-Options: Alternative-not-available=required,(TRUE)\n"


class Receiver(Shared):
    @classmethod
    def setUpClass(cls):
        cls.peer = cls.share(Peer())
        domains = ("gateway", "off", "slow")
        boxes = [f"{who}@{domain}.example" for who in ("fine", "coarse", "unknown") for domain in domains]
        cls.acc = cls.share(Instance(
            locals=[f"{d}.example" for d in domains], rcpthosts=[f"{d}.example" for d in domains],
            smtproutes=[f"client.example{cls.peer.route}"], queuelifetime="86400",
            negotiation=["gateway.example alternative=yes", "slow.example alternative=yes alternative_wait=604800"],
            caps=[f"fine@{d}.example {DEVICE}" for d in domains] + [f"{COARSE} {fax.MH}"],
            mailboxes=[f"{b} maildir:mail/{b}" for b in boxes] + ["postmaster@gateway.example maildir:mail/postmaster"]))

    def setUp(self):
        self.first = len(self.peer.messages)

    def box(self, to=FINE):
        return [m.decode() for m in self.acc.maildir(f"mail/{to}")]

    def found(self, number, to=FINE):
        return [m for m in self.box(to) if re.search(rf"^Message-ID: <{number}@", m, re.M)]

    def send(self, message, to=FINE, sender=SENDER, mail="", rcpt=""):
        return self.acc.send(sender, [to], message, mail=mail, rcpt=rcpt)

    def told(self, count=1):
        """The notifications that the peer has got in this test, so many."""
        wait_for(lambda: len(self.peer.messages) >= self.first + count)
        return [Notification(fax.original(m["data"]), m["mail"], m["rcpt"]) for m in self.peer.messages[self.first:]]

    def asked(self, number, **how):
        """Sends an offer, which is answered and waits."""
        self.send(offer(number, **how), how.get("to", FINE))
        got, = self.told()
        self.assertEqual((got.of, got.disposition), (f"<{number}@client.example>", ("deleted", "alternative-preferred")))
        id = wait_for(lambda: [q["id"] for q in self.acc.queue() if q["sender"] == SENDER])[-1]
        wait_for(lambda: '"alternative_asked":true' in self.shown(id))
        return got, id

    def takes(self, got, who, what):
        """It says, of that recipient, what the directory has."""
        self.assertEqual(got.final, who)
        self.assertTrue(rfc2533.same(rfc2533.parse(got.takes), rfc2533.parse(what)), got.takes)

    def shown(self, id):
        return self.acc.accord("queue", "show", "--json", id, check=False).stdout.decode().replace(" ", "")

    def again(self):
        """Everything that waits is tried."""
        wait_for(lambda: self.acc.accord("queue", "retry", "--all", check=False).returncode == 0 or not self.acc.queue())

    def test_3297_623_a_better_form_is_asked_for_once_and_replaces_this_one(self):
        got, id = self.asked(1)
        self.takes(got, FINE, DEVICE)
        self.assertEqual(self.found(1), [])
        self.again()                                    # it waits on, and nobody is asked twice
        wait_for(lambda: self.acc.log_lines(event="deliver", id=id, slot="0")[1:])
        self.assertEqual((self.found(1), len(self.peer.messages)), ([], self.first + 1))
        self.send(answer(1))
        wait_for(lambda: self.found("r1"))
        self.again()
        self.acc.wait_empty()
        self.assertEqual((self.found(1), len(self.found("r1")), len(self.peer.messages)), ([], 1, self.first + 1))

    def test_3297_323_what_was_sent_is_delivered_when_nothing_comes(self):
        sent = offer(2, to=FINE)
        self.asked(2)
        self.acc.step_clock(3700)
        wait_for(lambda: self.found(2))
        self.acc.wait_empty()
        self.assertEqual(self.found(2)[0].split("\n\n", 1)[1], sent.split("\n\n", 1)[1])
        self.send(answer(2, more=GONE))                 # too late: it was delivered, so nothing is lost
        self.send(answer(2))
        wait_for(lambda: len(self.found("r2")) == 2)
        self.assertEqual(len(self.peer.messages), self.first + 1)

    def test_3297_323_nor_does_it_expire(self):
        slow = "fine@slow.example"
        _, id = self.asked(7, to=slow)
        self.acc.step_clock(40000)
        self.acc.logged(2, event="deliver", id=id)
        self.assertEqual(self.found(7, slow), [])
        self.acc.step_clock(46360)                      # of 86400 s: no retry is left behind this one
        wait_for(lambda: self.found(7, slow))
        self.acc.wait_empty()
        self.assertEqual(len(self.peer.messages), self.first + 1)

    def test_3297_34_a_refusal_ends_the_wait(self):
        self.asked(3)
        self.send(answer(3, more=GONE))
        wait_for(lambda: self.found("r3"))
        self.again()
        wait_for(lambda: self.found(3))
        self.acc.wait_empty()
        self.assertEqual(len(self.peer.messages), self.first + 1)

    def test_3297_64_a_refusal_of_what_is_not_here(self):
        self.send(answer(4, more=GONE))
        got, = self.told()
        self.assertEqual((got.of, got.disposition, got.takes), ("<r4@client.example>", ("deleted", "original-lost"), None))
        self.assertEqual(len(self.found("r4")), 1)

    def test_who_else_says_that_it_came_is_not_believed(self):
        self.asked(5)
        for sender in ("stranger@client.example", ""):
            self.send(answer(5), sender=sender)
        wait_for(lambda: len(self.found("r5")) == 2)
        self.again()
        self.assertEqual(self.found(5), [])
        self.acc.step_clock(3700)
        wait_for(lambda: self.found(5))
        self.acc.wait_empty()

    def test_3297_83_what_does_not_fit_is_asked_for_without_a_description(self):
        got, _ = self.asked(6, to=COARSE, features=F, alternative=None, name="render/letter-F-mmr-400.tif")
        self.takes(got, COARSE, fax.MH)
        self.send(answer(6, to=COARSE, more=GONE), COARSE)
        wait_for(lambda: self.found("r6", COARSE))
        self.again()
        wait_for(lambda: self.found(6, COARSE))

    def test_3297_nobody_else_is_asked(self):
        other, off, unknown = "b@client.example", "fine@off.example", "unknown@gateway.example"
        named = f"Cc: {FINE}\n"
        for n, (how, to, sender) in enumerate([
                ({}, off, SENDER),                                       # the option is off
                ({"to": unknown}, unknown, SENDER),                      # nothing is known of the machine
                ({"alternative": None}, FINE, SENDER),                   # it fits, and nothing is described
                ({"alternative": S}, FINE, SENDER),                      # as good
                ({"alternative": S.replace("MH", "MMR")}, FINE, SENDER), # only coded otherwise
                ({"alternative": J}, FINE, SENDER),                      # better, and not taken
                ({"to": COARSE}, COARSE, SENDER),                        # the same
                ({}, FINE, ""), ({}, FINE, other), ({"ask": f"{SENDER}, {other}"}, FINE, SENDER),    # RFC 8098, 2.1
                ({"to": "list@client.example"}, FINE, SENDER),           # RFC 3297, 3.2.3
                ({"options": "X-Other=optional,1"}, FINE, SENDER),
                ({"options": "Alternative-available=optional,permanent; X-Other=required,1"}, FINE, SENDER),
                ({"top": "Original-Message-ID: <0@client.example>\n"}, FINE, SENDER)]):
            with self.subTest(n, how=how, sender=sender):
                self.send(offer(100 + n, **how), to, sender)
                wait_for(lambda: self.found(100 + n, to), 2)
        self.acc.wait_empty()
        self.assertEqual(len(self.peer.messages), self.first)
        self.send(offer(150, to="list@client.example", top=named))      # named in Cc
        self.told()
        self.send(answer(150))
        wait_for(lambda: self.found("r150"))
        self.again()
        self.acc.wait_empty()
