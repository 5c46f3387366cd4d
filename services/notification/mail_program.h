/*
 * E-mail as a part of the program: from settings to a running sender.
 */
#pragma once

#include "lib/mesh/backing.h"
#include "services/notification/mail.h"
#include "services/notification/service.h"
#include "services/notification/settings.h"

struct notification_mail_program {
    struct ink_rpc_client *users;
    struct notification_mail *mail;
};

/* Sets up sending, its check, its gauges and its place in the drain; without SMTP_URL it only says
 * so in the log. Ends the program when the settings cannot work. All that is handed over must
 * outlive it, and nothing may be moved. */
void notification_mail_program_open(const struct ink_backing *backing,
                                    const struct notification_settings *settings,
                                    struct notification_service *service,
                                    struct notification_mail_program *ret_opened);
/* When the program has run. */
void notification_mail_program_close(struct notification_mail_program *opened);
