/* The short way of a URL into libcurl: what http_url_base() splits is what libcurl's own parser would have sent. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/http_url.h"

static char *part_of(CURLU *u, CURLUPart what)
{
    char *s = NULL;
    return curl_url_get(u, what, &s, 0) == CURLUE_OK ? s : NULL;
}

static void same_part(CURLU *whole, CURLU *base, CURLUPart what, const char *name)
{
    char *a = part_of(whole, what), *b = part_of(base, what);
    fuzz_check((a == NULL) == (b == NULL) && (a == NULL || strcmp(a, b) == 0), "another %s: %s, not %s", name,
               b != NULL ? b : "none", a != NULL ? a : "none");
    curl_free(a);
    curl_free(b);
}

static void same_target(CURLU *whole, const char *target)
{
    char *path = part_of(whole, CURLUPART_PATH), *query = part_of(whole, CURLUPART_QUERY), want[8192];
    snprintf(want, sizeof(want), "%s%s%s", path != NULL ? path : "", query != NULL ? "?" : "", query != NULL ? query : "");
    size_t n = strlen(want);
    bool empty_query = target[0] != '\0' && target[strlen(target) - 1] == '?' && strncmp(want, target, n) == 0 &&
                       strlen(target) == n + 1; /* libcurl tells an empty query as none */
    fuzz_check(strcmp(want, target) == 0 || empty_query, "the target is %s, libcurl's is %s", target, want);
    curl_free(path);
    curl_free(query);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct http_url kept;
    static CURL *easy;
    if (easy == NULL) {
        easy = curl_easy_init();
        http_url_init(&kept);
    }
    if (size > 4096)
        return -1;
    char *url = fuzz_cstr(fuzz_input(data, size));
    size_t n = http_url_base(url);
    fuzz_check(n <= strlen(url), "longer than the URL");
    CURLU *whole = curl_url(), *base = curl_url();
    char *base_text = fuzz_cstr((struct fuzz_text){url, n});
    if (n > 0 && curl_url_set(base, CURLUPART_URL, base_text, 0) == CURLUE_OK) {
        fuzz_check(curl_url_set(whole, CURLUPART_URL, url, 0) == CURLUE_OK, "libcurl refuses what would be sent: %s", url);
        same_part(whole, base, CURLUPART_SCHEME, "scheme");
        same_part(whole, base, CURLUPART_USER, "user");
        same_part(whole, base, CURLUPART_PASSWORD, "password");
        same_part(whole, base, CURLUPART_HOST, "host");
        same_part(whole, base, CURLUPART_PORT, "port");
        same_target(whole, url + n);
    }
    fuzz_check(http_url_load(&kept, easy, url, false) == 0, "not loaded");
    curl_url_cleanup(whole);
    curl_url_cleanup(base);
    free(base_text);
    free(url);
    return 0;
}
