#include "flow/nonces.h"

#include "base/instant.h"
#include "store/nonces.h"

#define NONCE_BYTES 15
#define NONCE_SIZE  32

enum err nonce_write(struct flow *f, const struct settings_list *list, int64_t list_id, const char *owner,
                     const char *fingerprint, struct buf *out, struct diag *why)
{
    int64_t now = clock_now(f->clock);
    char nonce[NONCE_SIZE], until[INSTANT_TEXT_SIZE];
    enum err err = nonce_forget(f->db, now, why);

    box_random_token(NONCE_BYTES, nonce);
    if (!err)
        err = nonce_insert(f->db, list_id, owner, fingerprint, nonce, now + NONCE_LIFE_S, why);
    if (!err)
        buf_printf(out,
                   "\n------------------------------------------------------------------------\n"
                   "A signed mail to the list may begin with these lines and `Embargo-Command: ...`,\nonce, until %s:\n"
                   "Embargo-List: %s\nEmbargo-Nonce: %s\n",
                   instant_text(now + NONCE_LIFE_S, until), list->name, nonce);
    return err;
}
