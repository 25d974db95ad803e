#!/usr/bin/env python3
"""The tables of docs/interop.md, as matrix.ini has them.

usage: page.py check|write

check fails where the page has other tables; write puts them there."""
import os
import re
import sys

import table

PAGE = os.path.join(os.path.dirname(table.FILE), '../../docs/interop.md')
PLACE = re.compile(r'(?<=<!-- tables: tests/interop/page\.py write -->\n).*(?=<!-- end of tables -->)', re.S)


def line_of(cells):
    return '| ' + ' | '.join(cells) + ' |\n'


def head_of(cells):
    return line_of(cells) + line_of('---' for _ in cells).replace(' ', '')


def groups(rows):
    """Rows of one group after another, in their order."""
    for name in dict.fromkeys(row.group for row in rows):
        yield name, [row for row in rows if row.group == name]


def ours(matrix, notes):
    text = ''
    for name, rows in groups(matrix.ours):
        text += '\n' + head_of([matrix.titles[name], *matrix.programs.values()])
        for row in rows:
            refusals = [row.lines.get(program) for program in matrix.programs]
            text += line_of([row.what, *(f'no ({notes.index(refusal) + 1})' if refusal else 'yes'
                                         for refusal in refusals)])
    return text


def theirs(matrix):
    text = ''
    for name, rows in groups(matrix.theirs):
        text += '\n' + head_of([f'Written by {matrix.titles[name]}', 'verdict'])
        text += ''.join(line_of([row.what, f'`{row.lines["verdict"]}`']) for row in rows)
    return text


def tables():
    matrix = table.Table()
    notes = list(dict.fromkeys(row.lines[program] for row in matrix.ours for program in matrix.programs
                               if program in row.lines))
    text = ours(matrix, notes) + '\n'
    for number, note in enumerate(notes, 1):
        refusal = matrix.refusals[note]
        text += f'{number}. {refusal["means"]}: "{refusal["says"]}"\n'
    return text + theirs(matrix) + '\n'


def main():
    if sys.argv[1:] not in (['check'], ['write']):
        sys.exit(__doc__)
    with open(PAGE, encoding='utf-8') as file:
        page = file.read()
    if len(PLACE.findall(page)) != 1:
        sys.exit('docs/interop.md: the two lines around the tables are not there')
    wanted = PLACE.sub(lambda _: tables(), page)
    if sys.argv[1] == 'write':
        with open(PAGE, 'w', encoding='utf-8') as file:
            file.write(wanted)
    elif page != wanted:
        sys.exit('docs/interop.md: its tables are not those of tests/interop/matrix.ini; '
                 'tests/interop/page.py write')


main()
