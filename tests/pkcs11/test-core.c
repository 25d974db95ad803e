/* The tables and covers of pkcs11/core. */
#include <glib.h>
#include <string.h>

#include "pkcs11/core/mechanism.h"
#include "pkcs11/core/rv.h"
#include "pkcs11/core/template.h"
#include "pkcs11/core/uri.h"

static void
test_mechanism_names_go_both_ways(void)
{
    for (int i = SEAL_MECHANISM_RSA_PKCS; i <= SEAL_MECHANISM_ED25519; i++)
        g_assert_cmpint(seal_mechanism_from_name(seal_mechanism_name(i)), ==, i);
    for (int i = SEAL_HASH_SHA1; i <= SEAL_HASH_SHA512; i++)
        g_assert_cmpint(seal_hash_from_name(seal_hash_name(i)), ==, i);
    g_assert_cmpstr(seal_mechanism_name(SEAL_MECHANISM_RSA_PSS), ==, "rsa-pss");
    g_assert_cmpstr(seal_curve_name(SEAL_CURVE_P521), ==, "P-521");
    g_assert_cmpuint(seal_curve_coordinate_len(SEAL_CURVE_P521), ==, 66);
    g_assert_cmpuint(seal_hash_len(SEAL_HASH_SHA384), ==, 48);
}

static void
test_unknown_names_are_none(void)
{
    g_assert_cmpint(seal_mechanism_from_name("rsa-raw"), ==, SEAL_MECHANISM_NONE);
    g_assert_cmpint(seal_mechanism_from_name("unwrap-ecdh"), ==, SEAL_MECHANISM_NONE);
    g_assert_cmpint(seal_mechanism_from_name(""), ==, SEAL_MECHANISM_NONE);
    g_assert_cmpint(seal_hash_from_name("md5"), ==, SEAL_HASH_NONE);
    g_assert_cmpstr(seal_mechanism_name(7), ==, "");
    g_assert_cmpuint(seal_hash_len(99), ==, 0);
    g_assert_cmpuint(seal_curve_bits(99), ==, 0);
    g_assert_true(seal_mechanism_signs(SEAL_MECHANISM_ED25519));
    g_assert_false(seal_mechanism_signs(SEAL_MECHANISM_UNWRAP_ECDH));
    g_assert_false(seal_mechanism_signs(SEAL_MECHANISM_NONE));
}

/* Key.Sign and Key.Unwrap cannot be asked for a raw operation, whatever its name in the audit. */
static void
test_raw_operations_are_apart(void)
{
    static const SealMechanism raw[] = {SEAL_MECHANISM_RAW_ECDH, SEAL_MECHANISM_RAW_RSA_SIGN,
                                        SEAL_MECHANISM_RAW_RSA_DECRYPT};

    for (gsize i = 0; i < G_N_ELEMENTS(raw); i++) {
        g_assert_true(seal_mechanism_is_raw(raw[i]));
        g_assert_true(g_str_has_prefix(seal_mechanism_name(raw[i]), "raw-"));
        g_assert_cmpint(seal_mechanism_from_name(seal_mechanism_name(raw[i])), ==,
                        SEAL_MECHANISM_NONE);
        g_assert_cmpint(seal_mechanism_signs(raw[i]), ==, raw[i] == SEAL_MECHANISM_RAW_RSA_SIGN);
    }
    for (int i = SEAL_MECHANISM_NONE; i <= SEAL_MECHANISM_UNWRAP_X25519; i++)
        g_assert_false(seal_mechanism_is_raw(i));
}

static void
test_return_values_become_errors(void)
{
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(seal_rv_to_code(CKR_OK), ==, SEAL_ERROR_NONE);
    g_assert_cmpint(seal_rv_to_code(CKR_DEVICE_REMOVED), ==, SEAL_ERROR_TOKEN_REMOVED);
    g_assert_cmpint(seal_rv_to_code(CKR_TOKEN_NOT_PRESENT), ==, SEAL_ERROR_TOKEN_REMOVED);
    g_assert_cmpint(seal_rv_to_code(CKR_SESSION_HANDLE_INVALID), ==, SEAL_ERROR_TOKEN_REMOVED);
    g_assert_cmpint(seal_rv_to_code(CKR_PIN_INCORRECT), ==, SEAL_ERROR_PIN_INCORRECT);
    g_assert_cmpint(seal_rv_to_code(CKR_PIN_LOCKED), ==, SEAL_ERROR_PIN_BLOCKED);
    g_assert_cmpint(seal_rv_to_code(CKR_PIN_EXPIRED), ==, SEAL_ERROR_PIN_EXPIRED);
    g_assert_cmpint(seal_rv_to_code(CKR_USER_NOT_LOGGED_IN), ==, SEAL_ERROR_PIN_REQUIRED);
    g_assert_cmpint(seal_rv_to_code(0x80001234), ==, SEAL_ERROR_MODULE_FAILED);
    g_assert_cmpint(seal_rv_to_code(0x7777), ==, SEAL_ERROR_MODULE_FAILED);
    g_assert_cmpint(seal_rv_to_code(CKR_DATA_LEN_RANGE), ==, SEAL_ERROR_MODULE_FAILED);
    seal_rv_set_error(&error, CKR_PIN_LOCKED, "C_Login");
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_PIN_BLOCKED);
    g_assert_cmpstr(error->message, ==, "the PIN is blocked (C_Login: PIN_LOCKED, 0xa4)");
}

