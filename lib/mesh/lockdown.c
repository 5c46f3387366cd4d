#include "lib/mesh/lockdown.h"

#include <sys/prctl.h>
#include <sys/resource.h>

void ink_mesh_no_new_privileges(void)
{
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L);
}

/* The limit alone would do for a core file, but a machine that hands cores to a program (a pipe in
 * core_pattern, such as systemd-coredump) does not look at it. */
void ink_mesh_set_dumpable(bool dumpable)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_CORE, &limit) == 0) {
        limit.rlim_cur = dumpable ? limit.rlim_max : 0;
        (void)setrlimit(RLIMIT_CORE, &limit);
    }
    (void)prctl(PR_SET_DUMPABLE, dumpable ? 1L : 0L, 0L, 0L, 0L);
}
