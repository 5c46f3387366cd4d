#include "lib/mesh/events.h"

#include "lib/gauges/gauges.h"
#include "lib/log/log.h"

const struct ink_config_setting ink_mesh_kafka_settings_table[] = {
    INK_CONFIG_STRING(
        struct ink_mesh_kafka_settings, brokers, .name = "KAFKA_BROKERS",
        .help = "host:port,host:port; without them events are neither published nor read"),
    INK_CONFIG_STRING(
        struct ink_mesh_kafka_settings, properties, .name = "KAFKA_PROPERTIES", .secret = true,
        .help = "further ones of librdkafka: NAME=VALUE,NAME=VALUE; for TLS and SASL"),
    INK_CONFIG_INT(struct ink_mesh_kafka_settings, partitions, .name = "KAFKA_PARTITIONS",
                   .fallback = "6", .min = 1, .max = 1000,
                   .help = "of a topic that is made because it is missing"),
    INK_CONFIG_INT(struct ink_mesh_kafka_settings, replicas, .name = "KAFKA_REPLICAS",
                   .fallback = "0", .max = 100,
                   .help = "of such a topic; 0 means what the brokers think right"),
    {0},
};

static void report(void *self, bool problem, const char *text)
{
    (void)self;
    ink_log(problem ? INK_LOG_WARN : INK_LOG_INFO, NULL,
            problem ? "events are in trouble" : "events", INK_LOG_STR("detail", text));
}

struct ink_kafka_settings ink_mesh_kafka(const struct ink_mesh_kafka_settings *settings)
{
    return (struct ink_kafka_settings){
        .brokers = settings->brokers,
        .properties = settings->properties,
        .partitions = (int)settings->partitions,
        .replicas = (int)settings->replicas,
        .report = report,
    };
}

/* Not needed to be ready: events wait in the outbox. */
static struct ink_status check(void *relay, struct ink_arena *arena)
{
    (void)arena;
    if (!ink_relay_stats(relay).troubled)
        return ink_ok();
    return ink_error(INK_UNAVAILABLE, "events cannot be published");
}

struct ink_relay *ink_program_relay(struct ink_program *program,
                                    const struct ink_mesh_kafka_settings *settings,
                                    const char *conninfo, const char *source)
{
    struct ink_relay *relay = NULL;
    if (settings->brokers == NULL || settings->brokers[0] == '\0') {
        ink_log(INK_LOG_WARN, NULL, "no KAFKA_BROKERS: events stay in the outbox");
        return NULL;
    }
    struct ink_relay_settings options = {
        .kafka = ink_mesh_kafka(settings), .conninfo = conninfo, .source = source};
    ink_program_must(program, "publish events",
                     ink_relay_new(ink_program_arena(program), &options, &relay));
    ink_program_check(program, "kafka", false, check, relay);
    ink_gauges_add_relay(ink_program_metrics(program), relay);
    return relay;
}
