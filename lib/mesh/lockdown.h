/*
 * What a process gives up at its start, because it holds secrets and strangers talk to it. Linux,
 * see prctl(2). Neither fails: a kernel that lacks one of these has the others.
 */
#pragma once

#include <stdbool.h>

/* For good: what this process executes has no more privileges than it has (no_new_privs). */
void ink_mesh_no_new_privileges(void);

/* Whether the memory of this process may be looked at by others: in a core dump, whatever the
 * machine does with these, and by processes of the same user (ptrace(2), /proc/PID/mem, environ,
 * fd). Root still may. `true` gives core dumps as large as the hard limit lets them be. */
void ink_mesh_set_dumpable(bool dumpable);
