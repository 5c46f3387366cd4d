#include "lib/auth/keys.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"

#define PUBLIC_KEYS "JWT_PUBLIC_KEYS_FILE"
#define SERVICE_KEYS "JWT_SERVICE_KEYS"

static void free_bio(BIO **bio)
{
    BIO_free(*bio);
}

static void free_pkey(EVP_PKEY **pkey)
{
    EVP_PKEY_free(*pkey);
}

const struct ink_key *ink_keys_find(const struct ink_keys *keys, const char *id)
{
    for (const struct ink_key *key = keys->accepted; key != NULL; key = key->next)
        if (strcmp(key->id, id) == 0)
            return key;
    return NULL;
}

bool ink_keys_may_sign(const struct ink_key *key, const char *service)
{
    if (key->secret != NULL)
        return true;
    return service == NULL ? key->service == NULL
                           : key->service != NULL && strcmp(key->service, service) == 0;
}

const char *ink_keys_signing_setting(const char *service)
{
    return service == NULL ? "JWT_SIGNING_KEY_FILE" : "JWT_SERVICE_SIGNING_KEY_FILE";
}

/* Behind the others, so that a JSON Web Key Set has them in the file's order. */
static void append(struct ink_keys *keys, struct ink_key *key)
{
    struct ink_key **end = &keys->accepted;
    while (*end != NULL)
        end = &(*end)->next;
    *end = key;
}

/* Secrets */

static struct ink_status check_secret(struct ink_arena *arena, const char *setting,
                                      const char *secret)
{
    size_t size = secret == NULL ? 0 : strlen(secret);
    if (size >= INK_AUTH_SECRET_MIN)
        return ink_ok();
    return ink_errorf(arena, INK_INVALID_ARGUMENT, "%s must be at least %d bytes long, and has %zu",
                      setting, INK_AUTH_SECRET_MIN, size);
}

static struct ink_status add_secrets(struct ink_keys *keys, const struct ink_auth_options *options,
                                     struct ink_arena *arena)
{
    if (options->secret == NULL)
        return ink_error(INK_INVALID_ARGUMENT,
                         "there is nothing to verify tokens with: set JWT_SECRET, or " PUBLIC_KEYS);
    struct ink_status status = check_secret(arena, "JWT_SECRET", options->secret);
    if (ink_is_ok(status) && options->accepted_secret != NULL)
        status = check_secret(arena, "JWT_SECRET_ACCEPTED", options->accepted_secret);
    if (!ink_is_ok(status))
        return status;
    append(keys, ink_key_of_secret(options->secret));
    keys->signing = keys->nameless = keys->accepted;
    if (options->accepted_secret != NULL && strcmp(options->accepted_secret, options->secret) != 0)
        append(keys, ink_key_of_secret(options->accepted_secret));
    return ink_ok();
}

/* Public keys */

/* The file `path`, which `setting` names. */
static struct ink_status open_file(struct ink_arena *arena, const char *setting, const char *path,
                                   BIO **ret_bio)
{
    errno = 0;
    BIO *bio = BIO_new_file(path, "re");
    ERR_clear_error();
    if (bio == NULL)
        return ink_errorf(arena, INK_INVALID_ARGUMENT, "%s: cannot read %s: %s", setting, path,
                          strerror(errno));
    *ret_bio = bio;
    return ink_ok();
}

/* A private key would give away to every program what only one should have. */
static EVP_PKEY *read_public(const char *name, const unsigned char *data, long size,
                             const char **ret_wrong)
{
    *ret_wrong = "it must hold public keys only: each a block BEGIN PUBLIC KEY";
    if (strcmp(name, PEM_STRING_PUBLIC) != 0)
        return NULL;
    EVP_PKEY *pkey = d2i_PUBKEY(NULL, &data, size);
    *ret_wrong = "a key is malformed";
    return pkey;
}

/* A key has one use: what is known already must be for the same. */
static bool add_public(struct ink_keys *keys, EVP_PKEY *pkey, const char *service,
                       const char **ret_wrong)
{
    struct ink_key *key = ink_key_of_pkey(pkey, ret_wrong);
    if (key == NULL)
        return false;
    const struct ink_key *known = ink_keys_find(keys, key->id);
    if (known == NULL) {
        key->service = service == NULL ? NULL : ink_strdup(service);
        append(keys, key);
        return true;
    }
    ink_key_free(key);
    *ret_wrong = "a key has another use already; make one for each";
    return ink_keys_may_sign(known, service);
}

/* One block of the file. False at its end, and when something is wrong with it. */
static bool add_block(struct ink_keys *keys, BIO *bio, const char *service, const char **ret_wrong)
{
    char *name, *header;
    unsigned char *data;
    long size;
    *ret_wrong = NULL;
    if (PEM_read_bio(bio, &name, &header, &data, &size) != 1) {
        if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
            *ret_wrong = "it is not PEM";
        ERR_clear_error();
        return false;
    }
    INK_CLEANUP(free_pkey) EVP_PKEY *pkey = read_public(name, data, size, ret_wrong);
    bool good = pkey != NULL && add_public(keys, pkey, service, ret_wrong);
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_clear_free(data, (size_t)size);
    ERR_clear_error();
    return good;
}

static struct ink_status add_file(struct ink_keys *keys, struct ink_arena *arena,
                                  const char *setting, const char *path, const char *service)
{
    INK_CLEANUP(free_bio) BIO *bio = NULL;
    struct ink_status status = open_file(arena, setting, path, &bio);
    if (!ink_is_ok(status))
        return status;
    const char *wrong;
    bool any = false;
    while (add_block(keys, bio, service, &wrong))
        any = true;
    if (wrong == NULL && !any)
        wrong = "it holds no key";
    return wrong == NULL
               ? ink_ok()
               : ink_errorf(arena, INK_INVALID_ARGUMENT, "%s: %s: %s", setting, path, wrong);
}

