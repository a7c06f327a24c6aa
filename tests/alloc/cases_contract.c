/* cases_contract.c - JSON, YAML, schemas, events, settings, outcomes, records. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "cases.h"
#include "contract/act.h"
#include "contract/diff.h"
#include "contract/event.h"
#include "contract/json_read.h"
#include "contract/outcome.h"
#include "contract/outcome_read.h"
#include "contract/partition_record.h"
#include "contract/record.h"
#include "contract/schema.h"
#include "contract/settings.h"
#include "contract/snapshot.h"
#include "contract/wanted.h"
#include "contract/yaml.h"

#define EVENT                                                                                                            \
    "{\"specversion\":\"1.0\",\"id\":\"e\\u0031\",\"source\":\"/billing\",\"type\":\"tvbridge.service.created\","          \
    "\"subject\":\"70001\",\"provider\":\"stalker\",\"sequence\":\"7\",\"expirytime\":\"2036-01-01T00:00:00Z\","           \
    "\"dataschema\":null,\"data\":{\"login\":\"ann\",\"password\":\"pw\",\"plan\":\"3\",\"packages\":[{\"id\":\"P1\"},"    \
    "{\"id\":\"P2\",\"valid_to\":\"2036-12-31\"}],\"devices\":[{\"mac\":\"001a.792c.d1c1\",\"serial\":\"S1\"}]}}"
#define DATA "{\"login\":\"ann\",\"password\":\"pw\",\"plan\":\"3\"}"

static const struct event_schemas *schemas(void)
{
    static struct event_schemas *s;
    struct err e = {0};
    if (s == NULL)
        s = event_schemas_load(TVB_ROOT "/schemas", &e); /* in the first run, where nothing fails */
    must(s != NULL, "%s", e.msg);
    return s;
}

/* --- JSON --- */

static enum torture_end read_json(void)
{
    static const char text[] = "{\"a\\u0062\":[1,-2.5e3,\"\\ud83d\\ude00\",{\"\":null}],\"z\":true,\"y\":{\"m\":\"caf\xc3\xa9\"}}";
    static const char want[] = "{\"ab\":[1,-2500.0,\"\xf0\x9f\x98\x80\",{\"\":null}],\"y\":{\"m\":\"caf\xc3\xa9\"},\"z\":true}";
    struct fault f = {.reason = ""};
    json_t *v = json_parse_strict(text, sizeof(text) - 1, &f);
    if (v == NULL)
        return no_memory_fault(&f);
    struct buf out;
    buf_init(&out, 4096);
    json_add_canonical(&out, v);
    bool ok = buf_ok(&out);
    must(!ok || strcmp(buf_cstr(&out), want) == 0, "%s", buf_cstr(&out));
    buf_fini(&out);
    json_decref(v);
    return ok ? DONE : NO_MEMORY;
}

static enum torture_end refuse_json(void)
{
    static const char text[] = "{\"a\":[1,{\"b\":2,\"b\":3}]}";
    struct fault f = {.reason = ""};
    must(json_parse_strict(text, sizeof(text) - 1, &f) == NULL, "taken");
    if (f.nomem || strstr(f.reason, "memory") != NULL)
        return NO_MEMORY;
    must(strstr(f.reason, "twice") != NULL, "%s %s", f.pointer, f.reason);
    return DONE;
}

static enum torture_end read_yaml(void)
{
    static const char text[] = "a: [1, two, 'three', 4.5, ~]\nb:\n  c: {d: true}\n  e: |\n    text\n";
    struct err e = {0};
    struct yaml_doc *d = yaml_load_text("input", text, sizeof(text) - 1, &e);
    if (d == NULL)
        return no_memory(&e);
    const json_t *b = json_object_get(yaml_root(d), "b");
    const char *line = json_string_value(json_object_get(b, "e"));
    must(json_array_size(json_object_get(yaml_root(d), "a")) == 5 && json_object_size(b) == 2, "another document");
    must(line != NULL && strcmp(line, "text\n") == 0, "another text");
    must(yaml_line(d, "/b/c/d") >= 1 && yaml_line(d, "/b/c/d") <= 3, "line %d", yaml_line(d, "/b/c/d"));
    yaml_doc_free(d);
    return DONE;
}

