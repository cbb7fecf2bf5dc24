/* The part of embargod.conf that speaks of the public site. Internal to settings.c. */
#ifndef CODEC_SETTINGS_SITE_H
#define CODEC_SETTINGS_SITE_H

#include "codec/settings.h"

void settings_read_site(const struct conf_node *root, const char *file, struct conf_faults *faults, struct settings *s);
/* Of a list; NULL: none. The caller frees. */
char *settings_read_commit_url(const struct conf_node *list, const char *file, struct conf_faults *faults);

#endif
