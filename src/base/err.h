/*
 * Errors say what the caller does next; a struct diag says why, to the person who reads it.
 *
 * A function that can fail returns enum err and takes `struct diag *why` last. The rule is the short, stable name
 * that tests, logs and JSON carry; the text is for people and names the remedy. Neither holds a secret: no subject,
 * body, local part or title of a case.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>

enum err {
    ERR_OK = 0,
    ERR_REJECT,    /* the input is wrong, and stays wrong: refuse it, or hold it under why->rule */
    ERR_DENIED,    /* a policy or a right forbids it */
    ERR_LIMIT,     /* larger than a configured limit */
    ERR_NOT_FOUND, /* no such object */
    ERR_USAGE,     /* the caller's words are off */
    ERR_AGAIN,     /* nothing has changed; try again later */
    ERR_INTERNAL   /* a fault of the program or of the machine */
};

#define DIAG_RULE_MAX 64
#define DIAG_TEXT_MAX 512

struct diag {
    char rule[DIAG_RULE_MAX];
    char text[DIAG_TEXT_MAX];
    char file[256]; /* of a configuration or policy; "" where none */
    int line;
    int number; /* errno, where the machine has said no (diag_errno); else 0 */
};

/* Fills *why (which may be NULL) and returns `err`, so that a function can end with it. */
enum err diag_set(struct diag *why, enum err err, const char *rule, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The same with the errno's words appended. */
enum err diag_errno(struct diag *why, enum err err, const char *rule, const char *what);

/*
 * Whether the machine was only short of something (memory, descriptors, processes, room) or a disk failed: the same may
 * go well a little later, without that anybody has changed the instance.
 */
bool diag_passes(const struct diag *why);

#endif
