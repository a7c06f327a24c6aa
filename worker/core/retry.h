#ifndef TVB_CORE_RETRY_H
#define TVB_CORE_RETRY_H
#endif
