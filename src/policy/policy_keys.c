#include "policy/policy_keys.h"

#include <stddef.h>

#define TYPES_DURATION (CONF_STRING | CONF_INT)
#define TYPES_USE      (CONF_STRING | CONF_GROUP)

/* Rows of the tables: the structure, its field, the key's name. */
#define TEXT(s, f, n)                                                                                                  \
    {                                                                                                                  \
        .name = n, .types = CONF_STRING, .kind = KIND_TEXT, .offset = offsetof(struct s, f)                            \
    }
#define NAME(s, f, n)                                                                                                  \
    {                                                                                                                  \
        .name = n, .types = CONF_STRING, .kind = KIND_NAME, .offset = offsetof(struct s, f)                            \
    }
#define INT(s, f, n, lo, hi)                                                                                           \
    {                                                                                                                  \
        .name = n, .types = CONF_INT, .kind = KIND_INT, .offset = offsetof(struct s, f), .min = lo, .max = hi          \
    }
#define BOOL(s, f, n)                                                                                                  \
    {                                                                                                                  \
        .name = n, .types = CONF_BOOL, .kind = KIND_BOOL, .offset = offsetof(struct s, f)                              \
    }
#define WORD(s, f, n, w)                                                                                               \
    {                                                                                                                  \
        .name = n, .types = CONF_STRING, .kind = KIND_WORD, .offset = offsetof(struct s, f), .words = w                \
    }
#define CHOICE(s, f, n, w)                                                                                             \
    {                                                                                                                  \
        .name = n, .types = CONF_STRING, .kind = KIND_TEXT, .offset = offsetof(struct s, f), .words = w                \
    }
#define SET(s, f, n, w)                                                                                                \
    {                                                                                                                  \
        .name = n, .types = CONF_STRINGS, .kind = KIND_SET, .offset = offsetof(struct s, f), .words = w                \
    }
#define LISTED(s, f, n, w)                                                                                             \
    {                                                                                                                  \
        .name = n, .types = CONF_STRINGS, .kind = KIND_WORDS, .offset = offsetof(struct s, f), .words = w              \
    }
#define DURATION(s, f, n)                                                                                              \
    {                                                                                                                  \
        .name = n, .types = TYPES_DURATION, .kind = KIND_DURATION, .offset = offsetof(struct s, f), .min = 0,          \
        .max = 10000                                                                                                   \
    }
#define TIME(s, f, n)                                                                                                  \
    {                                                                                                                  \
        .name = n, .types = CONF_STRING, .kind = KIND_TIME, .offset = offsetof(struct s, f)                            \
    }
#define GROUP(s, f, n, k)                                                                                              \
    {                                                                                                                  \
        .name = n, .types = CONF_GROUP, .kind = KIND_GROUP, .offset = offsetof(struct s, f), .keys = k                 \
    }
#define INLINE(n, k)                                                                                                   \
    {                                                                                                                  \
        .name = n, .types = CONF_GROUP, .kind = KIND_GROUP, .offset = 0, .keys = k                                     \
    }
#define LIST(n, k)                                                                                                     \
    {                                                                                                                  \
        .name = n, .types = CONF_GROUPS, .kind = KIND_LIST, .keys = k                                                  \
    }
#define END                                                                                                            \
    {                                                                                                                  \
        .name = NULL                                                                                                   \
    }

const char *const policy_unit_words[] = {"hour",         "calendar-day", "calendar-month",
                                         "business-day", "working-week", NULL};
const char *const policy_force_words[] = {"aim", "limit", "hard", NULL};
const char *const policy_event_words[] = {
    "report",           "acknowledge", "accepted",  "fix-ready",    "release-start",
    "list-post",        "predisclose", "awareness", "exploited",    "publish-planned",
    "triage",           "fix",         "cve",       "final-notice", "publish",
    "report-authority", NULL};
/* The events that may start a clock: the first of the above, so that both count alike. */
static const char *const start_words[] = {"report",        "acknowledge",     "accepted",    "fix-ready",
                                          "release-start", "list-post",       "predisclose", "awareness",
                                          "exploited",     "publish-planned", NULL};
const char *const policy_weekday_words[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL};
const char *const policy_severity_words[] = {"low", "medium", "high", "critical", NULL};
const char *const policy_sender_words[] = {"team", "member", "participant", "reporter", "stranger", NULL};
const char *const policy_address_words[] = {"report", "case", "members", "apply", "command", NULL};
const char *const policy_action_words[] = {"allow", "hold", "refuse", NULL};
const char *const policy_use_words[] = {"allow", "deny", "ask", "advisory", NULL};

