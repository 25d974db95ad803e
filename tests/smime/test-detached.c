/* Signatures over bytes that are no mail, and their text form. What other programs make of them:
 * test-interop.c, tests/clients/git.sh. */
#include "base/error.h"
#include "tests/smime/world.h"

#include <string.h>

/* Nothing of it survives a mail's canonical form: lone LF and CR, trailing blanks, a NUL. */
static const char content_bytes[] = "tree 4b825dc6\nauthor Alice \r\0\n\nno line end";

static GBytes *
new_content(void)
{
    return g_bytes_new_static(content_bytes, sizeof content_bytes - 1);
}

static GBytes *
sign(World *world, const TestIdentity *who, GBytes *content, const SealSignOptions *options)
{
    SealSigner signer = test_signer(who, world->chain);
    g_autoptr(GError) error = NULL;
    GBytes *signature = seal_detached_sign(content, &signer, options, &error);

    g_assert_no_error(error);
    test_signer_clear(&signer);
    return signature;
}

static SealReport *
judge(World *world, GBytes *content, GBytes *signature, SealVerdict expected)
{
    SealReport *report =
        seal_detached_judge(content, signature, world->trust, SEAL_PURPOSE_SIGN_DATA, 0);

    if (report->verdict != expected)
        g_test_message("reason: %s", report->reason ? report->reason : "none");
    g_assert_cmpstr(seal_verdict_word(report->verdict), ==, seal_verdict_word(expected));
    g_assert_cmpint(report->good, ==, expected == SEAL_VERDICT_OK);
    g_assert_true(report->good || report->reason);
    g_assert_cmpuint(report->layers->len, ==, 1);
    return report;
}

static void
expect(World *world, GBytes *content, GBytes *signature, SealVerdict expected)
{
    seal_report_free(judge(world, content, signature, expected));
}

static void
test_round_trip(World *world, gconstpointer data)
{
    static const char *const keys[] = {"rsa:2048", "ec:P-256", "ec:P-384", "ed25519"};

    for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
        const TestIdentity *alice = world_alice(world, keys[i]);
        g_autoptr(GBytes) content = new_content();
        g_autoptr(GBytes) signature = sign(world, alice, content, NULL);
        g_autoptr(GBytes) certificate = test_identity_der(alice);
        g_autoptr(SealReport) report = judge(world, content, signature, SEAL_VERDICT_OK);
        const SealLayerReport *layer = g_ptr_array_index(report->layers, 0);
        const SealSignerReport *signer = g_ptr_array_index(layer->signers, 0);

        g_assert_true(layer->detached);
        g_assert_true(g_bytes_equal(signer->certificate, certificate));
        g_assert_cmpstr(signer->signature, ==, "good");
        g_assert_cmpstr(signer->address_match, ==, "not-checked");
        g_assert_false(world_has(signature, "tree 4b825dc6"));
    }
}

static void
test_empty_content(World *world, gconstpointer data)
{
    g_autoptr(GBytes) nothing = g_bytes_new_static("", 0);
    g_autoptr(GBytes) signature = sign(world, world_alice(world, "ec:P-256"), nothing, NULL);

    expect(world, nothing, signature, SEAL_VERDICT_OK);
}

static void
test_line_ends_count(World *world, gconstpointer data)
{
    g_autoptr(GBytes) content = new_content();
    g_autoptr(GBytes) changed = world_replace(content, "4b825dc6\n", "4b825dc6\r\n");
    g_autoptr(GBytes) signature = sign(world, world_alice(world, "ec:P-256"), content, NULL);

    expect(world, changed, signature, SEAL_VERDICT_BAD_SIGNATURE);
}

static void
test_opaque_is_not_looked_at(World *world, gconstpointer data)
{
    const SealSignOptions opaque = {.opaque = TRUE};
    g_autoptr(GBytes) content = new_content();
    g_autoptr(GBytes) signature = sign(world, world_alice(world, "ec:P-256"), content, &opaque);

    g_assert_false(world_has(signature, "tree 4b825dc6"));
    expect(world, content, signature, SEAL_VERDICT_OK);
}

