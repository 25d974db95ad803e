"""Tina's certificates in Firefox, with her keys on a token that the agent serves: she shows them to
web servers that want one.

usage: firefox.py PROFILE"""
import base64
import http.server
import json
import ssl
import sys
import threading

import marionette
from person import certificate, check, prompts

PROFILE = sys.argv[1]
USAGES = ['verifyUsageTLSClient']


class Mirror(http.server.BaseHTTPRequestHandler):
    """Answers with what the client showed."""

    def do_GET(self):
        shown = self.connection.getpeercert(binary_form=True)
        body = json.dumps([self.connection.version(), base64.b64encode(shown).decode()]).encode()
        self.send_response(200)
        self.send_header('Content-Type', 'text/plain')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments):
        pass


def serve(version):
    """The port of a server which takes the clients of the fixture's CA, by this version of TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = version
    context.load_cert_chain('server.pem', 'server.key')
    context.load_verify_locations('clients.pem')
    context.verify_mode = ssl.CERT_REQUIRED
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Mirror)
    server.socket = context.wrap_socket(server.socket, server_side=True,
                                        do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


def visit(program, port):
    """What a server says in a tab."""
    program.call('Marionette:SetContext', value='content')
    program.call('WebDriver:Navigate', url=f'https://localhost:{port}/')
    text = program.call('WebDriver:ExecuteScript', script='return document.body.textContent',
                        args=[])['value']
    program.call('Marionette:SetContext', value='chrome')
    return json.loads(text)


def check_shown(program, name, version):
    program.do('chooseWhenAsked', certificate(name))
    seen = visit(program, serve(version))
    check(seen == [version.name.replace('_', '.'), certificate(name)], seen)


def main():
    with marionette.Program('firefox-esr', PROFILE, ['security.js', 'firefox.js']) as program:
        check('Tina' in program.do('tokens', 'Privy Seal'), 'the token is not there')
        shown = dict(program.do('certificates', 'Tina', USAGES))
        for name in ('tina-rsa', 'tina-p256'):
            check(shown.get(certificate(name)) == 0, name, shown)
        check(not prompts(), prompts())
        for name in ('tina-rsa', 'tina-p256'):
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                check_shown(program, name, version)
        check(len(prompts()) == 1 and 'Program: firefox' in prompts()[0], prompts())


main()