/* --- schemas --- */

static enum torture_end check_schema(const char *path, const char *good, const char *bad)
{
    struct err e = {0};
    struct schema *s = schema_load(path, &e);
    if (s == NULL)
        return refused(&e);
    struct fault f = {.reason = ""};
    json_t *v = json_loads(good, 0, NULL), *w = json_loads(bad, 0, NULL);
    enum torture_end end = v == NULL || w == NULL ? NO_MEMORY : DONE;
    if (end == DONE && !schema_check(s, v, &f))
        end = no_memory_fault(&f);
    must(w == NULL || !schema_check(s, w, &f), "what is wrong was taken");
    json_decref(v);
    json_decref(w);
    schema_free(s);
    return end;
}

static enum torture_end schema_of_data(void)
{
    return check_schema(TVB_ROOT "/schemas/events/contract.blocked.schema.json", "{\"reason\":\"delinquency\"}",
                        "{\"reason\":\"none\"}");
}

static enum torture_end schema_of_records(void)
{
    return check_schema(TVB_ROOT "/schemas/record.schema.json",
                        "{\"service\":\"1\",\"provider\":\"p\",\"status\":\"active\",\"axes\":{}}", "{\"service\":1}");
}

static enum torture_end all_schemas(void)
{
    struct err e = {0};
    struct event_schemas *s = event_schemas_load(TVB_ROOT "/schemas", &e);
    if (s == NULL)
        return refused(&e);
    event_schemas_free(s);
    return DONE;
}

/* --- events --- */

/* The first fingerprint, made in peace, is the right one. */
static void look_at(const struct event *e, bool structured)
{
    static uint8_t seen[2][HASH_SHA256_SIZE];
    must(strcmp(e->id, "e1") == 0 && strcmp(e->service, "70001") == 0 && strcmp(e->provider, "stalker") == 0, "another event");
    must(e->type == EVENT_SERVICE_CREATED && json_is_object(e->data) && e->axes.n > 0, "half an event");
    uint8_t *known = seen[structured], none[HASH_SHA256_SIZE] = {0};
    if (memcmp(known, none, sizeof(none)) == 0)
        memcpy(known, e->fingerprint, sizeof(none));
    must(memcmp(known, e->fingerprint, sizeof(none)) == 0, "another fingerprint");
}

static enum torture_end decode(const struct event_message *m, bool structured)
{
    struct event e;
    struct fault f = {.reason = ""};
    const struct event_schemas *s = schemas();
    if (event_decode(s, m, &e, &f) != 0)
        return no_memory_fault(&f);
    look_at(&e, structured);
    event_fini(&e);
    return DONE;
}

static enum torture_end decode_structured(void)
{
    const struct event_message m = {.key = "70001", .key_len = 5, .value = EVENT, .value_len = sizeof(EVENT) - 1};
    return decode(&m, true);
}

static struct event_header header(const char *name, const char *value)
{
    return (struct event_header){.name = name, .value = value, .len = strlen(value)};
}

static enum torture_end decode_binary(void)
{
    const struct event_header headers[] = {
        header("content-type", "application/json"), header("ce_specversion", "1.0"), header("ce_id", "e1"),
        header("ce_source", "/billing"), header("ce_type", "tvbridge.service.created"), header("ce_subject", "70001"),
        header("ce_provider", "stalker"), header("ce_sequence", "7"),
    };
    const struct event_message m = {.key = "70001", .key_len = 5, .value = DATA, .value_len = sizeof(DATA) - 1,
                                    .headers = headers, .header_count = ARRAY_LEN(headers)};
    return decode(&m, false);
}

