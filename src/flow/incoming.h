/*
 * One mail that has been opened: what came, what it turned out to be, and what proves who sent it. Made by
 * proc/opening.c step by step (each parse and each use of a key in a worker), then handed to flow_receive.
 */
#ifndef FLOW_INCOMING_H
#define FLOW_INCOMING_H

#include "codec/dsn.h"
#include "codec/mime.h"
#include "codec/mime_secret.h"
#include "codec/pgp_key.h"
#include "codec/pgp_open.h"
#include "flow/flow.h"

#define INCOMING_SIGNATURE_MAX_AGE_S ((int64_t)72 * 3600)
#define INCOMING_REDELIVERY_S        ((int64_t)7 * 86400)

/* A key attached to a command mail, examined by a worker (proc/examiner.h). */
struct incoming_key {
    char *name; /* of the attachment */
    enum err err;
    struct diag why;
    struct pgp_key_info *info; /* NULL where it was refused */
    struct buf certificate;
};

/* The keys of a table of members that a command mail brings (flow/import_table.h). */
struct incoming_table {
    char *name; /* of the attachment, or "-"; NULL: there is none */
    enum err err;
    struct diag why;
    struct buf packed; /* an entry for each row with a key */
};

struct incoming {
    char *sender;    /* of the envelope; "" is the null sender */
    char *recipient; /* the address of ours */
    int64_t received_at;
    struct buf raw; /* as it came */
    struct mime_message outer;
    struct dsn dsn; /* what it says of mails that were not delivered; read by the worker that parsed it */

    bool released;             /* an admin let it in: it is not held again */
    bool came_encrypted;       /* whether it could be opened or not */
    bool encrypted;            /* and it was opened */
    struct buf cipher;         /* the encrypted body, without what anyone can change around it: for its digest */
    char *outside;             /* text around the encrypted mail, NULL: none. It is nobody's word: it is shown, marked
                                * as what it is (incoming_shown_text), and no program takes anything from it */
    bool unpacked;             /* what is read stands in plain: it was encrypted, or is the text of inline PGP */
    struct buf plain;          /* what was inside */
    struct mime_message inner; /* of plain */
    bool has_signature;        /* there was one, whatever it is worth */
    struct pgp_signature signature;
    bool by_loose_key; /* judged with a key that came with the mail or is a participant's: it proves no member, no admin
                        */
    int root;          /* the part that people read: all of the message, or what a signature covers */
    char *text;        /* of root, UTF-8 */
    /* A key that came with the mail (attached, or in an Autocrypt header of its From): for replies to it alone. */
    struct buf key;
    char key_fingerprint[PGP_FPR_SIZE];
    struct pgp_key_info *key_facts; /* of a key that came, whether it can be used or not; NULL */
    struct buf key_whole;           /* its certificate, merged with what the list has of it */
    char key_rule[DIAG_RULE_MAX];   /* why one that came is not used: "key.expired", "key.secret"; "" */
    struct incoming_key *keys;      /* of a command mail */
    size_t n_keys;
    struct incoming_table table; /* of a command mail */
    /* A secret key: a worker has seen one, in raw or in plain; and what incoming_wipe_secrets has wiped. */
    bool outer_secret, inner_secret;
    struct pgp_secrets secrets;
    struct buf came; /* raw as it was, where it was changed: for its digest alone, never kept */
    struct buf kept; /* what is held in the place of raw, where what was inside had to be changed */
};

void incoming_free(struct incoming *in);

/* What a person is shown: `text`, and behind it, marked, what stood outside. The caller wipes and frees it. */
char *incoming_shown_text(const struct incoming *in);

/* The bytes and the structure that are read: of the decrypted mail, else of the mail itself. */
struct span incoming_content(const struct incoming *in);
const struct mime_message *incoming_message(const struct incoming *in);

/* A good signature; what it covers is all that is read. Whose the key is, is another question. */
bool incoming_is_signed(const struct incoming *in);

/*
 * The Subject that people see; the caller wipes and frees it (NULL: none). Inside of an encrypted mail, or of what the
 * signature that counts covers, it is the protected one (RFC 9788: an `hp` parameter; the drafts before it:
 * `protected-headers`, or a whole message/rfc822 as the payload); only the outermost layer may bring one, and none
 * where text stood around the envelope. Else it is
 * that of the mail's own header, which nobody vouches for: *covered (may be NULL) is false.
 */
char *incoming_subject(const struct incoming *in, bool *covered);

/*
 * Overwrites every secret key in what may be kept or sent on (codec/mime_secret.h): raw, plain, text. To be called when
 * signatures and attached keys have been looked at, and before anything is recorded. Whatever nobody could read is
 * looked at as it stands. Where one was inside of an envelope, `kept` is the mail opened, since the envelope has it.
 */
void incoming_wipe_secrets(struct incoming *in);

/* ---- attachments: parts below root that a person would save ---- */
struct incoming_file {
    char *name;
    char *type;
    struct buf bytes;
};
size_t incoming_files(const struct incoming *in, struct incoming_file **out);
void incoming_files_free(struct incoming_file *files, size_t n);

#endif
