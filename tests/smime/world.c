/* People, their keys and their mail, for the tests of smime/. */
#include "tests/smime/world.h"

#include <stdarg.h>
#include <string.h>

GBytes *
world_bytes(const char *text)
{
    return g_bytes_new(text, strlen(text));
}

static const char *
find(GBytes *bytes, const char *text)
{
    gsize len = 0;
    const char *data = g_bytes_get_data(bytes, &len);

    return memmem(data, len, text, strlen(text));
}

gboolean
world_has(GBytes *bytes, const char *text)
{
    return find(bytes, text) != NULL;
}

GBytes *
world_replace(GBytes *bytes, const char *from, const char *to)
{
    gsize len = 0;
    const char *data = g_bytes_get_data(bytes, &len);
    const char *at = find(bytes, from);
    g_autoptr(GByteArray) out = g_byte_array_new();

    g_assert_nonnull(at);
    g_byte_array_append(out, (const guint8 *)data, (guint)(at - data));
    g_byte_array_append(out, (const guint8 *)to, (guint)strlen(to));
    at += strlen(from);
    g_byte_array_append(out, (const guint8 *)at, (guint)(data + len - at));
    return g_byte_array_free_to_bytes(g_steal_pointer(&out));
}

void
world_open(World *world, gconstpointer data)
{
    const TestSpec root = {.name = "Root", .authority = TRUE};
    const TestSpec issuer = {.name = "Issuer", .authority = TRUE};
    g_autoptr(GBytes) anchor = NULL;

    world->root = test_identity_new(&root, NULL);
    world->issuer = test_identity_new(&issuer, world->root);
    world->chain = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    g_ptr_array_add(world->chain, test_identity_der(world->issuer));
    g_ptr_array_add(world->chain, test_identity_der(world->root));
    world->trust = seal_trust_new();
    anchor = test_identity_pem(world->root);
    g_assert_true(seal_trust_add_anchors(world->trust, anchor, "root", NULL));
    world->people = g_ptr_array_new_with_free_func((GDestroyNotify)test_identity_free);
    world->keyring = (TestKeyring){world->people, TEST_UNWRAP_WORKS, 0};
    world->unwrapper = test_unwrapper(&world->keyring);
}

void
world_close(World *world, gconstpointer data)
{
    g_ptr_array_unref(world->people);
    seal_trust_free(world->trust);
    g_ptr_array_unref(world->chain);
    test_identity_free(world->issuer);
    test_identity_free(world->root);
}

TestIdentity *
world_person(World *world, const TestSpec *spec)
{
    TestIdentity *identity = test_identity_new(spec, world->issuer);

    g_ptr_array_add(world->people, identity);
    return identity;
}

TestIdentity *
world_alice(World *world, const char *key)
{
    const TestSpec spec = {.name = "Alice", .address = "alice@example.org", .key = key};

    return world_person(world, &spec);
}

TestIdentity *
world_bob(World *world, const char *key)
{
    const TestSpec spec = {.name = "Bob",
                           .address = "bob@example.org",
                           .key = key,
                           .usage =
                               g_str_has_prefix(key, "rsa") ? "keyEncipherment" : "keyAgreement"};

    return world_person(world, &spec);
}

GBytes *
world_sign(World *world, const TestIdentity *who, const char *mail, const SealSignOptions *options)
{
    SealSigner signer = test_signer(who, world->chain);
    g_autoptr(GBytes) bytes = world_bytes(mail ? mail : WORLD_MAIL);
    g_autoptr(GError) error = NULL;
    GBytes *signed_mail = seal_mail_sign(bytes, &signer, options, &error);

    g_assert_no_error(error);
    test_signer_clear(&signer);
    return signed_mail;
}

GBytes *
world_encrypt(GBytes *mail, const SealEncryptOptions *options, ...)
{
    g_autoptr(GPtrArray) recipients = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    g_autoptr(GError) error = NULL;
    const TestIdentity *identity = NULL;
    GBytes *encrypted = NULL;
    va_list list;

    va_start(list, options);
    while ((identity = va_arg(list, const TestIdentity *)))
        g_ptr_array_add(recipients, test_identity_der(identity));
    va_end(list);
    encrypted = seal_mail_encrypt(mail, recipients, options, &error);
    g_assert_no_error(error);
    return encrypted;
}

SealReport *
world_open_mail(World *world, SealOpenMode mode, GBytes *mail, SealVerdict expected,
                GBytes **ret_content)
{
    const SealOpenOptions options = {mode, world->trust, &world->unwrapper, NULL, 0};
    SealReport *report = NULL;
    g_autoptr(GBytes) content = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_true(seal_mail_open(mail, &options, &report, &content, &error));
    g_assert_no_error(error);
    if (report->verdict != expected)
        g_test_message("reason: %s", report->reason ? report->reason : "none");
    g_assert_cmpstr(seal_verdict_word(report->verdict), ==, seal_verdict_word(expected));
    g_assert_true(report->good || report->reason);
    if (ret_content)
        *ret_content = g_steal_pointer(&content);
    return report;
}

void
world_expect(World *world, GBytes *mail, SealVerdict expected)
{
    g_autoptr(SealReport) report = world_open_mail(world, SEAL_OPEN_ALL, mail, expected, NULL);

    g_assert_cmpint(report->verdict, ==, expected);
}

void
world_expect_closed(World *world, GBytes *mail, SealVerdict verdict)
{
    g_autoptr(GBytes) content = NULL;
    g_autoptr(SealReport) report = world_open_mail(world, SEAL_OPEN_ALL, mail, verdict, &content);

    g_assert_null(content);
    g_assert_false(report->good);
}

GBytes *
world_encrypt_gcm(World *world)
{
    static const SealEncryptOptions gcm = {SEAL_CONTENT_AES256_GCM, FALSE};
    g_autoptr(GBytes) plain = world_bytes(WORLD_MAIL);

    return world_encrypt(plain, &gcm, world_bob(world, "ec:P-256"), NULL);
}
