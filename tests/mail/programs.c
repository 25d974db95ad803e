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

/* Runs a command line of words without blanks; it must succeed. Returns its output (transfer full).
 */
static GBytes *
run(const char *command)
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
    result = seal_test_run(seal_cli_test_home(), (const char *const *)words, NULL);
    seal_cli_test_assert_status(result, 0);
    return seal_cli_test_output(result);
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

/* -- the table -------------------------------------------------------------------------------- */

#define RSA  "fixture:certs/alice-rsa-decrypt.pem"
#define EC   "fixture:certs/alice-p256-decrypt.pem"
#define SEAL "-encrypt -from alice@example.org "
#define SIGN "-sign -from alice@example.org -certfile fixture:intermediate.pem "
#define ALICE                                                                                      \
    "-signer fixture:certs/alice-rsa-sign.pem -inkey fixture:software-keys/alice-rsa-sign.pem"
#define ALICE_EC                                                                                   \
    "-signer fixture:certs/alice-p256-sign.pem -inkey fixture:software-keys/alice-p256-sign.pem"
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
     openssl,
     SIGN "-signer fixture:certs/bob-rsa-sign.pem -inkey fixture:software-keys/bob-rsa-sign.pem"},
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
    {0},
};
