#!/usr/bin/env python3
"""Fails on an #include that docs/map.md does not allow: arrows point downward only, and each is
listed here. A folder may always use itself and base/; tests/ and bench/ may use everything."""
import re

import house

# Folders, longest name first where one lies in another, and the folders each may include.
ALLOWED = {
    'base': [],
    'pkcs11/core': [],
    'pkcs11/wire': ['pkcs11/core'],  # frames carry core's numbers of mechanisms, hashes, curves
    'pkcs11/host': ['pkcs11/wire', 'pkcs11/core'],
    'pkcs11/token': ['pkcs11/wire', 'pkcs11/core'],
    'pkcs11/module': ['ipc/client', 'pkcs11/core'],
    'ipc/client': ['ipc', 'pkcs11/wire', 'pkcs11/core'],  # the frames of lanes
    'ipc': [],
    'pki': ['ipc/client'],
    'smime': ['pki'],
    'agent': ['pkcs11/token', 'pkcs11/core', 'ipc'],
    'ui-cli': ['smime', 'pki', 'ipc/client'],
    'softhsm-fixtures': [],
}
FREE = ('tests/', 'bench/')


def folder_of(path):
    for folder in sorted(ALLOWED, key=len, reverse=True):
        if path.startswith(folder + '/'):
            return folder
    return None


def check_table():
    """The table itself has no circle: every folder can be put below those that use it."""
    left = dict(ALLOWED)
    while left:
        lowest = [name for name, below in left.items() if not set(below) & set(left)]
        if not lowest:
            house.complain('tests/lint/check-layers.py', 1, f'circle between {sorted(left)}')
            return
        for name in lowest:
            del left[name]


def check(name):
    text = house.read(name)
    here = folder_of(name)
    if here is None:
        house.complain(name, 1, 'this folder is not in the table of tests/lint/check-layers.py')
        return
    for match in re.finditer(r'^\s*#\s*include\s+"([^"]+)"', text, re.M):
        line = house.line_of(text, match.start(1))
        there = folder_of(match.group(1))
        if match.group(1) == 'config.h' or there in (here, 'base'):
            continue
        if there is None:
            house.complain(name, line, f'"{match.group(1)}": write includes from the source root')
        elif there not in ALLOWED[here]:
            house.complain(name, line, f'{here}/ may not use {there}/ ("{match.group(1)}")')


check_table()
for source in house.files('.c', '.h'):
    if not source.startswith(FREE):
        check(source)
house.finish('layers')
