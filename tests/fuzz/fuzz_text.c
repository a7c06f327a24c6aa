/* Small readers of texts: times, orders, MAC addresses, log lines. */
#include "fuzz.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "contract/axes.h"
#include "contract/order.h"

static void a_time(const char *s)
{
    int64_t ms, again;
    char text[CLOCK_RFC3339_SIZE];
    if (clock_parse_rfc3339(s, &ms) != 0)
        return;
    clock_format_rfc3339(ms, text);
    if (ms < 0 || ms >= INT64_C(253402300800000))
        return; /* only the years 1970 to 9999 are written */
    fuzz_check(clock_parse_rfc3339(text, &again) == 0 && again == ms, "%s became %s", s, text);
}

static void an_order(const char *s)
{
    struct order o, back;
    char text[ORDER_TEXT_SIZE];
    if (order_parse(s, &o) == 0) {
        order_format(o, text);
        fuzz_check(strcmp(s, text) == 0, "%s became %s", s, text);
    }
    o = (struct order){.epoch = 1};
    if (order_parse_sequence(s, &o.number) == 0) {
        order_format(o, text);
        fuzz_check(order_parse(text, &back) == 0 && order_cmp(o, back) == 0, "%s became %s", s, text);
    }
}

static void a_mac(const char *s)
{
    char mac[18], again[18];
    if (mac_normalise(s, mac) == 0)
        fuzz_check(mac_normalise(mac, again) == 0 && strcmp(mac, again) == 0 && strlen(mac) == 17, "%s became %s", s, mac);
}

static size_t logged(enum log_format format, struct fuzz_text t, const char *s, char *ret, size_t room)
{
    static int fd = -1;
    if (fd < 0)
        fd = memfd_create("log", MFD_CLOEXEC);
    fuzz_check(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0, "no file");
    struct log_sink *sink = log_sink_new(fd);
    struct log *l = log_new(sink, format, LOG_LEVEL_INFO);
    log_set_context(l, "pool", s);
    if (log_begin(l, LOG_LEVEL_WARN, "fuzzed")) {
        log_str(l, "text", s);
        log_strn(l, "bytes", t.data, t.len);
        log_int(l, "n", 7);
        log_end(l);
    }
    log_free(l);
    log_sink_free(sink);
    ssize_t n = pread(fd, ret, room - 1, 0);
    fuzz_check(n > 0, "nothing was logged");
    ret[n] = '\0';
    return (size_t)n;
}

/* One line, whatever was in it. */
static void a_line(struct fuzz_text t, const char *s)
{
    static char text[1 << 20];
    size_t n = logged(LOG_FORMAT_LOGFMT, t, s, text, sizeof(text));
    fuzz_check(memchr(text, '\n', n) == text + n - 1, "more than one line: %s", text);
    text[n - 1] = '\0';
    fuzz_check(fuzz_is_text(text), "a control character, or what is not UTF-8, in the line");
    n = logged(LOG_FORMAT_JSON, t, s, text, sizeof(text));
    fuzz_check(memchr(text, '\n', n) == text + n - 1, "more than one line: %s", text);
    json_t *v = json_loadb(text, n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    fuzz_check(json_is_object(v), "not JSON: %s", text);
    json_decref(v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 4096)
        return -1;
    struct fuzz_text t = fuzz_input(data, size);
    char *s = fuzz_cstr(t);
    a_time(s);
    an_order(s);
    a_mac(s);
    a_line(t, s);
    free(s);
    return 0;
}
