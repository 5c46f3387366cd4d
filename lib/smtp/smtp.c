#include "lib/smtp/smtp.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/alloc.h"
#include "lib/smtp/answer.h"
#include "lib/smtp/message.h"

#define DEFAULT_CONNECT_TIMEOUT_MS 10000
#define DEFAULT_TIMEOUT_MS 30000

/* How far a message got, by the command that was sent last. */
enum stage { STAGE_CONNECT, STAGE_SENDER, STAGE_RECIPIENT, STAGE_DATA };

struct ink_smtp {
    struct ink_smtp_settings settings; /* its strings are ours */
    CURL *curl;                        /* with a connection, perhaps; or NULL */

    /* Of the message that is being sent. */
    const struct ink_ctx *ctx;
    const char *data;
    size_t left;
    enum stage stage;
    bool leaving;                      /* what is answered to QUIT is of no interest */
    char answer[INK_SMTP_ANSWER_SIZE]; /* the server's latest line */
};

const char *const ink_smtp_starttls_names[] = {"off", "opportunistic", "required", NULL};

/* libcurl's callbacks */

static int progress(void *self, curl_off_t dltotal, curl_off_t dlnow, curl_off_t ultotal,
                    curl_off_t ulnow)
{
    (void)dltotal, (void)dlnow, (void)ultotal, (void)ulnow;
    const struct ink_smtp *smtp = self;
    return smtp->ctx != NULL && ink_ctx_cancelled(smtp->ctx);
}

static size_t read_message(char *out, size_t size, size_t count, void *self)
{
    struct ink_smtp *smtp = self;
    size_t taken = size * count < smtp->left ? size * count : smtp->left;
    memcpy(out, smtp->data, taken);
    smtp->data += taken;
    smtp->left -= taken;
    return taken;
}

static bool starts(const char *data, size_t size, const char *with)
{
    return size >= strlen(with) && memcmp(data, with, strlen(with)) == 0;
}

/* Sees all commands, also those with the password: looks at no more than the verb. */
static int observe(CURL *curl, curl_infotype type, char *data, size_t size, void *self)
{
    (void)curl;
    struct ink_smtp *smtp = self;
    if (type == CURLINFO_HEADER_OUT) {
        smtp->leaving = starts(data, size, "QUIT");
        if (starts(data, size, "MAIL FROM"))
            smtp->stage = STAGE_SENDER;
        else if (starts(data, size, "RCPT TO"))
            smtp->stage = STAGE_RECIPIENT;
        else if (starts(data, size, "DATA"))
            smtp->stage = STAGE_DATA;
    } else if (type == CURLINFO_HEADER_IN && !smtp->leaving) {
        ink_smtp_answer_take(smtp->answer, data, size);
    }
    return 0;
}

/* The connection */

/* Sets an option unless one before it failed: what libcurl does not take (TLS, say, which this one
 * may be built without) is never gone without. */
#define SET(option, value)                                                                         \
    result = result != CURLE_OK ? result : curl_easy_setopt(smtp->curl, option, value)

/* What is the same for all messages. */
static CURLcode set_up(struct ink_smtp *smtp)
{
    static const long use_ssl[] = {CURLUSESSL_NONE, CURLUSESSL_TRY, CURLUSESSL_ALL};
    const struct ink_smtp_settings *settings = &smtp->settings;
    CURLcode result = CURLE_OK;
    SET(CURLOPT_URL, settings->url);
    SET(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    SET(CURLOPT_USE_SSL, use_ssl[settings->starttls]);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (settings->ca_file != NULL)
        SET(CURLOPT_CAINFO, settings->ca_file);
    if (settings->user != NULL) {
        SET(CURLOPT_USERNAME, settings->user);
        SET(CURLOPT_PASSWORD, settings->password);
    }
    SET(CURLOPT_PROXY, ""); /* nor one of the environment */
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_UPLOAD, 1L);
    SET(CURLOPT_READFUNCTION, read_message);
    SET(CURLOPT_READDATA, smtp);
    SET(CURLOPT_NOPROGRESS, 0L);
    SET(CURLOPT_XFERINFOFUNCTION, progress);
    SET(CURLOPT_XFERINFODATA, smtp);
    SET(CURLOPT_VERBOSE, 1L); /* to observe() alone */
    SET(CURLOPT_DEBUGFUNCTION, observe);
    SET(CURLOPT_DEBUGDATA, smtp);
    return result;
}

