#include "contract/event_mode.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/attr.h"
#include "base/utf8.h"

static const char structured_media[] = "application/cloudevents";

int fault_below(struct fault *ret, const char *prefix, const struct fault *inner)
{
    struct fault copy = *inner; /* @inner may be @ret */
    snprintf(ret->pointer, sizeof(ret->pointer), "%s%s", prefix, copy.pointer);
    memcpy(ret->reason, copy.reason, sizeof(ret->reason));
    ret->nomem = copy.nomem;
    return -1;
}

static const struct event_header *find_header(const struct event_message *m, const char *name)
{
    for (size_t i = 0; i < m->header_count; i++)
        if (m->headers[i].value != NULL && strcasecmp(m->headers[i].name, name) == 0)
            return &m->headers[i];
    return NULL;
}

static bool starts_with(const struct event_header *h, const char *prefix, size_t len)
{
    return h->len >= len && strncasecmp(h->value, prefix, len) == 0;
}

/* Whether the media type (RFC 9110 section 8.3.1) ends here, or its parameters begin. */
static bool ends_at(const struct event_header *h, size_t at)
{
    return at == h->len || h->value[at] == ';' || h->value[at] == ' ';
}

/* application/json, or any type with the suffix +json. */
static bool is_json_media(const struct event_header *h)
{
    static const char plain[] = "application/json", suffix[] = "+json";
    size_t end = 0;
    while (!ends_at(h, end))
        end++;
    if (end == sizeof(plain) - 1 && starts_with(h, plain, end))
        return true;
    size_t n = sizeof(suffix) - 1;
    return end > n && strncasecmp(h->value + end - n, suffix, n) == 0 &&
           memchr(h->value, '/', end - n) != NULL;
}

static int check_format(const struct event_header *type, struct fault *ret_fault)
{
    static const char json[] = "+json", batch[] = "-batch";
    struct event_header rest = {.value = type->value + sizeof(structured_media) - 1,
                                .len = type->len - (sizeof(structured_media) - 1)};
    if (starts_with(&rest, json, sizeof(json) - 1) && ends_at(&rest, sizeof(json) - 1))
        return 0;
    if (starts_with(&rest, batch, sizeof(batch) - 1))
        return fault_set(ret_fault, "",
                         "batches are refused: send each event as a message of its own");
    return fault_set(ret_fault, "",
                     "content-type is of an event format that is not spoken: "
                     "want application/cloudevents+json");
}

/* JSON format, section 2.2: an attribute that is null is unset. `data` may be null, and is then no object. */
static void drop_unset(json_t *root)
{
    void *it = json_object_iter(root);
    while (it != NULL) {
        const char *name = json_object_iter_key(it);
        bool unset = json_is_null(json_object_iter_value(it)) && strcmp(name, "data") != 0;
        it = json_object_iter_next(root, it);
        if (unset)
            (void)json_object_del(root, name);
    }
}

static json_t *refuse(json_t *root, struct fault *ret_fault, const char *pointer,
                      const char *reason)
{
    fault_set(ret_fault, pointer, "%s", reason);
    json_decref(root);
    return NULL;
}

static json_t *structured(const struct event_message *m, struct fault *ret_fault)
{
    json_t *root = json_parse_strict(m->value, m->value_len, ret_fault);
    if (root == NULL)
        return NULL;
    if (json_is_array(root))
        return refuse(root, ret_fault, "",
                      "batches are refused: send each event as a message of its own");
    if (!json_is_object(root))
        return refuse(root, ret_fault, "", "not a CloudEvent: want a JSON object");
    drop_unset(root);
    if (json_object_get(root, "data_base64") != NULL)
        return refuse(root, ret_fault, "/data_base64",
                      "data in base64 is refused: send JSON in `data`");
    return root;
}

static bool is_utf8(const char *s, size_t n)
{
    for (size_t len; n > 0; s += len, n -= len)
        if ((len = utf8_len(s, n)) == 0)
            return false;
    return true;
}

