# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""The accord command, verb by verb, as a person types it."""
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import unittest
from email.header import decode_header, make_header

import fax
from harness import BIN, DATA, SLOW, Instance, Peer, wait_for
from tiffinfo import tiff_pages

ACCORD = os.path.join(BIN, "accord")


def run(*words, data=b""):
    r = subprocess.run([ACCORD, *words], input=data, capture_output=True)
    return r.returncode, r.stdout.decode(), r.stderr.decode()


class Passwd(unittest.TestCase):
    def test_users_come_and_go(self):
        acc = Instance()
        path = os.path.join(acc.home, "control", "passwd")
        self.assertEqual(run("passwd", "-H", acc.home, "ann", data=b"first\n"), (0, "", ""))
        self.assertEqual(run("passwd", "-H", acc.home, "bob@example.org", data=b"second")[0], 0)
        before = open(path).read().splitlines()
        self.assertEqual([x.split(":")[0] for x in before], ["ann", "bob@example.org"])
        self.assertTrue(all(x.split(":")[1].startswith("$y$") for x in before))
        self.assertEqual(os.stat(path).st_mode & 0o7777, 0o600)
        self.assertEqual(run("passwd", "-H", acc.home, "ann", data=b"third\n")[0], 0)
        after = open(path).read().splitlines()
        self.assertNotEqual(after[0], before[0])
        self.assertEqual(after[1], before[1])
        self.assertEqual(run("passwd", "-H", acc.home, "--delete", "ann")[0], 0)
        self.assertEqual(open(path).read().splitlines(), before[1:])
        for words, data, why in ((["--delete", "ann"], b"", "no such user"), (["a:b"], b"x", "user's name"),
                                 (["carl"], b"", "standard input"), (["carl"], b"\n", "1 to 255"),
                                 (["carl"], b"x" * 256, "1 to 255"), (["carl"], b"x" * 2000, "1 to 255")):
            code, out, err = run("passwd", "-H", acc.home, *words, data=data)
            self.assertEqual((code, out), (1, ""))
            self.assertIn(why, err)
        self.assertEqual(open(path).read().splitlines(), before[1:])
        self.assertEqual(os.listdir(os.path.dirname(path)).count("passwd"), 1)
        with open(path, "a") as f:
            f.write("no hash\n")
        code, _, err = run("passwd", "-H", acc.home, "carl", data=b"x")
        self.assertEqual(code, 1)
        self.assertIn("line 2: expected USER:HASH", err)


