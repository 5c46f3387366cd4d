/*
 * inkmesh-events: what an operator sees of the events, and can do about dead letters. One thread,
 * one command a run.
 */
#pragma once

#include "lib/base/buf.h"
#include "lib/base/ctx.h"
#include "lib/events/dead_letters.h"

struct tool {
    struct ink_arena *arena;
    struct ink_kafka_settings kafka;
    const char *databases; /* "NAME=URL NAME=URL", or NULL */
    int64_t timeout_ms;
    bool json;
    bool all;
    char **args; /* what follows the command */
    size_t arg_count;
    struct ink_buf out;    /* to be printed */
    struct ink_buf errors; /* as JSON, each after a comma */
    bool failed;
};

/* Commands; they return the exit code. */
int tool_status(struct tool *tool);
int tool_dead(struct tool *tool);
int tool_settle(struct tool *tool, enum ink_dead_letter_fate fate);
/* The first argument is the group; `since` in microseconds. */
int tool_rewind(struct tool *tool, int64_t since);
/* The argument is the group. */
int tool_skip(struct tool *tool);

/* A context for what is to answer soon, and one for what may take longer once it has answered. */
struct ink_ctx tool_soon(const struct tool *tool);
struct ink_ctx tool_later(const struct tool *tool);

/* Something that did not work: it is told on stderr (with --json in "errors"), and the exit code
 * is 1. */
void tool_problem(struct tool *tool, const char *format, ...) INK_PRINTF(2, 3);
/* The same for Kafka. */
void tool_kafka_problem(struct tool *tool, struct ink_status status);
/* Prints what there is so far. */
void tool_flush(struct tool *tool);
/* Ends a JSON object that has at least one member, and prints; returns the exit code. */
int tool_end(struct tool *tool);

/* print.c: for people's terminals and for JSON. */

/* Text from outside: bytes that could control a terminal are shown as "?". At most `limit`
 * characters (0: all), then "...". */
const char *tool_text(struct ink_arena *arena, const char *text, size_t size, size_t limit);
/* "2026-11-22T10:00:00.123Z" of microseconds. */
const char *tool_time(struct ink_arena *arena, int64_t microseconds);

/* Begins an object of a list, with a comma unless it is the first. */
void tool_json_object(struct ink_buf *out);
/* `,"name":"text"`, the comma unless it is the first of an object. */
void tool_json_text(struct ink_buf *out, const char *name, const char *text);
void tool_json_bytes(struct ink_buf *out, const char *name, const char *text, size_t size);
void tool_json_number(struct ink_buf *out, const char *name, int64_t value);

#define TOOL_COLUMNS 8
/* A table with a heading; a column whose name begins with "#" has numbers. */
struct tool_table {
    const char *names[TOOL_COLUMNS];
    const char *(*rows)[TOOL_COLUMNS];
    size_t count;
};
/* Adds a row, which is the caller's to fill. */
const char **tool_table_add(struct ink_arena *arena, struct tool_table *table);
void tool_table_print(struct ink_buf *out, const struct tool_table *table);
