/*
 * Inputs to bodies.  Inputs were checked against the shape before (pb_aws_op_check).
 */
#ifndef PB_AWS_ENCODE_H
#define PB_AWS_ENCODE_H

#include "base/json.h"

/* The inputs as the JSON protocols want them: nulls dropped, times as seconds, numbers as numbers.
 */
json_t *pb_aws_encode_json(struct pb_str shape, const json_t *inputs);
/* "&Name=value..." behind what is in `b`; lists as Name.member.N, maps as Name.entry.N.Name/.Value.
 */
void pb_aws_encode_query(struct pb_buf *b, struct pb_str shape, const json_t *inputs, bool is_flat);

#endif
