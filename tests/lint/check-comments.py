#!/usr/bin/env python3
"""Fails on a C file that does not open with a paragraph about itself, on a public function without
its page, and on a header without an include guard."""
import re

import house

SHORTEST_OPENING = {'.c': 30, '.h': 10}  # characters: a sentence; a phrase
PROTOTYPE = re.compile(r'^(?!\s|typedef\b|#|static\b|extern "C"|G_DEF|G_DECL|return\b)'
                       r'[A-Za-z_][\w \t*]*?[ *](seal_\w+)\s*\(', re.M)


def check_opening(name, text):
    match = re.match(r'(?:#!.*\n)?/\*(.*?)\*/', text, re.S)
    words = re.sub(r'[\s*]+', ' ', match.group(1)) if match else ''
    if len(words) < SHORTEST_OPENING[name[-2:]]:
        house.complain(name, 1, 'open with a comment: the idea, what it promises, where it stops')


def check_header(name, text):
    """In each block between empty lines a comment stands before the first prototype."""
    if '#pragma once' not in text:
        house.complain(name, 1, 'no #pragma once')
    # Empty lines inside a comment do not end a block.
    joined = re.sub(r'/\*.*?\*/', lambda m: m.group(0).replace('\n\n', '\n*\n'), text, flags=re.S)
    line = 1
    for block in re.split(r'(\n\s*\n)', joined):
        match = PROTOTYPE.search(block)
        if match and '/*' not in block[:match.start()]:
            house.complain(name, line + block.count('\n', 0, match.start()),
                           f'{match.group(1)} has no page: purpose, parameters, success, errors')
        line += block.count('\n')


for source in house.files('.c', '.h'):
    content = house.read(source)
    check_opening(source, content)
    if source.endswith('.h'):
        check_header(source, content)
house.finish('comments')