/* The signature is right, but another reader would take the content inside. */
static void
test_own_content_is_malformed(World *world, gconstpointer data)
{
    g_autoptr(GBytes) content = new_content();
    g_autoptr(GBytes) signature = sign(world, world_alice(world, "ec:P-256"), content, NULL);
    SealBytes bytes = {g_bytes_get_data(signature, NULL), g_bytes_get_size(signature)};
    g_autoptr(SealSignedData) signed_data = seal_signed_data_read(bytes);
    g_autoptr(SealContentInfo) info = seal_asn1_new(ASN1_ITEM_rptr(SealContentInfo));
    g_autoptr(GBytes) opaque = NULL;
    ASN1_STRING *packed = NULL;

    signed_data->encapsulated->content = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(signed_data->encapsulated->content, g_bytes_get_data(content, NULL),
                          (int)g_bytes_get_size(content));
    ASN1_item_pack(signed_data, ASN1_ITEM_rptr(SealSignedData), &packed);
    info->type = OBJ_nid2obj(NID_pkcs7_signed);
    info->content = ASN1_TYPE_new();
    ASN1_TYPE_set(info->content, V_ASN1_SEQUENCE, packed);
    opaque = seal_asn1_write(ASN1_ITEM_rptr(SealContentInfo), info);
    expect(world, content, opaque, SEAL_VERDICT_MALFORMED);
}

static void
test_garbage_is_malformed(World *world, gconstpointer data)
{
    g_autoptr(GBytes) content = new_content();
    g_autoptr(GBytes) nothing = g_bytes_new_static("", 0);
    g_autoptr(GBytes) certificate = test_identity_der(world->root);

    expect(world, content, content, SEAL_VERDICT_MALFORMED);
    expect(world, content, nothing, SEAL_VERDICT_MALFORMED);
    expect(world, content, certificate, SEAL_VERDICT_MALFORMED);
}

static void
test_stranger_is_untrusted(World *world, gconstpointer data)
{
    const TestSpec spec = {.name = "Mallory", .address = "alice@example.org"};
    g_autoptr(TestIdentity) mallory = test_identity_new(&spec, NULL);
    g_autoptr(GBytes) content = new_content();
    g_autoptr(GBytes) signature = sign(world, mallory, content, NULL);

    expect(world, content, signature, SEAL_VERDICT_UNTRUSTED);
}