static void
test_removal_is_no_data_error(void)
{
    g_assert_true(seal_rv_is_removal(CKR_DEVICE_REMOVED));
    g_assert_false(seal_rv_is_data_error(CKR_DEVICE_REMOVED));
    g_assert_false(seal_rv_is_data_error(CKR_SESSION_HANDLE_INVALID));
    g_assert_false(seal_rv_is_data_error(CKR_USER_NOT_LOGGED_IN));
    g_assert_true(seal_rv_is_data_error(CKR_GENERAL_ERROR));
    g_assert_true(seal_rv_is_data_error(CKR_ENCRYPTED_DATA_INVALID));
    g_assert_false(seal_rv_is_removal(CKR_GENERAL_ERROR));
}

/* -- attributes from a module that lies
 * ------------------------------------------------------------ */

static CK_ULONG told_len;
static CK_RV told_rv;

static CK_RV
lying_get_attribute_value(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
                          CK_ATTRIBUTE *attribute, CK_ULONG count)
{
    CK_ULONG room = attribute->ulValueLen;

    attribute->ulValueLen = told_len;
    if (!attribute->pValue)
        return told_rv;
    if (told_len > room && told_len != CK_UNAVAILABLE_INFORMATION && told_rv == CKR_OK)
        return object == 1 ? CKR_BUFFER_TOO_SMALL : CKR_OK; /* 2 lies: OK with a length beyond */
    if (told_len <= room)
        memset(attribute->pValue, 'x', told_len);
    return told_rv;
}

static gssize
read_len(CK_OBJECT_HANDLE handle, CK_ULONG len, CK_RV rv)
{
    CK_FUNCTION_LIST functions = {.C_GetAttributeValue = lying_get_attribute_value};
    SealObject object = {&functions, 1, handle};
    g_autoptr(GBytes) value = NULL;

    told_len = len;
    told_rv = rv;
    value = seal_object_bytes(&object, CKA_VALUE);
    return value ? (gssize)g_bytes_get_size(value) : -1;
}

static void
test_attributes_are_bounded(void)
{
    g_assert_cmpint(read_len(1, 0, CKR_OK), ==, 0);
    g_assert_cmpint(read_len(1, 512, CKR_OK), ==, 512);
    g_assert_cmpint(read_len(1, 513, CKR_OK), ==, 513);
    g_assert_cmpint(read_len(1, SEAL_ATTRIBUTE_MAX, CKR_OK), ==, SEAL_ATTRIBUTE_MAX);
    g_assert_cmpint(read_len(1, SEAL_ATTRIBUTE_MAX + 1, CKR_OK), ==, -1);
    g_assert_cmpint(read_len(2, SEAL_ATTRIBUTE_MAX + 1, CKR_OK), ==, -1);
    g_assert_cmpint(read_len(1, CK_UNAVAILABLE_INFORMATION, CKR_OK), ==, -1);
    g_assert_cmpint(read_len(1, CK_UNAVAILABLE_INFORMATION, CKR_ATTRIBUTE_TYPE_INVALID), ==, -1);
    g_assert_cmpint(read_len(1, 8, CKR_ATTRIBUTE_SENSITIVE), ==, -1);
}

static void
test_numbers_of_a_wrong_size_are_absent(void)
{
    CK_FUNCTION_LIST functions = {.C_GetAttributeValue = lying_get_attribute_value};
    SealObject object = {&functions, 1, 1};

    told_rv = CKR_OK;
    told_len = 4;
    g_assert_cmpuint(seal_object_ulong(&object, CKA_KEY_TYPE, 77), ==, 77);
    told_len = 0;
    g_assert_true(seal_object_bool(&object, CKA_SIGN, TRUE));
    told_len = 1;
    g_assert_true(seal_object_bool(&object, CKA_SIGN, FALSE));
}

static void
test_padded_text_is_trimmed_and_valid(void)
{
    g_autofree char *text = seal_padded_text((const unsigned char *)"Alice\xff   ", 9);
    g_autofree char *empty = seal_padded_text((const unsigned char *)"    ", 4);

    g_assert_cmpstr(text, ==, "Alice\xef\xbf\xbd");
    g_assert_cmpstr(empty, ==, "");
}

/* -- URIs
 * ------------------------------------------------------------------------------------------ */

static const SealTokenName alice = {"Alice's token", "SoftHSM project", "SoftHSM v2", "12ab"};
static const SealTokenName bob = {"Bob", "SoftHSM project", "SoftHSM v2", "34cd"};

