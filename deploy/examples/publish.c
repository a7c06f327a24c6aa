/* publish.c - sends one event to `tvbridge serve`, and ends when Kafka has it: cc publish.c -o publish -lcurl
 *
 * usage: TVBRIDGE_KEY=... publish EVENT-ID PROVIDER SERVICE TYPE [DATA]
 * The id is billing's own, e.g. of the row that says what happened: the same one again is applied once. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The status, 0 without an answer; and how many seconds to wait before the same event is sent again. */
static long post(CURL *curl, curl_off_t *ret_wait_s)
{
    long status = 0;
    if (curl_easy_perform(curl) == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, ret_wait_s);
    return status;
}

int main(int argc, char **argv)
{
    char event[8192], url[512], header[256];
    const char *at = getenv("TVBRIDGE_URL"), *key = getenv("TVBRIDGE_KEY");
    if (argc < 5 || key == NULL)
        return 2;
    /* None of these holds a quote or a backslash: a real program takes a JSON library. */
    snprintf(event, sizeof(event), "{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"/billing/c\",\"type\":\"tvbridge.%s\",\"subject\":\"%s\","
             "\"provider\":\"%s\",\"data\":%s}", argv[1], argv[4], argv[3], argv[2], argc > 5 ? argv[5] : "{}");
    snprintf(url, sizeof(url), "%s/v1/events", at != NULL ? at : "http://127.0.0.1:9465");
    snprintf(header, sizeof(header), "Authorization: Bearer %s", key);

    CURL *curl = curl_easy_init();
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/cloudevents+json");
    headers = curl_slist_append(headers, header);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, event);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 30L);

    long status = 0;
    for (int i = 0; i < 8; i++) {
        curl_off_t wait_s = 0;
        status = post(curl, &wait_s); /* what it answers is written to stdout */
        if (status != 0 && status != 429 && status != 503)
            break;
        sleep(wait_s > 0 ? (unsigned)wait_s : 2);
    }
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return status == 202 ? 0 : 1;
}
