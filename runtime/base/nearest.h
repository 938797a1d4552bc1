/* nearest.h - the known word that a mistyped one most resembles. */
#ifndef ML_BASE_NEAREST_H
#define ML_BASE_NEAREST_H

/* The word of the NULL-terminated list that is nearest to `word` by edit
 * distance (insertions, deletions, substitutions, and swaps of neighbours,
 * each 1), or NULL if none is near enough to be meant. Words longer than 32
 * bytes are compared by their first 32. */
const char *ml_nearest(const char *word, const char *const *known);

#endif
