/* privyseal recipients, and what encrypt --to ADDRESS makes of it. openssl opens what was
 * encrypted, with the key that belongs to the certificate that should have been chosen. */
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <string.h>

#include "tests/cli/cli-fixture.h"
#include "tests/pki/authority.h"

#define DAY     ((gint64)24 * 60 * 60)
#define ADDRESS "dora@example.net"

/* A person's certificate for encryption, in a database of its own. */
typedef struct {
    TestIdentity *root, *old, *new;
    char *old_file, *new_file, *root_file;
} Scene;

static char *
save_pem(const TestIdentity *identity, const char *name)
{
    g_autoptr(GBytes) pem = test_identity_pem(identity);

    return seal_cli_test_save(name, pem);
}

static TestIdentity *
issue(const char *name, gint64 age, const TestIdentity *issuer)
{
    const TestSpec spec = {.name = name,
                           .address = ADDRESS,
                           .key = "rsa:2048",
                           .usage = "keyEncipherment",
                           .from = -age,
                           .until = 300 * DAY};

    return test_identity_new(&spec, issuer);
}

static void
set_data_home(const char *name)
{
    g_autofree char *data = seal_cli_test_home_file(name);

    seal_test_home_setenv(seal_cli_test_home(), "XDG_DATA_HOME", data);
}

static void
scene_open(Scene *scene, gconstpointer name)
{
    const TestSpec root = {.name = "Circle", .authority = TRUE};

    set_data_home(name);
    scene->root = test_identity_new(&root, NULL);
    scene->old = issue("Dora old", 20 * DAY, scene->root);
    scene->new = issue("Dora new", DAY, scene->root);
    scene->root_file = save_pem(scene->root, "circle.pem");
    scene->old_file = save_pem(scene->old, "dora-old.pem");
    scene->new_file = save_pem(scene->new, "dora-new.pem");
}

static void
scene_close(Scene *scene, gconstpointer name)
{
    test_identity_free(scene->root);
    test_identity_free(scene->old);
    test_identity_free(scene->new);
    g_free(scene->root_file);
    g_free(scene->old_file);
    g_free(scene->new_file);
}

static SealTestResult *
recipients(const char *action, const char *word, const char *more)
{
    return seal_cli_test_privyseal(NULL, "recipients", action, word, more, NULL);
}

static void
import(const char *file)
{
    g_autoptr(SealTestResult) result = recipients("import", file, NULL);

    seal_cli_test_assert_status(result, 0);
}

static char *
print_of(const TestIdentity *identity)
{
    g_autoptr(GBytes) der = test_identity_der(identity);

    return g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, der);
}

/* `find` gives the certificate of `identity`; `source` is where it was. */
static void
assert_found(const TestIdentity *identity, const char *source)
{
    g_autoptr(SealTestResult) result = recipients("find", ADDRESS, "--json");
    g_autofree char *print = print_of(identity);
    g_autoptr(JsonNode) root = NULL;
    JsonArray *rows = NULL;
    JsonObject *row = NULL;

    seal_cli_test_assert_status(result, 0);
    root = json_from_string(result->out, NULL);
    rows = json_object_get_array_member(json_node_get_object(root), "recipients");
    g_assert_cmpuint(json_array_get_length(rows), ==, 1);
    row = json_array_get_object_element(rows, 0);
    g_assert_cmpstr(json_object_get_string_member(row, "sha256"), ==, print);
    g_assert_cmpstr(json_object_get_string_member(row, "source"), ==, source);
}

/* -- keeping ---------------------------------------------------------------------------------- */

static void
test_encrypt(Scene *scene, gconstpointer data)
{
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    g_autoptr(GBytes) key = test_identity_key_pem(scene->new);
    g_autofree char *key_file = seal_cli_test_save("dora.key", key);
    g_autoptr(SealTestResult) sealing = NULL;
    g_autoptr(GBytes) sealed = NULL;
    g_autoptr(SealTestResult) opening = NULL;

    import(scene->new_file);
    sealing = seal_cli_test_privyseal(mail, "encrypt", "--to", "dora@EXAMPLE.net", NULL);
    seal_cli_test_assert_status(sealing, 0);
    sealed = seal_cli_test_output(sealing);
    opening = seal_cli_test_other(sealed, "openssl", "cms", "-decrypt", "-inkey", key_file,
                                  "-recip", scene->new_file, NULL);
    seal_cli_test_assert_status(opening, 0);
    g_assert_nonnull(strstr(opening->out, SEAL_CLI_TEST_WORDS));
}

