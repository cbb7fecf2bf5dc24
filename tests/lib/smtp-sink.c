/*
 * smtp-sink DIR [KEY=VALUE...]: the mail server of smtp_server.h for shell tests; the keys are those of its script, and
 * port=N, and cert=NAME (such as IP:127.0.0.1), which makes DIR/cert.pem and offers STARTTLS with it.
 *
 * Prints its port when it listens; ends when its standard input ends, or at SIGTERM, and then listens no more.
 */
#include "tests/lib/smtp_server.h"

#include <stddef.h>

static const struct {
    const char *key;
    size_t offset;
} words[] = {
    {"greeting", offsetof(struct smtp_script, greeting)}, {"ehlo", offsetof(struct smtp_script, ehlo)},
    {"helo", offsetof(struct smtp_script, helo)},         {"mail", offsetof(struct smtp_script, mail)},
    {"rcpt", offsetof(struct smtp_script, rcpt)},         {"data", offsetof(struct smtp_script, data)},
    {"dot", offsetof(struct smtp_script, dot)},           {"starttls", offsetof(struct smtp_script, starttls)},
    {"only", offsetof(struct smtp_script, only)},         {"extensions", offsetof(struct smtp_script, extensions)},
};

static bool set_word(struct smtp_script *s, const char *word)
{
    size_t n = strcspn(word, "=");

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (word[n] && strlen(words[i].key) == n && strncmp(word, words[i].key, n) == 0) {
            *(const char **)(void *)((char *)s + words[i].offset) = word + n + 1;
            return true;
        }
    return false;
}

static void on_term(int signal)
{
    (void)signal; /* read() is interrupted */
}

int main(int argc, char **argv)
{
    struct smtp_script script = {0};
    static char pem[4096];
    int port = 0;
    char byte;
    pid_t pid;

    if (argc < 2)
        return 2;
    script.dir = argv[1];
    for (int i = 2; i < argc; i++) {
        if (strncmp(argv[i], "port=", 5) == 0) {
            port = (int)strtol(argv[i] + 5, NULL, 10);
        } else if (strncmp(argv[i], "connections=", 12) == 0) {
            script.connections = (int)strtol(argv[i] + 12, NULL, 10);
        } else if (strncmp(argv[i], "cert=", 5) == 0) {
            snprintf(pem, sizeof pem, "%s/cert.pem", script.dir);
            smtp_server_make_cert(pem, argv[i] + 5, 86400);
            script.pem = pem;
        } else if (!set_word(&script, argv[i])) {
            return 2;
        }
    }
    pid = smtp_server_start(&script, &port);
    sigaction(SIGTERM, &(struct sigaction){.sa_handler = on_term}, NULL);
    printf("%d\n", port);
    fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
    smtp_server_stop(pid);
    return 0;
}
