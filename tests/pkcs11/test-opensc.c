/* What OpenSC's configuration becomes in a host: the cache of PINs is off, whatever the site says
 * of it, and all else is as it was. That OpenSC reads it so is seen with cards (tests/card). */
#include <string.h>

#include "pkcs11/host/opensc.h"

static void
assert_becomes(const char *before, const char *after)
{
    g_autofree char *text = seal_opensc_without_cache(before);

    g_assert_cmpstr(text, ==, after);
}

static void
its_block_gets_the_setting_first(void)
{
    assert_becomes("app default {\n\tframework pkcs15 {\n\t\tuse_pin_caching = true;\n\t}\n}",
                   "app default {\n\tframework pkcs15 { use_pin_caching = false;\n"
                   "\t\tuse_pin_caching = true;\n\t}\n}\n");
    assert_becomes("app a { debug = 1; }\nframework  pkcs15{ x = y; }",
                   "app a { debug = 1; }\nframework  pkcs15{ use_pin_caching = false; x = y; }\n");
}

static void
applications_without_the_block_get_one(void)
{
    assert_becomes("app default {\n debug = 3;\n}",
                   "app default { framework pkcs15 { use_pin_caching = false; }\n debug = 3;\n}\n");
}

static void
comments_are_no_blocks(void)
{
    assert_becomes(
        "# framework pkcs15 {\napp default {\n}",
        "# framework pkcs15 {\napp default { framework pkcs15 { use_pin_caching = false; "
        "}\n}\n");
}

static void
no_configuration_is_one_with_the_setting(void)
{
    assert_becomes(NULL, "app default { framework pkcs15 { use_pin_caching = false; } }\n");
    assert_becomes("", "app default { framework pkcs15 { use_pin_caching = false; } }\n");
}

static void
unblocking_is_turned_on(void)
{
    static const struct {
        const char *before, *after;
    } rows[] = {
        {"app default { framework pkcs15 { } }",
         "app default { pkcs11 { user_pin_unblock_style = set_pin_in_unlogged_session; } framework "
         "pkcs15 { } }\n"},
        {"app opensc-pkcs11 {\n\tpkcs11 {\n\t\tuser_pin_unblock_style = none;\n\t}\n}",
         "app opensc-pkcs11 {\n\tpkcs11 { user_pin_unblock_style = set_pin_in_unlogged_session;\n"
         "\t\tuser_pin_unblock_style = none;\n\t}\n}\n"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = seal_opensc_with_unblocking(rows[i].before);

        g_assert_cmpstr(text, ==, rows[i].after);
    }
}

static void
only_opensc_is_opensc(void)
{
    g_assert_true(seal_opensc_is("opensc-pkcs11.so"));
    g_assert_false(seal_opensc_is("libsofthsm2.so"));
    g_assert_false(seal_opensc_is(NULL));
}

/* What the site says must not go unheard. None is as OpenSC has it. */
static void
what_cannot_be_read_is_told(void)
{
    g_assert_true(g_setenv("OPENSC_CONF", "/dev/zero", TRUE));
    g_assert_nonnull(strstr(seal_opensc_configure(NULL), "cannot be read"));
    g_assert_true(g_setenv("OPENSC_CONF", "/", TRUE));
    g_assert_nonnull(strstr(seal_opensc_configure(NULL), "cannot be read"));
    g_assert_true(g_setenv("OPENSC_CONF", "/there/is/none", TRUE));
    g_assert_null(seal_opensc_configure(NULL));
    g_assert_true(g_str_has_prefix(g_getenv("OPENSC_CONF"), "/proc/self/fd/"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/opensc/cache/its-block-gets-the-setting-first",
                    its_block_gets_the_setting_first);
    g_test_add_func("/opensc/cache/applications-without-the-block-get-one",
                    applications_without_the_block_get_one);
    g_test_add_func("/opensc/cache/comments-are-no-blocks", comments_are_no_blocks);
    g_test_add_func("/opensc/cache/no-configuration-is-one-with-the-setting",
                    no_configuration_is_one_with_the_setting);
    g_test_add_func("/opensc/unblocking/is-turned-on", unblocking_is_turned_on);
    g_test_add_func("/opensc/only-opensc-is-opensc", only_opensc_is_opensc);
    g_test_add_func("/opensc/configuration/what-cannot-be-read-is-told",
                    what_cannot_be_read_is_told);
    return g_test_run();
}
