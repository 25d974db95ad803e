/* A stock D-Bus client (GDBus) of the agent, for tests. */
#pragma once

#include <gio/gio.h>

#include "base/error.h"
#include "tests/support/home.h"

/* A connection of its own to the test's bus, or to the agent's private socket (starting the agent).
 * (transfer full) */
GDBusConnection *seal_test_shared(void);
GDBusConnection *seal_test_private(void);

/* Path of the private socket of the home's agent (transfer full). */
char *seal_test_socket_path(SealTestHome *home);

/* Calls a method of the agent, `interactive` by header flag. NULL with `error` (remote errors keep
 * their D-Bus names: seal_test_assert_error()). A floating `arguments` is taken. */
GVariant *seal_test_call(GDBusConnection *connection, const char *path, const char *interface,
                         const char *method, GVariant *arguments, gboolean interactive,
                         GError **error);

/* A property of an object (transfer full). */
GVariant *seal_test_property(GDBusConnection *connection, const char *path, const char *interface,
                             const char *name);

/* The object path of the key or token with this label (transfer full). */
char *seal_test_key(GDBusConnection *connection, const char *label);
char *seal_test_token(GDBusConnection *connection, const char *label);

/* Unlocks the token with this object path; aborts if it cannot. */
void seal_test_unlock(GDBusConnection *connection, const char *token);
/* Whether its State is `state`. */
gboolean seal_test_token_is(GDBusConnection *connection, const char *token, const char *state);

/* Asserts that `error` is the agent's `code` and its text contains `words`; then frees it. */
void seal_test_assert_error(GError *error, SealErrorCode code, const char *words);

/* Byte arrays in and out of variants. */
GVariant *seal_test_bytes(const void *data, gsize len);
GBytes *seal_test_take_bytes(GVariant *answer);

/* Key.Sign with `hash` (nullable), interactively; NULL with `error`. */
GBytes *seal_test_sign(GDBusConnection *connection, const char *key, const char *mechanism,
                       const char *hash, const void *data, gsize len, GError **error);
