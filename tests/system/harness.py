# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""What the system tests share: whole accord instances under a temporary home, a raw SMTP client,
and a next hop that says what a test tells it to say and writes down every line of both sides."""
import atexit
import fcntl
import json
import os
import pwd
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import time
import unittest

from accounts import need_accounts

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.path.join(TOP, os.environ.get("ACCORD_BUILD", "build"))
ORDINARY = "nobody"     # whom a test run by root runs accord as
ACCOUNTS = object()     # instead of a user's name: root starts it, each process has its own account
DATA = os.path.join(TOP, "tests", "data")
SLOW = 8 if "san" in BUILD else 3 if os.environ.get("CI") else 1


def programs(build=BUILD):
    """Where the programs are, for an account that may not enter the source tree's folders."""
    path = build
    while path != "/" and os.stat(path).st_mode & 0o001:
        path = os.path.dirname(path)
    if path == "/" or os.getuid() != 0:
        return build
    copy = tempfile.mkdtemp(prefix="accord-bin-")
    os.chmod(copy, 0o755)
    atexit.register(shutil.rmtree, copy, True)
    for name in os.listdir(build):
        if name.startswith("accord") and os.path.isfile(os.path.join(build, name)):
            shutil.copy(os.path.join(build, name), copy)
    return copy


def make(*words, **how):
    """make in this tree, of the programs under test; one at a time, as tests run side by side."""
    with open(os.path.join(BUILD, ".make-lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(["make", "-s", "O=" + os.path.basename(BUILD), *(["SAN=1"] if "san" in BUILD else []), *words],
                       cwd=TOP, check=True, **how)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(what, seconds=20, every=0.02):
    """Calls what until it is true; returns its value.  Fails the test after some seconds."""
    end = time.monotonic() + seconds * SLOW
    while True:
        got = what()
        if got:
            return got
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds * SLOW} s in vain for {getattr(what, '__name__', what)}")
        time.sleep(every)


def descendants(pid):
    """Children of a process, theirs, and so on; each generation in the order of birth."""
    found, todo = [], [pid]
    while todo:
        try:
            with open(f"/proc/{todo[0]}/task/{todo[0]}/children") as f:
                kids = [int(p) for p in f.read().split()]
        except (FileNotFoundError, ProcessLookupError):
            kids = []
        found += kids
        todo = todo[1:] + kids
    return found


