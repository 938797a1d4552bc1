/* stream_format.h - the formats of read and lines: "l", "L", "a", a count.
 *
 * A format is looked for in the bytes that wait in the stream, behind those
 * that the formats before it have taken; nothing is taken by looking. */
#ifndef ML_SYS_STREAM_FORMAT_H
#define ML_SYS_STREAM_FORMAT_H

#include "sys/stream.h"

#include <lua.h>
#include <stddef.h>

/* What a format finds in the bytes that wait. */
enum ml_format_found {
    ML_FOUND,      /* an item */
    ML_FOUND_END,  /* the end of the stream, and nothing before it */
    ML_FOUND_MORE, /* its beginning: more bytes are needed */
    ML_FOUND_LONG  /* a line that is too long */
};

struct ml_format_item {
    size_t take; /* bytes that it takes; of one that is not complete, how many
                    are missing, 0 if that is not known */
    size_t give; /* bytes of these that the script gets */
};

/* Raises unless the value at `arg` is a format. */
void ml_format_check(lua_State *L, int arg);

/* Looks for an item of the format at `index`, which was checked. */
enum ml_format_found ml_format_find(lua_State *L, int index,
                                    struct ml_stream *s,
                                    struct ml_format_item *item);

#endif
