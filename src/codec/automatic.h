/*
 * Mail that no person wrote, and of which sort. Such mail opens no case and gets no answer, so that two programs that
 * write to each other fall silent (RFC 3834, 2).
 *
 * Pure. What a field says outright is believed: a sender who claims to be a program loses nothing but an answer. What
 * only hints at a program (Precedence: bulk, which relays of companies put on everything) counts where nothing speaks
 * for a person: OpenPGP, or a person's mail program; since such mail is held at worst, and never dropped, a report is
 * late then and not lost. Subjects count only in the forms that vacation programs write, at the front.
 */
#ifndef CODEC_AUTOMATIC_H
#define CODEC_AUTOMATIC_H

#include "codec/dsn.h"
#include "codec/mime.h"

enum automatic_sort {
    AUTOMATIC_NONE,
    AUTOMATIC_BOUNCE,    /* RFC 3464 and the free forms (codec/dsn.h), of failure or success; or the null sender */
    AUTOMATIC_FEEDBACK,  /* RFC 5965, and forms before it */
    AUTOMATIC_RECEIPT,   /* RFC 8098 */
    AUTOMATIC_CHALLENGE, /* asks the sender to prove that he is a person */
    AUTOMATIC_REPLY,     /* a vacation notice and its like that says so otherwise than by Auto-Submitted */
    AUTOMATIC_SUBMITTED, /* RFC 3834, 5: Auto-Submitted */
    AUTOMATIC_OWN,       /* a mail of this list that has come back to it */
    AUTOMATIC_LIST,      /* another list's copy (RFC 2919, RFC 2369) */
    AUTOMATIC_BULK,      /* Precedence */
    AUTOMATIC_SORTS
};

struct automatic_facts {
    const char *sender;       /* of the envelope, "" is the null sender; NULL: not known, Return-Path is taken */
    const char *list_address; /* ours; NULL: none */
    const struct dsn *dsn;    /* what dsn_read made of it, where that is known; NULL: it is read here */
};

/* m is the parsed `raw`. Never fails. */
enum automatic_sort automatic_sort_of(struct span raw, const struct mime_message *m,
                                      const struct automatic_facts *facts);

/* The rule under which it is held: "bounce", "auto-submitted", ...; NULL for AUTOMATIC_NONE. */
const char *automatic_rule(enum automatic_sort sort);

/*
 * Must nothing answer this mail by itself (RFC 3834, 2)? So of each sort above, and besides of a person's mail that
 * asks for it or came by a list or a relay that says bulk.
 */
bool automatic_wants_no_answer(struct span raw, const struct mime_message *m, const struct automatic_facts *facts);

/*
 * May the team be told that one is held? Not of what the programs at both ends of a loop write, but of what may be a
 * person's after all (a list's copy, bulk mail).
 */
bool automatic_may_be_a_report(enum automatic_sort sort);

#endif
