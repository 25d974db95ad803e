/* A program's own loop around a client. */
#pragma once

#include "tests/client/client-fixture.h"

/* Polls and processes until `*finished` is at least `count`; fails the test at the deadline. */
void seal_client_test_run_until(SealClientTest *fixture, const guint *finished, guint count);
