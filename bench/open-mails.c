/* Opens encrypted mails through the agent as `privyseal open` does, in one process.
 *
 *     open-mails CERTIFICATE COUNT AHEAD
 *
 * COUNT mails of 10 kB to the certificate are made before the clock starts, then opened one after
 * the other, round and round: the mail is read, the agent is asked whose it is and for the session
 * key, the content is decrypted and judged. The token works on the keys of the AHEAD next mails
 * meanwhile (0: one mail after the other). Compared with a program that calls C_Decrypt in a loop
 * and does nothing else (direct.c). The protocol on standard input and output is pace.h. */
#include <stdlib.h>

#include "bench/mails.h"
#include "bench/pace.h"
#include "smime/smime.h"
#include "ui-cli/agent-unwrapper.h"

#define MAIL_LEN 10000

typedef struct {
    GPtrArray *mails; /* (element-type GBytes) */
    SealAgentUnwrapper *unwrapper;
    guint ahead;
    guint next;
} Opener;

static void
open_one(const Opener *opener, guint index)
{
    const SealOpenOptions options = {.mode = SEAL_OPEN_ALL,
                                     .unwrapper = seal_agent_unwrapper_peek(opener->unwrapper)};
    g_autoptr(SealReport) report = NULL;
    g_autoptr(GBytes) content = NULL;
    GError *error = NULL;

    seal_mail_open(opener->mails->pdata[index], &options, &report, &content, &error);
    seal_pace_require(content && report->verdict == SEAL_VERDICT_DECRYPTED_NOAUTH, "open a mail",
                      error);
}

static void
prepare_one(const Opener *opener, guint index)
{
    if (opener->ahead > 0)
        seal_mail_prepare(opener->mails->pdata[index % opener->mails->len],
                          seal_agent_unwrapper_peek(opener->unwrapper));
}

static guint64
run(gpointer data, gint64 deadline_us)
{
    Opener *opener = data;
    guint64 operations = 0;

    for (guint i = 0; i < opener->ahead; i++)
        prepare_one(opener, opener->next + i);
    while (g_get_monotonic_time() < deadline_us) {
        prepare_one(opener, opener->next + opener->ahead);
        open_one(opener, opener->next);
        opener->next = (opener->next + 1) % opener->mails->len;
        operations++;
    }
    /* What was begun is ended within the time measured. */
    for (guint i = 0; i < opener->ahead; i++)
        open_one(opener, (opener->next + i) % opener->mails->len);
    opener->next = (opener->next + opener->ahead) % opener->mails->len;
    return operations + opener->ahead;
}

int
main(int argc, char **argv)
{
    Opener opener = {0};
    SealMailsOwner *owner = NULL;
    int status = 0;

    g_set_prgname("open-mails");
    seal_pace_require(argc == 4 && atoi(argv[2]) > 0, "start: see the usage in open-mails.c", NULL);
    owner = seal_mails_owner_new(argv[1], NULL, NULL);
    opener.mails = seal_mails_encrypted(owner, (guint)atoi(argv[2]), MAIL_LEN);
    opener.ahead = (guint)CLAMP(atoi(argv[3]), 0, 64);
    opener.unwrapper = seal_agent_unwrapper_new();
    if (opener.ahead > 0) /* as privyseal open --into */
        seal_agent_unwrapper_expect_many(opener.unwrapper);
    open_one(&opener, 0); /* the token is unlocked */
    status = seal_pace_serve(run, &opener);
    seal_agent_unwrapper_free(opener.unwrapper);
    g_ptr_array_unref(opener.mails);
    seal_mails_owner_free(owner);
    return status;
}
