"""What stands beside a program under test: the fixture's certificates, the agent, and the person who
answers its prompts. Runs in the home that with-agent made."""
import base64
import os
import select
import signal
import ssl
import subprocess
import sys

TOKEN, PRIVYSEAL = os.environ['TOKEN'], os.environ['PRIVYSEAL']
DEADLINE_S = 100  # for what a program under test does in all; with-agent's own is a little later


def read(path):
    with open(path, encoding='utf-8') as file:
        return file.read()


def check(condition, *what):
    if not condition:
        sys.exit('FAILED: ' + ' '.join(map(str, what)))


def certificate(name):
    """DER in base64."""
    return base64.b64encode(
        ssl.PEM_cert_to_DER_cert(read(f'{TOKEN}/certs/{name}.pem'))).decode()


def prompts():
    """What each prompt told, up to now."""
    try:
        lines = read('pinentry/pinentry.log').splitlines()
    except FileNotFoundError:
        return []
    check(lines.count('GETPIN') == sum(line.startswith('SETDESC') for line in lines), lines)
    return [line for line in lines if line.startswith('SETDESC')]


def answer(first):
    """The next prompt gets this answer, those after it the PIN."""
    with open('pinentry/pinentry.answers', 'w', encoding='utf-8') as file:
        file.write(f'{first}\nalways pin {read(TOKEN + "/pin")}\n')
    if os.path.exists('pinentry/pinentry.next'):
        os.unlink('pinentry/pinentry.next')


def privyseal(*words, text=None):
    done = subprocess.run([PRIVYSEAL, *words], input=text, capture_output=True, text=True)
    check(done.returncode == 0, done.stderr)
    return done.stdout


def end_agent():
    """Ends the agent, and sees it ended."""
    said = subprocess.run(
        ['dbus-send', '--print-reply', '--dest=org.freedesktop.DBus', '/org/freedesktop/DBus',
         'org.freedesktop.DBus.GetConnectionUnixProcessID', 'string:org.privyseal.Agent1'],
        check=True, capture_output=True, text=True).stdout
    pid = int(said.split()[-1])
    ended = os.pidfd_open(pid)
    os.kill(pid, signal.SIGTERM)
    check(select.select([ended], [], [], DEADLINE_S)[0], 'the agent does not end')
    os.close(ended)
