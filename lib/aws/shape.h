/*
 * Reading the shapes of aws/service.h: no compilation, a walk over the text of the row.
 */
#ifndef PB_AWS_SHAPE_H
#define PB_AWS_SHAPE_H

#include "base/text.h"

enum pb_shape_type {
	PB_SHAPE_TEXT,
	PB_SHAPE_INT,
	PB_SHAPE_NUM,
	PB_SHAPE_BOOL,
	PB_SHAPE_TIME,
	PB_SHAPE_BLOB,
	PB_SHAPE_TEXTS, /* a list of texts, where the member itself is a map */
	PB_SHAPE_STRUCT,
	PB_SHAPE_TYPE_MAX,
};

struct pb_shape_member {
	struct pb_str name;
	struct pb_str wire; /* in query parameters and XML; the name where none is said */
	bool is_list, is_map, is_required;
	enum pb_shape_type type; /* of the elements where it is a list or a map */
	struct pb_str members; /* of a structure */
};

/*
 * Take the next member off the front of *shape.  False at the end.  Shapes are ours, so one that
 * cannot be read ends the process (a test walks all rows).
 */
bool pb_shape_next(struct pb_str *shape, struct pb_shape_member *ret_member);
bool pb_shape_find(struct pb_str shape, struct pb_str name, struct pb_shape_member *ret_member);

#endif
