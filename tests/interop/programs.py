"""The other programs: each reads one layer of a mail with software keys, and those that can write one.

They run in folders of their own below the working folder, over copies of the fixture's certificates and
keys; a program that is refused what it wants raises Refused with what it said. A reader gets the private
key of one recipient, so that it is clear which one it opened a mail with; only gpgsm has them all."""
import os

import shutil
import subprocess

import layers

FIXTURE = os.environ['TOKEN']
DEADLINE_S = 20 * int(os.environ.get('SEAL_TEST_PATIENCE', '1'))


class Refused(Exception):
    """The program did not do it; the text is what it said."""


def certificate(name):
    return f'{FIXTURE}/certs/{name}.pem'


def private_key(name):
    return f'{FIXTURE}/software-keys/{name}.pem'


def root():
    return f'{FIXTURE}/root.pem'


def intermediate():
    return f'{FIXTURE}/intermediate.pem'


def has_private_key(name):
    return os.path.exists(private_key(name))


def run(*command, **options):
    """What the program wrote to standard output."""
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=DEADLINE_S,
                            **options)
    if result.returncode != 0:
        raise Refused(result.stderr.decode(errors='replace'))
    return result.stdout


def load(path):
    with open(path, 'rb') as file:
        return file.read()


def store(path, data):
    with open(path, 'wb') as file:
        file.write(data)
    return path


class Program:
    needs = ()  # names of programs, or paths of files

    def __init__(self, name):
        self.name = name
        self.folder = os.path.abspath(f'programs/{name}')

    def missing(self):
        """What it needs and is not there; empty if it can run."""
        return [need for need in self.needs if not (shutil.which(need) or os.path.isfile(need))]

    def start(self):
        os.makedirs(self.folder, mode=0o700)

    def stop(self):
        pass

    def path(self, name):
        return os.path.join(self.folder, name)

    def read(self, mail, key):
        """The innermost content of the mail."""
        while layer := layers.outermost(mail):
            mail = getattr(self, 'read_' + layer.kind)(layer, key)
        return mail


class OpenSSL(Program):
    """Takes whole mails, and is let do so: it reads and writes S/MIME itself."""
    needs = ('openssl',)

    def cms(self, layer, *options):
        mail = store(self.path('mail'), layer.entity)
        run('openssl', 'cms', '-in', mail, '-out', self.path('content'), *options)
        return load(self.path('content'))

    def read_signed(self, layer, key):
        return self.cms(layer, '-verify', '-CAfile', root())

    def read_sealed(self, layer, key):
        return self.cms(layer, '-decrypt', '-recip', certificate(key), '-inkey', private_key(key))

    def read_compressed(self, layer, key):
        return self.cms(layer, '-uncompress')

    def sign(self, content, keys, options):
        signers = [word for key in keys
                   for word in ('-signer', certificate(key), '-inkey', private_key(key))]
        return run('openssl', 'cms', '-sign', '-in', store(self.path('content'), content),
                   '-from', 'alice@example.org', '-certfile', intermediate(), *signers, *options)

    def encrypt(self, content, keys, options):
        recipients = [word for key in keys for word in ('-recip', certificate(key))]
        return run('openssl', 'cms', '-encrypt', '-in', store(self.path('content'), content),
                   '-from', 'alice@example.org', *recipients, *options)


class NSS(Program):
    needs = ('cmsutil', 'certutil', 'pk12util', 'openssl')
    libraries = None

    def tool(self, *command):
        environment = dict(os.environ, LD_LIBRARY_PATH=self.libraries) if self.libraries else None
        return run(*command, env=environment)

    def start(self):
        super().start()
        self.database = self.path('none')
        os.mkdir(self.database)
        self.tool('certutil', '-N', '-d', self.database, '--empty-password')
        for name, trust, file in ('root', ',C,', root()), ('issuer', ',,', intermediate()):
            self.tool('certutil', '-A', '-d', self.database, '-n', name, '-t', trust, '-i', file)

    def database_with(self, key):
        """A database that has this private key, if NSS takes it."""
        if not key:
            return self.database
        folder = self.path(key)
        if not os.path.exists(folder):
            shutil.copytree(self.database, folder)
            bundle = self.path('bundle.p12')
            run('openssl', 'pkcs12', '-export', '-inkey', private_key(key), '-in', certificate(key),
                '-name', key, '-passout', 'pass:x', '-out', bundle)
            try:
                self.tool('pk12util', '-d', folder, '-i', bundle, '-W', 'x', '-K', '')
            except Refused as refused:
                if 'SEC_ERROR_PKCS12_UNABLE_TO_IMPORT_KEY' not in str(refused):
                    raise
        return folder

    def decode(self, layer, key):
        content = self.path('content')
        detached = ['-c', store(content, layer.content)] if layer.content is not None else []
        read = self.tool('cmsutil', '-D', '-d', self.database_with(key), '-u', '4', '-i',
                         store(self.path('message'), layer.cms), *detached)
        return layer.content if detached else read

    read_signed = read_sealed = read_compressed = decode

    def sign(self, content, keys, options):
        key, = keys
        cms = self.tool('cmsutil', '-S', '-d', self.database_with(key), '-N', key, '-Y', 'NONE', '-i',
                        store(self.path('content'), content), *options)
        return layers.mail_of('signed', cms, content if '-T' in options else None)

    def encrypt(self, content, keys, options):
        key, = keys
        cms = self.tool('cmsutil', '-E', '-d', self.database_with(key), '-r', key, '-i',
                        store(self.path('content'), content), *options)
        return layers.mail_of('sealed', cms)


class ThunderbirdNSS(NSS):
    libraries = '/usr/lib/thunderbird'
    needs = NSS.needs + (libraries + '/libsmime3.so',)
