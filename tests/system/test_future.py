# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""Mail that is to be sent later (RFC 4865)."""
import re
import time
import unittest

from harness import Client, Instance, Peer, free_port, wait_for

TEXT = b"From: a@gateway.example\r\nSubject: later\r\n\r\nthe body\r\n.\r\n"


def utc(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


class Future(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.hop = Peer(on={"RCPT": lambda s, l: "550 5.1.1 nobody" if "nobody" in l else None})
        cls.outside = free_port()
        cls.acc = Instance(smtproutes=cls.hop.route, futurerelease="86400", queuelifetime="1000")
        cls.acc.set("listen", [f"127.0.0.1:{cls.acc.port}", f"127.0.0.1:{cls.outside} norelay"])
        cls.acc.start()

    @classmethod
    def tearDownClass(cls):
        cls.acc.__exit__(None, None, None)
        cls.hop.close()

    def test_it_is_held(self):
        """Until its time, over a restart too; its lifetime counts from then; the report says what was asked (5.1.2)."""
        with self.acc.client() as c:
            ext = c.ehlo()
            said = [e for e in ext if e.startswith("FUTURERELEASE ")]
            self.assertRegex(said[0], r"^FUTURERELEASE 86400 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
            for param in ("HOLDFOR=0", "HOLDFOR=01", "HOLDFOR=-5", "HOLDFOR", "HOLDFOR=86401", "HOLDFOR=9999999999",
                          "HOLDFOR=5 HOLDFOR=5", f"HOLDFOR=5 HOLDUNTIL={utc(60)}", f"HOLDUNTIL={utc(-5)}",
                          f"HOLDUNTIL={utc(90000)}", "HOLDUNTIL=2099-02-30T00:00:00Z", f"HOLDUNTIL={utc(60)[:-1]}",
                          f"HOLDUNTIL={utc(60)[:-1]}+01:00"):
                self.assertTrue(c.cmd(f"MAIL FROM:<a@x.example> {param}")[0].startswith("501 5.5.4 "), param)
            for param, to in (("HOLDFOR=3600", "for"), (f"HOLDUNTIL={utc(3600)}", "until"), ("HOLDFOR=3600", "nobody"),
                              ("HOLDFOR=80000", "urgent")):
                c.must("250", f"MAIL FROM:<postmaster@gateway.example> {param}")
                c.must("250", f"RCPT TO:<{to}@far.example>")
                c.must("354", "DATA")
                last = c.must("250", data=TEXT)[0].split()[2]
        ids = {q["recipients"][0]["address"]: q["id"] for q in self.acc.queue()}
        self.assertEqual(len(ids), 4)
        self.assertRegex(self.acc.accord("queue", "show", last).stdout.decode(), r"\nrelease: \d{4}-\d\d-\d\dT")
        self.acc.accord("queue", "retry", last)         # by the administrator, before its time
        wait_for(lambda: len(self.hop.messages) == 1)
        self.assertIn("urgent", self.hop.messages[0]["rcpt"][0])
        for step in (3000, 550):                        # more than its lifetime; a scheduler that reads it anew
            self.acc.step_clock(step)
            self.acc.kill("qmgr")
            wait_for(lambda: self.acc.pids("qmgr"))
        self.acc.send("b@x.example", ["now@far.example"], "Subject: now\n\nnow\n")
        wait_for(lambda: len(self.hop.messages) == 2)
        self.assertEqual(len(self.acc.queue()), 3)
        self.acc.step_clock(60)
        self.acc.wait_empty()
        got = {re.search("<([a-z]*)@", m["rcpt"][0]).group(1) for m in self.hop.messages if m["rcpt"]}
        self.assertEqual(got, {"for", "until", "now", "urgent"})
        report = wait_for(lambda: [m for m in self.acc.maildir() if b"nobody@far.example" in m])[0]
        self.assertIn(b"\nFuture-Release-Request: for;3600\n", report)
        self.assertIn(b"\nArrival-Date: ", report)

    def test_it_is_for_who_may_send_anywhere(self):
        with self.acc.client() as c:
            c.must("250", "HELO x.example")
            self.assertTrue(c.cmd("MAIL FROM:<a@x.example> HOLDFOR=60")[0].startswith("555 5.5.4 "))
        with Client(self.outside) as c:
            self.assertFalse([e for e in c.ehlo() if e.startswith("FUTURERELEASE")])
            self.assertTrue(c.cmd("MAIL FROM:<a@x.example> HOLDFOR=60")[0].startswith("555 5.5.4 "))


if __name__ == "__main__":
    unittest.main()