def comm(pid):
    """The name of a process; "" when it has ended, also when nobody has waited for it yet."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            text = f.read()
        name, state = text[text.index("(") + 1:text.rindex(")")], text[text.rindex(")") + 2]
        return "" if state in "ZX" else name
    except (FileNotFoundError, ProcessLookupError):
        return ""


class Instance:
    """One accord: settings as keyword arguments (a string, or a list of lines).  user: whom it runs
    as; launcher: words in front of the command, which make it that user without accord's help."""
    bin, environ = None, {}     # the programs' folder, None: BIN; what is added to their environment

    def __init__(self, user=None, launcher=(), **settings):
        self.home = tempfile.mkdtemp(prefix="accord-test-")
        atexit.register(shutil.rmtree, self.home, True)
        os.chmod(self.home, 0o755)
        self.control = os.path.join(self.home, "control")
        os.mkdir(self.control)
        if user is ACCOUNTS and os.getuid() != 0:
            raise AssertionError("only root can run each process under an account of its own")
        if user is ACCOUNTS:
            need_accounts()
        self.user = None if user is ACCOUNTS else \
            user if user is not None or os.getuid() != 0 else ORDINARY
        self.launcher = list(launcher)
        self.port = free_port()
        self.process = None
        self.log_path = os.path.join(self.home, "log")
        self.clock_path = os.path.join(self.home, "clock")
        with open(self.clock_path, "wb") as f:
            f.write(struct.pack("=q", 0))
        settings.setdefault("me", "gateway.example")
        settings.setdefault("listen", f"127.0.0.1:{self.port}")
        settings.setdefault("locals", "gateway.example")
        settings.setdefault("nameservers", "127.0.0.1@1")     # nobody outside is asked
        for name, value in settings.items():
            self.set(name, value)
        self.own()

    def own(self):
        """Everything in the home belongs to the account that accord runs under."""
        if self.user is not None:
            who = pwd.getpwnam(self.user)
            for top, dirs, files in os.walk(self.home):
                for name in [top] + [os.path.join(top, n) for n in dirs + files]:
                    os.chown(name, who.pw_uid, who.pw_gid)

    def set(self, name, value):
        with open(os.path.join(self.control, name), "w") as f:
            f.write(value if isinstance(value, str) else "\n".join(value))
            f.write("\n")

    def start(self, expect=True):
        words = self.launcher + [os.path.join(self.bin or BIN, "accord"), "start", "-H", self.home, "-C",
                                 self.clock_path]
        if self.user is not None and not self.launcher:
            words += ["-u", self.user]
        self.log = open(self.log_path, "ab")
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=self.log, start_new_session=True,
                                        env={**os.environ, **self.environ})
        self.first_line = self.process.stdout.readline()
        if expect and self.first_line != b"accord: ready\n":
            self.stop()
            raise AssertionError(f"not ready: {self.first_line!r}\n{self.read_log()[-6000:]}")
        return self

    def stop(self, seconds=5):
        """SIGTERM; returns how long it took, or None if it had to be killed."""
        if self.process is None:
            return 0
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(seconds * SLOW)
            took = time.monotonic() - began
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            took = None
        self.process.stdout.close()
        self.log.close()
        self.process = None
        return took

    def crash(self):
        """kill -9 of everything at once."""
        everyone = [self.process.pid] + descendants(self.process.pid)
        for pid in everyone:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()
        self.process.stdout.close()
        self.log.close()
        self.process = None
        wait_for(lambda: not any(os.path.exists(f"/proc/{p}") for p in everyone))

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        took = self.stop()
        log = self.read_log()
        if kind is None:
            shutil.rmtree(self.home, ignore_errors=True)
            if took is None:
                raise AssertionError("accord did not stop in time\n" + log[-3000:])
            if "Sanitizer" in log or "runtime error" in log:
                raise AssertionError("a sanitizer spoke:\n" + log[-6000:])
        else:
            print(f"--- log of {self.home}\n{log[-6000:]}\n---")

    def read_log(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()

    def log_lines(self, **want):
        """Log lines (as dicts) that have these values.  The logger writes some milliseconds after the
        event, so when there are none it is looked at again for a while."""
        end = time.monotonic() + 0.2
        while True:
            found = []
            for line in self.read_log().splitlines():
                pairs = parse_log(line)
                if all(pairs.get(k) == v for k, v in want.items()):
                    found.append(pairs)
            if found or time.monotonic() > end:
                return found
            time.sleep(0.02)

    def logged(self, count, **want):
        """The same, once there are so many."""
        return wait_for(lambda: (found := self.log_lines(**want)) and len(found) >= count and found)

    def pids(self, role):
        """Live processes of one daemon of this instance: the parent first."""
        return [p for p in descendants(self.process.pid) if comm(p) == f"accord-{role}"[:15]]

    def kill(self, role, sig=signal.SIGKILL):
        """Kills a daemon's parent process; returns its pid."""
        pid = self.pids(role)[0]
        os.kill(pid, sig)
        return pid

    def step_clock(self, seconds):
        with open(self.clock_path, "r+b") as f:
            now, = struct.unpack("=q", f.read(8))
            f.seek(0)
            f.write(struct.pack("=q", now + int(seconds * 1000)))

    def accord(self, *words, data=b"", check=True):
        r = subprocess.run([os.path.join(self.bin or BIN, "accord"), *words[:1], "-H", self.home, *words[1:]],
                           input=data, capture_output=True)
        if check and r.returncode != 0:
            raise AssertionError(f"accord {words}: {r.returncode} {r.stderr.decode()}")
        return r

    def queue(self):
        r = self.accord("queue", "list", "--json")
        return [json.loads(line) for line in r.stdout.decode().splitlines()]

    def wait_empty(self, seconds=20):
        wait_for(lambda: not self.queue(), seconds)

    def maildir(self, path="mail/postmaster"):
        """Messages of a Maildir, oldest first."""
        new = os.path.join(self.home, path, "new")
        if not os.path.isdir(new):
            return []
        found = []
        for name in sorted(os.listdir(new)):
            with open(os.path.join(new, name), "rb") as f:
                found.append(f.read())
        return found

    def client(self, **kw):
        return Client(self.port, **kw)

    def send(self, sender, recipients, message, mail="", rcpt=""):
        """One message by SMTP, pipelined as little as possible; returns the reply to the dot."""
        with self.client() as c:
            c.ehlo()
            c.must("250", f"MAIL FROM:<{sender}>{mail}")
            for r in recipients:
                c.must("250", f"RCPT TO:<{r}>{rcpt}")
            c.must("354", "DATA")
            return c.must("250", data=dot(message))


BIN = programs()


class Shared(unittest.TestCase):
    """Tests that share the instances and next hops that setUpClass makes."""

    @classmethod
    def share(cls, thing):
        """Enters it; it is left behind the last test, an instance with its log if one has failed."""
        cls.failed = False
        cls.addClassCleanup(lambda: thing.__exit__(AssertionError if cls.failed else None, None, None))
        return thing.__enter__()

    def tearDown(self):
        result = self._outcome.result
        type(self).failed |= any(getattr(t, "test_case", t) is self for t, _ in result.failures + result.errors)


def parse_log(line):
    pairs, i = {}, 0
    while i < len(line):
        eq = line.find("=", i)
        if eq == -1:
            break
        key = line[i:eq].strip()
        if line[eq + 1:eq + 2] == '"':
            end = eq + 2
            while end < len(line) and line[end] != '"':
                end += 2 if line[end] == "\\" else 1
            pairs[key] = line[eq + 2:end]
            i = end + 1
        else:
            end = line.find(" ", eq)
            end = len(line) if end == -1 else end
            pairs[key] = line[eq + 1:end]
            i = end + 1
    return pairs


def crlf(text):
    if isinstance(text, str):
        text = text.encode()
    return text.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def dot(message):
    """A message as it goes behind DATA."""
    body = crlf(message)
    if not body.endswith(b"\r\n"):
        body += b"\r\n"
    lines = body.split(b"\r\n")
    return b"\r\n".join(b"." + l if l.startswith(b".") else l for l in lines) + b".\r\n"


class Client:
    """SMTP by hand."""

    def __init__(self, port, host="127.0.0.1", banner=True, timeout=20, source=None):
        self.socket = socket.create_connection((host, port), timeout=timeout * SLOW,
                                               source_address=source and (source, 0))
        self.file = self.socket.makefile("rb")
        self.banner = self.reply() if banner else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.file.close()
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())

    def secure(self, name=None, context=None, session=None, ask=True):
        """TLS from here on, by STARTTLS unless the listener begins with it; no certificate is believed or not."""
        if ask:
            self.must("220", "STARTTLS")
        if context is None:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.file.close()
        self.socket = context.wrap_socket(self.socket, server_hostname=name, session=session)
        self.file = self.socket.makefile("rb")
        return self

    def reply(self):
        """The lines of one reply, without line ends; [] at end of file."""
        lines = []
        while True:
            line = self.file.readline()
            if not line:
                return lines
            assert line.endswith(b"\r\n"), line
            assert len(line) <= 512, len(line)
            line = line[:-2].decode("latin-1")
            lines.append(line)
            if line[3:4] != "-":
                return lines

    def cmd(self, line=None, data=None):
        self.send(data if data is not None else line + "\r\n")
        return self.reply()

    def must(self, code, line=None, data=None):
        got = self.cmd(line, data)
        assert got and got[-1].startswith(code), f"{line!r}: wanted {code}, got {got}"
        return got

    def ehlo(self, name="client.example"):
        return [l[4:] for l in self.must("250", f"EHLO {name}")]


