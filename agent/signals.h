/* SIGTERM, SIGINT and SIGHUP as events of the loop. */
#pragma once

#include <glib.h>

#include "base/loop.h"

typedef struct SealSignals SealSignals;
typedef void (*SealSignalsFunc)(int number, gpointer user_data);

/* `func` is called from the loop for each. One at a time in a process. (transfer full) */
SealSignals *seal_signals_new(SealLoop *loop, SealSignalsFunc func, gpointer user_data);
/* Restores the default actions. NULL is allowed. */
void seal_signals_free(SealSignals *signals);
