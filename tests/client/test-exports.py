#!/usr/bin/env python3
"""libprivyseal.so exports exactly what its installed headers declare: nothing of a library linked into
it can clash with a program's own symbols.

usage: test-exports.py LIBRARY HEADER..."""
import re
import subprocess
import sys


def declared(path):
    text = open(path, encoding='utf-8').read()
    text = re.sub(r'/\*.*?\*/', '', text, flags=re.S)
    text = re.sub(r'^\s*#.*(?:\\\n.*)*$', '', text, flags=re.M)
    text = re.sub(r'G_DEFINE_\w+\([^)]*\)', '', text)
    return set(re.findall(r'\b(seal_[a-z0-9_]+)\s*\(', text))


def exported(library):
    lines = subprocess.run(['nm', '-D', '--defined-only', library], check=True,
                           capture_output=True, text=True).stdout.splitlines()
    symbols = {line.split()[2].split('@')[0] for line in lines}
    return {name for name in symbols if not name.startswith('LIBPRIVYSEAL_')}


def main():
    promised = set().union(*(declared(header) for header in sys.argv[2:]))
    found = exported(sys.argv[1])
    for name in sorted(promised - found):
        print(f'{name} is declared but not exported')
    for name in sorted(found - promised):
        print(f'{name} is exported but not declared')
    return 0 if promised == found and promised else 1


if __name__ == '__main__':
    sys.exit(main())
