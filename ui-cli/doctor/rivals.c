/* Programs of this user that use smart cards beside the agent. GnuPG's scdaemon takes a card for
 * itself; a browser that loads a PKCS#11 module shares it, but may reset it or leave it logged in.
 *
 * Whoever has PC/SC's library in its memory, is connected to its service, or has a reader's USB
 * device open, is one: all can be read of one's own processes. */
#include "ui-cli/doctor/examine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/pcsc-clients.h"
#include "ui-cli/doctor/usb.h"

/* A browser's has a few. */
#define MAPS_MAX ((gsize)32 * 1024 * 1024)

/* What sets a program up to ask the agent instead, or ends it. */
static const struct {
    const char *name, *command;
} known[] = {
    {"scdaemon", "gpgconf --kill scdaemon"},
    {"firefox", "privyseal setup firefox"},
    {"thunderbird", "privyseal setup thunderbird"},
    {"evolution", "privyseal setup evolution"},
    {"chrom", "privyseal setup evolution"}, /* Chromium and Chrome read the same NSS database */
    {"ssh", "privyseal setup openssh"},
    {"java", "privyseal setup java"},
};

static char *
name_of_process(const char *pid)
{
    g_autofree char *path = g_build_filename("/proc", pid, "comm", NULL);
    char *name = NULL;

    return g_file_get_contents(path, &name, NULL, NULL) ? g_strchomp(name) : NULL;
}

static gboolean
has_library(const char *pid)
{
    g_autofree char *path = g_build_filename("/proc", pid, "maps", NULL);
    g_autoptr(GBytes) maps = seal_file_read(path, MAPS_MAX, NULL);
    gsize len = 0;
    const char *data = maps ? g_bytes_get_data(maps, &len) : NULL;

    return data && memmem(data, len, "/libpcsclite.so", strlen("/libpcsclite.so"));
}

/* Of one of `readers` (element-type SealUsbReader). */
static gboolean
has_reader(const char *pid, const GPtrArray *readers)
{
    g_autofree char *folder = g_build_filename("/proc", pid, "fd", NULL);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *fd = NULL;

    while (dir && (fd = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, fd, NULL);
        g_autofree char *target = g_file_read_link(path, NULL);

        for (guint i = 0; target && i < readers->len; i++) {
            if (g_str_equal(target, ((const SealUsbReader *)readers->pdata[i])->node))
                return TRUE;
        }
    }
    return FALSE;
}

static gboolean
is_connected(const char *pid, const GPtrArray *clients)
{
    for (guint i = 0; i < clients->len; i++)
        if (((const SealPcscClient *)clients->pdata[i])->pid == (pid_t)atoi(pid))
            return TRUE;
    return FALSE;
}

static gboolean
is_own_process(const char *pid)
{
    g_autofree char *path = g_build_filename("/proc", pid, NULL);
    struct stat about;

    return stat(path, &about) == 0 && about.st_uid == getuid() && atoi(pid) != (int)getpid();
}

static gboolean
is_ours_or_the_service(const char *name)
{
    return g_str_has_prefix(name, "privyseal") || g_str_equal(name, "pcscd");
}

/* (transfer full) */
static char *
command_for(const char *name, const char *pid)
{
    for (guint i = 0; i < G_N_ELEMENTS(known); i++) {
        if (g_str_has_prefix(name, known[i].name))
            return g_strdup(known[i].command);
    }
    return g_strdup_printf("kill %s", pid);
}

static const char *
sentence_for(gboolean is_scdaemon, gboolean is_connected)
{
    if (is_scdaemon)
        return "of GnuPG takes a card for itself as soon as it is asked";
    if (is_connected)
        return "is connected to the smart card service now: it may hold a card, or take it from "
               "under "
               "the agent";
    return "uses smart cards by itself, and may take the card from under the agent";
}

static void
examine_process(SealExam *exam, const char *pid, const GPtrArray *readers, const GPtrArray *clients,
                guint *count)
{
    g_autofree char *name = is_own_process(pid) ? name_of_process(pid) : NULL;
    g_autofree char *command = NULL;
    gboolean is_scdaemon = name && g_str_equal(name, "scdaemon");
    gboolean is_client = name && is_connected(pid, clients);

    if (!name || is_ours_or_the_service(name))
        return;
    if (!is_client && !has_library(pid) && !has_reader(pid, readers) && !is_scdaemon)
        return;
    (*count)++;
    command = command_for(name, pid);
    seal_exam_note(exam, "other program", SEAL_HEALTH_WORRY, command, "%s (process %s) %s", name,
                   pid, sentence_for(is_scdaemon, is_client));
}

void
seal_examine_rivals(SealExam *exam)
{
    g_autoptr(GDir) dir = g_dir_open("/proc", 0, NULL);
    g_autoptr(GPtrArray) readers = seal_usb_readers();
    g_autoptr(GPtrArray) clients = seal_pcsc_clients();
    const char *entry = NULL;
    guint count = 0;

    exam->group = "Other programs";
    if (!seal_exam_needs_readers(exam))
        return;
    while (dir && (entry = g_dir_read_name(dir))) {
        if (g_ascii_isdigit(*entry))
            examine_process(exam, entry, readers, clients, &count);
    }
    if (!dir)
        seal_exam_note(exam, "other program", SEAL_HEALTH_UNKNOWN, NULL, "/proc cannot be read");
    else if (count == 0)
        seal_exam_note(exam, "other program", SEAL_HEALTH_GOOD, NULL,
                       "none of yours uses smart cards beside the agent");
}
