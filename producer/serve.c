/* serve.c - `tvbridge serve`: the gateway's life. */
#include "serve.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/clock.h"
#include "cli.h"
#include "commands.h"

#define IDLE_MS 1000 /* after a stop was asked for: callers with an open connection get so long to learn of it */
#define LOOK_MS 20

struct serve_cli {
    const char *settings;
};

static const struct cli_option options[] = {
    {"settings", 'S', CLI_TEXT, "FILE", offsetof(struct serve_cli, settings),
     "the settings, with a `serve:` section (default: $TVBRIDGE_SETTINGS when set)"},
};

static const struct cli_command command = {
    .name = "serve",
    .operands = "",
    .about = "Takes events over HTTP for billings without a Kafka client, and answers platforms that ask whether a\n"
             "subscriber may watch. POST /v1/events takes CloudEvents (structured, binary, batches) and answers 202\n"
             "when Kafka has acknowledged all of them; /v1/entitlement answers from the records. Further: /healthz,\n"
             "/readyz, /metrics. Callers show a key: `tvbridge serve key` makes one. TERM ends it when what is under\n"
             "way is answered; a second one ends it at once.",
    .examples = "  tvbridge serve --settings /etc/tvbridge/serve.yaml\n"
                "  curl -H \"Authorization: Bearer $KEY\" -H 'Content-Type: application/cloudevents+json' \\\n"
                "      -d @event.json http://127.0.0.1:9465/v1/events\n",
};

struct program {
    struct gateway gateway;
    const char *path;
    struct loop_signal *signals[2];
    struct loop_timer *look;
    int64_t drain_began_ms;
    bool overdue; /* requests were cut */
};

static void say(struct gateway *g, enum log_level level, const char *event, const char *key, const char *value)
{
    if (log_begin(g->log, level, event)) {
        log_str(g->log, key, value);
        log_end(g->log);
    }
    log_flush(g->log);
}

/* ---- stopping ---- */

/* All that came is answered; who had a connection open without a request had time to learn that it ends. */
static void on_look(void *arg)
{
    struct program *p = arg;
    struct gateway *g = &p->gateway;
    int64_t for_ms = clock_boot_ms() - p->drain_began_ms;
    bool quiet = serve_http_lively(g->http) == 0 && (for_ms >= IDLE_MS || serve_http_connections(g->http) == 0);
    p->overdue = !quiet && for_ms >= g->settings->serve.drain_ms;
    if (quiet || p->overdue)
        loop_stop(g->loop);
    else
        loop_timer_start(p->look, LOOK_MS);
}

static void on_stop_signal(void *arg, int signum)
{
    struct program *p = arg;
    struct gateway *g = &p->gateway;
    const char *name = signum == SIGTERM ? "TERM" : "INT";
    if (g->draining) {
        say(g, LOG_LEVEL_WARN, "stopped_at_once", "signal", name);
        _exit(1);
    }
    say(g, LOG_LEVEL_INFO, "draining", "signal", name);
    g->draining = true;
    p->drain_began_ms = clock_boot_ms();
    serve_http_drain(g->http);
    loop_timer_start(p->look, LOOK_MS);
}

/* ---- Kafka's complaints; from the loop ---- */

static void on_kafka_error(void *arg, const char *why)
{
    struct gateway *g = arg;
    if (!log_begin(g->log, LOG_LEVEL_WARN, "kafka_error"))
        return;
    log_str(g->log, "error", why);
    log_end(g->log);
}

/* What gathered in this turn is written. */
static void on_turn_end(void *arg)
{
    log_flush(((struct gateway *)arg)->log);
}

/* ---- starting ---- */

static int load(struct program *p, struct err *reterr)
{
    struct gateway *g = &p->gateway;
    g->settings = settings_load(p->path, reterr);
    if (g->settings == NULL)
        return -1;
    if (g->settings->serve.host == NULL)
        return err_set(reterr, ERR_INVAL, "%s has no `serve:` section: it says who may call. `tvbridge serve key` makes a key",
                       p->path);
    g->schemas = event_schemas_load(g->settings->schemas, reterr);
    g->words = g->schemas != NULL ? serve_words_new(g->settings, reterr) : NULL;
    if (g->words == NULL)
        return -1;
    g->sink = log_sink_new(STDOUT_FILENO);
    g->log = g->sink != NULL ? log_new(g->sink, g->settings->log_format, g->settings->log_level) : NULL;
    g->stats = serve_stats_new(g->settings);
    return g->log != NULL && g->stats != NULL ? 0 : err_nomem(reterr);
}

