/*
 * Put before every file of lib/pattern in the build whose work is counted: what the C library does for
 * it counts too, eight bytes as one step.  The rest is counted by the compiler, a step for each basic
 * block that is run (-fsanitize-coverage=trace-pc).
 */
#ifndef PB_TESTS_WORK_COUNTED_H
#define PB_TESTS_WORK_COUNTED_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

extern uint64_t work_steps;

static inline void *
work_memchr(const void *s, int c, size_t n)
{
	const char *found = (memchr)(s, c, n);
	work_steps += (found == NULL ? n : (size_t)(found - (const char *)s)) / 8;
	return (void *)(uintptr_t)found;
}

static inline void *
work_memmem(const void *s, size_t n, const void *part, size_t part_len)
{
	const char *found = (memmem)(s, n, part, part_len);
	work_steps += (found == NULL ? n : (size_t)(found - (const char *)s) + part_len) / 8;
	return (void *)(uintptr_t)found;
}

static inline int
work_memcmp(const void *a, const void *b, size_t n)
{
	work_steps += n / 8;
	return (memcmp)(a, b, n);
}

#define memchr work_memchr
#define memmem work_memmem
#define memcmp work_memcmp
#define memcpy(to, from, n) (work_steps += (n) / 8, (memcpy)((to), (from), (n)))
#define memmove(to, from, n) (work_steps += (n) / 8, (memmove)((to), (from), (n)))
#define memset(to, c, n) (work_steps += (n) / 8, (memset)((to), (c), (n)))

#endif
