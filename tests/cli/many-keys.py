#!/usr/bin/env python3
"""Prints the profile (softhsm-fixtures/README.md) of two tokens with the same label, and of one with 70
keys, which are 210 objects."""

CROWD = 70
ALICE = ["algorithm=p-256", "name=Alice Example", "email=alice@example.org"]
EXPIRED = ["valid-from-days=-400", "valid-days=30"]


def group(name, *lines):
    print("\n".join([f"[{name}]", *lines]))


group("token alice", "label=Alice")
group("token twin", "label=Alice")
group("token crowd", "label=Crowd")
group("key both", "token=alice", "id=01", "label=both", "purpose=sign", *ALICE)
group("key work-1", "token=alice", "id=02", "label=work", "purpose=sign", *ALICE)
group("key work-2", "token=twin", "id=02", "label=work", "purpose=sign", *ALICE)
group("key old-sign", "token=twin", "id=03", "label=old signature", "purpose=sign", *ALICE, *EXPIRED)
group("key old-mail", "token=twin", "id=04", "label=old mail", "purpose=decrypt", *ALICE, *EXPIRED)
for i in range(1, CROWD + 1):
    group(f"key crowd-{i}", "token=crowd", "algorithm=p-256", "purpose=sign", f"id={i:02x}",
          f"label=crowd {i}", f"name=Crowd {i}", f"email=crowd-{i}@example.org")
