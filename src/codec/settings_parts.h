/* The parts of embargod.conf that have files of their own. Internal to settings.c and them. */
#ifndef CODEC_SETTINGS_PARTS_H
#define CODEC_SETTINGS_PARTS_H

#include "codec/settings.h"

/* settings_lists.c: the lists and the admins. */
void settings_read_lists(const struct conf_node *root, const char *file, struct conf_faults *faults,
                         struct settings *s);

/* settings_channels.c */
void settings_read_channels(const struct conf_node *root, const char *file, struct conf_faults *faults,
                            struct settings *s);
void settings_free_channels(struct settings *s);

/* settings_limits.c */
extern const struct conf_key settings_limit_keys[];
void settings_read_limits(const struct conf_node *root, struct settings *s);

/* settings_site.c */
void settings_read_site(const struct conf_node *root, const char *file, struct conf_faults *faults, struct settings *s);
/* Of a list; NULL: none. The caller frees. */
char *settings_read_commit_url(const struct conf_node *list, const char *file, struct conf_faults *faults);

/* A path as it is meant: below the folder of the file where it is relative; NULL where it is empty. The caller frees.
 */
char *settings_below_home(const struct settings *s, const char *path);

#endif
