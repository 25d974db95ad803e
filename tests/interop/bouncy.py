"""Bouncy Castle, asked through BouncyCastle.java in one Java machine: starting it takes a second."""
import os
import subprocess
import threading

from programs import DEADLINE_S, Program, Refused, certificate, load, private_key, store

JARS = [f'/usr/share/java/{name}.jar' for name in ('bcpkix', 'bcutil', 'bcprov')]
SOURCE = os.path.join(os.path.dirname(os.path.realpath(__file__)), 'BouncyCastle.java')


class BouncyCastle(Program):
    needs = ('java', 'javac', *JARS)

    def start(self):
        super().start()
        # One reader of short questions: the other core is for the other programs.
        self.java = subprocess.Popen(['java', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-cp',
                                      ':'.join(JARS), SOURCE],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def stop(self):
        self.java.stdin.close()
        self.java.wait()

    def ask(self, what, layer, *more):
        out = self.path('content')
        words = what, store(self.path('message'), layer.cms), out, *more
        deadline = threading.Timer(DEADLINE_S, self.java.kill)
        deadline.start()
        self.java.stdin.write(' '.join(words) + '\n')
        self.java.stdin.flush()
        answer = self.java.stdout.readline().strip()
        deadline.cancel()
        if answer != 'ok':
            raise Refused(answer or 'the Java machine has ended')
        return load(out)

    def read_signed(self, layer, key):
        content = [] if layer.content is None else [store(self.path('signed'), layer.content)]
        return self.ask('verify', layer, *content)

    def read_sealed(self, layer, key):
        return self.ask('decrypt', layer, private_key(key), certificate(key))

    def read_compressed(self, layer, key):
        return self.ask('expand', layer)
