#include "dialect.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contract/axes.h"
#include "document.h"
#include "words.h"

#define SUFFIX ".yaml"

/* One way to say an operation, or the name of a state. */
struct word {
    const char *shown; /* part of the document */
    const json_t *means; /* the operation; NULL: a state, which nothing does */
    char folded[WORDS_SIZE];
};

struct dialect {
    struct yaml_doc *doc;
    const char *name;
    struct word *words; /* sorted by folded */
    size_t n;
};

/* ---- loading ---- */

static int by_folded(const void *a, const void *b)
{
    return strcmp(((const struct word *)a)->folded, ((const struct word *)b)->folded);
}

/* The names of the dialects in @dir, with commas between; "none" where there are none. */
static void names_of(const char *dir, char *ret, size_t size)
{
    struct dirent **list = NULL;
    int n = scandir(dir, &list, NULL, alphasort);
    size_t len = 0;
    snprintf(ret, size, "none");
    for (int i = 0; i < n; i++) {
        size_t stem = strlen(list[i]->d_name);
        bool is_one = stem > strlen(SUFFIX) && strcmp(list[i]->d_name + stem - strlen(SUFFIX), SUFFIX) == 0;
        stem -= is_one ? strlen(SUFFIX) : 0;
        if (is_one && len + stem + 3 < size)
            len += (size_t)snprintf(ret + len, size - len, "%s%.*s", len > 0 ? ", " : "", (int)stem, list[i]->d_name);
        free(list[i]);
    }
    free(list);
}

static int path_of(const char *schemas, const char *name, char *ret, size_t size, struct err *reterr)
{
    char dir[3900], names[200];
    snprintf(dir, sizeof(dir), "%s/billing", schemas);
    if (strchr(name, '/') != NULL)
        snprintf(ret, size, "%s", name);
    else
        snprintf(ret, size, "%s/%s" SUFFIX, dir, name);
    FILE *f = fopen(ret, "r");
    if (f != NULL)
        return fclose(f);
    names_of(dir, names, sizeof(names));
    return err_set(reterr, ERR_INVAL, "there is no dialect \"%.60s\": there are %s in %.200s, and a path with a slash names a file", name, names, dir);
}

static int add(struct dialect *d, const char *shown, const json_t *means, const char *pointer, struct err *reterr)
{
    struct word *w = &d->words[d->n];
    w->shown = shown;
    w->means = means;
    if (event_type_short(shown) != shown)
        return document_refuse(d->doc, pointer, reterr, "wanted a word without \"" EVENT_TYPE_PREFIX "\", which any word may be said with");
    if (!words_fold(shown, w->folded))
        return document_refuse(d->doc, pointer, reterr, "wanted a word of letters, at most %d bytes", WORDS_SIZE - 1);
    d->n++;
    return 0;
}

static int check_event(const struct dialect *d, const json_t *o, size_t i, struct err *reterr)
{
    enum event_type t;
    char at[64];
    snprintf(at, sizeof(at), "/operations/%zu/event", i);
    if (event_type_of_name(json_text(o, "event"), &t) == 0)
        return 0;
    return document_refuse(d->doc, at, reterr, "wanted an event type, as schemas/events has them, found \"%s\"", json_text(o, "event"));
}

static int add_operations(struct dialect *d, struct err *reterr)
{
    const json_t *list = json_object_get(yaml_root(d->doc), "operations");
    char at[64];
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *o = json_array_get(list, i), *also = json_object_get(o, "also");
        snprintf(at, sizeof(at), "/operations/%zu/word", i);
        if (add(d, json_text(o, "word"), o, at, reterr) != 0 || check_event(d, o, i, reterr) != 0)
            return -1;
        for (size_t k = 0; k < json_array_size(also); k++) {
            snprintf(at, sizeof(at), "/operations/%zu/also/%zu", i, k);
            if (add(d, json_string_value(json_array_get(also, k)), o, at, reterr) != 0)
                return -1;
        }
    }
    return 0;
}

static int add_states(struct dialect *d, struct err *reterr)
{
    const json_t *list = json_object_get(yaml_root(d->doc), "states");
    char at[64];
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < json_array_size(list); i++) {
        snprintf(at, sizeof(at), "/states/%zu/word", i);
        rc = add(d, json_text(json_array_get(list, i), "word"), NULL, at, reterr);
    }
    return rc;
}

/* A word has one meaning. */
static int check_unlike(struct dialect *d, struct err *reterr)
{
    qsort(d->words, d->n, sizeof(*d->words), by_folded);
    for (size_t i = 1; i < d->n; i++)
        if (strcmp(d->words[i - 1].folded, d->words[i].folded) == 0)
            return document_refuse(d->doc, "/operations", reterr, "\"%s\" and \"%s\" are the same word, and it stands there twice",
                                   d->words[i - 1].shown, d->words[i].shown);
    return 0;
}

static size_t most_words(const json_t *root)
{
    const json_t *operations = json_object_get(root, "operations");
    size_t n = json_array_size(operations) + json_array_size(json_object_get(root, "states"));
    for (size_t i = 0; i < json_array_size(operations); i++)
        n += json_array_size(json_object_get(json_array_get(operations, i), "also"));
    return n;
}

