/* proc_name.h - what a process is called in a trace: "w<slot>.<life>". */
#ifndef TVB_SIM_PROC_NAME_H
#define TVB_SIM_PROC_NAME_H

#include <stddef.h>

struct proc;
void proc_name(const struct proc *p, char *ret, size_t size);

#endif
