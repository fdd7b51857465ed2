# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""Does every claim of tests/README.md have tests that are there and run?"""
import ast
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
ROW = re.compile(r"^\| (.+?) \| (.*) \|$")
REQUIREMENT = re.compile(r"^((?:DR|[RGHBD])\d+[a-z]?) ")
HEADS = ("claim", "requirement", "row")
WHOLE = "test_pitfalls"     # each of its tests has to be named


def read(*path):
    with open(os.path.join(HERE, *path)) as f:
        return f.read()


def unit_tests():
    """FOLDER/SUITE.NAME of what is written and given to its suite, by file."""
    found = set()
    for folder in os.listdir(os.path.join(HERE, "unit")):
        path = os.path.join(HERE, "unit", folder)
        for name in os.listdir(path) if os.path.isdir(path) else []:
            if not (name.startswith("test_") and name.endswith(".c")):
                continue
            text = read("unit", folder, name)
            added = set(re.findall(r"(?:tcase_add_\w+\(\s*\w+,\s*|\tLOOP\()(\w+)", text))
            found |= {f"{folder}/{name[5:-2]}.{t}" for t in re.findall(r"^START_TEST\((\w+)\)", text, re.M)
                      if t in added}
    return found


def system_tests():
    """FILE.NAME of each method test_… of a class, and of each Row("NAME", …) of a table."""
    found = set()
    for name in os.listdir(os.path.join(HERE, "system")):
        if not (name.startswith("test_") and name.endswith(".py")):
            continue
        tree = ast.parse(read("system", name))
        for c in tree.body:
            if isinstance(c, ast.ClassDef):
                found |= {f"{name[:-3]}.{m.name}" for m in c.body
                          if isinstance(m, ast.FunctionDef) and m.name.startswith("test_")}
        found |= {f"{name[:-3]}.test_" + re.sub(r"\W+", "_", c.args[0].value) for c in ast.walk(tree)
                  if isinstance(c, ast.Call) and isinstance(c.func, ast.Name) and c.func.id == "Row"}
    return found


def mutants():
    return set(re.findall(r"^name: (.*)", read("mutants", "table"), re.M))


def judge(text, there, faults):
    """What is wrong, and the tests that are named."""
    wrong, named, rows = [], set(), 0
    for line in text.splitlines():
        m = ROW.match(line)
        if not m or m[1] in HEADS or set(m[1]) <= set("-|"):
            continue
        rows += 1
        tests = re.findall(r"`([^`]+)`", m[2])
        if not tests:
            wrong.append(f"no test: {m[1]}")
        for t in tests:
            named.add(t)
            if t not in there and not (t.startswith("tests/") and os.path.isfile(os.path.join(TOP, t))):
                wrong.append(f"{m[1]}: there is no test {t}")
        wrong += [f"{m[1]}: there is no mutant {name}" for name in re.findall(r'"([^"]+)"', m[2]) if name not in faults]
        number = REQUIREMENT.match(m[1])
        if number and not any(re.search(rf"[._]{number[1]}(_|$)", t) for t in tests):
            wrong.append(f"{m[1]}: no test has {number[1]} in its name")
    return wrong, named, rows


def main():
    there = unit_tests() | system_tests()
    wrong, named, rows = judge(read("README.md"), there, mutants())
    wrong += [f"{t} is not in tests/README.md" for t in sorted(there - named) if t.startswith(WHOLE + ".")]
    for line in wrong:
        print(line)
    print(f"{rows - len(wrong)} passed, {len(wrong)} failed")
    sys.exit(1 if wrong or not rows else 0)


main()
