#include "base/mem.h"
#include "codec/pgp_judge.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ID_BYTES    8
#define PIECE_BYTES 65536

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The key id of a fingerprint: its last eight bytes; of one of 64 digits the first eight (RFC 9580, section 5.5.4). */
static bool read_id(const char *issuer, uint8_t id[ID_BYTES])
{
    size_t len = strlen(issuer);

    if (len != 16 && len != 40 && len != 64)
        return false;
    if (len == 40)
        issuer += 24;
    for (size_t i = 0; i < ID_BYTES; i++) {
        int high = digit(issuer[2 * i]), low = digit(issuer[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        id[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* True where the file was read to its end and does not hold the bytes. */
static bool is_absent(int fd, const uint8_t id[ID_BYTES])
{
    uint8_t *piece = mem_zero(1, PIECE_BYTES);
    size_t kept = 0;
    bool absent = true;
    ssize_t n = 1;

    while (absent && n > 0) {
        n = read(fd, piece + kept, PIECE_BYTES - kept);
        if (n < 0 && errno == EINTR) {
            n = 1;
            continue;
        }
        if (n <= 0)
            break;
        kept += (size_t)n;
        absent = !memmem(piece, kept, id, ID_BYTES);
        if (kept >= ID_BYTES) {
            memmove(piece, piece + kept - (ID_BYTES - 1), ID_BYTES - 1);
            kept = ID_BYTES - 1;
        }
    }
    free(piece);
    return absent && n == 0;
}

static bool exists(const char *home, const char *name)
{
    char *path = mem_printf("%s/%s", home, name);
    bool there = access(path, F_OK) == 0 || errno != ENOENT;

    free(path);
    return there;
}

bool pgp_home_lacks(const char *home, const char *issuer)
{
    uint8_t id[ID_BYTES];
    char *path;
    bool lacks = false;
    int fd;

    /* Other places where gpg keeps keys: the older form, and the daemon of GnuPG 2.4. */
    if (!read_id(issuer, id) || exists(home, "pubring.gpg") || exists(home, "public-keys.d"))
        return false;
    path = mem_printf("%s/pubring.kbx", home);
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0) {
        lacks = is_absent(fd, id);
        close(fd);
    }
    free(path);
    return lacks;
}
