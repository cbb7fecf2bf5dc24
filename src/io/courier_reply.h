/*
 * What a mail server's replies mean for one mail (RFC 5321, 4.2; RFC 2034; RFC 3463). Pure.
 *
 * Of a reply only its numbers are kept: its words quote addresses, and what is kept of a result stands in clear.
 * 2yz is success, 4yz is for later, 5yz is for ever; but a 5yz that speaks of the session (greeting, EHLO, a command
 * out of place, TLS or a login wanted) is the relay's or the configuration's trouble, and no mail fails for it.
 */
#ifndef IO_COURIER_REPLY_H
#define IO_COURIER_REPLY_H

#include "io/courier.h"

#define COURIER_CODE_SIZE     256
#define COURIER_QUEUE_ID_SIZE 65

enum courier_step { COURIER_OPENING, COURIER_MAIL, COURIER_RCPT, COURIER_DATA };

struct courier_reply {
    int code;          /* 0: none came */
    char enhanced[40]; /* "5.1.1", or "" */
};

/* text: of the reply, where the enhanced code may still stand in front; NULL: none. */
void courier_reply_set(struct courier_reply *r, int code, const char *text);

/*
 * What follows from a reply that was not the one wanted. out, COURIER_CODE_SIZE bytes, gets the numbers, where they
 * came, and for COURIER_FAILED the remedy. A success that is none at this step (such as 200 for 354) is deferred.
 */
enum courier_outcome courier_reply_judge(const struct courier_reply *r, enum courier_step step, char *out);

/*
 * The queue id in the words behind the final 250, as Postfix ("queued as ID"), Exim ("OK id=ID"), and Sendmail and
 * OpenSMTPD ("ID Message accepted") say it. out has COURIER_QUEUE_ID_SIZE bytes; "" and false where there is none.
 */
bool courier_reply_queue_id(const char *text, char *out);

/*
 * Watches the bytes of a session before the first MAIL, where libesmtp hands out no replies: keeps the last 4yz or 5yz,
 * and sees more bytes than the one reply that was asked for. Before TLS these are an injection (a reply in clear that
 * would be taken for one within TLS; CVE-2011-0411 from the client's side), and without TLS they would move each later
 * reply to another command than its own: the session is broken off.
 */
struct courier_watch {
    char line[512];
    size_t len;
    bool ended;   /* the reply that was asked for is whole */
    bool surplus; /* bytes came after it */
    struct courier_reply refusal;
    size_t hidden; /* how much of the word to hide has come */
};

void courier_watch_asked(struct courier_watch *w);
/*
 * Makes another word of CHUNKING, wherever it stands, so that who reads the bytes afterwards does not know it; only its
 * last letter is changed, as the others may have come before.
 */
void courier_watch_hide(struct courier_watch *w, char *bytes, size_t len);
void courier_watch_read(struct courier_watch *w, const char *bytes, size_t len);

#endif
