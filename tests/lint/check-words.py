#!/usr/bin/env python3
"""Fails on promises left in the code, on tests that sleep or skip silently, and on calls that the
house has a better one for."""
import re

import house

LINT = 'tests/lint/'
PROMISES = re.compile(r'\b(TODO|FIXME|XXX|HACK)\b|not (yet )?implemented', re.I)
SLEEPS = re.compile(r'\b(g_usleep|usleep|nanosleep|clock_nanosleep|sleep|time\.sleep)\s*\(')
SHELL_SLEEP = re.compile(r'(^|[;&|]|\bdo\b|\bthen\b)\s*sleep\s+[\d.$]', re.M)
COMPARE = re.compile(r'\bmemcmp\s*\([^;]*(pin|secret|password)')
RANDOM = re.compile(r'\b(rand|random|g_random_\w+)\s*\(')
SKIP = re.compile(r'\bg_test_skip\s*\(\s*(NULL|"[^"]{0,9}")\s*\)|\bg_test_incomplete\s*\(')
# (pattern, what to use). Looked for in C code without comments and strings.
INSTEAD = [
    (r'\b(strcpy|strcat|sprintf|vsprintf|gets)\s*\(', 'a bounded call (snprintf, g_strlcpy)'),
    (r'\b(system|popen)\s*\(', 'g_spawn_async_with_fds: no shell'),
    (r'\b(tmpnam|tempnam|mktemp)\s*\(', 'mkstemp'),
]


def check_promises(name, text):
    for match in PROMISES.finditer(text):
        house.complain(name, house.line_of(text, match.start()),
                       f'"{match.group(0)}": do it, or write an issue')


def check_c(name, code, text):
    for pattern, better in INSTEAD:
        for match in re.finditer(pattern, code):
            house.complain(name, house.line_of(code, match.start()),
                           f'{match.group(1)}: use {better}')
    if not name.startswith('tests/'):
        for match in COMPARE.finditer(code):
            house.complain(name, house.line_of(code, match.start()),
                           'memcmp of a secret: use seal_secret_equal')
        for match in RANDOM.finditer(code):
            house.complain(name, house.line_of(code, match.start()),
                           f'{match.group(1)}: use RAND_bytes or getrandom')
        return
    # A double that plays a slow token or module must be slow.
    if '/mock' not in name:
        for match in SLEEPS.finditer(code):
            house.complain(name, house.line_of(code, match.start()),
                           'tests wait for an event with a deadline (tests/support/wait.h)')
    for match in SKIP.finditer(text):
        house.complain(name, house.line_of(text, match.start()), 'skipped without a reason')


for source in house.files():
    if source.startswith(LINT) or not re.search(
            r'\.(c|h|py|sh|xml|md|build|txt|ini|service|in|1|5|8)$|^scripts/|^\.ci/', source):
        continue
    content = house.read(source)
    check_promises(source, content)
    if source.endswith(('.c', '.h')):
        check_c(source, house.code_of(content), content)
    elif source.startswith('tests/') and (SLEEPS.search(content) or SHELL_SLEEP.search(content)):
        house.complain(source, 1, 'tests wait for an event with a deadline, not for time')
house.finish('words')
