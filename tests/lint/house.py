"""What the lint programs share: the list of files, C without comments, and one way to complain."""
import os
import re
import subprocess
import sys

TOP = os.path.realpath(sys.argv[1] if len(sys.argv) > 1 else
                       os.path.join(os.path.dirname(__file__), '..', '..'))
complaints = []
looked_at = 0


def files(*endings):
    """Tracked and new files of the tree with one of the endings ('' for every file)."""
    names = subprocess.run(
        ['git', '-c', 'safe.directory=*', '-C', TOP, 'ls-files', '-z', '-co', '--exclude-standard'],
        capture_output=True, text=True)
    found = names.stdout.split('\0') if names.returncode == 0 else walk()
    return [name for name in sorted(set(found))
            if name.endswith(endings or '') and os.path.isfile(os.path.join(TOP, name))]


def walk():
    """The same without git (an unpacked archive)."""
    for folder, folders, names in os.walk(TOP):
        folders[:] = [f for f in folders if f != '.git' and not f.startswith('build')]
        for name in names:
            yield os.path.relpath(os.path.join(folder, name), TOP)


def read(name):
    global looked_at
    looked_at += 1
    with open(os.path.join(TOP, name), encoding='utf-8', errors='replace') as file:
        return file.read()


def blank(match):
    """Spaces in place of a match, line breaks kept, so that positions stay."""
    return re.sub(r'[^\n]', ' ', match.group(0))


def code_of(text):
    """C source with comments and the insides of strings blanked."""
    pattern = r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
    return re.sub(pattern, lambda m: blank(m) if m.group(0)[0] == '/' else
                  m.group(0)[0] + ' ' * (len(m.group(0)) - 2) + m.group(0)[-1], text, flags=re.S)


def complain(name, line, text):
    complaints.append(f'{name}:{line}: {text}')


def line_of(text, position):
    return text.count('\n', 0, position) + 1


def finish(rule):
    """Ends the program: 1 if anything was wrong, or if it looked at nothing."""
    for complaint in complaints:
        print(complaint)
    if looked_at == 0:
        print(f'{rule}: found no file to look at below {TOP}')
    else:
        print(f'{rule}: {looked_at} files, {len(complaints)} complaints')
    sys.exit(1 if complaints or looked_at == 0 else 0)
