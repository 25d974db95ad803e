"""Runs the table (table.py) for real: privyseal with Alice's keys on a token behind the agent, the other
programs with software keys (programs.py). Under tests/clients/with-agent, whose home is the working folder.

Writes TAP, a case for each cell. A cell fails where a program does not read what the table says it reads,
where it reads what the table says it does not, or where it refuses with other words. What it reads must be,
byte for byte, what `privyseal open` gives. A program that is not there is told as skipped, with its reason."""
import concurrent.futures
import json
import os
import subprocess
import sys

import bouncy
import gnupg
import mails
import programs
import table
from mails import ENTITY, TEXT
from programs import Refused, load, run, store

PRIVYSEAL = os.environ['PRIVYSEAL']
PROGRAMS = {'openssl': programs.OpenSSL, 'cmsutil': programs.NSS, 'thunderbird': programs.ThunderbirdNSS,
            'gpgsm': gnupg.GPGSM, 'bouncy-castle': bouncy.BouncyCastle}
WORKERS = 2  # the tests share the machine
CONTROL = 'signed/detached-rsa-RSA'  # the mail of which a changed copy is read by nobody


class Failed(Exception):
    """The cell is not what the table says."""


def privyseal(name, words, row):
    """What privyseal writes of the row's mail."""
    files = [programs.certificate(word[8:]) if word.startswith('fixture:') else word for word in words]
    output = 'ours-' + name.replace('/', '-')
    mail = store('mail', mails.MAILS[row.lines.get('mail', 'plain')])
    run(PRIVYSEAL, *files, '--output', output, mail)
    return load(row.lines.get('file', output))


def opened(name, mail):
    """The verdict and the content, by `privyseal open`; what it learns of senders is not for `encrypt`."""
    stem = 'opened-' + name.replace('/', '-')
    result = subprocess.run([PRIVYSEAL, 'open', '--json', '--anchor', programs.root(), '--output', stem,
                             store(stem + '.eml', mail)], capture_output=True, timeout=programs.DEADLINE_S,
                            env=dict(os.environ, XDG_DATA_HOME=os.path.abspath('learned')))
    if result.returncode > 1:
        raise Failed(f'privyseal open: {result.stderr.decode()}')
    return json.loads(result.stdout)['verdict'], load(stem) if result.returncode == 0 else None


def read_cell(program, mail, content, key, refusal):
    try:
        read = program.read(mail, key)
    except Refused as refused:
        if not refusal:
            raise Failed(f'is not read: {refused}') from refused
        if refusal['says'] not in str(refused):
            raise Failed(f'does not say "{refusal["says"]}", but {refused}') from refused
        return
    if read != content:
        raise Failed(f'reads something else: {read[:2000]}')
    if refusal:
        raise Failed('is read, which the table does not know')


def write_cell(program, name, words, verdict):
    what, keys, *options = words
    try:
        mail = getattr(program, what)(ENTITY, keys.split(','), options)
    except Refused as refused:
        raise Failed(f'is not written: {refused}') from refused
    word, content = opened(name, mail)
    if word != verdict:
        raise Failed(f'"{word}" instead of "{verdict}"')
    if content is not None and not content.endswith(TEXT):
        raise Failed(f'another content: {content}')


def control_cell(program, mail):
    """Reading must be able to fail."""
    for text in TEXT, TEXT.upper():
        changed = mail.replace(TEXT, text)
        if (changed == mail) != (text == TEXT):
            raise Failed('the mail could not be changed')
        try:
            program.read(changed, None)
        except Refused:
            if text == TEXT:
                raise
            return
    raise Failed('a changed mail is read')


def cells_of(program, matrix, written):
    """(name, function, arguments) of every cell of a program."""
    yield f'{program.name}/control', control_cell, (program, written[CONTROL][0])
    for row in matrix.ours:
        refusal = matrix.refusals.get(row.lines.get(program.name))
        for name, words in row.commands.items():
            mail, content = written[name]
            yield f'{program.name}/{name}', read_cell, (program, mail, content, row.key(words), refusal)
    for row in matrix.theirs:
        if row.group != program.name:
            continue
        for name, words in row.commands.items():
            yield f'privyseal/{name}', write_cell, (program, name, words, row.lines['verdict'])


def attempt(function, arguments):
    """What is wrong; None if nothing is."""
    try:
        function(*arguments)
    except (Failed, Refused, subprocess.TimeoutExpired) as error:
        return str(error)
    return None


def column(name, matrix, written):
    """[(cell, what is wrong)] of a program; a reason instead where it is not there."""
    program = PROGRAMS[name](name)
    missing = program.missing()
    if missing:
        return f'{", ".join(missing)} not installed'
    wrong = attempt(program.start, ())
    if wrong:
        return [(f'{name}/start', wrong)]
    try:
        return [(cell, attempt(function, arguments))
                for cell, function, arguments in cells_of(program, matrix, written)]
    finally:
        program.stop()


def write_all(matrix):
    """Each of our mails with its content, by the name of its case."""
    written = {}
    for row in matrix.ours:
        for name, words in row.commands.items():
            mail = privyseal(name, words, row)
            written[name] = mail, opened(name, mail)[1]
            if TEXT not in (written[name][1] or b''):
                raise SystemExit(f'{name}: privyseal does not open what it wrote')
    return written


def main():
    matrix = table.Table()
    written = write_all(matrix)
    number = failures = 0
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        columns = pool.map(lambda name: (name, column(name, matrix, written)), matrix.programs)
        for name, cells in columns:
            if isinstance(cells, str):
                number += 1
                print(f'ok {number} /interop/{name} # SKIP {cells}')
                continue
            for cell, wrong in cells:
                number += 1
                failures += wrong is not None
                print(f'{"not " if wrong else ""}ok {number} /interop/{cell}')
                if wrong:
                    print('# ' + wrong.strip().replace('\n', '\n# '))
    print(f'1..{number}')
    sys.exit(1 if failures else 0)


main()
