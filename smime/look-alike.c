/* Look-alikes. Most mail programs show the name in front of an address and not the address, so
 * "ceo@bank.example" <eve@example.net>, rightly signed by eve, is read as mail of the bank's. And a
 * domain may be registered, and certified, with a letter of another alphabet in it.
 *
 * Warnings only: what is signed stays signed. A word that looks like another one in one alphabet
 * (rn for m) is not found, nor is a domain that is foreign as a whole. */
#include "smime/look-alike.h"

#include "pki/address.h"

#include <idn2.h>
#include <string.h>

/* The text as it looks: full-width and other compatibility signs as plain ones, nothing that is
 * invisible. */
static char *
normalize(const char *text)
{
    g_autofree char *plain = g_utf8_normalize(text, -1, G_NORMALIZE_ALL_COMPOSE);
    GString *visible = g_string_new(NULL);

    for (const char *at = plain; at && *at; at = g_utf8_next_char(at)) {
        gunichar character = g_utf8_get_char(at);

        if (!g_unichar_iscntrl(character) &&
            (!g_unichar_iszerowidth(character) || g_unichar_ismark(character)))
            g_string_append_unichar(visible, character);
    }
    return g_string_free(visible, FALSE);
}

/* Blanks around an @ hide it from a program, hardly from a person. */
static void
join_around_at(char *text)
{
    char *to = text;

    for (char *from = text; *from; from++) {
        gboolean before = from[0] == ' ' && from[strspn(from, " ")] == '@';
        gboolean after = from[0] == ' ' && to > text && to[-1] == '@';

        if (!before && !after)
            *to++ = *from;
    }
    *to = '\0';
}

/* Whether `word` has the form of an address whose domain has a dot. */
static gboolean
is_address(const char *word)
{
    g_autofree char *canonical = seal_address_canonical(word);
    const char *dot = canonical ? strchr(strrchr(canonical, '@'), '.') : NULL;

    return dot && dot[1] != '\0';
}

char *
seal_look_alike_name(const char *name, const char *address)
{
    g_autofree char *plain = name ? normalize(name) : NULL;
    g_auto(GStrv) words = NULL;

    if (!plain || !strchr(plain, '@'))
        return NULL;
    join_around_at(plain);
    words = g_strsplit_set(plain, " <>()[]{}\"',;:|/\\", -1);
    for (char **word = words; *word; word++) {
        while (g_str_has_suffix(*word, "."))
            (*word)[strlen(*word) - 1] = '\0';
        if (is_address(*word) && !seal_address_equal(*word, address) &&
            !seal_address_differs_in_case(*word, address))
            return g_strdup_printf("the name beside the sender's address %s contains another "
                                   "address, %s: mail programs may show only that one",
                                   address, *word);
    }
    return NULL;
}

char *
seal_look_alike_local(const char *address)
{
    g_autofree char *canonical = seal_address_canonical(address);
    g_autofree char *local = NULL;

    if (!canonical)
        return NULL;
    local = g_strndup(canonical, (gsize)(strrchr(canonical, '@') - canonical));
    if (strchr(local, '@'))
        return g_strdup_printf("the sender's address %s begins like another one, but belongs to "
                               "the domain behind its last @",
                               address);
    if (strstr(local, "=?"))
        return g_strdup_printf("the sender's address %s begins with encoded text, which mail "
                               "programs may show as another address",
                               address);
    return NULL;
}

/* Scripts with letters that look alike; words in others, such as Chinese, are often mixed with
 * Latin. */
static gboolean
is_confusable(GUnicodeScript script)
{
    return script == G_UNICODE_SCRIPT_LATIN || script == G_UNICODE_SCRIPT_GREEK ||
           script == G_UNICODE_SCRIPT_CYRILLIC || script == G_UNICODE_SCRIPT_ARMENIAN ||
           script == G_UNICODE_SCRIPT_CHEROKEE || script == G_UNICODE_SCRIPT_COPTIC;
}

static gboolean
has_mixed_label(const char *domain)
{
    GUnicodeScript seen = G_UNICODE_SCRIPT_COMMON;

    for (; *domain; domain = g_utf8_next_char(domain)) {
        GUnicodeScript script = g_unichar_get_script(g_utf8_get_char(domain));

        if (*domain == '.')
            seen = G_UNICODE_SCRIPT_COMMON;
        else if (is_confusable(script) && seen != G_UNICODE_SCRIPT_COMMON && script != seen)
            return TRUE;
        else if (is_confusable(script))
            seen = script;
    }
    return FALSE;
}

char *
seal_look_alike_domain(const char *address)
{
    g_autofree char *canonical = seal_address_canonical(address);
    char *domain = NULL;
    char *sentence = NULL;

    if (!canonical || idn2_to_unicode_8z8z(strrchr(canonical, '@') + 1, &domain, 0) != IDN2_OK)
        return NULL;
    if (g_utf8_validate(domain, -1, NULL) && has_mixed_label(domain))
        sentence = g_strdup_printf("the sender's domain %s mixes letters of several alphabets, it "
                                   "is written '%s' and may look like another one",
                                   strrchr(canonical, '@') + 1, domain);
    idn2_free(domain);
    return sentence;
}
