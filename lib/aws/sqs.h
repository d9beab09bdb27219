/*
 * SQS details: checking the MD5s of messages.
 */
#ifndef PB_AWS_SQS_H
#define PB_AWS_SQS_H

#include "base/digest.h"
#include "base/json.h"

/*
 * MD5OfMessageAttributes of {"NAME": {"DataType": ..., "StringValue" or "BinaryValue" (base64)}}.
 * PB_INVALID when the object is not of that form, PB_UNSUPPORTED where MD5 is not to be had (FIPS).
 */
int
pb_sqs_attributes_md5(const json_t *attributes, char ret_md5[PB_MD5_TEXT], struct pb_error *err);

/*
 * Check an entry of ReceiveMessage's Messages: Body there, MD5OfBody and, when attributes are
 * there, MD5OfMessageAttributes right (ask for MessageAttributeNames ["All"]).  PB_CORRUPT on a
 * mismatch: do not act on it, do not delete it.  A digest that is absent, or MD5 that is not to be
 * had, is no failure.
 */
int pb_sqs_message_check(const json_t *message, struct pb_error *err);
/* The same for the answer to SendMessage of `body`. */
int pb_sqs_sent_check(const json_t *output, struct pb_str body, struct pb_error *err);

#endif
