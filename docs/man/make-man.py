#!/usr/bin/env python3
"""Writes privyseal(1): the frame of privyseal.1.in with what the program itself says in --help, so that
page and program cannot differ.

usage: make-man.py PROGRAM TEMPLATE VERSION > privyseal.1
"""
import re
import subprocess
import sys


def help_of(program, *command):
    done = subprocess.run([program, *command, "--help"], check=True, capture_output=True, text=True)
    return done.stdout


def escape(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text[:1] in (".", "'") else text


def sections(text):
    """The usage line, the paragraphs before the first heading, and the lines below each heading."""
    lines = text.rstrip().split("\n")
    usage = lines[0].removeprefix("usage: ")
    parts, name = {"": []}, ""
    for line in lines[1:]:
        heading = re.fullmatch(r"([a-z ]+):?", line)
        if heading and line and (line.endswith(":") or line == "exit status"):
            name = heading.group(1)
            parts[name] = []
        else:
            parts[name].append(line)
    return usage, parts


def verbatim(lines):
    return [".PP", ".nf", ".RS"] + [escape(line.strip()) for line in lines] + [".RE", ".fi"]


def paragraphs(lines):
    """Text, and blocks that are set in by two blanks: a list of entries, or lines to copy."""
    out = []
    for block in "\n".join(lines).strip("\n").split("\n\n"):
        rows = block.split("\n")
        if not all(row.startswith("  ") for row in rows):
            out += [".PP", escape(" ".join(row.strip() for row in rows))]
        elif all(re.match(r" +\S.*?  +\S", row) for row in rows):
            out += entries(rows)
        else:
            out += verbatim(rows)
    return out


def entries(lines):
    """`  NAME   text` with continuation lines further in, as tagged paragraphs."""
    out = []
    for line in lines:
        entry = re.fullmatch(r"  (\S.*?)(?:  +| (?=encrypt to))(\S.*)", line)
        if entry and not line.startswith("   "):
            out += [".TP", ".B " + escape(entry.group(1)), escape(entry.group(2))]
        elif line.strip():
            out.append(escape(line.strip()))
    return out


def command_page(program, name):
    usage, parts = sections(help_of(program, name))
    page = [".SS " + escape(usage)] + paragraphs(parts[""])
    page += entries(parts.get("options", []))
    examples = [line.strip() for line in parts.get("examples", []) if line.strip()]
    if examples:
        page += [".PP", "Examples:"] + verbatim(examples)
    return usage, page


def main():
    program, template, version = sys.argv[1:]
    _, top = sections(help_of(program))
    names = [line.split()[0] for line in top["commands"] if re.match(r"  [a-z]", line)
             and line.split()[0] != "privyseal"]
    usages, pages = [], []
    for name in names:
        usage, page = command_page(program, name)
        usages += [".B " + escape(usage), ".br"]
        pages += page
    with open(template, encoding="utf-8") as frame:
        text = frame.read()
    for marker, lines in (("@SYNOPSIS@", usages[:-1]), ("@COMMANDS@", pages),
                          ("@STATUS@", entries(top["exit status"])), ("@VERSION@", [version])):
        text = text.replace(marker, "\n".join(lines))
    sys.stdout.write(text)


main()
