#!/usr/bin/env python3
"""A person at a terminal, for programs that draw on the whole screen.

usage: play.py PROGRAM [ARGUMENT...] <STEPS

Runs the program on a pseudo-terminal of 40 lines and 120 columns and goes through the steps, a line
each; a line that starts with # is none:

  see TEXT     wait until TEXT is on the screen
  miss TEXT    TEXT is not on the screen now
  lose TEXT    wait until TEXT is no longer on the screen
  type KEYS    type them; \\r is Enter, \\x07 Ctrl-G
  end [STATUS] wait until the program has ended, with this status or 0

Nothing is waited for by time. At the deadline of a step the screen is printed and the status is 1;
77 if the emulator of the screen, python3-pyte, is not there.
"""
import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time

try:
    import pyte
except ImportError:
    print('skipped: python3-pyte is not installed')
    sys.exit(77)

LINES, COLUMNS = 40, 120
DEADLINE_S = 30


class Terminal:
    def __init__(self, command):
        self.screen = pyte.Screen(COLUMNS, LINES)
        self.stream = pyte.ByteStream(self.screen)
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ['TERM'] = 'linux'
            os.execvp(command[0], command)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack('HHHH', LINES, COLUMNS, 0, 0))

    def text(self):
        return '\n'.join(line.rstrip() for line in self.screen.display if line.strip())

    def fail(self, step, why):
        sys.exit(f'"{step}": {why}; on the screen:\n{self.text()}')

    def read(self, step, end):
        """Takes what the program draws; False when it has closed the terminal."""
        left = end - time.monotonic()
        if left <= 0 or not select.select([self.fd], [], [], left)[0]:
            self.fail(step, 'the deadline has passed')
        try:
            drawn = os.read(self.fd, 65536)
        except OSError:  # EIO: the last one has closed it
            drawn = b''
        self.stream.feed(drawn)
        return bool(drawn)

    def wait(self, step, text, there, end):
        while (text in self.text()) != there:
            if not self.read(step, end):
                self.fail(step, 'the program has ended')

    def finish(self, step, expected, end):
        while self.read(step, end):
            pass
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        if status != expected:
            self.fail(step, f'the program ended with status {status}')

    def play(self, step):
        verb, _, text = step.partition(' ')
        end = time.monotonic() + DEADLINE_S
        if verb in ('see', 'lose'):
            self.wait(step, text, verb == 'see', end)
        elif verb == 'miss':
            if text in self.text():
                self.fail(step, 'it is there')
        elif verb == 'type':
            os.write(self.fd, text.encode().decode('unicode_escape').encode())
        elif verb == 'end':
            self.finish(step, int(text or 0), end)
        else:
            sys.exit(f'"{step}" is no step')


def main():
    terminal = Terminal(sys.argv[1:])
    for line in sys.stdin:
        if line.strip() and not line.startswith('#'):
            terminal.play(line.rstrip('\n'))


main()
