/* A TPM as a token: tpm2-pkcs11 over a TPM in software (swtpm) of the test's own, by the commands.
 * The keys are made in the TPM; OpenSSL issues their certificates, judges the signatures and
 * encrypts. One TPM for all the tests, since making RSA keys takes it its time. */
#include <string.h>
#include <unistd.h>

#include "tests/support/agent.h"
#include "tests/support/pinentry.h"
#include "tests/support/process.h"
#include "tests/support/wait.h"

#define MODULE    SEAL_TEST_P11_MODULES "/libtpm2_pkcs11.so"
#define MANAGER   "/usr/sbin/tpm2-abrmd"
#define TRANSPORT SEAL_TEST_P11_MODULES "/../libtss2-tcti-tabrmd.so.0"
#define PIN       "tess-has-a-pin"
#define FRESH     "tess-has-another"
#define OFFICER   "officer-of-tess"
#define WORDS     "the Keeper never lets the seal out of his hands"
#define MAIL                                                                                       \
    "From: tess@example.org\r\nTo: bob@example.org\r\nSubject: seal\r\nMIME-Version: 1.0\r\n"      \
    "Content-Type: text/plain\r\n\r\n" WORDS "\r\n"

/* NULL once a test found that there can be no TPM here. */
static SealTestHome *home;

/* Runs a script in the home with `privyseal` set (transfer full). */
static SealTestResult *
try(const char *script)
{
    g_autofree char *folder = seal_test_home_path(home, "tpm");
    g_autofree char *program = seal_test_built("ui-cli/privyseal");
    g_autofree char *whole = g_strdup_printf("cd %s\nprivyseal=%s\n%s", folder, program, script);
    const char *const argv[] = {"sh", "-ec", whole, NULL};
    g_autoptr(GBytes) mail = g_bytes_new_static(MAIL, strlen(MAIL));

    return seal_test_run(home, argv, mail);
}

/* The same, which must end well; returns what it printed (transfer full). */
static char *
run(const char *script)
{
    g_autoptr(SealTestResult) result = try(script);

    if (result->status != 0)
        g_error("%s\nended with %d:\n%s%s", script, result->status, result->out, result->err);
    return g_steal_pointer(&result->out);
}

static void
assert_has(const char *text, const char *part)
{
    if (!strstr(text, part))
        g_error("'%s' is not in:\n%s", part, text);
}

/* -- the TPM --------------------------------------------------------------------------------------
 */

static const char *
missing(void)
{
    static const char *const programs[] = {"swtpm", "pkcs11-tool"};
    static const char *const files[] = {MODULE, MANAGER, TRANSPORT};

    for (gsize i = 0; i < G_N_ELEMENTS(programs); i++) {
        g_autofree char *path = g_find_program_in_path(programs[i]);

        if (!path)
            return programs[i];
    }
    for (gsize i = 0; i < G_N_ELEMENTS(files); i++)
        if (access(files[i], R_OK) != 0)
            return files[i];
    return NULL;
}

/* Programs find the TPM, and what the module keeps of it, by the module's variables. The TPM itself
 * has room for three objects, so the session bus starts what shares it out. */
static void
prepare_tpm(void)
{
    g_autofree char *folder = seal_test_home_path(home, "tpm");
    g_autofree char *service =
        g_strdup_printf("[D-BUS Service]\nName=com.intel.tss2.Tabrmd\n"
                        "Exec=" MANAGER " --session --allow-root --tcti=swtpm:path=%s/socket\n",
                        folder);
    g_autofree char *path =
        seal_test_home_write(home, "services/com.intel.tss2.Tabrmd.service", service);

    g_assert_cmpint(g_mkdir_with_parents(folder, 0700), ==, 0);
    g_setenv("TPM2_PKCS11_STORE", folder, TRUE);
    g_setenv("TPM2_PKCS11_TCTI", "tabrmd:bus_type=session", TRUE);
}

