/* A held mail goes into the spool again, marked, so that it survives a crash like any other. */
#include "proc/core.h"

#include "base/frame.h"
#include "store/held.h"

#include <stdlib.h>

enum err core_release_held(void *ctx, const struct held_row *held, struct diag *why)
{
    struct core *core = ctx;
    struct buf envelope_bytes = BUF_EMPTY, raw = BUF_EMPTY;
    struct spool_envelope envelope = {.n_recipients = 1, .origin = SPOOL_FROM_LMTP};
    struct spool_file *file = NULL;
    struct frame_reader r;
    bool committed = false;
    char *sender, *recipient;
    enum err err = held_content(core->flow.db, held->id, &envelope_bytes, &raw, why);

    if (err)
        return err;
    frame_reader_init(&r, buf_span(&envelope_bytes));
    sender = frame_get_str(&r);
    recipient = frame_get_str(&r);
    envelope.received_at_utc_s = frame_get_i64(&r);
    envelope.sender = sender;
    envelope.recipients = (const char *const[]){recipient};
    if (!frame_done(&r) || !sender || !recipient)
        err = diag_set(why, ERR_INTERNAL, "held.damaged", "the envelope of the held mail cannot be read");
    if (!err)
        err = spool_begin(core->spool, &envelope, &file, why);
    if (!err)
        err = spool_write(file, raw.data, raw.len, why);
    if (!err)
        err = spool_commit(&file, SPOOL_RELEASED, &committed, why);
    spool_abandon(&file);
    buf_free(&envelope_bytes);
    buf_free(&raw);
    free(sender);
    free(recipient);
    return err;
}
