#include "publish_event.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "cli.h"
#include "contract/axes.h"

#define TYPE_SIZE 128
#define STRUCTURED_TYPE "application/cloudevents+json; charset=UTF-8"

/* ---- from flags ---- */

bool event_flags_given(const struct event_flags *f)
{
    return f->service != NULL || f->type != NULL || f->id != NULL || f->source != NULL || f->sequence != NULL ||
           f->data != NULL || f->expires != NULL || f->time != NULL;
}

/* RFC 9562 section 5.4: 122 random bits. */
static int random_uuid(char ret[37], struct err *reterr)
{
    uint8_t b[16];
    char hex[33];
    if (getrandom(b, sizeof(b), 0) != (ssize_t)sizeof(b))
        return err_set(reterr, ERR_IO, "the system gives no random bytes for an id: give one with --id");
    b[6] = (uint8_t)((b[6] & 0x0F) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3F) | 0x80);
    hash_hex(b, sizeof(b), hex);
    snprintf(ret, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
    return 0;
}

static void add_attribute(struct buf *out, const char *name, const char *value)
{
    if (value == NULL)
        return;
    buf_addc(out, ',');
    buf_add_json_str(out, name);
    buf_addc(out, ':');
    buf_add_json_str(out, value);
}

/* A type without its prefix is meant with it. */
static void whole_type(const char *type, char ret[TYPE_SIZE])
{
    snprintf(ret, TYPE_SIZE, EVENT_TYPE_PREFIX "%s", event_type_short(type));
}

static bool is_list(const struct event_flags *f)
{
    enum event_type t;
    const char *name = f->dialect != NULL ? dialect_type(f->dialect, f->type) : event_type_short(f->type);
    return name != NULL && event_type_of_name(name, &t) == 0 && (t == EVENT_CATALOG_REQUESTED || t == EVENT_ACCOUNTS_REQUESTED);
}

static int check_flags(const struct event_flags *f, char ret_type[TYPE_SIZE], struct err *reterr)
{
    if (f->type == NULL)
        return err_set(reterr, ERR_INVAL, "say what happened with --type (e.g. contract.blocked), or give --file");
    if (f->provider == NULL)
        return err_set(reterr, ERR_INVAL, "say at which platform with --provider");
    whole_type(f->type, ret_type);
    if (f->service == NULL && !is_list(f))
        return err_set(reterr, ERR_INVAL, "say whose account with --service");
    return 0;
}

/* "10m" is from now on; anything else is left for the schema to judge. */
static void add_expiry(struct buf *out, const char *expires, int64_t now_ms)
{
    char when[CLOCK_RFC3339_SIZE];
    int64_t ms = 0;
    if (expires != NULL && cli_parse_duration(expires, &ms) == 0) {
        clock_format_rfc3339(now_ms + ms, when);
        expires = when;
    }
    add_attribute(out, "expirytime", expires);
}

/* --data JSON, or --data @FILE. */
static int add_data(struct buf *out, const char *data, struct err *reterr)
{
    struct fault fault;
    size_t len = 0;
    char *file = NULL;
    if (data == NULL)
        return 0;
    if (data[0] == '@' && (file = file_read(data + 1, JSON_EVENT_MAX_BYTES, &len, reterr)) == NULL) {
        reterr->code = ERR_INVAL; /* not the network's fault: trying again does not help */
        return err_prefix(reterr, "--data");
    }
    json_t *v = json_parse_strict(file != NULL ? file : data, file != NULL ? len : strlen(data), &fault);
    free(file);
    if (v == NULL)
        return err_set(reterr, ERR_INVAL, "--data is not JSON: %s%s%s", fault.pointer, fault.pointer[0] ? ": " : "",
                       fault.reason);
    buf_adds(out, ",\"data\":");
    json_add_compact(out, v);
    json_decref(v);
    return 0;
}

int event_flags_write(const struct event_flags *f, int64_t now_ms, struct buf *out, struct err *reterr)
{
    char uuid[37] = "", subject[300], now[CLOCK_RFC3339_SIZE], type[TYPE_SIZE];
    if (check_flags(f, type, reterr) < 0 || (f->id == NULL && random_uuid(uuid, reterr) < 0))
        return -1;
    snprintf(subject, sizeof(subject), "provider:%s", f->provider);
    clock_format_rfc3339(now_ms, now);
    buf_adds(out, "{\"specversion\":\"1.0\"");
    add_attribute(out, "id", f->id != NULL ? f->id : uuid);
    add_attribute(out, "source", f->source != NULL ? f->source : "/tvbridge/publish");
    add_attribute(out, "type", type);
    add_attribute(out, "time", f->time != NULL ? f->time : now);
    add_attribute(out, "subject", f->service != NULL ? f->service : subject);
    add_attribute(out, "provider", f->provider);
    add_attribute(out, "sequence", f->sequence);
    add_expiry(out, f->expires, now_ms);
    add_attribute(out, "datacontenttype", f->data != NULL ? "application/json" : NULL);
    if (add_data(out, f->data, reterr) < 0)
        return -1;
    buf_addc(out, '}');
    return buf_ok(out) ? 0 : err_set(reterr, ERR_INVAL, "the event is larger than 1 MiB");
}

/* ---- ready to send ---- */

static void add_header(struct publish_event *e, const char *name, const char *value, size_t len)
{
    e->headers[e->message.header_count++] = (struct event_header){.name = name, .value = value, .len = len};
}

