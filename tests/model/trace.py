# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""Replays accord's log against the model of the queue (queue.pml): trace.py LOG... prints what the model
does not allow.

TABLE says which transitions of the model a log line stands for; what no line tells of is in SILENT.  With
what a next hop has taken (arrivals), a delivery that nobody owned up to is seen too.

A log is of one instance, from its first start on, without a power cut, and without a crash of everything at
once: with the log's writer its last lines die, and no session could say orphaned.  Lines of different
processes may be in another order than what they tell of: `accepted` often comes behind the first delivery.
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system"))

# event: (processes, transitions)
TABLE = {
    "accepted": ("smtpd control", "s_accepted q_committed"),
    "not-queued": ("smtpd bounce", "s_not_queued q_worker_gone p_reports"),
    "deliver": ("qmgr", "m_result m_expire"),
    "act": ("qmgr", "m_act"),
    "done": ("qmgr", "m_marked"),
    "bounced": ("qmgr", "m_reported"),
    "report-refused": ("qmgr", "m_report_refused"),
    "lost": ("qmgr", "m_hello"),
    "scanned": ("qmgr", "p_queue"),
    "reroute": ("qmgr", "m_reroute"),
    "report": ("bounce", "b_committed"),
    "report-later": ("bounce", "b_refused"),
    "orphaned": ("remote-session", "c_worker"),
    "session-lost": ("remote", "c_session"),
    "died": ("local", "c_session"),
    "crash": ("smtpd", "c_smtpd"),
    "worker": ("queue", "c_flusher"),
    "fault": ("start", "c_queue c_qmgr c_worker c_bounce"),
    "started": ("start", "r_queue r_qmgr r_worker r_bounce"),
}
SILENT = """s_open s_opened s_commit s_abandon q_open q_commit q_abandon q_commit_report q_session_gone
    q_dispatch q_mark_timer q_mark f_name f_durable f_flushed k_names k_slot m_new m_read m_hello_bounce
    m_deliver m_report m_inflight w_job w_ack w_taken w_delivered w_failed w_deferred b_told b_report
    p_bounce p_worker c_power""".split()

QUEUED, DELIVERED, FAILED, BOUNCED = "queued", "delivered", "failed", "bounced"
AFTER = {"deferred": QUEUED, "delivered": DELIVERED, "relayed": DELIVERED, "failed": FAILED, "expired": FAILED}


def compare(model):
    """Where the table and the names of the model's transitions differ."""
    here = {t for _, names in TABLE.values() for t in names.split()} | set(SILENT)
    return [f"{t} is not in queue.pml" for t in sorted(here - model)] + \
        [f"{t} is not in trace.py" for t in sorted(model - here)]


class Recipient:
    def __init__(self, addr):
        self.addr, self.state, self.era = addr, QUEUED, None    # era: which qmgr said so
        self.local = False


class Message:
    def __init__(self):
        self.accepted = self.refused = self.report = self.done = self.excused = self.removed = False
        self.count, self.slots = None, {}

    def final(self):
        return self.count is not None and len(self.slots) == self.count and \
            all(r.state in (DELIVERED, BOUNCED) for r in self.slots.values())