static const char *const mode_words[] = {"full", "coordinated", "semi-public", NULL};
static const char *const model_words[] = {"distro", "cloud", NULL};
static const char *const origin_words[] = {"any", "human", "automated", NULL};
static const char *const class_words[] = {"distro",     "vendor", "hosting-provider", "large-user", "hardware-vendor",
                                          "downstream", NULL};
static const char *const by_words[] = {"discoverer", "team", NULL};
static const char *const expiry_words[] = {"remind", "escalate", "predisclose", "publish", NULL};
static const char *const restart_words[] = {"patch-defect", NULL};
static const char *const discoverer_words[] = {"final", "honour", "consulted", NULL};
static const char *const reaction_words[] = {"publish-now", "decide", NULL};
static const char *const apply_words[] = {"public-list", "private-mail", "public-issue", "invite", NULL};
static const char *const need_words[] = {"required", "preferred", "no", "optional", NULL};
static const char *const shown_words[] = {"organisations", NULL};
static const char *const acknowledge_words[] = {"authenticated", "always", "never", NULL};
static const char *const plain_text_words[] = {"allow", "notice-only", "never", NULL};
static const char *const kind_words[] = {"mail", "web", "file", NULL};
static const char *const format_words[] = {"text", "html", "csaf", "osv", "cve", "atom", "xml", NULL};
static const char *const cve_words[] = {"yes", "no", "if-important", NULL};
static const char *const cve_before_words[] = {"predisclose", "publish", "after-fix", NULL};
static const char *const commits_words[] = {"forbidden", "neutral", "allowed", NULL};
static const char *const basis_words[] = {"primary", "secondary", "survey", NULL};
static const char *const nothing[] = {NULL};
static const char *const everywhere[] = {"unstated", "none", NULL};

static const struct conf_key head_keys[] = {
    NAME(policy, id, "id"),       NAME(policy, edition, "edition"),          TEXT(policy, source, "source"),
    TEXT(policy, title, "title"), WORD(policy, basis, "basis", basis_words), END};

static const struct conf_key when_keys[] = {SET(policy_when, severity, "severity", policy_severity_words),
                                            TEXT(policy_when, channel, "channel"),
                                            BOOL(policy_when, is_public, "public"),
                                            WORD(policy_when, origin, "origin", origin_words),
                                            TEXT(policy_when, scope, "scope"),
                                            DURATION(policy_when, fix_longer_than, "fix_longer_than"),
                                            END};

static const struct conf_key track_keys[] = {NAME(policy_track, name, "name"),
                                             WORD(policy_track, mode, "mode", mode_words),
                                             WORD(policy_track, model, "model", model_words),
                                             GROUP(policy_track, when, "when", when_keys),
                                             NAME(policy_track, policy, "policy"),
                                             END};

static const struct conf_key use_keys[] = {WORD(policy_use_value, value, "value", policy_use_words),
                                           TEXT(policy_use_value, condition, "if"), END};

#define USE(n, i)                                                                                                      \
    {                                                                                                                  \
        .name = n, .types = TYPES_USE, .kind = KIND_USE,                                                               \
        .offset = offsetof(struct policy_tier, uses) + (i) * sizeof(struct policy_use_value),                          \
        .words = policy_use_words, .keys = use_keys                                                                    \
    }
static const struct conf_key uses_keys[] = {USE("build_test", POLICY_USE_BUILD_TEST),
                                            USE("plan_upgrade", POLICY_USE_PLAN_UPGRADE),
                                            USE("inform_customers", POLICY_USE_INFORM_CUSTOMERS),
                                            USE("deploy_internal", POLICY_USE_DEPLOY_INTERNAL),
                                            USE("deploy_hosted", POLICY_USE_DEPLOY_HOSTED),
                                            USE("distribute_binary", POLICY_USE_DISTRIBUTE_BINARY),
                                            USE("publish_commit", POLICY_USE_PUBLISH_COMMIT),
                                            USE("tell_existence", POLICY_USE_TELL_EXISTENCE),
                                            USE("tell_id", POLICY_USE_TELL_ID),
                                            USE("tell_date", POLICY_USE_TELL_DATE),
                                            USE("tell_cve", POLICY_USE_TELL_CVE),
                                            USE("tell_impact", POLICY_USE_TELL_IMPACT),
                                            USE("explain_reboot", POLICY_USE_EXPLAIN_REBOOT),
                                            USE("share_members", POLICY_USE_SHARE_MEMBERS),
                                            END};

static const struct conf_key notice_keys[] = {DURATION(policy_tier, before_publish, "before_publish"),
                                              DURATION(policy_tier, final, "final"),
                                              BOOL(policy_tier, hold_until, "hold_until"), END};

