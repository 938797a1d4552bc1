/* Addresses as users write them: taken apart, made into what the kernel takes,
 * written again, and read back. */
#include "fuzz.h"
#include "net/address.h"

/* What was written is read back as the same. */
static void check_format(const struct ml_address *address)
{
    char text[ML_ADDRESS_TEXT_SIZE];
    struct ml_endpoint endpoint;
    struct ml_address again;
    const char *why = NULL;
    size_t n = ml_address_format(address, text, sizeof text);

    FUZZ_CHECK(n < sizeof text && strlen(text) == n);
    if (strcmp(text, "unix:") == 0) {
        return;
    }
    FUZZ_CHECK(ml_endpoint_parse(&endpoint, text, n, &why) == 0);
    FUZZ_CHECK(ml_address_numeric(&endpoint, false, &again) == 0);
    FUZZ_CHECK(ml_address_equal(address, &again) ||
               ml_address_family(address) != ml_address_family(&again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ml_endpoint endpoint;
    struct ml_address address;
    const char *why = NULL;
    char *text = fuzz_copy(data, size);

    if (ml_endpoint_parse(&endpoint, text, size, &why) != 0) {
        FUZZ_CHECK(why != NULL);
    } else if (ml_address_numeric(&endpoint, (size & 1) != 0, &address) == 0) {
        check_format(&address);
        ml_address_map(&address);
        check_format(&address);
    }
    free(text);
    return 0;
}
