/*
 * Mail in: the MIME structure of one message, as offsets into the bytes handed in.
 *
 * Invariants: parts stand in the order of the text, a parent before its children; parts[0] is the outermost entity
 * (parent -1, depth 0), n_parts >= 1 after ERR_OK. header_off + header_len <= body_off, body_off + body_len <= the
 * length of the message, and a child lies within its parent's body. The message itself is never copied: hand in the
 * same bytes again. Two readers work out the structure: the scanner of prescan_tree.h, and libetpan (in mime_parse.c
 * alone) on a copy that holds nothing but what the scanner found harmless. Where they differ, the scanner is right:
 * libetpan 1.9.4 eats blank lines before a part without header, gives up a multipart for one empty part, and takes
 * "--abc" for the boundary "ab".
 *
 * Strings are UTF-8 without CR, LF or other controls; NULL where the field is absent. Nothing here is trusted: a From
 * is what the sender wrote.
 */
#ifndef CODEC_MIME_H
#define CODEC_MIME_H

#include "base/buf.h"
#include "base/err.h"
#include "codec/addr.h"
#include "codec/prescan.h"
#include "codec/xfer.h"

#define MIME_REFERENCES_MAX 200
#define MIME_NAME_MAX_BYTES 120 /* of a part's name */

struct mime_part {
    int parent;
    int depth;
    enum xfer_encoding encoding;
    char *type;              /* "text/plain", lower case, never NULL */
    char *charset;           /* lower case */
    char *name;              /* a safe file name: one path component, no leading dot */
    char *protocol;          /* lower case */
    char *micalg;            /* lower case */
    char *format;            /* lower case ("flowed") */
    char *delsp;             /* lower case */
    char *disposition;       /* lower case */
    char *hp;                /* RFC 9788: "cipher" or "clear" */
    char *protected_headers; /* "v1" */
    char *legacy_display;    /* RFC 9788, 4.10.3.2 (hp-legacy-display): "1" */
    char *smime_type;        /* lower case */
    char *content_id;
    char *subject; /* of the part's own header, decoded: protected headers and attached mails have one */
    /* Bytes of the message. The signed bytes of a part (RFC 3156, 5) are [header_off, body_off + body_len). */
    size_t header_off, header_len; /* with the empty line */
    size_t body_off, body_len;
};

struct mime_message {
    struct mime_part *parts;
    size_t n_parts;
    /* of the outermost header */
    char *subject;
    char *date_text;
    int64_t date_utc_s; /* INSTANT_NONE where it is no date */
    char *message_id;   /* with its brackets */
    char *in_reply_to;
    char **references;
    size_t n_references;
    struct addr_list from, to, cc, reply_to, sender;
    bool several_from; /* more than one From field, or more than one mailbox in it */
    char *auto_submitted;
    char *precedence;
    char *list_id;
    char *return_path;
    char *content_type; /* as it stands, unfolded */
    bool disputed;      /* libetpan read the structure otherwise than the scanner; the scanner's reading is given */
};

/*
 * Runs the prescan, then parses. Everything the prescan refuses, and ERR_REJECT mime.unreadable. *out is empty on
 * failure. A message without MIME fields is one text/plain part. The caller frees *out.
 */
enum err mime_parse(struct span raw, const struct mime_limits *limits, struct mime_message *out, struct diag *why);
void mime_message_free(struct mime_message *m);

/*
 * Across a process boundary. mime_message_get trusts nothing: every offset is checked against raw_len and the
 * invariants above (ERR_REJECT mime.frame).
 */
void mime_message_put(const struct mime_message *m, struct buf *out);
enum err mime_message_get(struct span in, size_t raw_len, struct mime_message *out, struct diag *why);
enum err mime_message_check(const struct mime_message *m, size_t raw_len, struct diag *why);

/* ---- the bytes of a part ---- */

struct span mime_part_header(struct span raw, const struct mime_part *p);
struct span mime_part_body(struct span raw, const struct mime_part *p);
struct span mime_part_entity(struct span raw, const struct mime_part *p); /* header and body: what a signature covers */

/* Appends the content with its transfer encoding undone: the bytes of an attachment. ERR_LIMIT where out is full. */
enum err mime_part_decode(struct span raw, const struct mime_part *p, struct buf *out, struct diag *why);

/* Appends the content as UTF-8 text: transfer encoding and charset undone, CRLF made LF, controls but \n \t removed. */
enum err mime_part_text(struct span raw, const struct mime_part *p, struct buf *out_utf8, struct diag *why);

/*
 * Is the mail itself such a report ("message/delivery-status")? The part stands in a multipart/report, or anywhere
 * outside an attached mail and is not itself attached: a person may attach one to show what a program does with it.
 */
bool mime_reports(const struct mime_message *m, const char *type);

/* Bare LF and bare CR become CRLF, as a signature needs it (RFC 3156, 5). */
void mime_canonical_eol(struct span in, struct buf *out);

