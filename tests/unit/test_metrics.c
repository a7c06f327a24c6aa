#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "base/metrics.h"

static struct buf render(struct metrics *const *sets, size_t n)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    metrics_render(sets, n, &b);
    cr_assert(buf_ok(&b));
    return b;
}

Test(metrics, series_of_several_sets_are_added_up_and_sorted)
{
    struct metrics *sets[2] = {metrics_new(), metrics_new()};
    metric_add(metrics_counter(sets[0], "tvb_b_total", "B.", "p=\"x\""), 3);
    metric_add(metrics_counter(sets[1], "tvb_b_total", "B.", "p=\"x\""), 4);
    metric_add(metrics_counter(sets[1], "tvb_b_total", "B.", "p=\"a\""), 1);
    metric_set(metrics_gauge(sets[0], "tvb_a", "A.", ""), -2);
    metric_set(metrics_gauge(sets[1], "tvb_a", "A.", ""), 5);
    metric_set_ms(metrics_gauge(sets[0], "tvb_c_seconds", "C.", ""), 1500);
    struct buf b = render(sets, 2);
    cr_expect(eq(str, (char *)buf_cstr(&b),
                 "# HELP tvb_a A.\n# TYPE tvb_a gauge\ntvb_a 3\n"
                 "# HELP tvb_b_total B.\n# TYPE tvb_b_total counter\n"
                 "tvb_b_total{p=\"a\"} 1\ntvb_b_total{p=\"x\"} 7\n"
                 "# HELP tvb_c_seconds C.\n# TYPE tvb_c_seconds gauge\ntvb_c_seconds 1.500\n"));
    buf_fini(&b);
    metrics_free(sets[0]);
    metrics_free(sets[1]);
}

Test(metrics, a_series_is_made_once)
{
    struct metrics *m = metrics_new();
    struct metric *a = metrics_counter(m, "x_total", "X.", "");
    cr_expect(metrics_counter(m, "x_total", "X.", "") == a);
    cr_expect(metrics_counter(m, "x_total", "X.", "l=\"1\"") != a);
    metric_add(a, 2);
    metric_add(a, 3);
    cr_expect(eq(u64, metric_value(a), 5));
    metrics_free(m);
}

static void expect_line(const struct buf *b, const char *line)
{
    cr_expect(strstr(b->data, line) != NULL, "no %s in\n%s", line, b->data);
}

Test(metrics, a_histogram_counts_up_to_and_with_each_bound)
{
    struct metrics *sets[2] = {metrics_new(), metrics_new()};
    struct metric *h = metrics_histogram(sets[0], "d_seconds", "D.", "s=\"q\"");
    metric_observe_ns(h, 100000);
    metric_observe_ns(h, 100001);
    metric_observe_ns(h, -7);
    metric_observe_ns(metrics_histogram(sets[1], "d_seconds", "D.", "s=\"q\""), 3600000000000);
    struct buf b = render(sets, 2);
    expect_line(&b, "# TYPE d_seconds histogram\n");
    expect_line(&b, "d_seconds_bucket{s=\"q\",le=\"0.0001\"} 2\n");
    expect_line(&b, "d_seconds_bucket{s=\"q\",le=\"0.00025\"} 3\n");
    expect_line(&b, "d_seconds_bucket{s=\"q\",le=\"60\"} 3\n");
    expect_line(&b, "d_seconds_bucket{s=\"q\",le=\"+Inf\"} 4\n");
    expect_line(&b, "d_seconds_sum{s=\"q\"} 3600.000200001\n");
    expect_line(&b, "d_seconds_count{s=\"q\"} 4\n");
    buf_fini(&b);
    metrics_free(sets[0]);
    metrics_free(sets[1]);
}

Test(metrics, a_histogram_without_labels_has_only_its_bounds)
{
    struct metrics *m = metrics_new();
    metric_observe_ns(metrics_histogram(m, "d_seconds", "D.", ""), 1);
    struct buf b = render(&m, 1);
    expect_line(&b, "d_seconds_bucket{le=\"0.0001\"} 1\n");
    expect_line(&b, "d_seconds_count 1\n");
    buf_fini(&b);
    metrics_free(m);
}

Test(metrics, label_values_are_escaped)
{
    struct buf b;
    buf_init(&b, 100);
    metrics_escape(&b, "a\\b\"c\nd");
    cr_expect(eq(str, (char *)buf_cstr(&b), "a\\\\b\\\"c\\nd"));
    buf_fini(&b);
}

Test(metrics, nothing_is_written_of_an_empty_set)
{
    struct metrics *m = metrics_new();
    struct buf b = render(&m, 1);
    cr_expect(eq(sz, b.len, 0));
    buf_fini(&b);
    metrics_free(m);
}
