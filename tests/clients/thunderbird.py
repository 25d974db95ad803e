"""Alice's mail in Thunderbird, with her keys on a token that the agent serves.

usage: thunderbird.py PROFILE

Writes what Thunderbird sent to sent-NAME.eml."""
import email.utils
import mailbox
import os
import sys

import marionette
from person import TOKEN, answer, certificate, check, end_agent, privyseal, prompts

PROFILE = sys.argv[1]
ALICE = 'alice@example.org'
UNSUPPORTED_KEYALG = -8144  # SEC_ERROR_UNSUPPORTED_KEYALG of NSS
USAGES = ['verifyUsageEmailSigner', 'verifyUsageEmailRecipient']
KINDS = {'rsa': 'RSA', 'p256': 'P-256', 'p384': 'P-384', 'p521': 'P-521'}


def check_certificates(program):
    """The token's certificates are there to the byte, and each is good for its own use."""
    shown = {der: errors for der, *errors in program.do('certificates', 'Alice', USAGES)}
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
    program.do('write', certificate(f'alice-{kind}-sign'), certificate(f'alice-{kind}-decrypt'),
               ALICE, kind, text)
    check_opened(program.do('showSent'), f'alice-{kind}-sign', text)


def letter(text):
    """Dated: Thunderbird finds fault with a mail that is not signed at its own time."""
    return (f'From: Alice Example <{ALICE}>\nTo: Alice Example <{ALICE}>\nSubject: sealed\n'
            f'Date: {email.utils.formatdate()}\nMIME-Version: 1.0\n'
            f'Content-Type: text/plain; charset=us-ascii\n\n{text}\n')


def seal(kind, text, *options):
    """The same letter, signed and encrypted by privyseal."""
    return privyseal('encrypt', '--sign', '--key', f'Alice {KINDS[kind]} signing',
                     '--to', f'{TOKEN}/certs/alice-{kind}-decrypt.pem', *options, text=letter(text))


def check_read(program, kind, *options):
    text = f'sealed by privyseal with the {kind} keys'
    check_opened(program.do('receive', seal(kind, text, *options)), f'alice-{kind}-sign', text)


def check_altered(program):
    signed = privyseal('sign', '--key', 'Alice RSA signing', text=letter('pay one crown'))
    good = program.do('receive', signed)
    check(good['signature'] == 'SUCCESS' and good['icons'] == ['', 'ok'], good)
    bad = program.do('receive', signed.replace('one crown', 'two crowns'))
    check(bad['signature'] == 'VERIFY_DIGEST_MISMATCH' and bad['icons'] == ['', ''], bad)


def check_cancelled(program, kind):
    """Who cancels the prompt is asked once and reads nothing, and is asked anew the next time."""
    text, before = f'opened at the second try with the {kind} key', len(prompts())
    mail = seal(kind, text)
    privyseal('lock')
    answer('cancel')
    refused = program.do('receive', mail)
    check(refused['encryption'] == 'GENERAL_ERROR', refused)
    check(len(prompts()) == before + 1, prompts())
    check_opened(program.do('receive', mail), f'alice-{kind}-sign', text)
    check(len(prompts()) == before + 2, prompts())


def check_restart(program):
    """Thunderbird works on with the agent's successor."""
    mail = seal('p256', 'opened by the successor')
    end_agent()
    check_opened(program.do('receive', mail), 'alice-p256-sign', 'opened by the successor')


def main():
    with marionette.Program('thunderbird', PROFILE, ['security.js', 'thunderbird.js']) as program:
        check('Alice' in program.do('tokens', 'Privy Seal'), 'the token is not there')
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
