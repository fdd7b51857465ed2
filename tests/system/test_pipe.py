# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""Delivery to programs: what they get, what their end means, and how long they may take."""
import os
import pwd
import unittest

from harness import ACCOUNTS, Instance, ORDINARY, descendants, wait_for

MESSAGE = "From: a@client.example\nSubject: {}\n\nHello\n"
USER = ORDINARY if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name


def instance(**commands):
    """Addresses NAME@gateway.example that go to programs; {} in a command is a folder to write to."""
    a = Instance(recipientdelimiter="+")
    out = os.path.join(a.home, "out")
    os.mkdir(out)
    os.chmod(out, 0o777)
    a.out = out
    a.set("mailboxes", [f"{name}@gateway.example pipe:{USER}:{command.replace('{}', out)}"
                        for name, command in commands.items()])
    a.own()
    return a


def wrote(a, name):
    try:
        with open(os.path.join(a.out, name), "rb") as f:
            return f.read()
    except FileNotFoundError:
        return b""


class Pipe(unittest.TestCase):
    def test_what_a_program_gets(self):
        with instance(cat="cat > {}/message; env > {}/env; id -u > {}/id; pwd > {}/pwd; ls /proc/self/fd > {}/fds") as a:
            a.send("a@client.example", ["cat+news@gateway.example"], MESSAGE.format("all"))
            a.wait_empty()
            message = wrote(a, "message")
            self.assertTrue(message.startswith(b"Return-Path: <a@client.example>\nDelivered-To: cat+news@gateway.example\n"))
            self.assertIn(b"\nSubject: all\n\nHello\n", message)
            env = dict(line.split("=", 1) for line in wrote(a, "env").decode().splitlines())
            for shell in ("PWD", "OLDPWD", "SHLVL", "_"):
                env.pop(shell, None)
            self.assertEqual({"SENDER": "a@client.example", "RECIPIENT": "cat+news@gateway.example", "LOCAL": "cat+news",
                              "HOST": "gateway.example", "EXTENSION": "news"},
                             {k: env.pop(k) for k in ("SENDER", "RECIPIENT", "LOCAL", "HOST", "EXTENSION")})
            self.assertEqual({"USER", "LOGNAME", "HOME", "SHELL", "PATH", "MESSAGE_ID"}, set(env))
            self.assertEqual((USER, "/usr/local/bin:/usr/bin:/bin"), (env["USER"], env["PATH"]))
            self.assertEqual(str(pwd.getpwnam(USER).pw_uid), wrote(a, "id").decode().strip())
            self.assertLessEqual(len(wrote(a, "fds").split()), 4)       # the listed folder is the fourth

    def test_exit_statuses(self):
        with instance(fine="exit 0", enough="exit 99", nouser="echo first; echo 'who is that?' >&2; exit 67",
                      refused="exit 100", later="echo busy; exit 75", died="kill -9 $$", odd="exit 3",
                      missing="/nonexistent/program") as a:
            for name in ("fine", "enough", "nouser", "refused", "later", "died", "odd", "missing"):
                a.send("a@client.example", [f"{name}@gateway.example"], MESSAGE.format(name), rcpt=" NOTIFY=NEVER")
            a.logged(8, event="deliver")
            got = {l["to"].split("@")[0]: (l["result"], l["dsn"], l["reply"]) for l in a.log_lines(event="deliver")}
            self.assertEqual(("delivered", "delivered"), (got["fine"][0], got["enough"][0]))
            self.assertEqual(("failed", "5.1.1", "the program says: who is that?"), got["nouser"])
            self.assertEqual(("failed", "5.3.0"), got["refused"][:2])
            self.assertEqual(("deferred", "4.3.0", "the program says: busy"), got["later"])
            self.assertEqual(("deferred", "4.3.0"), got["died"][:2])
            self.assertIn("signal 9", got["died"][2])
            self.assertEqual(("deferred", "4.3.0"), got["odd"][:2])
            self.assertEqual(("deferred", "4.3.5"), got["missing"][:2])

    def test_a_program_that_takes_too_long(self):
        with instance(slow="sleep 1000 & echo $! > {}/pid; echo waiting; wait") as a:
            a.send("a@client.example", ["slow@gateway.example"], MESSAGE.format("slow"), rcpt=" NOTIFY=NEVER")
            pid = int(wait_for(lambda: wrote(a, "pid")))
            a.step_clock(601)
            line, = a.logged(1, event="deliver", result="deferred")
            self.assertIn("took too long", line["reply"])
            wait_for(lambda: not os.path.exists(f"/proc/{pid}"))

    def test_who_reads_nothing(self):
        with instance(deaf="exec <&-; exit 0") as a:
            a.send("a@client.example", ["deaf@gateway.example"], MESSAGE.format("large") + ("x" * 76 + "\n") * 20000)
            a.wait_empty()
            self.assertTrue(a.logged(1, event="deliver", result="delivered"))

    def test_a_delivery_that_dies_takes_its_program_along(self):
        """The program sees no end of its input: what it has is not all."""
        with instance(slow="head -c 100 > {}/head; sleep 1; cat > /dev/null; touch {}/ended; exit 0") as a:
            a.send("a@client.example", ["slow@gateway.example"], MESSAGE.format("large") + ("x" * 76 + "\n") * 20000,
                   rcpt=" NOTIFY=NEVER")
            wait_for(lambda: wrote(a, "head"))
            deliveries = [p for p in a.pids("local") if capable(p, "pipe")]
            runner = [p for p in descendants(a.process.pid) if "head" in cmdline(p) or "sleep" in cmdline(p)]
            for p in deliveries:
                os.kill(p, 9)
            a.logged(1, event="died")
            wait_for(lambda: not any(os.path.exists(f"/proc/{p}") for p in runner))
            self.assertFalse(os.path.exists(os.path.join(a.out, "ended")))

    def test_the_first_program_comes_with_a_reload(self):
        with instance(cat="cat > {}/message") as a:
            lines = a.control + "/mailboxes"
            with open(lines) as f:
                later = f.read()
            a.stop()
            a.set("mailboxes", "postmaster@gateway.example maildir:pm")
            a.own()
            a.start()
            self.assertEqual(1, len(a.pids("local")))
            a.set("mailboxes", later.splitlines())
            a.accord("reload")
            a.send("a@client.example", ["cat@gateway.example"], MESSAGE.format("reload"))
            wait_for(lambda: len(a.pids("local")) == 2)

            def delivered():
                a.step_clock(200)       # its next retry, once it has been tried and put off
                return not a.queue()
            wait_for(delivered, every=0.2)
            self.assertIn(b"Subject: reload", wrote(a, "message"))

    @unittest.skipUnless(os.getuid() == 0, "accounts need root")
    def test_with_accounts(self):
        a = Instance(user=ACCOUNTS)
        out = os.path.join(a.home, "out")
        os.mkdir(out)
        os.chmod(out, 0o777)
        a.set("mailboxes", f"cat@gateway.example pipe:{USER}:id -u > {out}/id; id -G >> {out}/id; "
              f"grep -E 'NoNewPrivs|CapEff' /proc/self/status >> {out}/id")
        with a:
            a.send("a@client.example", ["cat@gateway.example"], MESSAGE.format("accounts"))
            a.wait_empty()
            with open(os.path.join(out, "id")) as f:
                uid, groups, *status = f.read().splitlines()
            who = pwd.getpwnam(USER)
            self.assertEqual((str(who.pw_uid), str(who.pw_gid)), (uid, groups.split()[0]))
            self.assertEqual(["CapEff:\t0000000000000000", "NoNewPrivs:\t1"], sorted(status))

    def test_nothing_is_run_in_an_inquiry(self):
        with instance(cat="touch {}/ran") as a:
            r = a.accord("explain", "cat@gateway.example", data=MESSAGE.format("ask").encode())
            self.assertIn(b"pipe:", r.stdout)
            self.assertFalse(os.path.exists(os.path.join(a.out, "ran")))


def cmdline(pid):
    try:
        with open(f"/proc/{pid}/cmdline") as f:
            return f.read()
    except OSError:
        return ""


def capable(pid, kind):
    """Has the process a descriptor of that kind?"""
    try:
        return any(os.readlink(f"/proc/{pid}/fd/{f}").startswith(kind + ":") for f in os.listdir(f"/proc/{pid}/fd")) and \
            seccomp(pid)
    except OSError:
        return False


def seccomp(pid):
    with open(f"/proc/{pid}/status") as f:
        return "Seccomp:\t2" in f.read()


if __name__ == "__main__":
    unittest.main()