/* Kafka binding section 3.2: each attribute a header ce_<name>, the data as the value, its type as content-type. */
static int to_binary(struct publish_event *e, struct fault *ret_fault)
{
    const char *name = NULL;
    json_t *value = NULL;
    const char *content_type = json_string_value(json_object_get(e->root, "datacontenttype"));
    json_t *data = json_object_get(e->root, "data");
    json_object_foreach(e->root, name, value) {
        size_t i = e->message.header_count;
        if (!json_is_string(value) || strcmp(name, "datacontenttype") == 0 || strcmp(name, "data") == 0)
            continue;
        if (i + 1 >= PUBLISH_HEADERS_MAX || strlen(name) > 60)
            return fault_set(ret_fault, "", "too many attributes, or too long a name, for binary mode");
        snprintf(e->names[i], sizeof(e->names[i]), "ce_%s", name);
        add_header(e, e->names[i], json_string_value(value), json_string_length(value));
    }
    if (content_type == NULL)
        content_type = "application/json";
    add_header(e, "content-type", content_type, strlen(content_type));
    if (data != NULL)
        json_add_compact(&e->text, data);
    e->message.value = buf_cstr(&e->text);
    e->message.value_len = e->text.len;
    return buf_ok(&e->text) ? 0 : fault_set(ret_fault, "", "out of memory");
}

static void address(struct publish_event *e, const struct publish_rules *rules)
{
    const char *key = rules->key != NULL ? rules->key : json_string_value(json_object_get(e->root, "subject"));
    e->message.provider =
        rules->provider != NULL ? rules->provider : json_string_value(json_object_get(e->root, "provider"));
    e->message.key = key;
    e->message.key_len = key != NULL ? strlen(key) : 0;
    e->message.partition = rules->partition;
}

/* The key of an event is its subject: one that says its partitionkey is decoded with it. */
static int decode(const struct event_schemas *schemas, struct event_message *m, struct event *ret,
                  struct fault *ret_fault)
{
    struct fault ignored;
    if (event_decode(schemas, m, ret, ret_fault) == 0)
        return 0;
    if (strcmp(ret_fault->pointer, "/partitionkey") != 0)
        return -1;
    json_t *root = json_parse_strict(m->value, m->value_len, &ignored);
    m->key = json_string_value(json_object_get(root, "subject"));
    m->key_len = m->key != NULL ? strlen(m->key) : 0;
    int done = event_decode(schemas, m, ret, ret_fault);
    m->key = NULL;
    json_decref(root);
    return done;
}

static int take_valid(struct publish_event *e, const struct publish_rules *rules, struct fault *ret_fault)
{
    const struct event_header type = {"content-type", STRUCTURED_TYPE, sizeof(STRUCTURED_TYPE) - 1};
    struct event_message m = {
        .value = e->message.value, .value_len = e->message.value_len, .headers = &type, .header_count = 1};
    struct event event;
    if (decode(rules->schemas, &m, &event, ret_fault) < 0)
        return -1;
    e->root = json_incref(event.root);
    event_fini(&event);
    return 0;
}

/* Without validation: what is no JSON can still be sent when the flags say where to. */
static int take_any(struct publish_event *e, const struct publish_rules *rules, struct fault *ret_fault)
{
    e->root = json_parse_strict(e->message.value, e->message.value_len, ret_fault);
    if (e->root == NULL && ret_fault->nomem)
        return -1;
    if (e->root == NULL && (rules->provider == NULL || rules->key == NULL || rules->binary))
        return fault_set(ret_fault, "", "not JSON: only --provider and --key together can say where it goes");
    return 0;
}

/* Billing's words into ours. */
static int speak(struct publish_event *e, const struct publish_rules *rules, struct fault *ret_fault)
{
    if (rules->dialect == NULL && rules->catalogue == NULL)
        return 0;
    json_t *event = json_parse_strict(e->message.value, e->message.value_len, ret_fault);
    int rc = event == NULL ? -1 : 0;
    if (rc == 0 && rules->dialect != NULL)
        rc = dialect_apply(rules->dialect, event, ret_fault);
    if (rc == 0 && rules->catalogue != NULL)
        rc = catalogue_apply(rules->catalogue, event, ret_fault);
    if (rc == 0)
        json_add_compact(&e->spoken, event);
    json_decref(event);
    if (rc == 0 && !buf_ok(&e->spoken))
        rc = e->spoken.no_memory ? fault_nomem(ret_fault) : fault_set(ret_fault, "", "larger than 1 MiB with what dialect and catalogue add");
    e->message.value = buf_cstr(&e->spoken);
    e->message.value_len = e->spoken.len;
    return rc;
}

int publish_event_init(struct publish_event *ret, const struct publish_rules *rules, const char *text, size_t len,
                       struct fault *ret_fault)
{
    ret->message = (struct sender_message){.value = text, .value_len = len, .headers = ret->headers};
    ret->root = NULL;
    buf_init(&ret->text, 8 * (size_t)JSON_EVENT_MAX_BYTES);
    buf_init(&ret->spoken, JSON_EVENT_MAX_BYTES + 1);
    int ok = speak(ret, rules, ret_fault);
    if (ok == 0)
        ok = rules->schemas != NULL ? take_valid(ret, rules, ret_fault) : take_any(ret, rules, ret_fault);
    if (ok < 0) {
        publish_event_fini(ret);
        return -1;
    }
    address(ret, rules);
    if (ret->message.provider == NULL || ret->message.key == NULL) {
        publish_event_fini(ret);
        return fault_set(ret_fault, ret->message.provider == NULL ? "/provider" : "/subject", "is missing");
    }
    if (!rules->binary) {
        add_header(ret, "content-type", STRUCTURED_TYPE, sizeof(STRUCTURED_TYPE) - 1);
        return 0;
    }
    if (to_binary(ret, ret_fault) == 0)
        return 0;
    publish_event_fini(ret);
    return -1;
}

void publish_event_fini(struct publish_event *e)
{
    json_decref(e->root);
    e->root = NULL;
    buf_fini(&e->text);
    buf_fini(&e->spoken);
}
