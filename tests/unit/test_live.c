/* Workflows run against a platform: the limits, the login that all share, what is waited for, what is resolved. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <jansson.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "io/http.h"
#include "live.h"
#include "support/http_peer.h"

#define TOKEN_PACK TVB_ROOT "/tests/integration/packs/token"
#define STALKER_PACK TVB_ROOT "/schemas/providers/stalker"

/* ---- a platform ---- */

/* Threads of the peer share them; one test is one process. */
static atomic_uint logins, present, most, tries, cuts;

static bool begins(const struct peer_request *r, const char *text)
{
    return strncmp(r->text, text, strlen(text)) == 0;
}

static bool say(int fd, const char *status, const char *headers, const char *body)
{
    char text[600];
    snprintf(text, sizeof(text), "HTTP/1.1 %s\r\n%sContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", status,
             headers, strlen(body), body);
    peer_say(fd, text);
    return true;
}

static bool log_in(int fd)
{
    char body[100];
    snprintf(body, sizeof(body), "{\"token\":\"token-%u\",\"life_s\":3600}", atomic_fetch_add(&logins, 1) + 1);
    return say(fd, "200 OK", "", body);
}

static bool is_good(struct http_peer *p, int fd, const struct peer_request *r)
{
    (void)p;
    if (begins(r, "POST /login"))
        return log_in(fd);
    unsigned now = atomic_fetch_add(&present, 1) + 1;
    if (now > atomic_load(&most))
        atomic_store(&most, now);
    usleep(5000);
    atomic_fetch_sub(&present, 1);
    return say(fd, "200 OK", "", "{\"ok\":true}");
}

/* The first token counts as old as soon as it is used. */
static bool forgets_the_first_token(struct http_peer *p, int fd, const struct peer_request *r)
{
    if (begins(r, "POST /login") || strstr(r->text, "Bearer token-1") == NULL)
        return is_good(p, fd, r);
    return say(fd, "401 Unauthorized", "", "{}");
}

static bool refuses_the_login(struct http_peer *p, int fd, const struct peer_request *r)
{
    (void)p, (void)r;
    return say(fd, "403 Forbidden", "", "{}");
}

static bool asks_to_wait_once(struct http_peer *p, int fd, const struct peer_request *r)
{
    if (begins(r, "POST /login") || atomic_fetch_add(&tries, 1) > 0)
        return is_good(p, fd, r);
    return say(fd, "429 Too Many Requests", "Retry-After: 1\r\n", "{}");
}

/* A portal that makes the account and hangs up. */
static bool hangs_up_on_creation(struct http_peer *p, int fd, const struct peer_request *r)
{
    (void)p;
    if (begins(r, "GET /accounts/7"))
        return say(fd, "200 OK", "", "{\"status\":\"ERROR\",\"results\":null,\"error\":\"Account not found\"}");
    if (begins(r, "POST /accounts")) {
        atomic_fetch_add(&cuts, 1);
        return false;
    }
    return say(fd, "200 OK", "", "{\"status\":\"OK\",\"results\":{\"login\":\"7\",\"account_number\":\"7\",\"status\":1}}");
}

/* ---- us ---- */

struct us {
    struct http_peer *peer;
    struct settings_provider place;
    char url[64];
    json_t *credentials, *event;
    struct live *live;
    unsigned ends, good;
};

static void set_up(struct us *u, const char *pack, peer_answer_fn *fn)
{
    struct err err = {0};
    *u = (struct us){.peer = http_peer_start(fn)};
    cr_assert(zero(int, http_global_init(&err)));
    settings_provider_defaults(&u->place);
    snprintf(u->url, sizeof(u->url), "http://127.0.0.1:%d", http_peer_port(u->peer));
    u->credentials = json_pack("{s:{s:s}, s:{s:s, s:s}}", "session", "key", "k", "portal", "username", "u", "password", "p");
    u->event = json_pack("{s:s}", "subject", "7");
    u->place.pack_dir = pack;
    u->place.base_url = u->url;
    u->place.credentials = u->credentials;
    u->place.retry.base_ms = 1;
}

static void open_live(struct us *u)
{
    struct err err = {0};
    u->live = live_open(&u->place, &err);
    cr_assert(ne(ptr, u->live, NULL), "%s", err.msg);
}

static void tear_down(struct us *u)
{
    live_close(u->live);
    http_peer_stop(u->peer);
    json_decref(u->credentials);
    json_decref(u->event);
    http_global_cleanup();
}

static void on_end(void *arg, struct live_end *end)
{
    struct us *u = arg;
    u->ends++;
    u->good += end->state == LIVE_ENDED && end->kind == OUTCOME_APPLIED;
}

static void start(struct us *u, unsigned n)
{
    const struct live_inputs in = {.type = "contract.blocked", .event = u->event};
    struct err err = {0};
    for (unsigned i = 0; i < n; i++)
        cr_assert(zero(int, live_start(u->live, &in, on_end, u, &err)), "%s", err.msg);
}

static struct live_end play(struct us *u, const char *type)
{
    json_t *data = json_object();
    const struct live_inputs in = {.type = type, .event = u->event, .data = data, .report = true};
    struct live_end end = {0};
    struct err err = {0};
    cr_assert(zero(int, live_play(u->live, &in, &end, &err)), "%s", err.msg);
    json_decref(data);
    return end;
}

/* ---- tests ---- */

Test(live, many_share_one_login_and_keep_to_the_calls_at_once)
{
    struct us u;
    set_up(&u, TOKEN_PACK, is_good);
    u.place.limits.in_flight = 3;
    open_live(&u);
    start(&u, 12);
    cr_expect(eq(uint, live_at_work(u.live), 12));
    live_wait(u.live);
    cr_expect(eq(uint, u.ends, 12));
    cr_expect(eq(uint, u.good, 12));
    cr_expect(eq(uint, atomic_load(&logins), 1));
    cr_expect(le(uint, atomic_load(&most), 3));
    cr_expect(lt(uint, 1, atomic_load(&most)));
    tear_down(&u);
}

