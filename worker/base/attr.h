/* attr.h - attributes and the two macros that the house allows. */
#ifndef TVB_BASE_ATTR_H
#define TVB_BASE_ATTR_H

#define ATTR_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define ATTR_MUST_USE __attribute__((warn_unused_result))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
