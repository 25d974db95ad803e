/* Mail much larger than the memory that is allowed: signed and encrypted all the same, and openssl
 * reads it; opened in less than three times its size. The kernel keeps the limit (RLIMIT_DATA: all
 * private memory that can be written to; mapped files are not). */
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/cli/cli-fixture.h"
#include "tests/smime/dissect.h"

#define MAIL_LEN ((gsize)48 * 1024 * 1024)
#ifdef TEST_MEMORY_LIMIT
#define LIMIT(bytes) "--data=" #bytes
#else
#define LIMIT(bytes) "--data=unlimited"
#endif
#define FLAT LIMIT(16777216)
/* 256 MiB and a byte in a buffer that grows by doubling, and 16 MiB. */
#define ENDLESS LIMIT(553648128)
/* Three layers: the largest of 114 MiB, its CMS of 85 MiB, what is in it of 85 MiB, and 16 MiB. */
#define EXPANDING LIMIT(314572800)
/* A mail of 67 MiB, its CMS and its plaintext of 49 MiB each, and 16 MiB. */
#define OPENING LIMIT(192937984)

/* Lines of text that end in LF, so that each is changed on its way. */
static char *
save_mail(void)
{
    static const char line[] = "the Keeper never lets the seal out of his hands, day and night\n";
    GString *mail = g_string_sized_new(MAIL_LEN + 256);
    g_autoptr(GBytes) bytes = NULL;

    g_string_append(mail, "From: alice@example.org\nTo: bob@example.org\nSubject: large\n\n");
    while (mail->len < MAIL_LEN)
        g_string_append(mail, line);
    bytes = g_string_free_to_bytes(mail);
    return seal_cli_test_save("large.eml", bytes);
}

/* What openssl makes of it is the mail, but for its header. */
static void
assert_same_text(const char *path, const char *mail)
{
    g_autofree char *got = NULL;
    g_autofree char *sent = NULL;
    gsize got_len = 0;
    gsize sent_len = 0;
    const char *body = NULL;

    g_assert_true(g_file_get_contents(path, &got, &got_len, NULL));
    g_assert_true(g_file_get_contents(mail, &sent, &sent_len, NULL));
    body = strstr(got, "\r\n\r\n");
    g_assert_nonnull(body);
    for (const char *at = strstr(sent, "\n\n") + 2, *in = body + 4; *at; at++, in++) {
        in += *in == '\r';
        if (*at != *in)
            g_error("the text differs at byte %zu", (gsize)(at - sent));
    }
}

static void
run_limited(const char *limit, const char *output, ...)
{
    const char *program = "ui-cli/privyseal";
    g_autofree char *path = seal_test_built(program);
    g_autoptr(GPtrArray) argv = g_ptr_array_new();
    g_autoptr(SealTestResult) result = NULL;
    const char *word = NULL;
    va_list list;

    g_ptr_array_add(argv, (gpointer) "prlimit");
    g_ptr_array_add(argv, (gpointer)limit);
    g_ptr_array_add(argv, path);
    va_start(list, output);
    while ((word = va_arg(list, const char *)))
        g_ptr_array_add(argv, (gpointer)word);
    va_end(list);
    g_ptr_array_add(argv, (gpointer) "--output");
    g_ptr_array_add(argv, (gpointer)output);
    g_ptr_array_add(argv, NULL);
    result = seal_test_run(seal_cli_test_home(), (const char *const *)argv->pdata, NULL);
    seal_cli_test_assert_status(result, 0);
}

static void
verify(const char *signed_mail, const char *mail)
{
    g_autofree char *root = seal_cli_test_fixture_file("root.pem");
    g_autofree char *text = seal_cli_test_home_file("large.txt");
    g_autoptr(SealTestResult) result = seal_cli_test_other(
        NULL, "openssl", "cms", "-verify", "-CAfile", root, "-in", signed_mail, "-out", text, NULL);

    seal_cli_test_assert_status(result, 0);
    assert_same_text(text, mail);
}

static void
test_signed(gconstpointer option)
{
    g_autofree char *mail = save_mail();
    g_autofree char *output = seal_cli_test_home_file("large-signed.eml");

    run_limited(FLAT, output, "sign", "--key", "Alice P-256 signing", mail, option, NULL);
    verify(output, mail);
}

