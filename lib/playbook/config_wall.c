/*
 * Zones, dates and wall times, as schedules and maintenance windows write them.
 */
#include <stdlib.h>

#include "playbook/read.h"

/* From the store when a plan is restored, so that it stays what it was. */
static int
zone_bytes(struct pb_loader *l, const char *name, struct pb_buf *ret, struct pb_error *err)
{
	const char *known = pb_json_str(l->known_zones, name);
	if (known != NULL)
		return pb_base64_decode(pb_str_of(known), ret, err);
	return pb_zone_read(name, ret, err);
}

void
pb_read_tz(struct pb_loader *l, const struct pb_node *n, char **ret_tz, struct pb_zone **ret_zone,
    char **ret_base64)
{
	struct pb_error err = {0};
	PB_CLEANUP(pb_buf_fini) struct pb_buf bytes = PB_BUF_CAPPED(PB_ZONE_FILE_MAX);
	if (pb_read_text(l, n, 64, ret_tz) < 0)
		return;
	if (zone_bytes(l, *ret_tz, &bytes, &err) < 0) {
		pb_problem_add(l, n, "tz \"%s\": %s; write a name as Europe/London or UTC",
		    PB_SHOWN(*ret_tz), err.text);
		return;
	}
	if (pb_zone_parse(pb_buf_str(&bytes), ret_zone, &err) < 0) {
		pb_problem_add(
		    l, n, "tz \"%s\": its file cannot be read: %s", PB_SHOWN(*ret_tz), err.text);
		return;
	}
	PB_CLEANUP(pb_buf_fini) struct pb_buf text = PB_BUF_INIT;
	pb_base64_add(&text, bytes.ptr, bytes.len);
	*ret_base64 = pb_buf_take(&text);
}

static bool
digits(const char *s, size_t n, int *ret)
{
	*ret = 0;
	for (size_t i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		*ret = *ret * 10 + s[i] - '0';
	}
	return true;
}

bool
pb_parse_date(const char *s, int64_t *ret)
{
	static const int lengths[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int y, m, d;
	if (strlen(s) < 10 || !digits(s, 4, &y) || s[4] != '-' || !digits(s + 5, 2, &m) ||
	    s[7] != '-' || !digits(s + 8, 2, &d) || y < 1970 || m < 1 || m > 12 || d < 1 ||
	    d > lengths[m - 1] ||
	    (m == 2 && d == 29 && (y % 4 != 0 || (y % 100 == 0 && y % 400 != 0))))
		return false;
	*ret = pb_days_from_civil(y, m, d);
	return true;
}

bool
pb_parse_clock(const char *s, int64_t *ret)
{
	int h, m;
	if (strlen(s) != 5 || !digits(s, 2, &h) || s[2] != ':' || !digits(s + 3, 2, &m) || h > 23 ||
	    m > 59)
		return false;
	*ret = h * PB_HOUR + m * PB_MINUTE;
	return true;
}

int
pb_parse_weekday(const char *s)
{
	static const char days[] = "sunmontuewedthufrisat";
	for (int i = 0; i < 7; i++)
		if (strncmp(s, days + 3 * i, 3) == 0)
			return i;
	return -1;
}

int
pb_read_date(struct pb_loader *l, const struct pb_node *n, int64_t *ret)
{
	const char *text = pb_read_scalar(l, n);
	if (text == NULL)
		return -1;
	if (strlen(text) == 10 && pb_parse_date(text, ret))
		return 0;
	pb_problem_add(l, n, "\"%s\" is no date, as 2026-01-05", PB_SHOWN(text));
	return -1;
}

int
pb_read_wall(struct pb_loader *l, const struct pb_node *n, int64_t *ret)
{
	const char *text = pb_read_scalar(l, n);
	int64_t day, clock;
	if (text == NULL)
		return -1;
	if (strlen(text) != 16 || !pb_parse_date(text, &day) || text[10] != ' ' ||
	    !pb_parse_clock(text + 11, &clock)) {
		pb_problem_add(l, n, "\"%s\" is no date and wall time, as \"2026-12-24 18:00\"",
		    PB_SHOWN(text));
		return -1;
	}
	*ret = day * PB_DAY + clock;
	return 0;
}
