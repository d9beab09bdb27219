/*
 * Random patterns and events that are made to collide: few keys, few values, many spellings.
 */
#include "random.h"

struct maker {
	struct pb_rand *r;
	struct pb_buf *out;
	int depth;
};

#define PICK(m, list) (list)[pb_rand_below((m)->r, (int64_t)PB_ARRAY_LEN(list))]

static bool
one_in(struct maker *m, int64_t n)
{
	return pb_rand_below(m->r, n) == 0;
}

static void
put(struct maker *m, const char *s)
{
	(void)pb_buf_adds(m->out, s);
}

/* --- events */

static const char *const keys[] = {
    "a", "b", "c", "a.b", "b.c", "a.b.c", "", "long-key-of-more", "é"};
/* The same keys with escapes in them. */
static const char *const odd_keys[] = {"\\u0061", "\\u0062", "c", "a\\u002eb", "b\\u002Ec",
    "a.\\u0062.c", "", "long-k\\u0065y-of-more", "\\u00e9"};
static const char *const texts[] = {"\"\"", "\"a\"", "\"A\"", "\"ab\"", "\"aB\"", "\"abc\"",
    "\"abcab\"", "\"b\"", "\"300\"", "\"10.0.0.1\"", "\"10.0.1.1\"", "\"::1\"",
    "\"::ffff:10.0.0.1\"", "\"a*b\"", "\"a\\\\b\"", "\"\\u0061b\"", "\"ab\\u0063\"", "\"é\"",
    "\"É\"", "\"\\u00c9\"", "\"\\ud83d\\ude00\"", "\"😀\"", "\"abcdefghijklmnop\"",
    "\"abcdefghijkLMNOP\"", "\"true\"", "\"{}[],:\"", "\"\\\"\"", "\"a\\\\\"",
    "\"\\/\\b\\f\\n\\r\\t\"", "\"K\"", "\"k\"", "\"ſ\"", "\"s\""};
static const char *const numbers[] = {"0", "-0", "0.0", "1", "1.0", "10e-1", "-1", "300", "300.0",
    "3.0e2", "3E+2", "0.1", "1e-1", "0.10000000000000000001", "9223372036854775807",
    "9223372036854775806", "-9223372036854775808", "9007199254740993", "9007199254740992",
    "9007199254740993.0", "-122.42916360922355", "-122.42916360922356", "-122.429163609223549",
    "1e300", "-1E300", "5e-324", "4e-324", "1e-400", "2.5", "18446744073709551615",
    "18446744073709551614", "1.8446744073709551615e19", "9223372036854775808",
    "9.223372036854775807E18", "-9223372036854775809", "0.1000000000000000000000000000000000000001",
    "0.3", "0.30000000000000004", "12345678901234567890123456789.5",
    "12345678901234567890123456789.50", "1152921504606846976.0", "1152921504606847000",
    "1152921504606846976", "0.00000000000000000000000000000025", "2.5e-31", "123456789012345e5",
    "12345678901234500000"};
static const char *const literals[] = {"true", "false", "null"};
static const char *const blanks[] = {" ", "\n", "\t", "\r\n", "  ", "                    "};

static void
put_blank(struct maker *m, int64_t chance)
{
	if (one_in(m, chance))
		put(m, PICK(m, blanks));
}

static void put_value(struct maker *m);

static void
put_object(struct maker *m)
{
	bool is_blank = one_in(m, 3), is_first = true;

	put(m, "{");
	for (size_t i = 0; i < PB_ARRAY_LEN(keys); i++) {
		if (!one_in(m, i < 3 ? 2 : 7) || m->out->len > 3000)
			continue;
		put(m, is_first ? "" : ",");
		put_blank(m, is_blank ? 2 : 100);
		put(m, "\"");
		put(m, one_in(m, 8) ? odd_keys[i] : keys[i]);
		put(m, "\"");
		put_blank(m, is_blank ? 2 : 100);
		put(m, ":");
		put_blank(m, is_blank ? 2 : 100);
		put_value(m);
		put_blank(m, is_blank ? 2 : 100);
		is_first = false;
	}
	put(m, "}");
}

static void
put_array(struct maker *m)
{
	int64_t n = pb_rand_below(m->r, 4);
	bool is_blank = one_in(m, 4);

	put(m, "[");
	for (int64_t i = 0; i < n; i++) {
		put(m, i == 0 ? "" : ",");
		put_blank(m, is_blank ? 2 : 100);
		put_value(m);
	}
	put_blank(m, is_blank ? 2 : 100);
	put(m, "]");
}

