# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""Sends one fax through two accords, a relay and a fax gateway, to four machines that take
different things, and shows what each of them got.  Nothing here knows the answers: they are read
from the messages that arrive, the relay's log and the capability directory.

demo.py [FAX.tif] [--keep DIR]   CAPS in dist/demo/caps may be edited: other capabilities, other results.
"""
import email
import email.policy
import glob
import os
import pwd
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

from tiffinfo import tiff_pages

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
HERE = os.path.join(TOP, "dist", "demo")
PERMIT = ("(& (color=Binary) (image-file-structure=[TIFF-minimal,TIFF-limited]) "
          "(image-coding=[MH,MR,MMR,JBIG]) (MRC-mode=0) )")
ACCOUNT = "nobody"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def own(path):
    if os.getuid() == 0:
        who = pwd.getpwnam(ACCOUNT)
        for top, dirs, files in os.walk(path):
            for name in [top] + [os.path.join(top, n) for n in dirs + files]:
                os.chown(name, who.pw_uid, who.pw_gid)


class Accord:
    def __init__(self, root, name, **settings):
        self.home, self.name = os.path.join(root, name), name
        os.makedirs(os.path.join(self.home, "control"))
        for key, value in settings.items():
            with open(os.path.join(self.home, "control", key), "w") as f:
                f.write("\n".join(value if isinstance(value, list) else [value]) + "\n")
        own(self.home)

    def start(self):
        words = [os.path.join(BIN, "accord"), "start", "-H", self.home]
        if os.getuid() == 0:
            words += ["-u", ACCOUNT]
        self.log = open(os.path.join(self.home, "log"), "wb")
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=self.log,
                                        start_new_session=True)
        if self.process.stdout.readline() != b"accord: ready\n":
            self.stop()
            sys.exit(open(os.path.join(self.home, "log")).read()[-2000:])

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(8)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)

    def run(self, *words, data=b""):
        r = subprocess.run([os.path.join(BIN, "accord"), *words[:1], "-H", self.home, *words[1:]],
                           input=data, capture_output=True)
        return r.returncode, r.stdout.decode().strip(), r.stderr.decode().strip()


def image_part(message):
    for part in message.walk():
        if part.get_content_maintype() == "image":
            return part
    return None


def describe(data):
    try:
        pages = tiff_pages(data)
    except (struct.error, KeyError):
        return "no TIFF, %d octets" % len(data)
    seen = []
    for p in pages:
        text = "%s %dx%d dpi %dx%d" % (p["coding"], *p["dpi"], *p["size"])
        if text not in seen:
            seen.append(text)
    return "%s; %d pages, %d octets" % (", ".join(seen), len(pages), len(data))


def png(tif, out):
    """The first page as PNG: accord recodes it to MMR, netpbm reads that.  The path, or why not."""
    mmr = out + ".tif"
    r = subprocess.run([os.path.join(BIN, "accord"), "convert", tif, "-o", mmr, "--for",
                        "(image-coding=MMR)"], capture_output=True)
    if r.returncode != 0:
        return "no picture: " + r.stderr.decode().strip().replace("\n", "; ")
    with open(out, "wb") as f:
        pnm = subprocess.run(["tifftopnm", mmr], capture_output=True)
        f.write(subprocess.run(["pnmtopng"], input=pnm.stdout, capture_output=True).stdout)
    os.unlink(mmr)
    return out


def maildir(home, box):
    return sorted(glob.glob(os.path.join(home, "mail", box, "new", "*")))


def wait_quiet(accords, seconds=50):
    end = time.time() + seconds
    quiet = 0
    while time.time() < end and quiet < 3:
        quiet = quiet + 1 if not any(a.run("queue", "list")[1] for a in accords) else 0
        time.sleep(0.1)
    return quiet >= 3


def batches(relay):
    """Recipient -> (row of the decision table, what was made, who shared it), from the relay's log."""
    found = {}
    for line in open(os.path.join(relay.home, "log"), errors="replace"):
        pairs = dict(w.split("=", 1) for w in line.split() if "=" in w)
        if pairs.get("event") == "negotiated":
            found[pairs["to"].strip('"')] = (pairs["row"], pairs.get("key", "-").strip('"'))
    order = sorted(set(found.values()))
    return {to: "%d of %d: row %s%s, with %d other%s" % (
        order.index(b) + 1, len(order), b[0], "" if b[1] == "-" else ", converted to " + b[1],
        list(found.values()).count(b) - 1, "" if list(found.values()).count(b) == 2 else "s")
        for to, b in found.items()}


