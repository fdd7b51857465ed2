# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""RFC 3297: a sender offers other forms of a message's content, the receiver asks for one.  Judged by the transcripts
and mailboxes of a peer that is not accord."""
import os
import re

import fax
import rfc2533
from harness import DATA, Instance, Peer, Shared, wait_for
from mdn import Notification
from test_learn import report

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


class Sender(Shared):
    """accord send --alternative, and what it does with answers of a peer's own making."""

    @classmethod
    def setUpClass(cls):
        cls.peer = cls.share(Peer())
        cls.acc = cls.share(Instance(offers="86400", smtproutes=cls.peer.route,
                                     mailboxes="me@gateway.example maildir:mail/me"))

    def setUp(self):
        self.first = len(self.peer.messages)

    def got(self, count):
        """The messages of this test as the peer has them, so many."""
        wait_for(lambda: len(self.peer.messages) >= self.first + count)
        return [fax.parse(m["data"]) for m in self.peer.messages[self.first:]]

    def offers(self, *to, files=("render/letter-J-400.tif",), check=True, sender="me@gateway.example"):
        words = [w for f in files for w in ("--attach", os.path.join(DATA, f))]
        return self.acc.accord("send", "--from", sender, "--alternative", *words, "--", *to, check=check)

    def offered(self, *to, **how):
        self.offers(*to, **how)
        return self.got(len(to))

    def prefers(self, message_id, who, features=fax.device("MH,MMR", 400), original=None):
        """The notification of RFC 3297, 8.1; it has been judged when this ends."""
        fields = f"Original-Recipient: rfc822;{original}\n" if original else ""
        fields += (f"Final-Recipient: rfc822;{who}\nOriginal-Message-ID: {message_id}\n"
                   "Disposition: automatic-action/MDN-sent-automatically; deleted/alternative-preferred\n")
        fields += f"Media-Accept-Features: {features}\n" if features else ""
        before = self.judged()
        self.acc.send("", ["me@gateway.example"], report("disposition-notification", fields))
        wait_for(lambda: self.judged() > before)

    def judged(self):
        return len(re.findall(r" event=(?:sent-again|offer-refused|no-offer|not-learned) ", self.acc.read_log()))

    def answered(self):
        """What came back, and nothing else: the message behind those that were offered."""
        return self.got(2)[1]

    def test_3297_61_what_an_offer_has(self):
        m, = self.offered("61@far.example")
        sent = self.peer.messages[self.first]
        self.assertEqual((m["Disposition-Notification-To"], m["Disposition-Notification-Options"]),
                         ("<me@gateway.example>", "Alternative-available=optional,transient"))
        self.assertTrue(sent["mail"].startswith("MAIL FROM:<me@gateway.example>"))
        for name in ("Message-ID", "Date", "From", "To", "Disposition-Notification-To", "Content-Features"):
            self.assertEqual(len(m.get_all(name)), 1, name)
        self.assertRegex(m["Message-ID"], r"^<[0-9a-v]{32,}@gateway\.example>$")
        self.assertIsNone(m["Original-Message-ID"])
        self.assertEqual(fax.codings(sent["data"]), [{("MH", (200, 200))}])     # G10
        self.assertIn("(image-coding=MH)", m["Content-Features"])
        other = [rfc2533.constraints(rfc2533.parse(" ".join(a.split()))) for a in m.get_all("Content-Alternative")]
        self.assertEqual([(a["image-coding"], a["dpi"]) for a in other],
                         [({("t", "jbig")}, {400}), ({("t", "mmr")}, {400})])

    def test_3297_33_it_is_sent_again_in_the_form_that_is_asked_for_and_once(self):
        m, = self.offered("33@far.example")
        for _ in range(2):
            self.prefers(m["Message-ID"], "33@far.example")
        again = self.answered()
        self.assertEqual(fax.codings(self.peer.messages[self.first + 1]["data"]), [{("MMR", (400, 400))}])
        self.assertEqual(self.peer.messages[self.first + 1]["rcpt"], ["RCPT TO:<33@far.example>"])
        self.assertEqual(again["Original-Message-ID"], m["Message-ID"])
        self.assertNotEqual(again["Message-ID"], m["Message-ID"])
        self.assertEqual(again["Disposition-Notification-To"], "<me@gateway.example>")
        for name in ("Disposition-Notification-Options", "Content-Alternative"):
            self.assertIsNone(again[name])
        for name in ("Message-ID", "Date", "From", "To", "Original-Message-ID"):
            self.assertEqual(len(again.get_all(name)), 1, name)
        self.assertEqual((again["From"], again["To"]), (m["From"], m["To"]))
        self.prefers(again["Message-ID"], "33@far.example")     # no second round
        self.assertEqual(len(self.peer.messages), self.first + 2)

    def test_3297_33_unchanged_parts_are_sent_again(self):
        m, = self.offered("two@far.example", files=("fax/ccitt1-S.tif", "render/letter-F-mmr-400.tif"))
        self.prefers(m["Message-ID"], "two@far.example", f"(| {fax.MH} {fax.device('MMR', 400)} )")
        self.answered()
        self.assertEqual(fax.codings(self.peer.messages[self.first + 1]["data"]),
                         [{("MH", (204, 196))}, {("MMR", (400, 400))}])

    def test_3297_33_nothing_is_said_of_the_machine(self):
        m, = self.offered("none@far.example")
        self.prefers(m["Message-ID"], "none@far.example", None)
        self.answered()
        self.assertEqual(fax.codings(self.peer.messages[self.first + 1]["data"]), [{("MH", (200, 200))}])

    def refused(self, m):
        got = self.answered()
        self.assertEqual((got["Original-Message-ID"], got["Disposition-Notification-Options"],
                          got["Disposition-Notification-To"], got.get_content_type()),
                         (m["Message-ID"], "Alternative-not-available=required,(TRUE)", "<me@gateway.example>", "text/plain"))
        self.assertNotEqual(got["Message-ID"], m["Message-ID"])
        self.assertIn(m["Message-ID"], got.get_payload())

    def test_3297_63_no_form_for_that_machine(self):
        m, = self.offered("grey@far.example")
        self.prefers(m["Message-ID"], "grey@far.example", fax.GREY)
        self.refused(m)
        self.prefers(m["Message-ID"], "grey@far.example")
        self.assertEqual(len(self.peer.messages), self.first + 2)

    def test_3297_63_too_late(self):
        m, = self.offered("late@far.example")
        size = self.size(m)
        self.acc.step_clock(90000)
        wait_for(lambda: self.size(m) < size)                # the data go at their time
        self.prefers(m["Message-ID"], "late@far.example")
        self.refused(m)

    def size(self, m):
        return os.stat(os.path.join(self.acc.home, "offer", m["Message-ID"][1:].split("@")[0])).st_size

    def test_forged_wishes_do_nothing(self):
        b, c = self.offered("b@far.example", "c@far.example")
        self.assertEqual(b["To"], c["To"])
        tags = {self.peer.messages[self.first + i]["rcpt"][0]: m["Message-ID"] for i, m in enumerate((b, c))}
        of_b, of_c = tags["RCPT TO:<b@far.example>"], tags["RCPT TO:<c@far.example>"]
        self.assertNotEqual(of_b, of_c)
        for message_id, who in ((of_b, "c@far.example"), (of_b, "x@far.example"), (of_b.upper(), "b@far.example"),
                                ("<../../control/me@gateway.example>", "b@far.example"),
                                ("<" + "0" * 32 + "@gateway.example>", "b@far.example")):
            self.prefers(message_id, who)
        self.assertEqual(len(self.peer.messages), self.first + 2)
        self.prefers(of_c, "alias@elsewhere.example", original="C@far.example")     # whom the sender named
        self.got(3)
        self.assertEqual(self.peer.messages[-1]["rcpt"], ["RCPT TO:<c@far.example>"])

    def test_a_restart_forgets_no_offer(self):
        m, = self.offered("kill@far.example")
        self.acc.kill("offer")

        def asked():            # a wish that comes before it is joined again is lost, as its page says
            self.prefers(m["Message-ID"], "kill@far.example")
            return self.acc.log_lines(event="sent-again", to="kill@far.example")

        wait_for(asked)
        self.answered()

    def test_what_cannot_be_offered(self):
        for how, why in (({"files": ("fax/ccitt1-S.tif",)}, "no other form"), ({"sender": "me@far.example"}, "no address here"),
                         ({"sender": ""}, "a sender"), ({"files": ()}, "--attach")):
            r = self.offers("x@far.example", check=False, **how)
            self.assertEqual(r.returncode, 1, r)
            self.assertIn(why, r.stderr.decode())
        self.assertEqual(len(self.peer.messages), self.first)


class Both(Shared):
    """An accord on either side."""

    def test_3297_they_agree(self):
        there = Instance(me="there.example", locals="there.example", rcpthosts="there.example",
                         negotiation="there.example alternative=yes", caps=f"fine@there.example {DEVICE}",
                         mailboxes="fine@there.example maildir:mail/fine")
        here = Instance(offers="604800", smtproutes=f"there.example:[127.0.0.1]:{there.port}",
                        mailboxes="me@gateway.example maildir:mail/me")
        there.set("smtproutes", f"gateway.example:[127.0.0.1]:{here.port}")
        self.share(here)
        self.share(there)
        here.accord("send", "--from", "me@gateway.example", "--alternative", "--attach",
                    os.path.join(DATA, "render", "letter-J-400.tif"), "--", "fine@there.example")
        got, = wait_for(lambda: there.maildir("mail/fine"))
        self.assertEqual(fax.codings(got), [{("MMR", (400, 400))}])
        there.accord("queue", "retry", "--all", check=False)
        there.wait_empty()
        self.assertEqual(len(there.maildir("mail/fine")), 1)
