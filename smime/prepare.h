/* Opening many mails: while one is decrypted here, the token works on the keys of the next ones. */
#pragma once

#include "smime/unwrapper.h"

#include <glib.h>

/* Says that `mail` will be opened soon with `unwrapper`. If its outermost layer is an encryption,
 * the unwrapper is told of the recipient that will be tried first; whatever is wrong is found out
 * when the mail is opened. Without SealUnwrapper.prepare nothing happens. Blocks as its find(). */
void seal_mail_prepare(GBytes *mail, const SealUnwrapper *unwrapper);
