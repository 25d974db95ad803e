/* OCSP responses, each judged by what RFC 6960 (4.2.2.2 who may sign, 3.2 what a client checks) and
 * RFC 8954 (nonces) say of it. They are made with OpenSSL's library; that `openssl ocsp` is
 * understood is shown by test-online.c. */
#include "pki/ocsp.h"

#include <openssl/x509v3.h>
#include <string.h>

#include "tests/pki/authority.h"
#include "tests/pki/responder.h"

#define HOUR ((gint64)60 * 60)

typedef struct {
    TestIdentity *root, *issuer, *alice;
    SealOcsp *ocsp;
    GBytes *request;
    SealOcspJudging how;
} World;

static void
world_open(World *world, gconstpointer data)
{
    const TestSpec root = {.name = "Root", .authority = TRUE};
    const TestSpec issuer = {.name = "Issuer", .authority = TRUE};
    const TestSpec alice = {.name = "Alice", .address = "alice@example.org"};

    world->root = test_identity_new(&root, NULL);
    world->issuer = test_identity_new(&issuer, world->root);
    world->alice = test_identity_new(&alice, world->issuer);
    world->ocsp = seal_ocsp_new(world->alice->certificate, world->issuer->certificate);
    world->request = seal_ocsp_request(world->ocsp);
    world->how = (SealOcspJudging){.at = g_get_real_time() / G_USEC_PER_SEC, .is_fresh = TRUE};
}

static void
world_close(World *world, gconstpointer data)
{
    g_bytes_unref(world->request);
    seal_ocsp_free(world->ocsp);
    test_identity_free(world->alice);
    test_identity_free(world->issuer);
    test_identity_free(world->root);
}

/* `text` is in the answer's, NULL: there is none. */
static void
expect_bytes(World *world, GBytes *bytes, SealAnswerKind kind, const char *text)
{
    g_auto(SealAnswer) answer = {0};

    g_assert_cmpint(seal_ocsp_judge(world->ocsp, bytes, &world->how, &answer), ==,
                    kind != SEAL_ANSWER_NONE);
    if (answer.kind != kind || (text && !strstr(answer.text, text)))
        g_error("%d '%s' instead of %d '%s'", answer.kind, answer.text, kind, text);
    g_assert_true(text || !answer.text);
}

static void
expect_by(World *world, const TestResponse *spec, const TestIdentity *signer, SealAnswerKind kind,
          const char *text)
{
    g_autoptr(GBytes) bytes =
        test_response_new(spec, world->request, world->issuer, world->alice, signer);

    expect_bytes(world, bytes, kind, text);
}

static void
expect(World *world, const TestResponse *spec, SealAnswerKind kind, const char *text)
{
    expect_by(world, spec, world->issuer, kind, text);
}

/* -- what it says ----------------------------------------------------------------------------- */

static void
test_status(World *world, gconstpointer data)
{
    static const TestResponse good = {0};
    static const TestResponse revoked = {.status = V_OCSP_CERTSTATUS_REVOKED, .reason = 1};
    static const TestResponse held = {.status = V_OCSP_CERTSTATUS_REVOKED, .reason = 6};
    static const TestResponse odd = {.status = V_OCSP_CERTSTATUS_REVOKED, .reason = 99};
    static const TestResponse unknown = {.status = V_OCSP_CERTSTATUS_UNKNOWN};
    g_autoptr(GDateTime) hour_ago = g_date_time_new_from_unix_utc(world->how.at - HOUR);
    g_autofree char *day = g_date_time_format(hour_ago, "on %Y-%m-%d (key compromise)");

    expect(world, &good, SEAL_ANSWER_GOOD, NULL);
    expect(world, &revoked, SEAL_ANSWER_REVOKED, day);
    expect(world, &held, SEAL_ANSWER_REVOKED, "(certificate hold)");
    expect(world, &odd, SEAL_ANSWER_REVOKED, "(no reason given)");
    expect(world, &unknown, SEAL_ANSWER_UNKNOWN, NULL);
}

/* RFC 6960 3.2 (5) and (6), with five minutes for clocks. What is revoked stays so, unless it is on
 * hold (RFC 5280 5.3.1). */
