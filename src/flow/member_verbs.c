#include "flow/member_verbs.h"

/* clang-format off */
#define WORD(n)  {.name = n, .type = ARG_WORD}
#define MAYBE(n) {.name = n, .type = ARG_WORD, .optional = true}
#define KEY(n)   {.name = n, .type = ARG_KEY, .optional = true}
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
    {"attest", {{0}}, {{0}}, .writes = true, .run = verb_attest, .help = "the membership is as it was, when asked"},
    {"contact add",
     {WORD("ADDRESS")},
     {KEY("key")},
     .writes = true,
     .run = verb_contact_add,
     .help = "one more address; with its key attached, else it has the key that the others have"},
    {"contact drop", {WORD("ADDRESS")}, {{0}}, .writes = true, .run = verb_contact_drop, .help = "an address less"},
    {"key refresh",
     {KEY("KEY")},
     {{0}},
     .writes = true,
     .run = verb_key_refresh,
     .help = "the key that is attached is yours, and has changed: it lasts longer, or is revoked"},
    {"key replace",
     {MAYBE("OLD"), KEY("NEW")},
     {{0}},
     .writes = true,
     .run = verb_key_replace,
     .help = "the key that is attached instead of OLD, or of the one that signs"},
    {"leave", {{0}}, {{0}}, .writes = true, .run = verb_leave, .help = "the membership ends now"},
    {"pause", {{0}}, {{0}}, .writes = true, .run = verb_pause, .help = "be told nothing until an admin reinstates you"},
    {"veto", {WORD("ID")}, {{0}}, .writes = true, .run = verb_veto, .help = "stop what was asked in your name"},
    {"vouch",
     {WORD("ID"), WORD("VALUE")},
     {{0}},
     .writes = true,
     .run = verb_vouch,
     .help = "yes or no: do you vouch for an applicant who named you?"},
    {.words = NULL},
};
