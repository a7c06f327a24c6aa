/* serve_words.h - in whose words the callers of the gateway speak: the dialect and the catalogue of each key, read at the start. */
#ifndef TVB_PRODUCER_SERVE_WORDS_H
#define TVB_PRODUCER_SERVE_WORDS_H

#include "base/err.h"
#include "contract/settings.h"
#include "publish_event.h"

struct serve_words;

/* Reads what the keys of @s name; a file that several name is read once. @s must outlive it. NULL and @reterr, which names the key. */
struct serve_words *serve_words_new(const struct settings *s, struct err *reterr);
void serve_words_free(struct serve_words *w); /* NULL is fine */

/* Puts the dialect and the catalogue of @key, one of the settings' own, into @rules; NULL where it has none. */
void serve_words_rules(const struct serve_words *w, const struct settings_key *key, struct publish_rules *rules);

#endif
