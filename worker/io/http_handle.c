/* http_handle.c - see http_handle.h. */
#include "io/http_handle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum {
    KEEP_BYTES = 64 * 1024,    /* a body buffer that grew past this is given back after the call */
    LINES_BYTES_MAX = 1024 * 1024,
    EXPECT_BYTES = 512 * 1024, /* from 1 MiB on, libcurl would say Expect: 100-continue */
};

/* ---- what libcurl calls ---- */

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
    struct http_call *c = arg;
    (void)size; /* always 1 */
    buf_add(&c->body, data, n);
    if (buf_ok(&c->body))
        return n;
    c->too_large = true;
    return CURL_WRITEFUNC_ERROR;
}

static void forget_headers(struct http_call *c)
{
    buf_reset(&c->head);
    c->header_count = 0;
}

/* @line is "name: value" without its line end. */
static void keep_header(struct http_call *c, const char *line, size_t n)
{
    const char *colon = memchr(line, ':', n);
    if (!colon || c->header_count == HTTP_ANSWER_HEADERS_MAX)
        return;
    const char *value = colon + 1, *end = line + n;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    c->head_at[2 * c->header_count] = c->head.len;
    buf_add(&c->head, line, (size_t)(colon - line));
    buf_addc(&c->head, '\0');
    c->head_at[2 * c->header_count + 1] = c->head.len;
    buf_add(&c->head, value, (size_t)(end - value));
    buf_addc(&c->head, '\0');
    c->header_count++;
}

static size_t on_header(char *data, size_t size, size_t n, void *arg)
{
    struct http_call *c = arg;
    (void)size; /* always 1 */
    c->header_bytes += n;
    if (c->header_bytes > HTTP_ANSWER_HEADER_BYTES)
        return CURL_WRITEFUNC_ERROR;
    size_t len = n;
    while (len > 0 && (data[len - 1] == '\r' || data[len - 1] == '\n' || data[len - 1] == ' '))
        len--;
    if (len >= 5 && memcmp(data, "HTTP/", 5) == 0)
        forget_headers(c); /* a status line: what came before was an interim answer's */
    else if (len > 0)
        keep_header(c, data, len);
    return buf_ok(&c->head) ? n : CURL_WRITEFUNC_ERROR;
}

/* libcurl calls this just before the first byte, and again when it wants to send the request a second time because
 * a reused connection died before the first byte of the answer. That one never passes. */
static int on_prereq(void *arg, char *ip, char *local_ip, int port, int local_port)
{
    struct http_call *c = arg;
    (void)ip, (void)local_ip, (void)port, (void)local_port;
    if (c->transmissions > 0) {
        c->resend_refused = true;
        return CURL_PREREQFUNC_ABORT;
    }
    if (c->may_send && !c->may_send(c->arg)) {
        c->not_allowed = true;
        return CURL_PREREQFUNC_ABORT;
    }
    c->transmissions++;
    return CURL_PREREQFUNC_OK;
}

/* ---- birth and death ---- */

static int set_transport(CURL *e, const struct http_options *o)
{
    int bad = 0;
    bad |= curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    bad |= curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    bad |= curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    bad |= curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    bad |= curl_easy_setopt(e, CURLOPT_NOPROGRESS, 1L);
    bad |= curl_easy_setopt(e, CURLOPT_PROXY, o->proxy ? o->proxy : "");
    bad |= curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)o->connect_ms);
    bad |= curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)o->request_ms);
    bad |= curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, o->tls_verify ? 1L : 0L);
    bad |= curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, o->tls_verify ? 2L : 0L);
    if (o->ca_file)
        bad |= curl_easy_setopt(e, CURLOPT_CAINFO, o->ca_file);
    if (o->max_age_conn_ms > 0)
        bad |= curl_easy_setopt(e, CURLOPT_MAXAGE_CONN,
                                (long)(o->max_age_conn_ms < 1000 ? 1 : o->max_age_conn_ms / 1000));
    return bad ? -1 : 0;
}

static int set_functions(struct http_call *c, const struct http_socket_functions *f)
{
    CURL *e = c->easy;
    int bad = 0;
    bad |= curl_easy_setopt(e, CURLOPT_PRIVATE, (char *)c);
    bad |= curl_easy_setopt(e, CURLOPT_ERRORBUFFER, c->error);
    bad |= curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
    bad |= curl_easy_setopt(e, CURLOPT_WRITEDATA, c);
    bad |= curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
    bad |= curl_easy_setopt(e, CURLOPT_HEADERDATA, c);
    bad |= curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_prereq);
    bad |= curl_easy_setopt(e, CURLOPT_PREREQDATA, c);
    bad |= curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, f->opened);
    bad |= curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, f->arg);
    bad |= curl_easy_setopt(e, CURLOPT_CLOSESOCKETFUNCTION, f->closed);
    bad |= curl_easy_setopt(e, CURLOPT_CLOSESOCKETDATA, f->arg);
    return bad ? -1 : 0;
}

