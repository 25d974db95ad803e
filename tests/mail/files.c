/* Mails as other programs wrote them once (files/make-files), with certificates of a root of their
 * own whose keys are gone. */
#include "tests/cli/cli-fixture.h"
#include "tests/mail/corpus.h"

static void
copy_root(const char *from)
{
    g_autofree char *to = seal_cli_test_fixture_file("files-root.pem");
    g_autofree char *pem = NULL;

    g_assert_true(g_file_get_contents(from, &pem, NULL, NULL));
    g_assert_true(g_file_set_contents(to, pem, -1, NULL));
}

/* The file, and beside the fixture the root it needs. */
static GBytes *
file(const char *name)
{
    g_autofree char *relative = g_strdup_printf("tests/mail/files/%s.eml", name);
    g_autofree char *path = seal_test_source(relative);
    g_autofree char *root = seal_test_source("tests/mail/files/root.pem");
    char *data = NULL;
    gsize len = 0;

    copy_root(root);
    g_assert_true(g_file_get_contents(path, &data, &len, NULL));
    return g_bytes_new_take(data, len);
}

#define VERIFY "verify --anchor fixture:files-root.pem"

const CorpusRow corpus_files[] = {
    {"files/openssl-detached/is-ok", VERIFY, "ok", NULL, file, "openssl-detached"},
    {"files/openssl-opaque/is-ok", VERIFY, "ok", NULL, file, "openssl-opaque"},
    {"files/openssl-stream/is-ok", VERIFY, "ok", NULL, file, "openssl-stream"},
    {"files/openssl-pss/is-ok", VERIFY, "ok", NULL, file, "openssl-pss"},
    {"files/openssl-key-id/is-ok", VERIFY, "ok", NULL, file, "openssl-key-id"},
    {"files/openssl-no-attributes/is-ok", VERIFY, "ok", NULL, file, "openssl-no-attributes"},
    {"files/openssl-ec/is-ok", VERIFY, "ok", NULL, file, "openssl-ec"},
    {"files/openssl-two-signers/is-ok", VERIFY, "ok", NULL, file, "openssl-two-signers"},
    {"files/openssl-sha1/is-weak", VERIFY, "weak-algorithm", "hash sha1", file, "openssl-sha1"},
    {"files/nss-opaque/is-ok", VERIFY, "ok", NULL, file, "nss-opaque"},
    {"files/nss-detached/is-ok", VERIFY, "ok", NULL, file, "nss-detached"},
    {"files/gpgsm-opaque/is-ok", VERIFY, "ok", NULL, file, "gpgsm-opaque"},
    {"files/gpgsm-detached/is-ok", VERIFY, "ok", NULL, file, "gpgsm-detached"},
    {"files/gpgsm-detached/changed", VERIFY, "bad-signature", "changed after it was signed", file,
     "gpgsm-detached", "another program", "this program"},
    {"files/gpgsm-no-certificates/lacks-its-signer", VERIFY, "signer-cert-missing",
     "ask the sender for it", file, "gpgsm-no-certificates"},
    {"files/nss-detached/changed", VERIFY, "bad-signature", "changed after it was signed", file,
     "nss-detached", "another program", "this program"},
    {"files/openssl-no-attributes/changed", VERIFY, "bad-signature", "not made with the key", file,
     "openssl-no-attributes", "another program", "this program"},
    {"files/openssl-detached/without-its-root", "verify", "incomplete-chain", "ask the signer",
     file, "openssl-detached"},
    {0},
};
