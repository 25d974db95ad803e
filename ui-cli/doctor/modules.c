/* The PKCS#11 modules: whether the agent could start them, and of which package they are, since
 * what a vendor's module calls its version is seldom what a bug report needs. */
#include "ui-cli/doctor/examine.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/program.h"
#include "base/setting-keys.h"
#include "ui-cli/doctor/apart.h"

/* -- packages --------------------------------------------------------------------------------- */

/* What the program prints; NULL if it fails. (transfer full) */
static char *
ask(const char *const *argv)
{
    g_auto(SealApart) answer = {0};

    seal_apart_run(argv, SEAL_EXAM_PROGRAM_MS, &answer);
    return answer.status == 0 ? g_strstrip(g_steal_pointer(&answer.out)) : NULL;
}

/* "opensc-pkcs11:amd64: /usr/lib/...": up to the last colon before the path. */
static char *
package_by_dpkg(const char *dpkg, const char *path)
{
    const char *const search[] = {dpkg, "--search", path, NULL};
    g_autofree char *found = ask(search);
    char *end = found ? strstr(found, ": /") : NULL;
    const char *show[] = {dpkg, "--show", "--showformat=${Package} ${Version}", NULL, NULL};

    if (!end)
        return NULL;
    *end = '\0';
    show[3] = found;
    return ask(show);
}

/* "opensc-pkcs11 0.23.0-1": the package that `path` is of; NULL if none is known. (transfer full)
 */
static char *
package_of(const char *path)
{
    g_autofree char *dpkg = seal_apart_find("dpkg-query");
    g_autofree char *rpm = dpkg ? NULL : seal_apart_find("rpm");
    char *real = realpath(path, NULL);
    char *package = NULL;

    if (real && dpkg) {
        package = package_by_dpkg(dpkg, real);
    } else if (real && rpm) {
        const char *const argv[] = {rpm,  "-qf", "--qf", "%{NAME} %{VERSION}-%{RELEASE}",
                                    real, NULL};

        package = ask(argv);
    }
    free(real);
    return package;
}

/* -- modules ---------------------------------------------------------------------------------- */

/* Where Debian's common modules come from. */
static const char *
install_command(const char *path)
{
    static const struct {
        const char *part, *command;
    } packages[] = {
        {"opensc", "sudo apt install opensc-pkcs11"},
        {"ykcs11", "sudo apt install ykcs11"},
        {"softhsm", "sudo apt install softhsm2"},
        {"tpm2", "sudo apt install libtpm2-pkcs11-1"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(packages); i++) {
        if (strstr(path, packages[i].part))
            return packages[i].command;
    }
    return "${EDITOR:-nano} ~/.config/privyseal/privyseal.conf";
}

static gboolean
is_running(const SealClientModule *module)
{
    return g_str_equal(module->state, "running");
}

static gboolean
any_runs(const SealClientObjects *objects)
{
    for (guint i = 0; i < objects->modules->len; i++) {
        if (is_running(objects->modules->pdata[i]))
            return TRUE;
    }
    return FALSE;
}

static void
examine_module(SealExam *exam, const SealClientModule *module)
{
    g_autofree char *package = package_of(module->path);

    if (is_running(module)) {
        seal_exam_note(exam, "module", SEAL_HEALTH_GOOD, NULL, "'%s' runs: %s%s%s%s", module->name,
                       module->path, package ? " (" : "", package ? package : "",
                       package ? ")" : "");
    } else if (g_str_equal(module->state, "starting")) {
        seal_exam_note(exam, "module", SEAL_HEALTH_UNKNOWN, "privyseal doctor",
                       "'%s' still starts: it may wait for a reader; look again", module->name);
    } else {
        gboolean missing = access(module->path, R_OK) != 0;

        seal_exam_note(exam, "module",
                       any_runs(exam->objects) ? SEAL_HEALTH_WORRY : SEAL_HEALTH_BAD,
                       missing ? install_command(module->path) : "privyseal list --rescan",
                       "'%s' does not run: %s", module->name,
                       *module->reason ? module->reason : module->state);
    }
}

/* Without the agent only the files can be looked at. */
static void
examine_configured(SealExam *exam, const SealSetting *setting)
{
    const char *name = seal_setting_group_name(setting->group, "module");

    if (access(setting->value, R_OK) == 0)
        seal_exam_note(exam, "module", SEAL_HEALTH_UNKNOWN, NULL,
                       "'%s' is there (%s); only the agent could tell whether it works", name,
                       setting->value);
    else
        seal_exam_note(exam, "module", SEAL_HEALTH_BAD, install_command(setting->value),
                       "'%s' is not there: %s", name, setting->value);
}

static guint
examine_settings(SealExam *exam)
{
    guint count = 0;

    for (guint i = 0; exam->settings && i < exam->settings->len; i++) {
        const SealSetting *setting = exam->settings->pdata[i];

        if (!seal_setting_group_name(setting->group, "module") ||
            g_strcmp0(setting->key, "path") != 0)
            continue;
        count++;
        if (!exam->objects)
            examine_configured(exam, setting);
    }
    return count;
}

/* The other way round: what other programs load to use the agent. */
static void
examine_own(SealExam *exam)
{
    g_autofree char *path = seal_program_module();

    if (access(path, R_OK) == 0)
        seal_exam_note(exam, "own module", SEAL_HEALTH_GOOD, NULL,
                       "programs that load '%s' use the "
                       "agent's keys",
                       path);
    else
        seal_exam_note(exam, "own module", SEAL_HEALTH_WORRY, NULL,
                       "'%s', by which other programs use the agent's keys, is not there: install "
                       "Privy Seal again",
                       path);
}

void
seal_examine_modules(SealExam *exam)
{
    guint configured = 0;

    exam->group = "Modules";
    configured = examine_settings(exam);
    for (guint i = 0; exam->objects && i < exam->objects->modules->len; i++)
        examine_module(exam, exam->objects->modules->pdata[i]);
    if (exam->settings && configured == 0)
        seal_exam_note(exam, "module", SEAL_HEALTH_BAD, "sudo apt install opensc-pkcs11",
                       "no PKCS#11 module is registered with p11-kit or named in privyseal.conf");
    else if (!exam->settings && !exam->objects)
        seal_exam_note(exam, "module", SEAL_HEALTH_UNKNOWN, NULL,
                       "neither configuration nor agent can tell which modules are used");
    examine_own(exam);
}
