/* One question to DNS, by libunbound, which checks the signatures itself: the name server, and the
 * way to it, are not believed. What is not signed up to an anchor is refused, not just passed over,
 * so that nobody can make it look as if the domain had signed nothing.
 *
 * libunbound resolves in a thread of its own: only so can the deadline be ours. It shares nothing
 * with us but the context, which ends it. */
#include "pki/secure-dns.h"

#include <poll.h>
#include <unbound.h>
#include <unistd.h>

#include "base/error.h"
#include "config.h"

#define CLASS_IN        1
#define PER_MILLISECOND 1000

typedef struct {
    gboolean is_there;
    int code;                 /* libunbound's error; 0: none */
    struct ub_result *result; /* (nullable) */
} Answer;

static void
on_answer(void *data, int code, struct ub_result *result)
{
    Answer *answer = data;

    *answer = (Answer){.is_there = TRUE, .code = code, .result = result};
}

static gboolean
fail(const char *name, SealErrorCode kind, const char *reason, GError **error)
{
    g_set_error(error, SEAL_ERROR, (gint)kind, "cannot ask DNS for '%s': %s", name, reason);
    return FALSE;
}

/* -- preparing -------------------------------------------------------------------------------- */

static gboolean
add_anchors(struct ub_ctx *context, const char *file, GError **error)
{
    int code = 0;

    if (access(file, R_OK) != 0) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_FOUND,
                    "cannot check DNSSEC: there is no file '%s' with the keys to believe, install "
                    "dns-root-data or set trust-anchor in [dns]",
                    file);
        return FALSE;
    }
    code = ub_ctx_add_ta_file(context, file);
    if (code == 0)
        return TRUE;
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                "cannot check DNSSEC with the keys in '%s': %s", file, ub_strerror(code));
    return FALSE;
}

static gboolean
prepare(const SealSecureDns *dns, struct ub_ctx *context, GError **error)
{
    const char *file = dns->anchor_file ? dns->anchor_file : SEAL_DNS_ROOT_KEY;
    int code = 0;

    ub_ctx_debugout(context, NULL);
    if (!add_anchors(context, file, error))
        return FALSE;
    /* A resolver on this machine is the usual one. */
    code = ub_ctx_set_option(context, "do-not-query-localhost:", "no");
    if (code == 0)
        code =
            dns->server ? ub_ctx_set_fwd(context, dns->server) : ub_ctx_resolvconf(context, NULL);
    if (code == 0)
        code = ub_ctx_async(context, TRUE);
    if (code == 0)
        return TRUE;
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_FAILED, "cannot use the name server %s: %s",
                dns->server ? dns->server : "of /etc/resolv.conf", ub_strerror(code));
    return FALSE;
}

/* -- asking ----------------------------------------------------------------------------------- */

/* FALSE if the time is over first. */
static gboolean
wait_for(struct ub_ctx *context, const Answer *answer, guint timeout_s)
{
    gint64 end = g_get_monotonic_time() + timeout_s * G_USEC_PER_SEC;

    while (!answer->is_there) {
        struct pollfd ready = {.fd = ub_fd(context), .events = POLLIN};
        gint64 left_us = end - g_get_monotonic_time();

        if (left_us <= 0)
            return FALSE;
        if (poll(&ready, 1, (int)(left_us / PER_MILLISECOND) + 1) > 0 && ub_process(context) != 0)
            return FALSE;
    }
    return TRUE;
}

static gboolean
take_records(const char *name, const struct ub_result *result, GPtrArray *records, GError **error)
{
    if (result->bogus) {
        g_autofree char *reason =
            g_strdup_printf("its signatures are wrong (DNSSEC): %s",
                            result->why_bogus ? result->why_bogus : "no reason is given");

        return fail(name, SEAL_ERROR_NOT_PERMITTED, reason, error);
    }
    if (result->havedata && !result->secure)
        return fail(name, SEAL_ERROR_NOT_PERMITTED,
                    "its domain does not sign what it says (DNSSEC), so anybody could have said it",
                    error);
    if (!result->havedata && result->rcode != 0 && !result->nxdomain)
        return fail(name, SEAL_ERROR_UNREACHABLE, "the name server does not answer, or fails",
                    error);
    for (guint i = 0; result->havedata && result->data[i] && i < SEAL_SECURE_DNS_RECORDS_MAX; i++)
        g_ptr_array_add(records, g_bytes_new(result->data[i], (gsize)result->len[i]));
    return TRUE;
}

static gboolean
ask(const SealSecureDns *dns, struct ub_ctx *context, const char *name, int type, Answer *answer,
    GError **error)
{
    int id = 0;
    int code = ub_resolve_async(context, name, type, CLASS_IN, answer, on_answer, &id);

    if (code != 0)
        return fail(name, SEAL_ERROR_FAILED, ub_strerror(code), error);
    if (!wait_for(context, answer, dns->timeout_s)) {
        ub_cancel(context, id);
        return fail(name, SEAL_ERROR_TIMED_OUT, "there was no answer in time", error);
    }
    if (answer->code != 0 || !answer->result)
        return fail(name, SEAL_ERROR_FAILED, ub_strerror(answer->code), error);
    return TRUE;
}

gboolean
seal_secure_dns_find(const SealSecureDns *dns, const char *name, int type, GPtrArray *records,
                     GError **error)
{
    struct ub_ctx *context = ub_ctx_create();
    Answer answer = {0};
    gboolean well = FALSE;

    if (!context)
        return fail(name, SEAL_ERROR_FAILED, "libunbound does not start", error);
    well = prepare(dns, context, error) && ask(dns, context, name, type, &answer, error) &&
           take_records(name, answer.result, records, error);
    ub_resolve_free(answer.result);
    ub_ctx_delete(context);
    return well;
}
