/* Which algorithms are chosen for whom. */
#include "smime/choice.h"
#include "smime/capabilities.h"
#include "tests/smime/world.h"

#include <openssl/cms.h>
#include <openssl/x509.h>
#include <string.h>

/* A reader's SMIMECapabilities: simple names. */
static GBytes *
state(int first, ...)
{
    STACK_OF(X509_ALGOR) *list = NULL;
    unsigned char *der = NULL;
    GBytes *bytes = NULL;
    int len = 0;
    va_list nids;

    va_start(nids, first);
    for (int nid = first; nid != NID_undef; nid = va_arg(nids, int))
        g_assert_cmpint(CMS_add_simple_smimecap(&list, nid, -1), ==, 1);
    va_end(nids);
    len = i2d_X509_ALGORS(list, &der);
    bytes = g_bytes_new(der, (gsize)len);
    OPENSSL_free(der);
    sk_X509_ALGOR_pop_free(list, X509_ALGOR_free);
    return bytes;
}

typedef struct {
    SealReaderFacts facts[4];
    guint count;
} Readers;

static void
add(Readers *readers, const char *name, const TestIdentity *who, GBytes *capabilities)
{
    readers->facts[readers->count++] =
        (SealReaderFacts){name, test_identity_der(who), capabilities};
}

static void
clear(Readers *readers)
{
    for (guint i = 0; i < readers->count; i++) {
        g_bytes_unref(readers->facts[i].certificate);
        g_clear_pointer(&readers->facts[i].capabilities, g_bytes_unref);
    }
}

static void
expect(const Readers *readers, const SealChoicePolicy *policy, SealContentCipher cipher,
       gboolean oaep, const char *told)
{
    static const SealChoicePolicy as_stated = {0};
    SealEncryptOptions options = {0};
    g_autofree char *choice =
        seal_choice_make(readers->facts, readers->count, policy ? policy : &as_stated, &options);

    g_assert_cmpint(options.cipher, ==, cipher);
    g_assert_cmpint(options.oaep, ==, oaep);
    g_assert_cmpstr(choice, ==, told);
}

static void
test_all_state_it(World *world, gconstpointer data)
{
    Readers readers = {0};

    add(&readers, "Bob", world_bob(world, "rsa:2048"), seal_capabilities_own());
    add(&readers, "Carol", world_bob(world, "x25519"), seal_capabilities_own());
    expect(&readers, NULL, SEAL_CONTENT_AES256_GCM, TRUE,
           "aes-256-gcm (everybody states to read it), keys by rsa-oaep and x25519");
    clear(&readers);
}

static void
test_what_they_have_in_common(World *world, gconstpointer data)
{
    Readers readers = {0};

    add(&readers, "Bob", world_bob(world, "rsa:2048"), seal_capabilities_own());
    add(&readers, "Carol", world_bob(world, "ec:P-256"),
        state(NID_aes_128_cbc, NID_aes_128_gcm, NID_des_ede3_cbc, NID_undef));
    expect(&readers, NULL, SEAL_CONTENT_AES128_GCM, FALSE,
           "aes-128-gcm (everybody states to read it), keys by rsa-pkcs1 (not everybody states to "
           "read rsa-oaep) and ecdh");
    clear(&readers);
}

/* One unknown reader, and nothing is new for anybody. */
static void
test_unknown_reader(World *world, gconstpointer data)
{
    Readers readers = {0};

    add(&readers, "Bob", world_bob(world, "rsa:2048"), seal_capabilities_own());
    add(&readers, "Carol", world_bob(world, "rsa:2048"), NULL);
    expect(&readers, NULL, SEAL_CONTENT_AES256_CBC, FALSE,
           "aes-256-cbc (nothing is known of what Carol reads), keys by rsa-pkcs1");
    add(&readers, "Dave", world_bob(world, "rsa:2048"), world_bytes("damaged"));
    expect(&readers, NULL, SEAL_CONTENT_AES256_CBC, FALSE,
           "aes-256-cbc (nothing is known of what Carol and Dave read), keys by rsa-pkcs1");
    clear(&readers);
}

static void
test_nothing_in_common(World *world, gconstpointer data)
{
    Readers readers = {0};

    add(&readers, "Bob", world_bob(world, "rsa:2048"), state(NID_des_ede3_cbc, NID_undef));
    expect(&readers, NULL, SEAL_CONTENT_AES256_CBC, FALSE,
           "aes-256-cbc (its readers state no cipher in common), keys by rsa-pkcs1 (not everybody "
           "states to read rsa-oaep)");
    clear(&readers);
}

/* The site's word, or that of who writes. */
static void
test_policy_insists(World *world, gconstpointer data)
{
    static const SealChoicePolicy strict = {SEAL_CONTENT_CHACHA20_POLY1305, "--cipher",
                                            SEAL_OAEP_ALWAYS, "--oaep"};
    static const SealChoicePolicy never = {.oaep = SEAL_OAEP_NEVER, .oaep_by = "privyseal.conf"};
    Readers readers = {0};

    add(&readers, "Bob", world_bob(world, "rsa:2048"), NULL);
    expect(&readers, &strict, SEAL_CONTENT_CHACHA20_POLY1305, TRUE,
           "chacha20-poly1305 (as --cipher says, though Bob has not stated to read it), keys by "
           "rsa-oaep (as --oaep says)");
    g_clear_pointer(&readers.facts[0].capabilities, g_bytes_unref);
    readers.facts[0].capabilities = seal_capabilities_own();
    expect(&readers, &never, SEAL_CONTENT_AES256_GCM, FALSE,
           "aes-256-gcm (everybody states to read it), keys by rsa-pkcs1 (as privyseal.conf says)");
    clear(&readers);
}

/* RFC 4262: the CA stated what the program of its owner reads. OpenSSL's "DER:" form of the
 * extension; 2.16.840.1.101.3.4.1.6 is AES-128 in GCM. */
static void
test_certificate_states_it(World *world, gconstpointer data)
{
    const TestSpec spec = {.name = "Bob",
                           .key = "rsa:2048",
                           .usage = "keyEncipherment",
                           .extensions = {"1.2.840.113549.1.9.15=DER:300d300b060960864801650304010"
                                          "6"}};
    Readers readers = {0};

    add(&readers, "Bob", world_person(world, &spec), NULL);
    expect(&readers, NULL, SEAL_CONTENT_AES128_GCM, FALSE,
           "aes-128-gcm (everybody states to read it), keys by rsa-pkcs1 (not everybody states to "
           "read rsa-oaep)");
    clear(&readers);
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*test)(World *world, gconstpointer data);
    } tests[] = {
        {"/choice/all-state-it/is-the-strongest", test_all_state_it},
        {"/choice/some-state-less/is-what-they-have-in-common", test_what_they_have_in_common},
        {"/choice/unknown-reader/is-what-everybody-reads", test_unknown_reader},
        {"/choice/nothing-in-common/is-what-everybody-reads", test_nothing_in_common},
        {"/choice/policy-insists/is-obeyed", test_policy_insists},
        {"/choice/certificate-states-it/is-believed", test_certificate_states_it},
    };

    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].path, World, NULL, world_open, tests[i].test, world_close);
    return g_test_run();
}
