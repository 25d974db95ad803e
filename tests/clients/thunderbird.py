"""Alice's mail in Thunderbird, with her keys on a token that the agent serves.

usage: thunderbird.py PROFILE

Writes what Thunderbird sent to sent-NAME.eml."""
import base64
import email.utils
import mailbox
import os
import select
import signal
import ssl
import subprocess
import sys

import marionette

PROFILE = sys.argv[1]
TOKEN, PRIVYSEAL = os.environ['TOKEN'], os.environ['PRIVYSEAL']
HERE = os.path.dirname(os.path.abspath(__file__))
ALICE = 'alice@example.org'
UNSUPPORTED_KEYALG = -8144  # SEC_ERROR_UNSUPPORTED_KEYALG of NSS


def read(path):
    with open(path, encoding='utf-8') as file:
        return file.read()


SCRIPT = read(os.path.join(HERE, 'thunderbird.js'))


def check(condition, *what):
    if not condition:
        sys.exit('FAILED: ' + ' '.join(map(str, what)))


def certificate(name):
    """DER in base64."""
    return base64.b64encode(
        ssl.PEM_cert_to_DER_cert(read(f'{TOKEN}/certs/{name}.pem'))).decode()


def call(program, function, *arguments):
    return program.run(f'{SCRIPT} return await {function}(...arguments[0]);', arguments)


# -- the agent's side -----------------------------------------------------------------------------


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
    check(select.select([ended], [], [], marionette.DEADLINE_S)[0], 'the agent does not end')
    os.close(ended)


# -- what Thunderbird does --------------------------------------------------------------------------

KINDS = {'rsa': 'RSA', 'p256': 'P-256', 'p384': 'P-384', 'p521': 'P-521'}


def check_certificates(program):
    """The token's certificates are there to the byte, and each is good for its own use."""
    shown = {der: errors for der, *errors in call(program, 'certificates', 'Alice')}
    names = [file[:-4] for file in os.listdir(TOKEN + '/certs') if file.startswith('alice-')]
    check(len(names) > 8, names)
    for name in names:
        check(certificate(name) in shown, name, 'is not shown')
        signer, recipient = shown[certificate(name)]
        if '25519' in name:
            check(signer == recipient == UNSUPPORTED_KEYALG, name, signer, recipient)
            continue
        check((signer == 0) == name.endswith('-sign'), name, 'as signer:', signer)
        check((recipient == 0) == name.endswith('-decrypt'), name, 'as recipient:', recipient)


def check_opened(seen, signer, text):
    check(seen['encryption'] == seen['signature'] == 'SUCCESS' and seen['icons'] == ['ok', 'ok']
          and seen['signer'] == certificate(signer) and text in seen['text'], seen)


def check_written(program, kind):
    """A mail to herself, signed and encrypted by Thunderbird, which opens it again."""
    text = f'written in Thunderbird with the {kind} keys'
    call(program, 'write', certificate(f'alice-{kind}-sign'), certificate(f'alice-{kind}-decrypt'),
         ALICE, kind, text)
    check_opened(call(program, 'showSent'), f'alice-{kind}-sign', text)


def letter(text):
    """Dated: Thunderbird finds fault with a mail that is not signed at its own time."""
    return (f'From: Alice Example <{ALICE}>\nTo: Alice Example <{ALICE}>\nSubject: sealed\n'
            f'Date: {email.utils.formatdate()}\nMIME-Version: 1.0\nContent-Type: text/plain; charset=us-ascii\n\n{text}\n')


def seal(kind, text, *options):
    """The same letter, signed and encrypted by privyseal."""
    return privyseal('encrypt', '--sign', '--key', f'Alice {KINDS[kind]} signing',
                     '--to', f'{TOKEN}/certs/alice-{kind}-decrypt.pem', *options, text=letter(text))


def check_read(program, kind, *options):
    text = f'sealed by privyseal with the {kind} keys'
    check_opened(call(program, 'receive', seal(kind, text, *options)), f'alice-{kind}-sign', text)


def check_altered(program):
    signed = privyseal('sign', '--key', 'Alice RSA signing', text=letter('pay one crown'))
    good = call(program, 'receive', signed)
    check(good['signature'] == 'SUCCESS' and good['icons'] == ['', 'ok'], good)
    bad = call(program, 'receive', signed.replace('one crown', 'two crowns'))
    check(bad['signature'] == 'VERIFY_DIGEST_MISMATCH' and bad['icons'] == ['', ''], bad)


def check_cancelled(program, kind):
    """Who cancels the prompt is asked once and reads nothing, and is asked anew the next time."""
    text, before = f'opened at the second try with the {kind} key', len(prompts())
    mail = seal(kind, text)
    privyseal('lock')
    answer('cancel')
    refused = call(program, 'receive', mail)
    check(refused['encryption'] == 'GENERAL_ERROR', refused)
    check(len(prompts()) == before + 1, prompts())
    check_opened(call(program, 'receive', mail), f'alice-{kind}-sign', text)
    check(len(prompts()) == before + 2, prompts())


def check_restart(program):
    """Thunderbird works on with the agent's successor."""
    mail = seal('p256', 'opened by the successor')
    end_agent()
    check_opened(call(program, 'receive', mail), 'alice-p256-sign', 'opened by the successor')


def main():
    with marionette.Program('thunderbird', PROFILE, 'thunderbird.log') as program:
        check('Alice' in call(program, 'tokens', 'Privy Seal'), 'the token is not there')
        check_certificates(program)
        check(not prompts(), prompts())
        for kind in KINDS:
            check_written(program, kind)
            check_read(program, kind)
        check_read(program, 'rsa', '--oaep', '--pss')
        check_read(program, 'p256', '--opaque')
        check_altered(program)
        check(len(prompts()) == 1 and 'Program: thunderbird' in prompts()[0], prompts())
        check_cancelled(program, 'rsa')
        check_cancelled(program, 'p256')
        check_restart(program)
        check(len(prompts()) == 6, prompts())
    for mail in mailbox.mbox(os.path.join(PROFILE, 'Mail/Local Folders/Unsent Messages')):
        with open(f'sent-{mail["Subject"]}.eml', 'wb') as file:
            file.write(bytes(mail))


main()
