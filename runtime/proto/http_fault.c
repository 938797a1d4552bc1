#include "proto/http_fault.h"

static const struct {
    int status;
    const char *text;
} faults[ML_HTTP_FAULTS] = {
    [ML_HTTP_SOUND] = {200, "nothing is wrong"},
    [ML_HTTP_BAD_LINE] = {400, "the first line is malformed"},
    [ML_HTTP_BAD_METHOD] = {400, "the method is malformed"},
    [ML_HTTP_BAD_TARGET] = {400, "the target is malformed"},
    [ML_HTTP_BAD_VERSION] = {400, "the version is malformed"},
    [ML_HTTP_OTHER_VERSION] = {505, "the version is neither 1.0 nor 1.1"},
    [ML_HTTP_BAD_STATUS] = {502, "the status is malformed"},
    [ML_HTTP_LINE_LONG] = {414, "the first line is too long"},
    [ML_HTTP_HEAD_LONG] = {431, "the head is too long"},
    [ML_HTTP_FIELDS_MANY] = {431, "there are too many header fields"},
    [ML_HTTP_BARE] = {400, "a line does not end with CRLF"},
    [ML_HTTP_FOLDED] = {400, "a header field is folded"},
    [ML_HTTP_BAD_NAME] = {400, "the name of a header field is malformed"},
    [ML_HTTP_BAD_VALUE] = {400, "a header field has control characters"},
    [ML_HTTP_HOST_MISSING] = {400, "the host is missing"},
    [ML_HTTP_HOST_TWICE] = {400, "there is more than one host"},
    [ML_HTTP_BAD_HOST] = {400, "the host is malformed"},
    [ML_HTTP_BAD_LENGTH] = {400, "the length is malformed"},
    [ML_HTTP_LENGTH_TWICE] = {400, "there is more than one length"},
    [ML_HTTP_LENGTH_AND_CODING] = {400, "there are a length and a coding"},
    [ML_HTTP_BAD_CODING] = {400, "the transfer coding does not end in chunks"},
    [ML_HTTP_OTHER_CODING] = {501, "the transfer coding is not known"},
    [ML_HTTP_OLD_CODING] = {400, "a transfer coding in HTTP/1.0"},
    [ML_HTTP_OTHER_EXPECT] = {417, "what is expected is not known"},
    [ML_HTTP_BAD_CHUNK] = {400, "a chunk is malformed"},
    [ML_HTTP_CHUNK_LONG] = {400, "the extensions of chunks are too long"},
    [ML_HTTP_BAD_TRAILER] = {400, "a trailer has no place behind the body"},
    [ML_HTTP_BODY_LONG] = {413, "the body is too long"},
    [ML_HTTP_CUT] = {400, "the connection ended in the midst of a message"},
};

int ml_http_fault_status(int fault)
{
    return fault >= 0 && fault < ML_HTTP_FAULTS ? faults[fault].status : 500;
}

const char *ml_http_fault_text(int fault)
{
    return fault >= 0 && fault < ML_HTTP_FAULTS ? faults[fault].text
                                                : "an unknown fault";
}