static void
put_leaf(struct maker *m)
{
	int64_t kind = pb_rand_below(m->r, 8);

	if (kind < 4)
		put(m, PICK(m, texts));
	else if (kind < 7)
		put(m, PICK(m, numbers));
	else
		put(m, PICK(m, literals));
}

static void
put_value(struct maker *m)
{
	int64_t kind = pb_rand_below(m->r, 10);

	if (kind < 5 || m->depth > 5 || m->out->len > 3000) {
		put_leaf(m);
		return;
	}
	m->depth++;
	if (kind < 8)
		put_array(m);
	else
		put_object(m);
	m->depth--;
}

void
random_event(struct pb_rand *r, struct pb_buf *ret)
{
	struct maker m = {.r = r, .out = ret};

	put_blank(&m, 20);
	put_object(&m);
	put_blank(&m, 20);
}

/* --- patterns */

static const char *const wildcards[] = {"\"*\"", "\"a*\"", "\"*b\"", "\"a*b\"", "\"*b*\"",
    "\"a*c*b\"", "\"*cdef*\"", "\"abcdef*mnop\"", "\"a\\\\*b\"", "\"a\\\\\\\\b\"", "\"é*\"",
    "\"*a*b*\"", "\"ab\"", "\"\""};
static const char *const cidrs[] = {"\"10.0.0.0/24\"", "\"10.0.0.0/8\"", "\"10.0.0.1/32\"",
    "\"::/0\"", "\"0.0.0.0/0\"", "\"::1/128\""};

static void put_test(struct maker *m);

static void
put_list_of(struct maker *m, const char *const *list, size_t n)
{
	int64_t count = 1 + pb_rand_below(m->r, 3);
	bool is_list = count > 1 || one_in(m, 2);

	put(m, is_list ? "[" : "");
	for (int64_t i = 0; i < count; i++) {
		put(m, i > 0 ? "," : "");
		put(m, list[pb_rand_below(m->r, (int64_t)n)]);
	}
	put(m, is_list ? "]" : "");
}

static void
put_anything_but(struct maker *m)
{
	put(m, "{\"anything-but\":");
	switch (pb_rand_below(m->r, 6)) {
	case 0:
		put_list_of(m, numbers, PB_ARRAY_LEN(numbers));
		break;
	case 1:
		put(m, "{\"prefix\":");
		put_list_of(m, texts + 1, PB_ARRAY_LEN(texts) - 1);
		put(m, "}");
		break;
	case 2:
		put(m, "{\"suffix\":");
		put_list_of(m, texts + 1, PB_ARRAY_LEN(texts) - 1);
		put(m, "}");
		break;
	case 3:
		put(m, "{\"equals-ignore-case\":");
		put_list_of(m, texts, PB_ARRAY_LEN(texts));
		put(m, "}");
		break;
	case 4:
		put(m, "{\"wildcard\":");
		put_list_of(m, wildcards, PB_ARRAY_LEN(wildcards));
		put(m, "}");
		break;
	default:
		put_list_of(m, texts, PB_ARRAY_LEN(texts));
		break;
	}
	put(m, "}");
}

static void
put_numeric(struct maker *m)
{
	static const char *const ops[] = {"=", "<", "<=", ">", ">="};
	static const char *const lows[] = {
	    "-122.42916360922356", "-1", "0", "0.1", "5e-324", "0.10000000000000000001"};
	static const char *const highs[] = {"1", "300", "9007199254740993", "9223372036854775807",
	    "1e300", "9007199254740992.5", "18446744073709551614.5", "18446744073709551615"};

	if (one_in(m, 2)) {
		(void)pb_buf_addf(
		    m->out, "{\"numeric\":[\"%s\",%s]}", PICK(m, ops), PICK(m, numbers));
		return;
	}
	(void)pb_buf_addf(m->out, "{\"numeric\":[\"%s\",%s,\"%s\",%s]}",
	    one_in(m, 2) ? ">" : ">=", PICK(m, lows), one_in(m, 2) ? "<" : "<=", PICK(m, highs));
}

static void
put_operator(struct maker *m)
{
	static const char *const ops[] = {"prefix", "suffix", "equals-ignore-case"};
	const char *op = PICK(m, ops);

	if (strcmp(op, "equals-ignore-case") != 0 && one_in(m, 2))
		(void)pb_buf_addf(
		    m->out, "{\"%s\":{\"equals-ignore-case\":%s}}", op, PICK(m, texts));
	else
		(void)pb_buf_addf(m->out, "{\"%s\":%s}", op, PICK(m, texts));
}

