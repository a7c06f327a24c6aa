/* pack_check.c - `tvbridge pack check DIR...`: loads packs and names each fault. */
#include <jansson.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "cli.h"
#include "commands.h"
#include "workflow/pack.h"

struct options {
    bool json;
};

static const struct cli_option option_list[] = {
    {"json", 0, CLI_FLAG, NULL, offsetof(struct options, json), "one JSON object a folder, one a line"},
};

static const struct cli_command command = {
    .name = "pack check",
    .operands = "DIR...",
    .about = "Loads each pack as the worker does and prints every fault as FILE:LINE: POINTER: what is wrong.\n"
             "Nothing is sent. Files among the folders are passed over, so that DIR/* may be said.",
    .examples = "  tvbridge pack check schemas/providers/stalker\n",
    .operands_max = CLI_LIST_MAX,
};

static void print_faults(const struct pack_faults *f)
{
    for (size_t i = 0; i < f->n; i++) {
        const struct pack_fault *one = &f->list[i];
        printf("%s:", one->file);
        if (one->line > 0)
            printf("%d:", one->line);
        printf(" %s%s%s\n", one->pointer, one->pointer[0] == '\0' ? "" : ": ", one->text);
    }
}

static void print_summary(const char *dir, const struct pack *p, const struct pack_faults *f)
{
    if (p == NULL)
        printf("%s: refused, %zu fault%s\n", dir, f->n, f->n == 1 ? "" : "s");
    else
        printf("%s: good: %s %s, %zu workflows\n", dir, pack_title(p), pack_version(p), pack_workflow_count(p));
}

static json_t *faults_json(const struct pack_faults *f)
{
    json_t *list = json_array();
    for (size_t i = 0; i < f->n; i++) {
        const struct pack_fault *one = &f->list[i];
        json_array_append_new(list, json_pack("{s:s, s:i, s:s, s:s}", "file", one->file, "line", one->line, "pointer",
                                              one->pointer, "text", one->text));
    }
    return list;
}

static void print_json(const char *dir, const struct pack *p, const struct pack_faults *f)
{
    json_t *workflows = json_array();
    for (size_t i = 0; p != NULL && i < pack_workflow_count(p); i++)
        json_array_append_new(workflows, json_string(workflow_id(pack_workflow_at(p, i))));
    json_t *v = json_pack("{s:s, s:b, s:s, s:s, s:o, s:o}", "dir", dir, "good", p != NULL, "title",
                          p == NULL ? "" : pack_title(p), "version", p == NULL ? "" : pack_version(p), "workflows",
                          workflows, "faults", faults_json(f));
    json_dumpf(v, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(v);
}

static void add_fault(struct pack_faults *f, const char *file, const char *text)
{
    struct pack_fault *list = realloc(f->list, (f->n + 1) * sizeof(*list));
    if (list == NULL)
        return;
    f->list = list;
    list[f->n] = (struct pack_fault){0};
    snprintf(list[f->n].file, sizeof(list->file), "%s", file);
    snprintf(list[f->n].text, sizeof(list->text), "%s", text);
    f->n++;
}

/* With the pack's own settings and credentials of any kind: what settings.yaml says of paths and methods is known then. */
static bool binds(const struct pack *p, struct err *reterr)
{
    json_t *credentials = pack_credentials(p, "***");
    struct bound_pack *b = pack_bind(p, "http://localhost", credentials, NULL, "***", reterr);
    json_decref(credentials);
    bound_pack_free(b);
    return b != NULL;
}

static struct pack *load(const char *dir, struct pack_faults *ret_faults)
{
    struct err err = {0};
    struct pack *p = pack_load(dir, ret_faults);
    if (p == NULL || binds(p, &err))
        return p;
    add_fault(ret_faults, dir, err.msg);
    pack_free(p);
    return NULL;
}

static bool check(const char *dir, bool json)
{
    struct pack_faults faults;
    struct pack *p = load(dir, &faults);
    if (json) {
        print_json(dir, p, &faults);
    } else {
        print_faults(&faults);
        print_summary(dir, p, &faults);
    }
    bool good = p != NULL;
    pack_free(p);
    pack_faults_fini(&faults);
    return good;
}

static bool is_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

int cmd_pack_check(int argc, char **argv)
{
    struct options o = {0};
    const struct cli_group group = {"Options", option_list, ARRAY_LEN(option_list), &o};
    int first;
    enum cli_status status = cli_parse(&command, &group, 1, argc, argv, &first);
    if (status != CLI_RUN)
        return status;
    if (first >= argc)
        return cli_usage(&command, "name the folder of a pack");
    bool good = true, any = false;
    for (int i = first; i < argc; i++) {
        if (is_file(argv[i]))
            continue;
        any = true;
        good = check(argv[i], o.json) && good;
    }
    if (!any)
        return cli_usage(&command, "name the folder of a pack");
    return good ? CLI_OK : CLI_REFUSED;
}
