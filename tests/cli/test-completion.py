#!/usr/bin/env python3
"""Bash completes every option that the help pages list, and nothing that they do not.

usage: test-completion.py PRIVYSEAL COMPLETION"""
import re
import subprocess
import sys

PROGRAM, COMPLETION = sys.argv[1:]


def run(*words):
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def commands():
    page = run(PROGRAM, '--help').split('commands:\n')[1].split('\n\n')[0]
    return [line.split()[0] for line in page.splitlines()]


def options_in_help(command):
    page = run(PROGRAM, command, '--help').split('\noptions:\n')[1].split('\n\nexamples:')[0]
    return set(re.findall(r'^  (?:-[a-z], )?(--[a-z-]+)', page, flags=re.M))


def completed(*words):
    """What bash offers for the last of `words`."""
    script = '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); compopt() { :; }; _privyseal; ' \
             'printf "%s\\n" "${COMPREPLY[@]}"'
    return set(run('bash', '-c', script, 'bash', COMPLETION, 'privyseal', *words).split())


def main():
    failures = 0
    names = set(commands())
    offered = {word for word in completed('') if not word.startswith('-')} - {'help'}
    if offered != names:
        print(f'commands: offered {sorted(offered)}, there are {sorted(names)}')
        failures += 1
    for name in sorted(names):
        offered, known = completed(name, '--'), options_in_help(name)
        if offered != known:
            print(f'{name}: offered and help differ by {sorted(offered ^ known)}')
            failures += 1
    if completed('encrypt', '--cipher', 'aes-128') != {'aes-128-cbc', 'aes-128-gcm'}:
        print('encrypt --cipher: the names of ciphers are not completed')
        failures += 1
    programs = set(re.findall(r'^  ([a-z]+)  +[^ ]', run(PROGRAM, 'setup', '--help').split('\noptions:\n')[0], flags=re.M))
    if completed('setup', '') != programs:
        print(f'setup: completed {sorted(completed("setup", ""))}, in its help {sorted(programs)}')
        failures += 1
    return 1 if failures or not names else 0


if __name__ == '__main__':
    sys.exit(main())
