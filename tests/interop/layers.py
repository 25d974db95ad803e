"""The layers of an S/MIME mail, taken apart and put around by plain rules, so that a program that
knows CMS but no mail can be asked about each: without any of the code under test, and without a
parser that would write the signed bytes anew."""
import base64
import email.parser
import re
from dataclasses import dataclass
from typing import Optional


@dataclass
class Layer:
    kind: str                 # 'signed', 'sealed' or 'compressed'
    cms: bytes                # its CMS message, DER or BER
    content: Optional[bytes]  # what was signed, if that is not inside
    entity: bytes             # the whole layer, header and all


KINDS = {'signed-data': 'signed', 'enveloped-data': 'sealed', 'authEnveloped-data': 'sealed',
         'compressed-data': 'compressed'}
TYPES = {'signed': 'signed-data', 'sealed': 'enveloped-data'}


def split(entity):
    header, _, body = entity.partition(b'\r\n\r\n')
    return email.parser.BytesHeaderParser().parsebytes(header + b'\r\n\r\n'), body


def outermost(entity):
    """The outermost layer; None where there is none left."""
    header, body = split(entity)
    if header.get_content_type() == 'multipart/signed':
        boundary = re.escape(header.get_boundary().encode())
        _, content, signature, _ = re.split(rb'(?:^|\r\n)--' + boundary + rb'(?:--)?\r\n', body)
        return Layer('signed', base64.b64decode(split(signature)[1]), content, entity)
    if header.get_content_type() == 'application/pkcs7-mime':
        return Layer(KINDS[header.get_param('smime-type')], base64.b64decode(body), None, entity)
    return None


def mail_of(kind, cms, content=None):
    """A mail from Alice around what a program made that writes CMS only."""
    encoded = base64.encodebytes(cms).replace(b'\n', b'\r\n')
    transfer = b'Content-Transfer-Encoding: base64\r\n\r\n' + encoded
    head = b'From: Alice <alice@example.org>\r\nMIME-Version: 1.0\r\n'
    if content is None:
        return head + (f'Content-Type: application/pkcs7-mime; smime-type={TYPES[kind]}; '
                       f'name=smime.p7m\r\n').encode() + transfer
    return (head + b'Content-Type: multipart/signed; protocol="application/pkcs7-signature"; '
            b'micalg=sha-256; boundary=b\r\n\r\n--b\r\n' + content +
            b'\r\n--b\r\nContent-Type: application/pkcs7-signature; name=smime.p7s\r\n' +
            transfer + b'\r\n--b--\r\n')
