#include "commands.h"
int cmd_outcomes(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return 1;
}
