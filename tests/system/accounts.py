# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""The accounts of dist/accounts: made when they are missing, removed by the last test run that needs them."""
import atexit
import fcntl
import os
import pwd
import re
import subprocess

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
LOCK = "/run/accord-test-accounts"      # held by whoever needs the accounts; names what tests made


def account_names():
    with open(os.path.join(TOP, "dist", "accounts")) as f:
        return ["accord-" + n for n in re.search(r"for name in (.*); do", f.read()).group(1).split()]


def have_account(name):
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def release_accounts(lock):
    fcntl.flock(lock, fcntl.LOCK_UN)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return                          # another run needs them, and removes them
    for name in os.pread(lock, 4096, 0).decode().split():
        subprocess.run(["userdel", name], capture_output=True)
        subprocess.run(["groupdel", name], capture_output=True)
    os.ftruncate(lock, 0)


def need_accounts(done=[]):
    if done:
        return
    lock = os.open(LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    missing = [n for n in account_names() if not have_account(n)]
    if missing:
        os.pwrite(lock, (os.pread(lock, 4096, 0).decode() + " " + " ".join(missing)).encode(), 0)
        subprocess.run(["sh", os.path.join(TOP, "dist", "accounts")], check=True, capture_output=True)
    fcntl.flock(lock, fcntl.LOCK_SH)
    atexit.register(release_accounts, lock)
    done.append(lock)
