# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""Mutants: one-line faults put into accord, each of which the named test must see.

run.py                 all of them
run.py --random N      N by chance (what CI does; the seed is printed)
run.py NAME...         these

tests/mutants/table: blocks of five lines, a blank line between:
    name: what is wrong then
    file: the source
    from: text that stands there exactly once
    to:   what stands there instead
    test: "unit FOLDER" or "system NAME"
"""
import os
import random
import shutil
import subprocess
import sys
import tempfile

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))


def table():
    found, block = [], {}
    with open(os.path.join(TOP, "tests", "mutants", "table")) as f:
        for line in list(f) + ["\n"]:
            line = line.rstrip("\n")
            if line.startswith("#"):
                continue
            if not line.strip():
                if block:
                    found.append(block)
                block = {}
                continue
            key, value = line.split(":", 1)
            block[key] = value.strip() if key in ("name", "file", "test") else value[1:] if value[:1] == " " else value
    return found


def sources():
    return subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=TOP, capture_output=True,
                          text=True, check=True).stdout.split("\n")


def copy(to):
    for name in sources():
        if name and os.path.isfile(os.path.join(TOP, name)):
            os.makedirs(os.path.dirname(os.path.join(to, name)), exist_ok=True)
            shutil.copy2(os.path.join(TOP, name), os.path.join(to, name))
    if os.path.isdir(os.path.join(TOP, "build")):
        shutil.copytree(os.path.join(TOP, "build"), os.path.join(to, "build"), copy_function=shutil.copy2)


def run_test(tree, test):
    """True if the test saw the fault."""
    kind, name = test.split(" ", 1)
    if kind == "unit":
        build = ["make", "-s", "-j2", f"build/tests/unit-{name}"]
        words = [f"build/tests/unit-{name}"]
    else:
        build = ["make", "-s", "-j2"]
        words = ["python3", "tests/system/run.py"] + name.split()
    built = subprocess.run(build, cwd=tree, capture_output=True, text=True)
    if built.returncode != 0:
        raise RuntimeError("does not build: " + built.stderr[-600:])
    try:
        return subprocess.run(words, cwd=tree, capture_output=True, timeout=300,
                              env={**os.environ, "CK_DEFAULT_TIMEOUT": "60"}).returncode != 0
    except subprocess.TimeoutExpired:
        return True


def mutate(tree, m):
    path = os.path.join(tree, m["file"])
    with open(path) as f:
        text = f.read()
    if text.count(m["from"]) != 1:
        raise RuntimeError(f"{m['file']}: {text.count(m['from'])} times: {m['from']!r}")
    with open(path, "w") as f:
        f.write(text.replace(m["from"], m["to"]))
    return path, text


def main():
    words, mutants = sys.argv[1:], table()
    if words[:1] == ["--random"]:
        seed = int(os.environ.get("ACCORD_SEED", random.randrange(1 << 30)))
        print(f"seed {seed}")
        mutants = random.Random(seed).sample(mutants, min(int(words[1]), len(mutants)))
    elif words:
        mutants = [m for m in mutants if any(w in m["name"] for w in words)]
    seen = missed = 0
    with tempfile.TemporaryDirectory(prefix="accord-mutants-") as tree:
        os.chmod(tree, 0o755)
        copy(tree)
        for m in mutants:
            try:
                path, text = mutate(tree, m)
                caught = run_test(tree, m["test"])
                with open(path, "w") as f:
                    f.write(text)
            except RuntimeError as why:
                caught = False
                print(why)
            seen, missed = seen + caught, missed + (not caught)
            print(f"{'caught' if caught else 'MISSED'}  {m['name']}  ({m['test']})", flush=True)
    print(f"{seen} passed, {missed} failed")
    sys.exit(1 if missed or not seen else 0)


main()
