/*
 * XML answers to JSON by shape.  Local names only; a DOCTYPE is refused; depth and elements are
 * capped.
 */
#ifndef PB_AWS_XML_H
#define PB_AWS_XML_H

#include "base/json.h"

#define PB_XML_DEPTH_MAX 32
#define PB_XML_ELEMENTS_MAX 200000

struct pb_xml_node;
void pb_xml_free(struct pb_xml_node *n); /* n may be NULL */
PB_DEFINE_CLEANUP(struct pb_xml_node, pb_xml_free)

/* Parse a document; PB_SYNTAX (line, column) or PB_LIMIT. The root is the caller's to free. */
int pb_xml_parse(struct pb_str text, struct pb_xml_node **ret_root, struct pb_error *err);
const char *pb_xml_name(const struct pb_xml_node *n);
const char *
pb_xml_text(const struct pb_xml_node *n); /* own text, outer white space kept; NULL gives "" */
/* First child of that name, NULL when absent or n is NULL. */
const struct pb_xml_node *pb_xml_child(const struct pb_xml_node *n, const char *name);
/* First element of that name at any depth, itself included. */
const struct pb_xml_node *pb_xml_find(const struct pb_xml_node *n, const char *name);
/*
 * The children of `n` as the members of a structure of this shape: lists from <member> or <item>
 * elements, maps from <entry><key/><value/></entry>, numbers and booleans converted.  Absent
 * elements are absent members; an empty list element is an empty list; unknown ones are dropped.
 * PB_SYNTAX when a number or boolean is none; err->path names it.
 */
int pb_xml_to_json(
    const struct pb_xml_node *n, struct pb_str shape, json_t **ret_object, struct pb_error *err);

#endif
