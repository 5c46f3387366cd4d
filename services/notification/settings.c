#include "services/notification/settings.h"

#include <stddef.h>

#include "lib/smtp/smtp.h"

static const struct ink_config_setting mail_settings_table[] = {
    INK_CONFIG_STRING(struct notification_mail_settings, smtp.url, .name = "SMTP_URL",
                      .help = "the mail server: smtp://host:port, or smtps:// for TLS from the "
                              "start; without it e-mails are held"),
    INK_CONFIG_CHOICE(struct notification_mail_settings, smtp.starttls, .name = "SMTP_STARTTLS",
                      .fallback = "required", .choices = ink_smtp_starttls_names,
                      .help = "whether smtp:// changes to TLS"),
    INK_CONFIG_STRING(struct notification_mail_settings, smtp.user, .name = "SMTP_USER",
                      .help = "who signs in to the mail server"),
    INK_CONFIG_STRING(struct notification_mail_settings, smtp.password, .name = "SMTP_PASSWORD",
                      .secret = true, .help = "of SMTP_USER; never sent in the clear"),
    INK_CONFIG_STRING(struct notification_mail_settings, smtp.ca_file, .name = "SMTP_CA_FILE",
                      .help = "PEM: who signs the mail server's certificate; else the system's"),
    INK_CONFIG_MS(struct notification_mail_settings, smtp.connect_timeout_ms,
                  .name = "SMTP_CONNECT_TIMEOUT", .fallback = "10s", .min = 100, .max = 600000,
                  .help = "for TCP and TLS"),
    INK_CONFIG_MS(struct notification_mail_settings, smtp.timeout_ms, .name = "SMTP_TIMEOUT",
                  .fallback = "30s", .min = 500, .max = 600000, .help = "for one e-mail"),
    INK_CONFIG_STRING(struct notification_mail_settings, from, .name = "EMAIL_FROM",
                      .help = "the sender's address; needed with SMTP_URL"),
    INK_CONFIG_STRING(struct notification_mail_settings, from_name, .name = "EMAIL_FROM_NAME",
                      .fallback = "inkmesh", .max = 200, .help = "the sender's name"),
    INK_CONFIG_INT(struct notification_mail_settings, attempts, .name = "EMAIL_ATTEMPTS",
                   .fallback = "12", .min = 1, .max = 1000,
                   .help = "how often one e-mail is tried before it is given up"),
    INK_CONFIG_MS(struct notification_mail_settings, backoff_ms, .name = "EMAIL_BACKOFF",
                  .fallback = "30s", .min = 1, .max = 86400000,
                  .help = "the pause after its first failure; it doubles with each"),
    INK_CONFIG_MS(struct notification_mail_settings, backoff_max_ms, .name = "EMAIL_BACKOFF_MAX",
                  .fallback = "1h", .min = 1, .max = 86400000, .help = "the longest such pause"),
    INK_CONFIG_SECONDS(struct notification_mail_settings, max_age_s, .name = "EMAIL_MAX_AGE",
                       .fallback = "1d", .min = 1, .max = 31536000,
                       .help = "an e-mail that is older is not sent any more"),
    INK_CONFIG_INT(struct notification_mail_settings, user_daily, .name = "EMAIL_USER_DAILY",
                   .fallback = "100", .min = 1, .max = 1000000,
                   .help = "e-mails to one user within a day; what is beyond it is given up"),
    INK_CONFIG_MS(struct notification_mail_settings, poll_ms, .name = "EMAIL_POLL",
                  .fallback = "5s", .min = 10, .max = 600000,
                  .help = "how often e-mails of other replicas, and those to be tried again, are "
                          "looked for"),
    INK_CONFIG_STRING(struct notification_mail_settings, signing_key_file,
                      .name = "JWT_SERVICE_SIGNING_KEY_FILE",
                      .help = "PEM: the private half of a key that JWT_SERVICE_KEYS has for this "
                              "service, with which it asks for addresses"),
    INK_CONFIG_STRING(struct notification_mail_settings, user_service,
                      .name = "USER_SERVICE_ADDRESS", .fallback = "127.0.0.1:3001", .min = 1,
                      .help = "of the user service: host:port, IP:port,IP:port or any gRPC name"),
    INK_CONFIG_STRING(struct notification_mail_settings, user_name, .name = "USER_SERVICE_TLS_NAME",
                      .help = "the name that its certificate must have, if not the address's"),
    {0},
};

const struct ink_config_setting notification_settings_table[] = {
    INK_CONFIG_INCLUDE(struct notification_settings, backing, ink_backing_settings_table),
    INK_CONFIG_FALLBACK("ADMIN_ADDRESS", "127.0.0.1:9103"),
    INK_CONFIG_FALLBACK("GRPC_ADDRESS", "127.0.0.1:3003"),
    INK_CONFIG_FALLBACK("DATABASE_URL", "postgresql://inkmesh@127.0.0.1:5435/notification_db"),
    INK_CONFIG_INT(struct notification_settings, streams, .name = "STREAMS_MAX", .fallback = "200",
                   .min = 1, .max = 65536, .help = "notification streams at once"),
    INK_CONFIG_INT(struct notification_settings, user_streams, .name = "STREAMS_PER_USER",
                   .fallback = "8", .min = 1, .max = 65536,
                   .help = "notification streams at once of one user"),
    INK_CONFIG_MS(struct notification_settings, stream_poll_ms, .name = "STREAM_POLL",
                  .fallback = "2s", .min = 50, .max = 60000,
                  .help = "how often a stream looks into the database when it hears no news"),
    INK_CONFIG_SECONDS(struct notification_settings, inbox_retention_s, .name = "INBOX_RETENTION",
                       .fallback = "30d", .min = 24 * 3600, .max = INT64_C(3660) * 24 * 3600,
                       .help = "how long it is remembered which events were dealt with: longer "
                               "than Kafka keeps them, or one that comes again counts twice"),
    INK_CONFIG_INCLUDE(struct notification_settings, mail, mail_settings_table),
    {0},
};

struct ink_status notification_settings_check(const struct notification_settings *settings,
                                              struct ink_arena *arena)
{
    if (settings->streams < settings->backing.rpc.max_streams)
        return ink_ok();
    return ink_errorf(arena, INK_INVALID_ARGUMENT,
                      "STREAMS_MAX (%lld) must be less than GRPC_MAX_STREAMS (%lld): health checks "
                      "and reflection are streams, too",
                      (long long)settings->streams, (long long)settings->backing.rpc.max_streams);
}