static int start_loop(struct program *p, struct err *reterr)
{
    struct gateway *g = &p->gateway;
    static const int signums[] = {SIGTERM, SIGINT};
    g->loop = loop_new(reterr);
    if (g->loop == NULL)
        return -1;
    for (size_t i = 0; i < ARRAY_LEN(signums); i++)
        if ((p->signals[i] = loop_signal_new(g->loop, signums[i], on_stop_signal, p, reterr)) == NULL)
            return -1;
    p->look = loop_timer_new(g->loop, on_look, p, reterr);
    return p->look != NULL ? 0 : -1;
}

static int start_kafka(struct gateway *g, struct err *reterr)
{
    g->producer = producer_new(g->loop, g->settings, g->settings->serve.ack_timeout_ms, on_kafka_error, g, reterr);
    if (g->producer == NULL)
        return -1;
    g->reader = reader_new(g->loop, g->settings, on_kafka_error, g, reterr);
    g->topics = g->reader != NULL ? serve_topics_new(g, reterr) : NULL;
    return g->topics != NULL ? 0 : -1;
}

static int start_http(struct gateway *g, struct err *reterr)
{
    const struct settings_serve *s = &g->settings->serve;
    g->keys = serve_keys_new(s, loop_now_ms(g->loop));
    if (g->keys == NULL)
        return err_nomem(reterr);
    g->events = serve_events_new(g, reterr);
    g->asks = g->events != NULL ? serve_asks_new(g, reterr) : NULL;
    if (g->asks == NULL)
        return -1;
    const struct serve_http_options o = {.loop = g->loop,
                                         .host = s->host,
                                         .port = s->port,
                                         .connections = s->connections,
                                         .buffered_bytes = s->buffered_bytes,
                                         .handlers = serve_route_handlers(g)};
    g->http = serve_http_new(&o, reterr);
    if (g->http == NULL || loop_hook_new(g->loop, on_turn_end, g, reterr) == NULL)
        return -1;
    return 0;
}

static bool is_loopback(const char *host)
{
    return strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0;
}

static void say_started(struct gateway *g)
{
    char url[128];
    const char *host = g->settings->serve.host;
    snprintf(url, sizeof(url), strchr(host, ':') != NULL ? "http://[%s]:%d" : "http://%s:%d", host, serve_http_port(g->http));
    if (!is_loopback(host))
        say(g, LOG_LEVEL_WARN, "not_loopback", "note", "keys and passwords come in the clear: a proxy that speaks TLS belongs before it");
    say(g, LOG_LEVEL_INFO, "serve_listening", "url", url);
}

/* ---- the whole of it ---- */

/* Threads of others may still read the settings until the loop is gone. */
static void finish(struct program *p)
{
    struct gateway *g = &p->gateway;
    serve_http_free(g->http);
    serve_asks_free(g->asks);
    reader_free(g->reader);
    producer_free(g->producer, 0);
    serve_events_free(g->events);
    serve_topics_free(g->topics);
    loop_timer_free(p->look);
    for (size_t i = 0; i < ARRAY_LEN(p->signals); i++)
        loop_signal_free(p->signals[i]);
    loop_free(g->loop);
    serve_keys_free(g->keys);
    serve_stats_free(g->stats);
    log_free(g->log);
    log_sink_free(g->sink);
    event_schemas_free(g->schemas);
    serve_words_free(g->words);
    settings_free(g->settings);
}

static enum cli_status run(struct program *p)
{
    struct err error = {0};
    enum cli_status status = CLI_OK;
    struct gateway *g = &p->gateway;
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN); /* nothing is read again: a restart cuts nobody */
    if (load(p, &error) == 0 && start_loop(p, &error) == 0 && start_kafka(g, &error) == 0 && start_http(g, &error) == 0) {
        say_started(g);
        loop_run(g->loop);
        say(g, p->overdue ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO, p->overdue ? "requests_cut" : "ended", "settings", p->path);
        status = p->overdue ? CLI_REFUSED : CLI_OK;
    } else {
        status = cli_fail(&command, CLI_REFUSED, "%s", error.msg);
    }
    finish(p);
    return status;
}

int cmd_serve(int argc, char **argv)
{
    struct serve_cli cli = {.settings = getenv("TVBRIDGE_SETTINGS")};
    const struct cli_group groups[] = {{"Options", options, ARRAY_LEN(options), &cli}};
    int operand = 0;
    enum cli_status status = cli_parse(&command, groups, ARRAY_LEN(groups), argc, argv, &operand);
    if (status != CLI_RUN)
        return status;
    if (cli.settings == NULL)
        return cli_usage(&command, "say how with --settings FILE");
    struct program *p = calloc(1, sizeof(*p));
    if (p == NULL)
        return cli_fail(&command, CLI_REFUSED, "out of memory");
    p->path = cli.settings;
    status = run(p);
    free(p);
    return status;
}
