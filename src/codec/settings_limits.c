/* Limits: their keys, ranges and defaults. */
#include "codec/settings_parts.h"

#include <limits.h>

/* offset: where the value goes; kind: size_t (1) or int (0). */
#define LIMIT_SIZE(key, lo, hi)                                                                                        \
    {                                                                                                                  \
        .name = #key, .types = CONF_INT, .min = (lo), .max = (hi), .kind = 1,                                          \
        .offset = offsetof(struct settings_limits, key)                                                                \
    }
#define LIMIT_INT(key, lo, hi)                                                                                         \
    {                                                                                                                  \
        .name = #key, .types = CONF_INT, .min = (lo), .max = (hi), .kind = 0,                                          \
        .offset = offsetof(struct settings_limits, key)                                                                \
    }

const struct conf_key settings_limit_keys[] = {
    LIMIT_SIZE(message_bytes, 1024, 100 << 20),
    LIMIT_SIZE(hold_bytes, 1024, 150 << 20),
    LIMIT_SIZE(header_block_bytes, 1024, 16 << 20),
    LIMIT_SIZE(header_line_bytes, 998, 1 << 20),
    LIMIT_SIZE(parts, 1, 10000),
    LIMIT_SIZE(depth, 1, 200),
    LIMIT_SIZE(decrypted_bytes, 1024, 150 << 20),
    LIMIT_SIZE(decrypted_factor, 1, 100),
    LIMIT_INT(worker_seconds, 1, 3600),
    LIMIT_INT(worker_tries, 1, 100),
    LIMIT_INT(workers, 1, 64),
    LIMIT_INT(connections, 1, 10000),
    LIMIT_INT(recipients, 1, 1000),
    LIMIT_INT(idle_seconds, 1, 3600),
    LIMIT_INT(sender_mails, 1, 1000000),
    LIMIT_INT(domain_mails, 1, 1000000),
    LIMIT_INT(all_mails, 1, 1000000),
    LIMIT_INT(digest_minutes, 1, 1440),
    LIMIT_SIZE(reserve_bytes, 0, INT_MAX),
    LIMIT_INT(courier_jobs, 1, 1000),
    LIMIT_INT(retry_first_s, 1, 86400),
    LIMIT_INT(retry_max_s, 1, 604800),
    LIMIT_INT(retry_give_up_s, 60, 2592000),
    {.name = "require_synchronised_clock", .types = CONF_BOOL},
    {.name = NULL},
};

static const struct settings_limits default_limits = {
    .message_bytes = 25 << 20,
    .hold_bytes = 64 << 20,
    .header_block_bytes = 256 << 10,
    .header_line_bytes = 32 << 10,
    .parts = 1000,
    .depth = 50,
    .decrypted_bytes = 100 << 20,
    .decrypted_factor = 100,
    .worker_seconds = 60,
    .worker_tries = 3,
    .workers = 2,
    .connections = 200,
    .recipients = 100,
    .idle_seconds = 60,
    .sender_mails = 60,
    .domain_mails = 150,
    .all_mails = 300,
    .digest_minutes = 15,
    .reserve_bytes = 64 << 20,
    .courier_jobs = 20,
    .retry_first_s = 60,
    .retry_max_s = 4 * 3600,
    .retry_give_up_s = 5 * 86400,
    .require_synchronised_clock = true,
};

void settings_read_limits(const struct conf_node *root, struct settings *s)
{
    const struct conf_node *node = conf_get(root, "limits");

    s->limits = default_limits;
    for (const struct conf_key *k = settings_limit_keys; node && k->name; k++) {
        char *place = (char *)&s->limits + k->offset;

        if (!conf_get(node, k->name) || k->types != CONF_INT)
            continue;
        if (k->kind == 1)
            *(size_t *)(void *)place = (size_t)conf_int(node, k->name, 0);
        else
            *(int *)(void *)place = conf_int(node, k->name, 0);
    }
    s->limits.require_synchronised_clock = conf_bool(node, "require_synchronised_clock", true);
}
