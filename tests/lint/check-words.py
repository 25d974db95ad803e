#!/usr/bin/env python3
"""Fails on promises left in the code, on tests that sleep or skip silently, on calls that the house
has a better one for, on programs that could ask a token for a private key (rule 1), and on private
keys kept in the tree (rule 9)."""
import re

import house

LINT = 'tests/lint/'
PROMISES = re.compile(r'\b(TODO|FIXME|XXX|HACK)\b|not (yet )?implemented', re.I)
SLEEPS = re.compile(r'\b(g_usleep|usleep|nanosleep|clock_nanosleep|sleep|time\.sleep)\s*\(')
SHELL_SLEEP = re.compile(r'(^|[;&|]|\bdo\b|\bthen\b)\s*sleep\s+[\d.$]', re.M)
COMPARE = re.compile(r'\bmemcmp\s*\([^;]*(pin|secret|password)')
RANDOM = re.compile(r'\b(rand|random|g_random_\w+)\s*\(')
SKIP = re.compile(r'\bg_test_skip\s*\(\s*(NULL|"[^"]{0,9}")\s*\)|\bg_test_incomplete\s*\(')
# What a private key consists of (PKCS#11 2.40, tables 26, 35), and the call that carries one out.
PRIVATE_PARTS = re.compile(r'\b(CKA_PRIVATE_EXPONENT|CKA_PRIME_[12]|CKA_EXPONENT_[12]|CKA_COEFFICIENT|'
                           r'C_WrapKey)\b')
# CKA_VALUE is a certificate's DER or a derived secret here, never a private key's.
VALUE = re.compile(r'\bCKA_VALUE\b')
VALUE_OF = {'pkcs11/host/inventory.c': 'certificates', 'pkcs11/host/agree.c': 'derived secrets'}
KEPT_KEY = re.compile('-----BEGIN (RSA |EC |ENCRYPTED )?PRIVATE' + ' KEY-----')
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


def check_private_parts(name, code):
    for match in PRIVATE_PARTS.finditer(code):
        house.complain(name, house.line_of(code, match.start()),
                       f'{match.group(1)}: a private key never leaves its token')
    for match in VALUE.finditer(code):
        if name not in VALUE_OF:
            house.complain(name, house.line_of(code, match.start()),
                           'CKA_VALUE is read of certificates and derived secrets only, in '
                           + ', '.join(sorted(VALUE_OF)))


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
    if KEPT_KEY.search(content):
        house.complain(source, 1, 'keeps a private key: tests make their own')
    # The module for other programs names these to refuse them; it reaches no token.
    if source.endswith('.c') and source.startswith(('agent/', 'pkcs11/', 'ipc/', 'base/')) and \
            not source.startswith('pkcs11/module/'):
        check_private_parts(source, house.code_of(content))
    if source.endswith(('.c', '.h')):
        check_c(source, house.code_of(content), content)
    elif source.startswith('tests/') and (SLEEPS.search(content) or SHELL_SLEEP.search(content)):
        house.complain(source, 1, 'tests wait for an event with a deadline, not for time')
house.finish('words')
