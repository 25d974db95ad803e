/* What fuzz-module.c makes of its input: handles, buffers, mechanisms, templates. */
#pragma once

#include "pkcs11/module/cryptoki.h"

#include <glib.h>
#include <stdint.h>

/* So many objects of the token are known to a run. */
#define FUZZ_OBJECTS 40

typedef struct {
    const uint8_t *at;
    size_t left;
    CK_FUNCTION_LIST *calls;
    SealFunctions3 *appended;
    CK_SESSION_HANDLE session;              /* the last that was opened */
    CK_OBJECT_HANDLE objects[FUZZ_OBJECTS]; /* of the token */
    guint n_objects;
    CK_OBJECT_HANDLE derived; /* the last that was derived or unwrapped */
    gboolean is_lost;         /* the agent */
} Fuzz;

/* The next byte, 0 after the last. */
guint fuzz_next(Fuzz *fuzz);
/* `pointer`, or NULL now and then. */
void *fuzz_maybe(Fuzz *fuzz, void *pointer);
/* Mostly one that is valid. */
CK_SESSION_HANDLE fuzz_session(Fuzz *fuzz);
CK_OBJECT_HANDLE fuzz_object(Fuzz *fuzz);
CK_SLOT_ID fuzz_slot(Fuzz *fuzz);

/* Bytes of the input, or what module-scene.h prepared, in a buffer of exactly that length; or NULL
 * and a length. */
typedef struct {
    CK_BYTE *data;
    CK_ULONG len;
} FuzzBytes;

FuzzBytes fuzz_bytes(Fuzz *fuzz);
void fuzz_bytes_clear(FuzzBytes *bytes);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(FuzzBytes, fuzz_bytes_clear)

/* Room for exactly the number of elements that is told, or NULL; where to tell it, or NULL. */
typedef struct {
    void *data;
    CK_ULONG len;
    CK_ULONG *ret_len;
} FuzzRoom;

void fuzz_room(Fuzz *fuzz, gsize element, FuzzRoom *room);
void fuzz_room_clear(FuzzRoom *room);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(FuzzRoom, fuzz_room_clear)

/* A mechanism with parameters that are its own or another's; `choice` is it or NULL. */
typedef struct {
    CK_MECHANISM *choice;
    CK_MECHANISM mechanism;
    FuzzBytes first, second;
} FuzzScheme;

void fuzz_scheme(Fuzz *fuzz, FuzzScheme *scheme);
void fuzz_scheme_clear(FuzzScheme *scheme);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(FuzzScheme, fuzz_scheme_clear)

#define FUZZ_TEMPLATE_MAX 5

typedef struct {
    CK_ATTRIBUTE *choice; /* `list` or NULL */
    CK_ATTRIBUTE list[FUZZ_TEMPLATE_MAX];
    CK_ULONG count;
} FuzzTemplate;

void fuzz_template(Fuzz *fuzz, FuzzTemplate *template);
void fuzz_template_clear(FuzzTemplate *template);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(FuzzTemplate, fuzz_template_clear)
