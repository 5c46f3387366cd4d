#include "lib/db/plan.h"

#include <string.h>

static struct ink_status check_own(struct ink_arena *arena,
                                   const struct ink_db_migrations *migrations)
{
    for (size_t i = 0; i < migrations->count; i++) {
        if (migrations->items[i].number != (int)i + 1)
            return ink_errorf(arena, INK_FAILED_PRECONDITION, "migration %s should have number %zu",
                              migrations->items[i].name, i + 1);
    }
    return ink_ok();
}

static struct ink_status compare(struct ink_arena *arena, const struct ink_db_migration *own,
                                 const struct ink_db_applied *applied)
{
    if (strcmp(own->name, applied->name) != 0)
        return ink_errorf(arena, INK_FAILED_PRECONDITION,
                          "migration %s was applied under the name %s", own->name, applied->name);
    if (strcmp(own->sha256, applied->sha256) != 0)
        return ink_errorf(arena, INK_FAILED_PRECONDITION,
                          "migration %s was changed after it had been applied", own->name);
    return ink_ok();
}

struct ink_status ink_db_plan(struct ink_arena *arena, const struct ink_db_migrations *migrations,
                              const struct ink_db_applied *applied, size_t applied_count,
                              size_t *ret_first)
{
    struct ink_status status = check_own(arena, migrations);
    for (size_t i = 0; ink_is_ok(status) && i < applied_count; i++) {
        if (applied[i].number != (int)i + 1)
            status = ink_errorf(arena, INK_FAILED_PRECONDITION,
                                "schema_migrations has no migration %zu but has %s", i + 1,
                                applied[i].name);
        else if (i < migrations->count)
            status = compare(arena, &migrations->items[i], &applied[i]);
    }
    if (ink_is_ok(status))
        *ret_first = applied_count < migrations->count ? applied_count : migrations->count;
    return status;
}
