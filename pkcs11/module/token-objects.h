/* From what the agent lists to PKCS#11 objects. */
#pragma once

#include "ipc/client/privyseal.h"
#include "pkcs11/module/item.h"

/* Each returns a new object (transfer full), or NULL if its DER is not what it says or its
 * algorithm has no use here (a private X25519 key: no mechanism of PKCS#11 does RFC 8418). */
SealItem *seal_object_of_certificate(const SealClientCertificate *certificate,
                                     const SealClientKey *key);
SealItem *seal_object_of_public_key(const SealClientKey *key,
                                    const SealClientCertificate *certificate);
SealItem *seal_object_of_private_key(const SealClientKey *key,
                                     const SealClientCertificate *certificate);
/* PKCS#11 profiles 3.0 3.4: certificates can be read without a login. */
SealItem *seal_object_of_profile(void);
