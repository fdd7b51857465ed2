# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The accord authors
"""The tables that bench/relay prints."""
import statistics

WIDTH = 32


def number(v):
    return f"{v:.0f}" if abs(v) >= 100 else f"{v:.1f}" if abs(v) >= 10 else f"{v:.2f}"


def cell(values):
    """Median (least-most)."""
    if not all(isinstance(v, (int, float)) for v in values):
        return str(values[0])
    return number(statistics.median(values)) + (
        f" ({number(min(values))}–{number(max(values))})" if len(values) > 1 else "")


def table(work, runs, kinds, where):
    """runs: {server: [figures of one run]}.  The first server that is Postfix is what others are set against."""
    keys = list(dict.fromkeys(k for rows in runs.values() for row in rows for k in row))
    base = next((k for k in kinds if k.startswith("postfix")), None)
    lines = [f"{work.name}: {work.title}", where] + [work.settings] * bool(work.settings)
    lines.append("".join(f"{w:<{WIDTH}}" for w in ["per message" if work.per_message else "", *kinds]).rstrip())
    for key in keys:
        ref = [row[key] for row in runs.get(base, []) if key in row]
        line = f"{key:<{WIDTH}}"
        for kind in kinds:
            values = [row[key] for row in runs.get(kind, []) if key in row]
            text = cell(values) if values else "-"
            if values and ref and kind != base and key not in work.no_ratio and \
                    isinstance(ref[0], (int, float)) and statistics.median(ref) > 0:
                text += f" [{statistics.median(values) / statistics.median(ref):.2f}]"
            line += f"{text:<{WIDTH}}"
        lines.append(line.rstrip())
    return "\n".join(lines)
