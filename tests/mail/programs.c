/* Mails that other programs make while the test runs: signed with the fixture's software keys,
 * sealed for the keys on its tokens. Where a program is not installed its rows are skipped. */
#include <string.h>

#include "tests/cli/cli-fixture.h"
#include "tests/mail/corpus.h"
#include "tests/mail/scene.h"
#include "tests/smime/dissect.h"

#define ENTITY "Content-Type: text/plain\r\n\r\nMade afresh by another program.\r\n"

/* A word of a command line; "home:" and "fixture:" stand for these folders. */
static char *
expand_word(const char *word)
{
    if (g_str_has_prefix(word, "home:"))
        return seal_cli_test_home_file(word + strlen("home:"));
    if (g_str_has_prefix(word, "fixture:"))
        return seal_cli_test_fixture_file(word + strlen("fixture:"));
    return g_strdup(word);
}

/* Runs a command line of words without blanks; it must succeed. `input`: (nullable) what it reads.
 * Returns its output (transfer full). */
static GBytes *
run_with(const char *command, GBytes *input)
{
    g_auto(GStrv) words = g_strsplit(command, " ", -1);
    g_autoptr(GBytes) entity = world_bytes(ENTITY);
    g_autofree char *path = seal_cli_test_save("entity", entity);
    g_autoptr(SealTestResult) result = NULL;

    for (guint i = 0; words[i]; i++) {
        char *word = expand_word(words[i]);

        g_free(words[i]);
        words[i] = word;
    }
    result = seal_test_run(seal_cli_test_home(), (const char *const *)words, input);
    seal_cli_test_assert_status(result, 0);
    return seal_cli_test_output(result);
}

static GBytes *
run(const char *command)
{
    return run_with(command, NULL);
}

static void
do_once(gboolean *done, const char *const *commands)
{
    if (*done)
        return;
    for (; *commands; commands++)
        g_bytes_unref(run(*commands));
    *done = TRUE;
}

static gboolean
is_installed(const char *program)
{
    g_autofree char *path = g_find_program_in_path(program);

    return path != NULL;
}

/* -- the programs ----------------------------------------------------------------------------- */

static GBytes *
openssl(const char *options)
{
    g_autofree char *command = g_strconcat("openssl cms -in home:entity ", options, NULL);

    return run(command);
}

/* OpenSSL signs what was sealed, or seals what it signed: `options` of the second step. */
static GBytes *
openssl_signs_and(const char *options)
{
    g_autoptr(GBytes) inner =
        run("openssl cms -sign -in home:entity -signer fixture:certs/alice-rsa-sign.pem -inkey "
            "fixture:software-keys/alice-rsa-sign.pem -certfile fixture:intermediate.pem");
    g_autofree char *path = seal_cli_test_save("signed", inner);
    g_autofree char *command = g_strconcat("openssl cms -in home:signed ", options, NULL);

    return run(command);
}

/* cmsutil names the signer's certificate for answers, too, so it must be for both. */
static void
save_nina(void)
{
    const TestSpec spec = {.name = "Nina",
                           .address = "nina@example.org",
                           .key = "rsa:2048",
                           .usage = "digitalSignature,keyEncipherment"};
    const TestIdentity *nina = scene_person(&spec);
    g_autoptr(GBytes) certificate = test_identity_pem(nina);
    g_autoptr(GBytes) key = test_identity_key_pem(nina);

    g_free(seal_cli_test_save("nina.pem", certificate));
    g_free(seal_cli_test_save("nina.key", key));
}