class Trace:
    """Feed it log lines (dicts) with step(), then end(); wrong is what the model does not allow."""

    def __init__(self):
        self.messages, self.wrong, self.era, self.kills = {}, [], 0, set()

    def blame(self, ident, what):
        self.wrong.append(f"{ident}: {what}")

    def step(self, line):
        event, ident = line.get("event"), line.get("id", "-")
        process = line.get("proc", "").split("[")[0].removeprefix("accord-")
        if event not in TABLE or process not in TABLE[event][0].split():
            if event == "stray-result":
                self.blame(ident, f"a result of slot {line.get('slot')}, which was in no job")
            return
        m = None if ident == "-" else self.messages.setdefault(ident, Message())
        if m is None and event not in ("started", "fault", "crash"):
            return                  # of no message, as `not-queued` where none could be opened
        getattr(self, "on_" + event.replace("-", "_"), lambda *_: None)(m, ident, line)

    # --- who came and went ---

    def on_started(self, m, ident, line):
        self.era += line["role"] in ("qmgr", "start")

    def on_fault(self, m, ident, line):
        self.kills.add(line["role"])

    def on_crash(self, m, ident, line):
        self.kills.add("smtpd")

    # --- messages ---

    def on_accepted(self, m, ident, line):
        if m.accepted or m.refused:
            self.blame(ident, "accepted after its fate was told")
        m.accepted, m.count = True, int(line["count"])
        if any(slot >= m.count for slot in m.slots):
            self.blame(ident, "a result of a recipient that it has not")

    def on_not_queued(self, m, ident, line):
        if m.accepted:
            self.blame(ident, "refused after it was accepted")
        m.refused = True
        m.report = m.report or "of" in line

    def on_report(self, m, ident, line):
        m.report, m.count = line["of"], 1
        if self.messages.setdefault(line["of"], Message()).done:
            self.blame(ident, "a report on a message that is gone")

    def on_orphaned(self, m, ident, line):
        if m:
            m.excused = True

    on_session_lost = on_died = on_orphaned

    def on_act(self, m, ident, line):
        m.removed = m.removed or line["verb"] == "remove"

    # --- recipients ---

    def on_deliver(self, m, ident, line):
        slot, after = int(line["slot"]), AFTER[line["result"]]
        r = m.slots.setdefault(slot, Recipient(line["to"]))
        if m.count is not None and slot >= m.count:
            self.blame(ident, f"a result of slot {slot}, and it has {m.count}")
        if r.addr != line["to"]:
            self.blame(ident, f"slot {slot} is {r.addr} and {line['to']}")
        if m.done:
            self.blame(ident, f"{after} slot {slot} after all was done")
        elif r.state == BOUNCED:
            self.blame(ident, f"{after} slot {slot} after it was reported as failed")
        elif r.state in (DELIVERED, FAILED) and r.era == self.era:
            self.blame(ident, f"{after} slot {slot} after {r.state}")
        elif r.state == DELIVERED and after != DELIVERED and not m.excused:
            self.blame(ident, f"{after} slot {slot} after it was delivered")
        r.state, r.era, r.local = after, self.era, line.get("relay", "") == ""

    def on_bounced(self, m, ident, line):
        failed = [r for r in m.slots.values() if r.state == FAILED]
        told = [r for r in m.slots.values() if r.state == BOUNCED]
        count, report = int(line["recipients"]), line["report"]
        if not len(failed) <= count <= len(failed) + len(told) and not m.removed:
            self.blame(ident, f"a report on {count} recipients, and {len(failed)} have failed")
        if report != "-" and self.messages.get(report, Message()).report != ident:
            self.blame(ident, f"report {report} was not committed")
        for r in failed:
            r.state = BOUNCED

    def on_done(self, m, ident, line):
        m.done = True
        left = [slot for slot, r in m.slots.items() if r.state not in (DELIVERED, BOUNCED)]
        if left and not m.removed:
            self.blame(ident, f"done, and slots {left} are not")

    # --- the end ---

    def end(self, queued=(), arrivals=None):
        """queued: IDs that are in the queue still; arrivals: (ID, address) of all that the hop took."""
        for ident, m in sorted(self.messages.items()):
            owned = m.accepted or m.refused or m.report or self.kills & {"smtpd", "control", "bounce"}
            if m.slots and not owned:
                self.blame(ident, "delivered, and nobody has committed it")
            if m.accepted and ident not in queued and not m.removed and not m.final():
                states = sorted(r.state for r in m.slots.values())
                self.blame(ident, f"accepted, and lost: {states} of {m.count}")
        if arrivals is not None:
            self.arrived(arrivals)
        return self.wrong

    def arrived(self, arrivals):
        seen = {}
        for key in arrivals:
            seen[key] = seen.get(key, 0) + 1
        for (ident, addr), n in sorted(seen.items()):
            m = self.messages.get(ident, Message())
            r = next((r for r in m.slots.values() if r.addr == addr), Recipient(addr))
            if n > 1 and not m.excused:
                self.blame(ident, f"{addr} has it {n} times, and no line says why")
            if r.state == BOUNCED and not m.excused:
                self.blame(ident, f"{addr} has it, and it was reported as failed")
        for ident, m in sorted(self.messages.items()):
            for slot, r in sorted(m.slots.items()):
                if r.state == DELIVERED and not r.local and (ident, r.addr) not in seen:
                    self.blame(ident, f"slot {slot} counts as delivered, and {r.addr} has nothing")


def replay(text, queued=(), arrivals=None):
    """What is wrong with a log, as a list of texts."""
    from harness import parse_log
    t = Trace()
    for line in text.splitlines():
        t.step(parse_log(line))
    return t.end(queued, arrivals)


def main():
    bad = 0
    for path in sys.argv[1:]:
        with open(path, errors="replace") as f:
            for what in replay(f.read()):
                print(f"{path}: {what}")
                bad += 1
    sys.exit(bad > 0)


if __name__ == "__main__":
    main()
