/*
 * The generator and the digests against published values.
 */
#include "base/rand.h"

#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/text.h"
#include "tests/unit/runner.h"

START_TEST(the_same_seed_gives_the_same_numbers)
{
	struct pb_rand a, b, c;
	pb_rand_seed(&a, 1);
	pb_rand_seed(&b, 1);
	pb_rand_seed(&c, 2);
	bool is_other = false;
	for (int i = 0; i < 100; i++) {
		uint64_t x = pb_rand_u64(&a);
		ck_assert(x == pb_rand_u64(&b));
		is_other = is_other || x != pb_rand_u64(&c);
	}
	ck_assert(is_other);
}
END_TEST

START_TEST(seeding_is_splitmix64)
{
	/* First outputs of splitmix64 from 1234567, as its author publishes them. */
	struct pb_rand r;
	pb_rand_seed(&r, 1234567);
	ck_assert(r.s[0] == UINT64_C(6457827717110365317));
	ck_assert(r.s[1] == UINT64_C(3203168211198807973));
	ck_assert(r.s[2] == UINT64_C(9817491932198370423));
	ck_assert(r.s[3] == UINT64_C(4593380528125082431));
}
END_TEST

START_TEST(the_generator_is_xoshiro256starstar)
{
	/* From state {1, 2, 3, 4}. */
	static const uint64_t expected[] = {11520, 0, 1509978240, 1215971899390074240};
	struct pb_rand r = {{1, 2, 3, 4}};
	for (size_t i = 0; i < PB_ARRAY_LEN(expected); i++)
		ck_assert(pb_rand_u64(&r) == expected[i]);
}
END_TEST

START_TEST(numbers_stay_below_their_limit)
{
	struct pb_rand r;
	int seen[3] = {0};
	pb_rand_seed(&r, 3);
	ck_assert_int_eq(pb_rand_below(&r, 0), 0);
	ck_assert_int_eq(pb_rand_below(&r, -5), 0);
	ck_assert_int_eq(pb_rand_below(&r, 1), 0);
	for (int i = 0; i < 30000; i++) {
		seen[pb_rand_below(&r, 3)]++;
		int64_t big = pb_rand_below(&r, INT64_MAX);
		ck_assert(big >= 0 && big < INT64_MAX);
		double unit = pb_rand_unit(&r);
		ck_assert(unit >= 0 && unit < 1);
	}
	for (int i = 0; i < 3; i++)
		ck_assert_msg(seen[i] > 9500 && seen[i] < 10500, "%d: %d", i, seen[i]);
}
END_TEST

START_TEST(a_uuid_has_its_version_and_variant)
{
	struct pb_rand r;
	pb_rand_seed(&r, 9);
	for (int i = 0; i < 1000; i++) {
		char u[37];
		pb_rand_uuid(&r, u);
		ck_assert_uint_eq(strlen(u), 36);
		ck_assert_uint_eq(strspn(u, "0123456789abcdef-"), 36);
		ck_assert(u[8] == '-' && u[13] == '-' && u[18] == '-' && u[23] == '-');
		ck_assert_int_eq(u[14], '4');
		ck_assert_ptr_nonnull(strchr("89ab", u[19]));
	}
}
END_TEST

START_TEST(entropy_differs_each_time)
{
	unsigned char a[32] = {0}, b[32] = {0};
	pb_entropy(a, sizeof(a));
	pb_entropy(b, sizeof(b));
	ck_assert(memcmp(a, b, sizeof(a)) != 0);
	pb_entropy(a, 0);
}
END_TEST

START_TEST(digests_match_the_published_ones)
{
	char sha[PB_SHA256_TEXT], md5[PB_MD5_TEXT];
	pb_sha256_text("", 0, sha);
	ck_assert_str_eq(sha, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	pb_sha256_text("abc", 3, sha);
	ck_assert_str_eq(sha, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	if (pb_md5_text("abc", 3, md5) == 0)
		ck_assert_str_eq(md5, "900150983cd24fb0d6963f7d28e17f72");
	else
		puts("SKIP md5: the OpenSSL provider refuses it");
}
END_TEST

/* RFC 4231, test cases 1, 2 and 6, and an empty key. */
static const struct {
	const char *key;
	size_t key_len;
	char key_byte; /* when key is NULL: repeated */
	const char *data, *mac;
} macs[] = {
    {NULL, 20, 0x0b, "Hi There",
	"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {"Jefe", 4, 0, "what do ya want for nothing?",
	"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {NULL, 131, (char)0xaa, "Test Using Larger Than Block-Size Key - Hash Key First",
	"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    {"", 0, 0, "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"},
};

START_TEST(hmac_matches_the_rfc)
{
	char key[131], text[PB_SHA256_TEXT];
	unsigned char mac[PB_SHA256_LEN];
	if (macs[_i].key != NULL)
		memcpy(key, macs[_i].key, macs[_i].key_len);
	else
		memset(key, macs[_i].key_byte, macs[_i].key_len);
	const char *k = macs[_i].key_len > 0 ? key : NULL;
	pb_hmac_sha256(k, macs[_i].key_len, macs[_i].data, strlen(macs[_i].data), mac);
	pb_hex(text, mac, sizeof(mac));
	ck_assert_str_eq(text, macs[_i].mac);
}
END_TEST

PB_SUITE(rand)
{
	pb_add(s, the_same_seed_gives_the_same_numbers);
	pb_add(s, seeding_is_splitmix64);
	pb_add(s, the_generator_is_xoshiro256starstar);
	pb_add(s, numbers_stay_below_their_limit);
	pb_add(s, a_uuid_has_its_version_and_variant);
	pb_add(s, entropy_differs_each_time);
	pb_add(s, digests_match_the_published_ones);
	pb_add_loop(s, hmac_matches_the_rfc, 0, PB_ARRAY_LEN(macs));
}
