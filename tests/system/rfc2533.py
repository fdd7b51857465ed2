# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""Feature expressions (RFC 2533 with the corrections of RFC 2738) read strictly by their grammar, and what
they mean, without a line of accord's: for judging what accord says.

parse(text)         the expression as a tree; Malformed if the grammar has no such text
same(a, b)          do two trees hold for the same collections?  Tried on thousands: by chance, and on the edge of
                    each tree, where they differ if they do
"""
import random
import re
from fractions import Fraction

TAG = re.compile(r"[A-Za-z][A-Za-z0-9:/.%-]*")             # RFC 2506, 3.1.1
NUMBER = re.compile(r"[+-]?[0-9]+(?:\s*/\s*[0-9]+)?")
TOKEN = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
STRING = re.compile(r'"([\x20-\x21\x23-\x7e]*)"')
QVALUE = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")
MANY = 200              # times that collections are tried, the same ones each time


class Malformed(Exception):
    pass


class Reader:
    def __init__(self, text):
        self.text, self.at = text, 0

    def space(self):
        while self.at < len(self.text) and self.text[self.at] in " \t\r\n":
            self.at += 1

    def have(self, literal):
        """Is that next?  Then it is read."""
        self.space()
        if self.text.startswith(literal, self.at):
            self.at += len(literal)
            return True
        return False

    def must(self, literal):
        if not self.have(literal):
            raise Malformed(f"{literal!r} is wanted at {self.text[self.at:self.at + 30]!r}")

    def match(self, pattern, what):
        self.space()
        m = pattern.match(self.text, self.at)
        if not m:
            raise Malformed(f"{what} is wanted at {self.text[self.at:self.at + 30]!r}")
        self.at = m.end()
        return m

    def value(self):
        """A string as ("s", text), a token as ("t", word in lower case), or a number; and its unit."""
        self.space()
        if self.text[self.at:self.at + 1] == '"':
            return ("s", self.match(STRING, "a string")[1]), ""
        if re.match(r"[A-Za-z]", self.text[self.at:self.at + 1]):
            return ("t", self.match(TOKEN, "a token")[0].lower()), ""
        words = self.match(NUMBER, "a value")[0]
        self.space()
        unit = TOKEN.match(self.text, self.at)      # 6.2: fvalue =/ number *WSP token
        if unit:
            self.at = unit.end()
        try:
            return Fraction(re.sub(r"\s", "", words)), " " + unit[0].lower() if unit else ""
        except ZeroDivisionError:
            raise Malformed(words) from None

    def entry(self, tag):
        low, unit = self.value()
        if not self.have(".."):
            return "set", tag + unit, low, low
        high, again = self.value()
        if not isinstance(low, Fraction) or not isinstance(high, Fraction) or again != unit:
            raise Malformed("a range of what is no number, or of two units")
        return "set", tag + unit, low, high

    def item(self):
        """6.2: with a unit it is as if it were another feature."""
        tag = self.match(TAG, "a feature tag")[0].lower()
        for relation in ("<=", ">="):
            if self.have(relation):
                value, unit = self.value()
                return relation, tag + unit, value
        self.must("=")
        if not self.have("["):
            value, unit = self.value()
            return "set", tag + unit, value, value
        entries = [self.entry(tag)]
        while self.have(","):
            entries.append(self.entry(tag))
        self.must("]")
        return "|", entries

    def filter(self):
        self.must("(")
        for operator in "&|":
            if self.have(operator):
                parts = [self.filter()]
                while not self.have(")"):
                    parts.append(self.filter())
                return self.parameters((operator, parts))
        if self.have("!"):
            tree = "!", [self.filter()]
        else:
            tree = self.item()
        self.must(")")
        return self.parameters(tree)

    def parameters(self, tree):
        while self.have(";"):
            name = self.match(TOKEN, "a parameter")[0].lower()
            self.must("=")
            if name == "q":
                self.match(QVALUE, "a quality")
            else:
                self.value()
        return tree


def parse(text):
    r = Reader(text)
    tree = r.filter()
    r.space()
    if r.at < len(text):
        raise Malformed(f"behind its end: {text[r.at:r.at + 30]!r}")
    return tree


def constraints(tree):
    """{tag: what it is compared with}."""
    found = {}
    if tree[0] in "&|!":
        for part in tree[1]:
            for tag, values in constraints(part).items():
                found.setdefault(tag, set()).update(values)
    else:
        found[tree[1]] = set(tree[2:])
    return found


def samples(values):
    """Of each feature a value at, between and beyond all that are named, and a word that nobody names."""
    numbers = sorted(v for v in values if isinstance(v, Fraction))
    found = [v for v in values if not isinstance(v, Fraction)] + numbers + [("t", "x-nobody-names-this")]
    if numbers:
        found += [numbers[0] - 1, numbers[-1] + 1] + [(a + b) / 2 for a, b in zip(numbers, numbers[1:])]
    return found


def holds(tree, collection):
    """3.2: is it true of this one value for each feature?"""
    if tree[0] == "&":
        return all(holds(part, collection) for part in tree[1])
    if tree[0] == "|":
        return any(holds(part, collection) for part in tree[1])
    if tree[0] == "!":
        return not holds(tree[1][0], collection)
    value = collection[tree[1]]
    if not isinstance(value, Fraction) or not isinstance(tree[2], Fraction):
        return value == tree[2]
    if tree[0] == "set":
        return tree[2] <= value <= tree[3]
    return value <= tree[2] if tree[0] == "<=" else value >= tree[2]


def inside(tree, chance):
    """Values that a tree asks for: one branch of each "|", so that collections which hold are tried too."""
    if tree[0] == "&":
        found = {}
        for part in tree[1]:
            found.update(inside(part, chance))
        return found
    if tree[0] == "|":
        return inside(chance.choice(tree[1]), chance)
    return {} if tree[0] == "!" else {tree[1]: chance.choice(tree[2:])}


def same(a, b):
    chance = random.Random(1)
    found = constraints(a)
    for tag, values in constraints(b).items():
        found.setdefault(tag, set()).update(values)
    choices = {tag: sorted(samples(values), key=repr) for tag, values in sorted(found.items())}

    def anything():
        return {tag: chance.choice(values) for tag, values in choices.items()}

    for _ in range(MANY):
        for tree in (a, b):
            near = {**anything(), **inside(tree, chance)}
            one = chance.choice(list(choices))
            for collection in (anything(), near, {**near, one: chance.choice(choices[one])}):
                if holds(a, collection) != holds(b, collection):
                    return False
    return True
