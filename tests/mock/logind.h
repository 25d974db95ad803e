/* logind, played on the test's own bus, which becomes the system bus too: sessions that come, lock and
 * go, and a machine that sleeps. It answers while the default main context runs. */
#pragma once

#include <glib.h>
#include <sys/types.h>

typedef struct SealMockLogind SealMockLogind;

/* Takes logind's name on the bus of DBUS_SESSION_BUS_ADDRESS and points DBUS_SYSTEM_BUS_ADDRESS at it.
 * There is no session yet. (transfer full) */
SealMockLogind *seal_mock_logind_new(void);
/* Gives the name up. NULL is allowed. */
void seal_mock_logind_free(SealMockLogind *logind);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealMockLogind, seal_mock_logind_free)

/* Gives the name up and takes it again, as when logind is restarted: inhibitors are forgotten. */
void seal_mock_logind_restart(SealMockLogind *logind);

/* A session comes or goes. `seat`: "seat0", or "" for one over the network. */
void seal_mock_logind_begin(SealMockLogind *logind, const char *id, uid_t uid, const char *seat);
void seal_mock_logind_end(SealMockLogind *logind, const char *id);

/* `loginctl lock-session`; and a desktop that says whether it has locked its screen. */
void seal_mock_logind_lock(SealMockLogind *logind, const char *id);
void seal_mock_logind_hint(SealMockLogind *logind, const char *id, gboolean is_locked);

/* The machine goes to sleep, or is back. */
void seal_mock_logind_sleep(SealMockLogind *logind, gboolean begins);

/* How often it was asked for its sessions; how many inhibitors are held now. */
guint seal_mock_logind_lists(SealMockLogind *logind);
guint seal_mock_logind_inhibitors(SealMockLogind *logind);
