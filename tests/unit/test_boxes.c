/* A list of set-top boxes as data of device.added: what its columns are called, what a row may say, and each box once. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/buf.h"
#include "boxes.h"
#include "contract/json.h"

/* Each row as "line service data", or as its fault. */
struct told {
    struct boxes *boxes;
    struct buf text;
};

static int on_row(void *arg, const json_t *row, long line, struct err *reterr)
{
    struct told *t = arg;
    struct box x;
    struct err err = {0};
    (void)reterr;
    if (boxes_take(t->boxes, row, line, "stalker", &x, &err) != 0) {
        buf_addf(&t->text, "%ld %s\n", line, err.msg);
        return 0;
    }
    buf_addf(&t->text, "%ld %s ", line, x.service);
    json_add_compact(&t->text, json_object_get(x.data, "device"));
    buf_addc(&t->text, '\n');
    json_decref(x.data);
    return 0;
}

/* What @file says, read with the names that it has by itself and @more aliases; the caller frees it. */
static char *read_with(const char *file, const struct rows_alias *more, size_t n)
{
    char path[] = "/tmp/tvb-boxes.XXXXXX";
    struct rows_alias list[8];
    struct told t = {.boxes = boxes_new()};
    struct err err = {0};
    int fd = mkstemp(path);
    cr_assert(ge(int, fd, 0));
    cr_assert(eq(sz, (size_t)write(fd, file, strlen(file)), strlen(file)));
    close(fd);
    if (n > 0)
        memcpy(list, more, n * sizeof(*more));
    memcpy(list + n, boxes_aliases, sizeof(boxes_aliases));
    const struct rows_form form = {boxes_names, BOXES_NAMES, list, n + BOXES_ALIASES};
    buf_init(&t.text, 1 << 20);
    if (rows_read(path, &form, on_row, &t, &err) != 0)
        buf_addf(&t.text, "%s\n", strrchr(err.msg, '/') != NULL ? strchr(strrchr(err.msg, '/'), ':') + 1 : err.msg);
    unlink(path);
    boxes_free(t.boxes);
    char *text = strdup(buf_cstr(&t.text));
    buf_fini(&t.text);
    return text;
}

static void expect(const char *why, const char *file, const char *want)
{
    char *got = read_with(file, NULL, 0);
    cr_expect(eq(str, got, (char *)want), "%s", why);
    free(got);
}

