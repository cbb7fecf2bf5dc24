/*
 * Configuration texts in libconfig's syntax, checked against a schema. The only user of libconfig.
 *
 * A text is handed in whole (nothing is read from disk here). It is scanned first, because libconfig 1.5 wraps
 * integers beyond 31 bits in silence, follows @include, accepts a comment that never ends, and stops at the first
 * duplicate key; then parsed, then walked against a static table of keys. All faults are collected, each with file,
 * line, a rule and words that name the remedy; after a fault of syntax only what the scan saw can be listed.
 *
 * Limits: CONF_BYTES_MAX bytes, CONF_DEPTH_MAX levels of nesting, CONF_KEYS_MAX keys in a group. Strings hold no
 * control characters. Rules: conf.too-large conf.nul conf.include conf.number conf.comment conf.string conf.depth
 * conf.too-many-keys conf.duplicate conf.escape conf.syntax conf.unknown-key conf.type conf.word conf.range
 * conf.control conf.missing.
 *
 * Order of calls: conf_parse, conf_root and the getters, conf_free. Nodes and strings are borrowed from the conf and
 * live as long as it. A getter never faults: it gives the fallback where the key is absent or of another type, since
 * the schema has named that already.
 */
#ifndef CODEC_CONF_H
#define CODEC_CONF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define CONF_BYTES_MAX  ((size_t)1 << 20)
#define CONF_DEPTH_MAX  16
#define CONF_KEYS_MAX   256
#define CONF_FAULTS_MAX 200 /* one more says that there are others */

/* What a key may hold; the bits add up. */
enum conf_type {
    CONF_STRING = 1,
    CONF_INT = 2,
    CONF_BOOL = 4,
    CONF_GROUP = 8,    /* { } with the keys of `keys` */
    CONF_GROUPS = 16,  /* ( {…}, {…} ) with the keys of `keys` each; may be empty */
    CONF_STRINGS = 32, /* [ "a", "b" ] or ( "a", "b" ); may be empty */
    CONF_INTS = 64
};

/* One known key. Tables end with an entry whose name is NULL; a name "*" matches any key (last in its table). */
struct conf_key {
    const char *name;
    unsigned types;
    const struct conf_key *keys; /* of CONF_GROUP and CONF_GROUPS */
    const char *const *words;    /* allowed strings and elements, ended by NULL; NULL: any */
    int min, max;                /* of integers; both 0: any */
    bool required;
    int kind;      /* for the caller's use */
    size_t offset; /* for the caller's use */
};

struct conf_schema {
    const struct conf_key *keys;
    const char *const *everywhere; /* strings allowed in place of any value, ended by NULL; may be NULL */
};

struct conf_fault {
    char rule[DIAG_RULE_MAX];
    char file[256];
    int line; /* from 1; 0 where it concerns the whole text */
    char text[DIAG_TEXT_MAX];
};

/* Owned by whoever declares it ({0} to begin with) and freed by conf_faults_free. */
struct conf_faults {
    struct conf_fault *items;
    size_t n;
};

void conf_fault_add(struct conf_faults *faults, const char *file, int line, const char *rule, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
void conf_faults_sort(struct conf_faults *faults); /* by file as first seen, then line */
void conf_faults_free(struct conf_faults *faults);

/* The first fault as a diag; the text says how many more there are. Returns err (ERR_OK where there is none). */
enum err conf_faults_diag(const struct conf_faults *faults, enum err err, struct diag *why);

struct conf;
struct conf_node; /* a setting of the tree */

/*
 * file     for messages only
 * out      NULL after a fault of syntax; else the tree, also beside faults of the schema (so that the caller can add
 *          faults of meaning); the caller frees it in every case
 *
 * ERR_REJECT  there are faults (added to *faults, sorted by line)
 */
enum err conf_parse(const char *text, size_t len, const char *file, const struct conf_schema *schema,
                    struct conf_faults *faults, struct conf **out);
void conf_free(struct conf **conf);

const struct conf_node *conf_root(const struct conf *conf);
const char *conf_file(const struct conf *conf);

/* A member by path ("smtp.host"; "" is the node itself); NULL where absent. A NULL node gives NULL. */
const struct conf_node *conf_get(const struct conf_node *node, const char *path);

/* Elements of a group, list or array: their number (0 for others) and the i-th (NULL beyond). */
size_t conf_count(const struct conf_node *node);
const struct conf_node *conf_at(const struct conf_node *node, size_t i);

/* One bit of enum conf_type; an empty list is CONF_GROUPS, an empty array CONF_STRINGS; 0 for NULL or a float. */
unsigned conf_type(const struct conf_node *node);
const char *conf_name(const struct conf_node *node); /* "" for an element */
int conf_line(const struct conf_node *node);         /* 0 for NULL */

/* The value at path, or the fallback. An empty path means the node itself. */
const char *conf_string(const struct conf_node *node, const char *path, const char *fallback);
int conf_int(const struct conf_node *node, const char *path, int fallback);
bool conf_bool(const struct conf_node *node, const char *path, bool fallback);

/* The nearest of the words by edit distance; NULL where there are none. Used for "did you mean". */
const char *conf_nearest(const char *word, const char *const *words);

/* The scan before the parse: fills copy (NUL-terminated; duplicate keys renamed). False: not to be parsed. */
struct buf;
bool conf_scan(const char *text, size_t len, const char *file, struct conf_faults *faults, struct buf *copy);
#define CONF_DUPLICATE_MARK "--duplicate"

#endif
