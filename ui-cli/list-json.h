/* What `privyseal list --json` prints: a promise to programs, so names are added here but never
 * changed. */
#pragma once

#include "ui-cli/key-uses.h"

/* {"tokens": [...], "keys": [...], "certificates": [...], "modules": [...]}, only `section`
 * ("tokens", "keys", "certificates"; NULL: all) and the modules. Members are the properties of the
 * D-Bus interfaces in lower case with hyphens, byte arrays in hex (certificates and public keys in
 * base64), ids instead of object paths, times as ISO 8601. Keys have what they can be used for besides: "uses",
 * "limits" and "limits-text", the words of key-uses.h, with `revocations` (nullable) as there.
 * (transfer full), with a final newline. */
char *seal_list_to_json(const SealClientObjects *objects, const char *section,
                        const SealKnownRevocations *revocations);
