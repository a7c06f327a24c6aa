/* play_inputs.h - what a pack's workflow is played with, from the command line: the event and what is known of its service. */
#ifndef TVB_PRODUCER_PLAY_INPUTS_H
#define TVB_PRODUCER_PLAY_INPUTS_H

#include <jansson.h>

#include "base/err.h"
#include "cli.h"

struct play_options {
    const char *data, *record, *settings, *event, *subject, *base_url;
};
/* --data, --record, --settings, --event, --subject, --base-url. */
struct cli_group play_option_group(struct play_options *into);

/* All owned; NULL where the option was not given. */
struct play_inputs {
    json_t *data, *record, *settings;
    json_t *event; /* always */
};
/* @type: with or without prefix; @id and @time: of the event, unless --event has others. */
int play_inputs_read(const struct play_options *o, const char *type, const char *id, const char *time, struct play_inputs *ret,
                     struct err *reterr);
void play_inputs_fini(struct play_inputs *p);

/* A JSON object from an option's argument, which is its text or @FILE. *ret stays NULL when @text is. */
int play_json_read(const char *option, const char *text, json_t **ret, struct err *reterr);
/* cli_parse() of a command whose operands are a pack's folder and a type, which is given back without its prefix. */
enum cli_status play_parse(const struct cli_command *c, const struct cli_group *groups, size_t n, int argc, char **argv,
                           const char **ret_dir, const char **ret_type);

#endif
