# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""libconneg as others get it: installed, found by pkg-config, used as its page shows; nothing but the functions
of conneg.h is exported, nothing in it can be written to, and it calls nothing that does input or output."""
import os
import re
import shutil
import subprocess
import tempfile
import unittest

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
PREFIX = "/opt/conneg"
# What it may call: memory, strings, sorting, text into a buffer; and what the compiler and the linker put in.
CALLS = {"malloc", "realloc", "free", "memchr", "memcmp", "memcpy", "memmove", "memset", "strchr", "strlen", "qsort",
         "snprintf", "vsnprintf", "bsearch", "__stack_chk_fail", "__cxa_finalize", "__gmon_start__",
         "_ITM_deregisterTMCloneTable", "_ITM_registerTMCloneTable"}


def run(*words, **kept):
    r = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **kept)
    if r.returncode != 0:
        raise AssertionError(f"{' '.join(words)}: {r.stdout}")
    return r.stdout


class TestLibconneg(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dest = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, cls.dest)
        run("make", "-s", "-C", TOP, "install-conneg", f"DESTDIR={cls.dest}", f"PREFIX={PREFIX}")
        cls.lib = cls.dest + PREFIX + "/lib"
        cls.env = dict(os.environ, PKG_CONFIG_PATH=cls.lib + "/pkgconfig", PKG_CONFIG_SYSROOT_DIR=cls.dest)
        cls.shared = os.path.realpath(cls.lib + "/libconneg.so")
        with open(cls.dest + PREFIX + "/include/conneg.h") as f:
            cls.functions = set(re.findall(r"\b(conneg_[a-z_]+)\(", f.read()))
        with open(cls.dest + PREFIX + "/share/man/man3/libconneg.3") as f:
            cls.page = f.read()

    def blocks(self):
        """The literal blocks of the page as mandoc shows them."""
        return [b.replace("\\e", "\\") for b in re.findall(r"^\.Bd -literal\n(.*?)^\.Ed", self.page, re.M | re.S)]

    def build(self, source, *last):
        out = os.path.join(self.dest, "example")
        with open(out + ".c", "w") as f:
            f.write(source)
        flags = run("pkg-config", "--cflags", "--libs", "libconneg", env=self.env).split()
        include = [w for w in flags if w.startswith("-I")]
        libs = [w for w in flags if not w.startswith("-I")]
        run("cc", "-std=c11", "-Wall", "-Wextra", "-Werror", *include, "-o", out, out + ".c", *(last or libs))
        return out

    def test_the_example_of_the_page_runs(self):
        source, output = self.blocks()
        example = self.build(source)
        self.assertEqual(run(example, env=dict(os.environ, LD_LIBRARY_PATH=self.lib)), output)
        self.assertIn("libconneg.so.0", run("ldd", example, env=dict(os.environ, LD_LIBRARY_PATH=self.lib)))
        self.assertEqual(run(self.build(source, self.lib + "/libconneg.a")), output)

    def test_the_page_tells_of_every_function(self):
        head, body = self.page.split(".Sh DESCRIPTION")
        self.assertEqual(set(re.findall(r"^\.Fn (conneg_[a-z_]+)", head, re.M)), self.functions)
        self.assertEqual(set(re.findall(r"^\.Fn (conneg_[a-z_]+)", body, re.M)), self.functions)

    def test_the_header_stands_alone_in_c_and_cxx(self):
        header = self.dest + PREFIX + "/include/conneg.h"
        run("cc", "-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-x", "c", header)
        run("clang++", "-pedantic", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-x", "c++", header)

    def test_only_what_the_header_has_is_exported(self):
        def names(*nm):
            return {w[2].split("@")[0] for w in map(str.split, run(*nm).splitlines()) if len(w) == 3 and w[1] != "A"}
        self.assertEqual(names("nm", "-D", "--defined-only", self.shared), self.functions)
        self.assertEqual(names("nm", "-g", "--defined-only", self.lib + "/libconneg.a"), self.functions)
        self.assertIn("libconneg.so.0]", run("readelf", "-d", self.shared))

    def test_it_has_no_state(self):
        """No section of its object can be written to, but for tables of addresses, which are read-only once
        they are relocated."""
        text = run("objdump", "-h", self.lib + "/libconneg.a")
        sections = re.findall(r"^ *\d+ (\S+) +([0-9a-f]+) .*\n +(.*)$", text, re.M)
        self.assertGreater(len(sections), 20)
        self.assertEqual([], [s for s in sections if int(s[1], 16) > 0 and "ALLOC" in s[2] and
                              "READONLY" not in s[2] and not s[0].startswith(".data.rel.ro")])
        self.assertIn("GNU_RELRO", run("readelf", "-lW", self.shared))

    def test_it_does_no_input_or_output(self):
        called = {re.sub(r"@.*", "", line.split()[-1]) for line in run("nm", "-D", "-u", self.shared).splitlines()}
        self.assertEqual(set(), {re.sub(r"^__(\w+)_chk$", r"\1", c) for c in called} - CALLS)
