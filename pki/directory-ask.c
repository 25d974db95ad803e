/* One search in one directory, by libldap's blocking calls, each with a time limit.
 *
 * What the user's ldap.conf says of certificates and limits does not count: the server must show a
 * certificate that its CA issued for its name, by ldaps or StartTLS, before it hears whom somebody
 * writes to. Referrals are not followed, so nobody else hears it. */
#include "pki/directory-ask.h"

#include <ldap.h>
#include <sasl/sasl.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>

#include "base/error.h"
#include "config.h"
#include "pki/directory-parts.h"

/* -- errors ----------------------------------------------------------------------------------- */

static const struct {
    int code;
    SealErrorCode error;
    const char *advice; /* (nullable) after the message of libldap */
} meanings[] = {
    {LDAP_SERVER_DOWN, SEAL_ERROR_UNREACHABLE, "is it running, and is its address right?"},
    {LDAP_CONNECT_ERROR, SEAL_ERROR_NOT_PERMITTED,
     "its certificate must be for this name and of a CA in ca-file"},
    {LDAP_TIMEOUT, SEAL_ERROR_TIMED_OUT, NULL},
    {LDAP_TIMELIMIT_EXCEEDED, SEAL_ERROR_TIMED_OUT, NULL},
    {LDAP_SIZELIMIT_EXCEEDED, SEAL_ERROR_LIMIT_EXCEEDED, "more entries than are looked at have it"},
    {LDAP_ADMINLIMIT_EXCEEDED, SEAL_ERROR_LIMIT_EXCEEDED, NULL},
    {LDAP_INAPPROPRIATE_AUTH, SEAL_ERROR_NOT_PERMITTED, "set sasl to how one logs in there"},
    {LDAP_INSUFFICIENT_ACCESS, SEAL_ERROR_NOT_PERMITTED, "set sasl to how one logs in there"},
    {LDAP_STRONG_AUTH_REQUIRED, SEAL_ERROR_NOT_PERMITTED, "set sasl to how one logs in there"},
    {LDAP_OPERATIONS_ERROR, SEAL_ERROR_NOT_PERMITTED, "set sasl to how one logs in there"},
};

#define DETAIL_MAX 200 /* bytes of what a server says, which may be as long as it likes */

static gboolean
fail(const SealDirectory *directory, LDAP *ldap, int code, GError **error)
{
    char *said = NULL;
    g_autofree char *detail = NULL;
    SealErrorCode kind = SEAL_ERROR_FAILED;
    const char *advice = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(meanings); i++) {
        if (meanings[i].code == code) {
            kind = meanings[i].error;
            advice = meanings[i].advice;
        }
    }
    if (ldap)
        ldap_get_option(ldap, LDAP_OPT_DIAGNOSTIC_MESSAGE, &said);
    detail = said && *said ? g_strdup_printf(", %.*s", DETAIL_MAX, said) : g_strdup("");
    g_set_error(error, SEAL_ERROR, (gint)kind, "cannot ask the directory '%s' (%s): %s%s%s%s",
                directory->name, directory->uri, ldap_err2string(code), detail, advice ? ": " : "",
                advice ? advice : "");
    ldap_memfree(said);
    return FALSE;
}

/* -- connecting ------------------------------------------------------------------------------- */

static gboolean
has_scheme(const SealDirectory *directory, const char *scheme)
{
    return g_ascii_strncasecmp(directory->uri, scheme, strlen(scheme)) == 0;
}

