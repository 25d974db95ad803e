/* OpenSSH: one line in ~/.ssh/config. It stands before every Host and Match, so it holds for all
 * hosts, and ssh takes the first value it meets: a PKCS11Provider of the user's own would never be
 * read again, so one that is there is not passed over in silence. Files that are included are not
 * looked into. */
#include "ui-cli/setup/targets.h"

#include <string.h>

/* ssh_config(5): keyword and argument, parted by blanks or "=", with quotes allowed. (transfer
 * full): the argument if `line` is one of PKCS11Provider, else NULL. */
static char *
provider_of(const char *line)
{
    static const char keyword[] = "PKCS11Provider";
    g_autofree char *copy = g_strstrip(g_strdup(line));
    const char *at = NULL;

    if (g_ascii_strncasecmp(copy, keyword, strlen(keyword)) != 0)
        return NULL;
    at = copy + strlen(keyword);
    if (!strchr(" \t=\"", *at))
        return NULL;
    at += strspn(at, " \t=\"");
    return g_strndup(at, strcspn(at, " \t\""));
}

static gboolean
check_providers(SealSetup *setup, const SealEdit *edit, const char *module, GError **error)
{
    g_autofree char *text = seal_setup_text_of_others(setup, edit, error);
    g_auto(GStrv) lines = text ? g_strsplit(text, "\n", -1) : NULL;

    for (guint i = 0; lines && lines[i]; i++) {
        g_autofree char *provider = provider_of(lines[i]);

        if (provider && !g_str_equal(provider, module))
            return seal_setup_fail(setup, error, SEAL_ERROR_INVALID_INPUT,
                                   "'%s' sets PKCS11Provider to '%s' already; ours would take its "
                                   "place for every host, so take that line out first",
                                   edit->path, provider);
    }
    return lines != NULL;
}

static gboolean
plan(SealSetup *setup, GError **error)
{
    const char *module = seal_setup_module(setup, error);
    g_autofree char *path = g_build_filename(g_get_home_dir(), ".ssh", "config", NULL);
    g_autofree char *body = NULL;
    SealEdit *edit = module ? seal_setup_open(setup, path, error) : NULL;

    if (!edit || !check_providers(setup, edit, module, error))
        return FALSE;
    body = g_strdup_printf("PKCS11Provider %s\n", module);
    return seal_setup_put_block(setup, edit, body, error);
}

static char *
explain(SealSetup *setup)
{
    return g_strdup_printf("\n"
                           "  ssh-keygen -D %s\n"
                           "      shows the public keys, for authorized_keys on a server\n"
                           "  ssh HOST\n"
                           "      offers the keys on your tokens after the others\n"
                           "  ssh -o PKCS11Provider=none HOST\n"
                           "      goes without them\n",
                           seal_setup_module(setup, NULL));
}

static const char *const no_options[] = {NULL};

const SealSetupTarget seal_setup_openssh = {
    .name = "openssh",
    .program = "OpenSSH",
    .options = no_options,
    .plan = plan,
    .take_back = seal_setup_take_back_block,
    .explain = explain,
};
