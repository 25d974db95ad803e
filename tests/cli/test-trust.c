/* privyseal trust: adding with a person or a script, listing, removing. The fingerprints are those
 * of `openssl x509`. */
#include <json-glib/json-glib.h>
#include <string.h>
#include <unistd.h>

#include "tests/cli/cli-fixture.h"
#include "tests/cli/cli-terminal.h"
#include "tests/pki/authority.h"

#define DAY (24 * 60 * 60)

static char *
save_pem(const TestIdentity *identity, const char *name)
{
    g_autoptr(GBytes) pem = test_identity_pem(identity);

    return seal_cli_test_save(name, pem);
}

/* A new root with the common name `name` as a file (transfer full). */
static char *
new_root(const char *name)
{
    const TestSpec spec = {.name = name, .authority = TRUE};
    g_autoptr(TestIdentity) root = test_identity_new(&spec, NULL);

    return save_pem(root, "root.pem");
}

/* As `openssl x509 -fingerprint -sha256` prints it, "AB:CD:...". (transfer full) */
static char *
fingerprint_of(const char *path)
{
    g_autoptr(SealTestResult) result = seal_cli_test_other(
        NULL, "openssl", "x509", "-noout", "-fingerprint", "-sha256", "-in", path, NULL);
    const char *equals = NULL;

    seal_cli_test_assert_status(result, 0);
    equals = strchr(result->out, '=');
    g_assert_nonnull(equals);
    return g_strchomp(g_strdup(equals + 1));
}

static guint
count_anchors(void)
{
    g_autoptr(SealTestResult) result =
        seal_cli_test_privyseal(NULL, "trust", "list", "--json", NULL);
    g_autoptr(JsonNode) root = NULL;

    seal_cli_test_assert_status(result, 0);
    root = json_from_string(result->out, NULL);
    return json_array_get_length(
        json_object_get_array_member(json_node_get_object(root), "anchors"));
}

static void
remove_anchor(const char *name)
{
    g_autoptr(SealTestResult) result = seal_cli_test_privyseal(NULL, "trust", "remove", name, NULL);

    seal_cli_test_assert_status(result, 0);
    g_assert_true(g_str_has_prefix(result->out, "trusted no longer: CN="));
    g_assert_cmpuint(count_anchors(), ==, 0);
}

/* -- add -------------------------------------------------------------------------------------- */

static void
test_add_by_fingerprint(void)
{
    g_autofree char *root = new_root("Scripted");
    g_autofree char *fingerprint = fingerprint_of(root);
    g_autoptr(SealTestResult) added =
        seal_cli_test_privyseal(NULL, "trust", "add", root, "--fingerprint", fingerprint, NULL);
    g_autoptr(SealTestResult) again =
        seal_cli_test_privyseal(NULL, "trust", "add", "--fingerprint", fingerprint, root, NULL);

    seal_cli_test_assert_status(added, 0);
    g_assert_true(g_str_has_prefix(added->out, "trusted from now on: CN=Scripted,"));
    seal_cli_test_assert_status(again, 0);
    g_assert_true(g_str_has_prefix(again->out, "trusted already: CN=Scripted,"));
    g_assert_cmpuint(count_anchors(), ==, 1);
    fingerprint[11] = '\0'; /* AB:CD:EF:01 */
    remove_anchor(fingerprint);
}

/* What the folder is for: the fixture's root makes the fixture's signer trusted. */
static void
test_add_makes_trusted(void)
{
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    g_autoptr(SealTestResult) signing =
        seal_cli_test_privyseal(mail, "sign", "--key", "Alice RSA signing", NULL);
    g_autoptr(GBytes) signed_mail = seal_cli_test_output(signing);
    g_autofree char *root = seal_cli_test_fixture_file("root.pem");
    g_autofree char *fingerprint = fingerprint_of(root);
    g_autoptr(SealTestResult) before = seal_cli_test_privyseal(signed_mail, "verify", NULL);
    g_autoptr(SealTestResult) added =
        seal_cli_test_privyseal(NULL, "trust", "add", "--fingerprint", fingerprint, root, NULL);
    g_autoptr(SealTestResult) after = seal_cli_test_privyseal(signed_mail, "verify", NULL);
    g_autoptr(SealTestResult) removed = NULL;

    seal_cli_test_assert_status(before, 1);
    seal_cli_test_assert_status(added, 0);
    seal_cli_test_assert_status(after, 0);
    remove_anchor(fingerprint);
    removed = seal_cli_test_privyseal(signed_mail, "verify", NULL);
    seal_cli_test_assert_status(removed, 1);
}