static GBytes *
nss(const char *options)
{
    static const char *const start[] = {
        "mkdir home:nss",
        "certutil -d home:nss -N --empty-password",
        "certutil -d home:nss -A -n root -t ,C, -i fixture:root.pem",
        "certutil -d home:nss -A -n intermediate -t ,, -i fixture:intermediate.pem",
        "certutil -d home:nss -A -n alice -t ,, -i fixture:certs/alice-rsa-decrypt.pem",
        "openssl pkcs12 -export -in home:nina.pem -inkey home:nina.key -name nina -passout pass:x "
        "-out home:nina.p12",
        "pk12util -d home:nss -i home:nina.p12 -W x",
        NULL,
    };
    static gboolean started;
    g_autofree char *command = g_strconcat("cmsutil -d home:nss -i home:entity ", options, NULL);
    g_autoptr(GBytes) cms = NULL;

    if (!is_installed("cmsutil"))
        return NULL;
    if (!started)
        save_nina();
    do_once(&started, start);
    cms = run(command);
    return test_mail_of(cms);
}

#define GPGSM "gpgsm --homedir home:gnupg --batch --no-autostart --disable-dirmngr"

/* It would ask its agent which root is trusted; the question here is what it writes. */
static GBytes *
gpgsm(const char *options)
{
    static const char *const start[] = {
        "mkdir -m 700 home:gnupg",
        GPGSM " --import fixture:root.pem fixture:intermediate.pem "
              "fixture:certs/alice-rsa-decrypt.pem",
        NULL,
    };
    static gboolean started;
    g_autofree char *command =
        g_strconcat(GPGSM " --disable-crl-checks --debug-no-chain-validation -o - ", options,
                    " home:entity", NULL);
    g_autoptr(GBytes) cms = NULL;

    if (!is_installed("gpgsm"))
        return NULL;
    do_once(&started, start);
    cms = run(command);
    return test_mail_of(cms);
}

/* Its agent keeps Alice's key and is asked for nothing else; it ends with each signature. */
#define GPGSM_SIGNER                                                                               \
    "gpgsm --homedir home:signer --batch --disable-dirmngr --disable-crl-checks "                  \
    "--debug-no-chain-validation --pinentry-mode loopback --passphrase-fd 0 "

static GBytes *
gpgsm_signature(const char *options)
{
    static const char *const start[] = {
        "mkdir -m 700 home:signer",
        "openssl pkcs12 -export -legacy -in fixture:certs/alice-rsa-sign.pem -inkey "
        "fixture:software-keys/alice-rsa-sign.pem -passout pass:x -out home:signer/alice.p12",
        NULL,
    };
    static gboolean started;
    g_autoptr(GBytes) passphrase = world_bytes("x\n");
    g_autofree char *command =
        g_strconcat(GPGSM_SIGNER "-u alice@example.org -o - ", options, " home:entity", NULL);
    GBytes *cms = NULL;

    do_once(&started, start);
    g_bytes_unref(run_with(GPGSM_SIGNER "--import fixture:root.pem fixture:intermediate.pem "
                                        "home:signer/alice.p12",
                           passphrase));
    cms = run_with(command, passphrase);
    g_bytes_unref(run("gpgconf --homedir home:signer --kill gpg-agent"));
    return cms;
}

static GBytes *
gpgsm_signs(const char *options)
{
    g_autoptr(GBytes) cms = NULL;

    if (!is_installed("gpgsm"))
        return NULL;
    cms = gpgsm_signature(options);
    return test_mail_of(cms);
}

/* `frame` has %s where the entity stands and %s where the signature of it stands, in base64. */
static GBytes *
gpgsm_signs_in(const char *frame)
{
    g_auto(GStrv) pieces = g_strsplit(frame, "%s", 3);
    g_autoptr(GBytes) cms = NULL;
    g_autofree char *base64 = NULL;
    g_autofree char *mail = NULL;

    if (!is_installed("gpgsm"))
        return NULL;
    cms = gpgsm_signature("--detach-sign");
    base64 = g_base64_encode(g_bytes_get_data(cms, NULL), g_bytes_get_size(cms));
    mail = g_strconcat("From: alice@example.org\r\n", pieces[0], ENTITY, pieces[1], base64,
                       pieces[2], NULL);
    return world_bytes(mail);
}

