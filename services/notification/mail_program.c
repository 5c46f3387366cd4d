#include "services/notification/mail_program.h"

#include "lib/log/log.h"
#include "lib/mesh/client.h"

#define BATCH_GET_USERS "/inkmesh.user.v1.UserService/BatchGetUsers"

void notification_mail_program_open(const struct ink_backing *backing,
                                    const struct notification_settings *settings,
                                    struct notification_service *service,
                                    struct notification_mail_program *ret_opened)
{
    struct ink_program *program = backing->program;
    const struct notification_mail_settings *set = &settings->mail;
    if (set->smtp.url == NULL) {
        ink_log(INK_LOG_WARN, NULL, "no SMTP_URL: e-mails are held");
        return;
    }
    ret_opened->users = ink_program_client(
        program, &(struct ink_mesh_client_spec){.name = "user",
                                                .setting = "USER_SERVICE_ADDRESS",
                                                .target = set->user_service,
                                                .tls = &settings->backing.rpc.tls,
                                                .server_name = set->user_name});
    struct notification_mail_options options = {
        .db = backing->db,
        .users = {.client = ret_opened->users,
                  .method = ink_contract_method(ink_program_contract(program), BATCH_GET_USERS),
                  .auth = backing->auth},
        .smtp = {.url = set->smtp.url,
                 .starttls = (enum ink_smtp_starttls)set->smtp.starttls,
                 .user = set->smtp.user,
                 .password = set->smtp.password,
                 .ca_file = set->smtp.ca_file,
                 .connect_timeout_ms = set->smtp.connect_timeout_ms,
                 .timeout_ms = set->smtp.timeout_ms},
        .from = set->from == NULL ? "" : set->from,
        .from_name = set->from_name,
        .attempts = set->attempts,
        .backoff_ms = set->backoff_ms,
        .backoff_max_ms = set->backoff_max_ms,
        .max_age_s = set->max_age_s,
        .user_daily = set->user_daily,
        .poll_ms = set->poll_ms,
    };
    ink_program_must(
        program, "send mail",
        notification_mail_new(&options, ink_program_arena(program), &ret_opened->mail));
    notification_service_on_email(service, notification_mail_wake, ret_opened->mail);
    ink_program_check(program, "mail", false, notification_mail_check, ret_opened->mail);
    ink_program_on_drain(program, notification_mail_drain, ret_opened->mail);
    notification_mail_add_gauges(ink_program_metrics(program), ret_opened->mail);
}

void notification_mail_program_close(struct notification_mail_program *opened)
{
    notification_mail_free(opened->mail);
    ink_rpc_client_free(opened->users);
}
