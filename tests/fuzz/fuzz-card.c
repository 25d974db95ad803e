/* The PIV card of the tests, asked anything: the first byte of each command is its length. Promised
 * is that every answer ends with a status word and is no longer than the command has room for, that
 * no try of a PIN comes back without the PIN, and that no command after it makes the card sign what
 * it should not: a key that wants the PIN computes nothing while the PIN was never given. */
#include <glib.h>
#include <glib/gstdio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

#include "tests/card/apdu.h"
#include "tests/card/card.h"
#include "tests/fuzz/fuzz.h"

#define TRIES 3u

static char *folder; /* with the description of the card */

static void
remove_folder(void)
{
    static const char *const names[] = {"key.pem", "fuzzed.card"};

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(folder, names[i], NULL);

        (void)g_unlink(path);
    }
    (void)g_rmdir(folder);
    g_free(folder);
}

/* Keys with and without a PIN, the path of their card (transfer full). A PIN that no seed has. */
static char *
describe_once(void)
{
    g_autofree char *key = NULL;
    g_autofree char *text = NULL;
    char *path = NULL;
    EVP_PKEY *pair = NULL;
    BIO *out = NULL;

    if (folder)
        return g_build_filename(folder, "fuzzed.card", NULL);
    folder = g_dir_make_tmp("fuzz-card-XXXXXX", NULL);
    g_assert_nonnull(folder);
    (void)atexit(remove_folder);
    key = g_build_filename(folder, "key.pem", NULL);
    path = g_build_filename(folder, "fuzzed.card", NULL);
    text = g_strdup_printf("[card]\npin=73911648\npuk=48261937\n[9A]\nkey=%s\n[9E]\nkey=%s\n", key,
                           key);
    pair = EVP_EC_gen("P-256");
    out = BIO_new_file(key, "w");
    g_assert_cmpint(PEM_write_bio_PrivateKey(out, pair, NULL, NULL, 0, NULL, NULL), ==, 1);
    (void)BIO_free(out);
    EVP_PKEY_free(pair);
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
    return path;
}

static void
expect_answer(const SealApdu *apdu, const GByteArray *answer)
{
    SealStatusWord status = 0;

    g_assert_cmpuint(answer->len, >=, 2);
    status = (SealStatusWord)(answer->data[answer->len - 2] << 8 | answer->data[answer->len - 1]);
    g_assert_cmpuint(answer->len - 2, <=, apdu->room);
    if (apdu->ins == SEAL_INS_AUTHENTICATE && apdu->p2 == 0x9a && answer->len > 2)
        g_assert_cmphex(status, !=, SEAL_SW_DONE);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *path = describe_once();
    g_autoptr(SealCard) card = seal_card_load(path, NULL);
    SealReader reader;
    guint tries = TRIES;

    g_assert_nonnull(card);
    seal_reader_init(&reader, data, size);
    while (reader.left > 0) {
        guint8 len = seal_reader_u8(&reader);
        SealBytes command = seal_reader_bytes(&reader, MIN(len, reader.left));
        g_autoptr(GByteArray) answer = seal_card_answer(card, command.data, command.len);
        SealApdu apdu = {0};

        if (seal_apdu_decode(command.data, command.len, &apdu))
            expect_answer(&apdu, answer);
        else
            g_assert_cmpuint(answer->len, ==, 2);
        g_assert_cmpuint(seal_card_pin_tries(card), <=, tries);
        tries = seal_card_pin_tries(card);
    }
    return 0;
}