/* What gpgsm signed is what Eve, who cannot read it, seals, or what Bob signs once more: the
 * options of openssl cms. */
static GBytes *
around_gpgsm(const char *options)
{
    g_autoptr(GBytes) inner = gpgsm_signs("--sign");
    g_autofree char *path = inner ? seal_cli_test_save("signed", inner) : NULL;
    g_autofree char *command = g_strconcat("openssl cms -in home:signed ", options, NULL);

    return inner ? run(command) : NULL;
}

/* -- the table -------------------------------------------------------------------------------- */

#define RSA  "fixture:certs/alice-rsa-decrypt.pem"
#define EC   "fixture:certs/alice-p256-decrypt.pem"
#define SEAL "-encrypt -from alice@example.org "
#define SIGN "-sign -from alice@example.org -certfile fixture:intermediate.pem "
#define ALICE                                                                                      \
    "-signer fixture:certs/alice-rsa-sign.pem -inkey fixture:software-keys/alice-rsa-sign.pem"
#define ALICE_EC                                                                                   \
    "-signer fixture:certs/alice-p256-sign.pem -inkey fixture:software-keys/alice-p256-sign.pem"
#define BOB "-signer fixture:certs/bob-rsa-sign.pem -inkey fixture:software-keys/bob-rsa-sign.pem"
#define SIGNED_PARTS                                                                               \
    "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; boundary=b\r\n\r\n" \
    "--b\r\n%s\r\n--b\r\nContent-Type: application/pkcs7-signature\r\n"                            \
    "Content-Transfer-Encoding: base64\r\n\r\n%s\r\n--b--\r\n"
#define MIXED  "Content-Type: multipart/mixed; boundary=f\r\n\r\n--f\r\n"
#define NOAUTH "open", "decrypted-noauth", NULL
#define AUTH   "decrypt", "decrypted", NULL
#define GOOD   "verify", "ok", NULL

