/* What receive_apply.c and receive_apply_new.c share. Internal. */
#ifndef FLOW_RECEIVE_APPLY_PARTS_H
#define FLOW_RECEIVE_APPLY_PARTS_H

#include "flow/applications.h"
#include "flow/receiving.h"

/* What a person reads of the mail, and its From (the envelope's sender where there is not one); borrowed. */
const char *receive_apply_text(const struct receiving *r);
const char *receive_apply_from(const struct receiving *r);

/* What an admin has to look at first: ERR_REJECT with *reason. role: the Role-address, or "". */
enum err receive_apply_check(struct receiving *r, const char *org, const char *role, struct diag *reason);
/* The key that came with the mail, or why one that came is not used. */
enum err receive_apply_key(struct receiving *r, struct application_row *row, struct diag *why);
/* The form as it is kept: read again, it gives the same. The caller wipes and frees. */
char *receive_apply_form(const struct form *form, const char *language);
/* Records it, and does what follows. */
enum err receive_apply_new(struct receiving *r, const struct form *form, struct diag *reason, struct diag *why);

#endif
