/* A module under test with a fake host (fake-host.c), and requests to it. */
#pragma once

#include "pkcs11/token/module.h"
#include "tests/support/home.h"

typedef struct {
    SealTestHome *home;
    char *journal; /* the "module": its host notes its starts there */
    SealLoop *loop;
    SealModule *module;
    const char *wanted; /* (nullable) label of the token that is kept */
    SealToken *token;   /* the last of them that appeared */
    GString *events;
    guint n_lane_uses, n_lanes_closed;
    SealLaneRecord lane_use; /* the last one */
    SealLaneEnd lane_end;
} Fixture;

typedef struct {
    guint calls;
    SealErrorCode status;
    uint32_t ckr;
    char *message;
    char *body;
} Answer;

/* For g_test_add(). Tear-down checks that no process is left. */
void set_up(Fixture *fixture, gconstpointer data);
void tear_down(Fixture *fixture, gconstpointer data);

/* Starts a module whose host has this mood; zeroes in `config` become values that never hurt. */
void start_with(Fixture *fixture, const char *mood, SealModuleConfig config);
/* The same, and waits until it does not start any more. */
void start(Fixture *fixture, const char *mood);

/* For seal_test_wait_until(); `data` is the Fixture. */
gboolean is_settled(gpointer data);
gboolean is_running(gpointer data);
gboolean is_unusable(gpointer data);

/* Hosts that were started so far; descriptors that this process has. */
guint count_starts(Fixture *fixture);
guint count_descriptors(void);

/* A SealReplyFunc that fills an Answer. */
void on_answer(const SealReply *reply, gpointer user_data);
void answer_clear(Answer *answer);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Answer, answer_clear)
/* Waits for the answer; there must be just one. */
void wait_for(Answer *answer);

/* Signs `data`: the fake host does what it says. Returns the request. */
guint64 ask(Fixture *fixture, const char *data, Answer *answer);
void ask_and_wait(Fixture *fixture, const char *data, Answer *answer);

/* After any mishap: the host is another one, the token is there again, and works. */
void expect_recovery(Fixture *fixture);

#define ADD(path, function, data)                                                                  \
    g_test_add("/module/" path, Fixture, data, set_up, function, tear_down)