/* "NAME=FILE,NAME=FILE" */
static struct ink_status add_services(struct ink_keys *keys, struct ink_arena *arena,
                                      const char *list)
{
    struct ink_status status = ink_ok();
    char *rest = ink_arena_strdup(arena, list), *entry;
    while (ink_is_ok(status) && (entry = strsep(&rest, ",")) != NULL) {
        char *path = strchr(entry, '=');
        if (path == NULL || path == entry || path[1] == '\0')
            return ink_error(INK_INVALID_ARGUMENT,
                             SERVICE_KEYS " must be NAME=FILE,NAME=FILE without spaces");
        *path++ = '\0';
        status = add_file(keys, arena, SERVICE_KEYS, path, entry);
    }
    return status;
}

/* The private key */

/* An encrypted key is not asked for its password. */
static int no_password(char *buffer, int size, int writing, void *self)
{
    (void)buffer, (void)size, (void)writing, (void)self;
    return -1;
}

/* Written anew, since a file may hold more than the key. */
static char *to_pem(EVP_PKEY *pkey)
{
    char *data;
    INK_CLEANUP(free_bio) BIO *bio = BIO_new(BIO_s_secmem());
    if (bio == NULL || PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL) != 1)
        return NULL;
    long size = BIO_get_mem_data(bio, &data);
    char *pem = ink_calloc((size_t)size + 1, 1);
    memcpy(pem, data, (size_t)size);
    return pem;
}

static struct ink_status wrong_signing_key(struct ink_arena *arena,
                                           const struct ink_auth_options *options,
                                           const char *wrong)
{
    return ink_errorf(arena, INK_INVALID_ARGUMENT, "%s: %s: %s",
                      ink_keys_signing_setting(options->signing_service), options->signing_key_file,
                      wrong);
}

/* The accepted key that is the public half of `pkey`; NULL with *ret_wrong. */
static const struct ink_key *find_public(const struct ink_keys *keys, EVP_PKEY *pkey,
                                         const char *service, const char **ret_wrong)
{
    struct ink_key *half = ink_key_of_pkey(pkey, ret_wrong);
    if (half == NULL)
        return NULL;
    const struct ink_key *key = ink_keys_find(keys, half->id);
    ink_key_free(half);
    if (key != NULL && ink_keys_may_sign(key, service))
        return key;
    *ret_wrong = service == NULL ? "nobody would accept what it signs: its public key is not "
                                   "in " PUBLIC_KEYS
                                 : "nobody would accept what it signs: " SERVICE_KEYS
                                   " does not have its public key for this service";
    return NULL;
}

static struct ink_status add_signing_key(struct ink_keys *keys,
                                         const struct ink_auth_options *options,
                                         struct ink_arena *arena)
{
    INK_CLEANUP(free_bio) BIO *bio = NULL;
    struct ink_status status = open_file(arena, ink_keys_signing_setting(options->signing_service),
                                         options->signing_key_file, &bio);
    if (!ink_is_ok(status))
        return status;
    INK_CLEANUP(free_pkey)
    EVP_PKEY *pkey = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
    ERR_clear_error();
    if (pkey == NULL)
        return wrong_signing_key(arena, options, "it holds no unencrypted private key in PEM");
    const char *wrong = NULL;
    keys->signing = find_public(keys, pkey, options->signing_service, &wrong);
    if (keys->signing == NULL)
        return wrong_signing_key(arena, options, wrong);
    keys->private_pem = to_pem(pkey);
    return keys->private_pem != NULL ? ink_ok()
                                     : wrong_signing_key(arena, options, "it cannot be kept");
}

static struct ink_status add_pairs(struct ink_keys *keys, const struct ink_auth_options *options,
                                   struct ink_arena *arena)
{
    if (options->accepted_secret != NULL)
        return ink_error(INK_INVALID_ARGUMENT, "JWT_SECRET_ACCEPTED is of no use with " PUBLIC_KEYS
                                               ": tokens signed with a secret are not accepted");
    struct ink_status status = add_file(keys, arena, PUBLIC_KEYS, options->public_keys_file, NULL);
    if (ink_is_ok(status) && options->service_keys != NULL)
        status = add_services(keys, arena, options->service_keys);
    if (ink_is_ok(status) && options->signing_key_file != NULL)
        status = add_signing_key(keys, options, arena);
    return status;
}

static struct ink_status add_all(struct ink_keys *keys, const struct ink_auth_options *options,
                                 struct ink_arena *arena)
{
    if (options->public_keys_file != NULL)
        return add_pairs(keys, options, arena);
    if (options->service_keys != NULL || options->signing_key_file != NULL)
        return ink_errorf(arena, INK_INVALID_ARGUMENT, "%s is of no use without " PUBLIC_KEYS,
                          options->service_keys != NULL
                              ? SERVICE_KEYS
                              : ink_keys_signing_setting(options->signing_service));
    return add_secrets(keys, options, arena);
}

struct ink_status ink_keys_init(struct ink_keys *keys, const struct ink_auth_options *options,
                                struct ink_arena *arena)
{
    struct ink_keys made = {0};
    struct ink_status status = add_all(&made, options, arena);
    if (ink_is_ok(status))
        *keys = made;
    else
        ink_keys_release(&made);
    return status;
}

void ink_keys_release(struct ink_keys *keys)
{
    while (keys->accepted != NULL) {
        struct ink_key *key = keys->accepted;
        keys->accepted = key->next;
        ink_key_free(key);
    }
    if (keys->private_pem != NULL)
        explicit_bzero(keys->private_pem, strlen(keys->private_pem));
    free(keys->private_pem);
}
