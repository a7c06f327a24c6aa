#ifndef TVB_CORE_LANES_H
#define TVB_CORE_LANES_H
#endif
