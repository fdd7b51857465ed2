# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""Delivery status notifications in every path: RFC 3461 to 3464, 6522.  The next hop far.example may
offer DSN or not, home.example takes the reports; every report is read by dsn.py, which judges its form."""
import itertools
import threading
import unittest

import dsn
import fax
from harness import BUILD, Instance, Peer, crlf, dot, wait_for

PLAIN = ["PIPELINING", "8BITMIME", "SIZE 0", "ENHANCEDSTATUSCODES"]
WITH = PLAIN + ["DSN"]
SENDER = "s@home.example"
TEXT = "From: <s@home.example>\nTo: <b@far.example>\nSubject: a line\nMessage-ID: <1@home.example>\n\nthe body\n"
WORDS = ["SUCCESS", "FAILURE", "DELAY"]
NOTIFY = ["", "NEVER"] + [",".join(c) for n in (1, 2, 3) for c in itertools.combinations(WORDS, n)]
BOXES = ["postmaster@gateway.example maildir:mail/postmaster", "here@gateway.example maildir:mail/here",
         "full@gateway.example maildir:/proc/no/such"]


def refuse(_, line):
    return "550 5.1.1 no such user" if "<bad" in line else "450 4.2.1 later" if "<slow" in line else None


class Reports(unittest.TestCase):
    def relay(self, ext=PLAIN, home=WITH, on=None, home_on=None, **settings):
        """far and home, and an accord between them."""
        self.far = Peer(ext=ext, on=on or {"RCPT": refuse})
        self.home = Peer(ext=home, on=home_on)
        settings.setdefault("mailboxes", BOXES)
        settings.setdefault("smtproutes", [f"home.example:[127.0.0.1]:{self.home.port}",
                                           f"far.example:[127.0.0.1]:{self.far.port}"])
        acc = Instance(**settings)
        self.addCleanup(self.far.close)
        self.addCleanup(self.home.close)
        acc.__enter__()
        self.addCleanup(self.finish, acc)
        return acc

    def finish(self, acc):
        failed = any(err for _, err in self._outcome.result.failures if _ is self)
        acc.__exit__(AssertionError if failed else None, None, None)

    def post(self, acc, *to, text=TEXT, sender=SENDER, mail=""):
        """to: addresses, or (address, parameters)."""
        with acc.client() as c:
            c.ehlo()
            c.must("250", f"MAIL FROM:<{sender}>{mail}")
            for r in to:
                r = (r, "") if isinstance(r, str) else r
                c.must("250", f"RCPT TO:<{r[0]}>{r[1]}")
            if "BINARYMIME" in mail:
                return c.must("250", data=b"BDAT %d LAST\r\n" % len(text) + text)
            c.must("354", "DATA")
            return c.must("250", data=dot(text))

    def reports(self, n=None):
        """What came home, read; n: as many, waited for."""
        if n is not None:
            wait_for(lambda: len(self.home.messages) >= n)
        got = [dsn.Report(m["data"], m["mail"], m["rcpt"]) for m in self.home.messages]
        if n is not None:
            self.assertEqual(len(got), n)
        return got

    def postmaster(self, acc, n=1):
        wait_for(lambda: len(acc.maildir()) >= n)
        self.assertEqual(len(acc.maildir()), n)
        return [dsn.stored(m) for m in acc.maildir()]


def addresses(reports):
    return sorted(t for r in reports for t in r.told())


class Notify(Reports):
    """Each value of NOTIFY with each outcome: one message a value, all outcomes among its recipients."""

    def run_all(self, ext):
        acc = self.relay(ext=ext)
        for value in NOTIFY:
            tag = value.replace(",", "-").lower() or "none"
            param = f" NOTIFY={value}" if value else ""
            self.post(acc, *[(a, param) for a in (f"bad-{tag}@far.example", f"good-{tag}@far.example")],
                      mail=f" ENVID={tag}")
            self.post(acc, ("here@gateway.example", param), mail=f" ENVID=here-{tag}")
        acc.wait_empty(60)
        return acc

    def wanted(self, hop_tells):
        want = []
        for value in NOTIFY:
            tag = value.replace(",", "-").lower() or "none"
            if value in ("",) or "FAILURE" in value:
                want.append((f"bad-{tag}@far.example", "failed"))
            if "SUCCESS" in value:
                want.append(("here@gateway.example", "delivered"))
                if not hop_tells:
                    want.append((f"good-{tag}@far.example", "relayed"))
        return sorted(want)

    def test_H17_every_notify_with_a_hop_without_dsn(self):
        acc = self.run_all(PLAIN)
        self.assertEqual(addresses(self.reports()), self.wanted(False))
        for line in self.far.said("MAIL") + self.far.said("RCPT"):
            self.assertNotRegex(line.upper(), " (NOTIFY|ORCPT|RET|ENVID)=")
        self.assertEqual(acc.maildir(), [])

    def test_G17_every_notify_with_a_hop_with_dsn(self):
        acc = self.run_all(WITH)
        self.assertEqual(addresses(self.reports()), self.wanted(True))
        for value in NOTIFY:
            tag = value.replace(",", "-").lower() or "none"
            line, = [l for l in self.far.said("RCPT") if f"<good-{tag}@" in l]
            words = set(line.partition(" NOTIFY=")[2].split(",")) - {""}
            self.assertEqual(words, set(value.split(",")) - {""}, line)
            self.assertTrue([l for l in self.far.said("MAIL") if l.endswith(f" ENVID={tag}")])
        self.assertEqual(acc.maildir(), [])

    def test_G17_dsn_is_offered(self):
        acc = self.relay()
        with acc.client() as c:
            self.assertIn("DSN", c.ehlo())

    def test_never_means_never_when_negotiation_fails(self):
        """R4's failure, and B7's, with NEVER and with SUCCESS alone."""
        acc = self.relay(caps=["here@gateway.example " + fax.GREY])
        message = fax.message(fax.image())
        for value in ("NEVER", "SUCCESS", "DELAY", "SUCCESS,DELAY"):
            for to in ("b@far.example", "here@gateway.example"):
                self.post(acc, (to, " NOTIFY=" + value), text=message, mail=" CONPERM")
        acc.wait_empty()
        self.assertEqual(self.reports(), [])
        self.assertEqual(acc.maildir() + acc.maildir("mail/here"), [])
        self.assertEqual(self.far.messages, [])
        self.post(acc, ("b@far.example", " NOTIFY=FAILURE"), text=message, mail=" CONPERM")
        self.assertEqual(self.reports(1)[0].of("b@far.example")["status"], "5.6.3")

    def test_one_report_holds_only_those_who_are_told(self):
        acc = self.relay()
        self.post(acc, "bad1@far.example", ("bad2@far.example", " NOTIFY=NEVER"),
                  ("bad3@far.example", " NOTIFY=SUCCESS"), ("bad4@far.example", " NOTIFY=SUCCESS,FAILURE"),
                  ("bad5@far.example", " NOTIFY=DELAY"), ("good@far.example", " NOTIFY=FAILURE"))
        acc.wait_empty()
        report, = self.reports(1)
        self.assertEqual(report.told(), {("bad1@far.example", "failed"), ("bad4@far.example", "failed")})
        for name in ("bad2", "bad3", "bad5", "good"):
            self.assertNotIn(name, report.words)


class Fields(Reports):
    def test_failed_says_everything(self):
        acc = self.relay()
        self.post(acc, ("bad@far.example", " NOTIFY=FAILURE ORCPT=rfc822;Bad+2BBoy@far.example"),
                  mail=" ENVID=QQ+2B314159 RET=HDRS")
        report, = self.reports(1)
        f = report.of("bad@far.example")
        self.assertEqual(report.fields["original-envelope-id"], "QQ+314159")
        self.assertEqual(report.fields["reporting-mta"], "dns; gateway.example")
        self.assertEqual(report.fields["received-from-mta"], "dns; client.example ([127.0.0.1])")
        self.assertEqual(f["original-recipient"], "rfc822;Bad+Boy@far.example")
        self.assertEqual((f["action"], f["status"]), ("failed", "5.1.1"))
        self.assertEqual(f["diagnostic-code"], "smtp; 550 5.1.1 no such user")
        self.assertIn("[127.0.0.1]", f["remote-mta"])
        arrived, tried = dsn.date(report.fields["arrival-date"]), dsn.date(f["last-attempt-date"])
        self.assertTrue(0 <= (tried - arrived).total_seconds() < 60)
        self.assertEqual(report.message["Subject"], "Your message could not be delivered")
        self.assertEqual(report.message["In-Reply-To"], "<1@home.example>")
        self.assertIn("What you can do:", report.words)

    def test_no_envid_no_orcpt_no_fields(self):
        acc = self.relay()
        self.post(acc, "bad@far.example")
        report, = self.reports(1)
        self.assertNotIn("original-envelope-id", report.fields)
        self.assertNotIn("original-recipient", report.recipients[0])

    def test_orcpt_of_other_types_and_hostile_ones(self):
        acc = self.relay()
        for i, (orcpt, want) in enumerate([
                ("x400;/G=Ann+20Lee/", "x400;/G=Ann Lee/"),
                ("utf-8;\\x{E4}@far.example", "utf-8;\\x{E4}@far.example"),
                ("rfc822;" + "a" * 480, "rfc822;" + "a" * 480)]):
            self.post(acc, (f"bad{i}@far.example", f" ORCPT={orcpt}".replace("=Ann", "+3DAnn")))
            report = self.reports(i + 1)[i]
            self.assertEqual(report.of(f"bad{i}@far.example")["original-recipient"], want)

    def test_quoted_local_part_stays(self):
        acc = self.relay(on={"RCPT": lambda s, l: "550 no\x1b[31m \x07 Status: 2.0.0"})
        self.post(acc, '"a>b c"@far.example')
        f = self.reports(1)[0].of('"a>b c"@far.example')
        self.assertEqual(f["status"], "5.0.0")

    def test_multi_line_reply(self):
        acc = self.relay(on={"RCPT": lambda s, l: "550-5.7.1 first\n550 5.7.1 second"})
        self.post(acc, "b@far.example")
        self.assertIn("second", self.reports(1)[0].of("b@far.example")["diagnostic-code"])

    def test_relayed(self):
        acc = self.relay()
        self.post(acc, ("b@far.example", " NOTIFY=SUCCESS ORCPT=rfc822;b@far.example"), mail=" RET=FULL ENVID=1")
        report, = self.reports(1)
        f = report.of("b@far.example")
        self.assertEqual((f["action"], f["status"]), ("relayed", "2.0.0"))
        self.assertTrue(f["diagnostic-code"].startswith("smtp; 250"))
        self.assertIn("last-attempt-date", f)
        self.assertEqual(report.message["Subject"], "Your message was passed on")
        self.assertEqual(report.returned_kind, "text/rfc822-headers")
        self.assertIn("sends no report of its own", " ".join(report.words.split()))

    def test_expired(self):
        acc = self.relay(queuelifetime="3600")
        acc.stop()
        acc.set("smtproutes", [f"home.example:[127.0.0.1]:{self.home.port}", "far.example:[127.0.0.1]:1"])
        acc.start()
        self.post(acc, "b@far.example", ("c@far.example", " NOTIFY=SUCCESS,DELAY"))
        wait_for(lambda: acc.log_lines(event="deliver", result="deferred"))
        acc.step_clock(2 * 3600)
        wait_for(lambda: [r for r in self.reports() if ("b@far.example", "failed") in r.told()], 40)
        acc.wait_empty(40)
        report, = [r for r in self.reports() if ("b@far.example", "failed") in r.told()]
        self.assertEqual(report.told(), {("b@far.example", "failed")})
        self.assertEqual(report.of("b@far.example")["status"], "4.4.1")
        self.assertIn("When that time ran out, the receiving system could not be reached",
                      " ".join(report.words.split()))
        self.assertEqual({l["dsn"] for l in acc.log_lines(event="deliver", result="expired")}, {"4.4.1"})
        self.assertEqual(report.of("b@far.example")["remote-mta"], "dns; [127.0.0.1] (port 1)")
        self.assertNotIn("c@far.example", "".join(r.words for r in self.reports()
                                                  if ("c@far.example", "failed") in r.told()))


class Delayed(Reports):
    """RFC 3461, 5.2.5: at most once, and to nobody who asked for other reports alone."""

    def late(self):
        acc = self.relay(queuelifetime="864000", delaywarning="7200")
        acc.stop()
        acc.set("smtproutes", [f"home.example:[127.0.0.1]:{self.home.port}", "far.example:[127.0.0.1]:1"])
        acc.start()
        return acc

    def test_delayed_once_then_failed(self):
        acc = self.late()
        self.post(acc, ("delay@far.example", " NOTIFY=DELAY,FAILURE ORCPT=rfc822;D@far.example"),
                  ("fail@far.example", " NOTIFY=FAILURE"), ("never@far.example", " NOTIFY=NEVER"),
                  ("only@far.example", " NOTIFY=DELAY"), ("glad@far.example", " NOTIFY=SUCCESS"),
                  mail=" RET=FULL ENVID=late")
        wait_for(lambda: acc.log_lines(event="deliver", result="deferred"))
        self.assertEqual(self.reports(), [])
        acc.step_clock(3 * 3600)
        report, = self.reports(1)
        self.assertEqual(report.told(), {("delay@far.example", "delayed"), ("only@far.example", "delayed")})
        f = report.of("delay@far.example")
        self.assertEqual(f["status"], "4.4.1")
        self.assertEqual(f["remote-mta"], "dns; [127.0.0.1] (port 1)")
        self.assertEqual(f["original-recipient"], "rfc822;D@far.example")
        until = dsn.date(f["will-retry-until"]) - dsn.date(report.fields["arrival-date"])
        self.assertEqual(until.total_seconds(), 864000)
        self.assertEqual(report.message["Subject"], "Your message is delayed")
        self.assertEqual(report.returned_kind, "text/rfc822-headers")
        self.assertIn("What happens next:", report.words)
        self.assertIn("you need not send it again", " ".join(report.words.split()))
        acc.step_clock(86400)       # not again
        wait_for(lambda: len(acc.log_lines(event="deliver", result="deferred")) > 5)
        self.reports(1)
        acc.step_clock(864000)
        acc.wait_empty(40)
        self.assertEqual(self.reports(2)[1].told(), {("delay@far.example", "failed"), ("fail@far.example", "failed")})

    def test_H13_a_null_sender_hears_of_no_delay(self):
        acc = self.late()
        self.post(acc, ("a@far.example", " NOTIFY=DELAY"), sender="")
        self.post(acc, ("b@far.example", " NOTIFY=DELAY"))
        wait_for(lambda: len(acc.log_lines(event="deliver", result="deferred")) >= 1)
        acc.step_clock(3 * 3600)
        # a message that qmgr hears of only now is tried first, and its delay told a little later
        wait_for(lambda: self.home.messages or acc.step_clock(600), every=0.5)
        self.assertEqual(self.reports(1)[0].told(), {("b@far.example", "delayed")})
        self.assertEqual(acc.maildir(), [])


class Returned(Reports):
    """RET: RFC 3461, 4.3 and 6.2."""

    def failed(self, acc, text=TEXT, mail=""):
        n = len(self.home.messages)
        self.post(acc, "bad@far.example", text=text, mail=mail)
        return self.reports(n + 1)[n]

    def test_ret_of_failures(self):
        acc = self.relay()
        for ret, kind in (("", "text/rfc822-headers"), (" RET=HDRS", "text/rfc822-headers"),
                          (" RET=FULL", "message/rfc822")):
            report = self.failed(acc, mail=ret)
            self.assertEqual(report.returned_kind, kind)
            whole = crlf(TEXT) if kind == "message/rfc822" else crlf(TEXT.split("\n\n")[0] + "\n\n")
            self.assertEqual(fax.original(report.returned()).rstrip(b"\r\n"), whole.rstrip(b"\r\n"))
            self.assertEqual(b"the body" in report.data, kind == "message/rfc822")

    def test_success_returns_the_header(self):
        acc = self.relay()
        self.post(acc, ("here@gateway.example", " NOTIFY=SUCCESS"), mail=" RET=FULL")
        self.assertEqual(self.reports(1)[0].returned_kind, "text/rfc822-headers")

    def test_eight_bit(self):
        acc = self.relay()
        text = crlf(TEXT) + "schön\r\n".encode("latin-1")
        report = self.failed(acc, text, " RET=FULL BODY=8BITMIME")
        self.assertEqual(report.returned_kind, "message/rfc822")
        self.assertEqual(fax.original(report.returned()), text)
        text = crlf(TEXT).replace(b"a line", b"a l\xefne")
        report = self.failed(acc, text, " BODY=8BITMIME")
        self.assertEqual(fax.original(report.returned()), text.split(b"\r\n\r\n")[0] + b"\r\n\r\n")

    def test_binary_comes_back_as_its_header(self):
        acc = self.relay(ext=PLAIN + ["CHUNKING", "BINARYMIME"],
                         on={"RCPT": refuse, "BDAT": lambda s, l: "554 5.6.0 no"})
        head = crlf(TEXT.split("\n\n")[0]) + b"\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: binary\r\n"
        report = self.failed(acc, head + b"\r\n" + bytes(range(256)), " RET=FULL BODY=BINARYMIME")
        self.assertEqual(report.returned_kind, "text/rfc822-headers")
        self.assertEqual(fax.original(report.returned()).rstrip(), head.rstrip())

    def test_large_ones(self):
        acc = self.relay()
        line = b"x" * 990 + b"\r\n"
        for octets, kind in ((8 << 20, "message/rfc822"), (17 << 20, "text/rfc822-headers")):
            text = crlf(TEXT) + line * (octets // len(line))
            report = self.failed(acc, text, " RET=FULL")
            self.assertEqual(report.returned_kind, kind)
            if kind == "message/rfc822":
                self.assertTrue(fax.original(report.returned()) == text)
            else:
                self.assertLess(len(report.data), 10000)
        with open(f"/proc/{acc.pids('bounce')[0]}/status") as f:
            peak = int([l.split()[1] for l in f if l.startswith("VmHWM")][0])
        if "san" not in BUILD:
            self.assertLess(peak, 48 << 10)     # a mapping of 8 MiB, no copies

    def test_boundary_in_the_message(self):
        acc = self.relay()
        first = self.failed(acc)
        text = TEXT + f"--{first.message.get_boundary()}\n\nFinal-Recipient: rfc822;x@y\n"
        report = self.failed(acc, text, " RET=FULL")
        self.assertEqual(report.told(), {("bad@far.example", "failed")})

    def test_R37_what_was_delivered(self):
        """RFC 4141, 3, note: with RET, the content as it lies in the mailbox."""
        acc = self.relay()
        message = fax.message(fax.image())
        self.post(acc, ("here@gateway.example", " NOTIFY=SUCCESS"), text=message, mail=" CONPERM RET=FULL")
        report, = self.reports(1)
        self.assertEqual(report.returned_kind, "message/rfc822")
        self.assertTrue(fax.same(report.returned(), message))

    def test_R37_the_converted_copy(self):
        """What lies in the mailbox was converted on its way there; for two of one report to the same form, to others."""
        boxes = [f"{n}@gateway.example maildir:mail/{n}" for n in ("here", "mmr", "mmr2", "mh")]
        acc = self.relay(mailboxes=boxes, caps=[f"{n}@gateway.example {caps}" for n, caps in (
            ("mmr", fax.MMR), ("mmr2", fax.MMR), ("mh", fax.MH))])
        for i, names in enumerate((["mmr"], ["mmr", "mmr2"], ["mmr", "mh"], ["mmr", "here"])):
            with self.subTest(names):
                self.post(acc, *[(f"{n}@gateway.example", " NOTIFY=SUCCESS") for n in names],
                          text=fax.message(fax.text(), fax.image()), mail=" CONPERM RET=FULL")
                report = self.reports(i + 1)[-1]
                self.assertEqual(report.told(), {(f"{n}@gateway.example", "delivered") for n in names})
                if i > 1:
                    self.assertEqual(report.returned_kind, "text/rfc822-headers")
                    continue
                self.assertEqual(report.returned_kind, "message/rfc822")
                box = acc.maildir("mail/mmr")[-1].replace(b"\n", b"\r\n").split(b"\r\n", 2)
                self.assertEqual([l.split(b":")[0] for l in box[:2]], [b"Return-Path", b"Delivered-To"])
                self.assertEqual(report.returned(), box[2])
                self.assertEqual(fax.codings(report.returned()), [{("MMR", (200, 200))}])
                self.assertEqual(report.of("mmr@gateway.example")["status"], "2.6.4")
                self.assertNotIn("1=MMR", report.data.decode())
        self.assertEqual(acc.log_lines(event="header-alone"), [])


class NullSender(Reports):
    """H13."""

    def test_H13_a_null_sender_is_never_answered(self):
        acc = self.relay()
        self.post(acc, "bad@far.example", sender="", mail=" RET=FULL")
        self.post(acc, ("good@far.example", " NOTIFY=SUCCESS"), sender="")
        self.post(acc, ("here@gateway.example", " NOTIFY=SUCCESS"), sender="")
        self.post(acc, ("bad2@far.example", " NOTIFY=NEVER"), sender="")
        acc.wait_empty()
        self.assertEqual(self.reports(), [])
        report, = self.postmaster(acc)
        self.assertEqual(report.told(), {("bad@far.example", "failed")})

    def test_H13_a_report_that_fails_goes_to_postmaster_once(self):
        acc = self.relay(home_on={"RCPT": lambda s, l: "550 5.1.1 nobody"})
        self.post(acc, "bad@far.example")
        report, = self.postmaster(acc)
        acc.wait_empty()
        self.assertEqual(report.told(), {(SENDER, "failed")})
        self.assertIn("without sender", report.message["Subject"])
        self.assertEqual(len(self.home.said("RCPT")), 1)
        self.postmaster(acc)

    def test_H13_no_loop_when_postmaster_fails_too(self):
        acc = self.relay(locals="other.example", mailboxes="x@other.example maildir:x",
                         home_on={"RCPT": lambda s, l: "550 5.1.1 nobody"})
        acc.stop()
        acc.set("smtproutes", f":[127.0.0.1]:{self.home.port}")
        acc.start()
        self.post(acc, "bad@far.example")
        wait_for(lambda: acc.log_lines(event="double-bounce"))
        acc.wait_empty()
        tried = [l.split("<")[1].split(">")[0] for l in self.home.said("RCPT")]
        self.assertEqual(tried, ["bad@far.example", SENDER, "postmaster@gateway.example"])


class Local(Reports):
    def test_H6_return_path_once_and_delivered(self):
        acc = self.relay()
        text = "Return-Path: <old@x>\nReturn-Path:\n <older@x>\nOriginal-Recipient: rfc822;old@x\n" + TEXT
        self.post(acc, ("here@gateway.example", " NOTIFY=SUCCESS ORCPT=rfc822;He+2Bre@x.example"), text=text,
                  mail=" ENVID=H6")
        got, = wait_for(lambda: acc.maildir("mail/here"))
        self.assertTrue(got.startswith(b"Return-Path: <s@home.example>\n"))
        head = got.split(b"\n\n")[0].lower()
        self.assertEqual(head.count(b"return-path:"), 1)
        self.assertEqual(head.count(b"original-recipient:"), 1)
        self.assertIn(b"\noriginal-recipient: rfc822;he+re@x.example\n", head)
        report, = self.reports(1)
        f = report.of("here@gateway.example")
        self.assertEqual((f["action"], f["status"]), ("delivered", "2.0.0"))
        self.assertNotIn("diagnostic-code", f)
        self.assertNotIn("remote-mta", f)
        self.assertEqual(report.fields["original-envelope-id"], "H6")
        self.assertEqual(report.message["Subject"], "Your message was delivered")

    def test_B7_converted_and_delivered(self):
        acc = self.relay(caps=["here@gateway.example " + fax.MMR])
        self.post(acc, ("here@gateway.example", " NOTIFY=SUCCESS"), text=fax.message(fax.image()),
                  mail=" CONPERM RET=FULL")
        report, = self.reports(1)
        self.assertEqual(report.of("here@gateway.example")["status"], "2.6.4")
        self.assertIn("Converted to:", report.words)
        self.assertEqual(fax.codings(report.returned()), [{("MMR", (200, 200))}])

    def test_B7_failed(self):
        acc = self.relay(caps=["here@gateway.example " + fax.GREY])
        self.post(acc, ("here@gateway.example", " NOTIFY=SUCCESS,FAILURE"), text=fax.message(fax.image()),
                  mail=" CONPERM")
        f = self.reports(1)[0].of("here@gateway.example")
        self.assertEqual((f["action"], f["status"]), ("failed", "5.6.5"))


class Envid(Reports):
    def test_H5_envid_is_passed_on_and_never_invented(self):
        acc = self.relay(ext=WITH)
        self.post(acc, "b@far.example", mail=" ENVID=a+2Bb+3D")
        self.post(acc, "c@far.example")
        wait_for(lambda: len(self.far.messages) == 2)
        by = {m["rcpt"][0].split("<")[1][0]: m["mail"] for m in self.far.messages}
        self.assertTrue(by["b"].endswith(" ENVID=a+2Bb+3D"), by)
        self.assertNotIn("ENVID", by["c"])

    def test_control_octets_are_refused_or_made_harmless(self):
        acc = self.relay()
        with acc.client() as c:
            c.ehlo()
            got = c.cmd(f"MAIL FROM:<{SENDER}> ENVID=x+0D+0AAction:+20delivered")[-1]
            if got.startswith("250"):
                c.must("250", "RCPT TO:<bad@far.example> ORCPT=rfc822;x+0D+0AStatus:+202.0.0")
                c.must("354", "DATA")
                c.must("250", data=dot(TEXT))
                self.assertEqual(self.reports(1)[0].told(), {("bad@far.example", "failed")})
            else:
                self.assertTrue(got.startswith("501"), got)


class Many(Reports):
    def test_many_failures_one_report_each(self):
        acc = self.relay()
        n = 150

        def send(k):
            for i in range(k, n, 5):
                self.post(acc, f"bad{i}@far.example", mail=f" ENVID=m{i}")

        threads = [threading.Thread(target=send, args=(k,)) for k in range(5)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        acc.wait_empty(60)
        got = self.reports()
        self.assertEqual(sorted(r.fields["original-envelope-id"] for r in got), sorted(f"m{i}" for i in range(n)))
        self.assertEqual(len({r.message["Message-ID"] for r in got}), n)

    def test_bounce_killed_loses_no_report(self):
        acc = self.relay(retryfirst="1")
        for i in range(20):
            self.post(acc, f"bad{i}@far.example")
            if i % 7 == 3:
                wait_for(lambda: acc.pids("bounce"))
                acc.kill("bounce")
        acc.wait_empty(60)
        told = {a for r in self.reports() for a in r.told()}
        self.assertEqual(told, {(f"bad{i}@far.example", "failed") for i in range(20)})
