/* Who asks: the program at the other end of a connection, as far as the kernel and the bus tell it.
 * Facts are collected once per peer and kept. Same-user programs can lie about their executable by
 * starting another one: docs/threat-model.md says what the facts are worth. */
#pragma once

#include <glib.h>
#include <sys/types.h>

/* The Flatpak id of a peer that is in a sandbox, or could be, and does not say in which. */
#define SEAL_CALLER_UNKNOWN "unknown"

typedef struct {
    gatomicrefcount references;
    uid_t uid;
    pid_t pid;          /* 0 if unknown */
    int pidfd;          /* -1 if none; keeps the pid from being reused while we look */
    char *executable;   /* absolute path from /proc/PID/exe; "" if it cannot be read */
    char *name;         /* for people: the executable's base name, or the Flatpak id */
    char *unit;         /* systemd user or system unit from the cgroup; "" if none */
    char *flatpak_id;   /* "" if not sandboxed; SEAL_CALLER_UNKNOWN also if that cannot be told */
    gboolean is_private; /* came over the private socket */
    char **environment; /* (nullable) "NAME=VALUE" that the client handed over for prompts */
} SealCaller;

/* Looks up what /proc says about `pid` (short reads of procfs, nothing that can hang).
 * (transfer full), never NULL: facts that cannot be had are empty, and the peer counts as sandboxed. */
SealCaller *seal_caller_new(uid_t uid, pid_t pid, gboolean is_private);
SealCaller *seal_caller_ref(SealCaller *caller);
void seal_caller_unref(SealCaller *caller);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealCaller, seal_caller_unref)

/* Keeps those of `environment` (a NULL-terminated list of "NAME=VALUE"; NULL is an empty one, which is
 * how sd-bus reads an empty array) that a prompter needs:
 * DISPLAY, WAYLAND_DISPLAY, XAUTHORITY, TERM, GPG_TTY, LANG, LC_*, XDG_SESSION_TYPE,
 * DBUS_SESSION_BUS_ADDRESS, PINENTRY_USER_DATA, INSIDE_EMACS; each at most 4 KiB, 64 at most. GPG_TTY
 * must be a terminal below /dev that belongs to `caller->uid`. Others are dropped silently. */
void seal_caller_set_environment(SealCaller *caller, const char *const *environment);
/* "thunderbird (pid 4711)" for prompts and logs; (transfer full). */
char *seal_caller_describe(const SealCaller *caller);
