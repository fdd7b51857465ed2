# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""Delivery into mbox files, read by Python's own mailbox module."""
import mailbox
import os
import pwd
import unittest

from harness import ACCOUNTS, Instance, ORDINARY, wait_for

MESSAGE = "From: a@client.example\nSubject: {}\n\nHello\nFrom here on\n>From there\n"


def messages(path):
    box = mailbox.mbox(path)
    try:
        return [(m.get_from(), m["Subject"], m.get_payload()) for m in box]
    finally:
        box.close()


class Mbox(unittest.TestCase):
    def test_messages_one_behind_the_other(self):
        with Instance(mailboxes="@gateway.example mbox:box") as a:
            for i in range(3):
                a.send("a@client.example", ["jo@gateway.example"], MESSAGE.format(i))
            a.wait_empty()
            got = messages(os.path.join(a.home, "box"))
            self.assertEqual(["0", "1", "2"], sorted(s for _, s, _ in got))
            self.assertTrue(all(f.startswith("a@client.example ") for f, _, _ in got))
            self.assertEqual({"Hello\n>From here on\n>>From there\n"}, {p for _, _, p in got})
            self.assertFalse(os.path.exists(os.path.join(a.home, "box.lock")))
            self.assertEqual(0o600, os.stat(os.path.join(a.home, "box")).st_mode & 0o777)

    def test_a_lock_of_another_program_is_waited_for(self):
        with Instance(mailboxes="@gateway.example mbox:box") as a:
            lock = os.path.join(a.home, "box.lock")
            with open(lock, "w") as f:
                f.write("0")
            a.send("a@client.example", ["jo@gateway.example"], MESSAGE.format("waits"))
            self.assertEqual(1, len(a.queue()))
            os.unlink(lock)
            a.wait_empty()
            self.assertEqual(1, len(messages(os.path.join(a.home, "box"))))

    def test_a_lock_that_stays_defers(self):
        with Instance(mailboxes="@gateway.example mbox:box") as a:
            with open(os.path.join(a.home, "box.lock"), "w") as f:
                f.write("0")
            a.send("a@client.example", ["jo@gateway.example"], MESSAGE.format("waits"))

            def deferred():
                a.step_clock(31)        # once the delivery waits for the lock; before it does, a step is none for it
                return a.log_lines(event="deliver", result="deferred")
            self.assertIn("locked by another program", wait_for(deferred, every=0.2)[0]["reply"])

    @unittest.skipUnless(os.getuid() == 0, "accounts need root")
    def test_a_file_in_a_folder_of_roots(self):
        """As /var/mail is: the file's owner and the folder's group; and no file is made for who has none."""
        with Instance(user=ACCOUNTS, mailboxes=["jo@gateway.example mbox:spool/jo",
                                                "new@gateway.example mbox:spool/new"]) as a:
            who, spool = pwd.getpwnam(ORDINARY), os.path.join(a.home, "spool")
            os.mkdir(spool)
            os.chown(spool, 0, who.pw_gid)
            os.chmod(spool, 0o2775)
            with open(os.path.join(spool, "jo"), "w"):
                pass
            os.chown(os.path.join(spool, "jo"), who.pw_uid, who.pw_gid)
            a.send("a@client.example", ["jo@gateway.example"], MESSAGE.format("spool"))
            a.wait_empty()
            self.assertEqual(1, len(messages(os.path.join(spool, "jo"))))
            self.assertEqual(who.pw_uid, os.stat(os.path.join(spool, "jo")).st_uid)
            a.send("a@client.example", ["new@gateway.example"], MESSAGE.format("none"))
            line, = a.logged(1, event="deliver", result="deferred")
            self.assertIn("belongs to root", line["reply"])
            self.assertEqual(["jo"], os.listdir(spool))


if __name__ == "__main__":
    unittest.main()
