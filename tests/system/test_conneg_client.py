# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""CONPERM and CONNEG as a client before hops whose lists are badly made, hostile, or too much, and the
settings of negotiation.  Rows B… are those of the decision table, R… the requirements of RFC 4141."""
import time

import fax
from harness import SLOW, wait_for
from test_conperm import BOTH, Relay

MMR_FORM = {("MMR", (200, 200))}
ORIGINAL = {("JBIG", (400, 400))}
PATIENCE = 8            # seconds in which a hostile list has to be dealt with


def who(line):
    return line[line.index("<") + 1:line.rindex(">")].split("@")[0]


def form(message):
    return fax.codings(message["data"])[0]


class Base(Relay):
    def settled(self, hop, acc, *names, form_=MMR_FORM):
        """All is delivered, each recipient once, in that form."""
        acc.wait_empty()
        self.assertEqual(sorted(who(r) for m in hop.messages for r in m["rcpt"]), sorted(names))
        for m in hop.messages:
            self.assertEqual(form(m), form_, m["rcpt"])
        self.assertEqual(acc.maildir(), [])

    def asked(self, hop, name):
        """The RCPT lines of a recipient, what follows the address."""
        return [l[l.rindex(">") + 1:] for l in hop.said("RCPT") if who(l) == name]

    def to(self, *names):
        return [f"{n}@far.example" for n in names]


def lists(form_):
    """Ways to send one list, each to be understood."""
    words = form_.split(" ")
    half = len(words) // 2
    first, second = " ".join(words[:half]), " ".join(words[half:])
    ok = "250-2.1.5 recipient ok"
    return {
        "as RFC 4141 has it": ["250-ok", "250-CONNEG " + first, "250 CONNEG " + second],
        "with codes": [ok, "250-2.1.5 CONNEG " + first, "250 2.1.5 CONNEG " + second],
        "codes here and there": [ok, "250-CONNEG " + first, "250 2.1.5 CONNEG " + second],
        "lower": [ok, "250-2.1.5 conneg " + first, "250 conneg " + second],
        "mixed": [ok, "250 2.1.5 ConNeg " + form_],
        "single": ["250 2.1.5 CONNEG " + form_],
        "single-bare": ["250 CONNEG " + form_],
        "words": [ok] + ["250-2.1.5 CONNEG " + w for w in words[:-1]] + ["250 2.1.5 CONNEG " + words[-1]],
        "empty-last": [ok, "250-2.1.5 CONNEG " + form_, "250 2.1.5 CONNEG"],
        "empty-last-space": [ok, "250-2.1.5 CONNEG " + form_, "250 2.1.5 CONNEG "],
        "empty-first": ["250-2.1.5 CONNEG", "250-2.1.5 CONNEG " + form_, "250 2.1.5 CONNEG "],
        "others-between": ["250-2.1.5 CONNEG " + first, "250-2.1.5 what CONNEG is", "250-", "250-CONNEGS (x)",
                           "250-2.1.5 CONNEG " + second, "250 2.1.5 done"],
        "spaces": [ok, "250-2.1.5   CONNEG  " + first + "  ", "250 2.1.5 CONNEG   " + second],
        "no-space-after-code": ["250-2.1.5<b@far.example>", "250 2.1.5 CONNEG " + form_],
        "one-long-line": [ok, "250 2.1.5 CONNEG " + " " * 5000 + form_],
    }


class Lists(Base):
    def test_every_way_to_write_a_list(self):
        """R9, R32: each of these says MMR, and MMR arrives."""
        said = {f"r{i}": lines for i, lines in enumerate(lists(fax.MMR).values())}
        hop, acc = self.relay(caps={f"{n}@far.example": lines for n, lines in said.items()})
        self.send(acc, fax.message(fax.image()), *self.to(*said))
        acc.wait_empty()
        bare = [n for n in said if "" in self.asked(hop, n)]
        self.assertEqual([list(lists(fax.MMR))[int(n[1:])] for n in bare], [])
        self.settled(hop, acc, *said)
        self.assertEqual(acc.log_lines(event="bad-capabilities"), [])

    def test_chopped_anywhere(self):
        """Lines are joined by a space: between elements that changes nothing; in the midst of a token
        the list says nothing, or nothing else.  Nobody gets what he did not say he takes."""
        cuts = range(1, len(fax.MMR))
        caps = {f"r{i}@far.example": ["250-2.1.5 ok", "250-2.1.5 CONNEG " + fax.MMR[:i],
                                      "250 2.1.5 CONNEG " + fax.MMR[i:]] for i in cuts}
        hop, acc = self.relay(caps=caps)
        self.send(acc, fax.message(fax.image()), *caps)
        acc.wait_empty(30)
        got = {who(r): m for m in hop.messages for r in m["rcpt"]}
        self.assertEqual(sum(len(m["rcpt"]) for m in hop.messages), len(caps))
        bad = {line["to"] for line in acc.log_lines(event="bad-capabilities")}
        for i in cuts:
            m, name = got[f"r{i}"], f"cut at {fax.MMR[:i][-9:]}|{fax.MMR[i:][:9]}"
            self.assertIn(" CONPERM", m["mail"])
            if fax.MMR[i] in "( " or fax.MMR[i - 1] in ") ":
                self.assertEqual(form(m), MMR_FORM, name)
            elif form(m) != MMR_FORM:
                self.assertEqual(form(m), ORIGINAL, name)
                self.assertIn(f"r{i}@far.example", bad, name)
                self.assertEqual(self.asked(hop, f"r{i}")[-1], "", name)

    def none(self, caps):
        """The list counts as none, and that is logged (row B5a)."""
        said = {f"r{i}@far.example": lines for i, lines in enumerate(caps)}
        hop, acc = self.relay(caps=said)
        sent = fax.message(fax.image())
        began = time.monotonic()
        self.send(acc, sent, *said)
        acc.wait_empty()
        took = time.monotonic() - began
        self.assertTrue(all(fax.same(m["data"], sent) and " CONPERM" in m["mail"] for m in hop.messages))
        self.assertEqual(sorted(who(r) for m in hop.messages for r in m["rcpt"]),
                         sorted(f"r{i}" for i in range(len(caps))))
        self.assertTrue(all(r.endswith(">") for m in hop.messages for r in m["rcpt"]))
        self.assertEqual({line["to"] for line in acc.log_lines(event="bad-capabilities")}, set(said))
        return took

    def test_half_a_list_is_no_list(self):
        ends = [i for i in range(1, len(fax.MMR) - 1) if fax.MMR[i] in " ,)]["]
        self.none([["250-2.1.5 ok", "250 2.1.5 CONNEG " + fax.MMR[:i]] for i in ends])

    def test_what_is_no_list(self):
        self.none([["250-2.1.5 ok", "250 2.1.5 CONNEG " + text] for text in (
            "yes", "()", "(& ", ")(", fax.MMR + ")", fax.MMR + fax.MMR, "\0" + fax.MMR, "\xff", "(dpi=)",
            "(& (dpi=200) \"", "(color=Binary) \x1b[2J", "OPTIONAL", "=REQUIRED " + fax.MMR)])

    def test_hostile_lists_take_bounded_work(self):
        long = "(| " + "(dpi=1)" * 8000 + ")"
        took = self.none([["250 2.1.5 CONNEG " + "(" * 5000 + "dpi=1" + ")" * 5000],
                          ["250 2.1.5 CONNEG " + "(!" * 5000 + "(dpi=1)" + ")" * 5000],
                          ["250 2.1.5 CONNEG " + "(& " * 3000],
                          ["250-2.1.5 CONNEG " + long] * 50 + ["250 2.1.5 CONNEG"],
                          ["250-2.1.5 CONNEG " + "(dpi=1)"] * 5000 + ["250 2.1.5 CONNEG)"],
                          ["250-2.1.5 CONNEG " + fax.MMR] + ["250-2.1.5 CONNEG"] * 5000 + ["250 CONNEG (a=1)"],
                          ["250 2.1.5 CONNEG " + "(" + "x" * 3_000_000 + ")"]])
        self.assertLess(took, PATIENCE * SLOW)

    def pigeons(self, holes):
        """More pigeons than holes, each in one, none together: nothing fits it, and the proof is long."""
        somewhere = ["(| " + "".join(f"(p{i}={j})(q{i}h{j}=1)" for j in range(holes)) + ")"
                     for i in range(holes + 1)]
        apart = [f"(| (q{i}h{j}=0) (q{k}h{j}=0) )" for j in range(holes) for i in range(holes + 1)
                 for k in range(i)]
        return "(& " + "".join(somewhere + apart) + ")"

    def test_an_exploding_list_harms_nobody_else(self):
        """Bounded work, then it counts as none; the other recipient is served."""
        caps = {"b@far.example": fax.MMR}
        for holes in range(6, 20, 2):
            caps[f"p{holes}@far.example"] = ["250 CONNEG " + self.pigeons(holes)]
        caps["long@far.example"] = ["250 CONNEG (| " + "".join(f"(& (a{i}=1)(b{i}=1) )" for i in range(2500)) + ")"]
        hop, acc = self.relay(caps=caps)
        sent = fax.message(fax.image())
        began = time.monotonic()
        self.send(acc, sent, *caps)
        acc.wait_empty()
        self.assertLess(time.monotonic() - began, PATIENCE * SLOW)
        got = {who(r): m for m in hop.messages for r in m["rcpt"]}
        self.assertEqual(form(got.pop("b")), MMR_FORM)
        self.assertEqual(len(got), len(caps) - 1)
        for m in got.values():
            self.assertTrue(fax.same(m["data"], sent))
            self.assertIn(" CONPERM", m["mail"])
        self.assertEqual({line["to"] for line in acc.log_lines(event="bad-capabilities")},
                         set(caps) - {"b@far.example"})

    def test_many_lists_of_great_length_harm_nobody_else(self):
        """Each within the limits, each another."""
        caps = {f"r{k}@far.example": ["250 CONNEG (| " + "".join(
            f"(& (a{i}={k})(dpi={i + 1000})(color=Grey))" for i in range(400)) + ")"] for k in range(30)}
        caps["b@far.example"] = fax.MMR
        hop, acc = self.relay(caps=caps)
        began = time.monotonic()
        self.send(acc, fax.message(fax.image()), *caps)
        acc.wait_empty()
        self.assertLess(time.monotonic() - began, PATIENCE * SLOW)
        got = {who(r): form(m) for m in hop.messages for r in m["rcpt"]}
        self.assertEqual(got.pop("b"), MMR_FORM)
        self.assertEqual(set(map(frozenset, got.values())), {frozenset(ORIGINAL)})
        self.assertEqual(len(got), 30)

    def test_an_endless_list_harms_nobody_else(self):
        def rcpt(session, line):
            if "flood@" not in line or "CONNEG" not in line:
                return None
            for _ in range(100):
                session.sock.sendall(b"250-2.1.5 CONNEG (dpi=1)\r\n" * 20000)
            return False

        hop, acc = self.relay(caps={"b@far.example": fax.MMR, "c@far.example": fax.MMR}, on={"RCPT": rcpt})
        self.send(acc, fax.message(fax.image()), *self.to("b", "flood", "c"))
        wait_for(lambda: {who(r) for m in hop.messages for r in m["rcpt"]} == {"b", "c"})
        self.assertEqual({frozenset(form(m)) for m in hop.messages}, {frozenset(MMR_FORM)})
        wait_for(lambda: [r for q in acc.queue() for r in q["recipients"] if r["state"] == "deferred"])

    def test_a_machine_that_takes_everything(self):
        """Few limits are no reason to convert (row B5b)."""
        all_of_it = {"r0": "(color=Binary)", "r1": "(dpi>=1)", "r2": "(| (color=Binary) (color=[Grey,Full]))",
                     "r3": "(& (dpi<=100000))"}
        hop, acc = self.relay(caps={f"{n}@far.example": text for n, text in all_of_it.items()})
        sent = fax.message(fax.image())
        self.send(acc, sent, *self.to(*all_of_it))
        self.settled(hop, acc, *all_of_it, form_=ORIGINAL)
        self.assertTrue(all(fax.same(m["data"], sent) for m in hop.messages))
        self.assertFalse([n for n in all_of_it if "" in self.asked(hop, n)])


class Codes(Base):
    def refusing(self, *texts, **kw):
        """A hop that says these to each CONNEG in turn, then answers."""
        said = {}

        def rcpt(session, line):
            n = said.setdefault(who(line), 0)
            if " CONNEG" not in line or n >= len(texts):
                return None
            said[who(line)] += 1
            return texts[n]

        return self.relay(on={"RCPT": rcpt}, caps={"b@far.example": fax.MMR}, **kw)

    def again(self, acc, attempts):
        wait_for(lambda: acc.queue()[0]["recipients"][0]["attempts"] == attempts)
        self.assertEqual(acc.queue()[0]["recipients"][0]["state"], "deferred")
        acc.step_clock(20000)

    def test_B10_the_first_digit_of_the_reply_decides(self):
        hop, acc = self.refusing("404 5.3.3 CONNEG not now", "404 not now", negotiation="* conneg_tries=2")
        self.send(acc, fax.message(fax.image()), *self.to("b"))
        self.again(acc, 1)
        self.again(acc, 2)
        self.settled(hop, acc, "b", form_=ORIGINAL)
        self.assertEqual(self.asked(hop, "b"), [" CONNEG", " CONNEG", ""])      # both counted as tries

    def test_B10_too_many_recipients_are_asked_in_the_next_transaction(self):
        on = {"RCPT": lambda s, l: "452 4.5.3 too many" if len(s.rcpt) >= 2 else None}
        names = [f"r{i}" for i in range(5)]
        hop, acc = self.relay(on=on, caps={f"{n}@far.example": fax.MMR for n in names})
        self.send(acc, fax.message(fax.image()), *self.to(*names))
        self.settled(hop, acc, *names)
        self.assertEqual([len(m["rcpt"]) for m in hop.messages], [2, 2, 1])
        self.assertTrue(all(l.endswith(" CONNEG") for l in hop.said("RCPT")))

    def test_B9_one_of_three(self):
        on = {"RCPT": lambda s, l: "504 5.3.3 no" if "quiet@" in l and "CONNEG" in l else None}
        hop, acc = self.relay(on=on, caps={f"{n}@far.example": fax.MMR for n in "bc"})
        sent = fax.message(fax.image())
        self.send(acc, sent, *self.to("b", "quiet", "c"))
        acc.wait_empty()
        got = {who(r): form(m) for m in hop.messages for r in m["rcpt"]}
        self.assertEqual(got, {"b": MMR_FORM, "c": MMR_FORM, "quiet": ORIGINAL})

    def test_a_refused_recipient_is_an_ordinary_failure(self):
        on = {"RCPT": lambda s, l: "550 5.1.1 nobody" if "bad@" in l else None}
        hop, acc = self.relay(on=on, caps={"b@far.example": fax.MMR})
        self.send(acc, fax.message(fax.image()), *self.to("bad", "b"))
        self.assertIn("Status: 5.1.1", self.report(acc))
        acc.wait_empty()
        self.assertEqual([(who(m["rcpt"][0]), form(m)) for m in hop.messages], [("b", MMR_FORM)])

    def test_lost_in_the_midst_of_asking(self):
        dropped = []

        def rcpt(session, line):
            if "c@" in line and not dropped:
                dropped.append(line)
                return False
            return None

        for ext in (BOTH, BOTH[1:]):
            with self.subTest(ext):
                dropped.clear()
                hop, acc = self.relay(ext=ext, on={"RCPT": rcpt},
                                      caps={f"{n}@far.example": fax.MMR for n in "bcd"})
                self.send(acc, fax.message(fax.image()), *self.to("b", "c", "d"))
                wait_for(lambda: sum(len(m["rcpt"]) for m in hop.messages) >= 2)
                wait_for(lambda: all(m["recipients"][1]["attempts"] for m in acc.queue()))
                acc.step_clock(400)
                self.settled(hop, acc, "b", "c", "d")


class Sizes(Base):
    """SIZE on MAIL, and the hop's limit, are about what is sent."""

    def test_size_is_of_the_message_that_goes(self):
        caps = {"b@far.example": fax.MH, "c@far.example": fax.MMR, "d@far.example": fax.JBIG}
        hop, acc = self.relay(caps=caps)
        self.send(acc, fax.message(fax.image()), *caps, "quiet@far.example")
        wait_for(lambda: len(hop.messages) == 4)
        for m in hop.messages:
            words = [w for w in m["mail"].split() if w.startswith("SIZE=")]
            self.assertIn(words, ([], [f"SIZE={len(m['data'])}"]))
        quiet, = [m for m in hop.messages if who(m["rcpt"][0]) == "quiet"]
        self.assertIn(" SIZE=", quiet["mail"])

    def both(self, name, caps):
        """The message, and the octets of it as it goes and converted."""
        hop, acc = self.relay(caps={"b@far.example": caps})
        sent = fax.message(fax.image(name))
        self.send(acc, sent, *self.to("b", "quiet"))
        wait_for(lambda: len(hop.messages) == 2)
        sizes = {who(m["rcpt"][0]): len(m["data"]) for m in hop.messages}
        return sent, sizes["quiet"], sizes["b"]

    def limited(self, limit, caps):
        return self.relay(ext=[f"SIZE {limit}" if w == "SIZE 0" else w for w in BOTH],
                          caps={"b@far.example": caps})

    def test_a_limit_that_only_the_converted_message_meets(self):
        caps = fax.device("JBIG", 400)
        sent, original, converted = self.both("render/dense-F-mmr-400.tif", caps)
        self.assertLess(converted, original)
        hop, acc = self.limited((original + converted) // 2, caps)
        self.send(acc, sent, *self.to("b"))
        self.settled(hop, acc, "b", form_={("JBIG", (400, 400))})

    def test_a_limit_that_only_the_original_meets(self):
        sent, original, converted = self.both("render/letter-J-400.tif", fax.MH)
        self.assertLess(original, converted)
        hop, acc = self.limited((original + converted) // 2, fax.MH)
        self.send(acc, sent, *self.to("b"))
        self.assertIn("Status: 5.3.4", self.report(acc))
        self.assertEqual(hop.messages, [])


class Settings(Base):
    def test_R2_R38_never_the_original_without_conperm(self):
        """The answer changes once CONPERM was dropped: the original still goes under CONPERM alone."""
        for later in (None, fax.GREY, fax.JBIG):
            with self.subTest(later):
                asked = []

                def rcpt(session, line):
                    if "CONNEG" not in line:
                        return None
                    asked.append(line)
                    caps = fax.MMR if len(asked) == 1 else later
                    return caps and f"250-2.1.5 ok\n250 2.1.5 CONNEG {caps}"

                hop, acc = self.relay(on={"RCPT": rcpt}, negotiation="* conperm_after=drop")
                self.send(acc, fax.message(fax.image()), *self.to("b"))
                self.settled(hop, acc, "b", form_=ORIGINAL)
                self.assertIn(" CONPERM", hop.messages[0]["mail"])
