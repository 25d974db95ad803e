/* What a key is said to be good for, and why not for more. Certificates are made by OpenSSL; what
 * each may be used for is RFC 8550 4.4 and RFC 5280 4.2.1. */
#include "ui-cli/key-uses.h"

#include <string.h>

#include "tests/cli/objects.h"
#include "tests/support/home.h"
#include "ui-cli/choose.h"

#define DAY     ((gint64)24 * 60 * 60)
#define ADDRESS "alice@example.org"

static void
assert_uses(const SealTestBlue *blue, const SealClientKey *key, const char *uses,
            const char *limits)
{
    SealKeyUses found = seal_key_uses_find(blue->objects, key, NULL);
    g_autofree char *uses_text = seal_key_uses_text(&found);
    g_autofree char *limits_text = seal_key_limits_text(&found);

    g_assert_cmpstr(uses_text, ==, uses);
    if (g_str_has_suffix(limits, "*")) /* a date follows */
        g_assert_true(strncmp(limits_text, limits, strlen(limits) - 1) == 0);
    else
        g_assert_cmpstr(limits_text, ==, limits);
}

typedef struct {
    const char *path; /* of the test */
    const char *label, *purpose;
    TestSpec spec; /* without a name: no certificate */
    const char *uses, *limits;
} Case;

static const Case cases[] = {
    {"signing", "work", "sign", {.name = "Alice", .address = ADDRESS}, "sign mail", ""},
    {"decrypting",
     "work",
     "decrypt",
     {.name = "Alice", .address = ADDRESS, .usage = "keyAgreement"},
     "decrypt mail",
     ""},
    {"signing-and-login",
     "work",
     "sign",
     {.name = "Alice", .address = ADDRESS, .extended = "emailProtection,clientAuth"},
     "sign mail, log in",
     ""},
    {"expired/signs-nothing",
     "work",
     "sign",
     {.name = "Alice", .address = ADDRESS, .from = -9 * DAY, .until = -2 * DAY},
     "nothing",
     "expired 20*"},
    {"expired/decrypts-old-mail",
     "work",
     "decrypt",
     {.name = "Alice", .usage = "keyAgreement", .from = -9 * DAY, .until = -2 * DAY},
     "decrypt old mail",
     "expired 20*"},
    {"early/waits",
     "work",
     "sign",
     {.name = "Alice", .address = ADDRESS, .from = 2 * DAY, .until = 9 * DAY},
     "nothing",
     "not before 20*"},
    {"tls/logs-in",
     "work",
     "sign",
     {.name = "Alice", .extended = "clientAuth"},
     "log in",
     "not for mail"},
    {"server/is-of-no-use",
     "work",
     "sign",
     {.name = "www", .extended = "serverAuth"},
     "nothing",
     "not for mail"},
    {"no-certificate/serves-programs", "work", "sign", {0}, "ssh and the like", "no certificate"},
    {"key-usage/forbids",
     "work",
     "sign",
     {.name = "Alice", .address = ADDRESS, .usage = "keyAgreement"},
     "nothing",
     "its certificate forbids it"},
    {"no-address/is-found-by-key",
     "work",
     "sign",
     {.name = "Alice"},
     "sign mail",
     "found by --key only"},
    {"retired/decrypts-old-mail",
     "Retired KEY MAN 3",
     "decrypt",
     {.name = "Alice", .address = ADDRESS, .usage = "keyAgreement"},
     "decrypt old mail",
     "retired"},
};

static void
test_case(SealTestBlue *blue, gconstpointer data)
{
    const Case *row = data;
    SealClientKey *key =
        seal_test_objects_add_key(blue->objects, blue->token, row->label, '1', 1, row->purpose);

    if (row->spec.name)
        (void)seal_test_objects_add_certificate(blue->objects, key, &row->spec);
    assert_uses(blue, key, row->uses, row->limits);
}

static void
test_renewed(SealTestBlue *blue, gconstpointer data)
{
    const TestSpec old = {.name = "Alice", .address = ADDRESS, .from = -9 * DAY, .until = -2 * DAY};
    const TestSpec new = {.name = "Alice", .address = ADDRESS};
    SealClientKey *key =
        seal_test_objects_add_key(blue->objects, blue->token, "work", '1', 1, "sign");

    (void)seal_test_objects_add_certificate(blue->objects, key, &old);
    (void)seal_test_objects_add_certificate(blue->objects, key, &new);
    assert_uses(blue, key, "sign mail", "");
}

static void
test_pin_each_time(SealTestBlue *blue, gconstpointer data)
{
    const TestSpec spec = {.name = "Alice", .address = ADDRESS};
    SealClientKey *key =
        seal_test_objects_add_key(blue->objects, blue->token, "SIGN key", '1', 1, "sign");

    (void)seal_test_objects_add_certificate(blue->objects, key, &spec);
    key->always_authenticate = TRUE;
    assert_uses(blue, key, "sign mail", "PIN each time");
}

