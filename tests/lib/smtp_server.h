/*
 * A mail server for tests that does what a script says: any reply at any step, silence, a dropped connection, lies.
 * A process per connection. What it takes is kept in a folder:
 *   NNN.log       what connection NNN said, a line each, commands only
 *   NNN-MMM.eml   the MMM-th mail of it that was answered with 2yz, dots unstuffed
 *   NNN-MMM.env   its envelope: MAIL and the RCPTs that were answered with 2yz, a line each; it is there before the
 * mail It listens on 127.0.0.1, on a port of the kernel's choice.
 */
#ifndef TESTS_SMTP_SERVER_H
#define TESTS_SMTP_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Replies without CR LF; NULL: the usual one. "hang": none comes; "drop": the connection is closed instead. */
struct smtp_script {
    const char *greeting, *ehlo, *helo, *mail, *rcpt, *data, *dot, *starttls;
    const char *extensions; /* of EHLO, separated by '|'; NULL: the usual ones */
    const char *only;       /* rcpt, data and dot are for recipients that hold it; others get the usual ones */
    int connections;        /* so many follow the script, later ones do not; 0: all */
    bool trickles;          /* replies are written byte by byte */
    int mails;              /* after so many of a connection it is closed without a word; 0: never */
    const char *pem;        /* certificate and key; NULL: no TLS */
    const char *dir;
};

struct smtp_peer {
    const struct smtp_script *script;
    int fd, number, kept, seen;
    bool scripted;
    SSL *ssl;
    SSL_CTX *ctx;
    FILE *log;
    unsigned char in[4096];
    size_t at, len;
    char recipient[512];
    char envelope[8192];
};

static inline int smtp_peer_fill(struct smtp_peer *p)
{
    ssize_t n = p->ssl ? SSL_read(p->ssl, p->in, sizeof p->in) : read(p->fd, p->in, sizeof p->in);

    p->at = 0;
    p->len = n > 0 ? (size_t)n : 0;
    return n > 0;
}

static inline int smtp_peer_byte(struct smtp_peer *p)
{
    if (p->at == p->len && !smtp_peer_fill(p))
        _exit(0);
    return p->in[p->at++];
}

/* A line without its end; longer ones are cut. */
static inline void smtp_peer_line(struct smtp_peer *p, char *out, size_t size)
{
    size_t n = 0;
    int c;

    while ((c = smtp_peer_byte(p)) != '\n')
        if (n < size - 1)
            out[n++] = (char)c;
    if (n && out[n - 1] == '\r')
        n--;
    out[n] = 0;
}

static inline void smtp_peer_write(struct smtp_peer *p, const char *text, size_t len)
{
    while (len) {
        size_t some = p->script->trickles ? 1 : len;
        ssize_t n = p->ssl ? SSL_write(p->ssl, text, (int)some) : write(p->fd, text, some);

        if (n <= 0)
            _exit(0);
        text += n;
        len -= (size_t)n;
    }
}

/* Says it; the words "hang" and "drop" are done. */
static inline void smtp_peer_say(struct smtp_peer *p, const char *reply, const char *usual)
{
    if (!reply)
        reply = usual;
    if (strcmp(reply, "hang") == 0)
        for (;;)
            pause();
    if (strcmp(reply, "drop") == 0)
        _exit(0);
    smtp_peer_write(p, reply, strlen(reply));
    smtp_peer_write(p, "\r\n", 2);
}

static inline const char *smtp_peer_scripted(const struct smtp_peer *p, const char *reply)
{
    if (!p->scripted || (p->script->only && !strstr(p->recipient, p->script->only)))
        return NULL;
    return reply;
}

static inline bool smtp_is_2yz(const char *reply)
{
    return !reply || *reply == '2';
}

static inline void smtp_peer_ehlo(struct smtp_peer *p)
{
    const char *usual = "PIPELINING|SIZE 52428800|8BITMIME|DSN|ENHANCEDSTATUSCODES";
    char *words, *at, *next, line[512];

    if (p->scripted && p->script->ehlo) {
        smtp_peer_say(p, p->script->ehlo, NULL);
        return;
    }
    words = strdup(p->scripted && p->script->extensions ? p->script->extensions : usual);
    smtp_peer_write(p, "250-sink.example.org\r\n", 22);
    for (at = words; *at; at = next) {
        next = at + strcspn(at, "|");
        if (*next)
            *next++ = 0;
        snprintf(line, sizeof line, "250-%s\r\n", at);
        smtp_peer_write(p, line, strlen(line));
    }
    if (p->ctx && !p->ssl)
        smtp_peer_write(p, "250-STARTTLS\r\n", 14);
    smtp_peer_write(p, "250 HELP\r\n", 10);
    free(words);
}

