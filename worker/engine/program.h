/* program.h - the worker program: settings, pools, signals, admin server. */
#ifndef TVB_ENGINE_PROGRAM_H
#define TVB_ENGINE_PROGRAM_H

#include <stdio.h>

/* Prints whether it would start with these settings, and what it would do. Returns the exit status. */
int program_check(const char *settings_path);
/* Works until a signal ends it. Returns the exit status. */
int program_run(const char *settings_path);
void program_print_version(FILE *to, const char *version);

#endif
