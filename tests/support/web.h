/* A web server on 127.0.0.1, for revocation lists, OCSP and issuers' certificates. */
#pragma once

#include <glib.h>

#include "tests/support/home.h"

/* Starts tests/support/web-server.py, which says what it serves, over the folder web/ of the home;
 * it ends with the home. Returns "http://127.0.0.1:PORT" (transfer full). */
char *seal_test_web_start(SealTestHome *home);

/* Puts a file there. */
void seal_test_web_put(SealTestHome *home, const char *name, GBytes *bytes);

/* How many requests came whose line, "METHOD PATH USER-AGENT", has `text` in it. */
guint seal_test_web_count(SealTestHome *home, const char *text);
