/* Encrypting a mail as `privyseal encrypt` does: to whom, with what, signed before or not. */
#pragma once

#include "pki/trust.h"
#include "smime/draft.h"
#include "ui-cli/making-settings.h"
#include "ui-cli/options.h"
#include "ui-cli/reach.h"

/* One mail that came of it. */
typedef struct {
    char *recipient; /* (nullable) whom the copy is for; NULL: the mail for all that --to names */
    SealDraft *mail;
    char *choice; /* the algorithms and why, for people */
} SealSealed;

/* Frees; NULL is allowed. */
void seal_sealed_free(SealSealed *sealed);

typedef struct {
    SealReach **reach; /* reached when the agent is needed (transfer full) */
    SealOptions *options;
    const SealMakingSettings *settings; /* with what the options say already in it */
    const SealTrust *trust;
    gboolean must_reach_self; /* --to-self: no certificate of one's own is an error */
} SealSealing;

/* Sets the cipher and `oaep` of `options` for these readers (element-type SealFound); what was chosen
 * and why, for people. (transfer full) */
char *seal_sealing_choose(const GPtrArray *readers, const SealChoicePolicy *policy,
                          SealEncryptOptions *options);

/* Encrypts `mail` to all of --to, and to the sender if the settings say so; then, apart from it, to
 * each of --bcc. With --sign it is signed once before, with --triple once more around each. Returns
 * (transfer full) (element-type SealSealed), the common mail first; NULL with NOT_FOUND for missing
 * certificates, and with what seal_draft_new(), seal_draft_encrypt() and seal_signing_sign() say.
 * Nothing is written.
 * Blocks; may prompt. */
GPtrArray *seal_sealing_run(const SealSealing *sealing, GBytes *mail, GError **error);
