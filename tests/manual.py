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
LEVELS = {"LOG_DEBUG": "debug", "LOG_INFO": "info", "LOG_WARN": "warn", "LOG_ERR": "error"}
SAYS = [("cmd/server/", ["control"]), ("cmd/", ["accord"]), ("start/logger.c", ["log"]),
        ("remote/resolver/", ["resolver"]), ("remote/parent.c", ["remote"]), ("remote/main.c", ["remote"]),
        ("remote/", ["remote-session"])]
SOURCES = ("smtpd", "queue", "qmgr", "remote", "local", "bounce", "convertd", "capd", "learn", "offer", "key", "auth",
           "expand", "ldap", "start", "cmd", "lib")

passed = failed = 0


def check(name, wrong):
    global passed, failed
    if wrong:
        failed += 1
        print(f"FAIL   {name}\n   " + "\n   ".join(sorted(wrong)))
    else:
        passed += 1
        print(f"ok     {name}")


def calls(text, function):
    """Where the calls of a function begin, and their arguments as source text."""
    for m in re.finditer(rf"\b(?:{function})\(", text):
        depth, i = 1, m.end()
        while depth and i < len(text):
            depth += {"(": 1, ")": -1}.get(text[i], 0)
            i += 1
        yield m.start(), text[m.end():i - 1]


def event_words(args):
    return [s for s in re.findall(r'"([^"]*)"', args) if re.fullmatch(r"[a-z]+(-[a-z]+)*", s)][:1]


def events_of(text, at, args):
    """The event is a literal; or those that a comment among the arguments names, /* events: a b */; or
    what the callers of this function give it as its `event`."""
    said = re.search(r"/\* events: ([a-z -]+) \*/", args)
    if said:
        return said.group(1).split()
    if not re.search(r"\bevent\b", args):
        return event_words(args)
    function = re.findall(r"^([a-z_]+)\(", text[:at], re.M)[-1]
    return [e for _, a in calls(text, function) for e in event_words(a)]


def who_says(path):
    """Those that may say a line of this source: of lib/ any process, for the log's proc= is set by main."""
    if path.startswith("lib/"):
        return {"remote", "local"} if path == "lib/worker.c" else {"all"}
    for start, names in SAYS:
        if path.startswith(start):
            return set(names)
    return {path.split("/")[0]}


def log_lines():
    """{event: [keys, levels, processes]} as the sources have them."""
    found = {}
    for folder in SOURCES:
        for path in glob.glob(os.path.join(TOP, folder, "**", "*.c"), recursive=True):
            text = open(path).read()
            path = os.path.relpath(path, TOP)
            for at, args in calls(text, "log_line|log_text"):
                if re.match("enum log_level|char line", args):
                    continue
                literals = re.findall(r'"((?:[^"\\]|\\.)*)"', args)
                events = events_of(text, at, args)
                keys = re.findall(r"(?:^|[ \"])([a-z_]+)=", " ".join(literals))
                levels = [LEVELS[s] for s in re.findall(r"\bLOG_[A-Z]+\b", args)]
                if not events or not levels:
                    print(f"   {path}: which event, which level? {args[:60]!r}")
                for event in events or ["?"]:
                    entry = found.setdefault(event, [set(), set(), set()])
                    for old, new in zip(entry, (keys, levels, who_says(path))):
                        old.update(new)
    for entry in found.values():
        if "all" in entry[2]:
            entry[2] = {"all"}
    return found


def events_told():
    """log-events: EVENT LEVEL|LEVEL PROCESS,PROCESS: KEY KEY"""
    entries = {}
    for line in open(os.path.join(TOP, "man", "log-events")):
        if line[0] not in "#\t\n":
            head, _, keys = line.partition(":")
            event, level, who = head.split()
            entries[event] = [set(keys.split()), set(level.split("|")), set(who.split(","))]
    return entries


def entries_without_text(name):
    """An entry's text stands behind it; one of few words is none."""
    entries, last = {}, None
    for line in open(os.path.join(TOP, "man", name)):
        if line[0] == "\t":
            entries[last] += len(line.split())
        elif line[0] not in "#\n":
            last = line.split()[0]
            entries[last] = 0
    return {e for e, words in entries.items() if words < 2}


def keys_told():
    return {line.strip() for line in open(os.path.join(TOP, "man", "log-keys")) if line[0] not in "#\t\n"}


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
    names = set(re.findall(r"^  ([a-z]+) ", text, re.M)) - {"version"}
    there = {os.path.basename(p) for p in pages()}
    return {"accord --help names no verbs"} if len(names) < 5 else \
        {f"no page for accord {n}" for n in names if f"accord-{n}.1" not in there}


