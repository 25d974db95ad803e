/* Whom a mail says it is from. */
#pragma once

#include "smime/entity.h"

#include <glib.h>

/* Addresses of one mail that are looked at; a mail that has more is nobody's. */
#define SEAL_SENDERS_MAX 16

/* Returns (transfer full) (element-type utf8) the addresses its signers must be certified for:
 * every address of every From field; without any, those of Sender; without these too, `otherwise`
 * (nullable). A field that cannot be read, and what is beyond SEAL_SENDERS_MAX, is the address "",
 * for which nobody is certified. Domains are in ASCII. Names shown beside addresses do not count.
 */
GPtrArray *seal_mail_senders(const SealEntity *mail, const char *otherwise);

/* Returns (transfer full) (element-type utf8) the addresses of Sender, perhaps none: who sent the
 * mail for its authors (RFC 5322 3.6.2). */
GPtrArray *seal_mail_sent_by(const SealEntity *mail);

/* Returns (transfer full) (element-type utf8) sentences on what could make a person take From or
 * Sender for another one: a second field of that name, an address in a name or before the @, a
 * domain of mixed letters. What is beyond SEAL_SENDERS_MAX is not looked at. */
GPtrArray *seal_mail_sender_warnings(const SealEntity *mail);
