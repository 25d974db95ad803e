"""What was measured, as plain text: for the terminal and for docs/performance.md."""

import datetime
import os
import pathlib
import platform
import re
import subprocess

from turns import ENOUGH_CALM

BEGIN = "<!-- measured, {part}: written by scripts/bench, do not edit -->"
END = "<!-- /measured, {part} -->"


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


def verdict(result, value, goal="goal"):
    calm, turns = result["calm"]
    if calm < min(turns, ENOUGH_CALM):
        return "disturbed"
    if result[goal] is None or value is None:
        return ""
    return "reached" if value >= result[goal] else "short"


def calm_turns(result):
    calm, turns = result["calm"]
    return f"{calm} of {turns}"


def speed_table(results):
    rows = []
    for result in results:
        rows.append([result["title"], result["clients"], f"{result['direct']:.0f}",
                     ratio(result["agent"]), ratio(result["goal"]),
                     verdict(result, result["agent"]), ratio(result["lanes"]),
                     ratio(result["lanes goal"]), verdict(result, result["lanes"], "lanes goal"),
                     ratio(result["p11kit"]), calm_turns(result)])
    return table(["operation", "clients", "direct, per s", "agent", "goal", "", "lanes", "goal", "",
                  "p11-kit server", "calm turns"], rows)


def lanes_cpu_table(results):
    rows = []
    for result in results:
        cpu, direct = result["lanes cpu"], result["cpu"]["direct"]
        rows.append([result["title"], result["clients"], f"{direct:.0f}", f"{cpu['client']:.0f}",
                     f"{cpu['agent']:.1f}", f"{cpu['host']:.0f}", f"{cpu['host'] - direct:+.0f}",
                     ratio(direct / sum(cpu.values()))])
    return table(["CPU per operation on lanes, us", "clients", "direct", "client", "agent", "host",
                  "host - direct", "direct / all three"], rows)


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
    return table(["besides", "measured", "goal", ""], facts)


def module_signing_table(results):
    rows = []
    for result in results:
        rows.append([result["title"], result["clients"], f"{result['library']:.0f}",
                     ratio(result["module"]), ratio(result["goal"]),
                     verdict(result, result["module"]), *(f"{each:.0f}" for each in result["cpu"]),
                     calm_turns(result)])
    return table(["operation", "clients", "libprivyseal, per s", "module", "goal", "",
                  "libprivyseal's CPU, us", "module's CPU, us", "calm turns"], rows)


def module_threads_table(results):
    rows = []
    for result in results:
        rows.append([result["title"], f"{result['processes']:.0f}", ratio(result["module"]),
                     ratio(result["goal"]), verdict(result, result["module"]),
                     ratio(result["p11kit"]), ratio(result["alone"]), calm_turns(result)])
    return table(["threads to processes", "processes, per s", "module", "goal", "",
                  "p11-kit's client", "SoftHSM itself", "calm turns"], rows)


def module_looks_table(rows):
    return table(["C_Initialize to the last certificate", "median", "9 in 10 within", "goal", ""],
                 rows)


def card_table(rows):
    return table(["a card that takes 20 ms for each command", "measured", "goal", ""], rows)


def mail_many_table(results):
    rows = []
    for result in results:
        rows.append([result["title"], result["other"], f"{result['rate']:.0f}", ratio(result["ratio"]),
                     ratio(result["goal"]), verdict(result, result["ratio"]), ratio(result["read"]),
                     *(f"{each:.0f}" for each in result["cpu"]), calm_turns(result)])
    return table(["1,000 mails of 10 kB", "beside", "that, per s", "ours", "goal", "",
                  "beside OpenSSL reading mail", "that's CPU, us", "our CPU, us", "calm turns"], rows)


def mail_large_table(results):
    rows = []
    for result in results:
        goal = result["goal"] if result["megabytes"] >= 100 else None
        reached = "" if goal is None else "reached" if result["ratio"] >= goal else "short"
        ours, other = (result["peaks"][way] for way in ("ours", "other"))
        rows.append([result["title"], result["megabytes"], f"{result['seconds']:.2f} s",
                     ratio(result["ratio"]), ratio(goal), reached,
                     f"{ours['RssAnon']:.0f}", f"{ours['VmHWM']:.0f}", f"{other['VmHWM']:.0f}"])
    return table(["one mail", "MB", "openssl cms", "privyseal's speed", "goal", "",
                  "own memory, MiB", "with mapped files", "openssl's"], rows)


def package_version(name):
    asked = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", name], capture_output=True,
                           text=True, check=False)
    return asked.stdout.strip() or "?"


def conditions(rounds, milliseconds, load):
    today = datetime.date.today().isoformat()
    packages = ", ".join(f"{name} {package_version(name)}" for name in
                         ("softhsm2", "libssl3", "libsystemd0", "libglib2.0-0", "p11-kit"))
    kernel = re.match(r"\d+\.\d+", platform.release())
    return (f"{today}; {os.cpu_count()} cores ({platform.machine()}), Linux {kernel.group()}; "
            f"{packages}; {rounds} rounds of {milliseconds} ms; load average when it started {load:.1f}.")


def compose(measured):
    """Of what run.py, module.py or mail.py measured."""
    tables = {"speed": (speed_table, cpu_table, lanes_cpu_table), "facts": (other_table,),
              "signing": (module_signing_table,), "threads": (module_threads_table,),
              "looks": (module_looks_table,),
              "cards": (card_table,), "many": (mail_many_table,), "large": (mail_large_table,)}
    parts = [conditions(measured["rounds"], measured["milliseconds"], measured["load"])]
    parts += [make(measured[what]) for what, makers in tables.items() if measured.get(what)
              for make in makers]
    return "\n\n".join(parts)


def write_document(path, part, text):
    """Puts `text` between the markers of that part of the document."""
    path = pathlib.Path(path)
    begin, end = BEGIN.format(part=part), END.format(part=part)
    old = path.read_text(encoding="utf-8")
    head, found_begin, rest = old.partition(begin)
    _, found_end, tail = rest.partition(end)
    if not found_begin or not found_end:
        raise SystemExit(f"cannot write {path}: it lacks the line '{begin}' or '{end}'")
    path.write_text(f"{head}{begin}\n\n{text}\n\n{end}{tail}", encoding="utf-8")