static int
set_options(const SealDirectory *directory, LDAP *ldap)
{
    const struct timeval timeout = {.tv_sec = (time_t)directory->timeout_s};
    const int version = LDAP_VERSION3;
    const int limit = SEAL_DIRECTORY_ENTRIES_MAX;
    const int seconds = (int)directory->timeout_s;
    const int check = LDAP_OPT_X_TLS_DEMAND;
    const int oldest = LDAP_OPT_X_TLS_PROTOCOL_TLS1_2;
    const char *ca_file = directory->ca_file ? directory->ca_file : SEAL_SYSTEM_BUNDLE;
    const int client = 0;
    const struct {
        int option;
        const void *value;
    } options[] = {
        {LDAP_OPT_PROTOCOL_VERSION, &version},
        {LDAP_OPT_NETWORK_TIMEOUT, &timeout},
        {LDAP_OPT_TIMEOUT, &timeout},
        {LDAP_OPT_TIMELIMIT, &seconds},
        {LDAP_OPT_SIZELIMIT, &limit},
        {LDAP_OPT_REFERRALS, LDAP_OPT_OFF},
        {LDAP_OPT_X_TLS_REQUIRE_CERT, &check},
        {LDAP_OPT_X_TLS_PROTOCOL_MIN, &oldest},
        {LDAP_OPT_X_TLS_CACERTFILE, ca_file},
        {LDAP_OPT_X_TLS_NEWCTX, &client}, /* last: it takes the other TLS options into use */
    };
    int code = LDAP_SUCCESS;

    for (gsize i = 0; code == LDAP_SUCCESS && i < G_N_ELEMENTS(options); i++)
        code = ldap_set_option(ldap, options[i].option, options[i].value);
    return code;
}

/* What a mechanism asks for is left at its default: the ticket, or the process itself. */
static int
answer_defaults(LDAP *ldap, unsigned flags, void *defaults, void *questions)
{
    for (sasl_interact_t *question = questions; question->id != SASL_CB_LIST_END; question++) {
        question->result = question->defresult ? question->defresult : "";
        question->len = (unsigned)strlen(question->result);
    }
    return LDAP_SUCCESS;
}

static int
bind_as(const SealDirectory *directory, LDAP *ldap)
{
    struct berval nobody = {0};

    if (directory->sasl)
        return ldap_sasl_interactive_bind_s(ldap, NULL, directory->sasl, NULL, NULL,
                                            LDAP_SASL_QUIET, answer_defaults, NULL);
    return ldap_sasl_bind_s(ldap, NULL, LDAP_SASL_SIMPLE, &nobody, NULL, NULL, NULL);
}

/* From the first on: what comes before TLS may be anybody's. */
static void
limit_answers(LDAP *ldap)
{
    Sockbuf *buffer = NULL;
    ber_len_t max = SEAL_DIRECTORY_BYTES_MAX;

    if (ldap_get_option(ldap, LDAP_OPT_SOCKBUF, &buffer) == LDAP_SUCCESS && buffer)
        ber_sockbuf_ctrl(buffer, LBER_SB_OPT_SET_MAX_INCOMING, &max);
}

static gboolean
connect_to(const SealDirectory *directory, LDAP *ldap, GError **error)
{
    int code = set_options(directory, ldap);

    if (code != LDAP_SUCCESS)
        return fail(directory, NULL, LDAP_CONNECT_ERROR, error);
    limit_answers(ldap);
    if (has_scheme(directory, "ldap://") && !directory->in_clear) {
        code = ldap_start_tls_s(ldap, NULL, NULL);
        if (code != LDAP_SUCCESS)
            return fail(directory, ldap, code, error);
    }
    code = bind_as(directory, ldap);
    return code == LDAP_SUCCESS || fail(directory, ldap, code, error);
}

/* -- searching -------------------------------------------------------------------------------- */

/* Entries, references to other servers (Active Directory gives three) and the end. */
#define MESSAGES_MAX (SEAL_DIRECTORY_ENTRIES_MAX + 11)

static gboolean
is_attribute(const char *name, const char *wanted)
{
    gsize len = strlen(wanted);

    return g_ascii_strncasecmp(name, wanted, len) == 0 && (name[len] == '\0' || name[len] == ';');
}

static void
take_values(LDAP *ldap, LDAPMessage *entry, const char *attribute, GPtrArray *certificates)
{
    struct berval **values = ldap_get_values_len(ldap, entry, attribute);

    for (struct berval **value = values; value && *value; value++)
        seal_directory_value_read((*value)->bv_val, (*value)->bv_len, certificates);
    ldap_value_free_len(values);
}