class NextHop:
    """A server on .port of the loopback that mail may be routed to, and that is closed in the end."""

    @property
    def route(self):
        return f":[127.0.0.1]:{self.port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Peer(NextHop):
    """A next hop.  Everything said is in .sessions, every message accepted in .messages.

    ext: EHLO keywords.  caps: {address: expression, list of reply lines, or None}.
    on: {"VERB": function(session, line) -> reply text (may have several lines), None for the usual
    one, or False to close}; "EOD" is the end of data, "CONNECT" the banner.
    """

    def __init__(self, ext=("PIPELINING", "8BITMIME", "SIZE 0", "ENHANCEDSTATUSCODES"), caps=None,
                 on=None, port=0, host="127.0.0.1"):
        self.ext, self.caps, self.on = list(ext), caps or {}, on or {}
        self.sessions, self.messages = [], []
        self.lock = threading.Lock()
        self.server = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.server.bind((host, port))
        self.server.listen(128)
        self.port = self.server.getsockname()[1]
        self.closing = False
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def close(self):
        self.closing = True
        try:
            self.server.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.server.close()

    def _accept(self):
        while not self.closing:
            try:
                s, _ = self.server.accept()
            except OSError:
                return
            session = Session(self, s)
            with self.lock:
                self.sessions.append(session)
            threading.Thread(target=session.run, daemon=True).start()

    def transcripts(self):
        return [s.lines for s in self.sessions]

    def said(self, verb):
        """Every client line that begins with verb, all sessions in order."""
        return [l for s in self.sessions for side, l in s.lines
                if side == "C" and l.upper().startswith(verb)]