Test(boxes, each_usual_file_is_read)
{
    static const char *const want = "2 70001 {\"mac\":\"00:1A:79:4D:2B:11\",\"serial\":\"C-1\"}\n3 70002 {\"serial\":\"C-2\",\"location\":\"sala\"}\n";
    static const struct {
        const char *why, *file;
    } rows[] = {
        {"commas", "service,mac,serial,location\n70001,00:1A:79:4D:2B:11,C-1,\n70002,,C-2,sala\n"},
        {"another order, semicolons, CRLF, a byte order mark", "\xEF\xBB\xBFLocation;Serial;MAC;Service\r\n;C-1;001a.794d.2b11;70001\r\nsala;C-2;;70002\r\n"},
        {"quotes, no newline at the end", "\"service\",\"casn\",\"mac\",\"location\"\n\"70001\",\"C-1\",\"001a794d2b11\",\n70002,\"C-2\",,\"sala\""},
        {"what ABillS calls them", "service\tstb_sn\tstb_mac\tlocation\n70001\tC-1\t00-1A-79-4D-2B-11\t\n70002\tC-2\t\tsala\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        expect(rows[i].why, rows[i].file, want);
    expect("quotes and separators within", "service;serial;model;patrimony\n1;S;\"MAG; \"\"322\"\"\";0017\n",
           "2 1 {\"serial\":\"S\",\"model\":\"MAG; \\\"322\\\"\",\"id\":\"0017\"}\n");
    expect("JSON lines, and a number", "{\"Service\":1,\"CASN\":77}\n", "1 1 {\"serial\":\"77\"}\n");
    expect("nothing", "", "");
    expect("empty lines", "service,mac\n\n70001,001A794D2B11\n\n", "3 70001 {\"mac\":\"00:1A:79:4D:2B:11\"}\n");
}

Test(boxes, columns_are_mapped_and_passed_over)
{
    static const struct rows_alias more[] = {{"Contrato", "service"}, {"N\xC2\xBA de s\xC3\xA9rie", "serial"}, {"Obs", NULL}, {"Outra", NULL}};
    char *got = read_with("contrato;N\xC2\xBA de s\xC3\xA9rie;obs;OUTRA\n7;S7;x;y\n", more, ARRAY_LEN(more));
    cr_expect(eq(str, got, (char *)"2 7 {\"serial\":\"S7\"}\n"));
    free(got);
    got = read_with("{\"contrato\":\"7\",\"obs\":{\"a\":1},\"serial\":\"S7\"}", more, ARRAY_LEN(more));
    cr_expect(eq(str, got, (char *)"1 7 {\"serial\":\"S7\"}\n"));
    free(got);
    expect("one that nobody knows", "service,mac,colour\n", "1: \"colour\" is no name that is known here: service, mac, serial, model, location, patrimony\n");
    expect("one twice, by two names", "service,serial,casn\n", "1: the column serial is there twice\n");
    expect("twice in JSON", "{\"service\":\"1\",\"serial\":\"a\",\"casn\":\"b\"}", "1: serial is there twice\n");
}

Test(boxes, a_fault_says_which_column_what_was_found_and_what_is_wanted)
{
    static const struct {
        const char *why, *row, *want;
    } rows[] = {
        {"a short address", "70001,00:1A:79:4D:2B:1,",
         "2 mac: found \"00:1A:79:4D:2B:1\", wanted 12 hexadecimal digits: AA:BB:CC:DD:EE:FF, aabb.ccdd.eeff, ...\n"},
        {"no digit", "70001,00:1A:79:4D:2B:1G,",
         "2 mac: found \"00:1A:79:4D:2B:1G\", wanted 12 hexadecimal digits: AA:BB:CC:DD:EE:FF, aabb.ccdd.eeff, ...\n"},
        {"what a spreadsheet makes of it", "70001,1.79E+10,",
         "2 mac: found \"1.79E+10\", wanted 12 hexadecimal digits: AA:BB:CC:DD:EE:FF, aabb.ccdd.eeff, ...\n"},
        {"no service", ",001A794D2B11,", "2 service is missing\n"},
        {"no service's id", "7/1,001A794D2B11,", "2 service: want 1 to 128 visible characters, without space, slash or brace\n"},
        {"a partition's key", "partition:1,001A794D2B11,", "2 service: want 1 to 128 visible characters, without space, slash or brace\n"},
        {"no box", "70001,,", "2 mac, serial: found neither, wanted one of them\n"},
        {"more cells than names", "70001,,S,x", "2: more cells than the first line has names\n"},
        {"a quote that stays open", "70001,\"00", "2: a quote is not closed\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char file[300];
        snprintf(file, sizeof(file), "service,mac,serial\n%s\n", rows[i].row);
        expect(rows[i].why, file, rows[i].want);
    }
}

Test(boxes, each_box_is_there_once)
{
    expect("one address at two services", "service,mac\n1,001A794D2B11\n2,00:1a:79:4d:2b:11\n",
           "2 1 {\"mac\":\"00:1A:79:4D:2B:11\"}\n3 mac: found \"00:1A:79:4D:2B:11\", which line 2 has: wanted each box once\n");
    expect("the same row twice", "service,serial\n1,S\n1,S\n", "2 1 {\"serial\":\"S\"}\n3 serial: found \"S\", which line 2 has: wanted each box once\n");
    expect("one serial with two addresses", "service,mac,serial\n1,001A794D2B11,S\n2,001A794D2B12,S\n",
           "2 1 {\"mac\":\"00:1A:79:4D:2B:11\",\"serial\":\"S\"}\n3 serial: found \"S\", which line 2 has: wanted each box once\n");
    expect("an address that is another's serial", "service,mac,serial\n1,001A794D2B11,\n2,,00:1A:79:4D:2B:11\n",
           "2 1 {\"mac\":\"00:1A:79:4D:2B:11\"}\n3 2 {\"serial\":\"00:1A:79:4D:2B:11\"}\n");
}

static void id_of(const char *provider, const char *row, char ret[EVENT_ID_SIZE])
{
    struct boxes *b = boxes_new();
    struct box x;
    struct err err = {0};
    json_t *v = json_loads(row, 0, NULL);
    cr_assert(eq(int, boxes_take(b, v, 1, provider, &x, &err), 0), "%s", err.msg);
    memcpy(ret, x.id, EVENT_ID_SIZE);
    json_decref(x.data);
    json_decref(v);
    boxes_free(b);
}

Test(boxes, an_id_is_a_function_of_what_the_event_says)
{
    static const struct {
        const char *why, *provider, *row;
        bool same;
    } rows[] = {
        {"another writing", "p", "{\"mac\":\"001a794d2b11\",\"service\":1}", true},
        {"another provider", "q", "{\"service\":\"1\",\"mac\":\"00:1A:79:4D:2B:11\"}", false},
        {"another service", "p", "{\"service\":\"2\",\"mac\":\"00:1A:79:4D:2B:11\"}", false},
        {"another place", "p", "{\"service\":\"1\",\"mac\":\"00:1A:79:4D:2B:11\",\"location\":\"sala\"}", false},
    };
    char first[EVENT_ID_SIZE], id[EVENT_ID_SIZE];
    id_of("p", "{\"service\":\"1\",\"mac\":\"00:1A:79:4D:2B:11\"}", first);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        id_of(rows[i].provider, rows[i].row, id);
        cr_expect(eq(int, strcmp(first, id) == 0, rows[i].same), "%s", rows[i].why);
    }
}

Test(boxes, a_place_in_the_event_is_a_column)
{
    cr_expect(eq(str, (char *)boxes_column("/data/device/serial"), (char *)"serial"));
    cr_expect(eq(str, (char *)boxes_column("/data/device/id"), (char *)"patrimony"));
    cr_expect(eq(str, (char *)boxes_column("/subject"), (char *)"service"));
    cr_expect(eq(str, (char *)boxes_column("/data"), (char *)"/data"));
}
