#!/usr/bin/env python3
"""Fails on a D-Bus interface file that is not valid XML, or in which a member lacks its page: the
comment in front of it begins with its name and names each argument as @NAME; a method's page names
its errors too, each one that ipc/errors.c knows."""
import os
import re
import subprocess

import house

MEMBER = re.compile(r'<(interface|method|property|signal)\s+name="([^"]+)"')
ERROR = re.compile(r'\b(?:org\.privyseal\.Error\.)?([A-Z][A-Za-z0-9]+)\b')


def known_errors():
    path = os.path.join(house.TOP, 'ipc', 'errors.c')
    if not os.path.exists(path):
        return set()
    with open(path, encoding='utf-8') as file:
        text = file.read()
    return set(re.findall(r'"(?:org\.privyseal\.Error\.)?([A-Z][A-Za-z]+)"', text)) | set(
        re.findall(r'Error\.([A-Z][A-Za-z]+)', text))


def page_before(text, position):
    """The comment that ends right in front of a member, or ''."""
    before = text[:position].rstrip()
    if not before.endswith('-->'):
        return ''
    return before[before.rindex('<!--') + 4:-3].strip()


def check_method(name, text, match, page, errors):
    end = text.find('</method>', match.end())
    body = text[match.end():end] if not text[match.end():].lstrip().startswith('/>') else ''
    line = house.line_of(text, match.start())
    for argument in re.findall(r'<arg\s+name="([^"]+)"', body):
        if f'@{argument}:' not in page:
            house.complain(name, line, f'{match.group(2)}: @{argument}: is not explained')
    told = page.split('Errors:', 1)
    if len(told) < 2:
        house.complain(name, line, f'{match.group(2)}: its page has no "Errors:"')
    elif errors and not told[1].lstrip().startswith('none') and \
            not set(ERROR.findall(told[1])) & errors:
        house.complain(name, line, f'{match.group(2)}: "Errors:" names none of ipc/errors.c')


def check(name, errors):
    text = house.read(name)
    bare = re.sub(r'<!--.*?-->', house.blank, text, flags=re.S)
    for match in MEMBER.finditer(bare):
        kind, member = match.groups()
        page = page_before(text, match.start())
        if not re.match(re.escape(member) + r'\s*[:(]', page):
            house.complain(name, house.line_of(text, match.start()),
                           f'{kind} {member}: the comment in front of it does not begin with its name')
        elif kind == 'method':
            check_method(name, text, match, page, errors)


interfaces = [name for name in house.files('.xml') if name.startswith('ipc/')]
for interface in interfaces:
    check(interface, known_errors())
if interfaces:
    result = subprocess.run(['xmllint', '--noout', '--nonet', *interfaces], cwd=house.TOP,
                            capture_output=True, text=True)
    house.complaints.extend(result.stderr.splitlines() if result.returncode else [])
house.finish('interfaces')
