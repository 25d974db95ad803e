/* The RDATA of one SMIMEA record, and the same bytes as an address whose name is made. */
#include <glib.h>
#include <string.h>

#include "pki/certificate.h"
#include "pki/smimea.h"
#include "tests/fuzz/fuzz.h"

#define NAME_MAX_LEN  253 /* RFC 1035 2.3.4 */
#define LABEL_MAX_LEN 63

static void
read_record(const uint8_t *data, size_t size)
{
    SealSmimea record = {0};
    g_autoptr(GBytes) der = NULL;
    g_autoptr(X509) certificate = NULL;

    if (!seal_smimea_read(data, size, &record))
        return;
    g_assert_true(record.data > data && record.data + record.len == data + size);
    der = seal_smimea_certificate(&record);
    if (!der)
        return;
    g_assert_true(!record.is_key && !record.hash);
    certificate = seal_certificate_read(der, "it", NULL);
    g_assert_nonnull(certificate);
    /* What OpenSSL writes anew may differ from what it read; the next record has it so. */
    (void)seal_smimea_matches(&record, certificate);
    record.is_key = TRUE;
    (void)seal_smimea_matches(&record, certificate);
    record.hash = "SHA512";
    g_assert_false(seal_smimea_matches(&record, certificate) && record.len != 64);
}

static void
make_name(const uint8_t *data, size_t size)
{
    g_autofree char *mailbox = g_utf8_make_valid((const char *)data, (gssize)size);
    g_autofree char *name = seal_smimea_name(mailbox);

    if (!name)
        return;
    g_assert_cmpuint(strlen(name), <=, NAME_MAX_LEN);
    g_assert_cmpuint(strcspn(name, "."), <=, LABEL_MAX_LEN);
    g_assert_true(g_str_has_suffix(name, strrchr(mailbox, '@') + 1));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_record(data, size);
    make_name(data, size);
    return 0;
}
