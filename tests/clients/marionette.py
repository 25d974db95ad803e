"""Marionette, the remote control inside Thunderbird and Firefox: JSON over TCP on loopback, each
packet with its length before it. Starts the program without a display and with a profile of its
own, runs scripts in it with all its rights, and ends it."""
import json
import os
import re
import signal
import socket
import subprocess
import threading

from person import DEADLINE_S, read

HERE = os.path.dirname(os.path.abspath(__file__))


def expire(_signal, _frame):
    raise TimeoutError(f'not done after {DEADLINE_S} s')


signal.signal(signal.SIGALRM, expire)
signal.alarm(DEADLINE_S)


class Program:
    """A running program, to be used in a `with`; what it prints goes to NAME.log. The functions of
    SCRIPTS, files beside this one, are there to be called."""

    def __init__(self, name, profile, scripts):
        self.log = open(name + '.log', 'w', encoding='utf-8')
        self.functions = ''.join(read(os.path.join(HERE, script)) for script in scripts)
        self.count = 0
        self.process = subprocess.Popen(
            [name, '--headless', '--no-remote', '--marionette', '--remote-allow-system-access',
             '--profile', profile],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors='replace')
        try:
            self.connection = socket.create_connection(('127.0.0.1', self.find_port()), DEADLINE_S)
            self.stream = self.connection.makefile('rb')
            threading.Thread(target=self.keep_log, daemon=True).start()
            self.receive()
            self.call('WebDriver:NewSession', capabilities={})
            self.call('WebDriver:SetTimeouts', script=DEADLINE_S * 1000)
            self.call('Marionette:SetContext', value='chrome')
        except BaseException:
            self.process.kill()
            raise

    def find_port(self):
        for line in self.process.stdout:
            self.log.write(line)
            found = re.search(r'Marionette\s+INFO\s+Listening on port (\d+)', line)
            if found:
                return int(found.group(1))
        raise RuntimeError('it ended at once')

    def keep_log(self):
        """In a thread of its own, lest a full pipe stop the program."""
        for line in self.process.stdout:
            self.log.write(line)
        self.log.close()

    def receive(self):
        length = b''
        while not length.endswith(b':'):
            byte = self.stream.read(1)
            if not byte:
                raise RuntimeError('it closed the connection')
            length += byte
        return json.loads(self.stream.read(int(length[:-1])))

    def call(self, command, **parameters):
        self.count += 1
        packet = json.dumps([0, self.count, command, parameters]).encode()
        self.connection.sendall(b'%d:%s' % (len(packet), packet))
        _, number, error, result = self.receive()
        if number != self.count:
            raise RuntimeError(f'answer {number} to call {self.count}')
        if error:
            raise RuntimeError(f'{command}: {error["error"]}: {error["message"]}')
        return result

    def do(self, function, *arguments):
        """What a function of the scripts returns, at once or later."""
        script = (f'{self.functions}; const finish = arguments[arguments.length - 1];'
                  f'(async () => {function}(...arguments[0]))()'
                  '.then(value => finish({value}), error => finish({error: String(error)}));')
        answer = self.call('WebDriver:ExecuteAsyncScript', script=script, args=[arguments],
                           sandbox='system', newSandbox=True)['value']
        if 'error' in answer:
            raise RuntimeError(f'{function}: {answer["error"]}')
        return answer.get('value')

    def __enter__(self):
        return self

    def __exit__(self, failure, *_):
        try:
            if failure is None:
                self.call('Marionette:Quit', flags=['eForceQuit'])
                status = self.process.wait(DEADLINE_S)
                if status != 0:
                    raise RuntimeError(f'it ended with status {status}')
        finally:
            self.process.kill()
            self.process.wait()
