/* A program's own loop around a client. */
#pragma once

#include "ipc/client/privyseal.h"

/* Polls and processes until `*finished` is at least `count`; fails the test at the deadline. */
void seal_client_test_run_until(SealClient *client, const guint *finished, guint count);
