/* A client of libprivyseal and the agent with moods (fake-agent.c) it talks to. */
#pragma once

#include <glib.h>

#include "ipc/client/privyseal.h"
#include "ipc/names.h"
#include "tests/support/home.h"

/* A key of the fake agent that behaves as its name says. */
#define KEY(mood) SEAL_KEY_PREFIX "/" mood

typedef struct {
    SealTestHome *home;
    SealClient *client;
} SealClientTest;

/* For g_test_add(). `data`: (nullable) a variable that is set to 1 for the agent. */
void seal_client_test_set_up(SealClientTest *fixture, gconstpointer data);
/* Without a client. */
void seal_client_test_set_up_unconnected(SealClientTest *fixture, gconstpointer data);
void seal_client_test_tear_down(SealClientTest *fixture, gconstpointer data);

/* Waits until the agent has noted `text`; how often it noted exactly `line`. */
void seal_client_test_await_note(SealClientTest *fixture, const char *text);
guint seal_client_test_count_notes(SealClientTest *fixture, const char *line);

/* Has "digest" signed by `key`, blocking. */
GBytes *seal_client_test_sign(SealClientTest *fixture, const char *key, GError **error);
/* Has it signed by the echo, which must work. */
void seal_client_test_assert_echo(SealClientTest *fixture);
