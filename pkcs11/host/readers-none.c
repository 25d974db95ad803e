/* A build without PC/SC's header: modules are believed. */
#include "pkcs11/host/readers.h"

gboolean
seal_readers_are_dark(void)
{
    return FALSE;
}

SealReaders *
seal_readers_watch(SealHost *host, gboolean dark)
{
    return NULL;
}

guint32
seal_readers_insertion(SealReaders *readers, const char *name)
{
    return 0;
}

void
seal_readers_doubt(SealReaders *readers, const char *name, guint32 insertion)
{
}

void
seal_readers_trust(SealReaders *readers, const char *name, guint32 insertion)
{
}

gboolean
seal_readers_doubts(SealReaders *readers, const char *name, guint32 insertion)
{
    return FALSE;
}

gboolean
seal_readers_reset(SealReaders *readers, const char *name)
{
    return TRUE;
}

gboolean
seal_readers_lost(SealReaders *readers, const char *name, guint32 insertion)
{
    return FALSE;
}

void
seal_readers_look_again(SealReaders *readers)
{
}

gboolean
seal_readers_have_unread(SealReaders *readers, const GPtrArray *slots)
{
    return FALSE;
}
