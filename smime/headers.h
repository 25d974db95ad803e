/* Header protection (RFC 9788): the fields of a mail go into what is signed or encrypted, too. */
#pragma once

#include <glib.h>

typedef enum {
    SEAL_HEADERS_OUTSIDE, /* nowhere but outside */
    SEAL_HEADERS_SIGNED,  /* copied into what is signed in the open: hp="clear" */
    SEAL_HEADERS_SHOWN,   /* copied into what is encrypted, and left outside: hp="cipher" */
    SEAL_HEADERS_HIDDEN,  /* the same, but outside Subject is [...], Keywords and Comments are gone:
                           * hcp_baseline (RFC 9788 3.2.1) */
} SealHeaders;

/* Copies the fields of `*outer` into the entity `*inner`, or the head of one, as seal_mail_split()
 * and drafts have them, and hides some outside; both are replaced (transfer full). An entity that
 * is signed or encrypted already, or has protected fields, is left as it is, and so is `*outer`:
 * its maker chose. Never copied: what was added on the way (Received and the like). */
void seal_headers_protect(SealHeaders how, GBytes **outer, GBytes **inner);