static void
test_times(World *world, gconstpointer data)
{
    static const struct {
        TestResponse response;
        SealAnswerKind kind;
        const char *text;
    } rows[] = {
        {{.from = -2 * HOUR, .until = -HOUR}, SEAL_ANSWER_NONE, "out of date"},
        {{.from = -2 * HOUR, .until = -60}, SEAL_ANSWER_GOOD, NULL},
        {{.from = 60, .until = HOUR}, SEAL_ANSWER_GOOD, NULL},
        {{.from = HOUR, .until = 2 * HOUR}, SEAL_ANSWER_NONE, "from the future"},
        {{.from = -60, .until = -120}, SEAL_ANSWER_NONE, "out of date"},
        {{.from = -2 * HOUR, .until = -HOUR, .status = V_OCSP_CERTSTATUS_REVOKED},
         SEAL_ANSWER_REVOKED,
         "no reason given"},
        {{.from = -2 * HOUR, .until = -HOUR, .status = V_OCSP_CERTSTATUS_REVOKED, .reason = 6},
         SEAL_ANSWER_NONE,
         "out of date"},
        {{.from = HOUR, .until = 2 * HOUR, .status = V_OCSP_CERTSTATUS_REVOKED},
         SEAL_ANSWER_NONE,
         "from the future"},
        {{.from = -60, .until = 1, .lasting = TRUE}, SEAL_ANSWER_GOOD, NULL},
        {{.from = -2 * HOUR, .until = 1, .lasting = TRUE}, SEAL_ANSWER_NONE, "out of date"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        expect(world, &rows[i].response, rows[i].kind, rows[i].text);
}

/* RFC 8954 2.1; many responders give none (RFC 5019 4). From a cache it is an old one. */
static void
test_nonce(World *world, gconstpointer data)
{
    static const TestResponse none = {.nonce = TEST_NONCE_NONE};
    static const TestResponse other = {.nonce = TEST_NONCE_OTHER};

    expect(world, &none, SEAL_ANSWER_GOOD, NULL);
    expect(world, &other, SEAL_ANSWER_NONE, "the nonces differ");
    world->how.is_fresh = FALSE;
    expect(world, &other, SEAL_ANSWER_GOOD, NULL);
}

static void
test_contents(World *world, gconstpointer data)
{
    static const TestResponse twice = {.twice = TRUE};
    static const TestResponse critical = {.extension = "critical"};
    static const TestResponse good = {0};
    g_autoptr(GBytes) about_issuer =
        test_response_new(&good, world->request, world->root, world->issuer, world->issuer);

    expect(world, &twice, SEAL_ANSWER_NONE, "answers twice");
    expect(world, &critical, SEAL_ANSWER_NONE, "critical extension");
    expect_bytes(world, about_issuer, SEAL_ANSWER_NONE, "about other certificates");
}

static void
test_bytes(World *world, gconstpointer data)
{
    static const TestResponse good = {0};
    static const unsigned char try_later[] = {0x30, 0x03, 0x0a, 0x01, 0x03}; /* RFC 6960 4.2.1 */
    g_autoptr(GBytes) bytes =
        test_response_new(&good, world->request, world->issuer, world->alice, world->issuer);
    gsize len = g_bytes_get_size(bytes);
    g_autoptr(GBytes) later = g_bytes_new_static(try_later, sizeof try_later);
    g_autoptr(GBytes) huge = g_bytes_new_take(g_malloc0(SEAL_OCSP_MAX + 1), SEAL_OCSP_MAX + 1);

    expect_bytes(world, later, SEAL_ANSWER_NONE, "trylater");
    expect_bytes(world, huge, SEAL_ANSWER_NONE, "no readable OCSP response");
    for (gsize cut = 0; cut < len; cut++) {
        g_autoptr(GBytes) part = g_bytes_new_from_bytes(bytes, 0, cut);

        expect_bytes(world, part, SEAL_ANSWER_NONE, "");
    }
    for (gsize at = 0; at < len; at++) {
        g_autofree guint8 *copy = g_memdup2(g_bytes_get_data(bytes, NULL), len);
        g_autoptr(GBytes) flipped = NULL;
        g_auto(SealAnswer) answer = {0};

        copy[at] ^= 0x40;
        flipped = g_bytes_new(copy, len);
        (void)seal_ocsp_judge(world->ocsp, flipped, &world->how, &answer);
        /* What the signature does not cover is the ASN.1 around it and the certificates. */
        g_assert_true(answer.kind == SEAL_ANSWER_NONE || answer.kind == SEAL_ANSWER_GOOD);
    }
}

/* -- who may say it --------------------------------------------------------------------------- */

static TestIdentity *
new_responder(World *world, const char *usage, const char *nocheck, const TestIdentity *issuer)
{
    const TestSpec spec = {.name = "Responder", .extended = usage, .extensions = {nocheck}};

    return test_identity_new(&spec, issuer);
}

static void
test_delegated(World *world, gconstpointer data)
{
    static const TestResponse by_name = {0};
    static const TestResponse by_key = {.by_key = TRUE};
    g_autoptr(TestIdentity) responder =
        new_responder(world, "OCSPSigning", "noCheck=ignored", world->issuer);

    expect_by(world, &by_name, responder, SEAL_ANSWER_GOOD, NULL);
    expect_by(world, &by_key, responder, SEAL_ANSWER_GOOD, NULL);
    expect(world, &by_key, SEAL_ANSWER_GOOD, NULL);
}

static void
test_no_right(World *world, gconstpointer data)
{
    static const TestResponse good = {0};
    static const TestSpec old = {.name = "Old",
                                 .extended = "OCSPSigning",
                                 .extensions = {"noCheck=ignored"},
                                 .from = -2 * HOUR,
                                 .until = -HOUR};
    static const TestSpec agreeing = {.name = "Agrees",
                                      .usage = "critical,keyAgreement",
                                      .extended = "OCSPSigning",
                                      .extensions = {"noCheck=ignored"}};
    static const TestSpec weak = {.name = "Weak",
                                  .key = "rsa:1024",
                                  .extended = "OCSPSigning",
                                  .extensions = {"noCheck=ignored"}};
    static const TestSpec strange = {
        .name = "Strange",
        .extended = "OCSPSigning",
        .extensions = {"noCheck=ignored", "1.2.3.4=critical,DER:0500"}};
    g_autoptr(TestIdentity) mail = new_responder(world, NULL, "noCheck=ignored", world->issuer);
    g_autoptr(TestIdentity) any =
        new_responder(world, "anyExtendedKeyUsage", "noCheck=ignored", world->issuer);
    g_autoptr(TestIdentity) of_root =
        new_responder(world, "OCSPSigning", "noCheck=ignored", world->root);
    g_autoptr(TestIdentity) own = new_responder(world, "OCSPSigning", "noCheck=ignored", NULL);
    g_autoptr(TestIdentity) expired = test_identity_new(&old, world->issuer);
    g_autoptr(TestIdentity) no_signer = test_identity_new(&agreeing, world->issuer);
    g_autoptr(TestIdentity) odd = test_identity_new(&strange, world->issuer);
    g_autoptr(TestIdentity) breakable = test_identity_new(&weak, world->issuer);

    expect_by(world, &good, mail, SEAL_ANSWER_NONE, "no right to answer");
    expect_by(world, &good, any, SEAL_ANSWER_NONE, "no right to answer");
    expect_by(world, &good, of_root, SEAL_ANSWER_NONE, "no right to answer");
    expect_by(world, &good, own, SEAL_ANSWER_NONE, "no right to answer");
    expect_by(world, &good, no_signer, SEAL_ANSWER_NONE, "no right to answer");
    expect_by(world, &good, world->alice, SEAL_ANSWER_NONE, "no right to answer");
    expect_by(world, &good, world->root, SEAL_ANSWER_NONE, "no right to answer");
    expect_by(world, &good, expired, SEAL_ANSWER_NONE, "out of date");
    expect_by(world, &good, odd, SEAL_ANSWER_NONE, "breaks the rules");
    expect_by(world, &good, breakable, SEAL_ANSWER_NONE, "too weak");
}

static gboolean
check_by_flag(gpointer data, X509 *responder)
{
    return *(gboolean *)data;
}

/* RFC 6960 4.2.2.2.1: without nocheck it is for the client to find out. */
static void
test_nocheck(World *world, gconstpointer data)
{
    static const TestResponse good = {0};
    gboolean is_fine = FALSE;
    g_autoptr(TestIdentity) responder = new_responder(world, "OCSPSigning", NULL, world->issuer);

    expect_by(world, &good, responder, SEAL_ANSWER_NONE, "may be revoked");
    world->how.check = check_by_flag;
    world->how.data = &is_fine;
    expect_by(world, &good, responder, SEAL_ANSWER_NONE, "may be revoked");
    is_fine = TRUE;
    expect_by(world, &good, responder, SEAL_ANSWER_GOOD, NULL);
}

/* The issuer's name, but not its key. */
static void
test_forged(World *world, gconstpointer data)
{
    static const TestResponse good = {0};
    static const TestResponse weak = {.hash = "SHA1"};
    const TestSpec spec = {.name = "Issuer", .authority = TRUE};
    g_autoptr(TestIdentity) forger = test_identity_new(&spec, world->root);

    expect_by(world, &good, forger, SEAL_ANSWER_NONE, "its signature is wrong");
    expect(world, &weak, SEAL_ANSWER_NONE, "SHA-1");
}

#define ADD(path, func) g_test_add(path, World, NULL, world_open, func, world_close)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/ocsp/status/good-revoked-and-unknown", test_status);
    ADD("/ocsp/times/old-and-future-ones-are-refused", test_times);
    ADD("/ocsp/nonce/another-one-is-refused", test_nonce);
    ADD("/ocsp/contents/what-does-not-answer-is-refused", test_contents);
    ADD("/ocsp/bytes/damaged-ones-are-refused", test_bytes);
    ADD("/ocsp/signer/issuer-may-delegate", test_delegated);
    ADD("/ocsp/signer/others-have-no-right", test_no_right);
    ADD("/ocsp/signer/without-nocheck-is-looked-up", test_nocheck);
    ADD("/ocsp/signer/forged-and-weak-signatures-are-refused", test_forged);
    return g_test_run();
}
