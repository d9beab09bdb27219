/*
 * The only file that asks for chance.  Generator: xoshiro256** of Blackman and Vigna.
 */
#include "base/rand.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

#include "base/check.h"

static uint64_t
rotl(uint64_t x, int k)
{
	return x << k | x >> (64 - k);
}

void
pb_rand_seed(struct pb_rand *r, uint64_t seed)
{
	for (size_t i = 0; i < PB_ARRAY_LEN(r->s); i++) {
		uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */
		z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
		z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
		r->s[i] = z ^ z >> 31;
	}
}

uint64_t
pb_rand_u64(struct pb_rand *r)
{
	uint64_t *s = r->s;
	uint64_t result = rotl(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;
	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return result;
}

int64_t
pb_rand_below(struct pb_rand *r, int64_t n)
{
	if (n <= 0)
		return 0;
	/* Refuse the incomplete last round of values, which would favour the small ones. */
	uint64_t range = (uint64_t)n, least = (0 - range) % range, x;
	do {
		x = pb_rand_u64(r);
	} while (x < least);
	return (int64_t)(x % range);
}

double
pb_rand_unit(struct pb_rand *r)
{
	return (double)(pb_rand_u64(r) >> 11) * 0x1.0p-53;
}

void
pb_entropy(void *out, size_t len)
{
	unsigned char *p = out;
	while (len > 0) {
		ssize_t n = getrandom(p, len, 0);
		if (n < 0 && errno == EINTR)
			continue;
		pb_check(n > 0);
		p += n;
		len -= (size_t)n;
	}
}

void
pb_rand_uuid(struct pb_rand *r, char out[37])
{
	uint64_t a = pb_rand_u64(r), b = pb_rand_u64(r);
	a = (a & ~UINT64_C(0xf000)) | UINT64_C(0x4000); /* version 4 */
	b = (b & ~(UINT64_C(3) << 62)) | UINT64_C(2) << 62; /* RFC 9562 variant */
	snprintf(out, 37, "%08x-%04x-%04x-%04x-%04x%08x", (unsigned)(a >> 32),
	    (unsigned)(a >> 16 & 0xffff), (unsigned)(a & 0xffff), (unsigned)(b >> 48),
	    (unsigned)(b >> 32 & 0xffff), (unsigned)(b & 0xffffffff));
}