class Settings(unittest.TestCase):
    def test_conf_shows_sets_and_refuses(self):
        acc = Instance()
        code, out, _ = run("conf", "-H", acc.home, "databytes")
        self.assertEqual((code, out), (0, "databytes: 52428800 (default)\n"))
        self.assertEqual(run("conf", "-H", acc.home, "databytes", "1000000")[0], 0)
        self.assertEqual(run("conf", "-H", acc.home, "databytes")[1], "databytes: 1000000\n")
        code, _, err = run("conf", "-H", acc.home, "databytes", "many")
        self.assertEqual(code, 1)
        self.assertIn("databytes:1: expected", err)
        self.assertEqual(run("conf", "-H", acc.home, "databytes")[1], "databytes: 1000000\n")
        self.assertEqual(run("conf", "-H", acc.home, "nosuch")[0], 1)

    def test_conf_lists_all_as_json(self):
        acc = Instance()
        code, out, _ = run("conf", "-H", acc.home, "--json")
        listed = {json.loads(l)["name"]: json.loads(l) for l in out.splitlines()}
        self.assertEqual(code, 0)
        self.assertEqual(listed["me"]["value"], ["gateway.example"])
        for entry in listed.values():
            self.assertTrue(entry["help"], entry)

    def test_conf_takes_several_lines_and_keeps_who_may_read_them(self):
        acc = Instance(rcpthosts="old.example")
        path = os.path.join(acc.control, "rcpthosts")
        os.chmod(path, 0o640)
        before = os.stat(path)
        self.assertEqual(run("conf", "-H", acc.home, "rcpthosts", "a.example", "b.example")[0], 0)
        after = os.stat(path)
        self.assertEqual([(s.st_mode, s.st_uid, s.st_gid) for s in (before, after)][0],
                         (after.st_mode, after.st_uid, after.st_gid))
        code, out, _ = run("conf", "-H", acc.home, "--json", "rcpthosts")
        self.assertEqual((code, json.loads(out)["value"]), (0, ["a.example", "b.example"]))
        self.assertEqual(run("conf", "-H", acc.home, "rcpthosts", "-", data=b"# ours\nc.example\n")[0], 0)
        self.assertEqual(run("conf", "-H", acc.home, "rcpthosts")[1], "rcpthosts: c.example\n")
        with open(path) as f:
            self.assertEqual(f.read(), "# ours\nc.example\n")      # as it was given
        self.assertEqual(run("conf", "-H", acc.home, "rcpthosts", "good.example", "not a name")[0], 1)
        self.assertEqual(run("conf", "-H", acc.home, "rcpthosts")[1], "rcpthosts: c.example\n")
        code, out, _ = run("conf", "-H", acc.home, "rcpthosts", "--unset")
        self.assertEqual((code, os.path.exists(path)), (0, False))
        self.assertIn("(default)", out)
        self.assertEqual(run("conf", "-H", acc.home, "rcpthosts", "--unset")[0], 0)     # twice is harmless
        self.assertEqual([n for n in os.listdir(acc.control) if n.endswith(".tmp")], [])

    def test_conf_and_check_know_the_lines_of_caps(self):
        acc = Instance()
        code, _, err = run("conf", "-H", acc.home, "caps", "x@far.example any", "y@far.example (& (oops")
        self.assertEqual(code, 1)
        self.assertRegex(err, r"caps:2:\d+: ")
        acc.set("caps", "no address any")
        self.assertEqual(run("check", "-H", acc.home)[0], 1)

    def test_check_names_file_line_and_what_was_expected(self):
        acc = Instance(smtproutes=["# fine", "a.example:[192.0.2.1]:25", "b.example:[::1"])
        code, _, err = run("check", "-H", acc.home)
        self.assertEqual(code, 1)
        self.assertTrue(err.startswith(f"accord: {acc.control}/smtproutes:3: expected "), err)
        acc.set("smtproutes", "")
        self.assertEqual(run("check", "-H", acc.home)[0], 0)

    def test_check_refuses_what_start_refuses(self):
        """Also what no single line shows; a name that is no setting's is told of."""
        for name, value, want in (("retryfirst", "20000", "retrymax: expected at least the value of retryfirst (20000)"),
                                  ("capsources", "cdb:a.cdb\ncdb:b.cdb", "capsources:2: expected each source once"),
                                  ("listen", "\n".join(f"127.0.0.1:{i}" for i in range(1, 34)),
                                   "listen: expected at most 32 lines")):
            with self.subTest(name):
                acc = Instance(**{name: value})
                code, _, err = run("check", "-H", acc.home)
                self.assertEqual(code, 1)
                self.assertIn(f"accord: {acc.control}/{want}", err)
                acc.start(expect=False)
                self.assertEqual(acc.process.wait(10), 1)
                self.assertIn(f"{acc.control}/{want}", acc.read_log())
        acc = Instance(queuelifetme="5")
        self.assertEqual(run("check", "-H", acc.home), (0, "all settings are right\n",
                         f"accord: {acc.control}/queuelifetme: no setting has this name; it has no effect\n"))

    def test_another_version_gives_no_answer(self):
        """A running accord of other packets hangs up; the command says what that may be, and what to do."""
        acc = Instance()
        os.mkdir(os.path.join(acc.home, "run"))
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as control:
            control.bind(os.path.join(acc.home, "run", "control.sock"))
            control.listen(1)
            p = subprocess.Popen([ACCORD, "stat", "-H", acc.home], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            with control.accept()[0] as client:
                client.recv(65536)
            out, err = p.communicate(timeout=20 * SLOW)
        self.assertEqual((p.returncode, out), (75, b""))
        self.assertIn(b"another version", err)

    def test_another_version_installed_beneath_a_running_one(self):
        """Who dies then is started again from what all others were started from; mail goes on."""
        with tempfile.TemporaryDirectory() as programs, Peer() as hop:
            os.chmod(programs, 0o755)
            for name in os.listdir(BIN):
                if name.startswith("accord") and os.access(os.path.join(BIN, name), os.X_OK) and \
                        os.path.isfile(os.path.join(BIN, name)):
                    shutil.copy2(os.path.join(BIN, name), programs)
            acc = Instance(smtproutes=hop.route)
            acc.bin = programs
            with acc:
                for name in os.listdir(programs):       # as install(1) does it: another file of that name
                    os.remove(os.path.join(programs, name))
                    shutil.copy2("/bin/false", os.path.join(programs, name))
                for role in ("queue", "qmgr", "remote", "smtpd"):
                    old = acc.kill(role)
                    wait_for(lambda: (acc.pids(role) or [old])[0] != old)
                acc.send("a@client.example", ["b@far.example"], "Subject: x\n\nx\n")
                wait_for(lambda: hop.messages)

    def test_start_refuses_wrong_settings_before_anything(self):
        acc = Instance(listen="nowhere")
        acc.start(expect=False)
        self.assertEqual(acc.process.wait(10), 1)
        self.assertIn("listen:1: expected", acc.read_log())

    def test_every_verb_has_help(self):
        for verb in ("start", "check", "conf", "send", "queue", "caps", "convert"):
            code, out, _ = run(verb, "--help")
            self.assertEqual(code, 0)
            self.assertIn(f"accord {verb}", out)
        self.assertEqual(run("nosuchverb")[0], 64)
        self.assertEqual(run()[0], 64)
        self.assertEqual(run("queue", "dance")[0], 64)


def without_features(data):
    """The message without its Content-Features fields."""
    return re.sub(rb"(?im)^content-features:.*\r\n(?:[ \t].*\r\n)*", b"", data)


class Sending(unittest.TestCase):
    def test_send_with_attachment_and_permission(self):
        with Peer(ext=["PIPELINING", "8BITMIME", "CONPERM"]) as hop, Instance(smtproutes=hop.route) as acc:
            path = os.path.join(DATA, "render", "letter-J-400.tif")
            r = acc.accord("send", "--conperm", "--convert", "(& (color=Binary) (image-coding=[MH,MMR]) )",
                           "--from", "a@gateway.example", "--subject", "two pages", "--attach", path, "--",
                           "b@far.example", "c@far.example", data="Grüße.\n".encode())
            number = r.stdout.decode().strip()
            wait_for(lambda: hop.messages)
            got = hop.messages[0]
            self.assertIn(" CONPERM", got["mail"])
            self.assertEqual(len(got["rcpt"]), 2)
            message = fax.parse(got["data"])
            self.assertIn(number, message["Received"])
            self.assertEqual(message["Subject"], "two pages")
            text, image = message.get_payload()
            self.assertEqual(text.get_payload(decode=True).decode(), "Grüße.\r\n")
            self.assertEqual(image.get_payload(decode=True), fax.read("render/letter-J-400.tif"))
            self.assertEqual(image.get_content_type(), "image/tiff-fx")
            self.assertIn("JBIG", image["Content-Features"])        # R17: never one without the other
            self.assertIn("image-coding=[MH,MMR]", image["Content-Convert"])

    def test_R17_a_whole_message_says_what_its_images_are(self):
        """Content-Convert of the message's own gets its Content-Features, and nothing else changes; one that cannot be
        read is refused by its number."""
        sent = fax.message(fax.text(), fax.image("fax/ccitt1-S.tif", kind="image/tiff", convert="NONE"),
                           fax.image("render/letter-J-400.tif"), fax.image("fax/ccitt1-S.tif", convert=None))
        spoilt = fax.message(fax.text(), fax.image("malformed/ifd-loop.tif", kind="image/tiff"))
        with Peer(ext=["CONPERM"]) as hop, Instance(smtproutes=hop.route) as acc:
            acc.accord("send", "--conperm", "--from", "a@gateway.example", "--", "b@far.example", data=sent.encode())
            wait_for(lambda: hop.messages)
            said = [p["Content-Features"] for p in fax.images(hop.messages[0]["data"])]
            self.assertEqual([("image-coding=MH" in s, "JBIG" in s) for s in said[:2]], [(True, False), (False, True)])
            self.assertIsNone(said[2])
            self.assertTrue(fax.same(without_features(hop.messages[0]["data"]), sent))
            r = acc.accord("send", "--", "b@far.example", data=spoilt.encode(), check=False)
            self.assertEqual(r.returncode, 1)
            self.assertIn(b"part 2 (image/tiff): ", r.stderr)
            r = acc.accord("send", "--minimal", "--from", "a@gateway.example", "--", "b@far.example",
                           data=fax.message(fax.image("render/letter-J-400.tif")).encode())
            wait_for(lambda: len(hop.messages) == 2)
            self.assertEqual(len(re.findall(rb"(?im)^content-features:", hop.messages[1]["data"])), 1)
            self.assertEqual(fax.codings(hop.messages[1]["data"])[0], {("MH", (200, 200))})

    def test_a_subject_in_other_letters_is_encoded(self):
        subject = "Grüße aus Zürich, мир и 世界: " + "ä" * 60
        with Peer() as hop, Instance(smtproutes=hop.route) as acc:
            acc.accord("send", "--from", "a@gateway.example", "--subject", subject, "--", "b@far.example",
                       data=b"hello\n")
            wait_for(lambda: hop.messages)
            head = hop.messages[0]["data"].split(b"\r\n\r\n")[0]
            self.assertTrue(all(len(l) <= 78 and max(l) < 128 for l in head.split(b"\r\n")), head)
            field = fax.parse(hop.messages[0]["data"])["Subject"]
            self.assertEqual(str(make_header(decode_header(field))), subject)

    def test_send_refuses_what_would_add_a_field_or_is_no_address(self):
        with Instance() as acc:
            for words in (["--subject", "x\ny", "--", "b@far.example"], ["--", "no address"],
                          ["--convert", "(& (oops", "--attach", os.path.join(DATA, "fax", "ccitt1-S.tif"),
                           "--", "b@far.example"], ["--from", "x>\r\ny@z", "--", "b@far.example"]):
                self.assertEqual(acc.accord("send", *words, data=b"x\n", check=False).returncode, 1, words)
            self.assertEqual(acc.queue(), [])

    def test_send_says_when_nobody_runs(self):
        acc = Instance()
        r = acc.accord("send", "--", "b@far.example", data=b"hello\n", check=False)
        self.assertEqual(r.returncode, 75)
        self.assertIn(b"does not run", r.stderr)

    def test_queue_list(self):
        on = {"RCPT": lambda s, l: "451 4.2.1 not\x1b[31m now \x00 please"}
        with Peer(on=on) as hop, Instance(smtproutes=hop.route) as acc:
            acc.accord("send", "--from", "a@gateway.example", "--", "b@far.example", data=b"hello\n")
            wait_for(lambda: acc.queue() and acc.queue()[0]["recipients"][0]["attempts"])
            entry = acc.queue()[0]
            self.assertEqual(entry["sender"], "a@gateway.example")
            self.assertGreater(entry["size"], 100)
            rcpt = entry["recipients"][0]
            self.assertEqual((rcpt["address"], rcpt["state"], rcpt["attempts"]), ("b@far.example", "deferred", 1))
            self.assertIn("4.2.1", rcpt["last_reply"])
            self.assertGreater(rcpt["next"], entry["arrival"])
            text = acc.accord("queue", "list").stdout
            self.assertIn(b"<b@far.example>", text)
            self.assertNotIn(b"\x1b", text)
            self.assertNotIn(b"\x00", text)
            acc.stop()
            self.assertEqual(len(acc.queue()), 1)       # without a running accord too
            acc.start()


class Directory(unittest.TestCase):
    CAPS = ["# machines", "mh@gateway.example " + fax.MH, "@gateway.example any",
            "@far.example " + fax.MMR]

    def test_caps_get_address_before_domain(self):
        for running in (False, True):
            with self.subTest(running=running):
                acc = Instance(caps=self.CAPS)
                acc.accord("caps", "build")
                acc.own()
                if running:
                    acc.start()
                self.assertIn("MH", acc.accord("caps", "get", "MH@Gateway.Example").stdout.decode())
                self.assertEqual(acc.accord("caps", "get", "x@gateway.example").stdout, b"any\nfrom cdb\n")
                self.assertIn("MMR", acc.accord("caps", "get", "x@far.example").stdout.decode())
                none = acc.accord("caps", "get", "x@none.example", check=False)
                self.assertEqual((none.returncode, none.stdout), (1, b"none\n"))
                got = json.loads(acc.accord("caps", "get", "mh@gateway.example", "--json").stdout)
                self.assertEqual((got["state"], got["source"], got["since"]), ("known", "cdb", None))
                acc.stop()

    def test_caps_import_replaces_line_by_address(self):
        acc = Instance(caps=self.CAPS)
        new = f"# from the list\nMH@Gateway.example {fax.MMR}\nnew@far.example any\n".encode()
        r = run("caps", "import", "-", "-H", acc.home, "--json", data=new)
        self.assertEqual((r[0], json.loads(r[1])), (0, {"imported": 2, "replaced": 1}))
        with open(os.path.join(acc.control, "caps")) as f:
            lines = f.read().splitlines()
        self.assertEqual(lines[0], "# machines")
        self.assertEqual(len([l for l in lines if l.lower().startswith("mh@")]), 1)
        got = acc.accord("caps", "get", "--json", "mh@gateway.example", "new@far.example").stdout.decode()
        first, second = [json.loads(l) for l in got.splitlines()]
        self.assertIn("MMR", first["expression"])
        self.assertEqual((second["address"], second["state"]), ("new@far.example", "any"))
        before = lines
        for wrong in (b"x@far.example (& (oops\n", b"nobody any\n", b"n@y.example any\0more\n", b"x@y.example any\nx@y.example any\n"):
            self.assertEqual(run("caps", "import", "-", "-H", acc.home, data=wrong)[0], 1, wrong)
        with open(os.path.join(acc.control, "caps")) as f:
            self.assertEqual(f.read().splitlines(), before)

    def test_a_private_text_gives_a_private_database(self):
        acc = Instance(caps=self.CAPS)
        text, built = os.path.join(acc.control, "caps"), os.path.join(acc.home, "caps.cdb")
        for mode in (0o644, 0o640, 0o600):
            os.chmod(text, mode)
            acc.accord("caps", "build")
            self.assertEqual(os.stat(built).st_mode & 0o777, mode)

    def test_caps_test_says_whether_a_message_fits(self):
        acc = Instance(caps=self.CAPS)
        acc.accord("caps", "build")
        with tempfile.NamedTemporaryFile("w", suffix=".eml") as f:
            f.write(fax.message(fax.image()))
            f.flush()
            self.assertTrue(acc.accord("caps", "test", "x@far.example", f.name).stdout.startswith(b"is converted: "))
            self.assertTrue(acc.accord("caps", "test", "x@gateway.example", f.name).stdout.startswith(b"fits"))
            told = json.loads(acc.accord("caps", "test", "--json", "x@far.example", f.name).stdout)
            self.assertEqual(told["fate"], "is converted")
            self.assertTrue(told["key"] and told["detail"])
        with tempfile.NamedTemporaryFile("w", suffix=".eml") as f:
            f.write(fax.message(fax.image(convert="NONE")))
            f.flush()
            got = acc.accord("caps", "test", "x@far.example", f.name, check=False)
            self.assertEqual(got.returncode, 1)
            self.assertTrue(got.stdout.startswith(b"does not fit"))


class Convert(unittest.TestCase):
    def convert(self, source, expression, *more):
        with tempfile.TemporaryDirectory() as d:
            out = os.path.join(d, "out")
            code, _, err = run("convert", source, "-o", out, "--for", expression, *more)
            data = None
            if os.path.exists(out):
                with open(out, "rb") as f:
                    data = f.read()
            return code, data, err

    def test_an_image_file(self):
        source = os.path.join(DATA, "render", "letter-J-400.tif")
        code, data, _ = self.convert(source, fax.MH)
        self.assertEqual(code, 0)
        self.assertEqual([(p["coding"], p["dpi"]) for p in tiff_pages(data)], [("MH", (204, 196))])
        code, data, err = self.convert(source, fax.JBIG)
        self.assertEqual(code, 0)
        self.assertEqual(data, fax.read("render/letter-J-400.tif"))
        self.assertIn("fits", err)

    def test_no_form_gives_a_reason_and_no_file(self):
        source = os.path.join(DATA, "render", "letter-J-400.tif")
        for more in ([], ["--permit", "none"]):
            code, data, err = self.convert(source, fax.GREY if not more else fax.MH, *more)
            self.assertEqual((code, data), (1, None))
            self.assertIn("takes", err)

    def test_a_message(self):
        with tempfile.NamedTemporaryFile("w", suffix=".eml") as f:
            f.write(fax.message(fax.text(), fax.image()))
            f.flush()
            code, data, _ = self.convert(f.name, fax.MMR)
        self.assertEqual(code, 0)
        self.assertEqual(fax.codings(data)[0], {("MMR", (200, 200))})

    def test_a_broken_image_is_refused_with_words(self):
        code, data, err = self.convert(os.path.join(DATA, "malformed", "ifd-loop.tif"), fax.MH)
        self.assertEqual((code, data), (1, None))
        self.assertTrue(err.strip())
