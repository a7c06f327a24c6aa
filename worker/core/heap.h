#ifndef TVB_CORE_HEAP_H
#define TVB_CORE_HEAP_H
#endif
