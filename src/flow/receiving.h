/*
 * One mail while it is being decided: what receive.c (holding, the ways a mail can go), receive_who.c (who sent it, and
 * which case) and the ways themselves share. Everything runs in the transaction of receive_mail.
 */
#ifndef FLOW_RECEIVING_H
#define FLOW_RECEIVING_H

#include "codec/automatic.h"
#include "flow/flood.h"
#include "flow/receive.h"
#include "policy/decide.h"
#include "store/cases.h"
#include "store/members.h"

struct receiving {
    struct flow *f;
    const struct incoming *in;
    const struct settings_list *list;
    struct list_row list_row;
    struct policy *policy;
    struct case_row c;                  /* the case it belongs to; c.id 0: none */
    struct participant_row participant; /* id 0: none */
    struct member_row member;           /* id 0: none */
    const struct settings_admin *admin;
    enum automatic_sort sort; /* of the mail as it came */
    bool quiet;               /* held without a notice to the team */
    bool relay;               /* a member's post that the policy lets go to the members who were told */
    bool by_token;            /* the recipient was an address of the case */
    bool proved;              /* the sender is proved to be the admin, member or participant found */
    enum decide_signature bound;
    char application[BOX_ID_SIZE]; /* the one that it has become, or belongs to; "" */
    char author[320];
    char rule[DIAG_RULE_MAX];
};

/*
 * Finds out who sent the mail (by the signature that counts, else by an address of a case) and which case it is about;
 * a mail to a case is then judged by the policy that the case has pinned.
 */
enum err receiving_identify(struct receiving *r, struct diag *why);

/* The part of that which goes by the signature alone: admin, member, proved, bound. */
void receiving_find_signer(struct receiving *r);

/* Held (ciphertext-seen) where this encrypted text came from another sender before. */
enum err receiving_check_ciphertext(struct receiving *r, struct diag *reason, struct diag *why);

/* As which the rate limits take the sender, once he is found out. */
enum flood_who receiving_who(const struct receiving *r);

/* What stands between + and @ of the recipient's address; empty: nothing. */
struct span receiving_suffix(const struct receiving *r);

/*
 * The ways. Each returns ERR_OK where it has recorded all that is to be, ERR_REJECT with *reason where the mail is to
 * be held under that rule, anything else where nothing is decided and the mail is to be tried again.
 */
enum err receive_post(struct receiving *r, struct diag *reason, struct diag *why);

/*
 * A key that came with the mail, attached or in an Autocrypt header, which the list has already, is news about it:
 * taken from the one whose signature with this very key covers the mail, and never another fingerprint. A revocation
 * counts from whoever sends it, since only its key can have made it. In the caller's transaction (receive_key.c).
 */
enum err receiving_key_news(struct receiving *r, struct diag *why);

#endif
