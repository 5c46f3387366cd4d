/*
 * The settings of the notification service.
 */
#pragma once

#include <stdint.h>

#include "lib/base/status.h"
#include "lib/mesh/backing.h"

/* How mail is sent; without smtp.url none is. */
struct notification_mail_settings {
    struct {
        const char *url;      /* SMTP_URL */
        int starttls;         /* SMTP_STARTTLS, enum ink_smtp_starttls */
        const char *user;     /* SMTP_USER */
        const char *password; /* SMTP_PASSWORD */
        const char *ca_file;  /* SMTP_CA_FILE */
        int64_t connect_timeout_ms;
        int64_t timeout_ms;
    } smtp;
    const char *from;      /* EMAIL_FROM */
    const char *from_name; /* EMAIL_FROM_NAME */
    int64_t attempts;
    int64_t backoff_ms;
    int64_t backoff_max_ms;
    int64_t max_age_s;
    int64_t user_daily;
    int64_t poll_ms;
    const char *signing_key_file; /* JWT_SERVICE_SIGNING_KEY_FILE */
    const char *user_service;     /* USER_SERVICE_ADDRESS */
    const char *user_name;        /* USER_SERVICE_TLS_NAME, or NULL */
};

struct notification_settings {
    struct ink_backing_settings backing;
    int64_t streams;
    int64_t user_streams;
    int64_t inbox_retention_s;
    int64_t stream_poll_ms;
    struct notification_mail_settings mail;
};

extern const struct ink_config_setting notification_settings_table[];

/* INVALID_ARGUMENT when the streams of users could use up all that the gRPC server has, so that
 * nothing is left for those who watch its health. */
struct ink_status notification_settings_check(const struct notification_settings *settings,
                                              struct ink_arena *arena) INK_MUST_CHECK;
