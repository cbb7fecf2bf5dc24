/*
 * The handlers of the commands; each fills reply->data with what `show` of the object gives. See flow/command.h.
 */
#ifndef FLOW_CMD_H
#define FLOW_CMD_H

#include "flow/command.h"

#define CMD_HANDLER(name) enum err name(struct flow *f, const struct command *c, struct reply *r, struct diag *why)

/* A file's bytes are a text for people: UTF-8, without NUL, and not empty. ERR_USAGE with the rule. */
enum err cmd_check_text(const struct command_value *file, const char *rule, struct diag *why);

CMD_HANDLER(cmd_status);
CMD_HANDLER(cmd_next);
CMD_HANDLER(cmd_wait);
CMD_HANDLER(cmd_case_open);
CMD_HANDLER(cmd_case_list);
CMD_HANDLER(cmd_case_show);
CMD_HANDLER(cmd_case_accept);
CMD_HANDLER(cmd_case_reject);
CMD_HANDLER(cmd_case_fix_ready);
CMD_HANDLER(cmd_case_close);
CMD_HANDLER(cmd_case_reopen);
CMD_HANDLER(cmd_case_duplicate);
CMD_HANDLER(cmd_case_note);
CMD_HANDLER(cmd_case_invite);
CMD_HANDLER(cmd_case_log);
CMD_HANDLER(cmd_case_set);
CMD_HANDLER(cmd_case_reply);
CMD_HANDLER(cmd_case_attach);
CMD_HANDLER(cmd_advisory_ack);
CMD_HANDLER(cmd_advisory_new);
CMD_HANDLER(cmd_advisory_edit);
CMD_HANDLER(cmd_advisory_preview);
CMD_HANDLER(cmd_advisory_show);
CMD_HANDLER(cmd_advisory_send);
CMD_HANDLER(cmd_advisory_recall);
CMD_HANDLER(cmd_embargo_show);
CMD_HANDLER(cmd_embargo_set);
CMD_HANDLER(cmd_embargo_extend);
CMD_HANDLER(cmd_embargo_lift);
CMD_HANDLER(cmd_embargo_broken);
CMD_HANDLER(cmd_member_list);
CMD_HANDLER(cmd_member_show);
CMD_HANDLER(cmd_member_add);
CMD_HANDLER(cmd_member_suspend);
CMD_HANDLER(cmd_member_reinstate);
CMD_HANDLER(cmd_member_remove);
CMD_HANDLER(cmd_member_breach);
CMD_HANDLER(cmd_member_contact);
CMD_HANDLER(cmd_member_language);
CMD_HANDLER(cmd_member_import);
CMD_HANDLER(cmd_member_export);
CMD_HANDLER(cmd_key_import);
CMD_HANDLER(cmd_key_list);
CMD_HANDLER(cmd_key_show);
CMD_HANDLER(cmd_key_export);
CMD_HANDLER(cmd_key_refresh);
CMD_HANDLER(cmd_key_replace);
CMD_HANDLER(cmd_queue_list);
CMD_HANDLER(cmd_queue_show);
CMD_HANDLER(cmd_queue_retry);
CMD_HANDLER(cmd_queue_hold);
CMD_HANDLER(cmd_queue_drop);
CMD_HANDLER(cmd_held_list);
CMD_HANDLER(cmd_held_show);
CMD_HANDLER(cmd_held_release);
CMD_HANDLER(cmd_held_discard);
CMD_HANDLER(cmd_admin_list);
CMD_HANDLER(cmd_audit_show);
CMD_HANDLER(cmd_backup);
CMD_HANDLER(cmd_approval_approve);
CMD_HANDLER(cmd_application_list);
CMD_HANDLER(cmd_application_show);
CMD_HANDLER(cmd_application_approve);
CMD_HANDLER(cmd_application_decline);
CMD_HANDLER(cmd_application_ask);
CMD_HANDLER(cmd_approval_list);
CMD_HANDLER(cmd_approval_veto);
CMD_HANDLER(cmd_policy_explain);
CMD_HANDLER(cmd_publish_approve);
CMD_HANDLER(cmd_publish_build);
CMD_HANDLER(cmd_publish_check);
CMD_HANDLER(cmd_publish_confirm);
CMD_HANDLER(cmd_publish_run);
CMD_HANDLER(cmd_stats);

#endif
