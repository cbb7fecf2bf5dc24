/*
 * What a publication needs signed in clear (flow/release.h): one text at a time, in a crypto worker, and the result
 * back into its step. A key that does not sign is tried again at the step's own pace. Besides, where nothing else is to
 * be signed, the tries of the lists' keys (flow/list_key.h).
 */
#include "proc/core.h"

#include "base/frame.h"
#include "base/log.h"
#include "base/mem.h"
#include "flow/list_key.h"
#include "flow/release.h"

#include <stdlib.h>

struct signer {
    struct core *core;
    struct release_step step;
    const struct settings_list *trying; /* whose key is tried; NULL: none */
    bool busy;
};

struct signer *signer_new(struct core *core)
{
    struct signer *s = mem_zero(1, sizeof *s);

    s->core = core;
    return s;
}

void signer_free(struct signer **s)
{
    if (*s)
        release_step_free(&(*s)->step);
    free(*s);
    *s = NULL;
}

bool signer_busy(const struct signer *s)
{
    return s->busy || list_key_due(&s->core->flow);
}

static void finish(struct signer *s, enum err err, struct span text, const struct diag *reason)
{
    struct diag why;

    if (err)
        log_diag(NULL, "publish-not-signed", reason);
    if (release_signed(&s->core->flow, &s->step, err, text, reason, &why))
        log_diag(NULL, "publish-step-failed", &why);
    release_step_free(&s->step);
    s->busy = false;
}

static void signed_clear(void *ctx, enum err err, struct span reply, const struct diag *why)
{
    struct signer *s = ctx;
    struct frame_reader r;
    struct span text = {NULL, 0};
    struct diag bad;

    if (err) {
        finish(s, err, text, why);
        return;
    }
    frame_reader_init(&r, reply);
    text = frame_get_bytes(&r);
    if (frame_done(&r))
        finish(s, ERR_OK, text, NULL);
    else
        finish(s, diag_set(&bad, ERR_INTERNAL, "worker.frame", "a worker's answer is damaged"), text, &bad);
}

static void request_signature(struct signer *s, const struct settings_list *list, struct span text, pool_done *done)
{
    char *home = settings_gnupg(s->core->settings, list->name, "list");
    struct buf request = BUF_EMPTY;

    frame_put_i64(&request, core_gpg_time(s->core));
    frame_put_str(&request, home);
    frame_put_str(&request, list->fingerprint);
    frame_put_u32(&request, SIGN_CLEAR);
    frame_put_bytes(&request, text.data, text.len);
    pool_submit(s->core->pool, WORKER_CRYPTO, CRYPTO_SIGN, &request, done, s);
    free(home);
}

static void tried(void *ctx, enum err err, struct span reply, const struct diag *reason)
{
    struct signer *s = ctx;
    struct diag why;

    (void)reply;
    if (err)
        log_diag(NULL, "list-key-does-not-sign", reason);
    if (list_key_tried(&s->core->flow, s->trying, err, reason, &why))
        log_diag(NULL, "list-key-try-failed", &why);
    s->trying = NULL;
    s->busy = false;
}

static void try_key(struct signer *s)
{
    s->trying = list_key_due(&s->core->flow);
    s->busy = s->trying != NULL;
    if (s->busy)
        request_signature(s, s->trying, span_of(LIST_KEY_TEXT), tried);
}

static void submit(struct signer *s)
{
    const struct settings_list *list = NULL;
    struct buf text = BUF_EMPTY;
    struct diag why;
    enum err err = release_sign_text(&s->core->flow, &s->step, &text, &list, &why);

    s->busy = true;
    if (err) {
        finish(s, err, (struct span){NULL, 0}, &why);
        buf_free(&text);
        return;
    }
    request_signature(s, list, buf_span(&text), signed_clear);
    buf_free(&text);
}

void signer_tick(struct signer *s)
{
    struct release_step *steps;
    struct diag why;
    size_t n;

    if (s->busy)
        return;
    if (release_steps_due(s->core->flow.db, clock_now(&s->core->clock), true, &steps, &n, &why)) {
        log_diag(NULL, "publish-step-failed", &why);
        return;
    }
    for (size_t i = 1; i < n; i++)
        release_step_free(&steps[i]);
    if (n) {
        s->step = steps[0];
        submit(s);
    } else {
        try_key(s);
    }
    free(steps);
}