/* Though it is the newest: common programs read mail to RSA and EC keys only. */
static void
test_x25519(Scene *scene, gconstpointer data)
{
    const TestSpec spec = {
        .name = "Dora curved", .address = ADDRESS, .key = "x25519", .usage = "keyAgreement"};
    g_autoptr(TestIdentity) curved = test_identity_new(&spec, scene->root);
    g_autofree char *file = save_pem(curved, "dora-curved.pem");

    import(file);
    assert_found(curved, "store");
    import(scene->old_file);
    assert_found(scene->old, "store");
}

static void
test_newest(Scene *scene, gconstpointer data)
{
    import(scene->new_file);
    import(scene->old_file);
    assert_found(scene->new, "store");
}

static void
test_change_is_told(Scene *scene, gconstpointer data)
{
    g_autofree char *old = print_of(scene->old);
    g_autofree char *new = print_of(scene->new);
    g_autoptr(SealTestResult) result = NULL;

    old[16] = new[16] = '\0';
    import(scene->old_file);
    result = recipients("import", scene->new_file, NULL);
    seal_cli_test_assert_status(result, 0);
    g_assert_true(g_str_has_prefix(result->out, ADDRESS " has another certificate now"));
    g_assert_nonnull(strstr(result->out, old));
    g_assert_nonnull(strstr(result->out, new));
    g_assert_nonnull(strstr(result->out, "in use since 2"));
}

static void
test_list(Scene *scene, gconstpointer data)
{
    g_autoptr(SealTestResult) none = recipients("list", NULL, NULL);
    g_autoptr(SealTestResult) table = NULL;
    g_autoptr(SealTestResult) other = NULL;

    g_assert_cmpstr(none->out, ==, "none is kept\n");
    import(scene->old_file);
    table = recipients("list", NULL, NULL);
    other = recipients("list", "eve@example.net", NULL);
    seal_cli_test_assert_status(table, 0);
    g_assert_nonnull(strstr(table->out, ADDRESS));
    g_assert_nonnull(strstr(table->out, "import 2"));
    g_assert_nonnull(strstr(table->out, "CN=Dora old"));
    g_assert_nonnull(strstr(table->out, "RSA 2048"));
    g_assert_cmpstr(other->out, ==, "none is kept\n");
}

static void
test_import_nothing_of_use(Scene *scene, gconstpointer data)
{
    const TestSpec spec = {.name = "Signer", .address = ADDRESS};
    g_autoptr(TestIdentity) signer = test_identity_new(&spec, scene->root);
    g_autofree char *file = save_pem(signer, "signer.pem");
    g_autofree char *noise = seal_test_home_write(seal_cli_test_home(), "noise.pem", "noise\n");
    g_autoptr(SealTestResult) result = recipients("import", file, NULL);
    g_autoptr(SealTestResult) unreadable = recipients("import", noise, NULL);

    seal_cli_test_assert_error(result, 3, "no certificate to which mail can be encrypted");
    seal_cli_test_assert_error(unreadable, 5, "there is no certificate in it");
}

static void
test_forget(Scene *scene, gconstpointer data)
{
    g_autofree char *print = print_of(scene->new);
    g_autoptr(SealTestResult) one = NULL;
    g_autoptr(SealTestResult) all = NULL;
    g_autoptr(SealTestResult) again = NULL;
    g_autoptr(SealTestResult) find = NULL;

    import(scene->old_file);
    import(scene->new_file);
    print[8] = '\0';
    one = recipients("forget", ADDRESS, print);
    seal_cli_test_assert_status(one, 0);
    assert_found(scene->old, "store");
    all = recipients("forget", ADDRESS, NULL);
    seal_cli_test_assert_status(all, 0);
    again = recipients("forget", ADDRESS, NULL);
    seal_cli_test_assert_error(again, 3, "no certificate of '" ADDRESS "' is kept");
    find = recipients("find", ADDRESS, NULL);
    seal_cli_test_assert_error(find, 3, "'" ADDRESS "' (none is known)");
}

/* -- pins ------------------------------------------------------------------------------------- */

static void
pin(const TestIdentity *identity)
{
    g_autofree char *print = print_of(identity);
    g_autoptr(SealTestResult) result = NULL;

    print[16] = '\0';
    result = recipients("pin", ADDRESS, print);
    seal_cli_test_assert_status(result, 0);
}

