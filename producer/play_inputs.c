#include "play_inputs.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "contract/axes.h"

#define INPUT_MAX_BYTES (4 * 1024 * 1024)

static const struct cli_option option_list[] = {
    {"data", 'd', CLI_TEXT, "JSON", offsetof(struct play_options, data), "the event's data; @FILE reads it from a file"},
    {"record", 'r', CLI_TEXT, "JSON", offsetof(struct play_options, record), "what is known of the service; @FILE too"},
    {"settings", 's', CLI_TEXT, "JSON", offsetof(struct play_options, settings), "$inputs.settings; @FILE too"},
    {"event", 0, CLI_TEXT, "JSON", offsetof(struct play_options, event), "more members of the event; @FILE too"},
    {"subject", 0, CLI_TEXT, "ID", offsetof(struct play_options, subject), "the service's id (default: service-1)"},
    {"base-url", 0, CLI_TEXT, "URL", offsetof(struct play_options, base_url), "instead of the first server of openapi.yaml"},
};

struct cli_group play_option_group(struct play_options *into)
{
    return (struct cli_group){"Event and installation", option_list, ARRAY_LEN(option_list), into};
}

int play_json_read(const char *option, const char *text, json_t **ret, struct err *reterr)
{
    size_t len = text == NULL ? 0 : strlen(text);
    char *file = NULL;
    if (text == NULL)
        return 0;
    if (text[0] == '@') {
        file = file_read(text + 1, INPUT_MAX_BYTES, &len, reterr);
        if (file == NULL)
            return err_prefix(reterr, "--%s", option);
        text = file;
    }
    json_error_t e;
    *ret = json_loadb(text, len, JSON_REJECT_DUPLICATES, &e);
    free(file);
    if (*ret != NULL && json_is_object(*ret))
        return 0;
    return err_set(reterr, ERR_INVAL, "--%s: %s (line %d, column %d)", option,
                   *ret == NULL ? e.text : "a JSON object is wanted", *ret == NULL ? e.line : 1,
                   *ret == NULL ? e.column : 1);
}

static int make_event(const struct play_options *o, const char *type, const char *id, const char *time, struct play_inputs *t,
                      struct err *reterr)
{
    json_t *more = NULL;
    if (play_json_read("event", o->event, &more, reterr) != 0) {
        json_decref(more);
        return -1;
    }
    char full[160];
    snprintf(full, sizeof(full), EVENT_TYPE_PREFIX "%s", event_type_short(type));
    t->event = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "specversion", "1.0", "id", id, "source",
                         "/tvbridge/pack-try", "type", full, "subject", o->subject == NULL ? "service-1" : o->subject,
                         "time", time);
    if (more != NULL)
        json_object_update(t->event, more);
    if (t->data != NULL)
        json_object_set(t->event, "data", t->data);
    json_decref(more);
    return t->event == NULL ? err_nomem(reterr) : 0;
}

int play_inputs_read(const struct play_options *o, const char *type, const char *id, const char *time, struct play_inputs *ret,
                     struct err *reterr)
{
    *ret = (struct play_inputs){0};
    if (play_json_read("data", o->data, &ret->data, reterr) != 0 || play_json_read("record", o->record, &ret->record, reterr) != 0 ||
        play_json_read("settings", o->settings, &ret->settings, reterr) != 0)
        return -1;
    return make_event(o, type, id, time, ret, reterr);
}

void play_inputs_fini(struct play_inputs *p)
{
    json_decref(p->data);
    json_decref(p->record);
    json_decref(p->settings);
    json_decref(p->event);
    *p = (struct play_inputs){0};
}

enum cli_status play_parse(const struct cli_command *c, const struct cli_group *groups, size_t n, int argc, char **argv,
                           const char **ret_dir, const char **ret_type)
{
    int first;
    enum cli_status status = cli_parse(c, groups, n, argc, argv, &first);
    if (status != CLI_RUN)
        return status;
    if (argc - first != 2)
        return cli_usage(c, "name the folder of a pack and the type of an event");
    *ret_dir = argv[first];
    *ret_type = event_type_short(argv[first + 1]);
    return CLI_RUN;
}
