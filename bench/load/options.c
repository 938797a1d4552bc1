#include "options.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DEPTH_MAX = 64,
    SIZE_MAX_BYTES = 1 << 18
};

static bool number_read(const char *text, double least, double most,
                        double *value)
{
    char *end = NULL;
    *value = strtod(text, &end);
    return end != text && *end == '\0' && *value >= least && *value <= most;
}

static bool long_read(const char *text, long least, long most, long *value)
{
    double number = 0;
    bool good = number_read(text, (double)least, (double)most, &number);
    *value = (long)number;
    return good;
}

static bool ends_read(const char *text, unsigned *ends)
{
    static const char *const names[END_KINDS] = {"fin", "rst", "half", "cut"};
    *ends = 0;
    for (int i = 0; i < END_KINDS; i++) {
        *ends |= strstr(text, names[i]) != NULL ? 1U << i : 0U;
    }
    return *ends != 0;
}

static bool amount_read(struct load_options *o, const char *name,
                        const char *text)
{
    const struct {
        const char *name;
        long *value;
        long least, most;
    } table[] = {{"connections", &o->connections, 1, 20000},
                 {"depth", &o->depth, 1, DEPTH_MAX},
                 {"size", &o->size, 1, SIZE_MAX_BYTES},
                 {"requests", &o->requests, 0, 1000000000},
                 {"warm", &o->warm, 0, 1000000000},
                 {"idle", &o->idle, 0, 100000},
                 {"life", &o->life, 0, 1000000000}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (strcmp(name, table[i].name) == 0) {
            return long_read(text, table[i].least, table[i].most,
                             table[i].value);
        }
    }
    return false;
}

static bool flag_read(const char *text, bool *flag)
{
    *flag = strcmp(text, "yes") == 0;
    return *flag;
}

/* The texts stay those of the command line. */
static bool text_read(struct load_options *o, const char *name,
                      const char *text)
{
    const struct {
        const char *name;
        const char **value;
    } table[] = {{"path", &o->path}, {"body", &o->body}, {"ca", &o->ca}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (strcmp(name, table[i].name) == 0) {
            *table[i].value = text;
            return *text != '\0';
        }
    }
    return amount_read(o, name, text);
}

static bool option_read(struct load_options *o, const char *name,
                        const char *text)
{
    if (strcmp(name, "seconds") == 0) {
        return number_read(text, 0, 1e6, &o->seconds);
    }
    if (strcmp(name, "quiet") == 0) {
        return number_read(text, 0, 1e6, &o->quiet);
    }
    if (strcmp(name, "deadline") == 0) {
        return number_read(text, 0, 1e6, &o->deadline);
    }
    if (strcmp(name, "ends") == 0) {
        return ends_read(text, &o->ends);
    }
    if (strcmp(name, "marks") == 0) {
        return flag_read(text, &o->marks);
    }
    if (strcmp(name, "resume") == 0) {
        return flag_read(text, &o->resume);
    }
    if (strcmp(name, "browser") == 0) {
        return flag_read(text, &o->browser);
    }
    return text_read(o, name, text);
}

static bool address_read(struct sockaddr_in *address, const char *text)
{
    char host[64];
    const char *colon = strrchr(text, ':');
    double port = 0;
    if (colon == NULL || (size_t)(colon - text) >= sizeof host ||
        !number_read(colon + 1, 1, 65535, &port)) {
        return false;
    }
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    address->sin_family = AF_INET;
    address->sin_port = htons((uint16_t)port);
    return inet_pton(AF_INET, host, &address->sin_addr) == 1;
}

/* "name=value"; splits it in place. */
static bool word_read(struct load_options *o, char *word)
{
    char *equals = strchr(word, '=');
    if (equals == NULL) {
        return false;
    }
    *equals = '\0';
    bool good = option_read(o, word, equals + 1);
    *equals = '=';
    return good;
}

static bool protocol_read(struct load_options *o, const char *name)
{
    o->secure = strcmp(name, "https") == 0;
    o->http = o->secure || strcmp(name, "http") == 0;
    return o->http || strcmp(name, "echo") == 0;
}

/* Idle connections, and those that end by halves, are without TLS. */
static bool is_consistent(const struct load_options *o)
{
    bool good = !o->secure || (o->ca != NULL && o->idle == 0 &&
                               (o->ends & 1U << END_HALF) == 0);
    if (!good) {
        (void)fputs("load: https needs ca=FILE, and no idle or half\n", stderr);
    }
    return good;
}

bool options_read(struct load_options *options, int argc, char **argv)
{
    *options = (struct load_options){.path = "/",
                                     .connections = 50,
                                     .depth = 1,
                                     .size = 64,
                                     .seconds = 1,
                                     .deadline = 60,
                                     .ends = 1U << END_FIN};
    if (argc < 3 || !protocol_read(options, argv[1]) ||
        !address_read(&options->address, argv[2])) {
        (void)fputs("usage: load echo|http|https HOST:PORT [name=value ...]\n",
                    stderr);
        return false;
    }
    for (int i = 3; i < argc; i++) {
        if (!word_read(options, argv[i])) {
            (void)fprintf(stderr, "load: %s?\n", argv[i]);
            return false;
        }
    }
    return is_consistent(options);
}
