"""The table of what reads what (matrix.ini), as the test and the page take it.

A section [ours/GROUP/NAME] is a mail that privyseal writes: `what` it is, for the page; `write`, the words
after `privyseal`, where fixture:KEY is the file of a certificate; `key`, whose private key the readers have,
unless it is the first of these. Every program reads it but those that have a line of their own, which names
a [refusal/NAME]: what the program `says`, and what that `means`.

A section [theirs/PROGRAM/NAME] is a mail that another program writes: `write`, a method of programs.py, keys,
and the program's own options; `verdict`, what `privyseal open` says of it.

`each` and `also`, in either, are lists of words that stand for {each} and {also} in `write`, each with each:
they behave the same. `mail` is the mail that it is made of, if it is not the plain one (mails.py), and `file`
what the readers get, if it is not the mail of --output."""
import configparser
import itertools
import os
import shlex
from dataclasses import dataclass

FILE = os.path.join(os.path.dirname(os.path.realpath(__file__)), 'matrix.ini')


@dataclass
class Row:
    name: str
    what: str
    commands: dict   # name of the case -> words
    lines: dict

    @property
    def group(self):
        return self.name.split('/')[0]

    def key(self, words):
        """Whose private key opens it; None if none is needed."""
        named = [word[8:] for word in words if word.startswith('fixture:')]
        return self.lines.get('key', named[0] if named else None)


class Table:
    def __init__(self):
        parser = configparser.ConfigParser(interpolation=None, delimiters=('=',))
        with open(FILE, encoding='utf-8') as file:
            parser.read_file(file)
        self.programs = dict(parser['programs'])
        self.titles = dict(parser['groups'])
        self.refusals = {}
        self.ours, self.theirs = [], []
        for section in parser.sections():
            kind, _, name = section.partition('/')
            if kind == 'refusal':
                self.refusals[name] = parser[section]
            elif kind in ('ours', 'theirs'):
                getattr(self, kind).append(self.row(name, parser[section]))
        self.check()

    @staticmethod
    def row(name, section):
        choices = [section[line].split() if line in section else [''] for line in ('each', 'also')]
        commands = {}
        for each, also in itertools.product(*choices):
            words = section['write'].replace('{each}', each).replace('{also}', also)
            commands['-'.join(filter(None, (name, each.strip('-'), also)))] = shlex.split(words)
        return Row(name, section['what'], commands, dict(section))

    def check(self):
        """A wrong word in the file is told, not passed over."""
        known = {'what', 'write', 'each', 'also'}
        for row in self.ours:
            for line, value in row.lines.items():
                if line in self.programs and value not in self.refusals:
                    raise SystemExit(f'{row.name}: no [refusal/{value}]')
                if line not in known | {'file', 'key', 'mail'} | set(self.programs):
                    raise SystemExit(f'{row.name}: "{line}" is no line of a row')
        for row in self.theirs:
            if set(row.lines) - known != {'verdict'} or row.group not in self.programs:
                raise SystemExit(f'{row.name}: is no row of another program')
        used = {row.lines.get(program) for row in self.ours for program in self.programs}
        if set(self.refusals) - used:
            raise SystemExit(f'no row has the refusals {sorted(set(self.refusals) - used)}')