static void
start_tpm(void)
{
    g_autofree char *folder = seal_test_home_path(home, "tpm");
    g_autofree char *state = g_strdup_printf("dir=%s,mode=0600", folder);
    g_autofree char *server = g_strdup_printf("type=unixio,path=%s/socket", folder);
    g_autofree char *control = g_strdup_printf("type=unixio,path=%s/socket.ctrl", folder);
    g_autofree char *pid = g_strdup_printf("file=%s/pid", folder);
    g_autofree char *pid_file = g_build_filename(folder, "pid", NULL);
    const char *const argv[] = {"swtpm",
                                "socket",
                                "--tpm2",
                                "--tpmstate",
                                state,
                                "--server",
                                server,
                                "--ctrl",
                                control,
                                "--pid",
                                pid,
                                "--flags",
                                "not-need-init,startup-clear",
                                NULL};

    seal_test_start(home, argv, "swtpm.log");
    /* written when it serves */
    if (!seal_test_wait_for_text(pid_file, ""))
        g_error("swtpm does not start");
}

/* The bus starts what shares the TPM out with the first call, which may come before it serves. */
static void
wait_for_tpm(void)
{
    gint64 until_us = g_get_monotonic_time() + seal_test_deadline_ms() * G_TIME_SPAN_MILLISECOND;
    gboolean serves = FALSE;

    while (!serves) {
        g_autoptr(SealTestResult) result = try("pkcs11-tool --module " MODULE " --list-slots");

        serves = result->status == 0;
        if (!serves && g_get_monotonic_time() > until_us)
            g_error("there is no TPM: %s", result->err);
    }
}

/* An RSA key for all purposes and a P-256 key to sign with; and another token, of the same serial
 * number, as all of this module. */
static void
fill_tpm(void)
{
    g_autofree char *out = run(
        "t() { pkcs11-tool --module " MODULE " --token-label Tess \"$@\"; }\n"
        "pkcs11-tool --module " MODULE " --init-token --label Tess --so-pin " OFFICER "\n"
        "t --init-pin --login --login-type so --so-pin " OFFICER " --new-pin " PIN "\n"
        "t --login --pin " PIN " --keypairgen --key-type rsa:2048 --label 'Tess RSA' --id 01\n"
        "t --login --pin " PIN " --keypairgen --key-type EC:prime256v1 --label 'Tess EC' --id 02\n"
        "pkcs11-tool --module " MODULE
        " --slot-index 1 --init-token --label Tom --so-pin officer-of-tom\n"
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj /CN=Root\n"
        "printf '%s\\n' subjectAltName=email:tess@example.org extendedKeyUsage=emailProtection "
        ">rsa\n"
        "cp rsa ec\n"
        "echo keyUsage=digitalSignature,keyEncipherment >>rsa\n"
        "echo keyUsage=digitalSignature >>ec\n"
        "for key in 'rsa 01 RSA' 'ec 02 EC'; do\n"
        "  set -- $key\n"
        "  t --read-object --type pubkey --id $2 --output-file $1.key\n"
        "  openssl pkey -pubin -inform DER -in $1.key -out $1.pub\n"
        "  openssl x509 -new -force_pubkey $1.pub -subj '/CN=Tess Example' -CA ca.pem -CAkey ca.key"
        " -extfile $1 -out $1.pem\n"
        "  openssl x509 -in $1.pem -outform DER -out $1.cer\n"
        "  t --login --pin " PIN " --write-object $1.cer --type cert --id $2 --label \"Tess $3\"\n"
        "done\n");
}

/* FALSE after g_test_skip(). */
static gboolean
open_tpm(void)
{
    static gboolean was_here = FALSE;
    const char *what = missing();

    if (what) {
        g_autofree char *reason = g_strdup_printf("%s is not installed (scripts/setup tpm)", what);

        g_test_skip(reason);
        return FALSE;
    }
    if (was_here)
        return TRUE;
    was_here = TRUE;
    home = seal_test_home_new();
    prepare_tpm();
    seal_test_agent_new(home); /* and a bus, which passes the variables on */
    start_tpm();
    wait_for_tpm();
    fill_tpm();
    seal_test_agent_configure(home, NULL, "[module tpm]\npath=" MODULE "\n");
    seal_test_pinentry_answer(home, "always pin %s", PIN);
    return TRUE;
}

