"""gpgsm. Private keys are put where its agent keeps them: its import of PKCS#12 takes no EC keys (2.2.40 ends
with a signal), and so none of them needs a passphrase. It has the keys of all recipients at once, and takes
the first that a message names."""
import os
import re

import layers
from programs import (FIXTURE, Program, certificate, has_private_key, intermediate, private_key,
                      root, run, store)

CURVES = {'P-256': 'NIST P-256', 'P-384': 'NIST P-384', 'P-521': 'NIST P-521'}


def fingerprint(file):
    text = run('openssl', 'x509', '-in', file, '-noout', '-fingerprint', '-sha1').decode()
    return text.strip().split('=')[1].replace(':', '')


def s_expression(name):
    """The private key as libgcrypt writes it; None for the kinds that gpgsm does not know."""
    text = run('openssl', 'pkey', '-in', private_key(name), '-noout', '-text').decode()

    def number(title):
        lines = re.search(r'^' + title + r':\n((?: +[0-9a-f:]+\n)+)', text, re.M).group(1)
        return '#' + re.sub(r'[^0-9a-f]', '', lines) + '#'

    curve = re.search(r'^NIST CURVE: (.*)$', text, re.M)
    if curve:
        return f'(ecc (curve "{CURVES[curve.group(1)]}")(q {number("pub")})(d {number("priv")}))'
    if 'modulus:' not in text:
        return None
    # libgcrypt wants u = 1/p mod q, OpenSSL has 1/q mod p.
    return (f'(rsa (n {number("modulus")})(e #010001#)(d {number("privateExponent")})'
            f'(p {number("prime2")})(q {number("prime1")})(u {number("coefficient")}))')


class GPGSM(Program):
    needs = ('gpgsm', 'gpg-agent', 'gpgconf', 'openssl')

    def gpgsm(self, *command):
        return run('gpgsm', '--homedir', self.folder, '--batch', '--disable-dirmngr', '--disable-crl-checks',
                   '--disable-trusted-cert-crl-check', '--no-secmem-warning', *command)

    def start(self):
        super().start()
        store(self.path('trustlist.txt'), f'{fingerprint(root())} S relax\n'.encode())
        os.mkdir(self.path('private-keys-v1.d'), mode=0o700)
        names = sorted(file[:-4] for file in os.listdir(FIXTURE + '/certs'))
        self.gpgsm('--import', root(), intermediate(), *map(certificate, names))
        for name in filter(has_private_key, names):
            self.put_private_key(name)

    def stop(self):
        run('gpgconf', '--homedir', self.folder, '--kill', 'gpg-agent')

    def put_private_key(self, name):
        key = s_expression(name)
        if not key:
            return
        shown = self.gpgsm('--dump-cert', fingerprint(certificate(name))).decode()
        keygrip = re.search(r'keygrip: ([0-9A-F]{40})', shown).group(1)
        store(self.path(f'private-keys-v1.d/{keygrip}.key'), f'Key: (private-key {key})\n'.encode())

    def read_signed(self, layer, key):
        message = store(self.path('message'), layer.cms)
        if layer.content is None:
            return self.gpgsm('--output', '-', '--verify', message)
        self.gpgsm('--verify', message, store(self.path('content'), layer.content))
        return layer.content

    def read_sealed(self, layer, key):
        return self.gpgsm('--decrypt', store(self.path('message'), layer.cms))

    read_compressed = read_sealed  # there is no other command

    def sign(self, content, keys, options):
        signers = [word for key in keys for word in ('-u', '0x' + fingerprint(certificate(key)))]
        detached = '--detach-sign' in options
        cms = self.gpgsm(*signers, *options, *([] if detached else ['--sign']), '--output', '-',
                         store(self.path('content'), content))
        return layers.mail_of('signed', cms, content if detached else None)

    def encrypt(self, content, keys, options):
        readers = [word for key in keys for word in ('-r', '0x' + fingerprint(certificate(key)))]
        cms = self.gpgsm(*readers, *options, '--encrypt', '--output', '-',
                         store(self.path('content'), content))
        return layers.mail_of('sealed', cms)
