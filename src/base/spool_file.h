/*
 * The inside of the spool, shared by its three source files only: the form of names and of the fixed header.
 */
#ifndef BASE_SPOOL_FILE_H
#define BASE_SPOOL_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define SPOOL_MAGIC          "EMBSPOOL"
#define SPOOL_MAGIC_LEN      8
#define SPOOL_VERSION        1
#define SPOOL_FLAGS_KNOWN (SPOOL_OVERSIZE | SPOOL_LONG_LINE | SPOOL_RELEASED | SPOOL_NO_ENVELOPE)
#define SPOOL_INCOMPLETE     UINT64_MAX
#define SPOOL_AT_VERSION     8
#define SPOOL_AT_FLAGS       10
#define SPOOL_AT_HEADER_LEN  12
#define SPOOL_AT_BODY_LEN    16
#define SPOOL_AT_RECEIVED    24
#define SPOOL_AT_ORIGIN      32
#define SPOOL_AT_ZERO        33
#define SPOOL_AT_RECIPIENTS  34
#define SPOOL_FIXED_LEN      36
#define SPOOL_HEADER_LEN_MAX (SPOOL_FIXED_LEN + (SPOOL_RECIPIENTS_MAX + 1) * (2 + SPOOL_ADDRESS_MAX))

struct spool {
    int tmp_fd;
    int new_fd;
    int bad_fd;
    mode_t file_mode;
    uint64_t reserve_bytes;
    uint64_t last_us; /* of the newest name, so that names never run backwards */
    uint32_t counter;
};

/* TTTTTTTTTTTTTTTT-CCCCCCCC-PPPPPPPP-RRRRRRRRRRRRRRRR.III, lower-case hex, but for III, which is decimal. */
bool spool_name_ok(const char *name);

/* The recipient's index that a valid name ends with. */
unsigned spool_name_index(const char *name);

/* An address as the spool stores it: at most SPOOL_ADDRESS_MAX bytes, no control character. */
bool spool_address_ok(const char *bytes, size_t len);

#endif
