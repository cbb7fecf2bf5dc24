/*
 * What the tests of the policy engine share: the root of the sources (srcdir, or the first argument, or "."), files
 * read whole, policies loaded with zero faults or the test fails, and tables of facts in tests/policy/NAME.tsv.
 */
#ifndef TESTS_UNIT_POLICY_FIXTURE_H
#define TESTS_UNIT_POLICY_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/instant.h"
#include "base/mem.h"
#include "policy/policy.h"

static const char *fixture_source = ".";

static inline void fixture_root(int argc, char **argv)
{
    const char *srcdir = getenv("srcdir");
    if (argc > 1)
        fixture_source = argv[1];
    else if (srcdir != NULL && *srcdir != '\0')
        fixture_source = srcdir;
}

/* A file below the root; the caller frees the buffer. Ends the test where it cannot be read. */
static inline struct buf fixture_read(const char *name)
{
    struct buf text = BUF_EMPTY;
    char *path = mem_printf("%s/%s", fixture_source, name);
    FILE *file = fopen(path, "rbe");
    if (file == NULL)
        fail_msg("cannot read %s", path);
    for (size_t got = 1; got > 0;) {
        uint8_t *room = buf_room(&text, 65536);
        got = fread(room, 1, 65536, file);
        buf_grown(&text, got);
    }
    fclose(file);
    free(path);
    return text;
}

static inline struct policy *fixture_load(const char *name, const char *text, size_t len, bool with_defaults)
{
    struct conf_faults faults = {0};
    struct buf defaults = with_defaults ? fixture_read("templates/policy/defaults.conf") : BUF_EMPTY;
    struct policy_text own = {name, text, len};
    struct policy_text other = {"defaults.conf", buf_text(&defaults), defaults.len};
    struct policy *policy = policy_load(&own, with_defaults ? &other : NULL, &faults);
    for (size_t i = 0; i < faults.n; i++)
        print_error("%s:%d: %s: %s\n", faults.items[i].file, faults.items[i].line, faults.items[i].rule,
                    faults.items[i].text);
    assert_int_equal(faults.n, 0);
    assert_non_null(policy);
    conf_faults_free(&faults);
    buf_free(&defaults);
    return policy;
}

static inline struct policy *fixture_load_text(const char *text, bool with_defaults)
{
    return fixture_load("t.conf", text, strlen(text), with_defaults);
}

static inline struct policy *fixture_load_file(const char *path, bool with_defaults)
{
    struct buf text = fixture_read(path);
    const char *slash = strrchr(path, '/');
    struct policy *policy = fixture_load(slash != NULL ? slash + 1 : path, buf_text(&text), text.len, with_defaults);
    buf_free(&text);
    return policy;
}

static inline const char *const *fixture_presets(size_t *out_n)
{
    static const char *const presets[] = {
        "cloud-model@2026",   "cloudfoundry@2015",
        "cloudfoundry@2026",  "coreos@2015",
        "distro-model@2026",  "docker@2015",
        "kubernetes@2015",    "kubernetes@2026",
        "libvirt@2026",       "linux-distributions@2015",
        "linux-distros@2026", "linux-kernel-oss-security@2026",
        "linux-kernel@2015",  "linux-kernel@2026",
        "opendaylight@2015",  "openstack@2015",
        "openstack@2026",     "opnfv@2015",
        "ovirt@2015",         "ovirt@2026",
        "qemu@2015",          "qemu@2020",
        "qemu@2026",          "xen@2026",
    };
    *out_n = sizeof(presets) / sizeof(presets[0]);
    return presets;
}

/* "2026-11-22T15:00:00Z", or "-" for INSTANT_NONE. */
static inline int64_t fixture_instant(const char *text)
{
    int64_t at;
    if (strcmp(text, "-") == 0)
        return INSTANT_NONE;
    if (!instant_parse(text, &at))
        fail_msg("not an instant: %s", text);
    return at;
}

/*
 * Calls row for each line of a table but comments (#) and empty lines, with its tab-separated fields ("" beyond the
 * last). The fields may be written into.
 */
#define FIXTURE_FIELDS 16
static inline void fixture_table(const char *name, void (*row)(int line, char **fields, void *context), void *context)
{
    struct buf text = fixture_read(name);
    char *copy = buf_take(&text), *next = copy;
    for (int line = 1; next != NULL && *next != '\0'; line++) {
        char *fields[FIXTURE_FIELDS];
        char *this = strsep(&next, "\n");
        if (*this == '\0' || *this == '#')
            continue;
        for (size_t i = 0; i < FIXTURE_FIELDS; i++) {
            char *field = this != NULL ? strsep(&this, "\t") : NULL;
            fields[i] = field != NULL ? field : strchr(copy, '\0');
        }
        row(line, fields, context);
    }
    free(copy);
    buf_free(&text);
}

#endif