static const struct conf_key tier_keys[] = {NAME(policy_tier, name, "name"),
                                            LISTED(policy_tier, classes, "classes", class_words),
                                            LISTED(policy_tier, tracks, "tracks", NULL),
                                            INLINE("notice", notice_keys),
                                            BOOL(policy_tier, hold_until, "hold_until"),
                                            INT(policy_tier, stage, "stage", 1, 99),
                                            WORD(policy_tier, after, "after", start_words),
                                            DURATION(policy_tier, max, "max"),
                                            INLINE("uses", uses_keys),
                                            END};

static const struct conf_key extend_keys[] = {
    INT(policy_extend, max, "max", 1, 10000), WORD(policy_extend, unit, "unit", policy_unit_words),
    WORD(policy_extend, by, "by", by_words), BOOL(policy_extend, reason, "reason"), END};

static const struct conf_key grace_keys[] = {SET(policy_grace, reported_on, "reported_on", policy_weekday_words),
                                             SET(policy_grace, publish_on, "publish_on", policy_weekday_words),
                                             INT(policy_grace, max, "max", 1, 10000), END};

static const struct conf_key clock_keys[] = {NAME(policy_clock, name, "name"),
                                             {.name = "value",
                                              .types = CONF_STRING,
                                              .kind = KIND_WHOLE,
                                              .offset = offsetof(struct policy_clock, whole),
                                              .words = nothing},
                                             WORD(policy_clock, start, "start", start_words),
                                             WORD(policy_clock, end, "end", policy_event_words),
                                             WORD(policy_clock, unit, "unit", policy_unit_words),
                                             INT(policy_clock, min, "min", 0, 10000),
                                             INT(policy_clock, target, "target", 0, 10000),
                                             INT(policy_clock, max, "max", 0, 10000),
                                             WORD(policy_clock, force, "force", policy_force_words),
                                             WORD(policy_clock, force_min, "force_min", policy_force_words),
                                             GROUP(policy_clock, extend, "extend", extend_keys),
                                             GROUP(policy_clock, grace, "grace", grace_keys),
                                             CHOICE(policy_clock, restart_on, "restart_on", restart_words),
                                             WORD(policy_clock, on_expiry, "on_expiry", expiry_words),
                                             END};

static const struct conf_key release_keys[] = {
    TIME(policy_release, time, "time"),
    TEXT(policy_release, zone, "zone"),
    WORD(policy_release, force, "force", policy_force_words),
    SET(policy_release, forbid_weekdays, "forbid_weekdays", policy_weekday_words),
    SET(policy_release, prefer_weekdays, "prefer_weekdays", policy_weekday_words),
    NAME(policy_release, holidays, "holidays"),
    BOOL(policy_release, automatic, "automatic"),
    INT(policy_release, approvals, "approvals", 1, 99),
    END};

static const struct conf_key authority_keys[] = {WORD(policy_authority, discoverer, "discoverer", discoverer_words),
                                                 WORD(policy_authority, exploited, "exploited", reaction_words),
                                                 WORD(policy_authority, leak, "leak", reaction_words), END};

static const struct conf_key criterion_keys[] = {NAME(policy_criterion, id, "id"), TEXT(policy_criterion, text, "text"),
                                                 BOOL(policy_criterion, evidence, "evidence"), END};

static const struct conf_key membership_keys[] = {
    WORD(policy_membership, apply, "apply", apply_words),
    LIST("criteria", criterion_keys),
    LISTED(policy_membership, application, "application", NULL),
    WORD(policy_membership, role_address, "role_address", need_words),
    WORD(policy_membership, key, "key", need_words),
    INT(policy_membership, vouchers, "vouchers", 0, 99),
    INT(policy_membership, approvals, "approvals", 1, 99),
    BOOL(policy_membership, discretion, "discretion"),
    DURATION(policy_membership, decide_within, "decide_within"),
    TEXT(policy_membership, appeal, "appeal"),
    CHOICE(policy_membership, publish_members, "publish_members", shown_words),
    DURATION(policy_membership, reattest, "reattest"),
    TEXT(policy_membership, on_breach, "on_breach"),
    END};

static const struct conf_key posting_keys[] = {NAME(policy_posting, name, "name"),
                                               SET(policy_posting, who, "who", policy_sender_words),
                                               LISTED(policy_posting, tiers, "tiers", NULL),
                                               WORD(policy_posting, to, "to", policy_address_words),
                                               WORD(policy_posting, signature, "signature", need_words),
                                               WORD(policy_posting, encrypted, "encrypted", need_words),
                                               TEXT(policy_posting, subject_prefix, "subject_prefix"),
                                               WORD(policy_posting, action, "action", policy_action_words),
                                               END};

static const struct conf_key reporting_keys[] = {WORD(policy_reporting, acknowledge, "acknowledge", acknowledge_words),
                                                 WORD(policy_reporting, plain_text, "plain_text", plain_text_words),
                                                 BOOL(policy_reporting, credit, "credit"), END};

