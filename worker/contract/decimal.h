/* decimal.h - amounts of money as events say them: decimal text with up to 12 digits and 4 decimals (definitions.schema.json, price),
 * counted in ten-thousandths, so that nothing is ever rounded. Pure. */
#ifndef TVB_CONTRACT_DECIMAL_H
#define TVB_CONTRACT_DECIMAL_H

#include <stdint.h>

#define DECIMAL_MAX INT64_C(9999999999999999) /* the largest that a text says */

/* "4.90" is 49000. -1: not such a text. */
int decimal_parse(const char *text, int64_t *ret);
/* *@sum + @amount * @times, exactly. -1: too large, *@sum stays. */
int decimal_add(int64_t *sum, int64_t amount, int64_t times);

#define DECIMAL_TEXT_SIZE 24
/* With two decimals, or as many as it needs: "14.80", "0.0125". @amount is not negative. */
const char *decimal_format(int64_t amount, char ret[DECIMAL_TEXT_SIZE]);

#endif
