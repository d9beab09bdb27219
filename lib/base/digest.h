/*
 * Digests through OpenSSL EVP.
 */
#ifndef PB_BASE_DIGEST_H
#define PB_BASE_DIGEST_H

#include <stddef.h>

#define PB_SHA256_LEN 32
#define PB_SHA256_TEXT 65
#define PB_MD5_TEXT 33

void pb_sha256(const void *data, size_t len, unsigned char out[PB_SHA256_LEN]);
void pb_sha256_text(const void *data, size_t len, char out[PB_SHA256_TEXT]);
void pb_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
    unsigned char out[PB_SHA256_LEN]);
/* MD5 only to check what SQS sends.  -1 where the provider refuses MD5 (FIPS): then skip the check.
 */
int pb_md5_text(const void *data, size_t len, char out[PB_MD5_TEXT]);

#endif
