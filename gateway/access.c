/*
 * The cheap refusal: a request without the credentials that its method demands does not reach a
 * service. The services check again; theirs is the boundary that counts.
 */
#include "gateway/exchange.h"

static bool may_call(Inkmesh__Options__V1__Access access, enum ink_caller_kind kind)
{
    switch (access) {
    case INKMESH__OPTIONS__V1__ACCESS__ACCESS_ANYONE:
        return true;
    case INKMESH__OPTIONS__V1__ACCESS__ACCESS_USER:
        return kind == INK_CALLER_USER;
    case INKMESH__OPTIONS__V1__ACCESS__ACCESS_SERVICE:
        return kind == INK_CALLER_SERVICE;
    case INKMESH__OPTIONS__V1__ACCESS__ACCESS_USER_OR_SERVICE:
        return kind == INK_CALLER_USER || kind == INK_CALLER_SERVICE;
    default:
        return false;
    }
}

struct ink_status gateway_check_access(struct gateway_exchange *x)
{
    if (x->made->access == INKMESH__OPTIONS__V1__ACCESS__ACCESS_ANYONE)
        return ink_ok();
    const char *authorization = ink_http_header(x->http, "Authorization");
    struct ink_status status =
        ink_auth_verify(x->edge->options.auth, x->ctx.arena, authorization, &x->ctx.caller);
    if (!ink_is_ok(status))
        return status;
    if (!may_call(x->made->access, x->ctx.caller.kind))
        return ink_error(INK_PERMISSION_DENIED, "this method is not for this kind of caller");
    x->ctx.authorization = authorization;
    return ink_ok();
}
