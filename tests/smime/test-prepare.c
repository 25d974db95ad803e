/* What an unwrapper is told of a mail before it is opened: the very question that opening asks. */
#include "tests/smime/world.h"

/* An unwrapper that takes notes and hands on. */
typedef struct {
    const SealUnwrapper *inner;
    guint found, prepared, unwrapped;
    const char *asking; /* (nullable) a key that asks somebody; "*": each does */
    char *key;          /* that was prepared, or unwrapped */
    GBytes *encrypted_key;
    GBytes *content_encryption;
} Notes;

static char *
find(const SealUnwrapper *unwrapper, const SealRecipientId *id, GError **error)
{
    Notes *notes = unwrapper->user_data;

    notes->found++;
    return notes->inner->find(notes->inner, id, error);
}

static void
prepare(const SealUnwrapper *unwrapper, const char *key, GBytes *key_encryption,
        GBytes *encrypted_key, const SealUnwrapInput *input)
{
    Notes *notes = unwrapper->user_data;

    g_assert_nonnull(key_encryption);
    notes->prepared++;
    notes->key = g_strdup(key);
    notes->encrypted_key = g_bytes_ref(encrypted_key);
    notes->content_encryption = g_bytes_ref(input->content_encryption);
}

static SealSecret *
unwrap(const SealUnwrapper *unwrapper, const char *key, GBytes *key_encryption,
       GBytes *encrypted_key, const SealUnwrapInput *input, GError **error)
{
    Notes *notes = unwrapper->user_data;

    notes->unwrapped++;
    g_assert_cmpstr(key, ==, notes->key);
    g_assert_true(g_bytes_equal(encrypted_key, notes->encrypted_key));
    g_assert_true(g_bytes_equal(input->content_encryption, notes->content_encryption));
    return notes->inner->unwrap(notes->inner, key, key_encryption, encrypted_key, input, error);
}

static SealUnwrapper
noting(World *world, Notes *notes)
{
    notes->inner = &world->unwrapper;
    return (SealUnwrapper){.find = find, .unwrap = unwrap, .prepare = prepare, .user_data = notes};
}

static void
clear(Notes *notes)
{
    g_free(notes->key);
    g_clear_pointer(&notes->encrypted_key, g_bytes_unref);
    g_clear_pointer(&notes->content_encryption, g_bytes_unref);
}

static void
test_encrypted(World *world, gconstpointer key)
{
    const SealEncryptOptions gcm = {.cipher = SEAL_CONTENT_AES256_GCM};
    g_autoptr(GBytes) plain = world_bytes(WORLD_MAIL);
    g_autoptr(GBytes) mail = world_encrypt(plain, &gcm, world_bob(world, key), NULL);
    Notes notes = {0};
    SealUnwrapper unwrapper = noting(world, &notes);
    const SealOpenOptions options = {.unwrapper = &unwrapper};
    g_autoptr(SealReport) report = NULL;
    g_autoptr(GBytes) content = NULL;

    seal_mail_prepare(mail, &unwrapper);
    g_assert_cmpuint(notes.prepared, ==, 1);
    g_assert_true(seal_mail_open(mail, &options, &report, &content, NULL));
    g_assert_cmpint(report->verdict, ==, SEAL_VERDICT_DECRYPTED);
    g_assert_cmpuint(notes.unwrapped, ==, 1);
    clear(&notes);
}

static gboolean
asks(const SealUnwrapper *unwrapper, const char *key)
{
    const Notes *notes = unwrapper->user_data;

    return g_strcmp0("*", notes->asking) == 0 || g_strcmp0(key, notes->asking) == 0;
}

static SealSecret *
note_unwrap(const SealUnwrapper *unwrapper, const char *key, GBytes *key_encryption,
            GBytes *encrypted_key, const SealUnwrapInput *input, GError **error)
{
    Notes *notes = unwrapper->user_data;

    g_free(notes->key);
    notes->key = g_strdup(key);
    notes->unwrapped++;
    return notes->inner->unwrap(notes->inner, key, key_encryption, encrypted_key, input, error);
}