static void
test_uri_names_what_it_was_made_from(void)
{
    g_autoptr(GBytes) id = g_bytes_new("\x01\xff", 2);
    g_autoptr(GBytes) other_id = g_bytes_new("\x02", 1);
    g_autofree char *text = seal_uri_for_object(&alice, SEAL_URI_PRIVATE_KEY, id, "work; 100%");
    g_autoptr(GError) error = NULL;
    g_autoptr(SealUri) uri = seal_uri_parse(text, &error);

    g_assert_no_error(error);
    g_assert_nonnull(strstr(text, "id=%01%FF"));
    g_assert_nonnull(strstr(text, "type=private"));
    g_assert_true(seal_uri_matches_token(uri, &alice));
    g_assert_false(seal_uri_matches_token(uri, &bob));
    g_assert_true(seal_uri_matches_object(uri, &alice, SEAL_URI_PRIVATE_KEY, id, "work; 100%"));
    g_assert_false(
        seal_uri_matches_object(uri, &alice, SEAL_URI_PRIVATE_KEY, other_id, "work; 100%"));
    g_assert_false(seal_uri_matches_object(uri, &alice, SEAL_URI_PRIVATE_KEY, NULL, "work; 100%"));
    g_assert_false(seal_uri_matches_object(uri, &alice, SEAL_URI_PRIVATE_KEY, id, "play"));
    g_assert_false(seal_uri_matches_object(uri, &alice, SEAL_URI_PRIVATE_KEY, id, ""));
    g_assert_false(seal_uri_matches_object(uri, &alice, SEAL_URI_CERTIFICATE, id, "work; 100%"));
    g_assert_false(seal_uri_matches_object(uri, &bob, SEAL_URI_PRIVATE_KEY, id, "work; 100%"));
}

/* The examples are those of RFC 7512 2.5, with our token's names. */
static void
test_uri_written_by_others_is_understood(void)
{
    g_autoptr(SealUri) any = seal_uri_parse("pkcs11:", NULL);
    g_autoptr(SealUri) by_token = seal_uri_parse("pkcs11:token=Alice%27s%20token", NULL);
    g_autoptr(SealUri) by_object = seal_uri_parse("pkcs11:object=my-key;type=private", NULL);
    g_autoptr(SealUri) foreign = seal_uri_parse("pkcs11:token=Alice%27s%20token;x-unknown=1", NULL);

    g_assert_true(seal_uri_matches_token(any, &alice));
    g_assert_true(seal_uri_matches_token(by_token, &alice));
    g_assert_false(seal_uri_matches_token(by_token, &bob));
    g_assert_true(seal_uri_matches_object(by_object, &bob, SEAL_URI_PRIVATE_KEY, NULL, "my-key"));
    g_assert_false(seal_uri_matches_token(foreign, &alice));
}

static void
test_uri_that_is_none_is_refused(void)
{
    const char *wrong[] = {"", "http://x", "pkcs11:token=%zz", "pkcs11:id=%4"};

    for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(seal_uri_parse(wrong[i], &error));
        g_assert_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT);
    }
}

static void
test_uri_of_a_long_label_is_cut_at_a_character(void)
{
    /* 31 letters and a two-byte one: PKCS#11's label has 32 bytes. */
    const SealTokenName name = {.label = "abcdefghijklmnopqrstuvwxyzabcde\xc3\xa4"};
    g_autofree char *text = seal_uri_for_token(&name);

    g_assert_true(g_str_has_suffix(text, "token=abcdefghijklmnopqrstuvwxyzabcde"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/core/mechanism/names-go-both-ways", test_mechanism_names_go_both_ways);
    g_test_add_func("/core/mechanism/unknown-names-are-none", test_unknown_names_are_none);
    g_test_add_func("/core/names/raw-operations-are-apart", test_raw_operations_are_apart);
    g_test_add_func("/core/rv/become-errors", test_return_values_become_errors);
    g_test_add_func("/core/rv/removal-is-no-data-error", test_removal_is_no_data_error);
    g_test_add_func("/core/template/attributes-are-bounded", test_attributes_are_bounded);
    g_test_add_func("/core/template/numbers-of-a-wrong-size-are-absent",
                    test_numbers_of_a_wrong_size_are_absent);
    g_test_add_func("/core/template/padded-text-is-trimmed-and-valid",
                    test_padded_text_is_trimmed_and_valid);
    g_test_add_func("/core/uri/names-what-it-was-made-from", test_uri_names_what_it_was_made_from);
    g_test_add_func("/core/uri/written-by-others-is-understood",
                    test_uri_written_by_others_is_understood);
    g_test_add_func("/core/uri/that-is-none-is-refused", test_uri_that_is_none_is_refused);
    g_test_add_func("/core/uri/of-a-long-label-is-cut-at-a-character",
                    test_uri_of_a_long_label_is_cut_at_a_character);
    return g_test_run();
}