/* As the agent tells of a key whose signatures were not its own. */
static void
test_fault(SealTestBlue *blue, gconstpointer data)
{
    const TestSpec spec = {.name = "Alice", .address = ADDRESS};
    SealClientKey *key =
        seal_test_objects_add_key(blue->objects, blue->token, "work", '1', 1, "sign");

    (void)seal_test_objects_add_certificate(blue->objects, key, &spec);
    g_free(key->fault);
    key->fault = g_strdup("its signatures do not fit its public key");
    assert_uses(blue, key, "nothing", "its signatures do not fit its certificate");
}

static void
test_absent(SealTestBlue *blue, gconstpointer data)
{
    const TestSpec spec = {.name = "Alice", .address = ADDRESS};
    SealClientToken *gone = seal_test_objects_add_token(blue->objects, "Gone", 'b', "absent");
    SealClientKey *key = seal_test_objects_add_key(blue->objects, gone, "work", '1', 1, "sign");

    (void)seal_test_objects_add_certificate(blue->objects, key, &spec);
    assert_uses(blue, key, "sign mail", "insert the token");
}

/* -- revocation -----------------------------------------------------------------------------------
 */

static void
write_pem(SealTestHome *home, const char *name, GBytes *pem)
{
    g_autofree char *text = g_strndup(g_bytes_get_data(pem, NULL), g_bytes_get_size(pem));
    g_autofree char *path = seal_test_home_write(home, name, text);
}

/* A list that somebody put where the user's lists are; the CA is trusted. */
static void
test_revoked(SealTestBlue *blue, gconstpointer data)
{
    const TestSpec authority = {.name = "CA", .authority = TRUE};
    const TestSpec spec = {.name = "Alice", .address = ADDRESS};
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autoptr(TestIdentity) issuer = test_identity_new(&authority, NULL);
    g_autoptr(TestIdentity) revoked = test_identity_new(&spec, issuer);
    g_autoptr(TestIdentity) good = test_identity_new(&spec, issuer);
    g_autoptr(GBytes) anchor = test_identity_pem(issuer);
    g_autoptr(GBytes) list = test_crl_new(issuer, revoked, -DAY, DAY);
    g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(SealKnownRevocations) known = NULL;
    SealClientKey *keys[2] = {
        seal_test_objects_add_key(blue->objects, blue->token, "revoked", '1', 1, "sign"),
        seal_test_objects_add_key(blue->objects, blue->token, "good", '2', 2, "sign"),
    };
    SealKeyUses uses[2];

    (void)seal_test_objects_add_identity(blue->objects, keys[0], revoked, &spec);
    (void)seal_test_objects_add_identity(blue->objects, keys[1], good, &spec);
    write_pem(home, "config/privyseal/anchors.d/ca.pem", anchor);
    write_pem(home, "config/privyseal/crls.d/ca.crl", list);
    known = seal_known_revocations_new(blue->objects, warnings);
    g_assert_cmpuint(warnings->len, ==, 0);
    g_assert_nonnull(known);
    for (gsize i = 0; i < G_N_ELEMENTS(keys); i++)
        uses[i] = seal_key_uses_find(blue->objects, keys[i], known);
    g_assert_cmpuint(uses[0].uses, ==, 0);
    g_assert_cmpuint(uses[0].limits, ==, SEAL_LIMIT_REVOKED);
    g_assert_cmpuint(uses[1].uses, ==, SEAL_USE_SIGN_MAIL);
    g_assert_cmpuint(uses[1].limits, ==, 0);
}

/* -- names ----------------------------------------------------------------------------------------
 */

static void
assert_described(const SealClientObjects *objects, const SealClientToken *token,
                 const char *expected)
{
    g_autofree char *text = seal_describe_token(objects, token);

    g_assert_cmpstr(text, ==, expected);
}

static void
test_equal_labels(SealTestBlue *blue, gconstpointer data)
{
    SealClientToken *same = NULL, *bare = NULL;

    assert_described(blue->objects, blue->token, "Blue");
    same = seal_test_objects_add_token(blue->objects, "Blue", 'b', "locked");
    g_free(same->serial);
    same->serial = g_strdup("0123");
    assert_described(blue->objects, blue->token, "Blue (serial blue)");
    assert_described(blue->objects, same, "Blue (serial 0123)");
    bare = seal_test_objects_add_token(blue->objects, "Blue", 'c', "locked");
    g_free(bare->serial);
    bare->serial = g_strdup("");
    assert_described(blue->objects, bare, "Blue (slot c)");
    assert_described(blue->objects, NULL, "?");
}

#define ADD(path, data, test)                                                                      \
    g_test_add("/cli/key-uses/" path, SealTestBlue, data, seal_test_blue_open, test,               \
               seal_test_blue_close)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strconcat("/cli/key-uses/", cases[i].path, NULL);

        g_test_add(path, SealTestBlue, &cases[i], seal_test_blue_open, test_case,
                   seal_test_blue_close);
    }
    ADD("renewed/says-nothing-of-the-old-one", NULL, test_renewed);
    ADD("always-authenticate/wants-pin-each-time", NULL, test_pin_each_time);
    ADD("faulty-key/is-of-no-use", NULL, test_fault);
    ADD("absent-token/is-to-be-inserted", NULL, test_absent);
    ADD("revoked/is-of-no-use", NULL, test_revoked);
    ADD("equal-labels/are-told-apart", NULL, test_equal_labels);
    return g_test_run();
}
