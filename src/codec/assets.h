/*
 * Files that are built into the program: the policy presets, their defaults, and the texts of mails. They work off
 * line and whatever has been installed where. The table is made from templates/ when the program is built.
 */
#ifndef CODEC_ASSETS_H
#define CODEC_ASSETS_H

#include "base/buf.h"

struct asset {
    const char *name; /* "policy/xen@2026.conf", "mail/acknowledgement.txt" */
    const unsigned char *data;
    size_t len;
};

/* Sorted by name; ends with a NULL name. */
extern const struct asset assets_table[];

/* NULL: there is none of that name. */
const struct asset *assets_find(const char *name);

#endif
