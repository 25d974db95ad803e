#!/usr/bin/env python3
"""Prints what a mail on stdin says, part by part, as Python's email package reads it: type and decoded
bytes, so that two mails can be compared whatever their transfer encodings.
"""
import email
import sys


def main():
    mail = email.message_from_bytes(sys.stdin.buffer.read())
    for part in mail.walk():
        if part.get_content_type() == "application/pkcs7-signature":
            continue
        if not part.is_multipart():
            print(part.get_content_type(), part.get_payload(decode=True).hex())


main()
