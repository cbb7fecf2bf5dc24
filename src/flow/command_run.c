#include "flow/command.h"

#include "base/log.h"
#include "codec/pgp_secret_archive.h"
#include "store/audit.h"

#include <string.h>

/* What a file becomes may go to others: nobody wants a secret key in it. */
static enum err check_files(const struct command *c, struct diag *why)
{
    for (size_t i = 0; i < c->n_values; i++) {
        struct span bytes = buf_span(&c->values[i].bytes);
        struct archive_budget left = archive_budget();
        struct pgp_secrets found = {0};

        if (c->values[i].type == ARG_FILE &&
            (pgp_secret_in_packets(bytes, &found) || pgp_secret_in_text(bytes, &found) ||
             pgp_secret_in_archive(bytes, &left, &found)))
            return diag_set(why, ERR_DENIED, "key.secret", "an OpenPGP secret key is in the file: take it out%s%s",
                            found.n_keys ? ", of " : "", found.n_keys ? found.fingerprints[0] : "");
    }
    return ERR_OK;
}

/* The handler, where nothing of what was handed in stands against it. */
static enum err run(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    enum err err = check_files(c, why);

    return err ? err : c->verb->run(f, c, r, why);
}

static enum err run_in_transaction(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    enum err err = db_begin(f->db, why);

    if (!err)
        err = run(f, c, r, why);
    return db_end(f->db, err, why);
}

/* A refusal leaves a trace too: who asked for what, and by which rule it was refused. */
static void record_refusal(struct flow *f, const struct command *c, const struct diag *reason)
{
    struct diag why;

    if (db_begin(f->db, &why))
        return;
    if (audit_append(f->db, clock_now(f->clock), c->actor.name, "command.refused", c->verb->words, reason->rule, NULL,
                     &why) ||
        db_commit(f->db, &why)) {
        db_rollback(f->db);
        log_diag(NULL, "audit-failed", &why);
    }
}

static void finish(const struct command *c, enum err err, struct reply *r, const struct diag *why)
{
    if (err && r->data) {
        json_decref(r->data);
        r->data = NULL;
    }
    /* A handler that has set an exit code of its own (wait) keeps it. */
    if (err || r->exit == EXIT_DONE)
        reply_from(r, err, why);
    log_event(NULL, "command", err ? why->rule : NULL, "verb=%s by=%s exit=%d", c->verb->words,
              c->actor.kind == ACTOR_ADMIN ? "admin" : "other", (int)r->exit);
}

void command_run(struct flow *f, const struct command *c, struct reply *r)
{
    struct diag why = {0};
    enum err err;

    if (!c->verb->run) {
        err = diag_set(&why, ERR_USAGE, "command.offline", "embargoctl does this by itself, not the daemon");
    } else if (c->verb->writes) {
        err = run_in_transaction(f, c, r, &why);
        if (err == ERR_DENIED && !db_turn_fault(f->db, NULL))
            record_refusal(f, c, &why);
    } else {
        err = run(f, c, r, &why);
    }
    /* An answer from what could not be read is none, and neither is a refusal. */
    if (db_turn_fault(f->db, NULL))
        err = db_turn_fault(f->db, &why);
    finish(c, err, r, &why);
}

enum err command_run_part(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    struct diag reason = {0};
    enum err refused, err = db_part_begin(f->db, why);

    if (err)
        return err;
    refused = run(f, c, r, &reason);
    err = refused ? db_part_undo(f->db, why) : db_part_keep(f->db, why);
    if (!err && refused == ERR_DENIED)
        err = audit_append(f->db, clock_now(f->clock), c->actor.name, "command.refused", c->verb->words, reason.rule,
                           NULL, why);
    finish(c, refused, r, &reason);
    return err;
}
