/* Whether operations compute or wait: learned by sampling the threads that do them. */
#pragma once

#include <glib.h>

#include "base/fd.h"

/* What the kernel counts of a thread; -1 where it does not. For seal_sample_start() in that thread.
 * `g_auto(SealFd)` closes it. */
SealFd seal_sampling_open(void);

typedef struct {
    gboolean taken;
    gint64 wall_us;
    gint64 awake_us; /* running, or standing in the queue to run */
} SealSample;

/* What was learned so far. Under its owner's lock. */
typedef struct {
    guint samples;
    guint64 seen; /* operations */
    gint64 average_wait_us;
} SealSampling;

/* TRUE if the next operation is to be sampled: the first ones all, then every 16th. */
gboolean seal_sampling_wants(SealSampling *sampling);
/* How long the operation between both waited. */
void seal_sampling_learn(SealSampling *sampling, const SealSample *start, const SealSample *end);
/* TRUE if operations compute, so that more threads than processors gain nothing; FALSE also as long
 * as too little is known. */
gboolean seal_sampling_computes(const SealSampling *sampling);
/* TRUE if they wait; FALSE also as long as too little is known. */
gboolean seal_sampling_waits(const SealSampling *sampling);

/* Reads the clocks of this thread. */
void seal_sample_take(SealFd schedstat, SealSample *ret_sample);
