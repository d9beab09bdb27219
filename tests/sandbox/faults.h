/*
 * Scripted faults: a list of rules, each of which spoils some of the calls it matches.
 *
 * A rule is a JSON object; POST /_sandbox/faults takes one or a list and appends:
 *
 *   fault       what happens, see the table; required
 *   service     "cloudwatch", "sqs", "sns" or "sts"; absent = any
 *   operation   as "ReceiveMessage"; absent = any
 *   match       text that occurs in the request body, or an object of input members that are equal
 *   skip        let so many matching calls pass first; 0
 *   times       spoil so many, then the rule is gone; 1, and 0 = until the rules are cleared
 *   delay_ms    hold the answer back, after the effect
 *   retry_after_ms  adds the header x-amz-retry-after
 *   others      as the table says
 *
 *   before any effect:
 *   throttle       the service's own code for it                 (code, status, message)
 *   error          any error                                      code, status 400, message
 *   server_error   status 500, or 502, 503, 504                   (status, html: a balancer's page)
 *   reset, close   connection reset; closed without an answer
 *   expired_token, bad_signature   as the service says it
 *   skewed_date    the service's clock is off by skew_ms for this call: the Date header, and what
 *                  it thinks of the signature's age
 *   answer         status 200, body "", content_type: anything at all
 *   hang           no answer, the connection stays open
 *   after the effect:
 *   delay          nothing but delay_ms
 *   lost           the connection is closed without an answer     (reset: true = reset)
 *   drip           the body comes bytes 1 at a time, every_ms 100
 *   cut            Content-Length is right, the connection ends after half of the body
 *   empty          200 and no body
 *   garbage        200, the right content type, a body that is none
 *   not_http       bytes that are not HTTP
 *   huge           a body without end
 *   wrong_md5      SQS: digests of bodies and attributes are wrong
 *   duplicate      ReceiveMessage: messages stay visible, to come again; SendMessage, Publish: twice
 *   reorder        ReceiveMessage: newest first
 */
#ifndef PB_TESTS_SANDBOX_FAULTS_H
#define PB_TESTS_SANDBOX_FAULTS_H

#include "base/json.h"

enum pb_sbx_fault {
	PB_SBX_NO_FAULT = 0,
	PB_SBX_THROTTLE,
	PB_SBX_ERROR,
	PB_SBX_SERVER_ERROR,
	PB_SBX_RESET,
	PB_SBX_CLOSE,
	PB_SBX_EXPIRED_TOKEN,
	PB_SBX_BAD_SIGNATURE,
	PB_SBX_SKEWED_DATE,
	PB_SBX_ANSWER,
	PB_SBX_HANG,
	PB_SBX_DELAY,
	PB_SBX_LOST,
	PB_SBX_DRIP,
	PB_SBX_CUT,
	PB_SBX_EMPTY,
	PB_SBX_GARBAGE,
	PB_SBX_NOT_HTTP,
	PB_SBX_HUGE,
	PB_SBX_WRONG_MD5,
	PB_SBX_DUPLICATE,
	PB_SBX_REORDER,
	PB_SBX_FAULT_MAX,
};

const char *pb_sbx_fault_name(enum pb_sbx_fault f);
/* Check rules (an object or a list of them) and append copies to `list`; all or none. */
int pb_sbx_faults_add(json_t *list, const json_t *rules, struct pb_error *err);
/*
 * The first rule of `list` that spoils this call, counted down (and removed when used up).
 * Returns a reference for the caller in *ret_rule, or PB_SBX_NO_FAULT.
 */
enum pb_sbx_fault pb_sbx_faults_take(json_t *list, const char *service, const char *operation,
    const json_t *input, struct pb_str body, json_t **ret_rule);

#endif