/* A mail without one LF that has bare CRs for line ends (from an old Mac) is read as if they were LFs. */
void mime_mend_line_ends(struct buf *raw);

/* What stands before the first field and is none is dropped: a byte order mark, empty lines, a mailbox's "From " line.
 */
void mime_mend_start(struct buf *raw);

/* ---- fields of a header block ---- */

/* The nth (from 0) field, appended unfolded, bytes as they were. False: not there. */
bool mime_field(struct span header_block, const char *name, struct buf *out);
bool mime_field_nth(struct span header_block, const char *name, size_t nth, struct buf *out);
size_t mime_field_count(struct span header_block, const char *name);

/* ---- what the message is ---- */

/*
 * Appends the armored block of an inline part: HTML reduced to text, UTF-16 made UTF-8, and, where a part says
 * quoted-printable but is armor as it stands, as it stands. Of a clear-signed text the bytes stay as they were.
 * ERR_LIMIT where out is full.
 */
enum err mime_inline_block(struct span raw, const struct mime_part *p, struct buf *out, struct diag *why);

enum mime_inline_kind {
    MIME_INLINE_NONE, /* no armor, or text besides it */
    MIME_INLINE_MESSAGE,
    MIME_INLINE_CLEAR_SIGNED
};
enum mime_inline_kind mime_inline_kind(struct span raw, const struct mime_part *p);

/*
 * Appends the plain text that stands around an envelope (MIME_PGP_ENCRYPTED, part_b its ciphertext): nobody's word, and
 * not encrypted. Nothing where it is blank or a signature's "-- " alone.
 */
void mime_outside_text(struct span raw, const struct mime_message *m, int part_b, struct buf *out_utf8);

enum mime_shape {
    MIME_PLAIN,         /* a single text part */
    MIME_PGP_ENCRYPTED, /* RFC 3156, 4: *part_a the control part (or -1 where damaged), *part_b the ciphertext */
    MIME_PGP_SIGNED,    /* RFC 3156, 5: *part_a what is signed, *part_b the signature */
    MIME_SMIME,         /* application/pkcs7-mime whole in *part_a, or what multipart/signed covers, *part_b -1; or
                           multipart/signed as PGP_SIGNED */
    MIME_INLINE_PGP,    /* a text part in *part_a that is one armored block; *part_b -1 */
    MIME_INLINE_PARTS,  /* multipart/mixed of such a text in *part_a and attachments, each encrypted by itself, or of
                           such attachments alone (*part_a -1), or one without a multipart; *part_b -1 */
    MIME_OTHER
};

/*
 * Looks at the outermost structure; what is deeper inside is never taken for the message's own protection, but where a
 * program on the way, and not the sender, is known to have put something around it:
 * - multipart/mixed of an envelope (multipart/encrypted, or its two parts laid open as by Exchange and Proton's bridge,
 *   the control part perhaps lost) and plain text (Google's and lists' footers), which mime_outside_text gives;
 * - multipart/signed around multipart/encrypted and nothing else: a signature over ciphertext says nothing of what is
 *   inside, and is not looked at;
 * - a multipart whose text is one armored message (or has it twice, as plain text and as HTML) and that holds nothing
 *   else; for a clear-signed text the others must be blank, since they would be read beside it.
 * Else what is encrypted or signed in part is MIME_OTHER. Case does not count, and a missing protocol parameter is
 * tolerated. Parts that do not apply are -1.
 */
enum mime_shape mime_shape(const struct mime_message *m, struct span raw, int *part_a, int *part_b);
const char *mime_shape_name(enum mime_shape shape);

/*
 * Appends what a person reads: text parts in order (HTML reduced to text where there is no plain alternative),
 * flowed lines joined, other parts as "[attachment N: NAME, TYPE, SIZE bytes]" with N its number
 * among the attachments (mime_is_attachment) of the part.
 * ERR_LIMIT where out is full.
 */
enum err mime_readable_text(struct span raw, const struct mime_message *m, struct buf *out_utf8, struct diag *why);

/* The same for parts[root] and what is below it: what a signature over that part covers. */
enum err mime_readable_part(struct span raw, const struct mime_message *m, int root, struct buf *out_utf8,
                            struct diag *why);

/* Is this part one that a person would save: a leaf with a name, or neither text nor a signature? */
bool mime_is_attachment(const struct mime_message *m, int part);

/* Makes a file name safe: the last path component, controls and separators removed, no leading dot or dash, at most
 * MIME_NAME_MAX_BYTES. Empty where nothing is left. */
void mime_safe_name(struct span name_utf8, struct buf *out);

/* HTML to text: tags dropped, blocks on their own lines, links kept, script and style dropped, entities decoded. */
void mime_html_text(struct span html_utf8, struct buf *out_utf8);

/* format=flowed (RFC 3676) to lines of their own: soft breaks joined, space-stuffing undone. */
void mime_unflow(struct span text, bool delsp, struct buf *out);

#endif
