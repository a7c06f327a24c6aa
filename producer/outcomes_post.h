#ifndef TVB_PRODUCER_OUTCOMES_POST_H
#define TVB_PRODUCER_OUTCOMES_POST_H
struct outcomes_post;
#endif
