"""What was measured, as plain text: for the terminal and for docs/performance.md."""

import datetime
import os
import pathlib
import platform
import re
import subprocess

BEGIN = "<!-- measured: written by scripts/bench, do not edit -->"
END = "<!-- /measured -->"


def table(heads, rows):
    """A Markdown table with aligned columns."""
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [heads, *rows]) for i in range(len(heads))]

    def line(cells):
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths)) + " |"

    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([line(heads), rule, *map(line, rows)])


def ratio(value):
    return "-" if value is None else f"{value:.2f}"


def speed_table(results):
    rows = []
    for result in results:
        goal = result["goal"]
        calm, turns = result["calm"]
        verdict = "" if goal is None else ("reached" if result["agent"] >= goal else "short")
        if calm == 0:
            verdict = "disturbed"
        rows.append([result["title"], result["clients"], f"{result['direct']:.0f}",
                     ratio(result["agent"]), ratio(goal), verdict, ratio(result["p11kit"]),
                     f"{calm} of {turns}"])
    return table(["operation", "clients", "direct, per s", "agent", "goal", "", "p11-kit server",
                  "calm turns"], rows)


def cpu_table(results):
    rows = []
    for result in results:
        cpu = result["cpu"]
        whole = cpu["client"] + cpu["agent"] + cpu["host"]
        rows.append([result["title"], result["clients"], f"{cpu['direct']:.0f}",
                     f"{cpu['client']:.0f}", f"{cpu['agent']:.0f}", f"{cpu['host']:.0f}",
                     f"{cpu['host'] - cpu['direct']:+.0f}",
                     ratio(cpu["direct"] / whole)])
    return table(["CPU per operation, us", "clients", "direct", "client", "agent", "host",
                  "host - direct", "direct / all three"], rows)


def other_table(facts):
    return table(["besides", "measured", "goal", ""],
                 [[name, value, goal, verdict] for name, value, goal, verdict in facts])


def package_version(name):
    asked = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", name], capture_output=True,
                           text=True, check=False)
    return asked.stdout.strip() or "?"


def conditions(rounds, milliseconds, load):
    today = datetime.date.today().isoformat()
    packages = ", ".join(f"{name} {package_version(name)}" for name in
                         ("softhsm2", "libsystemd0", "libglib2.0-0", "p11-kit"))
    kernel = re.match(r"\d+\.\d+", platform.release())
    return (f"{today}; {os.cpu_count()} cores ({platform.machine()}), Linux {kernel.group()}; "
            f"{packages}; {rounds} rounds of {milliseconds} ms; load average when it started {load:.1f}.")


def compose(measured):
    parts = [conditions(measured["rounds"], measured["milliseconds"], measured["load"]),
             speed_table(measured["speed"]), cpu_table(measured["speed"]),
             other_table(measured["facts"])]
    return "\n\n".join(parts)


def write_document(path, text):
    """Puts `text` between the markers of the document."""
    path = pathlib.Path(path)
    old = path.read_text(encoding="utf-8")
    head, begin, rest = old.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"cannot write {path}: it lacks the line '{BEGIN}' or '{END}'")
    path.write_text(f"{head}{BEGIN}\n\n{text}\n\n{END}{tail}", encoding="utf-8")
