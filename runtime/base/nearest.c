#include "base/nearest.h"

#include <stdbool.h>
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

/* True if the letters at `a` are those before and at `b`, the j-th, swapped. */
static int swapped(const char *a, const char *b, size_t j)
{
    return j > 1 && a[0] == b[0] && a[1] == b[-1];
}

/* Row `i` of the table: the distances of the first i letters of `a` to the
 * beginnings of `b`, from the two rows before. */
static void fill_row(int rows[3][WORD_MAX + 1], size_t i, const char *a,
                     const char *b)
{
    int *row = rows[i % 3];
    const int *above = rows[(i + 2) % 3];
    const int *before = rows[(i + 1) % 3];
    row[0] = (int)i;
    for (size_t j = 1; j <= word_length(b); j++) {
        int differ = a[i - 1] != b[j - 1];
        row[j] = least(above[j] + 1, row[j - 1] + 1, above[j - 1] + differ);
        if (i > 1 && swapped(a + i - 2, b + j - 1, j)) {
            row[j] = least(row[j], before[j - 2] + 1, row[j]);
        }
    }
}

/* Optimal string alignment (Damerau 1964; Wagner and Fischer 1974): three
 * rows of the table are enough, the third for the swap of two neighbours. */
static int word_distance(const char *a, const char *b)
{
    size_t na = word_length(a);
    size_t nb = word_length(b);
    int rows[3][WORD_MAX + 1];
    for (size_t j = 0; j <= nb; j++) {
        rows[0][j] = (int)j;
    }
    for (size_t i = 1; i <= na; i++) {
        fill_row(rows, i, a, b);
    }
    return rows[na % 3][nb];
}

static size_t common_start(const char *a, const char *b)
{
    size_t n = 0;
    while (a[n] != '\0' && a[n] == b[n]) {
        n++;
    }
    return n;
}

/* Of two at the same distance, whether to take `a`: the names may come in any
 * order, but the answer is to be always the same. */
static bool nearer(const char *word, const char *a, const char *b)
{
    size_t na = common_start(word, a);
    size_t nb = common_start(word, b);
    return na != nb ? na > nb : strcmp(a, b) < 0;
}

const char *ml_nearest(const char *word, const char *const *known)
{
    const char *best = NULL;
    int limit = (int)word_length(word) / 3 + 1; /* one slip in three letters */
    for (; *known != NULL; known++) {
        int distance = word_distance(word, *known);
        if (distance < limit ||
            (distance == limit &&
             (best == NULL || nearer(word, *known, best)))) {
            best = *known;
            limit = distance;
        }
    }
    return best;
}
