/*
 * What the files of codec/dsn.c share: the notice of a bounce, and the judgement of one recipient's words.
 */
#ifndef CODEC_DSN_PARTS_H
#define CODEC_DSN_PARTS_H

#include "codec/dsn.h"

/* The stronger one stands behind. */
enum dsn_reason {
    DSN_REASON_NONE,
    DSN_REASON_TIME,
    DSN_REASON_UNKNOWN_PERHAPS, /* the mailbox is refused, which may be for another reason that a status gives */
    DSN_REASON_REFUSED,
    DSN_REASON_LARGE,
    DSN_REASON_FULL,
    DSN_REASON_UNKNOWN
};

/* What a text says. */
struct dsn_words {
    enum dsn_reason reason;
    char status[DSN_STATUS_SIZE];
    int reply;
};

/* A bounce being read. */
struct dsn_mail {
    struct span raw;
    const struct mime_message *m;
    struct span header;    /* of the mail */
    struct buf subject;    /* lower case */
    struct buf own;        /* lower case: the fields that name whom the notice is for, and who speaks */
    struct buf notice;     /* UTF-8, cut where the returned mail begins */
    struct buf lower;      /* the same in lower case, byte for byte */
    struct dsn_words said; /* of the whole notice */
    bool failed;           /* it says that a mail was not delivered */
    bool delayed;          /* it says that the server goes on trying */
    struct buf returned;   /* the header of the returned mail, as far as it is there; may be empty */
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

/* Is any of them there, and not within another word? */
bool dsn_says(struct span text_lower, const char *const *words);

/* ---- dsn_speaker.c ---- */

/* A mail server by its name; an office that people sit in too; anyone. */
enum dsn_speaker { DSN_SPEAKER_ANYONE, DSN_SPEAKER_OFFICE, DSN_SPEAKER_SERVER };

enum dsn_speaker dsn_speaker_of(const struct dsn_mail *mail);

/* Has the field one of the words (lower case)? */
bool dsn_field_has(const struct dsn_mail *mail, const char *name, const char *const *words);

/* The Subject has words of a failure; it has no others. A person who writes about mail programs has some of each. */
bool dsn_has_failing_subject(const struct dsn_mail *mail);
bool dsn_has_servers_subject(const struct dsn_mail *mail);

bool dsn_is_answer(const struct dsn_mail *mail);
bool dsn_is_of_success(const struct dsn_mail *mail); /* after dsn_mail_read */

/* ---- dsn_words.c, dsn_phrases.c: lower case, NULL at the end ---- */

extern const char *const dsn_words_unknown[];         /* the mailbox is not there */
extern const char *const dsn_words_unknown_perhaps[]; /* so too, where nothing else is said */
extern const char *const dsn_words_host[];            /* its host is not there, or takes no mail for it */
extern const char *const dsn_words_full[];
extern const char *const dsn_words_large[];
extern const char *const dsn_words_refused[]; /* this mail, or us */
extern const char *const dsn_words_time[];    /* nobody answered, for too long */
extern const char *const dsn_words_delayed[];
extern const char *const dsn_words_failed[];
extern const char *const dsn_words_final[]; /* it is over, whatever else is said of delays */
extern const char *const dsn_words_subject[];
extern const char *const dsn_words_subject_delayed[];

/* ---- dsn_reason.c ---- */

/* Lines joined, an empty one as the end of a sentence. */
void dsn_join_lines(struct span text, struct buf *out);

/* What is said of the mailbox; UNKNOWN also of its host. */
enum dsn_reason dsn_find_reason(struct span words_lower);

/* ---- dsn_class.c ---- */

struct dsn_facts {
    struct dsn_words words; /* of this recipient */
    const char *status;     /* of a field; may be "" */
    bool delayed;           /* a field or the text says that the server goes on trying */
    bool given_up;          /* a field says that it does not */
};

void dsn_read_words(struct span text_lower, struct dsn_words *out);

/* What the first leaves open is taken from the second. */
void dsn_add_words(struct dsn_words *words, const struct dsn_words *more);

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

/* Does a line name an address, of those that are not of the notice's own header? */
bool dsn_lists_address(const struct dsn_mail *mail);

/* Adds the recipients that the text names. */
void dsn_read_text(const struct dsn_mail *mail, struct dsn *out);

/* Adds one, unless it is there; the text is copied. NULL where it is there already or there are too many. */
struct dsn_recipient *dsn_add(struct dsn *d, struct span address);

/* The class of the whole, from those of its recipients. */
void dsn_sum_up(struct dsn *d);

#endif
