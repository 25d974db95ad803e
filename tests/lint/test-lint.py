#!/usr/bin/env python3
"""Tries each lint program on small trees: one that is in order, and others that break one rule."""
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.realpath(__file__))
OPENING = '/* A file of this test, with an opening that is long enough. */\n'
GOOD = {
    'base/a.h': OPENING + '#pragma once\n\n/* Does a thing. */\nvoid seal_a_do(void);\n',
    'base/a.c': OPENING + '#include "base/a.h"\n\nvoid\nseal_a_do(void)\n{\n}\n',
    'scripts/run': '#!/bin/sh\necho "$@"\n',
}


def run(rule, files):
    """(exit status, output) of a rule on a tree of GOOD and `files`."""
    with tempfile.TemporaryDirectory() as tree:
        for name, text in {**GOOD, **files}.items():
            path = os.path.join(tree, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, 'w', encoding='utf-8') as file:
                file.write(text)
            os.chmod(path, 0o755 if text.startswith('#!') else 0o644)
        done = subprocess.run([sys.executable, f'{HERE}/check-{rule}.py', tree],
                              capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr


class Lint(unittest.TestCase):
    def refuses(self, rule, name, text, why):
        status, said = run(rule, {name: text})
        self.assertEqual(status, 1, said)
        self.assertIn(name, said)
        self.assertIn(why, said)

    def accepts(self, rule, name, text):
        status, said = run(rule, {name: text})
        self.assertEqual(status, 0, said)

    def test_a_tree_in_order_passes(self):
        for rule in ('comments', 'docs', 'layers', 'scripts', 'size', 'words'):
            self.accepts(rule, 'base/b.c', OPENING + 'int seal_b;\n')

    def test_arrow_upward(self):
        self.refuses('layers', 'base/b.c', OPENING + '#include "agent/x.h"\n', 'may not use agent/')

    def test_arrow_past_a_floor(self):
        self.refuses('layers', 'agent/b.c', OPENING + '#include "ipc/client/x.h"\n',
                     'may not use ipc/client/')

    def test_arrow_downward_and_tests_may_pass(self):
        self.accepts('layers', 'agent/b.c', OPENING + '#include "pkcs11/token/x.h"\n')
        self.accepts('layers', 'tests/b.c', OPENING + '#include "agent/x.h"\n')

    def test_unknown_folder(self):
        self.refuses('layers', 'newroom/b.c', OPENING, 'not in the table')

    def test_long_function(self):
        body = '    seal_a_do();\n' * 70
        self.refuses('size', 'base/b.c', f'{OPENING}void\nf(void)\n{{\n{body}}}\n', 'f has 7')

    def test_deep_nesting(self):
        text = OPENING + 'void\nf(void)\n{\n' + 'if (1) {\n' * 4 + '}\n' * 5
        self.refuses('size', 'base/b.c', text, 'nested deeper')

    def test_long_file(self):
        self.refuses('size', 'base/b.c', OPENING + 'int x;\n' * 701, '702 lines')

    def test_promise(self):
        self.refuses('words', 'base/b.c', OPENING + '/* TO' + 'DO: later */\n', 'write an issue')

    def test_sleep_in_test(self):
        self.refuses('words', 'tests/b.c', OPENING + 'void f(void) { g_usleep(1); }\n', 'deadline')
        self.refuses('words', 'tests/run.sh', '#!/bin/sh\nsleep 1\n', 'deadline')

    def test_sleeping_double_may_pass(self):
        self.accepts('words', 'tests/x/mock-slow.c', OPENING + 'void f(void) { usleep(1); }\n')

    def test_skip_without_reason(self):
        self.refuses('words', 'tests/b.c', OPENING + 'void f(void) { g_test_skip(NULL); }\n',
                     'without a reason')

    def test_private_parts(self):
        self.refuses('words', 'pkcs11/host/b.c', OPENING + 'int x = CKA_PRIVATE_EXPONENT;\n',
                     'never leaves its token')
        self.refuses('words', 'pkcs11/host/b.c', OPENING + 'int x = CKA_VALUE;\n', 'CKA_VALUE')
        self.accepts('words', 'pkcs11/host/inventory.c', OPENING + 'int x = CKA_VALUE;\n')

    def test_kept_key(self):
        self.refuses('words', 'tests/key.txt', '-----BEGIN PRIVATE' + ' KEY-----\n', 'keeps a private')

    def test_docs_that_point_nowhere(self):
        rules = '| rule | proved by |\n|---|---|\n| 1. A | `/a/test` |\n'
        test = 'g_test_add_func("/a/test", f);\n'
        self.refuses('docs', 'README.md', '[x](docs/nothing.md)\n', 'no file')
        self.refuses('docs', 'README.md', 'run scripts/nothing\n', 'no "scripts/nothing"')
        self.refuses('docs', 'docs/threat-model.md', rules, 'no test /a/test')
        self.refuses('docs', 'docs/threat-model.md', rules.replace('`/a/test`', ''), 'names no test')
        status, said = run('docs', {'docs/threat-model.md': rules, 'tests/a.c': OPENING + test})
        self.assertEqual(status, 0, said)
        limits = '| bad input | tests |\n|---|---|\n| A | `/corpus/a/row` |\n'
        self.refuses('docs', 'docs/limits.md', limits, 'no test /corpus/a/row')
        status, said = run('docs', {'docs/limits.md': limits, 'tests/a.c': OPENING + '{"a/row"},\n'})
        self.assertEqual(status, 0, said)

    def test_shell_from_c(self):
        self.refuses('words', 'base/b.c', OPENING + 'void f(void) { system("x"); }\n', 'no shell')

    def test_no_opening(self):
        self.refuses('comments', 'base/b.c', 'int x;\n', 'open with a comment')

    def test_undocumented_function(self):
        self.refuses('comments', 'base/b.h',
                     OPENING + '#pragma once\n\n/* A. */\nint seal_a(void);\n\nint seal_b(void);\n',
                     'seal_b has no page')

    def test_interface_without_pages(self):
        page = '<!--\nDo:\n@a: an a.\n\nErrors: NotFound.\n-->\n'
        method = '<method name="Do"><arg name="a" type="s"/></method>'
        whole = '<!-- I: it --><interface name="I">\n{}</interface>\n'
        self.accepts('interfaces', 'ipc/i.xml', whole.format(page + method))
        self.refuses('interfaces', 'ipc/i.xml', whole.format(method), 'begin with its name')
        self.refuses('interfaces', 'ipc/i.xml', whole.format(page.replace('@a', 'a') + method), '@a:')
        self.refuses('interfaces', 'ipc/i.xml', whole.format(page.replace('Errors', 'E') + method),
                     'no "Errors:"')

    def test_shellcheck_finds(self):
        self.refuses('scripts', 'scripts/bad', '#!/bin/sh\nrm -rf $1/$2\n', 'SC2086')


unittest.main()