static void
test_pin(Scene *scene, gconstpointer data)
{
    g_autoptr(SealTestResult) news = NULL;
    g_autoptr(SealTestResult) unpin = NULL;

    import(scene->old_file);
    pin(scene->old);
    news = recipients("import", scene->new_file, NULL);
    g_assert_nonnull(strstr(news->out, "stays in use"));
    assert_found(scene->old, "store");
    unpin = recipients("unpin", ADDRESS, NULL);
    seal_cli_test_assert_status(unpin, 0);
    assert_found(scene->new, "store");
}

/* Nothing takes the place of a pinned certificate, not even when it has expired. */
static void
test_pin_expired(Scene *scene, gconstpointer data)
{
    const TestSpec spec = {.name = "Dora past",
                           .address = ADDRESS,
                           .usage = "keyAgreement",
                           .from = -30 * DAY,
                           .until = -DAY};
    g_autoptr(TestIdentity) past = test_identity_new(&spec, scene->root);
    g_autofree char *file = save_pem(past, "past.pem");
    g_autoptr(SealTestResult) find = NULL;

    import(file);
    import(scene->new_file);
    pin(past);
    find = recipients("find", ADDRESS, NULL);
    seal_cli_test_assert_error(find, 3, "pinned certificate 'CN=Dora past");
    g_assert_nonnull(strstr(find->err, "it expired on"));
}

static void
test_pin_wrong_fingerprint(Scene *scene, gconstpointer data)
{
    g_autoptr(SealTestResult) other = NULL;
    g_autoptr(SealTestResult) shorter = NULL;

    import(scene->old_file);
    other = recipients("pin", ADDRESS, "0123456789abcdef");
    shorter = recipients("pin", ADDRESS, "0123");
    seal_cli_test_assert_error(other, 3, "no certificate of '" ADDRESS "'");
    seal_cli_test_assert_error(shorter, 5, "8 hexadecimal digits");
}

/* -- trust ------------------------------------------------------------------------------------ */

static void
trust(const char *action, const char *file, const TestIdentity *root)
{
    g_autofree char *print = print_of(root);
    g_autoptr(SealTestResult) result =
        g_str_equal(action, "add")
            ? seal_cli_test_privyseal(NULL, "trust", "add", file, "--fingerprint", print, NULL)
            : seal_cli_test_privyseal(NULL, "trust", "remove", print, NULL);

    seal_cli_test_assert_status(result, 0);
}

/* Where CAs are trusted, what is kept must lead up to one, or be pinned. */
static void
test_untrusted(Scene *scene, gconstpointer data)
{
    g_autoptr(TestIdentity) self = issue("Dora alone", DAY, NULL);
    g_autofree char *file = save_pem(self, "alone.pem");
    g_autoptr(SealTestResult) find = NULL;

    import(file);
    assert_found(self, "store"); /* nobody is trusted: nothing to judge by */
    trust("add", scene->root_file, scene->root);
    find = recipients("find", ADDRESS, NULL);
    seal_cli_test_assert_error(find, 3, "certificate 'CN=Dora alone");
    pin(self);
    assert_found(self, "store");
    trust("remove", scene->root_file, scene->root);
}

/* The issuer that lies between came with the file. */
static void
test_issuer_is_kept(Scene *scene, gconstpointer data)
{
    const TestSpec spec = {.name = "Between", .authority = TRUE};
    g_autoptr(TestIdentity) between = test_identity_new(&spec, scene->root);
    g_autoptr(TestIdentity) dora = issue("Dora below", DAY, between);
    g_autoptr(GBytes) pem = test_identity_pem(dora);
    g_autoptr(GBytes) more = test_identity_pem(between);
    GByteArray *both = g_byte_array_new();
    g_autoptr(GBytes) chain = NULL;
    g_autofree char *file = NULL;

    g_byte_array_append(both, g_bytes_get_data(pem, NULL), (guint)g_bytes_get_size(pem));
    g_byte_array_append(both, g_bytes_get_data(more, NULL), (guint)g_bytes_get_size(more));
    chain = g_byte_array_free_to_bytes(both);
    file = seal_cli_test_save("chain.pem", chain);
    import(file);
    trust("add", scene->root_file, scene->root);
    assert_found(dora, "store");
    trust("remove", scene->root_file, scene->root);
}

