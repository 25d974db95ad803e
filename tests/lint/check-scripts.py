#!/usr/bin/env python3
"""Runs shellcheck over every shell script and compiles every Python program of the tree."""
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
house.finish('scripts')
