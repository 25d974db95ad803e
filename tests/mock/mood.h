/* The control file of the moody module (moody.c tells what can stand in it). */
#pragma once

#include <glib.h>
#include <p11-kit/pkcs11.h>

typedef enum {
    MOODY_NOWHERE = 0,
    MOODY_INIT = 1 << 0,
    MOODY_LOGIN = 1 << 1,
    MOODY_LOGOUT = 1 << 2,
    MOODY_SIGN = 1 << 3,
    MOODY_DECRYPT = 1 << 4,
    MOODY_DERIVE = 1 << 5,
    MOODY_SLOTS = 1 << 6,
} MoodyPlace;

typedef struct {
    guint sleep_us;
    gboolean instant;
    guint hang, crash, hold; /* MoodyPlace */
    char *gate;              /* path; NULL: none */
    guint32 *starts;         /* shared with the test; NULL: nobody counts */
    gboolean absent;
    guint insertion;
    gboolean events;
    gboolean removable;
    char *pin_tries; /* path; NULL: no counter */
    char *puk_tries;
    gboolean must_change;
    CK_RV login_rv;
    CK_RV set_pin_rv;
    gboolean protected_path;
    char *pad_pin;
    char *pad_new_pin;
    GArray *hidden; /* of CK_MECHANISM_TYPE */
    gboolean always_authenticate;
    char *unknown_type; /* labels of objects; NULL: none */
    char *garbage;
    gboolean wrong_signature;
    gboolean leave_open;
    guint session_limit;
    CK_RV init_rv;
    CK_RV find_rv;
    gboolean find_endless, find_beyond, slots_beyond, slots_twice, mechanisms_beyond,
        same_id;
    char *lie, *lie_label, *token_lie; /* NULL: none */
    CK_ULONG answer_len;               /* 0: as it is */
    CK_RV answer_rv;
    char *log;
} Mood;

/* The mood as the control file says now; constant, never freed. Cheap while the file stays as it
 * is: one stat. */
const Mood *moody_mood(void);

/* What is said of an object that `real` has, where it is not the truth (lie.c). */
gboolean moody_lies(const Mood *mood, CK_FUNCTION_LIST *real, CK_SESSION_HANDLE session,
                    CK_OBJECT_HANDLE object);
CK_RV moody_lie(const Mood *mood, CK_ATTRIBUTE *attributes, CK_ULONG count);
void moody_distort(const Mood *mood, CK_FUNCTION_LIST *real, CK_SESSION_HANDLE session,
                   CK_OBJECT_HANDLE object, CK_ATTRIBUTE *attribute);
/* What is said of a token. */
void moody_lie_of_token(const Mood *mood, CK_TOKEN_INFO *info);
/* ... of the slots (NULL: only their number is asked for) that the real module listed. */
void moody_lie_of_slots(const Mood *mood, CK_SLOT_ID *slots, CK_ULONG *count);

/* Blocks until the control file may have changed. */
void moody_wait_for_change(void);

/* Blocks until there is a byte to take out of the mood's gate; not at all if it has none. */
void moody_pass_gate(const Mood *mood);

/* Counts an operation over data that begins with `mark`. */
void moody_note_start(const Mood *mood, guint8 mark);

/* TRUE if the token lacks that mechanism. */
gboolean moody_hides(const Mood *mood, CK_MECHANISM_TYPE type);
