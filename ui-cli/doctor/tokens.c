/* Tokens and the state of their PINs, as the agent knows them: no token is asked anything. */
#include "ui-cli/doctor/examine.h"

gboolean
seal_exam_has_token(const SealClientToken *token)
{
    return token && !g_str_equal(token->state, "absent");
}

guint
seal_exam_count_tokens(const SealExam *exam)
{
    guint count = 0;

    for (guint i = 0; exam->objects && i < exam->objects->tokens->len; i++)
        count += seal_exam_has_token(exam->objects->tokens->pdata[i]);
    return count;
}

static void
examine_blocked(SealExam *exam, const SealClientToken *token)
{
    g_autofree char *quoted = g_shell_quote(token->label);
    g_autofree char *command =
        g_strdup_printf("privyseal pin unblock %s", seal_exam_hide(exam, quoted));

    seal_exam_note(exam, "token", SEAL_HEALTH_BAD, command,
                   "%s: the PIN is blocked; its PUK unblocks it",
                   seal_exam_hide(exam, token->label));
}

/* Of one that answers. */
static void
examine_pin(SealExam *exam, const SealClientToken *token)
{
    const char *label = seal_exam_hide(exam, token->label);
    const char *state = g_str_equal(token->state, "unlocked") ? "unlocked"
                        : token->protected_authentication
                            ? "locked, the PIN is typed at the reader"
                            : "locked, the PIN is asked for when it is needed";

    if (token->tries_left == 0)
        examine_blocked(exam, token);
    else if (token->pin_to_be_changed)
        seal_exam_note(exam, "token", SEAL_HEALTH_WORRY, "privyseal pin change",
                       "%s: the token wants another PIN", label);
    else if (token->tries_left == 1)
        seal_exam_note(
            exam, "token", SEAL_HEALTH_WORRY, NULL,
            "%s: one try of the PIN is left; another wrong one blocks the token, so look "
            "the PIN up first",
            label);
    else if (token->tries_left < 0)
        seal_exam_note(exam, "token", SEAL_HEALTH_GOOD, NULL, "%s: %s; tries left: unknown", label,
                       state);
    else
        seal_exam_note(exam, "token", SEAL_HEALTH_GOOD, NULL, "%s: %s; tries left: %d", label,
                       state, token->tries_left);
}

static void
examine_left_out(SealExam *exam, const SealClientToken *token)
{
    guint n = g_strv_length(token->left_out);

    if (n > 0)
        seal_exam_note(exam, "token", SEAL_HEALTH_WORRY, "privyseal list",
                       "%s: %u of its objects cannot be used; the list says which, and why",
                       seal_exam_hide(exam, token->label), n);
}

static void
examine_faults(SealExam *exam, const SealClientToken *token)
{
    for (guint i = 0; i < exam->objects->keys->len; i++) {
        const SealClientKey *key = exam->objects->keys->pdata[i];

        if (*key->fault && g_str_equal(key->token, token->path))
            seal_exam_note(exam, "token", SEAL_HEALTH_BAD, "privyseal list --rescan",
                           "%s: key %s serves nobody: %s", seal_exam_hide(exam, token->label),
                           seal_exam_hide(exam, key->label), key->fault);
    }
}

static void
examine_token(SealExam *exam, const SealClientToken *token)
{
    if (g_str_equal(token->state, "blocked"))
        examine_blocked(exam, token);
    else if (g_str_equal(token->state, "busy"))
        seal_exam_note(exam, "token", SEAL_HEALTH_UNKNOWN, "privyseal doctor",
                       "%s: busy at the moment; look again", seal_exam_hide(exam, token->label));
    else if (g_str_equal(token->state, "unreachable"))
        seal_exam_note(exam, "token", SEAL_HEALTH_BAD, "privyseal list --rescan",
                       "%s: does not answer; pull it out and put it back in",
                       seal_exam_hide(exam, token->label));
    else
        examine_pin(exam, token);
    examine_left_out(exam, token);
    examine_faults(exam, token);
}

static gint
compare_labels(gconstpointer a, gconstpointer b)
{
    const SealClientToken *token_a = *(const SealClientToken *const *)a;
    const SealClientToken *token_b = *(const SealClientToken *const *)b;

    return g_strcmp0(token_a->label, token_b->label);
}

void
seal_examine_tokens(SealExam *exam)
{
    exam->group = "Tokens";
    if (!exam->objects) {
        seal_exam_note(exam, "token", SEAL_HEALTH_UNKNOWN, NULL,
                       "without the agent nobody knows the tokens");
        return;
    }
    g_ptr_array_sort(exam->objects->tokens, compare_labels);
    for (guint i = 0; i < exam->objects->tokens->len; i++) {
        const SealClientToken *token = exam->objects->tokens->pdata[i];

        if (seal_exam_has_token(token))
            examine_token(exam, token);
    }
    if (seal_exam_count_tokens(exam) > 0)
        return;
    if (exam->cards > 0)
        seal_exam_note(exam, "token", SEAL_HEALTH_BAD, "privyseal list --rescan",
                       "a card is in a reader, but no module that runs knows it");
    else
        seal_exam_note(exam, "token", SEAL_HEALTH_BAD, "privyseal list --rescan",
                       "no token is there: put the card into the reader, chip first");
}
