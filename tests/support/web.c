/* The web server of tests: another process, since who fetches blocks. */
#include "tests/support/web.h"

#include <string.h>

#include "tests/support/process.h"
#include "tests/support/wait.h"

char *
seal_test_web_start(SealTestHome *home)
{
    g_autofree char *mark = seal_test_home_write(home, "web/started", "");
    g_autofree char *folder = g_path_get_dirname(mark);
    g_autofree char *server = seal_test_source("tests/support/web-server.py");
    g_autofree char *port_file = g_build_filename(folder, "port", NULL);
    const char *const argv[] = {"python3", server, folder, NULL};
    g_autofree char *line = NULL;

    seal_test_start(home, argv, "web.log");
    if (!seal_test_wait_for_text(port_file, "port "))
        g_error("the web server does not start");
    line = seal_test_home_read(home, "web/port");
    return g_strdup_printf("http://127.0.0.1:%s", g_strstrip(line + strlen("port ")));
}

void
seal_test_web_put(SealTestHome *home, const char *name, GBytes *bytes)
{
    g_autofree char *relative = g_build_filename("web", name, NULL);
    g_autofree char *path = seal_test_home_path(home, relative);
    gsize len = 0;
    const char *data = g_bytes_get_data(bytes, &len);

    g_assert_true(g_file_set_contents(path, data, (gssize)len, NULL));
}

guint
seal_test_web_count(SealTestHome *home, const char *text)
{
    g_autofree char *log = seal_test_home_read(home, "web/requests");
    g_auto(GStrv) lines = g_strsplit(log, "\n", -1);
    guint count = 0;

    for (char **line = lines; *line; line++)
        count += strstr(*line, text) != NULL;
    return count;
}