const CorpusRow corpus_programs[] = {
    {"programs/openssl/rsa/is-opened", NOAUTH, openssl, SEAL "-aes256 " RSA},
    {"programs/openssl/rsa-by-key-id/is-opened", NOAUTH, openssl, SEAL "-aes128 -keyid " RSA},
    {"programs/openssl/rsa-as-a-stream/is-opened", NOAUTH, openssl,
     SEAL "-aes192 -indef -stream " RSA},
    {"programs/openssl/oaep/is-opened", NOAUTH, openssl,
     SEAL "-aes256 -recip " RSA " -keyopt rsa_padding_mode:oaep"},
    {"programs/openssl/oaep-sha256/is-opened", NOAUTH, openssl,
     SEAL "-aes256 -recip " RSA " -keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha256"},
    {"programs/openssl/3des/is-opened", NOAUTH, openssl, SEAL "-des3 " RSA},
    {"programs/openssl/ecdh/is-opened", NOAUTH, openssl, SEAL "-aes256 " EC},
    {"programs/openssl/ecdh-sha512/is-opened", NOAUTH, openssl,
     SEAL "-aes256 -recip " EC " -keyopt ecdh_kdf_md:sha512"},
    {"programs/openssl/rsa-gcm/is-opened", AUTH, openssl, SEAL "-aes-256-gcm " RSA},
    {"programs/openssl/ecdh-gcm-as-a-stream/is-opened", AUTH, openssl,
     SEAL "-aes-128-gcm -indef -stream " EC},
    {"programs/openssl/many-recipients/is-opened", NOAUTH, openssl,
     SEAL "-aes256 fixture:certs/bob-rsa-decrypt.pem " EC " " RSA},
    {"programs/openssl/rc2/is-not", "open", "unsupported", "use AES", openssl,
     SEAL "-provider legacy -provider default -rc2 " RSA},
    {"programs/openssl/detached/is-ok", GOOD, openssl, SIGN ALICE},
    {"programs/openssl/opaque/is-ok", GOOD, openssl, SIGN "-nodetach " ALICE},
    {"programs/openssl/ec/is-ok", GOOD, openssl, SIGN "-md sha384 " ALICE_EC},
    {"programs/openssl/pss/is-ok", GOOD, openssl, SIGN ALICE " -keyopt rsa_padding_mode:pss"},
    {"programs/openssl/cades/is-ok", GOOD, openssl, SIGN "-cades " ALICE},
    {"programs/openssl/by-bob/is-not-from-alice", "verify", "address-mismatch", "bob@example.org",
     openssl, SIGN BOB},
    {"programs/openssl/signed-and-sealed/is-ok", "open", "ok", NULL, openssl_signs_and,
     SEAL "-aes256 " EC},
    {"programs/openssl/signed-twice/is-ok", "open", "ok", NULL, openssl_signs_and, SIGN ALICE_EC},
    {"programs/nss/sealed/is-opened", NOAUTH, nss, "-E -r alice@example.org"},
    {"programs/nss/signed/is-ok", GOOD, nss, "-S -N nina -H SHA256 -G", "alice@example.org",
     "nina@example.org"},
    {"programs/nss/signed-by-nina/is-not-from-alice", "verify", "address-mismatch",
     "nina@example.org", nss, "-S -N nina -H SHA256 -G"},
    {"programs/gpgsm/sealed/is-opened", NOAUTH, gpgsm, "-e -r alice@example.org"},
    {"programs/gpgsm/sealed-in-3des/is-opened", NOAUTH, gpgsm,
     "-e --cipher-algo 3DES -r alice@example.org"},
    {"programs/gpgsm/signed/is-ok", GOOD, gpgsm_signs, "--sign"},
    {"programs/gpgsm/signed-with-sha512/is-ok", GOOD, gpgsm_signs, "--digest-algo SHA512 --sign"},
    {"programs/gpgsm/signed-with-sha1/is-weak", "verify", "weak-algorithm", "hash sha1",
     gpgsm_signs, "--digest-algo SHA1 --sign"},
    {"programs/gpgsm/signed-without-certificates/lacks-its-signer", "verify", "signer-cert-missing",
     "ask the sender for it", gpgsm_signs, "--include-certs 0 --sign"},
    {"programs/gpgsm/signed-by-alice/is-not-from-bob", "verify", "address-mismatch",
     "alice@example.org", gpgsm_signs, "--sign", "From: alice@", "From: bob@"},
    {"programs/gpgsm/detached/is-ok", GOOD, gpgsm_signs_in, SIGNED_PARTS},
    {"programs/gpgsm/detached/changed", "verify", "bad-signature", "changed after it was signed",
     gpgsm_signs_in, SIGNED_PARTS, "Made afresh", "Made by Eve"},
    {"programs/gpgsm/detached/third-part", "open", "malformed", "exactly two parts", gpgsm_signs_in,
     SIGNED_PARTS, "--b--", "--b\r\n\r\n" CORPUS_FOREIGN "\r\n--b--"},
    {"programs/gpgsm/detached/beside-a-foreign-part", "open", "partially-signed",
     "a part of it is signed", gpgsm_signs_in,
     MIXED SIGNED_PARTS "\r\n--f\r\n\r\n" CORPUS_FOREIGN "\r\n--f--\r\n"},
    {"programs/gpgsm/signed-and-sealed/is-ok", "open", "ok", NULL, around_gpgsm,
     SEAL "-aes256 " EC},
    {"programs/gpgsm/signed-and-sealed/not-asked-for/is-unsigned", "verify", "unsigned",
     "privyseal open", around_gpgsm, SEAL "-aes256 " EC},
    {"programs/gpgsm/signed-once-more-by-bob", "open", "address-mismatch", "bob@example.org",
     around_gpgsm, SIGN BOB},
    {0},
};