/* Without waiting: libcurl says QUIT and waits two minutes for an answer, unless there is nobody to
 * say it to. */
static void hang_up(struct ink_smtp *smtp)
{
    curl_socket_t open = CURL_SOCKET_BAD;
    if (smtp->curl != NULL)
        curl_easy_getinfo(smtp->curl, CURLINFO_ACTIVESOCKET, &open);
    if (open != CURL_SOCKET_BAD)
        shutdown(open, SHUT_RDWR);
    curl_easy_cleanup(smtp->curl);
    smtp->curl = NULL;
}

/* Making one */

/* "127.0.0.1:1025/name" for "smtp://127.0.0.1:1025/name"; NULL for another scheme. */
static const char *after_scheme(const char *url, bool *ret_tls)
{
    static const struct {
        const char *scheme;
        bool tls;
    } schemes[] = {{"smtp://", false}, {"smtps://", true}};
    for (size_t i = 0; i < INK_COUNT(schemes); i++)
        if (starts(url, strlen(url), schemes[i].scheme)) {
            *ret_tls = schemes[i].tls;
            return url + strlen(schemes[i].scheme);
        }
    return NULL;
}

static bool is_loopback(const char *authority)
{
    static const char *const names[] = {"127.0.0.1", "localhost", "[::1]"};
    for (size_t i = 0; i < INK_COUNT(names); i++) {
        size_t size = strlen(names[i]);
        if (strncmp(authority, names[i], size) == 0 && strchr(":/", authority[size]) != NULL)
            return true; /* strchr also finds the NUL at the end */
    }
    return false;
}

/* A user in the URL would be shown wherever the URL is; "?" and "#" mean nothing here. */
static bool url_well_formed(const char *url)
{
    bool good = false;
    if (strpbrk(url, "@?#% \t\r\n\"\\") != NULL)
        return false;
    CURLU *parsed = curl_url();
    char *host = NULL;
    if (parsed != NULL && curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK &&
        curl_url_get(parsed, CURLUPART_HOST, &host, 0) == CURLUE_OK)
        good = host[0] != '\0';
    curl_free(host);
    curl_url_cleanup(parsed);
    return good;
}

static struct ink_status check(const struct ink_smtp_settings *settings)
{
    bool tls = false;
    const char *authority = after_scheme(settings->url, &tls);
    if (authority == NULL || !url_well_formed(settings->url))
        return ink_error(INK_INVALID_ARGUMENT,
                         "must be smtp://HOST[:PORT] or smtps://HOST[:PORT], without a user");
    if ((settings->user == NULL) != (settings->password == NULL))
        return ink_error(INK_INVALID_ARGUMENT, "user and password are needed both, or neither");
    bool safe = tls || settings->starttls == INK_SMTP_STARTTLS_REQUIRED || is_loopback(authority);
    if (settings->password != NULL && !safe)
        return ink_error(
            INK_INVALID_ARGUMENT,
            "the password would travel in the clear: use smtps:// or require STARTTLS");
    return ink_ok();
}

static const char *keep(const char *text)
{
    return text == NULL ? NULL : ink_strdup(text);
}

static void init_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

struct ink_status ink_smtp_new(const struct ink_smtp_settings *settings, struct ink_smtp **ret_smtp)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init_curl);
    struct ink_status status = check(settings);
    if (!ink_is_ok(status))
        return status;
    struct ink_smtp *smtp = ink_calloc(1, sizeof(*smtp));
    smtp->settings = *settings;
    smtp->settings.url = keep(settings->url);
    smtp->settings.user = keep(settings->user);
    smtp->settings.password = keep(settings->password);
    smtp->settings.ca_file = keep(settings->ca_file);
    if (settings->connect_timeout_ms == 0)
        smtp->settings.connect_timeout_ms = DEFAULT_CONNECT_TIMEOUT_MS;
    if (settings->timeout_ms == 0)
        smtp->settings.timeout_ms = DEFAULT_TIMEOUT_MS;
    *ret_smtp = smtp;
    return ink_ok();
}

static void wipe(const char *secret)
{
    if (secret != NULL)
        explicit_bzero((char *)secret, strlen(secret));
    free((char *)secret);
}

