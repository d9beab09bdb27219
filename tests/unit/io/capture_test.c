/*
 * Head and tail of a stream.
 */
#include "io/capture.h"

#include "tests/unit/runner.h"

static const struct {
	size_t max;
	const char *pieces[5];
	const char *expect;
	bool is_cut;
} rows[] = {
    {8, {NULL}, "", false},
    {8, {"abc"}, "abc", false},
    {8, {"abcd", "efgh"}, "abcdefgh", false},
    {8, {"abcdefgh", "i"}, "abcd\n[... 1 bytes left out ...]\nfghi", true},
    {8, {"ab", "cdefghijkl", "m", "nop"}, "abcd\n[... 8 bytes left out ...]\nmnop", true},
    {7, {"abcdefghij"}, "abc\n[... 3 bytes left out ...]\nghij", true},
    {1, {"abc"}, "\n[... 2 bytes left out ...]\nc", true},
    {8, {"", "a", ""}, "a", false},
};

START_TEST(the_first_and_last_bytes_are_kept)
{
	struct pb_capture c;
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	uint64_t n = 0;
	pb_capture_init(&c, rows[_i].max);
	for (const char *const *p = rows[_i].pieces; *p != NULL; p++) {
		pb_capture_add(&c, *p, strlen(*p));
		n += strlen(*p);
	}
	pb_capture_text(&c, &b);
	ck_assert_str_eq(b.ptr == NULL ? "" : b.ptr, rows[_i].expect);
	ck_assert(pb_capture_is_cut(&c) == rows[_i].is_cut);
	ck_assert_uint_eq(c.n_all, n);
	pb_capture_fini(&c);
}
END_TEST

/* The pieces must not matter: every cutting of one stream gives one text. */
START_TEST(how_a_stream_is_cut_into_pieces_does_not_matter)
{
	const char all[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	for (size_t piece = 1; piece < sizeof(all); piece++) {
		struct pb_capture c;
		PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
		pb_capture_init(&c, 11);
		for (size_t at = 0; at < sizeof(all) - 1; at += piece) {
			size_t left = sizeof(all) - 1 - at;
			pb_capture_add(&c, all + at, left < piece ? left : piece);
		}
		pb_capture_text(&c, &b);
		ck_assert_str_eq(b.ptr, "01234\n[... 25 bytes left out ...]\nuvwxyz");
		pb_capture_fini(&c);
	}
}
END_TEST

PB_SUITE(capture)
{
	pb_add_loop(s, the_first_and_last_bytes_are_kept, 0, (int)PB_ARRAY_LEN(rows));
	pb_add(s, how_a_stream_is_cut_into_pieces_does_not_matter);
}