/* An event that is wrong is refused for what is wrong, or for want of memory; it is never taken. */
static enum torture_end decode_wrong(void)
{
    static const char text[] = "{\"specversion\":\"1.0\",\"id\":\"e1\",\"source\":\"/b\",\"type\":\"tvbridge.contract.blocked\","
                               "\"subject\":\"70001\",\"provider\":\"stalker\",\"data\":{\"reason\":\"none such\"}}";
    const struct event_message m = {.key = "70001", .key_len = 5, .value = text, .value_len = sizeof(text) - 1};
    struct event e;
    struct fault f = {.reason = ""};
    const struct event_schemas *s = schemas();
    must(event_decode(s, &m, &e, &f) != 0, "taken");
    if (f.nomem)
        return NO_MEMORY;
    must(strncmp(f.pointer, "/data", 5) == 0, "refused at \"%s\": %s", f.pointer, f.reason);
    return strcmp(f.pointer, "/data/reason") == 0 ? DONE : NO_MEMORY; /* wrong it is in any case */
}

/* --- settings --- */

static enum torture_end load_settings(void)
{
    struct err e = {0};
    struct settings *s = settings_load(TVB_ROOT "/deploy/settings.example.yaml", &e);
    if (s == NULL)
        return refused(&e);
    must(s->brokers != NULL && s->provider_count == 1 && strcmp(s->providers[0].name, "stalker") == 0, "other settings");
    must(s->providers[0].pack_dir != NULL && s->providers[0].base_url != NULL, "half a provider");
    must(json_object_size(s->providers[0].credentials) == 1 && json_is_object(s->providers[0].settings), "half a provider");
    settings_free(s);
    return DONE;
}

/* --- outcomes and records --- */

static struct event made(void)
{
    struct event e = {.type = EVENT_CONTRACT_BLOCKED, .id = "e1", .source = "/b", .service = "70001", .provider = "stalker",
                      .sequence = "7", .axes = {.n = 2}};
    strcpy(e.axes.name[0], "block");
    strcpy(e.axes.name[1], "package:P1");
    return e;
}

static enum torture_end outcome(void)
{
    static const char facts[] = "{\"kind\":\"rejected\",\"reason\":\"unknown_account\",\"attempts\":2,\"round\":1,"
                                "\"status\":404,\"answer\":\"none \xc3\xa9\",\"given\":{\"login\":\"ann\",\"l\":[1,{}]}}";
    struct event e = made();
    struct outcome o;
    if (outcome_facts_decode(facts, sizeof(facts) - 1, &o) != 0)
        return NO_MEMORY;
    struct outcome_place at = {.partition = 1, .offset = 7, .order = {.number = 7}, .fence = "17"};
    struct buf text, again;
    buf_init(&text, 65536);
    buf_init(&again, 65536);
    outcome_encode(&o, &e, &at, "{}", 2, &text);
    outcome_facts_encode(&o, &again);
    bool ok = buf_ok(&text) && buf_ok(&again);
    must(!buf_ok(&again) || strcmp(buf_cstr(&again), facts) == 0, "%s", buf_cstr(&again));
    must(!buf_ok(&text) || (strstr(buf_cstr(&text), "\"record\":{}") != NULL && text.data[text.len - 1] == '}'), "%s",
         buf_cstr(&text));
    buf_fini(&text);
    buf_fini(&again);
    outcome_fini(&o);
    return ok ? DONE : NO_MEMORY;
}

static bool apply_to(json_t *record, const json_t *patch, struct err *e)
{
    struct event event = made();
    return record_apply(record, &event, (struct order){.number = 7}, 3, patch, "17", e) == 0;
}

static enum torture_end record(void)
{
    static const char text[] = "{\"service\":\"70001\",\"provider\":\"stalker\",\"status\":\"active\",\"packages\":{\"P2\":{}}}";
    static const char want[] =
        "{\"axes\":{\"block\":{\"id\":\"e1\",\"offset\":3,\"order\":\"000000-000000000000000007-000000\"},\"package:P1\":{\"id\":\"e1\","
        "\"offset\":3,\"order\":\"000000-000000000000000007-000000\"}},\"block\":\"blocked\",\"fence\":\"17\",\"order_by\":\"sequence\","
        "\"packages\":{\"P1\":{\"l\":[1,{}]}},\"provider\":\"stalker\",\"service\":\"70001\",\"status\":\"active\"}";
    struct err e = {0};
    json_t *r = record_parse(text, sizeof(text) - 1), *fresh = record_new("stalker", "70001");
    json_t *patch = json_loads("{\"block\":\"blocked\",\"packages\":{\"P2\":null,\"P1\":{\"l\":[1,{}]}}}", 0, NULL);
    bool ok = r != NULL && fresh != NULL && patch != NULL;
    if (ok && !apply_to(r, patch, &e)) {
        (void)no_memory(&e);
        ok = false;
    }
    struct buf out;
    buf_init(&out, 4096);
    if (ok)
        json_add_canonical(&out, r);
    must(!ok || !buf_ok(&out) || strcmp(buf_cstr(&out), want) == 0, "%s", buf_cstr(&out));
    ok = ok && buf_ok(&out);
    buf_fini(&out);
    json_decref(r);
    json_decref(fresh);
    json_decref(patch);
    return ok ? DONE : NO_MEMORY;
}

