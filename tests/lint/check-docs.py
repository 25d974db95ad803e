#!/usr/bin/env python3
"""Fails on a page that points nowhere: a relative link or a script that is not there, and a row of
the rule table of docs/threat-model.md that names no test; and on docs/threat-model.md or docs/limits.md
where they name a test that no test program has."""
import os
import re

import house

LINK = re.compile(r'\]\(([^)#\s]+)(?:#[^)]*)?\)')
SCRIPT = re.compile(r'(?<![\w/])((?:scripts|softhsm-fixtures|\.ci)/[a-z][a-z-]*)\b(?![/.])')
TEST_PATH = re.compile(r'`(/[a-z0-9][a-z0-9/-]+)`')
TEST_FILE = re.compile(r'`(tests/[\w./-]+)`')


def exists(path):
    return os.path.exists(os.path.join(house.TOP, path))


def check_links(name, text):
    for match in LINK.finditer(text):
        target = match.group(1)
        if '://' in target or target.startswith('mailto:'):
            continue
        if not exists(os.path.normpath(os.path.join(os.path.dirname(name), target))):
            house.complain(name, house.line_of(text, match.start()), f'no file "{target}"')
    for match in SCRIPT.finditer(text):
        if not exists(match.group(1)):
            house.complain(name, house.line_of(text, match.start()), f'no "{match.group(1)}"')


def check_tests(name, text):
    """Table cells name tests as paths of GTest in backticks; rows of tests/mail are below /corpus/."""
    tests = '\n'.join(house.read(source) for source in house.files('.c', '.py')
                      if source.startswith('tests/'))
    for row in re.finditer(r'^\|.*$', text, re.M):
        for path in TEST_PATH.findall(row.group(0)):
            if f'"{path}"' not in tests and f'"{path.removeprefix("/corpus/")}"' not in tests:
                house.complain(name, house.line_of(text, row.start()), f'no test {path}')


def check_rules(name, text):
    """Rows `| 1. RULE | tests |`: each names a test or a file below tests/."""
    for match in re.finditer(r'^\|\s*(\d+)\.[^|]*\|(.*)\|\s*$', text, re.M):
        line, row = house.line_of(text, match.start()), match.group(2)
        paths, files = TEST_PATH.findall(row), TEST_FILE.findall(row)
        if not paths and not files:
            house.complain(name, line, f'rule {match.group(1)} names no test')
        for file in files:
            if not exists(file):
                house.complain(name, line, f'no file {file}')


for page in house.files('.md'):
    content = house.read(page)
    check_links(page, content)
    if page in ('docs/threat-model.md', 'docs/limits.md'):
        check_tests(page, content)
    if page == 'docs/threat-model.md':
        check_rules(page, content)
if not house.looked_at:
    house.looked_at = 1  # a tree without pages (test-lint.py) is in order
house.finish('docs')
