/* main.c - `tvbridge COMMAND`: finds the command and hands over. */
#include <curl/curl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "commands.h"
#include "kafka_client.h"
#include "serve_http.h"

struct command {
    const char *words[2]; /* "topics", "create"; the second is NULL for a command of one word */
    int (*run)(int argc, char **argv);
    const char *about;
};

static const struct command commands[] = {
    {{"publish", NULL}, cmd_publish, "send events to Kafka, checked before the first one leaves"},
    {{"serve", "key"}, cmd_serve_key, "make a key for a caller of the gateway"},
    {{"serve", NULL}, cmd_serve, "the HTTP gateway: events in, entitlement for platforms that ask"},
    {{"outcomes", NULL}, cmd_outcomes, "what came of the events: show, follow, or post to a web hook"},
    {{"explain", NULL}, cmd_explain, "why a service is as it is, and what it waits for"},
    {{"waiting", "list"}, cmd_waiting_list, "the events that are set aside, and for what"},
    {{"waiting", "release"}, cmd_waiting_release, "release some of them now"},
    {{"doubt", "list"}, cmd_doubt_list, "the events that were maybe done"},
    {{"doubt", "resolve"}, cmd_doubt_resolve, "say whether they were"},
    {{"dead", "list"}, cmd_dead_list, "the dead events and letters"},
    {{"dead", "show"}, cmd_dead_show, "one of them whole"},
    {{"dead", "redrive"}, cmd_dead_redrive, "try them again"},
    {{"dead", "drop"}, cmd_dead_drop, "close them"},
    {{"approve", NULL}, cmd_approve, "let cuts go that the guard holds"},
    {{"pause", NULL}, cmd_pause, "no new calls to a platform"},
    {{"resume", NULL}, cmd_resume, "calls to it go on"},
    {{"rebase", NULL}, cmd_rebase, "order a service's events by sequence, or by offset, from now on"},
    {{"adopt", NULL}, cmd_adopt, "make the accounts that a platform has already into records"},
    {{"sync", NULL}, cmd_sync, "what billing wants against what the platform has: preview, then apply"},
    {{"convert", NULL}, cmd_convert, "give accounts the ids of services in place of those of clients"},
    {{"import", "catalog"}, cmd_import_catalog, "a platform's plans and packages, for billing's tariffs"},
    {{"import", "accounts"}, cmd_import_accounts, "its accounts, and which of them no service has yet"},
    {{"import", "channels"}, cmd_import_channels, "its channels"},
    {{"import", "devices"}, cmd_import_devices, "a list of set-top boxes, as events device.added"},
    {{"billing", "list"}, cmd_billing_list, "what packages with a price come to for a due day, and what is processed"},
    {{"billing", "processed"}, cmd_billing_processed, "say that it was billed: once for each service and day"},
    {{"topics", "create"}, cmd_topics_create, "make the topics, or say how they differ"},
    {{"pack", "check"}, cmd_pack_check, "load packs and name each fault"},
    {{"pack", "probe"}, cmd_pack_probe, "ask a live platform, and say how it differs from its pack; changes nothing"},
    {{"pack", "try"}, cmd_pack_try, "show the requests that an event would cause, and send none"},
    {{"pack", "play"}, cmd_pack_play, "send them to a platform, without Kafka and the worker"},
};

static bool begins(const struct command *c, const char *first)
{
    return strcmp(c->words[0], first) == 0;
}

static bool asks_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static void list_command(FILE *out, const struct command *c)
{
    const char *second = c->words[1];
    char name[40];
    snprintf(name, sizeof(name), "%s%s%s", c->words[0], second != NULL ? " " : "", second != NULL ? second : "");
    fprintf(out, "  %-18s %s\n", name, c->about);
}

/* How many commands of two words begin with @first. */
static size_t group_size(const char *first)
{
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        n += commands[i].words[1] != NULL && begins(&commands[i], first);
    return n;
}

static void list_group(FILE *out, const char *first)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (commands[i].words[1] != NULL && begins(&commands[i], first))
            list_command(out, &commands[i]);
}

static void help(FILE *out)
{
    fputs("Usage: tvbridge COMMAND [OPTION]...\n\n"
          "tvbridge keeps every TV platform in step with billing: this is the side that billing, operators and\n"
          "authors of packs use. The worker that makes the calls is tvbridge-worker.\n\nCommands:\n", out);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        list_command(out, &commands[i]);
    fputs("\nOptions:\n  -h, --help       this text; `tvbridge COMMAND --help` has options and examples\n"
          "      --version    the version, and those of the libraries\n\n"
          "Exit status: 0 done, 1 something was refused or failed, 2 wrong usage, 3 not reached.\n", out);
}

static void version(void)
{
    printf("tvbridge %s\nlibrdkafka %s\nlibcurl %s\njansson %s\nlibmicrohttpd %s\n", TVB_VERSION, rd_kafka_version_str(),
           curl_version_info(CURLVERSION_NOW)->version, jansson_version_str(), serve_http_version());
}

/* A word that begins commands and is none itself: @second is no command with it, or NULL. */
static int group(const char *first, const char *second)
{
    bool help_wanted = second != NULL && asks_help(second);
    FILE *out = help_wanted ? stdout : stderr;
    if (help_wanted)
        printf("Usage: tvbridge %s COMMAND [OPTION]...\n\n", first);
    else if (second == NULL)
        fprintf(stderr, "tvbridge %s: what of it?\n", first);
    else
        fprintf(stderr, "tvbridge: there is no command \"%s %s\"\n", first, second);
    fputs("Commands:\n", out);
    list_group(out, first);
    fprintf(out, "\n`tvbridge %s COMMAND --help` has options and examples.\n", first);
    return help_wanted ? CLI_OK : CLI_USAGE;
}

static int unknown(const char *first)
{
    fprintf(stderr, "tvbridge: there is no command \"%s\"\nTry: tvbridge --help\n", first);
    return CLI_USAGE;
}

/* The help of a command names those that begin as it does: "serve" has "serve key". */
static int run(const struct command *c, int argc, char **argv)
{
    int status = c->run(argc, argv);
    if (c->words[1] == NULL && argc == 2 && asks_help(argv[1]) && group_size(c->words[0]) > 0) {
        fputs("\nSee also:\n", stdout);
        list_group(stdout, c->words[0]);
    }
    return status;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        help(stderr);
        return CLI_USAGE;
    }
    if (asks_help(argv[1]) || strcmp(argv[1], "help") == 0) {
        help(stdout);
        return CLI_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        version();
        return CLI_OK;
    }
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        const struct command *c = &commands[i];
        int words = c->words[1] != NULL ? 2 : 1;
        if (begins(c, argv[1]) && (words == 1 || (argc > 2 && strcmp(argv[2], c->words[1]) == 0)))
            return run(c, argc - words, argv + words);
    }
    return group_size(argv[1]) > 0 ? group(argv[1], argc > 2 ? argv[2] : NULL) : unknown(argv[1]);
}