static void
put_test(struct maker *m)
{
	switch (pb_rand_below(m->r, 12)) {
	case 0:
	case 1:
		put(m, PICK(m, texts));
		break;
	case 2:
		put(m, PICK(m, numbers));
		break;
	case 3:
		put(m, PICK(m, literals));
		break;
	case 4:
	case 5:
		put_operator(m);
		break;
	case 6:
		(void)pb_buf_addf(m->out, "{\"wildcard\":%s}", PICK(m, wildcards));
		break;
	case 7:
		put_anything_but(m);
		break;
	case 8:
		put_numeric(m);
		break;
	case 9:
		(void)pb_buf_addf(m->out, "{\"cidr\":%s}", PICK(m, cidrs));
		break;
	default:
		put(m, one_in(m, 2) ? "{\"exists\":true}" : "{\"exists\":false}");
		break;
	}
}

static void put_fields(struct maker *m, int64_t most);

static void
put_or(struct maker *m)
{
	put(m, "\"$or\":[{");
	m->depth++;
	put_fields(m, 2);
	put(m, "},{");
	put_fields(m, 2);
	put(m, "}]");
	m->depth--;
}

static void
put_field(struct maker *m, size_t key)
{
	(void)pb_buf_addf(m->out, "\"%s\":", one_in(m, 20) ? odd_keys[key] : keys[key]);
	if (m->depth < 3 && one_in(m, 3)) {
		m->depth++;
		put(m, "{");
		put_fields(m, 2);
		put(m, "}");
		m->depth--;
		return;
	}
	put(m, "[");
	put_test(m);
	while (one_in(m, 3)) {
		put(m, ",");
		put_test(m);
	}
	put(m, "]");
}

/* Between one and `most` fields, not two with the same key. */
static void
put_fields(struct maker *m, int64_t most)
{
	int64_t n = 1 + pb_rand_below(m->r, most);
	size_t key = (size_t)pb_rand_below(m->r, 3);

	for (int64_t i = 0; i < n && key < PB_ARRAY_LEN(keys); i++) {
		put(m, i > 0 ? "," : "");
		put_field(m, key);
		key += 1 + (size_t)pb_rand_below(m->r, 3);
	}
	if (m->depth < 2 && one_in(m, 6)) {
		put(m, ",");
		put_or(m);
	}
}

void
random_pattern(struct pb_rand *r, struct pb_buf *ret)
{
	struct maker m = {.r = r, .out = ret};

	put(&m, "{");
	put_fields(&m, 4);
	put(&m, "}");
}

/* --- one field */

void
random_field_event(struct pb_rand *r, struct pb_buf *ret)
{
	struct maker m = {.r = r, .out = ret};

	put(&m, "{\"a\":");
	if (one_in(&m, 4))
		put_array(&m);
	else
		put_leaf(&m);
	put(&m, "}");
}

void
random_field_pattern(struct pb_rand *r, struct pb_buf *ret)
{
	struct maker m = {.r = r, .out = ret};

	put(&m, "{\"a\":[");
	put_test(&m);
	while (one_in(&m, 3)) {
		put(&m, ",");
		put_test(&m);
	}
	put(&m, "]}");
}

/* --- damage */

void
random_damage(struct pb_rand *r, struct pb_buf *b)
{
	static const char bytes[] = "{}[],:\"\\ \n0123456789-+.eEtrufalsn\t\x01\x7f\x80\xc3\xff/*";
	int64_t n = 1 + pb_rand_below(r, 3);

	for (int64_t i = 0; i < n && b->len > 1; i++) {
		size_t at = (size_t)pb_rand_below(r, (int64_t)b->len);
		char byte = bytes[pb_rand_below(r, (int64_t)sizeof(bytes))];
		switch (pb_rand_below(r, 4)) {
		case 0: /* cut */
			b->len = at > 0 ? at : 1;
			break;
		case 1: /* drop */
			memmove(b->ptr + at, b->ptr + at + 1, b->len - at - 1);
			b->len--;
			break;
		case 2: /* change */
			b->ptr[at] = byte;
			break;
		default: /* insert */
			(void)pb_buf_addc(b, ' ');
			memmove(b->ptr + at + 1, b->ptr + at, b->len - at - 1);
			b->ptr[at] = byte;
			break;
		}
	}
}
