/* The deadline of a directory. libldap limits its own steps, but the C library asks name servers
 * for the directory's address, and the Kerberos library its servers, with patience of their own:
 * ten seconds and more for each that is silent. So the asking is done in a thread which is left
 * behind, with copies of all that it needs, when the time is over. */
#include "pki/directory.h"

#include "base/error.h"
#include "pki/directory-ask.h"

#define STEPS 4 /* connecting, TLS, login, search */

/* What thread and caller share; whoever is last frees it. */
typedef struct {
    GMutex lock; /* of what follows it */
    GCond over;
    gboolean is_over;
    gboolean found;
    GPtrArray *preferred, *others; /* (nullable) until it is over */
    GError *error;
    SealDirectory *directory; /* the thread's */
    char *address;            /* the thread's */
} Job;

static void
unref_bytes(gpointer bytes)
{
    g_bytes_unref(bytes);
}

static Job *
job_new(const SealDirectory *directory, const char *address)
{
    Job *job = g_atomic_rc_box_new0(Job);

    g_mutex_init(&job->lock);
    g_cond_init(&job->over);
    job->address = g_strdup(address);
    job->directory = g_memdup2(directory, sizeof *directory);
    job->directory->name = g_strdup(directory->name);
    job->directory->uri = g_strdup(directory->uri);
    job->directory->base = g_strdup(directory->base);
    job->directory->ca_file = g_strdup(directory->ca_file);
    job->directory->sasl = g_strdup(directory->sasl);
    return job;
}

static void
job_clear(gpointer data)
{
    Job *job = data;

    g_mutex_clear(&job->lock);
    g_cond_clear(&job->over);
    g_clear_pointer(&job->preferred, g_ptr_array_unref);
    g_clear_pointer(&job->others, g_ptr_array_unref);
    g_clear_error(&job->error);
    seal_directory_free(job->directory);
    g_free(job->address);
}

static void
job_unref(Job *job)
{
    g_atomic_rc_box_release_full(job, job_clear);
}

static gpointer
run(gpointer data)
{
    Job *job = data;
    g_autoptr(GPtrArray) preferred = g_ptr_array_new_with_free_func(unref_bytes);
    g_autoptr(GPtrArray) others = g_ptr_array_new_with_free_func(unref_bytes);
    g_autoptr(GError) error = NULL;
    gboolean found = seal_directory_ask(job->directory, job->address, preferred, others, &error);

    g_mutex_lock(&job->lock);
    job->preferred = g_steal_pointer(&preferred);
    job->others = g_steal_pointer(&others);
    job->error = g_steal_pointer(&error);
    job->found = found;
    job->is_over = TRUE;
    g_cond_signal(&job->over);
    g_mutex_unlock(&job->lock);
    job_unref(job);
    return NULL;
}

/* Waits until the deadline at most. */
static gboolean
wait_for(Job *job)
{
    gint64 end =
        g_get_monotonic_time() + (gint64)STEPS * job->directory->timeout_s * G_USEC_PER_SEC;
    gboolean is_over = FALSE;

    g_mutex_lock(&job->lock);
    while (!job->is_over && g_cond_wait_until(&job->over, &job->lock, end))
        ;
    is_over = job->is_over;
    g_mutex_unlock(&job->lock);
    return is_over;
}

/* Takes what there is. Only a thread that has nothing more to do is waited for. */
static gboolean
collect(Job *job, GThread *thread, GPtrArray *preferred, GPtrArray *others, GError **error)
{
    const SealDirectory *directory = job->directory;

    if (!wait_for(job)) {
        g_thread_unref(thread);
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_TIMED_OUT,
                    "cannot ask the directory '%s' (%s): its name server or the login did not "
                    "answer in time",
                    directory->name, directory->uri);
        return FALSE;
    }
    g_thread_join(thread);
    g_ptr_array_extend_and_steal(preferred, g_steal_pointer(&job->preferred));
    g_ptr_array_extend_and_steal(others, g_steal_pointer(&job->others));
    if (job->error)
        g_propagate_error(error, g_steal_pointer(&job->error));
    return job->found;
}

gboolean
seal_directory_find(const SealDirectory *directory, const char *address, GPtrArray *preferred,
                    GPtrArray *others, GError **error)
{
    Job *job = job_new(directory, address);
    GThread *thread = NULL;
    gboolean found = FALSE;

    thread = g_thread_try_new("directory", run, g_atomic_rc_box_acquire(job), error);
    if (thread)
        found = collect(job, thread, preferred, others, error);
    else
        job_unref(job); /* the thread's */
    job_unref(job);
    return found;
}
