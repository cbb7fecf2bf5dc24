#include "store/schema.h"

/*
 * Columns named sealed_* hold sealed bytes: titles, texts, names, reasons, CVE ids, addresses of reporters. Clear are
 * ids, states, instants (UTC seconds), tiers, digests, and the addresses of members.
 */
static const char version_1[] =
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value BLOB) STRICT;"

    /* The texts of policies that cases have pinned, by their digest. */
    "CREATE TABLE policy(digest TEXT PRIMARY KEY, name TEXT NOT NULL, text BLOB NOT NULL, defaults BLOB NOT NULL) "
    "STRICT;"

    "CREATE TABLE list(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, fingerprint TEXT NOT NULL,"
    " next_public INTEGER NOT NULL) STRICT;"

    /* Public keys of members: the minimised certificate, the home (shard) it is imported into, and when that was done.
     */
    "CREATE TABLE key(id INTEGER PRIMARY KEY, list_id INTEGER NOT NULL REFERENCES list(id), fingerprint TEXT NOT NULL,"
    " shard INTEGER NOT NULL, certificate BLOB NOT NULL, facts BLOB NOT NULL, imported INTEGER NOT NULL DEFAULT 0,"
    " added_at INTEGER NOT NULL, UNIQUE(list_id, fingerprint)) STRICT;"
    "CREATE TABLE subkey(list_id INTEGER NOT NULL, key_id TEXT NOT NULL, key_row INTEGER NOT NULL REFERENCES key(id)"
    " ON DELETE CASCADE, UNIQUE(list_id, key_id)) STRICT;"

    "CREATE TABLE member(id INTEGER PRIMARY KEY, list_id INTEGER NOT NULL REFERENCES list(id), org TEXT NOT NULL,"
    " class TEXT NOT NULL, tier TEXT NOT NULL, state TEXT NOT NULL, added_at INTEGER NOT NULL, changed_at INTEGER,"
    " sealed_reason BLOB, UNIQUE(list_id, org)) STRICT;"
    "CREATE TABLE contact(id INTEGER PRIMARY KEY, member_id INTEGER NOT NULL REFERENCES member(id), address TEXT NOT "
    "NULL,"
    " fingerprint TEXT, added_at INTEGER NOT NULL, UNIQUE(member_id, address)) STRICT;"
    "CREATE INDEX contact_fingerprint ON contact(fingerprint);"

    "CREATE TABLE cases(id INTEGER PRIMARY KEY, list_id INTEGER NOT NULL REFERENCES list(id), code TEXT NOT NULL "
    "UNIQUE,"
    " public_id TEXT, state TEXT NOT NULL, track TEXT, mode TEXT, model TEXT, severity TEXT, policy TEXT NOT NULL,"
    " policy_digest TEXT NOT NULL, opened_at INTEGER NOT NULL, acknowledged_at INTEGER, accepted_at INTEGER,"
    " fix_ready_at INTEGER, predisclosed_at INTEGER, public_at INTEGER, closed_at INTEGER, until_at INTEGER,"
    " discoverer_at INTEGER, embargo_status TEXT, embargo_start_at INTEGER, is_public INTEGER NOT NULL DEFAULT 0,"
    " track_chosen INTEGER NOT NULL DEFAULT 0, channel TEXT, origin TEXT, scope TEXT, fix_needs_s INTEGER,"
    " version INTEGER NOT NULL DEFAULT 0, sealed_title BLOB, sealed_cves BLOB, sealed_commits BLOB,"
    " sealed_answers BLOB, duplicate_of TEXT) STRICT;"

    "CREATE TABLE message(id INTEGER PRIMARY KEY, case_id INTEGER NOT NULL REFERENCES cases(id), n INTEGER NOT NULL,"
    " at INTEGER NOT NULL, author TEXT NOT NULL, signed_by TEXT, verified INTEGER NOT NULL, encrypted INTEGER NOT NULL,"
    " size_bytes INTEGER NOT NULL, sealed_raw BLOB, sealed_facts BLOB, UNIQUE(case_id, n)) STRICT;"
    "CREATE TABLE reference(digest BLOB PRIMARY KEY, case_id INTEGER NOT NULL REFERENCES cases(id)) STRICT;"
    "CREATE TABLE participant(id INTEGER PRIMARY KEY, case_id INTEGER NOT NULL REFERENCES cases(id), role TEXT NOT "
    "NULL,"
    " token BLOB NOT NULL UNIQUE, address_digest BLOB NOT NULL, fingerprint TEXT, added_at INTEGER NOT NULL,"
    " ended_at INTEGER, sealed_token BLOB, sealed_address BLOB, sealed_key BLOB) STRICT;"

    "CREATE TABLE advisory(id INTEGER PRIMARY KEY, case_id INTEGER NOT NULL REFERENCES cases(id), version INTEGER NOT "
    "NULL,"
    " state TEXT NOT NULL, at INTEGER NOT NULL, sent_at INTEGER, sealed_document BLOB,"
    " UNIQUE(case_id, version)) STRICT;"
    "CREATE TABLE patch(id INTEGER PRIMARY KEY, advisory_id INTEGER NOT NULL REFERENCES advisory(id), n INTEGER NOT "
    "NULL,"
    " size_bytes INTEGER NOT NULL, sealed_name BLOB, sealed_content BLOB, UNIQUE(advisory_id, n)) STRICT;"
    "CREATE TABLE told(case_id INTEGER NOT NULL REFERENCES cases(id), member_id INTEGER NOT NULL REFERENCES member(id),"
    " version INTEGER NOT NULL, tier TEXT NOT NULL, at INTEGER NOT NULL, UNIQUE(case_id, member_id, version)) STRICT;"

    /*
     * A mail group: recipients that share their plaintext. sealed_payload is there until every copy is sealed for its
     * recipient; then body_file holds the shared encrypted body, and each copy its own session-key packet (head).
     */
    "CREATE TABLE mail(id INTEGER PRIMARY KEY, list_id INTEGER NOT NULL REFERENCES list(id),"
    " case_id INTEGER REFERENCES cases(id), version INTEGER, kind TEXT NOT NULL, form TEXT NOT NULL, message_id TEXT "
    "NOT NULL,"
    " made_at INTEGER NOT NULL, state TEXT NOT NULL, suffix BLOB, sealed_prefix BLOB,"
    " sealed_payload BLOB) STRICT;"
    "CREATE INDEX mail_state ON mail(state);"
    "CREATE TABLE body(id INTEGER PRIMARY KEY, mail_id INTEGER NOT NULL REFERENCES mail(id), file TEXT NOT NULL UNIQUE,"
    " size_bytes INTEGER NOT NULL) STRICT;"
    "CREATE TABLE copy(id INTEGER PRIMARY KEY, mail_id INTEGER NOT NULL REFERENCES mail(id), body_id INTEGER "
    "REFERENCES body(id),"
    " member_id INTEGER REFERENCES member(id), org TEXT, address TEXT, fingerprint TEXT, key_row INTEGER,"
    " participant_id INTEGER REFERENCES participant(id), head BLOB, state TEXT NOT NULL, tries INTEGER NOT NULL "
    "DEFAULT 0,"
    " seal_tries INTEGER NOT NULL DEFAULT 0, earliest_at INTEGER, next_at INTEGER NOT NULL, code TEXT, queue_id TEXT,"
    " done_at INTEGER, sealed_address BLOB) STRICT;"
    "CREATE INDEX copy_state ON copy(state, next_at);"
    "CREATE INDEX copy_mail ON copy(mail_id);"

    "CREATE TABLE held(id INTEGER PRIMARY KEY, list_id INTEGER, code TEXT NOT NULL UNIQUE, at INTEGER NOT NULL,"
    " rule TEXT NOT NULL, size_bytes INTEGER NOT NULL, state TEXT NOT NULL, sealed_envelope BLOB, sealed_raw BLOB) "
    "STRICT;"
    "CREATE TABLE seen(kind TEXT NOT NULL, digest BLOB NOT NULL, owner BLOB, at INTEGER NOT NULL,"
    " PRIMARY KEY(kind, digest)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE deadline(id INTEGER PRIMARY KEY, case_id INTEGER NOT NULL REFERENCES cases(id), clock TEXT NOT NULL,"
    " tier TEXT, at INTEGER NOT NULL, rule TEXT NOT NULL, force TEXT NOT NULL, fired_at INTEGER) STRICT;"
    "CREATE INDEX deadline_at ON deadline(fired_at, at);"

    "CREATE TABLE note(id INTEGER PRIMARY KEY, case_id INTEGER NOT NULL REFERENCES cases(id), at INTEGER NOT NULL,"
    " actor TEXT NOT NULL, sealed_text BLOB) STRICT;"

    "CREATE TABLE approval(id INTEGER PRIMARY KEY, list_id INTEGER NOT NULL, code TEXT NOT NULL UNIQUE, action TEXT "
    "NOT NULL,"
    " object TEXT NOT NULL, by TEXT NOT NULL, at INTEGER NOT NULL, needs INTEGER NOT NULL, state TEXT NOT NULL,"
    " sealed_command BLOB) STRICT;"
    "CREATE TABLE vote(approval_id INTEGER NOT NULL REFERENCES approval(id), admin TEXT NOT NULL, vote TEXT NOT NULL,"
    " at INTEGER NOT NULL, UNIQUE(approval_id, admin)) STRICT;"

    "CREATE TABLE audit(id INTEGER PRIMARY KEY, at INTEGER NOT NULL, actor TEXT NOT NULL, event TEXT NOT NULL,"
    " object TEXT NOT NULL, rule TEXT NOT NULL, prev TEXT NOT NULL, hash TEXT NOT NULL, sealed_detail BLOB) STRICT;";