/* -- sources ---------------------------------------------------------------------------------- */

static void
configure(const char *text)
{
    g_free(seal_test_home_write(seal_cli_test_home(), "config/privyseal/privyseal.conf", text));
}

static void
test_sources(Scene *scene, gconstpointer data)
{
    g_autofree char *before =
        seal_test_home_read(seal_cli_test_home(), "config/privyseal/privyseal.conf");
    g_autofree char *only_token = g_strconcat(before, "\n[recipients]\nsources=token\n", NULL);
    g_autofree char *unknown = g_strconcat(before, "\n[recipients]\nsources=store;oracle\n", NULL);
    g_autoptr(SealTestResult) find = NULL;
    g_autoptr(SealTestResult) wrong = NULL;

    import(scene->new_file);
    configure(only_token);
    find = recipients("find", ADDRESS, NULL);
    configure(unknown);
    wrong = recipients("find", ADDRESS, NULL);
    configure(before);
    seal_cli_test_assert_error(find, 3, "'" ADDRESS "' (none is known)");
    seal_cli_test_assert_error(wrong, 5, "sources is 'store;oracle', expected a list of store, ");
}

static void
test_damaged_database(Scene *scene, gconstpointer data)
{
    g_autofree char *name = g_strdup_printf("%s/privyseal/recipients.db", (const char *)data);
    g_autofree char *noise = g_strnfill(8192, '#');
    g_autofree char *path = seal_test_home_write(seal_cli_test_home(), name, noise);
    g_autoptr(SealTestResult) list = recipients("list", NULL, NULL);
    g_autoptr(SealTestResult) find = recipients("find", ADDRESS, NULL);
    g_autoptr(SealTestResult) own = recipients("find", "alice@example.org", NULL);

    seal_cli_test_assert_error(list, 5, "the database is damaged; move it away");
    g_assert_nonnull(strstr(list->err, path));
    seal_cli_test_assert_error(find, 3, "the database is damaged");
    seal_cli_test_assert_status(own, 0); /* the tokens are asked all the same */
}

static void
test_usage(Scene *scene, gconstpointer data)
{
    g_autoptr(SealTestResult) action = recipients("invent", NULL, NULL);
    g_autoptr(SealTestResult) missing = recipients("find", NULL, NULL);
    g_autoptr(SealTestResult) option = recipients("import", "x.pem", "--json");
    g_autoptr(SealTestResult) more = recipients("list", ADDRESS, "x");
    g_autoptr(SealTestResult) no_address = recipients("list", "dora", NULL);

    seal_cli_test_assert_error(action, 2, "there is no 'recipients invent'");
    seal_cli_test_assert_error(missing, 2, "something is missing");
    seal_cli_test_assert_error(option, 2, "--json goes with find and list");
    seal_cli_test_assert_error(more, 2, "that is too much");
    seal_cli_test_assert_error(no_address, 5, "'dora' is no mail address");
}

#define ADD(path, name, function)                                                                  \
    g_test_add("/cli/recipients/" path, Scene, name, scene_open, function, scene_close)

static void
add_tests(void)
{
    ADD("import/mail-is-encrypted-to-it", "encrypt", test_encrypt);
    ADD("import/newest-is-used", "newest", test_newest);
    ADD("import/x25519/is-the-last-resort", "x25519", test_x25519);
    ADD("import/change-is-told", "change", test_change_is_told);
    ADD("import/what-cannot-be-encrypted-to-is-refused", "useless", test_import_nothing_of_use);
    ADD("list/shows-what-is-kept", "list", test_list);
    ADD("forget/one-or-all", "forget", test_forget);
    ADD("pin/is-used-alone", "pin", test_pin);
    ADD("pin/is-used-alone-when-expired", "expired", test_pin_expired);
    ADD("pin/wrong-fingerprint-is-refused", "wrong", test_pin_wrong_fingerprint);
    ADD("find/untrusted-needs-a-pin", "untrusted", test_untrusted);
    ADD("find/issuer-comes-from-the-file", "issuer", test_issuer_is_kept);
    ADD("find/only-sources-of-the-configuration", "sources", test_sources);
    ADD("find/damaged-database-is-told", "damaged", test_damaged_database);
    ADD("usage", "usage", test_usage);
}

int
main(int argc, char **argv)
{
    return seal_cli_test_main(argc, argv, add_tests);
}
