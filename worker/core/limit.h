#ifndef TVB_CORE_LIMIT_H
#define TVB_CORE_LIMIT_H
#endif
