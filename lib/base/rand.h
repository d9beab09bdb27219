/*
 * The only randomness: a small seeded generator (xoshiro256**, seeded by splitmix64), for jitter
 * and for tests, and pb_entropy for seeds and ids.  The engine takes a seed; it does not ask for
 * chance.
 */
#ifndef PB_BASE_RAND_H
#define PB_BASE_RAND_H

#include <stddef.h>
#include <stdint.h>

struct pb_rand {
	uint64_t s[4];
};
void pb_rand_seed(struct pb_rand *r, uint64_t seed);
uint64_t pb_rand_u64(struct pb_rand *r);
int64_t pb_rand_below(struct pb_rand *r, int64_t n); /* 0..n-1 without bias; 0 when n <= 0 */
double pb_rand_unit(struct pb_rand *r); /* [0,1) */
/* Bytes from the system; ends the process if there are none. */
void pb_entropy(void *out, size_t len);
/* A random UUID (RFC 9562 version 4) from a generator. */
void pb_rand_uuid(struct pb_rand *r, char out[37]);

#endif