def show_recipient(gateway, relay, name, takes, original, out):
    print("\n%s@fax.example" % name)
    print("  machine takes  %s" % takes)
    batch = batches(relay).get(name + "@fax.example")
    if batch:
        print("  batch          %s" % batch)
    files = maildir(gateway.home, name)
    if not files:
        print("  got            nothing")
        return
    with open(files[0], "rb") as f:
        message = email.message_from_binary_file(f, policy=email.policy.compat32)
    part = image_part(message)
    if part is None:
        print("  got            a message without an image, in %s" % files[0])
        return
    data = part.get_payload(decode=True)
    tif = os.path.join(out, name + ".tif")
    with open(tif, "wb") as f:
        f.write(data)
    print("  got            %s%s" % (describe(data), "" if data != original else " (the original)"))
    for field in ("Content-Type", "Content-Features", "Content-Previous"):
        for value in part.get_all(field, []):
            print("  %-14s %s" % (field, " ".join(value.split())))
    print("  Maildir        %s" % os.path.dirname(os.path.dirname(files[0])))
    print("  first page     %s" % png(tif, os.path.join(out, name + ".png")))


def show_reports(relay):
    for path in maildir(relay.home, "sender"):
        print("\nThe report that came back to sender@relay.example (%s):\n" % path)
        with open(path, "rb") as f:
            message = email.message_from_binary_file(f, policy=email.policy.compat32)
        print("  Subject: %s" % message["Subject"])
        for part in message.walk():
            if part.get_content_type() in ("text/plain", "message/delivery-status"):
                text = part.as_string() if part.is_multipart() else part.get_payload(decode=True).decode()
                print("\n".join("  | " + l for l in text.strip().splitlines()))


def main():
    fax = os.path.join(HERE, "fax-400.tif")
    out = tempfile.mkdtemp(prefix="accord-demo-")
    os.chmod(out, 0o755)
    words = sys.argv[1:]
    if "--keep" in words:
        i = words.index("--keep")
        out = os.path.abspath(words[i + 1])
        os.makedirs(out, exist_ok=True)
        del words[i:i + 2]
    if words:
        fax = os.path.abspath(words[0])
    caps = [l.strip() for l in open(os.path.join(HERE, "caps")) if l.strip() and l[0] != "#"]
    names = [l.split("@")[0] for l in caps]
    ports = free_port(), free_port()
    gateway = Accord(out, "gateway", me="gateway.fax.example", listen="127.0.0.1:%d" % ports[0],
                     locals="fax.example", rcpthosts="fax.example", caps=caps,
                     smtproutes=":[127.0.0.1]:%d" % ports[1],
                     mailboxes=["%s@fax.example maildir:mail/%s" % (n, n) for n in names])
    relay = Accord(out, "relay", me="relay.example", listen="127.0.0.1:%d" % ports[1],
                   locals="relay.example", smtproutes="fax.example:[127.0.0.1]:%d" % ports[0],
                   mailboxes="sender@relay.example maildir:mail/sender")
    gateway.start()
    relay.start()
    try:
        original = open(fax, "rb").read()
        print("The fax: %s\n  %s" % (fax, describe(original)))
        print("  first page     %s" % png(fax, os.path.join(out, "original.png")))
        print("The sender permits: %s" % PERMIT)
        began = time.time()
        code, done, why = relay.run("send", "--conperm", "--convert", PERMIT, "--from",
                                    "sender@relay.example", "--subject", "A fax", "--attach", fax, "--",
                                    *[n + "@fax.example" for n in names], data=b"A fax of three pages.\n")
        if code != 0:
            sys.exit("accord send: " + why)
        print("Sent as %s to %d machines." % (done, len(names)))
        quiet = wait_quiet([relay, gateway])
        print("Done in %.1f s." % (time.time() - began) if quiet else "Something is still queued.")
        for name in names:
            takes = gateway.run("caps", "get", name + "@fax.example")[1]
            show_recipient(gateway, relay, name, takes, original, out)
        show_reports(relay)
        print("\nEverything is kept in %s" % out)
    finally:
        relay.stop()
        gateway.stop()


def programs():
    """Where an account that may not enter this tree finds the programs."""
    build, path = os.path.join(TOP, "build"), os.path.join(TOP, "build")
    while path != "/" and os.stat(path).st_mode & 1:
        path = os.path.dirname(path)
    if path == "/" or os.getuid() != 0:
        return build
    copy = tempfile.mkdtemp(prefix="accord-bin-")
    os.chmod(copy, 0o755)
    for name in glob.glob(os.path.join(build, "accord*")):
        shutil.copy(name, copy)
    return copy


BIN = programs()
main()
