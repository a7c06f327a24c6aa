#include "serve_problem.h"

#include <string.h>

#include "base/attr.h"
#include "base/utf8.h"
#include "contract/event_mode.h"

void serve_faults_add(struct serve_faults *f, const char *prefix, const struct fault *one)
{
    if (f->seen < SERVE_FAULTS_MAX)
        fault_below(&f->list[f->seen], prefix, one);
    f->seen++;
}

static const char *title_of(unsigned status)
{
    static const struct {
        unsigned status;
        const char *title;
    } rows[] = {
        {400, "Bad Request"},           {401, "Unauthorized"},      {403, "Forbidden"},
        {404, "Not Found"},             {405, "Method Not Allowed"}, {413, "Content Too Large"},
        {415, "Unsupported Media Type"}, {429, "Too Many Requests"}, {500, "Internal Server Error"},
        {503, "Service Unavailable"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].status == status)
            return rows[i].title;
    return "Error";
}

/* As JSON text. A pointer is cut at its size, maybe within a character, and a name may be anything: what is no UTF-8 becomes '?'. */
static void add_text(struct buf *out, const char *text)
{
    size_t n = strlen(text), len;
    buf_addc(out, '"');
    for (; n > 0; text += len, n -= len) {
        len = utf8_len(text, n);
        buf_add_json_inner(out, len > 0 ? text : "?", len > 0 ? len : 1);
        len = len > 0 ? len : 1;
    }
    buf_addc(out, '"');
}

static void add_faults(struct buf *out, const struct serve_faults *f)
{
    buf_adds(out, ",\"errors\":[");
    for (size_t i = 0; i < f->seen && i < SERVE_FAULTS_MAX; i++) {
        buf_adds(out, i == 0 ? "{\"pointer\":" : ",{\"pointer\":");
        add_text(out, f->list[i].pointer);
        buf_adds(out, ",\"detail\":");
        add_text(out, f->list[i].reason);
        buf_addc(out, '}');
    }
    buf_adds(out, "],\"error_count\":");
    buf_addu(out, f->seen);
}

void serve_problem_add(struct buf *out, unsigned status, const char *detail, const struct serve_faults *faults)
{
    buf_adds(out, "{\"type\":\"about:blank\",\"title\":");
    buf_add_json_str(out, title_of(status));
    buf_adds(out, ",\"status\":");
    buf_addu(out, status);
    buf_adds(out, ",\"detail\":");
    add_text(out, detail);
    if (faults != NULL && faults->seen > 0)
        add_faults(out, faults);
    buf_adds(out, "}\n");
}