/* What is looked at whenever core's loop turns must not cost a walk over all certificates. */
static const char version_2[] = "CREATE INDEX key_shard ON key(list_id, shard);"
                                "CREATE INDEX key_waiting ON key(shard, id) WHERE imported = 0;";

/* What is to be done at an instant (store/duties.h). */
static const char version_3[] =
    "CREATE TABLE duty(id INTEGER PRIMARY KEY, list_id INTEGER NOT NULL, kind TEXT NOT NULL, object INTEGER NOT NULL,"
    " detail TEXT NOT NULL, at INTEGER NOT NULL, done_at INTEGER, UNIQUE(kind, object, detail)) STRICT;"
    "CREATE INDEX duty_at ON duty(done_at, at);";

/* Keys that are to be looked up (store/lookups.h). */
static const char version_4[] =
    "CREATE TABLE lookup(id INTEGER PRIMARY KEY, list_id INTEGER NOT NULL, kind TEXT NOT NULL, object INTEGER NOT NULL,"
    " at INTEGER NOT NULL, tries INTEGER NOT NULL DEFAULT 0, sealed_address BLOB, UNIQUE(kind, object)) STRICT;"
    "CREATE INDEX lookup_at ON lookup(at);";

/* What waits for further admins (store/approvals.h). */
static const char version_5[] = "ALTER TABLE approval ADD COLUMN kind TEXT NOT NULL DEFAULT 'command';"
                                "ALTER TABLE approval ADD COLUMN not_before_at INTEGER NOT NULL DEFAULT 0;"
                                "ALTER TABLE approval ADD COLUMN until_at INTEGER NOT NULL DEFAULT 0;"
                                "ALTER TABLE approval ADD COLUMN ended_at INTEGER;"
                                "ALTER TABLE approval ADD COLUMN digest BLOB;";