/* Opens with `asking`; returns (transfer full) the one key that was prepared and used. */
static char *
open_while(World *world, GBytes *mail, const char *asking)
{
    Notes notes = {.inner = &world->unwrapper, .asking = asking};
    const SealUnwrapper unwrapper = {
        .find = find, .unwrap = note_unwrap, .prepare = prepare, .asks = asks, .user_data = &notes};
    const SealOpenOptions options = {.unwrapper = &unwrapper};
    g_autofree char *prepared = NULL;
    g_autoptr(SealReport) report = NULL;
    g_autoptr(GBytes) content = NULL;

    seal_mail_prepare(mail, &unwrapper);
    g_assert_cmpuint(notes.prepared, ==, 1);
    prepared = g_strdup(notes.key);
    g_assert_true(seal_mail_open(mail, &options, &report, &content, NULL));
    g_assert_cmpint(report->verdict, ==, SEAL_VERDICT_DECRYPTED);
    g_assert_cmpuint(notes.unwrapped, ==, 1);
    g_assert_cmpstr(notes.key, ==, prepared);
    clear(&notes);
    return g_steal_pointer(&prepared);
}

/* A mail for two keys that are here: the one that asks nobody is prepared and used, whichever is
 * first in the mail; the first one where both ask. */
static void
test_who_asks_goes_last(World *world, gconstpointer data)
{
    const SealEncryptOptions gcm = {.cipher = SEAL_CONTENT_AES256_GCM};
    g_autoptr(GBytes) plain = world_bytes(WORLD_MAIL);
    g_autoptr(GBytes) mail = world_encrypt(plain, &gcm, world_bob(world, "ec:P-256"),
                                           world_bob(world, "rsa:2048"), NULL);
    g_autofree char *first = open_while(world, mail, NULL);
    g_autofree char *second = open_while(world, mail, first);
    g_autofree char *while_second_asks = open_while(world, mail, second);
    g_autofree char *while_both_ask = open_while(world, mail, "*");

    g_assert_cmpstr(second, !=, first);
    g_assert_cmpstr(while_second_asks, ==, first);
    g_assert_cmpstr(while_both_ask, ==, first);
}

static void
test_not_for_us(World *world, gconstpointer data)
{
    g_autoptr(GBytes) mail = world_encrypt_gcm(world);
    Notes notes = {0};
    SealUnwrapper unwrapper = noting(world, &notes);

    g_ptr_array_set_size(world->keyring.identities, 0);
    seal_mail_prepare(mail, &unwrapper);
    g_assert_cmpuint(notes.found, ==, 1);
    g_assert_cmpuint(notes.prepared, ==, 0);
}

static void
test_nothing_to_unwrap(World *world, gconstpointer data)
{
    const SealSignOptions opaque = {.opaque = TRUE};
    g_autoptr(GBytes) encrypted = world_encrypt_gcm(world);
    g_autoptr(GBytes) plain = world_bytes(WORLD_MAIL);
    g_autoptr(GBytes) none = g_bytes_new(NULL, 0);
    g_autoptr(GBytes) signed_mail =
        world_sign(world, world_alice(world, "ec:P-256"), NULL, &opaque);
    g_autoptr(GBytes) cut =
        g_bytes_new_from_bytes(encrypted, 0, g_bytes_get_size(encrypted) / 2 / 4 * 4);
    GBytes *mails[] = {plain, none, signed_mail, cut};
    Notes notes = {0};
    SealUnwrapper unwrapper = noting(world, &notes);

    for (gsize i = 0; i < G_N_ELEMENTS(mails); i++)
        seal_mail_prepare(mails[i], &unwrapper);
    g_assert_cmpuint(notes.found, ==, 0);
    g_assert_cmpuint(notes.prepared, ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/smime/prepare/rsa/asks-what-opening-asks", World, "rsa:2048", world_open,
               test_encrypted, world_close);
    g_test_add("/smime/prepare/ecdh/asks-what-opening-asks", World, "ec:P-256", world_open,
               test_encrypted, world_close);
    g_test_add("/smime/open/two-keys/who-asks-goes-last", World, NULL, world_open,
               test_who_asks_goes_last, world_close);
    g_test_add("/smime/prepare/for-somebody-else/nothing-is-begun", World, NULL, world_open,
               test_not_for_us, world_close);
    g_test_add("/smime/prepare/plain-signed-or-cut-off/nobody-is-asked", World, NULL, world_open,
               test_nothing_to_unwrap, world_close);
    return g_test_run();
}