static inline void smtp_peer_tls(struct smtp_peer *p)
{
    SSL *ssl;

    smtp_peer_say(p, p->scripted ? p->script->starttls : NULL, "220 2.0.0 go ahead");
    if (p->scripted && p->script->starttls && *p->script->starttls != '2')
        return;
    ssl = SSL_new(p->ctx);
    SSL_set_fd(ssl, p->fd);
    if (SSL_accept(ssl) != 1)
        _exit(0);
    p->ssl = ssl;
    p->at = p->len = 0;
}

static inline FILE *smtp_peer_mail_file(struct smtp_peer *p, char *name, size_t size)
{
    snprintf(name, size, "%s/%03d-%03d.tmp", p->script->dir, p->number, p->kept + 1);
    return fopen(name, "w");
}

static inline void smtp_peer_note(struct smtp_peer *p, const char *line)
{
    size_t n = strlen(p->envelope);

    snprintf(p->envelope + n, sizeof p->envelope - n, "%s\n", line);
}

static inline void smtp_peer_keep_envelope(struct smtp_peer *p)
{
    char name[512];
    FILE *f;

    snprintf(name, sizeof name, "%s/%03d-%03d.env", p->script->dir, p->number, p->kept + 1);
    f = fopen(name, "w");
    if (!f || fputs(p->envelope, f) < 0 || fclose(f))
        abort();
}

static inline void smtp_peer_end_mail(struct smtp_peer *p, FILE *f, const char *name)
{
    const char *reply = smtp_peer_scripted(p, p->script->dot);
    char kept[512], usual[64];

    fclose(f);
    snprintf(usual, sizeof usual, "250 2.0.0 Ok: queued as %03dX%03d", p->number, p->kept + 1);
    p->seen++;
    if (smtp_is_2yz(reply)) {
        smtp_peer_keep_envelope(p);
        snprintf(kept, sizeof kept, "%s/%03d-%03d.eml", p->script->dir, p->number, ++p->kept);
        rename(name, kept);
    } else {
        remove(name);
    }
    smtp_peer_say(p, reply, usual);
    if (p->scripted && p->script->mails && p->seen >= p->script->mails)
        _exit(0);
}

static inline void smtp_peer_data(struct smtp_peer *p)
{
    const char *reply = smtp_peer_scripted(p, p->script->data);
    char name[512], line[8192];
    FILE *f;

    smtp_peer_say(p, reply, "354 go ahead");
    if (reply && *reply != '3')
        return;
    f = smtp_peer_mail_file(p, name, sizeof name);
    for (smtp_peer_line(p, line, sizeof line); strcmp(line, ".") != 0; smtp_peer_line(p, line, sizeof line))
        fprintf(f, "%s\r\n", line + (*line == '.'));
    smtp_peer_end_mail(p, f, name);
}

/* BDAT N [LAST], RFC 3030: the chunks of one mail. */
static inline void smtp_peer_bdat(struct smtp_peer *p, const char *command)
{
    char name[512], line[512];
    FILE *f = smtp_peer_mail_file(p, name, sizeof name);

    for (;;) {
        for (long n = strtol(command + 5, NULL, 10); n > 0; n--)
            fputc(smtp_peer_byte(p), f);
        if (strstr(command, "LAST"))
            break;
        smtp_peer_say(p, smtp_peer_scripted(p, p->script->data), "250 2.0.0 Ok: chunk");
        smtp_peer_line(p, line, sizeof line);
        fprintf(p->log, "%s\n", line);
        command = line;
    }
    smtp_peer_end_mail(p, f, name);
}

