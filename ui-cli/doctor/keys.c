/* Keys and certificates: can this person sign and decrypt, and what stands in the way. What is
 * alike is summed up in one line, however many keys there are. */
#include "ui-cli/doctor/examine.h"

#include "ui-cli/mail-certificate.h"
#include "ui-cli/validity.h"

/* A certificate that ends this soon is to be renewed now. */
#define RENEW_S ((gint64)30 * 24 * 3600)
/* A line names no more. */
#define NAMES_MAX 5u

/* -- certificates by their dates ------------------------------------------------------------- */

/* Certificates of keys that are here, sorted by how they are. */
typedef struct {
    GPtrArray *usable, *ending, *expired, *early; /* of const SealClientCertificate, borrowed */
} Sorted;

static void
sort_certificate(Sorted *sorted, const SealClientCertificate *certificate)
{
    gint64 now = g_get_real_time() / G_USEC_PER_SEC;

    if (now > certificate->not_after)
        g_ptr_array_add(sorted->expired, (gpointer)certificate);
    else if (now < certificate->not_before)
        g_ptr_array_add(sorted->early, (gpointer)certificate);
    else if (now > certificate->not_after - RENEW_S)
        g_ptr_array_add(sorted->ending, (gpointer)certificate);
    else
        g_ptr_array_add(sorted->usable, (gpointer)certificate);
}

/* Of `count` texts only some are named. */
static void
append_rest(GString *names, guint count)
{
    if (count > NAMES_MAX)
        g_string_append_printf(names, " and %u more", count - NAMES_MAX);
}

static void
note_certificates(SealExam *exam, const GPtrArray *list, SealHealth health, const char *clause)
{
    g_autoptr(GString) names = g_string_new(NULL);

    if (list->len == 0)
        return;
    for (guint i = 0; i < MIN(list->len, NAMES_MAX); i++) {
        const SealClientCertificate *certificate = list->pdata[i];
        g_autofree char *date = seal_date_text(certificate->not_after);

        g_string_append_printf(names, "%s%s (%s)", i > 0 ? ", " : "",
                               seal_exam_hide(exam, certificate->subject), date);
    }
    append_rest(names, list->len);
    seal_exam_note(exam, "certificates", health, NULL, "%u %s: %s", list->len, clause, names->str);
}

static void
sorted_clear(Sorted *sorted)
{
    g_ptr_array_unref(sorted->usable);
    g_ptr_array_unref(sorted->ending);
    g_ptr_array_unref(sorted->expired);
    g_ptr_array_unref(sorted->early);
}

static void
examine_dates(SealExam *exam, gboolean can_sign)
{
    Sorted sorted = {g_ptr_array_new(), g_ptr_array_new(), g_ptr_array_new(), g_ptr_array_new()};

    for (guint i = 0; i < exam->objects->certificates->len; i++) {
        const SealClientCertificate *certificate = exam->objects->certificates->pdata[i];
        const SealClientKey *key = seal_objects_key(exam->objects, certificate->key);

        if (key && seal_exam_has_token(seal_objects_token(exam->objects, key->token)))
            sort_certificate(&sorted, certificate);
    }
    if (sorted.usable->len > 0)
        seal_exam_note(exam, "certificates", SEAL_HEALTH_GOOD, NULL, "%u valid for a month or more",
                       sorted.usable->len);
    note_certificates(exam, sorted.ending, SEAL_HEALTH_WORRY,
                      "ending within a month, ask for new ones now");
    note_certificates(exam, sorted.expired, can_sign ? SEAL_HEALTH_GOOD : SEAL_HEALTH_WORRY,
                      "expired, which open old mail only");
    note_certificates(exam, sorted.early, SEAL_HEALTH_WORRY,
                      "not valid yet (is the clock of this machine right?)");
    sorted_clear(&sorted);
}

/* -- what can be done -------------------------------------------------------------------------- */

static gboolean
key_can(const SealClientKey *key, const char *purpose)
{
    return g_strv_contains((const char *const *)key->purposes, purpose);
}

/* The first address of a certificate with which the key can be used now; NULL if it has none.
 * Borrowed. */
static const char *
usable_address(const SealExam *exam, const SealClientKey *key, SealCertificatePurpose use)
{
    for (char **path = key->certificates; *path; path++) {
        const SealClientCertificate *certificate = seal_objects_certificate(exam->objects, *path);
        g_autofree char *reason = NULL;

        if (certificate && certificate->addresses[0] &&
            seal_mail_certificate_check(certificate->certificate, use, &reason))
            return certificate->addresses[0];
    }
    return NULL;
}

static gint
compare_texts(gconstpointer a, gconstpointer b)
{
    return g_strcmp0(*(const char *const *)a, *(const char *const *)b);
}

/* Those of all keys that are here, sorted, each once. (transfer full) (element-type utf8, borrowed)
 */
static GPtrArray *
usable_addresses(const SealExam *exam, const char *purpose, SealCertificatePurpose use)
{
    GPtrArray *addresses = g_ptr_array_new();

    for (guint i = 0; i < exam->objects->keys->len; i++) {
        const SealClientKey *key = exam->objects->keys->pdata[i];
        const char *address = NULL;

        if (!seal_exam_has_token(seal_objects_token(exam->objects, key->token)) ||
            !key_can(key, purpose))
            continue;
        address = usable_address(exam, key, use);
        if (address && !g_ptr_array_find_with_equal_func(addresses, address, g_str_equal, NULL))
            g_ptr_array_add(addresses, (gpointer)address);
    }
    g_ptr_array_sort(addresses, compare_texts);
    return addresses;
}

/* Returns whether it can be done. */
static gboolean
examine_purpose(SealExam *exam, const char *name, const char *purpose, SealCertificatePurpose use,
                SealHealth otherwise)
{
    g_autoptr(GPtrArray) addresses = usable_addresses(exam, purpose, use);
    g_autoptr(GString) names = g_string_new(NULL);

    if (addresses->len == 0) {
        seal_exam_note(exam, name, otherwise, "privyseal list",
                       "no key on a token that is here has a certificate that is valid now, is for "
                       "mail and names a mail address");
        return FALSE;
    }
    for (guint i = 0; i < MIN(addresses->len, NAMES_MAX); i++)
        g_string_append_printf(names, "%s%s", i > 0 ? ", " : "",
                               seal_exam_hide(exam, addresses->pdata[i]));
    append_rest(names, addresses->len);
    seal_exam_note(exam, name, SEAL_HEALTH_GOOD, NULL, "as %s", names->str);
    return TRUE;
}

void
seal_examine_keys(SealExam *exam)
{
    gboolean can_sign = FALSE;

    exam->group = "Keys";
    if (seal_exam_count_tokens(exam) == 0)
        return; /* that has been said */
    can_sign = examine_purpose(exam, "signing", "sign", SEAL_PURPOSE_SIGN_MAIL, SEAL_HEALTH_BAD);
    (void)examine_purpose(exam, "decrypting", "decrypt", SEAL_PURPOSE_ENCRYPT_MAIL,
                          SEAL_HEALTH_WORRY);
    examine_dates(exam, can_sign);
}
