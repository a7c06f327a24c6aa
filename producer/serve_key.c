/* serve_key.c - `tvbridge serve key`: a key for a caller of the gateway, shown once, and what the settings say of it. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "cli.h"
#include "commands.h"
#include "serve_keys.h"

struct key_cli {
    const char *name;
    struct cli_list providers, may;
    bool json;
};

static const struct cli_option options[] = {
    {"name", 'n', CLI_TEXT, "TEXT", offsetof(struct key_cli, name), "what logs and metrics call its holder, e.g. billing"},
    {"provider", 'p', CLI_LIST, "NAME", offsetof(struct key_cli, providers), "a provider that it is for; again for more"},
    {"may", 0, CLI_LIST, "WORD", offsetof(struct key_cli, may), "publish (unless said) or entitlement; again for both"},
    {"json", 0, CLI_FLAG, NULL, offsetof(struct key_cli, json), "as one JSON object"},
};

static const struct cli_command command = {
    .name = "serve key",
    .operands = "",
    .about = "Makes a key from 32 random bytes, shows it once, and writes what stands of it in the settings, under\n"
             "serve.keys: a digest that the key cannot be found from. Nothing is kept anywhere.",
    .examples = "  tvbridge serve key --name billing --provider stalker\n"
                "  tvbridge serve key --name neotv --provider neotv --may entitlement --json\n",
};

static enum cli_status check(const struct key_cli *cli)
{
    if (cli->name == NULL || cli->name[0] == '\0' || strlen(cli->name) > 64 ||
        strspn(cli->name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") != strlen(cli->name))
        return cli_usage(&command, "say whose with --name: letters, digits, . _ -, at most 64");
    if (cli->providers.n == 0)
        return cli_usage(&command, "say for which platform with --provider");
    for (size_t i = 0; i < cli->may.n; i++)
        if (strcmp(cli->may.item[i], "publish") != 0 && strcmp(cli->may.item[i], "entitlement") != 0)
            return cli_usage(&command, "--may wants publish or entitlement, not \"%s\"", cli->may.item[i]);
    return CLI_RUN;
}

static json_t *words(const struct cli_list *l)
{
    json_t *list = json_array();
    for (size_t i = 0; i < l->n; i++)
        json_array_append_new(list, json_string(l->item[i]));
    return list;
}

static void print_list(const struct cli_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        printf("%s%s", i > 0 ? ", " : "", l->item[i]);
}

static void print_text(const struct key_cli *cli, const char *key, const char *sha256)
{
    printf("the key, shown this once: %s\n\nin the settings, under serve.keys:\n\n"
           "    - name: %s\n      sha256: \"%s\"\n      may: [", key, cli->name, sha256);
    print_list(&cli->may);
    printf("]\n      providers: [");
    print_list(&cli->providers);
    printf("]\n      # rate_per_s: 100   # and burst: no limit when absent\n");
}

static void print_json(const struct key_cli *cli, const char *key, const char *sha256)
{
    json_t *o = json_pack("{ss s{ss ss so so}}", "key", key, "settings", "name", cli->name, "sha256", sha256, "may",
                          words(&cli->may), "providers", words(&cli->providers));
    json_dumpf(o, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(o);
}

int cmd_serve_key(int argc, char **argv)
{
    char key[SERVE_KEY_SIZE], sha256[2 * HASH_SHA256_SIZE + 1];
    struct key_cli cli = {0};
    struct err error = {0};
    int operand = 0;
    const struct cli_group groups[] = {{"Options", options, ARRAY_LEN(options), &cli}};
    enum cli_status status = cli_parse(&command, groups, ARRAY_LEN(groups), argc, argv, &operand);
    if (status == CLI_RUN)
        status = check(&cli);
    if (status != CLI_RUN)
        return status;
    if (cli.may.n == 0)
        cli.may.item[cli.may.n++] = "publish";
    if (serve_key_make(key, sha256, &error) != 0)
        return cli_fail(&command, CLI_REFUSED, "%s", error.msg);
    if (cli.json)
        print_json(&cli, key, sha256);
    else
        print_text(&cli, key, sha256);
    return CLI_OK;
}
