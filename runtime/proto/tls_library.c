#include "proto/tls_library.h"

int ml_tls_library_open(struct ml_tls_library *library, const char **missing)
{
#define ROW(name) ML_LIBRARY_ROW(struct ml_tls_library, name)
    static const struct ml_symbol symbols[] = {
        ML_TLS_FUNCTIONS_OF_SSL(ROW) ML_TLS_FUNCTIONS_OF_CRYPTO(ROW){NULL, 0}};
    return ml_library_open(ML_TLS_LIBRARY, symbols, library, missing);
}
