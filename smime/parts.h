/* Signed and encrypted parts among the parts of a mail that is neither. */
#pragma once

#include "smime/entity.h"
#include "smime/message.h"
#include "smime/report.h"

#include <glib.h>

/* Levels of plain multipart that are searched. */
#define SEAL_SEARCH_DEPTH 16
/* Parts that are looked at in all; real mails have tens. */
#define SEAL_SEARCH_PARTS_MAX 10000

/* Looks through the parts of `entity`, ranges of `owner`, and opens none. Returns the worst of what
 * is there: "ok-plain" for nothing, "partially-signed", "partially-encrypted"; "nesting-limit" or
 * "resource-limit" where there is more than is looked at, so that nobody knows. `ret_reason`:
 * (static) (nullable on return) one sentence unless it is "ok-plain". */
SealVerdict seal_parts_search(const SealEntity *entity, GBytes *owner, const char **ret_reason);

/* Returns (transfer full) (nullable) the CMS message that is the body of `entity`, a range of
 * `owner`; NULL if the entity has a defect or its body is none. */
SealMessage *seal_part_read_cms(const SealEntity *entity, GBytes *owner);
