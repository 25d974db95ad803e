/* The progress line. The program's one thread is blocked in a call of libprivyseal meanwhile, so a
 * second one draws. It touches nothing but stderr and its own struct, and takes no signals: those
 * belong to the main thread, whose read(2) they must interrupt. */
#include "ui-cli/progress.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "ui-cli/terminal.h"

/* Nobody wants to read about what is over in a second. */
#define PATIENCE_US (1 * G_USEC_PER_SEC)
#define STEP_US     (G_USEC_PER_SEC / 10)

struct SealProgress {
    char *text;
    GThread *thread; /* (nullable) */
    GMutex lock;
    GCond ended_changed;
    gboolean ended;
};

static const char *const signs_utf8[] = {"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"};
static const char *const signs_ascii[] = {"|", "/", "-", "\\"};

static void
draw(const SealProgress *progress, guint step)
{
    gboolean utf8 = seal_terminal_is_utf8();
    const char *sign = utf8 ? signs_utf8[step % G_N_ELEMENTS(signs_utf8)]
                            : signs_ascii[step % G_N_ELEMENTS(signs_ascii)];
    guint width = seal_terminal_width(stderr);
    g_autofree char *line =
        g_strdup_printf("%s %s (%u s)", sign, progress->text,
                        (guint)((PATIENCE_US + (gint64)step * STEP_US) / G_USEC_PER_SEC));
    g_autofree char *cut = seal_text_cut(line, width > 1 ? width - 1 : 79);

    fprintf(stderr, "\r\033[K%s", cut);
    fflush(stderr);
}

static gpointer
run(gpointer data)
{
    SealProgress *progress = data;
    gint64 next = g_get_monotonic_time() + PATIENCE_US;
    guint step = 0;

    g_mutex_lock(&progress->lock);
    while (!progress->ended) {
        if (g_cond_wait_until(&progress->ended_changed, &progress->lock, next))
            continue;
        draw(progress, step++);
        next += STEP_US;
    }
    g_mutex_unlock(&progress->lock);
    if (step > 0) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
    }
    return NULL;
}

static GThread *
start_without_signals(SealProgress *progress)
{
    sigset_t all, before;
    GThread *thread = NULL;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread = g_thread_new("progress", run, progress);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return thread;
}

static gboolean
has_display(void)
{
    const char *x11 = g_getenv("DISPLAY");
    const char *wayland = g_getenv("WAYLAND_DISPLAY");

    return (x11 && *x11) || (wayland && *wayland);
}

SealProgress *
seal_progress_start(gboolean may_prompt, const char *format, ...)
{
    SealProgress *progress = NULL;
    g_autofree char *text = NULL;
    const char *terminal = g_getenv("TERM");
    va_list arguments;

    if (!isatty(STDERR_FILENO))
        return NULL;
    va_start(arguments, format);
    text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    progress = g_new0(SealProgress, 1);
    progress->text = seal_text_clean(text);
    g_mutex_init(&progress->lock);
    g_cond_init(&progress->ended_changed);
    if (may_prompt && !has_display())
        fprintf(stderr, "%s\n", progress->text);
    else if (g_strcmp0(terminal, "dumb") != 0)
        progress->thread = start_without_signals(progress);
    return progress;
}

void
seal_progress_end(SealProgress *progress)
{
    if (!progress)
        return;
    if (progress->thread) {
        g_mutex_lock(&progress->lock);
        progress->ended = TRUE;
        g_cond_signal(&progress->ended_changed);
        g_mutex_unlock(&progress->lock);
        g_thread_join(progress->thread);
    }
    g_mutex_clear(&progress->lock);
    g_cond_clear(&progress->ended_changed);
    g_free(progress->text);
    g_free(progress);
}