/* -- the commands ---------------------------------------------------------------------------------
 */

static void
list_shows_token_and_keys(void)
{
    g_autofree char *listed = NULL;

    if (!open_tpm())
        return;
    listed = run("$privyseal list");
    assert_has(listed, "  Tess ");
    assert_has(listed, "  Tom ");
    assert_has(listed, "Tess RSA");
    assert_has(listed, "Tess EC");
    assert_has(listed, "tess@example.org");
}

static void
signed_mail_verifies(gconstpointer key)
{
    g_autofree char *script = g_strdup_printf("$privyseal sign --key '%s' >signed\n"
                                              "openssl cms -verify -in signed -CAfile ca.pem",
                                              (const char *)key);
    g_autofree char *verified = NULL;

    if (!open_tpm())
        return;
    verified = run(script);
    assert_has(verified, WORDS);
}

static void
encrypted_mail_opens(void)
{
    g_autofree char *opened = NULL;

    if (!open_tpm())
        return;
    opened = run("openssl cms -encrypt -aes256 -out sealed rsa.pem\n$privyseal decrypt sealed");
    assert_has(opened, WORDS);
}

static guint
prompts(void)
{
    return seal_test_pinentry_count(home);
}

static void
locked_token_wants_its_pin(void)
{
    guint before = 0;

    if (!open_tpm())
        return;
    g_free(run("$privyseal sign --key 'Tess RSA' >signed"));
    before = prompts();
    g_free(run("$privyseal sign --key 'Tess RSA' >signed"));
    g_assert_cmpuint(prompts(), ==, before);
    g_free(run("$privyseal lock\n$privyseal sign --key 'Tess RSA' >signed"));
    g_assert_cmpuint(prompts(), ==, before + 1);
}

static void
changed_pin_opens_it(void)
{
    if (!open_tpm())
        return;
    seal_test_pinentry_answer(home, "pin %s\npin %s\npin %s\n", PIN, FRESH, FRESH);
    g_free(run("$privyseal pin change Tess"));
    seal_test_pinentry_answer(home, "pin %s\npin %s\n", PIN, FRESH); /* the first is refused */
    g_free(run("$privyseal lock\n$privyseal sign --key 'Tess RSA' >signed"));
    seal_test_pinentry_answer(home, "pin %s\npin %s\npin %s\n", FRESH, PIN, PIN);
    g_free(run("$privyseal pin change Tess"));
    seal_test_pinentry_answer(home, "always pin %s", PIN);
}

/* Who has made the token gives it another PIN, by the standard's way. */
static void
officer_unblocks(void)
{
    if (!open_tpm())
        return;
    seal_test_pinentry_answer(home, "pin %s\npin %s\npin %s\n", OFFICER, FRESH, FRESH);
    g_free(run("$privyseal pin unblock Tess"));
    seal_test_pinentry_answer(home, "pin %s\n", FRESH);
    g_free(run("$privyseal sign --key 'Tess RSA' >signed"));
    seal_test_pinentry_answer(home, "pin %s\npin %s\npin %s\n", FRESH, PIN, PIN);
    g_free(run("$privyseal pin change Tess"));
    seal_test_pinentry_answer(home, "always pin %s", PIN);
}

int
main(int argc, char **argv)
{
    int status = 0;

    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tpm/list-shows-token-and-keys", list_shows_token_and_keys);
    g_test_add_data_func("/tpm/signed-mail-verifies/rsa", "Tess RSA", signed_mail_verifies);
    g_test_add_data_func("/tpm/signed-mail-verifies/p-256", "Tess EC", signed_mail_verifies);
    g_test_add_func("/tpm/encrypted-mail-opens", encrypted_mail_opens);
    g_test_add_func("/tpm/locked-token/wants-its-pin", locked_token_wants_its_pin);
    g_test_add_func("/tpm/changed-pin/opens-it", changed_pin_opens_it);
    g_test_add_func("/tpm/officer/unblocks", officer_unblocks);
    status = g_test_run();
    g_clear_pointer(&home, seal_test_home_free);
    return status;
}
