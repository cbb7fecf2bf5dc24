#include "flow/member_verbs.h"

/* clang-format off */
#define WORD(n)  {.name = n, .type = ARG_WORD}
#define MAYBE(n) {.name = n, .type = ARG_WORD, .optional = true}
/* clang-format on */

const struct command_verb common_verbs[] = {
    {"nonce", {{0}}, {{0}}, .run = verb_nonce, .help = "a fresh nonce; alone in a mail it needs none"},
    {"whoami", {{0}}, {{0}}, .run = verb_whoami, .help = "what is known of you"},
    {.words = NULL},
};

const struct command_verb member_verbs[] = {
    {"ack",
     {WORD("CASE"), WORD("VALUE"), MAYBE("DATE")},
     {{0}},
     .writes = true,
     .run = verb_ack,
     .help = "affected, not-affected, or fixed-by DATE: for a case that you were told of"},
    {.words = NULL},
};
