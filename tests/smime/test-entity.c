/* MIME entities as ranges: RFC 2045, 2046 and 5322, and what readers disagree about. */
#include "smime/content-type.h"
#include "smime/entity.h"
#include "smime/mail.h"

#include <string.h>

static SealBytes
view(const char *text)
{
    return (SealBytes){(const uint8_t *)text, strlen(text)};
}

static void
expect_range(SealBytes range, const char *text)
{
    g_assert_cmpmem(range.data, range.len, text, strlen(text));
}

static void
test_ranges(void)
{
    static const char text[] =
        "From: a@b.c\r\nSubject: one\r\n two\r\nContent-Type: Text/Plain;\r\n"
        "\tCharset=\"utf-8\"\r\n\r\nbody \r\n";
    g_autoptr(SealEntity) entity = seal_entity_parse(view(text));
    const SealField *subject = &g_array_index(entity->fields, SealField, 1);
    g_autoptr(GPtrArray) values = seal_entity_values(entity, "SUBJECT");

    g_assert_cmpuint(entity->fields->len, ==, 3);
    expect_range(subject->name, "Subject");
    expect_range(subject->value, " one\r\n two");
    expect_range(subject->raw, "Subject: one\r\n two\r\n");
    expect_range(entity->body, "body \r\n");
    g_assert_cmpstr(g_ptr_array_index(values, 0), ==, "one two");
    g_assert_cmpstr(entity->type, ==, "text/plain");
    g_assert_cmpstr(seal_entity_parameter(entity, "charset"), ==, "utf-8");
    g_assert_cmpstr(entity->encoding, ==, "7bit");
    g_assert_null(entity->defect);
}

static void
test_headers_of_all_sorts(void)
{
    static const struct {
        const char *text;
        guint fields;
        const char *body;
        gboolean defect;
    } rows[] = {
        {"", 0, "", FALSE},
        {"\r\nbody", 0, "body", FALSE},
        {"\nbody", 0, "body", FALSE},
        {"no header\r\n\r\nbody", 0, "no header\r\n\r\nbody", FALSE},
        {"A: 1", 1, "", FALSE},
        {"A: 1\n\nbody", 1, "body", FALSE},
        {"A: 1\r\nno field\r\n\r\nbody", 1, "no field\r\n\r\nbody", TRUE},
        {"A : 1\r\n\r\nbody", 0, "A : 1\r\n\r\nbody", FALSE},
        {" folded: first\r\n\r\n", 0, " folded: first\r\n\r\n", FALSE},
        {"A: 1\rB: 2\r\n\r\nbody", 1, "body", TRUE},
        {"A: 1\r\n \rB: 2\r\n\r\nbody", 1, "body", TRUE},
        {"Content-Type: a/b\r\nContent-Type: c/d\r\n\r\n", 2, "", TRUE},
        {"Content-Type: nonsense\r\n\r\n", 1, "", TRUE},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(SealEntity) entity = seal_entity_parse(view(rows[i].text));

        g_test_message("%s", rows[i].text);
        g_assert_cmpuint(entity->fields->len, ==, rows[i].fields);
        expect_range(entity->body, rows[i].body);
        g_assert_cmpint(entity->defect != NULL, ==, rows[i].defect);
    }
}

static void
test_content_types(void)
{
    static const struct {
        const char *value;
        const char *type; /* NULL: refused */
        const char *boundary;
    } rows[] = {
        {"multipart/signed; boundary=x", "multipart/signed", "x"},
        {"Multipart/Signed ; Boundary = \"a b\\\"c\" (comment; boundary=z)", "multipart/signed",
         "a b\"c"},
        {"(first) a/b;boundary=x/y;", "a/b", "x/y"},
        {"a/b; boundary=x; boundary=y", NULL, NULL},
        {"a/b; boundary=\"open", NULL, NULL},
        {"a/b (open", NULL, NULL},
        {"a/b; boundary", NULL, NULL},
        {"a", NULL, NULL},
        {"a/", NULL, NULL},
        {"", NULL, NULL},
        {"a/b c/d", NULL, NULL},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GHashTable) parameters =
            g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        g_autofree char *type = seal_content_type_parse(rows[i].value, parameters);

        g_test_message("%s", rows[i].value);
        g_assert_cmpstr(type, ==, rows[i].type);
        if (type)
            g_assert_cmpstr(g_hash_table_lookup(parameters, "boundary"), ==, rows[i].boundary);
    }
}

