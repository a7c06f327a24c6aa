#include "base/metrics.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"

enum kind { KIND_COUNTER, KIND_GAUGE, KIND_HISTOGRAM };

static const struct {
    int64_t ns;
    const char *le;
} bounds[] = {
    {100000, "0.0001"},  {250000, "0.00025"}, {500000, "0.0005"},  {1000000, "0.001"},
    {2500000, "0.0025"}, {5000000, "0.005"},  {10000000, "0.01"},  {25000000, "0.025"},
    {50000000, "0.05"},  {100000000, "0.1"},  {250000000, "0.25"}, {500000000, "0.5"},
    {1000000000, "1"},   {2500000000, "2.5"}, {5000000000, "5"},   {10000000000, "10"},
    {30000000000, "30"}, {60000000000, "60"},
};

struct metric {
    struct metric *next;
    enum kind kind;
    _Atomic bool in_ms; /* a gauge kept in ms and shown in seconds */
    char *name, *help, *labels;
    _Atomic int64_t value; /* histogram: sum in ns */
    _Atomic uint64_t counts[ARRAY_LEN(bounds) + 1];
};

struct metrics {
    pthread_mutex_t lock; /* guards the list, not the values */
    struct metric *list;
    struct metric spare; /* counts when there is no memory for a series */
};

struct metrics *metrics_new(void)
{
    struct metrics *m = calloc(1, sizeof(*m));
    if (m != NULL)
        pthread_mutex_init(&m->lock, NULL);
    return m;
}

static void metric_free(struct metric *s)
{
    if (s == NULL)
        return;
    free(s->name);
    free(s->help);
    free(s->labels);
    free(s);
}

void metrics_free(struct metrics *m)
{
    if (m == NULL)
        return;
    while (m->list != NULL) {
        struct metric *s = m->list;
        m->list = s->next;
        metric_free(s);
    }
    pthread_mutex_destroy(&m->lock);
    free(m);
}

static struct metric *metric_new(enum kind kind, const char *name, const char *help,
                                 const char *labels)
{
    struct metric *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return NULL;
    s->kind = kind;
    s->name = strdup(name);
    s->help = strdup(help);
    s->labels = strdup(labels);
    if (s->name != NULL && s->help != NULL && s->labels != NULL)
        return s;
    metric_free(s);
    return NULL;
}

static struct metric *find(const struct metrics *m, const char *name, const char *labels)
{
    for (struct metric *s = m->list; s != NULL; s = s->next)
        if (strcmp(s->name, name) == 0 && strcmp(s->labels, labels) == 0)
            return s;
    return NULL;
}

static struct metric *lookup(struct metrics *m, enum kind kind, const char *name, const char *help,
                             const char *labels)
{
    pthread_mutex_lock(&m->lock);
    struct metric *s = find(m, name, labels);
    if (s == NULL && (s = metric_new(kind, name, help, labels)) != NULL) {
        s->next = m->list;
        m->list = s;
    }
    pthread_mutex_unlock(&m->lock);
    return s != NULL ? s : &m->spare;
}

struct metric *metrics_counter(struct metrics *m, const char *name, const char *help,
                               const char *labels)
{
    return lookup(m, KIND_COUNTER, name, help, labels);
}

struct metric *metrics_gauge(struct metrics *m, const char *name, const char *help,
                             const char *labels)
{
    return lookup(m, KIND_GAUGE, name, help, labels);
}

struct metric *metrics_histogram(struct metrics *m, const char *name, const char *help,
                                 const char *labels)
{
    return lookup(m, KIND_HISTOGRAM, name, help, labels);
}