/* Signed inside, and nothing of the signed mail was ever in memory as a whole. */
static void
test_encrypted(gconstpointer cipher)
{
    g_autofree char *mail = save_mail();
    g_autofree char *output = seal_cli_test_home_file("large-encrypted.eml");
    g_autofree char *opened = seal_cli_test_home_file("large-opened.eml");
    g_autofree char *certificate = seal_cli_test_fixture_file("certs/alice-rsa-decrypt.pem");

    run_limited(FLAT, output, "encrypt", "--sign", "--key", "Alice P-256 signing", "--to",
                certificate, "--cipher", cipher, mail, NULL);
    run_limited(OPENING, opened, "decrypt", output, NULL);
    verify(opened, mail);
}

/* No more is read of it than its size. */
static void
test_two_gibibytes(gconstpointer command)
{
    g_autofree char *privyseal = seal_test_built("ui-cli/privyseal");
    g_autofree char *mail = seal_cli_test_home_file("sparse.eml");
    const char *const argv[] = {"prlimit", FLAT, privyseal, command, mail, NULL};
    g_autoptr(SealTestResult) result = NULL;

    g_assert_true(g_file_set_contents(mail, "Subject: x\n\n", -1, NULL));
    g_assert_cmpint(truncate(mail, (off_t)2 * 1024 * 1024 * 1024), ==, 0);
    result = seal_test_run(seal_cli_test_home(), argv, NULL);
    seal_cli_test_assert_error(result, 5, "larger than 256 MiB");
    g_assert_cmpint(g_unlink(mail), ==, 0);
}

/* A pipe does not say how much there will be: no more is taken than may be. */
static void
test_endless_pipe(gconstpointer command)
{
    g_autofree char *privyseal = seal_test_built("ui-cli/privyseal");
    g_autofree char *line = g_strdup_printf("yes | '%s' %s", privyseal, (const char *)command);
    const char *const argv[] = {"prlimit", ENDLESS, "sh", "-c", line, NULL};
    g_autoptr(SealTestResult) result = seal_test_run(seal_cli_test_home(), argv, NULL);

    seal_cli_test_assert_error(result, 5, "larger than 256 MiB");
}

/* A few hundred kilobytes: what a layer needed is given back before the next one. */
static void
test_bombs(void)
{
    g_autofree char *privyseal = seal_test_built("ui-cli/privyseal");
    g_autoptr(GBytes) mail = test_bombs_in_bombs();
    const char *const argv[] = {"prlimit", EXPANDING, privyseal, "open", NULL};
    g_autoptr(SealTestResult) result = seal_test_run(seal_cli_test_home(), argv, mail);

    g_assert_cmpuint(g_bytes_get_size(mail), <, 1024 * 1024);
    g_assert_cmpint(result->status, ==, 1);
    g_assert_nonnull(strstr(result->err, "larger than is looked at when expanded"));
}

static void
add(void)
{
    g_test_add_data_func("/cli/large/two-gibibytes/not-opened", "open", test_two_gibibytes);
    g_test_add_data_func("/cli/large/two-gibibytes/not-verified", "verify", test_two_gibibytes);
    g_test_add_data_func("/cli/large/two-gibibytes/not-signed", "sign", test_two_gibibytes);

    g_test_add_data_func("/cli/large/endless-pipe/not-opened", "open", test_endless_pipe);
    g_test_add_data_func("/cli/large/endless-pipe/not-verified", "verify", test_endless_pipe);
    g_test_add_func("/cli/large/bombs-in-bombs/in-the-memory-of-one-layer", test_bombs);
    g_test_add_data_func("/cli/large/signed/in-flat-memory", NULL, test_signed);
    g_test_add_data_func("/cli/large/opaque/in-flat-memory", "--opaque", test_signed);
    g_test_add_data_func("/cli/large/cbc/in-flat-memory", "aes-256-cbc", test_encrypted);
    g_test_add_data_func("/cli/large/gcm/in-flat-memory", "aes-256-gcm", test_encrypted);
}

int
main(int argc, char **argv)
{
    return seal_cli_test_main(argc, argv, add);
}
