#include "commands.h"
int cmd_pack_try(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return 1;
}
