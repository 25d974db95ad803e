/* How often the moody module began to sign, as it happens: a file that module and test share, with
 * a number for each first octet of what is signed. */
#pragma once

#include <glib.h>

#include "tests/support/home.h"

#define SEAL_TEST_MARKS 256u

/* Makes the file in the home, all numbers 0; it is `starts` there, for `starts=` of the mood. The
 * numbers stay mapped until the program ends. */
const guint32 *seal_test_starts_new(SealTestHome *home);
/* The number of one mark now. */
guint32 seal_test_starts(const guint32 *starts, guint8 mark);
