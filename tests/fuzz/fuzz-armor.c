/* A signature file as `git verify-commit` hands it over: text or DER, then judged over a content.
 */
#include <glib.h>

#include "smime/armor.h"
#include "smime/detached.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GBytes) text = g_bytes_new(data, size);
    g_autoptr(GBytes) content = g_bytes_new_static("hello\n", 6);
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) signature = seal_armor_read(text, &error);
    g_autoptr(SealReport) report = NULL;

    g_assert_true((signature == NULL) == (error != NULL));
    if (!signature)
        return 0;
    g_assert_cmpuint(g_bytes_get_size(signature), <=, size);
    report = seal_detached_judge(content, signature, NULL, SEAL_PURPOSE_SIGN_DATA, 1000000000);
    g_assert_false(report->good); /* nobody is trusted here */
    g_assert_nonnull(report->reason);
    return 0;
}
