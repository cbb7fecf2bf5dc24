#include "store/copies_restored.h"

#include "base/instant.h"

/* What is not sealed yet keeps its state: it is sealed, and then waits. */
#define ASIDE                                                                                                          \
    "UPDATE copy SET state = CASE state WHEN 'sealing' THEN state ELSE 'deferred' END, code = '" COPY_MAYBE_SENT       \
    "', next_at = ?1 WHERE state IN ('sealing', 'queued', 'deferred') AND next_at <= ?2 "

static int64_t never(void)
{
    return instant_from_civil(9999, 12, 31, 0, 0, 0);
}

int64_t copy_last_id(struct db *db)
{
    return db_value(db, 0, "SELECT COALESCE(MAX(id), 0) FROM copy", "");
}

enum err copy_put_aside(struct db *db, int64_t now_utc_s, int64_t last_id, int64_t *n, struct diag *why)
{
    enum err err = db_run(db, why, ASIDE "AND id <= ?3", "iii", never(), now_utc_s, last_id);

    *n = err ? 0 : db_changes(db);
    return err;
}

enum err copy_put_aside_others(struct db *db, int64_t now_utc_s, int64_t last_id, struct diag *why)
{
    return db_run(db, why,
                  ASIDE "AND id > ?3 AND (member_id IS NOT NULL OR participant_id IS NOT NULL"
                        " OR application_id IS NOT NULL)",
                  "iii", never(), now_utc_s, last_id);
}

int64_t copy_count_aside(struct db *db)
{
    return db_value(db, 0, "SELECT COUNT(*) FROM copy WHERE code = '" COPY_MAYBE_SENT "' AND state <> 'dropped'", "");
}
