/* Identities of the fixture, read once. */
#include "tests/mail/scene.h"

#include <openssl/cms.h>
#include <openssl/pem.h>
#include <string.h>

#include "tests/cli/cli-fixture.h"
#include "tests/smime/dissect.h"

static World world;
static GHashTable *identities; /* name to TestIdentity */

static gpointer
read_pem(const char *folder, const char *name, gpointer (*read)(BIO *in))
{
    g_autofree char *file = g_strdup_printf("%s%s.pem", folder, name);
    g_autofree char *path = seal_cli_test_fixture_file(file);
    BIO *in = BIO_new_file(path, "r");
    gpointer value = in ? read(in) : NULL;

    g_assert_nonnull(value);
    BIO_free(in);
    return value;
}

static gpointer
read_certificate(BIO *in)
{
    return PEM_read_bio_X509(in, NULL, NULL, NULL);
}

static gpointer
read_key(BIO *in)
{
    return PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
}

static TestIdentity *
read_identity(const char *certificates, const char *keys, const char *name)
{
    TestIdentity *identity = g_new0(TestIdentity, 1);

    identity->certificate = read_pem(certificates, name, read_certificate);
    identity->key = read_pem(keys, name, read_key);
    return identity;
}

static const TestIdentity *
remember(const char *certificates, const char *keys, const char *name)
{
    TestIdentity *identity = g_hash_table_lookup(identities, name);

    if (!identity) {
        identity = read_identity(certificates, keys, name);
        g_hash_table_insert(identities, g_strdup(name), identity);
    }
    return identity;
}

World *
scene_world(void)
{
    if (world.chain)
        return &world;
    identities =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)test_identity_free);
    world.root = read_identity("", "ca-keys/", "root");
    world.issuer = read_identity("", "ca-keys/", "intermediate");
    world.people = g_ptr_array_new_with_free_func((GDestroyNotify)test_identity_free);
    world.trust = seal_trust_new();
    world.chain = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    g_ptr_array_add(world.chain, test_identity_der(world.issuer));
    return &world;
}

void
scene_end(void)
{
    if (!world.chain)
        return;
    world_close(&world, NULL);
    g_clear_pointer(&identities, g_hash_table_unref);
}

const TestIdentity *
scene_identity(const char *name)
{
    scene_world();
    return remember("certs/", "software-keys/", name);
}

const TestIdentity *
scene_stranger(void)
{
    scene_world();
    return remember("", "ca-keys/", "stranger");
}

const TestIdentity *
scene_person(const TestSpec *spec)
{
    return world_person(scene_world(), spec);
}

char *
scene_text(GBytes *bytes)
{
    return g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
}

/* Boundaries are random; a fixed one can stand in a table. Nothing signs it. */
static GBytes *
fix_boundary(GBytes *mail)
{
    g_autofree char *text = scene_text(mail);
    const char *start = strstr(text, "boundary=\"") + strlen("boundary=\"");
    g_autofree char *boundary = g_strndup(start, strcspn(start, "\""));
    g_auto(GStrv) pieces = g_strsplit(text, boundary, -1);
    g_autofree char *fixed = g_strjoinv("the-boundary", pieces);

    return world_bytes(fixed);
}

GBytes *
scene_detached(const TestIdentity *who, const char *mail)
{
    g_autoptr(GBytes) signed_mail = world_sign(scene_world(), who, mail, NULL);

    return fix_boundary(signed_mail);
}

GBytes *
scene_opaque(const TestIdentity *who, const char *mail)
{
    static const SealSignOptions opaque = {.opaque = TRUE};

    return world_sign(scene_world(), who, mail, &opaque);
}

static void
add_chain(CMS_ContentInfo *cms, GPtrArray *chain)
{
    for (guint i = 0; i < chain->len; i++) {
        const unsigned char *der = g_bytes_get_data(chain->pdata[i], NULL);
        X509 *certificate = d2i_X509(NULL, &der, (long)g_bytes_get_size(chain->pdata[i]));

        g_assert_cmpint(CMS_add1_cert(cms, certificate), ==, 1);
        X509_free(certificate);
    }
}

GBytes *
scene_signed_by_openssl(const TestIdentity *who, GPtrArray *chain, const char *hash,
                        const char *entity)
{
    BIO *in = BIO_new_mem_buf(entity ? entity : "Content-Type: text/plain\r\n\r\n" WORLD_TEXT, -1);
    CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, in, CMS_PARTIAL | CMS_BINARY);
    unsigned char *der = NULL;
    int len = 0;
    g_autoptr(GBytes) bytes = NULL;

    g_assert_nonnull(
        CMS_add1_signer(cms, who->certificate, who->key, EVP_get_digestbyname(hash), CMS_BINARY));
    add_chain(cms, chain);
    g_assert_cmpint(CMS_final(cms, in, NULL, CMS_BINARY), ==, 1);
    len = i2d_CMS_ContentInfo(cms, &der);
    bytes = g_bytes_new(der, (gsize)len);
    OPENSSL_free(der);
    CMS_ContentInfo_free(cms);
    BIO_free(in);
    return test_mail_of(bytes);
}

GBytes *
scene_sealed(GBytes *mail, const char *recipient, gboolean gcm)
{
    const SealEncryptOptions options = {.cipher = gcm ? SEAL_CONTENT_AES256_GCM
                                                      : SEAL_CONTENT_AES256_CBC};

    return world_encrypt(mail, &options, scene_identity(recipient), NULL);
}

GBytes *
scene_sealed_entity(GBytes *entity, const char *recipient)
{
    g_autoptr(GPtrArray) recipients = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    g_autoptr(GBytes) cms = NULL;

    g_ptr_array_add(recipients, test_identity_der(scene_identity(recipient)));
    cms = seal_cms_encrypt(entity, recipients, NULL, NULL);
    g_assert_nonnull(cms);
    return test_mail_of(cms);
}