static inline void smtp_peer_command(struct smtp_peer *p, const char *line)
{
    const struct smtp_script *s = p->script;

    if (strncasecmp(line, "EHLO", 4) == 0) {
        smtp_peer_ehlo(p);
    } else if (strncasecmp(line, "HELO", 4) == 0) {
        smtp_peer_say(p, p->scripted ? s->helo : NULL, "250 sink.example.org");
    } else if (strcasecmp(line, "STARTTLS") == 0 && p->ctx) {
        smtp_peer_tls(p);
    } else if (strncasecmp(line, "MAIL", 4) == 0) {
        p->recipient[0] = p->envelope[0] = 0;
        smtp_peer_note(p, line);
        smtp_peer_say(p, p->scripted ? s->mail : NULL, "250 2.1.0 Ok");
    } else if (strncasecmp(line, "RCPT", 4) == 0) {
        snprintf(p->recipient, sizeof p->recipient, "%.500s", line);
        smtp_peer_say(p, smtp_peer_scripted(p, s->rcpt), "250 2.1.5 Ok");
        if (!smtp_is_2yz(smtp_peer_scripted(p, s->rcpt)))
            p->recipient[0] = 0;
        else
            smtp_peer_note(p, line);
    } else if (strcasecmp(line, "DATA") == 0 && !p->recipient[0]) {
        smtp_peer_say(p, NULL, "554 5.5.1 no valid recipients");
    } else if (strcasecmp(line, "DATA") == 0) {
        smtp_peer_data(p);
    } else if (strncasecmp(line, "BDAT", 4) == 0) {
        smtp_peer_bdat(p, line);
    } else if (strcasecmp(line, "QUIT") == 0) {
        smtp_peer_say(p, NULL, "221 2.0.0 bye");
        _exit(0);
    } else {
        smtp_peer_say(p, NULL, strcasecmp(line, "RSET") == 0 ? "250 2.0.0 Ok" : "502 5.5.2 what?");
    }
}

static inline _Noreturn void smtp_peer_serve(struct smtp_peer *p)
{
    char line[4096];
    int on = 1;

    setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    snprintf(line, sizeof line, "%s/%03d.log", p->script->dir, p->number);
    p->log = fopen(line, "w");
    if (!p->log)
        _exit(1);
    setvbuf(p->log, NULL, _IOLBF, 0);
    smtp_peer_say(p, p->scripted ? p->script->greeting : NULL, "220 sink.example.org ESMTP");
    for (;;) {
        smtp_peer_line(p, line, sizeof line);
        fprintf(p->log, "%s\n", line);
        smtp_peer_command(p, line);
    }
}

static inline SSL_CTX *smtp_server_ctx(const char *pem)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    if (!ctx || SSL_CTX_use_certificate_file(ctx, pem, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_use_PrivateKey_file(ctx, pem, SSL_FILETYPE_PEM) != 1)
        abort();
    return ctx;
}

/* A socket that listens, and its port. A child of a server that was just killed may hold that for a moment more. */
static inline int smtp_server_listen(int *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)*port)};
    socklen_t size = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1, failed = -1;

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    for (int i = 0; i < 50 && failed; i++) {
        if (i)
            usleep(100000);
        failed = bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, 64);
    }
    if (failed || getsockname(fd, (struct sockaddr *)&a, &size)) {
        perror("smtp_server: listening");
        abort();
    }
    *port = ntohs(a.sin_port);
    return fd;
}

/* Serves until it is killed. */
static inline _Noreturn void smtp_server_run(const struct smtp_script *script, int listen_fd)
{
    int number = 0;

    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_IGN);
    for (;;) {
        struct smtp_peer p = {.script = script, .fd = accept(listen_fd, NULL, NULL), .number = ++number};

        if (p.fd < 0)
            _exit(1);
        p.scripted = !script->connections || number <= script->connections;
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
            close(listen_fd);
            p.ctx = script->pem ? smtp_server_ctx(script->pem) : NULL;
            smtp_peer_serve(&p);
        }
        close(p.fd);
    }
}

/* In a process of its own, which ends with this one. */
static inline pid_t smtp_server_start(const struct smtp_script *script, int *port)
{
    int fd = smtp_server_listen(port);
    pid_t pid = fork();

    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        smtp_server_run(script, fd);
    }
    close(fd);
    return pid;
}

static inline void smtp_server_stop(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* A certificate for a name ("DNS:mail.example.org", "IP:127.0.0.1") signed by its own key; both go into the file. */
static inline void smtp_server_make_cert(const char *file, const char *name, long valid_s)
{
    EVP_PKEY *key = EVP_RSA_gen(2048);
    X509 *cert = X509_new();
    X509_EXTENSION *alt = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, name);
    X509_NAME *subject = X509_get_subject_name(cert);
    FILE *f = fopen(file, "w");

    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), valid_s < 0 ? 2 * valid_s : -60);
    X509_gmtime_adj(X509_getm_notAfter(cert), valid_s);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)"sink", -1, -1, 0);
    X509_set_issuer_name(cert, subject);
    X509_set_pubkey(cert, key);
    X509_add_ext(cert, alt, -1);
    if (!f || !X509_sign(cert, key, EVP_sha256()) || !PEM_write_X509(f, cert) ||
        !PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) || fclose(f))
        abort();
    X509_EXTENSION_free(alt);
    X509_free(cert);
    EVP_PKEY_free(key);
}

#endif
