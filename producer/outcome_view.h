#ifndef TVB_PRODUCER_OUTCOME_VIEW_H
#define TVB_PRODUCER_OUTCOME_VIEW_H
struct outcome_view;
#endif
