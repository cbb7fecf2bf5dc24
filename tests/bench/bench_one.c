/*
 * What embargod is measured against: one gpgme call (sign and encrypt) for each recipient, in one process, in one home
 * that holds exactly these keys. Keys are looked up before the clock starts.
 *
 *   bench-one HOME SIGNER FINGERPRINTS_FILE CALLS < PAYLOAD    prints the seconds that CALLS calls took
 *
 * Fewer calls than fingerprints: recipients are taken evenly over the whole list, since gpg reads its keybox up to the
 * key that it looks for.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "codec/pgp_gpg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t read_lines(const char *file, char ***out)
{
    FILE *f = fopen(file, "r");
    char line[128];
    size_t n = 0;

    *out = NULL;
    while (f && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = 0;
        *out = mem_resize(*out, n + 1, sizeof **out);
        (*out)[n++] = mem_strdup(line);
    }
    if (f)
        fclose(f);
    return n;
}

static void read_payload(struct buf *out)
{
    uint8_t *room;
    size_t n;

    while ((room = buf_room(out, 65536)) && (n = fread(room, 1, 65536, stdin)) > 0)
        buf_grown(out, n);
}

static bool seal(struct pgp_gpg *gpg, gpgme_key_t to, struct span payload)
{
    gpgme_key_t keys[] = {to, NULL};
    gpgme_data_t in = pgp_gpg_input(payload);
    struct buf sealed = BUF_EMPTY;
    struct pgp_sink sink;
    bool ok;

    pgp_gpg_sink_open(&sink, &sealed, SIZE_MAX);
    ok = !gpgme_op_encrypt_sign(gpg->ctx, keys, GPGME_ENCRYPT_ALWAYS_TRUST | GPGME_ENCRYPT_NO_COMPRESS, in, sink.data);
    pgp_gpg_sink_close(&sink);
    gpgme_data_release(in);
    ok = ok && sealed.len > payload.len;
    buf_free(&sealed);
    return ok;
}

static int measure(struct pgp_gpg *gpg, char **fingerprints, size_t n, size_t calls, struct span payload)
{
    gpgme_key_t *keys = mem_zero(calls, sizeof *keys);
    int64_t start;
    bool ok = true;

    for (size_t i = 0; ok && i < calls; i++)
        ok = pgp_gpg_key(gpg, fingerprints[i * n / calls], false, &keys[i], NULL) == ERR_OK;
    if (ok)
        ok = seal(gpg, keys[0], payload); /* the agent is up */
    start = clock_monotonic_ms();
    for (size_t i = 0; ok && i < calls; i++)
        ok = seal(gpg, keys[i], payload);
    if (ok)
        printf("%.3f\n", (double)(clock_monotonic_ms() - start) / 1000);
    for (size_t i = 0; i < calls; i++)
        if (keys[i])
            gpgme_key_unref(keys[i]);
    free(keys);
    return ok ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct buf payload = BUF_EMPTY;
    struct pgp_gpg gpg = {0};
    gpgme_key_t signer = NULL;
    char **fingerprints;
    size_t n, calls;
    int rc = 1;

    if (argc != 5) {
        fputs("usage: bench-one HOME SIGNER FINGERPRINTS_FILE CALLS < PAYLOAD\n", stderr);
        return 2;
    }
    n = read_lines(argv[3], &fingerprints);
    calls = strtoul(argv[4], NULL, 10);
    read_payload(&payload);
    if (n && calls && calls <= n && !pgp_gpg_open(&gpg, argv[1], NULL) &&
        !pgp_gpg_key(&gpg, argv[2], true, &signer, NULL) && !gpgme_signers_add(gpg.ctx, signer))
        rc = measure(&gpg, fingerprints, n, calls, buf_span(&payload));
    if (rc)
        fputs("bench-one: a call failed\n", stderr);
    if (signer)
        gpgme_key_unref(signer);
    pgp_gpg_close(&gpg);
    buf_free(&payload);
    for (size_t i = 0; i < n; i++)
        free(fingerprints[i]);
    free(fingerprints);
    return rc;
}
