#include "base/nearest.h"

#include <stddef.h>
#include <string.h>

enum {
    WORD_MAX = 32
};

static int least(int a, int b, int c)
{
    int m = a < b ? a : b;
    return m < c ? m : c;
}

static size_t word_length(const char *word)
{
    size_t n = strlen(word);
    return n < WORD_MAX ? n : WORD_MAX;
}

/* Optimal string alignment (Damerau 1964; Wagner and Fischer 1974): three
 * rows of the table are enough, the third for the swap of two neighbours. */
int ml_nearest_distance(const char *a, const char *b)
{
    size_t na = word_length(a);
    size_t nb = word_length(b);
    int rows[3][WORD_MAX + 1];
    int *before = rows[0];
    int *above = rows[1];
    int *row = rows[2];
    for (size_t j = 0; j <= nb; j++) {
        above[j] = (int)j;
    }
    for (size_t i = 1; i <= na; i++) {
        row[0] = (int)i;
        for (size_t j = 1; j <= nb; j++) {
            int differ = a[i - 1] != b[j - 1];
            row[j] = least(above[j] + 1, row[j - 1] + 1, above[j - 1] + differ);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
                a[i - 2] == b[j - 1] && before[j - 2] + 1 < row[j]) {
                row[j] = before[j - 2] + 1;
            }
        }
        int *spare = before;
        before = above;
        above = row;
        row = spare;
    }
    return above[nb];
}

const char *ml_nearest(const char *word, const char *const *known)
{
    const char *best = NULL;
    int limit = (int)word_length(word) / 3 + 1; /* one slip in three letters */
    for (; *known != NULL; known++) {
        int distance = ml_nearest_distance(word, *known);
        if (distance <= limit) {
            best = *known;
            limit = distance - 1;
        }
    }
    return best;
}
