#include "lib/rpc/core_log.h"

#include <grpc/support/log.h>
#include <stddef.h>

static ink_rpc_core_log_fn *core_sink;

static void pass_on(gpr_log_func_args *args)
{
    core_sink(args->severity == GPR_LOG_SEVERITY_ERROR, args->message);
}

void ink_rpc_core_log(ink_rpc_core_log_fn *sink)
{
    core_sink = sink;
    gpr_set_log_function(pass_on);
}