static void
test_add_other_fingerprint(void)
{
    g_autofree char *root = new_root("Other");
    g_autofree char *fingerprint = fingerprint_of(root);
    g_autoptr(SealTestResult) other = NULL;
    g_autoptr(SealTestResult) shorter = NULL;

    fingerprint[0] = fingerprint[0] == '0' ? '1' : '0';
    other = seal_cli_test_privyseal(NULL, "trust", "add", root, "--fingerprint", fingerprint, NULL);
    seal_cli_test_assert_error(other, 4, "another fingerprint");
    fingerprint[20] = '\0'; /* a beginning can be found again by trying keys */
    shorter =
        seal_cli_test_privyseal(NULL, "trust", "add", root, "--fingerprint", fingerprint, NULL);
    seal_cli_test_assert_error(shorter, 2, "all 64 hexadecimal digits");
    g_assert_cmpuint(count_anchors(), ==, 0);
}

static void
test_add_unfit(void)
{
    static const struct {
        TestSpec spec;
        const char *reason;
    } rows[] = {
        {{.name = "Leaf", .address = "a@x.org"}, "no CA certificate"},
        {{.name = "Weak", .authority = TRUE, .key = "rsa:1024"}, "its key can be broken"},
        {{.name = "Old", .authority = TRUE, .from = -3 * DAY, .until = -DAY}, "it has expired"},
        {{.name = "New", .authority = TRUE, .from = DAY, .until = 3 * DAY}, "not valid yet"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(TestIdentity) identity = test_identity_new(&rows[i].spec, NULL);
        g_autofree char *path = save_pem(identity, "unfit.pem");
        g_autofree char *fingerprint = fingerprint_of(path);
        g_autoptr(SealTestResult) result =
            seal_cli_test_privyseal(NULL, "trust", "add", path, "--fingerprint", fingerprint, NULL);

        seal_cli_test_assert_error(result, 4, rows[i].reason);
    }
    g_assert_cmpuint(count_anchors(), ==, 0);
}

/* Self-issued, with a signature that is none. */
static void
test_add_damaged(void)
{
    const TestSpec spec = {.name = "Damaged", .authority = TRUE};
    g_autoptr(TestIdentity) root = test_identity_new(&spec, NULL);
    g_autoptr(GBytes) der = test_identity_der(root);
    gsize len = 0;
    guint8 *bytes = g_memdup2(g_bytes_get_data(der, &len), g_bytes_get_size(der));
    g_autoptr(GBytes) damaged = NULL;
    g_autofree char *path = NULL;
    g_autofree char *pem = seal_cli_test_home_file("damaged.pem");
    g_autoptr(SealTestResult) convert = NULL;
    g_autofree char *fingerprint = NULL;
    g_autoptr(SealTestResult) result = NULL;

    bytes[len - 1] ^= 1;
    damaged = g_bytes_new_take(bytes, len);
    path = seal_cli_test_save("damaged.der", damaged);
    convert = seal_cli_test_other(NULL, "openssl", "x509", "-in", path, "-out", pem, NULL);
    seal_cli_test_assert_status(convert, 0);
    fingerprint = fingerprint_of(pem);
    result =
        seal_cli_test_privyseal(NULL, "trust", "add", path, "--fingerprint", fingerprint, NULL);
    seal_cli_test_assert_error(result, 4, "its signature is wrong");
}

static void
test_add_several(void)
{
    const TestSpec one = {.name = "One", .authority = TRUE};
    const TestSpec two = {.name = "Two", .authority = TRUE};
    g_autoptr(TestIdentity) first = test_identity_new(&one, NULL);
    g_autoptr(TestIdentity) second = test_identity_new(&two, NULL);
    g_autofree char *path = save_pem(first, "several.pem");
    g_autofree char *single = save_pem(second, "second.pem");
    g_autofree char *fingerprint = fingerprint_of(single);
    g_autofree char *head = NULL;
    g_autofree char *tail = NULL;
    g_autofree char *both = NULL;
    g_autoptr(SealTestResult) unclear = NULL;
    g_autoptr(SealTestResult) chosen = NULL;

    g_assert_true(g_file_get_contents(path, &head, NULL, NULL));
    g_assert_true(g_file_get_contents(single, &tail, NULL, NULL));
    both = g_strconcat(head, tail, NULL);
    g_assert_true(g_file_set_contents(path, both, -1, NULL));
    unclear = seal_cli_test_privyseal(NULL, "trust", "add", path, NULL);
    chosen =
        seal_cli_test_privyseal(NULL, "trust", "add", path, "--fingerprint", fingerprint, NULL);
    seal_cli_test_assert_error(unclear, 5, "2 certificates");
    seal_cli_test_assert_status(chosen, 0);
    g_assert_nonnull(strstr(chosen->out, "CN=Two,"));
    remove_anchor("Two");
}

/* -- the question ----------------------------------------------------------------------------- */

/* Answers with `answer`; the exit status, and in *ret_shown what was on the terminal. */
static int
ask(const char *root, const char *answer, char **ret_shown)
{
    const char *const arguments[] = {"trust", "add", root, NULL};
    SealCliTestTerminal terminal = seal_cli_test_terminal_start(arguments, 200);
    int status = 0;

    g_assert_true(seal_cli_test_terminal_read_until(&terminal, "or that fingerprint: "));
    g_assert_cmpint(write(terminal.master, answer, strlen(answer)), ==, strlen(answer));
    status = seal_cli_test_terminal_end(&terminal);
    *ret_shown = g_strdup(terminal.shown->str);
    seal_cli_test_terminal_clear(&terminal);
    return status;
}

static void
test_confirmed(void)
{
    g_autofree char *root = new_root("Asked");
    g_autofree char *fingerprint = fingerprint_of(root);
    g_autofree char *line = g_strconcat(fingerprint, "\n", NULL);
    g_autofree char *shown = NULL;
    g_autofree char *typed = NULL;

    g_assert_cmpint(ask(root, "yes\n", &shown), ==, 0);
    g_assert_nonnull(strstr(shown, "CN=Asked,O=Privy Seal Test"));
    g_assert_nonnull(strstr(shown, "issuer:  itself"));
    g_assert_nonnull(strstr(shown, "P-256"));
    g_assert_nonnull(strstr(shown, fingerprint));
    remove_anchor("Asked");
    g_assert_cmpint(ask(root, line, &typed), ==, 0);
    remove_anchor("CN=Asked,O=Privy Seal Test");
}

static void
test_not_confirmed(void)
{
    static const char *const answers[] = {"no\n", "y\n", "\n", "abcdef01\n", "\003", "\004"};
    g_autofree char *root = new_root("Declined");

    for (gsize i = 0; i < G_N_ELEMENTS(answers); i++) {
        g_autofree char *shown = NULL;

        g_assert_cmpint(ask(root, answers[i], &shown), ==, 4);
    }
    g_assert_cmpuint(count_anchors(), ==, 0);
}

/* A pipe cannot answer: without a terminal there is no question, and nothing is added. */
static void
test_no_terminal(void)
{
    g_autofree char *root = new_root("Nobody");
    g_autofree char *program = seal_test_built("ui-cli/privyseal");
    g_autoptr(GBytes) yes = g_bytes_new_static("yes\n", 4);
    g_autoptr(SealTestResult) result =
        seal_cli_test_other(yes, "setsid", "--wait", program, "trust", "add", root, NULL);

    seal_cli_test_assert_error(result, 4, "give its fingerprint with --fingerprint");
    g_assert_cmpuint(count_anchors(), ==, 0);
}

/* -- list and remove -------------------------------------------------------------------------- */

static void
test_list(void)
{
    g_autofree char *root = new_root("Listed");
    g_autofree char *fingerprint = fingerprint_of(root);
    g_autoptr(SealTestResult) none = seal_cli_test_privyseal(NULL, "trust", "list", NULL);
    g_autoptr(SealTestResult) added =
        seal_cli_test_privyseal(NULL, "trust", "add", root, "--fingerprint", fingerprint, NULL);
    g_autoptr(SealTestResult) table = seal_cli_test_privyseal(NULL, "trust", "list", NULL);
    g_autoptr(SealTestResult) json = seal_cli_test_privyseal(NULL, "trust", "list", "--json", NULL);
    g_autoptr(JsonNode) node = NULL;
    JsonObject *anchor = NULL;

    g_assert_true(g_str_has_prefix(none->out, "none: "));
    seal_cli_test_assert_status(added, 0);
    g_assert_nonnull(strstr(table->out, "CN=Listed,O=Privy Seal Test"));
    g_assert_nonnull(strstr(table->out, "you"));
    node = json_from_string(json->out, NULL);
    anchor = json_array_get_object_element(
        json_object_get_array_member(json_node_get_object(node), "anchors"), 0);
    g_assert_cmpstr(json_object_get_string_member(anchor, "subject"), ==,
                    "CN=Listed,O=Privy Seal Test");
    g_assert_cmpstr(json_object_get_string_member(anchor, "key"), ==, "P-256");
    g_assert_cmpstr(json_object_get_string_member(anchor, "owner"), ==, "user");
    g_assert_cmpuint(strlen(json_object_get_string_member(anchor, "sha256")), ==, 64);
    remove_anchor("Listed");
}

/* Two of one name: only more of the fingerprint tells them apart. */
static void
test_remove_unclear(void)
{
    g_autofree char *first = new_root("Twin");
    g_autofree char *one = fingerprint_of(first);
    g_autoptr(SealTestResult) add_one =
        seal_cli_test_privyseal(NULL, "trust", "add", first, "--fingerprint", one, NULL);
    g_autofree char *second = new_root("Twin");
    g_autofree char *two = fingerprint_of(second);
    g_autoptr(SealTestResult) add_two =
        seal_cli_test_privyseal(NULL, "trust", "add", second, "--fingerprint", two, NULL);
    g_autoptr(SealTestResult) unclear =
        seal_cli_test_privyseal(NULL, "trust", "remove", "Twin", NULL);
    g_autoptr(SealTestResult) remove_one =
        seal_cli_test_privyseal(NULL, "trust", "remove", one, NULL);

    seal_cli_test_assert_error(unclear, 3, "more than one anchor");
    seal_cli_test_assert_status(remove_one, 0);
    g_assert_cmpuint(count_anchors(), ==, 1);
    remove_anchor("Twin");
}

/* Others may put a bundle there: only the one that was named leaves it. */
static void
test_remove_from_bundle(void)
{
    g_autofree char *first = new_root("First");
    g_autofree char *head = NULL;
    g_autofree char *tail = NULL;
    g_autofree char *both = NULL;
    g_autoptr(SealTestResult) removed = NULL;

    g_assert_true(g_file_get_contents(first, &head, NULL, NULL));
    g_free(new_root("Second"));
    g_assert_true(g_file_get_contents(first, &tail, NULL, NULL));
    both = g_strconcat(head, tail, NULL);
    g_free(seal_test_home_write(seal_cli_test_home(), "config/privyseal/anchors.d/b.pem", both));
    g_assert_cmpuint(count_anchors(), ==, 2);
    removed = seal_cli_test_privyseal(NULL, "trust", "remove", "First", NULL);
    seal_cli_test_assert_status(removed, 0);
    g_assert_cmpuint(count_anchors(), ==, 1);
    remove_anchor("Second");
}

static void
test_mistakes(void)
{
    static const struct {
        const char *arguments[5];
        int status;
        const char *text;
    } rows[] = {
        {{"trust", NULL}, 2, "something is missing"},
        {{"trust", "grow", NULL}, 2, "there is no 'trust grow'"},
        {{"trust", "add", NULL}, 2, "say what: privyseal trust add FILE"},
        {{"trust", "remove", NULL}, 2, "say what: privyseal trust remove"},
        {{"trust", "list", "x", NULL}, 2, "takes nothing after it"},
        {{"trust", "list", "--fingerprint", "00", NULL}, 2, "goes with 'trust add'"},
        {{"trust", "remove", "--json", "x", NULL}, 2, "goes with 'trust list'"},
        {{"trust", "remove", "nobody", NULL}, 3, "there is no anchor 'nobody'"},
        {{"trust", "remove", "abc", NULL}, 3, "8 digits at least"},
        {{"trust", "add", "/nonexistent.pem", NULL}, 5, "/nonexistent.pem"},
        {{"trust", "add", "/dev/null", NULL}, 5, "no readable certificate"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(SealTestResult) result = seal_cli_test_run(rows[i].arguments, NULL);

        seal_cli_test_assert_error(result, rows[i].status, rows[i].text);
    }
}

static void
add(void)
{
    g_test_add_func("/cli/trust/add/fingerprint-in-place-of-a-person", test_add_by_fingerprint);
    g_test_add_func("/cli/trust/add/makes-its-signers-trusted", test_add_makes_trusted);
    g_test_add_func("/cli/trust/add/other-fingerprint-is-refused", test_add_other_fingerprint);
    g_test_add_func("/cli/trust/add/unfit-certificates-are-refused", test_add_unfit);
    g_test_add_func("/cli/trust/add/wrong-signature-is-refused", test_add_damaged);
    g_test_add_func("/cli/trust/add/one-of-several-by-its-fingerprint", test_add_several);
    g_test_add_func("/cli/trust/ask/yes-or-the-fingerprint-adds", test_confirmed);
    g_test_add_func("/cli/trust/ask/anything-else-adds-nothing", test_not_confirmed);
    g_test_add_func("/cli/trust/ask/without-a-terminal-nobody-is-asked", test_no_terminal);
    g_test_add_func("/cli/trust/list/table-and-json", test_list);
    g_test_add_func("/cli/trust/remove/unclear-name-removes-nothing", test_remove_unclear);
    g_test_add_func("/cli/trust/remove/others-in-the-file-stay", test_remove_from_bundle);
    g_test_add_func("/cli/trust/mistakes-are-told", test_mistakes);
}

int
main(int argc, char **argv)
{
    return seal_cli_test_main(argc, argv, add);
}