/* Bounces (store/bounces.h), and which mail is ours that comes back. */
static const char version_6[] =
    "CREATE TABLE bounce(copy_id INTEGER PRIMARY KEY REFERENCES copy(id), at INTEGER NOT NULL, class TEXT NOT NULL,"
    " code TEXT NOT NULL, given_up INTEGER NOT NULL, times INTEGER NOT NULL) STRICT;"
    "CREATE INDEX mail_message_id ON mail(message_id);"
    "CREATE INDEX copy_to ON copy(member_id, address);";

/* Applications for membership (store/applications.h), and the copies of mail to applicants. */
static const char version_7[] =
    "CREATE TABLE application(id INTEGER PRIMARY KEY, list_id INTEGER NOT NULL REFERENCES list(id),"
    " code TEXT NOT NULL UNIQUE, state TEXT NOT NULL, fingerprint TEXT, key_rule TEXT, tier TEXT,"
    " received_at INTEGER NOT NULL, complete_at INTEGER, decide_by INTEGER, challenge_until INTEGER,"
    " challenges INTEGER NOT NULL DEFAULT 0, answerable INTEGER NOT NULL DEFAULT 0, proved INTEGER NOT NULL DEFAULT 0,"
    " member_id INTEGER REFERENCES member(id),"
    " quarantine INTEGER NOT NULL DEFAULT 0, org_digest BLOB NOT NULL, sender_digest BLOB NOT NULL,"
    " challenge_digest BLOB, sealed_org BLOB, sealed_form BLOB, sealed_answer BLOB, sealed_reason BLOB,"
    " sealed_facts BLOB, sealed_key BLOB) STRICT;"
    "CREATE INDEX application_fingerprint ON application(list_id, fingerprint);"
    "CREATE INDEX application_quarantine ON application(quarantine) WHERE quarantine IN (1, 3);"
    "CREATE TABLE application_subkey(application_id INTEGER NOT NULL REFERENCES application(id), key_id TEXT NOT NULL,"
    " UNIQUE(application_id, key_id)) STRICT;"
    "CREATE INDEX application_subkey_id ON application_subkey(key_id);"
    "CREATE TABLE application_vote(application_id INTEGER NOT NULL REFERENCES application(id), admin TEXT NOT NULL,"
    " vote TEXT NOT NULL, at INTEGER NOT NULL, UNIQUE(application_id, admin)) STRICT;"
    "CREATE TABLE application_voucher(application_id INTEGER NOT NULL REFERENCES application(id),"
    " member_id INTEGER NOT NULL REFERENCES member(id), state TEXT NOT NULL, asked_at INTEGER NOT NULL,"
    " answered_at INTEGER, UNIQUE(application_id, member_id)) STRICT;"
    "CREATE TABLE application_message(id INTEGER PRIMARY KEY,"
    " application_id INTEGER NOT NULL REFERENCES application(id), at INTEGER NOT NULL, author TEXT NOT NULL,"
    " sealed_text BLOB) STRICT;"
    "CREATE TABLE application_reference(digest BLOB PRIMARY KEY,"
    " application_id INTEGER NOT NULL REFERENCES application(id)) STRICT;"
    "CREATE TABLE application_answer(address_digest BLOB NOT NULL, at INTEGER NOT NULL) STRICT;"
    "ALTER TABLE copy ADD COLUMN application_id INTEGER REFERENCES application(id);";

