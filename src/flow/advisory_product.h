/*
 * What an advisory says of products, taken apart for machines: "ringd >=1.2 <1.4" is the product ringd with two bounds,
 * "ringd 1.4" with the one version 1.4. What does not read so is the product's name as a whole. Pure.
 */
#ifndef FLOW_ADVISORY_PRODUCT_H
#define FLOW_ADVISORY_PRODUCT_H

#include <stddef.h>

#include <jansson.h>

#define PRODUCT_BOUNDS_MAX 8

struct product {
    char *name;
    struct product_bound {
        char op[3]; /* "=", "<", "<=", ">", ">=" */
        char *version;
    } bounds[PRODUCT_BOUNDS_MAX];
    size_t n_bounds; /* 0: nothing is said of versions */
};

void product_parse(const char *text, struct product *out);
void product_free(struct product *p);

/* [{product, text, versions: [{op, version}]}] of a list that ends with NULL. New. */
json_t *products_json(char *const *list);

#endif
