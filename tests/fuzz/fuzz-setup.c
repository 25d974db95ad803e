/* Files of the user's that `privyseal setup` changes: the first byte chooses the format. Whatever a
 * file holds, what was put in can be taken out again, and the rest is as it was, byte for byte. */
#include <glib.h>
#include <string.h>

#include "base/error.h"
#include "tests/fuzz/fuzz.h"
#include "ui-cli/setup/block.h"
#include "ui-cli/setup/diff.h"
#include "ui-cli/setup/pkcs11-txt.h"
#include "ui-cli/setup/profiles.h"

#define LIBRARY "/usr/lib/privyseal-pkcs11.so"

static void
try_block(const char *text)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *made = seal_block_put(text, "openssh", "PKCS11Provider x\n", &error);
    g_autofree char *again = NULL;
    g_autofree char *removed = NULL;

    if (!made) {
        g_assert_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT);
        g_assert_true(seal_block_is_in(text, "openssh"));
        return;
    }
    again = seal_block_put(made, "openssh", "PKCS11Provider x\n", NULL);
    g_assert_cmpstr(again, ==, made);
    removed = seal_block_remove(made, "openssh", NULL);
    g_assert_nonnull(removed);
    g_assert_false(seal_block_is_in(removed, "openssh"));
    if (!seal_block_is_in(text, "openssh"))
        g_assert_cmpstr(removed, ==, text);
}

static void
try_list(const char *text)
{
    g_autofree char *made = seal_pkcs11_txt_add(text, LIBRARY);
    g_autofree char *removed = seal_pkcs11_txt_remove(made, LIBRARY);

    g_assert_true(seal_pkcs11_txt_is_list(made));
    g_assert_true(seal_pkcs11_txt_has(made, "library", LIBRARY));
    g_assert_false(seal_pkcs11_txt_has(removed, "library", LIBRARY));
    if (!seal_pkcs11_txt_has(text, "library", LIBRARY))
        g_assert_cmpstr(removed, ==, text);
}

static void
try_profiles(const char *text, gsize len)
{
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);

    seal_profiles_parse(paths, "/home/alice/.thunderbird", text, len);
    for (guint i = 0; i < paths->len; i++)
        g_assert_true(g_path_is_absolute(paths->pdata[i]));
}

/* Two halves of the text: every line of the one is shown as kept or gone. */
static void
try_diff(const char *text)
{
    gsize half = strlen(text) / 2;
    g_autofree char *before = g_strndup(text, half);
    g_autofree char *diff = seal_diff("FILE", before, text + half);

    g_assert_cmpint(*diff == '\0', ==, g_str_equal(before, text + half));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = size > 0 ? g_strndup((const char *)data + 1, size - 1) : NULL;

    if (!text)
        return 0;
    if (data[0] == 'b')
        try_block(text);
    else if (data[0] == 'l')
        try_list(text);
    else if (data[0] == 'd')
        try_diff(text);
    else
        try_profiles((const char *)data + 1, size - 1);
    return 0;
}