void ink_smtp_free(struct ink_smtp *smtp)
{
    if (smtp == NULL)
        return;
    hang_up(smtp);
    free((char *)smtp->settings.url);
    free((char *)smtp->settings.user);
    wipe(smtp->settings.password);
    free((char *)smtp->settings.ca_file);
    free(smtp);
}

/* Sending */

/* From the recipient on it is about this message; what fails before would fail for all. */
static struct ink_status explain(struct ink_smtp *smtp, const struct ink_ctx *ctx, CURLcode result,
                                 const char *to)
{
    long code = 0;
    bool own = smtp->stage >= STAGE_RECIPIENT;
    /* What a server may answer to a command with; anything else broke off. */
    bool answered = result == CURLE_SEND_ERROR || result == CURLE_WEIRD_SERVER_REPLY ||
                    result == CURLE_LOGIN_DENIED || result == CURLE_USE_SSL_FAILED;
    if (result == CURLE_ABORTED_BY_CALLBACK)
        return ink_error(INK_CANCELLED, "sending was cancelled");
    if (smtp->curl == NULL || result == CURLE_OUT_OF_MEMORY)
        return ink_error(INK_UNAVAILABLE, "out of memory");
    curl_easy_getinfo(smtp->curl, CURLINFO_RESPONSE_CODE, &code);
    answered = answered && code >= 400 && code <= 599;
    enum ink_code kind = !own                      ? INK_UNAVAILABLE
                         : answered && code >= 500 ? INK_FAILED_PRECONDITION
                                                   : INK_ABORTED;
    if (answered && smtp->answer[0] != '\0')
        return ink_errorf(ctx->arena, kind, "the server says: %s",
                          ink_smtp_answer_tell(ctx->arena, smtp->answer, to));
    return ink_errorf(ctx->arena, kind, "%s", curl_easy_strerror(result));
}

static CURLcode connected(struct ink_smtp *smtp)
{
    if (smtp->curl != NULL)
        return CURLE_OK;
    smtp->curl = curl_easy_init();
    return smtp->curl == NULL ? CURLE_OUT_OF_MEMORY : set_up(smtp);
}

static CURLcode perform(struct ink_smtp *smtp, const char *from, const char *to, int64_t timeout_ms)
{
    int64_t connect_ms = smtp->settings.connect_timeout_ms;
    CURLcode result = connected(smtp);
    if (result != CURLE_OK)
        return result;
    struct curl_slist *recipients = curl_slist_append(NULL, to);
    if (recipients == NULL)
        return CURLE_OUT_OF_MEMORY;
    SET(CURLOPT_MAIL_FROM, from);
    SET(CURLOPT_MAIL_RCPT, recipients);
    SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t)smtp->left);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)(timeout_ms < connect_ms ? timeout_ms : connect_ms));
    SET(CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    if (result == CURLE_OK)
        result = curl_easy_perform(smtp->curl);
    curl_easy_setopt(smtp->curl, CURLOPT_MAIL_RCPT, NULL);
    curl_slist_free_all(recipients);
    return result;
}

struct ink_status ink_smtp_send(struct ink_smtp *smtp, const struct ink_ctx *ctx, const char *from,
                                const char *to, const char *data, size_t size)
{
    if (!ink_mail_address_valid(from) || !ink_mail_address_valid(to))
        return ink_error(INK_INVALID_ARGUMENT, "the address cannot be used for mail");
    struct ink_status status = ink_ctx_check(ctx);
    if (status.code == INK_CANCELLED)
        return status;
    int64_t timeout_ms = ink_deadline_left_ms(ctx->deadline, smtp->settings.timeout_ms);
    if (timeout_ms == 0)
        return ink_error(INK_UNAVAILABLE, "the deadline passed");
    smtp->ctx = ctx;
    smtp->data = data;
    smtp->left = size;
    smtp->stage = STAGE_CONNECT;
    smtp->leaving = false;
    smtp->answer[0] = '\0';
    CURLcode result = perform(smtp, from, to, timeout_ms);
    smtp->ctx = NULL;
    if (result == CURLE_OK)
        return ink_ok();
    status = explain(smtp, ctx, result, to);
    /* libcurl would use the connection again, also with an answer under way: a late "250 OK" for
     * this message would be taken for one to the next. */
    hang_up(smtp);
    return status;
}
