/*
 * The scanner of a message's structure: which bytes are whose header and body. One pass over the lines, a stack of
 * open entities with a fixed maximum, no recursion; private to prescan.c and mime_parse.c.
 *
 * A boundary of an outer multipart ends everything inside it, and is looked for before those of the inner ones. A
 * header block ends at its empty line, at a line that is no field, or at a boundary. message/rfc822 in base64 or
 * quoted-printable is a leaf. A multipart without a boundary parameter is a leaf.
 */
#ifndef CODEC_PRESCAN_TREE_H
#define CODEC_PRESCAN_TREE_H

#include "base/buf.h"
#include "base/err.h"
#include "codec/prescan.h"

enum prescan_kind { PRESCAN_LEAF, PRESCAN_MULTIPART, PRESCAN_MESSAGE };

struct prescan_entity {
    int parent; /* -1 for the message itself */
    int depth;
    enum prescan_kind kind;
    bool in_digest; /* without a Content-Type it is message/rfc822 (RFC 2046, 5.1.5) */
    size_t header_off, header_len;
    size_t body_off, end;
};

struct prescan_tree {
    struct prescan_entity *items; /* in the order of the text */
    size_t n;
};

/* All rules of prescan.h but `truncated`. *out is empty on failure; the caller frees it. */
enum err prescan_tree_build(struct span raw, const struct mime_limits *limits, struct prescan_tree *out,
                            struct diag *why);
void prescan_tree_free(struct prescan_tree *tree);

/*
 * A copy of the same length for libetpan: the Content-Type and Content-Transfer-Encoding of the containers found and
 * the lines that begin with "--" stand as they were; everywhere else, what could be read as such a field or sends a
 * parser into comments, quotes or addresses is overwritten.
 */
void prescan_tree_skeleton(struct span raw, const struct prescan_tree *tree, struct buf *out);

#endif