struct http_call *http_handle_new(const struct http_options *o, const struct http_socket_functions *f)
{
    struct http_call *c = calloc(1, sizeof(*c));
    if (!c)
        return NULL;
    buf_init(&c->lines, LINES_BYTES_MAX);
    buf_init(&c->body, o->answer_max_bytes);
    buf_init(&c->head, 2 * HTTP_ANSWER_HEADER_BYTES);
    http_url_init(&c->url);
    c->proxied = o->proxy != NULL;
    c->user_agent = o->user_agent;
    c->easy = curl_easy_init();
    if (!c->easy || set_transport(c->easy, o) || set_functions(c, f)) {
        http_handle_free(c);
        return NULL;
    }
    return c;
}

void http_handle_free(struct http_call *c)
{
    if (!c)
        return;
    curl_easy_cleanup(c->easy);
    http_url_fini(&c->url);
    buf_fini(&c->lines);
    buf_fini(&c->body);
    buf_fini(&c->head);
    free(c);
}

/* ---- a call's request ---- */

static void set_method(CURL *e, const struct call_request *r)
{
    bool get = strcmp(r->method, "GET") == 0, head = strcmp(r->method, "HEAD") == 0;
    bool post = strcmp(r->method, "POST") == 0;
    bool with_body = r->body || post || strcmp(r->method, "PUT") == 0 || strcmp(r->method, "PATCH") == 0;
    if (with_body) {
        curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)(r->body ? r->body_len : 0));
        curl_easy_setopt(e, CURLOPT_POSTFIELDS, r->body ? r->body : "");
        curl_easy_setopt(e, CURLOPT_POST, 1L);
    } else {
        curl_easy_setopt(e, CURLOPT_HTTPGET, 1L);
    }
    curl_easy_setopt(e, CURLOPT_NOBODY, head && !with_body ? 1L : 0L);
    bool natural = with_body ? post : (get || head);
    curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, natural ? NULL : r->method);
}

static bool has_header(const struct call_request *r, const char *name)
{
    for (size_t i = 0; i < r->header_count; i++)
        if (strcasecmp(r->headers[i].name, name) == 0)
            return true;
    return false;
}

static void add_line(struct http_call *c, size_t *at, const char *name, const char *sep, const char *value)
{
    *at = c->lines.len;
    buf_adds(&c->lines, name);
    buf_adds(&c->lines, sep);
    buf_add(&c->lines, value, strlen(value) + 1);
}

/* What libcurl would say by itself, which it copies in one piece. */
static bool is_default(const struct call_request *r, const struct call_header *h)
{
    return r->body && strcasecmp(h->name, "Content-Type") == 0 &&
           strcmp(h->value, "application/x-www-form-urlencoded") == 0;
}

/* The lines are written first and the list is laid over them after: the buffer may move while it grows.
 * A name and a colon alone leave out what libcurl would add. libcurl prints each header character by character, and
 * its own twice: a User-Agent in the list and no Accept cost less than its options do. */
static int set_headers(struct http_call *c)
{
    const struct call_request *r = c->req;
    size_t at[CALL_HEADERS_MAX + HTTP_EXTRA_HEADERS], n = 0;
    buf_reset(&c->lines);
    for (size_t i = 0; i < r->header_count; i++) { /* a semicolon is libcurl's way to send an empty one */
        const struct call_header *h = &r->headers[i];
        if (!is_default(r, h))
            add_line(c, &at[n++], h->name, h->value[0] ? ": " : ";", h->value);
    }
    if (c->user_agent && !has_header(r, "User-Agent"))
        add_line(c, &at[n++], "User-Agent", ": ", c->user_agent);
    if (!has_header(r, "Accept"))
        add_line(c, &at[n++], "Accept", ":", "");
    if (r->body && r->body_len >= EXPECT_BYTES)
        add_line(c, &at[n++], "Expect", ":", "");
    if (r->body && !has_header(r, "Content-Type"))
        add_line(c, &at[n++], "Content-Type", ":", "");
    if (!buf_ok(&c->lines))
        return -1;
    for (size_t i = 0; i < n; i++)
        c->nodes[i] = (struct curl_slist){c->lines.data + at[i], i + 1 < n ? &c->nodes[i + 1] : NULL};
    return curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, n ? &c->nodes[0] : NULL) ? -1 : 0;
}

