#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""The manual tells of everything there is: a page for every program, verb and setting, an entry for
every log line with its keys; all pages are made and are clean mdoc."""
import glob
import os
import re
import subprocess
import sys

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
OUT = os.path.join(TOP, "build", "manual")
EVERY_LINE = {"ts", "level", "proc", "id", "event", "dropped"}
SOURCES = ("smtpd", "queue", "qmgr", "remote", "local", "bounce", "convertd", "capd", "start", "cmd", "lib")

passed = failed = 0


def check(name, wrong):
    global passed, failed
    if wrong:
        failed += 1
        print(f"FAIL   {name}\n   " + "\n   ".join(sorted(wrong)))
    else:
        passed += 1
        print(f"ok     {name}")


def calls(text):
    """The arguments of each log_line call, as source text."""
    for m in re.finditer(r"\blog_line\(", text):
        depth, i = 1, m.end()
        while depth and i < len(text):
            depth += {"(": 1, ")": -1}.get(text[i], 0)
            i += 1
        yield text[m.end():i - 1]


def log_lines():
    """{event: keys} as the sources have them.  A call whose event is no literal names its events in a
    comment before it: /* events: a b */"""
    found = {}
    for folder in SOURCES:
        for path in glob.glob(os.path.join(TOP, folder, "**", "*.c"), recursive=True):
            text = open(path).read()
            for args in calls(text):
                if args.startswith("enum log_level"):
                    continue
                literals = re.findall(r'"((?:[^"\\]|\\.)*)"', args)
                said = re.search(r"/\* events: ([a-z -]+) \*/", args)
                events = said.group(1).split() if said else \
                    [s for s in literals if re.fullmatch(r"[a-z]+(-[a-z]+)*", s)][:1]
                keys = re.findall(r"(?:^|[ \"])([a-z_]+)=", " ".join(literals))
                if not events:
                    print(f"   {os.path.relpath(path, TOP)}: which event? {args[:60]!r}")
                    events = ["?"]
                for event in events:
                    found.setdefault(event, set()).update(keys)
    return found


def table(name):
    entries = {}
    for line in open(os.path.join(TOP, "man", name)):
        if line[0] not in "#\t\n":
            head, _, keys = line.partition(":")
            entries[head.split()[0]] = set(keys.split())
    return entries


def pages():
    return sorted(glob.glob(os.path.join(OUT, "*.[1-9]")))


def lint():
    wrong = set()
    for page in pages():
        p = subprocess.run(["mandoc", "-Tlint", "-Wwarning", page], capture_output=True, text=True)
        wrong.update((p.stdout + p.stderr).splitlines())
    return wrong


def references():
    there = {tuple(os.path.basename(p).rsplit(".", 1)) for p in pages()}
    wrong = set()
    for page in pages():
        for name, section in re.findall(r"^\.Xr (accord\S*|sendmail|mailq) ([1-9])", open(page).read(), re.M):
            if (name, section) not in there:
                wrong.add(f"{os.path.basename(page)} refers to {name}({section})")
    return wrong


def programs():
    names = {os.path.basename(p) for p in glob.glob(os.path.join(TOP, "build", "accord*"))
             if os.path.isfile(p) and os.access(p, os.X_OK)}
    there = {os.path.basename(p) for p in pages()}
    return {f"no page for {n}" for n in names if n + ".8" not in there and n + ".1" not in there}


def verbs():
    text = subprocess.run([os.path.join(TOP, "build", "accord"), "--help"], capture_output=True, text=True).stdout
    names = set(re.findall(r"^  accord ([a-z]+)", text, re.M))
    there = {os.path.basename(p) for p in pages()}
    return {"accord --help names no verbs"} if len(names) < 5 else \
        {f"no page for accord {n}" for n in names if f"accord-{n}.1" not in there}


def main():
    made = subprocess.run(["make", "-s", "man"], cwd=TOP, capture_output=True, text=True)
    check("the manual is made", set(made.stderr.splitlines()) if made.returncode else set())
    check("mandoc -Tlint finds nothing", lint())
    check("references lead somewhere", references())
    check("every program has a page", programs())
    check("every verb has a page", verbs())
    said, told, keys = log_lines(), table("log-events"), table("log-keys")
    check("every event is in log-events", {e for e in said if e not in told})
    check("log-events has no event that nobody says", {e for e in told if e not in said})
    check("the keys of every event", {f"{e}: {sorted(said[e] ^ told[e])}" for e in said
                                      if e in told and said[e] != told[e]})
    used = set().union(*said.values()) | EVERY_LINE
    check("every key is in log-keys, and no other", used ^ set(keys))
    check("log-events is sorted", set() if list(told) == sorted(told) else {"log-events: sort it"})
    print(f"{passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