static void
test_parts(void)
{
    static const struct {
        const char *body;
        const char *parts; /* joined by | */
        gboolean wrong;
    } rows[] = {
        {"--x\r\none\r\n--x\r\n\r\ntwo\r\n\r\n--x--\r\n", "one|\r\ntwo\r\n", FALSE},
        {"--x\none\n--x--", "one", FALSE},
        {"preamble\r\n--x \t\r\none\r\n--x--\r\nepilogue --x\r\n", "one", FALSE},
        {"--x\r\n--xy\r\n --x\r\none\r\n--x--", "--xy\r\n --x\r\none", FALSE},
        {"--x\r\n--x--", "", FALSE},
        {"--x\r\none\r\n", "", TRUE},
        {"--x--\r\n", "", TRUE},
        {"", "", TRUE},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text =
            g_strconcat("Content-Type: multipart/mixed; boundary=x\r\n\r\n", rows[i].body, NULL);
        g_autoptr(SealEntity) entity = seal_entity_parse(view(text));
        g_autoptr(GArray) parts = g_array_new(FALSE, FALSE, sizeof(SealBytes));
        g_autoptr(GString) joined = g_string_new(NULL);
        const char *wrong = seal_entity_split(entity, parts);

        g_test_message("%s", rows[i].body);
        g_assert_cmpint(wrong != NULL, ==, rows[i].wrong);
        for (guint j = 0; j < parts->len; j++) {
            SealBytes part = g_array_index(parts, SealBytes, j);

            g_string_append_printf(joined, "%s%.*s", j > 0 ? "|" : "", (int)part.len,
                                   (const char *)part.data);
        }
        if (!wrong)
            g_assert_cmpstr(joined->str, ==, rows[i].parts);
    }
}

static void
test_too_many_parts(void)
{
    g_autoptr(GString) text = g_string_new("Content-Type: multipart/mixed; boundary=x\r\n\r\n");
    g_autoptr(SealEntity) entity = NULL;
    g_autoptr(GArray) parts = g_array_new(FALSE, FALSE, sizeof(SealBytes));

    for (guint i = 0; i < SEAL_PARTS_MAX + 2; i++)
        g_string_append(text, "--x\r\n\r\n");
    g_string_append(text, "--x--");
    entity = seal_entity_parse(view(text->str));
    g_assert_nonnull(seal_entity_split(entity, parts));
    g_assert_cmpuint(parts->len, ==, SEAL_PARTS_MAX + 1);
}

static void
test_base64(void)
{
    static const struct {
        const char *text;
        const char *bytes; /* NULL: refused */
    } rows[] = {
        {"", ""},          {"aGVsbG8=", "hello"},  {"aGVs\r\n bG8=\n\n", "hello"},
        {"aGVsbG8", NULL}, {"aGVsbG8=aGVs", NULL}, {"aGVs*G8=", NULL},
        {"====", NULL},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GBytes) bytes = seal_base64_decode(view(rows[i].text));

        g_test_message("%s", rows[i].text);
        g_assert_cmpint(bytes != NULL, ==, rows[i].bytes != NULL);
        if (bytes)
            expect_range(seal_bytes_view(bytes), rows[i].bytes);
    }
}

static void
test_canonical(void)
{
    static const char *const rows[][2] = {{"a\nb\r\nc\rd\n\n", "a\r\nb\r\nc\rd\r\n\r\n"},
                                          {"\n", "\r\n"},
                                          {"", ""},
                                          {"a\r\n", "a\r\n"}};

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GBytes) bytes = g_bytes_new(rows[i][0], strlen(rows[i][0]));
        g_autoptr(GBytes) canonical = seal_mail_canonical(bytes);

        expect_range(seal_bytes_view(canonical), rows[i][1]);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/entity/ranges-of-header-and-body", test_ranges);
    g_test_add_func("/entity/headers-of-all-sorts", test_headers_of_all_sorts);
    g_test_add_func("/entity/content-types", test_content_types);
    g_test_add_func("/entity/parts-by-boundary", test_parts);
    g_test_add_func("/entity/too-many-parts/are-refused", test_too_many_parts);
    g_test_add_func("/entity/base64/strict-but-for-blanks", test_base64);
    g_test_add_func("/entity/canonical-line-ends", test_canonical);
    return g_test_run();
}