int http_handle_load(struct http_call *c)
{
    if (c->req->header_count > CALL_HEADERS_MAX)
        return -1;
    set_method(c->easy, c->req);
    /* `never`: no connection that the other side may have closed already */
    curl_easy_setopt(c->easy, CURLOPT_FRESH_CONNECT, c->req->repeat == CALL_NEVER ? 1L : 0L);
    return http_url_load(&c->url, c->easy, c->req->url, c->proxied) == 0 ? set_headers(c) : -1;
}

/* ---- a call's reply ---- */

int64_t http_handle_sent(const struct http_call *c)
{
    long n = 0;
    curl_easy_getinfo(c->easy, CURLINFO_REQUEST_SIZE, &n);
    return n;
}

static enum call_result result_of(const struct http_call *c, CURLcode code, int64_t sent)
{
    if (c->too_large)
        return CALL_TOO_LARGE;
    if (code == CURLE_OK)
        return CALL_OK;
    if (code == CURLE_OPERATION_TIMEDOUT)
        return CALL_TIMED_OUT;
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return CALL_ABORTED;
    if (sent == 0 && (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL))
        return CALL_INVALID;
    if (sent == 0)
        return CALL_NO_CONNECTION; /* 5, 6, 7, TLS: whatever it was, nothing left */
    if (code == CURLE_COULDNT_RESOLVE_PROXY || code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_CONNECT)
        return CALL_NO_CONNECTION; /* of a second transmission: the first one left */
    return CALL_CUT;
}

/* libcurl's words for the code, never those of its error buffer for an answer: they may quote the peer. */
static void describe(const struct http_call *c, CURLcode code, enum call_result result, struct call_reply *ret)
{
    const char *text = curl_easy_strerror(code);
    if (c->resend_refused)
        text = "the connection died before an answer and the request was not sent again";
    else if (result == CALL_TOO_LARGE)
        text = "the answer is larger than the limit";
    else if (result == CALL_NO_CONNECTION && c->error[0])
        text = c->error;
    snprintf(ret->error, sizeof(ret->error), "%s", result == CALL_OK ? "" : text);
}

static int64_t retry_after_ms(const char *value)
{
    if (value[0] >= '0' && value[0] <= '9') { /* RFC 9110 section 10.2.3: delay-seconds, or HTTP-date */
        char *end;
        long long s = strtoll(value, &end, 10);
        if (*end)
            return -1;
        return s > 1000000 ? 1000000000 : (int64_t)s * 1000;
    }
    time_t at = curl_getdate(value, NULL), now = time(NULL);
    if (at == -1)
        return -1;
    return at > now ? (int64_t)(at - now) * 1000 : 0;
}

static void read_headers(struct http_call *c, struct call_reply *ret)
{
    ret->content_type = "";
    ret->retry_after_ms = -1;
    for (size_t i = 0; i < c->header_count; i++) {
        const char *name = c->head.data + c->head_at[2 * i], *value = c->head.data + c->head_at[2 * i + 1];
        c->headers[i] = (struct call_header){name, value};
        if (strcasecmp(name, "Content-Type") == 0)
            ret->content_type = value;
        else if (strcasecmp(name, "Retry-After") == 0)
            ret->retry_after_ms = retry_after_ms(value);
    }
    ret->headers = c->headers;
    ret->header_count = c->header_count;
}

void http_handle_read(struct http_call *c, CURLcode code, struct call_reply *ret)
{
    memset(ret, 0, sizeof(*ret));
    long status = 0;
    curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
    ret->request_bytes = c->aborted ? c->aborted_bytes : http_handle_sent(c);
    ret->result = result_of(c, code, ret->request_bytes);
    ret->resend_refused = c->resend_refused;
    ret->not_allowed = c->not_allowed;
    ret->status = (int)status;
    ret->body = buf_cstr(&c->body);
    ret->body_len = buf_ok(&c->body) ? c->body.len : 0;
    describe(c, code, ret->result, ret);
    read_headers(c, ret);
}

void http_handle_reset(struct http_call *c)
{
    c->req = NULL;
    c->transmissions = 0;
    c->resend_refused = c->not_allowed = c->too_large = c->aborted = false;
    c->aborted_bytes = 0;
    c->header_bytes = 0;
    forget_headers(c);
    if (c->body.cap > KEEP_BYTES) {
        size_t max = c->body.max;
        buf_fini(&c->body);
        buf_init(&c->body, max);
    }
    buf_reset(&c->body);
}
