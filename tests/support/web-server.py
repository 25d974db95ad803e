#!/usr/bin/env python3
"""A web server on 127.0.0.1 for tests, with moods. web-server.py FOLDER

Writes its port to FOLDER/port and a line for each request, "METHOD PATH USER-AGENT", to
FOLDER/requests. What it answers goes by the path:

  /NAME        the file FOLDER/NAME
  /ocsp/NAME   what `openssl ocsp` answers to the posted request, with the arguments in
               FOLDER/NAME.arguments, one a line
  /to?URL      a redirect to URL
  /loop        a redirect to itself
  /endless     bytes without end
  /heads       header fields without end
  /slow        a byte now and then, until the client gives up
  /silent      nothing, until the client gives up
"""
import http.server
import os
import select
import subprocess
import sys
import tempfile
import threading

FOLDER = sys.argv[1]
LOCK = threading.Lock()


def ocsp(name, request):
    with open(os.path.join(FOLDER, name + '.arguments'), encoding='utf-8') as file:
        arguments = file.read().splitlines()
    with tempfile.TemporaryDirectory() as scratch:
        asked = os.path.join(scratch, 'request')
        answered = os.path.join(scratch, 'response')
        with open(asked, 'wb') as file:
            file.write(request)
        subprocess.run(['openssl', 'ocsp', *arguments, '-reqin', asked, '-respout', answered],
                       check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        with open(answered, 'rb') as file:
            return file.read()


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, body):
        self.send_response(200)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def answer_without_end(self, piece, in_header=False, pause_s=0):
        self.send_response(200)
        if in_header:
            self.flush_headers()
        else:
            self.end_headers()
        try:
            while not select.select([self.connection], [], [], pause_s)[0]:
                self.wfile.write(piece)
        except OSError:
            pass
        self.close_connection = True

    def redirect(self, url):
        self.send_response(302)
        self.send_header('Location', url)
        self.send_header('Content-Length', '0')
        self.end_headers()

    def serve(self):
        body = self.rfile.read(int(self.headers.get('Content-Length') or 0))
        with LOCK, open(os.path.join(FOLDER, 'requests'), 'a', encoding='utf-8') as log:
            log.write(f'{self.command} {self.path} {self.headers.get("User-Agent")}\n')
        if self.path == '/endless':
            self.answer_without_end(bytes(65536))
        elif self.path == '/heads':
            self.answer_without_end(b'X-Field: ' + b'x' * 1000 + b'\r\n', in_header=True)
        elif self.path == '/slow':
            self.answer_without_end(b'x', pause_s=0.1)
        elif self.path == '/loop':
            self.redirect('/loop')
        elif self.path == '/silent':
            self.connection.recv(1)
            self.close_connection = True
        elif self.path.startswith('/to?'):
            self.redirect(self.path[4:])
        elif self.path.startswith('/ocsp/'):
            self.answer(ocsp(self.path[6:], body))
        else:
            self.serve_file()

    def serve_file(self):
        try:
            with open(os.path.join(FOLDER, os.path.basename(self.path)), 'rb') as file:
                self.answer(file.read())
        except OSError:
            self.send_error(404)

    do_GET = do_POST = serve

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
with open(os.path.join(FOLDER, 'port.new'), 'w', encoding='utf-8') as file:
    file.write(f'port {server.server_address[1]}\n')
os.rename(os.path.join(FOLDER, 'port.new'), os.path.join(FOLDER, 'port'))
server.serve_forever()
