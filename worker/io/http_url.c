/* http_url.c - see http_url.h. */
#include "io/http_url.h"

#include <string.h>

#define BASE_BYTES_MAX ((size_t)4096)

/* What libcurl would cut off, fold or refuse in a path or query is not plain. */
static bool is_plain_target(const char *s)
{
    for (char before = '\0'; *s != '\0'; before = *s++)
        if (*s <= ' ' || *s > '~' || *s == '#' || (*s == '.' && before == '/'))
            return false;
    return true;
}

size_t http_url_base(const char *url)
{
    const char *authority = url + strcspn(url, ":/?#\\");
    if (strncmp(authority, "://", 3) != 0)
        return 0;
    const char *target = authority + 3 + strcspn(authority + 3, "/?#\\");
    return *target == '/' && is_plain_target(target) ? (size_t)(target - url) : 0;
}

void http_url_init(struct http_url *u)
{
    u->base = NULL;
    buf_init(&u->text, BASE_BYTES_MAX);
}

static void forget(struct http_url *u)
{
    curl_url_cleanup(u->base);
    u->base = NULL;
    buf_reset(&u->text);
}

void http_url_fini(struct http_url *u)
{
    forget(u);
    buf_fini(&u->text);
}

static int load_whole(struct http_url *u, CURL *easy, const char *url)
{
    int bad = curl_easy_setopt(easy, CURLOPT_CURLU, NULL) | curl_easy_setopt(easy, CURLOPT_REQUEST_TARGET, NULL) |
              curl_easy_setopt(easy, CURLOPT_URL, url);
    forget(u);
    return bad ? -1 : 0;
}

static bool is_same_base(const struct http_url *u, const char *url, size_t n)
{
    return u->base != NULL && u->text.len == n && memcmp(u->text.data, url, n) == 0;
}

/* CURLOPT_URL goes: libcurl keeps the text of the new base in its place. */
static bool take_base(struct http_url *u, CURL *easy, const char *url, size_t n)
{
    forget(u);
    buf_add(&u->text, url, n);
    u->base = buf_ok(&u->text) ? curl_url() : NULL;
    return u->base != NULL && curl_url_set(u->base, CURLUPART_URL, u->text.data, 0) == CURLUE_OK &&
           curl_easy_setopt(easy, CURLOPT_URL, NULL) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CURLU, u->base) == CURLE_OK;
}

int http_url_load(struct http_url *u, CURL *easy, const char *url, bool whole)
{
    size_t n = whole ? 0 : http_url_base(url);
    if (n == 0 || (!is_same_base(u, url, n) && !take_base(u, easy, url, n)))
        return load_whole(u, easy, url);
    return curl_easy_setopt(easy, CURLOPT_REQUEST_TARGET, url + n) ? -1 : 0;
}
