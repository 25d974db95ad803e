/* A mail from a stranger, opened without an agent. The unwrapper of this harness takes every
 * recipient for its own and the "encrypted" key as it stands, so that hostile input gets behind the
 * encryption too. What must hold: an answer with a verdict, a report that is valid JSON and safe
 * text, and no content where the verdict is about a closed layer. */
#include <glib.h>
#include <json-glib/json-glib.h>

#include "base/error.h"
#include "smime/certificates.h"
#include "smime/headers.h"
#include "smime/mail.h"
#include "smime/open.h"
#include "tests/fuzz/fuzz.h"

enum { KEY_MAX = 64 };

static char *
find_always(const SealUnwrapper *unwrapper, const SealRecipientId *id, GError **error)
{
    return g_strdup("key");
}

static SealSecret *
unwrap_nothing(const SealUnwrapper *unwrapper, const char *key, GBytes *key_encryption,
               GBytes *encrypted_key, const SealUnwrapInput *input, GError **error)
{
    gsize len = 0;
    const void *data = g_bytes_get_data(encrypted_key, &len);

    if (len > 0 && len <= KEY_MAX)
        return seal_secret_new_copy(data, len);
    g_set_error_literal(error, SEAL_ERROR, SEAL_ERROR_DECRYPT_FAILED, "no key of this harness");
    return NULL;
}

static void
check_report(const SealReport *report)
{
    g_autofree char *json = seal_report_to_json(report);
    g_autofree char *text = seal_report_to_text(report);
    g_autoptr(JsonNode) node = json_from_string(json, NULL);

    g_assert_nonnull(node);
    g_assert_true(JSON_NODE_HOLDS_OBJECT(node));
    g_assert_true(g_utf8_validate(text, -1, NULL));
    for (const char *at = text; *at != '\0'; at++)
        g_assert_true(*at == '\n' || (guint8)*at >= 0x20);
}

static void
check_signature(GBytes *mail)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) signature = seal_mail_signature(mail, &error);

    g_assert_true((signature == NULL) == (error != NULL));
}

/* The same bytes as a mail to be sent: what is signed has canonical lines, and splitting it again
 * changes nothing more. */
static void
check_split(GBytes *mail, SealTransfer transfer)
{
    g_autoptr(GBytes) outer = NULL;
    g_autoptr(GBytes) inner = NULL;
    g_autoptr(GBytes) again = NULL;
    g_autoptr(GBytes) nothing = NULL;
    gsize len = 0;
    const char *data = NULL;

    if (!seal_mail_split(mail, transfer, &outer, &inner, NULL))
        return;
    data = g_bytes_get_data(inner, &len);
    for (gsize i = 0; i < len; i++)
        g_assert_true(data[i] != '\n' || (i > 0 && data[i - 1] == '\r'));
    g_assert_true(seal_mail_split(inner, transfer, &nothing, &again, NULL));
    g_assert_true(g_bytes_equal(inner, again));
}

/* Hidden fields are inside, and nowhere else. */
static void
check_headers(GBytes *mail)
{
    GBytes *outer = NULL;
    GBytes *inner = NULL;
    g_autoptr(SealEntity) fields = NULL;
    g_autoptr(SealEntity) payload = NULL;

    if (!seal_mail_split(mail, SEAL_TRANSFER_ANY, &outer, &inner, NULL))
        return;
    seal_headers_protect(SEAL_HEADERS_HIDDEN, &outer, &inner);
    fields = seal_entity_parse(seal_bytes_view(outer));
    payload = seal_entity_parse(seal_bytes_view(inner));
    g_assert_null(payload->defect);
    g_assert_false(seal_entity_has(fields, "Bcc") || seal_entity_has(fields, "Resent-Bcc"));
    if (g_strcmp0(seal_entity_parameter(payload, "hp"), "cipher") == 0 &&
        seal_entity_has(payload, "HP-Outer"))
        g_assert_false(seal_entity_has(fields, "Keywords"));
    g_bytes_unref(outer);
    g_bytes_unref(inner);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const SealUnwrapper unwrapper = {find_always, unwrap_nothing, NULL};
    const SealOpenOptions options = {
        .mode = SEAL_OPEN_ALL, .unwrapper = &unwrapper, .at = G_GINT64_CONSTANT(1800000000)};
    g_autoptr(GBytes) mail = g_bytes_new(data, size);
    g_autoptr(GBytes) content = NULL;
    g_autoptr(SealReport) report = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_true(seal_mail_open(mail, &options, &report, &content, &error));
    g_assert_no_error(error);
    g_assert_nonnull(report);
    check_report(report);
    check_signature(mail);
    check_split(mail, SEAL_TRANSFER_ANY);
    check_split(mail, SEAL_TRANSFER_7BIT);
    check_headers(mail);
    return 0;
}
