/*
 * Challenges: mail by which a service asks the sender of another mail to prove that he is a person. Some dress it as a
 * report of delivery, so that both readers (dsn.h, automatic.h) ask here first. Pure.
 */
#ifndef CODEC_CHALLENGE_H
#define CODEC_CHALLENGE_H

#include "codec/mime.h"

/* header: of the mail. robot: something else says that a program wrote it; only then does a Subject count. */
bool challenge_is(struct span header, const struct mime_message *m, bool robot);

#endif
