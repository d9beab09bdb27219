/*
 * A finished set in memory.  The arrays of a large one are put together on huge pages where the
 * system has some: a look at them is one cache line in many megabytes each, and with small pages
 * finding the page takes as long as reading the line.
 */
#include "pattern/set.h"

#include <stdlib.h>
#include <sys/mman.h>

#define HUGE_PAGE (2U << 20)
#define PACK_MIN (2U * HUGE_PAGE)

/* The arrays that an event is looked up in. */
#define FOR_ARRAYS(m, DO)                                                                          \
	do {                                                                                       \
		DO((m)->slots, (size_t)1 << (m)->slot_bits);                                       \
		DO((m)->hits, (m)->hits_size);                                                     \
		DO((m)->conditions, (m)->conditions_size);                                         \
		DO((m)->anchored, (m)->n_anchored);                                                \
		DO((m)->tests, (m)->tests_size);                                                   \
		DO((m)->texts.ptr, (m)->texts.size);                                               \
	} while (0)

#define LINES(n) (((n) + 63) / 64 * 64)

void
pb_set_pack(struct pb_matcher *m)
{
	size_t n = 0, at = 0;

#define COUNT(items, size) n += LINES((size) * sizeof(*(items)))
	FOR_ARRAYS(m, COUNT);
	if (n < PACK_MIN)
		return;
	size_t whole = (n + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
	char *pack = aligned_alloc(HUGE_PAGE, whole);
	pb_check(pack != NULL);
	(void)madvise(pack, whole, MADV_HUGEPAGE); /* without, it is only slower */
#define MOVE(items, size)                                                                          \
	do {                                                                                       \
		size_t bytes_ = (size) * sizeof(*(items));                                         \
		if (bytes_ > 0)                                                                    \
			memcpy(pack + at, (items), bytes_);                                        \
		free(items);                                                                       \
		(items) = (void *)(pack + at);                                                     \
		at += LINES(bytes_);                                                               \
	} while (0)
	FOR_ARRAYS(m, MOVE);
	m->pack = pack;
	m->pack_waste = whole - n;
}

static void
free_arrays(struct pb_matcher *m)
{
	if (m->pack != NULL) {
		free(m->pack);
		return;
	}
#define FREE(items, size) free(items)
	FOR_ARRAYS(m, FREE);
}

void
pb_set_cut_numbers(struct pb_matcher *m, size_t n_numbers, size_t n_ranges)
{
	while (m->n_numbers > n_numbers)
		pb_number_fini(&m->numbers[--m->n_numbers]);
	while (m->n_ranges > n_ranges) {
		pb_number_fini(&m->ranges[--m->n_ranges].low);
		pb_number_fini(&m->ranges[m->n_ranges].high);
	}
}

void
pb_matcher_free(struct pb_matcher *m)
{
	if (m == NULL)
		return;
	PB_CHECK_OBJ(m, PB_MATCHER_MAGIC);
	for (size_t i = 0; i < m->n_paths; i++) {
		for (size_t k = 0; k < PB_ARRAY_LEN(m->paths[i].lengths); k++)
			free(m->paths[i].lengths[k].items);
		free(m->paths[i].each.items);
		free(m->paths[i].gram_filter);
	}
	pb_flat_tree_fini(&m->tree);
	free(m->paths);
	free_arrays(m);
	free(m->branches);
	free(m->branch_conditions);
	free(m->absent.items);
	pb_set_cut_numbers(m, 0, 0);
	free(m->numbers);
	free(m->ranges);
	free(m->cidrs);
	free(m->wildcards);
	free(m->pieces);
	m->magic = 0;
	free(m);
}

size_t
pb_matcher_bytes(const struct pb_matcher *m)
{
	size_t n = sizeof(*m) + pb_flat_tree_bytes(&m->tree);

	for (size_t i = 0; i < m->n_paths; i++) {
		for (size_t k = 0; k < PB_ARRAY_LEN(m->paths[i].lengths); k++)
			n += m->paths[i].lengths[k].size * sizeof(uint32_t);
		n += m->paths[i].each.size * sizeof(uint32_t);
		n += m->paths[i].gram_filter != NULL ? ((size_t)1 << m->paths[i].gram_bits) / 8 : 0;
	}
	n += (m->n_paths + 1) * sizeof(*m->paths);
	n += m->conditions_size * sizeof(*m->conditions) + m->tests_size * sizeof(*m->tests);
	n += m->n_anchored * sizeof(*m->anchored);
	n += m->absent.size * sizeof(uint32_t);
	n += m->texts.size + m->numbers_size * sizeof(*m->numbers);
	n += m->ranges_size * sizeof(*m->ranges) + m->cidrs_size * sizeof(*m->cidrs);
	n += m->wildcards_size * sizeof(*m->wildcards) + m->pieces_size * sizeof(*m->pieces);
	n += ((size_t)1 << m->slot_bits) * sizeof(*m->slots);
	return n + m->hits_size * sizeof(*m->hits) + m->pack_waste;
}
