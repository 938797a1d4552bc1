#include "proto/tls_session.h"

#include <string.h>

/* The slot of the key; else a free one, or the one used longest ago. */
static struct ml_tls_session *slot_for(struct ml_tls_sessions *table,
                                       const char *key)
{
    struct ml_tls_session *best = &table->slots[0];
    for (int i = 0; i < ML_TLS_SESSIONS_MAX; i++) {
        struct ml_tls_session *slot = &table->slots[i];
        if (slot->session != NULL && strcmp(slot->key, key) == 0) {
            return slot;
        }
        if (slot->used < best->used) {
            best = slot;
        }
    }
    return best;
}

static void slot_clear(struct ml_tls_session *slot,
                       const struct ml_tls_library *library)
{
    if (slot->session != NULL) {
        library->SSL_SESSION_free_(slot->session);
    }
    slot->session = NULL;
    slot->used = 0;
}

bool ml_tls_session_keep(struct ml_tls_sessions *table,
                         const struct ml_alloc *alloc,
                         const struct ml_tls_library *library, const char *key,
                         SSL_SESSION *session)
{
    size_t size = ML_TLS_SESSIONS_MAX * sizeof *table->slots;
    if (table->slots == NULL) {
        table->slots = ml_alloc_new(alloc, size);
        if (table->slots == NULL) {
            return false;
        }
        memset(table->slots, 0, size);
    }
    struct ml_tls_session *slot = slot_for(table, key);
    slot_clear(slot, library);
    slot->session = session;
    slot->used = ++table->count;
    memcpy(slot->key, key, strlen(key) + 1);
    return true;
}

SSL_SESSION *ml_tls_session_find(struct ml_tls_sessions *table,
                                 const struct ml_tls_library *library,
                                 const char *key)
{
    if (table->slots == NULL) {
        return NULL;
    }
    struct ml_tls_session *slot = slot_for(table, key);
    if (slot->session == NULL || strcmp(slot->key, key) != 0) {
        return NULL;
    }
    if (library->SSL_SESSION_is_resumable_(slot->session) == 0) {
        slot_clear(slot, library);
        return NULL;
    }
    slot->used = ++table->count;
    return slot->session;
}

void ml_tls_session_term(struct ml_tls_sessions *table,
                         const struct ml_alloc *alloc,
                         const struct ml_tls_library *library)
{
    if (table->slots == NULL) {
        return;
    }
    for (int i = 0; i < ML_TLS_SESSIONS_MAX; i++) {
        slot_clear(&table->slots[i], library);
    }
    ml_alloc_free(alloc, table->slots,
                  ML_TLS_SESSIONS_MAX * sizeof *table->slots);
    table->slots = NULL;
}
