# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""A real directory: Debian's slapd, only unpacked, with dist/ldap/accord.schema, on loopback, in a folder of its own."""
import os
import shutil
import signal
import subprocess
import tempfile

from harness import free_port, wait_for
from peers import distribution

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
SUFFIX = "dc=example,dc=com"
BASE = f"ou=people,{SUFFIX}"
READER, PASSWORD = f"cn=reader,{SUFFIX}", "only-readers-know"


class Slapd:
    """entries: LDIF behind that of dist/ldap/example.ldif; closed: nobody reads without a bind;
    certificate: (certificate, key) for StartTLS and, with tls, ldaps on tls_port."""

    def __init__(self, entries="", closed=False, certificate=None, port=None):
        (self.program, add), self.environ = distribution("slapd", ["slapd"], ["usr/sbin/slapd", "usr/sbin/slapadd"])
        root = self.program[:-len("/usr/sbin/slapd")]
        self.home = tempfile.mkdtemp(prefix="accord-slapd-")
        self.port, self.tls_port = port or free_port(), free_port()
        self.certificate, self.process = certificate, None
        os.mkdir(os.path.join(self.home, "db"))
        self.conf = os.path.join(self.home, "slapd.conf")
        lines = [f"include {root}/etc/ldap/schema/{s}.schema" for s in ("core", "cosine", "inetorgperson")]
        lines += [f"include {TOP}/dist/ldap/accord.schema", f"modulepath {root}/usr/lib/ldap", "moduleload back_mdb",
                  f"pidfile {self.home}/pid"]
        if certificate:
            lines += [f"TLSCertificateFile {certificate[0]}", f"TLSCertificateKeyFile {certificate[1]}"]
        lines += ["database mdb", f"suffix {SUFFIX}", f"directory {self.home}/db", "maxsize 10485760",
                  "index mail eq", f"rootdn {READER}", f"rootpw {PASSWORD}"]
        if closed:
            lines += ["access to * by anonymous auth by * none"]
        with open(self.conf, "w") as f:
            f.write("\n".join(lines) + "\n")
        with open(os.path.join(TOP, "dist/ldap/example.ldif")) as f:
            ldif = f.read() + "\n" + entries
        r = subprocess.run([add, "-f", self.conf], env=self.environ, input=ldif.encode(), capture_output=True)
        if r.returncode != 0:
            raise AssertionError(f"slapadd: {r.stderr.decode()}")

    @property
    def url(self):
        return f"ldap://127.0.0.1:{self.port}/{BASE}"

    def start(self):
        where = f"ldap://127.0.0.1:{self.port}/" + (f" ldaps://127.0.0.1:{self.tls_port}/" if self.certificate else "")
        with open(os.path.join(self.home, "log"), "ab") as log:
            self.process = subprocess.Popen([self.program, "-f", self.conf, "-h", where, "-d", "256"], env=self.environ,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for(lambda: subprocess.run(["ldapsearch", "-x", "-H", f"ldap://127.0.0.1:{self.port}", "-s", "base", "-b", ""],
                                        capture_output=True).returncode == 0)
        return self

    def log(self):
        with open(os.path.join(self.home, "log"), errors="replace") as f:
            return f.read()

    def searches(self):
        """The filters of all searches so far."""
        return [line.split('filter="', 1)[1].rsplit('"', 1)[0] for line in self.log().splitlines()
                if " SRCH base=" in line and 'base=""' not in line]

    def modify(self, ldif):
        subprocess.run(["ldapmodify", "-x", "-H", f"ldap://127.0.0.1:{self.port}", "-D", READER, "-w", PASSWORD],
                       input=ldif.encode(), check=True, capture_output=True)

    def signal(self, which):
        self.process.send_signal(which)

    def stop(self):
        if self.process is None:
            return
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait()
        self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)
