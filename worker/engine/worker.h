/* worker.h - one thread of a provider's pool: placeholder until the engine stands. */
#ifndef TVB_ENGINE_WORKER_H
#define TVB_ENGINE_WORKER_H

struct worker;

#endif