/* What was published, and what the list has signed for it (store/publish.h). */
static const char version_8[] =
    "ALTER TABLE advisory ADD COLUMN released_at INTEGER;"
    "ALTER TABLE cases ADD COLUMN sealed_shown_commits BLOB;"
    "CREATE TABLE signed_text(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, fingerprint TEXT NOT NULL,"
    " digest BLOB NOT NULL, at INTEGER NOT NULL, sealed_text BLOB) STRICT;";

/* The life of members: when they last said who they are, and what went wrong. */
static const char version_9[] = "ALTER TABLE member ADD COLUMN attested_at INTEGER;"
                                "CREATE INDEX contact_address ON contact(lower(address));"
                                "CREATE INDEX copy_member ON copy(member_id);"
                                "CREATE TABLE breach(id INTEGER PRIMARY KEY, member_id INTEGER NOT NULL REFERENCES"
                                " member(id), at INTEGER NOT NULL, actor TEXT NOT NULL, consequence TEXT NOT NULL,"
                                " sealed_reason BLOB) STRICT;";

/* The day of publication: what was decided, and each of its steps (store/releases.h). */
static const char version_10[] =
    "CREATE TABLE release(id INTEGER PRIMARY KEY, case_id INTEGER NOT NULL UNIQUE REFERENCES cases(id),"
    " version INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL, rule TEXT NOT NULL, approved BLOB,"
    " confirmed_at INTEGER, started_at INTEGER, done_at INTEGER) STRICT;"
    "CREATE TABLE release_step(id INTEGER PRIMARY KEY, release_id INTEGER NOT NULL REFERENCES release(id),"
    " n INTEGER NOT NULL, kind TEXT NOT NULL, target TEXT NOT NULL, state TEXT NOT NULL, rule TEXT NOT NULL,"
    " tries INTEGER NOT NULL, next_at INTEGER NOT NULL, mail_id INTEGER REFERENCES mail(id), done_at INTEGER,"
    " sealed_text BLOB, UNIQUE(release_id, kind, target)) STRICT;"
    "CREATE INDEX release_step_state ON release_step(state);";

