#include "sys/stream_format.h"

#include "core/arg.h"
#include "core/misuse.h"

/* The letter of a format that is a string; "*l" is what Lua 5.2 called "l". */
static char format_letter(const char *format)
{
    if (*format == '*') {
        format++;
    }
    return *format;
}

void ml_format_check(lua_State *L, int arg)
{
    if (lua_type(L, arg) == LUA_TNUMBER) {
        ml_arg_check(L, ml_misuse_integer(L, arg) >= 0, arg,
                     "a count cannot be negative");
        return;
    }
    ml_arg_type(L, arg, LUA_TSTRING);
    char letter = format_letter(lua_tostring(L, arg));
    ml_arg_check(L, letter != 'n', arg,
                 "a stream cannot read the format 'n'; read a line and use "
                 "tonumber");
    ml_arg_check(L, letter == 'l' || letter == 'L' || letter == 'a', arg,
                 "invalid format");
}

static enum ml_format_found found(struct ml_format_item *item, size_t take,
                                  size_t give)
{
    *item = (struct ml_format_item){take, give};
    return ML_FOUND;
}

/* The `have` bytes are not enough. At the end of the stream they are all. */
static enum ml_format_found found_less(const struct ml_stream *s,
                                       struct ml_format_item *item, size_t have,
                                       size_t missing)
{
    if (!s->ended) {
        *item = (struct ml_format_item){missing, 0};
        return ML_FOUND_MORE;
    }
    return have > 0 ? found(item, have, have) : ML_FOUND_END;
}

/* Bytes that no finished format has taken. */
static size_t bytes_left(const struct ml_stream *s)
{
    return ml_buffer_length(&s->in) - s->read.taken;
}

/* A count of 0 asks whether the end is reached: it takes a byte to tell. */
static enum ml_format_found find_count(const struct ml_stream *s, size_t n,
                                       struct ml_format_item *item)
{
    size_t have = bytes_left(s);
    if (have >= n && have > 0) {
        return found(item, n, n);
    }
    return found_less(s, item, have, n - have);
}

static enum ml_format_found find_line(struct ml_stream *s, bool keep,
                                      struct ml_format_item *item)
{
    size_t have = bytes_left(s);
    size_t at = ml_buffer_find(&s->in, '\n', s->read.taken + s->read.scanned);
    size_t length = at != ML_BUFFER_NONE ? at - s->read.taken : have;
    if (length > s->maxline) {
        return ML_FOUND_LONG;
    }
    if (at != ML_BUFFER_NONE) {
        return found(item, length + 1, keep ? length + 1 : length);
    }
    s->read.scanned = have;
    return found_less(s, item, have, 0);
}

static enum ml_format_found find_all(const struct ml_stream *s,
                                     struct ml_format_item *item)
{
    size_t have = bytes_left(s);
    return s->ended ? found(item, have, have) : found_less(s, item, have, 0);
}

enum ml_format_found ml_format_find(lua_State *L, int index,
                                    struct ml_stream *s,
                                    struct ml_format_item *item)
{
    if (lua_type(L, index) == LUA_TNUMBER) {
        return find_count(s, (size_t)lua_tointeger(L, index), item);
    }
    char letter = format_letter(lua_tostring(L, index));
    return letter == 'a' ? find_all(s, item)
                         : find_line(s, letter == 'L', item);
}