Test(live, a_token_that_is_refused_is_fetched_anew_once_for_all)
{
    struct us u;
    set_up(&u, TOKEN_PACK, forgets_the_first_token);
    open_live(&u);
    start(&u, 5);
    live_wait(u.live);
    cr_expect(eq(uint, u.good, 5));
    cr_expect(eq(uint, atomic_load(&logins), 2));
    tear_down(&u);
}

Test(live, a_refused_login_ends_all_that_need_it)
{
    struct us u;
    set_up(&u, TOKEN_PACK, refuses_the_login);
    open_live(&u);
    struct live_end end = play(&u, "contract.blocked");
    cr_expect(eq(int, end.state, LIVE_NOT_LET_IN));
    cr_expect(eq(str, end.reason, "http_403"));
    live_end_fini(&end);
    start(&u, 3);
    live_wait(u.live);
    cr_expect(eq(uint, u.ends, 3));
    cr_expect(eq(uint, u.good, 0));
    tear_down(&u);
}

Test(live, the_rate_of_the_settings_is_kept)
{
    struct us u;
    set_up(&u, TOKEN_PACK, is_good);
    u.place.limits.rate_per_s = 50;
    u.place.limits.burst = 1;
    open_live(&u);
    int64_t began = clock_mono_ns();
    start(&u, 6); /* and the login: 6 of 7 calls wait 20 ms each */
    live_wait(u.live);
    cr_expect(ge(i64, clock_mono_ns() - began, 115 * 1000000));
    cr_expect(eq(uint, u.good, 6));
    tear_down(&u);
}

Test(live, retry_after_is_waited_for_by_all)
{
    struct us u;
    set_up(&u, TOKEN_PACK, asks_to_wait_once);
    u.place.limits.in_flight = 1;
    open_live(&u);
    int64_t began = clock_mono_ns();
    start(&u, 2);
    live_wait(u.live);
    cr_expect(ge(i64, clock_mono_ns() - began, 1000 * 1000000LL));
    cr_expect(eq(uint, u.good, 2));
    cr_expect(eq(uint, atomic_load(&tries), 3));
    tear_down(&u);
}

Test(live, nothing_is_waited_for_where_a_test_says_so)
{
    struct us u;
    set_up(&u, TOKEN_PACK, asks_to_wait_once);
    u.place.limits.rate_per_s = 0.001;
    u.place.limits.burst = 1;
    open_live(&u);
    live_never_wait(u.live);
    start(&u, 3); /* with the rate it would take an hour */
    live_wait(u.live);
    cr_expect(eq(uint, u.good, 3));
    tear_down(&u);
}

Test(live, what_may_have_been_done_is_asked_for_after_the_quarantine)
{
    struct us u;
    set_up(&u, STALKER_PACK, hangs_up_on_creation);
    u.place.numbers.quarantine_ms = 200;
    open_live(&u);
    int64_t began = clock_mono_ns();
    struct live_end end = play(&u, "service.created");
    cr_expect(ge(i64, clock_mono_ns() - began, 200 * 1000000));
    cr_expect(eq(int, end.state, LIVE_ENDED), "%s", end.reason);
    cr_expect(eq(int, end.kind, OUTCOME_APPLIED));
    cr_expect(eq(uint, atomic_load(&cuts), 1));
    cr_expect(eq(str, (char *)(uintptr_t)json_string_value(json_object_get(end.report, "resolved")), "read_back"));
    cr_expect(eq(str, (char *)(uintptr_t)json_string_value(json_object_get(end.record, "status")), "active"));
    live_end_fini(&end);
    tear_down(&u);
}

Test(live, nobody_there_gives_up_after_the_tries_of_the_settings)
{
    struct us u;
    set_up(&u, TOKEN_PACK, is_good);
    snprintf(u.url, sizeof(u.url), "http://127.0.0.1:%d", peer_refused_port());
    u.place.retry.attempts = 3;
    open_live(&u);
    struct live_end end = play(&u, "contract.blocked");
    cr_expect(eq(int, end.state, LIVE_GAVE_UP));
    cr_expect(eq(str, end.reason, "not_sent"));
    cr_expect(zero(int, end.status));
    live_end_fini(&end);
    tear_down(&u);
}

Test(live, a_workflow_that_there_is_not_is_refused)
{
    struct us u;
    set_up(&u, TOKEN_PACK, is_good);
    open_live(&u);
    const struct live_inputs in = {.type = "plan.changed"};
    struct live_end end = {0};
    struct err err = {0};
    cr_expect(eq(int, live_play(u.live, &in, &end, &err), -1));
    cr_expect(ne(ptr, strstr(err.msg, "plan.changed"), NULL));
    tear_down(&u);
}

static void stop_after_one(void *arg, struct live_end *end)
{
    struct us *u = arg;
    on_end(u, end);
    live_stop(u->live);
}

Test(live, what_is_at_work_may_be_left)
{
    struct us u;
    set_up(&u, TOKEN_PACK, is_good);
    u.place.limits.in_flight = 1;
    open_live(&u);
    const struct live_inputs in = {.type = "contract.blocked", .event = u.event};
    struct err err = {0};
    for (int i = 0; i < 20; i++)
        cr_assert(zero(int, live_start(u.live, &in, stop_after_one, &u, &err)));
    live_wait(u.live);
    cr_expect(lt(uint, u.ends, 20));
    cr_expect(lt(uint, 0, live_at_work(u.live)));
    tear_down(&u);
}