class Session:
    def __init__(self, peer, sock):
        self.peer, self.sock = peer, sock
        self.file = sock.makefile("rb")
        self.lines = []
        self.reset()

    def reset(self):
        self.mail, self.rcpt, self.body = None, [], b""

    def say(self, text):
        for line in text.split("\n"):
            self.lines.append(("S", line))
        self.sock.sendall(text.replace("\n", "\r\n").encode("latin-1") + b"\r\n")

    def run(self):
        try:
            if self.answer("CONNECT", "") is False:
                return
            while True:
                line = self.file.readline()
                if not line:
                    self.lines.append(("C", "(closed)"))
                    return
                line = line.decode("latin-1").rstrip("\r\n")
                self.lines.append(("C", line))
                verb = line.split(" ")[0].upper()
                if self.answer(verb, line) is False or verb == "QUIT":
                    return
        except OSError:
            self.lines.append(("C", "(broken)"))
        finally:
            self.file.close()
            self.sock.close()

    def chunk(self, line):
        """BDAT: the octets are read whatever the answer (RFC 3030, 2).  False: the client has gone."""
        words = line.split()
        octets = self.file.read(int(words[1]))
        if len(octets) < int(words[1]):
            self.lines.append(("C", "(closed in a chunk)"))
            return False
        self.body += octets
        last = words[2:] == ["LAST"]
        text = None
        for name in ["BDAT"] + ["EOD"] * last:
            hook = self.peer.on.get(name)
            if text is None and hook:
                text = hook(self, line if name == "BDAT" else self.body)
        if text is False:
            return False
        text = text or "250 2.0.0 taken"
        if last and text.startswith("2"):
            with self.peer.lock:
                self.peer.messages.append({"mail": self.mail, "rcpt": list(self.rcpt), "data": self.body})
        if last:
            self.reset()
        self.say(text)
        return True

    def answer(self, verb, line):
        if verb == "BDAT":
            return self.chunk(line)
        hook = self.peer.on.get(verb)
        text = hook(self, line) if hook else None
        if text is False:
            return False
        if text is None:
            text = getattr(self, "do_" + verb.lower(), lambda _: "502 5.5.1 what?")(line)
        if verb == "RCPT" and text.startswith("2"):
            self.rcpt.append(line)
        if verb == "MAIL" and text.startswith("2"):
            self.mail, self.rcpt, self.body = line, [], b""
        self.say(text)
        if verb == "DATA" and text.startswith("354"):
            return self.data()
        return True

    def data(self):
        lines = []
        while True:
            line = self.file.readline()
            if not line:
                self.lines.append(("C", "(closed in data)"))
                return False
            if line == b".\r\n":
                break
            lines.append(line[1:] if line.startswith(b".") else line)
        body = b"".join(lines)
        self.lines.append(("C", f"({len(body)} octets)"))
        hook = self.peer.on.get("EOD")
        text = hook(self, body) if hook else None
        if text is False:
            return False
        if text is None:
            text = "250 2.0.0 taken"
        if text.startswith("2"):
            with self.peer.lock:
                self.peer.messages.append({"mail": self.mail, "rcpt": list(self.rcpt), "data": body})
        self.reset()
        self.say(text)
        return True

    def do_connect(self, _):
        return "220 hop.example ESMTP"

    def do_ehlo(self, _):
        lines = ["hop.example"] + self.peer.ext
        return "\n".join("250-" + l for l in lines[:-1]) + ("\n" if lines[1:] else "") + "250 " + lines[-1]

    def do_helo(self, _):
        return "250 hop.example"

    def do_mail(self, _):
        return "250 2.1.0 sender ok"

    def do_rcpt(self, line):
        address = line[line.index("<") + 1:line.rindex(">")]
        caps = self.peer.caps.get(address)
        if " CONNEG" not in line.upper() or caps is None:
            return "250 2.1.5 recipient ok"
        if isinstance(caps, str):
            caps = ["250-2.1.5 recipient ok", "250 2.1.5 CONNEG " + caps]
        return "\n".join(caps)

    def do_data(self, _):
        return "354 go on"

    def do_rset(self, _):
        self.reset()
        return "250 2.0.0 ok"

    def do_noop(self, _):
        return "250 2.0.0 ok"

    def do_quit(self, _):
        return "221 2.0.0 bye"
