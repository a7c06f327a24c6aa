/* commands.h - what `tvbridge` can do: one function a command, argv[0] is the command's own name.
 *
 * Each returns the program's exit status (cli.h): 0 ok, 1 something was refused or failed, 2 usage, 3 not reached. */
#ifndef TVB_PRODUCER_COMMANDS_H
#define TVB_PRODUCER_COMMANDS_H

int cmd_publish(int argc, char **argv);
int cmd_outcomes(int argc, char **argv);
int cmd_topics_create(int argc, char **argv);
int cmd_waiting_list(int argc, char **argv);
int cmd_waiting_release(int argc, char **argv);
int cmd_doubt_list(int argc, char **argv);
int cmd_doubt_resolve(int argc, char **argv);
int cmd_dead_list(int argc, char **argv);
int cmd_dead_show(int argc, char **argv);
int cmd_dead_redrive(int argc, char **argv);
int cmd_dead_drop(int argc, char **argv);
int cmd_approve(int argc, char **argv);
int cmd_pause(int argc, char **argv);
int cmd_resume(int argc, char **argv);
int cmd_rebase(int argc, char **argv);
int cmd_adopt(int argc, char **argv);
int cmd_import_catalog(int argc, char **argv);
int cmd_import_accounts(int argc, char **argv);
int cmd_import_channels(int argc, char **argv);
int cmd_import_devices(int argc, char **argv);
int cmd_billing_list(int argc, char **argv);
int cmd_billing_processed(int argc, char **argv);
int cmd_convert(int argc, char **argv);
int cmd_sync(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_serve_key(int argc, char **argv);
int cmd_pack_check(int argc, char **argv);
int cmd_pack_probe(int argc, char **argv);
int cmd_pack_try(int argc, char **argv);
int cmd_pack_play(int argc, char **argv);

#endif
