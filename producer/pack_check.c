#include "commands.h"
int cmd_pack_check(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return 1;
}
