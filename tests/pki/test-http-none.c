/* The fetcher of a build without libcurl. */
#include "pki/http.h"

#include "base/error.h"

static void
test_fetch(void)
{
    const SealHttpPolicy policy = {.timeout_s = 1};
    const SealFetchRequest request = {.url = "http://127.0.0.1/", .max = 1};
    g_autoptr(SealHttp) http = seal_http_new(&policy);
    const SealFetcher *fetcher = seal_http_fetcher(http);
    g_autoptr(GError) error = NULL;

    g_assert_null(fetcher->fetch(fetcher, &request, &error));
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_NOT_SUPPORTED);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/http/without-libcurl/asks-nobody", test_fetch);
    return g_test_run();
}