static const struct conf_key sealing_keys[] = {BOOL(policy, watermark, "watermark"), END};

static const struct conf_key channel_keys[] = {CHOICE(policy_channel, kind, "kind", kind_words),
                                               TEXT(policy_channel, to, "to"), END};

static const struct conf_key duty_keys[] = {TEXT(policy_publication, duty_list, "list"),
                                            DURATION(policy_publication, duty_within, "within"), END};

static const struct conf_key publication_keys[] = {LIST("channels", channel_keys),
                                                   TEXT(policy_publication, id, "id"),
                                                   BOOL(policy_publication, versioned, "versioned"),
                                                   BOOL(policy_publication, archive, "archive"),
                                                   LISTED(policy_publication, formats, "formats", format_words),
                                                   INLINE("duty", duty_keys),
                                                   END};

static const struct conf_key cve_keys[] = {WORD(policy_cve, required, "required", cve_words),
                                           TEXT(policy_cve, assigner, "assigner"),
                                           WORD(policy_cve, before, "before", cve_before_words), END};

static const struct conf_key commit_keys[] = {
    TEXT(policy_commit, tag, "tag"), WORD(policy_commit, before_publish, "before_publish", commits_words), END};

static const struct conf_key audit_keys[] = {BOOL(policy_audit, disclose_decisions, "disclose_decisions"),
                                             BOOL(policy_audit, statistics, "statistics"), END};

static const struct conf_key approvals_keys[] = {INT(policy_approvals, member_add, "member_add", 1, 99),
                                                 INT(policy_approvals, key_change, "key_change", 1, 99),
                                                 INT(policy_approvals, lift, "lift", 1, 99),
                                                 INT(policy_approvals, publish, "publish", 1, 99),
                                                 INT(policy_approvals, backup_with_keys, "backup_with_keys", 1, 99),
                                                 END};

const struct conf_key policy_keys[] = {
    INLINE("policy", head_keys), LIST("tracks", track_keys), LIST("tiers", tier_keys),
    /* for tiers without words of their own; the structure of a tier holds them */
    GROUP(policy, everyone, "uses", uses_keys), LIST("clocks", clock_keys),
    GROUP(policy, release, "release", release_keys), GROUP(policy, authority, "authority", authority_keys),
    GROUP(policy, membership, "membership", membership_keys), LIST("posting", posting_keys),
    GROUP(policy, reporting, "reporting", reporting_keys), INLINE("sealing", sealing_keys),
    GROUP(policy, publication, "publication", publication_keys), GROUP(policy, cve, "cve", cve_keys),
    GROUP(policy, commits, "commits", commit_keys), GROUP(policy, audit, "audit", audit_keys),
    GROUP(policy, approvals, "approvals", approvals_keys), END};

const struct conf_schema policy_schema = {policy_keys, everywhere};

static const struct conf_key defaults_membership_keys[] = {LISTED(policy_membership, application, "application", NULL),
                                                           END};
static const struct conf_key defaults_release_keys[] = {BOOL(policy_release, automatic, "automatic"), END};

/* What defaults may set: how the list is run, never a fact of a project's process. */
static const struct conf_key defaults_keys[] = {GROUP(policy, release, "release", defaults_release_keys),
                                                GROUP(policy, membership, "membership", defaults_membership_keys),
                                                LIST("posting", posting_keys),
                                                GROUP(policy, reporting, "reporting", reporting_keys),
                                                INLINE("sealing", sealing_keys),
                                                GROUP(policy, approvals, "approvals", approvals_keys),
                                                END};

const struct conf_schema policy_defaults_schema = {defaults_keys, everywhere};

#define LIST_OF(k, s, f, e, named, words)                                                                              \
    {                                                                                                                  \
        k, offsetof(struct s, f##_stated), offsetof(struct s, f), offsetof(struct s, n_##f), sizeof(struct e),         \
            offsetof(struct e, line), offsetof(struct e, named), words                                                 \
    }
static const struct policy_list lists[] = {
    LIST_OF(track_keys, policy, tracks, policy_track, name, "track"),
    LIST_OF(tier_keys, policy, tiers, policy_tier, name, "tier"),
    LIST_OF(clock_keys, policy, clocks, policy_clock, name, "clock"),
    LIST_OF(posting_keys, policy, posting, policy_posting, name, "posting rule"),
    LIST_OF(criterion_keys, policy_membership, criteria, policy_criterion, id, "criterion"),
    LIST_OF(channel_keys, policy_publication, channels, policy_channel, kind, "channel"),
};

const struct policy_list *policy_list_of(const struct conf_key *key)
{
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        if (lists[i].keys == key->keys)
            return &lists[i];
    }
    return NULL;
}