def settings():
    """No text is left of a setting that there is no more; one without a text does not get past the making."""
    text = subprocess.run([os.path.join(TOP, "build", "accord"), "conf", "-H", "/nonexistent", "--json"],
                          capture_output=True, text=True).stdout
    names = set(re.findall(r'^{"name":"([a-z]+)"', text, re.M))
    return names ^ set(os.listdir(os.path.join(TOP, "man", "setting")))


HELPS = {"accord-queue.1": [["queue", v] for v in "list show hold release retry bounce remove fsck".split()],
         **{f"accord-{v}.1": [[v]] for v in "start check reload stat conf send caps convert explain".split()}}
JSON_OF = {"accord-queue.1": ("qlist.c", "qshow.c", "qact.c", "fsck.c"), "accord-stat.1": ("stat.c",),
           "accord-conf.1": ("settings.c",), "accord-send.1": ("send.c",), "accord-caps.1": ("caps.c",),
           "accord-explain.1": ("explain.c", "../lib/inquiry.c")}


def page_text(page):
    return open(os.path.join(OUT, page)).read() if os.path.exists(os.path.join(OUT, page)) else ""


def options():
    """Each option that --help names stands in the page's text, not only in its synopsis."""
    wrong, seen = set(), 0
    for page, calls_ in HELPS.items():
        told = set(re.findall(r"\bFl (-?[A-Za-z-]+)", page_text(page))) | \
            set(re.findall(r"\bFl (-?[A-Za-z-]+)", page_text("accord.1")))
        for words in calls_:
            text = subprocess.run([os.path.join(TOP, "build", "accord"), *words, "--help"],
                                  capture_output=True, text=True).stdout
            for option in re.findall(r"(?<![\w-])-(-?[a-zA-Z]+)", text):
                seen += 1
                if option not in told:
                    wrong.add(f"{page}: no word of -{option} ({' '.join(words)})")
    return wrong if seen > 50 else {f"only {seen} options found"}


def json_keys():
    """Each key that the sources print, as \\"key\\":, by put*(s, N, "key", or json_pair, is a word of the page's keys."""
    wrong = set()
    for page, sources in JSON_OF.items():
        words = set(re.findall(r"[a-z0-9_-]+", page_text(page).partition(".Ss JSON keys")[2]))
        for source in sources:
            text = open(os.path.join(TOP, "cmd", source)).read()
            keys = re.findall(r'\\"([a-z_]+)\\":', text) + re.findall(r'\bput(?:_[a-z]+)?\(s, \d+, "([a-z_]+)"', text)
            keys += re.findall(r'\bjson_pair\([^;]*?, "([a-z_]+)",', text) + \
                re.findall(r'\[INQUIRY_\w+\] = "([a-z-]+)"', text)
            if not keys:
                wrong.add(f"{source}: no keys found")
            wrong.update(f"{page}: no word of {k} ({source})" for k in keys if k not in words)
    return wrong


def main():
    made = subprocess.run(["make", "-s", "man"], cwd=TOP, capture_output=True, text=True)
    check("the manual is made", set(made.stderr.splitlines()) if made.returncode else set())
    check("mandoc -Tlint finds nothing", lint())
    check("references lead somewhere", references())
    check("every program has a page", programs())
    check("every verb has a page", verbs())
    check("the texts of settings are those of the settings", settings())
    check("every option of a verb is in its page", options())
    check("every JSON key is in its verb's page", json_keys())
    said, told, keys = log_lines(), events_told(), keys_told()
    both = [e for e in said if e in told]
    check("every event is in log-events", {e for e in said if e not in told})
    check("log-events has no event that nobody says", {e for e in told if e not in said})
    for i, what in enumerate(("keys", "levels", "processes")):
        check(f"the {what} of every event",
              {f"{e}: said {sorted(said[e][i])}, told {sorted(told[e][i])}" for e in both
               if said[e][i] != told[e][i]})
    used = set().union(*(s[0] for s in said.values())) | EVERY_LINE
    check("every key is in log-keys, and no other", used ^ keys)
    check("every event and key has a text", entries_without_text("log-events") | entries_without_text("log-keys"))
    check("log-events is sorted", set() if list(told) == sorted(told) else {"log-events: sort it"})
    print(f"{passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
