/* http_byte.h - which bytes may stand where. */
#ifndef ML_PROTO_HTTP_BYTE_H
#define ML_PROTO_HTTP_BYTE_H

#include <stdbool.h>
#include <stddef.h>

enum ml_http_class {
    ML_HTTP_TOKEN = 1, /* RFC 9110, 5.6.2: methods, names of fields */
    ML_HTTP_VALUE = 2, /* RFC 9110, 5.5: all but control characters, and tabs */
    ML_HTTP_PATH = 4,  /* RFC 3986, 3.3, and "[]|", which browsers send */
    ML_HTTP_QUERY = 8, /* RFC 3986, 3.4, and what browsers send besides */
    ML_HTTP_HOST = 16, /* RFC 3986, 3.2.2: a name, an IPv4 address */
    ML_HTTP_DIGIT = 32, /* decimal */
    ML_HTTP_HEX = 64    /* hexadecimal */
};

extern const unsigned char ml_http_classes[256];

/* True if the byte is of the class. */
static inline bool ml_http_is(char byte, unsigned class)
{
    return (ml_http_classes[(unsigned char)byte] & class) != 0;
}

/* A letter of ASCII in lower case, any other byte as it is. */
static inline char ml_http_lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c | ('a' - 'A') : c);
}

/* How many bytes at the start are of the class. */
size_t ml_http_span(const char *bytes, size_t n, unsigned class);

/* True if all of them are of ML_HTTP_VALUE. */
bool ml_http_is_value(const char *bytes, size_t n);

/* True if they are `text`, which is in lower case, in any case. */
bool ml_http_same(const char *bytes, size_t n, const char *text);

#endif