/* What was published is read back as it is, or not at all. */
static enum torture_end outcome_back(void)
{
    static const char text[] =
        "{\"type\":\"tvbridge.outcome\",\"subject\":\"70001\",\"provider\":\"stalker\",\"data\":{\"event\":{\"id\":\"e1\","
        "\"source\":\"/b\",\"type\":\"tvbridge.contract.blocked\"},\"kind\":\"applied\",\"final\":true,\"attempts\":1,"
        "\"round\":1,\"given\":{\"login\":\"ann\"},\"record\":{\"service\":\"70001\"},\"fence\":\"17\"}}";
    struct outcome_seen seen;
    if (outcome_read(text, sizeof(text) - 1, &seen) != 0)
        return NO_MEMORY;
    must(seen.facts.kind == OUTCOME_APPLIED && seen.final && strcmp(seen.fence, "17") == 0, "another outcome");
    must(json_object_size(seen.facts.given) == 1 && json_object_size(seen.record) == 1, "half an outcome");
    outcome_seen_fini(&seen);
    return DONE;
}

static const struct act_schemas *control(void)
{
    static struct act_schemas *s;
    struct err e = {0};
    if (s == NULL)
        s = act_schemas_load(TVB_ROOT "/schemas", &e);
    must(s != NULL, "%s", e.msg);
    return s;
}

static enum torture_end act(void)
{
    const struct act a = {.kind = ACT_PAUSE, .id = "a1", .source = "tvbridge/cli", .provider = "stalker", .partition = 4,
                          .time_ms = 1763800000000, .who = "ann", .reason = "why", .letter = -1};
    const struct act_schemas *s = control();
    struct act back;
    struct act_answer none;
    struct fault f = {.reason = ""};
    struct buf text;
    buf_init(&text, 65536);
    act_encode(&a, &text);
    struct event_message m = {.key = "partition:4", .key_len = 11, .value = text.data, .value_len = text.len};
    enum torture_end end = buf_ok(&text) ? DONE : NO_MEMORY;
    enum control_decoded what = end == DONE ? control_decode(s, &m, &back, &none, &f) : CONTROL_IS_INVALID;
    buf_fini(&text);
    if (end == DONE && what != CONTROL_IS_ACT)
        end = no_memory_fault(&f);
    must(end == NO_MEMORY || (back.kind == ACT_PAUSE && back.partition == 4 && strcmp(back.who, "ann") == 0), "another act");
    return end;
}

static enum torture_end partition(void)
{
    static struct partition_record r, back;
    struct fault f = {.reason = ""};
    struct buf text;
    partition_record_init(&r, "stalker", 4);
    r.control = 7;
    buf_init(&text, 65536);
    partition_record_encode(&r, &text);
    enum torture_end end = buf_ok(&text) ? DONE : NO_MEMORY;
    if (end == DONE && partition_record_decode(text.data, text.len, &back, &f) != 0)
        end = no_memory_fault(&f);
    must(end == NO_MEMORY || (back.partition == 4 && back.control == 7), "another record");
    buf_fini(&text);
    return end;
}

/* --- a snapshot --- */

#define SNAPSHOT_DATA                                                                                                    \
    "{\"mode\":\"apply\",\"status\":\"active\",\"block\":\"total\",\"login\":\"anna\",\"plan\":\"7\",\"packages\":[{\"id\":\"P2\","     \
    "\"price\":\"1.00\"},{\"id\":\"P3\",\"valid_from\":\"2099-01-01\"}],\"devices\":[{\"serial\":\"S2\"}],\"device_limit\":3}"
