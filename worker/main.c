/* main.c - tvbridge-worker: a list of calls. */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "engine/program.h"

static const char usage[] =
    "Usage: tvbridge-worker --settings FILE [--check]\n"
    "\n"
    "Takes the events of each configured TV platform from Kafka, makes the platform's calls, in order for\n"
    "each service, and publishes what came of them.\n"
    "\n"
    "  -s, --settings FILE  the settings (YAML); deploy/settings.example.yaml explains each\n"
    "      --check          say whether it would start and what it would do, and end\n"
    "  -h, --help           this text\n"
    "  -V, --version        version, and those of the libraries\n"
    "\n"
    "Signals: TERM or INT finishes what is in flight, commits and ends (a second one ends at once);\n"
    "HUP reads the packs and limits again.\n"
    "Exit status: 0 ended as asked, 1 could not start or go on, 2 wrong usage.\n";

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"settings", required_argument, NULL, 's'},
        {"check", no_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {0},
    };
    const char *settings = NULL;
    bool check = false;
    for (int c; (c = getopt_long(argc, argv, "s:hV", options, NULL)) != -1;) {
        switch (c) {
        case 's':
            settings = optarg;
            break;
        case 'c':
            check = true;
            break;
        case 'h':
            fputs(usage, stdout);
            return 0;
        case 'V':
            program_print_version(stdout, TVB_VERSION);
            return 0;
        default:
            fputs("tvbridge-worker: `tvbridge-worker --help` lists the options\n", stderr);
            return 2;
        }
    }
    if (settings == NULL || optind != argc) {
        fputs(settings == NULL ? "tvbridge-worker: --settings FILE is needed (--help says more)\n"
                               : "tvbridge-worker: no arguments are taken beside the options (--help says more)\n",
              stderr);
        return 2;
    }
    return check ? program_check(settings) : program_run(settings);
}
