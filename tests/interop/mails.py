"""The mails that are signed and encrypted, and the part of each that must come out at the other end."""
import base64

HEAD = (b'From: Alice <alice@example.org>\r\nTo: bob@example.org\r\nSubject: The seal\r\n'
        b'Date: Sun, 29 Nov 2026 08:00:00 +0000\r\nMessage-ID: <1@example.org>\r\n')
TEXT = b'the Keeper never lets the seal out of his hands\r\n'
ENTITY = b'Content-Type: text/plain; charset=us-ascii\r\n\r\n' + TEXT
DATA = base64.encodebytes(bytes(range(256)) * 6000).replace(b'\n', b'\r\n')

MAILS = {
    'plain': HEAD + ENTITY,
    'umlauts': HEAD + ('Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n'
                       'Das Gro\u00dfsiegel h\u00e4ngt am gr\u00fcnen Band.\r\n').encode() + TEXT,
    'attachment': HEAD + b'Content-Type: multipart/mixed; boundary=part\r\n\r\n--part\r\n' + ENTITY +
                  b'--part\r\nContent-Type: application/octet-stream\r\n'
                  b'Content-Transfer-Encoding: base64\r\n\r\n' + DATA + b'--part--\r\n',
}