#define SNAPSHOT_RECORD                                                                                                  \
    "{\"service\":\"70001\",\"provider\":\"stalker\",\"status\":\"active\",\"login\":\"ann\",\"plan\":\"3\",\"packages\":{\"P1\":{}},"    \
    "\"devices\":{\"S1\":{}},\"axes\":{\"existence\":{\"order\":\"000000-000000000000000001-000000\",\"id\":\"c\"}}}"
#define SNAPSHOT_NONE "{\"service\":\"70001\",\"provider\":\"stalker\",\"status\":\"unknown\",\"axes\":{}}"

/* All events that it makes, as text. */
static void add_parts(const json_t *found, struct buf *out, bool *ret_whole)
{
    const struct event snapshot = {.key = "0f343b0931126a20f133d67c2b018a3b", .source = "/b", .service = "70001", .provider = "stalker",
                                   .sequence = "7"};
    const json_t *changes = json_object_get(found, "changes");
    for (size_t i = 0; i < json_array_size(changes); i++) {
        json_t *part = snapshot_part(&snapshot, (struct order){.number = 7}, json_array_get(changes, i));
        *ret_whole = *ret_whole && part != NULL;
        if (part != NULL)
            json_add_canonical(out, part);
        json_decref(part);
    }
}

static enum torture_end compare_snapshot(const char *record_text, char **first)
{
    const struct diff_whole whole = {0};
    const struct diff_rules rules = {.now_ms = 1, .whole = &whole};
    json_t *data = json_read_any(SNAPSHOT_DATA, strlen(SNAPSHOT_DATA)), *record = json_read_any(record_text, strlen(record_text));
    json_t *wanted = data == NULL ? NULL : wanted_of_snapshot(data), *known = record == NULL ? NULL : snapshot_known(NULL, record);
    json_t *real = NULL, *found = NULL;
    struct buf out;
    buf_init(&out, 65536);
    bool good = wanted != NULL && known != NULL && snapshot_real(NULL, record, &real) == 0 &&
                diff_find(&rules, &(struct diff_ask){"70001", wanted, real, known}, &found) == 1;
    if (good)
        add_parts(found, &out, &good);
    good = good && buf_ok(&out);
    if (good && *first == NULL)
        *first = strdup(buf_cstr(&out)); /* in the first run, where nothing fails */
    must(!good || strcmp(*first, buf_cstr(&out)) == 0, "other events: %s", buf_cstr(&out));
    buf_fini(&out);
    json_decref(data);
    json_decref(record);
    json_decref(wanted);
    json_decref(known);
    json_decref(real);
    json_decref(found);
    return good ? DONE : NO_MEMORY;
}

static enum torture_end snapshot_changes(void)
{
    static char *first;
    return compare_snapshot(SNAPSHOT_RECORD, &first);
}

static enum torture_end snapshot_creates(void)
{
    static char *first;
    return compare_snapshot(SNAPSHOT_NONE, &first);
}

const struct torture *contract_cases(size_t *ret_count)
{
    static const struct torture list[] = {
        {"contract.json", read_json, 0},
        {"contract.json_refused", refuse_json, 0},
        {"contract.yaml", read_yaml, 0},
        {"contract.schema_of_data", schema_of_data, 150},
        {"contract.schema_of_records", schema_of_records, 150},
        {"contract.schemas", all_schemas, 40},
        {"contract.event_structured", decode_structured, 0},
        {"contract.event_binary", decode_binary, 0},
        {"contract.event_wrong", decode_wrong, 0},
        {"contract.settings", load_settings, 150},
        {"contract.outcome", outcome, 0},
        {"contract.record", record, 0},
        {"contract.outcome_read", outcome_back, 0},
        {"contract.act", act, 0},
        {"contract.partition_record", partition, 0},
        {"contract.snapshot_changes", snapshot_changes, 0},
        {"contract.snapshot_creates", snapshot_creates, 0},
    };
    *ret_count = ARRAY_LEN(list);
    return list;
}
