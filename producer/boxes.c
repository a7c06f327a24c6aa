#include "boxes.h"

#include <stdlib.h>
#include <string.h>

#include "account.h"
#include "base/attr.h"
#include "contract/axes.h"
#include "contract/json.h"

const char *const boxes_names[BOXES_NAMES] = {"service", "mac", "serial", "model", "location", "patrimony"};
const struct rows_alias boxes_aliases[BOXES_ALIASES] = {
    {"casn", "serial"},
    {"stb_mac", "mac"},
    {"stb_sn", "serial"},
    {"stb_type", "model"},
};

#define SHOWN 40 /* bytes of a value in a fault */

/* Which line has which MAC and which serial: "mac AA:..." -> line. */
struct boxes {
    json_t *lines;
};

struct boxes *boxes_new(void)
{
    struct boxes *b = calloc(1, sizeof(*b));
    if (b == NULL)
        return NULL;
    b->lines = json_object();
    if (b->lines != NULL)
        return b;
    free(b);
    return NULL;
}

void boxes_free(struct boxes *b)
{
    if (b == NULL)
        return;
    json_decref(b->lines);
    free(b);
}

/* ---- one row ---- */

static int take_mac(const json_t *row, json_t *device, struct err *reterr)
{
    char text[ACCOUNT_TEXT_SIZE], mac[18];
    if (account_text(json_object_get(row, "mac"), text)[0] == '\0')
        return 0;
    if (mac_normalise(text, mac) != 0)
        return err_set(reterr, ERR_INVAL, "mac: found \"%.*s\", wanted 12 hexadecimal digits: AA:BB:CC:DD:EE:FF, aabb.ccdd.eeff, ...", SHOWN,
                       text);
    return json_object_set_new(device, "mac", json_string(mac)) == 0 ? 0 : err_nomem(reterr);
}

/* The others stand as they are: the event's schema says what they may be. */
static int take_texts(const json_t *row, json_t *device, struct err *reterr)
{
    static const struct {
        const char *column, *member;
    } texts[] = {{"serial", "serial"}, {"model", "model"}, {"location", "location"}, {"patrimony", "id"}};
    char text[ACCOUNT_TEXT_SIZE];
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        const json_t *v = json_object_get(row, texts[i].column);
        if (v == NULL || json_is_null(v))
            continue;
        if (account_text(v, text)[0] == '\0')
            return err_set(reterr, ERR_INVAL, "%s: wanted text of 1 to %d bytes", texts[i].column, ACCOUNT_TEXT_SIZE - 1);
        if (json_object_set_new(device, texts[i].member, json_string(text)) != 0)
            return err_nomem(reterr);
    }
    return 0;
}

/* ---- each once ---- */

static int note(struct boxes *b, const json_t *device, const char *name, long line, struct err *reterr)
{
    char key[ACCOUNT_TEXT_SIZE + 16];
    const char *value = json_text(device, name);
    if (value[0] == '\0')
        return 0;
    snprintf(key, sizeof(key), "%s %s", name, value);
    const json_t *at = json_object_get(b->lines, key);
    if (at != NULL)
        return err_set(reterr, ERR_INVAL, "%s: found \"%.*s\", which line %lld has: wanted each box once", name, SHOWN, value,
                       (long long)json_integer_value(at));
    return json_object_set_new(b->lines, key, json_integer(line)) == 0 ? 0 : err_nomem(reterr);
}

static int fill(struct boxes *b, const json_t *row, json_t *device, struct box *x, long line, struct err *reterr)
{
    if (wanted_service(row, x->service, reterr) != 0 || take_mac(row, device, reterr) != 0 || take_texts(row, device, reterr) != 0)
        return -1;
    if (json_object_get(device, "mac") == NULL && json_object_get(device, "serial") == NULL)
        return err_set(reterr, ERR_INVAL, "mac, serial: found neither, wanted one of them");
    if (note(b, device, "mac", line, reterr) != 0)
        return -1;
    return note(b, device, "serial", line, reterr);
}

int boxes_take(struct boxes *b, const json_t *row, long line, const char *provider, struct box *ret, struct err *reterr)
{
    json_t *device = json_object();
    *ret = (struct box){.data = json_pack("{s:o}", "device", device)};
    if (ret->data == NULL)
        return err_nomem(reterr);
    if (fill(b, row, device, ret, line, reterr) == 0 && event_id_of("box", provider, ret->service, ret->data, ret->id, reterr) == 0)
        return 0;
    json_decref(ret->data);
    ret->data = NULL;
    return -1;
}

const char *boxes_column(const char *pointer)
{
    static const char device[] = "/data/device/";
    if (strcmp(pointer, "/subject") == 0)
        return "service";
    if (strncmp(pointer, device, sizeof(device) - 1) != 0)
        return pointer;
    const char *member = pointer + sizeof(device) - 1;
    return strcmp(member, "id") == 0 ? "patrimony" : member;
}
