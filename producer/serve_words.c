#include "serve_words.h"

#include <stdlib.h>
#include <string.h>

struct words_of_key {
    const struct dialect *dialect;
    const struct catalogue *catalogue;
    struct dialect *own_dialect; /* freed here; another key may use it too */
    struct catalogue *own_catalogue;
};

struct serve_words {
    const struct settings *settings;
    struct words_of_key list[]; /* by the keys' places in the settings */
};

static bool same(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

static int take_dialect(struct serve_words *w, size_t i, struct err *reterr)
{
    const struct settings_key *keys = w->settings->serve.keys;
    struct words_of_key *k = &w->list[i];
    for (size_t n = 0; n < i && k->dialect == NULL; n++)
        if (same(keys[n].dialect, keys[i].dialect))
            k->dialect = w->list[n].dialect;
    if (keys[i].dialect == NULL || k->dialect != NULL)
        return 0;
    k->dialect = k->own_dialect = dialect_load(w->settings->schemas, keys[i].dialect, reterr);
    return k->dialect != NULL ? 0 : err_prefix(reterr, "the key %s", keys[i].name);
}

static int take_catalogue(struct serve_words *w, size_t i, struct err *reterr)
{
    const struct settings_key *keys = w->settings->serve.keys;
    struct words_of_key *k = &w->list[i];
    for (size_t n = 0; n < i && k->catalogue == NULL; n++)
        if (same(keys[n].catalogue, keys[i].catalogue))
            k->catalogue = w->list[n].catalogue;
    if (keys[i].catalogue == NULL || k->catalogue != NULL)
        return 0;
    k->catalogue = k->own_catalogue = catalogue_load(keys[i].catalogue, w->settings->schemas, reterr);
    return k->catalogue != NULL ? 0 : err_prefix(reterr, "the key %s", keys[i].name);
}

struct serve_words *serve_words_new(const struct settings *s, struct err *reterr)
{
    struct serve_words *w = calloc(1, sizeof(*w) + (s->serve.key_count + 1) * sizeof(w->list[0]));
    if (w == NULL) {
        err_nomem(reterr);
        return NULL;
    }
    w->settings = s;
    for (size_t i = 0; i < s->serve.key_count; i++)
        if (take_dialect(w, i, reterr) != 0 || take_catalogue(w, i, reterr) != 0) {
            serve_words_free(w);
            return NULL;
        }
    return w;
}

void serve_words_free(struct serve_words *w)
{
    for (size_t i = 0; w != NULL && i < w->settings->serve.key_count; i++) {
        dialect_free(w->list[i].own_dialect);
        catalogue_free(w->list[i].own_catalogue);
    }
    free(w);
}

void serve_words_rules(const struct serve_words *w, const struct settings_key *key, struct publish_rules *rules)
{
    const struct words_of_key *k = &w->list[key - w->settings->serve.keys];
    rules->dialect = k->dialect;
    rules->catalogue = k->catalogue;
}
