#!/usr/bin/env python3
"""Runs shellcheck over every shell script, compiles every Python program of the tree, and compares
the lists of Debian packages with the table in HACKING.md."""
import ast
import os
import subprocess

import house


def first_line(name):
    with open(os.path.join(house.TOP, name), 'rb') as file:
        return file.readline(200).decode('utf-8', 'replace')


shell = []
for source in house.files():
    opening = first_line(source)
    if opening.startswith('#!') and 'python3' in opening or source.endswith('.py'):
        try:
            ast.parse(house.read(source), source)
        except SyntaxError as error:
            house.complain(source, error.lineno, error.msg)
    elif opening.startswith('#!') and opening.rstrip().endswith('sh'):
        house.read(source)
        shell.append(source)
        if not os.access(os.path.join(house.TOP, source), os.X_OK):
            house.complain(source, 1, 'has #! but is not executable')
if shell:
    result = subprocess.run(['shellcheck', '-x', '-f', 'gcc', *shell], cwd=house.TOP,
                            capture_output=True, text=True)
    house.complaints.extend(result.stdout.splitlines())
    if result.returncode > 1:
        house.complaints.append('shellcheck: ' + result.stderr.strip())


def check_packages():
    """Every line of scripts/packages/GROUP is a row of the table, reason and all."""
    manual = house.read('HACKING.md')
    for name in house.files():
        if not name.startswith('scripts/packages/'):
            continue
        for number, line in enumerate(house.read(name).splitlines(), 1):
            package, reason = line.split(None, 1)
            if f'| {os.path.basename(name)} | {package} | {reason} |' not in manual:
                house.complain(name, number, f'{package} is not so in the table of HACKING.md')


if os.path.exists(os.path.join(house.TOP, 'HACKING.md')):
    check_packages()
house.finish('scripts')
