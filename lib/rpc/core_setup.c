#define _GNU_SOURCE
#include "lib/rpc/core_setup.h"

#include <dlfcn.h>
#include <grpc/support/log.h>
#include <stddef.h>

/* Debian builds Abseil so that each of its mutexes, which the core locks many times a call, is
 * looked up in one graph of all threads, to find deadlocks: a help to those who write the core. The
 * function that turns it off is C++ and has its release in its name; where there is none of this
 * name, nothing is lost but time. */
#define SET_DEADLOCK_DETECTION                                                                     \
    "_ZN4absl7debian329SetMutexDeadlockDetectionModeENS0_15OnDeadlockCycleE"
#define IGNORE 0

static ink_rpc_core_log_fn *core_sink;

static void pass_on(gpr_log_func_args *args)
{
    core_sink(args->severity == GPR_LOG_SEVERITY_ERROR, args->message);
}

static void stop_looking_for_deadlocks(void)
{
    void (*set_mode)(int) = NULL;
    *(void **)&set_mode = dlsym(RTLD_DEFAULT, SET_DEADLOCK_DETECTION); /* as POSIX has it */
    if (set_mode != NULL)
        set_mode(IGNORE);
}

void ink_rpc_core_setup(ink_rpc_core_log_fn *sink)
{
    core_sink = sink;
    gpr_set_log_function(pass_on);
    stop_looking_for_deadlocks();
}
