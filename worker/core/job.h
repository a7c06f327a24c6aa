#ifndef TVB_CORE_JOB_H
#define TVB_CORE_JOB_H
#endif
