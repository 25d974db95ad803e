/* Dates for people: the day is enough, in UTC as the certificate has it. */
#include "ui-cli/validity.h"

#define SECONDS_PER_DAY 86400
/* A certificate that ends within this time is shown in yellow. */
#define WARN_DAYS 30

char *
seal_date_text(gint64 seconds)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(seconds);

    return time ? g_date_time_format(time, "%Y-%m-%d") : g_strdup("?");
}

char *
seal_validity_text(gint64 from, gint64 until)
{
    gint64 now = g_get_real_time() / G_USEC_PER_SEC;
    g_autofree char *date = seal_date_text(now < from ? from : until);

    if (now < from)
        return g_strdup_printf("not before %s", date);
    if (now > until)
        return g_strdup_printf("expired %s", date);
    return g_steal_pointer(&date);
}

SealColour
seal_validity_colour(gint64 from, gint64 until)
{
    gint64 now = g_get_real_time() / G_USEC_PER_SEC;

    if (now < from || now > until)
        return SEAL_COLOUR_RED;
    if (now > until - (gint64)WARN_DAYS * SECONDS_PER_DAY)
        return SEAL_COLOUR_YELLOW;
    return SEAL_COLOUR_NONE;
}
