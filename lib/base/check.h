/*
 * Checked objects, ownership and cleanup.
 *
 * pb_check() states what our own code guarantees; it is on in releases and ends the process with
 * file, line and the text of the claim.  Outside data is never asserted: it is an error.
 */
#ifndef PB_BASE_CHECK_H
#define PB_BASE_CHECK_H

#include <stddef.h>
#include <stdint.h>

#define pb_check(claim) ((claim) ? (void)0 : pb_check_failed(#claim, __FILE__, __LINE__))
/* A place that our own code never comes to. */
#define pb_impossible(why) pb_check_failed(why, __FILE__, __LINE__)
_Noreturn void pb_check_failed(const char *claim, const char *file, int line);

/* Called with the claim before the process ends, to leave word of it; NULL = nobody. */
typedef void pb_check_fn(const char *claim, const char *file, int line);
void pb_check_on_failure(pb_check_fn *fn);

/* The first member of an object that travels through a void pointer is `uint32_t magic`. */
#define PB_CHECK_OBJ(obj, m) pb_check((obj) != NULL && (obj)->magic == (m))

/* A local that owns something: PB_CLEANUP(pb_buf_freep) ...; hand it over with PB_TAKE. */
#define PB_CLEANUP(fn) __attribute__((cleanup(fn)))
#define PB_TAKE(p)                                                                                 \
	__extension__({                                                                            \
		__typeof__(p) pb_taken_ = (p);                                                     \
		(p) = NULL;                                                                        \
		pb_taken_;                                                                         \
	})
/* Defines NAMEp(T **), the cleanup function made of NAME(T *); NAME takes NULL. */
#define PB_DEFINE_CLEANUP(T, name)                                                                 \
	__attribute__((unused)) static inline void name##p(T **p)                                  \
	{                                                                                          \
		name(*p);                                                                          \
	}

#define PB_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define PB_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))

/*
 * Allocation that cannot fail: these end the process when memory is out (systemd restarts it from
 * what is durable; a half-done step of the engine would be worse).  What outside data can make
 * large has a cap of its own before it comes here.
 */
void *pb_malloc(size_t size);
void *pb_calloc(size_t n, size_t size);
void *pb_realloc(void *p, size_t size);
char *pb_strdup(const char *s); /* NULL gives NULL */
char *pb_strndup(const char *s, size_t len);
char *pb_asprintf(const char *fmt, ...) PB_PRINTF(1, 2);
void pb_freep(void *p); /* cleanup: PB_CLEANUP(pb_freep) char *s */

#endif
