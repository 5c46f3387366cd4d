/*
 * One table of settings for a program: it drives reading, checking, --help and .env.example.
 *
 *     struct settings {
 *         const char *secret;
 *         int64_t cost;
 *     };
 *     static const struct ink_config_setting table[] = {
 *         INK_CONFIG_STRING(struct settings, secret, .name = "JWT_SECRET", .required = true,
 *                           .secret = true, .min = 32, .help = "signs the access tokens"),
 *         INK_CONFIG_INT(struct settings, cost, .name = "BCRYPT_COST", .fallback = "10",
 *                        .min = 4, .max = 15, .help = "of a password's hash"),
 *         {0},
 *     };
 *
 * A value comes from the flag (`--bcrypt-cost=12` or `--bcrypt-cost 12`; a bool's flag alone means
 * true), else from the environment (`BCRYPT_COST=12`; empty counts as not set), else from the
 * table. A secret is never taken from the command line, which everybody on the machine can read,
 * and never printed; it may come from a file: JWT_SECRET_FILE=/run/secrets/jwt or
 * --jwt-secret-file. Environment variables that the table does not know are ignored (they are other
 * programs'); unknown flags are errors. All problems are reported at once, a line each.
 *
 * Used at start, by one thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/arena.h"
#include "lib/base/buf.h"

enum ink_config_type {
    INK_CONFIG_TYPE_STRING,   /* const char *; min and max are lengths in bytes */
    INK_CONFIG_TYPE_INT,      /* int64_t */
    INK_CONFIG_TYPE_BOOL,     /* bool: true, false, 1, 0, yes, no, on, off */
    INK_CONFIG_TYPE_MS,       /* int64_t milliseconds: 1500, 1500ms, 30s, 5m, 1h, 7d */
    INK_CONFIG_TYPE_SECONDS,  /* int64_t seconds: 3600, 3600s, 60m, 1h, 7d */
    INK_CONFIG_TYPE_BYTES,    /* int64_t bytes: 4096, 64KiB, 4MiB, 1GiB */
    INK_CONFIG_TYPE_ADDRESS,  /* const char *: host:port, [ipv6]:port; port 0 to 65535 */
    INK_CONFIG_TYPE_CHOICE,   /* int: the index in `choices` */
    INK_CONFIG_TYPE_INCLUDE,  /* another table, whose struct is a member */
    INK_CONFIG_TYPE_FALLBACK, /* another fallback for an included setting of that name */
};

struct ink_config_setting {
    const char *name; /* the environment variable; NULL and type 0 end a table */
    enum ink_config_type type;
    size_t offset;              /* of the member in the program's struct */
    const char *fallback;       /* as text, checked like any value; NULL leaves the member zero */
    int64_t min, max;           /* bounds of the value; max 0 means none. Both 0: no bounds */
    const char *const *choices; /* of a CHOICE, NULL-terminated */
    bool required;              /* there must be a value */
    const char
        *unless; /* of a required one: not when this one, earlier in the table, has a value */
    bool secret;
    const char *help;                         /* a sentence part */
    const struct ink_config_setting *include; /* of an INCLUDE */
};

/* Entries whose member has the right C type, or do not compile. The rest is designated. */
#define INK_CONFIG_STRING(s, member, ...)                                                          \
    INK_CONFIG_ENTRY(INK_CONFIG_TYPE_STRING, s, member, const char *, __VA_ARGS__)
#define INK_CONFIG_INT(s, member, ...)                                                             \
    INK_CONFIG_ENTRY(INK_CONFIG_TYPE_INT, s, member, int64_t, __VA_ARGS__)
#define INK_CONFIG_BOOL(s, member, ...)                                                            \
    INK_CONFIG_ENTRY(INK_CONFIG_TYPE_BOOL, s, member, bool, __VA_ARGS__)
#define INK_CONFIG_MS(s, member, ...)                                                              \
    INK_CONFIG_ENTRY(INK_CONFIG_TYPE_MS, s, member, int64_t, __VA_ARGS__)
#define INK_CONFIG_SECONDS(s, member, ...)                                                         \
    INK_CONFIG_ENTRY(INK_CONFIG_TYPE_SECONDS, s, member, int64_t, __VA_ARGS__)
#define INK_CONFIG_BYTES(s, member, ...)                                                           \
    INK_CONFIG_ENTRY(INK_CONFIG_TYPE_BYTES, s, member, int64_t, __VA_ARGS__)
#define INK_CONFIG_ADDRESS(s, member, ...)                                                         \
    INK_CONFIG_ENTRY(INK_CONFIG_TYPE_ADDRESS, s, member, const char *, __VA_ARGS__)
#define INK_CONFIG_CHOICE(s, member, ...)                                                          \
    INK_CONFIG_ENTRY(INK_CONFIG_TYPE_CHOICE, s, member, int, __VA_ARGS__)
/* All settings of another table, whose struct is `member`. */
#define INK_CONFIG_INCLUDE(s, member, table)                                                       \
    {                                                                                              \
        .type = INK_CONFIG_TYPE_INCLUDE, .offset = offsetof(s, member), .include = (table)         \
    }
/* What an included setting is when nobody says otherwise. */
#define INK_CONFIG_FALLBACK(setting, text)                                                         \
    {                                                                                              \
        .type = INK_CONFIG_TYPE_FALLBACK, .name = (setting), .fallback = (text)                    \
    }

#define INK_CONFIG_ENTRY(kind, s, member, c_type, ...)                                             \
    {                                                                                              \
        .type = (kind), .offset = INK_CONFIG_OFFSET(s, member, c_type), __VA_ARGS__                \
    }
#define INK_CONFIG_OFFSET(s, member, c_type)                                                       \
    (offsetof(s, member) +                                                                         \
     0 * sizeof(                                                                                   \
             char[__builtin_types_compatible_p(__typeof__(((s *)0)->member), c_type) ? 1 : -1]))

struct ink_config_program {
    const char *name;    /* "user" */
    const char *version; /* "1.0.0" */
    const char *summary; /* one line */
    const char *usage;   /* what --help says after the name, with lines of its own; or NULL */
    const struct ink_config_setting *settings;
    const char *more; /* NULL, or lines of --help about flags that the program takes itself */
};

enum ink_config_outcome {
    INK_CONFIG_RUN,   /* *ret_settings is filled; nothing to print */
    INK_CONFIG_SHOW,  /* --help, --version or --print-env: print the text to stdout, exit 0 */
    INK_CONFIG_WRONG, /* print the text to stderr, exit 2 */
};

/* Reads `environment` (as environ) and `argv` into *ret_settings, the program's struct, which is
 * zeroed by the caller. What it points to lives in `arena`. What is to be printed is appended to
 * `text`. */
enum ink_config_outcome ink_config_load(const struct ink_config_program *program, int argc,
                                        char *const *argv, char *const *environment,
                                        struct ink_arena *arena, struct ink_buf *text,
                                        void *ret_settings) INK_MUST_CHECK;

/* What --help prints: each setting with flag, accepted values, default and meaning. */
void ink_config_help(const struct ink_config_program *program, struct ink_buf *out);
/* What --print-env prints: the settings as lines of an .env file, secrets empty, optional ones
 * commented out. */
void ink_config_print_env(const struct ink_config_program *program, struct ink_buf *out);
