#!/usr/bin/env python3
"""Fails on functions over 70 lines (and if more than one in twenty has over 45), on control flow
nested deeper than three, and on C files over 700 lines."""
import re
import subprocess

import house

LONGEST, LONG, LONG_SHARE, DEEPEST, LONGEST_FILE = 70, 45, 0.05, 3, 700


def functions(names):
    """(file, function, first line, last line) of each function, by Universal Ctags."""
    listing = subprocess.run(
        ['ctags', '--languages=C', '--langmap=C:.c.h', '--kinds-C=f', '--fields=+ne', '-L', '-',
         '-f', '-', '--sort=no'],
        input='\n'.join(names), capture_output=True, text=True, cwd=house.TOP, check=True)
    for line in listing.stdout.splitlines():
        parts = line.split('\t')
        fields = dict(part.split(':', 1) for part in parts[3:] if ':' in part)
        if 'end' in fields:
            yield parts[1], parts[0], int(fields['line']), int(fields['end'])


def check_lengths(names):
    n_all = n_long = 0
    for name, function, first, last in functions(names):
        length = last - first + 1
        n_all += 1
        n_long += length > LONG
        if length > LONGEST:
            house.complain(name, first, f'{function} has {length} lines, more than {LONGEST}')
    if n_long > n_all * LONG_SHARE:
        house.complain('tree', 0, f'{n_long} of {n_all} functions have over {LONG} lines')
    if n_all == 0:
        house.complain('tree', 0, 'no function found: is this Universal Ctags?')


def check_nesting(name, code):
    """Braces that belong to if, for, while, switch, else and do."""
    stack = []
    for match in re.finditer(r'[{}]', code):
        if match.group(0) == '}':
            if stack:
                stack.pop()
            continue
        before = code[:match.start()].rstrip()[-400:]
        control = bool(stack) and bool(re.search(r'(\)|\belse|\bdo)$', before)) and \
            not re.search(r'=\s*\([^()]*\)$', before)
        stack.append(control)
        if control and sum(stack) > DEEPEST:
            house.complain(name, house.line_of(code, match.start()),
                           f'nested deeper than {DEEPEST}')


sources = house.files('.c', '.h')
for source in sources:
    text = house.read(source)
    if text.count('\n') > LONGEST_FILE:
        house.complain(source, 1, f'{text.count(chr(10))} lines, more than {LONGEST_FILE}')
    check_nesting(source, house.code_of(text))
check_lengths([source for source in sources if source.endswith('.c')])
house.finish('size')
