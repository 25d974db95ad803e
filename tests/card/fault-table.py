#!/usr/bin/env python3
"""Makes the tables of docs/robustness.md from the rows that test-card-faults wrote to the file that
SEAL_FAULTS_TABLE named: fault-table.py ROWS."""
import sys

OPERATIONS = [('login', 'a signature with 9A, the token locked'),
              ('sign', 'a signature with 9A, the token unlocked'),
              ('sign-9c', 'a signature with 9C, which wants its PIN each time'),
              ('decrypt', 'a session key opened with 9D'),
              ('ykcs11', 'a signature with 9A, the token locked, by ykcs11')]
MOMENTS = ['before', 'first-command', 'pin', 'key', 'last-command', 'after']


def read(path):
    cells, faults = {}, []
    with open(path, encoding='utf-8') as rows:
        for row in rows:
            operation, moment, fault, *rest = [word.strip() for word in row.split('|')[1:-1]]
            cells[operation, moment, fault] = rest
            if fault not in faults:
                faults.append(fault)
    return cells, faults


def table(cells, faults, operation):
    moments = [m for m in MOMENTS if any((operation, m, f) in cells for f in faults)]
    print('| fault |', ' | '.join(moments), '| next |')
    print('|---' * (len(moments) + 2) + '|')
    for fault in faults:
        line, following = [], []
        for moment in moments:
            cell = cells.get((operation, moment, fault))
            line.append(f'{cell[0]} {int(cell[1]) / 1000:.2f}' if cell else '')
            if cell:
                following.append(int(cell[2]))
        if following:
            print(f'| {fault} |', ' | '.join(line), f'| {max(following) / 1000:.2f} |')


def main():
    cells, faults = read(sys.argv[1])
    for operation, words in OPERATIONS:
        if not any(key[0] == operation for key in cells):
            continue
        print(f'\n### {operation}: {words}\n')
        table(cells, faults, operation)


main()
