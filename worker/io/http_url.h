/* http_url.h - where a call goes, told to libcurl in the way that costs it least.
 *
 * libcurl parses CURLOPT_URL at each call and prints it again character by character. The calls of a provider share scheme
 * and authority, so these are parsed once a handle (CURLOPT_CURLU) and the rest is the request's target
 * (CURLOPT_REQUEST_TARGET), which libcurl copies as it is. A URL that needs more than copying goes the usual way. */
#ifndef TVB_IO_HTTP_URL_H
#define TVB_IO_HTTP_URL_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct http_url {
    CURLU *base;     /* scheme and authority of the last call; NULL: none, or it went the usual way */
    struct buf text; /* the same as text */
};

void http_url_init(struct http_url *u);
void http_url_fini(struct http_url *u); /* after the handle that it was loaded into */
/* @whole: always the usual way, since an HTTP proxy wants the whole URL. -1: libcurl has no memory. */
int http_url_load(struct http_url *u, CURL *easy, const char *url, bool whole);

/* Length of scheme and authority when all behind it can be sent as it is: it begins with '/', and has neither a fragment nor
 * dot segments nor anything but visible ASCII. 0: the usual way. */
size_t http_url_base(const char *url);

#endif