/* Nonces of commands by mail (store/nonces.h). */
static const char version_11[] = "CREATE TABLE nonce(digest BLOB PRIMARY KEY, list_id INTEGER NOT NULL,"
                                 " owner TEXT NOT NULL, until_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
                                 "CREATE INDEX nonce_until ON nonce(until_at);"
                                 /* What members say of a case (store/acks.h). */
                                 "CREATE TABLE ack(case_id INTEGER NOT NULL REFERENCES cases(id),"
                                 " member_id INTEGER NOT NULL REFERENCES member(id), value TEXT NOT NULL, day TEXT,"
                                 " at INTEGER NOT NULL, by TEXT NOT NULL, PRIMARY KEY(case_id, member_id))"
                                 " STRICT, WITHOUT ROWID;";

/* The memory of the rate limits (store/arrivals.h). */
static const char version_12[] =
    "CREATE TABLE arrival(id INTEGER PRIMARY KEY, list_id INTEGER NOT NULL, at INTEGER NOT NULL, kind TEXT NOT NULL,"
    " sender_digest BLOB NOT NULL, domain_digest BLOB NOT NULL, code TEXT NOT NULL, rule TEXT NOT NULL,"
    " told INTEGER NOT NULL) STRICT;"
    "CREATE INDEX arrival_sender ON arrival(sender_digest, at);"
    "CREATE INDEX arrival_domain ON arrival(domain_digest, at);"
    "CREATE INDEX arrival_list ON arrival(list_id, kind, at);"
    "CREATE INDEX arrival_told ON arrival(list_id, told, at);"
    "CREATE INDEX mail_made ON mail(kind, made_at);";

/* In which language a member is written to (flow/texts.h). */
static const char version_13[] = "ALTER TABLE member ADD COLUMN language TEXT;";

/* Secret keys that came by mail, by what they say that they are (store/secret_keys.h). */
static const char version_14[] =
    "CREATE TABLE secret_key(list_id INTEGER NOT NULL, fingerprint TEXT NOT NULL, code TEXT NOT NULL,"
    " at INTEGER NOT NULL, PRIMARY KEY(list_id, fingerprint, code)) STRICT, WITHOUT ROWID;";

/*
 * Which key is a reporter's leads to his address: it is sealed, and found by digests (store/participants.c). What stood
 * in clear is sealed when the data key is open.
 */
static const char version_15[] = "ALTER TABLE participant ADD COLUMN key_digest BLOB;"
                                 "ALTER TABLE participant ADD COLUMN key_id_digest BLOB;"
                                 "ALTER TABLE participant ADD COLUMN sealed_fingerprint BLOB;"
                                 "ALTER TABLE message ADD COLUMN sealed_signed_by BLOB;";

const char *const schema_steps[] = {version_1,  version_2,  version_3,  version_4,  version_5,
                                    version_6,  version_7,  version_8,  version_9,  version_10,
                                    version_11, version_12, version_13, version_14, version_15};
const size_t schema_steps_n = sizeof schema_steps / sizeof schema_steps[0];
