#ifndef TVB_CORE_OFFSETS_H
#define TVB_CORE_OFFSETS_H
#endif