static void
take_entry(LDAP *ldap, LDAPMessage *entry, GPtrArray *preferred, GPtrArray *others)
{
    BerElement *state = NULL;
    char *attribute = NULL;

    for (attribute = ldap_first_attribute(ldap, entry, &state); attribute;
         attribute = ldap_next_attribute(ldap, entry, state)) {
        if (is_attribute(attribute, "userSMIMECertificate"))
            take_values(ldap, entry, attribute, preferred);
        else if (is_attribute(attribute, "userCertificate"))
            take_values(ldap, entry, attribute, others);
        ldap_memfree(attribute);
    }
    ber_free(state, 0);
}

/* Takes one message of the answer. TRUE if it was the last: *ret_code is set then. */
static gboolean
take_message(LDAP *ldap, LDAPMessage *message, GPtrArray *preferred, GPtrArray *others,
             int *ret_code)
{
    int problem = LDAP_SUCCESS;
    int code = LDAP_SUCCESS;

    if (ldap_msgtype(message) == LDAP_RES_SEARCH_ENTRY)
        take_entry(ldap, message, preferred, others);
    if (ldap_msgtype(message) != LDAP_RES_SEARCH_RESULT)
        return FALSE;
    problem = ldap_parse_result(ldap, message, &code, NULL, NULL, NULL, NULL, 0);
    *ret_code = problem == LDAP_SUCCESS ? code : problem;
    return TRUE;
}

/* One message after the other, so that a server that forgets its limits meets ours. */
static int
take_answer(const SealDirectory *directory, LDAP *ldap, int id, GPtrArray *preferred,
            GPtrArray *others)
{
    gint64 end = g_get_monotonic_time() + directory->timeout_s * G_USEC_PER_SEC;
    gboolean complete = FALSE;
    int code = LDAP_SIZELIMIT_EXCEEDED;

    for (guint i = 0; !complete && i < MESSAGES_MAX; i++) {
        gint64 left_us = MAX(end - g_get_monotonic_time(), 0);
        struct timeval left = {.tv_sec = left_us / G_USEC_PER_SEC,
                               .tv_usec = left_us % G_USEC_PER_SEC};
        LDAPMessage *message = NULL;
        int type = ldap_result(ldap, id, LDAP_MSG_ONE, &left, &message);

        if (type == 0)
            return LDAP_TIMEOUT;
        if (type < 0) {
            ldap_get_option(ldap, LDAP_OPT_RESULT_CODE, &code);
            return code;
        }
        complete = take_message(ldap, message, preferred, others, &code);
        ldap_msgfree(message);
    }
    return code;
}

static gboolean
search(const SealDirectory *directory, LDAP *ldap, const char *address, GPtrArray *preferred,
       GPtrArray *others, GError **error)
{
    static const char *const attributes[] = {"userSMIMECertificate", "userCertificate;binary",
                                             "userCertificate", NULL};
    g_autofree char *filter = seal_directory_filter(address);
    int id = 0;
    int code =
        ldap_search_ext(ldap, directory->base, LDAP_SCOPE_SUBTREE, filter, (char **)attributes, 0,
                        NULL, NULL, NULL, SEAL_DIRECTORY_ENTRIES_MAX, &id);

    if (code == LDAP_SUCCESS)
        code = take_answer(directory, ldap, id, preferred, others);
    return code == LDAP_SUCCESS || code == LDAP_NO_SUCH_OBJECT ||
           fail(directory, ldap, code, error);
}

gboolean
seal_directory_ask(const SealDirectory *directory, const char *address, GPtrArray *preferred,
                   GPtrArray *others, GError **error)
{
    sigset_t pipe;
    LDAP *ldap = NULL;
    int code = ldap_initialize(&ldap, directory->uri);
    gboolean found = FALSE;

    if (code != LDAP_SUCCESS)
        return fail(directory, NULL, code, error);
    /* libldap writes with write(2): a server that hangs up would end this program. */
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, NULL);
    found = connect_to(directory, ldap, error) &&
            search(directory, ldap, address, preferred, others, error);
    ldap_unbind_ext_s(ldap, NULL, NULL);
    return found;
}
