/* Whom a mail says it is from. */
#pragma once

#include "smime/entity.h"

#include <glib.h>

/* Returns (transfer full) (element-type utf8) the addresses a signer must be certified for: every
 * address of every From field; without any, those of Sender; without these too, `otherwise`
 * (nullable). Names shown beside addresses do not count. */
GPtrArray *seal_mail_senders(const SealEntity *mail, const char *otherwise);
