#include "io/courier_tls.h"

#include <stdio.h>
#include <string.h>

#include <openssl/x509v3.h>

#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"

static int on_verify(int ok, X509_STORE_CTX *store)
{
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct courier_tls *tls = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

    if (!ok && !*tls->fault)
        snprintf(tls->fault, sizeof tls->fault, "%s", X509_verify_cert_error_string(X509_STORE_CTX_get_error(store)));
    return ok;
}

static enum err bad_ca(struct diag *why)
{
    return diag_set(why, ERR_AGAIN, "smtp.ca",
                    "the file of CAs cannot be used: let smtp.ca name a readable file of PEM certificates");
}

static enum err set_verification(struct courier_tls *tls, const char *host, const char *ca, struct diag *why)
{
    X509_VERIFY_PARAM *param = SSL_CTX_get0_param(tls->ctx);

    SSL_CTX_set_verify(tls->ctx, SSL_VERIFY_PEER, on_verify);
    if (ca ? SSL_CTX_load_verify_locations(tls->ctx, ca, NULL) != 1 : SSL_CTX_set_default_verify_paths(tls->ctx) != 1)
        return bad_ca(why);
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (X509_VERIFY_PARAM_set1_ip_asc(param, host) != 1 && X509_VERIFY_PARAM_set1_host(param, host, 0) != 1)
        return diag_set(why, ERR_AGAIN, "smtp.host", "smtp.host is no name that a certificate can have");
    return ERR_OK;
}

enum err courier_tls_open(struct courier_tls *tls, const char *host, const char *ca, bool verify, struct diag *why)
{
    memset(tls, 0, sizeof *tls);
    tls->ctx = SSL_CTX_new(TLS_client_method());
    if (!tls->ctx || SSL_CTX_set_min_proto_version(tls->ctx, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_max_proto_version(tls->ctx, TLS1_2_VERSION) != 1 || SSL_CTX_set_cipher_list(tls->ctx, CIPHERS) != 1)
        return diag_set(why, ERR_AGAIN, "smtp.tls", "OpenSSL gives no TLS 1.2");
    SSL_CTX_set_options(tls->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_app_data(tls->ctx, tls);
    return verify ? set_verification(tls, host, ca, why) : ERR_OK;
}

void courier_tls_close(struct courier_tls *tls)
{
    SSL_CTX_free(tls->ctx);
    tls->ctx = NULL;
}
