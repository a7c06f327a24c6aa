#ifndef TVB_PRODUCER_POST_QUEUE_H
#define TVB_PRODUCER_POST_QUEUE_H
struct post_queue;
#endif
