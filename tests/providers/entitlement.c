/* tvb-entitlement PROVIDER - a gateway's answers without Kafka and HTTP: the code that keeps a record's password as the worker does,
 * and the code that answers a platform's question from records as `tvbridge serve` does.
 *
 * JSON lines on stdin, one line on stdout for each:
 *   { "event": { type, subject, data }, "record": {} }   the record after the event, as it would stand in Kafka
 *   { "login", "password", "now": RFC 3339 }             the answer
 *   { "reset": true }                                    nothing is known any more: {} */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "contract/event.h"
#include "contract/json.h"
#include "contract/record.h"
#include "entitlement.h"

#define ANSWER_MAX_BYTES 65536

static const char password_key[] = "conformance-password-key-32-bytes";

struct asked {
    const char *provider;
    struct entitlement *known;
};

static int reset(struct asked *a)
{
    entitlement_free(a->known);
    a->known = entitlement_new(a->provider, password_key);
    return a->known != NULL ? 0 : -1;
}

static int print(const char *text)
{
    return puts(text) < 0 || fflush(stdout) != 0 ? -1 : 0;
}

/* The record as it stands in Kafka has these two too. */
static int put(struct asked *a, const json_t *record, const char *service)
{
    json_t *whole = json_copy((json_t *)(uintptr_t)record); /* jansson's takes no const; nothing is written */
    json_object_set_new(whole, "service", json_string(service));
    json_object_set_new(whole, "provider", json_string(a->provider));
    char *text = json_dumps(whole, JSON_COMPACT);
    int rc = text != NULL ? entitlement_put(a->known, 0, service, strlen(service), text, strlen(text)) : -1;
    free(text);
    json_decref(whole);
    return rc;
}

static int keep(struct asked *a, const json_t *event, json_t *record)
{
    struct event e = {.provider = a->provider, .service = json_text(event, "subject"), .data = json_object_get(event, "data")};
    if (event_type_of_name(json_text(event, "type"), &e.type) != 0 || !json_is_object(e.data) || !json_is_object(record) ||
        record_keep_password(record, &e, password_key) != 0 || put(a, record, e.service) != 0)
        return -1;
    char *text = json_dumps(record, JSON_COMPACT);
    int rc = text != NULL ? print(text) : -1;
    free(text);
    return rc;
}

static int answer(const struct asked *a, const json_t *line)
{
    struct entitlement_question q = {.login = json_text(line, "login"), .password = json_string_value(json_object_get(line, "password"))};
    struct buf out;
    if (clock_parse_rfc3339(json_text(line, "now"), &q.now_real_ms) != 0)
        return -1;
    buf_init(&out, ANSWER_MAX_BYTES);
    (void)entitlement_answer(a->known, &q, &out);
    int rc = buf_ok(&out) ? print(buf_cstr(&out)) : -1;
    buf_fini(&out);
    return rc;
}

static int take(struct asked *a, const json_t *line)
{
    if (json_object_get(line, "reset") != NULL)
        return reset(a) == 0 ? print("{}") : -1;
    if (json_object_get(line, "event") != NULL)
        return keep(a, json_object_get(line, "event"), json_object_get(line, "record"));
    return answer(a, line);
}

int main(int argc, char **argv)
{
    struct asked a = {.provider = argc == 2 ? argv[1] : ""};
    json_t *line;
    int rc = argc == 2 ? reset(&a) : -1;
    while (rc == 0 && (line = json_loadf(stdin, JSON_DISABLE_EOF_CHECK, NULL)) != NULL) {
        rc = take(&a, line);
        json_decref(line);
    }
    entitlement_free(a.known);
    if (rc != 0)
        fputs("usage: tvb-entitlement PROVIDER, and lines as the head of entitlement.c says\n", stderr);
    return rc == 0 ? 0 : 2;
}
