/* One row of the corpus: a mail, what is asked of it, and what must come of it. */
#pragma once

#include <glib.h>

typedef struct {
    const char *name;    /* the test's path below /corpus/ */
    const char *command; /* "open", "verify" or "decrypt", and options; "fixture:" before a file */
    const char *verdict;
    const char *words; /* part of the reason; NULL: the mail is good */
    GBytes *(*make)(const char *argument);
    const char *argument; /* (nullable) what make() says of it */
    const char *from;     /* (nullable) text of the mail that is replaced, once, */
    const char *to;       /* by this */
    int status;           /* exit status; 0: as the verdict has it, 1 if the mail is not good */
} CorpusRow;

/* Text that was put in beside what is signed or sealed: it must not be in the content that comes
 * out of a signed mail. */
#define CORPUS_FOREIGN "foreign text"

/* The tables, each ended by a row without a name. */
extern const CorpusRow corpus_files[];    /* written by other programs once */
extern const CorpusRow corpus_headers[];  /* protected header fields */
extern const CorpusRow corpus_mime[];     /* headers, parts, boundaries, encodings */
extern const CorpusRow corpus_people[];   /* signers and their certificates */
extern const CorpusRow corpus_programs[]; /* written by other programs in the test */
extern const CorpusRow corpus_sealed[];   /* EnvelopedData and AuthEnvelopedData */
extern const CorpusRow corpus_senders[];  /* who it says it is from */
extern const CorpusRow corpus_signed[];   /* SignedData */
