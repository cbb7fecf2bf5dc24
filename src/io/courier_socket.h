/*
 * What libesmtp does not give: the socket of the session that runs, and one deadline for each step of it. Of this
 * process alone, which has one session at a time, and no other TCP socket.
 *
 * When a deadline passes, the socket is shut down, so that whatever waits for it returns, and nothing can be written
 * any more; a connect() that waits is interrupted. It is looked at four times a second, until it is set anew.
 */
#ifndef IO_COURIER_SOCKET_H
#define IO_COURIER_SOCKET_H

#include <stdbool.h>

/* Takes SIGALRM. */
void courier_deadline_open(void);

/* In so many seconds; 0: none. */
void courier_deadline(int seconds);
/* None, and no signal until the next one. */
void courier_deadline_close(void);
/* Whether one has passed since the last reset. */
void courier_deadline_reset(void);
bool courier_deadline_passed(void);

/* Finds the socket that has just been connected, and sets TCP_NODELAY. */
void courier_socket_find(void);
void courier_socket_forget(void);
/* While on, only full packets leave (at most 200 ms are waited): libesmtp writes 2 KiB at a time. */
void courier_socket_cork(bool on);
/* -1: none. */
int courier_socket(void);
void courier_socket_shut(void);

#endif
