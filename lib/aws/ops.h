/*
 * The table of operations, for service.c.
 */
#ifndef PB_AWS_OPS_H
#define PB_AWS_OPS_H

#include "aws/service.h"

extern const struct pb_aws_op pb_aws_ops[];
extern const size_t pb_aws_n_ops;

#endif