static int read_words(struct dialect *d, struct err *reterr)
{
    const json_t *root = yaml_root(d->doc);
    d->name = json_text(root, "billing");
    d->words = calloc(most_words(root), sizeof(*d->words));
    if (d->words == NULL)
        return err_nomem(reterr);
    if (add_operations(d, reterr) != 0 || add_states(d, reterr) != 0)
        return -1;
    return check_unlike(d, reterr);
}

struct dialect *dialect_load(const char *schemas, const char *name, struct err *reterr)
{
    char path[4096];
    struct dialect *d = path_of(schemas, name, path, sizeof(path), reterr) == 0 ? calloc(1, sizeof(*d)) : NULL;
    if (d == NULL) {
        if (reterr->code == ERR_NONE)
            err_nomem(reterr);
        return NULL;
    }
    d->doc = document_load(path, schemas, "billing.schema.json", reterr);
    if (d->doc != NULL && read_words(d, reterr) == 0)
        return d;
    dialect_free(d);
    return NULL;
}

void dialect_free(struct dialect *d)
{
    if (d == NULL)
        return;
    free(d->words);
    yaml_doc_free(d->doc);
    free(d);
}

const json_t *dialect_document(const struct dialect *d)
{
    return yaml_root(d->doc);
}

/* ---- finding ---- */

static const struct word *find(const struct dialect *d, const char *text)
{
    struct word key;
    if (!words_fold(text, key.folded))
        return NULL;
    return bsearch(&key, d->words, d->n, sizeof(*d->words), by_folded);
}

const char *dialect_type(const struct dialect *d, const char *word)
{
    enum event_type t;
    const char *name = event_type_short(word);
    if (event_type_of_name(name, &t) == 0)
        return event_type_name(t);
    const struct word *w = find(d, name);
    return w != NULL && w->means != NULL ? json_text(w->means, "event") : NULL;
}

static int unknown(const struct dialect *d, const char *name, struct fault *ret_fault)
{
    struct words_nearest near;
    char text[150];
    const struct word *state = find(d, name);
    if (state != NULL)
        return fault_set(ret_fault, "/type", "\"%s\" is a state that %s shows, and nothing that happens", state->shown, d->name);
    words_nearest_init(&near, name);
    for (size_t i = 0; i < d->n; i++)
        if (d->words[i].means != NULL)
            words_nearest_try(&near, d->words[i].shown, d->words[i].folded);
    words_nearest_text(&near, text, sizeof(text));
    return fault_set(ret_fault, "/type", "\"%.*s\" is no word of %s%s%s", words_fit(near.wanted, 40), near.wanted, d->name, text,
                     text[0] == '\0' ? ": `tvbridge publish --list` shows them" : "");
}

/* ---- applying ---- */

/* The event's data, made where it has none. False: out of memory; *@ret NULL: they are no object, which is for the schema to say. */
static bool take_data(json_t *event, json_t **ret)
{
    *ret = json_object_get(event, "data");
    if ((*ret == NULL || json_is_null(*ret)) && json_object_set_new(event, "data", json_object()) != 0)
        return false;
    *ret = json_object_get(event, "data");
    if (!json_is_object(*ret))
        *ret = NULL;
    return true;
}

static int contradicts(const struct word *w, const char *name, const json_t *value, struct fault *ret_fault)
{
    char pointer[96];
    const char *want = json_is_string(value) ? json_string_value(value) : "what the dialect says";
    snprintf(pointer, sizeof(pointer), "/data/%s", name);
    return fault_set(ret_fault, pointer, "wanted \"%.*s\", or nothing, since the type is \"%s\"", words_fit(want, 40), want, w->shown);
}

/* What the word says, and what it only implies: the event's own member stays. */
static int fill(const struct word *w, json_t *data, struct fault *ret_fault)
{
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(w->means, "data"), name, value)
    {
        const json_t *own = json_object_get(data, name);
        if (own != NULL && !json_equal(own, value))
            return contradicts(w, name, value, ret_fault);
        if (own == NULL && json_object_set_new(data, name, json_deep_copy(value)) != 0)
            return fault_nomem(ret_fault);
    }
    json_object_foreach(json_object_get(w->means, "default"), name, value)
    {
        if (json_object_get(data, name) == NULL && json_object_set_new(data, name, json_deep_copy(value)) != 0)
            return fault_nomem(ret_fault);
    }
    return 0;
}

static int rename_type(json_t *event, const char *to, struct fault *ret_fault)
{
    char type[WORDS_SIZE];
    snprintf(type, sizeof(type), EVENT_TYPE_PREFIX "%s", to);
    return json_object_set_new(event, "type", json_string(type)) == 0 ? 0 : fault_nomem(ret_fault);
}

int dialect_apply(const struct dialect *d, json_t *event, struct fault *ret_fault)
{
    enum event_type t;
    const char *name = event_type_short(json_text(event, "type"));
    if (name[0] == '\0' || event_type_of_name(name, &t) == 0)
        return 0; /* a missing type is for the schema to say */
    const struct word *w = find(d, name);
    if (w == NULL || w->means == NULL)
        return unknown(d, name, ret_fault);
    json_t *data = NULL;
    bool says = json_object_size(json_object_get(w->means, "data")) + json_object_size(json_object_get(w->means, "default")) > 0;
    if (says && !take_data(event, &data))
        return fault_nomem(ret_fault);
    if (data != NULL && fill(w, data, ret_fault) != 0)
        return -1;
    return rename_type(event, json_text(w->means, "event"), ret_fault);
}