/* RFC 8550 4.4 asks more of a certificate for mail than RFC 5280 does of one for anything. */
static void
test_purpose_is_asked(World *world, gconstpointer data)
{
    static const struct {
        TestSpec spec;
        const char *for_mail, *for_data;
    } rows[] = {
        {{.name = "mail"}, "ok", "ok"},
        {{.name = "code", .extended = "codeSigning"}, "wrong-usage", "ok"},
        {{.name = "any", .extended = "", .usage = ""}, "wrong-usage", "ok"},
        {{.name = "server", .extended = "serverAuth"}, "wrong-usage", "wrong-usage"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        const TestIdentity *signer = world_person(world, &rows[i].spec);
        g_autoptr(GBytes) content = new_content();
        g_autoptr(GBytes) signature = sign(world, signer, content, NULL);
        g_autoptr(SealReport) mail =
            seal_detached_judge(content, signature, world->trust, SEAL_PURPOSE_SIGN_MAIL, 0);
        g_autoptr(SealReport) bytes =
            seal_detached_judge(content, signature, world->trust, SEAL_PURPOSE_SIGN_DATA, 0);

        g_assert_cmpstr(seal_verdict_word(mail->verdict), ==, rows[i].for_mail);
        g_assert_cmpstr(seal_verdict_word(bytes->verdict), ==, rows[i].for_data);
    }
}

static void
test_time_is_taken(World *world, gconstpointer data)
{
    gint64 later = g_get_real_time() / G_USEC_PER_SEC + 3 * 366 * 86400;
    g_autoptr(GBytes) content = new_content();
    g_autoptr(GBytes) signature = sign(world, world_alice(world, "ec:P-256"), content, NULL);
    g_autoptr(SealReport) report =
        seal_detached_judge(content, signature, world->trust, SEAL_PURPOSE_SIGN_DATA, later);

    g_assert_cmpstr(seal_verdict_word(report->verdict), ==, "expired");
}

/* -- text ------------------------------------------------------------------------------------- */

static GBytes *
armored(World *world, GBytes **ret_signature)
{
    g_autoptr(GBytes) content = new_content();

    *ret_signature = sign(world, world_alice(world, "ec:P-256"), content, NULL);
    return seal_armor_write(*ret_signature);
}

static void
test_armor_round_trip(World *world, gconstpointer data)
{
    g_autoptr(GBytes) signature = NULL;
    g_autoptr(GBytes) text = armored(world, &signature);
    g_autoptr(GBytes) back = seal_armor_read(text, NULL);
    const char *at = g_bytes_get_data(text, NULL);

    g_assert_true(g_str_has_prefix(at, "-----BEGIN SIGNED MESSAGE-----\n"));
    g_assert_true(world_has(text, "\n-----END SIGNED MESSAGE-----\n"));
    g_assert_true(g_bytes_equal(back, signature));
}

static void
test_armor_takes_other_forms(World *world, gconstpointer data)
{
    g_autoptr(GBytes) signature = NULL;
    g_autoptr(GBytes) text = armored(world, &signature);
    g_autofree char *form = g_strndup(g_bytes_get_data(text, NULL), g_bytes_get_size(text));
    g_auto(GStrv) named = g_strsplit(form, "SIGNED MESSAGE", -1);
    g_auto(GStrv) lines = g_strsplit(g_strchomp(form), "\n", -1);
    char *forms[] = {g_strjoinv("PKCS7", named), g_strjoinv("CMS", named),
                     g_strjoinv("\r\n", lines), g_strconcat("\n", form, NULL)};
    g_autoptr(GBytes) der = seal_armor_read(signature, NULL);

    g_assert_true(g_bytes_equal(der, signature));
    for (gsize i = 0; i < G_N_ELEMENTS(forms); i++) {
        g_autoptr(GBytes) other = g_bytes_new_take(forms[i], strlen(forms[i]));
        g_autoptr(GError) error = NULL;
        g_autoptr(GBytes) back = seal_armor_read(other, &error);

        g_assert_no_error(error);
        g_assert_true(g_bytes_equal(back, signature));
    }
}

static void
test_armor_refuses_more_or_less(World *world, gconstpointer data)
{
    g_autoptr(GBytes) signature = NULL;
    g_autoptr(GBytes) text = armored(world, &signature);
    g_autofree char *good = g_strndup(g_bytes_get_data(text, NULL), g_bytes_get_size(text));
    g_auto(GStrv) named = g_strsplit(good, "SIGNED MESSAGE", -1);
    char *bad[] = {
        g_strconcat(good, "unsigned words\n", NULL),
        g_strconcat(good, good, NULL),
        g_strconcat("-----BEGIN ANYTHING-----\nunsigned words\n", good, NULL),
        g_strjoinv("CERTIFICATE", named),
        g_strndup(good, strlen(good) / 2),
        g_strdup("-----BEGIN SIGNED MESSAGE-----\n!!!!\n-----END SIGNED MESSAGE-----\n"),
        g_strdup("-----BEGIN "),
    };

    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GBytes) other = g_bytes_new_take(bad[i], strlen(bad[i]));
        g_autoptr(GError) error = NULL;

        g_test_message("form %" G_GSIZE_FORMAT, i);
        g_assert_null(seal_armor_read(other, &error));
        g_assert_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT);
    }
}

#define ADD(path, function) g_test_add(path, World, NULL, world_open, function, world_close)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/detached/each-key/signs-exactly-the-bytes", test_round_trip);
    ADD("/detached/empty-content/is-signed-too", test_empty_content);
    ADD("/detached/changed-line-end/is-a-bad-signature", test_line_ends_count);
    ADD("/detached/option-opaque/is-not-looked-at", test_opaque_is_not_looked_at);
    ADD("/detached/content-of-its-own/is-malformed", test_own_content_is_malformed);
    ADD("/detached/garbage/is-malformed", test_garbage_is_malformed);
    ADD("/detached/strangers-signature/is-untrusted", test_stranger_is_untrusted);
    ADD("/detached/purpose/judges-the-certificate", test_purpose_is_asked);
    ADD("/detached/time/judges-the-certificate", test_time_is_taken);
    ADD("/armor/signature/comes-back-unchanged", test_armor_round_trip);
    ADD("/armor/other-names-and-line-ends/are-read", test_armor_takes_other_forms);
    ADD("/armor/more-or-less-than-one-block/is-refused", test_armor_refuses_more_or_less);
    return g_test_run();
}
