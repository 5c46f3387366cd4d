/* The handlers of notes.proto. */
#include "tests/integration/scratch/handlers.h"
#include "notes.pb-c.h"

static struct ink_status get_note(void *self, struct ink_ctx *ctx,
                                  const Notes__V1__GetNoteRequest *request, Notes__V1__Note *reply)
{
    (void)self;
    reply->id = request->id;
    reply->text = ink_arena_printf(ctx->arena, "note %s", request->id);
    return ink_ok();
}
INK_RPC_UNARY(get_note, Notes__V1__GetNoteRequest, Notes__V1__Note)

static struct ink_status label_note(void *self, struct ink_ctx *ctx,
                                    const Notes__V1__LabelNoteRequest *request,
                                    Notes__V1__LabelNoteReply *reply)
{
    (void)self;
    reply->id = request->id;
    reply->label_id = request->label->word;
    reply->author_id = ink_arena_strdup(ctx->arena, ctx->caller.id);
    reply->copies = request->copies;
    return ink_ok();
}
INK_RPC_UNARY(label_note, Notes__V1__LabelNoteRequest, Notes__V1__LabelNoteReply)

const struct ink_rpc_handler notes_handlers[] = {
    {.method = "GetNote", .unary = get_note_rpc},
    {.method = "LabelNote", .unary = label_note_rpc},
    {0},
};