/* One writer a series: a load and a store are enough, and cost no locked instruction. */
static void bump(_Atomic uint64_t *v, uint64_t n)
{
    atomic_store_explicit(v, atomic_load_explicit(v, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

static void bump_signed(_Atomic int64_t *v, int64_t n)
{
    atomic_store_explicit(v, atomic_load_explicit(v, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

void metric_add(struct metric *s, uint64_t n)
{
    bump_signed(&s->value, (int64_t)n);
}

void metric_set(struct metric *s, int64_t v)
{
    atomic_store_explicit(&s->value, v, memory_order_relaxed);
}

void metric_set_ms(struct metric *s, int64_t ms)
{
    atomic_store_explicit(&s->in_ms, true, memory_order_relaxed);
    metric_set(s, ms);
}

void metric_observe_ns(struct metric *s, int64_t ns)
{
    size_t i = 0;
    while (i < ARRAY_LEN(bounds) && ns > bounds[i].ns)
        i++;
    bump(&s->counts[i], 1);
    bump_signed(&s->value, ns > 0 ? ns : 0); /* a clock that stepped back adds nothing */
}

uint64_t metric_value(const struct metric *s)
{
    return (uint64_t)atomic_load_explicit(&s->value, memory_order_relaxed);
}

/* ---- rendering ---- */

struct row {
    const struct metric *first;
    int64_t value;
    uint64_t counts[ARRAY_LEN(bounds) + 1];
};

static int row_cmp(const void *a, const void *b)
{
    const struct metric *x = ((const struct row *)a)->first, *y = ((const struct row *)b)->first;
    int c = strcmp(x->name, y->name);
    return c != 0 ? c : strcmp(x->labels, y->labels);
}

static void row_add(struct row *r, const struct metric *s)
{
    r->value += atomic_load_explicit(&s->value, memory_order_relaxed);
    for (size_t i = 0; i < ARRAY_LEN(r->counts); i++)
        r->counts[i] += atomic_load_explicit(&s->counts[i], memory_order_relaxed);
}

static void add_series(struct buf *out, const char *name, const char *suffix, const char *labels,
                       const char *le)
{
    buf_adds(out, name);
    buf_adds(out, suffix);
    if (*labels != '\0' || le != NULL) {
        buf_addc(out, '{');
        buf_adds(out, labels);
        if (le != NULL) {
            buf_adds(out, *labels != '\0' ? ",le=\"" : "le=\"");
            buf_adds(out, le);
            buf_addc(out, '"');
        }
        buf_addc(out, '}');
    }
    buf_addc(out, ' ');
}

static void add_histogram(struct buf *out, const struct row *r)
{
    uint64_t total = 0;
    for (size_t i = 0; i < ARRAY_LEN(r->counts); i++) {
        total += r->counts[i];
        add_series(out, r->first->name, "_bucket", r->first->labels,
                   i < ARRAY_LEN(bounds) ? bounds[i].le : "+Inf");
        buf_addu(out, total);
        buf_addc(out, '\n');
    }
    add_series(out, r->first->name, "_sum", r->first->labels, NULL);
    buf_addf(out, "%lld.%09lld\n", (long long)(r->value / 1000000000),
             (long long)(r->value % 1000000000));
    add_series(out, r->first->name, "_count", r->first->labels, NULL);
    buf_addu(out, total);
    buf_addc(out, '\n');
}

static void add_row(struct buf *out, const struct row *r)
{
    if (r->first->kind == KIND_HISTOGRAM) {
        add_histogram(out, r);
        return;
    }
    add_series(out, r->first->name, "", r->first->labels, NULL);
    if (atomic_load_explicit(&r->first->in_ms, memory_order_relaxed))
        buf_addf(out, "%.3f", (double)r->value / 1e3);
    else
        buf_addi(out, r->value);
    buf_addc(out, '\n');
}

static void add_family(struct buf *out, const struct metric *s)
{
    static const char *const kinds[] = {"counter", "gauge", "histogram"};
    buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", s->name, s->help, s->name, kinds[s->kind]);
}

struct rows {
    struct row *list;
    size_t n, cap;
};

static int rows_add(struct rows *rows, const struct metric *s)
{
    if (rows->n == rows->cap) {
        size_t cap = rows->cap == 0 ? 64 : rows->cap * 2;
        struct row *list = realloc(rows->list, cap * sizeof(*list));
        if (list == NULL)
            return -1;
        rows->list = list;
        rows->cap = cap;
    }
    struct row *r = &rows->list[rows->n++];
    *r = (struct row){.first = s};
    row_add(r, s);
    return 0;
}

/* All series of the sets, also those that come up meanwhile: a counter that is left out once looks like a restart.
 * A series is never freed while its set lives. */
static int collect(struct metrics *const *sets, size_t n, struct rows *rows)
{
    int rc = 0;
    for (size_t i = 0; i < n; i++) {
        pthread_mutex_lock(&sets[i]->lock);
        for (const struct metric *s = sets[i]->list; s != NULL && rc == 0; s = s->next)
            rc = rows_add(rows, s);
        pthread_mutex_unlock(&sets[i]->lock);
    }
    return rc;
}

static void add_rows(struct buf *out, struct row *rows, size_t len)
{
    const char *family = "";
    for (size_t i = 0; i < len; i++) {
        while (i + 1 < len && row_cmp(&rows[i], &rows[i + 1]) == 0) {
            rows[i + 1].value += rows[i].value;
            for (size_t b = 0; b < ARRAY_LEN(rows[i].counts); b++)
                rows[i + 1].counts[b] += rows[i].counts[b];
            i++;
        }
        if (strcmp(family, rows[i].first->name) != 0)
            add_family(out, rows[i].first);
        family = rows[i].first->name;
        add_row(out, &rows[i]);
    }
}

void metrics_render(struct metrics *const *sets, size_t n, struct buf *out)
{
    struct rows rows = {0};
    if (collect(sets, n, &rows) == 0 && rows.n > 0) {
        qsort(rows.list, rows.n, sizeof(*rows.list), row_cmp);
        add_rows(out, rows.list, rows.n);
    }
    free(rows.list);
}

void metrics_escape(struct buf *out, const char *value)
{
    for (; *value != '\0'; value++) {
        if (*value == '\\' || *value == '"')
            buf_addc(out, '\\');
        if (*value == '\n')
            buf_adds(out, "\\n");
        else
            buf_addc(out, *value);
    }
}
