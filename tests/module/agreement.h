/* One KeyAgreeRecipientInfo that OpenSSL made, in the parts that a program gives to PKCS#11. */
#pragma once

#include <glib.h>

#include "pkcs11/module/cryptoki.h"

struct evp_md_st;
struct evp_pkey_st;

typedef struct {
    GByteArray *point, *shared, *wrapped;
    CK_BYTE key[32]; /* what is wrapped */
} ModuleAgreement;

/* For a recipient's key on P-256, derived with this hash in the KDF. */
ModuleAgreement module_agreement_new(struct evp_pkey_st *recipient,
                                     const struct evp_md_st *kdf_hash);
void module_agreement_clear(ModuleAgreement *agreement);
