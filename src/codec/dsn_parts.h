/*
 * What the files of codec/dsn.c share: the notice of a bounce, and the judgement of one recipient's words.
 */
#ifndef CODEC_DSN_PARTS_H
#define CODEC_DSN_PARTS_H

#include "codec/dsn.h"

/* A bounce being read. */
struct dsn_mail {
    struct span raw;
    const struct mime_message *m;
    struct span header;  /* of the mail */
    struct buf subject;  /* lower case */
    struct buf notice;   /* UTF-8, cut where the returned mail begins */
    struct buf lower;    /* the same in lower case, byte for byte */
    struct buf returned; /* the header of the returned mail, as far as it is there; may be empty */
};

/* ---- dsn_notice.c ---- */

/* The header alone; then the texts. */
void dsn_mail_begin(struct dsn_mail *mail, struct span raw, const struct mime_message *m);
void dsn_mail_read(struct dsn_mail *mail);
void dsn_mail_free(struct dsn_mail *mail);

/* Does the part stand in one whose type begins so? */
bool dsn_is_below(const struct mime_message *m, size_t part, const char *type_prefix);

/* The line at `at`, trimmed; *out_end is where the next begins. */
struct span dsn_line(struct span text, size_t at, size_t *out_end);

/* Is any of the words (lower case, NULL at the end) in the text (lower case)? */
bool dsn_has_any(struct span text_lower, const char *const *words);
bool dsn_has(struct span text_lower, const char *word);
void dsn_lower(struct span in, struct buf *out);

/* ---- dsn_words.c: what is said of an address, in lower case, NULL at the end ---- */

extern const char *const dsn_words_unknown[],
    *const dsn_words_host[], *const dsn_words_full[], *const dsn_words_refused[], *const dsn_words_delayed[],
                                                                                      *const dsn_words_failed[],
                                                                                          *const dsn_words_subject[];

/* ---- dsn_class.c ---- */

struct dsn_facts {
    struct span words_lower; /* what is said of this recipient */
    const char *status;      /* of a field; may be "" */
    bool delayed;            /* a field or the text says that the server goes on trying */
    bool given_up;           /* a field says that it does not */
};

/* Fills class, status, reply and given_up of r. */
void dsn_judge(const struct dsn_facts *facts, struct dsn_recipient *r);

/* Does the text say that a mail was not delivered? */
bool dsn_says_failed(struct span text_lower);
bool dsn_says_delayed(struct span text_lower);
bool dsn_says_why(struct span text_lower); /* words of a reason: no such user, full, refused */

/* The first status code (RFC 3463) in the text; out has DSN_STATUS_SIZE bytes, "" where there is none. */
void dsn_find_status(struct span text, char *out);
int dsn_find_reply(struct span text);
bool dsn_status_is_general(const char *status); /* "" or X.0.0: it says nothing of the reason */

/* ---- dsn_fields.c ---- */

/* Recipients of delivery-status fields, in parts of that type, or where asked in the text. False: there are no such
 * fields; true with out->n 0: they report success alone. */
bool dsn_read_fields(const struct dsn_mail *mail, bool in_text_too, struct dsn *out);

/* The same for a text, such as a notice that came within the returned mail's place. */
bool dsn_read_block(const struct dsn_mail *mail, struct span fields, struct dsn *out);

/* ---- dsn_json.c ---- */

/* False: it is no such notice. */
bool dsn_read_json(const struct dsn_mail *mail, struct dsn *out);

/* ---- dsn_text.c ---- */

/* Adds the recipients that the text names. */
void dsn_read_text(const struct dsn_mail *mail, struct dsn *out);

/* Adds one, unless it is there; the text is copied. NULL where it is there already or there are too many. */
struct dsn_recipient *dsn_add(struct dsn *d, struct span address);

#endif
