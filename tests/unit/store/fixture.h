/*
 * What the store's tests share: a folder of their own, updates to commit, the whole store as text.
 */
#ifndef PB_TESTS_STORE_FIXTURE_H
#define PB_TESTS_STORE_FIXTURE_H

#include "store/store.h"

/* An empty folder for this test; gone with drop_folder. The caller's to free. */
char *make_folder(void);
void drop_folder(char *dir);
char *db_path(const char *dir); /* the caller's to free */

struct pb_store *open_store(const char *dir); /* must succeed */
struct pb_store *open_with(const char *dir, const struct pb_store_options *o);
/* Must fail with this kind and say `words`; returns the text, the caller's to free. */
char *refuse_open(
    const char *dir, const struct pb_store_options *o, enum pb_error_kind kind, const char *words);
void commit(struct pb_store *s, struct pb_update *u); /* must succeed; frees u */

/* An incident with all that belongs to it: event, run, step, ladder, action, notes. */
void put_incident(struct pb_update *u, const char *id, const char *state, const char *page_state);
/* All records and notes, one a line. The caller's to free. */
char *dump(struct pb_store *s);

char *read_file(const char *path, size_t *ret_len);
void write_file(const char *path, const void *data, size_t len);

#endif
