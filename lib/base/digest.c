/*
 * Digests through OpenSSL EVP.
 */
#include "base/digest.h"

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/text.h"

void
pb_sha256(const void *data, size_t len, unsigned char out[PB_SHA256_LEN])
{
	unsigned n = 0;
	int rc = EVP_Digest(data, len, out, &n, EVP_sha256(), NULL);
	pb_check(rc == 1 && n == PB_SHA256_LEN);
}

void
pb_sha256_text(const void *data, size_t len, char out[PB_SHA256_TEXT])
{
	unsigned char raw[PB_SHA256_LEN];
	pb_sha256(data, len, raw);
	pb_hex(out, raw, sizeof(raw));
}

void
pb_hmac_sha256(
    const void *key, size_t key_len, const void *data, size_t len, unsigned char out[PB_SHA256_LEN])
{
	unsigned n = 0;
	pb_check(key_len <= INT_MAX);
	const void *k = key != NULL ? key : ""; /* OpenSSL takes NULL as "the key of before" */
	unsigned char *rc = HMAC(EVP_sha256(), k, (int)key_len, data, len, out, &n);
	pb_check(rc != NULL && n == PB_SHA256_LEN);
}

int
pb_md5_text(const void *data, size_t len, char out[PB_MD5_TEXT])
{
	unsigned char raw[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	if (EVP_Digest(data, len, raw, &n, EVP_md5(), NULL) != 1 || 2 * n + 1 != PB_MD5_TEXT)
		return -1;
	pb_hex(out, raw, n);
	return 0;
}
