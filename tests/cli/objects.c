/* Objects like those of seal_client_list(). */
#include "tests/cli/objects.h"

#include <openssl/x509v3.h>

#include "ipc/names.h"

static char *
path_of(const char *prefix, char digit)
{
    g_autofree char *id = g_strnfill(20, digit);

    return g_strdup_printf("%s/%s", prefix, id);
}

static void
free_token(gpointer data)
{
    SealClientToken *token = data;

    g_free(token->path);
    g_free(token->label);
    g_free(token->serial);
    g_free(token->slot);
    g_free(token->uri);
    g_free(token->state);
    g_free(token);
}

static void
free_key(gpointer data)
{
    SealClientKey *key = data;

    g_free(key->path);
    g_free(key->uri);
    g_free(key->label);
    g_bytes_unref(key->id);
    g_free(key->algorithm);
    g_free(key->curve);
    g_strfreev(key->certificates);
    g_free(key->token);
    g_strfreev(key->purposes);
    g_free(key->fault);
    g_free(key);
}

static void
free_certificate(gpointer data)
{
    SealClientCertificate *certificate = data;

    g_free(certificate->path);
    g_bytes_unref(certificate->certificate);
    g_strfreev(certificate->addresses);
    g_strfreev(certificate->purposes);
    g_free(certificate->subject);
    g_free(certificate->key);
    g_free(certificate);
}

SealClientObjects *
seal_test_objects_new(void)
{
    SealClientObjects *objects = g_new0(SealClientObjects, 1);

    objects->tokens = g_ptr_array_new_with_free_func(free_token);
    objects->keys = g_ptr_array_new_with_free_func(free_key);
    objects->certificates = g_ptr_array_new_with_free_func(free_certificate);
    objects->modules = g_ptr_array_new();
    return objects;
}

SealClientToken *
seal_test_objects_add_token(SealClientObjects *objects, const char *label, char digit,
                            const char *state)
{
    SealClientToken *token = g_new0(SealClientToken, 1);

    token->path = path_of(SEAL_TOKEN_PREFIX, digit);
    token->label = g_strdup(label);
    token->serial = g_ascii_strdown(label, -1);
    token->slot = g_strdup_printf("slot %c", digit);
    token->uri = g_strdup_printf("pkcs11:token=%s;serial=%s", label, token->serial);
    token->state = g_strdup(state);
    g_ptr_array_add(objects->tokens, token);
    return token;
}

SealClientKey *
seal_test_objects_add_key(SealClientObjects *objects, const SealClientToken *token,
                          const char *label, char digit, guint8 cka_id, const char *purpose)
{
    SealClientKey *key = g_new0(SealClientKey, 1);
    const char *purposes[] = {purpose, NULL};

    key->path = path_of(SEAL_KEY_PREFIX, digit);
    key->label = g_strdup(label);
    key->uri = g_strdup_printf("%s;object=%s;id=%%%02X;type=private", token->uri, label, cka_id);
    key->id = g_bytes_new(&cka_id, 1);
    key->algorithm = g_strdup("ec");
    key->curve = g_strdup("P-256");
    key->token = g_strdup(token->path);
    key->certificates = g_new0(char *, 1);
    key->purposes = g_strdupv((char **)purposes);
    g_ptr_array_add(objects->keys, key);
    return key;
}

static gint64
seconds(const ASN1_TIME *time)
{
    struct tm parts = {0};

    g_assert_true(ASN1_TIME_to_tm(time, &parts));
    return (gint64)timegm(&parts);
}

/* As the agent tells them: OpenSSL's short names. */
static char **
extended_usages(X509 *certificate)
{
    EXTENDED_KEY_USAGE *usages = X509_get_ext_d2i(certificate, NID_ext_key_usage, NULL, NULL);
    g_autoptr(GStrvBuilder) names = g_strv_builder_new();

    for (int i = 0; usages && i < sk_ASN1_OBJECT_num(usages); i++)
        g_strv_builder_add(names, OBJ_nid2sn(OBJ_obj2nid(sk_ASN1_OBJECT_value(usages, i))));
    EXTENDED_KEY_USAGE_free(usages);
    return g_strv_builder_end(names);
}

static void
append_path(char ***paths, const char *path)
{
    guint n = g_strv_length(*paths);

    *paths = g_renew(char *, *paths, n + 2);
    (*paths)[n] = g_strdup(path);
    (*paths)[n + 1] = NULL;
}

SealClientCertificate *
seal_test_objects_add_identity(SealClientObjects *objects, SealClientKey *key,
                               const TestIdentity *identity, const TestSpec *spec)
{
    SealClientCertificate *certificate = g_new0(SealClientCertificate, 1);
    const char *addresses[] = {spec->address, NULL};

    certificate->path =
        g_strdup_printf("%s/%040u", SEAL_CERTIFICATE_PREFIX, objects->certificates->len);
    certificate->certificate = test_identity_der(identity);
    certificate->addresses = g_strdupv((char **)addresses);
    certificate->subject = g_strdup_printf("CN=%s", spec->name);
    certificate->key = g_strdup(key ? key->path : "/");
    certificate->not_before = seconds(X509_get0_notBefore(identity->certificate));
    certificate->not_after = seconds(X509_get0_notAfter(identity->certificate));
    certificate->purposes = extended_usages(identity->certificate);
    g_ptr_array_add(objects->certificates, certificate);
    if (key)
        append_path(&key->certificates, certificate->path);
    return certificate;
}

SealClientCertificate *
seal_test_objects_add_certificate(SealClientObjects *objects, SealClientKey *key,
                                  const TestSpec *spec)
{
    g_autoptr(TestIdentity) identity = test_identity_new(spec, NULL);

    return seal_test_objects_add_identity(objects, key, identity, spec);
}

void
seal_test_blue_open(SealTestBlue *blue, gconstpointer data)
{
    blue->objects = seal_test_objects_new();
    blue->token = seal_test_objects_add_token(blue->objects, "Blue", 'a', "locked");
}

void
seal_test_blue_close(SealTestBlue *blue, gconstpointer data)
{
    seal_client_objects_free(blue->objects);
}