static int set_attribute(json_t *root, const char *name, const struct event_header *h,
                         struct fault *ret_fault)
{
    struct fault at = {.reason = ""};
    snprintf(at.pointer, sizeof(at.pointer), "/%s", name);
    if (strcmp(name, "data") == 0 || strcmp(name, "data_base64") == 0)
        return fault_set(ret_fault, at.pointer,
                         "no attribute may bear this name: in binary mode data is the value");
    if (json_object_get(root, name) != NULL)
        return fault_set(ret_fault, at.pointer, "there are two headers for this attribute");
    if (memchr(h->value, '\0', h->len) != NULL || !is_utf8(h->value, h->len))
        return fault_set(ret_fault, at.pointer, "the header's value is not UTF-8 text");
    if (!is_utf8(name, strlen(name)))
        return fault_set(ret_fault, "", "a header's name is not UTF-8 text");
    if (json_object_set_new_nocheck(root, name, json_stringn_nocheck(h->value, h->len)) != 0)
        return fault_nomem(ret_fault);
    return 0;
}

/* Binding section 3.2.3: ce_<attribute>; datacontenttype is the content-type header alone. */
static int add_headers(json_t *root, const struct event_message *m, struct fault *ret_fault)
{
    const struct event_header *type = find_header(m, "content-type");
    if (type != NULL && set_attribute(root, "datacontenttype", type, ret_fault) != 0)
        return -1;
    if (type != NULL && !is_json_media(type))
        return fault_set(ret_fault, "/datacontenttype",
                         "want application/json or a type that ends with +json");
    for (size_t i = 0; i < m->header_count; i++) {
        const struct event_header *h = &m->headers[i];
        if (strncmp(h->name, "ce_", 3) != 0 || h->value == NULL)
            continue;
        if (strcmp(h->name, "ce_datacontenttype") == 0)
            return fault_set(ret_fault, "/datacontenttype",
                             "in binary mode the header content-type says it");
        if (set_attribute(root, h->name + 3, h, ret_fault) != 0)
            return -1;
    }
    return 0;
}

static int add_data(json_t *root, const struct event_message *m, struct fault *ret_fault)
{
    if (m->value_len == 0)
        return 0; /* an event without data */
    struct fault inner;
    json_t *data = json_parse_strict(m->value, m->value_len, &inner);
    if (data == NULL)
        return fault_below(ret_fault, "/data", &inner);
    if (json_object_set_new(root, "data", data) != 0)
        return fault_nomem(ret_fault);
    return 0;
}

static json_t *binary(const struct event_message *m, struct fault *ret_fault)
{
    json_t *root = json_object();
    if (root == NULL) {
        fault_nomem(ret_fault);
        return NULL;
    }
    if (add_headers(root, m, ret_fault) == 0 && add_data(root, m, ret_fault) == 0)
        return root;
    json_decref(root);
    return NULL;
}

/* Neither mode was named: the body may still be an event that says so itself. */
static json_t *unnamed(const struct event_message *m, struct fault *ret_fault)
{
    json_t *root = structured(m, ret_fault);
    if (root != NULL && json_object_get(root, "specversion") == NULL)
        return refuse(root, ret_fault, "/specversion",
                      "not a CloudEvent: neither a content-type header, nor ce_ headers, nor "
                      "specversion in the body");
    return root;
}

json_t *event_root_of(const struct event_message *m, struct fault *ret_fault)
{
    if (m->value == NULL)
        return refuse(NULL, ret_fault, "", "a tombstone (a message without a value) is no event");
    if (m->value_len > (size_t)JSON_EVENT_MAX_BYTES)
        return refuse(NULL, ret_fault, "", "larger than 1 MiB");
    const struct event_header *type = find_header(m, "content-type");
    if (type != NULL && starts_with(type, structured_media, sizeof(structured_media) - 1))
        return check_format(type, ret_fault) == 0 ? structured(m, ret_fault) : NULL;
    if (find_header(m, "ce_specversion") != NULL)
        return binary(m, ret_fault);
    if (type != NULL)
        return refuse(
            NULL, ret_fault, "/specversion",
            "not a CloudEvent: content-type is not application/cloudevents+json and there is no "
            "ce_specversion header");
    return unnamed(m, ret_fault);
}
